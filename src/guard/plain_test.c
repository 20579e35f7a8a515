#include "guard/plain.h"

#include <stdlib.h>
#include <time.h>

#include "base/test.h"

static void live_in(const char *zone)
{
	assert_int_equal(setenv("TZ", zone, 1), 0);
	tzset();
}

static void a_time_is_written_with_its_offset_and_read_back(void **state)
{
	static const struct {
		const char *zone;
		int64_t second;
		const char *text;
	} times[] = {
		{ "UTC0", 1795435778, "2026-11-23 12:09:38 +0000" },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1795435778, "2026-11-23 13:09:38 +0100" },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1782475778, "2026-06-26 14:09:38 +0200" },
		{ "NST3:30NDT,M3.2.0,M11.1.0", 1795435778, "2026-11-23 08:39:38 -0330" },
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(times); i++) {
		char text[BW_PLAIN_BYTES];
		char local[20];
		int64_t us;

		live_in(times[i].zone);
		assert_string_equal(bw_plain_time(times[i].second * 1000000, text), times[i].text);
		assert_ok(bw_plain_time_parse(text, &us));
		assert_int_equal(us, times[i].second * 1000000);
		memcpy(local, text, sizeof(local) - 1);
		local[sizeof(local) - 1] = '\0';
		assert_ok(bw_plain_time_parse(local, &us));
		assert_int_equal(us, times[i].second * 1000000);
		local[16] = '\0'; /* without seconds */
		assert_ok(bw_plain_time_parse(local, &us));
		assert_int_equal(us, times[i].second / 60 * 60 * 1000000);
	}
}

static void the_standard_form_is_read_and_what_is_no_time_is_refused(void **state)
{
	static const char *const none[] = { "",
					    "yesterday",
					    "2026-11-23",
					    "2026-11-23 14",
					    "2026-11-23 14:00:00 CET",
					    "2026-11-23 14:00:00 +1",
					    "2026-02-30 14:00:00",
					    "2026-13-01 14:00:00",
					    "2026-11-23 24:61:00",
					    "2026-03-29 02:30:00" };
	int64_t us;

	(void)state;
	live_in("CET-1CEST,M3.5.0,M10.5.0/3");
	assert_ok(bw_plain_time_parse("2026-11-23T12:09:38Z", &us));
	assert_int_equal(us, INT64_C(1795435778000000));
	for (size_t i = 0; i < BW_COUNT(none); i++)
		assert_int_not_equal(bw_plain_time_parse(none[i], &us), BW_OK);
}

static void a_user_is_told_by_name_and_number_or_by_number_alone(void **state)
{
	char out[BW_USER_BYTES];

	(void)state;
	assert_string_equal(bw_plain_user(0, out), "root (0)");
	assert_string_equal(bw_plain_user(3999999999, out), "3999999999");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_time_is_written_with_its_offset_and_read_back),
		cmocka_unit_test(the_standard_form_is_read_and_what_is_no_time_is_refused),
		cmocka_unit_test(a_user_is_told_by_name_and_number_or_by_number_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
