/*
 * What the two halves of the pattern parser share: observations and their
 * joints in pattern.c, paths and comparisons in pattern_compare.c.
 */
#ifndef BW_INTEL_PATTERN_PARSER_H
#define BW_INTEL_PATTERN_PARSER_H

#include "intel/pattern_lex.h"

/*
 * One parser serves two callers: with an arena it builds the tree, without one
 * bw_pattern_make hands out NULL and only the verdict and the remarks are left.
 */
struct bw_pattern_parser {
	struct bw_pattern_lexer lexer;
	struct bw_pattern_token token; /* the one to be read next */
	struct bw_arena *arena;        /* NULL: check only */
	struct bw_pattern_test *tests;
	struct bw_pattern_test **last_test;
	size_t nodes;
	unsigned depth;
	unsigned remarks;
};

/*
 * What an expression turned out to be. `type` is the object type that all its
 * comparisons start from, empty when there are several (joined by OR).
 */
struct bw_pattern_part {
	struct bw_pattern_node *node;
	struct bw_slice type;
};

/* Fills the fault with the place of the next token; returns `err`. */
enum bw_err bw_pattern_refuse(const struct bw_pattern_parser *p, enum bw_err err, const char *reason);

/* Steps over the next token, whatever it is, or only when it is of that kind. */
BW_MUST_USE enum bw_err bw_pattern_advance(struct bw_pattern_parser *p);
BW_MUST_USE enum bw_err bw_pattern_expect(struct bw_pattern_parser *p, enum bw_pattern_token_kind kind,
					  const char *reason);

/* Counts one thing of the tree, and makes it, zeroed, when there is a tree. TOO_MANY, MEMORY. */
void *bw_pattern_make(struct bw_pattern_parser *p, size_t size, enum bw_err *err);

/* One comparison; the next token is its first. */
BW_MUST_USE enum bw_err bw_pattern_take_test(struct bw_pattern_parser *p, struct bw_pattern_part *out);

#endif
