/* A backup's description is refused, or says the same when written and read again. */
#include <stdlib.h>
#include <string.h>

#include "store/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_KIB);
	struct bw_manifest first = { 0 };
	struct bw_manifest again = { 0 };

	if (bw_manifest_parse(bw_slice_of(data, size), &first) != BW_OK)
		return 0;
	if (bw_manifest_write(&first, &text) != BW_OK || bw_manifest_parse(bw_buf_slice(&text), &again) != BW_OK)
		abort();
	if (first.made_us != again.made_us || first.last_added_us != again.last_added_us ||
	    first.bytes != again.bytes || memcmp(first.digest, again.digest, sizeof(first.digest)) != 0)
		abort();
	return 0;
}
