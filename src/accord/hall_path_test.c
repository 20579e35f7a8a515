#include "accord/hall_path.h"

#include "base/test.h"

static enum bw_err parse(enum bw_http_method method, const char *path, const char *query, struct bw_hall_path *out)
{
	return bw_hall_path_parse(method, bw_slice_text(path), bw_slice_text(query), out);
}

static void each_path_has_its_verb(void **state)
{
	static const struct {
		enum bw_http_method method;
		const char *path;
		const char *query;
		enum bw_hall_verb verb;
		const char *accord;
		const char *text;
	} rows[] = {
		{ BW_HTTP_GET, "/accord/v1/papers", "", BW_HALL_PAPERS, "", "" },
		{ BW_HTTP_GET, "/accord/v1/uk-us/documents", "", BW_HALL_DOCUMENTS, "uk-us", "" },
		{ BW_HTTP_POST, "/accord/v1/uk-us/documents", "", BW_HALL_DOCUMENTS_TAKE, "uk-us", "" },
		{ BW_HTTP_GET, "/accord/v1/a/passage", "from=7.0.5", BW_HALL_PASSAGE, "a", "7.0.5" },
		{ BW_HTTP_GET, "/accord/v1/a/passage", "", BW_HALL_PASSAGE, "a", "" },
		{ BW_HTTP_GET, "/accord/v1/a/known", "", BW_HALL_KNOWN, "a", "" },
		{ BW_HTTP_POST, "/accord/v1/a/word", "", BW_HALL_WORD, "a", "" },
		{ BW_HTTP_POST, "/witness/v1/add-checkpoint", "", BW_HALL_WITNESS, "", "" },
		{ BW_HTTP_GET, "/log/v1/a/checkpoint", "", BW_HALL_PUBLIC, "a", "checkpoint" },
		{ BW_HTTP_HEAD, "/log/v1/a/tile/0/x001/067.p/3", "", BW_HALL_PUBLIC, "a", "tile/0/x001/067.p/3" },
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		struct bw_hall_path path;

		assert_ok(parse(rows[i].method, rows[i].path, rows[i].query, &path));
		assert_int_equal(path.verb, rows[i].verb);
		assert_slice(path.accord, rows[i].accord);
		assert_slice(path.text, rows[i].text);
	}
}

static void everything_else_is_not_there(void **state)
{
	static const char *const paths[] = { "",
					     "/",
					     "/accord/v1/",
					     "/accord/v1/a",
					     "/accord/v1/a/",
					     "/accord/v1/../documents",
					     "/accord/v1/A/documents",
					     "/accord/v1/a%2f/known",
					     "/accord/v1/a/known/",
					     "/accord/v2/papers",
					     "/log/v1/a/",
					     "/log/v1//checkpoint",
					     "/witness/v1/add-checkpoint/" };
	struct bw_hall_path path;

	(void)state;
	for (size_t i = 0; i < BW_COUNT(paths); i++)
		assert_int_equal(parse(BW_HTTP_GET, paths[i], "", &path), BW_ERR_NOT_FOUND);
	assert_int_equal(parse(BW_HTTP_GET, "/accord/v1/a/passage", "to=1", &path), BW_ERR_NOT_FOUND);
}

static void a_path_with_another_method_is_said_to_be_one(void **state)
{
	struct bw_hall_path path;

	(void)state;
	assert_int_equal(parse(BW_HTTP_POST, "/accord/v1/papers", "", &path), BW_ERR_UNSUPPORTED);
	assert_int_equal(parse(BW_HTTP_HEAD, "/accord/v1/a/known", "", &path), BW_ERR_UNSUPPORTED);
	assert_int_equal(parse(BW_HTTP_GET, "/accord/v1/a/word", "", &path), BW_ERR_UNSUPPORTED);
	assert_int_equal(parse(BW_HTTP_DELETE, "/accord/v1/a/documents", "", &path), BW_ERR_UNSUPPORTED);
	assert_int_equal(parse(BW_HTTP_GET, "/witness/v1/add-checkpoint", "", &path), BW_ERR_UNSUPPORTED);
	assert_int_equal(parse(BW_HTTP_PUT, "/log/v1/a/checkpoint", "", &path), BW_ERR_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_path_has_its_verb),
		cmocka_unit_test(everything_else_is_not_there),
		cmocka_unit_test(a_path_with_another_method_is_said_to_be_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
