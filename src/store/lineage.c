#include "store/lineage.h"

#include <assert.h>
#include <stdlib.h>

struct bw_lineage {
	struct bw_lineage *next_same_slot;
	uint32_t identity;
	int64_t newest;
	int64_t living;
	uint32_t *rows; /* open addressing by the version's mark; the row plus one, 0: free */
	uint64_t row_count;
	uint64_t row_cap;
	struct bw_lineage_part *parts;
	size_t part_count;
	size_t part_cap;
};

enum { SLOTS_FIRST = 64, ROWS_FIRST = 256, PARTS_FIRST = 4 };

struct bw_lineages {
	struct bw_lineage **slots; /* by identity */
	size_t slot_count;         /* a power of two */
	size_t count;
	uint64_t rows;
};

static void lineage_free(struct bw_lineage *lineage)
{
	if (lineage == NULL)
		return;
	free(lineage->rows);
	free(lineage->parts);
	free(lineage);
}

void bw_lineages_forget(struct bw_lineages **all)
{
	if (*all == NULL)
		return;
	for (size_t i = 0; i < (*all)->slot_count; i++) {
		while ((*all)->slots[i] != NULL) {
			struct bw_lineage *lineage = (*all)->slots[i];

			(*all)->slots[i] = lineage->next_same_slot;
			lineage_free(lineage);
		}
	}
	free((*all)->slots);
	free(*all);
	*all = NULL;
}

void bw_lineages_trim(struct bw_lineages **all)
{
	if (*all != NULL && (*all)->rows > BW_LINEAGE_KEPT)
		bw_lineages_forget(all);
}

/* ---- all of them ------------------------------------------------------------ */

static struct bw_lineage **slot_of(const struct bw_lineages *all, uint32_t identity)
{
	return &all->slots[identity & (all->slot_count - 1)];
}

static enum bw_err lineages_new(struct bw_lineages **out)
{
	struct bw_lineages *all = calloc(1, sizeof(*all));

	BW_NEED(all != NULL, MEMORY);
	all->slots = calloc(SLOTS_FIRST, sizeof(struct bw_lineage *));
	if (all->slots == NULL) {
		free(all);
		return BW_ERR_MEMORY;
	}
	all->slot_count = SLOTS_FIRST;
	*out = all;
	return BW_OK;
}

/* Short lists stay short; without memory for more slots they get longer, that is all. */
static void more_slots(struct bw_lineages *all)
{
	const struct bw_lineages old = *all;
	struct bw_lineage **slots = calloc(old.slot_count * 2, sizeof(struct bw_lineage *));

	if (slots == NULL)
		return;
	all->slots = slots;
	all->slot_count = old.slot_count * 2;
	for (size_t i = 0; i < old.slot_count; i++) {
		while (old.slots[i] != NULL) {
			struct bw_lineage *lineage = old.slots[i];
			struct bw_lineage **slot = slot_of(all, lineage->identity);

			old.slots[i] = lineage->next_same_slot;
			lineage->next_same_slot = *slot;
			*slot = lineage;
		}
	}
	free(old.slots);
}

struct bw_lineage *bw_lineage_find(const struct bw_lineages *all, const struct bw_catalogue *cat, int64_t newest)
{
	struct bw_lineage *lineage;

	if (all == NULL)
		return NULL;
	lineage = *slot_of(all, cat->identity[newest]);
	while (lineage != NULL && lineage->newest != newest)
		lineage = lineage->next_same_slot;
	return lineage;
}

/* ---- rows by version --------------------------------------------------------- */

static void place_row(struct bw_lineage *lineage, const struct bw_catalogue *cat, uint32_t stored)
{
	uint64_t at = cat->version[stored - 1] & (lineage->row_cap - 1);

	while (lineage->rows[at] != 0)
		at = (at + 1) & (lineage->row_cap - 1);
	lineage->rows[at] = stored;
}

static enum bw_err more_rows(struct bw_lineage *lineage, const struct bw_catalogue *cat)
{
	const struct bw_lineage old = *lineage;
	const uint64_t cap = old.row_cap == 0 ? ROWS_FIRST : old.row_cap * 2;
	uint32_t *rows = calloc(cap, sizeof(*rows));

	BW_NEED(rows != NULL, MEMORY);
	lineage->rows = rows;
	lineage->row_cap = cap;
	for (uint64_t i = 0; i < old.row_cap; i++) {
		if (old.rows[i] != 0)
			place_row(lineage, cat, old.rows[i]);
	}
	free(old.rows);
	return BW_OK;
}

static enum bw_err keep_row(struct bw_lineage *lineage, const struct bw_catalogue *cat, int64_t row)
{
	if ((lineage->row_count + 1) * 2 > lineage->row_cap)
		BW_TRY(more_rows(lineage, cat));
	place_row(lineage, cat, (uint32_t)row + 1);
	lineage->row_count++;
	return BW_OK;
}

int64_t bw_lineage_next(const struct bw_lineage *lineage, const struct bw_catalogue *cat, uint32_t mark,
			uint64_t *probe)
{
	for (; lineage->row_cap != 0; (*probe)++) {
		const uint32_t stored = lineage->rows[(mark + *probe) & (lineage->row_cap - 1)];

		if (stored == 0)
			break;
		if (cat->version[stored - 1] == mark) {
			(*probe)++;
			return (int64_t)stored - 1;
		}
	}
	return BW_CAT_NONE;
}

/* ---- by collection ------------------------------------------------------------ */

static struct bw_lineage_part *part_of(const struct bw_lineage *lineage, uint16_t collection)
{
	for (size_t i = 0; i < lineage->part_count; i++) {
		if (lineage->parts[i].collection == collection)
			return &lineage->parts[i];
	}
	return NULL;
}

const struct bw_lineage_part *bw_lineage_part(const struct bw_lineage *lineage, uint16_t collection)
{
	return part_of(lineage, collection);
}

static enum bw_err part_for(struct bw_lineage *lineage, uint16_t collection, struct bw_lineage_part **out)
{
	*out = part_of(lineage, collection);
	if (*out != NULL)
		return BW_OK;
	if (lineage->part_count == lineage->part_cap) {
		const size_t cap = lineage->part_cap == 0 ? PARTS_FIRST : lineage->part_cap * 2;
		struct bw_lineage_part *parts = reallocarray(lineage->parts, cap, sizeof(*parts));

		BW_NEED(parts != NULL, MEMORY);
		lineage->parts = parts;
		lineage->part_cap = cap;
	}
	*out = &lineage->parts[lineage->part_count++];
	**out = (struct bw_lineage_part){ .collection = collection,
					  .last = { BW_CAT_NONE, BW_CAT_NONE },
					  .first = { BW_CAT_NONE, BW_CAT_NONE },
					  .revoked = BW_CAT_NONE };
	return BW_OK;
}

/* One live row, in whatever order they come. */
static enum bw_err take_in(struct bw_lineage *lineage, const struct bw_catalogue *cat, int64_t row)
{
	const uint8_t flags = bw_cat_flags(cat, (uint64_t)row);
	const size_t old = (flags & BW_CAT_SPEC20) != 0;
	struct bw_lineage_part *part;

	BW_TRY(keep_row(lineage, cat, row));
	BW_TRY(part_for(lineage, cat->collection[row], &part));
	part->has[old] = true;
	if ((flags & BW_CAT_LAST) != 0)
		part->last[old] = row;
	if ((flags & BW_CAT_FIRST) != 0)
		part->first[old] = row;
	if ((flags & BW_CAT_REVOKED) != 0 && row > part->revoked)
		part->revoked = row;
	return BW_OK;
}

/* ---- learning and growing ------------------------------------------------------- */

static enum bw_err read_chain(struct bw_lineage *lineage, const struct bw_catalogue *cat)
{
	lineage->living = BW_CAT_NONE;
	for (int64_t row = lineage->newest; row != BW_CAT_NONE; row = bw_cat_before(cat, row)) {
		if ((bw_cat_flags(cat, (uint64_t)row) & BW_CAT_GONE) != 0)
			continue;
		if (lineage->living == BW_CAT_NONE)
			lineage->living = row;
		BW_TRY(take_in(lineage, cat, row));
	}
	return BW_OK;
}

struct bw_lineage *bw_lineage_learn(struct bw_lineages **all, const struct bw_catalogue *cat, int64_t newest)
{
	struct bw_lineage *lineage = calloc(1, sizeof(*lineage));
	struct bw_lineage **slot;

	if (lineage == NULL)
		return NULL;
	lineage->identity = cat->identity[newest];
	lineage->newest = newest;
	if (read_chain(lineage, cat) != BW_OK || (*all == NULL && lineages_new(all) != BW_OK)) {
		lineage_free(lineage);
		return NULL;
	}
	if ((*all)->count >= (*all)->slot_count)
		more_slots(*all);
	slot = slot_of(*all, lineage->identity);
	lineage->next_same_slot = *slot;
	*slot = lineage;
	(*all)->count++;
	(*all)->rows += lineage->row_count;
	return lineage;
}

void bw_lineage_grow(struct bw_lineages **all, const struct bw_catalogue *cat, struct bw_lineage *lineage, int64_t row)
{
	assert(bw_cat_before(cat, row) == lineage->newest);
	if (take_in(lineage, cat, row) != BW_OK) {
		bw_lineages_forget(all);
		return;
	}
	lineage->newest = row;
	lineage->living = row;
	(*all)->rows++;
}

int64_t bw_lineage_living(const struct bw_lineage *lineage)
{
	return lineage->living;
}

void bw_lineage_set_living(struct bw_lineage *lineage, int64_t row)
{
	lineage->living = row;
}
