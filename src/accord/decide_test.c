#include "base/test.h"

#include "accord/decide.h"
#include "accord/test_accord.h"

static struct bw_accord accord;
static struct bw_lexicon *lexicon;
static struct bw_policy_classes *classes;
static struct bw_policy_inputs inputs;
static struct bw_facts facts;
static struct bw_decision decision;
static struct bw_gate *gate;

enum { PEER = 7 };

static int set_up(void **state)
{
	(void)state;
	test_accord(&accord);
	bw_policy_inputs_init(&inputs);
	inputs.of[BW_SOURCE_OWN].tlp = BW_TLP_GREEN;
	assert_ok(bw_lexicon_new(&lexicon));
	assert_ok(bw_policy_classes_new(&classes));
	facts = (struct bw_facts){ .came_from = BW_WORD_NONE,
				   .type = BW_STIX_INDICATOR,
				   .tiding = BW_TIDING_INDICATOR,
				   .confidence = 80,
				   .by_sender = true,
				   .keep_until_us = INT64_MAX };
	assert_ok(bw_lexicon_add(lexicon, BW_LIT("Schools"), &facts.collection));
	gate = NULL;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	bw_gate_free(gate);
	bw_lexicon_free(lexicon);
	bw_policy_classes_free(classes);
	return 0;
}

static void open_gate(enum bw_side side)
{
	bw_gate_free(gate);
	assert_ok(bw_gate_new(&accord, 0, side, PEER, lexicon, classes, &gate));
}

static void decide(enum bw_side side)
{
	open_gate(side);
	assert_ok(bw_policy_class(classes, &inputs, &facts.policy_class));
	bw_gate_decide(gate, &facts, TEST_TIME, &decision);
}

static void assert_says(enum bw_verdict verdict, const char *words)
{
	struct bw_buf said = BW_BUF_INIT(4096);

	assert_int_equal(decision.verdict, verdict);
	assert_ok(bw_decision_say(gate, &facts, &decision, &said));
	assert_string_equal(bw_buf_text(&said), words);
	bw_buf_release(&said);
}

static void what_the_accord_covers_is_sent(void **state)
{
	(void)state;
	decide(BW_SIDE_SENDER);
	assert_says(BW_VERDICT_SENT, "sent: nothing stands against it");
	assert_int_equal(decision.clause, BW_CLAUSE_FREE);
	assert_int_equal(decision.tlp, BW_TLP_GREEN);
	assert_int_equal(decision.confidence, 80);
}

static void each_question_of_the_accord_withholds(void **state)
{
	const uint32_t wrong = 999;

	(void)state;
	facts.collection = wrong;
	decide(BW_SIDE_SENDER);
	assert_says(BW_VERDICT_WITHHELD, "withheld: the accord does not cover its collection \"\"");
	assert_ok(bw_lexicon_add(lexicon, BW_LIT("Schools"), &facts.collection));
	facts.tiding = BW_TIDING_INCIDENT;
	decide(BW_SIDE_SENDER);
	assert_says(BW_VERDICT_WITHHELD, "withheld: the accord does not cover descriptions of incidents");
	facts.tiding = BW_TIDING_INDICATOR;
	facts.type = BW_STIX_IDENTITY;
	decide(BW_SIDE_SENDER);
	assert_says(BW_VERDICT_WITHHELD, "withheld: the accord does not cover objects of the type identity");
	facts.type = BW_STIX_INDICATOR;
	facts.confidence = 49;
	decide(BW_SIDE_SENDER);
	assert_says(BW_VERDICT_WITHHELD, "withheld: its confidence is 49, and the accord asks for at least 50");
	facts.confidence = 50;
	facts.came_from = PEER;
	decide(BW_SIDE_SENDER);
	assert_says(BW_VERDICT_WITHHELD, "withheld: it came from them");
	facts.came_from = PEER + 1;
	decide(BW_SIDE_SENDER);
	assert_int_equal(decision.verdict, BW_VERDICT_SENT);
}

static void labels_and_sectors_are_asked_for_only_where_the_accord_names_some(void **state)
{
	static const struct bw_slice wanted[] = { { (const uint8_t *)"education", 9 },
						  { (const uint8_t *)"health", 6 } };
	uint32_t numbers[2];

	(void)state;
	assert_ok(bw_lexicon_add(lexicon, BW_LIT("mining"), &numbers[0]));
	assert_ok(bw_lexicon_add(lexicon, BW_LIT("health"), &numbers[1]));
	facts.labels = numbers;
	facts.label_count = 1;
	decide(BW_SIDE_SENDER);
	assert_int_equal(decision.verdict, BW_VERDICT_SENT);
	accord.flow[0].labels = test_words(wanted, 2);
	decide(BW_SIDE_SENDER);
	assert_int_equal(decision.clause, BW_CLAUSE_LABEL);
	facts.label_count = 2;
	decide(BW_SIDE_SENDER);
	assert_int_equal(decision.verdict, BW_VERDICT_SENT);
	accord.flow[0].sectors = test_words(wanted, 2);
	decide(BW_SIDE_SENDER);
	assert_says(BW_VERDICT_WITHHELD, "withheld: it is about none of the sectors that the accord covers");
}

static void an_accord_covers_its_days_only(void **state)
{
	(void)state;
	decide(BW_SIDE_SENDER);
	bw_gate_decide(gate, &facts, accord.from_us - 1, &decision);
	assert_says(BW_VERDICT_WITHHELD, "withheld: the accord is not in force before 2026-11-17");
	bw_gate_decide(gate, &facts, accord.until_us, &decision);
	assert_says(BW_VERDICT_WITHHELD, "withheld: the accord was in force until 2027-11-18");
	bw_gate_decide(gate, &facts, accord.until_us - 1, &decision);
	assert_int_equal(decision.verdict, BW_VERDICT_SENT);
	bw_gate_stop(gate, true);
	bw_gate_decide(gate, &facts, TEST_TIME, &decision);
	assert_says(BW_VERDICT_WITHHELD, "withheld: the accord is suspended or has ended");
	bw_gate_stop(gate, false);
	bw_gate_decide(gate, &facts, TEST_TIME, &decision);
	assert_int_equal(decision.verdict, BW_VERDICT_SENT);
}

static void the_darkest_marking_decides_and_is_named(void **state)
{
	(void)state;
	inputs.of[BW_SOURCE_COLLECTION].tlp = BW_TLP_RED;
	decide(BW_SIDE_SENDER);
	assert_says(BW_VERDICT_WITHHELD,
		    "withheld: this accord lets nothing above TLP:AMBER cross, and by the default of "
		    "its collection it is TLP:RED");
	decide(BW_SIDE_RECEIVER);
	assert_int_equal(decision.verdict, BW_VERDICT_REFUSED);
	assert_int_equal(decision.source, BW_SOURCE_COLLECTION);
}

static void an_unknown_marking_is_red_to_everybody(void **state)
{
	(void)state;
	accord.flow[0].highest = BW_TLP_RED;
	bw_policy_closed(&inputs.of[BW_SOURCE_FIXED]);
	decide(BW_SIDE_SENDER);
	assert_says(BW_VERDICT_WITHHELD,
		    "withheld: a marking on a part that the object cannot be without is one that nobody "
		    "here understands, which counts as TLP:RED");
}

static void what_nobody_marked_stays(void **state)
{
	(void)state;
	accord.flow[0].highest = BW_TLP_RED;
	inputs.of[BW_SOURCE_OWN].tlp = BW_TLP_NONE;
	decide(BW_SIDE_SENDER);
	assert_says(BW_VERDICT_WITHHELD,
		    "withheld: nobody has marked it, and its collection has no default: that counts as TLP:RED");
	inputs.of[BW_SOURCE_COLLECTION].tlp = BW_TLP_AMBER;
	decide(BW_SIDE_SENDER);
	assert_int_equal(decision.verdict, BW_VERDICT_SENT);
	assert_int_equal(decision.tlp, BW_TLP_AMBER);
}

static void red_goes_only_to_those_it_names(void **state)
{
	struct bw_policy *own = &inputs.of[BW_SOURCE_OWN];

	(void)state;
	accord.flow[0].highest = BW_TLP_RED;
	own->tlp = BW_TLP_RED;
	decide(BW_SIDE_SENDER);
	assert_says(BW_VERDICT_WITHHELD, "withheld: it is TLP:RED, which goes only to those whom its marking names");
	own->recipient_count = 0;
	assert_ok(bw_policy_add_recipient(own, accord.party[0].node));
	decide(BW_SIDE_SENDER);
	assert_says(BW_VERDICT_WITHHELD,
		    "withheld: the object's own marking names who may have it, and they are not among them");
	assert_ok(bw_policy_add_recipient(own, accord.party[1].node));
	decide(BW_SIDE_SENDER);
	assert_int_equal(decision.verdict, BW_VERDICT_SENT);
}

static void every_purpose_of_the_accord_must_be_allowed(void **state)
{
	(void)state;
	inputs.of[BW_SOURCE_INHERITED].purposes = BW_PURPOSE_BIT(DEFENCE) | BW_PURPOSE_BIT(RESEARCH);
	decide(BW_SIDE_SENDER);
	assert_says(BW_VERDICT_WITHHELD,
		    "withheld: the conditions under which it came here allows it to be used to defend networks and "
		    "systems, "
		    "for research, and this accord is made to defend networks and systems, to respond to incidents");
}

static void times_bind_to_the_microsecond(void **state)
{
	(void)state;
	facts.keep_until_us = TEST_TIME - 1;
	decide(BW_SIDE_SENDER);
	assert_says(BW_VERDICT_WITHHELD, "withheld: it must not be kept or passed on after 2026-11-18");
	facts.keep_until_us = TEST_TIME;
	inputs.of[BW_SOURCE_OWN].not_before_us = TEST_TIME + 1;
	decide(BW_SIDE_SENDER);
	assert_int_equal(decision.clause, BW_CLAUSE_NOT_YET);
	inputs.of[BW_SOURCE_OWN].not_before_us = TEST_TIME;
	decide(BW_SIDE_SENDER);
	assert_int_equal(decision.verdict, BW_VERDICT_SENT);
}

static void a_part_that_must_stay_makes_a_derived_object(void **state)
{
	(void)state;
	inputs.of[BW_SOURCE_LOOSE].tlp = BW_TLP_RED;
	decide(BW_SIDE_SENDER);
	assert_says(BW_VERDICT_DERIVED,
		    "derived: parts of it are marked more strictly: they were taken out, under a new id");
	assert_int_equal(decision.tlp, BW_TLP_GREEN);
	decide(BW_SIDE_RECEIVER);
	assert_int_equal(decision.verdict, BW_VERDICT_REFUSED);
	accord.flow[0].redaction = BW_REDACTION_WITHHOLD;
	decide(BW_SIDE_SENDER);
	assert_int_equal(decision.verdict, BW_VERDICT_WITHHELD);
	assert_int_equal(decision.source, BW_SOURCE_LOOSE);
}

static void attribution_binds_who_passes_on(void **state)
{
	struct bw_policy *own = &inputs.of[BW_SOURCE_OWN];

	(void)state;
	own->duties = BW_DUTY_ANONYMOUS;
	decide(BW_SIDE_SENDER);
	assert_int_equal(decision.verdict, BW_VERDICT_SENT);
	facts.by_sender = false;
	decide(BW_SIDE_SENDER);
	assert_says(BW_VERDICT_DERIVED, "derived: whoever passes it on must not name who made it: that was taken out");
	decide(BW_SIDE_RECEIVER);
	assert_says(BW_VERDICT_REFUSED, "refused: whoever passes it on must not name who made it, and it does");
	own->duties = BW_DUTY_ATTRIBUTE;
	decide(BW_SIDE_SENDER);
	assert_int_equal(decision.verdict, BW_VERDICT_SENT);
	inputs.of[BW_SOURCE_LOOSE].tlp = BW_TLP_RED;
	decide(BW_SIDE_SENDER);
	assert_says(BW_VERDICT_WITHHELD,
		    "withheld: whoever passes it on must name who made it, and a derived object cannot");
	own->duties = BW_DUTY_ATTRIBUTE | BW_DUTY_ANONYMOUS;
	decide(BW_SIDE_SENDER);
	assert_int_equal(decision.clause, BW_CLAUSE_ATTRIBUTION);
}

static void confidence_never_rises_on_the_way(void **state)
{
	(void)state;
	inputs.of[BW_SOURCE_INHERITED].confidence = 40;
	facts.confidence = 95;
	decide(BW_SIDE_SENDER);
	assert_int_equal(decision.clause, BW_CLAUSE_CONFIDENCE);
	assert_int_equal(decision.saw, 40);
}

static void what_is_carried_binds_the_receiver(void **state)
{
	struct bw_policy carried;
	uint8_t third[BW_SHA256_BYTES];

	(void)state;
	test_node(2, third);
	open_gate(BW_SIDE_SENDER);
	bw_gate_carry(gate, &inputs, 0, TEST_TIME, &carried);
	assert_true(bw_policy_names(&carried, accord.party[1].node));
	assert_false(bw_policy_names(&carried, third));
	assert_true(carried.not_after_us == TEST_TIME + 90 * TEST_DAY);
	assert_int_equal(carried.purposes, accord.purposes);
	accord.flow[0].onward = BW_ONWARD_MARKED;
	open_gate(BW_SIDE_SENDER);
	bw_gate_carry(gate, &inputs, 0, TEST_TIME, &carried);
	assert_true(bw_policy_names(&carried, third));
	inputs.of[BW_SOURCE_OWN].tlp = BW_TLP_AMBER_STRICT;
	bw_gate_carry(gate, &inputs, 0, TEST_TIME, &carried);
	assert_false(bw_policy_names(&carried, third));
	memcpy(accord.flow[0].members[0], third, BW_SHA256_BYTES);
	accord.flow[0].member_count = 1;
	inputs.of[BW_SOURCE_OWN].tlp = BW_TLP_AMBER;
	open_gate(BW_SIDE_SENDER);
	bw_gate_carry(gate, &inputs, 0, TEST_TIME, &carried);
	assert_true(bw_policy_names(&carried, third));
	test_node(3, third);
	assert_false(bw_policy_names(&carried, third));
	bw_gate_carry(gate, &inputs, 0, INT64_MAX - 5, &carried);
	assert_true(carried.not_after_us == INT64_MAX);
}

static void a_class_nobody_made_is_closed(void **state)
{
	(void)state;
	decide(BW_SIDE_SENDER);
	facts.policy_class = 4000;
	bw_gate_decide(gate, &facts, TEST_TIME, &decision);
	assert_int_equal(decision.clause, BW_CLAUSE_STRANGE);
	assert_int_equal(decision.verdict, BW_VERDICT_WITHHELD);
}

static void the_inputs_are_told_a_line_each(void **state)
{
	struct bw_buf said = BW_BUF_INIT(4096);

	(void)state;
	inputs.of[BW_SOURCE_INHERITED].recipient_count = 0;
	assert_ok(bw_policy_add_recipient(&inputs.of[BW_SOURCE_INHERITED], accord.party[0].node));
	inputs.of[BW_SOURCE_INHERITED].not_after_us = TEST_TIME;
	inputs.of[BW_SOURCE_INHERITED].purposes = BW_PURPOSE_BIT(RESEARCH);
	assert_ok(bw_inputs_say(&inputs, &said));
	assert_string_equal(
		bw_buf_text(&said),
		"the object's own marking: TLP:GREEN\n"
		"the conditions under which it came here: no TLP marking, for 1 named node, only for research, "
		"until 2026-11-18\n");
	bw_buf_release(&said);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_the_accord_covers_is_sent),
		TEST(each_question_of_the_accord_withholds),
		TEST(labels_and_sectors_are_asked_for_only_where_the_accord_names_some),
		TEST(an_accord_covers_its_days_only),
		TEST(the_darkest_marking_decides_and_is_named),
		TEST(an_unknown_marking_is_red_to_everybody),
		TEST(what_nobody_marked_stays),
		TEST(red_goes_only_to_those_it_names),
		TEST(every_purpose_of_the_accord_must_be_allowed),
		TEST(times_bind_to_the_microsecond),
		TEST(a_part_that_must_stay_makes_a_derived_object),
		TEST(attribution_binds_who_passes_on),
		TEST(confidence_never_rises_on_the_way),
		TEST(what_is_carried_binds_the_receiver),
		TEST(a_class_nobody_made_is_closed),
		TEST(the_inputs_are_told_a_line_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
