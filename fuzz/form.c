/*
 * What one worker says to another. Properties: a form that is read with some number of
 * fields is written as the same bytes; a list ends, inside its field; settings that are read are written
 * and read again as the same.
 */
#include <stdlib.h>

#include "desk/form.h"
#include "serve/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void check_fields(const struct bw_form *form, struct bw_slice body)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(body.len);

	for (size_t i = 0; i < form->count; i++) {
		struct bw_cursor list = bw_cursor_over(form->fields[i]);
		struct bw_slice item;
		char text[32];
		uint64_t number;
		size_t left = bw_cursor_left(&list);
		bool bad = false;

		check(bw_form_add(&again, form->fields[i]) == BW_OK);
		while (bw_form_list_next(&list, &item, &bad)) {
			check(bw_cursor_left(&list) < left && item.len < left);
			left = bw_cursor_left(&list);
		}
		check(bad || bw_cursor_left(&list) == 0);
		if (bw_form_num(form, i, 9, &number) == BW_OK)
			check(number <= 9 && form->fields[i].len == 8);
		if (bw_form_text(form, i, text, sizeof(text)) == BW_OK)
			check(strlen(text) == form->fields[i].len);
	}
	check(bw_slice_equals(bw_buf_slice(&again), body));
}

static void read_settings(struct bw_slice body)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(8 * BW_KIB);
	struct bw_serve_settings settings;

	if (bw_settings_take(body, &settings) != BW_OK)
		return;
	check(bw_settings_add(&again, &settings) == BW_OK);
	check(bw_slice_equals(bw_buf_slice(&again), body));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice body = bw_slice_of(data, size);
	struct bw_form form;

	for (size_t fields = 1; fields <= BW_FORM_FIELDS_MAX; fields++) {
		if (bw_form_take(body, fields, &form) == BW_OK) {
			check(form.count == fields);
			check_fields(&form, body);
		}
	}
	read_settings(body);
	return 0;
}
