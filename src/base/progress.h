/*
 * A line that moves while a long job runs: only on a terminal, only after a
 * second, at most ten times a second, gone when the job is done.
 */
#ifndef BW_BASE_PROGRESS_H
#define BW_BASE_PROGRESS_H

#include "base/macros.h"

struct bw_progress {
	const char *what; /* "importing" */
	const char *unit; /* "objects" */
	uint64_t total;   /* 0: not known */
	int64_t began_ms;
	int64_t drawn_ms;
	bool enabled;
	bool drawn;
};

/* `what` and `unit` are borrowed until the end. `quiet` keeps it silent. */
void bw_progress_begin(struct bw_progress *progress, const char *what, const char *unit, uint64_t total, bool quiet);

/* Cheap enough for every hundredth object or every block. */
void bw_progress_at(struct bw_progress *progress, uint64_t done);

/* Wipes the line; safe to call twice. Call it before anything else is printed. */
void bw_progress_end(struct bw_progress *progress);

/*
 * The line for `done` after `elapsed_ms`, without control characters, e.g.
 * "importing 120000 of 1000000 objects (12 %), 61000/s, 14 s left".
 */
void bw_progress_line(const struct bw_progress *progress, uint64_t done, int64_t elapsed_ms, char *out, size_t size);

#endif
