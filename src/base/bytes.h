/*
 * Bytes: a slice borrows, a buf owns up to a stated maximum.
 *
 * An empty slice still points at a byte, so that `ptr + 0` is defined.
 */
#ifndef BW_BASE_BYTES_H
#define BW_BASE_BYTES_H

#include <string.h>

#include "base/err.h"

struct bw_slice {
	const uint8_t *ptr;
	size_t len;
};

/* A slice over a string literal or char array, without its final NUL. */
#define BW_LIT(text) ((struct bw_slice){ (const uint8_t *)("" text), sizeof(text) - 1 })

/* printf("%.*s", BW_ARG(slice)); at most INT_MAX bytes are shown. */
#define BW_ARG(slice) (int)((slice).len > INT32_MAX ? INT32_MAX : (slice).len), (const char *)(slice).ptr

extern const struct bw_slice bw_slice_empty;

static inline struct bw_slice bw_slice_of(const void *ptr, size_t len)
{
	return len == 0 ? bw_slice_empty : (struct bw_slice){ (const uint8_t *)ptr, len };
}

static inline struct bw_slice bw_slice_text(const char *text)
{
	return bw_slice_of(text, strlen(text));
}

static inline bool bw_slice_equals(struct bw_slice a, struct bw_slice b)
{
	return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

static inline bool bw_slice_is(struct bw_slice a, const char *text)
{
	const size_t len = strlen(text);

	return a.len == len && memcmp(a.ptr, text, len) == 0;
}

/* ASCII letters compare without case; the same in every locale. */
bool bw_slice_is_nocase(struct bw_slice a, const char *text);

bool bw_slice_starts(struct bw_slice a, struct bw_slice prefix);

/* Byte order, shorter first when one is a prefix of the other: <0, 0, >0. */
int bw_slice_compare(struct bw_slice a, struct bw_slice b);

/* The part from `from` (clamped) to the end, or `len` bytes of it (clamped). */
struct bw_slice bw_slice_from(struct bw_slice whole, size_t from);
struct bw_slice bw_slice_sub(struct bw_slice whole, size_t from, size_t len);

/* Cuts at the first `mark`: `head` before, `tail` after. False when absent. */
bool bw_slice_cut(struct bw_slice whole, char mark, struct bw_slice *head, struct bw_slice *tail);

/* Without ASCII blanks (space, tab) at either end. */
struct bw_slice bw_slice_trim(struct bw_slice whole);

/*
 * Owns bytes, grows up to `max`. The bytes are always followed by a NUL that
 * does not count, so `(const char *)buf.ptr` is a C string when the content is
 * text; an untouched buf has ptr NULL (use bw_buf_text).
 */
struct bw_buf {
	uint8_t *ptr;
	size_t len;
	size_t cap;
	size_t max;
};

#define BW_BUF_INIT(maximum) ((struct bw_buf){ NULL, 0, 0, (maximum) })

void bw_buf_release(struct bw_buf *buf);            /* frees; keeps max */
void bw_buf_wipe(struct bw_buf *buf);               /* explicit_bzero, then release */
struct bw_buf bw_buf_move(struct bw_buf *buf);      /* the caller owns; ours is empty */
static inline void bw_buf_clear(struct bw_buf *buf) /* keeps the memory */
{
	buf->len = 0;
}

static inline struct bw_slice bw_buf_slice(const struct bw_buf *buf)
{
	return bw_slice_of(buf->ptr, buf->len);
}

/* The content as a C string; "" when empty. */
const char *bw_buf_text(const struct bw_buf *buf);

/* TOO_BIG past max, MEMORY when the allocator refuses; unchanged on failure. */
BW_MUST_USE enum bw_err bw_buf_reserve(struct bw_buf *buf, size_t more);
BW_MUST_USE enum bw_err bw_buf_add(struct bw_buf *buf, struct bw_slice bytes);
BW_MUST_USE enum bw_err bw_buf_add_text(struct bw_buf *buf, const char *text);
BW_MUST_USE enum bw_err bw_buf_add_u8(struct bw_buf *buf, uint8_t value);
BW_MUST_USE enum bw_err bw_buf_add_be16(struct bw_buf *buf, uint16_t value);
BW_MUST_USE enum bw_err bw_buf_add_be32(struct bw_buf *buf, uint32_t value);
BW_MUST_USE enum bw_err bw_buf_add_be64(struct bw_buf *buf, uint64_t value);
BW_MUST_USE enum bw_err bw_buf_addf(struct bw_buf *buf, const char *fmt, ...) BW_PRINTF(2, 3);

/* Drops `count` bytes from the front (count <= len). */
void bw_buf_eat(struct bw_buf *buf, size_t count);

#endif
