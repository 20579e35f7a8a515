#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "net/url.h"

static void a_url_is_taken_apart_and_put_together(void **state)
{
	static const char *const rows[][2] = {
		{ "https://Example.ORG", "https://example.org/" },
		{ "https://example.org:443/taxii2/", "https://example.org/taxii2/" },
		{ "HTTP://127.0.0.1:8080/a/b?x=1&y=%20", "http://127.0.0.1:8080/a/b?x=1&y=%20" },
		{ "https://[2001:DB8::0:1]:8443?q", "https://[2001:db8::1]:8443/?q" },
		{ "http://host:/", "http://host/" },
	};
	static char text[BW_URL_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		struct bw_url url;

		assert_int_equal(bw_url_parse(bw_slice_text(rows[i][0]), &url, NULL), BW_OK);
		bw_url_text(&url, text);
		assert_string_equal(text, rows[i][1]);
	}
}

static void what_is_no_url_for_us_is_refused_with_a_reason(void **state)
{
	static const struct {
		const char *text;
		enum bw_err err;
	} rows[] = {
		{ "", BW_ERR_UNSUPPORTED },
		{ "ftp://a/", BW_ERR_UNSUPPORTED },
		{ "example.org", BW_ERR_UNSUPPORTED },
		{ "https://", BW_ERR_SYNTAX },
		{ "https:///a", BW_ERR_SYNTAX },
		{ "https://user:secret@a/", BW_ERR_DENIED },
		{ "https://a:0/", BW_ERR_RANGE },
		{ "https://a:65536/", BW_ERR_RANGE },
		{ "https://a:b/", BW_ERR_SYNTAX },
		{ "https://a b/", BW_ERR_SYNTAX },
		{ "https://a/b c", BW_ERR_SYNTAX },
		{ "https://a/b#c", BW_ERR_SYNTAX },
		{ "https://a/\r\nX: y", BW_ERR_SYNTAX },
		{ "https://\xc3\xa5/", BW_ERR_SYNTAX },
		{ "https://[::1", BW_ERR_SYNTAX },
		{ "https://[::1]x/", BW_ERR_SYNTAX },
		{ "https://[zz]/", BW_ERR_SYNTAX },
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		struct bw_fault fault = { 0 };
		struct bw_url url = { .port = 7 };

		assert_int_equal(bw_url_parse(bw_slice_text(rows[i].text), &url, &fault), rows[i].err);
		assert_non_null(fault.reason);
		assert_true(fault.offset <= strlen(rows[i].text));
		assert_int_equal(url.port, 7);
	}
}

static void a_url_longer_than_the_limit_is_refused(void **state)
{
	static char text[BW_URL_TARGET_MAX + 64];
	struct bw_url url;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	memcpy(text, "http://h/", 9);
	assert_int_equal(bw_url_parse(bw_slice_text(text), &url, NULL), BW_ERR_TOO_BIG);
	text[8 + BW_URL_TARGET_MAX] = '\0';
	assert_int_equal(bw_url_parse(bw_slice_text(text), &url, NULL), BW_OK);
	memcpy(text, "http://hh", 9);
	text[300] = '\0';
	assert_int_equal(bw_url_parse(bw_slice_text(text), &url, NULL), BW_ERR_TOO_BIG);
}

static void a_reference_is_read_on_the_page_it_stands_on(void **state)
{
	static const char *const rows[][2] = {
		{ "/api/", "https://a:1/api/" },
		{ "collections/", "https://a:1/taxii2/collections/" },
		{ "https://b/x/", "https://b/x/" },
		{ "x?y=../z", "https://a:1/taxii2/x?y=../z" },
	};
	static const char *const bad[] = { "", "//b/x/", "../x", "a/./b", "/a/..", "..?x" };
	static char text[BW_URL_TEXT_BYTES];
	struct bw_url base;
	struct bw_url url;

	(void)state;
	assert_int_equal(bw_url_parse(BW_LIT("https://a:1/taxii2/?q=/z"), &base, NULL), BW_OK);
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		assert_int_equal(bw_url_join(&base, bw_slice_text(rows[i][0]), &url, NULL), BW_OK);
		bw_url_text(&url, text);
		assert_string_equal(text, rows[i][1]);
		assert_int_equal(bw_url_same_origin(&base, &url), i != 2);
	}
	for (size_t i = 0; i < BW_COUNT(bad); i++)
		assert_int_equal(bw_url_join(&base, bw_slice_text(bad[i]), &url, NULL), BW_ERR_SYNTAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_url_is_taken_apart_and_put_together),
		cmocka_unit_test(what_is_no_url_for_us_is_refused_with_a_reason),
		cmocka_unit_test(a_url_longer_than_the_limit_is_refused),
		cmocka_unit_test(a_reference_is_read_on_the_page_it_stands_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
