#include "serve/auth_cache.h"

#include <stdio.h>

#include "base/test.h"

enum { NOW = 1000000, GENERATION = 5 };

static const struct bw_identity alice = { .account = 17, .name = "alice" };

static int make(void **state)
{
	struct bw_auth_cache *cache = NULL;

	if (bw_auth_cache_new(&cache) != BW_OK)
		return -1;
	*state = cache;
	return 0;
}

static int drop(void **state)
{
	bw_auth_cache_free(*state);
	return 0;
}

static void keep(struct bw_auth_cache *cache, const char *credential)
{
	bw_auth_cache_keep(cache, BW_AUTH_PASSWORD, bw_slice_text(credential), GENERATION, NOW, &alice);
}

static bool has(struct bw_auth_cache *cache, const char *credential, uint64_t generation, uint64_t now_ms)
{
	struct bw_identity who = { 0 };

	if (!bw_auth_cache_find(cache, BW_AUTH_PASSWORD, bw_slice_text(credential), generation, now_ms, &who))
		return false;
	assert_int_equal(who.account, alice.account);
	assert_string_equal(who.name, alice.name);
	return true;
}

static void what_was_checked_is_remembered(void **state)
{
	assert_false(has(*state, "alice:secret", GENERATION, NOW));
	keep(*state, "alice:secret");
	assert_true(has(*state, "alice:secret", GENERATION, NOW));
	assert_true(has(*state, "alice:secret", GENERATION, NOW));
	assert_false(has(*state, "alice:Secret", GENERATION, NOW));
	assert_false(has(*state, "alice:secre", GENERATION, NOW));
	assert_false(has(*state, "", GENERATION, NOW));
}

static void it_is_forgotten_after_five_minutes(void **state)
{
	keep(*state, "alice:secret");
	assert_true(has(*state, "alice:secret", GENERATION, NOW + BW_AUTH_TTL_MS - 1));
	assert_false(has(*state, "alice:secret", GENERATION, NOW + BW_AUTH_TTL_MS));
	/* gone, not only passed over */
	assert_false(has(*state, "alice:secret", GENERATION, NOW));
}

static void a_change_to_any_account_makes_it_void_at_once(void **state)
{
	keep(*state, "alice:secret");
	assert_false(has(*state, "alice:secret", GENERATION + 1, NOW));
	assert_false(has(*state, "alice:secret", GENERATION, NOW));
}

static void a_certificate_is_no_password(void **state)
{
	struct bw_identity who;

	bw_auth_cache_keep(*state, BW_AUTH_CERT, BW_LIT("fingerprint"), GENERATION, NOW, &alice);
	assert_false(bw_auth_cache_find(*state, BW_AUTH_PASSWORD, BW_LIT("fingerprint"), GENERATION, NOW, &who));
	assert_false(bw_auth_cache_find(*state, BW_AUTH_KEY, BW_LIT("fingerprint"), GENERATION, NOW, &who));
	assert_true(bw_auth_cache_find(*state, BW_AUTH_CERT, BW_LIT("fingerprint"), GENERATION, NOW, &who));
}

static void keeping_again_renews(void **state)
{
	keep(*state, "alice:secret");
	bw_auth_cache_keep(*state, BW_AUTH_PASSWORD, BW_LIT("alice:secret"), GENERATION + 1, NOW + 1000, &alice);
	assert_true(has(*state, "alice:secret", GENERATION + 1, NOW + BW_AUTH_TTL_MS));
}

static void more_accounts_than_there_is_room_for_push_out_old_ones_only(void **state)
{
	char credential[32];

	for (int i = 0; i < 20000; i++) {
		(void)snprintf(credential, sizeof(credential), "account-%d:secret", i);
		bw_auth_cache_keep(*state, BW_AUTH_PASSWORD, bw_slice_text(credential), GENERATION, NOW + (uint64_t)i,
				   &alice);
		assert_true(has(*state, credential, GENERATION, NOW + (uint64_t)i));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_checked_is_remembered, make, drop),
		cmocka_unit_test_setup_teardown(it_is_forgotten_after_five_minutes, make, drop),
		cmocka_unit_test_setup_teardown(a_change_to_any_account_makes_it_void_at_once, make, drop),
		cmocka_unit_test_setup_teardown(a_certificate_is_no_password, make, drop),
		cmocka_unit_test_setup_teardown(keeping_again_renews, make, drop),
		cmocka_unit_test_setup_teardown(more_accounts_than_there_is_room_for_push_out_old_ones_only, make,
						drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
