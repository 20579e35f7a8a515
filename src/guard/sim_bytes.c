#include "base/text.h"
#include "codec/base64.h"
#include "guard/sim_parts.h"

/* The stored stream from a place that differs by file, round and offset. */
static uint8_t key_at(const uint8_t key[SIM_KEY_BYTES], uint64_t salt, uint64_t at)
{
	/* each 64 KiB of a file starts elsewhere in the stream, so that large files do not repeat */
	return key[(at + salt + (at >> 16) * 40503U) % SIM_KEY_BYTES];
}

/* Letters become other letters and digits other digits: text stays text. */
static uint8_t shift_letter(uint8_t c, uint8_t by)
{
	if (bw_is_lower(c))
		return (uint8_t)('a' + (c - 'a' + by) % 26);
	if (bw_is_upper(c))
		return (uint8_t)('A' + (c - 'A' + by) % 26);
	if (bw_is_digit(c))
		return (uint8_t)('0' + (c - '0' + by) % 10);
	return c;
}

void sim_code_bytes(const uint8_t key[SIM_KEY_BYTES], enum sim_code code, uint64_t salt, uint64_t at, uint8_t *bytes,
		    size_t len)
{
	for (size_t n = 0; n < len; n++) {
		const uint8_t k = key_at(key, salt, at + n);

		if (code == SIM_LETTERS)
			bytes[n] = shift_letter(bytes[n], (uint8_t)(1 + k % 9));
		else if (code == SIM_RANDOM_BYTES)
			bytes[n] = k;
		else
			bytes[n] ^= k;
	}
}

/* Text between the pieces lowers what a measure of randomness sees. */
static enum bw_err add_padded(struct bw_slice in, uint64_t salt, struct bw_buf *out)
{
	struct sim_dice dice = sim_dice_of(salt, 5);

	for (size_t at = 0; at < in.len; at += 512) {
		BW_TRY(bw_buf_add(out, bw_slice_sub(in, at, 512)));
		BW_TRY(sim_make_text(&dice, 512, out));
	}
	return BW_OK;
}

enum bw_err sim_code_whole(const uint8_t key[SIM_KEY_BYTES], enum sim_code code, uint64_t salt, struct bw_slice in,
			   struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf coded = BW_BUF_INIT(2 * (size_t)SIM_CONTENT_MAX);

	BW_TRY(bw_buf_add(&coded, in));
	if (coded.len > 0)
		sim_code_bytes(key, code, salt, 0, coded.ptr, coded.len);
	if (code == SIM_BASE64)
		return bw_base64_add(out, bw_buf_slice(&coded));
	if (code == SIM_PADDED)
		return add_padded(bw_buf_slice(&coded), salt, out);
	if (code != SIM_HEX)
		return bw_buf_add(out, bw_buf_slice(&coded));
	BW_TRY(bw_buf_reserve(out, 2 * coded.len + 1));
	bw_hex_encode(bw_buf_slice(&coded), (char *)out->ptr + out->len);
	out->len += 2 * coded.len;
	return BW_OK;
}
