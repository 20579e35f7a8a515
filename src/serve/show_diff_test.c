#include "serve/show_diff.h"

#include "base/test.h"

static struct bw_arena arena = BW_ARENA_INIT(BW_MIB);

static int forget(void **state)
{
	(void)state;
	bw_arena_release(&arena);
	return 0;
}

static void properties_come_go_and_change(void **state)
{
	struct bw_change *changes;
	size_t count;

	(void)state;
	assert_ok(bw_diff_objects(BW_LIT("{\"a\":1,\"b\":[1, 2],\"c\":{\"x\":\"}\"},\"d\":null}"),
				  BW_LIT("{\"d\":null,\"b\":[1,2],\"e\":\"new\",\"c\":{\"x\":\"}\"}}"), &arena,
				  &changes, &count));
	assert_int_equal(count, 3);
	assert_int_equal(changes[0].kind, BW_CHANGE_REMOVED);
	assert_slice(changes[0].name, "a");
	assert_slice(changes[0].was, "1");
	assert_int_equal(changes[0].is.len, 0);
	assert_int_equal(changes[1].kind, BW_CHANGE_CHANGED);
	assert_slice(changes[1].name, "b");
	assert_slice(changes[1].was, "[1, 2]");
	assert_slice(changes[1].is, "[1,2]");
	assert_int_equal(changes[2].kind, BW_CHANGE_ADDED);
	assert_slice(changes[2].name, "e");
	assert_slice(changes[2].is, "\"new\"");
}

static void equal_objects_have_no_changes_whatever_the_order(void **state)
{
	struct bw_change *changes;
	size_t count;

	(void)state;
	assert_ok(bw_diff_objects(BW_LIT("{\"a\":1,\"b\":2}"), BW_LIT("{\"b\":2,\"a\":1}"), &arena, &changes, &count));
	assert_int_equal(count, 0);
	assert_ok(bw_diff_objects(BW_LIT("{}"), BW_LIT("{}"), &arena, &changes, &count));
	assert_int_equal(count, 0);
}

static void list_items_come_and_go_and_count_as_often_as_they_stand(void **state)
{
	struct bw_change *changes;
	size_t count;

	(void)state;
	assert_ok(
		bw_diff_lists(BW_LIT("[\"x\",\"y\",\"y\"]"), BW_LIT("[\"y\",\"z\",\"x\"]"), &arena, &changes, &count));
	assert_int_equal(count, 2);
	assert_int_equal(changes[0].kind, BW_CHANGE_REMOVED);
	assert_slice(changes[0].was, "\"y\"");
	assert_int_equal(changes[1].kind, BW_CHANGE_ADDED);
	assert_slice(changes[1].is, "\"z\"");
	assert_ok(bw_diff_lists(BW_LIT("[1,2]"), BW_LIT("[2,1]"), &arena, &changes, &count));
	assert_int_equal(count, 0);
}

static void what_is_no_object_is_refused(void **state)
{
	static const char *const bad[] = { "", "1", "[1]", "{\"a\"", "{\"a\":1}}", "{\"a\":1" };
	struct bw_change *changes;
	size_t count;

	(void)state;
	for (size_t i = 0; i < BW_COUNT(bad); i++) {
		assert_int_not_equal(bw_diff_objects(bw_slice_text(bad[i]), BW_LIT("{}"), &arena, &changes, &count),
				     BW_OK);
		assert_int_not_equal(bw_diff_objects(BW_LIT("{}"), bw_slice_text(bad[i]), &arena, &changes, &count),
				     BW_OK);
	}
	assert_int_equal(bw_diff_lists(BW_LIT("[]"), BW_LIT("{}"), &arena, &changes, &count), BW_ERR_TYPE);
}

static void json_is_laid_out_one_member_a_line(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(4096);

	(void)state;
	assert_ok(bw_json_lay_out(BW_LIT("{\"a\":[1,2],\"b\":{ },\"c\":[],\"d\":\"x,{\\\"\"}"), 0, &out));
	assert_string_equal(bw_buf_text(&out), "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {},\n  \"c\": [],\n"
					       "  \"d\": \"x,{\\\"\"\n}");
}

static void laid_out_text_cannot_steer_a_terminal(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(4096);

	(void)state;
	assert_ok(bw_json_lay_out(BW_LIT("\"a\x7f\xc2\x9b\xc3\xa9\""), 0, &out));
	assert_string_equal(bw_buf_text(&out), "\"a\\u007f\\u009b\xc3\xa9\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(properties_come_go_and_change, forget),
		cmocka_unit_test_teardown(equal_objects_have_no_changes_whatever_the_order, forget),
		cmocka_unit_test_teardown(list_items_come_and_go_and_count_as_often_as_they_stand, forget),
		cmocka_unit_test_teardown(what_is_no_object_is_refused, forget),
		cmocka_unit_test_teardown(json_is_laid_out_one_member_a_line, forget),
		cmocka_unit_test_teardown(laid_out_text_cannot_steer_a_terminal, forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
