#include <stdlib.h>

#include "guard/sim_parts.h"

/* What an order compares: two numbers, then the name. */
struct place {
	uint64_t first;
	uint64_t second;
	const struct sim_row *row;
	size_t index;
};

static int compare(const void *a, const void *b)
{
	const struct place *x = a;
	const struct place *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	if (x->second != y->second)
		return x->second < y->second ? -1 : 1;
	return strcmp(x->row->name, y->row->name);
}

static uint64_t depth_of(const struct sim_row *row)
{
	uint64_t depth = 0;

	for (size_t n = 0; n < row->name_len; n++)
		depth += row->name[n] == '/';
	return depth;
}

/* What is worth most first. */
static uint64_t worth(enum sim_kind kind)
{
	switch (kind) {
	case SIM_DOCX:
	case SIM_XLSX:
	case SIM_ODT:
	case SIM_PDF:
		return 0;
	case SIM_SQLITE:
	case SIM_MBOX:
	case SIM_BIG:
		return 1;
	default:
		return 2;
	}
}

static void place_row(struct place *place, enum bw_sim_walk walk, struct sim_dice *dice, uint64_t home,
		      uint64_t in_home)
{
	const struct sim_row *row = place->row;

	switch (walk) {
	case BW_SIM_BFS:
		place->first = depth_of(row);
		break;
	case BW_SIM_SIZE:
		place->first = row->size;
		break;
	case BW_SIM_SIZE_DOWN:
		place->first = UINT64_MAX - row->size;
		break;
	case BW_SIM_NEWEST:
		place->first = UINT64_MAX - (uint64_t)row->mtime_ns;
		break;
	case BW_SIM_EXTENSION:
		place->first = worth(row->kind);
		place->second = (uint64_t)row->kind;
		break;
	case BW_SIM_RANDOM:
		place->first = sim_roll(dice);
		break;
	case BW_SIM_BREADTH:
		place->first = in_home;
		place->second = home;
		break;
	default: /* depth first, and its reverse: by name */
		break;
	}
}

static size_t collect(const struct bw_sim_box *box, enum bw_sim_walk walk, uint64_t seed, const char *only,
		      bool large_only, struct place *places)
{
	struct sim_dice dice = sim_dice_of(seed, 99);
	uint64_t home = 0;
	uint64_t in_home = 0;
	size_t count = 0;

	for (size_t n = 0; n < box->manifest.count; n++) {
		const struct sim_row *row = &box->manifest.rows[n];

		if (row->type == SIM_FOLDER && strchr(row->name, '/') == NULL) {
			home++;
			in_home = 0;
		}
		if (row->type != SIM_FILE || (only != NULL && strcmp(only, sim_kind_names[row->kind]) != 0))
			continue;
		if (large_only && row->kind != SIM_BIG && row->kind != SIM_SQLITE && row->kind != SIM_MBOX)
			continue;
		places[count] = (struct place){ .row = row, .index = n };
		place_row(&places[count++], walk, &dice, home, in_home++);
	}
	return count;
}

enum bw_err sim_walk_order(const struct bw_sim_box *box, enum bw_sim_walk walk, uint64_t seed, const char *only,
			   bool large_only, size_t **out, size_t *out_count)
{
	struct place *places = calloc(box->manifest.count + 1, sizeof(*places));
	size_t *order = calloc(box->manifest.count + 1, sizeof(*order));
	size_t count;

	if (places == NULL || order == NULL) {
		free(places);
		free(order);
		return BW_ERR_MEMORY;
	}
	count = collect(box, walk, seed, only, large_only, places);
	qsort(places, count, sizeof(*places), compare);
	for (size_t n = 0; n < count; n++)
		order[n] = places[walk == BW_SIM_REVERSE ? count - 1 - n : n].index;
	free(places);
	*out = order;
	*out_count = count;
	return BW_OK;
}
