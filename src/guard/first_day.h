/*
 * The report at the end of the first day, when no mode was chosen: what happened while files that were sealed, wiped or
 * emptied were only written down, and what changes now. Pure text, for people: DATA/guard/first-day, and a notice.
 */
#ifndef BW_GUARD_FIRST_DAY_H
#define BW_GUARD_FIRST_DAY_H

#include "guard/incident.h"
#include "guard/settings.h"

#define BW_FIRST_DAY_NAME "guard/first-day" /* below DATA; its being there says that it was told */

enum { BW_FIRST_DAY_BYTES_MAX = 64 * 1024 };

/* `files`: that have standing copies now. TOO_BIG, MEMORY. */
BW_MUST_USE enum bw_err bw_first_day_say(const struct bw_guard_settings *settings, const struct bw_incidents *incidents,
					 uint64_t files, struct bw_buf *out);

/* When it ends, wall clock; INT64_MAX when it does not count: a mode was chosen, or nothing is enrolled. */
int64_t bw_first_day_ends(const struct bw_guard_settings *settings);

#endif
