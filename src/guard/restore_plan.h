/*
 * What a restore will do, and doing it: first a list of steps, made from the catalogues and (of an incident) from what
 * it pins, then each step (guard/restore.h), then a look at every byte of what was brought back.
 *
 *   an incident   the good version of every file it pins or its actor's trace names (guard/trace.h), under the name it
 *                 has now when somebody else renamed it since, else under the one it had; folders that the actor
 *                 removed, and the names of those he renamed. A file that the actor renamed, encrypted copies and
 *                 what he made besides (notes) are moved aside; what somebody else wrote since stays
 *   a tree, a time   the newest good version then of every file that was there then; of a file whose first copy was
 *                    taken later, that copy, when it had not been changed since before that time. What came later
 *                    stays; what drills made is left out, but for that below their folder when it is named
 *   a file           one version of what bore that name
 */
#ifndef BW_GUARD_RESTORE_PLAN_H
#define BW_GUARD_RESTORE_PLAN_H

#include <limits.h>

#include "guard/content.h"
#include "guard/ledger.h"
#include "guard/restore.h"
#include "guard/settings.h"
#include "guard/trace.h"
#include "sys/files.h"

enum bw_step_kind {
	BW_STEP_FOLDER, /* a folder that is gone is made again */
	BW_STEP_BRING_BACK,
	BW_STEP_DISPLACE,
	BW_STEP_RENAME, /* a folder gets its name back; last, as all other paths are those of before */
};

enum { BW_STEPS_MAX = 64 * 1024 * 1024, BW_RESTORE_UIDS_MAX = 64 };

struct bw_step {
	uint8_t kind; /* enum bw_step_kind */
	uint8_t done; /* it was tried */
	uint8_t what; /* enum bw_restored, when it succeeded */
	uint8_t err;  /* enum bw_err */
	uint8_t volume;
	uint64_t version; /* BRING_BACK */
	uint64_t bytes;
	struct bw_file_key key; /* DISPLACE: the file that stands there, and nothing else under that name */
	uint32_t links;         /* BRING_BACK: names it had */
	uint8_t follows;        /* BRING_BACK: to `path`, which is not where it was taken */
	uint8_t named;          /* BRING_BACK: to `path`, one of the names it had, in a folder that may be gone */
	uint8_t early;          /* BRING_BACK: its first copy, taken after the time that was asked for */
	uint8_t left;           /* DISPLACE: nothing is moved: */
	uint8_t stays;          /* … and the file is there: somebody else wrote it, or it was there before */
	int64_t born_us;        /* DISPLACE of what a trace alone names: only when it was born since then … */
	int64_t last_us;        /* … and not written after this; 0: in any case */
	const char *path;       /* below the volume's mount */
	const char *to;         /* RENAME: the path it had */
	const char *word;       /* BESIDE: the name kept; RENAME: its name; failed: why; else NULL */
};

/* A large file that was compared before it took its place (guard/restore.h), by the number of its step; in order. */
struct bw_step_mark {
	size_t step;
	struct bw_restore_mark mark;
};

struct bw_restore_plan {
	const struct bw_volume *volumes;
	size_t volume_count;
	struct bw_shadow *shadows[BW_VOLUMES_MAX]; /* open for reading */
	struct bw_arena arena;                     /* paths and words */
	struct bw_step *steps;
	size_t count;
	size_t room;
	int64_t good_after_us;     /* as in struct bw_restore */
	const uint64_t *incidents; /* borrowed: whose restore it is, for its notes */
	size_t incident_count;
	char label[32];             /* of names kept beside */
	char id[BW_ASIDE_ID_BYTES]; /* what is moved aside lies under it, and it can be undone by it */
	/* what the judge's records tell of the incident */
	struct bw_traced *traced;
	size_t traced_count;
	size_t traced_room;
	int64_t before_us; /* the first act of the actor, or the time that is to come back; INT64_MAX: not known */
	uint32_t uids[BW_RESTORE_UIDS_MAX]; /* whose processes did it */
	size_t uid_count;
	bool is_tree;               /* folders become what they were at `before_us` */
	bool has_anybody;           /* more users than fit */
	uint64_t folders;           /* set right, by the run */
	uint64_t renamed;           /* folders that have their names again */
	uint64_t of_drills;         /* files of a tree that are left out */
	struct bw_step_mark *marks; /* of the last run */
	size_t mark_count;
	size_t mark_room;
	bw_restore_pace *pace; /* may be NULL */
	void *pace_context;
};

/* Opens every volume's store. As bw_shadow_open. */
BW_MUST_USE enum bw_err bw_restore_plan_open(struct bw_restore_plan *plan, const struct bw_volume *volumes,
					     size_t volume_count, struct bw_why *why);
void bw_restore_plan_release(struct bw_restore_plan *plan);

/*
 * A file that a record of the judge names, before bw_restore_plan_incidents. The numbers of volumes may have changed
 * since; a version counts where its file's key fits. When the good one that is named is not kept, the newest good one
 * taken before the attack on the file comes back.
 */
struct bw_restore_named {
	const struct bw_file_key *file;
	uint64_t version;             /* the good one; 0: none is named */
	const struct bw_content *old; /* what it looked like (guard/good_version.h); NULL: nobody says */
	int64_t before_us;            /* the attack on it; INT64_MIN: it was the attacker's own from the beginning */
};
BW_MUST_USE enum bw_err bw_restore_plan_named(struct bw_restore_plan *plan, const struct bw_restore_named *named);

/* A file of the actor's trace, and a user whose process did something; before bw_restore_plan_incidents too. */
BW_MUST_USE enum bw_err bw_restore_plan_traced(struct bw_restore_plan *plan, const struct bw_traced *traced);
void bw_restore_plan_user(struct bw_restore_plan *plan, uint32_t uid);

/* The steps. NOT_FOUND with a sentence when there is nothing of the kind. TOO_MANY, MEMORY, and the shelf's. */
BW_MUST_USE enum bw_err bw_restore_plan_incidents(struct bw_restore_plan *plan, const uint64_t *incidents, size_t count,
						  struct bw_why *why);
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

/*
 * Tries all that were not done yet. A step that fails is marked, and the rest goes on; an error says that nothing was
 * done (MEMORY), that a folder could not be set right, or that it did not all reach the disk (IO).
 */
BW_MUST_USE enum bw_err bw_restore_plan_run(struct bw_restore_plan *plan, bool dry_run, bw_restore_see *see,
					    void *context, struct bw_why *why);

/* What the plan's files share (restore_incident.c, restore_run.c, restore_rename.c). */
BW_MUST_USE enum bw_err bw_restore_plan_add(struct bw_restore_plan *plan, const struct bw_step *step);
BW_MUST_USE enum bw_err bw_restore_plan_words(struct bw_restore_plan *plan, const char *words, const char **out);
BW_MUST_USE enum bw_err bw_restore_plan_version(struct bw_restore_plan *plan, uint8_t volume,
						const struct bw_shelf_version *version);

/*
 * The same under each name that the version's file had at `at_us`, of a file that has or had several. *out_count: how
 * many; 0: no name is noted, and nothing was added.
 */
void bw_restore_plan_name(struct bw_step *step); /* makes it one of several */
BW_MUST_USE enum bw_err bw_restore_plan_names(struct bw_restore_plan *plan, uint8_t volume,
					      const struct bw_step *version, int64_t at_us, size_t *out_count);

/* The folder that a trace says was renamed, when it still has that name: a step. */
BW_MUST_USE enum bw_err bw_restore_plan_rename(struct bw_restore_plan *plan, const struct bw_traced *traced);

/* Does it. EXISTS: its old name is taken. NOT_FOUND: it is elsewhere by now, or where it was is gone. */
BW_MUST_USE enum bw_err bw_restore_rename(const struct bw_restore_plan *plan, const struct bw_step *step, bool dry_run,
					  struct bw_aside *aside, struct bw_why *why);

/* Where the file or folder of this key is now, below the mount; false: nowhere in sight. */
bool bw_restore_place_now(const struct bw_volume *volume, const struct bw_file_key *key, char out[PATH_MAX]);

/* `path` after `from` became `to`; NULL: it does not lie there. MEMORY. */
BW_MUST_USE enum bw_err bw_restore_moved_path(struct bw_arena *arena, const char *path, const char *from,
					      const char *to, const char **out);

/*
 * Looks at everything that was brought back: its bytes against the store, its metadata; what differs is marked as
 * failed. Large files were compared before they took their places, and are read again only when somebody touched them
 * since.
 */
void bw_restore_plan_check(struct bw_restore_plan *plan, bw_restore_see *see, void *context);

void bw_restore_plan_sum(const struct bw_restore_plan *plan, struct bw_ledger_restored *out);

#endif
