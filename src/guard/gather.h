/*
 * Walking a tree and keeping what is not kept yet: enrolment, the start of a guard, the walk after events
 * were lost. What stands as the catalogue has it is passed over: neither opened nor read.
 */
#ifndef BW_GUARD_GATHER_H
#define BW_GUARD_GATHER_H

#include "guard/copier.h"

struct bw_gathered {
	uint64_t folders;
	uint64_t seen;      /* files and links */
	uint64_t unchanged; /* of these */
	uint64_t taken;
	uint64_t taken_bytes; /* their size */
	uint64_t too_big;     /* larger than the settings allow */
	uint64_t refused;     /* could not be read or kept */
	uint64_t skipped;     /* folders that could not be entered */
	uint64_t submounts;   /* other file systems below a tree: not guarded by it */
	uint64_t gone;        /* known, and no longer there */
};

struct bw_gather_plan {
	struct bw_copier *copier; /* the volume is open in it */
	const struct bw_volume *volume;
	const struct bw_guard_settings *settings;
	/* After each file: commit now and then, show progress, let others in. An error ends the walk, passed up. */
	/* A file found no room: it is counted as refused, and the walk goes on. NULL: the walk ends with DISK_FULL. */
	void (*full)(void *context);
	enum bw_err (*between)(void *context, const struct bw_gathered *so_far);
	/* What could not be kept, or a folder not entered (`submount`: another mount's top). May be NULL. */
	void (*refused)(void *context, const char *path, enum bw_err err, bool submount);
	void *context;
};

/*
 * All trees of the settings that lie on the volume. At the end of a whole walk, what the catalogue knows and nobody saw
 * is noted as gone. DISK_FULL; what `between` gave.
 */
BW_MUST_USE enum bw_err bw_gather(const struct bw_gather_plan *plan, struct bw_gathered *out, struct bw_why *why);

/* At its end: what the catalogue has of names that are no longer there is noted as gone. */
BW_MUST_USE enum bw_err bw_gather_names(struct bw_shelf *shelf, const struct bw_volume *volume);

#endif
