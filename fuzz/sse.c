/*
 * Server-sent events from a hostile server. Properties: the same events come out whatever pieces the bytes came in;
 * none is empty, and every one is text.
 */
#include <stdlib.h>

#include "base/text.h"
#include "codec/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX = 64 * 1024, KEPT = 1024 * 1024 };

static void check(bool claim)
{
	if (!claim)
		abort();
}

static enum bw_err keep(void *ctx, const struct bw_sse_event *event)
{
	struct bw_buf *kept = ctx;

	check(event->data.len > 0 && bw_utf8_is_valid(event->data, NULL));
	check(event->id.len <= BW_SSE_ID_BYTES && event->name.len > 0 && event->name.len <= BW_SSE_NAME_BYTES);
	BW_TRY(bw_buf_add(kept, event->id));
	BW_TRY(bw_buf_add_u8(kept, 0));
	BW_TRY(bw_buf_add(kept, event->name));
	BW_TRY(bw_buf_add_u8(kept, 0));
	BW_TRY(bw_buf_add(kept, event->data));
	return bw_buf_add_u8(kept, 0);
}

static enum bw_err read_in_pieces(struct bw_slice bytes, size_t piece, struct bw_buf *kept)
{
	enum bw_err err = BW_OK;
	struct bw_sse sse;

	bw_sse_init(&sse, MAX);
	for (size_t at = 0; at < bytes.len && err == BW_OK; at += piece)
		err = bw_sse_take(&sse, bw_slice_sub(bytes, at, piece), keep, kept);
	bw_sse_release(&sse);
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf whole = BW_BUF_INIT(KEPT);
	BW_CLEANUP(bw_buf_release) struct bw_buf parts = BW_BUF_INIT(KEPT);
	const struct bw_slice bytes = bw_slice_of(data, size);

	if (size > KEPT / 4)
		return 0;
	check(read_in_pieces(bytes, size + 1, &whole) == read_in_pieces(bytes, 1 + size % 7, &parts));
	check(bw_slice_equals(bw_buf_slice(&whole), bw_buf_slice(&parts)));
	return 0;
}
