/*
 * A chunk on its way from the clerk that verified it to the ledger that decides: what the crossings say of each
 * object, what the objects themselves say, and the batch for the keeper. The ledger reads it with the care given to
 * a stranger, for the clerk has read hostile bytes and may not be itself any more.
 *
 *   "BWC1" | from be64 | count be32 | bytes be64 | row* | state block | batch block | answer block
 *   row: 0 u8 | index be64                        erased at the sender
 *        1 u8 | index be64 | words block          refused by the clerk: why
 *        2 u8 | index be64 | accord 32 | clause u8 | tiding u8 | derived u8 | collection block | path count u8 |
 *               32 bytes each | policy (intel/policy_pack.h)
 *
 * `answer` (accord/facts.h) has a told and `batch` (intel/batch.h) a record for each row of 2, in order. Pure.
 */
#ifndef BW_ACCORD_CHUNK_H
#define BW_ACCORD_CHUNK_H

#include "accord/crossing.h"
#include "accord/inbound.h"
#include "base/cursor.h"

enum {
	BW_CHUNK_MAX = 120 * 1024 * 1024,
	BW_CHUNK_WORDS_MAX = 300, /* of one refusal */
};

enum bw_chunk_kind { BW_CHUNK_GONE, BW_CHUNK_REFUSED, BW_CHUNK_FINE };

struct bw_chunk_row {
	enum bw_chunk_kind kind;
	uint64_t index;
	struct bw_slice words;       /* REFUSED */
	struct bw_crossing crossing; /* FINE; its object is empty: it is a record of the batch */
};

struct bw_chunk {
	uint64_t from;
	uint64_t bytes; /* of the entries, for the accord's limits */
	size_t count;
	size_t fine;           /* rows of that kind */
	struct bw_cursor rows; /* for bw_chunk_next */
	struct bw_slice state;
	struct bw_slice batch;
	struct bw_slice answer;
};

/* Writing: begin, its rows in order, end. TOO_BIG, RANGE, MEMORY. */
BW_MUST_USE enum bw_err bw_chunk_begin(struct bw_buf *out, uint64_t from, size_t count, uint64_t bytes);
BW_MUST_USE enum bw_err bw_chunk_row(struct bw_buf *out, const struct bw_chunk_row *row);
BW_MUST_USE enum bw_err bw_chunk_end(struct bw_buf *out, struct bw_slice state, struct bw_slice batch,
				     struct bw_slice answer);

/* Checks all rows. VERSION, TRUNCATED, TOO_MANY, TOO_BIG, PROTOCOL. Borrows. */
BW_MUST_USE enum bw_err bw_chunk_open(struct bw_slice bytes, struct bw_chunk *out);

/* The next row; PROTOCOL: there is none. */
BW_MUST_USE enum bw_err bw_chunk_next(struct bw_chunk *chunk, struct bw_chunk_row *out);

#endif
