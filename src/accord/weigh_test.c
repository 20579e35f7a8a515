#include "accord/secret_ids.h"
#include "accord/test_accord.h"
#include "accord/weigh.h"

enum { PEER = 4, ROWS_MAX = 16 };

#define RED "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
#define GREEN "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
#define MARKED(id) ",\"object_marking_refs\":[\"" id "\"]"
#define COMMON \
	"\"spec_version\":\"2.1\",\"created\":\"2026-11-01T00:00:00.000Z\",\"modified\":\"2026-11-01T00:00:00.000Z\""
#define INDICATOR_ID(digit) "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3" digit
#define INDICATOR(digit, members)                                                                                    \
	"{\"type\":\"indicator\",\"id\":\"" INDICATOR_ID(                                                            \
		digit) "\"," COMMON ",\"pattern_type\":\"stix\""                                                     \
		       ",\"pattern\":\"[ipv4-addr:value = '198.51.100.4']\",\"valid_from\":\"2026-11-01T00:00:00Z\"" \
		       ",\"confidence\":90" members "}"
#define SIGHTING(of)                                                                               \
	"{\"type\":\"sighting\",\"id\":\"sighting--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3e\"," COMMON \
	",\"confidence\":90,\"sighting_of_ref\":\"" of "\"" MARKED(GREEN) "}"
#define MAIL ",\"description\":\"Ask anna.webb@example.org\""

struct fixture {
	struct bw_accord accord;
	struct bw_lexicon *lexicon;
	struct bw_policy_classes *classes;
	struct bw_gate *gate;
	struct bw_weighing weighing;
	struct bw_facts_worker *worker;
	struct bw_secret_ids *secrets;
	struct bw_buf question;
	struct bw_buf answer;
	struct bw_arena arena;
	struct bw_source_row rows[ROWS_MAX];
	struct bw_told told[ROWS_MAX];
	struct bw_weighed out[ROWS_MAX];
	size_t count;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	test_accord(&f->accord);
	assert_ok(bw_lexicon_new(&f->lexicon));
	assert_ok(bw_policy_classes_new(&f->classes));
	assert_ok(bw_gate_new(&f->accord, 0, BW_SIDE_SENDER, PEER, f->lexicon, f->classes, &f->gate));
	assert_ok(bw_facts_worker_new(&f->worker));
	assert_ok(bw_secret_ids_new(&f->secrets));
	f->question = BW_BUF_INIT(BW_MIB);
	f->answer = BW_BUF_INIT(BW_MIB);
	f->arena = BW_ARENA_INIT(64 * BW_MIB);
	f->weighing = (struct bw_weighing){ .gate = f->gate,
					    .peer = { .number = PEER },
					    .lexicon = f->lexicon,
					    .classes = f->classes,
					    .profile = BW_REDACTION_DERIVE,
					    .now_us = TEST_TIME,
					    .elsewhere = { .is_secret = bw_secret_ids_is, .with = f->secrets } };
	test_node(1, f->weighing.peer.node);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	bw_gate_free(f->gate);
	bw_policy_classes_free(f->classes);
	bw_lexicon_free(f->lexicon);
	bw_facts_worker_free(f->worker);
	bw_secret_ids_free(f->secrets);
	bw_buf_release(&f->question);
	bw_buf_release(&f->answer);
	bw_arena_release(&f->arena);
	free(f);
	return 0;
}

static struct bw_source_row *row(struct fixture *f, const char *object)
{
	struct bw_source_row *r = &f->rows[f->count++];

	*r = (struct bw_source_row){ .body = bw_slice_text(object), .collection = BW_LIT("Schools"), .is_ours = true };
	return r;
}

static void weigh(struct fixture *f)
{
	struct bw_answer answer;

	assert_ok(bw_question_begin(&f->question));
	for (size_t i = 0; i < f->count; i++) {
		const struct bw_question_object item = { .profile = BW_REDACTION_DERIVE, .object = f->rows[i].body };

		assert_ok(bw_question_object(&f->question, &item));
	}
	assert_ok(bw_facts_work(f->worker, bw_buf_slice(&f->question), &f->answer));
	assert_ok(bw_answer_open(bw_buf_slice(&f->answer), &answer));
	for (size_t i = 0; i < f->count; i++)
		assert_ok(bw_answer_next(&answer, &f->arena, &f->told[i]));
	assert_ok(bw_weigh(&f->weighing, f->rows, f->told, f->count, &f->arena, f->out));
}

static void is_decided(const struct fixture *f, size_t at, enum bw_verdict verdict, enum bw_clause clause)
{
	assert_string_equal(bw_verdict_name((enum bw_verdict)f->out[at].decision.verdict), bw_verdict_name(verdict));
	assert_string_equal(bw_clause_name((enum bw_clause)f->out[at].decision.clause), bw_clause_name(clause));
	assert_true((f->out[at].carried != NULL) == (verdict <= BW_VERDICT_DERIVED));
}

static void each_is_decided_by_its_markings_and_by_what_it_says(void **state)
{
	struct fixture *f = *state;

	(void)row(f, INDICATOR("1", MARKED(GREEN)));
	(void)row(f, INDICATOR("2", MARKED(RED)));
	(void)row(f, INDICATOR("3", MARKED(GREEN) MAIL));
	(void)row(f, INDICATOR("4", ""));
	(void)row(f, "{\"type\":\"indicator\"}");
	weigh(f);
	is_decided(f, 0, BW_VERDICT_SENT, BW_CLAUSE_FREE);
	is_decided(f, 1, BW_VERDICT_WITHHELD, BW_CLAUSE_COLOUR);
	is_decided(f, 2, BW_VERDICT_DERIVED, BW_CLAUSE_PERSONAL);
	assert_int_equal(f->out[2].decision.takes, BW_TAKES_PERSONAL);
	is_decided(f, 3, BW_VERDICT_WITHHELD, BW_CLAUSE_UNMARKED);
	is_decided(f, 4, BW_VERDICT_WITHHELD, BW_CLAUSE_UNSURE);
}

/* What the clerk calls unsure, whatever the detectors think of a text. */
static void say_unsure(struct fixture *f, size_t at, bool has_sure)
{
	f->told[at].personal = BW_REDACT_HOLD;
	f->told[at].has_sure = has_sure;
	assert_ok(bw_weigh(&f->weighing, f->rows, f->told, f->count, &f->arena, f->out));
}

static void what_is_unsure_waits_until_a_person_answers(void **state)
{
	struct fixture *f = *state;

	(void)row(f, INDICATOR("1", MARKED(GREEN)));
	weigh(f);
	say_unsure(f, 0, false);
	is_decided(f, 0, BW_VERDICT_HELD, BW_CLAUSE_UNSURE);
	f->out[0].is_released = true;
	say_unsure(f, 0, false);
	is_decided(f, 0, BW_VERDICT_SENT, BW_CLAUSE_FREE);
	say_unsure(f, 0, true); /* what is sure is taken out all the same */
	is_decided(f, 0, BW_VERDICT_DERIVED, BW_CLAUSE_PERSONAL);
	f->out[0].is_released = false;
	f->out[0].is_refused = true;
	say_unsure(f, 0, false);
	is_decided(f, 0, BW_VERDICT_WITHHELD, BW_CLAUSE_UNSURE);
	f->told[0].personal = BW_REDACT_CLEAN;
	assert_ok(bw_weigh(&f->weighing, f->rows, f->told, f->count, &f->arena, f->out));
	is_decided(f, 0, BW_VERDICT_WITHHELD, BW_CLAUSE_UNSURE);
}

static void releasing_does_not_widen_a_marking(void **state)
{
	struct fixture *f = *state;

	(void)row(f, INDICATOR("1", MARKED(RED)));
	weigh(f);
	f->out[0].is_released = true;
	say_unsure(f, 0, false);
	is_decided(f, 0, BW_VERDICT_WITHHELD, BW_CLAUSE_COLOUR);
}

static void nothing_goes_that_names_what_stays(void **state)
{
	struct fixture *f = *state;

	(void)row(f, SIGHTING(INDICATOR_ID("2")));
	(void)row(f, INDICATOR("2", MARKED(RED)));
	weigh(f);
	is_decided(f, 0, BW_VERDICT_WITHHELD, BW_CLAUSE_REFERENCE);
	/* nor when it was decided before */
	f->count = 1;
	weigh(f);
	is_decided(f, 0, BW_VERDICT_SENT, BW_CLAUSE_FREE);
	assert_ok(bw_secret_ids_add(f->secrets, BW_LIT("INDICATOR--8E2E2D2B-17D4-4CBF-938F-98EE46B3CD32")));
	weigh(f);
	is_decided(f, 0, BW_VERDICT_WITHHELD, BW_CLAUSE_REFERENCE);
}

static void a_copy_stays_and_says_nothing_of_its_object(void **state)
{
	struct fixture *f = *state;
	struct bw_source_row *copy;

	(void)row(f, SIGHTING(INDICATOR_ID("2")));
	copy = row(f, INDICATOR("2", MARKED(GREEN)));
	copy->is_copy = true;
	copy->is_ours = false;
	weigh(f);
	is_decided(f, 1, BW_VERDICT_WITHHELD, BW_CLAUSE_COPY);
	is_decided(f, 0, BW_VERDICT_SENT, BW_CLAUSE_FREE);
}

static void what_a_partner_told_keeps_its_conditions_and_its_end(void **state)
{
	struct fixture *f = *state;
	struct bw_source_row *r;

	for (unsigned i = 0; i < 3; i++) {
		r = row(f, INDICATOR("1", MARKED(GREEN)));
		r->is_foreign = true;
		r->is_ours = false;
		r->has_provenance = true;
		test_node(7, r->from.node);
		bw_policy_open(&r->from.inherited);
		r->from.inherited.tlp = BW_TLP_AMBER;
		r->from.inherited.not_after_us = TEST_TIME + 1000;
	}
	f->rows[1].has_provenance = false;
	test_node(1, f->rows[2].from.path[0]);
	f->rows[2].from.path_count = 1;
	weigh(f);
	is_decided(f, 0, BW_VERDICT_SENT, BW_CLAUSE_FREE);
	assert_int_equal(f->out[0].carried->tlp, BW_TLP_AMBER);
	assert_int_equal(f->out[0].carried->not_after_us, TEST_TIME + 1000);
	is_decided(f, 1, BW_VERDICT_WITHHELD, BW_CLAUSE_STRANGE);
	is_decided(f, 2, BW_VERDICT_WITHHELD, BW_CLAUSE_RETURNS);
}

static void ids_are_remembered_whatever_their_number(void **state)
{
	struct fixture *f = *state;
	char id[64];

	for (int i = 0; i < 5000; i++) {
		(void)snprintf(id, sizeof(id), "malware--%d", i);
		if (i % 2 == 0)
			assert_ok(bw_secret_ids_add(f->secrets, bw_slice_text(id)));
	}
	for (int i = 0; i < 5000; i++) {
		(void)snprintf(id, sizeof(id), "malware--%d", i);
		assert_int_equal(bw_secret_ids_has(f->secrets, bw_slice_text(id)), i % 2 == 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_is_decided_by_its_markings_and_by_what_it_says),
		TEST(what_is_unsure_waits_until_a_person_answers),
		TEST(releasing_does_not_widen_a_marking),
		TEST(nothing_goes_that_names_what_stays),
		TEST(a_copy_stays_and_says_nothing_of_its_object),
		TEST(what_a_partner_told_keeps_its_conditions_and_its_end),
		TEST(ids_are_remembered_whatever_their_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
