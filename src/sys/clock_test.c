#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sys/clock.h"

struct row {
	const char *text;
	int64_t us;
};

static const struct row exact[] = {
	{ "1970-01-01T00:00:00.000000Z", 0 },
	{ "1969-12-31T23:59:59.999999Z", -1 },
	{ "2000-02-29T12:00:00.000001Z", INT64_C(951825600000001) },
	{ "2026-11-23T01:33:27.123456Z", INT64_C(1795397607123456) },
	{ "0000-01-01T00:00:00.000000Z", BW_TIME_MIN },
	{ "9999-12-31T23:59:59.999999Z", BW_TIME_MAX },
};

static void instants_become_text_with_six_digits_and_come_back(void **state)
{
	char text[BW_TIME_BYTES];
	int64_t us;

	(void)state;
	for (size_t i = 0; i < BW_COUNT(exact); i++) {
		bw_time_format(exact[i].us, text);
		assert_string_equal(text, exact[i].text);
		assert_int_equal(bw_time_parse(bw_slice_text(exact[i].text), &us), BW_OK);
		assert_int_equal(us, exact[i].us);
	}
}

static void every_day_of_four_centuries_comes_back(void **state)
{
	char text[BW_TIME_BYTES];
	int64_t us;

	(void)state;
	for (int64_t day = -146097; day < 146097; day += 7) {
		bw_time_format(day * INT64_C(86400000000), text);
		assert_int_equal(bw_time_parse(bw_slice_text(text), &us), BW_OK);
		assert_int_equal(us, day * INT64_C(86400000000));
	}
}

static void instants_beyond_the_calendar_are_clamped(void **state)
{
	char text[BW_TIME_BYTES];

	(void)state;
	bw_time_format(INT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999999Z");
	bw_time_format(INT64_MIN, text);
	assert_string_equal(text, "0000-01-01T00:00:00.000000Z");
}

static void a_time_of_a_file_beyond_all_instants_is_the_nearest(void **state)
{
	(void)state;
	assert_int_equal(bw_clock_of(&(struct timespec){ 1795397607, 123456999 }), INT64_C(1795397607123456));
	assert_int_equal(bw_clock_of(&(struct timespec){ -1, 999999000 }), -1);
	assert_int_equal(bw_clock_of(&(struct timespec){ INT64_MAX, 999999999 }), BW_TIME_MAX);
	assert_int_equal(bw_clock_of(&(struct timespec){ INT64_MIN, 0 }), BW_TIME_MIN);
}

static void strict_means_the_one_form(void **state)
{
	static const char *const bad[] = {
		"",
		"2026-11-23T01:33:27Z",
		"2026-11-23T01:33:27.123Z",
		"2026-11-23T01:33:27.1234567Z",
		"2026-11-23t01:33:27.123456z",
		"2026-11-23 01:33:27.123456Z",
		"2026-11-23T01:33:27.123456+00:00",
		"2026-11-23T01:33:27.12345 Z",
		"+026-11-23T01:33:27.123456Z",
	};
	int64_t us = 7;

	(void)state;
	for (size_t i = 0; i < BW_COUNT(bad); i++)
		assert_int_equal(bw_time_parse(bw_slice_text(bad[i]), &us), BW_ERR_SYNTAX);
	assert_int_equal(us, 7);
}

static void days_and_hours_that_do_not_exist_are_out_of_range(void **state)
{
	static const char *const bad[] = {
		"2023-02-29T00:00:00.000000Z", "1900-02-29T00:00:00.000000Z", "2023-13-01T00:00:00.000000Z",
		"2023-00-01T00:00:00.000000Z", "2023-01-00T00:00:00.000000Z", "2023-04-31T00:00:00.000000Z",
		"2023-01-01T24:00:00.000000Z", "2023-01-01T00:60:00.000000Z", "2023-01-01T00:00:61.000000Z",
		"2016-12-31T23:59:60.000000Z",
	};
	int64_t us;

	(void)state;
	for (size_t i = 0; i < BW_COUNT(bad); i++)
		assert_int_equal(bw_time_parse(bw_slice_text(bad[i]), &us), BW_ERR_RANGE);
}

static void tolerant_takes_what_rfc_3339_allows(void **state)
{
	static const struct row rows[] = {
		{ "1970-01-01T00:00:01Z", 1000000 },
		{ "1970-01-01t00:00:01.5z", 1500000 },
		{ "1970-01-01T00:00:00.0000019Z", 1 },
		{ "1970-01-01T01:00:00+01:00", 0 },
		{ "1969-12-31T16:00:00.25-08:00", 250000 },
		{ "2016-12-31T23:59:60Z", INT64_C(1483228800000000) },
		{ "2017-01-01T00:59:60+01:00", INT64_C(1483228800000000) },
		{ "1970-01-01T00:00:00.123456789012345678901234567890Z", 123456 },
	};
	int64_t us;

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		assert_int_equal(bw_time_parse_any(bw_slice_text(rows[i].text), &us), BW_OK);
		assert_int_equal(us, rows[i].us);
	}
}

static void tolerant_still_refuses_nonsense(void **state)
{
	static const struct {
		const char *text;
		enum bw_err want;
	} rows[] = {
		{ "1970-01-01T00:00:00", BW_ERR_SYNTAX },      { "1970-01-01T00:00:00.Z", BW_ERR_SYNTAX },
		{ "1970-01-01T00:00:00Zx", BW_ERR_SYNTAX },    { "1970-01-01T00:00:00+0100", BW_ERR_SYNTAX },
		{ "1970-01-01T00:00:00+24:00", BW_ERR_RANGE }, { "1970-01-01T12:00:60Z", BW_ERR_RANGE },
		{ "0000-01-01T00:00:00+01:00", BW_ERR_RANGE }, { "9999-12-31T23:59:59-00:01", BW_ERR_RANGE },
		{ "9999-12-31T23:59:60Z", BW_ERR_RANGE },      { "1970-1-01T00:00:00Z", BW_ERR_SYNTAX },
	};
	int64_t us;

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++)
		assert_int_equal(bw_time_parse_any(bw_slice_text(rows[i].text), &us), rows[i].want);
}

static void the_monotonic_clock_never_goes_back(void **state)
{
	int64_t last = bw_clock_mono_us();

	(void)state;
	for (int i = 0; i < 1000; i++) {
		const int64_t now = bw_clock_mono_us();

		assert_true(now >= last);
		last = now;
	}
	assert_true(bw_clock_now_us() > INT64_C(1700000000000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(instants_become_text_with_six_digits_and_come_back),
		cmocka_unit_test(every_day_of_four_centuries_comes_back),
		cmocka_unit_test(instants_beyond_the_calendar_are_clamped),
		cmocka_unit_test(a_time_of_a_file_beyond_all_instants_is_the_nearest),
		cmocka_unit_test(strict_means_the_one_form),
		cmocka_unit_test(days_and_hours_that_do_not_exist_are_out_of_range),
		cmocka_unit_test(tolerant_takes_what_rfc_3339_allows),
		cmocka_unit_test(tolerant_still_refuses_nonsense),
		cmocka_unit_test(the_monotonic_clock_never_goes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
