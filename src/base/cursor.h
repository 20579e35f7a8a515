/*
 * The one way to read bytes from outside. Work on a copy of the cursor and
 * commit at the end: on failure the caller's cursor has not moved.
 */
#ifndef BW_BASE_CURSOR_H
#define BW_BASE_CURSOR_H

#include "base/bytes.h"

struct bw_cursor {
	struct bw_slice over;
	size_t at;
};

static inline struct bw_cursor bw_cursor_over(struct bw_slice bytes)
{
	return (struct bw_cursor){ bytes, 0 };
}

static inline size_t bw_cursor_left(const struct bw_cursor *c)
{
	return c->over.len - c->at;
}

/* Each fails with TRUNCATED when too few bytes are left, cursor unmoved. */
BW_MUST_USE enum bw_err bw_take(struct bw_cursor *c, size_t len, struct bw_slice *out);
BW_MUST_USE enum bw_err bw_take_u8(struct bw_cursor *c, uint8_t *out);
BW_MUST_USE enum bw_err bw_take_be16(struct bw_cursor *c, uint16_t *out);
BW_MUST_USE enum bw_err bw_take_be32(struct bw_cursor *c, uint32_t *out);
BW_MUST_USE enum bw_err bw_take_be64(struct bw_cursor *c, uint64_t *out);

/* length be32, then that many bytes; TOO_BIG when length > max. */
BW_MUST_USE enum bw_err bw_take_block(struct bw_cursor *c, size_t max, struct bw_slice *out);

/* The writing half of bw_take_block. */
BW_MUST_USE enum bw_err bw_buf_add_block(struct bw_buf *buf, struct bw_slice bytes);

#endif
