#include "base/test.h"
#include "guard/hand_book.h"
#include "sys/clock.h"

static struct bw_deed keep_out(uint64_t incident, const char *address, int64_t until_us)
{
	struct bw_deed deed = { .kind = BW_DEED_KEEP_OUT, .incident = incident, .until_us = until_us };

	assert_ok(bw_address_parse(bw_slice_text(address), &deed.address));
	return deed;
}

static void note(struct bw_hand_book *book, struct bw_deed deed)
{
	assert_ok(bw_hand_book_note(book, &deed));
}

static void what_was_done_is_undone_when_its_time_has_come(void **state)
{
	BW_CLEANUP(bw_hand_book_release) struct bw_hand_book book;
	struct bw_deed deed;
	bool last;

	(void)state;
	assert_ok(bw_hand_book_init(&book));
	note(&book, keep_out(1, "10.0.0.1", 500));
	note(&book, keep_out(2, "10.0.0.2", 300));
	assert_int_equal(bw_hand_book_next_us(&book), 300);
	assert_false(bw_hand_book_expire(&book, 299, &deed, &last));
	assert_true(bw_hand_book_expire(&book, 300, &deed, &last));
	assert_int_equal(deed.incident, 2);
	assert_true(last);
	assert_int_equal(bw_hand_book_next_us(&book), 500);
}

static void what_failed_is_noted_no_more_unless_it_was_done_before(void **state)
{
	BW_CLEANUP(bw_hand_book_release) struct bw_hand_book book;
	const struct bw_deed deed = keep_out(1, "10.0.0.1", 500);
	const struct bw_deed other = keep_out(2, "10.0.0.1", 600);

	(void)state;
	assert_ok(bw_hand_book_init(&book));
	note(&book, deed);
	note(&book, other);
	bw_hand_book_did(&book, &deed);
	bw_hand_book_drop(&book, &other);
	assert_int_equal(book.count, 1);
	bw_hand_book_drop(&book, &deed); /* that it could not be done longer does not undo it */
	assert_int_equal(book.count, 1);
	bw_hand_book_drop(&book, &other); /* is not there */
	assert_int_equal(book.count, 1);
}

static void the_same_deed_again_only_lasts_longer(void **state)
{
	BW_CLEANUP(bw_hand_book_release) struct bw_hand_book book;

	(void)state;
	assert_ok(bw_hand_book_init(&book));
	note(&book, keep_out(1, "10.0.0.1", 500));
	note(&book, keep_out(1, "10.0.0.1", 900));
	note(&book, keep_out(1, "10.0.0.1", 100));
	assert_int_equal(book.count, 1);
	assert_int_equal(bw_hand_book_next_us(&book), 900);
}

static void what_two_incidents_need_stays_until_both_are_over(void **state)
{
	BW_CLEANUP(bw_hand_book_release) struct bw_hand_book book;
	struct bw_deed deed;
	bool last;

	(void)state;
	assert_ok(bw_hand_book_init(&book));
	note(&book, keep_out(1, "10.0.0.1", 500));
	assert_false(bw_hand_book_holds(&book, &(struct bw_deed){ .kind = BW_DEED_FREEZE, .cgroup = 1 }));
	deed = keep_out(2, "10.0.0.1", 500);
	assert_true(bw_hand_book_holds(&book, &deed));
	note(&book, deed);
	assert_true(bw_hand_book_lift(&book, 1, &deed, &last));
	assert_false(last);
	assert_false(bw_hand_book_lift(&book, 1, &deed, &last));
	assert_true(bw_hand_book_lift(&book, 2, &deed, &last));
	assert_true(last);
}

static void incident_nought_means_all(void **state)
{
	BW_CLEANUP(bw_hand_book_release) struct bw_hand_book book;
	struct bw_deed deed;
	bool last;

	(void)state;
	assert_ok(bw_hand_book_init(&book));
	note(&book, keep_out(1, "10.0.0.1", 500));
	note(&book, (struct bw_deed){ .kind = BW_DEED_FREEZE, .incident = 2, .until_us = 7, .cgroup = 9 });
	while (bw_hand_book_lift(&book, 0, &deed, &last))
		assert_true(last);
	assert_int_equal(book.count, 0);
	assert_true(bw_hand_book_next_us(&book) == BW_TIME_MAX);
}

static void the_book_is_read_as_it_was_written(void **state)
{
	BW_CLEANUP(bw_hand_book_release) struct bw_hand_book book;
	BW_CLEANUP(bw_hand_book_release) struct bw_hand_book again;
	BW_CLEANUP(bw_buf_release) struct bw_buf first = BW_BUF_INIT(BW_HAND_BOOK_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf second = BW_BUF_INIT(BW_HAND_BOOK_BYTES);

	(void)state;
	assert_ok(bw_hand_book_init(&book));
	assert_ok(bw_hand_book_init(&again));
	note(&book, keep_out(1, "2001:db8::1", 500));
	note(&book, (struct bw_deed){ .kind = BW_DEED_FREEZE, .incident = 2, .until_us = 7, .cgroup = UINT64_MAX });
	note(&book,
	     (struct bw_deed){ .kind = BW_DEED_HELD, .incident = 3, .until_us = 8, .held = { 4711, UINT64_MAX } });
	assert_ok(bw_hand_book_write(&book, &first));
	assert_ok(bw_hand_book_read(bw_buf_slice(&first), 0, &again));
	assert_ok(bw_hand_book_write(&again, &second));
	assert_string_equal(bw_buf_text(&first), bw_buf_text(&second));
	assert_string_equal(bw_buf_text(&first), "keep-out 1 500 2001:db8::1\nfreeze 2 7 18446744073709551615\n"
						 "held 3 8 4711 18446744073709551615\n");
}

static void where_a_process_is_frozen_is_remembered_as_soon_as_it_is_known(void **state)
{
	struct bw_deed deed = { .kind = BW_DEED_HELD, .incident = 3, .until_us = 8, .held = { 4711, 5 } };
	BW_CLEANUP(bw_hand_book_release) struct bw_hand_book book;
	BW_CLEANUP(bw_hand_book_release) struct bw_hand_book again;
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_HAND_BOOK_BYTES);

	(void)state;
	assert_ok(bw_hand_book_init(&book));
	assert_ok(bw_hand_book_init(&again));
	note(&book, deed);
	assert_false(bw_hand_book_uses(&book, 70));
	deed.cgroup = 70;
	deed.home = 60;
	note(&book, deed);
	assert_int_equal(book.count, 1);
	assert_true(bw_hand_book_uses(&book, 70));
	assert_null(bw_hand_book_process(&book, 4712));
	assert_ok(bw_hand_book_write(&book, &text));
	assert_string_equal(bw_buf_text(&text), "held 3 8 4711 5 70 60\n");
	assert_ok(bw_hand_book_read(bw_buf_slice(&text), 0, &again));
	assert_true(bw_hand_book_process(&again, 4711)->cgroup == 70 && bw_hand_book_process(&again, 4711)->home == 60);
}

static void a_book_of_another_clock_keeps_nobody_out_for_ever(void **state)
{
	BW_CLEANUP(bw_hand_book_release) struct bw_hand_book book;

	(void)state;
	assert_ok(bw_hand_book_init(&book));
	assert_ok(bw_hand_book_read(BW_LIT("keep-out 1 9000000000000000 10.0.0.1\n"), 5, &book));
	assert_true(bw_hand_book_next_us(&book) == 5 + (int64_t)BW_HAND_SECONDS_MAX * 1000000);
}

static void a_damaged_book_is_told_from_a_whole_one(void **state)
{
	static const char *const wrong[] = { "keep-out 1 2 127.0.0.1\n",
					     "keep-out 1 2 10.0.0.1",
					     "freeze 1 2\n",
					     "held 1 2 0 0\n",
					     "held 1 2 -1 0\n",
					     "lift 1 2 3\n",
					     "\n",
					     "freeze 1 2 3 4\n",
					     "held 1 2 3 4 5\n",
					     "held 1 2 3 4 0 6\n",
					     "held 1 2 3 4 5 6 7\n" };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(wrong); i++) {
		BW_CLEANUP(bw_hand_book_release) struct bw_hand_book book;

		assert_ok(bw_hand_book_init(&book));
		assert_int_equal(bw_hand_book_read(bw_slice_text(wrong[i]), 0, &book), BW_ERR_SYNTAX);
		assert_int_equal(book.count, 0);
	}
}

static void a_full_book_refuses_what_nobody_would_undo(void **state)
{
	BW_CLEANUP(bw_hand_book_release) struct bw_hand_book book;
	struct bw_deed deed = { .kind = BW_DEED_FREEZE, .incident = 1 };

	(void)state;
	assert_ok(bw_hand_book_init(&book));
	for (deed.cgroup = 1; deed.cgroup <= BW_HAND_DEEDS_MAX; deed.cgroup++)
		note(&book, deed);
	assert_int_equal(bw_hand_book_note(&book, &deed), BW_ERR_TOO_MANY);
}

static void a_user_is_remembered_by_a_name_that_is_one_word(void **state)
{
	static const char *const others[] = { "",    "-d",          "a b",  "a\nheld 1 2 3 4", "'",
					      "a;b", "SCHOOL\\eve", "root", "Nobody",          "a\"" };
	BW_CLEANUP(bw_hand_book_release) struct bw_hand_book book;
	BW_CLEANUP(bw_hand_book_release) struct bw_hand_book again;
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_HAND_BOOK_BYTES);
	struct bw_deed deed = { .kind = BW_DEED_USER, .incident = 7, .until_us = 900 };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(others); i++)
		assert_int_equal(bw_hand_name(bw_slice_text(others[i]), deed.user), BW_ERR_SYNTAX);
	assert_ok(bw_hand_name(BW_LIT("j\xc3\xb6rg.m_2-x@school"), deed.user));
	assert_ok(bw_hand_book_init(&book));
	assert_ok(bw_hand_book_init(&again));
	note(&book, deed);
	note(&book, deed);
	assert_int_equal(book.count, 1);
	assert_ok(bw_hand_book_write(&book, &text));
	assert_ok(bw_hand_book_read(bw_buf_slice(&text), 0, &again));
	assert_int_equal(again.count, 1);
	assert_string_equal(again.deeds[0].user, deed.user);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_done_is_undone_when_its_time_has_come),
		cmocka_unit_test(what_failed_is_noted_no_more_unless_it_was_done_before),
		cmocka_unit_test(the_same_deed_again_only_lasts_longer),
		cmocka_unit_test(what_two_incidents_need_stays_until_both_are_over),
		cmocka_unit_test(incident_nought_means_all),
		cmocka_unit_test(the_book_is_read_as_it_was_written),
		cmocka_unit_test(where_a_process_is_frozen_is_remembered_as_soon_as_it_is_known),
		cmocka_unit_test(a_book_of_another_clock_keeps_nobody_out_for_ever),
		cmocka_unit_test(a_damaged_book_is_told_from_a_whole_one),
		cmocka_unit_test(a_user_is_remembered_by_a_name_that_is_one_word),
		cmocka_unit_test(a_full_book_refuses_what_nobody_would_undo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
