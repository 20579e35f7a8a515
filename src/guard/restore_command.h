/* What the files of `guard restore` share. */
#ifndef BW_GUARD_RESTORE_COMMAND_H
#define BW_GUARD_RESTORE_COMMAND_H

#include "base/command.h"
#include "base/progress.h"
#include "guard/ask.h"
#include "guard/incident.h"
#include "guard/plain.h"
#include "guard/restore_plan.h"

enum { RESTORE_INCIDENTS_MAX = 64 };

struct restore {
	struct bw_call *call;
	const char *data;
	struct bw_arena arena;
	struct bw_guard_settings settings;
	struct bw_volume volumes[BW_VOLUMES_MAX];
	size_t volume_count;
	struct bw_restore_plan plan;
	uint64_t incidents[RESTORE_INCIDENTS_MAX];
	size_t incident_count; /* 0: of none */
	int64_t approved_us;   /* since when the actor of one of them was let work on; 0: none was */
	bool dry_run;
	bool is_part;               /* not all of it was asked for: what is left keeps the incident open */
	struct bw_channel *channel; /* to the running guard; NULL: none runs */
	struct bw_progress progress;
	size_t seen; /* steps that are done, and their bytes */
	uint64_t seen_bytes;
	enum bw_err run_err; /* of the run as a whole */
	struct bw_why run_why;
};

/* restore_pick.c: the steps for what was asked. USAGE, SYNTAX, NOT_FOUND with a sentence. */
BW_MUST_USE enum bw_err restore_pick(struct restore *restore, struct bw_why *why);

/* restore_say.c: what was done, or would be; the exit status. `asked`: more follows, and JSON waits for it. */
int restore_show(const struct restore *restore, const struct bw_ledger_restored *sum, bool asked);

#endif
