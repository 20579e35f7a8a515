/* A crossing, as a partner sends it. Property: a text that is read is written as the same bytes. */
#include <stdlib.h>

#include "accord/crossing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(64 * 1024);
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_CROSSING_MAX);
	const struct bw_slice text = bw_slice_of(data, size);
	struct bw_crossing crossing;

	if (bw_crossing_parse(text, &arena, &crossing, NULL) != BW_OK)
		return 0;
	if (bw_crossing_add(&again, &crossing) != BW_OK || !bw_slice_equals(bw_buf_slice(&again), text))
		abort();
	return 0;
}
