/* PNG, JPEG, GIF, TIFF, BMP. */
#include "guard/content_look.h"

/* ---- PNG: W3C PNG 2nd edition, 5.3 chunks, 5.6 order -------------------------------- */

static bool is_chunk_name(struct bw_slice name)
{
	for (size_t i = 0; i < 4; i++) {
		const uint8_t c = name.ptr[i] | 0x20;

		if (c < 'a' || c > 'z')
			return false;
	}
	return true;
}

/* Follows chunks as far as the piece goes; true when IEND was reached. */
static bool walk_chunks(const struct bw_look *look, struct bw_opinion *opinion, bool *stopped)
{
	uint64_t at = 8;

	*stopped = false;
	for (;;) {
		struct bw_slice chunk;
		uint64_t len;
		uint64_t crc;
		struct bw_slice name;

		if (!bw_look_be(look, at, 4, &len) || !bw_sample_at(look->sample, at + 4, 4, &name)) {
			*stopped = true;
			return false;
		}
		if (len > INT32_MAX || !is_chunk_name(name)) {
			bw_part(opinion, false);
			return false;
		}
		if (!bw_sample_at(look->sample, at + 4, (size_t)len + 4, &chunk) ||
		    !bw_look_be(look, at + 8 + len, 4, &crc)) {
			*stopped = true;
			return false;
		}
		bw_part(opinion, bw_crc32(chunk) == crc);
		if (opinion->wrong > 0)
			return false;
		if (bw_slice_equals(name, BW_LIT("IEND")))
			return true;
		at += 12 + len;
	}
}

void bw_look_png(const struct bw_look *look, struct bw_opinion *opinion)
{
	bool stopped;
	const bool ended = walk_chunks(look, opinion, &stopped);
	const bool has_end = look->tail.len >= 12 && BW_LOOK_IS(look, look->size - 12, "\0\0\0\0IEND\xae\x42\x60\x82");

	if (!ended && stopped && !has_end)
		opinion->state = BW_STATE_SHORT;
	bw_settle(opinion, ended || has_end, ended && look->whole);
}

/* ---- JPEG: ITU T.81, B.1.1 markers ---------------------------------------------------- */

/* After 0xFF in entropy-coded data: a stuffed zero, a restart, fill, or a marker that may follow a scan. */
static bool may_follow_ff(uint8_t c)
{
	return c == 0x00 || (c >= 0xd0 && c <= 0xd9) || (c >= 0xda && c <= 0xdd) || c == 0xc4 || c == 0xfe ||
	       c == 0xff || (c >= 0xe0 && c <= 0xef);
}

static void check_scan(struct bw_slice scan, struct bw_opinion *opinion)
{
	size_t at = 0;

	while (at + 1 < scan.len) {
		const uint8_t *found = memchr(scan.ptr + at, 0xff, scan.len - 1 - at);

		if (found == NULL)
			return;
		at = (size_t)(found - scan.ptr) + 1;
		bw_part(opinion, may_follow_ff(scan.ptr[at]));
	}
}

/* The offset of the first scan's data; false when the segments lead out of what was read. */
static bool find_scan(const struct bw_look *look, struct bw_opinion *opinion, uint64_t *out)
{
	uint64_t at = 2;

	*out = at;
	for (;;) {
		uint64_t marker;
		uint64_t len;

		if (!bw_look_be(look, at, 2, &marker))
			return false;
		if (marker == 0xffff) { /* fill */
			at++;
			continue;
		}
		if (marker < 0xffc0 || (marker >= 0xffd0 && marker <= 0xffd9)) {
			bw_part(opinion, false);
			return false;
		}
		if (!bw_look_be(look, at + 2, 2, &len))
			return false;
		if (len < 2) {
			bw_part(opinion, false);
			return false;
		}
		bw_part(opinion, true);
		at += 2 + len;
		*out = at;
		if (marker == 0xffda)
			return true;
	}
}

void bw_look_jpeg(const struct bw_look *look, struct bw_opinion *opinion)
{
	size_t end = 0;
	uint64_t scan_at;
	const bool has_scan = find_scan(look, opinion, &scan_at);
	/* cameras append (a film, a second picture): the end may lie before the tail */
	const bool has_end = bw_find_last(look->tail, BW_LIT("\xff\xd9"), &end);
	const bool is_last = has_end && look->tail.len - end <= 64;

	if (!has_scan) {
		bw_settle(opinion, opinion->wrong == 0 && is_last, false);
		return;
	}
	for (size_t i = 0; i < look->sample->count; i++) {
		const struct bw_piece *piece = &look->sample->pieces[i];
		const uint64_t skip = piece->at >= scan_at ? 0 : scan_at - piece->at;
		struct bw_slice scan;

		if (skip >= piece->bytes.len)
			continue;
		scan = bw_slice_from(piece->bytes, (size_t)skip);
		if (i + 1 == look->sample->count && has_end && end >= skip)
			scan = bw_slice_sub(scan, 0, end - (size_t)skip + 2);
		check_scan(scan, opinion);
	}
	if (!has_end)
		opinion->state = BW_STATE_SHORT;
	bw_settle(opinion, is_last, false);
}

/* ---- GIF 89a, sections 17-28; its LZW: appendix F --------------------------------------- */

static uint64_t table_bytes(uint64_t flags)
{
	return (flags & 0x80) != 0 ? 3u << ((flags & 7) + 1) : 0;
}

enum { LZW_CODES = 4096, LZW_BITS = 12 };

/* An image's data, block after block, as a stream of bits. */
struct gif_bits {
	struct bw_slice bytes;
	size_t at;
	size_t block_left;
	uint32_t held;
	unsigned count;
};

static bool gif_code(struct gif_bits *bits, unsigned width, unsigned *out)
{
	while (bits->count < width) {
		if (bits->block_left == 0) {
			if (bits->at >= bits->bytes.len || bits->bytes.ptr[bits->at] == 0)
				return false;
			bits->block_left = bits->bytes.ptr[bits->at++];
		}
		if (bits->at >= bits->bytes.len)
			return false;
		bits->held |= (uint32_t)bits->bytes.ptr[bits->at++] << bits->count;
		bits->count += 8;
		bits->block_left--;
	}
	*out = bits->held & ((1u << width) - 1);
	bits->held >>= width;
	bits->count -= width;
	return true;
}

/*
 * Follows the codes without painting: each must be in the table by then, and together they must give as many
 * points as the image has. Chance does neither for long.
 */
static bool lzw_fits(struct gif_bits *bits, unsigned least, uint64_t points)
{
	uint32_t lengths[LZW_CODES + 1];
	const unsigned clear = 1u << least;
	unsigned width = least + 1;
	unsigned next = clear + 2;
	unsigned before = 0; /* points of the code before; 0: a table begins */
	uint64_t painted = 0;
	unsigned code;

	for (unsigned i = 0; i < clear; i++)
		lengths[i] = 1;
	while (painted < points && gif_code(bits, width, &code) && code != clear + 1) {
		if (code == clear) {
			width = least + 1;
			next = clear + 2;
			before = 0;
			continue;
		}
		if (code > next || (code == next && before == 0) || (code >= next && next >= LZW_CODES))
			return false;
		if (before != 0 && next < LZW_CODES)
			lengths[next++] = before + 1;
		if (code >= next)
			return false;
		before = lengths[code];
		painted += before;
		if (next == 1u << width && width < LZW_BITS)
			width++;
	}
	return painted == points;
}

static void check_lzw(const struct bw_look *look, uint64_t at, struct bw_opinion *opinion)
{
	struct gif_bits bits = { .bytes = look->head };
	uint64_t across;
	uint64_t down;
	uint64_t flags;
	uint64_t least;

	if (!bw_look_le(look, at + 5, 2, &across) || !bw_look_le(look, at + 7, 2, &down) ||
	    !bw_look_le(look, at + 9, 1, &flags) || !bw_look_le(look, at + 10 + table_bytes(flags), 1, &least))
		return;
	bits.at = (size_t)(at + 11 + table_bytes(flags));
	bw_part(opinion, least >= 1 && least <= 11 && lzw_fits(&bits, (unsigned)least, across * down));
}

static bool skip_blocks(const struct bw_look *look, uint64_t *at)
{
	uint64_t len = 1;

	while (len != 0) {
		if (!bw_look_le(look, *at, 1, &len))
			return false;
		*at += 1 + len;
	}
	return true;
}

/* True at the trailer; false where a block is wrong (counted) or lies outside. */
static bool walk_gif(const struct bw_look *look, struct bw_opinion *opinion)
{
	uint64_t flags;
	uint64_t at;

	if (!bw_look_le(look, 10, 1, &flags))
		return false;
	for (at = 13 + table_bytes(flags);;) {
		const uint64_t image = at;
		uint64_t kind;

		if (!bw_look_le(look, at, 1, &kind))
			return false;
		if (kind == 0x3b)
			return true;
		if (kind != 0x21 && kind != 0x2c) {
			bw_part(opinion, false);
			return false;
		}
		if (kind == 0x21) {
			at += 2;
		} else {
			if (!bw_look_le(look, at + 9, 1, &flags))
				return false;
			at += 11 + table_bytes(flags);
		}
		if (!skip_blocks(look, &at))
			return false;
		bw_part(opinion, true);
		if (kind == 0x2c && look->thorough && look->whole)
			check_lzw(look, image, opinion);
	}
}

void bw_look_gif(const struct bw_look *look, struct bw_opinion *opinion)
{
	const bool ended = walk_gif(look, opinion);
	const bool has_end = look->tail.len > 0 && look->tail.ptr[look->tail.len - 1] == 0x3b;

	if (!ended && !has_end)
		opinion->state = BW_STATE_SHORT;
	bw_settle(opinion, ended || has_end, false);
}

/* ---- TIFF 6.0, section 2 ---------------------------------------------------------------- */

static bool tiff_num(const struct bw_look *look, bool big, uint64_t at, size_t bytes, uint64_t *out)
{
	return big ? bw_look_be(look, at, bytes, out) : bw_look_le(look, at, bytes, out);
}

void bw_look_tiff(const struct bw_look *look, struct bw_opinion *opinion)
{
	const bool big = look->head.ptr[0] == 'M';
	uint64_t before = 0;
	uint64_t count;
	uint64_t at;

	if (!tiff_num(look, big, 4, 4, &at) || at < 8 || at + 6 > look->size) {
		bw_part(opinion, false);
		bw_settle(opinion, false, false);
		return;
	}
	if (!tiff_num(look, big, at, 2, &count)) { /* the directory lies outside the sample */
		bw_settle(opinion, false, false);
		return;
	}
	bw_part(opinion, count > 0 && count < 512 && at + 2 + 12 * count <= look->size);
	for (uint64_t i = 0; i < count && opinion->wrong == 0; i++) {
		uint64_t tag;
		uint64_t type;

		if (!tiff_num(look, big, at + 2 + 12 * i, 2, &tag) || !tiff_num(look, big, at + 4 + 12 * i, 2, &type))
			break;
		bw_part(opinion, tag >= before && type >= 1 && type <= 18);
		before = tag;
	}
	bw_settle(opinion, opinion->right > 1, false);
}

/* ---- BMP: the file header's own size, and a header we know --------------------------------- */

void bw_look_bmp(const struct bw_look *look, struct bw_opinion *opinion)
{
	static const uint8_t headers[] = { 12, 16, 40, 52, 56, 64, 108, 124 };
	uint64_t size;
	uint64_t at;
	uint64_t header;

	opinion->format = BW_FORMAT_UNKNOWN; /* two letters are too few to believe in */
	if (!bw_look_le(look, 2, 4, &size) || !bw_look_le(look, 10, 4, &at) || !bw_look_le(look, 14, 4, &header))
		return;
	if (header > 124 || memchr(headers, (int)header, sizeof(headers)) == NULL || at < 14 + header ||
	    at > look->size)
		return;
	opinion->format = BW_FORMAT_BMP;
	if (size > look->size)
		opinion->state = BW_STATE_SHORT;
	bw_settle(opinion, size == look->size, false);
}
