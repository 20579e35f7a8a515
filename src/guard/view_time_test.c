#include "guard/view_time.h"

#include "base/test.h"

#define SECOND INT64_C(1000000)
#define NOW (INT64_C(1795503600) * SECOND + 42 * 60 * SECOND) /* 2026-11-24 07:42 UTC */

static void a_moments_name_reads_back(void **state)
{
	static const uint32_t times[] = { 946684800, 1795503600, 1709164800 /* 29 February */, UINT32_MAX };
	char name[BW_MOMENT_BYTES];
	uint32_t again;

	(void)state;
	for (size_t i = 0; i < BW_COUNT(times); i++) {
		bw_moment_name(times[i], name);
		assert_ok(bw_moment_parse(bw_slice_text(name), &again));
		assert_int_equal(again, times[i]);
	}
}

static void what_is_no_moment_is_refused(void **state)
{
	static const char *const names[] = { "",
					     ".",
					     "@GMT-",
					     "@GMT-2026.11.24-07.00.0",
					     "@GMT-2026.11.24-07.00.000",
					     "@gmt-2026.11.24-07.00.00",
					     "@GMT-2026-11-24-07.00.00",
					     "@GMT-2026.02.30-07.00.00",
					     "@GMT-2026.13.01-07.00.00",
					     "@GMT-2026.11.24-24.00.00",
					     "@GMT-2026.11.24-07.60.00",
					     "@GMT-1999.12.31-23.59.59",
					     "@GMT-2200.01.01-00.00.00",
					     "@GMT-+026.11.24-07.00.00" };
	uint32_t seconds;

	(void)state;
	for (size_t i = 0; i < BW_COUNT(names); i++)
		assert_int_not_equal(bw_moment_parse(bw_slice_text(names[i]), &seconds), BW_OK);
}

static void a_moment_shows_what_was_taken_before_it_ends(void **state)
{
	(void)state;
	for (int64_t age = 0; age < INT64_C(40) * 24 * 3600; age += 61) {
		const int64_t taken = NOW - age * SECOND;
		const uint32_t moment = bw_moment_of(taken, NOW);

		if (moment == 0) {
			assert_true(age <= 60);
			continue;
		}
		assert_true((int64_t)moment * SECOND > taken && (int64_t)moment * SECOND <= NOW);
		assert_true(bw_moment_before(moment, NOW) < taken);
	}
}

static void going_back_from_moment_to_moment_ends_soon(void **state)
{
	int64_t taken = NOW;
	unsigned count = 0;

	(void)state;
	while (taken > NOW - INT64_C(30) * 24 * 3600 * SECOND) {
		const uint32_t moment = bw_moment_of(taken, NOW);
		const int64_t before = moment != 0 ? bw_moment_before(moment, NOW) : taken - 60 * SECOND;

		assert_true(before < taken);
		taken = before;
		count++;
	}
	assert_true(count > 100 && count < BW_MOMENTS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_moments_name_reads_back),
		cmocka_unit_test(what_is_no_moment_is_refused),
		cmocka_unit_test(a_moment_shows_what_was_taken_before_it_ends),
		cmocka_unit_test(going_back_from_moment_to_moment_ends_soon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
