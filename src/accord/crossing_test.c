#include "accord/crossing.h"

#include "accord/test_accord.h"

static const char object[] = "{\"type\":\"indicator\",\"id\":\"indicator--1\",\"z\":1,\"a\":[1,{}]}";

static void make(struct bw_crossing *out)
{
	*out = (struct bw_crossing){
		.accord = { 1, 2, 3 },
		.clause = BW_CLAUSE_PERSONAL,
		.tiding = BW_TIDING_SIGHTING,
		.is_derived = true,
		.collection = BW_LIT("Schools \"and\" \xc3\xa9"),
		.path_count = 2,
		.object = bw_slice_text(object),
	};
	test_node(3, out->path[0]);
	test_node(0, out->path[1]);
	bw_policy_open(&out->policy);
	out->policy.tlp = BW_TLP_AMBER_STRICT;
	out->policy.not_after_us = TEST_TIME + TEST_DAY;
	out->policy.purposes = BW_PURPOSE_BIT(DEFENCE) | BW_PURPOSE_BIT(OVERSIGHT);
	out->policy.duties = BW_DUTY_SILENT | BW_DUTY_ATTRIBUTE;
	out->policy.recipient_count = 0;
	assert_ok(bw_policy_add_recipient(&out->policy, out->path[0]));
	assert_ok(bw_policy_add_recipient(&out->policy, out->path[1]));
}

static void what_is_written_is_read_back(void **state)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(1 << 16);
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(1 << 16);
	struct bw_crossing one;
	struct bw_crossing other;

	(void)state;
	make(&one);
	assert_ok(bw_crossing_add(&text, &one));
	assert_ok(bw_crossing_parse(bw_buf_slice(&text), &arena, &other, NULL));
	assert_memory_equal(one.accord, other.accord, sizeof(one.accord));
	assert_int_equal(other.clause, BW_CLAUSE_PERSONAL);
	assert_int_equal(other.tiding, BW_TIDING_SIGHTING);
	assert_true(other.is_derived);
	assert_true(bw_slice_equals(one.collection, other.collection));
	assert_int_equal(other.path_count, 2);
	assert_memory_equal(one.path, other.path, 2 * sizeof(one.path[0]));
	assert_true(bw_policy_equals(&one.policy, &other.policy));
	assert_slice(other.object, object);
}

static void a_policy_that_says_nothing_is_written_as_that(void **state)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(1 << 16);
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(1 << 16);
	struct bw_crossing one;
	struct bw_crossing other;

	(void)state;
	make(&one);
	bw_policy_open(&one.policy);
	assert_ok(bw_crossing_add(&text, &one));
	assert_non_null(strstr(bw_buf_text(&text), "\"recipients\":null,\"tlp\":null"));
	assert_ok(bw_crossing_parse(bw_buf_slice(&text), &arena, &other, NULL));
	assert_true(bw_policy_equals(&one.policy, &other.policy));
}

static void it_has_one_text_and_no_other_is_read(void **state)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(1 << 20);
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(1 << 16);
	struct bw_crossing crossing;
	const uint8_t *body;

	(void)state;
	make(&crossing);
	assert_ok(bw_crossing_add(&text, &crossing));
	body = memmem(text.ptr, text.len, object, strlen(object));
	for (size_t i = 0; i < text.len; i++) {
		struct bw_slice cut = bw_slice_of(text.ptr, i);
		BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(1 << 16);

		bw_arena_reset(&arena);
		assert_int_not_equal(bw_crossing_parse(cut, &arena, &crossing, NULL), BW_OK);
		text.ptr[i] ^= 1;
		bw_arena_reset(&arena);
		if (bw_crossing_parse(bw_buf_slice(&text), &arena, &crossing, NULL) == BW_OK) {
			assert_ok(bw_crossing_add(&again, &crossing));
			assert_true(bw_slice_equals(bw_buf_slice(&again), bw_buf_slice(&text)));
		}
		text.ptr[i] ^= 1;
	}
	assert_non_null(body);
}

/* ---- the receiver ------------------------------------------------------------------------------------- */

struct receiving {
	struct bw_accord accord;
	uint8_t hashes[1][BW_SHA256_BYTES];
	struct bw_crossing_terms terms;
	struct bw_crossing crossing;
};

static void begin(struct receiving *r)
{
	test_accord(&r->accord);
	make(&r->crossing);
	memcpy(r->hashes[0], r->crossing.accord, BW_SHA256_BYTES);
	r->terms = (struct bw_crossing_terms){ &r->accord, 0, (const uint8_t(*)[BW_SHA256_BYTES])r->hashes, 1,
					       TEST_TIME };
}

static void what_comes_from_the_partner_under_the_accord_may_be_looked_at(void **state)
{
	struct receiving r;

	(void)state;
	begin(&r);
	assert_ok(bw_crossing_check(&r.crossing, &r.terms, NULL));
}

static void loops_strangers_and_what_is_over_are_refused(void **state)
{
	struct receiving r;
	const char *what = NULL;

	(void)state;
	begin(&r);
	test_node(1, r.crossing.path[0]); /* this node itself */
	assert_int_equal(bw_crossing_check(&r.crossing, &r.terms, &what), BW_ERR_DENIED);
	assert_string_equal(what, "it has been at this node");
	test_node(0, r.crossing.path[0]);
	assert_int_equal(bw_crossing_check(&r.crossing, &r.terms, &what), BW_ERR_DENIED);
	begin(&r);
	r.crossing.path_count = 1; /* then the last one is another node */
	assert_int_equal(bw_crossing_check(&r.crossing, &r.terms, NULL), BW_ERR_DENIED);
	begin(&r);
	r.hashes[0][0] ^= 1;
	assert_int_equal(bw_crossing_check(&r.crossing, &r.terms, NULL), BW_ERR_CONFLICT);
	begin(&r);
	r.terms.now_us = r.crossing.policy.not_after_us;
	assert_int_equal(bw_crossing_check(&r.crossing, &r.terms, NULL), BW_ERR_ERASED);
}

static void what_it_came_with_only_narrows(void **state)
{
	struct bw_lexicon *lexicon;
	struct bw_policy_inputs inputs;
	struct bw_facts facts = { 0 };
	struct receiving r;
	struct bw_policy whole;
	uint32_t number;

	(void)state;
	begin(&r);
	assert_ok(bw_lexicon_new(&lexicon));
	assert_ok(bw_lexicon_add(lexicon, r.crossing.collection, &number));
	bw_policy_inputs_init(&inputs);
	inputs.of[BW_SOURCE_OWN].tlp = BW_TLP_CLEAR;
	bw_crossing_tell(&r.crossing, lexicon, &inputs, &facts);
	bw_policy_whole(&inputs, &whole);
	assert_int_equal(whole.tlp, BW_TLP_AMBER_STRICT);
	assert_true(bw_policy_within(&whole, &r.crossing.policy));
	assert_int_equal(facts.collection, number);
	assert_false(facts.by_sender); /* it came through another node */
	assert_int_equal(facts.keep_until_us, r.crossing.policy.not_after_us);
	bw_lexicon_free(lexicon);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(a_policy_that_says_nothing_is_written_as_that),
		cmocka_unit_test(it_has_one_text_and_no_other_is_read),
		cmocka_unit_test(what_comes_from_the_partner_under_the_accord_may_be_looked_at),
		cmocka_unit_test(loops_strangers_and_what_is_over_are_refused),
		cmocka_unit_test(what_it_came_with_only_narrows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
