#include "store/shelf.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test.h"

struct fixture {
	char path[64];
	struct bw_shelf *shelf;
	uint32_t folder;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct bw_shelf_folder folder = { .path = BW_LIT("homes"), .handle = BW_LIT("12345678") };

	assert_non_null(f);
	(void)snprintf(f->path, sizeof(f->path), "/tmp/breakwater-share-%d.db", getpid());
	(void)unlink(f->path);
	assert_ok(bw_shelf_create(f->path, NULL));
	assert_ok(bw_shelf_open(f->path, false, &f->shelf, NULL));
	assert_ok(bw_shelf_folder_put(f->shelf, &folder, &f->folder));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	assert_ok(bw_shelf_commit(f->shelf));
	assert_ok(bw_shelf_verify(f->shelf, NULL));
	bw_shelf_close(f->shelf);
	(void)unlink(f->path);
	free(f);
	return 0;
}

static uint64_t add(struct fixture *f, uint64_t ino, uint32_t pack, enum bw_shelf_state state)
{
	struct bw_shelf_version version = { .key = { .ino = ino },
					    .folder = f->folder,
					    .name = BW_LIT("name"),
					    .taken_us = 1,
					    .pack = pack,
					    .kept_bytes = 10,
					    .kind = S_IFREG,
					    .actor = (uint32_t)ino + 100,
					    .state = state };

	assert_ok(bw_shelf_add(f->shelf, &version));
	return version.number;
}

struct seen {
	uint64_t numbers[8];
	size_t count;
	size_t objects;
};

static enum bw_err see(void *context, const struct bw_shelf_standing *standing)
{
	struct seen *seen = context;

	assert_true(seen->count < BW_COUNT(seen->numbers));
	assert_int_equal(standing->actor, standing->key.ino + 100);
	assert_int_equal(standing->kept_bytes, 10);
	seen->numbers[seen->count++] = standing->number;
	seen->objects += standing->is_object ? 1 : 0;
	return BW_OK;
}

static void what_stands_is_the_newest_good_version_of_each_file_that_exists(void **state)
{
	struct fixture *f = *state;
	const uint64_t old = add(f, 1, 1, BW_SHELF_GOOD);
	const uint64_t mark = add(f, 2, 1, BW_SHELF_GOOD);
	const uint64_t next = add(f, 1, 1, BW_SHELF_GOOD);
	const uint64_t object = add(f, 3, 0, BW_SHELF_GOOD);
	const struct bw_shelf_key gone = { .ino = 4 };
	struct seen seen = { .count = 0 };

	(void)add(f, 2, 1, BW_SHELF_DOUBTFUL);
	(void)add(f, 4, 1, BW_SHELF_GOOD);
	assert_ok(bw_shelf_rename(f->shelf, &gone, 0, bw_slice_empty, 5));
	assert_ok(bw_shelf_standing(f->shelf, mark, see, &seen));
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.numbers[0], object);
	assert_int_equal(seen.numbers[1], next);
	assert_int_equal(seen.objects, 1);
	seen.count = 0;
	assert_ok(bw_shelf_standing(f->shelf, old - 1, see, &seen));
	assert_int_equal(seen.count, 3);
	assert_int_equal(seen.numbers[2], mark);
}

static void the_good_version_before_is_found_past_doubtful_ones(void **state)
{
	struct fixture *f = *state;
	const uint64_t first = add(f, 1, 1, BW_SHELF_GOOD);
	const uint64_t doubtful = add(f, 1, 1, BW_SHELF_DOUBTFUL);
	const uint64_t last = add(f, 1, 1, BW_SHELF_GOOD);
	uint64_t file = 0;
	uint64_t found = 0;

	assert_ok(bw_shelf_last_file(f->shelf, &file));
	assert_int_equal(file, 1);
	assert_ok(bw_shelf_good_before(f->shelf, file, last, &found));
	assert_int_equal(found, first);
	assert_true(doubtful > found);
	assert_int_equal(bw_shelf_good_before(f->shelf, file, first, &found), BW_ERR_NOT_FOUND);
}

static void without_files_none_came_last(void **state)
{
	struct fixture *f = *state;
	uint64_t file = 7;

	assert_ok(bw_shelf_last_file(f->shelf, &file));
	assert_int_equal(file, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_stands_is_the_newest_good_version_of_each_file_that_exists, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_good_version_before_is_found_past_doubtful_ones, setup, teardown),
		cmocka_unit_test_setup_teardown(without_files_none_came_last, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
