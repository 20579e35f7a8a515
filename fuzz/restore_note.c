/*
 * Notes of a restore and traces of an actor: each is refused, or says the same when written again; reading always
 * moves forward.
 */
#include <stdlib.h>

#include "guard/restore_note.h"
#include "guard/trace.h"

enum { VERSION_AT = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum bw_err collect(void *context, const struct bw_traced *traced)
{
	struct bw_buf *list = context;

	return bw_buf_add(list, bw_slice_of(traced, sizeof(*traced)));
}

/* What bytes say, written anew; false: they say nothing. */
static bool rewrite(struct bw_slice bytes, struct bw_buf *again)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf list = BW_BUF_INIT(BW_TRACED_MAX * sizeof(struct bw_traced));
	struct bw_traced *rows;
	size_t count;
	enum bw_err err;

	if (bw_traced_parse(bytes, collect, &list) != BW_OK)
		return false;
	count = list.len / sizeof(*rows);
	rows = calloc(count + 1, sizeof(*rows));
	if (rows == NULL)
		return false;
	if (count > 0)
		memcpy(rows, list.ptr, list.len);
	err = bw_traced_write(rows, count, again);
	free(rows);
	if (err != BW_OK)
		abort();
	return true;
}

/* Of an older version the form changes once: what is written then says the same for ever. */
static void check_trace(struct bw_slice bytes)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf once = BW_BUF_INIT(4 * BW_MIB);
	BW_CLEANUP(bw_buf_release) struct bw_buf twice = BW_BUF_INIT(4 * BW_MIB);

	if (!rewrite(bytes, &once))
		return;
	if (!rewrite(bw_buf_slice(&once), &twice) || !bw_slice_equals(bw_buf_slice(&once), bw_buf_slice(&twice)))
		abort();
	if (bytes.ptr[VERSION_AT] == once.ptr[VERSION_AT] && !bw_slice_equals(bw_buf_slice(&once), bytes))
		abort();
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
