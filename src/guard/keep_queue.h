/*
 * Files that wait to be kept: each once, however often it changes. A file that was closed waits until nobody
 * touched it for a second, and two seconds at most; one that is written and stays open waits longer
 * and is not put off; one of a burst of new files (guard/keep_burst.h) waits for a moment, and is not put off
 * either. Pure: the clock is the caller's.
 */
#ifndef BW_GUARD_KEEP_QUEUE_H
#define BW_GUARD_KEEP_QUEUE_H

#include "guard/key.h"

enum {
	BW_QUEUE_MAX = 512 * 1024, /* entries; beyond it the caller keeps a file at once */
	BW_QUEUE_QUIET_MS = 1000,
	BW_QUEUE_MOST_MS = 2000,
	BW_QUEUE_FRESH_MS = 20,       /* what makes a file sets its times and mode next: one version of both */
	BW_QUEUE_OPEN_MS = 60 * 1000, /* from the first write to a file that stays open to its next periodic version */
	BW_QUEUE_FRESH_MAX = 32 * 1024, /* new files among them: ten megabytes; beyond it as above */
};

struct bw_queue;

struct bw_queued {
	struct bw_file_key file;
	struct bw_file_key folder;
	struct bw_slice name; /* borrowed until the entry is dropped or moved */
	uint64_t since_ns;    /* the first change nobody has kept yet */
	uint32_t maker;       /* of the last change (guard/event.h) */
	bool open;            /* no close was seen since */
	bool fresh;           /* it is new, and one of a burst; set for the first of its changes only */
};

/* MEMORY. */
BW_MUST_USE enum bw_err bw_queue_new(struct bw_queue **out);
void bw_queue_free(struct bw_queue *queue); /* NULL allowed */

/*
 * It changed now. `item->since_ns` is when. An entry that is there already keeps its first moment and takes the new
 * folder and name. TOO_MANY, MEMORY.
 */
BW_MUST_USE enum bw_err bw_queue_put(struct bw_queue *queue, const struct bw_queued *item);

/* All that is fresh is due now. One pass over all. */
void bw_queue_hurry(struct bw_queue *queue);

size_t bw_queue_fresh(const struct bw_queue *queue); /* how many are */

/* It has another folder and name; nothing happens when it does not wait. */
BW_MUST_USE enum bw_err bw_queue_move(struct bw_queue *queue, const struct bw_file_key *file,
				      const struct bw_file_key *folder, struct bw_slice name);

/* False: it does not wait. */
bool bw_queue_drop(struct bw_queue *queue, const struct bw_file_key *file);
bool bw_queue_has(const struct bw_queue *queue, const struct bw_file_key *file);

/* The entry of one file, borrowed; false when it does not wait. */
bool bw_queue_get(const struct bw_queue *queue, const struct bw_file_key *file, struct bw_queued *out);

/* The entry that is due first, when it is due by now: borrowed, and still in the queue. */
bool bw_queue_due(const struct bw_queue *queue, uint64_t now_ns, struct bw_queued *out);

enum { BW_QUEUE_FIRST_MAX = 64 };

/* The files of those that are due by now, at most so many, the first ones first. How many there are. */
size_t bw_queue_first(const struct bw_queue *queue, uint64_t now_ns, struct bw_file_key *out, size_t most);

/* When the next one is due; UINT64_MAX when none waits. */
uint64_t bw_queue_next_ns(const struct bw_queue *queue);

size_t bw_queue_count(const struct bw_queue *queue);

/* How long the longest of those that were closed has waited. One pass over all. */
uint64_t bw_queue_oldest_ns(const struct bw_queue *queue, uint64_t now_ns);

#endif
