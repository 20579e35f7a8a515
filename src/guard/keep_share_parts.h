/* What shares say: keep_share_say.c, for keep_share.c only. */
#ifndef BW_GUARD_KEEP_SHARE_PARTS_H
#define BW_GUARD_KEEP_SHARE_PARTS_H

#include "guard/keep_parts.h"

/* Newest copies that went for others'. */
struct bw_keep_given {
	uint32_t owner; /* who gave; of several one */
	uint64_t copies;
	uint64_t bytes;
	uint64_t inodes;
};

/* The log each time; the board; a notice once a day. */
void bw_keep_share_say_given(struct bw_keep *keep, uint32_t volume, const struct bw_keep_given *given);

/* Somebody's files get no copy: the log once an hour for each owner, the rest as above. */
void bw_keep_share_say_refused(struct bw_keep *keep, uint32_t volume, const struct bw_shadow_wish *wish, bool inodes);

#endif
