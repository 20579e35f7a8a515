/*
 * Where the receiving end of one direction is, on disk (DATA/accord/in/ID), and what the accord's limits have counted.
 *
 *   place        the last state (accord/inbound.h) and the counters, with a checksum; replaced as a whole
 *   evidence-N-old, evidence-N-new   two signed checkpoints that cannot both be of one log
 *   stopped      in words, why nothing is taken any more; a person removes it (`accord resume`)
 *
 * The place may move only after the store has acknowledged what came before it: a crash between the two brings a chunk
 * twice, which the store knows as duplicates.
 */
#ifndef BW_ACCORD_INBOUND_PLACE_H
#define BW_ACCORD_INBOUND_PLACE_H

#include "accord/accord.h"
#include "accord/inbound.h"
#include "sys/why.h"

enum { BW_INBOUND_REASON_MAX = 500 };

struct bw_inbound_limits {
	int64_t minute_us; /* when the minute began that is counted */
	int64_t day_us;
	uint64_t minute_objects;
	uint64_t day_bytes;
};

struct bw_inbound_place {
	struct bw_buf state; /* empty: nothing yet */
	struct bw_inbound_limits limits;
};

#define BW_INBOUND_PLACE_INIT ((struct bw_inbound_place){ .state = BW_BUF_INIT(BW_INBOUND_STATE_MAX) })

void bw_inbound_place_release(struct bw_inbound_place *place);

/* The folder is made when it is missing. CORRUPT: the file is damaged; start from nothing by removing it. */
BW_MUST_USE enum bw_err bw_inbound_place_load(const char *folder, struct bw_inbound_place *out, struct bw_why *why);

/* On disk when it returns. */
BW_MUST_USE enum bw_err bw_inbound_place_save(const char *folder, const struct bw_inbound_place *place,
					      struct bw_why *why);

/* Keeps both; the same pair twice is kept once. */
BW_MUST_USE enum bw_err bw_inbound_evidence_keep(const char *folder, struct bw_slice old_checkpoint,
						 struct bw_slice new_checkpoint, struct bw_why *why);

/* Stops this direction until a person looks; `reason` is ours, and cut at BW_INBOUND_REASON_MAX. */
BW_MUST_USE enum bw_err bw_inbound_stop(const char *folder, struct bw_slice reason, struct bw_why *why);
/* Appends the reason. NOT_FOUND: it is not stopped. */
BW_MUST_USE enum bw_err bw_inbound_stopped(const char *folder, struct bw_buf *reason, struct bw_why *why);

/* ---- limits: pure ---------------------------------------------------------------------------------------- */

/*
 * Counts a chunk against the accord's limits; the first of a span always fits. OK: all may be taken. AGAIN: too fast;
 * `out_wait_us` says when to ask again, and nothing is counted: back-pressure, since the receiver asks and the sender
 * waits. A clock that goes back begins anew.
 */
BW_MUST_USE enum bw_err bw_inbound_count(struct bw_inbound_limits *limits, const struct bw_flow *flow, uint64_t objects,
					 uint64_t bytes, int64_t now_us, int64_t *out_wait_us);

#endif
