#include "base/test.h"
#include "intel/policy_pack.h"

static struct bw_policy some_policy(void)
{
	uint8_t node[BW_SHA256_BYTES];
	struct bw_policy policy;

	bw_policy_open(&policy);
	policy.recipient_count = 0;
	policy.tlp = BW_TLP_AMBER_STRICT;
	policy.duties = BW_DUTY_ENCRYPT | BW_DUTY_SILENT;
	policy.not_after_us = 1700000000000000;
	for (uint8_t i = 0; i < 3; i++) {
		memset(node, 7 * i + 1, sizeof(node));
		assert_ok(bw_policy_add_recipient(&policy, node));
	}
	return policy;
}

static struct bw_slice pack(struct bw_buf *buf, const struct bw_policy *policy)
{
	bw_buf_clear(buf);
	assert_ok(bw_policy_pack(policy, buf));
	return bw_buf_slice(buf);
}

static void a_policy_comes_back_as_it_was(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf buf = BW_BUF_INIT(4096);
	struct bw_policy policies[3];

	(void)state;
	bw_policy_open(&policies[0]);
	bw_policy_closed(&policies[1]);
	policies[2] = some_policy();
	for (size_t i = 0; i < BW_COUNT(policies); i++) {
		struct bw_cursor c = bw_cursor_over(pack(&buf, &policies[i]));
		struct bw_policy back;

		assert_ok(bw_policy_unpack(&c, &back));
		assert_int_equal(bw_cursor_left(&c), 0);
		assert_true(bw_policy_equals(&back, &policies[i]));
	}
}

static void every_prefix_is_refused_and_leaves_the_cursor(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf buf = BW_BUF_INIT(4096);
	const struct bw_policy policy = some_policy();
	const struct bw_slice whole = pack(&buf, &policy);

	(void)state;
	for (size_t n = 0; n < whole.len; n++) {
		struct bw_cursor c = bw_cursor_over(bw_slice_sub(whole, 0, n));
		struct bw_policy back;

		assert_int_equal(bw_policy_unpack(&c, &back), BW_ERR_TRUNCATED);
		assert_int_equal(c.at, 0);
	}
}

/* Offsets as the header says. */
static void what_no_policy_says_is_refused(void **state)
{
	enum { PURPOSES = 16, COUNT = 20, TLP = 24, ACTIONS = 25, DUTIES = 26, CONFIDENCE = 27, SECOND = 28 + 32 };
	static const struct {
		size_t at;
		uint8_t value;
	} bad[] = { { PURPOSES, 0x80 },
		    { COUNT, 1 },
		    { TLP, BW_TLP_RED + 1 },
		    { ACTIONS, BW_ACTION_COUNT },
		    { DUTIES, 0x80 },
		    { CONFIDENCE, 101 },
		    { SECOND, 0 } };
	BW_CLEANUP(bw_buf_release) struct bw_buf buf = BW_BUF_INIT(4096);
	const struct bw_policy policy = some_policy();

	(void)state;
	for (size_t i = 0; i < BW_COUNT(bad); i++) {
		uint8_t bytes[BW_POLICY_PACK_MAX];
		const struct bw_slice whole = pack(&buf, &policy);
		struct bw_policy back;
		struct bw_cursor c;

		memcpy(bytes, whole.ptr, whole.len);
		bytes[bad[i].at] = bad[i].value;
		c = bw_cursor_over(bw_slice_of(bytes, whole.len));
		assert_int_equal(bw_policy_unpack(&c, &back), BW_ERR_PROTOCOL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_comes_back_as_it_was),
		cmocka_unit_test(every_prefix_is_refused_and_leaves_the_cursor),
		cmocka_unit_test(what_no_policy_says_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
