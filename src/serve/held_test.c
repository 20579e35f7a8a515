#include "serve/held.h"

#include "base/test.h"

enum { EACH = 100, ALL = 1000, ALICE = 1, BOB = 257 /* the same slot */ };

static int make(void **state)
{
	struct bw_held *held = NULL;

	if (bw_held_new(EACH, ALL, &held) != BW_OK)
		return -1;
	*state = held;
	return 0;
}

static int drop(void **state)
{
	bw_held_free(*state);
	return 0;
}

static void an_account_gets_no_more_than_its_share_until_it_has_read(void **state)
{
	assert_ok(bw_held_take(*state, ALICE, 60));
	assert_int_equal(bw_held_take(*state, ALICE, 60), BW_ERR_BUSY);
	assert_false(bw_held_is_full(*state, ALICE));
	assert_ok(bw_held_take(*state, ALICE, 40));
	assert_true(bw_held_is_full(*state, ALICE));
	assert_ok(bw_held_take(*state, BOB, 100)); /* who is not hurt by it */
	bw_held_give(*state, ALICE, 60);
	assert_false(bw_held_is_full(*state, ALICE));
	assert_ok(bw_held_take(*state, ALICE, 60));
}

static void whoever_holds_nothing_may_take_one_answer_however_large(void **state)
{
	assert_ok(bw_held_take(*state, ALICE, 500));
	assert_true(bw_held_is_full(*state, ALICE));
	assert_int_equal(bw_held_take(*state, ALICE, 0), BW_ERR_BUSY);
	bw_held_give(*state, ALICE, 500);
	assert_ok(bw_held_take(*state, ALICE, 500));
}

static void all_together_have_a_bound(void **state)
{
	for (uint32_t account = 1; account <= ALL / EACH; account++)
		assert_ok(bw_held_take(*state, account, EACH));
	assert_int_equal(bw_held_bytes(*state), ALL);
	assert_int_equal(bw_held_take(*state, 5000, 1), BW_ERR_TOO_MANY);
	assert_int_equal(bw_held_take(*state, 3, 1), BW_ERR_BUSY); /* its own share says more */
	bw_held_give(*state, 7, EACH);
	assert_ok(bw_held_take(*state, 5000, 1));
}

static void what_is_given_back_is_forgotten(void **state)
{
	for (int i = 0; i < 1000; i++) {
		assert_ok(bw_held_take(*state, ALICE, 10));
		assert_ok(bw_held_take(*state, ALICE, 0));
		assert_ok(bw_held_take(*state, BOB, 20));
		bw_held_give(*state, ALICE, 0);
		bw_held_give(*state, BOB, 20);
		bw_held_give(*state, ALICE, 10);
	}
	assert_int_equal(bw_held_bytes(*state), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_account_gets_no_more_than_its_share_until_it_has_read, make, drop),
		cmocka_unit_test_setup_teardown(whoever_holds_nothing_may_take_one_answer_however_large, make, drop),
		cmocka_unit_test_setup_teardown(all_together_have_a_bound, make, drop),
		cmocka_unit_test_setup_teardown(what_is_given_back_is_forgotten, make, drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
