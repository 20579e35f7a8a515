/* Packed terms are refused, or every value and text lies inside them and the walk ends. */
#include <stdlib.h>

#include "store/terms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(2 * size + 16);
	const struct bw_slice packed = bw_slice_of(data, size);
	struct bw_terms terms;
	struct bw_slice value;
	size_t count = 0;
	uint16_t said;

	if (bw_terms_open(packed, &terms) != BW_OK)
		return 0;
	said = terms.value_count;
	while (bw_terms_value(&terms, &value)) {
		if (value.len > 0 && (value.ptr < packed.ptr || value.ptr + value.len > packed.ptr + packed.len))
			abort();
		count++;
	}
	if (count != said || bw_terms_text(packed, &text) != BW_OK || text.len > 2 * size)
		abort();
	return 0;
}
