/* Shared by watch_marks.c (what the reader does itself) and watch_marks_walk.c (its thread); private to them. */
#ifndef BW_GUARD_WATCH_MARKS_PARTS_H
#define BW_GUARD_WATCH_MARKS_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "guard/watch_marks.h"

enum { MARKS_ASKS = 4096 /* waiting; a power of two */ };

enum marks_act { MARKS_FOLDER, MARKS_TREE, MARKS_LIFTED };

struct marks_ask {
	enum marks_act act;
	const struct bw_volume *volume;
	struct bw_handle folder;
	uint64_t at_ns;
};

struct bw_marks {
	struct bw_guard *guard; /* of it the thread reads what never changes: ears, and volumes that are there */
	bool said_exdev;
	/* from the reader to the thread: one writes, one reads */
	struct marks_ask *asks;
	_Atomic uint32_t head;
	_Atomic uint32_t tail;
	_Atomic uint32_t reloads; /* asked for */
	_Atomic size_t volumes;   /* of the guard's, as far as the thread may look */
	_Atomic bool stop;
	int wake;
	bool runs;
	pthread_t thread;
	/* the thread's own */
	uint32_t reloaded;
	struct bw_arena arena;
	struct bw_guard_settings settings;
};

BW_MUST_USE enum bw_err bw_marks_queue_new(struct bw_marks *marks, struct bw_why *why);
void bw_marks_queue_lifted(struct bw_marks *marks, const struct bw_volume *volume, const struct bw_handle *folder);

/* A mark on an open folder. */
BW_MUST_USE enum bw_err bw_marks_set(struct bw_marks *marks, const struct bw_volume *volume, int folder);

#endif
