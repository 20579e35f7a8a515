/* The scribe's own: its worker loop (scribe.c) and its counter (scribe_counter.c). Private to the two. */
#ifndef BW_GUARD_SCRIBE_PARTS_H
#define BW_GUARD_SCRIBE_PARTS_H

#include "guard/ask.h"
#include "guard/incident.h"
#include "guard/job_book.h"

enum { SCRIBE_GUESTS_MAX = 24 }; /* a signed job that runs is one for hours */

/* A command of root's that asks. */
struct scribe_guest {
	struct bw_channel *channel; /* NULL: a free place */
	uint32_t pid;
	bool restores; /* between RESTORE_BEGINS and RESTORE_ENDS */
	uint64_t incident;
	struct bw_job_word job; /* number 0: it runs none */
	int job_folders;        /* kept for a judge that is started again */
};

struct scribe {
	struct bw_seat *seat;
	const struct bw_guard *guard;
	struct bw_ledger *ledger;
	struct bw_incidents incidents;
	struct bw_job_book jobs;
	uint64_t last_job;
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

/* What a command asks; `fd` came with the question and stays the caller's. */
struct scribe_question {
	struct scribe *scribe;
	struct scribe_guest *guest;
	struct bw_cursor body;
	struct bw_buf *answer; /* behind the result, which is OK */
	int asked_fd;
	int fd; /* travels with the answer */
};

/* Refuses with a sentence: it is the answer. */
enum bw_err scribe_refuse(const struct scribe_question *q, enum bw_err err, const char *sentence);

/* ---- signed jobs: scribe_job.c ------------------------------------------------------------ */

void scribe_look_at_jobs(struct scribe *scribe); /* names in the log those that are refused */
enum bw_err scribe_job_note(struct scribe_question *q);
enum bw_err scribe_job_begins(struct scribe_question *q);
void scribe_job_ends(struct scribe *scribe, struct scribe_guest *guest);
void scribe_tell_job(struct scribe *scribe, const struct scribe_guest *guest);
enum bw_err scribe_job_passed(struct scribe *scribe, struct bw_slice body); /* the judge's word. PROTOCOL */

/* ---- the counter ------------------------------------------------------------------------- */

void scribe_welcome(struct scribe *scribe);
void scribe_serve(struct scribe *scribe, struct scribe_guest *guest); /* readable, or gone */
void scribe_part(struct scribe *scribe, struct scribe_guest *guest);  /* a restore that goes on has ended */

#endif
