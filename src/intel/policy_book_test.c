#include "base/test.h"

#include "intel/policy_book.h"

#define AMBER "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
#define RED2 "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
#define GREEN2 "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
#define OURS "marking-definition--11111111-1111-4111-8111-111111111111"
#define NODE "bw10000000000000000000000000000000000000000000000000000000000000007"

static struct bw_marking_book *book;
static struct bw_json_parser parser;

static int set_up(void **state)
{
	(void)state;
	bw_json_parser_init(&parser);
	return bw_marking_book_new(&book) == BW_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	bw_marking_book_free(book);
	bw_json_parser_release(&parser);
	return 0;
}

static struct bw_policy means(const char *definition)
{
	struct bw_policy policy;
	yyjson_val *root;

	assert_ok(bw_json_parse(&parser, bw_slice_text(definition), &root, NULL));
	bw_policy_of_definition(root, &policy);
	return policy;
}

static bool is_closed(const struct bw_policy *policy)
{
	struct bw_policy closed;

	bw_policy_closed(&closed);
	return bw_policy_equals(policy, &closed);
}

static struct bw_policy_inputs marked(const char *object)
{
	struct bw_policy_inputs inputs;
	yyjson_val *root;

	bw_policy_inputs_init(&inputs);
	assert_ok(bw_json_parse(&parser, bw_slice_text(object), &root, NULL));
	bw_policy_inputs_mark(book, root, &inputs);
	return inputs;
}

static void a_tlp_id_settles_the_colour(void **state)
{
	struct bw_policy policy = means("{\"id\":\"" AMBER
					"\",\"definition_type\":\"tlp\",\"definition\":{\"tlp\":\"white\"}}");

	(void)state;
	assert_int_equal(policy.tlp, BW_TLP_AMBER);
	bw_marking_book_look(book, BW_LIT(RED2), &policy);
	assert_int_equal(policy.tlp, BW_TLP_RED);
	assert_int_equal(policy.recipient_count, BW_POLICY_EVERYONE);
}

static void an_unknown_marking_is_closed(void **state)
{
	struct bw_policy policy;

	(void)state;
	bw_marking_book_look(book, BW_LIT(OURS), &policy);
	assert_true(is_closed(&policy));
	policy = means("{\"id\":\"" OURS "\",\"definition_type\":\"acs\",\"definition\":{\"a\":\"b\"}}");
	assert_true(is_closed(&policy));
	policy = means("{\"id\":\"" OURS
		       "\",\"extensions\":{\"extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce\":"
		       "{\"extension_type\":\"property-extension\",\"a\":1}}}");
	assert_true(is_closed(&policy));
	policy = means("{\"id\":\"" OURS "\"}");
	assert_true(is_closed(&policy));
}

static void a_statement_says_nothing_a_machine_enforces(void **state)
{
	const struct bw_policy policy = means(
		"{\"id\":\"" OURS "\",\"definition_type\":\"statement\",\"definition\":{\"statement\":\"(c) us\"}}");
	struct bw_policy open;

	(void)state;
	bw_policy_open(&open);
	assert_true(bw_policy_equals(&policy, &open));
}

#define IEP(members) "{\"id\":\"" OURS "\",\"definition_type\":\"iep\",\"definition\":{\"iep_version\":2.0" members "}}"

static void each_statement_of_an_iep_is_read(void **state)
{
	struct bw_policy policy =
		means(IEP(",\"start_date\":\"2017-01-01T00:00:00Z\",\"end_date\":null,\"encrypt_in_transit\":\"may\","
			  "\"permitted_actions\":\"externally-visible-indirect-actions\",\"affected_party_"
			  "notifications\":\"may\","
			  "\"tlp\":\"amber\",\"attribution\":\"must-not\",\"unmodified_resale\":\"must-not\""));

	(void)state;
	assert_int_equal(policy.tlp, BW_TLP_AMBER);
	assert_int_equal(policy.actions, BW_ACTION_INDIRECT);
	assert_int_equal(policy.duties, BW_DUTY_ANONYMOUS | BW_DUTY_NO_RESALE);
	assert_true(policy.not_before_us == INT64_C(1483228800000000));
	assert_true(policy.not_after_us == INT64_MAX);
	policy = means(IEP(",\"tlp\":\"white\",\"end_date\":\"2020-01-01T00:00:00.5Z\",\"attribution\":\"must\","
			   "\"permitted_actions\":\"NONE\",\"encrypt_in_transit\":\"must\""));
	assert_int_equal(policy.tlp, BW_TLP_CLEAR);
	assert_true(policy.not_after_us == INT64_C(1577836800500000));
	assert_int_equal(policy.actions, BW_ACTION_NONE);
	assert_int_equal(policy.duties, BW_DUTY_ATTRIBUTE | BW_DUTY_ENCRYPT | BW_DUTY_SILENT | BW_DUTY_NO_RESALE);
}

static void what_an_iep_leaves_out_is_forbidden(void **state)
{
	const struct bw_policy policy = means(IEP(""));
	const struct bw_policy strange = means(IEP(",\"tlp\":\"ultraviolet\",\"attribution\":\"perhaps\""));
	const struct bw_policy version = means(
		"{\"id\":\"" OURS
		"\",\"definition_type\":\"iep\",\"definition\":{\"iep_version\":3,\"tlp\":\"white\"}}");
	const struct bw_policy date = means(IEP(",\"tlp\":\"white\",\"end_date\":\"soon\""));

	(void)state;
	assert_int_equal(policy.tlp, BW_TLP_RED);
	assert_int_equal(policy.actions, BW_ACTION_NONE);
	assert_int_equal(strange.tlp, BW_TLP_RED);
	assert_int_equal(strange.duties & (BW_DUTY_ATTRIBUTE | BW_DUTY_ANONYMOUS),
			 BW_DUTY_ATTRIBUTE | BW_DUTY_ANONYMOUS);
	assert_true(is_closed(&version));
	assert_true(is_closed(&date));
}

#define HANDLING(members)                                               \
	"{\"id\":\"" OURS "\",\"extensions\":{\"" BW_HANDLING_EXTENSION \
	"\":{\"extension_type\":\"property-extension\"" members "}}}"

static void handling_names_recipients_purposes_and_an_end(void **state)
{
	const struct bw_policy policy = means(HANDLING(",\"recipients\":[\"" NODE
						       "\"],\"purposes\":[\"defence\",\"advertising\"],"
						       "\"not_after\":\"2030-01-01T00:00:00Z\""));
	const struct bw_policy nobody = means(HANDLING(",\"recipients\":[\"somebody\"]"));
	const struct bw_policy strange = means(HANDLING(",\"colour\":\"blue\""));
	const struct bw_policy both = means(HANDLING(",\"iep\":{\"iep_version\":\"2.0\",\"tlp\":\"green\"}"));
	uint8_t name[BW_SHA256_BYTES] = { 0 };

	(void)state;
	name[31] = 7;
	assert_true(bw_policy_names(&policy, name));
	name[31] = 8;
	assert_false(bw_policy_names(&policy, name));
	assert_int_equal(policy.purposes, BW_PURPOSE_BIT(DEFENCE));
	assert_true(policy.not_after_us == INT64_C(1893456000000000));
	assert_true(is_closed(&nobody));
	assert_true(is_closed(&strange));
	assert_int_equal(both.tlp, BW_TLP_GREEN);
}

static void a_second_definition_only_narrows(void **state)
{
	struct bw_policy policy;

	(void)state;
	assert_ok(bw_marking_book_add(book, bw_slice_text(IEP(",\"tlp\":\"amber\""))));
	assert_ok(bw_marking_book_add(book, bw_slice_text(IEP(",\"tlp\":\"white\""))));
	bw_marking_book_look(book, BW_LIT(OURS), &policy);
	assert_int_equal(policy.tlp, BW_TLP_AMBER);
	bw_marking_book_look(book, BW_LIT("MARKING-definition--11111111-1111-4111-8111-111111111111"), &policy);
	assert_int_equal(policy.tlp, BW_TLP_AMBER);
	assert_ok(bw_marking_book_add(book, bw_slice_text(IEP(",\"tlp\":\"red\""))));
	bw_marking_book_look(book, BW_LIT(OURS), &policy);
	assert_int_equal(policy.tlp, BW_TLP_RED);
}

static void a_book_holds_many_definitions(void **state)
{
	char text[256];
	struct bw_policy policy;

	(void)state;
	for (int i = 0; i < 500; i++) {
		(void)snprintf(
			text, sizeof(text),
			"{\"id\":\"marking-definition--00000000-0000-4000-8000-%012d\",\"definition_type\":\"iep\","
			"\"definition\":{\"iep_version\":2,\"tlp\":\"green\"}}",
			i);
		assert_ok(bw_marking_book_add(book, bw_slice_text(text)));
	}
	for (int i = 0; i < 501; i++) {
		(void)snprintf(text, sizeof(text), "marking-definition--00000000-0000-4000-8000-%012d", i);
		bw_marking_book_look(book, bw_slice_text(text), &policy);
		assert_int_equal(policy.tlp, i < 500 ? BW_TLP_GREEN : BW_TLP_RED);
	}
}

static void markings_of_parts_are_loose_when_the_part_can_go(void **state)
{
	struct bw_policy_inputs inputs = marked(
		"{\"type\":\"indicator\",\"object_marking_refs\":[\"" GREEN2 "\"],\"granular_markings\":["
		"{\"marking_ref\":\"" RED2 "\",\"selectors\":[\"description\",\"labels.[0]\"]},"
		"{\"lang\":\"en\",\"selectors\":[\"description\"]}]}");
	struct bw_policy policy;

	(void)state;
	assert_int_equal(inputs.of[BW_SOURCE_OWN].tlp, BW_TLP_GREEN);
	assert_int_equal(inputs.of[BW_SOURCE_LOOSE].tlp, BW_TLP_RED);
	assert_int_equal(inputs.of[BW_SOURCE_FIXED].tlp, BW_TLP_NONE);
	bw_policy_whole(&inputs, &policy);
	assert_int_equal(policy.tlp, BW_TLP_RED);
	bw_policy_kept(&inputs, &policy);
	assert_int_equal(policy.tlp, BW_TLP_GREEN);
	inputs = marked("{\"type\":\"indicator\",\"granular_markings\":["
			"{\"marking_ref\":\"" RED2 "\",\"selectors\":[\"description\",\"pattern\"]}]}");
	assert_int_equal(inputs.of[BW_SOURCE_LOOSE].tlp, BW_TLP_NONE);
	assert_int_equal(inputs.of[BW_SOURCE_FIXED].tlp, BW_TLP_RED);
	inputs = marked("{\"type\":\"x-own\",\"granular_markings\":["
			"{\"marking_ref\":\"" AMBER "\",\"selectors\":[\"description\"]}]}");
	assert_int_equal(inputs.of[BW_SOURCE_FIXED].tlp, BW_TLP_AMBER);
}

static void markings_inside_containers_count(void **state)
{
	const struct bw_policy_inputs inputs = marked(
		"{\"type\":\"observed-data\",\"objects\":{\"0\":{\"type\":\"file\",\"object_marking_refs\":[\"" AMBER
		"\"]},\"1\":{\"x\":[{\"granular_markings\":[{\"marking_ref\":\"" RED2
		"\",\"selectors\":[\"name\"]}]}]}}}");

	(void)state;
	assert_int_equal(inputs.of[BW_SOURCE_OWN].tlp, BW_TLP_AMBER);
	assert_int_equal(inputs.of[BW_SOURCE_FIXED].tlp, BW_TLP_RED);
}

static void what_is_no_marking_is_an_unknown_one(void **state)
{
	const char *const strange[] = {
		"{\"type\":\"malware\",\"object_marking_refs\":[7]}",
		"{\"type\":\"malware\",\"object_marking_refs\":\"" GREEN2 "\"}",
		"{\"type\":\"malware\",\"granular_markings\":[{\"selectors\":[\"name\"]}]}",
		"{\"type\":\"malware\",\"granular_markings\":{}}",
		"{\"type\":\"malware\",\"object_marking_refs\":[\"" OURS "\",\"" GREEN2 "\"]}",
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(strange); i++) {
		const struct bw_policy_inputs inputs = marked(strange[i]);
		struct bw_policy policy;

		bw_policy_whole(&inputs, &policy);
		assert_true(is_closed(&policy));
	}
}

static void equal_inputs_have_one_number(void **state)
{
	struct bw_policy_classes *classes;
	struct bw_policy_inputs inputs;
	uint32_t first;
	uint32_t again;

	(void)state;
	assert_ok(bw_policy_classes_new(&classes));
	for (uint32_t i = 0; i < 300; i++) {
		bw_policy_inputs_init(&inputs);
		inputs.of[i % BW_POLICY_INPUTS].not_after_us = i;
		assert_ok(bw_policy_class(classes, &inputs, &first));
		assert_int_equal(first, i);
		assert_ok(bw_policy_class(classes, &inputs, &again));
		assert_int_equal(again, first);
		assert_memory_equal(bw_policy_class_inputs(classes, first), &inputs, sizeof(inputs));
	}
	assert_int_equal(bw_policy_class_count(classes), 300);
	assert_null(bw_policy_class_inputs(classes, 300));
	bw_policy_classes_free(classes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_tlp_id_settles_the_colour, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_unknown_marking_is_closed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_statement_says_nothing_a_machine_enforces, set_up, tear_down),
		cmocka_unit_test_setup_teardown(each_statement_of_an_iep_is_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_an_iep_leaves_out_is_forbidden, set_up, tear_down),
		cmocka_unit_test_setup_teardown(handling_names_recipients_purposes_and_an_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_second_definition_only_narrows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_book_holds_many_definitions, set_up, tear_down),
		cmocka_unit_test_setup_teardown(markings_of_parts_are_loose_when_the_part_can_go, set_up, tear_down),
		cmocka_unit_test_setup_teardown(markings_inside_containers_count, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_marking_is_an_unknown_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(equal_inputs_have_one_number, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
