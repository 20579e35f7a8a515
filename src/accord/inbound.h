/*
 * The receiving end of one direction of an accord: bytes of a passage (accord/passage.h) in, as they arrive and cut
 * where they like; verified entries out, chunk by chunk. An entry counts when the partner's log signed for it with
 * every one of its keys, the witnesses that the accord asks for cosigned, the log goes on from all that was seen
 * before, and the entry is what the checkpoint commits to.
 *
 * Pure: no files, no clock of its own; the process that runs it needs nothing (a clerk). What must be kept between two
 * runs is a *state* of a few kilobytes that comes with each chunk: whoever keeps it (accord/inbound_place.h) does so
 * after the store has acknowledged the chunk's objects.
 *
 * What ends it, by name (tlog/reader.h, docs/tlog.md):
 *   SPLIT_VIEW   the log does not go on from the last checkpoint: bw_inbound_evidence has both
 *   ROLLBACK     its checkpoint is smaller than the last
 *   EDITED       entries are not what the checkpoint commits to
 *   CUT_SHORT    it ended in order, before all that the checkpoint promises
 *   SIGNATURE, DENIED, MISSING   who has signed does not suffice
 *   SYNTAX, TYPE, TOO_BIG, TOO_MANY, PROTOCOL   it is no passage
 *   CLOSED       the other side says why no more comes: bw_inbound_reason
 * After any of them every call gives it again: make another from the state.
 */
#ifndef BW_ACCORD_INBOUND_H
#define BW_ACCORD_INBOUND_H

#include "accord/passage.h"
#include "tlog/trust.h"

enum { BW_INBOUND_STATE_MAX = BW_NOTE_MAX + BW_TREE_PACKED_MAX + 256 };

struct bw_inbound;

/* One entry of a chunk. */
struct bw_inbound_entry {
	uint64_t index;
	bool is_gone; /* erased at the sender: there is a leaf and nothing else */
	struct bw_hash leaf;
	struct bw_slice entry; /* salt and text */
	struct bw_slice text;  /* the text alone, for bw_crossing_parse */
};

/* All of it borrows from the inbound until `take` returns. */
struct bw_inbound_chunk {
	uint64_t from;
	size_t count;
	const struct bw_inbound_entry *entries;
	struct bw_slice checkpoint; /* under which they were verified */
	struct bw_slice state;      /* to be kept once they are stored */
};

/*
 * `origin`, `trust`: as of the sender's log (bw_papers_policy); they must outlive it. `state`: what was kept last;
 * empty: nothing yet. CORRUPT, VERSION: it is no state, or of another log; MEMORY.
 */
BW_MUST_USE enum bw_err bw_inbound_new(struct bw_slice origin, const struct bw_trust *trust, struct bw_slice state,
				       struct bw_inbound **out);
void bw_inbound_free(struct bw_inbound *in); /* NULL allowed */

/* A new connection begins, the first one too: what the last one left unfinished goes on there. What to ask for. */
BW_MUST_USE enum bw_err bw_inbound_connect(struct bw_inbound *in, struct bw_passage_place *out);

/*
 * Takes bytes. `take` is called for each chunk that is whole; its error is passed on and ends the inbound like any
 * other.
 */
BW_MUST_USE enum bw_err bw_inbound_feed(struct bw_inbound *in, struct bw_slice bytes,
					enum bw_err (*take)(void *ctx, const struct bw_inbound_chunk *chunk),
					void *ctx);

/* The latest size and root that were verified: what an owner who was restored is told (bw_outbound_heard). */
void bw_inbound_known(const struct bw_inbound *in, uint64_t *out_size, struct bw_hash *out_root);

/* The checkpoint of that size, as it was signed and cosigned; empty: none. */
struct bw_slice bw_inbound_checkpoint(const struct bw_inbound *in);

/* Of how many entries the content was verified, and the root of their tree: up to the size that is known. */
void bw_inbound_verified(const struct bw_inbound *in, uint64_t *out_size, struct bw_hash *out_root);

/*
 * The signed checkpoint of the last state and the one that does not follow from it; empty unless SPLIT_VIEW, ROLLBACK.
 */
void bw_inbound_evidence(const struct bw_inbound *in, struct bw_slice *out_old, struct bw_slice *out_new);

/* The other side's words with CLOSED; empty: none. They are foreign: escape them. */
struct bw_slice bw_inbound_reason(const struct bw_inbound *in);

#endif
