/*
 * Bench: how fast a tree of small files is taken in, beside cp -a of the same tree in the same run, and what guarding
 * it takes of the memory.
 */
#include <stdio.h>
#include <time.h>

#include "guard/bench_guard.h"
#include "sys/clock.h"

enum {
	WANTED_RATE = 20000,
	WANTED_MIB = 160,
	QUIET_S = 5,
};

/* ---- rates ----------------------------------------------------------------------------------------- */

/* From nothing each time: the store and the data folder go, the tree stays. */
static enum bw_err enroll_once(struct bw_gbench *bench, struct bw_place *place, int64_t *out_us)
{
	char store[BW_PATH_BYTES];

	BW_TRY(bw_path_join(store, place->mount, ".breakwater-guard"));
	bw_place_clear(store);
	bw_place_clear(place->data);
	BW_TRY(bw_place_sync(place, &bench->why)); /* nobody pays for what was written before */
	return bw_place_enroll(bench, place, out_us, &bench->why);
}

/* The least a copy costs that is safe on the disk, as an enrolment's is. */
static enum bw_err copy_once(struct bw_gbench *bench, struct bw_place *place, int64_t *out_us)
{
	char copy[BW_PATH_BYTES];
	char line[2 * BW_PATH_BYTES + 16];
	int64_t began_us;

	BW_TRY(bw_path_join(copy, place->mount, "copy"));
	(void)snprintf(line, sizeof(line), "cp -a %s %s", place->tree, copy);
	BW_TRY(bw_place_sync(place, &bench->why));
	began_us = bw_clock_mono_us();
	BW_TRY(bw_place_run(line, NULL, NULL, &bench->why));
	BW_TRY(bw_place_sync(place, &bench->why));
	*out_us = bw_clock_mono_us() - began_us;
	bw_place_clear(copy);
	return BW_OK;
}

static enum bw_err one_run(struct bw_gbench *bench, struct bw_place *place, size_t n, struct bw_bench_row *rate,
			   struct bw_bench_row *beside)
{
	int64_t enroll_us = 0;
	int64_t copy_us = 0;

	if (n % 2 == 1)
		BW_TRY(copy_once(bench, place, &copy_us));
	BW_TRY(enroll_once(bench, place, &enroll_us));
	if (n % 2 == 0)
		BW_TRY(copy_once(bench, place, &copy_us));
	bw_bench_add(rate, bench->files * 1e6 / (double)enroll_us, WANTED_RATE);
	bw_bench_add(beside, (double)enroll_us / 1e6, (double)copy_us / 1e6);
	return BW_OK;
}

/* Once it has started: opening the keys that sign evidence takes 64 MiB for a moment, on purpose (a passphrase). */
static enum bw_err memory(struct bw_gbench *bench, struct bw_place *place)
{
	const struct timespec quiet = { .tv_sec = QUIET_S };
	struct bw_bench_row row = { .unit = "MiB",
				    .limit_name = "at most, at a million files",
				    .less_is_better = true };
	struct bw_place_use use;
	char what[64];
	char name[BW_GBENCH_NAME];
	enum bw_err err;

	(void)snprintf(what, sizeof(what), "memory of the guard, %u files", bench->files);
	row.name = bw_gbench_name(place, what, name);
	err = bw_place_guard(bench, place, "enforce", &bench->why);
	if (err == BW_OK) {
		(void)nanosleep(&quiet, NULL);
		err = bw_place_use(place, &use);
	}
	bw_place_unguard(place);
	if (err != BW_OK) {
		bw_gbench_absent(bench, name, row.unit,
				 bench->why.text[0] != '\0' ? bench->why.text : bw_err_text(err));
		return BW_OK;
	}
	bw_bench_add(&row, (double)use.memory_kib / 1024, WANTED_MIB);
	bw_gbench_print(bench, &row);
	return BW_OK;
}

enum bw_err bw_gbench_enroll(struct bw_gbench *bench, struct bw_place *place)
{
	struct bw_bench_row rate = { .unit = "files/s", .limit_name = "at least" };
	struct bw_bench_row beside = { .unit = "s",
				       .limit_name = "cp -a of the same files, and sync",
				       .less_is_better = true };
	char what[64];
	char rate_name[BW_GBENCH_NAME];
	char beside_name[BW_GBENCH_NAME];

	(void)snprintf(what, sizeof(what), "enrolment, %u files of 1 to 64 KiB", bench->files);
	rate.name = bw_gbench_name(place, what, rate_name);
	(void)snprintf(what, sizeof(what), "enrolment beside cp -a, %u files", bench->files);
	beside.name = bw_gbench_name(place, what, beside_name);
	BW_TRY(bw_gbench_papers(place, bench->files, &bench->why));
	for (size_t n = 0; n < bench->runs; n++)
		BW_TRY(one_run(bench, place, n, &rate, &beside));
	bw_gbench_print(bench, &rate);
	bw_gbench_print(bench, &beside);
	return memory(bench, place);
}
