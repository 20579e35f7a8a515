/*
 * STIX patterns (STIX 2.1 §9; STIX 2.0 part 5): parsed into a tree that the
 * hunt can evaluate at conformance level 3, or only checked, without memory,
 * at the door. Pure.
 *
 * Refused is what the text forbids or the grammar does not know, with the byte
 * offset and a plain reason. What parses but breaks a rule of its meaning (it
 * can never match, say) is accepted with a remark.
 *
 *   SYNTAX     not a pattern
 *   DUPLICATE  a qualifier of one kind twice on one [ ] (§9.5.1; 2.1 only)
 *   RANGE      a number, timestamp or hash that cannot be
 *   TOO_BIG    longer than BW_PATTERN_BYTES_MAX
 *   TOO_MANY   more than BW_PATTERN_NODES_MAX expressions, steps and constants
 *   TOO_DEEP   parentheses nested deeper than BW_PATTERN_DEPTH_MAX
 *   MEMORY     the arena is spent
 */
#ifndef BW_INTEL_PATTERN_H
#define BW_INTEL_PATTERN_H

#include "base/arena.h"

enum {
	BW_PATTERN_BYTES_MAX = 1024 * 1024, /* block lists come as one OR of thousands of addresses */
	BW_PATTERN_NODES_MAX = 131072,      /* ten to a comparison in such a list */
	BW_PATTERN_DEPTH_MAX = 64,          /* people write three; each level costs stack */
};

enum bw_pattern_version {
	BW_PATTERN_2_0, /* START and STOP take strings as well; qualifiers may repeat; no EXISTS */
	BW_PATTERN_2_1,
};

/* Accepted, but worth telling the author: bits of bw_pattern.remarks. */
enum bw_pattern_remark {
	BW_PATTERN_MIXED_AND = 1,          /* AND joins different object types: never matches (§9.5) */
	BW_PATTERN_MIXED_SET = 2,          /* IN with constants of several types (§9.6.1) */
	BW_PATTERN_NO_SUCH_DAY = 4,        /* a day its month does not have, e.g. 31 April */
	BW_PATTERN_REPEATED_QUALIFIER = 8, /* twice the same kind on one parenthesis (§9.5.1) */
	BW_PATTERN_EMPTY_WINDOW = 16,      /* STOP is not after START: never matches */
	BW_PATTERN_UNSAFE_INTEGER = 32,    /* beyond 2^53 - 1 (§2.9) */
	BW_PATTERN_NEGATIVE_INDEX = 64,    /* a list index below 0: never matches (§9.7.2) */
};

/* Plain words for one remark; a static string. */
const char *bw_pattern_remark_text(enum bw_pattern_remark remark);

/* Constants (§9.2) */

enum bw_pattern_value_kind {
	BW_PATTERN_STRING,
	BW_PATTERN_INTEGER,
	BW_PATTERN_FLOAT,
	BW_PATTERN_BOOLEAN,
	BW_PATTERN_HEX,
	BW_PATTERN_BINARY,
	BW_PATTERN_TIMESTAMP,
};

struct bw_pattern_value {
	enum bw_pattern_value_kind kind;
	uint32_t offset;       /* of the constant in the pattern */
	struct bw_slice text;  /* as written, without prefix and quotes */
	struct bw_slice bytes; /* STRING: escapes resolved; HEX, BINARY: decoded; else as text */
	union {
		int64_t integer;
		double number; /* FLOAT */
		bool truth;
		struct {
			int64_t seconds; /* since 1970; a leap second is the second after it */
			uint32_t nanos;  /* further digits are cut */
		} time;
	} as;
};

/* Object paths (§9.7) */

enum bw_pattern_step_kind {
	BW_PATTERN_KEY,   /* .name or .'quoted name' */
	BW_PATTERN_INDEX, /* [3] */
	BW_PATTERN_EVERY, /* [*] */
};

struct bw_pattern_step {
	enum bw_pattern_step_kind kind;
	struct bw_slice key; /* KEY: escapes resolved */
	int64_t index;       /* INDEX */
	struct bw_pattern_step *next;
};

struct bw_pattern_path {
	struct bw_slice type;          /* e.g. "ipv4-addr" */
	struct bw_pattern_step *steps; /* the first is always a key */
};

/* Comparisons (§9.6) */

enum bw_pattern_op {
	BW_PATTERN_EQ,
	BW_PATTERN_NE,
	BW_PATTERN_LT,
	BW_PATTERN_LE,
	BW_PATTERN_GT,
	BW_PATTERN_GE,
	BW_PATTERN_IN,
	BW_PATTERN_LIKE,
	BW_PATTERN_MATCHES,
	BW_PATTERN_ISSUBSET,
	BW_PATTERN_ISSUPERSET,
	BW_PATTERN_EXISTS,
};

struct bw_pattern_test {
	enum bw_pattern_op op;
	bool negated; /* NOT stands before the operator */
	struct bw_pattern_path path;
	size_t values_n; /* EXISTS: 0; IN: any number; else 1 */
	struct bw_pattern_value *values;
	struct bw_pattern_test *next; /* all tests of a pattern, in reading order */
};

/* Expressions (§9.5): n-ary, children left to right */

enum bw_pattern_node_kind {
	BW_PATTERN_TEST, /* a comparison */
	BW_PATTERN_AND,  /* comparisons, inside [ ] */
	BW_PATTERN_OR,
	BW_PATTERN_OBSERVATION, /* [ ]; one child */
	BW_PATTERN_OBS_AND,     /* observations */
	BW_PATTERN_OBS_OR,
	BW_PATTERN_FOLLOWEDBY,
};

enum bw_pattern_qualifier_kind {
	BW_PATTERN_WITHIN,
	BW_PATTERN_REPEATS,
	BW_PATTERN_START_STOP,
};

struct bw_pattern_qualifier {
	enum bw_pattern_qualifier_kind kind;
	uint64_t window_ns; /* WITHIN, > 0; at most UINT64_MAX (584 years) */
	uint64_t times;     /* REPEATS, > 0 */
	struct bw_pattern_value start;
	struct bw_pattern_value stop;      /* both TIMESTAMP */
	struct bw_pattern_qualifier *next; /* the next one to the right applies to all of this */
};

struct bw_pattern_node {
	enum bw_pattern_node_kind kind;
	uint32_t offset;
	struct bw_pattern_test *test;            /* TEST */
	struct bw_pattern_node *children;        /* else: the first */
	struct bw_pattern_node *next;            /* sibling */
	struct bw_pattern_qualifier *qualifiers; /* observations only; innermost first */
};

struct bw_pattern {
	struct bw_pattern_node *root; /* an observation, or several joined */
	struct bw_pattern_test *tests;
	unsigned remarks; /* enum bw_pattern_remark, or'ed */
};

/*
 * Parses `text`, which must be UTF-8 and outlive the result: slices borrow from
 * it where nothing had to be decoded. The tree stands in `arena`: some ten bytes
 * for a byte of pattern, a hundred in a list of one-digit numbers. `fault` may
 * be NULL.
 */
BW_MUST_USE enum bw_err bw_pattern_parse(struct bw_slice text, enum bw_pattern_version version, struct bw_arena *arena,
					 struct bw_pattern **out, struct bw_fault *fault);

/*
 * The same verdict (but for MEMORY) and remarks without a tree and without
 * memory. `remarks` may be NULL.
 */
BW_MUST_USE enum bw_err bw_pattern_check(struct bw_slice text, enum bw_pattern_version version, unsigned *remarks,
					 struct bw_fault *fault);

/*
 * Walks the pairs of object path and constant that the pattern asks to be
 * equal: each = and each member of IN, without NOT. What an index of values
 * needs. Start with { pattern->tests, 0 }; true while there is another.
 */
struct bw_pattern_walk {
	const struct bw_pattern_test *test;
	size_t value;
};

bool bw_pattern_next_equal(struct bw_pattern_walk *walk, const struct bw_pattern_path **path,
			   const struct bw_pattern_value **value);

/* The last key of a path, e.g. "value" of ipv4-addr:value, "MD5" of file:hashes.MD5. */
struct bw_slice bw_pattern_path_last_key(const struct bw_pattern_path *path);

/*
 * Writes a path, or a whole pattern, in one fixed spelling: single blanks, no
 * comments, parentheses only where needed. Two patterns that differ in nothing
 * but spelling come out the same; what comes out parses to the same tree.
 */
BW_MUST_USE enum bw_err bw_pattern_path_write(const struct bw_pattern_path *path, struct bw_buf *out);
BW_MUST_USE enum bw_err bw_pattern_write(const struct bw_pattern *pattern, struct bw_buf *out);

#endif
