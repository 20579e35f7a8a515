/*
 * Signed jobs: what an administrator says may destroy known-good content. A user (who), a program with its words
 * (what), a folder with all below it (where), from and until and perhaps hours of the week (when), signed by the
 * node's keys.
 *
 * DATA/guard/jobs/NAME, text that a person can read, one fact a line, in this order:
 *
 *   breakwater-job 1
 *   name nightly                 letters, digits, '-', '_', '.'; the file's own
 *   node bw1…                    who signed
 *   user 1001
 *   folder /srv/share/backup     absolute, real
 *   program /usr/local/bin/seal  absolute, real
 *   sha256 <64 digits>           of the program's file
 *   word --all                   its words after the first; any number up to BW_JOB_WORDS_MAX
 *   from, until, signed <time>   bw_time_format
 *   at mon,tue 22:00-04:00       local time; may pass midnight. None: at any hour. At most BW_JOB_HOURS_MAX
 *   signature <base64>           over all lines before it, for the purpose "guard-job"
 *
 * A process is the job's by descent alone: `guard job run` starts the program, as that user, with those words and an
 * empty environment, and the kernel says what is born of it. Neither a name nor an executable would do: whoever
 * may run a program may call another so, or make the true one do something else (LD_PRELOAD, a script).
 *
 * Pure but for the local time zone.
 */
#ifndef BW_GUARD_JOB_H
#define BW_GUARD_JOB_H

#include "base/arena.h"
#include "crypto/keys.h"
#include "sys/clock.h"

enum {
	BW_JOB_NAME_BYTES = 64, /* with its NUL */
	BW_JOB_WORDS_MAX = 32,
	BW_JOB_HOURS_MAX = 8,
	BW_JOB_BYTES_MAX = 64 * 1024,
	BW_JOBS_MAX = 64,
};

/*
 * JOB between scribe and judge. Begins: with a sealed memory file of the folders' keys (struct bw_file_key, ordered by
 * bw_file_key_compare, volume 0). Ended: the judge sends it back, with what it let pass.
 */
struct bw_job_word {
	uint64_t number;  /* of this run */
	uint64_t passed;  /* files */
	int64_t until_us; /* wall clock */
	uint32_t pid;     /* `guard job run`, whose child the program is */
	uint32_t uid;
	uint32_t volume;
	uint32_t begins; /* 1, or 0 when it has ended */
	char name[BW_JOB_NAME_BYTES];
};

enum { BW_JOB_FOLDERS_MAX = 2 * 1024 * 1024 };

#define BW_JOB_DOMAIN "guard-job"
#define BW_JOB_FOLDER "guard/jobs" /* below DATA */

/* Hours of some days. `from` and `to` are minutes of the day; to <= from: it ends the next day. */
struct bw_job_hours {
	uint8_t days; /* bit 0: Monday */
	uint16_t from;
	uint16_t to;
};

struct bw_job_file {
	const char *name;
	uint8_t node[BW_SHA256_BYTES];
	uint32_t uid;
	const char *folder;
	const char *program;
	uint8_t sha256[BW_SHA256_BYTES];
	size_t word_count;
	const char *words[BW_JOB_WORDS_MAX];
	int64_t from_us;
	int64_t until_us;
	int64_t signed_us;
	size_t hours_count;
	struct bw_job_hours hours[BW_JOB_HOURS_MAX];
	bool is_signed; /* a signature stands there; bw_job_check says what it is worth */
	struct bw_node_signature signature;
	size_t signed_bytes; /* what it is over, from the start */
};

bool bw_job_name_is_plain(struct bw_slice name);

/* "mon-fri 01:00-05:00", "daily 22:00-04:00", "mon,wed 10:00-11:00". SYNTAX, RANGE. */
BW_MUST_USE enum bw_err bw_job_hours_parse(struct bw_slice text, struct bw_job_hours *out);
BW_MUST_USE enum bw_err bw_job_hours_write(const struct bw_job_hours *hours, struct bw_buf *out);

/*
 * Reads a job; texts are copied into `arena`. Only what bw_job_write would write is read: SYNTAX, RANGE, TOO_MANY,
 * TRUNCATED, MEMORY. The signature may be missing; it is not verified.
 */
BW_MUST_USE enum bw_err bw_job_parse(struct bw_slice text, struct bw_arena *arena, struct bw_job_file *out);

/* All lines but the signature. SYNTAX: a text with a control character, which a line cannot hold. */
BW_MUST_USE enum bw_err bw_job_write(const struct bw_job_file *job, struct bw_buf *out);
BW_MUST_USE enum bw_err bw_job_sign(const struct bw_node_keys *keys, struct bw_buf *text); /* appends the last line */

/* Whether it was signed by `node` (MISSING, CONFLICT: by another one, SIGNATURE). `text` is what was parsed. */
BW_MUST_USE enum bw_err bw_job_check(const struct bw_job_file *job, struct bw_slice text,
				     const struct bw_node_public *node);

/* When the job may run on from `now_us`: until *out_until_us. RANGE: not yet, or not at this hour. REVOKED: over. */
BW_MUST_USE enum bw_err bw_job_when(const struct bw_job_file *job, int64_t now_us, int64_t *out_until_us);

#endif
