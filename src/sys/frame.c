#include "sys/frame.h"

enum bw_err bw_frame_parse(struct bw_cursor *in, struct bw_frame *out)
{
	struct bw_cursor c = *in;
	struct bw_frame frame = { 0 };
	uint8_t version;
	uint8_t kind;
	uint32_t length;

	BW_TRY(bw_take_u8(&c, &version));
	BW_NEED(version == BW_FRAME_VERSION, VERSION);
	BW_TRY(bw_take_u8(&c, &kind));
	frame.kind = kind & BW_FRAME_KIND_MAX;
	frame.has_fd = (kind & BW_FRAME_WITH_FD) != 0;
	BW_NEED(frame.kind != 0, RANGE);
	BW_TRY(bw_take_be32(&c, &length));
	BW_NEED(length <= BW_FRAME_BODY_MAX, TOO_BIG);
	BW_TRY(bw_take(&c, length, &frame.body));

	*in = c;
	*out = frame;
	return BW_OK;
}

enum bw_err bw_frame_add(struct bw_buf *out, const struct bw_frame *frame)
{
	const uint8_t kind = (uint8_t)(frame->kind | (frame->has_fd ? BW_FRAME_WITH_FD : 0));

	BW_NEED(frame->kind >= 1 && frame->kind <= BW_FRAME_KIND_MAX, RANGE);
	BW_NEED(frame->body.len <= BW_FRAME_BODY_MAX, TOO_BIG);
	BW_TRY(bw_buf_reserve(out, BW_FRAME_HEAD_BYTES + frame->body.len));
	/* room is reserved: none of these can fail */
	BW_TRY(bw_buf_add_u8(out, BW_FRAME_VERSION));
	BW_TRY(bw_buf_add_u8(out, kind));
	BW_TRY(bw_buf_add_be32(out, (uint32_t)frame->body.len));
	return bw_buf_add(out, frame->body);
}
