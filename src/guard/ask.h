/*
 * The running guard's counter: DATA/guard/socket, where root's own commands ask scribe. Both halves of what is
 * said there, and the asking side.
 *
 *   asked     kind as below, the body beside it
 *   answered  the same kind; result u8 (enum bw_err, 0: done) | a sentence when it was refused, else what is said below
 *
 *   STATUS          empty; answer: mode u8 | started be64 (wall µs), and the board travels with it
 *   RESTORE_BEGINS  incident be64 (0: of none). Ends with the connection when nobody says so
 *   RESTORE_ENDS    incident be64 | close u8 | counts (bw_ledger_restored_write)
 *   CLOSE           incident be64
 *   REOPEN          the same: a restore of it was undone
 *   APPROVE         incident be64 | approvals, a block each (guard/approval.h): who may work on, and until when
 *   WITHDRAW        the same, with approvals that have ended
 *   DRILL           incident be64 = 0: who asks is a drill; what it starts is judged by itself
 *   RELOAD          empty; answered before it is done
 *   REPORTED        incident be64 | kind u8 | sentence block: a person released its bundle (BW_LEDGER_RELEASED) or
 *                   met a duty to report (BW_LEDGER_TOLD), or lets it be reported (BW_LEDGER_ALLOWED)
 *   JOB             a note that a job was signed or revoked (guard/job_book.h)
 *   JOB_BEGINS      device be64 | name; with the folders it may work in (struct bw_job_word). Ends with the connection
 *   SETTLE          empty; answered when all that happened on the volumes before it was asked is judged, kept and
 *                   written down
 *   FOREIGN_UNDO    peer block: all that others of that name said goes, and nothing of theirs is taken
 *   FOREIGN_ACCEPT  peer block: it is taken again
 */
#ifndef BW_GUARD_ASK_H
#define BW_GUARD_ASK_H

#include "guard/approval.h"
#include "guard/guard.h"
#include "guard/ledger.h"

enum bw_ask_kind {
	BW_ASK_STATUS = 1,
	BW_ASK_RESTORE_BEGINS,
	BW_ASK_RESTORE_ENDS,
	BW_ASK_APPROVE,
	BW_ASK_CLOSE,
	BW_ASK_REPORTED,
	BW_ASK_WITHDRAW,
	BW_ASK_DRILL,
	BW_ASK_JOB,
	BW_ASK_JOB_BEGINS,
	BW_ASK_RELOAD,
	BW_ASK_REOPEN,
	BW_ASK_SETTLE,
	BW_ASK_FOREIGN_UNDO,
	BW_ASK_FOREIGN_ACCEPT,
};

/* What workers ask of the parent (bw_seat_ask): scribe the one, keep the other, which says that the index is full. */
enum { BW_SEAT_ASK_RELOAD = 1, BW_SEAT_ASK_LARGER = 2 };

#define BW_ASK_SOCKET "guard/socket" /* below DATA */

enum { BW_ASK_SENTENCE_BYTES = 1024 };

enum { BW_ASK_WAIT_MS = 10 * 1000 }; /* scribe answers after it synced: a full disk is slow */

/* NOT_FOUND: no guard runs on this data folder. DENIED, SYSTEM. */
BW_MUST_USE enum bw_err bw_ask_open(const char *data, struct bw_channel **out);

/* Scribe's side: the socket, root's alone. BUSY: another guard answers there. */
BW_MUST_USE enum bw_err bw_ask_listen(const char *data, int *out_fd, struct bw_why *why);

struct bw_ask_status {
	enum bw_guard_mode mode;
	int64_t started_us;
	struct bw_shared view; /* of the board; a stranger's memory: every number is only shown */
	const struct bw_guard_board *board;
};

/* The caller releases `out->view`. PROTOCOL, TIMEOUT, CLOSED. */
BW_MUST_USE enum bw_err bw_ask_status(struct bw_channel *channel, struct bw_ask_status *out);

/* All others. `why` gets the sentence when it was refused. */
BW_MUST_USE enum bw_err bw_ask_decision(struct bw_channel *channel, enum bw_ask_kind kind, uint64_t incident,
					struct bw_why *why);
/* APPROVE, WITHDRAW. */
BW_MUST_USE enum bw_err bw_ask_approve(struct bw_channel *channel, enum bw_ask_kind kind, uint64_t incident,
				       const struct bw_approval *approvals, size_t count, struct bw_why *why);
BW_MUST_USE enum bw_err bw_ask_restore_ends(struct bw_channel *channel, uint64_t incident, bool close,
					    const struct bw_ledger_restored *restored, struct bw_why *why);
BW_MUST_USE enum bw_err bw_ask_reported(struct bw_channel *channel, uint64_t incident, uint8_t kind,
					struct bw_slice sentence, struct bw_why *why);
/* The settings were changed: the running guard reads them. NOT_FOUND: none runs on this data folder. */
BW_MUST_USE enum bw_err bw_ask_reload(const char *data);

/*
 * SETTLE, on a connection of its own: the running guard has taken in what happened until now. NOT_FOUND: none runs on
 * this data folder. TIMEOUT: it did not catch up within BW_ASK_SETTLE_MS.
 */
enum { BW_ASK_SETTLE_MS = 60 * 1000 };
BW_MUST_USE enum bw_err bw_ask_settle(const char *data);
/* FOREIGN_UNDO, FOREIGN_ACCEPT. */
BW_MUST_USE enum bw_err bw_ask_foreign(struct bw_channel *channel, enum bw_ask_kind kind, struct bw_slice peer,
				       struct bw_why *why);
BW_MUST_USE enum bw_err bw_ask_job(struct bw_channel *channel, struct bw_slice note, struct bw_why *why);
BW_MUST_USE enum bw_err bw_ask_job_begins(struct bw_channel *channel, const char *name, uint64_t device, int folders,
					  struct bw_why *why);

#endif
