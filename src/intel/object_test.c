#include "intel/object.h"

#include "intel/marking.h"

#include "base/test.h"

struct fixture {
	struct bw_checker *checker;
	struct bw_report report;
};

static int set_up(void **state)
{
	static struct fixture fixture;

	assert_ok(bw_checker_new(BW_CHECK_WARNINGS | BW_CHECK_IDS, &fixture.checker));
	assert_ok(bw_report_init(&fixture.report));
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	bw_checker_free(f->checker);
	bw_report_release(&f->report);
	return 0;
}

/* Single quotes stand for double ones, so that the objects below can be read. */
static struct bw_slice quoted(const char *text, struct bw_buf *out)
{
	bw_buf_clear(out);
	assert_ok(bw_buf_add_text(out, text));
	for (size_t i = 0; i < out->len; i++) {
		if (out->ptr[i] == '\'')
			out->ptr[i] = '"';
	}
	return bw_buf_slice(out);
}

static void check(struct fixture *f, const char *text)
{
	struct bw_buf json = BW_BUF_INIT(BW_MIB);

	assert_ok(bw_object_check(f->checker, quoted(text, &json), &f->report, NULL));
	bw_buf_release(&json);
}

static bool found(const struct fixture *f, enum bw_finding_code code, const char *path)
{
	for (size_t i = 0; i < f->report.count; i++) {
		if (f->report.rows[i].code == code && bw_slice_is(f->report.rows[i].path, path))
			return true;
	}
	return false;
}

#define SDO(type, more)                                                                                  \
	"{'type':'" type "','spec_version':'2.1','id':'" type "--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f'," \
	"'created':'2016-04-06T20:03:48.000Z','modified':'2016-04-06T20:03:48.000Z'" more "}"
#define INDICATOR(more)                                                                                        \
	SDO("indicator", ",'name':'n','description':'d','pattern_type':'stix','valid_from':'2016-01-01T00:00:" \
			 "00Z'" more)
#define IPV4 "{'type':'ipv4-addr','id':'ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4','value':'198.51.100.3'}"

static void good_objects_have_nothing_to_tell(void **state)
{
	static const char *const objects[] = {
		SDO("attack-pattern", ",'name':'a'"),
		SDO("malware", ",'is_family':false"),
		SDO("note", ",'content':'c','object_refs':['indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f']"),
		SDO("location", ",'latitude':1.5,'longitude':2,'precision':10"),
		INDICATOR(",'pattern':\"[ipv4-addr:value = 'x']\""),
		IPV4,
	};

	for (size_t i = 0; i < BW_COUNT(objects); i++) {
		struct fixture *f = *state;
		struct bw_buf json = BW_BUF_INIT(BW_MIB);
		/* the pattern keeps its single quotes */
		const bool indicator = strstr(objects[i], "\"[") != NULL;
		struct bw_slice text = quoted(objects[i], &json);

		if (indicator) {
			char *from = strchr((char *)json.ptr, '[');

			for (char *c = from; *c != ']'; c++) {
				if (*c == '"')
					*c = '\'';
			}
		}
		assert_ok(bw_object_check(f->checker, text, &f->report, NULL));
		assert_int_equal(f->report.count, 0);
		bw_buf_release(&json);
	}
}

static void every_rule_has_its_code_and_path(void **state)
{
	static const struct {
		const char *object;
		enum bw_finding_code code;
		const char *path;
	} rows[] = {
		{ "[]", BW_FINDING_NOT_OBJECT, "" },
		{ "{", BW_FINDING_JSON_SYNTAX, "" },
		{ "{'a':1,'a':2}", BW_FINDING_JSON_DUPLICATE, "" },
		{ SDO("tool", ""), BW_FINDING_MISSING, "name" },
		{ SDO("tool", ",'name':null"), BW_FINDING_NULL_VALUE, "name" },
		{ SDO("tool", ",'name':7"), BW_FINDING_WRONG_TYPE, "name" },
		{ SDO("tool", ",'name':'t','labels':[]"), BW_FINDING_EMPTY_LIST, "labels" },
		{ SDO("tool", ",'name':'t','labels':['a',7]"), BW_FINDING_WRONG_TYPE, "labels[1]" },
		{ SDO("tool", ",'name':'t','confidence':101"), BW_FINDING_RANGE, "confidence" },
		{ SDO("tool", ",'name':'t','severity':1"), BW_FINDING_RESERVED_NAME, "severity" },
		{ SDO("tool", ",'name':'t','lang':'foo'"), BW_FINDING_LANGUAGE, "lang" },
		{ SDO("tool", ",'name':'t','tool_types':['foo']"), BW_FINDING_TOOL_TYPES, "tool_types[0]" },
		{ SDO("tool", ",'name':'t','foo':1"), BW_FINDING_EXTENSIONS_USE, "foo" },
		{ SDO("tool", ",'name':'t','foo_hex':'1'"), BW_FINDING_HEX, "foo_hex" },
		{ SDO("tool", ",'name':'t','kill_chain_phases':[{'kill_chain_name':'A','phase_name':'b'}]"),
		  BW_FINDING_KILL_CHAIN_NAMES, "kill_chain_phases[0].kill_chain_name" },
		{ SDO("tool", ",'name':'t','external_references':[{'source_name':'cve','external_id':'x'}]"),
		  BW_FINDING_EXTERNAL_REFERENCE, "external_references[0]" },
		{ SDO("tool", ",'name':'t','object_marking_refs':['tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f']"),
		  BW_FINDING_REF_TYPE, "object_marking_refs[0]" },
		{ SDO("tool", ",'name':'t','granular_markings':[{'selectors':['name'],'marking_ref':"
			      "'marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9','lang':'en'}]"),
		  BW_FINDING_GRANULAR, "granular_markings[0]" },
		{ SDO("tool", ",'name':'t','labels':['a'],'granular_markings':[{'selectors':['labels.[1]'],"
			      "'marking_ref':'marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9'}]"),
		  BW_FINDING_SELECTOR, "granular_markings[0].selectors[0]" },
		{ SDO("tool", ",'name':'t','extensions':{'foo':{'a':1}}"), BW_FINDING_EXTENSION_KEY, "extensions.foo" },
		{ SDO("campaign", ",'name':'c','first_seen':'2020-01-02T00:00:00Z','last_seen':'2020-01-01T00:00:00Z'"),
		  BW_FINDING_ORDER, "last_seen" },
		{ INDICATOR(",'pattern':'[oops'"), BW_FINDING_PATTERN, "pattern" },
		{ INDICATOR(",'pattern':'x','valid_until':'2016-01-01T00:00:00.0Z'"), BW_FINDING_ORDER, "valid_until" },
		{ SDO("malware", ",'is_family':true"), BW_FINDING_MISSING, "name" },
		{ SDO("opinion", ",'object_refs':['x'],'opinion':'maybe'"), BW_FINDING_CLOSED_VOCABULARY, "opinion" },
		{ SDO("location", ",'latitude':91,'longitude':0"), BW_FINDING_RANGE, "latitude" },
		{ SDO("relationship", ",'relationship_type':'Uses','source_ref':'x','target_ref':'y'"),
		  BW_FINDING_RELATIONSHIP_NAME, "relationship_type" },
		{ SDO("sighting", ",'sighting_of_ref':'relationship--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f'"),
		  BW_FINDING_REF_TYPE, "sighting_of_ref" },
		{ SDO("observed-data", ",'first_observed':'2020-01-01T00:00:00Z','last_observed':"
				       "'2020-01-01T00:00:00Z','number_observed':1"),
		  BW_FINDING_EXACTLY_ONE, "" },
		{ "{'type':'file','id':'file--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f','name':'x'}", BW_FINDING_UUID_CHECK,
		  "id" },
		{ "{'type':'process','id':'process--28bb3599-77cd-5a82-a950-b5bc3caf07c4','pid':1}",
		  BW_FINDING_ID_MUST_V4, "id" },
		{ "{'type':'ipv4-addr','id':'ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4','value':'1.2.3'}",
		  BW_FINDING_IPV4, "value" },
		{ "{'type':'ipv4-addr','id':'ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4','value':'1.2.3.4'}",
		  BW_FINDING_DETERMINISTIC_ID, "id" },
		{ "{'type':'url','id':'ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4','value':'a:b'}",
		  BW_FINDING_ID_TYPE, "id" },
		{ "{'type':'file','id':'file--28bb3599-77cd-5a82-a950-b5bc3caf07c4','hashes':{'MD5':'x'}}",
		  BW_FINDING_HASH, "hashes.MD5" },
		{ "{'type':'artifact','id':'artifact--28bb3599-77cd-5a82-a950-b5bc3caf07c4','payload_bin':'AA==',"
		  "'url':'a:b'}",
		  BW_FINDING_EXACTLY_ONE, "" },
		{ "{'type':'Foo','id':'x'}", BW_FINDING_TYPE_NAME, "type" },
		{ "{'type':'marking-definition','spec_version':'2.1','created':'2017-01-20T00:00:00.000Z','name':'TLP:"
		  "RED',"
		  "'id':'marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9','definition_type':'tlp',"
		  "'definition':{'tlp':'red'}}",
		  BW_FINDING_TLP, "definition" },
		{ SDO("language-content", ",'object_ref':'tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f',"
					  "'contents':{'foo':{'name':'x'}}"),
		  BW_FINDING_LANGUAGE, "contents.foo" },
	};

	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		struct fixture *f = *state;

		check(f, rows[i].object);
		if (!found(f, rows[i].code, rows[i].path))
			print_error("not found: %s at '%s' in %s\n", bw_finding_name(rows[i].code), rows[i].path,
				    rows[i].object);
		assert_true(found(f, rows[i].code, rows[i].path));
	}
}

static void findings_say_one_sentence_with_their_clause(void **state)
{
	struct fixture *f = *state;
	struct bw_buf out = BW_BUF_INIT(BW_KIB);

	check(f, SDO("tool", ",'name':'t','lang':'foo'"));
	assert_int_equal(f->report.errors, 1);
	assert_string_equal(f->report.rows[0].clause, "RFC 5646");
	assert_ok(bw_finding_say(&f->report.rows[0], &out));
	assert_string_equal(bw_buf_text(&out), "The value is not a registered language tag: 'foo'.");
	bw_buf_release(&out);
}

static void too_many_findings_are_counted_and_cut(void **state)
{
	struct fixture *f = *state;
	struct bw_buf text = BW_BUF_INIT(BW_MIB);

	assert_ok(bw_buf_add_text(&text, "{'type':'tool','labels':["));
	for (int i = 0; i < 5000; i++)
		assert_ok(bw_buf_add_text(&text, i == 0 ? "1" : ",1"));
	assert_ok(bw_buf_add_text(&text, "]}"));
	check(f, bw_buf_text(&text));
	assert_int_equal(f->report.count, BW_FINDINGS_MAX + 1);
	assert_int_equal(f->report.rows[BW_FINDINGS_MAX].code, BW_FINDING_VALUE_CUT);
	assert_true(f->report.errors > 5000);
	bw_buf_release(&text);
}

static void records_hold_what_the_store_needs(void **state)
{
	static const char text[] =
		"{ \"type\": \"file\",\n \"id\": \"file--00110f6e-388e-5e60-99ac-adfd0888b721\",\n"
		" \"hashes\": {\"MD5\": \"d41d8cd98f00b204e9800998ecf8427e\"}, \"name\": \"a\\u0062\" }";
	static const char other[] = "{\"name\":\"ab\",\"hashes\":{\"MD5\":\"d41d8cd98f00b204e9800998ecf8427e\"},"
				    "\"id\":\"file--00110f6e-388e-5e60-99ac-adfd0888b721\",\"type\":\"file\"}";
	struct fixture *f = *state;
	struct bw_record record;
	uint8_t hash[BW_HASH_BYTES];

	assert_ok(bw_object_check(f->checker, bw_slice_text(text), &f->report, &record));
	assert_int_equal(f->report.errors, 0);
	assert_int_equal(record.type, BW_STIX_FILE);
	assert_int_equal(record.versioning, BW_VERSION_CONTENT);
	assert_int_equal(record.version.len, 0);
	assert_slice(record.body, "{\"type\":\"file\",\"id\":\"file--00110f6e-388e-5e60-99ac-adfd0888b721\","
				  "\"hashes\":{\"MD5\":\"d41d8cd98f00b204e9800998ecf8427e\"},\"name\":\"a\\u0062\"}");
	assert_int_equal(record.value_count, 2);
	assert_slice(record.values[0], "d41d8cd98f00b204e9800998ecf8427e");
	assert_slice(record.values[1], "ab");
	memcpy(hash, record.hash, sizeof(hash));
	/* the same content in other words */
	assert_ok(bw_object_check(f->checker, bw_slice_text(other), &f->report, &record));
	assert_memory_equal(hash, record.hash, sizeof(hash));
}

static void pattern_constants_are_found_by_value(void **state)
{
	struct fixture *f = *state;
	struct bw_buf json = BW_BUF_INIT(BW_KIB);
	struct bw_record record;

	(void)quoted(INDICATOR(",'pattern':'[ipv4-addr:value = ~1.2.3.4~ OR domain-name:value IN (~a.b~, ~c.d~)]'"),
		     &json);
	for (size_t i = 0; i < json.len; i++) {
		if (json.ptr[i] == '~')
			json.ptr[i] = '\'';
	}
	assert_ok(bw_object_check(f->checker, bw_buf_slice(&json), &f->report, &record));
	assert_int_equal(f->report.errors, 0);
	assert_int_equal(record.value_count, 3);
	assert_slice(record.values[0], "1.2.3.4");
	assert_slice(record.values[2], "c.d");
	assert_int_equal(record.versioning, BW_VERSION_MODIFIED);
	bw_buf_release(&json);
}

static void what_is_odd_in_a_pattern_is_a_warning_with_its_own_code(void **state)
{
	static const struct {
		const char *pattern; /* '~' stands for a quote */
		enum bw_finding_code code;
	} rows[] = {
		{ "[file:size = 1 AND url:value = ~x~]", BW_FINDING_PATTERN_MIXED_AND },
		{ "[file:size IN (1, ~x~)]", BW_FINDING_PATTERN_MIXED_SET },
		{ "[file:ctime = t~2024-04-31T00:00:00Z~]", BW_FINDING_PATTERN_NO_SUCH_DAY },
		{ "([file:size = 1] REPEATS 2 TIMES) REPEATS 2 TIMES REPEATS 3 TIMES",
		  BW_FINDING_PATTERN_REPEATED_QUALIFIER },
		{ "[file:size = 1] START t~2024-01-02T00:00:00Z~ STOP t~2024-01-01T00:00:00Z~",
		  BW_FINDING_PATTERN_EMPTY_WINDOW },
		{ "[file:size = 9007199254740993]", BW_FINDING_PATTERN_UNSAFE_INTEGER },
		{ "[process:arguments[-1] = ~x~]", BW_FINDING_PATTERN_NEGATIVE_INDEX },
	};
	struct fixture *f = *state;

	for (size_t row = 0; row < BW_COUNT(rows); row++) {
		struct bw_buf more = BW_BUF_INIT(BW_KIB);
		struct bw_buf json = BW_BUF_INIT(BW_KIB);

		assert_ok(bw_buf_addf(&more, INDICATOR(",'pattern':'%s'"), rows[row].pattern));
		(void)quoted(bw_buf_text(&more), &json);
		for (size_t i = 0; i < json.len; i++)
			json.ptr[i] = json.ptr[i] == '~' ? '\'' : json.ptr[i];
		assert_ok(bw_object_check(f->checker, bw_buf_slice(&json), &f->report, NULL));
		assert_int_equal(f->report.errors, 0);
		assert_true(found(f, rows[row].code, "pattern"));
		bw_buf_release(&more);
		bw_buf_release(&json);
	}
}

static void versions_that_no_batch_can_carry_are_refused(void **state)
{
	static const char long_time[] = "{'type':'url','id':'url--28bb3599-77cd-5a82-a950-b5bc3caf07c4','value':'a:b',"
					"'modified':'2016-01-01T00:00:00."
					"0000000000000000000000000000000000000000000000000001Z','created_by_ref':'me'}";
	struct fixture *f = *state;
	struct bw_buf json = BW_BUF_INIT(BW_KIB);
	struct bw_record record;

	assert_ok(bw_object_check(f->checker, quoted(long_time, &json), &f->report, &record));
	assert_true(found(f, BW_FINDING_TIMESTAMP, "modified"));
	/* to look at it is another thing */
	assert_ok(bw_object_check(f->checker, bw_buf_slice(&json), &f->report, NULL));
	assert_int_equal(f->report.errors, 0);
	bw_buf_release(&json);
}

static void bundles_are_frames_and_never_records(void **state)
{
	struct fixture *f = *state;
	struct bw_buf json = BW_BUF_INIT(BW_KIB);
	struct bw_record record;
	const struct bw_slice frame =
		quoted("{'type':'bundle','id':'bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f','objects':[]}", &json);

	assert_ok(bw_bundle_check(f->checker, frame, 3, &f->report));
	assert_int_equal(f->report.count, 0);
	assert_ok(bw_bundle_check(f->checker, frame, 0, &f->report));
	assert_true(found(f, BW_FINDING_EMPTY_LIST, "objects"));
	assert_ok(bw_object_check(f->checker, frame, &f->report, &record));
	assert_true(found(f, BW_FINDING_BUNDLE_OBJECT, ""));
	bw_buf_release(&json);
}

static void old_objects_in_bundles_are_of_2_0(void **state)
{
	static const char old[] = "{'type':'identity','id':'identity--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f','name':'x',"
				  "'created':'2016-04-06T20:03:48.000Z','modified':'2016-04-06T20:03:48.000Z'}";
	struct fixture *f = *state;

	bw_checker_wrap(f->checker, BW_WRAP_BUNDLE);
	check(f, old);
	assert_int_equal(f->report.errors, 0);
	bw_checker_wrap(f->checker, BW_WRAP_NONE);
	check(f, old);
	assert_true(found(f, BW_FINDING_MISSING, "spec_version"));
}

static void the_id_settles_the_colour_of_a_tlp_marking(void **state)
{
	(void)state;
	assert_int_equal(bw_tlp_of(BW_LIT("marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9")), BW_TLP_CLEAR);
	assert_int_equal(bw_tlp_of(BW_LIT("marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003")),
			 BW_TLP_AMBER_STRICT);
	assert_int_equal(bw_tlp_of(BW_LIT("marking-definition--E828B379-4E03-4974-9AC4-E53A884C97C1")), BW_TLP_RED);
	assert_int_equal(bw_tlp_of(BW_LIT("marking-definition--00000000-0000-4000-8000-000000000000")), BW_TLP_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_objects_have_nothing_to_tell),
		cmocka_unit_test(every_rule_has_its_code_and_path),
		cmocka_unit_test(findings_say_one_sentence_with_their_clause),
		cmocka_unit_test(too_many_findings_are_counted_and_cut),
		cmocka_unit_test(records_hold_what_the_store_needs),
		cmocka_unit_test(pattern_constants_are_found_by_value),
		cmocka_unit_test(what_is_odd_in_a_pattern_is_a_warning_with_its_own_code),
		cmocka_unit_test(versions_that_no_batch_can_carry_are_refused),
		cmocka_unit_test(bundles_are_frames_and_never_records),
		cmocka_unit_test(old_objects_in_bundles_are_of_2_0),
		cmocka_unit_test(the_id_settles_the_colour_of_a_tlp_marking),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
