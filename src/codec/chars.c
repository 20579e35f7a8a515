#include "codec/chars.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define T BW_CHAR_TOKEN
#define V BW_CHAR_VALUE
#define G BW_CHAR_TARGET
#define H BW_CHAR_HOST
#define Q BW_CHAR_QUOTED
#define P BW_CHAR_PLAIN

const uint8_t bw_char_classes[256] = {
	['\t'] = V | Q,
	[' '] = V | Q | P,
	['!'] = T | V | G | H | Q | P,
	['"'] = V | G | P,
	['#'] = T | V | Q | P,
	['$'] = T | V | G | H | Q | P,
	['%'] = T | V | G | H | Q,
	['&'] = T | V | G | H | Q | P,
	['\''] = T | V | G | H | Q | P,
	['('] = V | G | H | Q | P,
	[')'] = V | G | H | Q | P,
	['*'] = T | V | G | H | Q | P,
	['+'] = T | V | G | H | Q | BW_CHAR_PLUS,
	[','] = V | G | H | Q | P,
	['-'] = T | V | G | H | Q | P,
	['.'] = T | V | G | H | Q | P,
	['/'] = V | G | Q | P,
	['0' ... '9'] = T | V | G | H | Q | P,
	[':'] = V | G | H | Q | P,
	[';'] = V | G | H | Q | P,
	['<'] = V | G | Q | P,
	['='] = V | G | H | Q | P,
	['>'] = V | G | Q | P,
	['?'] = V | G | Q | P,
	['@'] = V | G | Q | P,
	['A' ... 'Z'] = T | V | G | H | Q | P,
	['['] = V | G | H | Q | P,
	['\\'] = V | G | P,
	[']'] = V | G | H | Q | P,
	['^'] = T | V | G | Q | P,
	['_'] = T | V | G | H | Q | P,
	['`'] = T | V | G | Q | P,
	['a' ... 'z'] = T | V | G | H | Q | P,
	['{'] = V | G | Q | P,
	['|'] = T | V | G | Q | P,
	['}'] = V | G | Q | P,
	['~'] = T | V | G | H | Q | P,
	[0x80 ... 0xff] = V | Q,
};

/*
 * Skips whole blocks without control characters. A tab ends the quick run; the
 * byte loop then steps over it, and tabs are rare.
 */
static size_t skip_blocks(struct bw_slice text, size_t from)
{
	size_t i = from;

#ifdef __SSE2__
	const __m128i top_control = _mm_set1_epi8(0x1f);
	const __m128i delete = _mm_set1_epi8(0x7f);

	while (text.len - i >= 16) {
		const __m128i block = _mm_loadu_si128((const __m128i *)(const void *)&text.ptr[i]);
		const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(block, top_control), block);
		const int stops = _mm_movemask_epi8(_mm_or_si128(control, _mm_cmpeq_epi8(block, delete)));

		if (stops != 0)
			return i + (size_t)__builtin_ctz((unsigned)stops);
		i += 16;
	}
#endif
	return i;
}

size_t bw_char_span_value(struct bw_slice text, size_t from)
{
	return bw_char_span(text, skip_blocks(text, from), BW_CHAR_VALUE);
}
