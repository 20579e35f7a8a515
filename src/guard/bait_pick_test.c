/* Which folders get bait. */
#include "guard/bait_pick.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/test.h"

enum { FOLDERS = 40 };

static char names[FOLDERS][32];

/* /srv/00 … /srv/39; number 7 is the largest, number 9 the deepest. */
static void make_folders(struct bw_bait_folders *out)
{
	*out = (struct bw_bait_folders){ .arena = BW_ARENA_INIT(1024), .count = FOLDERS, .files = 2000 };
	out->list = calloc(FOLDERS, sizeof(*out->list));
	assert_non_null(out->list);
	for (unsigned i = 0; i < FOLDERS; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "/srv/%02u", i);
		out->list[FOLDERS - 1 - i] = (struct bw_bait_folder){ .path = names[i],
								      .files = i == 7 ? 1200 : 20,
								      .papers = 20,
								      .models = 20,
								      .depth = i == 9 ? 9 : 1 };
	}
}

static bool has(const struct bw_bait_spot *spots, size_t count, const char *folder, enum bw_bait_end end)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(spots[i].folder, folder) == 0 && (end == BW_BAIT_ANYWHERE || spots[i].end == end))
			return true;
	}
	return false;
}

static void the_first_the_last_the_largest_and_the_deepest_folder_get_bait(void **state)
{
	struct bw_bait_dice dice = { .rolled = 0 };
	struct bw_bait_spot spots[12];
	struct bw_bait_folders folders;
	struct bw_bait_book book;
	size_t count;

	(void)state;
	make_folders(&folders);
	assert_ok(bw_bait_book_init(&book));
	count = bw_bait_spots(&folders, &book, 1, &dice, spots, BW_COUNT(spots));
	assert_int_equal(count, BW_COUNT(spots));
	assert_true(has(spots, count, "/srv/00", BW_BAIT_ANYWHERE));
	assert_true(has(spots, count, "/srv/39", BW_BAIT_ANYWHERE));
	assert_true(has(spots, count, "/srv/07", BW_BAIT_FIRST));
	assert_true(has(spots, count, "/srv/07", BW_BAIT_LAST));
	assert_true(has(spots, count, "/srv/09", BW_BAIT_ANYWHERE));
	bw_bait_book_release(&book);
	bw_bait_folders_release(&folders);
}

static void a_folder_that_has_bait_or_threw_it_away_gets_none(void **state)
{
	const struct bw_bait bait = { .path = "/srv/00/plan.txt" };
	struct bw_bait_dice dice = { .rolled = 0 };
	struct bw_bait_spot spots[2 * FOLDERS];
	struct bw_bait_folders folders;
	struct bw_bait_book book;
	size_t count;

	(void)state;
	make_folders(&folders);
	assert_ok(bw_bait_book_init(&book));
	assert_ok(bw_bait_book_add(&book, &bait));
	assert_ok(bw_bait_book_rest(&book, BW_LIT("/srv/39"), 1000));
	count = bw_bait_spots(&folders, &book, 2000, &dice, spots, BW_COUNT(spots));
	assert_false(has(spots, count, "/srv/00", BW_BAIT_ANYWHERE));
	assert_false(has(spots, count, "/srv/39", BW_BAIT_ANYWHERE));
	assert_true(has(spots, count, "/srv/01", BW_BAIT_ANYWHERE));
	/* each other folder once, the largest four times */
	assert_int_equal(count, FOLDERS - 2 - 1 + 4);
	bw_bait_book_release(&book);
	bw_bait_folders_release(&folders);
}

static void there_is_one_for_fifty_files_and_no_more_than_sixty_four(void **state)
{
	(void)state;
	assert_int_equal(bw_bait_quota(49), 0);
	assert_int_equal(bw_bait_quota(50), 1);
	assert_int_equal(bw_bait_quota(1000 * 1000), BW_BAITS_A_TREE);
}

static void a_path_below_a_folder_is_told_from_one_beside_it(void **state)
{
	(void)state;
	assert_true(bw_bait_is_below(BW_LIT("/srv/a/b"), BW_LIT("/srv/a")));
	assert_true(bw_bait_is_below(BW_LIT("/srv/a"), BW_LIT("/srv/a")));
	assert_true(bw_bait_is_below(BW_LIT("/srv"), BW_LIT("/")));
	assert_false(bw_bait_is_below(BW_LIT("/srv/ab"), BW_LIT("/srv/a")));
	assert_true(bw_slice_is(bw_bait_folder_of(BW_LIT("/srv/a/b")), "/srv/a"));
	assert_true(bw_slice_is(bw_bait_folder_of(BW_LIT("/b")), "/"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_the_last_the_largest_and_the_deepest_folder_get_bait),
		cmocka_unit_test(a_folder_that_has_bait_or_threw_it_away_gets_none),
		cmocka_unit_test(there_is_one_for_fifty_files_and_no_more_than_sixty_four),
		cmocka_unit_test(a_path_below_a_folder_is_told_from_one_beside_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
