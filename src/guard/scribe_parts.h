/* The scribe's own: its worker loop (scribe.c) and its counter (scribe_counter.c). Private to the two. */
#ifndef BW_GUARD_SCRIBE_PARTS_H
#define BW_GUARD_SCRIBE_PARTS_H

#include "guard/ask.h"
#include "guard/incident.h"

enum { SCRIBE_GUESTS_MAX = 8 };

/* A command of root's that asks. */
struct scribe_guest {
	struct bw_channel *channel; /* NULL: a free place */
	uint32_t pid;
	bool restores; /* between RESTORE_BEGINS and RESTORE_ENDS */
	uint64_t incident;
};

struct scribe {
	struct bw_seat *seat;
	const struct bw_guard *guard;
	struct bw_ledger *ledger;
	struct bw_incidents incidents;
	struct scribe_guest guests[SCRIBE_GUESTS_MAX];
	int64_t started_us;
	int listening;
	int board;     /* read-only, to hand over */
	bool is_dirty; /* something was appended that is not on disk yet */
};

/* Appends, and takes it in; it is on disk after scribe_sync. What could not be written is logged. */
BW_MUST_USE enum bw_err scribe_append(struct scribe *scribe, uint8_t kind, uint64_t incident, struct bw_slice body);
BW_MUST_USE enum bw_err scribe_sync(struct scribe *scribe);

/* Sends to a peer; it is logged when that one is not there. */
void scribe_tell(struct scribe *scribe, const char *peer, uint8_t kind, struct bw_slice body);
void scribe_tell_restore(struct scribe *scribe, const char *peer, const struct scribe_guest *guest, bool begins);

/* ---- the counter ------------------------------------------------------------------------- */

void scribe_welcome(struct scribe *scribe);
void scribe_serve(struct scribe *scribe, struct scribe_guest *guest); /* readable, or gone */
void scribe_part(struct scribe *scribe, struct scribe_guest *guest);  /* a restore that goes on has ended */

#endif
