/*
 * The guard's ears: two fanotify groups on every volume, made by the parent and read by watch. As the parent holds
 * them, a watch that died loses nothing that came meanwhile, and a volume can be taken in while the guard runs:
 * marks for whole file systems need a right that watch has given up.
 *
 *   names    closes after writing, removals, renames, new names, attributes of the whole file system, with names
 *   changes  writes and cuts, identities only, in folders that watch marks one by one
 *
 * docs/experiments/guard.md says why. Everything here is of Linux 6.1 or older: FAN_RENAME and FAN_REPORT_TARGET_FID
 * came with 5.17. Reads, opens and lookups are in neither mask: who only reads never meets the guard.
 */
#ifndef BW_GUARD_EARS_H
#define BW_GUARD_EARS_H

#include "guard/settings.h"
#include "guard/volume.h"

struct bw_ear {
	uint32_t fsid[2]; /* as events carry it: of the file system, or of the top of a Btrfs */
	bool subvolumes;  /* the number of the subvolume is mixed into it */
};

struct bw_ears {
	int names;
	int changes;
	struct bw_ear volumes[BW_VOLUMES_MAX]; /* by the volume's number */
};

/* The groups, without any mark. UNSUPPORTED, DENIED, SYSTEM. */
BW_MUST_USE enum bw_err bw_ears_open(struct bw_ears *ears, struct bw_why *why);

/* From here on the volume is heard. UNSUPPORTED, DENIED, SYSTEM with what and where. */
BW_MUST_USE enum bw_err bw_ears_add(struct bw_ears *ears, const struct bw_volume *volume, struct bw_why *why);

void bw_ears_close(struct bw_ears *ears);

#endif
