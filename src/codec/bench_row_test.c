#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/bench_row.h"

static void a_row_shows_the_median_and_the_ends(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(4096);
	struct bw_bench_row row = { .name = "copy", .unit = "s", .limit_name = "no guard" };

	(void)state;
	bw_bench_add(&row, 3, 2);
	bw_bench_add(&row, 1, 2);
	bw_bench_add(&row, 8, 2);
	assert_int_equal(bw_bench_write(&row, true, &out), BW_OK);
	assert_string_equal(bw_buf_text(&out),
			    "{\"name\":\"copy\",\"value\":3,\"unit\":\"s\",\"limit_name\":\"no guard\","
			    "\"limit_value\":2,\"ratio\":1.5,\"runs\":3,\"min\":1,\"max\":8,\"low\":1,\"high\":8}\n");
}

static void a_row_without_runs_is_no_row(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(4096);
	const struct bw_bench_row row = { .name = "copy", .unit = "s" };

	(void)state;
	assert_int_equal(bw_bench_write(&row, true, &out), BW_ERR_MISSING);
}

static void what_was_not_run_says_why_and_shows_no_number(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(4096);

	(void)state;
	assert_int_equal(bw_bench_write_absent("copy", "s", "needs root", true, &out), BW_OK);
	assert_string_equal(bw_buf_text(&out), "{\"name\":\"copy\",\"value\":null,\"unit\":\"s\",\"limit_name\":null,"
					       "\"limit_value\":null,\"ratio\":null,\"runs\":0,\"min\":null,"
					       "\"max\":null,\"low\":null,\"high\":null,\"why\":\"needs root\"}\n");
}

static void the_bound_lies_between_the_median_and_the_worst_run(void **state)
{
	struct bw_bench_row row = { .name = "copy", .unit = "s" };

	(void)state;
	for (int n = 0; n < 9; n++)
		bw_bench_add(&row, 100 + n, 100);
	assert_true(bw_bench_bound(&row) >= 1.04);
	assert_true(bw_bench_bound(&row) <= 1.08);
}

static void a_row_of_several_runs_says_how_far_off_its_median_may_be(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(4096);
	struct bw_bench_row row = { .name = "rate", .unit = "files/s" };
	double low;
	double high;

	(void)state;
	for (int n = 0; n < 15; n++)
		bw_bench_add(&row, 10 + n, 1);
	bw_bench_between(row.values, row.runs, &low, &high);
	assert_true(low > 12 && low < 17);
	assert_true(high > 17 && high < 22);
	assert_int_equal(bw_bench_write(&row, false, &out), BW_OK);
	assert_non_null(strstr(bw_buf_text(&out), "; median 1"));
}

static void a_short_time_is_not_rounded_to_nothing(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(4096);
	struct bw_bench_row row = { .name = "stop", .unit = "ms", .limit_name = "at most" };

	(void)state;
	bw_bench_add(&row, 0.0213, 3);
	assert_int_equal(bw_bench_write(&row, false, &out), BW_OK);
	assert_non_null(strstr(bw_buf_text(&out), " 0.0213 ms"));
	assert_non_null(strstr(bw_buf_text(&out), "0.0071 of 3 at most"));
}

static void one_run_bounds_nothing_but_itself(void **state)
{
	struct bw_bench_row row = { .name = "copy", .unit = "s" };

	(void)state;
	bw_bench_add(&row, 3, 2);
	assert_true(bw_bench_bound(&row) > 1.49 && bw_bench_bound(&row) < 1.51);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_shows_the_median_and_the_ends),
		cmocka_unit_test(a_row_without_runs_is_no_row),
		cmocka_unit_test(what_was_not_run_says_why_and_shows_no_number),
		cmocka_unit_test(the_bound_lies_between_the_median_and_the_worst_run),
		cmocka_unit_test(one_run_bounds_nothing_but_itself),
		cmocka_unit_test(a_row_of_several_runs_says_how_far_off_its_median_may_be),
		cmocka_unit_test(a_short_time_is_not_rounded_to_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
