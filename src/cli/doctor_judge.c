/*
 * The pure half of doctor: what the facts mean.
 */
#include "cli/doctor.h"

enum { PATHS_MAX = 16, FRESH_DAYS = 7 };

/* "7f..-7f.. r-xp 00000000 08:01 1234    /usr/lib/libcrypto.so.3": the path begins at the first slash. */
static struct bw_slice path_of(struct bw_slice line)
{
	struct bw_slice head;
	struct bw_slice tail;

	if (!bw_slice_cut(line, '/', &head, &tail))
		return bw_slice_empty;
	return bw_slice_from(line, head.len);
}

static struct bw_slice last_part(struct bw_slice path)
{
	struct bw_slice head;
	struct bw_slice tail;

	while (bw_slice_cut(path, '/', &head, &tail))
		path = tail;
	return path;
}

size_t bw_doctor_count_mapped(struct bw_slice maps, struct bw_slice library, struct bw_slice *first)
{
	struct bw_slice seen[PATHS_MAX];
	size_t count = 0;

	while (maps.len > 0 && count < PATHS_MAX) {
		struct bw_slice line = maps;
		struct bw_slice rest = bw_slice_empty;
		bool is_new = true;

		(void)bw_slice_cut(maps, '\n', &line, &rest);
		maps = rest;
		line = path_of(line);
		if (!bw_slice_starts(last_part(line), library))
			continue;
		for (size_t i = 0; i < count; i++)
			is_new = is_new && !bw_slice_equals(seen[i], line);
		if (is_new)
			seen[count++] = line;
	}
	if (count > 0)
		*first = seen[0];
	return count;
}

enum bw_health bw_doctor_judge_openssl(struct bw_slice built, struct bw_slice newest, int64_t age_days)
{
	if (built.len == 0 || newest.len == 0)
		return BW_HEALTH_UNKNOWN;
	if (!bw_slice_equals(built, newest)) /* set-up writes the newest of all, so another one is older */
		return BW_HEALTH_LACKING;
	return age_days > FRESH_DAYS ? BW_HEALTH_UNKNOWN : BW_HEALTH_OK;
}
