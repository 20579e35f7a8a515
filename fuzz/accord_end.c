/* The end of an accord. Property: a text that is read is written as the same bytes. */
#include <stdlib.h>

#include "accord/accord_end.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(64 * 1024);
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_ACCORD_END_TEXT_MAX);
	const struct bw_slice text = bw_slice_of(data, size);
	struct bw_accord_end end;

	if (bw_accord_end_parse(text, &arena, &end, NULL) != BW_OK)
		return 0;
	if (end.reason.len == 0) /* nobody writes such a one, and it does no harm */
		return 0;
	if (bw_accord_end_add(&again, &end) != BW_OK || !bw_slice_equals(bw_buf_slice(&again), text))
		abort();
	return 0;
}
