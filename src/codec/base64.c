#include "codec/base64.h"

#include "base/text.h"

static int digit_value(uint8_t c)
{
	if (bw_is_upper(c))
		return c - 'A';
	if (bw_is_lower(c))
		return c - 'a' + 26;
	if (bw_is_digit(c))
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* Four characters, of which the last `pad` are '='. */
static enum bw_err decode_group(const uint8_t *in, size_t pad, uint8_t out[3])
{
	uint32_t bits = 0;

	for (size_t i = 0; i < 4; i++) {
		const int value = i < 4 - pad ? digit_value(in[i]) : 0;

		BW_NEED(value >= 0, SYNTAX);
		bits = bits << 6 | (uint32_t)value;
	}
	out[0] = (uint8_t)(bits >> 16);
	out[1] = (uint8_t)(bits >> 8);
	out[2] = (uint8_t)bits;
	for (size_t i = 3 - pad; i < 3; i++)
		BW_NEED(out[i] == 0, SYNTAX);
	return BW_OK;
}

static size_t padding_of(struct bw_slice text)
{
	if (text.len == 0 || text.ptr[text.len - 1] != '=')
		return 0;
	return text.ptr[text.len - 2] == '=' ? 2 : 1;
}

enum bw_err bw_base64_decode(struct bw_slice text, uint8_t *out, size_t out_max, size_t *out_len)
{
	size_t pad;
	size_t done = 0;

	BW_NEED(text.len % 4 == 0, SYNTAX);
	pad = padding_of(text);
	BW_NEED(text.len / 4 * 3 - pad <= out_max, TOO_BIG);
	for (size_t i = 0; i < text.len; i += 4) {
		const size_t group_pad = i + 4 == text.len ? pad : 0;
		uint8_t group[3];

		BW_TRY(decode_group(text.ptr + i, group_pad, group));
		memcpy(out + done, group, 3 - group_pad);
		done += 3 - group_pad;
	}
	*out_len = done;
	return BW_OK;
}

enum bw_err bw_base64_add(struct bw_buf *out, struct bw_slice bytes)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	BW_TRY(bw_buf_reserve(out, (bytes.len + 2) / 3 * 4));
	for (size_t i = 0; i < bytes.len; i += 3) {
		const size_t have = bytes.len - i < 3 ? bytes.len - i : 3;
		const uint32_t bits = (uint32_t)bytes.ptr[i] << 16 | (have > 1 ? (uint32_t)bytes.ptr[i + 1] << 8 : 0) |
				      (have > 2 ? bytes.ptr[i + 2] : 0);
		const uint8_t group[4] = {
			(uint8_t)digits[bits >> 18],
			(uint8_t)digits[bits >> 12 & 63],
			have > 1 ? (uint8_t)digits[bits >> 6 & 63] : '=',
			have > 2 ? (uint8_t)digits[bits & 63] : '=',
		};

		BW_TRY(bw_buf_add(out, bw_slice_of(group, sizeof(group))));
	}
	return BW_OK;
}
