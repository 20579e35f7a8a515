/* What a clerk hands the ledger. Property: what was opened has the rows it says, and written again is the same. */
#include <stdlib.h>

#include "accord/chunk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_CHUNK_MAX);
	const struct bw_slice bytes = bw_slice_of(data, size);
	struct bw_chunk_row row;
	struct bw_chunk chunk;
	size_t count;
	size_t fine = 0;

	if (bw_chunk_open(bytes, &chunk) != BW_OK)
		return 0;
	count = chunk.count;
	if (bw_chunk_begin(&again, chunk.from, count, chunk.bytes) != BW_OK)
		abort();
	for (size_t i = 0; i < count; i++) {
		if (bw_chunk_next(&chunk, &row) != BW_OK || bw_chunk_row(&again, &row) != BW_OK)
			abort();
		fine += row.kind == BW_CHUNK_FINE;
	}
	if (fine != chunk.fine || bw_chunk_next(&chunk, &row) != BW_ERR_PROTOCOL)
		abort();
	if (bw_chunk_end(&again, chunk.state, chunk.batch, chunk.answer) != BW_OK ||
	    !bw_slice_equals(bw_buf_slice(&again), bytes))
		abort();
	return 0;
}
