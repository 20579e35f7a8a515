/*
 * The watch worker's files among themselves: watch.c (its life and its loop), watch_event.c (what an event becomes),
 * watch_name.c (files that were made without a name), watch_sample.c (what is read of a file), watch_stop.c (how an
 * actor ends). No other file includes this.
 */
#ifndef BW_GUARD_WATCH_PARTS_H
#define BW_GUARD_WATCH_PARTS_H

#include <stdatomic.h>

#include "base/arena.h"
#include "guard/lineage.h"
#include "guard/name.h"
#include "guard/watch_cover.h"
#include "guard/watch_marks.h"
#include "guard/watch_sample.h"
#include "guard/watch_stop.h"
#include "guard/writers.h"

enum { WATCH_NAMELESS_MAX = 256 };

struct watch {
	struct bw_seat *seat;
	struct bw_guard *guard;
	struct bw_guard_board *board;
	struct bw_lineage *lineage;
	struct bw_marks *marks;
	struct bw_cover *cover;
	struct bw_hot *hot;
	struct bw_spending *spending;
	struct bw_stopper *stopper;
	struct bw_writers *writers;
	struct bw_arena arena; /* the settings of a reload */
	uint64_t now_ns;       /* when the batch was read */
	int64_t now_us;
	uint32_t looked_up; /* the process whose group was asked for last in this batch */
	bool owes_lost;     /* keep has to be told */
	uint64_t told_lost_ns;
	unsigned wakes; /* since it was quiet */
	bool is_urgent; /* this batch: a known file was removed */
	uint64_t last_event_ns;
	uint64_t last_tick_ns;
	struct bw_file_key nameless[WATCH_NAMELESS_MAX]; /* closed before they had a name, the last ones */
	uint32_t nameless_next;                          /* counts on for ever */
	uint32_t nameless_count;                         /* of them, without a name still */
	int64_t forgot_us; /* wall: what was closed without a name and born by then may not be remembered */
	uint64_t settle;   /* the number that the judge asked for last; 0: none is owed */
	bool is_behind;    /* the kernel may have more to tell than was read at a time */
};

/* watch.c */
uint64_t watch_now_ns(void);
void watch_lose(struct watch *w);                                     /* something is missing: keep will walk */
void watch_hear(void *context, const struct bw_process_event *event); /* for bw_lineage_...; context is the watch */

/*
 * watch_name.c. find: puts into the event what its file is called now, when the kernel told of it by the name it gives
 * to files without one; false: it has none yet, and is remembered. named: whether it was remembered; no more.
 */
bool watch_find_name(struct watch *w, const struct bw_volume *volume, struct bw_fan_event *fan, struct bw_name *room);
bool watch_named(struct watch *w, const struct bw_file_key *file);

/* watch_event.c */
void watch_take(struct watch *w, const struct bw_fan_event *fan);

#endif
