#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/json_text.h"

static void assert_written(struct bw_slice text, const char *expected)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(1024);

	assert_int_equal(bw_json_add_string(&out, text), BW_OK);
	assert_string_equal(bw_buf_text(&out), expected);
}

static void plain_text_stands_as_it_is(void **state)
{
	(void)state;
	assert_written(BW_LIT("APT29 / Cozy Bear"), "\"APT29 / Cozy Bear\"");
	assert_written(bw_slice_empty, "\"\"");
	assert_written(BW_LIT("na\xc3\xafve \xf0\x9f\x9a\xa2"), "\"na\xc3\xafve \xf0\x9f\x9a\xa2\"");
}

static void quotes_controls_and_line_separators_are_escaped(void **state)
{
	(void)state;
	assert_written(BW_LIT("a\"b\\c\nd\r\t\x01\x7f"), "\"a\\\"b\\\\c\\nd\\r\\t\\u0001\\u007f\"");
	assert_written(BW_LIT("x\xe2\x80\xa8y\xe2\x80\xa9"), "\"x\\u2028y\\u2029\"");
}

static void bytes_that_are_not_utf8_become_the_replacement_character(void **state)
{
	(void)state;
	assert_written(BW_LIT("a\xff\x62"), "\"a\\ufffdb\"");
	assert_written(BW_LIT("\xe2\x80"), "\"\\ufffd\\ufffd\"");
	assert_written(BW_LIT("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\"");
}

static void members_get_their_commas(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(1024);

	(void)state;
	assert_int_equal(bw_buf_add_u8(&out, '{'), BW_OK);
	assert_int_equal(bw_json_add_text(&out, "id", BW_LIT("x")), BW_OK);
	assert_int_equal(bw_json_add_bool(&out, "more", true), BW_OK);
	assert_int_equal(bw_json_add_num(&out, "n", -7), BW_OK);
	assert_string_equal(bw_buf_text(&out), "{\"id\":\"x\",\"more\":true,\"n\":-7");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text_stands_as_it_is),
		cmocka_unit_test(quotes_controls_and_line_separators_are_escaped),
		cmocka_unit_test(bytes_that_are_not_utf8_become_the_replacement_character),
		cmocka_unit_test(members_get_their_commas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
