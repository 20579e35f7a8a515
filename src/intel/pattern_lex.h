/*
 * Words of a STIX pattern. Private to the pattern parser; in a header of its
 * own because lexer and parser each fill a file.
 */
#ifndef BW_INTEL_PATTERN_LEX_H
#define BW_INTEL_PATTERN_LEX_H

#include "intel/pattern.h"

enum bw_pattern_token_kind {
	TOK_END,
	TOK_LBRACK,
	TOK_RBRACK,
	TOK_LPAREN,
	TOK_RPAREN,
	TOK_COLON,
	TOK_DOT,
	TOK_COMMA,
	TOK_STAR,
	TOK_EQ, /* EQ..GE in the order of enum bw_pattern_op */
	TOK_NE,
	TOK_LT,
	TOK_LE,
	TOK_GT,
	TOK_GE,
	TOK_IN, /* IN..EXISTS likewise */
	TOK_LIKE,
	TOK_MATCHES,
	TOK_ISSUBSET,
	TOK_ISSUPERSET,
	TOK_EXISTS,
	TOK_STRING, /* STRING..TIMESTAMP in the order of enum bw_pattern_value_kind */
	TOK_INTEGER,
	TOK_FLOAT,
	TOK_BOOLEAN,
	TOK_HEX,
	TOK_BINARY,
	TOK_TIMESTAMP,
	TOK_NAME,        /* letters, digits, '_' */
	TOK_HYPHEN_NAME, /* the same with '-' */
	TOK_AND,
	TOK_OR,
	TOK_NOT,
	TOK_FOLLOWEDBY,
	TOK_WITHIN,
	TOK_SECONDS,
	TOK_REPEATS,
	TOK_TIMES,
	TOK_START,
	TOK_STOP,
};

struct bw_pattern_token {
	enum bw_pattern_token_kind kind;
	bool escaped; /* STRING: holds a backslash; BINARY: holds a line feed */
	size_t offset;
	struct bw_slice text; /* constants: without prefix and quotes */
};

struct bw_pattern_lexer {
	struct bw_slice in;
	size_t at;
	enum bw_pattern_version version;
	struct bw_fault *fault;
};

/* The next word; blanks and comments are stepped over. SYNTAX, RANGE. */
BW_MUST_USE enum bw_err bw_pattern_lex(struct bw_pattern_lexer *lexer, struct bw_pattern_token *out);

/* The text of a timestamp, "2014-01-13T07:03:17.5Z": shape and ranges, days to 31 in every month. */
bool bw_pattern_is_timestamp(struct bw_slice text);

#endif
