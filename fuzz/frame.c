/*
 * Frames between workers, cut at every place. Properties: what parses is
 * written back byte for byte; the cursor goes forward by the frame's size and
 * never past the end; no prefix of a frame is a frame.
 */
#include <stdlib.h>

#include "sys/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void write_back(const struct bw_frame *frame, struct bw_slice bytes)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_FRAME_HEAD_BYTES + BW_FRAME_BODY_MAX);

	check(bw_frame_add(&again, frame) == BW_OK);
	check(bw_slice_equals(bw_buf_slice(&again), bytes));
}

static void no_prefix_parses(struct bw_slice bytes)
{
	/* every place in a small frame, some in a large one */
	const size_t step = bytes.len < 64 ? 1 : bytes.len / 16;

	for (size_t n = 0; n < bytes.len; n += step) {
		struct bw_cursor c = bw_cursor_over(bw_slice_sub(bytes, 0, n));
		struct bw_frame frame;

		check(bw_frame_parse(&c, &frame) == BW_ERR_TRUNCATED);
		check(c.at == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bw_cursor c = bw_cursor_over(bw_slice_of(data, size));

	for (;;) {
		const size_t before = c.at;
		struct bw_frame frame;

		if (bw_frame_parse(&c, &frame) != BW_OK) {
			check(c.at == before);
			return 0;
		}
		check(c.at == before + BW_FRAME_HEAD_BYTES + frame.body.len && c.at <= size);
		check(frame.kind >= 1 && frame.kind <= BW_FRAME_KIND_MAX);
		write_back(&frame, bw_slice_sub(c.over, before, c.at - before));
		no_prefix_parses(bw_slice_sub(c.over, before, c.at - before));
	}
}
