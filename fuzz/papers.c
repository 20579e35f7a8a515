/* A node's papers. Property: a text that is read is written as the same bytes, and names keys. */
#include <stdlib.h>

#include "accord/papers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(256 * 1024);
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_PAPERS_TEXT_MAX);
	const struct bw_slice text = bw_slice_of(data, size);
	struct bw_vkey keys[BW_PAPERS_KEYS];
	struct bw_papers papers;

	if (bw_papers_parse(text, &arena, &papers, NULL) != BW_OK)
		return 0;
	if (bw_papers_add(&again, &papers) != BW_OK || !bw_slice_equals(bw_buf_slice(&again), text))
		abort();
	if (bw_papers_log(&papers, BW_LIT("a"), keys) != BW_OK || bw_papers_witness(&papers, keys) != BW_OK)
		abort();
	return 0;
}
