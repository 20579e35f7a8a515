#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "intel/record.h"

static int order(const char *a, const char *b)
{
	const int way = bw_slice_compare(bw_timestamp_key(bw_slice_text(a)), bw_timestamp_key(bw_slice_text(b)));

	return (way > 0) - (way < 0);
}

static void equal_instants_have_equal_keys(void **state)
{
	(void)state;
	assert_int_equal(order("2020-01-01T00:00:00Z", "2020-01-01T00:00:00.000Z"), 0);
	assert_int_equal(order("2020-01-01T00:00:00.5Z", "2020-01-01T00:00:00.500000Z"), 0);
	assert_int_equal(order("2020-01-01T00:00:10Z", "2020-01-01T00:00:10.0Z"), 0);
}

static void the_order_of_keys_is_the_order_of_time_at_any_precision(void **state)
{
	static const char *const rising[] = {
		"2019-12-31T23:59:59.999999999Z", "2020-01-01T00:00:00Z",    "2020-01-01T00:00:00.000000001Z",
		"2020-01-01T00:00:00.1Z",         "2020-01-01T00:00:00.12Z", "2020-01-01T00:00:01Z",
		"2020-01-01T00:00:10Z",
	};

	(void)state;
	for (size_t i = 0; i + 1 < BW_COUNT(rising); i++)
		assert_int_equal(order(rising[i], rising[i + 1]), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_instants_have_equal_keys),
		cmocka_unit_test(the_order_of_keys_is_the_order_of_time_at_any_precision),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
