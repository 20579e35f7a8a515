/*
 * What a restore will do, and doing it: first a list of steps, made from the catalogues and (of an incident) from what
 * it pins, then each step (guard/restore.h), then a look at every byte of what was brought back.
 *
 *   an incident   the good version of every file it pins. A file that lives on under another name goes to the store's
 *                 displaced/ (its content was destroyed, or it is back under its old name), as does what has
 *                 no good version (encrypted copies)
 *   a tree, a time   the newest good version then of every file that was there then. What came later stays
 *   a file           one version of what bore that name
 */
#ifndef BW_GUARD_RESTORE_PLAN_H
#define BW_GUARD_RESTORE_PLAN_H

#include "guard/ledger.h"
#include "guard/restore.h"
#include "guard/settings.h"
#include "sys/files.h"

enum bw_step_kind {
	BW_STEP_BRING_BACK,
	BW_STEP_DISPLACE,
};

enum { BW_STEPS_MAX = 64 * 1024 * 1024 };

struct bw_step {
	uint8_t kind; /* enum bw_step_kind */
	uint8_t done; /* it was tried */
	uint8_t what; /* enum bw_restored, when it succeeded */
	uint8_t err;  /* enum bw_err */
	uint8_t volume;
	uint64_t version; /* BRING_BACK */
	uint64_t bytes;
	struct bw_file_key key; /* DISPLACE: the file that stands there, and nothing else under that name */
	const char *path;       /* below the volume's mount */
	const char *word;       /* BESIDE: the name kept; failed: why; else NULL */
};

struct bw_restore_plan {
	const struct bw_volume *volumes;
	size_t volume_count;
	struct bw_shadow *shadows[BW_VOLUMES_MAX]; /* open for reading */
	struct bw_arena arena;                     /* paths and words */
	struct bw_step *steps;
	size_t count;
	size_t room;
	int64_t good_after_us; /* as in struct bw_restore */
	char label[32];        /* of names kept beside */
};

/* Opens every volume's store. As bw_shadow_open. */
BW_MUST_USE enum bw_err bw_restore_plan_open(struct bw_restore_plan *plan, const struct bw_volume *volumes,
					     size_t volume_count, struct bw_why *why);
void bw_restore_plan_release(struct bw_restore_plan *plan);

/*
 * A file that a record of the judge names, before bw_restore_plan_incident: `version` (0: none) is the good one. The
 * numbers of volumes may have changed since; a version counts where its file's key fits.
 */
BW_MUST_USE enum bw_err bw_restore_plan_named(struct bw_restore_plan *plan, const struct bw_file_key *file,
					      uint64_t version);

/* The steps. NOT_FOUND with a sentence when there is nothing of the kind. TOO_MANY, MEMORY, and the shelf's. */
BW_MUST_USE enum bw_err bw_restore_plan_incident(struct bw_restore_plan *plan, uint64_t incident, struct bw_why *why);
BW_MUST_USE enum bw_err bw_restore_plan_tree(struct bw_restore_plan *plan, const char *path, int64_t at_us,
					     struct bw_why *why);
BW_MUST_USE enum bw_err bw_restore_plan_file(struct bw_restore_plan *plan, const char *path, uint64_t version,
					     struct bw_why *why);

/*
 * An absolute path without links in its folder; what it names may be gone, and its folder too when it was named from
 * the root. RANGE, TOO_BIG, DENIED.
 */
BW_MUST_USE enum bw_err bw_restore_path(const char *path, char out[BW_PATH_BYTES], struct bw_why *why);

/* Of a path below a mount: its folder and its name. */
void bw_restore_split(struct bw_slice inside, struct bw_slice *out_folder, struct bw_slice *out_name);

/* `see` after every step, with how many are done; false ends the run (what is done stays). May be NULL. */
typedef bool bw_restore_see(void *context, size_t done);

/* Tries all that were not done yet. A step that fails is marked, and the rest goes on. */
void bw_restore_plan_run(struct bw_restore_plan *plan, bool dry_run, bw_restore_see *see, void *context);

/* Reads everything that was brought back, byte by byte, against the store; what differs is marked as failed. */
void bw_restore_plan_check(struct bw_restore_plan *plan, bw_restore_see *see, void *context);

void bw_restore_plan_sum(const struct bw_restore_plan *plan, struct bw_ledger_restored *out);

#endif
