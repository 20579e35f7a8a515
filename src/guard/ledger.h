/*
 * The ledger, DATA/guard/ledger: what the guard saw, decided and did, in the order in which it
 * came, for ever. One writer at a time (scribe; a command while no guard runs) and any number of readers.
 *
 *   head     "BWGL" | version u8 = 1 | zero[3] | id[16] | began be64
 *   record   length be32 (of the body) | kind u8 | zero[3] | number be64 | wall be64 | incident be64 | body | chain[32]
 *
 * Times are microseconds since 1970. Numbers count from 1 without a gap. The chain is SHA-256 over the chain before
 * and the record up to its chain; before the first record it is SHA-256 of the head. So no record can be
 * changed, left out or put in without all behind it being written anew; who keeps a chain value elsewhere
 * (a report, another machine) would notice that too.
 *
 * A record counts once bw_ledger_sync has returned. What a power cut tears at the end is cut off at the next
 * opening, which is recorded. A ledger that is damaged elsewhere is set aside whole under a telling name; the new one
 * holds what verified of it, and says so.
 */
#ifndef BW_GUARD_LEDGER_H
#define BW_GUARD_LEDGER_H

#include "base/cursor.h"
#include "crypto/hash.h"
#include "sys/why.h"

enum {
	BW_LEDGER_HEAD_BYTES = 32,
	BW_LEDGER_ID_BYTES = 16,
	BW_LEDGER_FRONT_BYTES = 32,       /* of a record, before its body */
	BW_LEDGER_BODY_MAX = 1024 * 1024, /* a frame of a channel carries no more */
};

#define BW_LEDGER_NAME "guard/ledger" /* below DATA */

/* The body of all but EVIDENCE, RESTORED, ACTED, TRACE, APPROVAL, JOB and DRILL is a sentence, for people. */
enum bw_ledger_kind {
	BW_LEDGER_STARTED = 1, /* the guard */
	BW_LEDGER_STOPPED,
	BW_LEDGER_EVIDENCE, /* a piece of the judge's record, as it came (guard/record.h) */
	BW_LEDGER_RESTORING,
	BW_LEDGER_RESTORED, /* bw_ledger_restored_write */
	BW_LEDGER_APPROVED, /* a person let the actor go */
	BW_LEDGER_CLOSED,   /* the incident is over */
	BW_LEDGER_CUT,      /* a torn end was cut off */
	BW_LEDGER_DAMAGED,  /* the ledger before this one was set aside */
	BW_LEDGER_REPORTED, /* an evidence folder was sealed: the SHA-256 of its manifest, in hexadecimal */
	BW_LEDGER_ACTED,    /* what the hand did, as it said it (guard/hand_form.h) */
	BW_LEDGER_TRACE,    /* what else an incident's actor did (guard/trace.h) */
	BW_LEDGER_APPROVAL, /* whom a person let work on, and until when (guard/approval.h) */
	BW_LEDGER_JOB,      /* of a signed job (guard/job_book.h) */
	BW_LEDGER_SHARED,   /* a report's bundle went into the node's own exchange */
	BW_LEDGER_RELEASED, /* a person released the full bundle into it */
	BW_LEDGER_TOLD,     /* a person said that a duty to report was met, and which */
	BW_LEDGER_REOPENED, /* a restore of it was undone: its files are again as they were found */
	BW_LEDGER_ALLOWED,  /* a person lets what may leave go to the exchange that is reported to */
	BW_LEDGER_SENT,     /* a report's bundle went there */
	BW_LEDGER_HELPED,   /* somebody else met what was told of it */
	BW_LEDGER_DRILL,    /* records be32: all files of the first so many EVIDENCE of it lay in drills' folders */
	BW_LEDGER_KINDS,
};

#define BW_LEDGER_UNDONE "a restore of it was undone" /* of REOPENED */

struct bw_ledger_record {
	uint8_t kind; /* enum bw_ledger_kind */
	uint64_t number;
	int64_t wall_us;
	uint64_t incident; /* 0: of none */
	struct bw_slice body;
};

/* Where a chain stands: what the next record is hashed with. */
struct bw_ledger_link {
	uint64_t number; /* of the last record; 0 before the first */
	uint8_t chain[BW_SHA256_BYTES];
};

/* ---- pure ------------------------------------------------------------------------------- */

struct bw_ledger_head {
	uint8_t id[BW_LEDGER_ID_BYTES];
	int64_t began_us;
};

/* TRUNCATED, SYNTAX (no ledger), SCHEMA (a newer one). On failure nothing has moved. */
BW_MUST_USE enum bw_err bw_ledger_head_parse(struct bw_cursor *in, struct bw_ledger_head *out,
					     struct bw_ledger_link *out_link);
BW_MUST_USE enum bw_err bw_ledger_head_write(const struct bw_ledger_head *head, struct bw_buf *out,
					     struct bw_ledger_link *out_link);

/*
 * The next record, checked against the chain; its body borrows from the input. AGAIN: the end. TRUNCATED: more
 * bytes are needed. CORRUPT: not what was written. On failure neither cursor nor link has moved.
 */
BW_MUST_USE enum bw_err bw_ledger_next(struct bw_cursor *in, struct bw_ledger_link *link, struct bw_ledger_record *out);

/* Appends a record, whose number is the link's next whatever it says. RANGE (kind), TOO_BIG, MEMORY: nothing moved. */
BW_MUST_USE enum bw_err bw_ledger_write(const struct bw_ledger_record *record, struct bw_ledger_link *link,
					struct bw_buf *out);

/* What a restore did. */
struct bw_ledger_restored {
	uint64_t files; /* brought back: put in place, or set right */
	uint64_t unchanged;
	uint64_t beside;    /* of the files brought back: a later edit was kept beside */
	uint64_t displaced; /* what the actor had made, moved out of the way */
	uint64_t failed;
	uint64_t bytes;
};

enum { BW_LEDGER_RESTORED_BYTES = 6 * 8 };

BW_MUST_USE enum bw_err bw_ledger_restored_write(const struct bw_ledger_restored *restored, struct bw_buf *out);
BW_MUST_USE enum bw_err bw_ledger_restored_parse(struct bw_slice body, struct bw_ledger_restored *out); /* TRUNCATED */

/* A short word, "evidence". */
const char *bw_ledger_kind_name(uint8_t kind);

/* ---- the file ------------------------------------------------------------------------------ */

struct bw_ledger; /* the writer */

/*
 * Opens, or makes, DATA/guard/ledger and goes on behind its last record; a torn end is cut off, and recorded. A
 * damaged ledger is set aside, and `why` names it though the answer is OK. BUSY: another writer. IO, DISK_FULL, DENIED.
 */
BW_MUST_USE enum bw_err bw_ledger_open(const char *data, struct bw_ledger **out, struct bw_why *why);
void bw_ledger_close(struct bw_ledger *ledger); /* NULL allowed; what was not synced may be lost */

/* TOO_BIG, RANGE, MEMORY; DISK_FULL, IO: nothing of it stays in the file. */
BW_MUST_USE enum bw_err bw_ledger_append(struct bw_ledger *ledger, uint8_t kind, uint64_t incident,
					 struct bw_slice body);
BW_MUST_USE enum bw_err bw_ledger_sync(struct bw_ledger *ledger);

/* Where the chain stands, what was not synced included; and when the ledger was begun. */
struct bw_ledger_link bw_ledger_link(const struct bw_ledger *ledger);
int64_t bw_ledger_began(const struct bw_ledger *ledger);

/* ---- reading --------------------------------------------------------------------------------- */

struct bw_ledger_seen {
	struct bw_ledger_head head;
	struct bw_ledger_link link; /* where it ends */
	uint64_t bytes;             /* that verified */
	uint64_t torn_bytes;        /* behind them: being written now, or torn */
};

/*
 * Reads and verifies all of DATA/guard/ledger, record after record; an error of `see` ends the walk and is passed up.
 * NOT_FOUND: there is none yet. CORRUPT with the place: what was seen until then verified, and `out` says how much.
 */
BW_MUST_USE enum bw_err bw_ledger_read(const char *data,
				       enum bw_err (*see)(void *context, const struct bw_ledger_record *record),
				       void *context, struct bw_ledger_seen *out, struct bw_why *why);

#endif
