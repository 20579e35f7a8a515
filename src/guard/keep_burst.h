/*
 * Who makes new files by the hundred (an archive unpacked, a folder copied), and when that is over. Copies of such
 * files are made on the processors and the disk that the work itself needs: while it goes on, at a low priority, on
 * what of both nobody wants (guard/keep_queue.h). The first files of everybody, and whoever makes fewer than a hundred
 * a second, are kept at once. Pure: the clock is the caller's.
 */
#ifndef BW_GUARD_KEEP_BURST_H
#define BW_GUARD_KEEP_BURST_H

#include "base/macros.h"

enum {
	BW_BURST_AT_ONCE = 64, /* files of one process that are no burst yet */
	BW_BURST_A_SECOND = 100,
	BW_BURST_QUIET_MS = 100, /* without one more file of a burst: it is over */
	BW_BURST_PLACES = 256,   /* processes remembered; who shares a place with another is taken for a new one */
};

struct bw_burst {
	struct {
		uint64_t refilled_ns;
		uint32_t pid;
		uint32_t spent;
	} makers[BW_BURST_PLACES];
	uint64_t last_ns; /* when a file of any burst came last; 0: never */
};

/* Process `pid` made one more new file. True: it is one of a burst. */
bool bw_burst_takes(struct bw_burst *burst, uint32_t pid, uint64_t now_ns);

/* When the present one is over, unless more comes. */
uint64_t bw_burst_end_ns(const struct bw_burst *burst);

#endif
