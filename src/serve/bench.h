/* Measuring the exchange: rows for one table, each with its limit or peer from the same run. */
#ifndef BW_SERVE_BENCH_H
#define BW_SERVE_BENCH_H

#include "base/command.h"
#include "codec/bench_row.h"
#include "sys/files.h"

struct bw_bench {
	const struct bw_call *call;
	const char *folder; /* removed afterwards */
	uint64_t objects;
	size_t runs;
	char data[BW_PATH_BYTES];
	struct bw_why why;
};

/* Aliases: all objects; one in a hundred of them, which lie far apart. */
#define BW_BENCH_COLLECTION "bench"
#define BW_BENCH_SMALL "bench-small"

/* The data folder of the rows that need one: made by the import's. */
const char *bw_bench_data(const struct bw_bench *bench);

/* Prints a row at once: a bench that is cut short has shown what it has. */
BW_MUST_USE enum bw_err bw_bench_print(const struct bw_bench *bench, const struct bw_bench_row *row);

BW_MUST_USE enum bw_err bw_bench_validate(struct bw_bench *bench);
BW_MUST_USE enum bw_err bw_bench_import(struct bw_bench *bench); /* leaves the data folder for the server's rows */
BW_MUST_USE enum bw_err bw_bench_server(struct bw_bench *bench);

double bw_bench_now(void); /* seconds, monotonic */

#endif
