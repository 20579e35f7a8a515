/*
 * What workers say to one another: frames on a byte stream.
 *
 *   version u8 (1) | kind u8 | length be32 | body[length]
 *
 * The top bit of kind says that one descriptor travels with the frame, so that
 * a stream can pair descriptors with frames without counting bytes. Kinds
 * 1..127 mean what the two ends agree on; 0 is refused. Pure.
 */
#ifndef BW_SYS_FRAME_H
#define BW_SYS_FRAME_H

#include "base/cursor.h"

enum {
	BW_FRAME_VERSION = 1,
	BW_FRAME_HEAD_BYTES = 6,
	BW_FRAME_BODY_MAX = 1024 * 1024, /* more goes into a memory file */
	BW_FRAME_KIND_MAX = 127,
	BW_FRAME_WITH_FD = 0x80,
};

struct bw_frame {
	uint8_t kind; /* 1..127 */
	bool has_fd;  /* a descriptor travels with it */
	struct bw_slice body;
};

/*
 * On success `in` stands just past the frame, and `out->body` borrows from the
 * input. On failure neither has changed. TRUNCATED asks for more bytes; VERSION,
 * RANGE (kind 0) and TOO_BIG are final, and are told as soon as the head shows them.
 */
BW_MUST_USE enum bw_err bw_frame_parse(struct bw_cursor *in, struct bw_frame *out);

/* The writing half. RANGE (kind), TOO_BIG (body, or the buf's own max), MEMORY; the buf unchanged then. */
BW_MUST_USE enum bw_err bw_frame_add(struct bw_buf *out, const struct bw_frame *frame);

#endif
