/*
 * Starting another program, for the one worker that does (hand): an absolute path that root owns, fixed words, an
 * empty environment but for PATH and LC_ALL, input from a sealed memory file, bounded output and time. No shell
 * anywhere. When time or output run out, the program and its process group are killed.
 */
#ifndef BW_GUARD_PROGRAM_H
#define BW_GUARD_PROGRAM_H

#include <sys/types.h>

#include "sys/files.h"

enum { BW_PROGRAM_WORDS_MAX = 16 };

struct bw_program {
	const char *path;                        /* absolute */
	const char *words[BW_PROGRAM_WORDS_MAX]; /* after its name; ends with NULL */
	struct bw_slice input;
	size_t output_max;
	int timeout_ms;
	bool errors_too; /* what it says on stderr comes with the output; else it is dropped */
};

/* A running one. */
struct bw_program_run {
	pid_t pid; /* 0: none */
	int pid_fd;
	int out_fd; /* -1 once it has closed it */
	int64_t deadline_us;
	struct bw_buf output;
};

#define BW_PROGRAM_NONE ((struct bw_program_run){ .pid_fd = -1, .out_fd = -1 })

/*
 * The first of the system's folders of programs that has `name`. Folders and file belong to root and can be written
 * by nobody else. NOT_FOUND; DENIED when only such were found that others may change.
 */
BW_MUST_USE enum bw_err bw_program_find(const char *name, char out[BW_PATH_BYTES]);

/* The same rule for a path a person named. NOT_FOUND, DENIED, SYNTAX (not absolute). */
BW_MUST_USE enum bw_err bw_program_check(const char *path);

/* MEMORY, TOO_MANY, SYSTEM. */
BW_MUST_USE enum bw_err bw_program_start(const struct bw_program *program, struct bw_program_run *out);

/*
 * Goes on for at most `wait_ms` (0: only what is there now). AGAIN: it still runs. OK: it ended, `*out_status` is its
 * exit status (128 + signal when killed), `run->output` what it said: the caller's. TIMEOUT, TOO_BIG: it was killed.
 * In all cases but AGAIN nothing is left but the output, for bw_program_release.
 */
BW_MUST_USE enum bw_err bw_program_step(struct bw_program_run *run, int wait_ms, int *out_status);

void bw_program_release(struct bw_program_run *run); /* kills what still runs */

/* Start and step until it ends. */
BW_MUST_USE enum bw_err bw_program_whole(const struct bw_program *program, struct bw_buf *out_output, int *out_status);

#endif
