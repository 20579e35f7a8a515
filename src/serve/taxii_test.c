#include "serve/taxii.h"

#include <stdio.h>

#include "base/test.h"
#include "intel/pick.h"
#include "sys/clock.h"

#define ID "/api/collections/91a7b528-80eb-42ed-a74d-c6fbd5a26116/"
#define OBJECTS ID "objects/"
#define OBJECT OBJECTS "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f/"
#define TAXII "Accept: application/taxii+json;version=2.1\r\n"

static struct bw_arena arena = BW_ARENA_INIT(16 * BW_MIB);
static struct bw_taxii_request request;
static struct bw_problem problem;

static int forget(void **state)
{
	(void)state;
	bw_arena_release(&arena);
	return 0;
}

/* What the front does: frame, route, read. The status that would be answered; 0: go on. */
static unsigned ask(const char *method, const char *target, const char *fields)
{
	static char text[32 * 1024];
	struct bw_http_request http;
	size_t seen = 0;

	(void)snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: x\r\n%s\r\n", method, target, fields);
	assert_ok(bw_http_request_parse(bw_slice_text(text), &seen, &http, NULL));
	problem = (struct bw_problem){ 0 };
	bw_taxii_route(http.path, &arena, &request);
	if (bw_taxii_read(&http, &arena, &request, &problem) == BW_OK)
		return 0;
	assert_non_null(problem.title);
	assert_true(problem.description[0] != 0);
	return problem.status;
}

static unsigned get(const char *target)
{
	return ask("GET", target, TAXII);
}

/* ---- routes -------------------------------------------------------------------- */

static void every_resource_has_its_path(void **state)
{
	static const struct {
		const char *path;
		enum bw_taxii_what what;
	} rows[] = {
		{ "/taxii2/", BW_TAXII_DISCOVERY },
		{ "/api/", BW_TAXII_API_ROOT },
		{ "/api/status/2d086da7-4bdc-4f91-900e-d77486753710/", BW_TAXII_STATUS },
		{ "/api/collections/", BW_TAXII_COLLECTIONS },
		{ ID, BW_TAXII_COLLECTION },
		{ ID "manifest/", BW_TAXII_MANIFEST },
		{ OBJECTS, BW_TAXII_OBJECTS },
		{ OBJECT, BW_TAXII_OBJECT },
		{ OBJECT "versions/", BW_TAXII_VERSIONS },
		{ "/healthz", BW_TAXII_HEALTHZ },
		{ "/readyz", BW_TAXII_READYZ },
		{ "/metrics", BW_TAXII_METRICS },
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		assert_int_equal(get(rows[i].path), 0);
		assert_int_equal(request.what, rows[i].what);
		assert_true(request.added_after_us == -1);
	}
}

static void a_missing_final_slash_is_forgiven(void **state)
{
	(void)state;
	assert_int_equal(get("/taxii2"), 0);
	assert_int_equal(request.what, BW_TAXII_DISCOVERY);
	assert_int_equal(get("/api/collections/x/objects/y/versions"), 0);
	assert_int_equal(request.what, BW_TAXII_VERSIONS);
}

static void names_are_taken_from_the_path_and_decoded(void **state)
{
	(void)state;
	assert_int_equal(get("/api/collections/shared%20things/objects/indicator--1/"), 0);
	assert_slice(request.collection, "shared things");
	assert_slice(request.object, "indicator--1");
	assert_int_equal(get("/api/status/abc/"), 0);
	assert_slice(request.status, "abc");
	assert_int_equal(request.collection.len, 0);
	assert_int_equal(get("/api/collections/"), 0);
	assert_int_equal(request.collection.len, 0);
}

static void what_is_nowhere_is_404(void **state)
{
	static const char *const paths[] = {
		"/",
		"/api/x/",
		"/api/status/",
		"/taxii2/x/",
		"/TAXII2/",
		(ID "object/"),
		(OBJECT "x/"),
		"/api//",
		"/api/../api/",
		(OBJECT "versions/x/"),
		"/metrics/x",
		"/api/%2e%2e/x",
		"/api/%00/",
		"/api/%ff/",
		"/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/",
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(paths); i++)
		assert_int_equal(get(paths[i]), 404);
}

static void a_method_that_a_resource_does_not_have_is_405_and_says_what_is_allowed(void **state)
{
	static const struct {
		const char *path;
		const char *allow;
	} rows[] = {
		{ "/taxii2/", "GET, HEAD" },       { "/api/", "GET, HEAD" },
		{ "/api/status/x/", "GET, HEAD" }, { ID, "GET, HEAD" },
		{ ID "manifest/", "GET, HEAD" },   { OBJECTS, "GET, HEAD, POST" },
		{ OBJECT, "GET, HEAD, DELETE" },   { "/healthz", "GET, HEAD" },
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		assert_int_equal(ask("PUT", rows[i].path, TAXII), 405);
		assert_string_equal(problem.allow, rows[i].allow);
		assert_int_equal(ask("HEAD", rows[i].path, TAXII), 0);
	}
	assert_int_equal(ask("DELETE", OBJECTS, TAXII), 405);
	assert_int_equal(ask("POST", OBJECT, TAXII), 405);
	assert_int_equal(ask("BREW", OBJECTS, TAXII), 405);
	assert_int_equal(ask("DELETE", OBJECT, TAXII), 0);
	assert_int_equal(request.method, BW_HTTP_DELETE);
}

/* ---- media types ------------------------------------------------------------------ */

static void accept_headers_that_take_taxii_are_fine(void **state)
{
	static const char *const fields[] = {
		"Accept: application/taxii+json;version=2.1\r\n",
		"Accept: application/taxii+json\r\n",
		"Accept: application/taxii+json; version=2.1\r\n",
		"Accept: application/taxii+json;version=\"2.1\"\r\n",
		"Accept: Application/TAXII+JSON;VERSION=2.1\r\n",
		"Accept: application/taxii+json;version=2.1;q=0.1\r\n",
		"Accept: text/html, application/taxii+json;q=0.5\r\n",
		"Accept: text/html\r\nAccept: application/taxii+json\r\n",
		"Accept: application/taxii+json;version=2.0, application/taxii+json;version=2.1\r\n",
		"Accept: */*\r\n",
		"Accept: application/*\r\n",
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(fields); i++)
		assert_int_equal(ask("GET", "/taxii2/", fields[i]), 0);
}

static void accept_headers_that_do_not_are_406(void **state)
{
	static const char *const fields[] = {
		"",
		"Accept: text/html\r\n",
		"Accept: application/json\r\n",
		"Accept: application/taxii+json;version=2.0\r\n",
		"Accept: application/taxii+json;q=0\r\n",
		"Accept: application/vnd.oasis.taxii+json\r\n",
		"Accept: text/*\r\n",
		"Accept: ;;;\r\n",
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(fields); i++)
		assert_int_equal(ask("GET", "/taxii2/", fields[i]), 406);
}

static void health_and_metrics_ask_for_no_media_type(void **state)
{
	(void)state;
	assert_int_equal(ask("GET", "/healthz", ""), 0);
	assert_int_equal(ask("GET", "/readyz", "Accept: text/html\r\n"), 0);
	assert_int_equal(ask("GET", "/metrics", ""), 0);
}

static void a_post_says_in_which_media_type_it_comes(void **state)
{
	static const struct {
		const char *fields;
		unsigned status;
	} rows[] = {
		{ TAXII "Content-Type: application/taxii+json;version=2.1\r\n", 0 },
		{ TAXII "Content-Type: application/taxii+json\r\n", 0 },
		{ TAXII "Content-Type: application/taxii+json; Version=\"2.1\"\r\n", 0 },
		{ TAXII "Content-Type: application/taxii+json;charset=utf-8;version=2.1\r\n", 0 },
		{ TAXII "Content-Type: application/taxii+json\r\nContent-Encoding: identity\r\n", 0 },
		{ TAXII, 415 },
		{ TAXII "Content-Type: application/json\r\n", 415 },
		{ TAXII "Content-Type: application/stix+json;version=2.1\r\n", 415 },
		{ TAXII "Content-Type: application/taxii+json;version=2.0\r\n", 415 },
		{ TAXII "Content-Type: application/taxii+json;version=\r\n", 415 },
		{ TAXII "Content-Type: nonsense\r\n", 415 },
		{ TAXII "Content-Type: application/taxii+json\r\nContent-Encoding: gzip\r\n", 415 },
		{ "Content-Type: application/taxii+json\r\n", 406 },
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++)
		assert_int_equal(ask("POST", OBJECTS, rows[i].fields), rows[i].status);
}

static void a_get_needs_no_content_type(void **state)
{
	(void)state;
	assert_int_equal(ask("GET", OBJECTS, TAXII "Content-Type: text/html\r\n"), 0);
}

/* ---- filters (X4.4 is the list of what the standard asks) ------------------------------ */

static void added_after_is_a_timestamp_with_any_fraction(void **state)
{
	(void)state;
	assert_int_equal(get(OBJECTS "?added_after=2026-01-31T12:00:00.000001Z"), 0);
	assert_true(request.added_after_us == INT64_C(1769860800000001));
	assert_int_equal(get(OBJECTS "?added_after=2026-01-31T12:00:00Z"), 0);
	assert_true(request.added_after_us == INT64_C(1769860800000000));
	assert_int_equal(get(OBJECTS "?added_after=2026-01-31T12:00:00.1234567891Z"), 0);
	assert_true(request.added_after_us == INT64_C(1769860800123456));
	assert_int_equal(get(OBJECTS "?added_after=1950-01-01T00:00:00Z"), 0);
	assert_true(request.added_after_us == 0);
}

static void added_after_that_is_none_is_400(void **state)
{
	static const char *const values[] = { "",           "yesterday",
					      "2026-01-31", "2026-02-30T00:00:00Z",
					      "1769860800", "2026-01-31T12:00:00Z,2026-01-31T12:00:00Z" };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(values); i++) {
		char target[256];

		(void)snprintf(target, sizeof(target), OBJECTS "?added_after=%s", values[i]);
		assert_int_equal(get(target), 400);
	}
}

static void a_limit_is_a_positive_whole_number(void **state)
{
	(void)state;
	assert_int_equal(get(OBJECTS "?limit=1"), 0);
	assert_int_equal(request.limit, 1);
	assert_int_equal(get(OBJECTS "?limit=999999999"), 0);
	assert_int_equal(request.limit, BW_PAGE_MAX);
	assert_int_equal(get(OBJECTS "?limit=99999999999999999999999"), 0);
	assert_int_equal(request.limit, BW_PAGE_MAX);
	assert_int_equal(get(OBJECTS), 0);
	assert_int_equal(request.limit, 0);
	assert_int_equal(get(OBJECTS "?limit=0"), 400);
	assert_int_equal(get(OBJECTS "?limit=-1"), 400);
	assert_int_equal(get(OBJECTS "?limit=ten"), 400);
	assert_int_equal(get(OBJECTS "?limit="), 400);
	assert_int_equal(get(OBJECTS "?limit=1.5"), 400);
}

static void ids_and_types_are_lists(void **state)
{
	(void)state;
	assert_int_equal(get(OBJECTS "?match[id]=indicator--1,malware--2&match%5Btype%5D=malware,x-any"), 0);
	assert_int_equal(request.ids.count, 2);
	assert_slice(request.ids.list[0], "indicator--1");
	assert_slice(request.ids.list[1], "malware--2");
	assert_int_equal(request.types.count, 2);
	assert_slice(request.types.list[1], "x-any");
	assert_int_equal(get(OBJECTS "?match[id]="), 400);
	assert_int_equal(get(OBJECTS "?match[id]=a,,b"), 400);
	assert_int_equal(get(OBJECTS "?match[type]=malware,"), 400);
}

static void a_list_has_a_longest(void **state)
{
	static char target[16 * 1024];
	size_t at = (size_t)snprintf(target, sizeof(target), OBJECTS "?match[type]=t");

	(void)state;
	for (int i = 0; i < 255; i++)
		at += (size_t)snprintf(target + at, sizeof(target) - at, ",t");
	assert_int_equal(get(target), 0);
	assert_int_equal(request.types.count, 256);
	(void)snprintf(target + at, sizeof(target) - at, ",t");
	assert_int_equal(get(target), 400);
}

static void a_filter_stands_once_at_most(void **state)
{
	static const char *const queries[] = {
		"limit=1&limit=2",
		"added_after=2026-01-31T12:00:00Z&added_after=2026-01-31T12:00:00Z",
		"match[id]=a&match[id]=b",
		"match[type]=a&match%5btype%5d=b",
		"match[version]=first&match[version]=last",
		"match[spec_version]=2.0&match[spec_version]=2.1",
		"next=0000000000000001&next=0000000000000001",
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(queries); i++) {
		char target[512];

		(void)snprintf(target, sizeof(target), OBJECTS "?%s", queries[i]);
		assert_int_equal(get(target), 400);
	}
}

static void versions_mix_words_and_instants(void **state)
{
	(void)state;
	assert_int_equal(get(OBJECTS), 0);
	assert_int_equal(request.picks, 0);
	assert_int_equal(get(OBJECTS "?match[version]=last"), 0);
	assert_int_equal(request.picks, BW_PICK_LAST);
	assert_int_equal(get(OBJECTS "?match[version]=all"), 0);
	assert_int_equal(request.picks, BW_PICK_ALL);
	assert_int_equal(get(OBJECTS "?match[version]=first,last,2020-01-01T00:00:00.000Z,2020-01-02T00:00:00Z"), 0);
	assert_int_equal(request.picks, BW_PICK_FIRST | BW_PICK_LAST);
	assert_int_equal(request.versions.count, 2);
	assert_slice(request.versions.list[1], "2020-01-02T00:00:00Z");
	assert_int_equal(get(OBJECTS "?match[version]=2020-01-01T00:00:00Z"), 0);
	assert_int_equal(request.picks, 0);
	assert_int_equal(request.versions.count, 1);
}

static void versions_that_make_no_sense_are_400(void **state)
{
	static const char *const values[] = { "",
					      "newest",
					      "all,first",
					      "last,last",
					      "first,,last",
					      "2020-01-01T00:00:00%2B01:00",
					      "2020-13-01T00:00:00Z",
					      "2020-01-01T00:00:00Z,2020-01-01T00:00:00Z" };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(values); i++) {
		char target[256];

		(void)snprintf(target, sizeof(target), OBJECTS "?match[version]=%s", values[i]);
		assert_int_equal(get(target), 400);
	}
}

static void spec_versions_are_numbers_with_a_point(void **state)
{
	(void)state;
	assert_int_equal(get(OBJECTS "?match[spec_version]=2.0,2.1"), 0);
	assert_int_equal(request.specs.count, 2);
	assert_int_equal(get(OBJECTS "?match[spec_version]=9.9"), 0);
	assert_int_equal(get(OBJECTS "?match[spec_version]=21"), 400);
	assert_int_equal(get(OBJECTS "?match[spec_version]=2.x"), 400);
	assert_int_equal(get(OBJECTS "?match[spec_version]=2.10"), 400);
	assert_int_equal(get(OBJECTS "?match[spec_version]="), 400);
}

static void unknown_filters_are_passed_over(void **state)
{
	(void)state;
	assert_int_equal(get(OBJECTS "?match[colour]=red&x=1&match[]=&match=2"), 0);
	assert_int_equal(request.ids.count + request.types.count + request.versions.count + request.specs.count, 0);
}

static void a_query_that_is_malformed_is_400(void **state)
{
	(void)state;
	assert_int_equal(get(OBJECTS "?match[id]=%zz"), 400);
	assert_int_equal(get(OBJECTS "?match[id]=%ff"), 400);
	assert_int_equal(get(OBJECTS "?match[id]=%00"), 400);
}

static void each_endpoint_knows_its_own_filters(void **state)
{
#define EVERY                                                                                    \
	"?added_after=2026-01-31T12:00:00Z&limit=5&match[id]=a&match[type]=b&match[version]=all" \
	"&match[spec_version]=2.1"
	static const struct {
		const char *target;
		bool page, id_and_type, version, spec;
	} rows[] = {
		{ OBJECTS EVERY, true, true, true, true },
		{ ID "manifest/" EVERY, true, true, true, true },
		{ OBJECT EVERY, true, false, true, true },
		{ OBJECT "versions/" EVERY, true, false, false, true },
		{ "/api/collections/" EVERY, false, false, false, false },
		{ "/taxii2/" EVERY, false, false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		assert_int_equal(get(rows[i].target), 0);
		assert_int_equal(request.limit, rows[i].page ? 5 : 0);
		assert_int_equal(request.added_after_us >= 0, rows[i].page);
		assert_int_equal(request.ids.count, rows[i].id_and_type ? 1 : 0);
		assert_int_equal(request.types.count, rows[i].id_and_type ? 1 : 0);
		assert_int_equal(request.picks, rows[i].version ? BW_PICK_ALL : 0);
		assert_int_equal(request.specs.count, rows[i].spec ? 1 : 0);
	}
	assert_int_equal(ask("DELETE", OBJECT EVERY, TAXII), 0);
	assert_int_equal(request.limit, 0);
	assert_int_equal(request.picks, BW_PICK_ALL);
	assert_int_equal(request.specs.count, 1);
	assert_int_equal(ask("POST", OBJECTS EVERY, TAXII "Content-Type: application/taxii+json\r\n"), 0);
	assert_int_equal(request.specs.count + request.limit, 0);
#undef EVERY
}

static void a_filter_can_be_read_without_a_url(void **state)
{
	(void)state;
	request = (struct bw_taxii_request){ .added_after_us = -1 };
	assert_ok(bw_taxii_filter("match[type]", BW_LIT("malware,tool"), &arena, &request, &problem));
	assert_int_equal(request.types.count, 2);
	assert_int_equal(bw_taxii_filter("match[version]", BW_LIT("newest"), &arena, &request, &problem), BW_ERR_USAGE);
	assert_int_equal(bw_taxii_filter("colour", BW_LIT("red"), &arena, &request, &problem), BW_ERR_USAGE);
}

/* ---- next ------------------------------------------------------------------------------- */

static void next_is_the_same_walk_as_added_after(void **state)
{
	char next[BW_NEXT_TEXT];
	char target[256];

	(void)state;
	bw_taxii_next_format(INT64_C(1769860800000001), next);
	assert_int_equal(strlen(next), BW_NEXT_TEXT - 1);
	(void)snprintf(target, sizeof(target), OBJECTS "?next=%s", next);
	assert_int_equal(get(target), 0);
	assert_true(request.added_after_us == INT64_C(1769860800000001));
}

static void next_never_goes_back_behind_added_after(void **state)
{
	(void)state;
	assert_int_equal(get(OBJECTS "?next=0000000000000001&added_after=2026-01-31T12:00:00Z"), 0);
	assert_true(request.added_after_us == INT64_C(1769860800000000));
}

static void next_round_trips_over_all_the_centuries(void **state)
{
	static const int64_t instants[] = { 0, 1, INT64_C(1769860800000001), BW_TIME_MAX };
	char next[BW_NEXT_TEXT];
	int64_t back;

	(void)state;
	for (size_t i = 0; i < BW_COUNT(instants); i++) {
		bw_taxii_next_format(instants[i], next);
		assert_ok(bw_taxii_next_parse(bw_slice_text(next), &back));
		assert_true(back == instants[i]);
	}
}

static void next_that_this_server_did_not_give_is_400(void **state)
{
	static const char *const values[] = { "",
					      "1",
					      "zzzzzzzzzzzzzzzz",
					      "00000000000000000",
					      "000000000000000",
					      "-000000000000001",
					      "8000000000000000",
					      "ffffffffffffffff" };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(values); i++) {
		char target[256];

		(void)snprintf(target, sizeof(target), OBJECTS "?next=%s", values[i]);
		assert_int_equal(get(target), 400);
	}
}

#define TEST(name) cmocka_unit_test_teardown(name, forget)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_resource_has_its_path),
		TEST(a_missing_final_slash_is_forgiven),
		TEST(names_are_taken_from_the_path_and_decoded),
		TEST(what_is_nowhere_is_404),
		TEST(a_method_that_a_resource_does_not_have_is_405_and_says_what_is_allowed),
		TEST(accept_headers_that_take_taxii_are_fine),
		TEST(accept_headers_that_do_not_are_406),
		TEST(health_and_metrics_ask_for_no_media_type),
		TEST(a_post_says_in_which_media_type_it_comes),
		TEST(a_get_needs_no_content_type),
		TEST(added_after_is_a_timestamp_with_any_fraction),
		TEST(added_after_that_is_none_is_400),
		TEST(a_limit_is_a_positive_whole_number),
		TEST(ids_and_types_are_lists),
		TEST(a_list_has_a_longest),
		TEST(a_filter_stands_once_at_most),
		TEST(versions_mix_words_and_instants),
		TEST(versions_that_make_no_sense_are_400),
		TEST(spec_versions_are_numbers_with_a_point),
		TEST(unknown_filters_are_passed_over),
		TEST(a_query_that_is_malformed_is_400),
		TEST(each_endpoint_knows_its_own_filters),
		TEST(a_filter_can_be_read_without_a_url),
		TEST(next_is_the_same_walk_as_added_after),
		TEST(next_never_goes_back_behind_added_after),
		TEST(next_round_trips_over_all_the_centuries),
		TEST(next_that_this_server_did_not_give_is_400),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
