/* One version on its way back: what restore.c and restore_reach.c share. */
#ifndef BW_GUARD_RESTORE_PARTS_H
#define BW_GUARD_RESTORE_PARTS_H

#include "guard/meta.h"
#include "guard/restore.h"

enum { RESTORE_NAME_BYTES = BW_ASIDE_NAME_BYTES };

struct bw_restore_way {
	struct bw_restore restore;
	const struct bw_shelf_version *version;
	struct bw_restore_result result;
	struct bw_meta meta;
	struct bw_why *why;
	char name[RESTORE_NAME_BYTES];
	int folder;         /* where it goes */
	int there;          /* what stands there, for reading; -1: nothing, or nothing that can be read */
	struct stat status; /* of what stands there */
	bool exists;
	bool is_same; /* `there` is the file itself, not another one under its name */
	int made;
};

void restore_close(int fd);
BW_MUST_USE enum bw_err restore_fail(const struct bw_restore_way *way, enum bw_err err, const char *verb);

/* restore_same.c: whether the file holds what the version does, every byte read. */
BW_MUST_USE enum bw_err restore_same(const struct bw_restore_way *way, int fd, bool *out);

/* Opens the folder it goes to, made when it is missing. */
BW_MUST_USE enum bw_err restore_reach(struct bw_restore_way *way);

/* Opens the folder of `restore.place`, which is there. */
BW_MUST_USE enum bw_err restore_reach_place(struct bw_restore_way *way);

/* A folder below the mount, made when missing with all above it, as the catalogue remembers each. */
BW_MUST_USE enum bw_err restore_make_path(const struct bw_restore_way *way, struct bw_slice path, int *out);

/* What was done under its name, so that it can be undone. */
BW_MUST_USE enum bw_err restore_note(const struct bw_restore_way *way, enum bw_note_kind kind, const char *aside,
				     struct bw_slice meta);

#endif
