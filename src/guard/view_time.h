/*
 * Moments of a view of previous versions, as Samba's shadow_copy2 names them: @GMT-YYYY.MM.DD-HH.MM.SS, UTC. Pure.
 *
 * A moment shows what stood there at its end. Which moments are listed follows from how versions are thinned: every
 * minute of the last hour, every hour of the last day, every day before that, each only when something was taken in it.
 * Any moment may be asked for, so that a window somebody opened an hour ago still works.
 */
#ifndef BW_GUARD_VIEW_TIME_H
#define BW_GUARD_VIEW_TIME_H

#include "base/bytes.h"

enum {
	BW_MOMENT_BYTES = 25, /* with its NUL */
	BW_MOMENTS_MAX = 512,
};

/* Seconds since 1970, 2000 to 2105. Exactly the form above. SYNTAX, RANGE. */
BW_MUST_USE enum bw_err bw_moment_parse(struct bw_slice name, uint32_t *out_s);
void bw_moment_name(uint32_t seconds, char out[BW_MOMENT_BYTES]);

/* The moment that shows what was taken at `taken_us`, as of `now_us`; 0: it has not ended yet. */
uint32_t bw_moment_of(int64_t taken_us, int64_t now_us);

/* The last microsecond before the span that this moment ends: where the moment before it is to be looked for. */
int64_t bw_moment_before(uint32_t moment_s, int64_t now_us);

#endif
