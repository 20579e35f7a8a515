/*
 * Letting go of a process that is held (guard/freezer.h, and SIGSTOP): what the hand does, and, while no guard runs,
 * `guard approve`.
 */
#ifndef BW_GUARD_HOLD_H
#define BW_GUARD_HOLD_H

#include "guard/freezer.h"
#include "guard/hand_book.h"

/*
 * `deed` was taken out of the book: HELD, and no other incident's. Who stands in the same cgroup and is in no deed goes
 * too. True when it was that process still, and goes on.
 */
bool bw_hold_end(const struct bw_freezer *freezer, int proc, const struct bw_hand_book *book,
		 const struct bw_deed *deed);

/*
 * Lets go whom the book of a guard that does not run holds for the incident; what else the book says stays for the
 * guard's next start. BUSY: a guard runs. `*out_count`: how many go on.
 */
BW_MUST_USE enum bw_err bw_hold_end_all(const char *data, uint64_t incident, size_t *out_count, struct bw_why *why);

#endif
