/*
 * A batch of records from a process that may have been taken over. Properties: the
 * decoder always moves on or stops, slices lie inside the bytes, and a batch that
 * decodes to its end encodes to the same bytes again.
 */
#include <stdlib.h>

#include "intel/batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void check_inside(struct bw_slice whole, struct bw_slice part)
{
	check(part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice bytes = bw_slice_of(data, size);
	struct bw_arena arena = BW_ARENA_INIT(16 * BW_MIB);
	struct bw_buf copy = BW_BUF_INIT(SIZE_MAX - 1);
	struct bw_batch batch;
	struct bw_record record;
	enum bw_err err = bw_batch_open(bytes, &batch);

	if (err == BW_OK)
		check(bw_batch_begin(&copy) == BW_OK);
	while (err == BW_OK) {
		const size_t at = batch.in.at;

		err = bw_batch_next(&batch, &arena, &record);
		if (err != BW_OK)
			break;
		check(batch.in.at > at);
		check_inside(bytes, record.id);
		check_inside(bytes, record.body);
		check_inside(bytes, record.version);
		for (size_t i = 0; i < record.value_count; i++)
			check_inside(bytes, record.values[i]);
		for (size_t i = 0; i < record.text_count; i++)
			check_inside(bytes, record.texts[i]);
		check(bw_batch_add(&copy, &record) == BW_OK);
	}
	if (err == BW_ERR_NOT_FOUND)
		check(bw_slice_equals(bytes, bw_buf_slice(&copy)));
	bw_arena_release(&arena);
	bw_buf_release(&copy);
	return 0;
}
