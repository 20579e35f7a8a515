#include "guard/fair.h"

#include <stdlib.h>

#include "base/test.h"

enum { OWNERS = 12, COPIES = 4000, ROOM = 20000, INODES = 300, ROUNDS = 300 };

static void an_equal_part_is_the_level_when_all_want_more(void **state)
{
	struct bw_fair fair = { .list = NULL };
	const struct bw_fair_claim claim = { .owner = 3, .bytes = 50, .room_bytes = 90, .room_objects = 9 };
	struct bw_fair_level level;

	(void)state;
	assert_ok(bw_fair_add(&fair, 1, 60, 1));
	assert_ok(bw_fair_add(&fair, 2, 30, 1));
	level = bw_fair_level(&fair, &claim);
	assert_int_equal(level.bytes, 30);
	assert_true(level.objects == UINT64_MAX);
	assert_false(bw_fair_grants(&fair, &claim, &level));
	assert_true(bw_fair_gives(&fair, 1, &level));
	assert_false(bw_fair_gives(&fair, 2, &level));
	bw_fair_release(&fair);
}

static void what_some_do_not_want_is_divided_among_the_others(void **state)
{
	struct bw_fair fair = { .list = NULL };
	const struct bw_fair_claim claim = { .owner = 3, .bytes = 10, .room_bytes = 100, .room_objects = 100 };
	struct bw_fair_level level;

	(void)state;
	assert_ok(bw_fair_add(&fair, 1, 95, 0));
	assert_ok(bw_fair_add(&fair, 2, 5, 0));
	level = bw_fair_level(&fair, &claim);
	assert_int_equal(level.bytes, 85);
	assert_true(bw_fair_grants(&fair, &claim, &level));
	bw_fair_release(&fair);
}

static void a_single_owner_gives_nothing_to_himself(void **state)
{
	struct bw_fair fair = { .list = NULL };
	const struct bw_fair_claim claim = { .owner = 7, .bytes = 1, .room_bytes = 100, .room_objects = 100 };
	struct bw_fair_level level;

	(void)state;
	assert_ok(bw_fair_add(&fair, 7, 100, 3));
	level = bw_fair_level(&fair, &claim);
	assert_false(bw_fair_grants(&fair, &claim, &level));
	assert_false(bw_fair_gives(&fair, 7, &level));
	bw_fair_release(&fair);
}

static void numbers_as_large_as_they_come_do_not_overflow(void **state)
{
	struct bw_fair fair = { .list = NULL };
	const struct bw_fair_claim claim = { .owner = 2, .bytes = 1, .room_bytes = UINT64_MAX - 1, .room_objects = 1 };

	(void)state;
	assert_ok(bw_fair_add(&fair, 1, UINT64_MAX / 2, 0));
	assert_ok(bw_fair_add(&fair, 3, UINT64_MAX / 4, 0));
	assert_true(bw_fair_level(&fair, &claim).bytes == UINT64_MAX);
	bw_fair_take(&fair, 1, UINT64_MAX, 5);
	assert_int_equal(bw_fair_of(&fair, 1).bytes, 0);
	bw_fair_release(&fair);
}

/* ---- any owners, any sizes ------------------------------------------------------------------ */

/* A store of copies, which takes and gives as keep does: whoever finds no room claims it, and those above give. */
struct store {
	struct bw_fair fair;
	struct {
		uint32_t owner;
		uint64_t bytes;
		bool is_object;
		bool there;
	} copies[COPIES];
	size_t count;
	uint64_t wanted[OWNERS]; /* all that each ever wanted kept */
	uint64_t wanted_objects[OWNERS];
	size_t refused[OWNERS];
	size_t lost[OWNERS];
};

static bool has_room(const struct store *store, uint64_t bytes, uint64_t objects)
{
	return store->fair.bytes + bytes <= ROOM && store->fair.objects + objects <= INODES;
}

/* Who is above the level gives, the newest first, until there is room. */
static void give(struct store *store, const struct bw_fair_level *level, uint64_t bytes, uint64_t objects)
{
	for (size_t i = store->count; i-- > 0 && !has_room(store, bytes, objects);) {
		const uint32_t owner = store->copies[i].owner;

		if (!store->copies[i].there || !bw_fair_gives(&store->fair, owner, level))
			continue;
		assert_true(bw_fair_of(&store->fair, owner).bytes > level->bytes ||
			    bw_fair_of(&store->fair, owner).objects > level->objects);
		store->copies[i].there = false;
		store->lost[owner]++;
		bw_fair_take(&store->fair, owner, store->copies[i].bytes, store->copies[i].is_object ? 1 : 0);
	}
}

/* Whoever is refused would be above the share, and nobody who was refused is below while somebody stays above. */
static bool claim_room(struct store *store, uint32_t owner, uint64_t bytes, uint64_t objects)
{
	const struct bw_fair_claim claim = {
		.owner = owner, .bytes = bytes, .objects = objects, .room_bytes = ROOM, .room_objects = INODES
	};
	const struct bw_fair_level level = bw_fair_level(&store->fair, &claim);

	if (!bw_fair_grants(&store->fair, &claim, &level))
		return false;
	give(store, &level, bytes, objects);
	assert_true(has_room(store, bytes, objects)); /* a grant is kept */
	return true;
}

static void keep_one(struct store *store, uint32_t owner, uint64_t bytes, bool is_object)
{
	const uint64_t objects = is_object ? 1 : 0;

	store->wanted[owner] += bytes;
	store->wanted_objects[owner] += objects;
	if (!has_room(store, bytes, objects) && !claim_room(store, owner, bytes, objects)) {
		store->refused[owner]++;
		return;
	}
	assert_ok(bw_fair_add(&store->fair, owner, bytes, objects));
	store->copies[store->count].owner = owner;
	store->copies[store->count].bytes = bytes;
	store->copies[store->count].is_object = is_object;
	store->copies[store->count++].there = true;
}

static uint32_t roll(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % below;
}

static void who_wants_no_more_than_an_equal_part_is_never_refused_and_loses_nothing(void **state)
{
	struct store *store = calloc(1, sizeof(*store));
	size_t modest = 0;
	size_t troubled = 0;

	(void)state;
	assert_non_null(store);
	for (uint32_t round = 1; round <= ROUNDS; round++) {
		const uint32_t owners = 1 + round % OWNERS;
		uint32_t seed = round;
		uint32_t greed[OWNERS];

		*store = (struct store){ .count = 0 };
		for (uint32_t i = 0; i < owners; i++)
			greed[i] = 1 + roll(&seed, roll(&seed, 3) == 0 ? 400 : 20);
		for (size_t step = 0; step < COPIES; step++) {
			const uint32_t owner = roll(&seed, owners);

			if (roll(&seed, 400) < greed[owner])
				keep_one(store, owner, 1 + roll(&seed, 3 * greed[owner]), roll(&seed, 4) == 0);
		}
		assert_true(store->fair.bytes <= ROOM && store->fair.objects <= INODES);
		for (uint32_t i = 0; i < owners; i++) {
			if (store->wanted[i] > ROOM / owners || store->wanted_objects[i] > INODES / owners) {
				troubled += store->refused[i] > 0 && store->lost[i] > 0 ? 1 : 0;
				continue;
			}
			modest++;
			assert_int_equal(store->refused[i], 0);
			assert_int_equal(store->lost[i], 0);
		}
		bw_fair_release(&store->fair);
	}
	free(store);
	assert_true(modest > ROUNDS && troubled > ROUNDS / 4); /* there was something to divide */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_equal_part_is_the_level_when_all_want_more),
		cmocka_unit_test(what_some_do_not_want_is_divided_among_the_others),
		cmocka_unit_test(a_single_owner_gives_nothing_to_himself),
		cmocka_unit_test(numbers_as_large_as_they_come_do_not_overflow),
		cmocka_unit_test(who_wants_no_more_than_an_equal_part_is_never_refused_and_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
