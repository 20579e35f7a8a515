/*
 * Policies. Properties: a refusal has a reason and a place inside the text; one witness more never takes a quorum
 * away; all witnesses together are always enough.
 */
#include <stdlib.h>

#include "tlog/trust.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool is[BW_TRUST_WITNESSES_MAX] = { false };
	struct bw_fault fault = { SIZE_MAX, NULL };
	struct bw_trust *policy;
	bool before;

	if (bw_trust_parse(bw_slice_of(data, size), &fault, &policy) != BW_OK) {
		check(fault.reason != NULL && fault.offset <= size);
		return 0;
	}
	before = bw_trust_quorum(policy, is);
	for (size_t i = 0; i < bw_trust_witness_count(policy); i++) {
		is[i] = true;
		check(!before || bw_trust_quorum(policy, is));
		before = bw_trust_quorum(policy, is);
	}
	check(before); /* a group never asks for more members than it has */
	bw_trust_free(policy);
	return 0;
}
