/*
 * Notes of a restore and traces of an actor: each is refused, or says the same when written again; reading always
 * moves forward.
 */
#include <stdlib.h>

#include "guard/restore_note.h"
#include "guard/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum bw_err collect(void *context, const struct bw_traced *traced)
{
	struct bw_buf *list = context;

	return bw_buf_add(list, bw_slice_of(traced, sizeof(*traced)));
}

static void check_trace(struct bw_slice bytes)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf list = BW_BUF_INIT(BW_TRACED_MAX * sizeof(struct bw_traced));
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_MIB);
	struct bw_traced *rows;
	size_t count;

	if (bw_traced_parse(bytes, collect, &list) != BW_OK)
		return;
	count = list.len / sizeof(*rows);
	rows = calloc(count + 1, sizeof(*rows));
	if (rows == NULL)
		return;
	if (count > 0)
		memcpy(rows, list.ptr, list.len);
	if (bw_traced_write(rows, count, &again) != BW_OK || !bw_slice_equals(bw_buf_slice(&again), bytes))
		abort();
	free(rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice bytes = bw_slice_of(data, size);
	struct bw_cursor c = bw_cursor_over(bytes);
	struct bw_note note;

	for (;;) {
		BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(2 * BW_NOTE_BYTES_MAX);
		const size_t before = c.at;

		if (bw_note_next(&c, &note) != BW_OK)
			break;
		if (c.at <= before || bw_note_write(&note, &again) != BW_OK ||
		    !bw_slice_equals(bw_buf_slice(&again), bw_slice_sub(bytes, before, c.at - before)))
			abort();
	}
	if (c.at == 0)
		check_trace(bytes);
	return 0;
}
