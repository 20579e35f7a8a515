/*
 * Bench: what people notice. The same work on the same tree with the guard and without it, in
 * turns whose order changes, so that a machine that grows slower harms both alike. Two figures of each: the time that
 * passed, which is what counts and which others on the machine disturb; and the processor time of the work itself, in
 * which the kernel's part of watching shows though nobody else's work does. Of works that make files a third: how long
 * the guard took from their end until it had copied them all. What a turn makes and removes beside the work is done in
 * a session of its own: to the guard, a session that removes known files and then writes new ones is worth many looks.
 *
 * All that a work reads is read once before it is measured: a kernel may take from memory what nobody used for some
 * seconds (a guest whose host wants it back does), and a turn with the guard waits longer for its beginning. Without
 * this the disk was measured, for whoever came later.
 */
#include <stdio.h>
#include <unistd.h>

#include "guard/bench_guard.h"
#include "guard/sim.h"
#include "sys/clock.h"

enum { LINE_BYTES = 4 * BW_PATH_BYTES, SEED = 20261124, SETTLE_MS = 60 * 1000, FILES_A_SECOND = 10000 };

#define STAT_SCHOOL "find @tree/school -size +1048576"
#define READ_SCHOOL "find @tree/school -type f -exec wc -l {} +"

/* Every line is one program; @tree is the guarded folder, @side one on the machine's own file system. */
static const struct work {
	const char *what;
	double most;        /* times as long, at most */
	unsigned times;     /* in a turn, so that it takes long enough to be measured to a hundredth */
	bool makes_files;   /* as many as the tree has */
	const char *before; /* not measured; NULL: nothing */
	const char *warm;   /* nor is this: it reads what `line` will */
	const char *line;
	const char *after;
} works[] = {
	{ "stat of every file", 1.01, 20, false, NULL, STAT_SCHOOL, STAT_SCHOOL, NULL },
	{ "read of every file", 1.01, 8, false, NULL, READ_SCHOOL, READ_SCHOOL, NULL },
	{ "untar", 1.10, 1, true, NULL, "wc -l @side/school.tar", "tar xf @side/school.tar -C @tree/work",
	  "setsid -w rm -rf @tree/work/school" },
	{ "cp -r", 1.10, 1, true, NULL, READ_SCHOOL, "cp -r @tree/school @tree/work/copy",
	  "setsid -w rm -rf @tree/work/copy" },
	{ "git checkout", 1.10, 1, false, "setsid -w git -C @tree/repo checkout -q one",
	  "find @tree/repo -type f -exec wc -l {} +", "git -C @tree/repo checkout -q two", NULL },
};

/* How long, and how much of it on a processor. */
struct took {
	double all_s;
	double cpu_s;
	double late_s; /* until the guard had caught up; 0 without one */
};

enum { WORKS = BW_COUNT(works) };

static const char *const makings[] = {
	"mkdir @tree/work",
	"tar cf @side/school.tar -C @tree school",
	"cp -r @tree/school @tree/repo",
	"git init -q -b main @tree/repo",
	"git -C @tree/repo config gc.auto 0", /* else it packs all in the background, beside what is measured */
	"git -C @tree/repo config maintenance.auto false",
	"git -C @tree/repo add .",
	"git -C @tree/repo -c user.name=a -c user.email=a@example.org commit -qm one",
	"git -C @tree/repo tag one",
	"find @tree/repo -name *.txt -exec sed -i s/e/E/ {} +",
	"git -C @tree/repo -c user.name=a -c user.email=a@example.org commit -qam two",
	"git -C @tree/repo tag two",
};

/* ---- lines -------------------------------------------------------------------------------------- */

static enum bw_err fill_in(const struct bw_gbench *bench, const struct bw_place *place, const char *form,
			   struct bw_buf *out)
{
	for (const char *at = form; *at != '\0'; at++) {
		if (strncmp(at, "@tree", 5) == 0 || strncmp(at, "@side", 5) == 0) {
			BW_TRY(bw_buf_add_text(out, at[1] == 't' ? place->tree : bench->folder));
			at += 4;
		} else {
			BW_TRY(bw_buf_add_u8(out, (uint8_t)*at));
		}
	}
	return BW_OK;
}

static enum bw_err run_line(const struct bw_gbench *bench, const struct bw_place *place, const char *form,
			    int64_t *out_us, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(LINE_BYTES);

	if (form == NULL)
		return BW_OK;
	BW_TRY(fill_in(bench, place, form, &line));
	return bw_place_run(bw_buf_text(&line), out_us, NULL, why);
}

static enum bw_err make_ready(const struct bw_gbench *bench, struct bw_place *place, struct bw_why *why)
{
	const struct bw_sim_seed how = { .seed = SEED, .files = bench->files, .mix = "school" };
	char dir[BW_PATH_BYTES];

	BW_TRY(bw_path_join(dir, place->tree, "school"));
	BW_TRY(bw_sim_seed(dir, &how, why));
	for (size_t i = 0; i < BW_COUNT(makings); i++)
		BW_TRY(run_line(bench, place, makings[i], NULL, why));
	return bw_place_enroll(bench, place, NULL, why);
}

/* ---- turns ---------------------------------------------------------------------------------------- */

/* Nobody pays for what came before: what it left to write, and what the guard has to do with it. */
static enum bw_err calm_down(const struct bw_place *place)
{
	BW_TRY(bw_place_quiet(place));
	sync();
	return BW_OK;
}

static enum bw_err await_copies(const struct bw_gbench *bench, const struct bw_place *place, uint64_t versions,
				struct took *out)
{
	const int64_t ended_us = bw_clock_mono_us();

	BW_TRY(bw_place_settle(place, versions + bench->files, SETTLE_MS));
	out->late_s = (double)(bw_clock_mono_us() - ended_us) / 1e6;
	return BW_OK;
}

static enum bw_err measure_one(const struct bw_gbench *bench, const struct bw_place *place, const struct work *work,
			       struct took *out, struct bw_why *why)
{
	struct bw_guard_board board = { 0 };
	int64_t began_us;

	*out = (struct took){ 0 };
	BW_TRY(run_line(bench, place, work->before, NULL, why));
	BW_TRY(calm_down(place));
	BW_TRY(run_line(bench, place, work->warm, NULL, why));
	if (place->guard.pid > 0)
		BW_TRY(bw_place_board(place, &board));
	began_us = bw_place_spent_us();
	for (unsigned n = 0; n < work->times; n++) {
		int64_t took_us = 0;

		BW_TRY(run_line(bench, place, work->line, &took_us, why));
		out->all_s += (double)took_us / 1e6;
	}
	out->cpu_s = (double)(bw_place_spent_us() - began_us) / 1e6;
	if (work->makes_files && place->guard.pid > 0)
		BW_TRY(await_copies(bench, place, board.versions, out));
	return run_line(bench, place, work->after, NULL, why);
}

static enum bw_err one_turn(struct bw_gbench *bench, struct bw_place *place, bool guarded, struct took out[WORKS])
{
	enum bw_err err = BW_OK;

	if (guarded)
		BW_TRY(bw_place_guard(bench, place, "enforce", &bench->why));
	for (size_t i = 0; i < WORKS && err == BW_OK; i++)
		err = measure_one(bench, place, &works[i], &out[i], &bench->why);
	if (guarded && err == BW_OK)
		err = bw_place_settle(place, 0, SETTLE_MS);
	bw_place_unguard(place);
	return err;
}

void bw_gbench_print_pair(const struct bw_gbench *bench, const struct bw_place *place, const char *what, double most,
			  struct bw_bench_row *row)
{
	struct bw_bench_row bound = { .unit = "times", .limit_name = "at most" };
	char words[96];
	char name[BW_GBENCH_NAME];

	row->name = bw_gbench_name(place, what, name);
	row->unit = "s";
	row->limit_name = "no guard";
	bw_gbench_print(bench, row);
	(void)snprintf(words, sizeof(words), "%s, 95 %% bound", what);
	bound.name = bw_gbench_name(place, words, name);
	bw_bench_add(&bound, bw_bench_bound(row), most);
	bw_gbench_print(bench, &bound);
}

/* The rows of all works: time first, then processor time. */
struct rows {
	struct bw_bench_row all[WORKS];
	struct bw_bench_row cpu[WORKS];
	struct bw_bench_row late[WORKS];
};

static void print_late(const struct bw_gbench *bench, const struct bw_place *place, const struct work *work,
		       struct bw_bench_row *row)
{
	char words[64];
	char name[BW_GBENCH_NAME];

	(void)snprintf(words, sizeof(words), "%s, caught up", work->what);
	row->name = bw_gbench_name(place, words, name);
	row->unit = "s";
	row->limit_name = "at most";
	row->less_is_better = true;
	bw_gbench_print(bench, row);
}

static void print_works(const struct bw_gbench *bench, const struct bw_place *place, struct rows *rows)
{
	for (size_t i = 0; i < WORKS; i++) {
		char what[64];

		bw_gbench_print_pair(bench, place, works[i].what, works[i].most, &rows->all[i]);
		(void)snprintf(what, sizeof(what), "%s, processor", works[i].what);
		bw_gbench_print_pair(bench, place, what, works[i].most, &rows->cpu[i]);
		if (works[i].makes_files)
			print_late(bench, place, &works[i], &rows->late[i]);
	}
}

enum bw_err bw_gbench_cost(struct bw_gbench *bench, struct bw_place *place)
{
	struct rows rows = { 0 };

	BW_TRY(make_ready(bench, place, &bench->why));
	for (size_t n = 0; n < bench->runs; n++) {
		struct took took[2][WORKS];

		for (size_t turn = 0; turn < 2; turn++) {
			const bool guarded = (turn + n) % 2 == 1;

			BW_TRY(one_turn(bench, place, guarded, took[guarded ? 1 : 0]));
		}
		for (size_t i = 0; i < WORKS; i++) {
			bw_bench_add(&rows.all[i], took[1][i].all_s, took[0][i].all_s);
			bw_bench_add(&rows.cpu[i], took[1][i].cpu_s, took[0][i].cpu_s);
			bw_bench_add(&rows.late[i], took[1][i].late_s, (double)bench->files / FILES_A_SECOND);
		}
	}
	print_works(bench, place, &rows);
	return BW_OK;
}
