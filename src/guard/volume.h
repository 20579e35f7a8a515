/*
 * A volume: one file system that holds protected trees, and how the guard keeps
 * shadows on it. What it cannot guard it refuses by name, with the reason.
 *
 *   ext4   small contents in packs, larger ones copied (shadows cost what the files cost)
 *   XFS    small contents in packs, larger ones as reflinks, when made with reflink=1
 *   Btrfs  the same; every subvolume that is reached below the mount
 *
 * Sub-mounts are volumes of their own. Refused: overlay, remote file systems, FUSE, tmpfs, ZFS (untested:
 * its handles are not ones we know) and whatever else gives no file handle.
 */
#ifndef BW_GUARD_VOLUME_H
#define BW_GUARD_VOLUME_H

#include <sys/types.h>

#include "guard/key.h"
#include "sys/files.h"

enum bw_strategy {
	BW_STRATEGY_COPY,    /* packs, and copies */
	BW_STRATEGY_REFLINK, /* packs, and reflinks */
};

#define BW_SHADOW_FOLDER ".breakwater-guard"

struct bw_volume {
	uint32_t number; /* the guard's own, 0..255 */
	int root;        /* the mount's top folder, open for reading; owned */
	dev_t device;
	enum bw_strategy strategy;
	int handle_type;    /* of its files' handles, as its root has one */
	uint8_t handle_len; /* 0: not asked yet */
	char type[16];
	char mount[BW_PATH_BYTES]; /* absolute, no slash at the end unless it is "/" */
	char store[BW_PATH_BYTES]; /* mount/.breakwater-guard */
};

/*
 * The volume that holds `path` (a folder). UNSUPPORTED with the file system's name and the reason; NOT_FOUND, DENIED.
 * `out->number` is the caller's to set.
 */
BW_MUST_USE enum bw_err bw_volume_of(const char *path, struct bw_volume *out, struct bw_why *why);
void bw_volume_release(struct bw_volume *volume);

/* "reflinks; small files in packs": what status and enroll show. */
const char *bw_strategy_words(enum bw_strategy strategy);

/* The part of an absolute, real path below the volume's mount; false when it lies elsewhere. */
bool bw_volume_inside(const struct bw_volume *volume, const char *path, struct bw_slice *out);

/* Whether the folder `path` lies on this very mount, and not on another one below it. */
bool bw_volume_holds(const struct bw_volume *volume, const char *path);

/* The key of an open file (or of O_PATH). UNSUPPORTED, SYSTEM. */
BW_MUST_USE enum bw_err bw_volume_key(const struct bw_volume *volume, int fd, struct bw_file_key *out);

/*
 * Whoever may write in the folder that the store's lies in could rename or remove it, root's as it is. Held, the file
 * system refuses that to everybody: it takes new names and gives none up (append only). Let go of before it is removed.
 * DENIED: it is not ours, or the right is missing; UNSUPPORTED, NOT_FOUND.
 */
BW_MUST_USE enum bw_err bw_volume_hold_store(const struct bw_volume *volume, bool hold);

/* A file handle as the catalogue keeps it. */
struct bw_handle {
	int type;
	uint8_t len;
	uint8_t bytes[BW_HANDLE_BYTES_MAX];
};

BW_MUST_USE enum bw_err bw_volume_handle(int fd, struct bw_handle *out);

/* The same of a name in an open folder; a link's own. NOT_FOUND. */
BW_MUST_USE enum bw_err bw_volume_handle_at(int folder, const char *name, struct bw_handle *out);

/* The handle of a key: what bw_file_key_of_handle undoes. UNSUPPORTED. */
BW_MUST_USE enum bw_err bw_volume_handle_of(const struct bw_volume *volume, const struct bw_file_key *key,
					    struct bw_handle *out);

/* Opens by handle: O_RDONLY | `flags`, never following a link, with O_NOATIME where allowed. NOT_FOUND: it is gone. */
BW_MUST_USE enum bw_err bw_volume_open(const struct bw_volume *volume, const struct bw_handle *handle, int flags,
				       int *out_fd);

#endif
