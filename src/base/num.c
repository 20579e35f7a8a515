#include "base/num.h"

#include "base/text.h"

enum bw_err bw_parse_u64(struct bw_slice text, uint64_t *out)
{
	uint64_t value = 0;

	BW_NEED(text.len > 0, SYNTAX);
	for (size_t i = 0; i < text.len; i++) {
		BW_NEED(bw_is_digit(text.ptr[i]), SYNTAX);
		BW_NEED(!__builtin_mul_overflow(value, 10U, &value), OVERFLOW);
		BW_NEED(!__builtin_add_overflow(value, (uint64_t)(text.ptr[i] - '0'), &value), OVERFLOW);
	}
	*out = value;
	return BW_OK;
}

enum bw_err bw_parse_i64(struct bw_slice text, int64_t *out)
{
	const bool negative = text.len > 0 && text.ptr[0] == '-';
	uint64_t size;

	BW_TRY(bw_parse_u64(bw_slice_from(text, negative ? 1 : 0), &size));
	BW_NEED(size <= (uint64_t)INT64_MAX + (negative ? 1U : 0U), OVERFLOW);
	*out = negative ? (int64_t)(0 - size) : (int64_t)size;
	return BW_OK;
}
