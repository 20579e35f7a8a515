#include "accord/hall_pace.h"

#include "base/test.h"

#define SECOND INT64_C(1000000)

static unsigned allowed(struct bw_pace *pace, unsigned requests, int64_t now_us)
{
	unsigned count = 0;

	for (unsigned i = 0; i < requests; i++)
		count += bw_pace_allows(pace, now_us) ? 1 : 0;
	return count;
}

static void a_burst_is_allowed_and_then_so_many_a_second(void **state)
{
	struct bw_pace pace = { 0 };
	int64_t now = 7 * SECOND;

	(void)state;
	assert_int_equal(allowed(&pace, 1000, now), BW_PACE_BURST);
	for (int i = 0; i < 20; i++) {
		now += SECOND / 2;
		assert_int_equal(allowed(&pace, 1000, now), BW_PACE_PER_SECOND / 2);
	}
	assert_int_equal(allowed(&pace, 1000, now + 3600 * SECOND), BW_PACE_BURST);
}

static void who_asks_as_often_as_is_usual_never_waits(void **state)
{
	struct bw_pace pace = { 0 };

	(void)state;
	for (int64_t i = 0; i < 100000; i++)
		assert_true(bw_pace_allows(&pace, SECOND + i * (SECOND / BW_PACE_PER_SECOND)));
}

static void who_waits_is_told_of_once_a_minute(void **state)
{
	struct bw_pace pace = { 0 };
	unsigned told = 0;

	(void)state;
	for (int64_t i = 0; i < 600; i++)
		told += bw_pace_tells(&pace, SECOND + i * SECOND) ? 1 : 0;
	assert_int_equal(told, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_is_allowed_and_then_so_many_a_second),
		cmocka_unit_test(who_asks_as_often_as_is_usual_never_waits),
		cmocka_unit_test(who_waits_is_told_of_once_a_minute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
