/*
 * A delivery: what the ledger hands to the keeper of a partner's objects, in one sealed memory file: the batch that
 * the clerk made (intel/batch.h), and before it what is to become of each of its records.
 *
 *   "BWD1" | accord, 32 bytes | count be32 | row* | batch
 *   row: 0 u8                                            not taken
 *        1 u8 | entry be64 | path count u8, 32 bytes each | policy (intel/policy_pack.h)
 *
 * Rows are in the order of the records. Pure.
 */
#ifndef BW_DESK_DELIVERY_H
#define BW_DESK_DELIVERY_H

#include "base/cursor.h"
#include "store/provenance.h"

enum { BW_DELIVERY_ROWS_MAX = 300000 };

/* Writing: begin, a row for each record, then the batch. TOO_BIG, TOO_MANY, MEMORY. */
BW_MUST_USE enum bw_err bw_delivery_begin(struct bw_buf *out, const uint8_t accord[BW_SHA256_BYTES], size_t count);
BW_MUST_USE enum bw_err bw_delivery_take(struct bw_buf *out, const struct bw_provenance *from);
BW_MUST_USE enum bw_err bw_delivery_skip(struct bw_buf *out);
BW_MUST_USE enum bw_err bw_delivery_end(struct bw_buf *out, struct bw_slice batch);

struct bw_delivery {
	uint8_t accord[BW_SHA256_BYTES];
	size_t count;
	struct bw_slice batch; /* begins after the rows */
	struct bw_cursor rows; /* for bw_delivery_next */
};

/* Checks all rows, so that the batch is found. VERSION, TRUNCATED, TOO_MANY, PROTOCOL. */
BW_MUST_USE enum bw_err bw_delivery_open(struct bw_slice bytes, struct bw_delivery *out);

/*
 * The next row: `*taken`, and then `out` without its node, which the delivery does not say. PROTOCOL: no more rows.
 */
BW_MUST_USE enum bw_err bw_delivery_next(struct bw_delivery *delivery, bool *taken, struct bw_provenance *out);

#endif
