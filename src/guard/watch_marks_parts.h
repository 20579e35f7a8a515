/*
 * Shared by watch_marks.c (what the reader does itself), watch_marks_walk.c (what its thread does)
 * and watch_marks_top.c (the top of a Btrfs). No other file includes this.
 */
#ifndef BW_GUARD_WATCH_MARKS_PARTS_H
#define BW_GUARD_WATCH_MARKS_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "guard/watch_marks.h"

enum {
	BTRFS_TOP = 5,    /* the subvolume that holds all others */
	MARKS_ASKS = 4096 /* waiting; a power of two */
};

struct marks_volume {
	const struct bw_volume *volume;
	int top; /* a mount of the whole Btrfs, where the volume's own is of a subvolume; else -1 */
	uint32_t fsid[2];
	bool subvolumes;
};

enum marks_act { MARKS_FOLDER, MARKS_TREE, MARKS_LIFTED };

struct marks_ask {
	enum marks_act act;
	const struct bw_volume *volume;
	struct bw_handle folder;
	uint64_t at_ns;
};

struct bw_marks {
	int names;
	int changes;
	const struct bw_guard_settings *settings;
	size_t count;
	struct marks_volume volumes[BW_VOLUMES_MAX];
	bool said_exdev;
	/* from the reader to the thread: one writes, one reads */
	struct marks_ask *asks;
	_Atomic uint32_t head;
	_Atomic uint32_t tail;
	_Atomic bool stop;
	int wake;
	bool runs;
	pthread_t thread;
};

BW_MUST_USE enum bw_err bw_marks_queue_new(struct bw_marks *marks, struct bw_why *why);
void bw_marks_queue_lifted(struct bw_marks *marks, const struct bw_volume *volume, const struct bw_handle *folder);

/* A mark on an open folder. */
BW_MUST_USE enum bw_err bw_marks_set(struct bw_marks *marks, const struct bw_volume *volume, int folder);

/* A detached mount of subvolume 5 of the volume's file system. UNSUPPORTED, SYSTEM. */
BW_MUST_USE enum bw_err bw_marks_top_of(const struct bw_volume *volume, int *out_fd, struct bw_why *why);

#endif
