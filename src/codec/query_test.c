#include "codec/query.h"

#include "base/test.h"

static struct bw_arena arena = { NULL, 0, 65536 };

static int forget(void **state)
{
	(void)state;
	bw_arena_release(&arena);
	arena = BW_ARENA_INIT(65536);
	return 0;
}

static enum bw_err path(const char *text, struct bw_path *out)
{
	return bw_path_parse(bw_slice_text(text), &arena, out, NULL);
}

static void a_query_is_cut_and_decoded(void **state)
{
	struct bw_query query;

	(void)state;
	assert_ok(bw_query_parse(BW_LIT("match%5Btype%5D=indicator%2cmalware&&limit=10&x&y=a=b&z=+%2B%C3%A5"), &arena,
				 &query, NULL));
	assert_int_equal(query.n, 5);
	assert_slice(query.pairs[0].name, "match[type]");
	assert_slice(query.pairs[0].value, "indicator,malware");
	assert_slice(query.pairs[1].value, "10");
	assert_slice(query.pairs[2].name, "x");
	assert_int_equal(query.pairs[2].value.len, 0);
	assert_slice(query.pairs[3].value, "a=b");
	assert_slice(query.pairs[4].value, " +\xc3\xa5");
}

static void what_needs_no_decoding_is_borrowed(void **state)
{
	const struct bw_slice text = BW_LIT("limit=10");
	struct bw_query query;

	(void)state;
	assert_ok(bw_query_parse(text, &arena, &query, NULL));
	assert_ptr_equal(query.pairs[0].value.ptr, text.ptr + 6);
	assert_int_equal(arena.used, 0);
}

static void bad_escapes_are_refused_with_their_offset(void **state)
{
	static const struct {
		const char *text;
		enum bw_err err;
		size_t offset;
	} rows[] = {
		{ "a=b&c=%", BW_ERR_SYNTAX, 6 },   { "a=b&c=%4", BW_ERR_SYNTAX, 6 }, { "a=b&c=%4g", BW_ERR_SYNTAX, 6 },
		{ "a=b&%zz=1", BW_ERR_SYNTAX, 4 }, { "a=%00", BW_ERR_SYNTAX, 4 },    { "a=x%0d%0ay", BW_ERR_SYNTAX, 5 },
		{ "a=%7f", BW_ERR_SYNTAX, 4 },     { "a=%ff", BW_ERR_UTF8, 2 },      { "a=%c0%af", BW_ERR_UTF8, 2 },
		{ "a=\x80", BW_ERR_UTF8, 2 },
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		struct bw_fault fault = { 0, NULL };
		struct bw_query query;

		assert_int_equal(bw_query_parse(bw_slice_text(rows[i].text), &arena, &query, &fault), rows[i].err);
		if (fault.offset != rows[i].offset)
			fail_msg("%s: %zu", rows[i].text, fault.offset);
	}
}

static void parameters_are_counted(void **state)
{
	char text[2 * BW_QUERY_PAIRS_MAX + 3];
	struct bw_query query;

	(void)state;
	for (size_t i = 0; i <= BW_QUERY_PAIRS_MAX; i++)
		memcpy(&text[2 * i], "a&", 3);
	assert_int_equal(bw_query_parse(bw_slice_text(text), &arena, &query, NULL), BW_ERR_TOO_MANY);
	assert_ok(bw_query_parse(bw_slice_text(text + 2), &arena, &query, NULL));
	assert_int_equal(query.n, BW_QUERY_PAIRS_MAX);
}

static void memory_is_bounded(void **state)
{
	struct bw_arena small = BW_ARENA_INIT(8);
	struct bw_query query;

	(void)state;
	assert_int_equal(bw_query_parse(BW_LIT("a=%20aaaaaaaaaaaaaaaa"), &small, &query, NULL), BW_ERR_MEMORY);
	bw_arena_release(&small);
}

static void a_parameter_may_stand_once(void **state)
{
	struct bw_query query;
	struct bw_slice value;

	(void)state;
	assert_ok(bw_query_parse(BW_LIT("limit=1&next=a&limit=2"), &arena, &query, NULL));
	assert_ok(bw_query_once(&query, "next", &value));
	assert_slice(value, "a");
	assert_int_equal(bw_query_once(&query, "limit", &value), BW_ERR_DUPLICATE);
	assert_int_equal(bw_query_once(&query, "Next", &value), BW_ERR_NOT_FOUND);
}

static void a_match_names_its_field(void **state)
{
	struct bw_slice field;

	(void)state;
	assert_true(bw_query_match_field(BW_LIT("match[spec_version]"), &field));
	assert_slice(field, "spec_version");
	assert_false(bw_query_match_field(BW_LIT("match"), &field));
	assert_false(bw_query_match_field(BW_LIT("match[]"), &field));
	assert_false(bw_query_match_field(BW_LIT("match[id"), &field));
	assert_false(bw_query_match_field(BW_LIT("Match[id]"), &field));
}

static void a_list_keeps_its_empty_items(void **state)
{
	static const struct {
		const char *text;
		size_t items;
		const char *last;
	} rows[] = {
		{ "a,b,c", 3, "c" }, { "a", 1, "a" }, { "a,,b", 3, "b" },
		{ "a,", 2, "" },     { "", 1, "" },   { ",", 2, "" },
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		struct bw_slice rest = bw_slice_text(rows[i].text);
		struct bw_slice item = bw_slice_empty;
		size_t n = 0;

		while (bw_list_next(&rest, &item))
			n++;
		assert_int_equal(n, rows[i].items);
		assert_slice(item, rows[i].last);
		assert_false(bw_list_next(&rest, &item));
	}
}

static void a_path_is_cut_and_decoded(void **state)
{
	struct bw_path p;

	(void)state;
	assert_ok(path("/", &p));
	assert_int_equal(p.n, 0);
	assert_true(p.ends_in_slash);
	assert_ok(path("/taxii2/", &p));
	assert_int_equal(p.n, 1);
	assert_true(p.ends_in_slash);
	assert_ok(path("/a%20b/c+d", &p));
	assert_int_equal(p.n, 2);
	assert_false(p.ends_in_slash);
	assert_slice(p.segments[0], "a b");
	assert_slice(p.segments[1], "c+d");
}

static void a_path_that_points_elsewhere_is_refused(void **state)
{
	static const char *const rows[] = { "",        "a/b",      "*",      "//",     "/a//b",  "/a/./b",
					    "/a/../b", "/%2e%2E/", "/a%2fb", "/a%00b", "/a/%2e", "/a%" };
	struct bw_path p;

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		if (path(rows[i], &p) != BW_ERR_SYNTAX)
			fail_msg("accepted: %s", rows[i]);
	}
	assert_int_equal(path("/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", &p), BW_ERR_TOO_MANY);
	assert_ok(path("/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/", &p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_query_is_cut_and_decoded, forget),
		cmocka_unit_test_setup(what_needs_no_decoding_is_borrowed, forget),
		cmocka_unit_test_setup(bad_escapes_are_refused_with_their_offset, forget),
		cmocka_unit_test_setup(parameters_are_counted, forget),
		cmocka_unit_test_setup(memory_is_bounded, forget),
		cmocka_unit_test_setup(a_parameter_may_stand_once, forget),
		cmocka_unit_test_setup(a_match_names_its_field, forget),
		cmocka_unit_test_setup(a_list_keeps_its_empty_items, forget),
		cmocka_unit_test_setup(a_path_is_cut_and_decoded, forget),
		cmocka_unit_test_setup_teardown(a_path_that_points_elsewhere_is_refused, forget, forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
