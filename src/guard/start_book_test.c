#include "guard/start_book.h"

#include "base/test.h"

static const struct bw_start_facts stopped = {
	.boot = "one",
	.wall_us = INT64_C(1000000000000000),
	.since_us = 500000000,
	.store_count = 1,
	.stores = { { 12, 2049, 4096, 99, { (const uint8_t *)"/srv/.breakwater-guard", 22 } } },
};

static struct bw_start_facts later(int64_t seconds)
{
	struct bw_start_facts now = stopped;

	now.wall_us += seconds * 1000000;
	now.since_us += seconds * 1000000;
	return now;
}

static void assert_found(const struct bw_start_facts *before, const struct bw_start_facts *now, const char *words)
{
	struct bw_buf found = BW_BUF_INIT(65536);

	assert_int_equal(bw_start_compare(before, now, &found), BW_OK);
	assert_int_equal(bw_buf_add_u8(&found, '\0'), BW_OK);
	if (words == NULL)
		assert_string_equal((const char *)found.ptr, "");
	else if (strstr((const char *)found.ptr, words) == NULL)
		fail_msg("'%s' is not in '%s'", words, (const char *)found.ptr);
	bw_buf_release(&found);
}

static void what_is_written_is_read_again(void **state)
{
	struct bw_buf text = BW_BUF_INIT(65536);
	struct bw_start_facts read;

	(void)state;
	assert_int_equal(bw_start_write(&stopped, &text), BW_OK);
	assert_int_equal(bw_start_parse(bw_buf_slice(&text), &read), BW_OK);
	assert_false(read.runs);
	assert_string_equal(read.boot, "one");
	assert_true(read.wall_us == stopped.wall_us && read.since_us == stopped.since_us);
	assert_int_equal(read.store_count, 1);
	assert_true(read.stores[0].ino == 12 && read.stores[0].mtime_ns == 99);
	assert_found(&read, &stopped, NULL);
	bw_buf_release(&text);
}

static void what_is_no_state_is_refused(void **state)
{
	static const char *const texts[] = { "",
					     "state",
					     "state gone\nwall 5\n",
					     "state running\n",
					     "wall x\n",
					     "state stopped\nwall 5\nstore 1 2 3 /x\n",
					     "state stopped\nwall 5\ncut" };
	struct bw_start_facts read;

	(void)state;
	for (size_t i = 0; i < BW_COUNT(texts); i++)
		assert_int_not_equal(bw_start_parse(bw_slice_text(texts[i]), &read), BW_OK);
}

static void an_orderly_stop_is_nothing_to_speak_of(void **state)
{
	const struct bw_start_facts now = later(3600);

	(void)state;
	assert_found(&stopped, &now, NULL);
}

static void a_guard_that_was_killed_is_told_from_a_machine_that_went_down(void **state)
{
	struct bw_start_facts before = stopped;
	struct bw_start_facts now = later(60);

	(void)state;
	before.runs = true;
	assert_found(&before, &now, "was killed");
	memcpy(now.boot, "two", 4);
	now.since_us = 1000000;
	assert_found(&before, &now, "machine went down");
}

static void a_clock_that_was_set_is_noticed_either_way(void **state)
{
	struct bw_start_facts now = later(60);

	(void)state;
	now.wall_us -= INT64_C(3600000000);
	assert_found(&stopped, &now, "set back by 3600 seconds");
	now.wall_us += INT64_C(7200000000);
	assert_found(&stopped, &now, "set forward by 3600 seconds");
	memcpy(now.boot, "two", 4);
	now.since_us = 1000000;
	assert_found(&stopped, &now, NULL); /* nobody knows how long it was off */
	now.wall_us = stopped.wall_us - 5000000;
	assert_found(&stopped, &now, "5 seconds before");
}

static void a_store_that_changed_meanwhile_is_named(void **state)
{
	struct bw_start_facts now = later(60);

	(void)state;
	now.stores[0].mtime_ns++;
	assert_found(&stopped, &now, "'/srv/.breakwater-guard' was changed");
	now.stores[0].mtime_ns--;
	now.stores[0].ino++;
	assert_found(&stopped, &now, "'/srv/.breakwater-guard' was changed");
	now.store_count = 0;
	assert_found(&stopped, &now, NULL);
}

static void what_a_command_of_our_own_changed_is_nothing_to_speak_of(void **state)
{
	struct bw_start_facts facts = stopped;
	struct bw_start_facts now = later(60);
	bool was_as_left = false;

	(void)state;
	bw_start_as_left(&facts, &now, &was_as_left);
	assert_true(was_as_left);
	now.stores[0].mtime_ns++;
	bw_start_take_own(&facts, &now, &was_as_left);
	assert_found(&facts, &now, NULL);
	now.stores[0].bytes++; /* by somebody else, and then a command of ours */
	bw_start_as_left(&facts, &now, &was_as_left);
	assert_false(was_as_left);
	now.stores[0].mtime_ns++;
	bw_start_take_own(&facts, &now, &was_as_left);
	assert_found(&facts, &now, "'/srv/.breakwater-guard' was changed");
	facts = stopped;
	facts.runs = true; /* it was killed: nobody noted how it left them */
	now = later(60);
	bw_start_as_left(&facts, &now, &was_as_left);
	assert_false(was_as_left);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(what_is_no_state_is_refused),
		cmocka_unit_test(an_orderly_stop_is_nothing_to_speak_of),
		cmocka_unit_test(a_guard_that_was_killed_is_told_from_a_machine_that_went_down),
		cmocka_unit_test(a_clock_that_was_set_is_noticed_either_way),
		cmocka_unit_test(a_store_that_changed_meanwhile_is_named),
		cmocka_unit_test(what_a_command_of_our_own_changed_is_nothing_to_speak_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
