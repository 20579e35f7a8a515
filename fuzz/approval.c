/* An approval is refused, or says the same when written again, and its names end. */
#include <stdlib.h>

#include "guard/approval.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(2 * BW_APPROVAL_BYTES_MAX);
	struct bw_approval approval;

	if (bw_approval_parse(bw_slice_of(data, size), &approval) != BW_OK)
		return 0;
	if (strnlen(approval.user, sizeof(approval.user)) == sizeof(approval.user) ||
	    strnlen(approval.address, sizeof(approval.address)) == sizeof(approval.address))
		abort();
	/* bytes behind a program's NUL are as they were */
	if (bw_approval_write(&approval, &again) != BW_OK ||
	    !bw_slice_equals(bw_buf_slice(&again), bw_slice_of(data, size)))
		abort();
	return 0;
}
