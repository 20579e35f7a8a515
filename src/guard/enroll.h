/*
 * What enrolling costs, before it starts; and the enrolment of one volume.
 */
#ifndef BW_GUARD_ENROLL_H
#define BW_GUARD_ENROLL_H

#include "guard/gather.h"

/* What lies in the trees of one volume. */
struct bw_enroll_count {
	uint64_t folders;
	uint64_t files; /* and links */
	uint64_t bytes;
	uint64_t small_files; /* their contents go into packs */
	uint64_t small_bytes;
	uint64_t large_files;
	uint64_t large_bytes; /* on disk: holes do not count */
	uint64_t too_big;     /* of the large ones: the settings let them out */
	uint64_t too_big_bytes;
	uint64_t skipped;
	uint64_t submounts;
	char first_submount[BW_PATH_BYTES];
	char first_skipped[BW_PATH_BYTES];
};

/* NOT_FOUND, DENIED (a tree's top), IO. `see` (may be NULL) is called now and then; an error ends the walk. */
BW_MUST_USE enum bw_err bw_enroll_count(const struct bw_volume *volume, const struct bw_guard_settings *settings,
					enum bw_err (*see)(void *context, uint64_t files), void *context,
					struct bw_enroll_count *out, struct bw_why *why);

/* What the standing copies will take, all counted as if nothing were kept yet. Pure. */
struct bw_enroll_cost {
	uint64_t bytes;
	uint64_t inodes;
	uint64_t seconds; /* a guess, rather long than short */
};

void bw_enroll_cost(const struct bw_enroll_count *count, enum bw_strategy strategy, struct bw_enroll_cost *out);

/* The room of the volume. Pure but for the asking. */
struct bw_enroll_room {
	uint64_t size;   /* of the file system */
	uint64_t free;   /* for users; root's reserve is not the guard's */
	uint64_t inodes; /* free; UINT64_MAX where they are not counted (Btrfs) */
	uint64_t kept;   /* by an earlier enrolment */
	uint64_t quota;
	uint64_t inode_quota; /* UINT64_MAX where they are not counted and nobody set one */
};

BW_MUST_USE enum bw_err bw_enroll_room(const struct bw_volume *volume, const struct bw_guard_settings *settings,
				       struct bw_enroll_room *out, struct bw_why *why);

/* DISK_FULL with a sentence when the cost does not fit the quotas, the free space or the free inodes. Pure. */
BW_MUST_USE enum bw_err bw_enroll_fits(const struct bw_enroll_cost *cost, const struct bw_enroll_room *room,
				       const char *mount, struct bw_why *why);

/* The quota of a volume of `size` bytes; never more than these. Pure. */
uint64_t bw_guard_quota(const struct bw_guard_settings *settings, uint64_t size);

/* The same in inodes, for a file system that counts `inodes` in all; 0: it does not. */
uint64_t bw_guard_inode_quota(const struct bw_guard_settings *settings, uint64_t inodes);

#endif
