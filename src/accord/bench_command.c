/* `breakwater bench accord`: what deciding, looking, telling, hearing and staying connected cost. */
#include <ftw.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "accord/bench.h"
#include "sys/clock.h"
#include "tlog/bench.h"

double bw_accord_bench_now(void)
{
	return (double)bw_clock_mono_us() / 1e6;
}

double bw_accord_bench_busy(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time); /* the kernel always has this clock */
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

enum bw_err bw_accord_bench_print(void *bench, const struct bw_bench_row *row)
{
	const struct bw_accord_bench *b = bench;
	BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(4096);

	BW_TRY(bw_bench_write(row, bw_call_json(b->call), &line));
	(void)fputs(bw_buf_text(&line), stdout);
	(void)fflush(stdout);
	return BW_OK;
}

/* ---- the folder ------------------------------------------------------------------------------------ */

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
	(void)st;
	(void)kind;
	(void)walk;
	return remove(path);
}

static enum bw_err make_folder(struct bw_accord_bench *bench)
{
	const char *parent = bw_call_text(bench->call, "dir");
	const char *tmp = getenv("TMPDIR");
	char path[BW_PATH_BYTES];

	if (parent == NULL)
		parent = tmp != NULL ? tmp : "/var/tmp";
	BW_TRY(bw_path_join(path, parent, "breakwater-bench-XXXXXX"));
	if (mkdtemp(path) == NULL)
		return bw_why_errno(&bench->why, errno, "make a folder in", parent);
	memcpy(bench->folder, path, sizeof(path));
	return BW_OK;
}

/* ---- the command ------------------------------------------------------------------------------------ */

static enum bw_err run_log(struct bw_accord_bench *bench)
{
	const uint64_t entries = (uint64_t)bw_call_num(bench->call, "entries");

	return entries == 0 ? BW_OK : bw_tlog_bench(entries, bench->runs, bw_accord_bench_print, bench);
}

static const struct part {
	const char *name;
	enum bw_err (*run)(struct bw_accord_bench *bench);
} parts[] = {
	{ "decide", bw_accord_bench_decide },
	{ "look", bw_accord_bench_look },
	{ "cross", bw_accord_bench_cross },
	{ "guards", bw_accord_bench_guards },
	{ "log", run_log },
};

static bool is_wanted(const struct bw_call *call, const char *name)
{
	const size_t count = bw_call_count(call, "only");

	for (size_t i = 0; i < count; i++)
		if (strcmp(bw_call_nth(call, "only", i), name) == 0)
			return true;
	return count == 0;
}

static int accord_run(struct bw_call *call)
{
	struct bw_accord_bench bench = { .call = call,
					 .objects = (uint64_t)bw_call_num(call, "objects"),
					 .runs = (size_t)bw_call_num(call, "runs") };
	enum bw_err err = make_folder(&bench);
	const char *what = "accord";

	for (size_t i = 0; i < BW_COUNT(parts) && err == BW_OK; i++) {
		what = parts[i].name;
		if (is_wanted(call, what))
			err = parts[i].run(&bench);
	}
	if (bench.folder[0] != '\0')
		(void)nftw(bench.folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return err == BW_OK ? BW_EXIT_OK
			    : bw_complain(call, BW_EXIT_FAILED, NULL, "bench %s: %s", what,
					  bench.why.text[0] != '\0' ? bench.why.text : bw_err_text(err));
}

static const struct bw_option accord_options[] = {
	{ .name = "objects",
	  .kind = BW_OPT_NUM,
	  .unit = "objects",
	  .min = 1000,
	  .max = 20000000,
	  .fallback = "200000",
	  .help = "made-up objects to tell and hear; a million takes about 1.3 GB of disk" },
	{ .name = "entries",
	  .kind = BW_OPT_NUM,
	  .unit = "entries",
	  .min = 0,
	  .max = 100000000,
	  .fallback = "10000000",
	  .help = "of the log that is appended to, proved and verified in memory; 10 million take 800 MB; 0: none" },
	{ .name = "runs",
	  .kind = BW_OPT_NUM,
	  .min = 1,
	  .max = BW_BENCH_RUNS_MAX,
	  .fallback = "3",
	  .help = "interleaved runs; the median is shown" },
	{ .name = "guards",
	  .kind = BW_OPT_NUM,
	  .unit = "guards",
	  .min = 1,
	  .max = 4000,
	  .fallback = "1000",
	  .help = "connected to one exchange over TLS" },
	{ .name = "text",
	  .kind = BW_OPT_TEXT,
	  .value_name = "FILE",
	  .help = "to look for personal data in, beside what is made up" },
	{ .name = "only",
	  .kind = BW_OPT_TEXT,
	  .value_name = "PART",
	  .repeat = true,
	  .help = "decide, look, cross, guards or log" },
	{ .name = "dir",
	  .kind = BW_OPT_TEXT,
	  .value_name = "DIR",
	  .help = "where the data goes meanwhile; default TMPDIR or /var/tmp" },
	{ 0 },
};

/* A row of `breakwater bench` (cli/bench_command.c). */
const struct bw_command bw_bench_accord_command = {
	.name = "accord",
	.summary = "what deciding, looking, telling, hearing and staying connected cost, and the log under it",
	.usage = "",
	.options = accord_options,
	.max_args = 0,
	.run = accord_run,
};
