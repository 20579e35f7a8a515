/*
 * A stream of JSON in pieces. The first byte says how large the pieces are. Properties: it
 * gives the same objects, frames and faults as the same stream in one piece; an object's
 * text is the stream's own bytes at its offset; it comes to an end.
 */
#include <stdlib.h>

#include "codec/split.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STREAM_MAX = 64 * 1024 };

static void check(bool claim)
{
	if (!claim)
		abort();
}

static enum bw_err write_item(struct bw_slice stream, const struct bw_split_item *item, struct bw_buf *out)
{
	if (item->kind == BW_SPLIT_OBJECT) {
		check(item->offset <= stream.len && item->text.len <= stream.len - item->offset);
		check(bw_slice_equals(item->text, bw_slice_sub(stream, (size_t)item->offset, item->text.len)));
	}
	if (item->kind == BW_SPLIT_FAULT)
		check(item->reason != NULL && item->err != BW_OK && item->offset <= stream.len);
	return bw_buf_addf(out, "%d %d %llu %llu %llu %llu %d %d %d\n", (int)item->kind, (int)item->in,
			   (unsigned long long)item->offset, (unsigned long long)item->value,
			   (unsigned long long)item->index, (unsigned long long)item->objects,
			   item->kind == BW_SPLIT_FAULT ? (int)item->err : 0, (int)item->fatal,
			   item->kind == BW_SPLIT_FAULT ? 0 : (int)item->text.len);
}

static void cut(struct bw_slice stream, size_t piece, struct bw_buf *out)
{
	struct bw_split *split;
	struct bw_split_item item;
	size_t at = 0;
	enum bw_err err;

	check(bw_split_new(&split) == BW_OK);
	do {
		const size_t n = stream.len - at < piece ? stream.len - at : piece;
		uint8_t *copy = malloc(n + 1); /* of its own, so that reading past it shows */

		check(copy != NULL);
		memcpy(copy, stream.ptr + at, n);
		at += n;
		bw_split_feed(split, bw_slice_of(copy, n), at == stream.len);
		while ((err = bw_split_next(split, &item)) == BW_OK) {
			check(write_item(stream, &item, out) == BW_OK);
			check(out->len < out->max);
		}
		free(copy);
		check(err == BW_ERR_NOT_FOUND || (err == BW_ERR_AGAIN && at < stream.len));
	} while (err == BW_ERR_AGAIN);
	bw_split_free(split);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bw_buf whole = BW_BUF_INIT(16 * BW_MIB);
	struct bw_buf pieces = BW_BUF_INIT(16 * BW_MIB);
	const struct bw_slice stream = bw_slice_from(bw_slice_of(data, size), 1);

	if (size == 0 || size > STREAM_MAX)
		return 0;
	cut(stream, STREAM_MAX, &whole);
	cut(stream, data[0] + 1u, &pieces);
	check(bw_slice_equals(bw_buf_slice(&whole), bw_buf_slice(&pieces)));
	bw_buf_release(&whole);
	bw_buf_release(&pieces);
	return 0;
}
