#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/json_walk.h"

static enum bw_err walk_all(struct bw_slice text, struct bw_buf *seen)
{
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice value;
	bool more;

	BW_TRY(bw_json_walk_open(text, &walk));
	for (;;) {
		BW_TRY(bw_json_walk_next(&walk, &name, &value, &more));
		if (!more)
			return bw_json_walk_next(&walk, &name, &value, &more); /* the end stays the end */
		BW_TRY(bw_buf_addf(seen, "%.*s=%.*s;", BW_ARG(name), BW_ARG(value)));
	}
}

static void members_and_items_come_with_their_own_text(void **state)
{
	static const char *const rows[][2] = {
		{ "{}", "" },
		{ " [ ] ", "" },
		{ "{\"more\":true,\"objects\":[{\"a\":\"]}\"}, {}],\"next\" : \"x\\\"y\"}",
		  "more=true;objects=[{\"a\":\"]}\"}, {}];next=\"x\\\"y\";" },
		{ "[1,-2.5e3,null,[[]],\"\\\\\"]", "=1;=-2.5e3;=null;=[[]];=\"\\\\\";" },
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf seen = BW_BUF_INIT(4096);

		assert_int_equal(walk_all(bw_slice_text(rows[i][0]), &seen), BW_OK);
		assert_string_equal(bw_buf_text(&seen), rows[i][1]);
	}
}

static void every_prefix_asks_for_more_and_every_tail_is_refused(void **state)
{
	const struct bw_slice whole = BW_LIT("{\"a\":[1,{\"b\":\"c\\n\"}],\"d\":true}");
	BW_CLEANUP(bw_buf_release) struct bw_buf seen = BW_BUF_INIT(65536);

	(void)state;
	for (size_t n = 0; n < whole.len; n++)
		assert_int_equal(walk_all(bw_slice_sub(whole, 0, n), &seen), BW_ERR_TRUNCATED);
	assert_int_equal(walk_all(BW_LIT("{}x"), &seen), BW_ERR_SYNTAX);
}

static void what_is_not_json_is_refused(void **state)
{
	static const char *const rows[] = { "{\"a\" 1}",   "{a:1}",      "{\"a\":}", "[1 2]",        "[,1]",
					    "{\"a\":[}]}", "{\"a\":1,}", "[}",       "{\"a\":[{]}]}" };
	BW_CLEANUP(bw_buf_release) struct bw_buf seen = BW_BUF_INIT(4096);

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++)
		assert_int_equal(walk_all(bw_slice_text(rows[i]), &seen), BW_ERR_SYNTAX);
	assert_int_equal(walk_all(BW_LIT("\"a\""), &seen), BW_ERR_TYPE);
	assert_int_equal(walk_all(BW_LIT("7"), &seen), BW_ERR_TYPE);
}

static void depth_has_a_limit(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(4096);
	BW_CLEANUP(bw_buf_release) struct bw_buf seen = BW_BUF_INIT(4096);

	(void)state;
	for (int i = 0; i <= BW_JSON_WALK_DEPTH_MAX + 1; i++)
		assert_int_equal(bw_buf_add_u8(&text, '['), BW_OK);
	assert_int_equal(walk_all(bw_buf_slice(&text), &seen), BW_ERR_TOO_DEEP);
}

static void strings_say_what_they_mean(void **state)
{
	static const struct {
		const char *value;
		const char *text;
		enum bw_err err;
	} rows[] = {
		{ "\"\"", "", BW_OK },
		{ "\"a\\\"\\\\\\/\\b\\f\\n\\r\\tb\"", "a\"\\/\b\f\n\r\tb", BW_OK },
		{ "\"\\u0041\\u00e5\\u20ac\\ud83d\\ude00\"", "A\xc3\xa5\xe2\x82\xac\xf0\x9f\x98\x80", BW_OK },
		{ "\"\\x\"", NULL, BW_ERR_SYNTAX },
		{ "\"\\u12\"", NULL, BW_ERR_SYNTAX },
		{ "\"\\ud83d\"", NULL, BW_ERR_SYNTAX },
		{ "\"\\ud83d\\u0041\"", NULL, BW_ERR_SYNTAX },
		{ "\"\\ude00\"", NULL, BW_ERR_SYNTAX },
		{ "\"a\nb\"", NULL, BW_ERR_SYNTAX },
		{ "\"\xff\"", NULL, BW_ERR_UTF8 },
		{ "12", NULL, BW_ERR_TYPE },
		{ "\"", NULL, BW_ERR_TYPE },
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(100);

		assert_int_equal(bw_json_walk_string(bw_slice_text(rows[i].value), &text), rows[i].err);
		if (rows[i].err == BW_OK)
			assert_string_equal(bw_buf_text(&text), rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_and_items_come_with_their_own_text),
		cmocka_unit_test(every_prefix_asks_for_more_and_every_tail_is_refused),
		cmocka_unit_test(what_is_not_json_is_refused),
		cmocka_unit_test(depth_has_a_limit),
		cmocka_unit_test(strings_say_what_they_mean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
