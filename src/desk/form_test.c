#include "desk/form.h"

#include "base/test.h"

static void fields_come_back_as_they_were_written(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(4096);
	struct bw_form form;
	uint64_t number;
	int64_t signed_number;
	char text[8];

	(void)state;
	assert_ok(bw_form_add_num(&out, 0x0102030405060708));
	assert_ok(bw_form_add_signed(&out, -1));
	assert_ok(bw_form_add_text(&out, "seven77"));
	assert_ok(bw_form_add(&out, SLICE(0, 255)));
	assert_ok(bw_form_add(&out, bw_slice_empty));
	assert_ok(bw_form_take(bw_buf_slice(&out), 5, &form));
	assert_ok(bw_form_num(&form, 0, UINT64_MAX, &number));
	assert_true(number == 0x0102030405060708);
	assert_ok(bw_form_signed(&form, 1, &signed_number));
	assert_true(signed_number == -1);
	assert_ok(bw_form_text(&form, 2, text, sizeof(text)));
	assert_string_equal(text, "seven77");
	assert_int_equal(form.fields[3].len, 2);
	assert_int_equal(form.fields[4].len, 0);
}

static void another_count_of_fields_breaks_the_protocol(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(4096);
	struct bw_form form = { .count = 77 };

	(void)state;
	assert_ok(bw_form_add_num(&out, 1));
	assert_int_equal(bw_form_take(bw_buf_slice(&out), 0, &form), BW_ERR_PROTOCOL);
	assert_int_equal(bw_form_take(bw_buf_slice(&out), 2, &form), BW_ERR_PROTOCOL);
	assert_int_equal(form.count, 77);
}

static void every_prefix_of_a_form_is_refused(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(4096);
	struct bw_form form;

	(void)state;
	assert_ok(bw_form_add_num(&out, 1));
	assert_ok(bw_form_add_text(&out, "abc"));
	for (size_t n = 0; n < out.len; n++)
		assert_int_not_equal(bw_form_take(bw_slice_sub(bw_buf_slice(&out), 0, n), 2, &form), BW_OK);
	assert_ok(bw_form_take(bw_buf_slice(&out), 2, &form));
}

static void more_fields_than_the_limit_are_refused(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(4096);
	struct bw_form form;

	(void)state;
	for (size_t i = 0; i < BW_FORM_FIELDS_MAX; i++)
		assert_ok(bw_form_add(&out, bw_slice_empty));
	assert_ok(bw_form_take(bw_buf_slice(&out), BW_FORM_FIELDS_MAX, &form));
	assert_ok(bw_form_add(&out, bw_slice_empty));
	assert_int_equal(bw_form_take(bw_buf_slice(&out), BW_FORM_FIELDS_MAX + 1, &form), BW_ERR_TOO_MANY);
}

static void a_number_has_eight_bytes_and_a_greatest_value(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(4096);
	struct bw_form form;
	uint64_t number = 7;

	(void)state;
	assert_ok(bw_form_add_num(&out, 10));
	assert_ok(bw_form_add_text(&out, "short"));
	assert_ok(bw_form_take(bw_buf_slice(&out), 2, &form));
	assert_int_equal(bw_form_num(&form, 0, 9, &number), BW_ERR_PROTOCOL);
	assert_int_equal(bw_form_num(&form, 1, UINT64_MAX, &number), BW_ERR_PROTOCOL);
	assert_int_equal(bw_form_num(&form, 2, UINT64_MAX, &number), BW_ERR_PROTOCOL);
	assert_int_equal(number, 7);
	assert_ok(bw_form_num(&form, 0, 10, &number));
	assert_int_equal(number, 10);
}

static void text_must_fit_with_its_nul_and_hold_none(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(4096);
	struct bw_form form;
	char room[4];

	(void)state;
	assert_ok(bw_form_add_text(&out, "four"));
	assert_ok(bw_form_add(&out, SLICE('a', 0, 'b')));
	assert_ok(bw_form_take(bw_buf_slice(&out), 2, &form));
	assert_int_equal(bw_form_text(&form, 0, room, sizeof(room)), BW_ERR_TOO_BIG);
	assert_int_equal(bw_form_text(&form, 1, room, sizeof(room)), BW_ERR_SYNTAX);
	assert_int_equal(bw_form_text(&form, 2, room, sizeof(room)), BW_ERR_PROTOCOL);
}

static void a_list_is_walked_to_its_end_and_a_bad_one_is_noticed(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(4096);
	const struct bw_slice items[] = { BW_LIT("one"), BW_LIT(""), BW_LIT("three") };
	struct bw_cursor list;
	struct bw_slice item;
	struct bw_form form;
	bool bad = true;

	(void)state;
	assert_ok(bw_form_add_list(&out, items, BW_COUNT(items)));
	assert_ok(bw_form_add_list(&out, NULL, 0));
	assert_ok(bw_form_take(bw_buf_slice(&out), 2, &form));
	list = bw_cursor_over(form.fields[0]);
	for (size_t i = 0; i < BW_COUNT(items); i++) {
		assert_true(bw_form_list_next(&list, &item, &bad));
		assert_false(bad);
		assert_true(bw_slice_equals(item, items[i]));
	}
	assert_false(bw_form_list_next(&list, &item, &bad));
	assert_false(bad);
	list = bw_cursor_over(form.fields[1]);
	assert_false(bw_form_list_next(&list, &item, &bad));
	assert_false(bad);
	list = bw_cursor_over(SLICE(0, 0, 0, 9, 'x'));
	assert_false(bw_form_list_next(&list, &item, &bad));
	assert_true(bad);
}

static void a_list_longer_than_the_limit_is_not_written(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_MIB);

	(void)state;
	assert_int_equal(bw_form_add_list(&out, NULL, BW_LIST_ITEMS_MAX + 1), BW_ERR_TOO_MANY);
	assert_int_equal(out.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_come_back_as_they_were_written),
		cmocka_unit_test(another_count_of_fields_breaks_the_protocol),
		cmocka_unit_test(every_prefix_of_a_form_is_refused),
		cmocka_unit_test(more_fields_than_the_limit_are_refused),
		cmocka_unit_test(a_number_has_eight_bytes_and_a_greatest_value),
		cmocka_unit_test(text_must_fit_with_its_nul_and_hold_none),
		cmocka_unit_test(a_list_is_walked_to_its_end_and_a_bad_one_is_noticed),
		cmocka_unit_test(a_list_longer_than_the_limit_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
