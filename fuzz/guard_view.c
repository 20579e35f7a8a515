/*
 * Names of moments, as anybody may ask a view for them, and the paths it remembers. Properties: a name that is read is
 * written the same; a moment shows nothing that was taken behind it; a path has one number, and the number the path.
 */
#include <stdlib.h>

#include "guard/view_paths.h"
#include "guard/view_time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PATHS = 40 };

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void moment(struct bw_slice name)
{
	char again[BW_MOMENT_BYTES];
	uint32_t seconds;

	if (bw_moment_parse(name, &seconds) != BW_OK)
		return;
	bw_moment_name(seconds, again);
	check(bw_slice_is(name, again));
}

static void times(struct bw_slice bytes)
{
	int64_t taken;
	int64_t now;
	uint32_t end;

	if (bytes.len < 16)
		return;
	memcpy(&taken, bytes.ptr, 8);
	memcpy(&now, bytes.ptr + 8, 8);
	taken = taken / 4096;
	now = now / 4096;
	if (taken < 0 || now < taken)
		return;
	end = bw_moment_of(taken, now);
	check(end == 0 || ((int64_t)end * 1000000 > taken && (int64_t)end * 1000000 <= now));
	check(end == 0 || bw_moment_before(end, now) < taken);
}

static void paths(struct bw_slice text)
{
	struct bw_view_paths *paths;
	uint32_t number;
	uint32_t again;
	struct bw_slice path;
	struct bw_slice one;

	check(bw_view_paths_new(PATHS, &paths) == BW_OK);
	while (bw_slice_cut(text, '\n', &one, &text)) {
		if (bw_view_paths_put(paths, one, &number) != BW_OK)
			break;
		check(number < PATHS && bw_view_paths_get(paths, number, &path) == BW_OK);
		check(bw_slice_equals(path, one));
		check(bw_view_paths_put(paths, one, &again) == BW_OK && again == number);
	}
	check(bw_view_paths_get(paths, PATHS, &path) == BW_ERR_NOT_FOUND);
	bw_view_paths_free(paths);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice bytes = bw_slice_of(data, size);

	moment(bytes);
	times(bytes);
	paths(bytes);
	return 0;
}
