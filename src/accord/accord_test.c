#include "base/test.h"

#include "accord/accord_show.h"
#include "accord/test_accord.h"

static struct bw_accord accord;
static struct bw_buf text;
static struct bw_arena arena;

static int set_up(void **state)
{
	(void)state;
	test_accord(&accord);
	text = BW_BUF_INIT(BW_ACCORD_TEXT_MAX);
	arena = BW_ARENA_INIT(BW_MIB);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	bw_buf_release(&text);
	bw_arena_release(&arena);
	return 0;
}

#define NODE_0 "bw10511111111111111111111111111111111111111111111111111111111111100"
#define NODE_1 "bw15211111111111111111111111111111111111111111111111111111111111101"
#define FLOW(kinds, onward, days)                                                                                     \
	"{\"collections\":[\"Ransomware\",\"Schools\"],\"confidence_min\":50,\"highest\":\"amber\",\"kinds\":[" kinds \
	"],\"labels\":[],\"members\":[],\"onward\":\"" onward "\",\"per_day_bytes\":1073741824,\"per_minute\":10000," \
	"\"redaction\":\"derive\",\"retention_days\":" days ",\"sectors\":[],\"types\":[\"indicator\",\"sighting\"]}"

static const char whole[] =
	"{\"basis\":\"Memorandum of 1 June 2026, section 4; Cybersecurity Information Sharing Act of 2015\","
	"\"classical_tls\":false,\"ends\":{\"data\":\"kept\",\"notice_days\":30},\"flows\":[" FLOW(
		"\"indicators\",\"sightings\"", "none",
		"90") "," FLOW("\"sightings\"", "as-marked",
			       "30") "],\"from\":\"2026-11-17T11:06:40.000000Z\",\"id\":\"uk-us-ransomware\","
				     "\"parties\":[{\"name\":\"The United Kingdom\","
				     "\"node\":\"" NODE_0 "\"},{\"name\":\"The United States\",\"node\":\"" NODE_1
				     "\"}],\"previous\":null,"
				     "\"purposes\":[\"defence\",\"incident-response\"],\"sequence\":1,\"type\":"
				     "\"breakwater-accord\","
				     "\"until\":\"2027-11-18T11:06:40.000000Z\",\"version\":1,"
				     "\"witness\":{\"operators\":[\"witness.example+01020304+AQ==\"],\"policy\":\"ally-"
				     "and-independent\"}}";

static void one_agreement_has_one_text(void **state)
{
	struct bw_accord read;
	struct bw_buf again = BW_BUF_INIT(BW_ACCORD_TEXT_MAX);

	(void)state;
	assert_ok(bw_accord_add(&text, &accord));
	assert_string_equal(bw_buf_text(&text), whole);
	assert_ok(bw_accord_parse(bw_buf_slice(&text), &arena, &read, NULL));
	assert_ok(bw_accord_add(&again, &read));
	assert_string_equal(bw_buf_text(&again), whole);
	assert_int_equal(read.flow[0].types, accord.flow[0].types);
	assert_slice(read.flow[1].collections.of[1], "Schools");
	bw_buf_release(&again);
}

static void every_prefix_is_refused_where_it_ends(void **state)
{
	struct bw_accord read;

	(void)state;
	for (size_t n = 0; n + 1 < sizeof(whole); n++) {
		struct bw_fault fault = { 0, NULL };

		bw_arena_reset(&arena);
		assert_int_equal(bw_accord_parse(bw_slice_of(whole, n), &arena, &read, &fault), BW_ERR_TRUNCATED);
		assert_int_equal(fault.offset, n);
		assert_non_null(fault.reason);
	}
}

static void no_byte_can_be_changed_unseen(void **state)
{
	uint8_t changed[sizeof(whole)];
	struct bw_accord read;

	(void)state;
	for (size_t n = 0; n + 1 < sizeof(whole); n++) {
		struct bw_buf again = BW_BUF_INIT(BW_ACCORD_TEXT_MAX);

		memcpy(changed, whole, sizeof(whole));
		changed[n] ^= 1;
		bw_arena_reset(&arena);
		if (bw_accord_parse(bw_slice_of(changed, sizeof(whole) - 1), &arena, &read, NULL) == BW_OK) {
			assert_ok(bw_accord_add(&again, &read));
			assert_memory_equal(bw_buf_text(&again), changed, sizeof(whole) - 1);
		}
		bw_buf_release(&again);
	}
}

/* Reads `whole` with the first `from` replaced. */
static enum bw_err read_with(const char *from, const char *to, struct bw_fault *fault)
{
	const char *at = strstr(whole, from);
	struct bw_accord read;

	assert_non_null(at);
	bw_buf_clear(&text);
	bw_arena_reset(&arena);
	assert_ok(bw_buf_addf(&text, "%.*s%s%s", (int)(at - whole), whole, to, at + strlen(from)));
	return bw_accord_parse(bw_buf_slice(&text), &arena, &read, fault);
}

static void other_texts_of_the_same_are_refused(void **state)
{
	static const struct {
		const char *from;
		const char *to;
		enum bw_err err;
	} rows[] = {
		{ "{\"basis\"", "{ \"basis\"", BW_ERR_SYNTAX },
		{ "Memorandum", "\\u004demorandum", BW_ERR_SYNTAX },
		{ "\"confidence_min\":50", "\"confidence_min\":050", BW_ERR_SYNTAX },
		{ "\"confidence_min\":50", "\"confidence_min\":5e1", BW_ERR_SYNTAX },
		{ "\"confidence_min\":50", "\"confidence_min\":101", BW_ERR_RANGE },
		{ "[\"Ransomware\",\"Schools\"]", "[\"Schools\",\"Ransomware\"]", BW_ERR_SYNTAX },
		{ "[\"Ransomware\",\"Schools\"]", "[\"Schools\",\"Schools\"]", BW_ERR_SYNTAX },
		{ "[\"indicator\",\"sighting\"]", "[\"sighting\",\"indicator\"]", BW_ERR_RANGE },
		{ "\"kept\"", "\"sold\"", BW_ERR_SYNTAX },
		{ "\"version\":1", "\"version\":2", BW_ERR_SYNTAX },
		{ "\"purposes\":[\"defence\"", "\"purposes\":[\"advertising\"", BW_ERR_RANGE },
		{ "\"previous\":null",
		  "\"previous\":\"0000000000000000000000000000000000000000000000000000000000000000\"", BW_ERR_SYNTAX },
		{ "\"previous\":null",
		  "\"previous\":\"0000000000000000000000000000000000000000000000000000000000000001\"", BW_ERR_RANGE },
		{ NODE_1, NODE_0, BW_ERR_RANGE },
		{ "bw15211", "bw15z11", BW_ERR_RANGE },
		{ "\"2026-11-17", "\"2026-11-31", BW_ERR_RANGE },
		{ "\"until\":\"2027", "\"until\":\"2025", BW_ERR_RANGE },
		{ "[\"witness.example+01020304+AQ==\"]", "[]", BW_ERR_RANGE },
		{ "The United States", "The United\xe2\x80\xae States", BW_ERR_RANGE },
		{ "The United States", "The United\xff States", BW_ERR_UTF8 },
		{ "The United States", "", BW_ERR_RANGE },
		{ "ally-and-independent\"}}", "ally-and-independent\"}} ", BW_ERR_SYNTAX },
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		struct bw_fault fault = { 0, NULL };

		assert_int_equal(read_with(rows[i].from, rows[i].to, &fault), rows[i].err);
		assert_non_null(fault.reason);
	}
}

static void a_fault_says_where_and_what_was_expected(void **state)
{
	struct bw_fault fault;

	(void)state;
	assert_int_equal(read_with("\"highest\"", "\"hightest\"", &fault), BW_ERR_SYNTAX);
	assert_int_equal(fault.offset, (size_t)(strstr(whole, "\"highest\"") - whole) + 5);
	assert_string_equal(fault.reason, "the member \"highest\" is expected here");
	assert_int_equal(read_with("\"per_minute\":10000", "\"per_minute\":0", &fault), BW_ERR_RANGE);
	assert_int_equal(fault.offset, (size_t)(strstr(whole, "\"per_minute\":") - whole) + 13);
}

static void a_version_follows_only_the_one_it_names(void **state)
{
	uint8_t hash[BW_SHA256_BYTES];
	struct bw_accord next = accord;

	(void)state;
	assert_ok(bw_accord_add(&text, &accord));
	assert_ok(bw_accord_hash(bw_buf_slice(&text), hash));
	next.sequence = 2;
	assert_int_equal(bw_accord_follows(&accord, hash, &next), BW_ERR_CONFLICT);
	memcpy(next.previous, hash, sizeof(hash));
	assert_ok(bw_accord_follows(&accord, hash, &next));
	assert_int_equal(bw_accord_follows(&next, hash, &accord), BW_ERR_REVOKED);
	assert_int_equal(bw_accord_follows(&accord, hash, &accord), BW_ERR_REVOKED);
	next.sequence = 3;
	assert_int_equal(bw_accord_follows(&accord, hash, &next), BW_ERR_CONFLICT);
	next.sequence = 2;
	test_node(5, next.party[1].node);
	assert_int_equal(bw_accord_follows(&accord, hash, &next), BW_ERR_CONFLICT);
}

static void a_value_that_cannot_be_read_is_not_written(void **state)
{
	(void)state;
	accord.flow[0].highest = BW_TLP_NONE;
	assert_int_equal(bw_accord_add(&text, &accord), BW_ERR_RANGE);
	test_accord(&accord);
	accord.flow[1].collections.count = 0;
	assert_int_equal(bw_accord_add(&text, &accord), BW_ERR_RANGE);
	accord.flow[1].kinds = 0;
	assert_ok(bw_accord_add(&text, &accord));
}

static void a_parent_can_read_it(void **state)
{
	(void)state;
	assert_ok(bw_accord_show(&accord, &text));
	assert_string_equal(
		bw_buf_text(&text),
		"Accord uk-us-ransomware, version 1, between The United Kingdom and The United States.\n\n"
		"It is in force from 17 November 2026 until 18 November 2027, once both have signed it.\n"
		"What is shared may be used to defend networks and systems and to respond to incidents, and for "
		"nothing else.\n"
		"The law it rests on: Memorandum of 1 June 2026, section 4; Cybersecurity Information Sharing Act of "
		"2015\n"
		"Each delivery is entered in a log that nobody can rewrite unseen. It counts once the receiver has "
		"witnessed it, "
		"and one independent operator of these: witness.example.\n"
		"The connection must be safe from future quantum computers, or nothing crosses.\n"
		"Either side may stop its part at once; an end without a reason is announced 30 days before. At the "
		"end, what "
		"was received may be kept until its time is over.\n"
		"\n"
		"The United Kingdom tells The United States indicators of attacks and sightings, from the collections "
		"\"Ransomware\" and \"Schools\".\n"
		"Types of objects: indicator and sighting.\n"
		"It may be about anybody.\n"
		"Nothing more confidential than TLP:AMBER, and nothing believed with less than 50 of 100 points.\n"
		"Personal data is taken out first, and what it cannot be taken out of stays at home; where that is "
		"unsure, a "
		"person decides.\n"
		"The United States may keep this for 90 days and may not pass it on.\n"
		"At most 10000 objects a minute and 1073741824 bytes a day.\n"
		"\n"
		"The United States tells The United Kingdom sightings, from the collections \"Ransomware\" and "
		"\"Schools\".\n"
		"Types of objects: indicator and sighting.\n"
		"It may be about anybody.\n"
		"Nothing more confidential than TLP:AMBER, and nothing believed with less than 50 of 100 points.\n"
		"Personal data is taken out first, and what it cannot be taken out of stays at home; where that is "
		"unsure, a "
		"person decides.\n"
		"The United Kingdom may keep this for 30 days and may pass it on as far as its own marking allows.\n"
		"At most 10000 objects a minute and 1073741824 bytes a day.\n");
}

static void every_choice_reads_differently(void **state)
{
	static const struct bw_slice sectors[] = { { (const uint8_t *)"education", 9 },
						   { (const uint8_t *)"health", 6 } };
	struct bw_flow *flow = &accord.flow[0];

	(void)state;
	flow->sectors = test_words(sectors, 2);
	flow->labels = test_words(sectors, 1);
	flow->highest = BW_TLP_RED;
	flow->redaction = BW_REDACTION_WITHHOLD;
	flow->onward = BW_ONWARD_MEMBERS;
	test_node(2, flow->members[0]);
	flow->member_count = 1;
	accord.flow[1].kinds = 0;
	accord.witnessing = BW_WITNESS_ALLY;
	accord.classical_tls = true;
	accord.destroy_at_end = true;
	assert_ok(bw_accord_show(&accord, &text));
	assert_non_null(
		strstr(bw_buf_text(&text),
		       "Only what is about the sector \"education\" or \"health\" and is labelled \"education\".\n"));
	assert_non_null(strstr(bw_buf_text(&text), "TLP:RED (and that only where The United States is named)"));
	assert_non_null(strstr(bw_buf_text(&text), "may pass it on to these members only: bw19f1111111111.\n"));
	assert_non_null(strstr(bw_buf_text(&text), "The United States tells The United Kingdom nothing.\n"));
	assert_non_null(strstr(bw_buf_text(&text), "alone, who is not independent; by signing, both agree to that."));
	assert_non_null(strstr(bw_buf_text(&text), "may go without that"));
	assert_non_null(strstr(bw_buf_text(&text), "At the end, what was received is destroyed."));
}

static void a_new_version_says_what_it_changes(void **state)
{
	struct bw_accord next = accord;
	size_t changes;

	(void)state;
	next.sequence = 2;
	memset(next.previous, 1, sizeof(next.previous));
	assert_ok(bw_accord_diff(&accord, &next, &text, &changes));
	assert_string_equal(bw_buf_text(&text), "Nothing changes.\n");
	assert_int_equal(changes, 0);
	bw_buf_clear(&text);
	next.flow[0].retention_days = 365;
	next.flow[1].kinds = 0;
	assert_ok(bw_accord_diff(&accord, &next, &text, &changes));
	assert_int_equal(changes, 8);
	assert_non_null(strstr(bw_buf_text(&text),
			       "What The United Kingdom tells The United States\n"
			       "  Before: The United States may keep this for 90 days and may not pass it on.\n"
			       "  Now:    The United States may keep this for 365 days and may not pass it on.\n"));
	assert_non_null(strstr(bw_buf_text(&text), "  Now:    The United States tells The United Kingdom nothing.\n"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(one_agreement_has_one_text),
		TEST(every_prefix_is_refused_where_it_ends),
		TEST(no_byte_can_be_changed_unseen),
		TEST(other_texts_of_the_same_are_refused),
		TEST(a_fault_says_where_and_what_was_expected),
		TEST(a_version_follows_only_the_one_it_names),
		TEST(a_value_that_cannot_be_read_is_not_written),
		TEST(a_parent_can_read_it),
		TEST(every_choice_reads_differently),
		TEST(a_new_version_says_what_it_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
