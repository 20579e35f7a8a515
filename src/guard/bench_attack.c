/*
 * Bench: drills, one for each pattern and crew: how many files an attacker reaches, how soon it is
 * stopped, and whether every byte came back. A drill is the whole loop with the programs people use.
 */
#include <stdio.h>
#include <stdlib.h>

#include "guard/bench_guard.h"

enum { FILES = 400, WORST_ONE = 15, WORST_MANY = 40, LINE_BYTES = 4 * BW_PATH_BYTES };

static const struct crew {
	const char *words;
	const char *options;
	double most; /* files touched, the worst drill */
} crews[] = {
	{ "one process", "--actors 1", WORST_ONE },
	{ "18 processes", "--actors 18", WORST_MANY },
	{ "64 processes", "--actors 64", WORST_MANY },
	{ "18 sessions (setsid)", "--actors 18 --shape setsid", WORST_MANY },
};

/* The number of a name in one line of our own JSON; -1 when it is not there. */
static double number_of(const char *json, const char *name)
{
	char wanted[64];
	const char *at;

	(void)snprintf(wanted, sizeof(wanted), "\"%s\":", name);
	at = strstr(json, wanted);
	return at == NULL ? -1 : strtod(at + strlen(wanted), NULL);
}

struct tally {
	struct bw_bench_row touched;
	size_t drills;
	double lost;     /* bytes differ, or missing */
	double metadata; /* of files and folders */
	double ended;    /* drills whose attacker was killed */
};

static enum bw_err drill(struct bw_gbench *bench, const struct bw_place *place, const struct crew *crew,
			 const char *pattern, struct tally *tally)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf said = BW_BUF_INIT(1024 * 1024);
	char line[LINE_BYTES];
	double touched;

	(void)snprintf(line, sizeof(line),
		       "%s guard drill --data=%s --format=json --files=%d --pattern %s --strain %lld %s",
		       bench->program, place->data, (int)FILES, pattern, (long long)bw_call_num(bench->call, "strain"),
		       crew->options);
	BW_TRY(bw_place_run_found(line, &said, &bench->why));
	touched = number_of(bw_buf_text(&said), "touched");
	if (touched < 0)
		return bw_why_set(&bench->why, BW_ERR_SYSTEM, "a drill of %s said: %.200s", pattern,
				  bw_buf_text(&said));
	bw_bench_add(&tally->touched, touched, crew->most);
	tally->lost += number_of(bw_buf_text(&said), "bytes_not_back");
	tally->metadata += number_of(bw_buf_text(&said), "metadata_not_back");
	tally->ended += number_of(bw_buf_text(&said), "killed");
	tally->drills++;
	return BW_OK;
}

static void print_one(const struct bw_gbench *bench, const struct bw_place *place, const char *crew, const char *what,
		      const char *unit, const char *limit_name, double value, double limit)
{
	struct bw_bench_row row = { .unit = unit, .limit_name = limit_name };
	char words[96];
	char name[128];

	(void)snprintf(words, sizeof(words), "%s: %s", crew, what);
	row.name = bw_gbench_name(place, words, name);
	bw_bench_add(&row, value, limit);
	bw_gbench_print(bench, &row);
}

static void print_crew(const struct bw_gbench *bench, const struct bw_place *place, const struct crew *crew,
		       struct tally *tally)
{
	char words[96];
	char name[128];

	(void)snprintf(words, sizeof(words), "%s: files touched", crew->words);
	tally->touched.name = bw_gbench_name(place, words, name);
	tally->touched.unit = "files";
	tally->touched.limit_name = "worst, at most";
	bw_gbench_print(bench, &tally->touched);
	print_one(bench, place, crew->words, "drills in which the attacker was stopped", "%", "wanted",
		  100 * tally->ended / (double)tally->drills, 100);
	print_one(bench, place, crew->words, "files whose bytes are not back", "files", "at most", tally->lost, 0);
	print_one(bench, place, crew->words, "metadata not back, folders too", "names", "at most", tally->metadata, 0);
}

static enum bw_err one_crew(struct bw_gbench *bench, struct bw_place *place, const struct crew *crew)
{
	static const char *const usual[] = { "S01", "S02", "S05", "S08", "S12", "S22" };
	const size_t named = bw_call_count(bench->call, "pattern");
	const size_t count = named > 0 ? named : BW_COUNT(usual);
	struct tally tally = { 0 };

	for (size_t n = 0; n < bench->runs * count; n++) {
		const char *pattern = named > 0 ? bw_call_nth(bench->call, "pattern", n % count) : usual[n % count];

		BW_TRY(drill(bench, place, crew, pattern, &tally));
	}
	print_crew(bench, place, crew, &tally);
	return BW_OK;
}

static void print_stops(const struct bw_gbench *bench, const struct bw_place *place)
{
	struct bw_guard_board board;

	if (bw_place_board(place, &board) != BW_OK)
		return;
	print_one(bench, place, "stop after the evidence that decided", "median", "ms", "at most",
		  (double)board.stop_p50_us / 1000, 3);
	print_one(bench, place, "stop after the evidence that decided", "longest", "ms", "p99, at most",
		  (double)board.stop_max_us / 1000, 50);
}

enum bw_err bw_gbench_attack(struct bw_gbench *bench, struct bw_place *place)
{
	enum bw_err err = BW_OK;

	BW_TRY(bw_place_enroll(bench, place, NULL, &bench->why));
	BW_TRY(bw_place_guard(bench, place, "enforce", &bench->why));
	for (size_t i = 0; i < BW_COUNT(crews) && err == BW_OK; i++)
		err = one_crew(bench, place, &crews[i]);
	print_stops(bench, place);
	bw_place_unguard(place);
	return err;
}
