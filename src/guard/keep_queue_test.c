#include "guard/keep_queue.h"

#include "base/test.h"

#define MS UINT64_C(1000000)

static struct bw_queued item(uint64_t ino, uint64_t at_ms, bool open)
{
	return (struct bw_queued){ .file = { .ino = ino },
				   .folder = { .ino = 2 },
				   .name = BW_LIT("a"),
				   .since_ns = at_ms * MS,
				   .open = open };
}

static int setup(void **state)
{
	struct bw_queue *queue;

	assert_ok(bw_queue_new(&queue));
	*state = queue;
	return 0;
}

static int teardown(void **state)
{
	bw_queue_free(*state);
	return 0;
}

static void put(struct bw_queue *queue, uint64_t ino, uint64_t at_ms, bool open)
{
	const struct bw_queued queued = item(ino, at_ms, open);

	assert_ok(bw_queue_put(queue, &queued));
}

static void a_file_that_was_closed_waits_for_a_second_of_quiet(void **state)
{
	struct bw_queued due;

	put(*state, 1, 100, false);
	assert_false(bw_queue_due(*state, 1099 * MS, &due));
	assert_true(bw_queue_due(*state, 1100 * MS, &due));
	assert_int_equal(due.file.ino, 1);
	assert_int_equal(due.since_ns, 100 * MS);
	assert_true(bw_queue_drop(*state, &due.file));
	assert_int_equal(bw_queue_next_ns(*state), UINT64_MAX);
}

static void steady_closing_puts_it_off_for_two_seconds_at_most(void **state)
{
	for (uint64_t at = 0; at <= 1900; at += 100)
		put(*state, 1, at, false);
	assert_int_equal(bw_queue_next_ns(*state), 2000 * MS);
	assert_int_equal(bw_queue_count(*state), 1);
}

static void a_file_that_stays_open_is_due_a_minute_after_its_first_write_however_often_it_is_written(void **state)
{
	for (uint64_t at = 0; at < 50000; at += 1000)
		put(*state, 1, at, true);
	assert_int_equal(bw_queue_next_ns(*state), 60000 * MS);
	assert_int_equal(bw_queue_oldest_ns(*state, 50000 * MS), 0);
}

static void its_close_begins_an_ordinary_window(void **state)
{
	struct bw_queued due;

	put(*state, 1, 0, true);
	put(*state, 1, 30000, false);
	assert_int_equal(bw_queue_next_ns(*state), 31000 * MS);
	put(*state, 1, 30900, false);
	assert_int_equal(bw_queue_next_ns(*state), 31900 * MS);
	put(*state, 1, 31800, false);
	assert_int_equal(bw_queue_next_ns(*state), 32000 * MS);
	assert_true(bw_queue_due(*state, 32000 * MS, &due));
	assert_false(due.open);
}

static void a_write_after_the_close_does_not_put_it_off(void **state)
{
	put(*state, 1, 0, false);
	put(*state, 1, 500, true);
	assert_int_equal(bw_queue_next_ns(*state), 1000 * MS);
}

static void it_is_kept_under_its_newest_name(void **state)
{
	const struct bw_file_key file = { .ino = 1 };
	const struct bw_file_key folder = { .ino = 77 };
	struct bw_queued due;

	put(*state, 1, 0, false);
	assert_ok(bw_queue_move(*state, &file, &folder, BW_LIT("new name")));
	assert_true(bw_queue_due(*state, 5000 * MS, &due));
	assert_true(bw_slice_is(due.name, "new name"));
	assert_int_equal(due.folder.ino, 77);
}

static void thousands_come_out_in_the_order_in_which_they_are_due(void **state)
{
	uint64_t before = 0;
	size_t out = 0;
	struct bw_queued due;

	for (uint64_t i = 0; i < 5000; i++)
		put(*state, i + 1, i * 7919 % 5003, i % 3 == 0);
	for (uint64_t i = 0; i < 5000; i += 5) {
		const struct bw_file_key key = { .ino = i + 1 };

		assert_true(bw_queue_drop(*state, &key));
		assert_false(bw_queue_has(*state, &key));
	}
	while (bw_queue_due(*state, UINT64_MAX - 1, &due)) {
		assert_true(bw_queue_next_ns(*state) >= before);
		before = bw_queue_next_ns(*state);
		assert_true(bw_queue_drop(*state, &due.file));
		out++;
	}
	assert_int_equal(out, 4000);
}

static void put_fresh(struct bw_queue *queue, uint64_t ino, uint64_t at_ms)
{
	struct bw_queued queued = item(ino, at_ms, false);

	queued.fresh = true;
	assert_ok(bw_queue_put(queue, &queued));
}

static void a_file_of_a_burst_waits_for_a_moment_however_often_it_is_closed(void **state)
{
	struct bw_queued due;

	for (uint64_t at = 0; at < BW_QUEUE_FRESH_MS; at++)
		put_fresh(*state, 1, at);
	assert_int_equal(bw_queue_next_ns(*state), BW_QUEUE_FRESH_MS * MS);
	assert_int_equal(bw_queue_fresh(*state), 1);
	assert_int_equal(bw_queue_oldest_ns(*state, (BW_QUEUE_FRESH_MS - 1) * MS), (BW_QUEUE_FRESH_MS - 1) * MS);
	assert_true(bw_queue_due(*state, BW_QUEUE_FRESH_MS * MS, &due));
	assert_true(due.fresh);
	assert_true(bw_queue_drop(*state, &due.file));
	assert_int_equal(bw_queue_fresh(*state), 0);
}

static void the_end_of_a_burst_makes_its_files_due_and_nothing_else(void **state)
{
	struct bw_queued due;

	put(*state, 1, 50, false);
	for (uint64_t ino = 2; ino < 1000; ino++)
		put_fresh(*state, ino, 1000 - ino);
	bw_queue_hurry(*state);
	for (uint64_t at = 1; at < 999; at++) {
		assert_true(bw_queue_due(*state, 1000 * MS, &due));
		assert_true(due.fresh);
		assert_int_equal(due.since_ns, at * MS);
		assert_true(bw_queue_drop(*state, &due.file));
	}
	assert_false(bw_queue_due(*state, 1000 * MS, &due));
	assert_int_equal(bw_queue_next_ns(*state), 1050 * MS);
}

static void the_first_ones_are_told_in_the_order_in_which_they_are_due(void **state)
{
	struct bw_file_key first[BW_QUEUE_FIRST_MAX];
	struct bw_queued due;

	assert_int_equal(bw_queue_first(*state, UINT64_MAX, first, BW_QUEUE_FIRST_MAX), 0);
	for (uint64_t ino = 1; ino <= 1000; ino++)
		put_fresh(*state, ino, ino * 7919 % 1009);
	assert_int_equal(bw_queue_first(*state, UINT64_MAX, first, 0), 0);
	assert_int_equal(bw_queue_first(*state, UINT64_MAX, first, SIZE_MAX), BW_QUEUE_FIRST_MAX);
	for (size_t i = 0; i < BW_QUEUE_FIRST_MAX; i++) {
		assert_true(bw_queue_due(*state, UINT64_MAX, &due));
		assert_true(bw_file_key_equals(&due.file, &first[i]));
		assert_true(bw_queue_drop(*state, &due.file));
	}
}

static void what_is_not_due_is_not_among_the_first_ones(void **state)
{
	struct bw_file_key first[BW_QUEUE_FIRST_MAX];

	for (uint64_t ino = 1; ino <= 100; ino++)
		put_fresh(*state, ino, ino);
	assert_int_equal(bw_queue_first(*state, BW_QUEUE_FRESH_MS * MS, first, BW_QUEUE_FIRST_MAX), 0);
	assert_int_equal(bw_queue_first(*state, (BW_QUEUE_FRESH_MS + 3) * MS, first, BW_QUEUE_FIRST_MAX), 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(first[i].ino, i + 1);
	assert_int_equal(bw_queue_count(*state), 100);
}

static void a_burst_has_a_bound_and_repeats_another(void **state)
{
	struct bw_queued queued = item(0, 1, false);

	queued.fresh = true;
	for (queued.file.ino = 1; queued.file.ino <= BW_QUEUE_FRESH_MAX; queued.file.ino++)
		assert_ok(bw_queue_put(*state, &queued));
	assert_int_equal(bw_queue_put(*state, &queued), BW_ERR_TOO_MANY);
	queued.fresh = false;
	assert_ok(bw_queue_put(*state, &queued));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_that_was_closed_waits_for_a_second_of_quiet, setup, teardown),
		cmocka_unit_test_setup_teardown(steady_closing_puts_it_off_for_two_seconds_at_most, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_file_that_stays_open_is_due_a_minute_after_its_first_write_however_often_it_is_written, setup,
			teardown),
		cmocka_unit_test_setup_teardown(its_close_begins_an_ordinary_window, setup, teardown),
		cmocka_unit_test_setup_teardown(a_write_after_the_close_does_not_put_it_off, setup, teardown),
		cmocka_unit_test_setup_teardown(it_is_kept_under_its_newest_name, setup, teardown),
		cmocka_unit_test_setup_teardown(thousands_come_out_in_the_order_in_which_they_are_due, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_of_a_burst_waits_for_a_moment_however_often_it_is_closed, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_end_of_a_burst_makes_its_files_due_and_nothing_else, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_first_ones_are_told_in_the_order_in_which_they_are_due, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_is_not_due_is_not_among_the_first_ones, setup, teardown),
		cmocka_unit_test_setup_teardown(a_burst_has_a_bound_and_repeats_another, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
