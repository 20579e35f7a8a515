#include "desk/form.h"

enum { NUMBER_BYTES = 8 };

enum bw_err bw_form_take(struct bw_slice body, size_t fields, struct bw_form *out)
{
	struct bw_cursor c = bw_cursor_over(body);
	struct bw_form form = { 0 };

	while (bw_cursor_left(&c) > 0) {
		BW_NEED(form.count < BW_FORM_FIELDS_MAX, TOO_MANY);
		BW_TRY(bw_take_block(&c, body.len, &form.fields[form.count]));
		form.count++;
	}
	BW_NEED(form.count == fields, PROTOCOL);
	*out = form;
	return BW_OK;
}

enum bw_err bw_form_num(const struct bw_form *form, size_t at, uint64_t max, uint64_t *out)
{
	struct bw_cursor c;
	uint64_t value;

	BW_NEED(at < form->count && form->fields[at].len == NUMBER_BYTES, PROTOCOL);
	c = bw_cursor_over(form->fields[at]);
	BW_TRY(bw_take_be64(&c, &value));
	BW_NEED(value <= max, PROTOCOL);
	*out = value;
	return BW_OK;
}

enum bw_err bw_form_signed(const struct bw_form *form, size_t at, int64_t *out)
{
	uint64_t value;

	BW_TRY(bw_form_num(form, at, UINT64_MAX, &value));
	*out = (int64_t)value;
	return BW_OK;
}

enum bw_err bw_form_text(const struct bw_form *form, size_t at, char *out, size_t out_bytes)
{
	BW_NEED(at < form->count, PROTOCOL);
	BW_NEED(form->fields[at].len < out_bytes, TOO_BIG);
	BW_NEED(memchr(form->fields[at].ptr, 0, form->fields[at].len) == NULL, SYNTAX);
	memcpy(out, form->fields[at].ptr, form->fields[at].len);
	out[form->fields[at].len] = 0;
	return BW_OK;
}

enum bw_err bw_form_add_num(struct bw_buf *out, uint64_t value)
{
	BW_TRY(bw_buf_reserve(out, 4 + NUMBER_BYTES));
	BW_TRY(bw_buf_add_be32(out, NUMBER_BYTES));
	return bw_buf_add_be64(out, value);
}

enum bw_err bw_form_add_signed(struct bw_buf *out, int64_t value)
{
	return bw_form_add_num(out, (uint64_t)value);
}

enum bw_err bw_form_add_list(struct bw_buf *out, const struct bw_slice *items, size_t count)
{
	size_t bytes = 0;

	BW_NEED(count <= BW_LIST_ITEMS_MAX, TOO_MANY);
	for (size_t i = 0; i < count; i++)
		bytes += 4 + items[i].len;
	BW_NEED(bytes <= UINT32_MAX, TOO_BIG);
	BW_TRY(bw_buf_reserve(out, 4 + bytes));
	BW_TRY(bw_buf_add_be32(out, (uint32_t)bytes));
	for (size_t i = 0; i < count; i++)
		BW_TRY(bw_buf_add_block(out, items[i]));
	return BW_OK;
}

bool bw_form_list_next(struct bw_cursor *list, struct bw_slice *item, bool *bad)
{
	*bad = false;
	if (bw_cursor_left(list) == 0)
		return false;
	if (bw_take_block(list, list->over.len, item) != BW_OK) {
		*bad = true;
		return false;
	}
	return true;
}
