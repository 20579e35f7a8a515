#include "base/text.h"

#include "base/test.h"

static void hexadecimal_goes_there_and_back(void **state)
{
	const struct bw_slice bytes = SLICE(0x00, 0x9a, 0xff);
	char text[7];
	uint8_t back[3];

	(void)state;
	bw_hex_encode(bytes, text);
	assert_string_equal(text, "009aff");
	assert_ok(bw_hex_decode(BW_LIT("009AfF"), back, sizeof(back)));
	assert_memory_equal(back, bytes.ptr, sizeof(back));
	assert_int_equal(bw_hex_decode(BW_LIT("009af"), back, sizeof(back)), BW_ERR_SYNTAX);
	assert_int_equal(bw_hex_decode(BW_LIT("009afg"), back, sizeof(back)), BW_ERR_SYNTAX);
}

static void well_formed_utf8_is_accepted(void **state)
{
	static const char *const good[] = { "",
					    "plain",
					    "\xc2\x80",
					    "\xdf\xbf",
					    "\xe0\xa0\x80",
					    "\xed\x9f\xbf",
					    "\xee\x80\x80",
					    "\xf0\x90\x80\x80",
					    "\xf4\x8f\xbf\xbf" };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(good); i++)
		assert_true(bw_utf8_is_valid(bw_slice_text(good[i]), NULL));
}

static void overlong_forms_surrogates_and_stray_bytes_are_refused_at_their_offset(void **state)
{
	static const char *const bad[] = { "\x80",
					   "\xc0\x80",
					   "\xc1\xbf",
					   "\xc2",
					   "\xc2\x20",
					   "\xe0\x9f\xbf",
					   "\xed\xa0\x80",
					   "\xe1\x80",
					   "\xf0\x8f\xbf\xbf",
					   "\xf4\x90\x80\x80",
					   "\xf5\x80\x80\x80",
					   "\xff" };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(bad); i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(32);
		size_t at = 99;

		assert_ok(bw_buf_add_text(&text, "ok\xc3\xa9"));
		assert_ok(bw_buf_add_text(&text, bad[i]));
		assert_false(bw_utf8_is_valid(bw_buf_slice(&text), &at));
		assert_int_equal(at, 4);
	}
}

static void no_input_can_forge_a_line_or_steer_a_terminal(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(200);

	(void)state;
	assert_ok(bw_text_escape(&out, BW_LIT("a\"b\\c\nd\te\x1b[2J\x7f\xc2\x9b\xff caf\xc3\xa9")));
	assert_string_equal(bw_buf_text(&out), "a\\\"b\\\\c\\nd\\te\\x1b[2J\\x7f\\xc2\\x9b\\xff caf\xc3\xa9");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hexadecimal_goes_there_and_back),
		cmocka_unit_test(well_formed_utf8_is_accepted),
		cmocka_unit_test(overlong_forms_surrogates_and_stray_bytes_are_refused_at_their_offset),
		cmocka_unit_test(no_input_can_forge_a_line_or_steer_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
