#include "base/progress.h"

#include "base/test.h"

static void a_known_total_gives_share_speed_and_what_is_left(void **state)
{
	const struct bw_progress progress = { .what = "importing", .unit = "objects", .total = 1000 };
	char line[160];

	(void)state;
	bw_progress_line(&progress, 250, 2500, line, sizeof(line));
	assert_string_equal(line, "importing 250 of 1000 objects (25 %), 100/s, 8 s left");
}

static void an_unknown_total_or_one_that_was_passed_gives_speed_only(void **state)
{
	struct bw_progress progress = { .what = "pulling", .unit = "objects" };
	char line[160];

	(void)state;
	bw_progress_line(&progress, 250, 2500, line, sizeof(line));
	assert_string_equal(line, "pulling 250 objects, 100/s");
	progress.total = 10;
	bw_progress_line(&progress, 0, 0, line, sizeof(line));
	assert_string_equal(line, "pulling 0 objects, 0/s");
	bw_progress_line(&progress, 250, 2500, line, sizeof(line));
	assert_string_equal(line, "pulling 250 objects, 100/s");
}

static void bytes_are_told_beside_the_objects_and_both_say_what_is_left(void **state)
{
	struct bw_progress progress = { .what = "restoring",
					.unit = "files",
					.total = 1000,
					.bytes_total = UINT64_C(4) << 30,
					.bytes = UINT64_C(1) << 30 };
	char line[160];

	(void)state;
	bw_progress_line(&progress, 250, 8000, line, sizeof(line));
	assert_string_equal(line, "restoring 250 of 1000 files, 1.0 of 4.0 GiB (25 %), 128.0 MiB/s, 24 s left");
	bw_progress_line(&progress, 750, 8000, line, sizeof(line)); /* half of it, by number and size together */
	assert_string_equal(line, "restoring 750 of 1000 files, 1.0 of 4.0 GiB (50 %), 128.0 MiB/s, 8 s left");
	progress.bytes = 0;
	bw_progress_line(&progress, 0, 8000, line, sizeof(line));
	assert_string_equal(line, "restoring 0 of 1000 files, 0.0 of 4.0 GiB (0 %), 0.0 bytes/s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_known_total_gives_share_speed_and_what_is_left),
		cmocka_unit_test(an_unknown_total_or_one_that_was_passed_gives_speed_only),
		cmocka_unit_test(bytes_are_told_beside_the_objects_and_both_say_what_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
