/*
 * A batch: checked records as bytes, on their way from the process that parsed
 * them to the one that stores them. The decoder trusts nothing: the process that
 * wrote the batch has read hostile input and may not be itself any more.
 *
 *   "BWB1" | record*          record: be32 length | fields, see batch.c
 */
#ifndef BW_INTEL_BATCH_H
#define BW_INTEL_BATCH_H

#include "base/arena.h"
#include "base/cursor.h"
#include "intel/record.h"

enum {
	BW_BATCH_BODY_MAX = 64 * 1024 * 1024, /* one object */
	BW_BATCH_WORDS_MAX = 1024,            /* values, or texts, of one record */
	BW_BATCH_ID_MAX = 300,
	BW_BATCH_TIME_MAX = 64,
};

/* Starts a batch in an empty buf. */
BW_MUST_USE enum bw_err bw_batch_begin(struct bw_buf *out);

/* Appends a record. TOO_BIG (the buf's max), MEMORY; the buf is unchanged then. */
BW_MUST_USE enum bw_err bw_batch_add(struct bw_buf *out, const struct bw_record *record);

struct bw_batch {
	struct bw_cursor in;
};

/* Over bytes that do not change (sealed memory). VERSION, TRUNCATED. */
BW_MUST_USE enum bw_err bw_batch_open(struct bw_slice bytes, struct bw_batch *out);

/*
 * The next record: slices borrow from the bytes, lists of values and texts are
 * in the arena. NOT_FOUND at the end. PROTOCOL (a field is not what it
 * must be: also an id that is not type--UUID or a timestamp that is none), TRUNCATED, TOO_BIG, TOO_MANY, MEMORY.
 */
BW_MUST_USE enum bw_err bw_batch_next(struct bw_batch *batch, struct bw_arena *arena, struct bw_record *out);

#endif
