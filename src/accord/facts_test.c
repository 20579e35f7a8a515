#include "accord/facts.h"
#include "base/test.h"

#define MARK "marking-definition--3a1e0b5c-9f0f-4d0e-8d3e-0a8d7e4d0c11"
#define GREEN "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
#define CLEAR_IEP(id)                                                                                              \
	"{\"type\":\"marking-definition\",\"spec_version\":\"2.1\",\"id\":\"" id                                   \
	"\",\"created\":\"2026-11-01T00:00:00.000Z\",\"definition_type\":\"iep\",\"definition\":{\"iep_version\":" \
	"\"2.0\",\"tlp\":\"clear\",\"permitted_actions\":\"externally-visible-direct-actions\","                   \
	"\"encrypt_in_transit\":\"may\",\"affected_party_notifications\":\"may\",\"attribution\":\"may\","         \
	"\"unmodified_resale\":\"may\"}}"
#define OBJECT_ID "malware--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"
#define OBJECT(members)                                                                                  \
	"{\"type\":\"malware\",\"spec_version\":\"2.1\",\"id\":\"" OBJECT_ID                             \
	"\",\"created\":\"2026-11-01T00:00:00.000Z\",\"modified\":\"2026-11-01T00:00:00.000Z\",\"name\"" \
	":\"x\",\"is_family\":false" members "}"
#define MARKED OBJECT(",\"object_marking_refs\":[\"" MARK "\"]")

struct fixture {
	struct bw_facts_worker *worker;
	struct bw_buf question;
	struct bw_buf answer;
	struct bw_arena arena;
	struct bw_told told;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_ok(bw_facts_worker_new(&f->worker));
	f->question = BW_BUF_INIT(BW_MIB);
	f->answer = BW_BUF_INIT(BW_MIB);
	f->arena = BW_ARENA_INIT(BW_MIB);
	assert_ok(bw_question_begin(&f->question));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	bw_facts_worker_free(f->worker);
	bw_buf_release(&f->question);
	bw_buf_release(&f->answer);
	bw_arena_release(&f->arena);
	free(f);
	return 0;
}

static void ask(struct fixture *f, uint16_t scope, const char *marking, const char *object)
{
	const struct bw_question_object item = { scope, BW_REDACTION_DERIVE, bw_slice_text(marking),
						 bw_slice_text(object) };

	assert_ok(bw_question_object(&f->question, &item));
}

/* Works the question; the next one begins empty. */
static struct bw_answer work(struct fixture *f)
{
	struct bw_answer answer;

	assert_ok(bw_facts_work(f->worker, bw_buf_slice(&f->question), &f->answer));
	assert_ok(bw_answer_open(bw_buf_slice(&f->answer), &answer));
	assert_ok(bw_question_begin(&f->question));
	return answer;
}

static const struct bw_told *next(struct fixture *f, struct bw_answer *answer)
{
	assert_ok(bw_answer_next(answer, &f->arena, &f->told));
	return &f->told;
}

static void nothing_more(struct fixture *f, struct bw_answer *answer)
{
	assert_int_equal(bw_answer_next(answer, &f->arena, &f->told), BW_ERR_NOT_FOUND);
}

static bool is_strange(const struct bw_told *told)
{
	return (told->inputs.of[BW_SOURCE_OWN].duties & BW_DUTY_STRANGE) != 0;
}

static void each_object_is_told_in_order(void **state)
{
	struct fixture *f = *state;
	struct bw_answer answer;
	const struct bw_told *t;

	ask(f, 0, GREEN,
	    OBJECT(",\"labels\":[\"a\",\"b\"],\"confidence\":70,\"created_by_ref\":"
		   "\"identity--311b2d2d-f010-4473-83ec-1edf84858f4c\""));
	ask(f, 0, "", "{\"type\":\"malware\"}");
	ask(f, 0, "", OBJECT(",\"description\":\"Ask anna.webb@example.org\",\"revoked\":true"));
	answer = work(f);
	t = next(f, &answer);
	assert_int_equal(t->problem, BW_OK);
	assert_slice(t->id, OBJECT_ID);
	assert_int_equal(t->type, BW_STIX_MALWARE);
	assert_int_equal(t->tiding, BW_TIDING_SUPPORT);
	assert_int_equal(t->confidence, 70);
	assert_int_equal(t->labels.count, 2);
	assert_slice(t->labels.of[1], "b");
	assert_int_equal(t->refs.count, 1);
	assert_slice(t->refs.of[0].id, "identity--311b2d2d-f010-4473-83ec-1edf84858f4c");
	assert_true(t->refs.of[0].is_whole && t->refs.of[0].use == BW_REF_OPTIONAL);
	assert_int_equal(t->inputs.of[BW_SOURCE_COLLECTION].tlp, BW_TLP_GREEN);
	assert_int_equal(t->inputs.of[BW_SOURCE_OWN].tlp, BW_TLP_NONE);
	assert_int_equal(t->personal, BW_REDACT_CLEAN);
	assert_int_equal(next(f, &answer)->problem, BW_ERR_TYPE);
	t = next(f, &answer);
	assert_int_equal(t->personal, BW_REDACT_DERIVE);
	assert_true(t->has_sure);
	assert_true(t->revoked);
	assert_int_equal(t->found.count, 1);
	nothing_more(f, &answer);
}

static void a_definition_of_ours_counts_everywhere_one_of_a_partner_only_for_what_he_sent(void **state)
{
	struct fixture *f = *state;
	struct bw_answer answer;

	assert_ok(bw_question_scope(&f->question, 7));
	assert_ok(bw_question_definition(&f->question, 7, BW_LIT(CLEAR_IEP(MARK))));
	assert_ok(bw_question_scope(&f->question, 8));
	ask(f, 7, "", MARKED);
	ask(f, 8, "", MARKED);
	ask(f, 0, "", MARKED);
	answer = work(f);
	assert_false(is_strange(next(f, &answer)));
	assert_true(is_strange(next(f, &answer)));
	assert_int_equal(f->told.strange.count, 1);
	assert_slice(f->told.strange.of[0], MARK);
	assert_true(is_strange(next(f, &answer)));
	/* scopes are remembered; ours reach those that are open and those that come */
	assert_ok(bw_question_definition(&f->question, 0, BW_LIT(CLEAR_IEP(MARK))));
	assert_ok(bw_question_scope(&f->question, 9));
	ask(f, 8, "", MARKED);
	ask(f, 9, "", MARKED);
	answer = work(f);
	assert_false(is_strange(next(f, &answer)));
	assert_false(is_strange(next(f, &answer)));
	/* opened anew it has forgotten */
	assert_ok(bw_question_scope(&f->question, 0));
	ask(f, 0, "", MARKED);
	answer = work(f);
	assert_true(is_strange(next(f, &answer)));
}

static void a_derived_object_is_checked_like_any_other(void **state)
{
	struct fixture *f = *state;
	const struct bw_slice drop = BW_LIT("name");
	struct bw_redact_plan plan = { .id = BW_LIT("malware--4bfc0d2c-7b8e-4d2a-9d4f-2f0a3f1b7c11"),
				       .time = BW_LIT("2026-11-23T00:00:00.000Z"),
				       .personal = true,
				       .drop = &drop,
				       .drop_count = 1 };
	struct bw_answer answer;
	const struct bw_told *t;

	assert_ok(
		bw_question_derive(&f->question, &plan, BW_LIT(OBJECT(",\"description\":\"Ask a.webb@example.org\""))));
	plan.id = BW_LIT("no id at all");
	assert_ok(bw_question_derive(&f->question, &plan, BW_LIT(OBJECT(""))));
	answer = work(f);
	t = next(f, &answer);
	assert_int_equal(t->problem, BW_OK);
	assert_true(t->is_derived);
	assert_slice(t->id, "malware--4bfc0d2c-7b8e-4d2a-9d4f-2f0a3f1b7c11");
	assert_true(bw_slice_starts(t->text, BW_LIT("{")));
	assert_int_not_equal(next(f, &answer)->problem, BW_OK);
	nothing_more(f, &answer);
}

static void a_derived_object_goes_without_marked_parts_and_names_others_anew(void **state)
{
	struct fixture *f = *state;
	const struct bw_slice swap[] = { BW_LIT("identity--31b940d4-6f7f-459a-80ea-9c1f17b5891b"),
					 BW_LIT("identity--31b940d4-6f7f-459a-80ea-9c1f17b50000") };
	const struct bw_redact_plan plan = { .id = BW_LIT("malware--4bfc0d2c-7b8e-4d2a-9d4f-2f0a3f1b7c11"),
					     .time = BW_LIT("2026-11-23T00:00:00.000Z"),
					     .swap = swap,
					     .swap_count = 2,
					     .parts = true };
	struct bw_answer answer;
	const struct bw_told *t;

	assert_ok(
		bw_question_derive(&f->question, &plan,
				   BW_LIT(OBJECT(",\"description\":\"secret\",\"aliases\":[\"a\",\"b\"],"
						 "\"x_seen_refs\":[\"identity--31b940d4-6f7f-459a-80ea-9c1f17b5891b\"],"
						 "\"granular_markings\":[{\"marking_ref\":\"" MARK
						 "\",\"selectors\":[\"description\",\"aliases.[0]\"]}]"))));
	/* a name that bytes do not tell from another */
	assert_ok(bw_question_derive(&f->question, &plan,
				     BW_LIT(OBJECT(",\"d\\u0065scription\":\"secret\",\"granular_markings\":[{"
						   "\"marking_ref\":\"" MARK "\",\"selectors\":[\"description\"]}]"))));
	assert_ok(bw_question_derive(
		&f->question, &plan,
		BW_LIT(OBJECT(",\"description\":\"secret\",\"granular_markings\":[{\"marking_ref\":\"" MARK
			      "\",\"selectors\":[\"d\\u0065scription\"]}]"))));
	/* what it cannot be without stays, and so does its marking: the gate has kept such an object at home */
	assert_ok(bw_question_derive(
		&f->question, &plan,
		BW_LIT(OBJECT(",\"description\":\"open\",\"granular_markings\":[{\"marking_ref\":\"" MARK
			      "\",\"selectors\":[\"description\",\"is_family\"]}]"))));
	answer = work(f);
	t = next(f, &answer);
	assert_int_equal(t->problem, BW_OK);
	assert_null(memmem(t->text.ptr, t->text.len, "secret", 6));
	assert_null(memmem(t->text.ptr, t->text.len, "aliases", 7));
	assert_null(memmem(t->text.ptr, t->text.len, "granular", 8));
	assert_non_null(memmem(t->text.ptr, t->text.len, "9c1f17b50000", 12));
	assert_null(memmem(t->text.ptr, t->text.len, "9c1f17b5891b", 12));
	assert_int_equal(next(f, &answer)->problem, BW_ERR_DENIED);
	assert_int_equal(next(f, &answer)->problem, BW_ERR_DENIED);
	t = next(f, &answer);
	assert_int_equal(t->problem, BW_OK);
	assert_non_null(memmem(t->text.ptr, t->text.len, "granular", 8));
	nothing_more(f, &answer);
}

static void a_question_that_is_none_is_refused(void **state)
{
	struct fixture *f = *state;
	struct bw_slice whole;

	assert_int_equal(bw_facts_work(f->worker, BW_LIT("BWQ2"), &f->answer), BW_ERR_VERSION);
	ask(f, 5, "", OBJECT("")); /* a scope that nobody opened */
	assert_int_equal(bw_facts_work(f->worker, bw_buf_slice(&f->question), &f->answer), BW_ERR_PROTOCOL);
	assert_ok(bw_question_begin(&f->question));
	ask(f, 0, GREEN, OBJECT(""));
	whole = bw_buf_slice(&f->question);
	for (size_t n = 5; n < whole.len; n++)
		assert_int_not_equal(bw_facts_work(f->worker, bw_slice_sub(whole, 0, n), &f->answer), BW_OK);
}

static void every_prefix_of_an_answer_is_refused_and_leaves_the_place(void **state)
{
	struct fixture *f = *state;
	struct bw_slice whole;

	ask(f, 0, GREEN, OBJECT(",\"labels\":[\"a\"],\"description\":\"Ask anna.webb@example.org\""));
	(void)work(f);
	whole = bw_buf_slice(&f->answer);
	for (size_t n = 5; n < whole.len; n++) {
		struct bw_answer answer;

		assert_ok(bw_answer_open(bw_slice_sub(whole, 0, n), &answer));
		assert_int_not_equal(bw_answer_next(&answer, &f->arena, &f->told), BW_OK);
		assert_int_equal(answer.in.at, 4);
		bw_arena_reset(&f->arena);
	}
}

static void kinds_of_tidings_follow_from_the_type(void **state)
{
	(void)state;
	assert_int_equal(bw_tiding_of(BW_STIX_INDICATOR, false, false), BW_TIDING_INDICATOR);
	assert_int_equal(bw_tiding_of(BW_STIX_SIGHTING, false, false), BW_TIDING_SIGHTING);
	assert_int_equal(bw_tiding_of(BW_STIX_INCIDENT, false, false), BW_TIDING_INCIDENT);
	assert_int_equal(bw_tiding_of(BW_STIX_INCIDENT, true, false), BW_TIDING_GUARD);
	assert_int_equal(bw_tiding_of(BW_STIX_VULNERABILITY, false, true), BW_TIDING_ADVISORY);
	assert_int_equal(bw_tiding_of(BW_STIX_FILE, false, false), BW_TIDING_SUPPORT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_object_is_told_in_order),
		TEST(a_definition_of_ours_counts_everywhere_one_of_a_partner_only_for_what_he_sent),
		TEST(a_derived_object_is_checked_like_any_other),
		TEST(a_derived_object_goes_without_marked_parts_and_names_others_anew),
		TEST(a_question_that_is_none_is_refused),
		TEST(every_prefix_of_an_answer_is_refused_and_leaves_the_place),
		TEST(kinds_of_tidings_follow_from_the_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
