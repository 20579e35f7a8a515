#include "codec/json.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/text.h"

/* How many bytes from `p` hold no quote and no backslash; stops at `end`. */
static size_t plain_run(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *at = p;

#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"');
	const __m128i slash = _mm_set1_epi8('\\');

	for (; end - at >= 16; at += 16) {
		const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
		const unsigned hits = (unsigned)_mm_movemask_epi8(
			_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, slash)));

		if (hits != 0)
			return (size_t)(at - p) + (size_t)__builtin_ctz(hits);
	}
#endif
	while (at < end && *at != '"' && *at != '\\')
		at++;
	return (size_t)(at - p);
}

/* The length of the string token at `p`, quotes included. */
static size_t string_token(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *at = p + 1;

	for (;;) {
		at += plain_run(at, end);
		if (at >= end)
			return (size_t)(end - p);
		if (*at == '"')
			return (size_t)(at - p) + 1;
		at += end - at >= 2 ? 2 : 1;
	}
}

/* How many bytes from `p` are blanks; pretty-printed text has long runs of them. */
static size_t blank_run(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *at = p;

#ifdef __SSE2__
	const __m128i space = _mm_set1_epi8(' ');

	for (; end - at >= 16; at += 16) {
		const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
		/* between tokens nothing at or below a space can stand but a blank */
		const unsigned blanks = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(bytes, space), bytes));

		if (blanks != 0xffff)
			return (size_t)(at - p) + (size_t)__builtin_ctz(~blanks);
	}
#endif
	while (at < end && bw_is_space(*at))
		at++;
	return (size_t)(at - p);
}

enum bw_err bw_json_minify(struct bw_slice text, struct bw_buf *out)
{
	const uint8_t *at = text.ptr;
	const uint8_t *const end = at + text.len;
	uint8_t *to;

	BW_TRY(bw_buf_reserve(out, text.len)); /* it only gets shorter */
	to = out->ptr + out->len;
	while (at < end) {
		if (*at == '"') {
			const size_t len = string_token(at, end);

			memcpy(to, at, len);
			to += len;
			at += len;
		} else if (bw_is_space(*at)) {
			at += blank_run(at, end);
		} else {
			*to++ = *at++;
		}
	}
	out->len = (size_t)(to - out->ptr);
	out->ptr[out->len] = 0;
	return BW_OK;
}
