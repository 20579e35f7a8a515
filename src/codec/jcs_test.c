#include "codec/jcs.h"

#include "base/test.h"

static void canonical(const char *text, struct bw_buf *out)
{
	struct bw_json_parser parser;
	yyjson_val *root;

	bw_json_parser_init(&parser);
	assert_ok(bw_json_parse(&parser, bw_slice_text(text), &root, NULL));
	bw_buf_clear(out);
	assert_ok(bw_jcs_add(out, root));
	bw_json_parser_release(&parser);
}

static void numbers_are_written_as_ecmascript_does(void **state)
{
	/* RFC 8785 Appendix B, and the borders of each notation */
	static const struct {
		uint64_t bits;
		const char *text;
	} rows[] = {
		{ 0x0000000000000000, "0" },
		{ 0x8000000000000000, "0" },
		{ 0x0000000000000001, "5e-324" },
		{ 0x8000000000000001, "-5e-324" },
		{ 0x7fefffffffffffff, "1.7976931348623157e+308" },
		{ 0x4340000000000000, "9007199254740992" },
		{ 0x4430000000000000, "295147905179352830000" },
		{ 0x44b52d02c7e14af5, "9.999999999999997e+22" },
		{ 0x44b52d02c7e14af6, "1e+23" },
		{ 0x44b52d02c7e14af7, "1.0000000000000001e+23" },
		{ 0x444b1ae4d6e2ef4e, "999999999999999700000" },
		{ 0x444b1ae4d6e2ef4f, "999999999999999900000" },
		{ 0x444b1ae4d6e2ef50, "1e+21" },
		{ 0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7" },
		{ 0x3eb0c6f7a0b5ed8d, "0.000001" },
		{ 0x41b3de4355555553, "333333333.3333332" },
		{ 0x41b3de4355555554, "333333333.33333325" },
		{ 0x41b3de4355555555, "333333333.3333333" },
		{ 0x41b3de4355555556, "333333333.3333334" },
		{ 0xbecbf647612f3696, "-0.0000033333333333333333" },
		{ 0x3d30000000000000, "5.684341886080802e-14" }, /* 2^-44: the nearest sixteen digits miss */
		{ 0x000fffffffffffff, "2.225073858507201e-308" },
		{ 0x43143ff3c1cb0959, "1424953923781206.2" },
	};
	struct bw_buf out = BW_BUF_INIT(BW_KIB);

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		double number;

		memcpy(&number, &rows[i].bits, sizeof(number));
		bw_buf_clear(&out);
		assert_ok(bw_jcs_add_double(&out, number));
		assert_string_equal(bw_buf_text(&out), rows[i].text);
	}
	bw_buf_release(&out);
}

static void names_stand_in_the_order_of_utf16(void **state)
{
	struct bw_buf out = BW_BUF_INIT(BW_KIB);

	(void)state;
	/* RFC 8785 §3.2.3: the smiley is a surrogate pair, before U+FB33 */
	canonical("{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"1\":4,\"\\ud83d\\ude00\":5,\"\\u0080\":6,\"\\u00f6\":7}",
		  &out);
	assert_string_equal(bw_buf_text(&out), "{\"\\r\":2,\"1\":4,\"\xc2\x80\":6,\"\xc3\xb6\":7,\"\xe2\x82\xac\":1,"
					       "\"\xf0\x9f\x98\x80\":5,\"\xef\xac\xb3\":3}");
	bw_buf_release(&out);
}

static void the_same_value_gives_the_same_bytes(void **state)
{
	struct bw_buf a = BW_BUF_INIT(BW_KIB);
	struct bw_buf b = BW_BUF_INIT(BW_KIB);

	(void)state;
	canonical("{ \"b\" : [ 1.0, 1e2, true ], \"a\": \"\\u0041\\/\\u000a\\u001f\\\"\" }", &a);
	canonical("{\"a\":\"A/\\n\\u001F\\u0022\",\"b\":[1,100,true]}", &b);
	assert_string_equal(bw_buf_text(&a), bw_buf_text(&b));
	assert_string_equal(bw_buf_text(&a), "{\"a\":\"A/\\n\\u001f\\\"\",\"b\":[1,100,true]}");
	bw_buf_release(&a);
	bw_buf_release(&b);
}

static void large_objects_are_sorted_too(void **state)
{
	struct bw_buf text = BW_BUF_INIT(BW_MIB);
	struct bw_buf out = BW_BUF_INIT(BW_MIB);

	(void)state;
	assert_ok(bw_buf_add_u8(&text, '{'));
	for (int i = 199; i >= 0; i--)
		assert_ok(bw_buf_addf(&text, "\"n%03d\":%d%s", i, i, i == 0 ? "}" : ","));
	canonical(bw_buf_text(&text), &out);
	assert_true(bw_slice_starts(bw_buf_slice(&out), BW_LIT("{\"n000\":0,\"n001\":1,\"n002\":2,")));
	assert_int_equal(out.len, text.len);
	bw_buf_release(&text);
	bw_buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_written_as_ecmascript_does),
		cmocka_unit_test(names_stand_in_the_order_of_utf16),
		cmocka_unit_test(the_same_value_gives_the_same_bytes),
		cmocka_unit_test(large_objects_are_sorted_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
