#include "serve/resource.h"

#include "base/test.h"
#include "sys/clock.h"

static struct bw_buf out = BW_BUF_INIT(64 * BW_KIB);

static int forget(void **state)
{
	(void)state;
	bw_buf_release(&out);
	return 0;
}

static const struct bw_server_info plain_info = {
	.title = "T", .description = "", .contact = "", .max_content_bytes = 1024
};

static void discovery_names_its_default_among_its_roots(void **state)
{
	const struct bw_server_info info = { .title = "A \"title\"", .description = "d", .contact = "c" };

	(void)state;
	assert_ok(bw_resource_discovery(&out, &info));
	assert_string_equal(bw_buf_text(&out), "{\"title\":\"A \\\"title\\\"\",\"description\":\"d\",\"contact\":\"c\","
					       "\"default\":\"/api/\",\"api_roots\":[\"/api/\"]}");
}

static void what_is_not_known_is_left_out(void **state)
{
	(void)state;
	assert_ok(bw_resource_discovery(&out, &plain_info));
	assert_string_equal(bw_buf_text(&out), "{\"title\":\"T\",\"default\":\"/api/\",\"api_roots\":[\"/api/\"]}");
}

static void an_api_root_lists_the_version_and_the_longest_body(void **state)
{
	(void)state;
	assert_ok(bw_resource_api_root(&out, &plain_info));
	assert_string_equal(bw_buf_text(&out), "{\"title\":\"T\",\"versions\":[\"application/taxii+json;version=2.1\"],"
					       "\"max_content_length\":1024}");
}

static void a_collection_says_what_may_be_done_with_it(void **state)
{
	const struct bw_collection collection = { .id = "91a7b528-80eb-42ed-a74d-c6fbd5a26116",
						  .title = "C",
						  .alias = "short" };

	(void)state;
	assert_ok(bw_resource_collection(
		&out, &(struct bw_collection_access){ .collection = &collection, .can_read = true }));
	assert_string_equal(bw_buf_text(&out),
			    "{\"id\":\"91a7b528-80eb-42ed-a74d-c6fbd5a26116\",\"title\":\"C\",\"alias\":\"short\","
			    "\"can_read\":true,\"can_write\":false,\"media_types\":["
			    "\"application/stix+json;version=2.1\",\"application/stix+json;version=2.0\"]}");
}

static void no_collections_means_no_list(void **state)
{
	const struct bw_collection collection = { .id = "i", .title = "C" };
	const struct bw_collection_access two[] = { { .collection = &collection }, { .collection = &collection } };

	(void)state;
	assert_ok(bw_resource_collections(&out, NULL, 0));
	assert_string_equal(bw_buf_text(&out), "{}");
	bw_buf_clear(&out);
	assert_ok(bw_resource_collections(&out, two, 2));
	assert_non_null(strstr(bw_buf_text(&out), "{\"collections\":[{\"id\":\"i\""));
	assert_non_null(strstr(bw_buf_text(&out), "},{\"id\":\"i\""));
}

/* ---- pages -------------------------------------------------------------------- */

static struct bw_row rows[] = {
	{ .date_added_us = INT64_C(1769860800000001),
	  .id = BW_LIT("indicator--1"),
	  .version = BW_LIT("2020-01-01T00:00:00.000Z"),
	  .spec_major = 2,
	  .spec_minor = 1,
	  .body = BW_LIT("{\"id\":\"indicator--1\"}") },
	{ .date_added_us = INT64_C(1769860800000002),
	  .id = BW_LIT("tool--2"),
	  .version = BW_LIT("2020-01-02T00:00:00Z"),
	  .spec_major = 2,
	  .spec_minor = 0,
	  .body = BW_LIT("{}") },
};

static const struct bw_page whole = { .rows = rows, .count = 2 };
static const struct bw_page part = { .rows = rows, .count = 2, .more = true, .scanned_us = INT64_C(1769860800000002) };
static const struct bw_page empty = { .rows = NULL, .count = 0 };
static const struct bw_page empty_with_more = { .rows = NULL, .count = 0, .more = true, .scanned_us = 1 };

static void an_envelope_holds_the_objects_as_they_came(void **state)
{
	(void)state;
	assert_ok(bw_resource_envelope(&out, &whole));
	assert_string_equal(bw_buf_text(&out), "{\"objects\":[{\"id\":\"indicator--1\"},{}]}");
}

static void an_event_says_nothing_of_origins_but_in_a_partners_collection(void **state)
{
	static struct bw_provenance from = { .entry = 17, .path_count = 1 };
	struct bw_row told[] = { { .id = BW_LIT("a"), .body = BW_LIT("{}"), .date_added_us = 1, .from = &from },
				 { .id = BW_LIT("b"), .body = BW_LIT("{}"), .date_added_us = 2 } };
	const struct bw_page page = { .rows = told, .count = BW_COUNT(told) };

	(void)state;
	bw_policy_open(&from.inherited);
	from.inherited.tlp = BW_TLP_AMBER_STRICT;
	from.inherited.not_after_us = 0;
	assert_ok(bw_resource_event(&out, &page, false));
	assert_non_null(strstr(bw_buf_text(&out), "data: {\"objects\":[{},{}]}\n\n"));
	bw_buf_clear(&out);
	assert_ok(bw_resource_event(&out, &page, true));
	assert_non_null(strstr(bw_buf_text(&out), "data: {\"objects\":[{},{}],\"from\":[{\"node\":\"bw1000"));
	assert_non_null(strstr(bw_buf_text(&out), "\"entry\":17,\"tlp\":\"amber+strict\",\"actions\":"
						  "\"externally-visible-direct-actions\",\"confidence\":100,"
						  "\"until\":\"1970-01-01T00:00:00.000000Z\"},null]}\n\n"));
}

static void more_comes_with_the_next_that_goes_on_there(void **state)
{
	static enum bw_err (*const writers[])(struct bw_buf *, const struct bw_page *) = {
		bw_resource_envelope,
		bw_resource_manifest,
		bw_resource_versions,
	};
	char begin[64 + BW_NEXT_TEXT] = "{\"more\":true,\"next\":\"";

	(void)state;
	bw_taxii_next_format(part.scanned_us, begin + strlen(begin));
	for (size_t i = 0; i < BW_COUNT(writers); i++) {
		bw_buf_clear(&out);
		assert_ok(writers[i](&out, &part));
		assert_int_equal(strncmp(bw_buf_text(&out), begin, strlen(begin)), 0);
	}
}

static void versions_are_their_texts_as_they_stand(void **state)
{
	(void)state;
	assert_ok(bw_resource_versions(&out, &whole));
	assert_string_equal(bw_buf_text(&out),
			    "{\"versions\":[\"2020-01-01T00:00:00.000Z\",\"2020-01-02T00:00:00Z\"]}");
}

static void a_manifest_row_has_id_date_version_and_media_type(void **state)
{
	(void)state;
	assert_ok(bw_resource_manifest(&out, &whole));
	assert_string_equal(
		bw_buf_text(&out),
		"{\"objects\":[{\"id\":\"indicator--1\",\"date_added\":\"2026-01-31T12:00:00.000001Z\","
		"\"version\":\"2020-01-01T00:00:00.000Z\",\"media_type\":\"application/stix+json;version=2.1\"},"
		"{\"id\":\"tool--2\",\"date_added\":\"2026-01-31T12:00:00.000002Z\","
		"\"version\":\"2020-01-02T00:00:00Z\",\"media_type\":\"application/stix+json;version=2.0\"}]}");
}

static void empty_lists_are_never_sent(void **state)
{
	static enum bw_err (*const writers[])(struct bw_buf *, const struct bw_page *) = {
		bw_resource_envelope,
		bw_resource_manifest,
		bw_resource_versions,
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(writers); i++) {
		bw_buf_clear(&out);
		assert_ok(writers[i](&out, &empty));
		assert_string_equal(bw_buf_text(&out), "{}");
		bw_buf_clear(&out);
		assert_ok(writers[i](&out, &empty_with_more));
		assert_null(strstr(bw_buf_text(&out), "["));
		assert_non_null(strstr(bw_buf_text(&out), "\"more\":true"));
	}
}

static void page_headers_name_the_first_and_the_last_date(void **state)
{
	(void)state;
	assert_ok(bw_resource_page_headers(&out, &whole, -1));
	assert_string_equal(bw_buf_text(&out), "X-TAXII-Date-Added-First: 2026-01-31T12:00:00.000001Z\r\n"
					       "X-TAXII-Date-Added-Last: 2026-01-31T12:00:00.000002Z\r\n");
}

static void an_empty_page_repeats_added_after_in_its_headers(void **state)
{
	(void)state;
	assert_ok(bw_resource_page_headers(&out, &empty, INT64_C(1769860800000001)));
	assert_string_equal(bw_buf_text(&out), "X-TAXII-Date-Added-First: 2026-01-31T12:00:00.000001Z\r\n"
					       "X-TAXII-Date-Added-Last: 2026-01-31T12:00:00.000001Z\r\n");
	bw_buf_clear(&out);
	assert_ok(bw_resource_page_headers(&out, &empty, -1));
	assert_non_null(strstr(bw_buf_text(&out), "1970-01-01T00:00:00.000000Z"));
}

/* ---- errors and status ------------------------------------------------------------ */

static void an_error_says_its_status_as_text(void **state)
{
	struct bw_problem problem;

	(void)state;
	assert_int_equal(bw_problem_set(&problem, 404, "Not found", "no '%s'", "x\"y"), BW_ERR_USAGE);
	assert_ok(bw_resource_error(&out, &problem));
	assert_string_equal(bw_buf_text(&out),
			    "{\"title\":\"Not found\",\"description\":\"no 'x\\\"y'\",\"http_status\":\"404\"}");
}

static void a_status_counts_and_lists_what_became_of_each_object(void **state)
{
	const struct bw_status_line fine = { .id = BW_LIT("tool--2"),
					     .version = BW_LIT("v"),
					     .message = bw_slice_empty };
	const struct bw_status_line bad = { .id = BW_LIT("x"), .version = bw_slice_empty, .message = BW_LIT("why") };
	const struct bw_status status = { .id = "2d086da7-4bdc-4f91-900e-d77486753710",
					  .requested_us = INT64_C(1769860800000000),
					  .total = 2,
					  .success = 1,
					  .failure = 1,
					  .successes = &fine,
					  .success_count = 1,
					  .failures = &bad,
					  .failure_count = 1 };

	(void)state;
	assert_ok(bw_resource_status(&out, &status));
	assert_string_equal(
		bw_buf_text(&out),
		"{\"id\":\"2d086da7-4bdc-4f91-900e-d77486753710\",\"status\":\"complete\","
		"\"request_timestamp\":\"2026-01-31T12:00:00.000000Z\",\"total_count\":2,\"success_count\":1,"
		"\"successes\":[{\"id\":\"tool--2\",\"version\":\"v\"}],\"failure_count\":1,"
		"\"failures\":[{\"id\":\"x\",\"version\":\"\",\"message\":\"why\"}],\"pending_count\":0}");
}

static void a_status_that_waits_is_pending_and_without_lists(void **state)
{
	const struct bw_status status = { .id = "i", .total = 3, .pending = 3 };

	(void)state;
	assert_ok(bw_resource_status(&out, &status));
	assert_non_null(strstr(bw_buf_text(&out), "\"status\":\"pending\""));
	assert_non_null(strstr(bw_buf_text(&out), "\"pending_count\":3"));
	assert_null(strstr(bw_buf_text(&out), "["));
}

#define TEST(name) cmocka_unit_test_teardown(name, forget)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(discovery_names_its_default_among_its_roots),
		TEST(what_is_not_known_is_left_out),
		TEST(an_api_root_lists_the_version_and_the_longest_body),
		TEST(a_collection_says_what_may_be_done_with_it),
		TEST(no_collections_means_no_list),
		TEST(an_envelope_holds_the_objects_as_they_came),
		TEST(an_event_says_nothing_of_origins_but_in_a_partners_collection),
		TEST(more_comes_with_the_next_that_goes_on_there),
		TEST(versions_are_their_texts_as_they_stand),
		TEST(a_manifest_row_has_id_date_version_and_media_type),
		TEST(empty_lists_are_never_sent),
		TEST(page_headers_name_the_first_and_the_last_date),
		TEST(an_empty_page_repeats_added_after_in_its_headers),
		TEST(an_error_says_its_status_as_text),
		TEST(a_status_counts_and_lists_what_became_of_each_object),
		TEST(a_status_that_waits_is_pending_and_without_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
