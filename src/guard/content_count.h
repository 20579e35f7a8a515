/* Counting bytes: histogram and chi-square against even use. Integers only. */
#ifndef BW_GUARD_CONTENT_COUNT_H
#define BW_GUARD_CONTENT_COUNT_H

#include "base/bytes.h"

struct bw_count {
	uint32_t bins[256];
	uint32_t total;
};

/* Adds the bytes. At most 2^32 - 1 bytes in one count. */
void bw_count_add(struct bw_count *count, struct bw_slice bytes);
void bw_count_merge(struct bw_count *into, const struct bw_count *from);

/*
 * Chi-square against even use of all 256 values, rounded down: about 255 for random
 * bytes, standard deviation 22.6, whatever their number; 255 times the number for one
 * byte repeated. 0 for none.
 */
uint64_t bw_count_chi(const struct bw_count *count);

/* The same over the values `from`..`to` only and the bytes that have them. */
uint64_t bw_count_chi_among(const struct bw_count *count, const uint8_t *values, size_t values_n);

/* Different values that occur. */
unsigned bw_count_values(const struct bw_count *count);

/* enum BW_CLASS_* of a window. */
unsigned bw_count_class(const struct bw_count *count);

/* 8 times the logarithm to base 2, at most 255; 0 below 2. */
uint8_t bw_log8(uint64_t value);
uint64_t bw_exp8(uint8_t log); /* about what bw_log8 had; for people */

#endif
