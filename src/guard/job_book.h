/*
 * Which signed jobs there are, and what each is worth now. The files lie in DATA/guard/jobs (guard/job.h); which
 * file of a name counts, and which names were revoked, stands in the ledger, so that a file that was put back, or came
 * from elsewhere, is known for what it is. Who signs is remembered too: the public keys of the first signing.
 *
 * In the ledger, kind BW_LEDGER_JOB:  what u8 | name (block) | SHA-256 of the file | files passed be64
 */
#ifndef BW_GUARD_JOB_BOOK_H
#define BW_GUARD_JOB_BOOK_H

#include "guard/job.h"
#include "guard/ledger.h"

#define BW_JOB_SIGNER BW_JOB_FOLDER "/.signer" /* below DATA; no job can be called so */

enum bw_job_act {
	BW_JOB_ACT_SIGNED = 1,
	BW_JOB_ACT_REVOKED,
	BW_JOB_ACT_BEGAN,
	BW_JOB_ACT_ENDED,
	BW_JOB_ACT_COUNT,
};

struct bw_job_note {
	uint8_t act;                     /* enum bw_job_act */
	struct bw_slice name;            /* plain */
	uint8_t digest[BW_SHA256_BYTES]; /* SIGNED; else zeros */
	uint64_t passed;                 /* ENDED: files whose destruction the guard let pass */
};

/* TRUNCATED, TOO_BIG, SYNTAX, RANGE. The name borrows. */
BW_MUST_USE enum bw_err bw_job_note_parse(struct bw_slice body, struct bw_job_note *out);
BW_MUST_USE enum bw_err bw_job_note_write(const struct bw_job_note *note, struct bw_buf *out);

struct bw_job_entry {
	char name[BW_JOB_NAME_BYTES];
	uint8_t digest[BW_SHA256_BYTES];
	bool is_revoked;
	int64_t began_us; /* the last time; 0: never */
	int64_t ended_us; /* 0: it runs, or its end was not seen */
	uint64_t runs;
	uint64_t passed; /* by all runs together */
};

struct bw_job_book {
	size_t count;
	struct bw_job_entry list[BW_JOBS_MAX];
};

/* Takes one record of the ledger in; others change nothing. When full, a name that was revoked gives way. TOO_MANY. */
BW_MUST_USE enum bw_err bw_job_book_feed(struct bw_job_book *book, const struct bw_ledger_record *record);
const struct bw_job_entry *bw_job_book_find(const struct bw_job_book *book, struct bw_slice name);

/* All of DATA's ledger; without one the book is empty. As bw_ledger_read. */
BW_MUST_USE enum bw_err bw_job_book_load(const char *data, struct bw_job_book *out, struct bw_why *why);

/* What a job is worth; word for people and machines. */
#define BW_JOB_WORTH_ROWS(X)    \
	X(GOOD, "good")         \
	X(WAITING, "waiting")   \
	X(EXPIRED, "expired")   \
	X(UNSIGNED, "unsigned") \
	X(ALTERED, "altered")   \
	X(FOREIGN, "foreign")   \
	X(ROLLED_BACK, "old")   \
	X(UNKNOWN, "unknown")   \
	X(REVOKED, "revoked")   \
	X(CHANGED, "changed")   \
	X(UNREADABLE, "unreadable")

enum bw_job_worth {
#define X(name, word) BW_JOB_##name,
	BW_JOB_WORTH_ROWS(X)
#undef X
};

const char *bw_job_worth_name(enum bw_job_worth worth);

struct bw_job_found {
	enum bw_job_worth worth;
	bool is_read;            /* `file` holds something, whatever it is worth */
	struct bw_job_file file; /* borrows from the arena */
	int64_t until_us;        /* GOOD: it may run until then */
	struct bw_why why;       /* a sentence, unless GOOD */
};

/* The job of this name in DATA, now. Reads its file and the signer's public keys, nothing else. */
void bw_job_find(const char *data, const struct bw_job_book *book, const char *name, int64_t now_us,
		 struct bw_arena *arena, struct bw_job_found *out);

/*
 * The names of all files of DATA/guard/jobs and of all jobs of the book that are not revoked, sorted, each once.
 * At most `max`. IO, DENIED; without the folder there are none.
 */
BW_MUST_USE enum bw_err bw_job_names(const char *data, const struct bw_job_book *book, struct bw_arena *arena,
				     const char **out, size_t max, size_t *out_count, struct bw_why *why);

#endif
