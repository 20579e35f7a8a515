/*
 * Undoing a restore, from what it noted (guard/restore_note.h), the last step first. What somebody changed since stays
 * as it is. Nothing is lost by it either: what the restore had put in place goes aside in its turn.
 */
#ifndef BW_GUARD_RESTORE_UNDO_H
#define BW_GUARD_RESTORE_UNDO_H

#include "guard/restore_aside.h"

enum { BW_UNDO_INCIDENTS_MAX = 64 };

struct bw_undo_sum {
	uint64_t undone;
	uint64_t left; /* somebody changed it since, or stands where it belongs */
	uint64_t failed;
	uint64_t incidents[BW_UNDO_INCIDENTS_MAX]; /* whose restore it was */
	size_t incident_count;
};

struct bw_undo {
	const struct bw_volume *volumes;
	size_t volume_count;
	char id[BW_ASIDE_ID_BYTES];
	uint64_t older; /* see bw_undo_named; 0: none */
	bool dry_run;
	/* After each step; `words` what was done, or why it was not (err: not OK). May be NULL. */
	void (*see)(void *context, const struct bw_volume *volume, struct bw_slice path, const char *words,
		    enum bw_err err);
	void *context;
};

/*
 * A number, or "last": the newest that did something. CONFLICT: that is undone already; `id` names it, and `older` the
 * newest before it that is not. NOT_FOUND, SYNTAX.
 */
BW_MUST_USE enum bw_err bw_undo_named(struct bw_undo *undo, const char *name);

/* Once nothing failed, it is undone: CONFLICT says that it was before. NOT_FOUND. */
BW_MUST_USE enum bw_err bw_undo_run(const struct bw_undo *undo, struct bw_undo_sum *out, struct bw_why *why);

#endif
