/*
 * Constants of a STIX pattern: from their words to their values. Private to
 * the pattern parser.
 */
#ifndef BW_INTEL_PATTERN_VALUE_H
#define BW_INTEL_PATTERN_VALUE_H

#include "intel/pattern_lex.h"

/*
 * Reads a constant (token kind STRING..TIMESTAMP). `arena` NULL: only checks,
 * and leaves `bytes` empty. `remarks` gains what is odd. RANGE, MEMORY.
 */
BW_MUST_USE enum bw_err bw_pattern_value_read(const struct bw_pattern_token *token, struct bw_arena *arena,
					      struct bw_pattern_value *out, unsigned *remarks, struct bw_fault *fault);

/* A string token with its escapes resolved; borrows when it has none. MEMORY. */
BW_MUST_USE enum bw_err bw_pattern_unescape(const struct bw_pattern_token *token, struct bw_arena *arena,
					    struct bw_slice *out);

/* The number of an INTEGER or FLOAT token as nanoseconds, cut, saturating. */
uint64_t bw_pattern_nanoseconds(struct bw_slice text);

/*
 * False when `hash` cannot be a value of the algorithm called `name` ('SHA-256',
 * MD5, ...); names nobody knows pass.
 */
bool bw_pattern_hash_fits(struct bw_slice name, struct bw_slice hash);

#endif
