#include "guard/content_look.h"

/* ---- reading a sample ---------------------------------------------------------------------------- */

bool bw_look_le(const struct bw_look *look, uint64_t at, size_t bytes, uint64_t *out)
{
	struct bw_slice raw;
	uint64_t value = 0;

	if (!bw_sample_at(look->sample, at, bytes, &raw))
		return false;
	for (size_t i = bytes; i-- > 0;)
		value = value << 8 | raw.ptr[i];
	*out = value;
	return true;
}

bool bw_look_be(const struct bw_look *look, uint64_t at, size_t bytes, uint64_t *out)
{
	struct bw_slice raw;
	uint64_t value = 0;

	if (!bw_sample_at(look->sample, at, bytes, &raw))
		return false;
	for (size_t i = 0; i < bytes; i++)
		value = value << 8 | raw.ptr[i];
	*out = value;
	return true;
}

bool bw_look_is(const struct bw_look *look, uint64_t at, const char *bytes, size_t len)
{
	struct bw_slice found;

	return bw_sample_at(look->sample, at, len, &found) && memcmp(found.ptr, bytes, len) == 0;
}

bool bw_find_first(struct bw_slice where, struct bw_slice what, size_t *out)
{
	const uint8_t *found = memmem(where.ptr, where.len, what.ptr, what.len);

	if (found == NULL)
		return false;
	*out = (size_t)(found - where.ptr);
	return true;
}

bool bw_find_last(struct bw_slice where, struct bw_slice what, size_t *out)
{
	size_t left = where.len;

	while (left >= what.len) {
		const uint8_t *found = memrchr(where.ptr, what.ptr[0], left - what.len + 1);

		if (found == NULL)
			return false;
		left = (size_t)(found - where.ptr);
		if (memcmp(found, what.ptr, what.len) == 0) {
			*out = left;
			return true;
		}
		left += what.len - 1; /* the next candidate starts before this one */
	}
	return false;
}

void bw_settle(struct bw_opinion *opinion, bool framed, bool all_seen)
{
	opinion->grade = BW_GRADE_HEADER;
	if (opinion->wrong > 0)
		opinion->state = BW_STATE_BROKEN;
	else if (opinion->state == BW_STATE_GOOD && (framed || all_seen))
		opinion->grade = all_seen ? BW_GRADE_WHOLE : BW_GRADE_FRAMED;
}

/* ---- which format ------------------------------------------------------------------------------------ */

struct row {
	enum bw_format format;
	uint16_t at;
	uint8_t len;
	const char *magic;
	bw_look_fn *look;
};

#define MAGIC(format, at, magic, look)                                       \
	{                                                                    \
		BW_FORMAT_##format, (at), sizeof(magic) - 1, (magic), (look) \
	}

/* The first that fits is believed; a check may pass to the next by saying UNKNOWN. */
static const struct row rows[] = {
	MAGIC(PDF, 0, "%PDF-", bw_look_pdf),
	MAGIC(ZIP, 0, "PK\3\4", bw_look_zip),
	MAGIC(ZIP, 0, "PK\5\6", bw_look_zip),
	MAGIC(OLE2, 0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", bw_look_ole2),
	MAGIC(JPEG, 0, "\xff\xd8\xff", bw_look_jpeg),
	MAGIC(PNG, 0, "\x89PNG\r\n\x1a\n", bw_look_png),
	MAGIC(GIF, 0, "GIF87a", bw_look_gif),
	MAGIC(GIF, 0, "GIF89a", bw_look_gif),
	MAGIC(TIFF, 0, "II*\0", bw_look_tiff),
	MAGIC(TIFF, 0, "MM\0*", bw_look_tiff),
	MAGIC(SQLITE, 0, "SQLite format 3\0", bw_look_sqlite),
	MAGIC(RIFF, 0, "RIFF", bw_look_riff),
	MAGIC(MP4, 4, "ftyp", bw_look_mp4),
	MAGIC(MP4, 4, "moov", bw_look_mp4),
	MAGIC(MP4, 4, "wide", bw_look_mp4),
	MAGIC(MATROSKA, 0, "\x1a\x45\xdf\xa3", bw_look_ebml),
	MAGIC(MP3, 0, "ID3", bw_look_id3),
	MAGIC(OGG, 0, "OggS", bw_look_ogg),
	MAGIC(FLAC, 0, "fLaC", bw_look_flac),
	MAGIC(FONT, 0, "wOF2", NULL),
	MAGIC(FONT, 0, "wOFF", NULL),
	MAGIC(FONT, 0, "OTTO\0", NULL),
	MAGIC(FONT, 0, "\0\1\0\0\0", NULL),
	MAGIC(ELF, 0,
	      "\x7f"
	      "ELF",
	      bw_look_elf),
	MAGIC(PE, 0, "MZ", bw_look_pe),
	MAGIC(CODE, 0, "\xca\xfe\xba\xbe", bw_look_class),
	MAGIC(CODE, 0, "\xcf\xfa\xed\xfe", NULL),
	MAGIC(CODE, 0, "\0asm", NULL),
	MAGIC(CODE, 0, "BC\xc0\xde", NULL),
	MAGIC(CODE, 0, "\xde\x12\x04\x95\0\0\0\0", NULL), /* gettext catalogue */
	MAGIC(TAR, 257, "ustar", bw_look_tar),
	MAGIC(AR, 0, "!<arch>\n", NULL),
	MAGIC(GZIP, 0, "\x1f\x8b\x08", bw_look_gzip),
	MAGIC(XZ, 0,
	      "\xfd"
	      "7zXZ\0",
	      bw_look_xz),
	MAGIC(ZSTD, 0, "\x28\xb5\x2f\xfd", bw_look_zstd),
	MAGIC(BZIP2, 0, "BZh", bw_look_bzip2),
	MAGIC(SEVENZIP, 0, "7z\xbc\xaf\x27\x1c", bw_look_7z),
	MAGIC(RAR, 0, "Rar!\x1a\x07", NULL),
	MAGIC(PST, 0, "!BDN", NULL),
	MAGIC(QCOW2, 0, "QFI\xfb\0\0\0", NULL),
	MAGIC(VMDK, 0, "KDMV", NULL),
	MAGIC(VMDK, 0, "# Disk DescriptorFile", NULL),
	MAGIC(VHDX, 0, "vhdxfile", NULL),
	MAGIC(VHDX, 0, "conectix", NULL),
	MAGIC(VHDX, 64, "\x7f\x10\xda\xbe", NULL),
	MAGIC(LUKS, 0, "LUKS\xba\xbe", NULL),
	MAGIC(AGE, 0, "age-encryption.org/v1\n", NULL),
	MAGIC(AGE, 0, "-----BEGIN AGE ENCRYPTED FILE-----", NULL),
	MAGIC(PGP, 0, "-----BEGIN PGP MESSAGE-----", NULL),
	MAGIC(OPENSSL, 0, "Salted__", NULL),
	MAGIC(OPENSSL, 0, "U2FsdGVkX1", NULL), /* the same in base64 */
	MAGIC(KEEPASS, 0, "\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5", NULL),
	MAGIC(DICOM, 128, "DICM", bw_look_dicom),
	MAGIC(BMP, 0, "BM", bw_look_bmp),
	MAGIC(DISK, 510, "\x55\xaa", bw_look_disk),
	MAGIC(DISK, 512, "EFI PART", NULL),
	MAGIC(DISK, 1080, "\x53\xef", bw_look_disk_ext),
	MAGIC(DISK, 0, "XFSB\0\0", NULL),
	MAGIC(MP3, 0, "\xff\xfb", bw_look_mp3),
	MAGIC(MP3, 0, "\xff\xf3", bw_look_mp3),
	MAGIC(MP3, 0, "\xff\xfa", bw_look_mp3),
	MAGIC(PGP, 0, "\x84", bw_look_pgp),
	MAGIC(PGP, 0, "\x85", bw_look_pgp),
	MAGIC(PGP, 0, "\x8c", bw_look_pgp),
	MAGIC(PGP, 0, "\xc1", bw_look_pgp),
	MAGIC(PGP, 0, "\xc3", bw_look_pgp),
};

static bool try_row(const struct row *row, const struct bw_look *look, struct bw_opinion *out)
{
	struct bw_opinion opinion = { .format = row->format, .grade = BW_GRADE_HEADER };

	if (!bw_look_is(look, row->at, row->magic, row->len))
		return false;
	opinion.encrypted = bw_format_kind(row->format) == BW_KIND_SEALED;
	if (row->look != NULL)
		row->look(look, &opinion);
	if (opinion.format == BW_FORMAT_UNKNOWN)
		return false;
	*out = opinion;
	return true;
}

void bw_format_look(const struct bw_sample *sample, bool thorough, struct bw_opinion *out)
{
	struct bw_look look = { .sample = sample, .size = sample->size, .thorough = thorough };
	const struct bw_piece *last = sample->count > 0 ? &sample->pieces[sample->count - 1] : NULL;

	*out = (struct bw_opinion){ .format = sample->size == 0 ? BW_FORMAT_EMPTY : BW_FORMAT_UNKNOWN };
	look.head = look.tail = bw_slice_empty;
	if (last == NULL || sample->pieces[0].at != 0)
		return;
	look.head = sample->pieces[0].bytes;
	if (last->at + last->bytes.len == sample->size)
		look.tail = last->bytes;
	look.whole = look.head.len == sample->size;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		if (try_row(&rows[i], &look, out))
			return;
	}
}

/* ---- words --------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	const char *words;
	enum bw_kind kind;
} formats[] = {
#define X(name, words, kind) { #name, words, BW_KIND_##kind },
	BW_FORMAT_ROWS(X)
#undef X
};

const char *bw_format_words(enum bw_format format)
{
	return (size_t)format < BW_FORMAT_COUNT ? formats[format].words : formats[BW_FORMAT_UNKNOWN].words;
}

const char *bw_format_name(enum bw_format format)
{
	return (size_t)format < BW_FORMAT_COUNT ? formats[format].name : formats[BW_FORMAT_UNKNOWN].name;
}

enum bw_kind bw_format_kind(enum bw_format format)
{
	return (size_t)format < BW_FORMAT_COUNT ? formats[format].kind : BW_KIND_OTHER;
}
