/*
 * How often a partner may ask: a request costs the ledger work, and the ledger is one for all partners. Pure.
 *
 * A partner who exchanges at full speed makes about ten requests a second, each for thousands of objects; one who asks
 * more often than this waits, and the others do not.
 */
#ifndef BW_ACCORD_HALL_PACE_H
#define BW_ACCORD_HALL_PACE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	BW_PACE_PER_SECOND = 50,
	BW_PACE_BURST = 200,
	BW_PACE_TOLD_EVERY_S = 60, /* what a log says of one who goes on asking */
};

struct bw_pace {
	int64_t at_us; /* when `left` was right; 0: nothing was asked yet */
	int64_t left;  /* requests, in millionths */
	int64_t told_us;
};

/* One more request at `now_us` (monotonic). False: not now. */
bool bw_pace_allows(struct bw_pace *pace, int64_t now_us);

/* After a refusal: is it time to say so? */
bool bw_pace_tells(struct bw_pace *pace, int64_t now_us);

#endif
