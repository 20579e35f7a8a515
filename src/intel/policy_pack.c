#include "intel/policy_pack.h"

enum bw_err bw_policy_pack(const struct bw_policy *policy, struct bw_buf *out)
{
	const uint32_t named = policy->recipient_count == BW_POLICY_EVERYONE ? 0 : policy->recipient_count;

	BW_TRY(bw_buf_reserve(out, BW_POLICY_PACK_MAX));
	BW_TRY(bw_buf_add_be64(out, (uint64_t)policy->not_before_us));
	BW_TRY(bw_buf_add_be64(out, (uint64_t)policy->not_after_us));
	BW_TRY(bw_buf_add_be32(out, policy->purposes));
	BW_TRY(bw_buf_add_be32(out, policy->recipient_count));
	BW_TRY(bw_buf_add_u8(out, policy->tlp));
	BW_TRY(bw_buf_add_u8(out, policy->actions));
	BW_TRY(bw_buf_add_u8(out, policy->duties));
	BW_TRY(bw_buf_add_u8(out, policy->confidence));
	return bw_buf_add(out, bw_slice_of(policy->recipients, (size_t)named * BW_SHA256_BYTES));
}

/* Ascending, none twice: one policy has one text. */
static enum bw_err take_recipients(struct bw_cursor *c, struct bw_policy *out)
{
	struct bw_slice names;

	if (out->recipient_count == BW_POLICY_EVERYONE)
		return BW_OK;
	BW_NEED(out->recipient_count <= BW_POLICY_RECIPIENTS_MAX, PROTOCOL);
	BW_TRY(bw_take(c, (size_t)out->recipient_count * BW_SHA256_BYTES, &names));
	memcpy(out->recipients, names.ptr, names.len);
	for (uint32_t i = 1; i < out->recipient_count; i++)
		BW_NEED(memcmp(out->recipients[i - 1], out->recipients[i], BW_SHA256_BYTES) < 0, PROTOCOL);
	return BW_OK;
}

enum bw_err bw_policy_unpack(struct bw_cursor *in, struct bw_policy *out)
{
	struct bw_cursor c = *in;
	struct bw_policy policy;
	uint64_t not_before;
	uint64_t not_after;

	memset(&policy, 0, sizeof(policy)); /* padding too: equal policies are equal bytes */
	BW_TRY(bw_take_be64(&c, &not_before));
	BW_TRY(bw_take_be64(&c, &not_after));
	BW_TRY(bw_take_be32(&c, &policy.purposes));
	BW_TRY(bw_take_be32(&c, &policy.recipient_count));
	BW_TRY(bw_take_u8(&c, &policy.tlp));
	BW_TRY(bw_take_u8(&c, &policy.actions));
	BW_TRY(bw_take_u8(&c, &policy.duties));
	BW_TRY(bw_take_u8(&c, &policy.confidence));
	policy.not_before_us = (int64_t)not_before;
	policy.not_after_us = (int64_t)not_after;
	BW_NEED((policy.purposes & ~BW_PURPOSES_ALL) == 0 && policy.tlp <= BW_TLP_RED &&
			policy.actions < BW_ACTION_COUNT && (policy.duties & ~BW_DUTY_ALL) == 0 &&
			policy.confidence <= BW_CONFIDENCE_MAX,
		PROTOCOL);
	BW_TRY(take_recipients(&c, &policy));
	*in = c;
	*out = policy;
	return BW_OK;
}
