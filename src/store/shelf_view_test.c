#include "store/shelf_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/test.h"

struct fixture {
	char path[64];
	struct bw_shelf *shelf;
	uint32_t folder;
};

static uint32_t put(struct fixture *f, const char *path)
{
	const struct bw_shelf_folder folder = { .path = bw_slice_text(path), .handle = BW_LIT("12345678") };
	uint32_t number;

	assert_ok(bw_shelf_folder_put(f->shelf, &folder, &number));
	return number;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)snprintf(f->path, sizeof(f->path), "/tmp/breakwater-shelf-view-%d.db", getpid());
	(void)unlink(f->path);
	assert_ok(bw_shelf_create(f->path, NULL));
	assert_ok(bw_shelf_open(f->path, false, &f->shelf, NULL));
	f->folder = put(f, "homes/anna");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	struct fixture *f = *state;
	char path[80];

	assert_ok(bw_shelf_commit(f->shelf));
	bw_shelf_close(f->shelf);
	for (size_t i = 0; i < BW_COUNT(ends); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", f->path, ends[i]);
		(void)unlink(path);
	}
	free(f);
	return 0;
}

static uint64_t add(struct fixture *f, uint64_t ino, uint32_t folder, const char *name, int64_t taken_us,
		    enum bw_shelf_state state)
{
	struct bw_shelf_version version = { .key = { .ino = ino, .gen = 1 },
					    .folder = folder,
					    .name = bw_slice_text(name),
					    .taken_us = taken_us,
					    .size = 10,
					    .pack = 1,
					    .at = 100,
					    .kept_bytes = 10,
					    .state = state,
					    .sum = { 7 },
					    .meta = BW_LIT("meta") };

	assert_ok(bw_shelf_add(f->shelf, &version));
	return version.number;
}

struct seen {
	char text[512];
};

static enum bw_err see_name(void *context, struct bw_slice name, uint64_t version, uint32_t kind)
{
	struct seen *seen = context;
	const size_t len = strlen(seen->text);

	(void)kind;
	(void)snprintf(seen->text + len, sizeof(seen->text) - len, "%.*s:%llu ", BW_ARG(name),
		       (unsigned long long)version);
	return BW_OK;
}

static enum bw_err see_folder(void *context, struct bw_slice name)
{
	struct seen *seen = context;
	const size_t len = strlen(seen->text);

	(void)snprintf(seen->text + len, sizeof(seen->text) - len, "%.*s ", BW_ARG(name));
	return BW_OK;
}

static void assert_names(struct fixture *f, int64_t until_us, const char *text)
{
	struct seen seen = { "" };

	assert_ok(bw_shelf_names_in(f->shelf, f->folder, until_us, see_name, &seen));
	assert_string_equal(seen.text, text);
}

static void a_folder_shows_the_newest_version_of_each_name_by_then(void **state)
{
	struct fixture *f = *state;

	(void)add(f, 7, f->folder, "a", 100, BW_SHELF_GOOD);  /* 1 */
	(void)add(f, 8, f->folder, "b", 110, BW_SHELF_FUZZY); /* 2 */
	(void)add(f, 7, f->folder, "a", 200, BW_SHELF_GOOD);  /* 3 */
	(void)add(f, 7, f->folder, "a", 300, BW_SHELF_DOUBTFUL);
	assert_names(f, 99, "");
	assert_names(f, 150, "a:1 b:2 ");
	assert_names(f, 400, "a:3 b:2 ");
}

static void what_was_removed_or_moved_by_then_is_not_there(void **state)
{
	struct fixture *f = *state;
	const struct bw_shelf_key key = { .ino = 7, .gen = 1 };
	const uint32_t other = put(f, "homes/ben");
	uint64_t version;

	(void)add(f, 7, f->folder, "a", 100, BW_SHELF_GOOD); /* 1 */
	(void)add(f, 8, f->folder, "b", 110, BW_SHELF_GOOD); /* 2 */
	assert_ok(bw_shelf_rename(f->shelf, &key, 0, bw_slice_empty, 150));
	(void)add(f, 8, other, "b", 200, BW_SHELF_GOOD);
	assert_names(f, 149, "a:1 b:2 ");
	assert_names(f, 160, "b:2 ");
	assert_names(f, 250, "");
	assert_ok(bw_shelf_name_in(f->shelf, f->folder, BW_LIT("a"), 149, &version));
	assert_int_equal(version, 1);
	assert_int_equal(bw_shelf_name_in(f->shelf, f->folder, BW_LIT("a"), 150, &version), BW_ERR_NOT_FOUND);
	assert_int_equal(bw_shelf_name_in(f->shelf, f->folder, BW_LIT("c"), 149, &version), BW_ERR_NOT_FOUND);
}

static void a_name_that_another_file_took_shows_who_bore_it_then(void **state)
{
	struct fixture *f = *state;
	const struct bw_shelf_key key = { .ino = 7, .gen = 1 };

	(void)add(f, 7, f->folder, "a", 100, BW_SHELF_GOOD); /* 1 */
	assert_ok(bw_shelf_rename(f->shelf, &key, 0, bw_slice_empty, 150));
	(void)add(f, 9, f->folder, "a", 151, BW_SHELF_GOOD); /* 2 */
	assert_names(f, 120, "a:1 ");
	assert_names(f, 200, "a:2 ");
}

static void folders_are_seen_once_and_by_what_lies_below(void **state)
{
	static const char *const paths[] = { "x/b", "x/b-c", "x/b/d",  "x/b/d/e",        "x/b0", "x/only/on/the/way",
					     "x",   "xy",    "x/\xff", "x/\xff/\xff\xff" };
	struct fixture *f = *state;
	struct seen below = { "" };
	struct seen top = { "" };
	struct seen none = { "" };

	for (size_t i = 0; i < BW_COUNT(paths); i++)
		(void)put(f, paths[i]);
	assert_ok(bw_shelf_folders_in(f->shelf, BW_LIT("x"), see_folder, &below));
	assert_string_equal(below.text, "b b-c b0 only \xff ");
	assert_ok(bw_shelf_folders_in(f->shelf, bw_slice_empty, see_folder, &top));
	assert_string_equal(top.text, "homes x xy ");
	assert_ok(bw_shelf_folders_in(f->shelf, BW_LIT("x/b/d/e"), see_folder, &none));
	assert_string_equal(none.text, "");
	assert_ok(bw_shelf_folder_is(f->shelf, BW_LIT("x/only/on")));
	assert_ok(bw_shelf_folder_is(f->shelf, BW_LIT("x/b")));
	assert_int_equal(bw_shelf_folder_is(f->shelf, BW_LIT("x/onl")), BW_ERR_NOT_FOUND);
}

static void a_folder_whose_name_another_bears_now_is_hidden(void **state)
{
	struct fixture *f = *state;
	struct seen top = { "" };

	(void)put(f, "a/b");
	(void)put(f, "c/b");
	assert_ok(bw_shelf_folder_move(f->shelf, BW_LIT("a"), BW_LIT("c")));
	assert_ok(bw_shelf_folders_in(f->shelf, bw_slice_empty, see_folder, &top));
	assert_string_equal(top.text, "c homes ");
}

static void the_last_time_before_a_time_is_found(void **state)
{
	struct fixture *f = *state;
	int64_t taken;

	assert_int_equal(bw_shelf_taken_until(f->shelf, INT64_MAX, &taken), BW_ERR_NOT_FOUND);
	for (unsigned i = 1; i <= 50; i++)
		(void)add(f, i, f->folder, "a", 10 * (int64_t)i, BW_SHELF_GOOD);
	for (uint64_t number = 11; number < 40; number++)
		assert_ok(bw_shelf_drop(f->shelf, number));
	assert_int_equal(bw_shelf_taken_until(f->shelf, 9, &taken), BW_ERR_NOT_FOUND);
	assert_ok(bw_shelf_taken_until(f->shelf, 10, &taken));
	assert_int_equal(taken, 10);
	assert_ok(bw_shelf_taken_until(f->shelf, 399, &taken));
	assert_int_equal(taken, 100);
	assert_ok(bw_shelf_taken_until(f->shelf, 405, &taken));
	assert_int_equal(taken, 400);
	assert_ok(bw_shelf_taken_until(f->shelf, INT64_MAX, &taken));
	assert_int_equal(taken, 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_folder_shows_the_newest_version_of_each_name_by_then, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_was_removed_or_moved_by_then_is_not_there, setup, teardown),
		cmocka_unit_test_setup_teardown(a_name_that_another_file_took_shows_who_bore_it_then, setup, teardown),
		cmocka_unit_test_setup_teardown(folders_are_seen_once_and_by_what_lies_below, setup, teardown),
		cmocka_unit_test_setup_teardown(a_folder_whose_name_another_bears_now_is_hidden, setup, teardown),
		cmocka_unit_test_setup_teardown(the_last_time_before_a_time_is_found, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
