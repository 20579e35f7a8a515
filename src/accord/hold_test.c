#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "accord/hold.h"
#include "base/test.h"
#include "sys/files.h"

struct fixture {
	char data[64];
	struct bw_arena arena;
	struct bw_why why;
};

static const struct bw_slice accord = { (const uint8_t *)"uk-us", 5 };

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)snprintf(f->data, sizeof(f->data), "/tmp/breakwater-hold-XXXXXX");
	assert_non_null(mkdtemp(f->data));
	f->arena = BW_ARENA_INIT(64 * BW_MIB);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	(void)nftw(f->data, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	bw_arena_release(&f->arena);
	free(f);
	return 0;
}

static void put(struct fixture *f, const char *id, const char *version, int64_t since)
{
	const struct bw_held_object held = { .id = bw_slice_text(id),
					     .version = bw_slice_text(version),
					     .date_added_us = since + 1,
					     .since_us = since,
					     .words = BW_LIT("telephone number in description\nand more") };

	assert_ok(bw_hold_put(f->data, accord, &held, &f->why));
}

static size_t list(struct fixture *f, struct bw_held_object **out)
{
	size_t count;

	assert_ok(bw_hold_list(f->data, accord, &f->arena, out, &count, &f->why));
	return count;
}

static void who_waits_longest_stands_first_and_each_waits_once(void **state)
{
	struct fixture *f = *state;
	struct bw_held_object *held;

	assert_int_equal(list(f, &held), 0);
	put(f, "malware--1", "v1", 300);
	put(f, "malware--2", "v1", 100);
	put(f, "malware--1", "v1", 999);
	put(f, "malware--1", "v2", 200);
	assert_int_equal(list(f, &held), 3);
	assert_slice(held[0].id, "malware--2");
	assert_slice(held[1].version, "v2");
	assert_int_equal(held[2].since_us, 300);
	assert_int_equal(held[2].date_added_us, 301);
	assert_slice(held[0].words, "telephone number in description\nand more");
	assert_int_equal(held[0].answer, BW_HELD_WAITS);
}

static void an_answer_is_for_one_version_and_given_once(void **state)
{
	struct fixture *f = *state;
	struct bw_held_object *held;
	struct bw_held_object found;

	put(f, "malware--1", "v1", 100);
	put(f, "malware--1", "v2", 200);
	assert_int_equal(list(f, &held), 2);
	assert_ok(bw_hold_answer(f->data, accord, held[0].key, BW_HELD_RELEASED, BW_LIT("ann"), BW_LIT("a test number"),
				 &f->why));
	assert_int_equal(
		bw_hold_answer(f->data, accord, held[0].key, BW_HELD_REFUSED, BW_LIT("bob"), BW_LIT("no"), &f->why),
		BW_ERR_EXISTS);
	held[0].key[8] = '\0';
	assert_ok(bw_hold_find(f->data, accord, held[0].key, &f->arena, &found, &f->why));
	assert_int_equal(found.answer, BW_HELD_RELEASED);
	assert_slice(found.who, "ann");
	assert_slice(found.reason, "a test number");
	assert_ok(bw_hold_done(f->data, accord, found.key, &f->why));
	assert_int_equal(list(f, &held), 1);
	assert_slice(held[0].version, "v2");
	assert_int_equal(held[0].answer, BW_HELD_WAITS);
	assert_int_equal(bw_hold_find(f->data, accord, "00000000", &f->arena, &found, &f->why), BW_ERR_NOT_FOUND);
	assert_int_equal(bw_hold_find(f->data, accord, "", &f->arena, &found, &f->why), BW_ERR_NOT_FOUND);
}

static void no_other_folder_can_be_named(void **state)
{
	struct fixture *f = *state;
	struct bw_held_object *held;
	size_t count;

	assert_int_equal(bw_hold_list(f->data, BW_LIT("../../etc"), &f->arena, &held, &count, &f->why),
			 BW_ERR_NOT_FOUND);
	assert_int_equal(bw_hold_list(f->data, BW_LIT(""), &f->arena, &held, &count, &f->why), BW_ERR_NOT_FOUND);
}

static void a_damaged_file_hides_nothing_else(void **state)
{
	struct fixture *f = *state;
	struct bw_held_object *held;
	char path[BW_PATH_BYTES];

	put(f, "malware--1", "v1", 100);
	put(f, "malware--2", "v1", 200);
	assert_int_equal(list(f, &held), 2);
	(void)snprintf(path, sizeof(path), "%s/accord/out/uk-us/held/%s", f->data, held[0].key);
	assert_ok(bw_file_write(path, BW_LIT("BWHELD1\nno more"), 0600, NULL));
	assert_int_equal(list(f, &held), 1);
	assert_slice(held[0].id, "malware--2");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_waits_longest_stands_first_and_each_waits_once),
		TEST(an_answer_is_for_one_version_and_given_once),
		TEST(no_other_folder_can_be_named),
		TEST(a_damaged_file_hides_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
