/*
 * Lines for the audit log that have left the list they were noted in and are not on
 * disk yet: batches, numbered, sent in order, kept until the keeper says that it has
 * stored them. A keeper that dies or cannot write is sent them again, so
 * that an access is recorded once or, when its word was lost, twice, and never not at
 * all while there is room. Pure but for memory.
 */
#ifndef BW_SERVE_OUTBOX_H
#define BW_SERVE_OUTBOX_H

#include "base/bytes.h"

/* 32 full batches are 33,000 different accesses, 21 MiB when strangers make them as long as they can. */
enum { BW_OUTBOX_MAX = 32 };

struct bw_outbox {
	struct bw_buf batches[BW_OUTBOX_MAX]; /* a ring */
	size_t first;
	size_t count;
	size_t sent;     /* of them, the first ones, given to the keeper */
	uint64_t number; /* of the first */
};

void bw_outbox_init(struct bw_outbox *box);
void bw_outbox_release(struct bw_outbox *box);

bool bw_outbox_has_room(const struct bw_outbox *box);

/* Takes the buf's memory. TOO_MANY: no room; it is the caller's still. */
BW_MUST_USE enum bw_err bw_outbox_add(struct bw_outbox *box, struct bw_buf *batch);

/* The oldest batch that waits to be sent; false when there is none. `out` borrows until it is stored. */
bool bw_outbox_next(const struct bw_outbox *box, uint64_t *number, struct bw_slice *out);
void bw_outbox_sent(struct bw_outbox *box);

/* The keeper has the batch on disk. PROTOCOL unless it is the oldest of those that were sent. */
BW_MUST_USE enum bw_err bw_outbox_stored(struct bw_outbox *box, uint64_t number);

/* What was sent did not arrive, or was not stored: it waits again. */
void bw_outbox_send_again(struct bw_outbox *box);

#endif
