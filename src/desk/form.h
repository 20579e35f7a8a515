/*
 * What workers of the exchange say to one another inside a frame: a form of
 * numbered fields, each a block of bytes (be32 length, bytes). Numbers are
 * eight bytes, big end first. The reader checks count and widths, because
 * the other side of a channel is treated as a stranger. Pure.
 */
#ifndef BW_DESK_FORM_H
#define BW_DESK_FORM_H

#include "base/cursor.h"

enum {
	BW_FORM_FIELDS_MAX = 24,
	BW_LIST_ITEMS_MAX = 20000, /* items of one list field: the ids of a long status resource */
};

struct bw_form {
	size_t count;
	struct bw_slice fields[BW_FORM_FIELDS_MAX];
};

/* Borrows from `body`. TRUNCATED, TOO_BIG, TOO_MANY; PROTOCOL unless there are exactly `fields`. */
BW_MUST_USE enum bw_err bw_form_take(struct bw_slice body, size_t fields, struct bw_form *out);

/* The field as a number; PROTOCOL unless it is eight bytes wide and at most `max`. */
BW_MUST_USE enum bw_err bw_form_num(const struct bw_form *form, size_t at, uint64_t max, uint64_t *out);
BW_MUST_USE enum bw_err bw_form_signed(const struct bw_form *form, size_t at, int64_t *out);

/* Copies a field as text with its NUL. TOO_BIG when it does not fit, SYNTAX when it holds a NUL. */
BW_MUST_USE enum bw_err bw_form_text(const struct bw_form *form, size_t at, char *out, size_t out_bytes);

BW_MUST_USE enum bw_err bw_form_add_num(struct bw_buf *out, uint64_t value);
BW_MUST_USE enum bw_err bw_form_add_signed(struct bw_buf *out, int64_t value);
BW_MUST_USE static inline enum bw_err bw_form_add(struct bw_buf *out, struct bw_slice bytes)
{
	return bw_buf_add_block(out, bytes);
}
BW_MUST_USE static inline enum bw_err bw_form_add_text(struct bw_buf *out, const char *text)
{
	return bw_buf_add_block(out, bw_slice_text(text));
}

/* A field that holds a list of blocks. */
BW_MUST_USE enum bw_err bw_form_add_list(struct bw_buf *out, const struct bw_slice *items, size_t count);

/* Walks a list field: true while there is another; false at the end, with *bad set when it is malformed. */
bool bw_form_list_next(struct bw_cursor *list, struct bw_slice *item, bool *bad);

#endif
