/*
 * Bench: ordinary work, for which nobody may be held. bench/guard/benign.py plays B01 to B36 on the guarded tree,
 * alone and several at a time, in every second round with bait among their files, and writes each run down; what other
 * benches gathered in the same file counts, so that a thousand runs may take several evenings.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "guard/bench_guard.h"

enum { LINE_BYTES = 8 * BW_PATH_BYTES, WANTED_RUNS = 1000, WANTED_BAITED = 300 };

static double number_of(const char *json, const char *name)
{
	char wanted[64];
	const char *at;

	(void)snprintf(wanted, sizeof(wanted), "\"%s\": ", name);
	at = strstr(json, wanted);
	return at == NULL ? -1 : strtod(at + strlen(wanted), NULL);
}

static void print_one(const struct bw_gbench *bench, const struct bw_place *place, const char *what, const char *unit,
		      const char *limit_name, double value, double limit)
{
	struct bw_bench_row row = { .unit = unit, .limit_name = limit_name };
	char name[BW_GBENCH_NAME];

	row.name = bw_gbench_name(place, what, name);
	bw_bench_add(&row, value, limit);
	bw_gbench_print(bench, &row);
}

/* The sums are the last line that the player prints. */
static enum bw_err print_sums(const struct bw_gbench *bench, const struct bw_place *place, const char *said)
{
	const char *sums = strstr(said, "{\"runs\": ");

	BW_NEED(sums != NULL, SYNTAX);
	print_one(bench, place, "benign runs gathered", "runs", "wanted", number_of(sums, "runs"), WANTED_RUNS);
	print_one(bench, place, "benign runs held or ended", "runs", "at most", number_of(sums, "held"), 0);
	print_one(bench, place, "of them with bait among the files", "runs", "wanted", number_of(sums, "bait_runs"),
		  WANTED_BAITED);
	print_one(bench, place, "of these held or ended", "runs", "at most", number_of(sums, "bait_held"), 0);
	print_one(bench, place, "runs of owners who encrypt or shred: held softly, may be", "runs", NULL,
		  number_of(sums, "soft_held"), 0);
	print_one(bench, place, "runs of owners who encrypt or shred: ended", "runs", "at most",
		  number_of(sums, "soft_killed"), 0);
	print_one(bench, place, "false holds, 95 % bound", "of 1000", NULL, number_of(sums, "bound_per_1000"), 0);
	return BW_OK;
}

/* A round at a time: each workload once alone and once beside others. Hours of them are no program that hangs. */
static enum bw_err play(struct bw_gbench *bench, struct bw_place *place, bool with_bait, bool is_last)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf said = BW_BUF_INIT(64 * BW_MIB);
	const char *player = bw_call_text(bench->call, "workloads");
	char line[LINE_BYTES];

	if (access(player, R_OK) != 0)
		return bw_why_set(&bench->why, BW_ERR_NOT_FOUND, "'%s' is not here: name it with --workloads FILE",
				  player);
	(void)snprintf(line, sizeof(line),
		       "python3 %s gather %s --program %s --data %s --into %s --rounds 1 --label %s%s", player,
		       place->tree, bench->program, place->data, bw_call_text(bench->call, "gather"), place->type,
		       with_bait ? " --bait" : "");
	BW_TRY(bw_place_run_found(line, &said, &bench->why));
	return is_last ? print_sums(bench, place, bw_buf_text(&said)) : BW_OK;
}

enum bw_err bw_gbench_benign(struct bw_gbench *bench, struct bw_place *place)
{
	enum bw_err err = BW_OK;

	BW_TRY(bw_place_enroll(bench, place, NULL, &bench->why));
	BW_TRY(bw_place_guard(bench, place, "enforce", &bench->why));
	for (size_t n = 0; n < bench->runs && err == BW_OK; n++)
		err = play(bench, place, n % 2 == 0, n + 1 == bench->runs);
	bw_place_unguard(place);
	return err;
}
