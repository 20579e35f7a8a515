/*
 * Measuring the log: rows for one table (codec/bench_row.h), each beside what the hashes or signatures in it cost by
 * themselves in the same run. On one core, in seconds of the processor, with tiles in memory.
 */
#ifndef BW_TLOG_BENCH_H
#define BW_TLOG_BENCH_H

#include "codec/bench_row.h"

/*
 * Makes a log of so many entries (of 32 bytes: commitments) and calls `print` with each row. An error of `print` ends
 * it. 10 million entries need about 800 MB.
 */
BW_MUST_USE enum bw_err bw_tlog_bench(uint64_t entries, size_t runs,
				      enum bw_err (*print)(void *ctx, const struct bw_bench_row *row), void *ctx);

#endif
