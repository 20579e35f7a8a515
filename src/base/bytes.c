#include "base/bytes.h"

#include <assert.h>
#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/text.h"

static const uint8_t one_byte[1] = { 0 };

const struct bw_slice bw_slice_empty = { one_byte, 0 };

bool bw_slice_is_nocase(struct bw_slice a, const char *text)
{
	if (a.len != strlen(text))
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (bw_to_lower(a.ptr[i]) != bw_to_lower((uint8_t)text[i]))
			return false;
	}
	return true;
}

bool bw_slice_starts(struct bw_slice a, struct bw_slice prefix)
{
	return a.len >= prefix.len && memcmp(a.ptr, prefix.ptr, prefix.len) == 0;
}

int bw_slice_compare(struct bw_slice a, struct bw_slice b)
{
	const size_t common = a.len < b.len ? a.len : b.len;
	const int order = memcmp(a.ptr, b.ptr, common);

	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

struct bw_slice bw_slice_from(struct bw_slice whole, size_t from)
{
	const size_t at = from < whole.len ? from : whole.len;

	return bw_slice_of(whole.ptr + at, whole.len - at);
}

struct bw_slice bw_slice_sub(struct bw_slice whole, size_t from, size_t len)
{
	const struct bw_slice rest = bw_slice_from(whole, from);

	return bw_slice_of(rest.ptr, len < rest.len ? len : rest.len);
}

bool bw_slice_cut(struct bw_slice whole, char mark, struct bw_slice *head, struct bw_slice *tail)
{
	const uint8_t *at = memchr(whole.ptr, mark, whole.len);

	if (at == NULL)
		return false;
	*head = bw_slice_of(whole.ptr, (size_t)(at - whole.ptr));
	*tail = bw_slice_from(whole, head->len + 1);
	return true;
}

struct bw_slice bw_slice_trim(struct bw_slice whole)
{
	size_t from = 0;
	size_t to = whole.len;

	while (from < to && bw_is_blank(whole.ptr[from]))
		from++;
	while (to > from && bw_is_blank(whole.ptr[to - 1]))
		to--;
	return bw_slice_sub(whole, from, to - from);
}

void bw_buf_release(struct bw_buf *buf)
{
	free(buf->ptr);
	buf->ptr = NULL;
	buf->len = 0;
	buf->cap = 0;
}

void bw_buf_wipe(struct bw_buf *buf)
{
	if (buf->ptr != NULL)
		explicit_bzero(buf->ptr, buf->cap);
	bw_buf_release(buf);
}

struct bw_buf bw_buf_move(struct bw_buf *buf)
{
	const struct bw_buf moved = *buf;

	*buf = BW_BUF_INIT(moved.max);
	return moved;
}

const char *bw_buf_text(const struct bw_buf *buf)
{
	return buf->ptr == NULL ? "" : (const char *)buf->ptr;
}

enum bw_err bw_buf_reserve(struct bw_buf *buf, size_t more)
{
	size_t need;
	size_t cap;
	uint8_t *grown;

	BW_TRY(bw_add(buf->len, more, &need));
	BW_NEED(need <= buf->max, TOO_BIG);
	if (need < buf->cap)
		return BW_OK;

	cap = buf->cap < 64 ? 64 : buf->cap;
	while (cap <= need) /* <= leaves room for the final NUL */
		BW_TRY(bw_mul(cap, 2, &cap));
	if (cap > buf->max && need < buf->max)
		cap = buf->max + 1;
	grown = realloc(buf->ptr, cap);
	BW_NEED(grown != NULL, MEMORY);
	if (buf->ptr == NULL)
		grown[0] = 0;
	buf->ptr = grown;
	buf->cap = cap;
	return BW_OK;
}

enum bw_err bw_buf_add(struct bw_buf *buf, struct bw_slice bytes)
{
	BW_TRY(bw_buf_reserve(buf, bytes.len));
	if (bytes.len > 0) /* nothing may have no address */
		memcpy(buf->ptr + buf->len, bytes.ptr, bytes.len);
	buf->len += bytes.len;
	buf->ptr[buf->len] = 0;
	return BW_OK;
}

enum bw_err bw_buf_add_text(struct bw_buf *buf, const char *text)
{
	return bw_buf_add(buf, bw_slice_text(text));
}

enum bw_err bw_buf_add_u8(struct bw_buf *buf, uint8_t value)
{
	return bw_buf_add(buf, bw_slice_of(&value, 1));
}

enum bw_err bw_buf_add_be16(struct bw_buf *buf, uint16_t value)
{
	const uint8_t wire[2] = { (uint8_t)(value >> 8), (uint8_t)value };

	return bw_buf_add(buf, bw_slice_of(wire, sizeof(wire)));
}

enum bw_err bw_buf_add_be32(struct bw_buf *buf, uint32_t value)
{
	const uint32_t wire = htobe32(value);

	return bw_buf_add(buf, bw_slice_of(&wire, sizeof(wire)));
}

enum bw_err bw_buf_add_be64(struct bw_buf *buf, uint64_t value)
{
	const uint64_t wire = htobe64(value);

	return bw_buf_add(buf, bw_slice_of(&wire, sizeof(wire)));
}

/* Into what room there is; the length the whole takes. What did not fit is not there. */
BW_PRINTF(2, 0) static int print_at_end(struct bw_buf *buf, const char *fmt, va_list args)
{
	const size_t room = buf->ptr == NULL ? 0 : buf->cap - buf->len;
	const int need = vsnprintf(room > 0 ? (char *)buf->ptr + buf->len : NULL, room, fmt, args);

	if (room > 0 && (need < 0 || (size_t)need >= room || (size_t)need > buf->max - buf->len))
		buf->ptr[buf->len] = 0;
	return need;
}

enum bw_err bw_buf_addf(struct bw_buf *buf, const char *fmt, ...)
{
	va_list args;
	size_t room;
	int need;

	va_start(args, fmt);
	need = print_at_end(buf, fmt, args);
	va_end(args);
	BW_NEED(need >= 0, SYSTEM);
	room = buf->ptr == NULL ? 0 : buf->cap - buf->len;
	BW_TRY(bw_buf_reserve(buf, (size_t)need));
	if ((size_t)need >= room) {
		va_start(args, fmt);
		(void)print_at_end(buf, fmt, args);
		va_end(args);
	}
	buf->len += (size_t)need;
	return BW_OK;
}

void bw_buf_eat(struct bw_buf *buf, size_t count)
{
	assert(count <= buf->len);
	if (count == 0)
		return;
	memmove(buf->ptr, buf->ptr + count, buf->len - count);
	buf->len -= count;
	buf->ptr[buf->len] = 0;
}
