#include "base/err.h"

#include <errno.h>

#include "base/test.h"

static void every_error_has_words_and_a_name_of_its_own(void **state)
{
	(void)state;
	for (int i = 0; i < BW_ERR_COUNT; i++) {
		assert_true(strlen(bw_err_text((enum bw_err)i)) > 3);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(bw_err_name((enum bw_err)i), bw_err_name((enum bw_err)j));
	}
	assert_string_equal(bw_err_name(BW_ERR_TOO_BIG), "TOO_BIG");
}

static void a_number_that_is_no_error_still_has_words(void **state)
{
	(void)state;
	assert_string_equal(bw_err_name((enum bw_err)9999), "UNKNOWN");
	assert_non_null(bw_err_text((enum bw_err) - 1));
}

static void the_kernels_numbers_find_their_row(void **state)
{
	(void)state;
	assert_int_equal(bw_err_from_errno(0), BW_OK);
	assert_int_equal(bw_err_from_errno(ENOSPC), BW_ERR_DISK_FULL);
	assert_int_equal(bw_err_from_errno(EROFS), BW_ERR_READ_ONLY);
	assert_int_equal(bw_err_from_errno(EMFILE), BW_ERR_TOO_MANY);
	assert_int_equal(bw_err_last_errno(), 0);
	assert_int_equal(bw_err_from_errno(EDOM), BW_ERR_SYSTEM);
	assert_int_equal(bw_err_from_errno(EIO), BW_ERR_IO);
	assert_int_equal(bw_err_last_errno(), EDOM);
}

static void a_fault_is_filled_when_there_is_one(void **state)
{
	struct bw_fault fault = { 0 };

	(void)state;
	assert_int_equal(bw_fault_set(&fault, BW_ERR_SYNTAX, 12, "why"), BW_ERR_SYNTAX);
	assert_int_equal(fault.offset, 12);
	assert_string_equal(fault.reason, "why");
	assert_int_equal(bw_fault_set(NULL, BW_ERR_SYNTAX, 12, "why"), BW_ERR_SYNTAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_error_has_words_and_a_name_of_its_own),
		cmocka_unit_test(a_number_that_is_no_error_still_has_words),
		cmocka_unit_test(the_kernels_numbers_find_their_row),
		cmocka_unit_test(a_fault_is_filled_when_there_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
