/*
 * What an indicator (STIX 2.1 §4.7) says exactly: values any one of which, seen, is what it is about. For who
 * matches by looking up and not by evaluating patterns: the guard, and the quick half of a hunt.
 *
 * Exact are `=` and IN of the properties below, alone or joined by OR, and LIKE '%.ending' of a file's name. A
 * comparison that asks for something else beside it (AND, FOLLOWEDBY, a qualifier), that stands under NOT, or that
 * means more than one value (a network, a wildcard) is not exact: it is left out, and counted.
 */
#ifndef BW_INTEL_INDICATOR_H
#define BW_INTEL_INDICATOR_H

#include "base/bytes.h"

/* code, word, what the pattern compares. The words are part of files: append, never reorder. */
#define BW_TRAIT_ROWS(X)                                                          \
	X(NAME, "name", "a file's name, in lower case")                           \
	X(ENDING, "ending", "what follows a dot in a file's name, lower")         \
	X(ADDRESS, "address", "an IPv4 or IPv6 address, as the system writes it") \
	X(DOMAIN, "domain", "a domain name, in lower case")                       \
	X(URL, "url", "a URL, byte for byte")                                     \
	X(SHA256, "sha256", "of a file's content, hexadecimal, lower")            \
	X(SHA1, "sha1", "the same")                                               \
	X(MD5, "md5", "the same")                                                 \
	X(LOGIN, "login", "the name of an account")                               \
	X(HARM, "harm", "how files are destroyed (docs/guard-verdict.md)")

enum bw_trait {
	BW_TRAIT_NONE,
#define X(name, word, what) BW_TRAIT_##name,
	BW_TRAIT_ROWS(X)
#undef X
		BW_TRAIT_COUNT
};

enum {
	BW_INDICATOR_VALUES_MAX = 256, /* a block list in one pattern; the rest is counted */
	BW_TRAIT_VALUE_BYTES = 255,    /* a file's name can be no longer */
};

struct bw_trait_value {
	enum bw_trait trait;
	struct bw_slice text; /* 1..BW_TRAIT_VALUE_BYTES, no control characters */
};

struct bw_indicator {
	struct bw_slice id;
	struct bw_slice name; /* may be empty */
	int64_t modified_us;
	int64_t from_us;
	int64_t until_us; /* INT64_MAX: nobody has said */
	bool is_revoked;
	uint8_t confidence; /* 0..100; 50 when nobody has said */
	size_t left_out;
	size_t value_count;
	const struct bw_trait_value *values;
};

const char *bw_trait_word(enum bw_trait trait);
enum bw_trait bw_trait_of(struct bw_slice word); /* NONE: no such word */

/* The memory of reading, used again and again. MEMORY, CRYPTO. */
struct bw_indicator_reader;

BW_MUST_USE enum bw_err bw_indicator_reader_new(struct bw_indicator_reader **out);
void bw_indicator_reader_free(struct bw_indicator_reader *reader); /* NULL is fine */

/*
 * Checks one object (intel/object.h) and reads it when it is an indicator. `out` borrows from the reader until its next
 * call. TYPE: another type of object, or a pattern that is not STIX's; SCHEMA: it breaks the standard; MEMORY: also a
 * pattern that is larger than any honest one; CRYPTO.
 */
BW_MUST_USE enum bw_err bw_indicator_read(struct bw_indicator_reader *reader, struct bw_slice json,
					  struct bw_indicator *out);

#endif
