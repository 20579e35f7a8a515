#include "codec/media.h"

#include "base/test.h"

static void a_media_type_is_taken_apart(void **state)
{
	struct bw_media media;

	(void)state;
	assert_int_equal(bw_media_parse(BW_LIT("Application/TAXII+json ; Version=2.1;a=\"x\\\"y\" ;"), &media, NULL),
			 BW_OK);
	assert_true(bw_media_is(&media, "application/taxii+json"));
	assert_false(bw_media_is(&media, "application/taxii"));
	assert_int_equal(media.params_n, 2);
	assert_non_null(bw_media_param(&media, "version"));
	assert_true(bw_media_param_is(bw_media_param(&media, "version"), "2.1"));
	assert_false(bw_media_param_is(bw_media_param(&media, "version"), "2.10"));
	assert_true(bw_media_param_is(bw_media_param(&media, "A"), "x\"y"));
	assert_null(bw_media_param(&media, "b"));
}

static void a_malformed_media_type_is_refused(void **state)
{
	static const char *const rows[] = {
		"",
		"a",
		"a/",
		"/b",
		"a/b c",
		"a/b;c",
		"a/b;c=",
		"a/b;c =d",
		"a/b;c= d",
		"a/b;c=\"d",
		"a/b;c=\"d\\",
		"a/b;=d",
		"a/b, c/d",
		"a / b",
		"*/*",
		"a/*",
		"a/b;c=d e",
		"a/b;c=\"\x01\"",
		"a/b;c=d;C=e",
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		struct bw_fault fault = { 0, NULL };
		struct bw_media media;

		if (bw_media_parse(bw_slice_text(rows[i]), &media, &fault) == BW_OK)
			fail_msg("accepted: %s", rows[i]);
		assert_non_null(fault.reason);
		assert_in_range(fault.offset, 0, strlen(rows[i]));
	}
}

static void parameters_are_counted(void **state)
{
	struct bw_media media;

	(void)state;
	assert_int_equal(bw_media_parse(BW_LIT("a/b;a=1;b=1;c=1;d=1;e=1;f=1;g=1;h=1"), &media, NULL), BW_OK);
	assert_int_equal(bw_media_parse(BW_LIT("a/b;a=1;b=1;c=1;d=1;e=1;f=1;g=1;h=1;i=1"), &media, NULL),
			 BW_ERR_TOO_MANY);
}

struct weighed {
	const char *accept;
	unsigned q;
};

static void the_most_specific_range_decides(void **state)
{
	static const struct weighed rows[] = {
		{ "application/taxii+json;version=2.1", 1000 },
		{ "application/taxii+json; version=2.1", 1000 },
		{ "APPLICATION/TAXII+JSON ;\tVERSION=\"2.1\"", 1000 },
		{ "application/taxii+json;version=\"2\\.1\"", 1000 },
		{ "application/taxii+json", 1000 },
		{ "application/taxii+json;q=0.5", 500 },
		{ "application/taxii+json;Q=0.123", 123 },
		{ "application/*;q=0.25", 250 },
		{ "*/*", 1000 },
		{ "*/*;q=0", 0 },
		{ "application/taxii+json;version=2.0", 0 },
		{ "application/taxii+json;version=2.0, application/taxii+json;version=2.1;q=0.1", 100 },
		{ "application/taxii+json;q=0, */*", 0 },
		{ "application/taxii+json;version=2.1;q=0, application/taxii+json", 0 },
		{ "application/taxii+json, application/taxii+json;version=2.1;q=0.2", 200 },
		{ "application/*;q=0.1, */*;q=0.9", 100 },
		{ "text/html, application/xml;q=0.9, image/webp, */*;q=0.8", 800 },
		{ "application/json", 0 },
		{ "application/vnd.oasis.taxii+json", 0 },
		{ "", 0 },
		{ " , ,", 0 },
		{ ", application/taxii+json ,, text/html", 1000 },
		{ "application/taxii+json;q=1.000;ext;ext2=\"a,b\"", 1000 },
		{ "application/taxii+json;version=2.1;q=0., text/html", 0 },
		{ "text/html;a=\"x,y\", application/taxii+json;q=0.3", 300 },
	};
	struct bw_media offer;

	(void)state;
	assert_int_equal(bw_media_parse(BW_LIT("application/taxii+json;version=2.1"), &offer, NULL), BW_OK);
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		struct bw_accept_weight weight = { 0, 0 };

		if (bw_accept_weigh(bw_slice_text(rows[i].accept), &offer, &weight, NULL) != BW_OK)
			fail_msg("refused: %s", rows[i].accept);
		if (weight.q != rows[i].q)
			fail_msg("%s: %u", rows[i].accept, weight.q);
	}
}

static void a_malformed_accept_is_refused_with_its_offset(void **state)
{
	static const struct {
		const char *accept;
		size_t offset;
	} rows[] = {
		{ "text/html, application", 22 }, { "text/html, */json", 17 },       { "text/html, a/b;q=2", 18 },
		{ "text/html, a/b;q=1.1", 20 },   { "text/html, a/b;q=0.1234", 23 }, { "text/html, a/b;q=\"1\"", 20 },
		{ "text/html, a/b;q=.5", 19 },    { "text/html, a/b;q=0.x", 20 },    { "text/html text/plain", 10 },
	};
	struct bw_media offer;

	(void)state;
	assert_ok(bw_media_parse(BW_LIT("a/b"), &offer, NULL));
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		struct bw_accept_weight weight = { 7, 7 };
		struct bw_fault fault = { 0, NULL };

		assert_int_equal(bw_accept_weigh(bw_slice_text(rows[i].accept), &offer, &weight, &fault),
				 BW_ERR_SYNTAX);
		assert_int_equal(weight.q, 7);
		if (fault.offset != rows[i].offset)
			fail_msg("%s: %zu", rows[i].accept, fault.offset);
	}
}

static void several_accept_lines_count_as_one(void **state)
{
	struct bw_accept_weight weight = { 0, 0 };
	struct bw_media offer;

	(void)state;
	assert_ok(bw_media_parse(BW_LIT("a/b"), &offer, NULL));
	assert_int_equal(bw_accept_weigh(BW_LIT("a/b;q=0.4"), &offer, &weight, NULL), BW_OK);
	assert_ok(bw_accept_weigh(BW_LIT("*/*"), &offer, &weight, NULL));
	assert_int_equal(weight.q, 400);
}

static void ranges_are_counted(void **state)
{
	char text[4 * BW_ACCEPT_RANGES_MAX + 5];
	struct bw_accept_weight weight = { 0, 0 };
	struct bw_media offer;

	(void)state;
	assert_ok(bw_media_parse(BW_LIT("a/b"), &offer, NULL));
	for (size_t i = 0; i <= BW_ACCEPT_RANGES_MAX; i++)
		memcpy(&text[4 * i], "c/d,", 5);
	assert_int_equal(bw_accept_weigh(bw_slice_text(text), &offer, &weight, NULL), BW_ERR_TOO_MANY);
	assert_ok(bw_accept_weigh(bw_slice_text(text + 4), &offer, &weight, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_media_type_is_taken_apart),
		cmocka_unit_test(a_malformed_media_type_is_refused),
		cmocka_unit_test(parameters_are_counted),
		cmocka_unit_test(the_most_specific_range_decides),
		cmocka_unit_test(a_malformed_accept_is_refused_with_its_offset),
		cmocka_unit_test(several_accept_lines_count_as_one),
		cmocka_unit_test(ranges_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
