#include "base/test.h"
#include "intel/gist.h"

#define STATEMENT "marking-definition--3a1e0b5c-9f0f-4d0e-8d3e-0a8d7e4d0c11"
#define UNKNOWN "marking-definition--3a1e0b5c-9f0f-4d0e-8d3e-0a8d7e4d0c12"
#define AMBER "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
#define HEAD(type) "{\"type\":\"" type "\",\"id\":\"" type "--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f\""

struct fixture {
	struct bw_marking_book *book;
	struct bw_json_parser parser;
	struct bw_gist gist;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	bw_json_parser_init(&f->parser);
	assert_ok(bw_marking_book_new(&f->book));
	assert_ok(bw_marking_book_add(f->book, BW_LIT("{\"type\":\"marking-definition\",\"id\":\"" STATEMENT
						      "\",\"definition_type\":\"statement\","
						      "\"definition\":{\"statement\":\"ours\"}}")));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	bw_marking_book_free(f->book);
	bw_json_parser_release(&f->parser);
	free(f);
	return 0;
}

static const struct bw_gist *gist_of(struct fixture *f, const char *object)
{
	assert_ok(bw_gist_of(&f->parser, f->book, bw_slice_text(object), &f->gist));
	return &f->gist;
}

static void an_object_is_told_by_its_words(void **state)
{
	const struct bw_gist *g = gist_of(*state,
					  HEAD("indicator") ",\"created_by_ref\":\"identity--x\",\"confidence\":80,"
							    "\"revoked\":true,\"labels\":[\"a\",\"b\",\"a\",7]}");

	assert_int_equal(g->type, BW_STIX_INDICATOR);
	assert_slice(g->creator, "identity--x");
	assert_int_equal(g->confidence, 80);
	assert_true(g->revoked);
	assert_int_equal(g->labels.count, 2);
	assert_slice(g->labels.of[1], "b");
	assert_false(g->by_guard);
	g = gist_of(*state, HEAD("identity") ",\"sectors\":[\"education\"],\"confidence\":101}");
	assert_slice(g->sectors.of[0], "education");
	assert_int_equal(g->confidence, 0);
	assert_int_equal(g->creator.len, 0);
	assert_false(g->revoked);
}

static void markings_nobody_knows_are_named_wherever_they_stand(void **state)
{
	const struct bw_gist *g = gist_of(*state,
					  HEAD("observed-data") ",\"object_marking_refs\":[\"" AMBER "\",\"" STATEMENT
								"\"],\"objects\":{\"0\":{\"granular_markings\":"
								"[{\"marking_ref\":\"" UNKNOWN "\"}]}}}");

	assert_int_equal(g->strange.count, 1);
	assert_slice(g->strange.of[0], UNKNOWN);
	assert_int_equal(g->inputs.of[BW_SOURCE_OWN].tlp, BW_TLP_AMBER);
	assert_true((g->inputs.of[BW_SOURCE_FIXED].duties & BW_DUTY_STRANGE) != 0);
	g = gist_of(*state, HEAD("indicator") ",\"object_marking_refs\":[\"" UNKNOWN "\",\"" UNKNOWN "\"]}");
	assert_int_equal(g->strange.count, 1);
}

static void guard_reports_and_advisories_are_told_apart(void **state)
{
	assert_true(gist_of(*state, HEAD("incident") ",\"extensions\":{\"extension-definition--"
						     "ef765651-680c-498d-9894-99799f2fa126\":{\"detection_methods\":"
						     "[\"Breakwater guard: many files\"]}}}")
			    ->by_guard);
	assert_false(gist_of(*state, HEAD("incident") "}")->by_guard);
	assert_true(gist_of(*state, HEAD("report") ",\"report_types\":[\"vulnerability\"]}")->is_advisory);
	assert_false(gist_of(*state, HEAD("report") ",\"report_types\":[\"malware\"]}")->is_advisory);
	assert_true(gist_of(*state, HEAD("vulnerability") "}")->is_advisory);
}

static void what_is_no_object_or_says_too_much_is_refused(void **state)
{
	struct fixture *f = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf many = BW_BUF_INIT(BW_MIB);

	assert_int_equal(bw_gist_of(&f->parser, f->book, BW_LIT("[]"), &f->gist), BW_ERR_TYPE);
	assert_int_equal(bw_gist_of(&f->parser, f->book, BW_LIT("{\"type\":\"malware\"}"), &f->gist), BW_ERR_TYPE);
	assert_int_equal(bw_gist_of(&f->parser, f->book, BW_LIT("{"), &f->gist), BW_ERR_TRUNCATED);
	assert_ok(bw_buf_add_text(&many, HEAD("malware") ",\"labels\":[\"x\""));
	for (int i = 0; i < BW_GIST_WORDS_MAX; i++)
		assert_ok(bw_buf_addf(&many, ",\"%d\"", i));
	assert_ok(bw_buf_add_text(&many, "]}"));
	assert_int_equal(bw_gist_of(&f->parser, f->book, bw_buf_slice(&many), &f->gist), BW_ERR_TOO_MANY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_object_is_told_by_its_words),
		TEST(markings_nobody_knows_are_named_wherever_they_stand),
		TEST(guard_reports_and_advisories_are_told_apart),
		TEST(what_is_no_object_or_says_too_much_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
