#include "guard/view_paths.h"

#include <stdio.h>

#include "base/test.h"

static void every_path_has_one_number_and_keeps_it(void **state)
{
	struct bw_view_paths *paths;
	struct bw_slice path;
	uint32_t number;
	char text[32];

	(void)state;
	assert_ok(bw_view_paths_new(5000, &paths));
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 1; i < 5000; i++) {
			(void)snprintf(text, sizeof(text), "/srv/%u", i);
			assert_ok(bw_view_paths_put(paths, bw_slice_text(text), &number));
			assert_int_equal(number, i);
			assert_ok(bw_view_paths_get(paths, number, &path));
			assert_true(bw_slice_is(path, text));
		}
	}
	bw_view_paths_free(paths);
}

static void there_is_an_end_to_paths(void **state)
{
	struct bw_view_paths *paths;
	struct bw_slice path;
	uint32_t number;

	(void)state;
	assert_ok(bw_view_paths_new(2, &paths));
	assert_ok(bw_view_paths_put(paths, bw_slice_empty, &number));
	assert_int_equal(number, 0);
	assert_ok(bw_view_paths_put(paths, BW_LIT("/a"), &number));
	assert_int_equal(bw_view_paths_put(paths, BW_LIT("/b"), &number), BW_ERR_TOO_MANY);
	assert_ok(bw_view_paths_put(paths, BW_LIT("/a"), &number));
	assert_int_equal(bw_view_paths_get(paths, 2, &path), BW_ERR_NOT_FOUND);
	bw_view_paths_free(paths);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_path_has_one_number_and_keeps_it),
		cmocka_unit_test(there_is_an_end_to_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
