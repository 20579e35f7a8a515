#include "base/secret.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/test.h"

static void a_secret_is_a_copy_and_is_empty_once_wiped(void **state)
{
	uint8_t from[4] = { 'k', 'e', 'y', '1' };
	struct bw_secret secret = { 0 };

	(void)state;
	assert_ok(bw_secret_set(&secret, bw_slice_of(from, sizeof(from))));
	from[0] = 0;
	assert_slice(bw_secret_slice(&secret), "key1");
	bw_secret_wipe(&secret);
	assert_null(secret.ptr);
	assert_int_equal(bw_secret_slice(&secret).len, 0);
	bw_secret_wipe(&secret);
}

static void a_secret_is_never_empty_nor_above_its_limit(void **state)
{
	BW_CLEANUP(bw_secret_wipe) struct bw_secret secret = { 0 };

	(void)state;
	assert_int_equal(bw_secret_make(&secret, 0), BW_ERR_TOO_BIG);
	assert_int_equal(bw_secret_make(&secret, BW_SECRET_MAX + 1), BW_ERR_TOO_BIG);
	assert_ok(bw_secret_make(&secret, BW_SECRET_MAX));
	secret.ptr[BW_SECRET_MAX - 1] = 1;
	assert_ok(bw_secret_make(&secret, 1)); /* replaces, and wipes the first */
	assert_int_equal(secret.ptr[0], 0);
}

static void a_child_finds_zeros_where_the_parent_has_a_secret(void **state)
{
	BW_CLEANUP(bw_secret_wipe) struct bw_secret secret = { 0 };
	pid_t child;
	int status;

	(void)state;
	assert_ok(bw_secret_set(&secret, BW_LIT("key1")));
	child = fork();
	if (child == 0)
		_exit(secret.ptr[0] == 0 && secret.ptr[3] == 0 ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_slice(bw_secret_slice(&secret), "key1");
}

static void comparison_sees_every_byte_and_the_length(void **state)
{
	(void)state;
	assert_true(bw_equal_ct(BW_LIT("same"), BW_LIT("same")));
	assert_true(bw_equal_ct(bw_slice_empty, bw_slice_empty));
	assert_false(bw_equal_ct(BW_LIT("same"), BW_LIT("samE")));
	assert_false(bw_equal_ct(BW_LIT("Same"), BW_LIT("same")));
	assert_false(bw_equal_ct(BW_LIT("same"), BW_LIT("same!")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_secret_is_a_copy_and_is_empty_once_wiped),
		cmocka_unit_test(a_secret_is_never_empty_nor_above_its_limit),
		cmocka_unit_test(a_child_finds_zeros_where_the_parent_has_a_secret),
		cmocka_unit_test(comparison_sees_every_byte_and_the_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
