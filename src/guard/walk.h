/*
 * Walking a protected tree: every folder and file below it, on its own volume, without
 * following a link or entering another mount, however deep and however named. Folders
 * are kept by handle while they wait, so depth costs memory and not descriptors, and
 * one that is renamed meanwhile is still walked.
 */
#ifndef BW_GUARD_WALK_H
#define BW_GUARD_WALK_H

#include "guard/settings.h"
#include "guard/volume.h"

struct bw_walk_folder {
	int fd;               /* open for reading; the walk's */
	struct bw_slice path; /* below the volume's mount; "" is the mount itself */
	struct bw_handle handle;
	struct bw_file_key key;
};

struct bw_walk_plan {
	const struct bw_volume *volume;
	const struct bw_guard_settings *settings; /* what is excluded is not entered */
	/* Each may end the walk with an error, which is passed up. `file` gets regular files and symbolic links. */
	enum bw_err (*folder)(void *context, const struct bw_walk_folder *folder); /* before its files; may be NULL */
	enum bw_err (*file)(void *context, const struct bw_walk_folder *folder, const char *name, unsigned char type);
	/* A folder that cannot be entered: the walk goes on. `submount`: it is another mount's top. May be NULL. */
	void (*skipped)(void *context, const char *path, enum bw_err err, bool submount);
	void *context;
};

/* From `path` (below the mount) down. NOT_FOUND, DENIED: the top itself cannot be entered. MEMORY. */
BW_MUST_USE enum bw_err bw_walk(const struct bw_walk_plan *plan, struct bw_slice path, struct bw_why *why);

#endif
