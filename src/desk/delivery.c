#include "desk/delivery.h"

#include "intel/policy_pack.h"

#define MAGIC "BWD1"

enum { SKIP, TAKE };

/* ---- writing ----------------------------------------------------------------- */

enum bw_err bw_delivery_begin(struct bw_buf *out, const uint8_t accord[BW_SHA256_BYTES], size_t count)
{
	BW_NEED(count <= BW_DELIVERY_ROWS_MAX, TOO_MANY);
	BW_TRY(bw_buf_add_text(out, MAGIC));
	BW_TRY(bw_buf_add(out, bw_slice_of(accord, BW_SHA256_BYTES)));
	return bw_buf_add_be32(out, (uint32_t)count);
}

enum bw_err bw_delivery_take(struct bw_buf *out, const struct bw_provenance *from)
{
	BW_NEED(from->path_count <= BW_ROUTE_NODES_MAX, RANGE);
	BW_TRY(bw_buf_add_u8(out, TAKE));
	BW_TRY(bw_buf_add_be64(out, from->entry));
	BW_TRY(bw_buf_add_u8(out, (uint8_t)from->path_count));
	BW_TRY(bw_buf_add(out, bw_slice_of(from->path, from->path_count * BW_SHA256_BYTES)));
	return bw_policy_pack(&from->inherited, out);
}

enum bw_err bw_delivery_skip(struct bw_buf *out)
{
	return bw_buf_add_u8(out, SKIP);
}

enum bw_err bw_delivery_end(struct bw_buf *out, struct bw_slice batch)
{
	return bw_buf_add(out, batch);
}

/* ---- reading ----------------------------------------------------------------- */

static enum bw_err take_row(struct bw_cursor *c, bool *taken, struct bw_provenance *out)
{
	struct bw_slice path;
	uint8_t kind;
	uint8_t count;

	BW_TRY(bw_take_u8(c, &kind));
	*taken = kind == TAKE;
	if (kind == SKIP)
		return BW_OK;
	BW_NEED(kind == TAKE, PROTOCOL);
	BW_TRY(bw_take_be64(c, &out->entry));
	BW_TRY(bw_take_u8(c, &count));
	BW_NEED(count <= BW_ROUTE_NODES_MAX, PROTOCOL);
	BW_TRY(bw_take(c, (size_t)count * BW_SHA256_BYTES, &path));
	out->path_count = count;
	memcpy(out->path, path.ptr, path.len);
	return bw_policy_unpack(c, &out->inherited);
}

enum bw_err bw_delivery_open(struct bw_slice bytes, struct bw_delivery *out)
{
	struct bw_cursor c = bw_cursor_over(bytes);
	struct bw_delivery d = { .count = 0 };
	struct bw_provenance ignored;
	struct bw_slice magic;
	struct bw_slice accord;
	uint32_t count;
	bool taken;

	BW_TRY(bw_take(&c, sizeof(MAGIC) - 1, &magic));
	BW_NEED(bw_slice_is(magic, MAGIC), VERSION);
	BW_TRY(bw_take(&c, BW_SHA256_BYTES, &accord));
	memcpy(d.accord, accord.ptr, BW_SHA256_BYTES);
	BW_TRY(bw_take_be32(&c, &count));
	BW_NEED(count <= BW_DELIVERY_ROWS_MAX, TOO_MANY);
	d.count = count;
	d.rows = c;
	for (size_t i = 0; i < d.count; i++)
		BW_TRY(take_row(&c, &taken, &ignored));
	d.batch = bw_slice_from(bytes, c.at);
	d.rows.over = bw_slice_sub(bytes, 0, c.at); /* rows end where the batch begins */
	*out = d;
	return BW_OK;
}

enum bw_err bw_delivery_next(struct bw_delivery *delivery, bool *taken, struct bw_provenance *out)
{
	BW_NEED(bw_cursor_left(&delivery->rows) > 0, PROTOCOL);
	*out = (struct bw_provenance){ .entry = 0 };
	memcpy(out->accord, delivery->accord, BW_SHA256_BYTES);
	return take_row(&delivery->rows, taken, out);
}
