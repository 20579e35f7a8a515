#include "cli/doctor.h"

#include "base/test.h"

static void each_file_counts_once_however_often_it_is_mapped(void **state)
{
	struct bw_slice first = bw_slice_empty;
	const struct bw_slice one = BW_LIT("1-2 r--p 00000000 08:01 7    /opt/lib/libcrypto.so.3\n"
					   "2-3 r-xp 00001000 08:01 7    /opt/lib/libcrypto.so.3\n"
					   "3-4 rw-p 00000000 00:00 0 \n"
					   "4-5 r-xp 00001000 08:01 9    /opt/libcrypto.so.3/libz.so\n");
	const struct bw_slice two = BW_LIT("1-2 r--p 0 08:01 7 /opt/lib/libcrypto.so.3\n"
					   "2-3 r--p 0 08:01 8 /usr/lib/libcrypto.so.3");

	(void)state;
	assert_int_equal(bw_doctor_count_mapped(one, BW_LIT("libcrypto.so"), &first), 1);
	assert_slice(first, "/opt/lib/libcrypto.so.3");
	assert_int_equal(bw_doctor_count_mapped(two, BW_LIT("libcrypto.so"), &first), 2);
	assert_int_equal(bw_doctor_count_mapped(bw_slice_empty, BW_LIT("libcrypto.so"), &first), 0);
}

static void an_older_openssl_is_lacking_and_an_old_answer_is_no_answer(void **state)
{
	(void)state;
	assert_int_equal(bw_doctor_judge_openssl(BW_LIT("3.5.7-1"), BW_LIT("3.5.7-1"), 0), BW_HEALTH_OK);
	assert_int_equal(bw_doctor_judge_openssl(BW_LIT("3.5.7-1"), BW_LIT("3.5.8-1"), 0), BW_HEALTH_LACKING);
	assert_int_equal(bw_doctor_judge_openssl(BW_LIT("3.5.7-1"), BW_LIT("3.5.8-1"), 99), BW_HEALTH_LACKING);
	assert_int_equal(bw_doctor_judge_openssl(BW_LIT("3.5.7-1"), BW_LIT("3.5.7-1"), 8), BW_HEALTH_UNKNOWN);
	assert_int_equal(bw_doctor_judge_openssl(BW_LIT("3.5.7-1"), bw_slice_empty, 0), BW_HEALTH_UNKNOWN);
	assert_int_equal(bw_doctor_judge_openssl(bw_slice_empty, bw_slice_empty, 0), BW_HEALTH_UNKNOWN);
}

static void the_database_is_named_with_its_version_and_lacks_nothing_here(void **state)
{
	struct bw_symptoms all = { .count = 0 };

	(void)state;
	bw_doctor_database(&all);
	assert_int_equal(all.count, 1);
	assert_string_equal(all.rows[0].name, "sqlite");
	assert_int_equal(all.rows[0].health, BW_HEALTH_OK);
	assert_true(strncmp(all.rows[0].text, "3.", 2) == 0 && strstr(all.rows[0].text, "FTS5") != NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_file_counts_once_however_often_it_is_mapped),
		cmocka_unit_test(an_older_openssl_is_lacking_and_an_old_answer_is_no_answer),
		cmocka_unit_test(the_database_is_named_with_its_version_and_lacks_nothing_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
