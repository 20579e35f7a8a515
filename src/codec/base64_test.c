#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/base64.h"

static void what_was_encoded_comes_back(void **state)
{
	uint8_t bytes[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 37 + 11);
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(256);
		uint8_t back[64];
		size_t back_len;

		assert_int_equal(bw_base64_add(&text, bw_slice_of(bytes, len)), BW_OK);
		assert_int_equal(bw_base64_decode(bw_buf_slice(&text), back, sizeof(back), &back_len), BW_OK);
		assert_int_equal(back_len, len);
		assert_memory_equal(back, bytes, len);
	}
}

static void the_examples_of_the_rfc_hold(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(256);

	(void)state;
	assert_int_equal(bw_base64_add(&text, BW_LIT("foobar")), BW_OK);
	assert_int_equal(bw_base64_add(&text, BW_LIT("fooba")), BW_OK);
	assert_string_equal(bw_buf_text(&text), "Zm9vYmFyZm9vYmE=");
}

static void what_is_not_canonical_is_refused(void **state)
{
	static const char *const bad[] = {
		"Zg=", "Zg", "Zh==", "Zm9=", "=m9v", "Zm=v", "Zm9v\n", "Zm 9", "Z===", "===="
	};
	uint8_t out[16];
	size_t len;

	(void)state;
	for (size_t i = 0; i < BW_COUNT(bad); i++)
		assert_int_equal(bw_base64_decode(bw_slice_text(bad[i]), out, sizeof(out), &len), BW_ERR_SYNTAX);
	assert_int_equal(bw_base64_decode(BW_LIT("Zm9v"), out, 2, &len), BW_ERR_TOO_BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_encoded_comes_back),
		cmocka_unit_test(the_examples_of_the_rfc_hold),
		cmocka_unit_test(what_is_not_canonical_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
