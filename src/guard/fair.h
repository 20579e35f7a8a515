/*
 * Shares of room among owners: who may have more when there is too little, and who gives it. Pure.
 *
 * What an owner holds is what copies of his doing took since shares are counted (keep_share.c), in bytes and in inodes.
 * The room for all of it is divided max-min fair: whoever wants less than an equal part gets all he wants, and what he
 * leaves is divided among the others in the same way. That gives one level, and nobody below it is refused anything or
 * loses anything while somebody is above it. So whatever one owner does, what he takes too much is his own loss.
 */
#ifndef BW_GUARD_FAIR_H
#define BW_GUARD_FAIR_H

#include "base/macros.h"

struct bw_fair_owner {
	uint32_t owner;
	uint64_t bytes;
	uint64_t objects;
};

/* All zero: nobody holds anything. Sorted by owner. */
struct bw_fair {
	struct bw_fair_owner *list;
	size_t count;
	size_t room;
	uint64_t bytes; /* of all */
	uint64_t objects;
};

void bw_fair_release(struct bw_fair *fair); /* nobody holds anything again */

/* He holds so much more. MEMORY. */
BW_MUST_USE enum bw_err bw_fair_add(struct bw_fair *fair, uint32_t owner, uint64_t bytes, uint64_t objects);

/* … or less; never below nothing. */
void bw_fair_take(struct bw_fair *fair, uint32_t owner, uint64_t bytes, uint64_t objects);

/* What he holds; nothing when nobody knows him. */
struct bw_fair_owner bw_fair_of(const struct bw_fair *fair, uint32_t owner);

/* One owner wants so much more of a room that is so large for all that is held. */
struct bw_fair_claim {
	uint32_t owner;
	uint64_t bytes;
	uint64_t objects;
	uint64_t room_bytes;
	uint64_t room_objects;
};

/* What is above it is above the fair share; UINT64_MAX: all fits. */
struct bw_fair_level {
	uint64_t bytes;
	uint64_t objects;
};
struct bw_fair_level bw_fair_level(const struct bw_fair *fair, const struct bw_fair_claim *claim);

/* Whether he stays within his share with what he claims. */
bool bw_fair_grants(const struct bw_fair *fair, const struct bw_fair_claim *claim, const struct bw_fair_level *level);

/* Whether he has to give, now: he is above the level in what somebody is short of. */
bool bw_fair_gives(const struct bw_fair *fair, uint32_t owner, const struct bw_fair_level *level);

#endif
