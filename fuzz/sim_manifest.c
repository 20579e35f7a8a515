/* A manifest is refused, or names nothing outside the sandbox and says the same when written again. */
#include <stdlib.h>

#include "guard/sim_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_MIB);
	struct sim_manifest manifest = { 0 };

	if (size > BW_MIB || sim_manifest_parse(bw_slice_of(data, size), &manifest) != BW_OK)
		return 0;
	for (size_t n = 0; n < manifest.count; n++) {
		if (!sim_name_is_safe(bw_slice_of(manifest.rows[n].name, manifest.rows[n].name_len)))
			abort();
	}
	if (sim_manifest_write(&manifest, &text) != BW_OK ||
	    !bw_slice_equals(bw_buf_slice(&text), bw_slice_of(data, size)))
		abort();
	sim_manifest_release(&manifest);
	return 0;
}
