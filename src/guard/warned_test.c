/* What others' word can do to a verdict, and what it cannot. */
#include "base/test.h"
#include "guard/proof.h"
#include "guard/settings.h"

#define HOUR_NS (UINT64_C(3600) * 1000000000)

enum { MANY = 60 };

struct bench {
	struct bw_proof proofs[MANY];
	struct bw_weight weights[MANY];
	const struct bw_proof *list[MANY];
	size_t count;
};

static void add(struct bench *b, enum bw_proof_kind kind, struct bw_weight weight)
{
	struct bw_proof *proof = &b->proofs[b->count];

	*proof = (struct bw_proof){ .kind = (uint8_t)kind, .actor = 1, .file = { .ino = b->count + 1 } };
	b->list[b->count] = proof;
	b->weights[b->count++] = weight;
}

static void add_warning(struct bench *b)
{
	const struct bw_proof proof = { .kind = BW_PROOF_WARNED };
	struct bw_finding finding;
	struct bw_weight weight;

	bw_proof_weigh(&bw_rules_default, &proof, &weight, &finding);
	assert_int_equal(weight.points, bw_rules_default.warned);
	assert_int_equal(weight.gravity, BW_GRAVITY_NONE);
	add(b, BW_PROOF_WARNED, weight);
}

static void add_file(struct bench *b, enum bw_gravity gravity, uint32_t points)
{
	add(b, BW_PROOF_CHANGED, (struct bw_weight){ .points = points, .gravity = (uint8_t)gravity, .files = 1 });
}

static struct bw_verdict judge_with(const struct bw_rules *rules, struct bench *b, uint64_t now_ns)
{
	struct bw_verdict verdict;

	bw_rules_judge(rules, BW_SCOPE_ACTOR, now_ns, b->list, b->weights, b->count, &verdict);
	return verdict;
}

static struct bw_verdict judge(struct bench *b)
{
	return judge_with(&bw_rules_default, b, 0);
}

static void one_word_alone_decides_nothing(void **state)
{
	struct bench b = { .count = 0 };

	(void)state;
	add_warning(&b);
	assert_int_equal(judge(&b).gravity, BW_GRAVITY_NONE);
	add_file(&b, BW_GRAVITY_UNUSUAL, bw_rules_default.slight);
	assert_int_equal(judge(&b).gravity, BW_GRAVITY_NONE);
}

static void two_words_hold(void **state)
{
	struct bench b = { .count = 0 };
	struct bw_verdict verdict;

	(void)state;
	add_warning(&b);
	add_warning(&b);
	verdict = judge(&b);
	assert_int_equal(verdict.gravity, BW_GRAVITY_ORDERED);
	assert_int_equal(verdict.rule, BW_RULE_WARNED);
	assert_int_equal(bw_verdict_measure(&verdict, BW_MODE_ENFORCE, false), BW_MEASURE_FREEZE);
	assert_int_equal(bw_verdict_measure(&verdict, BW_MODE_OBSERVE, false), BW_MEASURE_NONE);
}

static void a_word_and_one_file_hold(void **state)
{
	static const uint32_t points[] = { 60, 40, 34, 20 };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(points); i++) {
		struct bench b = { .count = 0 };

		add_file(&b, points[i] == 20 ? BW_GRAVITY_ORDERED : BW_GRAVITY_DESTROYED, points[i]);
		assert_true(judge(&b).gravity < BW_GRAVITY_ORDERED);
		add_warning(&b);
		assert_int_equal(judge(&b).gravity, BW_GRAVITY_ORDERED);
		assert_int_equal(judge(&b).rule, BW_RULE_WARNED);
	}
}

static void no_number_of_words_ends_anybody(void **state)
{
	struct bench b = { .count = 0 };

	(void)state;
	while (b.count < MANY - 1) {
		struct bw_verdict verdict;

		add_warning(&b);
		verdict = judge(&b);
		assert_true(verdict.gravity <= BW_GRAVITY_ORDERED);
		for (unsigned mode = BW_MODE_UNSET; mode <= BW_MODE_ENFORCE; mode++)
			assert_int_not_equal(bw_verdict_measure(&verdict, mode, false), BW_MEASURE_KILL);
	}
	add_file(&b, BW_GRAVITY_DESTROYED, 60);
	assert_true(judge(&b).gravity <= BW_GRAVITY_ORDERED);
}

static void words_take_nothing_from_what_was_seen_here(void **state)
{
	struct bench b = { .count = 0 };

	(void)state;
	add_file(&b, BW_GRAVITY_DESTROYED, 60);
	add_file(&b, BW_GRAVITY_DESTROYED, 60);
	add_warning(&b);
	assert_int_equal(judge(&b).gravity, BW_GRAVITY_DESTROYED);
	assert_int_equal(judge(&b).rule, BW_RULE_MANY);
	assert_int_equal(judge(&b).points, 120); /* no word is counted in */
}

static void words_fade(void **state)
{
	struct bench b = { .count = 0 };

	(void)state;
	add_warning(&b);
	add_warning(&b);
	assert_int_equal(judge_with(&bw_rules_default, &b, HOUR_NS).gravity, BW_GRAVITY_NONE);
}

static void a_record_of_before_is_judged_without_them(void **state)
{
	struct bw_rules rules = bw_rules_default;
	struct bench b = { .count = 0 };

	(void)state;
	rules.warned = rules.warned_enough = 0;
	add_warning(&b);
	add_warning(&b);
	assert_int_equal(judge_with(&rules, &b, 0).gravity, BW_GRAVITY_NONE);
}

static void of_many_actors_together_words_say_nothing(void **state)
{
	struct bench b = { .count = 0 };
	struct bw_verdict verdict;

	(void)state;
	while (b.count < MANY)
		add_warning(&b);
	bw_rules_judge(&bw_rules_default, BW_SCOPE_VOLUME, 0, b.list, b.weights, b.count, &verdict);
	assert_int_equal(verdict.gravity, BW_GRAVITY_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_word_alone_decides_nothing),
		cmocka_unit_test(two_words_hold),
		cmocka_unit_test(a_word_and_one_file_hold),
		cmocka_unit_test(no_number_of_words_ends_anybody),
		cmocka_unit_test(words_take_nothing_from_what_was_seen_here),
		cmocka_unit_test(words_fade),
		cmocka_unit_test(a_record_of_before_is_judged_without_them),
		cmocka_unit_test(of_many_actors_together_words_say_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
