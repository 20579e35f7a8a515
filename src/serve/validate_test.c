#include "serve/validate.h"

#include "base/test.h"

static struct bw_validate_sum run(const struct bw_validate_options *options, const char *text, struct bw_buf *out)
{
	struct bw_validate *validate;
	struct bw_validate_sum sum;
	bool more = true;

	bw_buf_clear(out);
	assert_ok(bw_buf_add_text(out, ""));
	assert_ok(bw_validate_new(options, &validate));
	assert_ok(bw_validate_head(validate, out));
	assert_ok(bw_validate_begin(validate, "x.json"));
	assert_ok(bw_validate_feed(validate, bw_slice_text(text), true));
	while (more)
		assert_ok(bw_validate_step(validate, out, &more));
	assert_ok(bw_validate_tail(validate, out));
	sum = *bw_validate_sum(validate);
	bw_validate_free(validate);
	return sum;
}

#define ADDRESS                                                                                                      \
	"{\"type\":\"ipv4-addr\",\"id\":\"ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4\",\"value\":\"198.51.100." \
	"3\"}"
#define IDENTITY                                                                                                     \
	"{\"type\":\"identity\",\"spec_version\":\"2.1\",\"id\":\"identity--8ae20dde-83d4-4218-88fd-41ef0dabf9d1\"," \
	"\"created\":\"2016-08-22T14:09:00.123Z\",\"modified\":\"2016-08-22T14:09:00.123Z\",\"name\":\"n\"}"
#define BUNDLE(objects) \
	"{\"type\":\"bundle\",\"id\":\"bundle--44af6c39-c09b-49c5-9de2-394224b04982\",\"objects\":[" objects "]}"

static const struct bw_validate_options json = { .format = BW_VALIDATE_JSON };

static void each_object_gives_one_line_of_json(void **state)
{
	struct bw_buf out = BW_BUF_INIT(BW_MIB);
	const struct bw_validate_sum sum = run(&json, ADDRESS "\n{\"a\":\n" ADDRESS "\n", &out);

	(void)state;
	assert_int_equal(sum.objects, 3);
	assert_int_equal(sum.invalid, 1);
	assert_string_equal(bw_buf_text(&out),
			    "{\"n\":1,\"id\":\"ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4\",\"valid\":true,"
			    "\"errors\":[],\"warnings\":[],\"notes\":[]}\n"
			    "{\"n\":2,\"id\":\"\",\"valid\":false,\"errors\":[{\"code\":\"json-syntax\",\"path\":\"\","
			    "\"clause\":\"RFC 8259\",\"message\":\"This is not well-formed JSON (this value does not "
			    "end).\",\"offset\":99}],\"warnings\":[],\"notes\":[]}\n"
			    "{\"n\":3,\"id\":\"ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4\",\"valid\":true,"
			    "\"errors\":[],\"warnings\":[],\"notes\":[]}\n");
	bw_buf_release(&out);
}

static void a_bundle_is_as_good_as_what_is_in_it(void **state)
{
	struct bw_buf out = BW_BUF_INIT(BW_MIB);
	struct bw_validate_sum sum = run(&json, BUNDLE(ADDRESS "," ADDRESS), &out);

	(void)state;
	assert_int_equal(sum.objects, 3);
	assert_int_equal(sum.invalid, 0);
	assert_non_null(strstr(bw_buf_text(&out), "\"index\":1}\n{\"n\":1,\"id\":\"bundle--"));
	sum = run(&json, BUNDLE(ADDRESS ",{\"type\":\"mutex\"}"), &out);
	assert_int_equal(sum.invalid, 2); /* the object and its bundle */
	sum = run(&json, BUNDLE(""), &out);
	assert_int_equal(sum.invalid, 1);
	bw_buf_release(&out);
}

static void where_lines_rule_each_gives_one_line(void **state)
{
	struct bw_buf out = BW_BUF_INIT(BW_MIB);
	const struct bw_validate_sum sum =
		run(&json, ADDRESS "\n" BUNDLE(ADDRESS ",{\"type\":\"mutex\"}") "\n\n[" ADDRESS ",7]\n" ADDRESS "}\n",
		    &out);

	(void)state;
	assert_int_equal(sum.objects, 4);
	assert_int_equal(sum.invalid, 3);
	assert_non_null(strstr(bw_buf_text(&out), "{\"n\":2,\"id\":\"bundle--44af6c39-c09b-49c5-9de2-394224b04982\","
						  "\"valid\":false,\"errors\":[{\"code\":\"missing-property\","
						  "\"path\":\"objects[1].id\""));
	assert_non_null(strstr(bw_buf_text(&out), "{\"n\":3,\"id\":\"\",\"valid\":false,\"errors\":[{\"code\":"
						  "\"not-an-object\",\"path\":\"[1]\""));
	assert_non_null(strstr(bw_buf_text(&out), "{\"n\":4,\"id\":\"ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4\","
						  "\"valid\":false"));
	bw_buf_release(&out);
}

static void strict_counts_warnings_and_ignored_ones_are_gone(void **state)
{
	struct bw_validate_options options = { .format = BW_VALIDATE_JSON, .strict = true };
	struct bw_buf out = BW_BUF_INIT(BW_MIB);

	(void)state;
	/* the same version twice in a bundle (§3.6) */
	assert_int_equal(run(&json, BUNDLE(IDENTITY "," IDENTITY), &out).invalid, 0);
	assert_int_equal(run(&options, BUNDLE(IDENTITY "," IDENTITY), &out).invalid, 2);
	assert_non_null(strstr(bw_buf_text(&out), "duplicate-ids"));
	options.ignored[options.ignored_count++] = BW_FINDING_DUPLICATE_IDS;
	assert_int_equal(run(&options, BUNDLE(IDENTITY "," IDENTITY), &out).invalid, 0);
	assert_null(strstr(bw_buf_text(&out), "duplicate-ids"));
	/* two bundles may well hold the same */
	options.ignored_count = 0;
	assert_int_equal(run(&options, BUNDLE(IDENTITY) BUNDLE(IDENTITY), &out).invalid, 0);
	bw_buf_release(&out);
}

static void text_names_the_place_and_sarif_is_one_document(void **state)
{
	struct bw_validate_options options = { .format = BW_VALIDATE_TEXT };
	struct bw_buf out = BW_BUF_INIT(BW_MIB);

	(void)state;
	(void)run(&options, "{\"type\":\"mutex\",\"id\":\"x\\u001b[2J\"}", &out);
	assert_string_equal(bw_buf_text(&out),
			    "x.json:1: x\\x1b[2J: error identifier at id: The identifier is not "
			    "type--UUID: 'x\\x1b[2J'. [§2.9]\n"
			    "x.json:1: x\\x1b[2J: error missing-property at name: A required property "
			    "is missing: 'name'. [§6.11]\n"
			    "1 objects: 0 valid, 1 invalid; 2 errors, 0 warnings\n");
	options.format = BW_VALIDATE_SARIF;
	(void)run(&options, "{\"type\":\"mutex\"}" ADDRESS "{\"type\":\"mutex\"}", &out);
	{
		yyjson_doc *doc = yyjson_read((const char *)out.ptr, out.len, 0);
		yyjson_val *first = yyjson_arr_get_first(yyjson_obj_get(yyjson_doc_get_root(doc), "runs"));

		assert_non_null(doc);
		assert_int_equal(yyjson_arr_size(yyjson_obj_get(first, "results")), 4);
		yyjson_doc_free(doc);
	}
	bw_buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_object_gives_one_line_of_json),
		cmocka_unit_test(a_bundle_is_as_good_as_what_is_in_it),
		cmocka_unit_test(where_lines_rule_each_gives_one_line),
		cmocka_unit_test(strict_counts_warnings_and_ignored_ones_are_gone),
		cmocka_unit_test(text_names_the_place_and_sarif_is_one_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
