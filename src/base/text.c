#include "base/text.h"

/* One more than the digit says; 0: it is none. */
static const uint8_t hex_digits[256] = {
	['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
	['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
	['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

int bw_hex_value(uint8_t c)
{
	return (int)hex_digits[c] - 1;
}

void bw_hex_encode(struct bw_slice bytes, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < bytes.len; i++) {
		out[2 * i] = digits[bytes.ptr[i] >> 4];
		out[2 * i + 1] = digits[bytes.ptr[i] & 15];
	}
	out[2 * bytes.len] = 0;
}

enum bw_err bw_hex_decode(struct bw_slice text, uint8_t *out, size_t out_len)
{
	BW_NEED(text.len == 2 * out_len, SYNTAX);
	for (size_t i = 0; i < text.len; i++)
		BW_NEED(hex_digits[text.ptr[i]] != 0, SYNTAX);
	for (size_t i = 0; i < out_len; i++)
		out[i] = (uint8_t)((hex_digits[text.ptr[2 * i]] - 1) * 16 + hex_digits[text.ptr[2 * i + 1]] - 1);
	return BW_OK;
}

static bool is_tail(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

/* Length of the well-formed sequence at the start of `rest`, or 0. */
static size_t sequence_length(struct bw_slice rest)
{
	const uint8_t *p = rest.ptr;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		return rest.len >= 2 && is_tail(p[1]) ? 2 : 0;
	if (p[0] >= 0xe0 && p[0] <= 0xef) {
		const uint8_t low = p[0] == 0xe0 ? 0xa0 : 0x80;
		const uint8_t high = p[0] == 0xed ? 0x9f : 0xbf;

		return rest.len >= 3 && p[1] >= low && p[1] <= high && is_tail(p[2]) ? 3 : 0;
	}
	if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		const uint8_t low = p[0] == 0xf0 ? 0x90 : 0x80;
		const uint8_t high = p[0] == 0xf4 ? 0x8f : 0xbf;

		return rest.len >= 4 && p[1] >= low && p[1] <= high && is_tail(p[2]) && is_tail(p[3]) ? 4 : 0;
	}
	return 0;
}

/* Bytes from `i` on that are ASCII, in steps of eight: most text is, nearly throughout. */
static size_t ascii_run(struct bw_slice text, size_t i)
{
	const size_t from = i;
	uint64_t word;

	for (; text.len - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, text.ptr + i, sizeof(word));
		if ((word & 0x8080808080808080u) != 0)
			break;
	}
	return i - from;
}

bool bw_utf8_is_valid(struct bw_slice text, size_t *at)
{
	size_t i = 0;

	while ((i += ascii_run(text, i)) < text.len) {
		const size_t step = sequence_length(bw_slice_from(text, i));

		if (step == 0) {
			if (at != NULL)
				*at = i;
			return false;
		}
		i += step;
	}
	return true;
}

static enum bw_err escape_one(struct bw_buf *out, uint8_t c)
{
	switch (c) {
	case '\n':
		return bw_buf_add_text(out, "\\n");
	case '\t':
		return bw_buf_add_text(out, "\\t");
	case '"':
		return bw_buf_add_text(out, "\\\"");
	case '\\':
		return bw_buf_add_text(out, "\\\\");
	default:
		return bw_buf_addf(out, "\\x%02x", c);
	}
}

enum bw_err bw_text_escape(struct bw_buf *out, struct bw_slice text)
{
	size_t i = 0;

	while (i < text.len) {
		const uint8_t c = text.ptr[i];
		const size_t step = sequence_length(bw_slice_from(text, i));
		/* C1 controls (U+0080..9F) steer terminals as much as C0 ones do */
		const bool plain = step > 1 ? !(c == 0xc2 && text.ptr[i + 1] < 0xa0)
					    : step == 1 && c >= 0x20 && c != 0x7f && c != '"' && c != '\\';

		if (plain) {
			BW_TRY(bw_buf_add(out, bw_slice_sub(text, i, step)));
			i += step;
			continue;
		}
		BW_TRY(escape_one(out, c));
		i++;
	}
	return BW_OK;
}
