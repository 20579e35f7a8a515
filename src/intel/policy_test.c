#include "base/test.h"

#include "intel/policy.h"

/* A small generator, the same on every run. */
static uint64_t seed = 88172645463325252U;

static uint32_t any(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32) % below;
}

static void node(uint32_t number, uint8_t out[BW_SHA256_BYTES])
{
	memset(out, 0, BW_SHA256_BYTES);
	out[0] = (uint8_t)(number * 37 % 251);
	out[31] = (uint8_t)number;
}

static void any_policy(struct bw_policy *out)
{
	uint8_t name[BW_SHA256_BYTES];

	bw_policy_open(out);
	if (any(12) == 0) {
		bw_policy_closed(out);
		return;
	}
	out->tlp = (uint8_t)any(BW_TLP_RED + 1);
	out->actions = (uint8_t)any(BW_ACTION_COUNT);
	out->duties = (uint8_t)(any(4) == 0 ? any(BW_DUTY_ALL + 1) : 0);
	out->purposes = any(BW_PURPOSES_ALL + 1);
	out->confidence = (uint8_t)any(BW_CONFIDENCE_MAX + 1);
	if (any(2) == 0)
		out->not_after_us = (int64_t)any(1000) - 500;
	if (any(2) == 0)
		out->not_before_us = (int64_t)any(1000) - 500;
	if (any(2) == 0) {
		out->recipient_count = 0;
		for (uint32_t i = any(BW_POLICY_RECIPIENTS_MAX); i > 0; i--) {
			node(any(40), name);
			assert_ok(bw_policy_add_recipient(out, name));
		}
	}
}

#define assert_same(a, b) assert_true(bw_policy_equals((a), (b)))

static void the_meet_is_commutative_associative_and_idempotent(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct bw_policy a;
		struct bw_policy b;
		struct bw_policy c;
		struct bw_policy left;
		struct bw_policy right;

		any_policy(&a);
		any_policy(&b);
		any_policy(&c);
		bw_policy_meet(&a, &b, &left);
		bw_policy_meet(&b, &a, &right);
		assert_same(&left, &right);
		bw_policy_meet(&left, &c, &left);
		bw_policy_meet(&b, &c, &right);
		bw_policy_meet(&a, &right, &right);
		assert_same(&left, &right);
		bw_policy_meet(&a, &a, &left);
		assert_same(&left, &a);
	}
}

/* By what each statement means, not by the lattice: each thing `met` allows, `a` allowed. */
static void assert_not_wider(const struct bw_policy *met, const struct bw_policy *a)
{
	uint8_t name[BW_SHA256_BYTES];

	assert_true(met->tlp >= a->tlp && met->actions <= a->actions && met->confidence <= a->confidence);
	assert_true((a->duties & ~met->duties) == 0 && (met->purposes & ~a->purposes) == 0);
	assert_true(met->not_after_us <= a->not_after_us && met->not_before_us >= a->not_before_us);
	for (uint32_t i = 0; i < 41; i++) {
		node(i, name);
		assert_true(!bw_policy_names(met, name) || bw_policy_names(a, name));
	}
}

static void the_meet_never_widens(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct bw_policy a;
		struct bw_policy b;
		struct bw_policy met;

		any_policy(&a);
		any_policy(&b);
		bw_policy_meet(&a, &b, &met);
		assert_not_wider(&met, &a);
		assert_not_wider(&met, &b);
		assert_true(bw_policy_within(&met, &a) && bw_policy_within(&met, &b));
	}
}

static void the_meet_forbids_no_more_than_one_of_both_does(void **state)
{
	uint8_t name[BW_SHA256_BYTES];

	(void)state;
	for (int i = 0; i < 5000; i++) {
		struct bw_policy a;
		struct bw_policy b;
		struct bw_policy met;

		any_policy(&a);
		any_policy(&b);
		bw_policy_meet(&a, &b, &met);
		assert_true(met.tlp == a.tlp || met.tlp == b.tlp);
		assert_int_equal(met.duties, a.duties | b.duties);
		for (uint32_t n = 0; n < 41; n++) {
			node(n, name);
			assert_int_equal(bw_policy_names(&met, name),
					 bw_policy_names(&a, name) && bw_policy_names(&b, name));
		}
	}
}

static void open_changes_nothing_and_closed_closes_everything(void **state)
{
	struct bw_policy open;
	struct bw_policy closed;

	(void)state;
	bw_policy_open(&open);
	bw_policy_closed(&closed);
	for (int i = 0; i < 5000; i++) {
		struct bw_policy a;
		struct bw_policy met;

		any_policy(&a);
		bw_policy_meet(&a, &open, &met);
		assert_same(&met, &a);
		bw_policy_meet(&a, &closed, &met);
		assert_same(&met, &closed);
	}
}

static void only_the_creators_newer_version_widens(void **state)
{
	struct bw_policy red;
	struct bw_policy clear;
	struct bw_policy after;

	(void)state;
	bw_policy_open(&red);
	bw_policy_open(&clear);
	red.tlp = BW_TLP_RED;
	clear.tlp = BW_TLP_CLEAR;
	bw_policy_supersede(&red, &clear, false, &after);
	assert_same(&after, &red);
	bw_policy_supersede(&red, &clear, true, &after);
	assert_same(&after, &clear);
	bw_policy_supersede(&clear, &red, false, &after);
	assert_same(&after, &red);
}

static void recipients_stay_in_order_and_are_bounded(void **state)
{
	struct bw_policy policy;
	uint8_t name[BW_SHA256_BYTES];

	(void)state;
	bw_policy_open(&policy);
	node(1, name);
	assert_int_equal(bw_policy_add_recipient(&policy, name), BW_ERR_USAGE);
	policy.recipient_count = 0;
	for (uint32_t i = 0; i < BW_POLICY_RECIPIENTS_MAX; i++) {
		node(i, name);
		assert_ok(bw_policy_add_recipient(&policy, name));
		assert_ok(bw_policy_add_recipient(&policy, name));
	}
	assert_int_equal(policy.recipient_count, BW_POLICY_RECIPIENTS_MAX);
	for (uint32_t i = 1; i < BW_POLICY_RECIPIENTS_MAX; i++)
		assert_true(memcmp(policy.recipients[i - 1], policy.recipients[i], BW_SHA256_BYTES) < 0);
	node(99, name);
	assert_int_equal(bw_policy_add_recipient(&policy, name), BW_ERR_TOO_MANY);
	assert_false(bw_policy_names(&policy, name));
}

static void an_unmarked_object_counts_as_red(void **state)
{
	struct bw_policy policy;

	(void)state;
	bw_policy_open(&policy);
	assert_int_equal(bw_policy_colour(&policy), BW_TLP_RED);
	policy.tlp = BW_TLP_GREEN;
	assert_int_equal(bw_policy_colour(&policy), BW_TLP_GREEN);
}

static void every_word_has_a_row(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < BW_PURPOSE_COUNT; i++)
		assert_int_equal(bw_purpose_bit(bw_slice_text(bw_purpose_name((enum bw_purpose)i))), UINT32_C(1) << i);
	assert_int_equal(bw_purpose_bit(BW_LIT("advertising")), 0);
	for (int i = BW_TLP_NONE; i <= BW_TLP_RED; i++)
		assert_true(strlen(bw_tlp_name((enum bw_tlp)i)) > 4);
	for (int i = 0; i < BW_ACTION_COUNT; i++)
		assert_true(strlen(bw_action_words((enum bw_action)i)) > 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_meet_is_commutative_associative_and_idempotent),
		cmocka_unit_test(the_meet_never_widens),
		cmocka_unit_test(the_meet_forbids_no_more_than_one_of_both_does),
		cmocka_unit_test(open_changes_nothing_and_closed_closes_everything),
		cmocka_unit_test(only_the_creators_newer_version_widens),
		cmocka_unit_test(recipients_stay_in_order_and_are_bounded),
		cmocka_unit_test(an_unmarked_object_counts_as_red),
		cmocka_unit_test(every_word_has_a_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
