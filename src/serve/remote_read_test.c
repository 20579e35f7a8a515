#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serve/remote_read.h"

static void a_resource_is_known_by_its_members(void **state)
{
	static const struct {
		const char *json;
		enum bw_remote_kind kind;
	} rows[] = {
		{ "{\"title\":\"x\",\"api_roots\":[\"/a/\"]}", BW_REMOTE_DISCOVERY },
		{ "{\"title\":\"x\",\"versions\":[],\"max_content_length\":1}", BW_REMOTE_API_ROOT },
		{ "{\"id\":\"x\",\"title\":\"y\",\"can_read\":true}", BW_REMOTE_COLLECTION },
		{ "{\"collections\":[]}", BW_REMOTE_COLLECTIONS },
		{ "{\"title\":\"x\"}", BW_REMOTE_UNKNOWN },
		{ "[]", BW_REMOTE_UNKNOWN },
		{ "<html>", BW_REMOTE_UNKNOWN },
		{ "", BW_REMOTE_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++)
		assert_int_equal(bw_remote_kind_of(bw_slice_text(rows[i].json)), rows[i].kind);
}

static void a_collection_needs_an_id_that_fits_a_path(void **state)
{
	static const char *const bad[] = { "{}",
					   "{\"id\":7}",
					   "{\"id\":\"\"}",
					   "{\"id\":\"..\"}",
					   "{\"id\":\"a/b\"}",
					   "{\"id\":\"a?b\"}",
					   "{\"id\":\"a\\nb\"}",
					   "{\"id\":\"a\\u0000\"}" };
	struct bw_remote_collection c;

	(void)state;
	for (size_t i = 0; i < BW_COUNT(bad); i++)
		assert_int_equal(bw_remote_collection_read(bw_slice_text(bad[i]), &c), BW_ERR_MISSING);
	assert_int_equal(
		bw_remote_collection_read(BW_LIT("{\"id\":\"91a7\",\"can_read\":true,\"title\":\"T\\u00e5\"}"), &c),
		BW_OK);
	assert_string_equal(c.title, "T\xc3\xa5");
	assert_true(c.can_read);
	assert_false(c.can_write);
}

static void long_text_is_cut_between_characters(void **state)
{
	char out[6];

	(void)state;
	bw_remote_text(BW_LIT("{\"a\":\"abc\xc3\xa5\xc3\xa5\"}"), "a", out, sizeof(out));
	assert_string_equal(out, "abc\xc3\xa5");
	bw_remote_text(BW_LIT("{\"a\":\"abcd\xc3\xa5\"}"), "a", out, sizeof(out));
	assert_string_equal(out, "abcd");
}

static void an_envelope_tells_its_objects_and_where_to_go_on(void **state)
{
	static const struct {
		const char *json;
		uint64_t objects;
		bool more;
		const char *next;
	} rows[] = {
		{ "{}", 0, false, "" },
		{ "{\"objects\":[{\"a\":\"}\"},{}],\"more\":true,\"next\":\"t\\\"\"}", 2, true, "t\"" },
		{ "{\"more\":false,\"next\":null,\"objects\":[]}", 0, false, "" },
		{ "{\"more\":true,\"next\":17}", 0, true, "17" },
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf next = BW_BUF_INIT(100);
		struct bw_remote_envelope e;

		assert_int_equal(bw_remote_envelope_read(bw_slice_text(rows[i].json), &e, &next), BW_OK);
		assert_int_equal(e.objects, rows[i].objects);
		assert_int_equal(e.more, rows[i].more);
		assert_string_equal(bw_buf_text(&next), rows[i].next);
	}
	BW_CLEANUP(bw_buf_release) struct bw_buf next = BW_BUF_INIT(100);
	struct bw_remote_envelope e;

	assert_int_equal(bw_remote_envelope_read(BW_LIT("[]"), &e, &next), BW_ERR_TYPE);
	assert_int_equal(bw_remote_envelope_read(BW_LIT("{\"objects\":{}}"), &e, &next), BW_ERR_TYPE);
	assert_int_equal(bw_remote_envelope_read(BW_LIT("{\"objects\":[{\"a\":1}"), &e, &next), BW_ERR_TRUNCATED);
}

static void a_status_tells_counts_and_the_first_failure(void **state)
{
	struct bw_remote_status s;

	(void)state;
	assert_int_equal(bw_remote_status_read(BW_LIT("{\"id\":\"2d08\",\"status\":\"complete\",\"success_count\":3,"
						      "\"failure_count\":\"1\",\"failures\":[{\"id\":\"x--1\","
						      "\"message\":\"no\"}]}"),
					       &s),
			 BW_OK);
	assert_true(s.complete);
	assert_int_equal(s.successes, 3);
	assert_int_equal(s.failures, 1);
	assert_string_equal(s.first_failure, "x--1: no");
	assert_int_equal(bw_remote_status_read(BW_LIT("{\"status\":\"pending\",\"id\":\"../x\"}"), &s), BW_OK);
	assert_false(s.complete);
	assert_string_equal(s.id, "");
	assert_int_equal(s.failures, -1);
	assert_int_equal(bw_remote_status_read(BW_LIT("{}"), &s), BW_ERR_TYPE);
}

static void an_error_resource_becomes_words_that_cannot_harm_a_terminal(void **state)
{
	char out[64];

	(void)state;
	bw_remote_error_words(BW_LIT("{\"title\":\"No\\u001b[31m\",\"description\":\"why\"}"), out, sizeof(out));
	assert_string_equal(out, "No\\x1b[31m: why");
	bw_remote_error_words(BW_LIT("<html>"), out, sizeof(out));
	assert_string_equal(out, "");
}

static void the_date_field_is_read_in_its_fixed_form_only(void **state)
{
	(void)state;
	assert_int_equal(bw_http_date_us(BW_LIT("Sun, 06 Nov 1994 08:49:37 GMT")), INT64_C(784111777000000));
	assert_int_equal(bw_http_date_us(BW_LIT("Sun, 06 Xxx 1994 08:49:37 GMT")), -1);
	assert_int_equal(bw_http_date_us(BW_LIT("Sunday, 06-Nov-94 08:49:37 GMT")), -1);
	assert_int_equal(bw_http_date_us(BW_LIT("Sun, 06 Nov 1994 08:49:37 CET")), -1);
	assert_int_equal(bw_http_date_us(bw_slice_empty), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_resource_is_known_by_its_members),
		cmocka_unit_test(a_collection_needs_an_id_that_fits_a_path),
		cmocka_unit_test(long_text_is_cut_between_characters),
		cmocka_unit_test(an_envelope_tells_its_objects_and_where_to_go_on),
		cmocka_unit_test(a_status_tells_counts_and_the_first_failure),
		cmocka_unit_test(an_error_resource_becomes_words_that_cannot_harm_a_terminal),
		cmocka_unit_test(the_date_field_is_read_in_its_fixed_form_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
