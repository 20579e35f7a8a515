#include "store/catalogue.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/test.h"

enum { OBJECTS = 3000, STEPS = 20000 };

static const uint8_t key[16] = { 3, 1, 4 };

static struct bw_slice id_of(unsigned n, char room[16])
{
	(void)snprintf(room, 16, "id-%u", n);
	return bw_slice_text(room);
}

static int64_t find(const struct bw_catalogue *cat, uint32_t identity, uint64_t rows)
{
	struct bw_cat_probe probe = { 0 };

	return bw_cat_find(cat, identity, rows, &probe);
}

/* What the catalogue should say, kept the simple way. */
struct model {
	struct bw_cat_row rows[STEPS];
	int64_t prev[STEPS];
	size_t count;
	int64_t newest[OBJECTS];
};

static uint64_t state_of_chance;

static unsigned chance(unsigned below)
{
	state_of_chance = state_of_chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(state_of_chance >> 33) % below;
}

static void append(struct bw_catalogue *cat, struct model *model, unsigned object)
{
	char room[16];
	const struct bw_cat_row row = { .added_us = (int64_t)model->count * 3 + 10,
					.identity = bw_cat_identity(cat, id_of(object, room)),
					.version = chance(50),
					.collection = (uint16_t)(1 + chance(3)),
					.type = (uint8_t)chance(40),
					.flags = (uint8_t)(chance(2) * BW_CAT_LAST + chance(2) * BW_CAT_NEWSPEC) };

	assert_ok(bw_cat_append(cat, &row, model->newest[object]));
	model->rows[model->count] = row;
	model->prev[model->count] = model->newest[object];
	model->newest[object] = (int64_t)model->count++;
}

static void set_flags(struct bw_catalogue *cat, struct model *model)
{
	const size_t row = chance((unsigned)model->count);
	const uint8_t flags = (uint8_t)chance(128);

	assert_ok(bw_cat_set_flags(cat, row, flags));
	model->rows[row].flags = flags;
}

static void assert_same(const struct bw_catalogue *cat, const struct model *model)
{
	char room[16];

	assert_int_equal(cat->rows, model->count);
	for (size_t i = 0; i < model->count; i++) {
		assert_int_equal(bw_cat_flags(cat, i), model->rows[i].flags);
		assert_int_equal(bw_cat_before(cat, (int64_t)i), model->prev[i]);
	}
	for (unsigned i = 0; i < OBJECTS; i++)
		assert_int_equal(find(cat, bw_cat_identity(cat, id_of(i, room)), cat->rows), model->newest[i]);
}

static void forget_model(struct model *model)
{
	model->count = 0;
	for (unsigned i = 0; i < OBJECTS; i++)
		model->newest[i] = BW_CAT_NONE;
}

static void any_mix_of_appends_changes_undos_and_rollbacks_leaves_what_a_model_says(void **state)
{
	struct model *now = calloc(1, sizeof(*now));
	struct model *marked = calloc(1, sizeof(*marked));
	struct model *kept = calloc(1, sizeof(*kept));
	struct bw_catalogue cat;
	struct bw_cat_mark mark = { 0 };

	(void)state;
	assert_non_null(now);
	assert_non_null(marked);
	assert_non_null(kept);
	state_of_chance = 42;
	assert_ok(bw_cat_new(key, &cat));
	forget_model(now);
	*marked = *kept = *now;
	for (int step = 0; step < STEPS; step++) {
		const unsigned what = chance(1000);

		if (what < 700 || now->count == 0) {
			append(&cat, now, chance(OBJECTS));
		} else if (what < 980) {
			set_flags(&cat, now);
		} else if (what < 984) {
			mark = bw_cat_mark(&cat);
			*marked = *now;
		} else if (what < 988) {
			bw_cat_undo(&cat, mark);
			*now = *marked;
		} else if (what < 992) {
			bw_cat_rollback(&cat);
			*now = *marked = *kept;
			mark = bw_cat_mark(&cat);
		} else {
			bw_cat_publish(&cat);
			*kept = *marked = *now;
			mark = bw_cat_mark(&cat);
		}
		if (step % 500 == 0)
			assert_same(&cat, now);
	}
	assert_same(&cat, now);
	bw_cat_release(&cat);
	free(now);
	free(marked);
	free(kept);
}

static void a_reader_never_sees_what_is_not_published(void **state)
{
	struct model *model = calloc(1, sizeof(*model));
	struct bw_catalogue cat;
	struct bw_catalogue reader;
	char room[16];

	(void)state;
	assert_non_null(model);
	forget_model(model);
	assert_ok(bw_cat_new(key, &cat));
	assert_ok(bw_cat_open(cat.memory.fd, &reader));
	append(&cat, model, 7);
	bw_cat_publish(&cat);
	append(&cat, model, 7);
	append(&cat, model, 8);
	assert_ok(bw_cat_set_flags(&cat, 0, BW_CAT_GONE));
	assert_int_equal(bw_cat_published(&reader), 1);
	assert_int_equal(find(&reader, bw_cat_identity(&reader, id_of(7, room)), 1), 0);
	assert_int_equal(find(&reader, bw_cat_identity(&reader, id_of(8, room)), 1), BW_CAT_NONE);
	assert_int_equal(reader.flags[0], model->rows[0].flags);
	bw_cat_publish(&cat);
	assert_int_equal(find(&reader, bw_cat_identity(&reader, id_of(7, room)), bw_cat_published(&reader)), 1);
	assert_int_equal(reader.flags[0], BW_CAT_GONE);
	bw_cat_release(&reader);
	bw_cat_release(&cat);
	free(model);
}

static void two_ids_with_the_same_hash_are_both_offered(void **state)
{
	const struct bw_cat_row row = { .added_us = 1, .identity = 99, .collection = 1 };
	const struct bw_cat_row twin = { .added_us = 2, .identity = 99, .collection = 1 };
	struct bw_cat_probe probe = { 0 };
	struct bw_catalogue cat;

	(void)state;
	assert_ok(bw_cat_new(key, &cat));
	assert_ok(bw_cat_append(&cat, &row, BW_CAT_NONE));
	assert_ok(bw_cat_append(&cat, &twin, BW_CAT_NONE));
	assert_int_equal(bw_cat_find(&cat, 99, 2, &probe), 0);
	assert_int_equal(bw_cat_find(&cat, 99, 2, &probe), 1);
	assert_int_equal(bw_cat_find(&cat, 99, 2, &probe), BW_CAT_NONE);
	bw_cat_release(&cat);
}

/* A scan against the plain loop, over blocks that have and have not what is asked for. */
static void a_scan_finds_what_a_plain_loop_finds(void **state)
{
	struct model *model = calloc(1, sizeof(*model));
	struct bw_catalogue cat;
	uint32_t *rows = calloc(STEPS, sizeof(*rows));

	(void)state;
	assert_non_null(model);
	assert_non_null(rows);
	state_of_chance = 7;
	forget_model(model);
	assert_ok(bw_cat_new(key, &cat));
	for (int i = 0; i < STEPS; i++)
		append(&cat, model, chance(OBJECTS));
	bw_cat_publish(&cat);
	for (int round = 0; round < 300; round++) {
		struct bw_cat_filter filter = { .collection = (uint16_t)(1 + chance(4)) };
		const uint32_t versions[2] = { chance(60), chance(60) };
		const uint64_t from = chance(STEPS);
		uint64_t at = from;
		uint64_t scanned = from;
		const size_t cap = 1 + chance(100);

		for (size_t i = 0; i < 256; i++) {
			filter.types[i] = chance(10) == 0;
			filter.flags[i] = round % 3 != 0 && chance(10) == 0;
			filter.version_flags[i] = round % 2 == 0;
		}
		filter.versions = versions;
		filter.version_count = 2;
		while (scanned < STEPS) {
			const size_t count = bw_cat_scan(&cat, &filter, scanned, STEPS, rows, cap, &scanned);

			for (size_t i = 0; i < count; i++, at++) {
				while (at < STEPS && !bw_cat_matches(&cat, &filter, at))
					at++;
				assert_int_equal(rows[i], at);
			}
		}
		for (; at < STEPS; at++)
			assert_false(bw_cat_matches(&cat, &filter, at));
	}
	bw_cat_release(&cat);
	free(model);
	free(rows);
}

static void dates_are_found_by_halving(void **state)
{
	struct model *model = calloc(1, sizeof(*model));
	struct bw_catalogue cat;

	(void)state;
	assert_non_null(model);
	forget_model(model);
	assert_ok(bw_cat_new(key, &cat));
	for (unsigned i = 0; i < 100; i++)
		append(&cat, model, i); /* added 10, 13, 16 … */
	assert_int_equal(bw_cat_after(&cat, INT64_MIN, 100), 0);
	assert_int_equal(bw_cat_after(&cat, 9, 100), 0);
	assert_int_equal(bw_cat_after(&cat, 10, 100), 1);
	assert_int_equal(bw_cat_after(&cat, 12, 100), 1);
	assert_int_equal(bw_cat_after(&cat, INT64_MAX, 100), 100);
	assert_int_equal(bw_cat_at(&cat, 13, 100), 1);
	assert_int_equal(bw_cat_at(&cat, 14, 100), BW_CAT_NONE);
	assert_int_equal(bw_cat_at(&cat, 13, 1), BW_CAT_NONE);
	bw_cat_release(&cat);
	free(model);
}

static void saved_rows_that_all_claim_one_identity_are_refused_before_they_cost_hours(void **state)
{
	enum { ROWS = 20000 };
	struct bw_catalogue cat;

	(void)state;
	assert_ok(bw_cat_new(key, &cat));
	for (unsigned i = 0; i < ROWS; i++)
		cat.added[i] = i; /* identity, prev and the rest: zero */
	assert_int_equal(bw_cat_restore(&cat, ROWS), BW_ERR_CORRUPT);
	bw_cat_release(&cat);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_mix_of_appends_changes_undos_and_rollbacks_leaves_what_a_model_says),
		cmocka_unit_test(a_reader_never_sees_what_is_not_published),
		cmocka_unit_test(two_ids_with_the_same_hash_are_both_offered),
		cmocka_unit_test(a_scan_finds_what_a_plain_loop_finds),
		cmocka_unit_test(dates_are_found_by_halving),
		cmocka_unit_test(saved_rows_that_all_claim_one_identity_are_refused_before_they_cost_hours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
