/*
 * For the checks of single formats: a sample with its ends at hand, and numbers
 * read from places that may lie outside of it.
 */
#ifndef BW_GUARD_CONTENT_LOOK_H
#define BW_GUARD_CONTENT_LOOK_H

#include "guard/content_format.h"

struct bw_look {
	const struct bw_sample *sample;
	uint64_t size;
	struct bw_slice head; /* the piece at 0; empty when it was not read */
	struct bw_slice tail; /* the piece that ends at size */
	bool whole;           /* head is everything */
	bool thorough;
};

/* Numbers of 1..8 bytes at an offset of the file; false when the sample does not hold them. */
bool bw_look_le(const struct bw_look *look, uint64_t at, size_t bytes, uint64_t *out);
bool bw_look_be(const struct bw_look *look, uint64_t at, size_t bytes, uint64_t *out);

/* The sample holds exactly these bytes at `at`. */
bool bw_look_is(const struct bw_look *look, uint64_t at, const char *bytes, size_t len);
#define BW_LOOK_IS(look, at, literal) bw_look_is((look), (at), "" literal, sizeof(literal) - 1)

/* Offset in `where` of the first or last `what`; false when absent. */
bool bw_find_first(struct bw_slice where, struct bw_slice what, size_t *out);
bool bw_find_last(struct bw_slice where, struct bw_slice what, size_t *out);

/* A part was checked. */
static inline void bw_part(struct bw_opinion *opinion, bool fits)
{
	opinion->right += fits;
	opinion->wrong += !fits;
}

/* The end of a check whose framing is what `framed` says. Wrong parts make it BROKEN. */
void bw_settle(struct bw_opinion *opinion, bool framed, bool all_seen);

/* How deflated bytes begin: a bad block header, one that says nothing, or whole Huffman tables. */
enum bw_deflate { BW_DEFLATE_BAD, BW_DEFLATE_UNKNOWN, BW_DEFLATE_GOOD };
enum bw_deflate bw_deflate_starts(struct bw_slice bytes);

/*
 * Unpacks deflated bytes (`raw`: without a zlib or gzip frame; else with either) and drops what comes
 * out. Stops after `most` bytes of output. `crc` is of what came out.
 */
struct bw_inflated {
	bool bad;       /* not deflated bytes, or a checksum of its own does not fit */
	bool ended;     /* reached the end of the stream */
	size_t used;    /* input bytes */
	uint64_t bytes; /* output bytes */
	uint32_t crc;
};
void bw_inflate_check(struct bw_slice bytes, bool raw, uint64_t most, struct bw_inflated *out);

uint32_t bw_crc32(struct bw_slice bytes);

/*
 * Whether the first file in a ZIP archive lies there unpacked, and is either sealed or random and of no format we know.
 * Whoever packs a document finds its own format there, or deflated bytes.
 */
bool bw_zip_holds_noise(const struct bw_sample *sample);

/*
 * One check each: called when the magic bytes are there, with grade HEADER and state GOOD set.
 * May take the format back (UNKNOWN) when the rest of the header is impossible.
 */
typedef void bw_look_fn(const struct bw_look *look, struct bw_opinion *opinion);

bw_look_fn bw_look_png, bw_look_jpeg, bw_look_gif, bw_look_tiff, bw_look_bmp;
bw_look_fn bw_look_zip, bw_look_gzip, bw_look_xz, bw_look_zstd, bw_look_bzip2, bw_look_7z, bw_look_tar;
bw_look_fn bw_look_pdf, bw_look_ole2, bw_look_sqlite, bw_look_dicom;
bw_look_fn bw_look_riff, bw_look_mp4, bw_look_mp3, bw_look_id3, bw_look_ogg, bw_look_flac;
bw_look_fn bw_look_elf, bw_look_pe, bw_look_class, bw_look_disk, bw_look_disk_ext, bw_look_ebml, bw_look_pgp;

#endif
