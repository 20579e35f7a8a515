/*
 * Which files are bait. Nothing in or on such a file says so; this list does: DATA/guard/bait, root's, 0600, a fact a
 * line, PATH to its end:
 *
 *   bait INO TREE GEN LAID SIZE MTIME MTIME-NS SHA256 PATH   as it was laid; LAID in µs, SHA256 of its content in hex
 *   gone WHEN PATH                                           a folder whose bait somebody removed, noticed at WHEN (µs)
 *
 * Paths are absolute, at most BW_PATH_BYTES with their NUL, without control characters (none is laid where there are
 * any). Bytes of it are read as a stranger's: whoever restores DATA from somewhere may bring anything.
 */
#ifndef BW_GUARD_BAIT_BOOK_H
#define BW_GUARD_BAIT_BOOK_H

#include "base/arena.h"
#include "crypto/hash.h"
#include "guard/key.h"
#include "guard/settings.h"

enum {
	BW_BAITS_A_TREE = 64,
	BW_BAITS_MAX = BW_TREES_MAX * BW_BAITS_A_TREE,
	BW_BAIT_RESTS_MAX = 4096,
	BW_BAIT_REST_DAYS = 90, /* who threw bait away is left alone for a term */
	BW_BAIT_BOOK_BYTES = 32 * 1024 * 1024,
};

struct bw_bait {
	struct bw_file_key key; /* volume 0: the guard's numbers of volumes change with the settings */
	int64_t laid_us;
	uint64_t size;
	int64_t mtime_s;
	uint32_t mtime_ns;
	uint8_t sha256[BW_SHA256_BYTES];
	const char *path;
};

struct bw_bait_rest {
	int64_t when_us;
	const char *path;
};

struct bw_bait_book {
	struct bw_arena arena;
	struct bw_bait *baits; /* BW_BAITS_MAX of them */
	size_t count;
	struct bw_bait_rest *rests;
	size_t rest_count;
};

BW_MUST_USE enum bw_err bw_bait_book_init(struct bw_bait_book *out); /* MEMORY */
void bw_bait_book_release(struct bw_bait_book *book);

/* The path is copied. TOO_MANY, MEMORY; SYNTAX: a path that no line can hold. */
BW_MUST_USE enum bw_err bw_bait_book_add(struct bw_bait_book *book, const struct bw_bait *bait);
void bw_bait_book_drop(struct bw_bait_book *book, size_t which); /* the others keep their order */

/* Nothing is to be laid in this folder for a while; the oldest gives way when there are too many. */
BW_MUST_USE enum bw_err bw_bait_book_rest(struct bw_bait_book *book, struct bw_slice folder, int64_t now_us);
bool bw_bait_book_rests(const struct bw_bait_book *book, struct bw_slice folder, int64_t now_us);

/* Whether a folder's or file's path can stand in a line. */
bool bw_bait_path_fits(struct bw_slice path);

/* Pure. SYNTAX, TOO_MANY, MEMORY: what was read before stays in the book. Read and written again is the same. */
BW_MUST_USE enum bw_err bw_bait_book_parse(struct bw_slice text, struct bw_bait_book *book);
BW_MUST_USE enum bw_err bw_bait_book_write(const struct bw_bait_book *book, struct bw_buf *out);

/* DATA/guard/bait, into an empty book. None is an empty one. SYNTAX …, with the place. */
BW_MUST_USE enum bw_err bw_bait_book_load(const char *data, struct bw_bait_book *book, struct bw_why *why);
BW_MUST_USE enum bw_err bw_bait_book_save(const char *data, const struct bw_bait_book *book, struct bw_why *why);

/* How many there are, for those who only show it. As bw_bait_book_load. */
BW_MUST_USE enum bw_err bw_bait_count(const char *data, size_t *out, struct bw_why *why);

#endif
