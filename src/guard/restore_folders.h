/*
 * The folders that a restore changes: after it they have the times they had before the attack (or still, when
 * somebody else changed them since), and where the attacker could have changed owner, mode and attributes, those too.
 */
#ifndef BW_GUARD_RESTORE_FOLDERS_H
#define BW_GUARD_RESTORE_FOLDERS_H

#include "guard/restore_plan.h"

struct bw_restore_folders;

/* Before the first step: every folder of the steps and of the trace as it is now. MEMORY. */
BW_MUST_USE enum bw_err bw_restore_folders_look(const struct bw_restore_plan *plan, struct bw_restore_folders **out);

/* After the last: sets right what is to be, and counts. What cannot be set is told in `why`, the rest is still done. */
BW_MUST_USE enum bw_err bw_restore_folders_settle(struct bw_restore_folders *folders, struct bw_aside *asides,
						  uint64_t *out_set, struct bw_why *why);

/* In between: a folder got another path, and all below it. MEMORY. */
BW_MUST_USE enum bw_err bw_restore_folders_moved(struct bw_restore_folders *folders, uint8_t volume, const char *from,
						 const char *to);
void bw_restore_folders_free(struct bw_restore_folders *folders); /* NULL allowed */

/*
 * Which of a folder's states is the last that the attacker did not make: pure, for tests. `first_us` and `last_us`
 * frame what he did in it (INT64_MAX, INT64_MIN: nothing).
 */
struct bw_folder_state {
	int64_t seen_us; /* INT64_MAX: now, before the restore */
	int64_t mtime_us;
};
bool bw_folder_state_counts(const struct bw_folder_state *state, int64_t first_us, int64_t last_us);

#endif
