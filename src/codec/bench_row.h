/*
 * One figure of a bench: values of interleaved runs and what they are held against in the same runs. Every
 * `breakwater bench` prints these rows in one form, so that tools read them all alike:
 *
 *   name, value, unit, limit_name, limit_value, ratio, runs, min, max, low, high
 *
 * low and high are the bounds between which the median lies in truth, nine times in ten (see bw_bench_between).
 * What could not be measured has a row too: value null, runs 0, and "why".
 */
#ifndef BW_CODEC_BENCH_ROW_H
#define BW_CODEC_BENCH_ROW_H

#include "base/bytes.h"

enum { BW_BENCH_RUNS_MAX = 64 };

/* The row shows the median. */
struct bw_bench_row {
	const char *name;
	const char *unit;
	const char *limit_name; /* what it is held against; NULL: nothing */
	bool less_is_better;
	size_t runs;
	double values[BW_BENCH_RUNS_MAX];
	double limits[BW_BENCH_RUNS_MAX]; /* of the same runs */
};

/* Past BW_BENCH_RUNS_MAX nothing is added. */
void bw_bench_add(struct bw_bench_row *row, double value, double limit);

/* One line of the table, or one JSON object. MISSING: no run was added. */
BW_MUST_USE enum bw_err bw_bench_write(const struct bw_bench_row *row, bool json, struct bw_buf *out);

/* The row of what was not measured, because of `why`. */
BW_MUST_USE enum bw_err bw_bench_write_absent(const char *name, const char *unit, const char *why, bool json,
					      struct bw_buf *out);

/* Medians, of 1 to BW_BENCH_RUNS_MAX values. */
double bw_bench_median(const double *values, size_t count);

/*
 * How far off the median of so many values may be: the 5th and the 95th percentile of two thousand medians of runs
 * drawn again with repetition (a bootstrap; the draw is the same every time). One run bounds nothing but itself.
 */
void bw_bench_between(const double *values, size_t count, double *out_low, double *out_high);

/* The upper one, of value / limit: the pairs are those of one run each. */
double bw_bench_bound(const struct bw_bench_row *row);

#endif
