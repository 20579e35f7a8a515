#include "codec/json.h"

#include "base/test.h"

static enum bw_err parse(const char *text, struct bw_fault *fault)
{
	struct bw_json_parser parser;
	yyjson_val *root;
	enum bw_err err;

	bw_json_parser_init(&parser);
	err = bw_json_parse(&parser, bw_slice_text(text), &root, fault);
	bw_json_parser_release(&parser);
	return err;
}

static void refusals_name_the_byte(void **state)
{
	static const struct {
		const char *text;
		enum bw_err err;
		size_t offset;
	} rows[] = {
		{ "{\"a\":1,\"b\":2,\"a\":3}", BW_ERR_DUPLICATE, 13 },
		{ "{\"a\":{\"x\":1,\"x\":1}}", BW_ERR_DUPLICATE, 12 },
		{ "{\"a\":1,\"\\u0061\":2}", BW_ERR_DUPLICATE, 7 },
		{ "{\"a\":\"\xff\"}", BW_ERR_UTF8, 6 },
		{ "{\"a\":\"\xc0\xaf\"}", BW_ERR_UTF8, 6 },
		{ "{\"a\":\"\xed\xa0\x80\"}", BW_ERR_UTF8, 6 },
		{ "{\"a\":1,}", BW_ERR_SYNTAX, 6 },
		{ "{\"a\":01}", BW_ERR_SYNTAX, 5 },
		{ "{} {}", BW_ERR_SYNTAX, 3 },
		{ "{\"a\":9007199254740992}", BW_ERR_RANGE, 1 },
		{ "{\"a\":-9007199254740992}", BW_ERR_RANGE, 1 },
		{ "{\"a\":1e400}", BW_ERR_SYNTAX, 5 },
		{ "", BW_ERR_TRUNCATED, 0 },
		{ "{\"a\":", BW_ERR_TRUNCATED, 5 },
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		struct bw_fault fault = { 99, NULL };

		assert_int_equal(parse(rows[i].text, &fault), rows[i].err);
		assert_int_equal(fault.offset, rows[i].offset);
		assert_non_null(fault.reason);
	}
}

static void numbers_at_the_edge_pass(void **state)
{
	(void)state;
	assert_ok(parse("[9007199254740991, -9007199254740991, 1e300, -0.0, 0]", NULL));
}

static void nesting_ends_at_sixty_four(void **state)
{
	char text[131];

	(void)state;
	for (size_t depth = 60; depth <= 65; depth++) {
		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		text[2 * depth] = 0;
		assert_int_equal(parse(text, NULL), depth <= 64 ? BW_OK : BW_ERR_TOO_DEEP);
	}
}

static void twins_are_found_among_many_names(void **state)
{
	struct bw_buf text = BW_BUF_INIT(BW_MIB);

	(void)state;
	for (int twin = 0; twin < 2; twin++) {
		bw_buf_clear(&text);
		assert_ok(bw_buf_add_u8(&text, '{'));
		for (int i = 0; i < 1000; i++)
			assert_ok(bw_buf_addf(&text, "\"name%d\":%d,", i, i));
		assert_ok(bw_buf_addf(&text, "\"name%d\":0}", twin ? 500 : 1000));
		assert_int_equal(parse(bw_buf_text(&text), NULL), twin ? BW_ERR_DUPLICATE : BW_OK);
	}
	bw_buf_release(&text);
}

static void one_parser_reads_text_after_text(void **state)
{
	struct bw_json_parser parser;
	yyjson_val *root;

	(void)state;
	bw_json_parser_init(&parser);
	for (int i = 0; i < 100; i++) {
		assert_ok(bw_json_parse(&parser, BW_LIT("{\"a\":[1,2,{\"b\":\"c\"}]}"), &root, NULL));
		assert_int_equal(bw_json_parse(&parser, BW_LIT("{\"a\":"), &root, NULL), BW_ERR_TRUNCATED);
	}
	bw_json_parser_release(&parser);
}

static void minified_text_keeps_every_token(void **state)
{
	static const char *const rows[][2] = {
		{ " { \"a b\" : [ 1.50 , \"\\u0041 \\\" x\" ] ,\n\t\"c\" : null } ",
		  "{\"a b\":[1.50,\"\\u0041 \\\" x\"],\"c\":null}" },
		{ "{\"long name with blanks in it\":\"a \\\\\"}", "{\"long name with blanks in it\":\"a \\\\\"}" },
		{ "1", "1" },
	};
	struct bw_buf out = BW_BUF_INIT(BW_KIB);

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		bw_buf_clear(&out);
		assert_ok(bw_json_minify(bw_slice_text(rows[i][0]), &out));
		assert_string_equal(bw_buf_text(&out), rows[i][1]);
	}
	bw_buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals_name_the_byte),           cmocka_unit_test(numbers_at_the_edge_pass),
		cmocka_unit_test(nesting_ends_at_sixty_four),       cmocka_unit_test(twins_are_found_among_many_names),
		cmocka_unit_test(one_parser_reads_text_after_text), cmocka_unit_test(minified_text_keeps_every_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
