/*
 * Baseline JPEG (ITU-T T.81) of one grey component. The coefficients are rolled, not computed
 * from a picture: what comes out is a valid stream that every decoder shows as soft noise.
 */
#include "guard/sim_parts.h"

/* T.81 annex K.3: the usual tables, as counts of codes of each length and the values in order. */
static const uint8_t dc_counts[16] = { 0, 1, 5, 1, 1, 1, 1, 1, 1 };
static const uint8_t dc_values[12] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };
static const uint8_t ac_counts[16] = { 0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d };
static const uint8_t ac_values[162] = {
	0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71,
	0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72,
	0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x34, 0x35, 0x36, 0x37,
	0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59,
	0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83,
	0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3,
	0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3,
	0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
	0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
};

struct code {
	uint16_t bits;
	uint8_t len;
};

struct writer {
	struct bw_buf *out;
	struct code dc[256];
	struct code ac[256];
	uint32_t pending;
	unsigned count;
};

/* T.81 annex C: codes in order of length, then of the table. */
static void make_codes(const uint8_t counts[16], const uint8_t *values, struct code *codes)
{
	uint16_t next = 0;
	size_t at = 0;

	for (uint8_t len = 1; len <= 16; len++) {
		for (unsigned n = 0; n < counts[len - 1]; n++)
			codes[values[at++]] = (struct code){ next++, len };
		next = (uint16_t)(next << 1);
	}
}

static enum bw_err put_bits(struct writer *w, uint32_t bits, unsigned len)
{
	w->pending = (w->pending << len) | bits;
	w->count += len;
	while (w->count >= 8) {
		const uint8_t byte = (uint8_t)(w->pending >> (w->count - 8));

		BW_TRY(bw_buf_add_u8(w->out, byte));
		if (byte == 0xff) /* B.1.1.5: a stuffed zero, so that it is no marker */
			BW_TRY(bw_buf_add_u8(w->out, 0));
		w->count -= 8;
		w->pending &= (1U << w->count) - 1;
	}
	return BW_OK;
}

static enum bw_err put_code(struct writer *w, struct code code)
{
	return put_bits(w, code.bits, code.len);
}

/* A difference of small size, then coefficients that thin out as in a photograph. */
static enum bw_err put_block(struct writer *w, struct sim_dice *dice)
{
	const unsigned dc_size = (unsigned)sim_below(dice, 5);

	BW_TRY(put_code(w, w->dc[dc_size]));
	BW_TRY(put_bits(w, (uint32_t)sim_below(dice, UINT64_C(1) << dc_size), dc_size));
	for (unsigned k = 1; k < 64;) {
		const unsigned run = (unsigned)sim_below(dice, 1 + k / 4) & 15U;
		const unsigned size = 1 + (unsigned)sim_below(dice, 5) * (k < 20);

		if (k + run > 40 || sim_below(dice, 30) == 0)
			return put_code(w, w->ac[0]); /* end of block */
		BW_TRY(put_code(w, w->ac[run << 4 | size]));
		BW_TRY(put_bits(w, (uint32_t)sim_below(dice, UINT64_C(1) << size), size));
		k += run + 1;
	}
	return BW_OK;
}

static enum bw_err add_table(struct bw_buf *out, uint8_t which, const uint8_t counts[16], const uint8_t *values,
			     size_t count)
{
	BW_TRY(bw_buf_add(out, SIM_LITERAL("\xff\xc4")));
	BW_TRY(bw_buf_add_be16(out, (uint16_t)(19 + count)));
	BW_TRY(bw_buf_add_u8(out, which));
	BW_TRY(bw_buf_add(out, bw_slice_of(counts, 16)));
	return bw_buf_add(out, bw_slice_of(values, count));
}

static enum bw_err add_head(struct bw_buf *out, uint16_t width, uint16_t height)
{
	BW_TRY(bw_buf_add(out, SIM_LITERAL("\xff\xd8\xff\xe0\0\x10"
					   "JFIF\0\x01\x01\0\0\x01\0\x01\0\0")));
	BW_TRY(bw_buf_add(out, SIM_LITERAL("\xff\xdb\0\x43\0")));
	for (uint8_t n = 0; n < 64; n++)
		BW_TRY(bw_buf_add_u8(out, (uint8_t)(4 + n)));
	BW_TRY(bw_buf_add(out, SIM_LITERAL("\xff\xc0\0\x0b\x08")));
	BW_TRY(bw_buf_add_be16(out, height));
	BW_TRY(bw_buf_add_be16(out, width));
	BW_TRY(bw_buf_add(out, SIM_LITERAL("\x01\x01\x11\0")));
	BW_TRY(add_table(out, 0x00, dc_counts, dc_values, sizeof(dc_values)));
	BW_TRY(add_table(out, 0x10, ac_counts, ac_values, sizeof(ac_values)));
	return bw_buf_add(out, SIM_LITERAL("\xff\xda\0\x08\x01\x01\0\0\x3f\0"));
}

enum bw_err sim_make_jpeg(struct sim_dice *dice, size_t want, struct bw_buf *out)
{
	const uint32_t blocks = 1 + (uint32_t)(want / 24); /* about 24 bytes each */
	uint32_t across = 4;
	uint32_t down;
	struct writer w = { .out = out };

	while (across * across < blocks && across < 1024)
		across *= 2;
	down = blocks / across + 1;
	BW_NEED(down * 8 <= UINT16_MAX, TOO_BIG);
	BW_TRY(add_head(out, (uint16_t)(across * 8), (uint16_t)(down * 8)));
	make_codes(dc_counts, dc_values, w.dc);
	make_codes(ac_counts, ac_values, w.ac);
	for (uint32_t n = 0; n < across * down; n++)
		BW_TRY(put_block(&w, dice));
	if (w.count > 0) /* F.1.2.3: fill with ones */
		BW_TRY(put_bits(&w, (1U << (8 - w.count)) - 1, 8 - w.count));
	return bw_buf_add(out, SIM_LITERAL("\xff\xd9"));
}
