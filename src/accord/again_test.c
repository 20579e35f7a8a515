#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "accord/again.h"
#include "sys/files.h"

static struct bw_again again;
static char folder[64];

static int set_up(void **state)
{
	(void)state;
	again = BW_AGAIN_INIT;
	(void)snprintf(folder, sizeof(folder), "/tmp/bw-again-XXXXXX");
	assert_non_null(mkdtemp(folder));
	return 0;
}

static int tear_down(void **state)
{
	char path[BW_PATH_BYTES];

	(void)state;
	bw_again_release(&again);
	assert_ok(bw_path_join(path, folder, "again"));
	(void)unlink(path);
	return rmdir(folder);
}

static struct bw_decision withheld(enum bw_clause clause)
{
	return (struct bw_decision){ .verdict = BW_VERDICT_WITHHELD, .clause = (uint8_t)clause };
}

static void a_definition_that_somebody_waits_for_is_told_once(void **state)
{
	(void)state;
	assert_false(bw_again_is_waiting(&again));
	assert_true(bw_again_strange(&again, BW_LIT("marking-definition--1"), 50));
	assert_false(bw_again_strange(&again, BW_LIT("marking-definition--1"), 50));
	assert_true(bw_again_strange(&again, BW_LIT("marking-definition--2"), 40));
	assert_int_equal(again.defined_us, 40); /* what came behind that has to be looked at once more */
	assert_false(bw_again_defined(&again, BW_LIT("marking-definition--3")));
	assert_true(bw_again_defined(&again, BW_LIT("marking-definition--1")));
	assert_false(bw_again_defined(&again, BW_LIT("marking-definition--1")));
	assert_true(bw_again_is_waiting(&again));
	assert_true(bw_again_defined(&again, BW_LIT("marking-definition--2")));
	assert_false(bw_again_is_waiting(&again));
}

static void with_too_many_that_nobody_knows_any_definition_counts(void **state)
{
	(void)state;
	for (int i = 0; i < BW_AGAIN_STRANGE_MAX + 5; i++) {
		char id[64];

		(void)snprintf(id, sizeof(id), "marking-definition--%d", i);
		assert_int_equal(bw_again_strange(&again, bw_slice_text(id), 9), i <= BW_AGAIN_STRANGE_MAX);
	}
	assert_true(bw_again_defined(&again, BW_LIT("marking-definition--999999")));
	assert_true(bw_again_is_waiting(&again));
}

static void a_walk_looks_at_what_it_is_for_and_goes_round_until_nothing_moves(void **state)
{
	const struct bw_decision colour = withheld(BW_CLAUSE_COLOUR);
	const struct bw_decision strange = withheld(BW_CLAUSE_STRANGE);
	const struct bw_decision reference = withheld(BW_CLAUSE_REFERENCE);
	const struct bw_decision copy = withheld(BW_CLAUSE_COPY);
	const struct bw_decision sent = { .verdict = BW_VERDICT_SENT };

	(void)state;
	assert_false(bw_again_is_walking(&again));
	bw_again_begin(&again, 100, false);
	assert_true(bw_again_is_walking(&again));
	assert_true(bw_again_wants(&again, &strange) && bw_again_wants(&again, &reference));
	assert_false(bw_again_wants(&again, &colour) || bw_again_wants(&again, &sent));
	bw_again_walked(&again, 60, false);
	bw_again_begin(&again, 120, true); /* under way: anew, for both */
	assert_int_equal(again.place_us, 0);
	assert_true(bw_again_wants(&again, &colour) && bw_again_wants(&again, &strange));
	assert_false(bw_again_wants(&again, &sent) || bw_again_wants(&again, &copy));
	bw_again_walked(&again, 60, true);
	bw_again_walked(&again, 120, false);
	assert_true(bw_again_is_walking(&again)); /* something went: what refers to it */
	assert_false(bw_again_wants(&again, &colour));
	bw_again_walked(&again, 130, false);
	assert_false(bw_again_is_walking(&again));
}

static void what_is_kept_comes_back_and_what_is_damaged_does_not(void **state)
{
	static const uint8_t basis[BW_SHA256_BYTES] = { 7 };
	struct bw_again back = BW_AGAIN_INIT;
	BW_CLEANUP(bw_buf_release) struct bw_buf file = BW_BUF_INIT(4096);
	char path[BW_PATH_BYTES];

	(void)state;
	assert_ok(bw_again_load(folder, &back, NULL)); /* no file */
	assert_false(back.has_basis || bw_again_is_waiting(&back));
	assert_true(bw_again_rests_on(&again, basis));
	assert_false(bw_again_rests_on(&again, basis));
	assert_true(bw_again_strange(&again, BW_LIT("marking-definition--1"), 50));
	bw_again_begin(&again, 100, true);
	bw_again_walked(&again, 30, true);
	assert_ok(bw_again_save(folder, &again, NULL));
	assert_ok(bw_again_load(folder, &back, NULL));
	assert_int_equal(back.place_us, 30);
	assert_int_equal(back.upto_us, 100);
	assert_int_equal(back.defined_us, 50);
	assert_true(back.everything && back.has_moved && !back.is_any);
	assert_false(bw_again_rests_on(&back, basis));
	assert_true(bw_again_defined(&back, BW_LIT("marking-definition--1")));
	assert_ok(bw_path_join(path, folder, "again"));
	assert_ok(bw_file_read(path, &file, NULL));
	for (size_t i = 0; i < file.len; i += 13) {
		file.ptr[i] ^= 1;
		assert_ok(bw_file_write(path, bw_buf_slice(&file), 0600, NULL));
		assert_int_equal(bw_again_load(folder, &back, NULL), BW_ERR_CORRUPT);
		assert_false(bw_again_is_walking(&back) || back.has_basis);
		file.ptr[i] ^= 1;
	}
	bw_again_release(&back);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_definition_that_somebody_waits_for_is_told_once),
		TEST(with_too_many_that_nobody_knows_any_definition_counts),
		TEST(a_walk_looks_at_what_it_is_for_and_goes_round_until_nothing_moves),
		TEST(what_is_kept_comes_back_and_what_is_damaged_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
