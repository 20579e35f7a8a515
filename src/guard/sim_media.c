#include <zlib.h>

#include "guard/sim_parts.h"

enum bw_err sim_add_random(struct sim_dice *dice, size_t len, struct bw_buf *out)
{
	BW_TRY(bw_buf_reserve(out, len));
	for (size_t at = 0; at < len; at += sizeof(uint64_t)) {
		const uint64_t roll = sim_roll(dice);

		memcpy(out->ptr + out->len + at, &roll, len - at < sizeof(roll) ? len - at : sizeof(roll));
	}
	out->len += len;
	return BW_OK;
}

/* ---- PNG (ISO/IEC 15948): 8-bit greys with a little noise ------------------------------------- */

static enum bw_err add_chunk(struct bw_buf *out, const char *type, struct bw_slice bytes)
{
	const size_t at = out->len + 4;

	BW_TRY(bw_buf_add_be32(out, (uint32_t)bytes.len));
	BW_TRY(bw_buf_add_text(out, type));
	BW_TRY(bw_buf_add(out, bytes));
	return bw_buf_add_be32(out, sim_crc32(bw_slice_of(out->ptr + at, out->len - at)));
}

enum bw_err sim_make_png(struct sim_dice *dice, size_t want, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf pixels = BW_BUF_INIT(SIM_CONTENT_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf packed = BW_BUF_INIT(SIM_CONTENT_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf head = BW_BUF_INIT(64);
	const uint32_t width = 256;
	uint32_t height = 0;
	uint8_t shade = 128;

	/* noise of four bits packs to little more than half */
	for (; pixels.len < want * 2 || height == 0; height++) {
		uint8_t line[1 + 256] = { 0 }; /* filter: none */

		for (uint32_t x = 1; x <= width; x++) {
			shade = (uint8_t)(shade + sim_below(dice, 16) - 7);
			line[x] = shade;
		}
		BW_TRY(bw_buf_add(&pixels, bw_slice_of(line, sizeof(line))));
	}
	BW_TRY(sim_deflate(bw_buf_slice(&pixels), 15, &packed));
	BW_TRY(bw_buf_add(out, SIM_LITERAL("\x89PNG\r\n\x1a\n")));
	BW_TRY(bw_buf_add_be32(&head, width));
	BW_TRY(bw_buf_add_be32(&head, height));
	BW_TRY(bw_buf_add(&head, SIM_LITERAL("\x08\0\0\0\0"))); /* 8 bits, grey, deflate, filters, not interlaced */
	BW_TRY(add_chunk(out, "IHDR", bw_buf_slice(&head)));
	BW_TRY(add_chunk(out, "IDAT", bw_buf_slice(&packed)));
	return add_chunk(out, "IEND", bw_slice_empty);
}

/* ---- PDF 1.4 (ISO 32000-1): pages of packed text, cross-reference table, trailer ---------------- */

enum { PDF_PAGES = 400, PDF_OBJECTS = 3 + 2 * PDF_PAGES };

static enum bw_err add_page(struct sim_dice *dice, struct bw_buf *out, size_t *offsets, unsigned object)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_MIB);
	BW_CLEANUP(bw_buf_release) struct bw_buf packed = BW_BUF_INIT(BW_MIB);

	BW_TRY(bw_buf_add_text(&text, "BT /F1 10 Tf 40 800 Td 12 TL\n"));
	for (unsigned line = 0; line < 60; line++) {
		BW_TRY(bw_buf_addf(&text, "(%llu", (unsigned long long)sim_below(dice, 1000000)));
		for (unsigned n = 0; n < 12; n++)
			BW_TRY(bw_buf_addf(&text, " %s", sim_word(dice)));
		BW_TRY(bw_buf_add_text(&text, ") Tj T*\n"));
	}
	BW_TRY(bw_buf_add_text(&text, "ET\n"));
	BW_TRY(sim_deflate(bw_buf_slice(&text), 15, &packed));
	offsets[object] = out->len;
	BW_TRY(bw_buf_addf(out,
			   "%u 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents %u 0 R/Resources"
			   "<</Font<</F1 3 0 R>>>>>>\nendobj\n",
			   object, object + 1));
	offsets[object + 1] = out->len;
	BW_TRY(bw_buf_addf(out, "%u 0 obj\n<</Length %zu/Filter/FlateDecode>>\nstream\n", object + 1, packed.len));
	BW_TRY(bw_buf_add(out, bw_buf_slice(&packed)));
	return bw_buf_add_text(out, "\nendstream\nendobj\n");
}

enum bw_err sim_make_pdf(struct sim_dice *dice, size_t want, struct bw_buf *out)
{
	size_t offsets[PDF_OBJECTS + 1] = { 0 };
	unsigned object = 4;
	size_t table;

	BW_TRY(bw_buf_add(out, SIM_LITERAL("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")));
	offsets[1] = out->len;
	BW_TRY(bw_buf_add_text(out, "1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n"));
	offsets[3] = out->len;
	BW_TRY(bw_buf_add_text(out, "3 0 obj\n<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>\nendobj\n"));
	do {
		BW_TRY(add_page(dice, out, offsets, object));
		object += 2;
	} while (out->len < want && object + 1 < PDF_OBJECTS);
	offsets[2] = out->len;
	BW_TRY(bw_buf_addf(out, "2 0 obj\n<</Type/Pages/Count %u/Kids[", (object - 4) / 2));
	for (unsigned kid = 4; kid < object; kid += 2)
		BW_TRY(bw_buf_addf(out, "%u 0 R ", kid));
	BW_TRY(bw_buf_add_text(out, "]>>\nendobj\n"));
	table = out->len;
	BW_TRY(bw_buf_addf(out, "xref\n0 %u\n0000000000 65535 f \n", object));
	for (unsigned n = 1; n < object; n++)
		BW_TRY(bw_buf_addf(out, "%010zu 00000 n \n", offsets[n]));
	return bw_buf_addf(out, "trailer\n<</Size %u/Root 1 0 R>>\nstartxref\n%zu\n%%%%EOF\n", object, table);
}

/* ---- xz (its file format 1.1.0): one block of LZMA2 chunks that are not compressed -------------------- */

static enum bw_err add_vli(struct bw_buf *out, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		BW_TRY(bw_buf_add_u8(out, (uint8_t)(value | 0x80)));
	return bw_buf_add_u8(out, (uint8_t)value);
}

static enum bw_err pad_to_four(struct bw_buf *out)
{
	while (out->len % 4 != 0)
		BW_TRY(bw_buf_add_u8(out, 0));
	return BW_OK;
}

static enum bw_err add_crc_since(struct bw_buf *out, size_t from)
{
	return sim_add_le32(out, sim_crc32(bw_slice_of(out->ptr + from, out->len - from)));
}

enum bw_err sim_make_xz(struct sim_dice *dice, size_t want, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf data = BW_BUF_INIT(SIM_CONTENT_MAX);
	size_t block;
	size_t at;
	uint64_t unpadded;

	/* what a packer gets that cannot be packed; to a test of randomness it looks like any other xz */
	BW_TRY(sim_add_random(dice, want, &data));
	BW_TRY(bw_buf_add(out, SIM_LITERAL("\xfd"
					   "7zXZ\0\0\x01"))); /* check: CRC32 */
	BW_TRY(sim_add_le32(out, sim_crc32(SIM_LITERAL("\0\x01"))));
	block = out->len;
	BW_TRY(bw_buf_add(out, SIM_LITERAL("\x02\0\x21\x01\x16\0\0\0"))); /* header of 12, one filter: LZMA2, 8 MiB */
	BW_TRY(add_crc_since(out, block));
	for (size_t done = 0; done < data.len;) {
		const size_t part = data.len - done < 65536 ? data.len - done : 65536;

		BW_TRY(bw_buf_add_u8(out, done == 0 ? 1 : 2)); /* 1 resets the dictionary */
		BW_TRY(bw_buf_add_be16(out, (uint16_t)(part - 1)));
		BW_TRY(bw_buf_add(out, bw_slice_of(data.ptr + done, part)));
		done += part;
	}
	BW_TRY(bw_buf_add_u8(out, 0));
	unpadded = out->len - block + 4; /* with its check */
	BW_TRY(pad_to_four(out));
	BW_TRY(sim_add_le32(out, sim_crc32(bw_buf_slice(&data))));
	at = out->len;
	BW_TRY(bw_buf_add_u8(out, 0)); /* the index */
	BW_TRY(add_vli(out, 1));
	BW_TRY(add_vli(out, unpadded));
	BW_TRY(add_vli(out, data.len));
	BW_TRY(pad_to_four(out));
	BW_TRY(add_crc_since(out, at));
	unpadded = (out->len - at) / 4 - 1; /* the index's size, for the footer */
	BW_CLEANUP(bw_buf_release) struct bw_buf foot = BW_BUF_INIT(16);

	BW_TRY(sim_add_le32(&foot, (uint32_t)unpadded));
	BW_TRY(bw_buf_add(&foot, SIM_LITERAL("\0\x01")));
	BW_TRY(sim_add_le32(out, sim_crc32(bw_buf_slice(&foot))));
	BW_TRY(bw_buf_add(out, bw_buf_slice(&foot)));
	return bw_buf_add_text(out, "YZ");
}

/* ---- ISO base media (ISO/IEC 14496-12): brand, movie header, data ------------------------------------------ */

enum bw_err sim_make_mp4(struct sim_dice *dice, size_t want, struct bw_buf *out)
{
	BW_TRY(bw_buf_add(out, SIM_LITERAL("\0\0\0\x18"
					   "ftypisom\0\0\x02\0isomiso2")));
	BW_TRY(bw_buf_add_be32(out, 116)); /* moov with mvhd alone: a movie whose tracks come in fragments */
	BW_TRY(bw_buf_add_text(out, "moov"));
	BW_TRY(bw_buf_add_be32(out, 108));
	BW_TRY(bw_buf_add_text(out, "mvhd"));
	for (unsigned n = 0; n < 3; n++) /* version, made, changed */
		BW_TRY(bw_buf_add_be32(out, 0));
	BW_TRY(bw_buf_add_be32(out, 1000));
	BW_TRY(bw_buf_add_be32(out, 60000));
	BW_TRY(bw_buf_add_be32(out, 0x00010000));
	BW_TRY(bw_buf_add_be16(out, 0x0100));
	BW_TRY(bw_buf_add_be16(out, 0));
	for (unsigned n = 0; n < 17; n++) { /* reserved, the unity matrix, reserved */
		const uint32_t one = n == 2 || n == 6 ? 0x00010000 : n == 10 ? 0x40000000 : 0;

		BW_TRY(bw_buf_add_be32(out, one));
	}
	BW_TRY(bw_buf_add_be32(out, 1));
	BW_TRY(bw_buf_add_be32(out, (uint32_t)(want + 8)));
	BW_TRY(bw_buf_add_text(out, "mdat"));
	return sim_add_random(dice, want, out);
}
