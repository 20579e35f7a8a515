/*
 * Policies. Properties: a refusal has a reason and a place inside the text; one witness more never takes a quorum
 * away; all witnesses together are always enough.
 */
#include <stdlib.h>

#include "tlog/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool is[BW_POLICY_WITNESSES_MAX] = { false };
	struct bw_fault fault = { SIZE_MAX, NULL };
	struct bw_policy *policy;
	bool before;

	if (bw_policy_parse(bw_slice_of(data, size), &fault, &policy) != BW_OK) {
		check(fault.reason != NULL && fault.offset <= size);
		return 0;
	}
	before = bw_policy_quorum(policy, is);
	for (size_t i = 0; i < bw_policy_witness_count(policy); i++) {
		is[i] = true;
		check(!before || bw_policy_quorum(policy, is));
		before = bw_policy_quorum(policy, is);
	}
	check(before); /* a group never asks for more members than it has */
	bw_policy_free(policy);
	return 0;
}
