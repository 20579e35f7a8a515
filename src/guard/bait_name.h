/*
 * What a bait file is called: a name made of the words and numbers of its neighbours' names, in the shape of one of
 * them. Pure; works on bytes and knows UTF-8 only as bytes that belong together.
 */
#ifndef BW_GUARD_BAIT_NAME_H
#define BW_GUARD_BAIT_NAME_H

#include "guard/bait_dice.h"

enum { BW_BAIT_NAME_BYTES = 256, BW_BAIT_NAMES_MAX = 4096 };

/* Where it stands among its neighbours when they are sorted by name, ASCII letters without case. */
enum bw_bait_end {
	BW_BAIT_ANYWHERE,
	BW_BAIT_FIRST, /* as near to the front as their words allow */
	BW_BAIT_LAST,
};

/*
 * `names` are all names of the folder (at most BW_BAIT_NAMES_MAX are looked at); those with the ending of `model` give
 * shape and words. No two names differ by case alone: to a client of Samba they would be one. NOT_FOUND: their
 * words make no other name.
 */
BW_MUST_USE enum bw_err bw_bait_name(const struct bw_slice *names, size_t count, struct bw_slice model,
				     enum bw_bait_end end, struct bw_bait_dice *dice, char out[BW_BAIT_NAME_BYTES]);

/* "docx" of "plan.docx"; empty when there is none. */
struct bw_slice bw_bait_ending(struct bw_slice name);

#endif
