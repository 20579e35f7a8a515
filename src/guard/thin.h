/*
 * Which old versions go. Like a good backup: everything of the last hour, one an hour for a day, one a day
 * until `days` are over; of what somebody pinned or what is the newest good version, nothing. Pure.
 *
 * When room is short, more must go than age says. Then those go first that stood for the shortest time:
 * who rewrites files over and over, slowly or fast, pushes out his own intermediate states, and a version
 * that stood for weeks before it was overwritten goes last. That is the budget of churn: nobody has to know whose it
 * was.
 */
#ifndef BW_GUARD_THIN_H
#define BW_GUARD_THIN_H

#include "base/macros.h"

struct bw_thin_version {
	uint64_t number;
	int64_t taken_us;
	/* when the next version of the file was taken, or the file went; INT64_MAX: it is the newest */
	int64_t until_us;
	uint64_t kept_bytes;
	bool good;   /* not doubtful, not fuzzy */
	bool newest; /* the newest good one of a file that exists */
	bool pinned;
};

/* All versions of one file, newest first; sets `drop[i]`. Clocks that jumped back only keep more. */
void bw_thin_by_age(const struct bw_thin_version *versions, size_t count, int64_t now_us, uint32_t days, bool *drop);

/* How long it stood, for the order in which versions go when room is short; UINT64_MAX: it must not go. */
uint64_t bw_thin_worth(const struct bw_thin_version *version, int64_t now_us);

#endif
