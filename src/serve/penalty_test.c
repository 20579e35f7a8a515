#include "serve/penalty.h"

#include <stdio.h>

#include "base/test.h"

#define ALICE BW_LIT("alice")
#define BOB BW_LIT("bob")
#define HERE BW_LIT("here----:address")
#define THERE BW_LIT("there---:address")

enum { QUARTER_HOUR_MS = 15 * 60 * 1000 };

static int make(void **state)
{
	struct bw_penalties *penalties = NULL;

	if (bw_penalties_new(&penalties) != BW_OK)
		return -1;
	*state = penalties;
	return 0;
}

static int drop(void **state)
{
	bw_penalties_free(*state);
	return 0;
}

static void guess(struct bw_penalties *penalties, int times, struct bw_slice account, struct bw_slice where)
{
	for (int i = 0; i < times; i++)
		bw_penalty_failed(penalties, account, where, 1000);
}

static void three_mistakes_cost_nothing_and_each_further_one_doubles_the_wait(void **state)
{
	guess(*state, 3, ALICE, HERE);
	assert_int_equal(bw_penalty_wait(*state, ALICE, HERE, 1000), 0);
	guess(*state, 1, ALICE, HERE);
	assert_int_equal(bw_penalty_wait(*state, ALICE, HERE, 1000), 500);
	guess(*state, 1, ALICE, HERE);
	assert_int_equal(bw_penalty_wait(*state, ALICE, HERE, 1000), 1000);
	guess(*state, 1, ALICE, HERE);
	assert_int_equal(bw_penalty_wait(*state, ALICE, HERE, 1000), 2000);
}

static void the_wait_runs_out(void **state)
{
	guess(*state, 4, ALICE, HERE);
	assert_int_equal(bw_penalty_wait(*state, ALICE, HERE, 1400), 100);
	assert_int_equal(bw_penalty_wait(*state, ALICE, HERE, 1500), 0);
}

static void the_wait_has_a_longest(void **state)
{
	guess(*state, 100, ALICE, HERE);
	assert_int_equal(bw_penalty_wait(*state, ALICE, HERE, 1000), 60000);
}

static void an_address_that_guesses_many_accounts_waits_for_all_of_them(void **state)
{
	char name[16];

	for (int i = 0; i < 12; i++) {
		(void)snprintf(name, sizeof(name), "account-%d", i);
		guess(*state, 1, bw_slice_text(name), HERE);
	}
	assert_int_equal(bw_penalty_wait(*state, BOB, HERE, 1000), 1000);
	assert_int_equal(bw_penalty_wait(*state, BOB, THERE, 1000), 0);
}

static void nobody_can_lock_somebody_else_out(void **state)
{
	char where[17];

	for (int i = 0; i < 1000; i++) {
		(void)snprintf(where, sizeof(where), "%08d:address", i);
		guess(*state, 1, ALICE, bw_slice_text(where));
	}
	/* from an address of her own the true owner waits two seconds at most */
	assert_true(bw_penalty_wait(*state, ALICE, HERE, 1000) <= 2000);
}

static void whoever_has_logged_in_from_here_does_not_wait_for_guesses_from_elsewhere(void **state)
{
	bw_penalty_passed(*state, ALICE, HERE, 1000);
	nobody_can_lock_somebody_else_out(state);
	assert_int_equal(bw_penalty_wait(*state, ALICE, HERE, 1000), 0);
	assert_true(bw_penalty_wait(*state, ALICE, THERE, 1000) > 0);
	guess(*state, 4, ALICE, HERE); /* one's own mistakes still count */
	assert_true(bw_penalty_wait(*state, ALICE, HERE, 1000) > 0);
}

static void a_right_password_forgives_the_pair_but_not_the_address(void **state)
{
	guess(*state, 20, ALICE, HERE);
	bw_penalty_passed(*state, ALICE, HERE, 1000);
	assert_true(bw_penalty_wait(*state, BOB, HERE, 1000) > 0);
	guess(*state, 4, ALICE, THERE);
	bw_penalty_passed(*state, ALICE, THERE, 1000);
	assert_int_equal(bw_penalty_wait(*state, ALICE, THERE, 1000), 0);
}

static void a_quarter_of_an_hour_later_all_is_forgotten(void **state)
{
	guess(*state, 30, ALICE, HERE);
	assert_int_equal(bw_penalty_wait(*state, ALICE, HERE, 1001 + QUARTER_HOUR_MS), 0);
	bw_penalty_failed(*state, ALICE, HERE, 1001 + QUARTER_HOUR_MS);
	assert_int_equal(bw_penalty_wait(*state, ALICE, HERE, 1001 + QUARTER_HOUR_MS), 0);
}

static void more_strangers_than_there_is_room_for_do_no_harm(void **state)
{
	char where[17];

	for (int i = 0; i < 50000; i++) {
		(void)snprintf(where, sizeof(where), "%08d:address", i);
		bw_penalty_failed(*state, ALICE, bw_slice_text(where), 1000 + i);
	}
	assert_true(bw_penalty_wait(*state, ALICE, HERE, 51000) <= 2000);
}

static void one_ipv6_network_is_one_client_however_many_addresses_it_uses(void **state)
{
	uint8_t ip[16] = { 0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 2 };
	const struct bw_slice address = bw_slice_of(ip, sizeof(ip));

	for (uint8_t i = 0; i < 20; i++) {
		ip[8 + i % 8] = (uint8_t)(i + 1);
		bw_penalty_failed(*state, ALICE, address, 1000);
	}
	ip[15] = 0xff;
	assert_true(bw_penalty_wait(*state, ALICE, address, 1000) > 1000);
	assert_true(bw_penalty_wait(*state, BOB, address, 1000) > 1000);
	ip[7] = 3; /* the network next door */
	assert_int_equal(bw_penalty_wait(*state, ALICE, address, 1000), 0);
}

static void each_ipv4_address_is_a_client_of_its_own(void **state)
{
	uint8_t ip[16] = { [10] = 0xff, [11] = 0xff, [12] = 192, [13] = 0, [14] = 2, [15] = 1 };
	const struct bw_slice address = bw_slice_of(ip, sizeof(ip));

	guess(*state, 20, ALICE, address);
	assert_true(bw_penalty_wait(*state, ALICE, address, 1000) > 1000);
	ip[15] = 2;
	assert_int_equal(bw_penalty_wait(*state, ALICE, address, 1000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(three_mistakes_cost_nothing_and_each_further_one_doubles_the_wait, make,
						drop),
		cmocka_unit_test_setup_teardown(the_wait_runs_out, make, drop),
		cmocka_unit_test_setup_teardown(the_wait_has_a_longest, make, drop),
		cmocka_unit_test_setup_teardown(an_address_that_guesses_many_accounts_waits_for_all_of_them, make,
						drop),
		cmocka_unit_test_setup_teardown(nobody_can_lock_somebody_else_out, make, drop),
		cmocka_unit_test_setup_teardown(
			whoever_has_logged_in_from_here_does_not_wait_for_guesses_from_elsewhere, make, drop),
		cmocka_unit_test_setup_teardown(a_right_password_forgives_the_pair_but_not_the_address, make, drop),
		cmocka_unit_test_setup_teardown(a_quarter_of_an_hour_later_all_is_forgotten, make, drop),
		cmocka_unit_test_setup_teardown(one_ipv6_network_is_one_client_however_many_addresses_it_uses, make,
						drop),
		cmocka_unit_test_setup_teardown(each_ipv4_address_is_a_client_of_its_own, make, drop),
		cmocka_unit_test_setup_teardown(more_strangers_than_there_is_room_for_do_no_harm, make, drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
