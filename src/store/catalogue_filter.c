#include "store/catalogue.h"

static bool version_listed(const struct bw_cat_filter *filter, uint32_t version)
{
	for (size_t i = 0; i < filter->version_count; i++) {
		if (filter->versions[i] == version)
			return true;
	}
	return false;
}

bool bw_cat_matches(const struct bw_catalogue *cat, const struct bw_cat_filter *filter, uint64_t row)
{
	const uint8_t flags = __atomic_load_n(&cat->flags[row], __ATOMIC_RELAXED);

	if (cat->collection[row] != filter->collection || !filter->types[cat->type[row]])
		return false;
	return filter->flags[flags] || (filter->version_flags[flags] && version_listed(filter, cat->version[row]));
}

/* What a block or a row must have. */
struct needs {
	uint64_t types[4];
	uint64_t flags[4];
	uint64_t collections[4];
	bool either[256]; /* by flags or by flags and version */
	bool by_flags;    /* flags alone can be enough */
};

static struct needs needs_of(const struct bw_cat_filter *filter)
{
	struct needs needs = { .by_flags = false };

	bw_cat_set_add(needs.collections, (uint8_t)filter->collection);
	for (unsigned i = 0; i < 256; i++) {
		needs.either[i] = filter->flags[i] || filter->version_flags[i];
		needs.by_flags = needs.by_flags || filter->flags[i];
		if (filter->types[i])
			bw_cat_set_add(needs.types, (uint8_t)i);
		if (needs.either[i])
			bw_cat_set_add(needs.flags, (uint8_t)i);
	}
	return needs;
}

static bool sets_meet(const uint64_t a[4], const uint64_t b[4])
{
	return ((a[0] & b[0]) | (a[1] & b[1]) | (a[2] & b[2]) | (a[3] & b[3])) != 0;
}

static bool block_may_match(const struct bw_cat_block *block, const struct needs *needs)
{
	return sets_meet(block->collections, needs->collections) && sets_meet(block->types, needs->types) &&
	       sets_meet(block->flags, needs->flags);
}

enum { CHUNK = 32 };

/* Whether any of CHUNK rows may match: no branches, so that the common "none" is quick. */
static bool chunk_may_match(const struct bw_catalogue *cat, const struct bw_cat_filter *filter,
			    const struct needs *needs, uint64_t row)
{
	unsigned any = 0;

	if (!needs->by_flags) { /* rare versions: nothing else tells as much */
		for (size_t v = 0; v < filter->version_count; v++) {
			for (size_t i = 0; i < CHUNK; i++)
				any |= cat->version[row + i] == filter->versions[v];
		}
		return any != 0;
	}
	for (size_t i = 0; i < CHUNK; i++)
		any |= (unsigned)(cat->collection[row + i] == filter->collection) &
		       (unsigned)filter->types[cat->type[row + i]] & (unsigned)needs->either[cat->flags[row + i]];
	return any != 0;
}

size_t bw_cat_scan(const struct bw_catalogue *cat, const struct bw_cat_filter *filter, uint64_t from, uint64_t to,
		   uint32_t *out, size_t cap, uint64_t *scanned)
{
	const struct needs needs = needs_of(filter);
	size_t count = 0;
	uint64_t row = from;

	while (row < to && count < cap) {
		const uint64_t block_end = (row / BW_CAT_BLOCK_ROWS + 1) * BW_CAT_BLOCK_ROWS;
		const uint64_t end = block_end < to ? block_end : to;

		if (!block_may_match(&cat->blocks[row / BW_CAT_BLOCK_ROWS], &needs)) {
			row = end;
			continue;
		}
		while (row < end && count < cap) {
			if (row % CHUNK == 0 && end - row >= CHUNK && !chunk_may_match(cat, filter, &needs, row)) {
				row += CHUNK;
				continue;
			}
			if (bw_cat_matches(cat, filter, row))
				out[count++] = (uint32_t)row;
			row++;
		}
	}
	*scanned = row;
	return count;
}
