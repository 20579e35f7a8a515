#include "store/accounts.h"

#include "store/status.h"
#include "store/test.h"

static uint32_t account_named(struct fixture *f, const char *name)
{
	struct bw_account account = { .password = "$argon2id$x" };

	(void)snprintf(account.name, sizeof(account.name), "%s", name);
	assert_ok(bw_store_account_add(f->store, &account));
	assert_true(account.number > 0);
	return account.number;
}

static void an_account_is_found_by_name_number_key_and_certificate(void **state)
{
	struct fixture *f = *state;
	const uint32_t number = account_named(f, "analyst");
	const uint8_t key[32] = { 1 };
	const uint8_t cert[32] = { 2 };
	struct bw_account found;

	assert_ok(bw_store_account_add_key(f->store, number, key, BW_LIT("laptop")));
	assert_ok(bw_store_account_add_cert(f->store, number, cert, BW_LIT("gateway")));
	assert_int_equal(bw_store_account_add_key(f->store, number, key, BW_LIT("again")), BW_ERR_EXISTS);
	assert_ok(bw_store_commit(f->store));
	fixture_reopen(f);
	assert_ok(bw_store_account_by_name(f->store, BW_LIT("analyst"), &found));
	assert_int_equal(found.number, number);
	assert_string_equal(found.password, "$argon2id$x");
	assert_ok(bw_store_account_get(f->store, number, &found));
	assert_ok(bw_store_account_by_key(f->store, key, &found));
	assert_string_equal(found.name, "analyst");
	assert_ok(bw_store_account_by_cert(f->store, cert, &found));
	assert_int_equal(bw_store_account_by_cert(f->store, key, &found), BW_ERR_NOT_FOUND);

	assert_ok(bw_store_account_revoke(f->store, number));
	assert_int_equal(bw_store_account_by_key(f->store, key, &found), BW_ERR_NOT_FOUND);
	assert_int_equal(bw_store_account_by_cert(f->store, cert, &found), BW_ERR_NOT_FOUND);
}

static void a_removed_account_takes_everything_with_it_and_its_number_never_returns(void **state)
{
	struct fixture *f = *state;
	const uint32_t number = account_named(f, "leaver");
	const uint8_t key[32] = { 1 };
	struct bw_account found;
	int64_t left;

	assert_ok(bw_store_account_add_key(f->store, number, key, BW_LIT("k")));
	assert_ok(bw_store_grant_set(f->store, number, f->collection, BW_GRANT_BOTH));
	assert_ok(bw_store_account_remove(f->store, number));
	assert_int_equal(bw_store_account_remove(f->store, number), BW_ERR_NOT_FOUND);
	assert_int_equal(bw_store_account_by_key(f->store, key, &found), BW_ERR_NOT_FOUND);
	assert_ok(bw_sql_number(f->store->db, "SELECT count(*) FROM account_grant", &left));
	assert_int_equal(left, 0);
	assert_true(account_named(f, "leaver") > number);
}

static void names_that_could_confuse_basic_authentication_are_refused(void **state)
{
	struct fixture *f = *state;
	static const char *const bad[] = { "", "a b", "a:b", "a\nb", "\xff", "\x7f" };

	for (size_t i = 0; i < BW_COUNT(bad); i++) {
		struct bw_account account = { 0 };

		(void)snprintf(account.name, sizeof(account.name), "%s", bad[i]);
		assert_int_equal(bw_store_account_add(f->store, &account), BW_ERR_SYNTAX);
	}
	(void)account_named(f, "søren");
	assert_int_equal(bw_store_account_add(f->store, &(struct bw_account){ .name = "søren" }), BW_ERR_EXISTS);
}

static void grants_say_none_until_given_and_again_when_taken(void **state)
{
	struct fixture *f = *state;
	const uint32_t number = account_named(f, "feeder");
	enum bw_grant grant;

	assert_ok(bw_store_grant_get(f->store, number, f->collection, &grant));
	assert_int_equal(grant, BW_GRANT_NONE);
	assert_ok(bw_store_grant_set(f->store, number, f->collection, BW_GRANT_WRITE));
	assert_ok(bw_store_grant_set(f->store, number, f->collection, BW_GRANT_BOTH));
	assert_ok(bw_store_grant_get(f->store, number, f->collection, &grant));
	assert_int_equal(grant, BW_GRANT_BOTH);
	assert_ok(bw_store_grant_set(f->store, number, f->collection, BW_GRANT_NONE));
	assert_ok(bw_store_grant_get(f->store, number, f->collection, &grant));
	assert_int_equal(grant, BW_GRANT_NONE);
	assert_int_equal(bw_store_grant_set(f->store, 999, f->collection, BW_GRANT_READ), BW_ERR_NOT_FOUND);
}

static void every_change_moves_the_generation_of_accounts_when_committed(void **state)
{
	struct fixture *f = *state;
	const uint64_t before = bw_bulletin_accounts(&f->store->bulletin);
	uint32_t number;

	number = account_named(f, "a");
	assert_int_equal(bw_bulletin_accounts(&f->store->bulletin), before);
	assert_ok(bw_store_commit(f->store));
	assert_int_equal(bw_bulletin_accounts(&f->store->bulletin), before + 1);
	assert_ok(bw_store_account_set_disabled(f->store, number, true));
	assert_ok(bw_store_account_set_password(f->store, number, BW_LIT("$x")));
	assert_ok(bw_store_commit(f->store));
	assert_int_equal(bw_bulletin_accounts(&f->store->bulletin), before + 2);
	assert_ok(bw_store_account_remove(f->store, number));
	bw_store_rollback(f->store);
	assert_int_equal(bw_bulletin_accounts(&f->store->bulletin), before + 2);
}

static void all_accounts_are_listed_in_the_order_they_were_made(void **state)
{
	struct fixture *f = *state;
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	struct bw_account *list;
	size_t count;

	(void)account_named(f, "zoe");
	(void)account_named(f, "adam");
	assert_ok(bw_store_accounts(f->store, &arena, &list, &count));
	assert_int_equal(count, 2);
	assert_string_equal(list[0].name, "zoe");
	assert_string_equal(list[1].name, "adam");
}

static int64_t status_clock_us;

static int64_t status_clock(void)
{
	return status_clock_us;
}

static void a_status_is_for_its_account_and_for_two_days(void **state)
{
	struct fixture *f = *state;
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	const struct bw_slice id = BW_LIT("2d086da7-4bdc-4f91-900e-d77486753710");
	struct bw_slice json;
	int64_t left;

	status_clock_us = 1700000000000000;
	f->store->now_us = status_clock;
	assert_ok(bw_store_status_put(f->store, id, 7, BW_LIT("{\"a\":1}")));
	assert_ok(bw_store_commit(f->store));
	assert_ok(bw_store_status_get(f->store, id, 7, &arena, &json));
	assert_slice(json, "{\"a\":1}");
	assert_ok(bw_store_status_get(f->store, id, 0, &arena, &json));
	assert_int_equal(bw_store_status_get(f->store, id, 8, &arena, &json), BW_ERR_NOT_FOUND);
	assert_int_equal(bw_store_status_get(f->store, BW_LIT("x"), 7, &arena, &json), BW_ERR_NOT_FOUND);
	status_clock_us += (int64_t)47 * 3600 * 1000000;
	assert_ok(bw_store_status_get(f->store, id, 7, &arena, &json));
	status_clock_us += (int64_t)2 * 3600 * 1000000;
	assert_int_equal(bw_store_status_get(f->store, id, 7, &arena, &json), BW_ERR_NOT_FOUND);
	assert_ok(bw_store_status_put(f->store, BW_LIT("3d086da7-4bdc-4f91-900e-d77486753710"), 7, BW_LIT("{}")));
	assert_ok(bw_sql_number(f->store->db, "SELECT count(*) FROM status", &left));
	assert_int_equal(left, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_account_is_found_by_name_number_key_and_certificate),
		TEST(a_removed_account_takes_everything_with_it_and_its_number_never_returns),
		TEST(names_that_could_confuse_basic_authentication_are_refused),
		TEST(grants_say_none_until_given_and_again_when_taken),
		TEST(every_change_moves_the_generation_of_accounts_when_committed),
		TEST(all_accounts_are_listed_in_the_order_they_were_made),
		TEST(a_status_is_for_its_account_and_for_two_days),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
