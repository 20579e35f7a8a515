/*
 * The name somebody may have meant.
 */
#ifndef BW_CLI_NEAREST_H
#define BW_CLI_NEAREST_H

#include "base/bytes.h"

struct bw_nearest {
	struct bw_slice typed;
	const char *best; /* NULL: nothing near enough */
	size_t distance;
};

struct bw_nearest bw_nearest_to(struct bw_slice typed);

/* Offers a candidate: insertions, deletions, replacements and swapped neighbours count one each. */
void bw_nearest_offer(struct bw_nearest *nearest, const char *name);

#endif
