#include "base/cursor.h"

#include "base/num.h"

enum bw_err bw_take(struct bw_cursor *c, size_t len, struct bw_slice *out)
{
	BW_NEED(bw_cursor_left(c) >= len, TRUNCATED);
	*out = bw_slice_of(c->over.ptr + c->at, len);
	c->at += len;
	return BW_OK;
}

static enum bw_err take_be(struct bw_cursor *c, size_t width, uint64_t *out)
{
	struct bw_slice bytes;
	uint64_t value = 0;

	BW_TRY(bw_take(c, width, &bytes));
	for (size_t i = 0; i < width; i++)
		value = value << 8 | bytes.ptr[i];
	*out = value;
	return BW_OK;
}

enum bw_err bw_take_u8(struct bw_cursor *c, uint8_t *out)
{
	uint64_t value;

	BW_TRY(take_be(c, 1, &value));
	*out = (uint8_t)value;
	return BW_OK;
}

enum bw_err bw_take_be16(struct bw_cursor *c, uint16_t *out)
{
	uint64_t value;

	BW_TRY(take_be(c, 2, &value));
	*out = (uint16_t)value;
	return BW_OK;
}

enum bw_err bw_take_be32(struct bw_cursor *c, uint32_t *out)
{
	uint64_t value;

	BW_TRY(take_be(c, 4, &value));
	*out = (uint32_t)value;
	return BW_OK;
}

enum bw_err bw_take_be64(struct bw_cursor *c, uint64_t *out)
{
	return take_be(c, 8, out);
}

enum bw_err bw_take_block(struct bw_cursor *c, size_t max, struct bw_slice *out)
{
	struct bw_cursor ahead = *c;
	uint32_t length;

	BW_TRY(bw_take_be32(&ahead, &length));
	BW_NEED(length <= max, TOO_BIG);
	BW_TRY(bw_take(&ahead, length, out));
	*c = ahead;
	return BW_OK;
}

enum bw_err bw_buf_add_block(struct bw_buf *buf, struct bw_slice bytes)
{
	uint32_t length;

	BW_TRY(bw_to_u32(bytes.len, &length));
	BW_TRY(bw_buf_reserve(buf, 4 + bytes.len));
	BW_TRY(bw_buf_add_be32(buf, length));
	return bw_buf_add(buf, bytes);
}
