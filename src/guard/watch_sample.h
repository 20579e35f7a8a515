/*
 * What watch reads of files, and how often: samples straight into the room of a ring, a count of writes for
 * every file that is written now, and who may have new files sampled.
 */
#ifndef BW_GUARD_WATCH_SAMPLE_H
#define BW_GUARD_WATCH_SAMPLE_H

#include "guard/event.h"
#include "guard/watch_marks.h"

/*
 * Reads the windows of the file into `space` (BW_CONTENT_WHOLE_MAX bytes) and their places, with size and time, into
 * `event`. False when there is nothing to read: gone, no plain file, a lease in the way.
 */
bool bw_watch_sample(const struct bw_volume *volume, const struct bw_handle *handle, uint64_t salt,
		     struct bw_event *event, uint8_t *space);

/* ---- files that are being written ------------------------------------------------------ */

/*
 * Two writes of a file are told, then it goes silent until it is closed, or for a second: nobody can buy
 * blindness with two harmless writes, and a database costs two events a second.
 */
struct bw_hot;

BW_MUST_USE enum bw_err bw_hot_new(struct bw_marks *marks, struct bw_hot **out); /* MEMORY */
void bw_hot_free(struct bw_hot *hot);                                            /* NULL allowed */

/* A write was seen. False: told already. */
bool bw_hot_written(struct bw_hot *hot, const struct bw_volume *volume, const struct bw_file_key *key,
		    const struct bw_handle *handle, uint64_t now_ns);
void bw_hot_closed(struct bw_hot *hot, const struct bw_file_key *key);
void bw_hot_tick(struct bw_hot *hot, uint64_t now_ns); /* those whose second is over are heard again */

/* ---- who may have new files sampled ------------------------------------------------------- */

/*
 * A new file may hold what a vanished one held. Whoever removed or replaced a known file has the next sixteen new files
 * of the following ten seconds sampled for each; everybody, by session, thirty-two at once and sixty-four a second. A
 * sample costs watch and judge three times what a new file costs them without one: whoever removes one file and unpacks
 * an archive of thousands does not pay for thousands.
 */
struct bw_spending;

BW_MUST_USE enum bw_err bw_spending_new(struct bw_spending **out); /* MEMORY */
void bw_spending_free(struct bw_spending *spending);               /* NULL allowed */
void bw_spending_destroyed(struct bw_spending *spending, uint32_t pid, uint32_t session, uint64_t now_ns);
bool bw_spending_may(struct bw_spending *spending, uint32_t pid, uint32_t session, uint64_t now_ns);

#endif
