/* ZIP and what is built on it, gzip, xz, zstd, bzip2, 7z, tar. */
#include "guard/content.h"
#include "guard/content_count.h"
#include "guard/content_look.h"

enum {
	ENTRY_UNPACK_MAX = 4 * 1024 * 1024,    /* of one ZIP entry, when thorough */
	ARCHIVE_UNPACK_MAX = 16 * 1024 * 1024, /* of all of them, or of one gzip file */
	ENTRIES_MAX = 65536,
	INSIDE_LEAST = 512, /* bytes; of fewer nobody can say that they are random */
	INSIDE_MOST = 4096,
};

/* ---- ZIP: PKWARE APPNOTE 4.3 ----------------------------------------------------------- */

struct zip {
	uint64_t end;     /* of the end record */
	uint64_t entries; /* 0xffff: ZIP64 says */
	uint64_t dir_bytes;
	uint64_t dir_at;
	bool found;
	uint64_t unpacked;
};

static void find_end(const struct bw_look *look, struct zip *zip)
{
	const uint64_t tail_at = look->size - look->tail.len;
	size_t end;

	if (!bw_find_last(look->tail, BW_LIT("PK\5\6"), &end))
		return;
	zip->end = tail_at + end;
	zip->found = bw_look_le(look, zip->end + 10, 2, &zip->entries) &&
		     bw_look_le(look, zip->end + 12, 4, &zip->dir_bytes) &&
		     bw_look_le(look, zip->end + 16, 4, &zip->dir_at);
}

static bool is_method(uint64_t method)
{
	return method <= 20 || (method >= 93 && method <= 99);
}

/* Nothing can lie outside a file that is there whole; of a sample it only means that nobody looked. */
static void note_outside(const struct bw_look *look, struct bw_opinion *opinion)
{
	if (look->whole)
		bw_part(opinion, false);
}

/* Local file header at the start of the entry; where the sample has it. */
static void check_local(const struct bw_look *look, uint64_t at, struct bw_opinion *opinion, uint64_t *data_at)
{
	uint64_t method;
	uint64_t name;
	uint64_t extra;
	struct bw_slice magic;

	*data_at = 0;
	if (!bw_sample_at(look->sample, at, 4, &magic)) {
		note_outside(look, opinion);
		return;
	}
	bw_part(opinion, bw_slice_equals(magic, BW_LIT("PK\3\4")));
	if (opinion->wrong > 0 || !bw_look_le(look, at + 8, 2, &method) || !bw_look_le(look, at + 26, 2, &name) ||
	    !bw_look_le(look, at + 28, 2, &extra))
		return;
	bw_part(opinion, is_method(method));
	*data_at = at + 30 + name + extra;
}

static void check_data(const struct bw_look *look, uint64_t dir_entry, uint64_t data_at, struct zip *zip,
		       struct bw_opinion *opinion)
{
	struct bw_slice data;
	struct bw_inflated inflated;
	uint64_t method;
	uint64_t crc;
	uint64_t packed;
	uint64_t bytes;

	if (!bw_look_le(look, dir_entry + 10, 2, &method) || !bw_look_le(look, dir_entry + 16, 4, &crc) ||
	    !bw_look_le(look, dir_entry + 20, 4, &packed) || !bw_look_le(look, dir_entry + 24, 4, &bytes) ||
	    packed == UINT32_MAX)
		return;
	if (method == 8 && packed > 0 && !look->thorough) {
		if (bw_sample_from(look->sample, data_at, &data))
			bw_part(opinion, bw_deflate_starts(data) != BW_DEFLATE_BAD);
		return;
	}
	if (!look->thorough)
		return;
	if (!bw_sample_at(look->sample, data_at, (size_t)packed, &data)) {
		note_outside(look, opinion);
		return;
	}
	if (method == 0) {
		bw_part(opinion, bw_crc32(data) == crc);
	} else if (method == 8 && zip->unpacked < ARCHIVE_UNPACK_MAX) {
		bw_inflate_check(data, true, ENTRY_UNPACK_MAX, &inflated);
		zip->unpacked += inflated.bytes;
		bw_part(opinion, !inflated.bad && (!inflated.ended || inflated.crc == crc));
	}
}

/* What both headers of an entry say twice: 4.3.7 and 4.3.12. */
static void check_twins(const struct bw_look *look, uint64_t dir_entry, uint64_t local, struct bw_opinion *opinion)
{
	struct bw_slice method[2];
	struct bw_slice name[2];
	uint64_t len[2];

	if (!bw_sample_at(look->sample, dir_entry + 10, 2, &method[0]) ||
	    !bw_sample_at(look->sample, local + 8, 2, &method[1]) || !bw_look_le(look, dir_entry + 28, 2, &len[0]) ||
	    !bw_look_le(look, local + 26, 2, &len[1]))
		return;
	bw_part(opinion, len[0] == len[1] && bw_slice_equals(method[0], method[1]));
	if (opinion->wrong == 0 && bw_sample_at(look->sample, dir_entry + 46, (size_t)len[0], &name[0]) &&
	    bw_sample_at(look->sample, local + 30, (size_t)len[1], &name[1]))
		bw_part(opinion, bw_slice_equals(name[0], name[1]));
}

/* Follows the central directory as far as the sample has it; true when all entries were seen. */
static bool walk_directory(const struct bw_look *look, struct zip *zip, uint64_t dir_at, uint64_t shift,
			   struct bw_opinion *opinion)
{
	uint64_t at = dir_at;
	uint64_t seen = 0;

	for (; seen < zip->entries && seen < ENTRIES_MAX && opinion->wrong == 0; seen++) {
		struct bw_slice magic;
		uint64_t flags;
		uint64_t name;
		uint64_t extra;
		uint64_t comment;
		uint64_t local;
		uint64_t data_at;

		if (!bw_sample_at(look->sample, at, 46, &magic) || !bw_look_le(look, at + 8, 2, &flags) ||
		    !bw_look_le(look, at + 28, 2, &name) || !bw_look_le(look, at + 30, 2, &extra) ||
		    !bw_look_le(look, at + 32, 2, &comment) || !bw_look_le(look, at + 42, 4, &local)) {
			note_outside(look, opinion);
			return false;
		}
		bw_part(opinion, bw_slice_starts(magic, BW_LIT("PK\1\2")));
		opinion->encrypted |= (flags & 1) != 0;
		if (local != UINT32_MAX && opinion->wrong == 0) {
			check_local(look, local + shift, opinion, &data_at);
			check_twins(look, at, local + shift, opinion);
			if (data_at != 0 && (flags & 1) == 0)
				check_data(look, at, data_at, zip, opinion);
		}
		at += 46 + name + extra + comment;
	}
	if (seen == zip->entries && opinion->wrong == 0)
		bw_part(opinion, at == dir_at + zip->dir_bytes); /* 4.3.16: the directory is as long as it says */
	return seen == zip->entries;
}

static bool is_office(const struct bw_look *look)
{
	return BW_LOOK_IS(look, 30, "[Content_Types].xml") || BW_LOOK_IS(look, 30, "mimetypeapplication/vnd.oasis") ||
	       BW_LOOK_IS(look, 30, "_rels/.rels") || BW_LOOK_IS(look, 30, "docProps/") ||
	       BW_LOOK_IS(look, 30, "word/") || BW_LOOK_IS(look, 30, "xl/") || BW_LOOK_IS(look, 30, "ppt/");
}

void bw_look_zip(const struct bw_look *look, struct bw_opinion *opinion)
{
	struct zip zip = { 0 };
	uint64_t data_at;
	uint64_t shift;
	uint64_t flags = 0;
	bool all;

	if (is_office(look))
		opinion->format = BW_FORMAT_OFFICE;
	if (bw_look_le(look, 6, 2, &flags) && BW_LOOK_IS(look, 0, "PK\3\4"))
		opinion->encrypted = (flags & 1) != 0;
	if (BW_LOOK_IS(look, 0, "PK\3\4"))
		check_local(look, 0, opinion, &data_at);
	find_end(look, &zip);
	if (!zip.found) {
		opinion->state = BW_STATE_SHORT;
		bw_settle(opinion, false, false);
		return;
	}
	if (zip.entries == UINT16_MAX || zip.dir_at == UINT32_MAX) { /* ZIP64: its records are not followed */
		bw_settle(opinion, true, false);
		return;
	}
	bw_part(opinion, zip.dir_at + zip.dir_bytes <= zip.end);
	if (opinion->wrong > 0) {
		bw_settle(opinion, false, false);
		return;
	}
	/* what a self-unpacking archive has in front shifts all offsets */
	shift = zip.end - zip.dir_at - zip.dir_bytes;
	all = walk_directory(look, &zip, zip.dir_at + shift, shift, opinion);
	bw_settle(opinion, true, all && look->whole && look->thorough && zip.unpacked < ARCHIVE_UNPACK_MAX);
}

/* Where the bytes of the first file begin, when nothing packed them: stored, or deflate's own stored block. */
static bool find_inside(const struct bw_sample *sample, uint64_t *out_at, uint64_t *out_size)
{
	const struct bw_look look = { .sample = sample, .size = sample->size };
	uint64_t method;
	uint64_t size;
	uint64_t name;
	uint64_t extra;
	uint64_t block;

	if (!BW_LOOK_IS(&look, 0, "PK\3\4") || !bw_look_le(&look, 8, 2, &method) || !bw_look_le(&look, 22, 4, &size) ||
	    !bw_look_le(&look, 26, 2, &name) || !bw_look_le(&look, 28, 2, &extra))
		return false;
	*out_at = 30 + name + extra;
	*out_size = size != 0 ? size : sample->size; /* 4.4.4 bit 3: written when nobody knew it yet */
	if (method == 0)
		return true;
	if (method != 8 || !bw_look_le(&look, *out_at, 1, &block) || (block & 6) != 0) /* RFC 1951 3.2.4 */
		return false;
	*out_at += 5;
	return true;
}

bool bw_zip_holds_noise(const struct bw_sample *sample)
{
	struct bw_sample inside = { .count = 1 };
	struct bw_count count = { 0 };
	struct bw_opinion opinion;
	struct bw_slice bytes;
	uint64_t at;

	if (!find_inside(sample, &at, &inside.size) || inside.size < INSIDE_LEAST ||
	    !bw_sample_from(sample, at, &bytes))
		return false;
	bytes = bw_slice_sub(bytes, 0, bytes.len < inside.size ? bytes.len : (size_t)inside.size);
	bytes = bw_slice_sub(bytes, 0, bytes.len < INSIDE_MOST ? bytes.len : INSIDE_MOST);
	if (bytes.len < INSIDE_LEAST)
		return false;
	inside.pieces[0].bytes = bytes;
	bw_format_look(&inside, false, &opinion);
	bw_count_add(&count, bytes);
	return opinion.encrypted || (opinion.format == BW_FORMAT_UNKNOWN && bw_count_class(&count) == BW_CLASS_RANDOM);
}

/* ---- gzip: RFC 1952 2.3 ------------------------------------------------------------------ */

static uint64_t gzip_text_end(const struct bw_look *look, uint64_t at)
{
	uint64_t c;

	while (bw_look_le(look, at, 1, &c) && c != 0)
		at++;
	return at + 1;
}

void bw_look_gzip(const struct bw_look *look, struct bw_opinion *opinion)
{
	struct bw_inflated inflated;
	struct bw_slice data;
	uint64_t flags;
	uint64_t system;
	uint64_t extra;
	uint64_t at = 10;

	if (!bw_look_le(look, 3, 1, &flags) || !bw_look_le(look, 9, 1, &system))
		return;
	bw_part(opinion, flags < 0x20 && (system <= 13 || system == 255));
	if (opinion->wrong > 0) {
		bw_settle(opinion, false, false);
		return;
	}
	if ((flags & 4) != 0)
		at += bw_look_le(look, at, 2, &extra) ? 2 + extra : 0;
	if ((flags & 8) != 0)
		at = gzip_text_end(look, at);
	if ((flags & 16) != 0)
		at = gzip_text_end(look, at);
	if ((flags & 2) != 0)
		at += 2;
	if (!bw_sample_from(look->sample, at, &data)) {
		opinion->state = BW_STATE_SHORT;
		bw_settle(opinion, false, false);
		return;
	}
	bw_part(opinion, bw_deflate_starts(data) != BW_DEFLATE_BAD);
	if (look->thorough && look->whole && opinion->wrong == 0) {
		bw_inflate_check(look->head, false, ARCHIVE_UNPACK_MAX, &inflated);
		bw_part(opinion, !inflated.bad);
		if (!inflated.ended && inflated.bytes < ARCHIVE_UNPACK_MAX)
			opinion->state = BW_STATE_SHORT;
		bw_settle(opinion, true, inflated.ended);
		return;
	}
	bw_settle(opinion, bw_deflate_starts(data) == BW_DEFLATE_GOOD, false);
}

/* ---- xz 1.1.0, 2.1.1 and 2.1.2 ---------------------------------------------------------- */

void bw_look_xz(const struct bw_look *look, struct bw_opinion *opinion)
{
	struct bw_slice flags;
	struct bw_slice footer;
	uint64_t crc;

	if (!bw_sample_at(look->sample, 6, 2, &flags) || !bw_look_le(look, 8, 4, &crc))
		return;
	bw_part(opinion, bw_crc32(flags) == crc);
	if (look->size % 4 != 0 || look->size < 32 || !BW_LOOK_IS(look, look->size - 2, "YZ") ||
	    !bw_sample_at(look->sample, look->size - 8, 6, &footer) || !bw_look_le(look, look->size - 12, 4, &crc)) {
		opinion->state = BW_STATE_SHORT;
		bw_settle(opinion, false, false);
		return;
	}
	bw_part(opinion, bw_crc32(footer) == crc);
	bw_settle(opinion, true, false);
}

/* ---- Zstandard: RFC 8878 3.1.1 ----------------------------------------------------------- */

void bw_look_zstd(const struct bw_look *look, struct bw_opinion *opinion)
{
	static const uint8_t dictionary[4] = { 0, 1, 2, 4 };
	static const uint8_t content[4] = { 0, 2, 4, 8 };
	uint64_t descriptor;
	uint64_t at;
	uint64_t block = 0;

	if (!bw_look_le(look, 4, 1, &descriptor))
		return;
	bw_part(opinion, (descriptor & 8) == 0); /* reserved */
	at = 5u + ((descriptor & 0x20) == 0) + dictionary[descriptor & 3] + content[descriptor >> 6] +
	     (descriptor >> 5 == 1);
	while (opinion->wrong == 0 && bw_look_le(look, at, 3, &block)) {
		const uint64_t kind = block >> 1 & 3;
		const uint64_t len = block >> 3;

		bw_part(opinion, kind != 3 && len <= 128 * BW_KIB);
		at += 3 + (kind == 1 ? 1 : len);
		if ((block & 1) != 0)
			break;
	}
	if (opinion->wrong == 0 && at > look->size)
		opinion->state = BW_STATE_SHORT;
	bw_settle(opinion, opinion->right >= 2, false);
}

/* ---- bzip2: block magic after the level; 7z: 7zFormat.txt, signature header ---------------- */

void bw_look_bzip2(const struct bw_look *look, struct bw_opinion *opinion)
{
	const bool has_block = BW_LOOK_IS(look, 4, "1AY&SY") || BW_LOOK_IS(look, 4, "\x17rE8P\x90");

	bw_part(opinion, has_block);
	bw_settle(opinion, has_block, false);
}

void bw_look_7z(const struct bw_look *look, struct bw_opinion *opinion)
{
	struct bw_slice start;
	struct bw_slice header;
	uint64_t crc;
	uint64_t at;
	uint64_t len;
	size_t found;

	if (!bw_sample_at(look->sample, 12, 20, &start) || !bw_look_le(look, 8, 4, &crc) ||
	    !bw_look_le(look, 12, 8, &at) || !bw_look_le(look, 20, 8, &len))
		return;
	bw_part(opinion, bw_crc32(start) == crc);
	if (at > look->size || len > look->size || 32 + at + len > look->size)
		opinion->state = BW_STATE_SHORT;
	else if (bw_sample_at(look->sample, 32 + at, (size_t)len, &header))
		opinion->encrypted = bw_find_first(header, BW_LIT("\x06\xf1\x07\x01"), &found); /* AES-256 + SHA-256 */
	bw_settle(opinion, true, false);
}

/* ---- tar: POSIX ustar header checksum -------------------------------------------------------- */

static bool is_tar_header(struct bw_slice header)
{
	uint64_t said = 0;
	uint64_t sum = 0;

	for (size_t i = 0; i < 512; i++)
		sum += i >= 148 && i < 156 ? ' ' : header.ptr[i];
	for (size_t i = 148; i < 156; i++) {
		if (header.ptr[i] >= '0' && header.ptr[i] <= '7')
			said = said * 8 + (header.ptr[i] - '0');
	}
	return said == sum;
}

void bw_look_tar(const struct bw_look *look, struct bw_opinion *opinion)
{
	struct bw_slice header;

	if (!bw_sample_at(look->sample, 0, 512, &header))
		return;
	bw_part(opinion, is_tar_header(header));
	bw_settle(opinion, true, false);
}
