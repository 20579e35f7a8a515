/*
 * A set of exact values (intel/indicator.h), looked up in one step: made once by one process, in one piece of memory
 * that others map and read. Each value carries a note, the maker's own bytes.
 *
 *   "BWX1" | count be32 | slots be32 | key[16] | slots * be32 (1 + number; 0: free) | count * be32 (the entry's offset)
 *   entry: trait u8 | value block | note block
 *
 * The table is hashed with a key, so that whoever chooses values cannot make look-ups slow. Whoever opens a set treats
 * it as a stranger's: a set that opens never makes a look-up read outside, or run for ever.
 */
#ifndef BW_INTEL_EXACT_H
#define BW_INTEL_EXACT_H

#include "base/cursor.h"
#include "intel/indicator.h"

enum {
	BW_EXACT_VALUES_MAX = 1000000,
	BW_EXACT_NOTE_BYTES = 1024,
};

#define BW_EXACT_BYTES_MAX (256 * (size_t)1024 * 1024)

struct bw_exact_value {
	enum bw_trait trait;
	struct bw_slice text; /* as bw_trait_value has it */
	struct bw_slice note;
};

/* The same value twice: the first stays. TOO_MANY, TOO_BIG, MEMORY. */
BW_MUST_USE enum bw_err bw_exact_write(const struct bw_exact_value *values, size_t count, struct bw_buf *out);

struct bw_exact {
	struct bw_slice bytes; /* borrowed */
	uint32_t count;
	uint32_t mask;
	const uint8_t *slots;
	const uint8_t *offsets;
};

/* Checks all of it. VERSION, TRUNCATED, CORRUPT. */
BW_MUST_USE enum bw_err bw_exact_open(struct bw_slice bytes, struct bw_exact *out);

struct bw_exact_found {
	uint32_t number; /* 0..count-1 */
	enum bw_trait trait;
	struct bw_slice text;
	struct bw_slice note;
};

bool bw_exact_find(const struct bw_exact *set, enum bw_trait trait, struct bw_slice text, struct bw_exact_found *out);

/* A file's name as both its traits: the whole of it, and what follows each of its last dots. The first found. */
bool bw_exact_find_name(const struct bw_exact *set, struct bw_slice name, struct bw_exact_found *out);

/* The n-th value, for lists. */
void bw_exact_at(const struct bw_exact *set, uint32_t number, struct bw_exact_found *out);

#endif
