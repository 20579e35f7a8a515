/* The scribe's own: its worker loop (scribe.c) and its counter (scribe_counter.c). Private to its files. */
#ifndef BW_GUARD_SCRIBE_PARTS_H
#define BW_GUARD_SCRIBE_PARTS_H

#include "guard/ask.h"
#include "guard/data_seen.h"
#include "guard/evidence.h"
#include "guard/foreign_book.h"
#include "guard/incident.h"
#include "guard/job_book.h"

enum {
	SCRIBE_GUESTS_MAX = 24, /* a signed job that runs is one for hours */
	SCRIBE_CASES_MAX = 16,  /* incidents whose reports are being made; another one waits */
};

/* A command of root's that asks. */
struct scribe_guest {
	struct bw_channel *channel; /* NULL: a free place */
	uint32_t pid;
	bool restores; /* between RESTORE_BEGINS and RESTORE_ENDS */
	uint64_t incident;
	uint64_t settles; /* the number it waits for (BW_RECORD_SETTLE); 0: it does not wait */
	bool judge_settled;
	bool keep_settled;
	struct bw_job_word job; /* number 0: it runs none */
	int job_folders;        /* kept for a judge that is started again */
};

/*
 * An incident on its way to a sealed report. Times are monotonic, 0: not so. One step at a time: records come in, the
 * reporter composes, files are written, the sealer signs, the folder gets its name; then people and the exchange
 * are told. Whatever does not answer is asked again.
 */
struct scribe_case {
	uint64_t incident;  /* 0: a free place */
	struct bw_buf rows; /* its records (guard/dossier.h) */
	uint64_t left_out;
	uint64_t decided_ns; /* of the first verdict, when it came in this run */
	int64_t decided_us;  /* wall */
	int64_t quick_us;    /* when its indicators shall be, ahead of any report */
	int64_t due_us;      /* when the next report shall be composed */
	int64_t asked_us;    /* since when the reporter is at it */
	int64_t signing_us;  /* since when the sealer is */
	int64_t tell_by_us;  /* people are told by then, whatever is ready */
	int64_t share_us;    /* when the exchange shall be told */
	int64_t sharing_us;  /* since when the hand is at it */
	int64_t send_us;     /* when the exchange that is reported to shall be told (scribe_send.c) */
	int64_t indicators_ms;
	int64_t touched_us;
	uint32_t number; /* of the newest report */
	unsigned made;   /* reports since the case was taken up */
	unsigned share_tries;
	unsigned send_tries;
	struct bw_buf first; /* the request with its first words; empty: none waits */
	uint32_t of_drill;   /* as the ledger has it (BW_LEDGER_DRILL) */
	bool leaves;         /* the newest report has a bundle for the exchange */
	bool is_told;
	bool is_late; /* what the sealer is at was written before, without a seal */
	struct bw_evidence_manifest *manifest;
	struct bw_buf manifest_text;
	struct bw_buf page; /* for the notice */
};

/* What others saw; empty unless the guard listens to an exchange. Times are monotonic. */
struct scribe_foreign {
	struct bw_foreign_book book;
	struct bw_buf set; /* as the judge has it */
	uint32_t set_number;
	struct bw_buf asked; /* names that the witness was asked to compare; empty: none */
	uint32_t asked_number;
	bool is_asking;
	bool is_untold;
	bool is_unsaved;
	bool complained;
	int64_t told_ms;
	int64_t owned_ms; /* when the witness's answer was last told at once */
	int64_t saved_ms;
	int64_t looked_ms; /* for what has ended */
};

/* The one request that is on its way to the exchange that is reported to. */
struct scribe_sending {
	uint64_t incident; /* 0: none is */
	uint32_t report;   /* 0: the first words */
	int64_t since_us;
};

enum { SCRIBE_SEEN_MAX = 256 };

struct scribe {
	struct bw_seat *seat;
	const struct bw_guard *guard;
	struct bw_ledger *ledger;
	struct bw_incidents incidents;
	struct bw_job_book jobs;
	struct scribe_foreign foreign;
	uint64_t last_job;
	struct scribe_guest guests[SCRIBE_GUESTS_MAX];
	struct scribe_case cases[SCRIBE_CASES_MAX];
	struct scribe_sending sending;
	uint64_t seen[SCRIBE_SEEN_MAX]; /* digests of sightings, the newest */
	size_t seen_at;
	int64_t kept_us; /* monotonic: when old evidence was last looked through */
	int64_t started_us;
	int listening;
	int board;                /* read-only, to hand over */
	struct bw_data_seen data; /* as it was at the start */
	enum bw_data_state data_state;
	int64_t data_look_ms; /* monotonic: when it is looked at next */
	bool first_day_told;
	bool away_told;
	bool is_dirty; /* something was appended that is not on disk yet */
};

/* Appends, and takes it in; it is on disk after scribe_sync. What could not be written is logged. */
BW_MUST_USE enum bw_err scribe_append(struct scribe *scribe, uint8_t kind, uint64_t incident, struct bw_slice body);
BW_MUST_USE enum bw_err scribe_sync(struct scribe *scribe);

/* Sends to a peer; it is logged when that one is not there. */
void scribe_tell(struct scribe *scribe, const char *peer, uint8_t kind, struct bw_slice body);
void scribe_tell_restore(struct scribe *scribe, const char *peer, const struct scribe_guest *guest, bool begins);

/* ---- reports: scribe_report.c ----------------------------------------------------------------- */

void scribe_report_begin(struct scribe *scribe);                                      /* what was cut short goes on */
void scribe_report_row(struct scribe *scribe, const struct bw_ledger_record *record); /* everything appended */
int scribe_report_turn(struct scribe *scribe);                                        /* ms until the next */
void scribe_report_renew(struct scribe *scribe, const char *peer);                    /* it was started again */
enum bw_err scribe_composed(struct scribe *scribe, struct bw_slice body, int fd);     /* PROTOCOL */
enum bw_err scribe_signed(struct scribe *scribe, struct bw_slice body);               /* PROTOCOL */
void scribe_report_end(struct scribe *scribe);
struct scribe_case *scribe_case_of(struct scribe *scribe, uint64_t incident);
struct scribe_case *scribe_case_load(struct scribe *scribe, uint64_t incident); /* NULL: all are at work, or an error */

enum bw_err scribe_ask_sealer(struct scribe *scribe, struct scribe_case *one); /* CLOSED: it is not there */

/* ---- reports that were left without a seal: scribe_seal.c ---------------------------------------- */

/* Has the first of them above `after` sealed, if there is one and it is what the ledger says was written. */
void scribe_seal_begin(struct scribe *scribe, struct scribe_case *one, uint32_t after);
void scribe_seal_end(struct scribe *scribe, struct scribe_case *one, struct bw_slice seal); /* empty: it gave none */

/* ---- who is told of a report: scribe_share.c --------------------------------------------------- */

void scribe_tell_people(struct scribe *scribe, struct scribe_case *one); /* once */
void scribe_share(struct scribe *scribe, struct scribe_case *one);
enum bw_err scribe_shared(struct scribe *scribe, struct bw_slice body); /* the hand's word. PROTOCOL */
void scribe_note_drill(struct scribe *scribe, struct scribe_case *one, uint32_t records); /* found to be a drill's */
void scribe_keep_room(struct scribe *scribe); /* evidence of long ago goes */

/* ---- the exchange that is reported to: scribe_send.c ------------------------------------------ */

bool scribe_may_send(const struct scribe *scribe, const struct bw_incident *incident); /* as --report-when says */
void scribe_send_first(struct scribe *scribe, struct scribe_case *one, struct bw_slice bundle); /* empty: none */
void scribe_send_report(struct scribe *scribe, struct scribe_case *one); /* the newest is to be sent */
void scribe_send(struct scribe *scribe, struct scribe_case *one);        /* what is due */
int64_t scribe_send_next_us(const struct scribe *scribe, const struct scribe_case *one);
void scribe_send_allowed(struct scribe *scribe, uint64_t incident);   /* a person lets it go */
void scribe_send_renew(struct scribe *scribe);                        /* caller or reader was started again */
enum bw_err scribe_sent(struct scribe *scribe, struct bw_slice body); /* the caller's word, the reader's. PROTOCOL */
enum bw_err scribe_seen(struct scribe *scribe, struct bw_slice body); /* the reader's. PROTOCOL */

/* What a command asks; `fd` came with the question and stays the caller's. */
struct scribe_question {
	struct scribe *scribe;
	struct scribe_guest *guest;
	struct bw_cursor body;
	struct bw_buf *answer; /* behind the result, which is OK */
	int asked_fd;
	int fd; /* travels with the answer */
};

/* The judge's word, or keep's: all that happened until then is known to it. PROTOCOL. */
enum bw_err scribe_settled(struct scribe *scribe, bool by_judge, struct bw_slice body);

/* Refuses with a sentence: it is the answer. */
enum bw_err scribe_refuse(const struct scribe_question *q, enum bw_err err, const char *sentence);

/* ---- signed jobs: scribe_job.c ------------------------------------------------------------ */

void scribe_look_at_jobs(struct scribe *scribe); /* names in the log those that are refused */
enum bw_err scribe_job_note(struct scribe_question *q);
enum bw_err scribe_job_begins(struct scribe_question *q);
void scribe_job_ends(struct scribe *scribe, struct scribe_guest *guest);
void scribe_tell_job(struct scribe *scribe, const struct scribe_guest *guest);
enum bw_err scribe_job_passed(struct scribe *scribe, struct bw_slice body); /* the judge's word. PROTOCOL */

/* How long to wait for anything, `wait_ms` at most (-1: for ever), until the first day ends; then tells of it, once. */
int scribe_first_day(struct scribe *scribe, int wait_ms);

/* Once the hand is there, and once: of enrolled folders that are away, and that are back (scribe_away.c). */
void scribe_tell_away(struct scribe *scribe);

/* Whether the data folder is still there; what has to be said of it is said. As scribe_first_day (scribe_data.c). */
int scribe_data_turn(struct scribe *scribe, int wait_ms);

/* ---- approvals (scribe_approval.c) ------------------------------------------------------- */

/* Blocks of approvals behind an ask, of this incident: written down, and told the judge. PROTOCOL. */
BW_MUST_USE enum bw_err scribe_approve(struct scribe *scribe, uint64_t incident, struct bw_cursor *in);

/* Those of the ledger that still last, to a judge that is new. */
void scribe_tell_approvals(struct scribe *scribe);

/* ---- what others saw (scribe_foreign.c) ---------------------------------------------------- */

void scribe_foreign_begin(struct scribe *scribe);
int scribe_foreign_turn(struct scribe *scribe, int wait_ms); /* how long to wait for anything, as scribe_first_day */
void scribe_foreign_renew(struct scribe *scribe, const char *peer);
void scribe_foreign_end(struct scribe *scribe);
enum bw_err scribe_foreign_news(struct scribe *scribe, struct bw_slice body);   /* the reader's. PROTOCOL */
enum bw_err scribe_foreign_owns(struct scribe *scribe, struct bw_slice body);   /* the witness's. PROTOCOL */
enum bw_err scribe_foreign_warned(struct scribe *scribe, struct bw_slice body); /* the judge's. PROTOCOL */
enum bw_err scribe_foreign_undo(struct scribe_question *q);
enum bw_err scribe_foreign_accept(struct scribe_question *q);

/* ---- the counter ------------------------------------------------------------------------- */

void scribe_welcome(struct scribe *scribe);
void scribe_serve(struct scribe *scribe, struct scribe_guest *guest); /* readable, or gone */
void scribe_part(struct scribe *scribe, struct scribe_guest *guest);  /* a restore that goes on has ended */

#endif
