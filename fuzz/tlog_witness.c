/*
 * What a witness is asked, and the size it answers. Properties: what reads, written again, is the input byte for byte;
 * without a key that is trusted nothing is ever cosigned.
 */
#include <stdlib.h>

#include "tlog/witness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void check_request(struct bw_slice body)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_WITNESS_BODY_MAX);
	static struct bw_witness_request request;
	const struct bw_witness_log log = { NULL, 0, 0, bw_hash_empty() };
	struct bw_witness_verdict verdict;

	if (bw_witness_request_parse(body, &request) != BW_OK)
		return;
	check(request.proof.count <= BW_WITNESS_PROOF_MAX);
	check(bw_witness_request_add(&again, request.old_size, &request.proof, request.checkpoint_bytes) == BW_OK);
	check(bw_slice_equals(bw_buf_slice(&again), body));
	bw_witness_judge(&log, &request, &verdict);
	check(verdict.status == 403);
	bw_witness_judge(NULL, &request, &verdict);
	check(verdict.status == 404);
}

static void check_size(struct bw_slice body)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(64);
	uint64_t size;

	if (bw_witness_size_parse(body, &size) != BW_OK)
		return;
	check(bw_witness_size_add(&again, size) == BW_OK);
	check(bw_slice_equals(bw_buf_slice(&again), body));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_request(bw_slice_of(data, size));
	check_size(bw_slice_of(data, size));
	return 0;
}
