#include "guard/fair.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

void bw_fair_release(struct bw_fair *fair)
{
	free(fair->list);
	*fair = (struct bw_fair){ .list = NULL };
}

/* Where he stands, or would. */
static size_t place_of(const struct bw_fair *fair, uint32_t owner)
{
	size_t low = 0;
	size_t high = fair->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (fair->list[middle].owner < owner)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool stands_at(const struct bw_fair *fair, size_t place, uint32_t owner)
{
	return place < fair->count && fair->list[place].owner == owner;
}

static enum bw_err make_place(struct bw_fair *fair, size_t place, uint32_t owner)
{
	if (fair->count == fair->room) {
		const size_t room = fair->room == 0 ? 16 : 2 * fair->room;
		struct bw_fair_owner *list = realloc(fair->list, room * sizeof(*list));

		BW_NEED(list != NULL, MEMORY);
		fair->list = list;
		fair->room = room;
	}
	memmove(&fair->list[place + 1], &fair->list[place], (fair->count - place) * sizeof(*fair->list));
	fair->list[place] = (struct bw_fair_owner){ .owner = owner };
	fair->count++;
	return BW_OK;
}

enum bw_err bw_fair_add(struct bw_fair *fair, uint32_t owner, uint64_t bytes, uint64_t objects)
{
	const size_t place = place_of(fair, owner);

	if (!stands_at(fair, place, owner))
		BW_TRY(make_place(fair, place, owner));
	fair->list[place].bytes += bytes;
	fair->list[place].objects += objects;
	fair->bytes += bytes;
	fair->objects += objects;
	return BW_OK;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void bw_fair_take(struct bw_fair *fair, uint32_t owner, uint64_t bytes, uint64_t objects)
{
	const size_t place = place_of(fair, owner);

	if (!stands_at(fair, place, owner))
		return;
	bytes = least(bytes, fair->list[place].bytes);
	objects = least(objects, fair->list[place].objects);
	fair->list[place].bytes -= bytes;
	fair->list[place].objects -= objects;
	fair->bytes -= bytes;
	fair->objects -= objects;
}

struct bw_fair_owner bw_fair_of(const struct bw_fair *fair, uint32_t owner)
{
	const size_t place = place_of(fair, owner);

	return stands_at(fair, place, owner) ? fair->list[place] : (struct bw_fair_owner){ .owner = owner };
}

/* ---- the level ----------------------------------------------------------------------------- */

static uint64_t held(const struct bw_fair_owner *one, bool objects)
{
	return objects ? one->objects : one->bytes;
}

/* Where the level is looked for: in bytes, or in inodes. */
struct search {
	const struct bw_fair *fair;
	uint32_t owner; /* who claims: what he holds counts once, with what he claims */
	uint64_t claim;
	uint64_t room;
	bool objects;
};

/* Whether all fits when nobody has more than `level`. It stops counting past the room, and so cannot overflow. */
static bool fits(const struct search *search, uint64_t level)
{
	uint64_t sum = least(search->claim, level);

	for (size_t i = 0; i < search->fair->count && sum <= search->room; i++) {
		const struct bw_fair_owner *one = &search->fair->list[i];

		if (one->owner != search->owner)
			sum += least(held(one, search->objects), level);
	}
	return sum <= search->room;
}

/* The highest level at which all fits: 64 passes over the owners. */
static uint64_t look_for(const struct search *search)
{
	uint64_t low = 0;
	uint64_t high = search->room; /* more than the room fits nobody */

	if (fits(search, UINT64_MAX))
		return UINT64_MAX;
	while (low < high) {
		const uint64_t middle = low + (high - low) / 2 + 1;

		if (fits(search, middle))
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

struct bw_fair_level bw_fair_level(const struct bw_fair *fair, const struct bw_fair_claim *claim)
{
	const struct bw_fair_owner own = bw_fair_of(fair, claim->owner);
	const struct search bytes = {
		.fair = fair, .owner = claim->owner, .claim = own.bytes + claim->bytes, .room = claim->room_bytes
	};
	const struct search objects = { .fair = fair,
					.owner = claim->owner,
					.claim = own.objects + claim->objects,
					.room = claim->room_objects,
					.objects = true };

	return (struct bw_fair_level){ .bytes = look_for(&bytes), .objects = look_for(&objects) };
}

bool bw_fair_grants(const struct bw_fair *fair, const struct bw_fair_claim *claim, const struct bw_fair_level *level)
{
	const struct bw_fair_owner own = bw_fair_of(fair, claim->owner);

	return own.bytes + claim->bytes <= level->bytes && own.objects + claim->objects <= level->objects;
}

bool bw_fair_gives(const struct bw_fair *fair, uint32_t owner, const struct bw_fair_level *level)
{
	const struct bw_fair_owner own = bw_fair_of(fair, owner);

	return own.bytes > level->bytes || own.objects > level->objects;
}
