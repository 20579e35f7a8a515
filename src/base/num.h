/*
 * Checked arithmetic: sizes that come from outside go through here.
 * OVERFLOW when the result does not fit; `out` untouched then.
 */
#ifndef BW_BASE_NUM_H
#define BW_BASE_NUM_H

#include "base/bytes.h"

BW_MUST_USE static inline enum bw_err bw_add(size_t a, size_t b, size_t *out)
{
	size_t sum;

	BW_NEED(!__builtin_add_overflow(a, b, &sum), OVERFLOW);
	*out = sum;
	return BW_OK;
}

BW_MUST_USE static inline enum bw_err bw_mul(size_t a, size_t b, size_t *out)
{
	size_t product;

	BW_NEED(!__builtin_mul_overflow(a, b, &product), OVERFLOW);
	*out = product;
	return BW_OK;
}

BW_MUST_USE static inline enum bw_err bw_to_u32(uint64_t value, uint32_t *out)
{
	BW_NEED(value <= UINT32_MAX, OVERFLOW);
	*out = (uint32_t)value;
	return BW_OK;
}

/* Decimal digits only, no sign, no blanks, at least one digit. SYNTAX, OVERFLOW. */
BW_MUST_USE enum bw_err bw_parse_u64(struct bw_slice text, uint64_t *out);

/* As above with an optional leading '-'. */
BW_MUST_USE enum bw_err bw_parse_i64(struct bw_slice text, int64_t *out);

#endif
