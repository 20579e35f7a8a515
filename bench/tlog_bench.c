/*
 * What the transparency log can do alone: append, prove, verify, verify the whole.
 *
 *   tlog_bench [ENTRIES [RUNS]]      10,000,000 and 3, which take a minute or so and 800 MB
 */
#include <stdio.h>

#include "base/num.h"
#include "tlog/bench.h"

static enum bw_err print(void *ctx, const struct bw_bench_row *row)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(4096);

	(void)ctx;
	BW_TRY(bw_bench_write(row, false, &line));
	(void)fputs(bw_buf_text(&line), stdout);
	(void)fflush(stdout);
	return BW_OK;
}

int main(int argc, char **argv)
{
	uint64_t entries = 10000000;
	uint64_t runs = 3;
	enum bw_err err = BW_OK;

	if (argc > 1)
		err = bw_parse_u64(bw_slice_text(argv[1]), &entries);
	if (err == BW_OK && argc > 2)
		err = bw_parse_u64(bw_slice_text(argv[2]), &runs);
	if (err == BW_OK && (entries == 0 || runs == 0 || runs > BW_BENCH_RUNS_MAX))
		err = BW_ERR_RANGE;
	if (err == BW_OK)
		err = bw_tlog_bench(entries, (size_t)runs, print, NULL);
	if (err != BW_OK)
		(void)fprintf(stderr, "tlog_bench: %s\n", bw_err_text(err));
	return err == BW_OK ? 0 : 1;
}
