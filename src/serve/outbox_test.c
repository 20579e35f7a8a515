#include "serve/outbox.h"

#include "base/test.h"

static int make(void **state)
{
	static struct bw_outbox box;

	bw_outbox_init(&box);
	*state = &box;
	return 0;
}

static int drop(void **state)
{
	bw_outbox_release(*state);
	return 0;
}

static void add(struct bw_outbox *box, const char *text)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf batch = BW_BUF_INIT(100);

	assert_ok(bw_buf_add_text(&batch, text));
	assert_ok(bw_outbox_add(box, &batch));
	assert_int_equal(batch.len, 0);
}

static void send_one(struct bw_outbox *box, uint64_t expected_number, const char *expected)
{
	uint64_t number;
	struct bw_slice batch;

	assert_true(bw_outbox_next(box, &number, &batch));
	assert_int_equal(number, expected_number);
	assert_slice(batch, expected);
	bw_outbox_sent(box);
}

static void batches_go_out_in_order_and_stay_until_they_are_stored(void **state)
{
	struct bw_outbox *box = *state;
	uint64_t number;
	struct bw_slice batch;

	assert_false(bw_outbox_next(box, &number, &batch));
	add(box, "one");
	add(box, "two");
	send_one(box, 1, "one");
	send_one(box, 2, "two");
	assert_false(bw_outbox_next(box, &number, &batch));
	assert_int_equal(box->count, 2);
	assert_ok(bw_outbox_stored(box, 1));
	assert_int_equal(box->count, 1);
	assert_ok(bw_outbox_stored(box, 2));
	assert_int_equal(box->count, 0);
}

static void what_was_sent_and_not_stored_is_sent_again_under_its_number(void **state)
{
	struct bw_outbox *box = *state;

	add(box, "one");
	add(box, "two");
	add(box, "three");
	send_one(box, 1, "one");
	send_one(box, 2, "two");
	assert_ok(bw_outbox_stored(box, 1));
	bw_outbox_send_again(box);
	send_one(box, 2, "two");
	send_one(box, 3, "three");
}

static void a_word_about_a_batch_that_was_not_sent_is_refused(void **state)
{
	struct bw_outbox *box = *state;

	assert_int_equal(bw_outbox_stored(box, 1), BW_ERR_PROTOCOL);
	add(box, "one");
	assert_int_equal(bw_outbox_stored(box, 1), BW_ERR_PROTOCOL);
	send_one(box, 1, "one");
	assert_int_equal(bw_outbox_stored(box, 2), BW_ERR_PROTOCOL);
	assert_ok(bw_outbox_stored(box, 1));
	assert_int_equal(bw_outbox_stored(box, 1), BW_ERR_PROTOCOL);
}

static void a_full_box_takes_no_more_until_something_is_stored(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf batch = BW_BUF_INIT(100);
	struct bw_outbox *box = *state;

	for (int i = 0; i < BW_OUTBOX_MAX; i++)
		add(box, "batch");
	assert_false(bw_outbox_has_room(box));
	assert_ok(bw_buf_add_text(&batch, "more"));
	assert_int_equal(bw_outbox_add(box, &batch), BW_ERR_TOO_MANY);
	assert_int_equal(batch.len, 4);
	for (uint64_t i = 1; i <= 5; i++) {
		send_one(box, i, "batch");
		assert_ok(bw_outbox_stored(box, i));
		add(box, "batch");
	}
	assert_false(bw_outbox_has_room(box));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(batches_go_out_in_order_and_stay_until_they_are_stored, make, drop),
		cmocka_unit_test_setup_teardown(what_was_sent_and_not_stored_is_sent_again_under_its_number, make,
						drop),
		cmocka_unit_test_setup_teardown(a_word_about_a_batch_that_was_not_sent_is_refused, make, drop),
		cmocka_unit_test_setup_teardown(a_full_box_takes_no_more_until_something_is_stored, make, drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
