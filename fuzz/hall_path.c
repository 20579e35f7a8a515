/*
 * The path of a request to the hall: method, a line, path, a line, query. Property: what is taken names an accord by
 * nothing but a-z, 0-9 and hyphens, and borrows from what was given.
 */
#include <stdlib.h>

#include "accord/accord.h"
#include "accord/hall_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct bw_slice whole, struct bw_slice part)
{
	if (part.len > 0 && (part.ptr < whole.ptr || part.ptr + part.len > whole.ptr + whole.len))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice whole = bw_slice_of(data, size);
	struct bw_hall_path out;
	struct bw_slice path;
	struct bw_slice query;
	struct bw_slice rest;

	if (size < 1 || !bw_slice_cut(bw_slice_from(whole, 1), '\n', &path, &query))
		return 0;
	rest = query;
	if (bw_hall_path_parse((enum bw_http_method)(data[0] % (BW_HTTP_OPTIONS + 1)), path, rest, &out) != BW_OK)
		return 0;
	if (out.verb >= BW_HALL_VERBS || out.accord.len > BW_ACCORD_ID_MAX || out.text.len > BW_RUN_TARGET_MAX)
		abort();
	for (size_t i = 0; i < out.accord.len; i++)
		if (!((out.accord.ptr[i] >= 'a' && out.accord.ptr[i] <= 'z') ||
		      (out.accord.ptr[i] >= '0' && out.accord.ptr[i] <= '9') || out.accord.ptr[i] == '-'))
			abort();
	check_inside(whole, out.accord);
	check_inside(whole, out.text);
	return 0;
}
