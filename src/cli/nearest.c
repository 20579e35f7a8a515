#include "cli/nearest.h"

enum { NAME_MAX_BYTES = 40 };

struct bw_nearest bw_nearest_to(struct bw_slice typed)
{
	/* a third of the letters wrong is another word */
	return (struct bw_nearest){ .typed = typed, .best = NULL, .distance = typed.len / 3 + 2 };
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Optimal string alignment over three rows of the usual table. */
static size_t distance_between(struct bw_slice a, struct bw_slice b)
{
	size_t rows[3][NAME_MAX_BYTES + 1];

	for (size_t j = 0; j <= b.len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t *row = rows[i % 3];
		const size_t *above = rows[(i - 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			const size_t differs = a.ptr[i - 1] == b.ptr[j - 1] ? 0 : 1;

			row[j] = least(above[j - 1] + differs, least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1])
				row[j] = least(row[j], rows[(i - 2) % 3][j - 2] + 1);
		}
	}
	return rows[a.len % 3][b.len];
}

void bw_nearest_offer(struct bw_nearest *nearest, const char *name)
{
	const struct bw_slice offered = bw_slice_text(name);
	size_t distance;

	if (nearest->typed.len > NAME_MAX_BYTES || offered.len > NAME_MAX_BYTES)
		return;
	distance = distance_between(nearest->typed, offered);
	/* the start of a name is as good as one mistake */
	if (nearest->typed.len >= 2 && bw_slice_starts(offered, nearest->typed))
		distance = 1;
	if (distance < nearest->distance) {
		nearest->distance = distance;
		nearest->best = name;
	}
}
