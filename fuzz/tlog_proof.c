/* Proof files. Property: what reads, written again, is the input byte for byte. */
#include <stdlib.h>

#include "tlog/proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_PROOF_FILE_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf extra = BW_BUF_INIT(BW_PROOF_EXTRA_MAX);
	static struct bw_proof_file file;

	if (bw_proof_file_parse(bw_slice_of(data, size), &file) != BW_OK)
		return 0;
	check(bw_proof_file_extra(&file, &extra) == BW_OK);
	if (file.index == BW_TREE_SIZE_MAX) /* reads, and is beyond every log */
		return 0;
	check(bw_proof_file_add(&again, bw_buf_slice(&extra), file.index, &file.proof, file.checkpoint_bytes) == BW_OK);
	check(bw_slice_equals(bw_buf_slice(&again), bw_slice_of(data, size)));
	return 0;
}
