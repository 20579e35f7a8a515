/*
 * One sentence for a person: what could not be done, to what, and why, e.g.
 * "cannot read 'feeds.conf': permission denied". Library rooms fill it; whoever
 * decides what to do prints or logs it. Never holds a secret. A NULL `why` is
 * allowed everywhere and keeps nothing.
 */
#ifndef BW_SYS_WHY_H
#define BW_SYS_WHY_H

#include "base/bytes.h"

enum { BW_WHY_BYTES = 512 };

struct bw_why {
	char text[BW_WHY_BYTES]; /* "" when nothing went wrong */
};

/* Fills `why` (cut when too long) and returns `err`, for `return bw_why_set(...)`. */
enum bw_err bw_why_set(struct bw_why *why, enum bw_err err, const char *fmt, ...) BW_PRINTF(3, 4);

/* "cannot VERB 'SUBJECT': words for errno"; returns the closest row for the errno. */
enum bw_err bw_why_errno(struct bw_why *why, int saved_errno, const char *verb, const char *subject);

/*
 * Fills `why` with "cannot DOING: words for err" when nothing more exact is in it, and returns `err`; leaves it alone
 * for OK. SYSTEM comes with what the kernel last said in this thread.
 */
enum bw_err bw_why_doing(struct bw_why *why, enum bw_err err, const char *doing);

#endif
