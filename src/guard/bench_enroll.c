/* Bench: how fast a tree is taken in, and what guarding it takes of the memory. */
#include <stdio.h>

#include "guard/bench_guard.h"
#include "guard/sim.h"

enum { WANTED_RATE = 20000, WANTED_MIB = 160, SEED = 20261123 };

static enum bw_err seed_tree(const struct bw_gbench *bench, const struct bw_place *place, struct bw_why *why)
{
	const struct bw_sim_seed how = { .seed = SEED, .files = bench->files, .mix = "school" };
	char dir[BW_PATH_BYTES];

	BW_TRY(bw_path_join(dir, place->tree, "school"));
	return bw_sim_seed(dir, &how, why);
}

/* From nothing each time: the store and the data folder go, the tree stays. */
static enum bw_err enroll_once(struct bw_gbench *bench, struct bw_place *place, struct bw_bench_row *row)
{
	char store[BW_PATH_BYTES];
	int64_t took_us;

	BW_TRY(bw_path_join(store, place->mount, ".breakwater-guard"));
	bw_place_clear(store);
	bw_place_clear(place->data);
	BW_TRY(bw_place_enroll(bench, place, &took_us, &bench->why));
	bw_bench_add(row, bench->files * 1e6 / (double)took_us, WANTED_RATE);
	return BW_OK;
}

static enum bw_err memory(struct bw_gbench *bench, struct bw_place *place)
{
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
	if (err == BW_OK)
		err = bw_place_use(place, &use);
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
	struct bw_bench_row row = { .unit = "files/s", .limit_name = "at least" };
	char what[64];
	char name[BW_GBENCH_NAME];

	(void)snprintf(what, sizeof(what), "enrolment, %u files", bench->files);
	row.name = bw_gbench_name(place, what, name);
	BW_TRY(seed_tree(bench, place, &bench->why));
	for (size_t n = 0; n < bench->runs; n++)
		BW_TRY(enroll_once(bench, place, &row));
	bw_gbench_print(bench, &row);
	return memory(bench, place);
}
