/*
 * A walk over hostile JSON. Properties: always forward, every name and value
 * inside the text and in order, values that a walk gives can be walked or are
 * refused, strings come out as valid UTF-8; a walk over a prefix sees no more
 * than the walk over the whole.
 */
#include <stdlib.h>

#include "base/text.h"
#include "codec/json_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void read_string(struct bw_slice value)
{
	struct bw_buf text = BW_BUF_INIT(1 << 20);

	if (bw_json_walk_string(value, &text) == BW_OK) {
		check(bw_utf8_is_valid(bw_buf_slice(&text), NULL));
		check(text.len + 2 <= value.len);
	}
	bw_buf_release(&text);
}

static size_t walk_level(struct bw_slice text, int depth)
{
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice value;
	const uint8_t *from = text.ptr;
	size_t count = 0;
	bool more = true;

	if (bw_json_walk_open(text, &walk) != BW_OK)
		return 0;
	while (bw_json_walk_next(&walk, &name, &value, &more) == BW_OK && more) {
		check(value.len > 0 && value.ptr >= from && value.ptr + value.len <= text.ptr + text.len);
		check(name.len == 0 || (name.ptr >= from && name.ptr + name.len < value.ptr));
		from = value.ptr + value.len;
		count++;
		read_string(value);
		if (depth < 8)
			(void)walk_level(value, depth + 1);
	}
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t whole = walk_level(bw_slice_of(data, size), 0);

	check(walk_level(bw_slice_of(data, size / 2), 8) <= whole);
	return 0;
}
