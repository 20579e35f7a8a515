/* Chance that nobody can foresee who does not hold the key: a keyed hash of a counter. */
#ifndef BW_GUARD_BAIT_DICE_H
#define BW_GUARD_BAIT_DICE_H

#include "crypto/hash.h"

struct bw_bait_dice {
	uint8_t key[BW_SIPHASH_KEY_BYTES];
	uint64_t rolled;
};

/* Below `limit`; 0 when that is 0. */
static inline uint64_t bw_bait_roll(struct bw_bait_dice *dice, uint64_t limit)
{
	const uint64_t count = dice->rolled++;

	return limit == 0 ? 0 : bw_siphash(dice->key, bw_slice_of(&count, sizeof(count))) % limit;
}

#endif
