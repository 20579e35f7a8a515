/*
 * All volumes that hold protected trees, and which tree lies where.
 */
#ifndef BW_GUARD_VOLUMES_H
#define BW_GUARD_VOLUMES_H

#include "guard/settings.h"
#include "guard/volume.h"

/*
 * Opens the volume of every tree, each once, numbered from 0. A tree that cannot be reached, or lies on another file
 * system than the one it was enrolled on (of which only the mount point is there), goes from `trees` to `away`: who
 * calls says so (BW_AWAY_NEXT), since a guard that silently guards less would be a lie. MISSING: none can be reached.
 * Of a tree that is being enrolled every error is returned: NOT_FOUND, UNSUPPORTED, DENIED. TOO_MANY. On failure
 * nothing stays open.
 */
BW_MUST_USE enum bw_err bw_volumes_open(struct bw_guard_settings *settings, struct bw_volume out[BW_VOLUMES_MAX],
					size_t *out_count, struct bw_why *why);

#define BW_AWAY_NEXT "mount it, then: systemctl reload breakwater-guard; or end it: breakwater guard unenroll DIR"

/* A line in the log for each. */
void bw_volumes_log_away(const struct bw_guard_settings *settings);

/* After bw_volumes_open: into the settings, where each tree's file system is mounted. Borrows `volumes`. */
void bw_volumes_note(struct bw_guard_settings *settings, const struct bw_volume *volumes, size_t count);

/*
 * What `enroll --strategy` says of the volume that holds `path`, into the settings: with `copies` its shadows will be
 * copies, else what it was found to be able to do. UNSUPPORTED when blocks are to be shared and it cannot. Copies made
 * before stay as they are.
 */
BW_MUST_USE enum bw_err bw_volumes_choose(struct bw_guard_settings *settings, struct bw_arena *arena, const char *path,
					  bool copies, struct bw_why *why);

void bw_volumes_release(struct bw_volume *volumes, size_t count);

/* The volume with the longest mount that holds an absolute, real path; NULL when none does. */
const struct bw_volume *bw_volumes_find(const struct bw_volume *volumes, size_t count, const char *path,
					struct bw_slice *out_inside);

#endif
