#include "codec/json_walk.h"

#include "base/text.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static size_t skip_space(struct bw_slice text, size_t at)
{
	while (at < text.len && bw_is_space(text.ptr[at]))
		at++;
	return at;
}

/* The next quote or backslash, sixteen bytes at a time where the machine can; text.len or beyond: none. */
static size_t next_mark(struct bw_slice text, size_t at)
{
#ifdef __SSE2__
	while (at + 16 <= text.len) {
		__m128i bytes;
		unsigned mask;

		memcpy(&bytes, text.ptr + at, sizeof(bytes));
		mask = (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
								_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))));
		if (mask != 0)
			return at + (unsigned)__builtin_ctz(mask);
		at += 16;
	}
#endif
	while (at < text.len && text.ptr[at] != '"' && text.ptr[at] != '\\')
		at++;
	return at;
}

/* `at` stands on the opening quote; `*out` behind the closing one. */
static enum bw_err skip_string(struct bw_slice text, size_t at, size_t *out)
{
	for (at = next_mark(text, at + 1); at < text.len; at = next_mark(text, at)) {
		if (text.ptr[at] == '"') {
			*out = at + 1;
			return BW_OK;
		}
		at += 2; /* a backslash and what it escapes */
	}
	return BW_ERR_TRUNCATED;
}

static bool is_scalar_char(uint8_t c)
{
	return bw_is_alnum(c) || c == '-' || c == '+' || c == '.';
}

static enum bw_err skip_scalar(struct bw_slice text, size_t at, size_t *out)
{
	const size_t from = at;

	while (at < text.len && is_scalar_char(text.ptr[at]))
		at++;
	BW_NEED(at > from, SYNTAX);
	*out = at;
	return BW_OK;
}

/* Brackets that are open, one bit each: 1 for '{'. */
struct nest {
	uint64_t bits[BW_JSON_WALK_DEPTH_MAX / 64];
	size_t depth;
};

static enum bw_err nest_bracket(struct nest *nest, uint8_t c)
{
	const bool curly = c == '{' || c == '}';
	uint64_t *word;
	uint64_t bit;

	if (c == '{' || c == '[') {
		BW_NEED(nest->depth < BW_JSON_WALK_DEPTH_MAX, TOO_DEEP);
		word = &nest->bits[nest->depth / 64];
		bit = UINT64_C(1) << (nest->depth % 64);
		*word = curly ? *word | bit : *word & ~bit;
		nest->depth++;
		return BW_OK;
	}
	nest->depth--;
	BW_NEED(((nest->bits[nest->depth / 64] >> (nest->depth % 64)) & 1) == curly, SYNTAX);
	return BW_OK;
}

/* A whole object or array, `at` on its first bracket. */
static enum bw_err skip_nested(struct bw_slice text, size_t at, size_t *out)
{
	struct nest nest = { .depth = 0 };

	do {
		if (at >= text.len)
			return BW_ERR_TRUNCATED;
		switch (text.ptr[at]) {
		case '"':
			BW_TRY(skip_string(text, at, &at));
			break;
		case '{':
		case '[':
		case '}':
		case ']':
			BW_TRY(nest_bracket(&nest, text.ptr[at]));
			at++;
			break;
		default:
			at++;
			break;
		}
	} while (nest.depth > 0);
	*out = at;
	return BW_OK;
}

static enum bw_err skip_value(struct bw_slice text, size_t at, size_t *out)
{
	BW_NEED(at < text.len, TRUNCATED);
	switch (text.ptr[at]) {
	case '"':
		return skip_string(text, at, out);
	case '{':
	case '[':
		return skip_nested(text, at, out);
	default:
		return skip_scalar(text, at, out);
	}
}

enum bw_err bw_json_walk_open(struct bw_slice text, struct bw_json_walk *out)
{
	const size_t at = skip_space(text, 0);

	BW_NEED(at < text.len, TRUNCATED);
	BW_NEED(text.ptr[at] == '{' || text.ptr[at] == '[', TYPE);
	*out = (struct bw_json_walk){
		.text = text,
		.at = at + 1,
		.close = text.ptr[at] == '{' ? '}' : ']',
		.first = true,
	};
	return BW_OK;
}

static enum bw_err end_walk(struct bw_json_walk *walk, size_t at, bool *more)
{
	BW_NEED(skip_space(walk->text, at) == walk->text.len, SYNTAX);
	walk->done = true;
	*more = false;
	return BW_OK;
}

static enum bw_err take_name(struct bw_slice text, size_t *at, struct bw_slice *name)
{
	size_t end;

	BW_NEED(*at < text.len, TRUNCATED);
	BW_NEED(text.ptr[*at] == '"', SYNTAX);
	BW_TRY(skip_string(text, *at, &end));
	*name = bw_slice_sub(text, *at + 1, end - *at - 2);
	end = skip_space(text, end);
	BW_NEED(end < text.len, TRUNCATED);
	BW_NEED(text.ptr[end] == ':', SYNTAX);
	*at = skip_space(text, end + 1);
	return BW_OK;
}

enum bw_err bw_json_walk_next(struct bw_json_walk *walk, struct bw_slice *name, struct bw_slice *value, bool *more)
{
	const struct bw_slice text = walk->text;
	size_t at = skip_space(text, walk->at);
	struct bw_slice found = bw_slice_empty;
	size_t end;

	if (walk->done) {
		*more = false;
		return BW_OK;
	}
	BW_NEED(at < text.len, TRUNCATED);
	if (text.ptr[at] == walk->close)
		return end_walk(walk, at + 1, more);
	if (!walk->first) {
		BW_NEED(text.ptr[at] == ',', SYNTAX);
		at = skip_space(text, at + 1);
	}
	if (walk->close == '}')
		BW_TRY(take_name(text, &at, &found));
	BW_TRY(skip_value(text, at, &end));
	*name = found;
	*value = bw_slice_sub(text, at, end - at);
	*more = true;
	walk->first = false;
	walk->at = end;
	return BW_OK;
}

/* ---- strings ------------------------------------------------------------ */

static enum bw_err add_code_point(struct bw_buf *out, uint32_t code)
{
	uint8_t bytes[4];
	size_t len;

	if (code < 0x80) {
		bytes[0] = (uint8_t)code;
		len = 1;
	} else if (code < 0x800) {
		bytes[0] = (uint8_t)(0xc0 | code >> 6);
		bytes[1] = (uint8_t)(0x80 | (code & 0x3f));
		len = 2;
	} else if (code < 0x10000) {
		bytes[0] = (uint8_t)(0xe0 | code >> 12);
		bytes[1] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
		bytes[2] = (uint8_t)(0x80 | (code & 0x3f));
		len = 3;
	} else {
		bytes[0] = (uint8_t)(0xf0 | code >> 18);
		bytes[1] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
		bytes[2] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
		bytes[3] = (uint8_t)(0x80 | (code & 0x3f));
		len = 4;
	}
	return bw_buf_add(out, bw_slice_of(bytes, len));
}

static enum bw_err take_hex4(struct bw_slice text, size_t at, uint32_t *out)
{
	uint8_t bytes[2];

	BW_TRY(bw_hex_decode(bw_slice_sub(text, at, 4), bytes, 2));
	*out = (uint32_t)bytes[0] << 8 | bytes[1];
	return BW_OK;
}

/* `at` stands behind "\u"; surrogates come in pairs or not at all (RFC 7493 2.1). */
static enum bw_err take_unicode(struct bw_slice text, size_t *at, struct bw_buf *out)
{
	uint32_t code;
	uint32_t low;

	BW_TRY(take_hex4(text, *at, &code));
	*at += 4;
	if (code >= 0xd800 && code < 0xe000) {
		BW_NEED(code < 0xdc00 && bw_slice_is(bw_slice_sub(text, *at, 2), "\\u"), SYNTAX);
		BW_TRY(take_hex4(text, *at + 2, &low));
		BW_NEED(low >= 0xdc00 && low < 0xe000, SYNTAX);
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
		*at += 6;
	}
	return add_code_point(out, code);
}

static enum bw_err take_escape(struct bw_slice text, size_t *at, struct bw_buf *out)
{
	static const char from[] = "\"\\/bfnrt";
	static const char to[] = "\"\\/\b\f\n\r\t";
	const uint8_t c = text.ptr[*at + 1]; /* a string token never ends in a lone backslash */
	const char *which = c == '\0' ? NULL : strchr(from, c);

	*at += 2;
	if (c == 'u')
		return take_unicode(text, at, out);
	BW_NEED(which != NULL, SYNTAX);
	return bw_buf_add_u8(out, (uint8_t)to[which - from]);
}

enum bw_err bw_json_walk_string(struct bw_slice value, struct bw_buf *out)
{
	struct bw_slice inside;

	BW_NEED(value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"', TYPE);
	inside = bw_slice_sub(value, 1, value.len - 2);
	BW_NEED(bw_utf8_is_valid(inside, NULL), UTF8);
	for (size_t at = 0; at < inside.len;) {
		size_t run = at;

		while (run < inside.len && inside.ptr[run] != '\\') {
			BW_NEED(inside.ptr[run] >= 0x20, SYNTAX);
			run++;
		}
		BW_TRY(bw_buf_add(out, bw_slice_sub(inside, at, run - at)));
		at = run;
		if (at + 1 < inside.len)
			BW_TRY(take_escape(inside, &at, out));
		else
			BW_NEED(at == inside.len, SYNTAX);
	}
	return BW_OK;
}
