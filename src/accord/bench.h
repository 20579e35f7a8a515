/*
 * Measuring accords: rows for one table (codec/bench_row.h), each with its limit from the same run. Where nothing
 * waits for a disk or another process, seconds are the processor's, so that other programs do not count.
 */
#ifndef BW_ACCORD_BENCH_H
#define BW_ACCORD_BENCH_H

#include "base/command.h"
#include "codec/bench_row.h"
#include "sys/files.h"

struct bw_accord_bench {
	const struct bw_call *call;
	uint64_t objects;
	size_t runs;
	char folder[BW_PATH_BYTES]; /* removed afterwards */
	struct bw_why why;
};

double bw_accord_bench_now(void);  /* seconds, monotonic */
double bw_accord_bench_busy(void); /* seconds of the processor, of this process */

/* Prints a row at once: a bench that is cut short has shown what it has. */
BW_MUST_USE enum bw_err bw_accord_bench_print(void *bench, const struct bw_bench_row *row);

BW_MUST_USE enum bw_err bw_accord_bench_decide(struct bw_accord_bench *bench); /* policy decisions */
BW_MUST_USE enum bw_err bw_accord_bench_look(struct bw_accord_bench *bench);   /* personal data, references, facts */
BW_MUST_USE enum bw_err bw_accord_bench_cross(struct bw_accord_bench *bench);  /* telling and hearing */
BW_MUST_USE enum bw_err bw_accord_bench_guards(struct bw_accord_bench *bench); /* who stays connected to an exchange */

/* ---- one TLS connection, at whose other end a process throws away what comes ---- */

struct bw_accord_bench_line;
struct bw_tls; /* crypto/tls.h */

/* Waits until both ends have agreed. */
bool bw_accord_bench_shake(struct bw_tls *tls, int fd);

BW_MUST_USE enum bw_err bw_accord_bench_line_open(struct bw_accord_bench_line **out, struct bw_why *why);
BW_MUST_USE enum bw_err bw_accord_bench_line_send(struct bw_accord_bench_line *line, struct bw_slice bytes);
void bw_accord_bench_line_close(struct bw_accord_bench_line *line); /* NULL allowed */

#endif
