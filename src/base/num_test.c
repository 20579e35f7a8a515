#include "base/num.h"

#include "base/test.h"

static void sums_and_products_that_do_not_fit_are_refused_and_leave_the_output(void **state)
{
	size_t out = 7;

	(void)state;
	assert_int_equal(bw_add(SIZE_MAX, 1, &out), BW_ERR_OVERFLOW);
	assert_int_equal(bw_mul(SIZE_MAX / 2, 3, &out), BW_ERR_OVERFLOW);
	assert_int_equal(out, 7);
	assert_ok(bw_add(SIZE_MAX - 1, 1, &out));
	assert_true(out == SIZE_MAX);
	assert_ok(bw_mul(6, 7, &out));
	assert_int_equal(out, 42);
}

static void narrowing_keeps_the_value_or_refuses(void **state)
{
	uint32_t out = 1;

	(void)state;
	assert_ok(bw_to_u32(UINT32_MAX, &out));
	assert_true(out == UINT32_MAX);
	assert_int_equal(bw_to_u32((uint64_t)UINT32_MAX + 1, &out), BW_ERR_OVERFLOW);
}

static void decimal_numbers_are_read_to_their_very_ends(void **state)
{
	uint64_t u;
	int64_t i;

	(void)state;
	assert_ok(bw_parse_u64(BW_LIT("0"), &u));
	assert_int_equal(u, 0);
	assert_ok(bw_parse_u64(BW_LIT("18446744073709551615"), &u));
	assert_true(u == UINT64_MAX);
	assert_int_equal(bw_parse_u64(BW_LIT("18446744073709551616"), &u), BW_ERR_OVERFLOW);
	assert_ok(bw_parse_i64(BW_LIT("-9223372036854775808"), &i));
	assert_true(i == INT64_MIN);
	assert_ok(bw_parse_i64(BW_LIT("9223372036854775807"), &i));
	assert_true(i == INT64_MAX);
	assert_int_equal(bw_parse_i64(BW_LIT("9223372036854775808"), &i), BW_ERR_OVERFLOW);
	assert_int_equal(bw_parse_i64(BW_LIT("-9223372036854775809"), &i), BW_ERR_OVERFLOW);
}

static void anything_but_digits_is_not_a_number(void **state)
{
	static const char *const bad[] = { "", " 1", "1 ", "+1", "-", "0x1", "1e3", "--1", "1.0" };
	int64_t out = 5;

	(void)state;
	for (size_t i = 0; i < BW_COUNT(bad); i++)
		assert_int_equal(bw_parse_i64(bw_slice_text(bad[i]), &out), BW_ERR_SYNTAX);
	assert_int_equal(out, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_and_products_that_do_not_fit_are_refused_and_leave_the_output),
		cmocka_unit_test(narrowing_keeps_the_value_or_refuses),
		cmocka_unit_test(decimal_numbers_are_read_to_their_very_ends),
		cmocka_unit_test(anything_but_digits_is_not_a_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
