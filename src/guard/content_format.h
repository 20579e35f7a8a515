/*
 * Which format a content has, how surely, and whether it keeps that format's own
 * rules. Works on a sample: what lies between its pieces is not seen. Pure.
 */
#ifndef BW_GUARD_CONTENT_FORMAT_H
#define BW_GUARD_CONTENT_FORMAT_H

#include "base/bytes.h"

/* A piece of a file: bytes from offset `at`. */
struct bw_piece {
	uint64_t at;
	struct bw_slice bytes;
};

enum { BW_PIECES_MAX = 12 };

/* Pieces ascend and do not overlap; `size` is the file's. One piece may be the whole file. */
struct bw_sample {
	uint64_t size;
	size_t count;
	struct bw_piece pieces[BW_PIECES_MAX];
};

/* `len` bytes at `at` when one piece holds all of them. */
bool bw_sample_at(const struct bw_sample *sample, uint64_t at, size_t len, struct bw_slice *out);

/* All that a piece holds from `at` on; false when it holds nothing there. */
bool bw_sample_from(const struct bw_sample *sample, uint64_t at, struct bw_slice *out);

/* name, words, kind */
#define BW_FORMAT_ROWS(X)                               \
	X(UNKNOWN, "unknown format", OTHER)             \
	X(EMPTY, "empty file", OTHER)                   \
	X(ASCII, "ASCII text", TEXT)                    \
	X(UTF8, "UTF-8 text", TEXT)                     \
	X(UTF16, "UTF-16 text", TEXT)                   \
	X(LATIN, "8-bit text", TEXT)                    \
	X(PDF, "PDF", DOCUMENT)                         \
	X(ZIP, "ZIP archive", PACKED)                   \
	X(OFFICE, "office document", DOCUMENT)          \
	X(OLE2, "OLE2 document", DOCUMENT)              \
	X(SQLITE, "SQLite database", DOCUMENT)          \
	X(PST, "Outlook store", DOCUMENT)               \
	X(DICOM, "DICOM image", DOCUMENT)               \
	X(JPEG, "JPEG image", DOCUMENT)                 \
	X(PNG, "PNG image", DOCUMENT)                   \
	X(GIF, "GIF image", DOCUMENT)                   \
	X(TIFF, "TIFF image", DOCUMENT)                 \
	X(BMP, "BMP image", DOCUMENT)                   \
	X(RIFF, "RIFF file (WAV, AVI, WebP)", DOCUMENT) \
	X(MP4, "MP4 or QuickTime film", DOCUMENT)       \
	X(MATROSKA, "Matroska film", DOCUMENT)          \
	X(MP3, "MP3 recording", DOCUMENT)               \
	X(OGG, "Ogg recording", DOCUMENT)               \
	X(FLAC, "FLAC recording", DOCUMENT)             \
	X(FONT, "font", DOCUMENT)                       \
	X(ELF, "ELF program", DOCUMENT)                 \
	X(PE, "Windows program", DOCUMENT)              \
	X(CODE, "compiled code", DOCUMENT)              \
	X(TAR, "tar archive", IMAGE)                    \
	X(AR, "ar archive", DOCUMENT)                   \
	X(GZIP, "gzip file", PACKED)                    \
	X(XZ, "xz file", PACKED)                        \
	X(ZSTD, "zstd file", PACKED)                    \
	X(BZIP2, "bzip2 file", PACKED)                  \
	X(SEVENZIP, "7z archive", PACKED)               \
	X(RAR, "RAR archive", PACKED)                   \
	X(DISK, "disk image", IMAGE)                    \
	X(QCOW2, "QCOW2 disk", IMAGE)                   \
	X(VMDK, "VMDK disk", IMAGE)                     \
	X(VHDX, "VHD or VDI disk", IMAGE)               \
	X(LUKS, "LUKS volume", SEALED)                  \
	X(PGP, "OpenPGP message", SEALED)               \
	X(AGE, "age file", SEALED)                      \
	X(OPENSSL, "OpenSSL-encrypted file", SEALED)    \
	X(KEEPASS, "password database", SEALED)

enum bw_format {
#define X(name, words, kind) BW_FORMAT_##name,
	BW_FORMAT_ROWS(X)
#undef X
		BW_FORMAT_COUNT
};

enum bw_kind {
	BW_KIND_OTHER,
	BW_KIND_TEXT,
	BW_KIND_DOCUMENT, /* what people and programs keep */
	BW_KIND_PACKED,   /* compressed, readable by anybody */
	BW_KIND_IMAGE,    /* holds other people's bytes: parts of it may turn random by right */
	BW_KIND_SEALED,   /* readable with a key only */
};

enum bw_grade {
	BW_GRADE_NONE,
	BW_GRADE_HEADER, /* begins as it should */
	BW_GRADE_FRAMED, /* and what the sample shows of its structure fits: end, lengths, offsets */
	BW_GRADE_WHOLE,  /* and all of it was verified against its own checksums */
};

enum bw_state {
	BW_STATE_GOOD,
	BW_STATE_SHORT,  /* fits as far as it goes, and ends too early */
	BW_STATE_BROKEN, /* begins as it should and then breaks the format's own rules */
};

/*
 * What the checks say. `right` and `wrong` count the parts that were checked
 * (chunks, entries, pages, markers) and did or did not fit.
 */
struct bw_opinion {
	enum bw_format format;
	enum bw_grade grade;
	enum bw_state state;
	bool encrypted;
	uint32_t right;
	uint32_t wrong;
};

/*
 * Looks at everything but text (content_text.h does that): UNKNOWN when no
 * format claims it. `thorough` verifies checksums and unpacks, up to fixed
 * bounds; without it the cost is that of reading headers.
 */
void bw_format_look(const struct bw_sample *sample, bool thorough, struct bw_opinion *out);

const char *bw_format_words(enum bw_format format); /* "PDF" */
const char *bw_format_name(enum bw_format format);  /* "PDF", for machines */
enum bw_kind bw_format_kind(enum bw_format format);

#endif
