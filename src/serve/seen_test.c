#include "serve/seen.h"

#include <stdio.h>

#include "base/test.h"
#include "desk/form.h"
#include "serve/ask.h"
#include "sys/frame.h"

static const uint8_t address[16] = { 1, 2, 3 };

static struct bw_seen_line line_to(const char *target)
{
	return (struct bw_seen_line){ .name = BW_LIT("alice"),
				      .address = bw_slice_of(address, sizeof(address)),
				      .action = BW_LIT("GET"),
				      .target = bw_slice_text(target),
				      .status = 200,
				      .count = 1 };
}

static int make(void **state)
{
	struct bw_seen *seen = NULL;

	if (bw_seen_new(&seen) != BW_OK)
		return -1;
	*state = seen;
	return 0;
}

static int drop(void **state)
{
	bw_seen_free(*state);
	return 0;
}

static void equal_accesses_are_one_line_with_a_count(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_MIB);
	struct bw_seen_line line = line_to("/taxii2/");
	struct bw_cursor list;
	struct bw_form form;
	struct bw_form fields;
	struct bw_slice item;
	uint64_t number;
	bool bad;

	for (int i = 0; i < 3; i++)
		assert_ok(bw_seen_note(*state, &line));
	line.status = 401;
	assert_ok(bw_seen_note(*state, &line));
	assert_int_equal(bw_seen_count(*state), 2);
	assert_ok(bw_seen_write(*state, &out));
	bw_seen_forget(*state);
	assert_ok(bw_form_take(bw_buf_slice(&out), 1, &form));
	list = bw_cursor_over(form.fields[0]);
	assert_true(bw_form_list_next(&list, &item, &bad));
	assert_ok(bw_form_take(item, BW_FIELDS_SEEN_LINE, &fields));
	assert_slice(fields.fields[0], "alice");
	assert_int_equal(fields.fields[1].len, sizeof(address));
	assert_slice(fields.fields[2], "GET");
	assert_slice(fields.fields[3], "/taxii2/");
	assert_ok(bw_form_num(&fields, 4, 999, &number));
	assert_int_equal(number, 200);
	assert_ok(bw_form_num(&fields, 5, UINT64_MAX, &number));
	assert_int_equal(number, 3);
	assert_true(bw_form_list_next(&list, &item, &bad));
	assert_false(bw_form_list_next(&list, &item, &bad));
}

static void forgetting_the_lines_starts_anew(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_MIB);
	const struct bw_seen_line line = line_to("/");

	assert_ok(bw_seen_note(*state, &line));
	assert_ok(bw_seen_write(*state, &out));
	bw_seen_forget(*state);
	assert_int_equal(bw_seen_count(*state), 0);
	assert_ok(bw_seen_note(*state, &line));
	assert_int_equal(bw_seen_count(*state), 1);
}

static void a_line_can_stand_for_many_accesses(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_MIB);
	struct bw_seen_line line = line_to("unrecorded");
	struct bw_cursor list;
	struct bw_form fields;
	struct bw_slice item;
	struct bw_form form;
	uint64_t count;
	bool bad;

	line.address = bw_slice_empty;
	line.count = 5000;
	assert_ok(bw_seen_note(*state, &line));
	line.count = 7;
	assert_ok(bw_seen_note(*state, &line));
	assert_ok(bw_seen_write(*state, &out));
	assert_int_equal(bw_seen_count(*state), 1); /* written, not forgotten */
	assert_ok(bw_form_take(bw_buf_slice(&out), 1, &form));
	list = bw_cursor_over(form.fields[0]);
	assert_true(bw_form_list_next(&list, &item, &bad));
	assert_ok(bw_form_take(item, BW_FIELDS_SEEN_LINE, &fields));
	assert_int_equal(fields.fields[1].len, 0);
	assert_ok(bw_form_num(&fields, 5, UINT64_MAX, &count));
	assert_int_equal(count, 5007);
}

static void a_full_list_asks_to_be_sent_and_keeps_counting_what_it_knows(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_MIB);
	struct bw_seen_line line;
	char target[32];

	for (int i = 0; i < BW_SEEN_LINES_MAX; i++) {
		(void)snprintf(target, sizeof(target), "/%d", i);
		line = line_to(target);
		assert_ok(bw_seen_note(*state, &line));
	}
	line = line_to("/one-more");
	assert_int_equal(bw_seen_note(*state, &line), BW_ERR_TOO_MANY);
	line = line_to("/7");
	assert_ok(bw_seen_note(*state, &line));
	assert_int_equal(bw_seen_count(*state), BW_SEEN_LINES_MAX);
	assert_ok(bw_seen_write(*state, &out));
	bw_seen_forget(*state);
	line = line_to("/one-more");
	assert_ok(bw_seen_note(*state, &line));
}

static void a_long_target_is_cut(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_MIB);
	char target[BW_SEEN_TARGET_MAX + 100];
	struct bw_seen_line line;
	struct bw_cursor list;
	struct bw_form fields;
	struct bw_slice item;
	struct bw_form form;
	bool bad;

	memset(target, 'a', sizeof(target) - 1);
	target[sizeof(target) - 1] = 0;
	line = line_to(target);
	assert_ok(bw_seen_note(*state, &line));
	target[BW_SEEN_TARGET_MAX] = 'b'; /* behind the cut: the same line */
	line = line_to(target);
	assert_ok(bw_seen_note(*state, &line));
	assert_int_equal(bw_seen_count(*state), 1);
	assert_ok(bw_seen_write(*state, &out));
	bw_seen_forget(*state);
	assert_ok(bw_form_take(bw_buf_slice(&out), 1, &form));
	list = bw_cursor_over(form.fields[0]);
	assert_true(bw_form_list_next(&list, &item, &bad));
	assert_ok(bw_form_take(item, BW_FIELDS_SEEN_LINE, &fields));
	assert_int_equal(fields.fields[3].len, BW_SEEN_TARGET_MAX);
}

static void a_full_list_fits_into_a_frame_whatever_strangers_write(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	char target[2000];
	char method[4000];

	memset(method, 'M', sizeof(method));
	for (int i = 0; i < BW_SEEN_LINES_MAX; i++) {
		struct bw_seen_line line = line_to("");

		memset(target, 'a', sizeof(target));
		target[snprintf(target, sizeof(target), "/%d", i)] = 'a';
		line.target = bw_slice_of(target, sizeof(target));
		line.action = bw_slice_of(method, sizeof(method));
		line.name = line.action;
		assert_ok(bw_seen_note(*state, &line));
	}
	assert_ok(bw_seen_write(*state, &out));
	bw_seen_forget(*state);
	assert_int_equal(bw_seen_count(*state), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(equal_accesses_are_one_line_with_a_count, make, drop),
		cmocka_unit_test_setup_teardown(forgetting_the_lines_starts_anew, make, drop),
		cmocka_unit_test_setup_teardown(a_line_can_stand_for_many_accesses, make, drop),
		cmocka_unit_test_setup_teardown(a_full_list_asks_to_be_sent_and_keeps_counting_what_it_knows, make,
						drop),
		cmocka_unit_test_setup_teardown(a_long_target_is_cut, make, drop),
		cmocka_unit_test_setup_teardown(a_full_list_fits_into_a_frame_whatever_strangers_write, make, drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
