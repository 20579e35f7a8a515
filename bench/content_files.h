/*
 * Files of many formats, made in memory by small writers: well-formed enough for the
 * checks of guard/content.h and for their own readers where one is at hand. The same
 * seed gives the same file.
 */
#ifndef BW_BENCH_CONTENT_FILES_H
#define BW_BENCH_CONTENT_FILES_H

#include "base/bytes.h"
#include "guard/content_format.h"

struct bw_maker {
	const char *name;
	enum bw_format format;                                        /* what it must be seen as */
	void (*make)(size_t size, uint64_t seed, struct bw_buf *out); /* about `size` bytes */
};

extern const struct bw_maker bw_makers[];
extern const size_t bw_makers_n;

const struct bw_maker *bw_maker_named(const char *name);

/* gzip of the bytes; for files that are packed in place. */
void bw_make_gzip_of(struct bw_slice bytes, struct bw_buf *out);

#endif
