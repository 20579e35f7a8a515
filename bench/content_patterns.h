/*
 * The shapes in which ransomware leaves a content, made in memory from stored random
 * bytes: for the tests and tables of guard/content.h. Nothing here touches a file or
 * could be undone or used on one.
 */
#ifndef BW_BENCH_CONTENT_PATTERNS_H
#define BW_BENCH_CONTENT_PATTERNS_H

#include "base/bytes.h"

struct bw_shape {
	const char *id;   /* as in the list of patterns, "S08" */
	const char *name; /* "every other 16 bytes" */
	/* Appends what becomes of `old`. */
	void (*make)(struct bw_slice old, uint64_t seed, struct bw_buf *out);
};

extern const struct bw_shape bw_shapes[];
extern const size_t bw_shapes_n;

/* `len` random bytes of that seed, the same every time. */
void bw_shape_noise(uint64_t seed, uint8_t *out, size_t len);

#endif
