/* `breakwater bench exchange`: what it does, how fast, and beside what. */
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/json_text.h"
#include "serve/bench.h"
#include "sys/clock.h"

double bw_bench_now(void)
{
	return (double)bw_clock_mono_us() / 1e6;
}

enum bw_err bw_bench_print(const struct bw_bench *bench, const struct bw_bench_row *row)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(4096);

	BW_TRY(bw_bench_write(row, bw_call_json(bench->call), &line));
	(void)fputs(bw_buf_text(&line), stdout);
	(void)fflush(stdout);
	return BW_OK;
}

const char *bw_bench_data(const struct bw_bench *bench)
{
	return bench->data;
}

/* ---- the folder -------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info;
	(void)kind;
	(void)where;
	return remove(path);
}

static char *make_folder(const struct bw_call *call)
{
	const char *parent = bw_call_text(call, "dir");
	const char *tmp = getenv("TMPDIR");
	char *folder = NULL;

	if (parent == NULL)
		parent = tmp != NULL ? tmp : "/var/tmp";
	if (asprintf(&folder, "%s/breakwater-bench-XXXXXX", parent) < 0)
		return NULL;
	if (mkdtemp(folder) == NULL) {
		free(folder);
		return NULL;
	}
	return folder;
}

/* ---- the command ------------------------------------------------------- */

static const struct part {
	const char *name;
	enum bw_err (*run)(struct bw_bench *bench);
} parts[] = {
	{ "validate", bw_bench_validate },
	{ "import", bw_bench_import },
	{ "server", bw_bench_server }, /* serves what import made */
};

static bool is_wanted(const struct bw_call *call, const char *name)
{
	const size_t count = bw_call_count(call, "only");

	for (size_t i = 0; i < count; i++) {
		if (strcmp(bw_call_nth(call, "only", i), name) == 0)
			return true;
	}
	return count == 0;
}

static int exchange_run(struct bw_call *call)
{
	struct bw_bench bench = {
		.call = call,
		.objects = (uint64_t)bw_call_num(call, "objects"),
		.runs = (size_t)bw_call_num(call, "runs"),
	};
	char *folder = make_folder(call);
	int status = BW_EXIT_OK;

	if (folder == NULL)
		return bw_complain(call, BW_EXIT_FAILED, "name a folder with room: --dir DIR",
				   "cannot make a folder for the data: %s", bw_err_text(bw_err_from_errno(errno)));
	bench.folder = folder;
	(void)snprintf(bench.data, sizeof(bench.data), "%s/data", folder);
	for (size_t i = 0; i < BW_COUNT(parts) && status == BW_EXIT_OK; i++) {
		enum bw_err err;

		if (!is_wanted(call, parts[i].name))
			continue;
		err = parts[i].run(&bench);
		if (err != BW_OK)
			status = bw_complain(call, BW_EXIT_FAILED, NULL, "bench %s: %s", parts[i].name,
					     bench.why.text[0] != 0 ? bench.why.text : bw_err_text(err));
	}
	(void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(folder);
	return status;
}

static const struct bw_option exchange_options[] = {
	{ .name = "objects",
	  .kind = BW_OPT_NUM,
	  .unit = "objects",
	  .min = 1000,
	  .max = 20000000,
	  .fallback = "1000000",
	  .help = "made-up objects to import and serve; a million takes about 700 MB of disk" },
	{ .name = "runs",
	  .kind = BW_OPT_NUM,
	  .min = 1,
	  .max = BW_BENCH_RUNS_MAX,
	  .fallback = "5",
	  .help = "interleaved runs; the median is shown" },
	{ .name = "bundle",
	  .kind = BW_OPT_TEXT,
	  .value_name = "FILE",
	  .repeat = true,
	  .help = "STIX bundle to validate, e.g. ATT&CK; without one, made-up objects" },
	{ .name = "only",
	  .kind = BW_OPT_TEXT,
	  .value_name = "PART",
	  .repeat = true,
	  .help = "validate, import or server (which needs import before it)" },
	{ .name = "dir",
	  .kind = BW_OPT_TEXT,
	  .value_name = "DIR",
	  .help = "where the data goes meanwhile; default TMPDIR or /var/tmp" },
	{ 0 },
};

/* A row of `breakwater bench` (cli/bench_command.c). */
const struct bw_command bw_bench_exchange_command = {
	.name = "exchange",
	.summary = "validation, import, pages, pulls, memory and start of the exchange",
	.usage = "",
	.options = exchange_options,
	.max_args = 0,
	.run = exchange_run,
};
