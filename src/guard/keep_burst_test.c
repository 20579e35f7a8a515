#include "guard/keep_burst.h"

#include "base/test.h"

#define MS UINT64_C(1000000)

static unsigned takes(struct bw_burst *burst, uint32_t pid, unsigned files, uint64_t at_ms, uint64_t apart_ms)
{
	unsigned taken = 0;

	for (unsigned n = 0; n < files; n++)
		taken += bw_burst_takes(burst, pid, (at_ms + n * apart_ms) * MS);
	return taken;
}

static void the_first_files_of_a_process_are_no_burst(void **state)
{
	struct bw_burst burst = { 0 };

	(void)state;
	assert_int_equal(takes(&burst, 7, BW_BURST_AT_ONCE, 1000, 0), 0);
	assert_int_equal(takes(&burst, 7, 10, 1000, 0), 10);
}

static void fifty_a_second_never_become_one(void **state)
{
	struct bw_burst burst = { 0 };

	(void)state;
	assert_int_equal(takes(&burst, 7, 10000, 1000, 20), 0);
}

static void nobody_waits_for_the_burst_of_another(void **state)
{
	struct bw_burst burst = { 0 };

	(void)state;
	assert_int_equal(takes(&burst, 7, 1000, 1000, 0), 1000 - BW_BURST_AT_ONCE);
	assert_int_equal(takes(&burst, 8, 1, 1000, 0), 0);
}

static void who_shares_a_place_begins_anew(void **state)
{
	struct bw_burst burst = { 0 };

	(void)state;
	assert_int_equal(takes(&burst, 7, 100, 1000, 0), 100 - BW_BURST_AT_ONCE);
	assert_int_equal(takes(&burst, 7 + BW_BURST_PLACES, 1, 1000, 0), 0);
	assert_int_equal(takes(&burst, 7, 1, 1000, 0), 0);
}

static void a_burst_is_over_when_no_file_of_it_came_for_a_tenth_of_a_second(void **state)
{
	struct bw_burst burst = { 0 };

	(void)state;
	(void)takes(&burst, 7, 1000, 1000, 1);
	assert_int_equal(bw_burst_end_ns(&burst), (1999 + BW_BURST_QUIET_MS) * MS);
	(void)takes(&burst, 8, 1, 2500, 0); /* no burst */
	assert_int_equal(bw_burst_end_ns(&burst), (1999 + BW_BURST_QUIET_MS) * MS);
}

static void a_clock_that_stands_still_or_goes_back_harms_nothing(void **state)
{
	struct bw_burst burst = { 0 };

	(void)state;
	(void)takes(&burst, 7, 100, 5000, 0);
	assert_int_equal(takes(&burst, 7, 10, 4000, 0), 10);
	assert_int_equal(takes(&burst, 7, 1, 5000 + 10, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_files_of_a_process_are_no_burst),
		cmocka_unit_test(fifty_a_second_never_become_one),
		cmocka_unit_test(nobody_waits_for_the_burst_of_another),
		cmocka_unit_test(who_shares_a_place_begins_anew),
		cmocka_unit_test(a_burst_is_over_when_no_file_of_it_came_for_a_tenth_of_a_second),
		cmocka_unit_test(a_clock_that_stands_still_or_goes_back_harms_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
