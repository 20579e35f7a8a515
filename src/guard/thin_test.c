#include "guard/thin.h"

#include "base/test.h"

#define MINUTE INT64_C(60000000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

enum { MANY = 400 };

static const int64_t now = 20000 * DAY + 11 * HOUR + 30 * MINUTE;

/* A version every `step` back from now, newest first; each stood until the next was taken. */
static size_t make(struct bw_thin_version *out, int64_t step)
{
	for (size_t i = 0; i < MANY; i++) {
		out[i] = (struct bw_thin_version){ .number = MANY - i,
						   .taken_us = now - (int64_t)i * step,
						   .until_us = i == 0 ? INT64_MAX : now - (int64_t)(i - 1) * step,
						   .kept_bytes = 1,
						   .good = true,
						   .newest = i == 0 };
	}
	return MANY;
}

static size_t count_kept(const struct bw_thin_version *versions, const bool *drop, int64_t from, int64_t to)
{
	size_t kept = 0;

	for (size_t i = 0; i < MANY; i++) {
		const int64_t age = now - versions[i].taken_us;

		kept += !drop[i] && age >= from && age < to;
	}
	return kept;
}

static void all_of_the_last_hour_stay_then_one_an_hour_then_one_a_day(void **state)
{
	struct bw_thin_version versions[MANY];
	bool drop[MANY];

	(void)state;
	bw_thin_by_age(versions, make(versions, 5 * MINUTE), now, 30, drop);
	assert_int_equal(count_kept(versions, drop, 0, HOUR), 12);
	assert_in_range(count_kept(versions, drop, HOUR, DAY), 23, 24);
	bw_thin_by_age(versions, make(versions, 6 * HOUR), now, 30, drop);
	assert_in_range(count_kept(versions, drop, DAY, 30 * DAY), 29, 30);
	assert_int_equal(count_kept(versions, drop, 32 * DAY, 1000 * DAY), 0);
}

static void the_newest_good_version_and_what_is_pinned_stay_however_old(void **state)
{
	struct bw_thin_version versions[2] = {
		{ .number = 2, .taken_us = now - 900 * DAY, .until_us = INT64_MAX, .good = true, .newest = true },
		{ .number = 1, .taken_us = now - 999 * DAY, .until_us = now - 900 * DAY, .good = true, .pinned = true },
	};
	bool drop[2];

	(void)state;
	bw_thin_by_age(versions, 2, now, 30, drop);
	assert_false(drop[0]);
	assert_false(drop[1]);
	assert_true(bw_thin_worth(&versions[0], now) == UINT64_MAX);
	assert_true(bw_thin_worth(&versions[1], now) == UINT64_MAX);
}

static void a_version_that_stood_for_years_until_today_is_not_old(void **state)
{
	struct bw_thin_version versions[2] = {
		{ .number = 2, .taken_us = now - 2 * HOUR, .until_us = INT64_MAX, .good = true, .newest = true },
		{ .number = 1, .taken_us = now - 999 * DAY, .until_us = now - 2 * HOUR, .good = true },
	};
	bool drop[2];

	(void)state;
	bw_thin_by_age(versions, 2, now, 30, drop);
	assert_false(drop[1]);
}

static void what_is_doubtful_never_takes_the_place_of_what_is_good(void **state)
{
	struct bw_thin_version versions[3] = {
		{ .number = 3, .taken_us = now - 3 * HOUR + 2 * MINUTE, .until_us = now, .good = false },
		{ .number = 2, .taken_us = now - 3 * HOUR + MINUTE, .until_us = now, .good = true },
		{ .number = 1, .taken_us = now - 3 * HOUR, .until_us = now, .good = true },
	};
	bool drop[3];

	(void)state;
	bw_thin_by_age(versions, 3, now, 30, drop);
	assert_false(drop[0]);
	assert_false(drop[1]);
	assert_true(drop[2]);
}

static void patient_rewriting_pushes_out_its_own_states_before_what_stood_for_weeks(void **state)
{
	const struct bw_thin_version original = { .taken_us = now - 40 * DAY, .until_us = now - HOUR, .good = true };

	(void)state;
	for (int64_t pace = MINUTE; pace < 10 * DAY; pace *= 2) {
		const struct bw_thin_version between = { .taken_us = now - pace, .until_us = now, .good = true };

		assert_true(bw_thin_worth(&between, now) < bw_thin_worth(&original, now));
	}
}

static void a_clock_that_was_set_back_drops_nothing_by_age(void **state)
{
	struct bw_thin_version versions[MANY];
	bool drop[MANY];

	(void)state;
	bw_thin_by_age(versions, make(versions, MINUTE), now - 400 * DAY, 30, drop);
	for (size_t i = 0; i < MANY; i++)
		assert_false(drop[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_the_last_hour_stay_then_one_an_hour_then_one_a_day),
		cmocka_unit_test(the_newest_good_version_and_what_is_pinned_stay_however_old),
		cmocka_unit_test(a_version_that_stood_for_years_until_today_is_not_old),
		cmocka_unit_test(what_is_doubtful_never_takes_the_place_of_what_is_good),
		cmocka_unit_test(patient_rewriting_pushes_out_its_own_states_before_what_stood_for_weeks),
		cmocka_unit_test(a_clock_that_was_set_back_drops_nothing_by_age),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
