/*
 * What fanotify might write. Properties: each record moves forward by at least its head; nothing
 * points outside the buffer; a refused record leaves the cursor where it was.
 */
#include <stdlib.h>

#include "guard/fan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void check_id(const struct bw_fan_id *id, const uint8_t *data, size_t size)
{
	check(id->handle.len <= BW_HANDLE_BYTES_MAX && id->name.len <= 255);
	check(id->there == (id->handle.len > 0));
	if (id->name.len > 0)
		check(id->name.ptr >= data && id->name.ptr + id->name.len < data + size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bw_cursor c = bw_cursor_over(bw_slice_of(data, size));
	struct bw_fan_event event;
	enum bw_err err;
	size_t before;

	do {
		before = c.at;
		err = bw_fan_next(&c, &event);
		if (err == BW_OK) {
			check(c.at >= before + 24 && c.at <= size);
			check_id(&event.file, data, size);
			check_id(&event.folder, data, size);
			check_id(&event.folder_to, data, size);
		} else {
			check(c.at == before && (err != BW_ERR_AGAIN || c.at == size));
		}
	} while (err == BW_OK);
	return 0;
}
