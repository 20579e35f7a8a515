/* Bench: drills by crews: one process, many, and many that hide in sessions of their own (guard/bench_drill.c). */
#include "guard/bench_guard.h"

enum { FILES = 400, WORST_ONE = 15, WORST_MANY = 40 };

static const struct crew {
	const char *words;
	const char *options;
	double most; /* files touched, the worst drill */
} crews[] = {
	{ "one process", "--actors 1", WORST_ONE },
	{ "18 processes", "--actors 18", WORST_MANY },
	{ "64 processes", "--actors 64", WORST_MANY },
	{ "18 sessions (setsid)", "--actors 18 --shape setsid", WORST_MANY },
	{ "64 sessions (setsid)", "--actors 64 --shape setsid", WORST_MANY },
};

static enum bw_err one_crew(struct bw_gbench *bench, struct bw_place *place, const struct crew *crew)
{
	static const char *const usual[] = { "S01", "S02", "S05", "S08", "S12", "S22" };
	const size_t named = bw_call_count(bench->call, "pattern");
	const size_t count = named > 0 ? named : BW_COUNT(usual);
	struct bw_drill_words words = { .options = crew->options,
					.strain = (uint64_t)bw_call_num(bench->call, "strain"),
					.files = FILES,
					.most = crew->most };
	struct bw_drills drills = { 0 };

	for (size_t n = 0; n < bench->runs * count; n++) {
		words.pattern = named > 0 ? bw_call_nth(bench->call, "pattern", n % count) : usual[n % count];
		BW_TRY(bw_gbench_drill(bench, place, &words, &drills));
	}
	bw_gbench_print_drills(bench, place, crew->words, &drills);
	return BW_OK;
}

enum bw_err bw_gbench_attack(struct bw_gbench *bench, struct bw_place *place)
{
	enum bw_err err = BW_OK;

	BW_TRY(bw_place_enroll(bench, place, NULL, &bench->why));
	BW_TRY(bw_place_guard(bench, place, "enforce", &bench->why));
	for (size_t i = 0; i < BW_COUNT(crews) && err == BW_OK; i++)
		err = one_crew(bench, place, &crews[i]);
	bw_place_unguard(place);
	return err;
}
