/*
 * Bringing one version back to where it belongs. Nothing is resolved twice as root: the folder is opened
 * beneath the volume (or by its handle, when it was moved), the new file is made nameless in it, filled, given
 * its metadata and read back; only then does it take the place of what stands there, in one step.
 *
 * What stood there is never lost by a restore: an edit that came after the
 * incident is kept beside under a telling name, everything else is moved aside
 * (guard/restore_aside.h), from where it can be had back.
 */
#ifndef BW_GUARD_RESTORE_H
#define BW_GUARD_RESTORE_H

#include "guard/restore_aside.h"
#include "guard/shadow.h"

enum bw_restored {
	BW_RESTORED_SAME,    /* content and metadata stood as the version has them */
	BW_RESTORED_MISSING, /* there was nothing; it is back */
	BW_RESTORED_REPLACED,
	BW_RESTORED_META,     /* the content was right, owner, mode, times or attributes were not */
	BW_RESTORED_BESIDE,   /* what stood there was a later good edit: it was kept beside, under `beside` */
	BW_RESTORED_IN_PLACE, /* it has several names: written into the same inode, so that all of them have it */
};

/*
 * How a large file stood when it had been brought back and compared: as long as this is so, nobody has written to it
 * since, and it need not be read a second time. Who wrote to it in the first fiftieth of a second and set its times
 * back is not seen; by then it was his again.
 */
struct bw_restore_mark {
	uint64_t ino; /* 0: none was taken */
	uint64_t size;
	int64_t mtime_ns; /* of the second */
	int64_t ctime_s;
	int64_t ctime_ns;
};

/* While a large file is compared: how much of it has been. */
typedef void bw_restore_pace(void *context, uint64_t bytes);

struct bw_restore {
	struct bw_shadow *shadow; /* open for reading is enough */
	struct bw_aside *aside;   /* NULL in a dry run */
	bool dry_run;
	/* below the mount: another name of the same file, to which this one is linked; NULL: none is known */
	const char *twin;
	const char *place; /* below the mount, where it is called otherwise now; NULL: where it was taken */
	bool makes_place;  /* what is missing of the folder of `place` is made */
	/*
	 * A file that stands there and was written at or after this (its mtime, wall clock) by somebody the incident
	 * does not name is a good edit. INT64_MAX: nothing is.
	 */
	int64_t good_after_us;
	const char *label;                  /* of the name kept beside: "name (edited LABEL).ext" */
	const struct bw_restore_mark *mark; /* what stands there was compared when it was so; NULL: it was not */
	bw_restore_pace *pace;              /* may be NULL */
	void *pace_context;
};

struct bw_restore_result {
	enum bw_restored what;
	char beside[256];
	uint64_t bytes;
	struct bw_restore_mark mark; /* of a large file that was put in place */
};

/*
 * To the folder and name it was taken under; a folder that was renamed since is found by its handle, a missing
 * one is made with the metadata the catalogue has of it.
 *
 * CORRUPT: the version does not verify, nothing was changed. TYPE: a link or another mount stands in the way. DENIED,
 * DISK_FULL, IO.
 */
BW_MUST_USE enum bw_err bw_restore_version(const struct bw_restore *restore, const struct bw_shelf_version *version,
					   struct bw_restore_result *out, struct bw_why *why);

/*
 * The same in two steps, so that many new files reach the disk with one sync: `prepare` does all that changes no
 * content under a name, `finish` lets the new file take its place, after the caller synced the file system. What
 * `prepare` finished by itself (nothing to do, metadata alone, a dry run) gives no way. `version` must last until
 * `finish`, which frees the way.
 */
struct bw_restore_way;
BW_MUST_USE enum bw_err bw_restore_prepare(const struct bw_restore *restore, const struct bw_shelf_version *version,
					   struct bw_restore_way **out_way, struct bw_restore_result *out,
					   struct bw_why *why);
BW_MUST_USE enum bw_err bw_restore_finish(struct bw_restore_way *way, struct bw_restore_result *out,
					  struct bw_why *why);

void bw_restore_drop(struct bw_restore_way *way); /* instead of finish: nothing takes its place. NULL allowed */

/* Makes a folder below the mount again, and what is missing above it. *out_made: it was missing. */
BW_MUST_USE enum bw_err bw_restore_folder(const struct bw_restore *restore, const char *path, bool *out_made,
					  struct bw_why *why);

const char *bw_restored_words(enum bw_restored what);

/* Moves what stands at a path below the mount aside (what an attacker left: notes, encrypted copies). */
BW_MUST_USE enum bw_err bw_restore_displace(const struct bw_restore *restore, const char *path, struct bw_why *why);

#endif
