#include "guard/harm.h"

#include <stdio.h>

static const char *const ways[] = {
	[BW_PROOF_CHANGED] = "changed",
	[BW_PROOF_REPLACED] = "replaced",
	[BW_PROOF_JOINED] = "joined",
	[BW_PROOF_BESIDE] = "beside",
};

static const char *const states[] = { "random", "encoded", "broken" };

/* By the strong tests; noise first, which the others may go with. NULL: none of them. */
static const char *state_of(const struct bw_finding *finding)
{
	bool is_encoded = false;
	bool is_broken = false;

	for (size_t i = 0; i < finding->count; i++) {
		if (finding->tests[i].strength != BW_STRENGTH_STRONG)
			continue;
		switch (finding->tests[i].test) {
		case BW_TEST_TEXT_ENCODED:
			is_encoded = true;
			break;
		case BW_TEST_FORMAT_BROKEN:
		case BW_TEST_CONTENT_BROKEN:
		case BW_TEST_TRANSPOSED:
			is_broken = true;
			break;
		case BW_TEST_WIPED:
		case BW_TEST_EMPTIED:
		case BW_TEST_CHANGED_WIPED:
			return NULL; /* people do that on purpose */
		case BW_TEST_FORMAT_LOST:
			break; /* it goes with all of them */
		default:
			return states[0];
		}
	}
	return is_encoded ? states[1] : is_broken ? states[2] : NULL;
}

bool bw_harm_of(const struct bw_proof *proof, bool is_client, char out[BW_HARM_BYTES])
{
	struct bw_finding finding;
	struct bw_weight weight;
	const char *state;

	if (proof->kind >= BW_COUNT(ways) || ways[proof->kind] == NULL)
		return false;
	bw_proof_weigh(&bw_rules_default, proof, &weight, &finding);
	if (weight.gravity != BW_GRAVITY_DESTROYED || weight.is_gentle || weight.is_pending ||
	    weight.points < bw_rules_default.sure)
		return false;
	state = state_of(&finding);
	if (state == NULL)
		return false;
	(void)snprintf(out, BW_HARM_BYTES, "%s %s %s", is_client ? "client" : "local", ways[proof->kind], state);
	return true;
}

static bool is_way(struct bw_slice word)
{
	for (size_t i = 0; i < BW_COUNT(ways); i++) {
		if (ways[i] != NULL && bw_slice_is(word, ways[i]))
			return true;
	}
	return false;
}

static bool is_state(struct bw_slice word)
{
	for (size_t i = 0; i < BW_COUNT(states); i++) {
		if (bw_slice_is(word, states[i]))
			return true;
	}
	return false;
}

bool bw_harm_is_known(struct bw_slice text)
{
	struct bw_slice who;
	struct bw_slice rest;
	struct bw_slice way;
	struct bw_slice state;

	return bw_slice_cut(text, ' ', &who, &rest) && bw_slice_cut(rest, ' ', &way, &state) &&
	       (bw_slice_is(who, "client") || bw_slice_is(who, "local")) && is_way(way) && is_state(state);
}
