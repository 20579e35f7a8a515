/* `breakwater bench guard`: what the guard costs, how fast it is, and what it saves. */
#include "guard/bench_guard.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

/* ---- rows -------------------------------------------------------------------------------------- */

void bw_gbench_print(const struct bw_gbench *bench, const struct bw_bench_row *row)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(4096);

	if (bw_bench_write(row, bw_call_json(bench->call), &line) != BW_OK)
		return;
	(void)fputs(bw_buf_text(&line), stdout);
	(void)fflush(stdout);
}

void bw_gbench_absent(const struct bw_gbench *bench, const char *name, const char *unit, const char *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(4096);

	if (bw_bench_write_absent(name, unit, why, bw_call_json(bench->call), &line) != BW_OK)
		return;
	(void)fputs(bw_buf_text(&line), stdout);
	(void)fflush(stdout);
}

const char *bw_gbench_name(const struct bw_place *place, const char *what, char out[BW_GBENCH_NAME])
{
	(void)snprintf(out, BW_GBENCH_NAME, "%s: %s", place->type, what);
	return out;
}

/* ---- parts ------------------------------------------------------------------------------------------ */

static const struct part {
	const char *name;
	const char *unit; /* of its first row */
	enum bw_err (*run)(struct bw_gbench *bench, struct bw_place *place);
	bool once;     /* on no file system */
	bool is_large; /* on one with room for what --size says, several times */
} parts[] = {
	{ "enroll", "files/s", bw_gbench_enroll, false, false },
	{ "window", "ms", bw_gbench_window, false, false },
	{ "cost", "s", bw_gbench_cost, false, false },
	{ "restore", "s", bw_gbench_restore, false, true },
	{ "attack", "files", bw_gbench_attack, false, false },
	{ "patterns", "files", bw_gbench_patterns, false, false },
	{ "slow", "files", bw_gbench_slow, true, false },
	{ "smb", "files", bw_gbench_smb, false, false },
	{ "benign", "false holds", bw_gbench_benign, false, false },
};

/* Among what was named with --NAME; nothing named: all. */
static bool is_wanted(const struct bw_call *call, const char *option, const char *name)
{
	const size_t count = bw_call_count(call, option);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(bw_call_nth(call, option, i), name) == 0)
			return true;
	}
	return count == 0;
}

/* A fresh file system for every part, so that none finds what another left. */
static void run_part(struct bw_gbench *bench, const struct part *part, const char *type)
{
	struct bw_place place;
	char name[BW_GBENCH_NAME];
	enum bw_err err;

	bench->why = (struct bw_why){ 0 };
	bench->image_bytes = part->is_large ? bw_gbench_restore_room(bench, type) : 0;
	err = bw_place_make(bench, type, &place, &bench->why);
	if (err == BW_OK)
		err = part->run(bench, &place);
	if (err != BW_OK)
		bw_gbench_absent(bench, bw_gbench_name(&place, part->name, name), part->unit,
				 bench->why.text[0] != '\0' ? bench->why.text : bw_err_text(err));
	bw_place_drop(&place);
}

static void run_once(struct bw_gbench *bench, const struct part *part)
{
	enum bw_err err;

	bench->why = (struct bw_why){ 0 };
	err = part->run(bench, NULL);
	if (err != BW_OK)
		bw_gbench_absent(bench, part->name, part->unit,
				 bench->why.text[0] != '\0' ? bench->why.text : bw_err_text(err));
}

static void run_all(struct bw_gbench *bench)
{
	static const char *const types[BW_PLACES] = { "ext4", "xfs", "btrfs" };

	for (size_t p = 0; p < BW_COUNT(parts); p++) {
		if (!is_wanted(bench->call, "only", parts[p].name))
			continue;
		if (parts[p].once)
			run_once(bench, &parts[p]);
		for (size_t t = 0; t < BW_COUNT(types) && !parts[p].once; t++) {
			if (is_wanted(bench->call, "type", types[t]))
				run_part(bench, &parts[p], types[t]);
		}
	}
	bw_gbench_print_stops(bench);
}

static int check_words(const struct bw_call *call)
{
	for (size_t i = 0; i < bw_call_count(call, "only"); i++) {
		const char *name = bw_call_nth(call, "only", i);
		bool known = false;

		for (size_t p = 0; p < BW_COUNT(parts); p++)
			known |= strcmp(parts[p].name, name) == 0;
		if (!known)
			return bw_complain(call, BW_EXIT_USAGE, "see --help for the parts", "there is no part '%s'",
					   name);
	}
	return BW_EXIT_OK;
}

/* ---- the command ------------------------------------------------------------------------------------ */

/* What is mounted here is seen by nobody else, and goes with the last process of ours. */
static enum bw_err own_mounts(struct bw_why *why)
{
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return bw_why_errno(why, errno, "make", "a mount namespace");
	return BW_OK;
}

static enum bw_err find_self(struct bw_gbench *bench)
{
	const ssize_t len = readlink("/proc/self/exe", bench->program, sizeof(bench->program) - 1);

	BW_NEED(len > 0, SYSTEM);
	bench->program[len] = '\0';
	return BW_OK;
}

static char *make_folder(const struct bw_call *call)
{
	const char *parent = bw_call_text(call, "dir");
	const char *tmp = getenv("TMPDIR");
	char *whole;
	char *folder = NULL;
	int len;

	if (parent == NULL)
		parent = tmp != NULL ? tmp : "/var/tmp";
	whole = realpath(parent, NULL); /* programs are run from elsewhere */
	if (whole == NULL)
		return NULL;
	len = asprintf(&folder, "%s/breakwater-bench-XXXXXX", whole);
	free(whole);
	if (len < 0)
		return NULL;
	if (strchr(folder, ' ') != NULL || mkdtemp(folder) == NULL) {
		free(folder);
		return NULL;
	}
	return folder;
}

static int guard_run(struct bw_call *call)
{
	static struct bw_gbench bench; /* with room for many times */
	struct bw_why why = { 0 };
	char *folder;
	int status = check_words(call);

	bench.call = call;
	bench.runs = (size_t)bw_call_num(call, "runs");
	bench.files = (uint32_t)bw_call_num(call, "files");
	if (status != BW_EXIT_OK)
		return status;
	if (geteuid() != 0) { /* a row that says so: whoever reads the table sees that it is not whole */
		bw_gbench_absent(&bench, "guard", "", "needs root: it mounts file systems and runs the guard");
		return BW_EXIT_OK;
	}
	if (own_mounts(&why) != BW_OK)
		return bw_complain(call, BW_EXIT_FAILED, NULL, "%s", why.text);
	folder = make_folder(call);
	if (folder == NULL || find_self(&bench) != BW_OK) {
		free(folder);
		return bw_complain(call, BW_EXIT_FAILED, "name a folder with room and without spaces: --dir DIR",
				   "cannot make a folder for the file systems");
	}
	bench.folder = folder;
	run_all(&bench);
	bw_place_clear(folder);
	free(folder);
	return BW_EXIT_OK;
}

static const struct bw_option guard_options[] = {
	{ .name = "only",
	  .kind = BW_OPT_TEXT,
	  .value_name = "PART",
	  .repeat = true,
	  .help = "enroll (rate, memory), window (how soon new content and repeats are safe, catching up, an idle "
		  "guard), cost (reads, untar, cp -r, git checkout beside no guard), restore (ten thousand files, and "
		  "a few "
		  "large ones, brought back and compared), attack (drills by crews: files "
		  "reached, time to stop, files not back), patterns (every pattern, in two strains), slow (one file in "
		  "ten minutes, by a clock that is moved), smb (drills by a real SMB client and its mixed load, with a "
		  "Samba of the bench's own) or benign (ordinary work that nobody may be held for)" },
	{ .name = "type",
	  .kind = BW_OPT_TEXT,
	  .value_name = "TYPE",
	  .repeat = true,
	  .help = "ext4, xfs or btrfs; without it all three, each in a loop image of its own" },
	{ .name = "files",
	  .kind = BW_OPT_NUM,
	  .unit = "files",
	  .min = 100,
	  .max = 2000000,
	  .fallback = "20000",
	  .help = "files of the guarded tree" },
	{ .name = "runs",
	  .kind = BW_OPT_NUM,
	  .min = 1,
	  .max = BW_BENCH_RUNS_MAX,
	  .fallback = "7",
	  .help = "interleaved runs; the median is shown" },
	{ .name = "pattern",
	  .kind = BW_OPT_TEXT,
	  .value_name = "PATTERN",
	  .repeat = true,
	  .help = "attack, patterns: what is done to the files, each in drills of its own; without it six of them, or "
		  "all" },
	{ .name = "strain",
	  .kind = BW_OPT_NUM,
	  .min = 0,
	  .max = INT64_MAX,
	  .fallback = "0",
	  .help = "attack: 0 as the literature tells, else drawn anew; patterns: the other strain" },
	{ .name = "size",
	  .kind = BW_OPT_SIZE,
	  .unit = "bytes",
	  .min = 1 << 28,
	  .max = INT64_C(1) << 42,
	  .fallback = "10g",
	  .help = "restore: of the large files together; on disk it takes two and a half times as much, on ext4 five "
		  "times" },
	{ .name = "workloads",
	  .kind = BW_OPT_TEXT,
	  .value_name = "FILE",
	  .fallback = "bench/guard/benign.py",
	  .help = "benign: the program that plays them" },
	{ .name = "gather",
	  .kind = BW_OPT_TEXT,
	  .value_name = "FILE",
	  .fallback = "build/bench/guard-benign.jsonl",
	  .help = "benign: each run is a line there; what is there already counts, so that hours add up" },
	{ .name = "dir",
	  .kind = BW_OPT_TEXT,
	  .value_name = "DIR",
	  .help = "where the images lie meanwhile; default TMPDIR or /var/tmp" },
	{ 0 },
};

/* A row of `breakwater bench` (cli/bench_command.c). */
const struct bw_command bw_bench_guard_command = {
	.name = "guard",
	.summary = "what the guard costs, how fast it is, and what it saves",
	.usage = "[--only PART] [--type TYPE]",
	.details = "Makes file systems in loop images, guards a tree on each with this very program, and measures with "
		   "and without it in turns. What cannot be measured here has a row that says why. Needs root; what "
		   "is mounted is seen by the bench alone.",
	.options = guard_options,
	.max_args = 0,
	.run = guard_run,
};
