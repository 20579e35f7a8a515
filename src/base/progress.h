/*
 * A line that moves while a long job runs: only on a terminal, only after a
 * second, at most ten times a second, gone when the job is done. A job that asks for it says a line every few seconds
 * where there is no terminal, and counts bytes beside its objects.
 */
#ifndef BW_BASE_PROGRESS_H
#define BW_BASE_PROGRESS_H

#include "base/macros.h"

struct bw_progress {
	const char *what;     /* "importing" */
	const char *unit;     /* "objects" */
	uint64_t total;       /* 0: not known */
	uint64_t bytes_total; /* 0: bytes are not counted */
	uint64_t bytes;       /* done, set by the caller before bw_progress_at */
	int64_t began_ms;
	int64_t drawn_ms;
	int64_t lines_ms; /* where there is no terminal: between two lines; 0: none */
	bool enabled;
	bool drawn;
};

/* `what` and `unit` are borrowed until the end. `quiet` keeps it silent. */
void bw_progress_begin(struct bw_progress *progress, const char *what, const char *unit, uint64_t total, bool quiet);

/* After begin: without a terminal, a line every `every_ms`. */
void bw_progress_lines(struct bw_progress *progress, int64_t every_ms);

/* Cheap enough for every hundredth object or every block. */
void bw_progress_at(struct bw_progress *progress, uint64_t done);

/* Wipes the line; safe to call twice. Call it before anything else is printed. */
void bw_progress_end(struct bw_progress *progress);

/*
 * The line for `done` after `elapsed_ms`, without control characters, e.g.
 * "importing 120000 of 1000000 objects (12 %), 61000/s, 14 s left", or, with bytes,
 * "restoring 4120 of 10000 files, 3.1 of 10.0 GiB (36 %), 212.0 MiB/s, 33 s left". What is left is told by both: small
 * files take their time by number, large ones by their bytes.
 */
void bw_progress_line(const struct bw_progress *progress, uint64_t done, int64_t elapsed_ms, char *out, size_t size);

#endif
