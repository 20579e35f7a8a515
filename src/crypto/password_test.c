#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "crypto/password.h"

static void a_password_fits_its_own_hash_and_no_other_fits(void **state)
{
	char stored[BW_PASSWORD_HASH_BYTES];

	(void)state;
	assert_int_equal(bw_password_hash(BW_LIT("correct horse"), stored), BW_OK);
	assert_true(bw_slice_starts(bw_slice_text(stored), BW_LIT("$argon2id$v=19$m=19456,t=2,p=1$")));
	assert_int_equal(bw_password_verify(BW_LIT("correct horse"), bw_slice_text(stored)), BW_OK);
	assert_int_equal(bw_password_verify(BW_LIT("correct hors"), bw_slice_text(stored)), BW_ERR_UNAUTHENTICATED);
	assert_int_equal(bw_password_verify(BW_LIT("correct horse "), bw_slice_text(stored)), BW_ERR_UNAUTHENTICATED);
	assert_int_equal(bw_password_verify(bw_slice_empty, bw_slice_text(stored)), BW_ERR_UNAUTHENTICATED);
	assert_int_equal(bw_password_verify_nobody(BW_LIT("correct horse")), BW_ERR_UNAUTHENTICATED);
}

static void the_same_password_never_gives_the_same_hash(void **state)
{
	char a[BW_PASSWORD_HASH_BYTES];
	char b[BW_PASSWORD_HASH_BYTES];

	(void)state;
	assert_int_equal(bw_password_hash(BW_LIT("x"), a), BW_OK);
	assert_int_equal(bw_password_hash(BW_LIT("x"), b), BW_OK);
	assert_string_not_equal(a, b);
}

static void a_hash_made_by_the_reference_program_verifies(void **state)
{
	/* phc-winner-argon2, `echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1`, from its own test file */
	static const char stored[] = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ"
				     "$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

	(void)state;
	assert_int_equal(bw_password_verify(BW_LIT("password"), bw_slice_text(stored)), BW_OK);
	assert_int_equal(bw_password_verify(BW_LIT("passwore"), bw_slice_text(stored)), BW_ERR_UNAUTHENTICATED);
}

static void a_stored_text_that_asks_for_too_much_is_refused_before_any_work(void **state)
{
#define TAIL "$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	static const struct {
		const char *stored;
		enum bw_err want;
	} rows[] = {
		{ "$argon2id$v=19$m=65537,t=2,p=1" TAIL, BW_ERR_RANGE },
		{ "$argon2id$v=19$m=4294967295,t=2,p=1" TAIL, BW_ERR_RANGE },
		{ "$argon2id$v=19$m=99999999999999999999,t=2,p=1" TAIL, BW_ERR_OVERFLOW },
		{ "$argon2id$v=19$m=65536,t=11,p=1" TAIL, BW_ERR_RANGE },
		{ "$argon2id$v=19$m=65536,t=0,p=1" TAIL, BW_ERR_RANGE },
		{ "$argon2id$v=19$m=65536,t=2,p=5" TAIL, BW_ERR_RANGE },
		{ "$argon2id$v=19$m=7,t=2,p=1" TAIL, BW_ERR_RANGE },
	};
#undef TAIL

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++)
		assert_int_equal(bw_password_verify(BW_LIT("password"), bw_slice_text(rows[i].stored)), rows[i].want);
}

static void a_stored_text_that_is_not_ours_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"$2b$12$abcdefghijklmnopqrstuv",
		"$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=16$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$t=2,m=65536,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ",
		"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ=$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHR$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc$",
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(bad); i++)
		assert_int_equal(bw_password_verify(BW_LIT("password"), bw_slice_text(bad[i])), BW_ERR_SYNTAX);
}

static void passwords_are_bounded_and_not_empty(void **state)
{
	static uint8_t longest[BW_PASSWORD_MAX + 1];
	char stored[BW_PASSWORD_HASH_BYTES];

	(void)state;
	assert_int_equal(bw_password_hash(bw_slice_empty, stored), BW_ERR_RANGE);
	assert_int_equal(bw_password_hash(bw_slice_of(longest, sizeof(longest)), stored), BW_ERR_TOO_BIG);
	assert_int_equal(bw_password_hash(bw_slice_of(longest, sizeof(longest) - 1), stored), BW_OK);
}

static void api_keys_carry_a_check_that_finds_any_single_change(void **state)
{
	BW_CLEANUP(bw_secret_wipe) struct bw_secret key = { 0 };
	uint8_t hash[BW_SHA256_BYTES];

	(void)state;
	assert_int_equal(bw_api_key_make(&key), BW_OK);
	assert_int_equal(key.len, BW_API_KEY_CHARS);
	assert_true(bw_slice_starts(bw_secret_slice(&key), BW_LIT("bwk_")));
	assert_true(bw_api_key_is_well_formed(bw_secret_slice(&key)));
	for (size_t i = 0; i < key.len; i++) {
		const uint8_t before = key.ptr[i];

		key.ptr[i] = before == 'a' ? 'b' : 'a';
		assert_false(bw_api_key_is_well_formed(bw_secret_slice(&key)));
		assert_int_equal(bw_api_key_hash(bw_secret_slice(&key), hash), BW_ERR_SYNTAX);
		key.ptr[i] = before;
	}
}

static void two_api_keys_differ_and_hash_differently(void **state)
{
	BW_CLEANUP(bw_secret_wipe) struct bw_secret a = { 0 };
	BW_CLEANUP(bw_secret_wipe) struct bw_secret b = { 0 };
	uint8_t x[BW_SHA256_BYTES];
	uint8_t y[BW_SHA256_BYTES];

	(void)state;
	assert_int_equal(bw_api_key_make(&a), BW_OK);
	assert_int_equal(bw_api_key_make(&b), BW_OK);
	assert_int_equal(bw_api_key_hash(bw_secret_slice(&a), x), BW_OK);
	assert_int_equal(bw_api_key_hash(bw_secret_slice(&b), y), BW_OK);
	assert_memory_not_equal(x, y, sizeof(x));
	assert_int_equal(bw_api_key_hash(bw_secret_slice(&a), y), BW_OK);
	assert_memory_equal(x, y, sizeof(x));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_password_fits_its_own_hash_and_no_other_fits),
		cmocka_unit_test(the_same_password_never_gives_the_same_hash),
		cmocka_unit_test(a_hash_made_by_the_reference_program_verifies),
		cmocka_unit_test(a_stored_text_that_asks_for_too_much_is_refused_before_any_work),
		cmocka_unit_test(a_stored_text_that_is_not_ours_is_refused),
		cmocka_unit_test(passwords_are_bounded_and_not_empty),
		cmocka_unit_test(api_keys_carry_a_check_that_finds_any_single_change),
		cmocka_unit_test(two_api_keys_differ_and_hash_differently),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
