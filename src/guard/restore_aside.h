/*
 * What a restore moves out of the way: <store>/displaced/<id>/, one folder for each run, root's. Nothing in it
 * is ever overwritten, and "notes" (guard/restore_note.h) tells where each came from and what else was done, so that
 * the run can be undone. A person may look into it, and remove it.
 */
#ifndef BW_GUARD_RESTORE_ASIDE_H
#define BW_GUARD_RESTORE_ASIDE_H

#include "guard/restore_note.h"
#include "guard/volume.h"

enum { BW_ASIDE_ID_BYTES = 32, BW_ASIDE_NAME_BYTES = 256, BW_ASIDE_SWEPT = 64 };

#define BW_ASIDE_FOLDER BW_SHADOW_FOLDER "/displaced"

struct bw_aside {
	const struct bw_volume *volume;
	char id[BW_ASIDE_ID_BYTES]; /* digits */
	int folder;                 /* -1: nothing was moved away yet */
	int notes;
	struct {
		dev_t dev;
		ino_t ino;
	} swept[BW_ASIDE_SWEPT]; /* folders that were looked through lately; a ring */
	unsigned sweeps;
	const uint64_t *incidents; /* borrowed: the first notes say whose restore it is */
	size_t incident_count;
};

void bw_aside_init(struct bw_aside *aside, const struct bw_volume *volume, const char *id);
void bw_aside_release(struct bw_aside *aside);

/* Moves `name` out of an open folder; `out` is what it is called there: `as`, where it can. NOT_FOUND, IO … */
BW_MUST_USE enum bw_err bw_aside_take(struct bw_aside *aside, int folder, const char *name, const char *as,
				      char out[BW_ASIDE_NAME_BYTES], struct bw_why *why);

/* Makes sure that something can be moved away, before it has to be. DISK_FULL, IO … */
BW_MUST_USE enum bw_err bw_aside_ready(struct bw_aside *aside, struct bw_why *why);

/*
 * What a restore that was killed left in an open folder under a name of its own (the new file, or the old one it was
 * exchanged with) goes aside. Once a folder.
 */
BW_MUST_USE enum bw_err bw_aside_sweep(struct bw_aside *aside, int folder, struct bw_why *why);

/* A new, empty file there, for a copy; the caller closes. */
BW_MUST_USE enum bw_err bw_aside_make(struct bw_aside *aside, const char *hint, char out[BW_ASIDE_NAME_BYTES],
				      int *out_fd, struct bw_why *why);

/* Written at once; it reaches the disk with bw_aside_sync. */
BW_MUST_USE enum bw_err bw_aside_note(struct bw_aside *aside, const struct bw_note *note, struct bw_why *why);
BW_MUST_USE enum bw_err bw_aside_sync(struct bw_aside *aside);

/* The notes of a run, and its folder (the caller closes). NOT_FOUND: it moved nothing on this volume. */
BW_MUST_USE enum bw_err bw_aside_read(const struct bw_volume *volume, const char *id, struct bw_buf *out,
				      int *out_folder);

#define BW_ASIDE_SPARE "breakwater-restore"

/* A name like `hint`, hidden, that nobody has. */
void bw_aside_spare(const char *hint, char out[BW_ASIDE_NAME_BYTES]);

#endif
