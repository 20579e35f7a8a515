#include "intel/policy.h"

void bw_policy_open(struct bw_policy *out)
{
	memset(out, 0, sizeof(*out));
	out->not_before_us = INT64_MIN;
	out->not_after_us = INT64_MAX;
	out->purposes = BW_PURPOSES_ALL;
	out->recipient_count = BW_POLICY_EVERYONE;
	out->tlp = BW_TLP_NONE;
	out->actions = BW_ACTION_DIRECT;
	out->confidence = BW_CONFIDENCE_MAX;
}

void bw_policy_closed(struct bw_policy *out)
{
	memset(out, 0, sizeof(*out));
	out->not_before_us = INT64_MAX;
	out->not_after_us = INT64_MIN;
	out->tlp = BW_TLP_RED;
	out->actions = BW_ACTION_NONE;
	out->duties = BW_DUTY_ALL;
}

static void copy_recipients(const struct bw_policy *from, struct bw_policy *to)
{
	to->recipient_count = from->recipient_count;
	memcpy(to->recipients, from->recipients, sizeof(to->recipients));
}

/* What both lists name; each is in ascending order. */
static void cross_recipients(const struct bw_policy *a, const struct bw_policy *b, struct bw_policy *out)
{
	uint32_t i = 0;
	uint32_t j = 0;

	out->recipient_count = 0;
	while (i < a->recipient_count && j < b->recipient_count) {
		const int order = memcmp(a->recipients[i], b->recipients[j], BW_SHA256_BYTES);

		if (order == 0)
			memcpy(out->recipients[out->recipient_count++], a->recipients[i], BW_SHA256_BYTES);
		i += order <= 0;
		j += order >= 0;
	}
}

#define LOWER(a, b) ((a) < (b) ? (a) : (b))
#define UPPER(a, b) ((a) > (b) ? (a) : (b))

void bw_policy_meet(const struct bw_policy *a, const struct bw_policy *b, struct bw_policy *out)
{
	struct bw_policy met;

	memset(&met, 0, sizeof(met));
	met.not_before_us = UPPER(a->not_before_us, b->not_before_us);
	met.not_after_us = LOWER(a->not_after_us, b->not_after_us);
	met.purposes = a->purposes & b->purposes;
	met.tlp = UPPER(a->tlp, b->tlp);
	met.actions = LOWER(a->actions, b->actions);
	met.duties = a->duties | b->duties;
	met.confidence = LOWER(a->confidence, b->confidence);
	if (a->recipient_count == BW_POLICY_EVERYONE)
		copy_recipients(b, &met);
	else if (b->recipient_count == BW_POLICY_EVERYONE)
		copy_recipients(a, &met);
	else
		cross_recipients(a, b, &met);
	*out = met;
}

bool bw_policy_equals(const struct bw_policy *a, const struct bw_policy *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool bw_policy_within(const struct bw_policy *a, const struct bw_policy *b)
{
	struct bw_policy met;

	bw_policy_meet(a, b, &met);
	return bw_policy_equals(&met, a);
}

/* The place of `node` in the list, or where it would stand. */
static uint32_t place_of(const struct bw_policy *policy, const uint8_t *node)
{
	uint32_t i = 0;

	while (i < policy->recipient_count && memcmp(policy->recipients[i], node, BW_SHA256_BYTES) < 0)
		i++;
	return i;
}

bool bw_policy_names(const struct bw_policy *policy, const uint8_t node[BW_SHA256_BYTES])
{
	uint32_t at;

	if (policy->recipient_count == BW_POLICY_EVERYONE)
		return true;
	at = place_of(policy, node);
	return at < policy->recipient_count && memcmp(policy->recipients[at], node, BW_SHA256_BYTES) == 0;
}

enum bw_err bw_policy_add_recipient(struct bw_policy *policy, const uint8_t node[BW_SHA256_BYTES])
{
	uint32_t at;

	BW_NEED(policy->recipient_count != BW_POLICY_EVERYONE, USAGE);
	if (bw_policy_names(policy, node))
		return BW_OK;
	BW_NEED(policy->recipient_count < BW_POLICY_RECIPIENTS_MAX, TOO_MANY);
	at = place_of(policy, node);
	memmove(policy->recipients[at + 1], policy->recipients[at],
		(policy->recipient_count - at) * (size_t)BW_SHA256_BYTES);
	memcpy(policy->recipients[at], node, BW_SHA256_BYTES);
	policy->recipient_count++;
	return BW_OK;
}

void bw_policy_supersede(const struct bw_policy *old, const struct bw_policy *now, bool by_creator,
			 struct bw_policy *out)
{
	if (by_creator)
		*out = *now;
	else
		bw_policy_meet(old, now, out);
}

/* ---- words ------------------------------------------------------------------------------ */

static const char *const action_rows[BW_ACTION_COUNT][2] = {
#define X(name, text, words) { text, words },
	BW_ACTION_ROWS(X)
#undef X
};

static const char *const purpose_rows[BW_PURPOSE_COUNT][2] = {
#define X(name, text, words) { text, words },
	BW_PURPOSE_ROWS(X)
#undef X
};

const char *bw_action_name(enum bw_action action)
{
	return action < BW_ACTION_COUNT ? action_rows[action][0] : "";
}

const char *bw_action_words(enum bw_action action)
{
	return action < BW_ACTION_COUNT ? action_rows[action][1] : "";
}

const char *bw_purpose_name(enum bw_purpose purpose)
{
	return purpose < BW_PURPOSE_COUNT ? purpose_rows[purpose][0] : "";
}

const char *bw_purpose_words(enum bw_purpose purpose)
{
	return purpose < BW_PURPOSE_COUNT ? purpose_rows[purpose][1] : "";
}

uint32_t bw_purpose_bit(struct bw_slice name)
{
	for (uint32_t i = 0; i < BW_PURPOSE_COUNT; i++)
		if (bw_slice_is(name, purpose_rows[i][0]))
			return UINT32_C(1) << i;
	return 0;
}

const char *bw_tlp_name(enum bw_tlp tlp)
{
	switch (tlp) {
	case BW_TLP_CLEAR:
		return "TLP:CLEAR";
	case BW_TLP_GREEN:
		return "TLP:GREEN";
	case BW_TLP_AMBER:
		return "TLP:AMBER";
	case BW_TLP_AMBER_STRICT:
		return "TLP:AMBER+STRICT";
	case BW_TLP_RED:
		return "TLP:RED";
	case BW_TLP_NONE:
		break;
	}
	return "no TLP marking";
}
