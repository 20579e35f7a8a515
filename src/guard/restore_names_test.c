/* Files with several names, on the file system of the temporary folder. */
#include "guard/restore_plan.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test.h"
#include "guard/gather.h"
#include "sys/clock.h"

struct fixture {
	char dir[64];
	struct bw_volume volume;
	struct bw_shadow *shadow; /* the writer */
	struct bw_restore_plan plan;
	struct bw_shelf_key key;
	uint32_t folder; /* DIR/share, and DIR/share/deep */
	uint32_t deep;
};

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

static uint32_t put_folder(struct fixture *f, const char *path)
{
	const struct bw_shelf_folder folder = { .path = bw_slice_text(path), .handle = bw_slice_empty };
	uint32_t number = 0;

	assert_int_equal(mkdirat(f->volume.root, path, 0755), 0);
	assert_ok(bw_shelf_folder_put(bw_shadow_shelf(f->shadow), &folder, &number));
	return number;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/breakwater-names-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->volume = (struct bw_volume){ .root = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	(void)snprintf(f->volume.mount, sizeof(f->volume.mount), "%s", f->dir);
	assert_ok(bw_path_join(f->volume.store, f->dir, BW_SHADOW_FOLDER));
	assert_ok(bw_shadow_create(&f->volume, NULL));
	assert_ok(bw_shadow_open(&f->volume, false, &f->shadow, NULL));
	f->key = (struct bw_shelf_key){ .ino = 7 };
	f->folder = put_folder(f, "share");
	f->deep = put_folder(f, "share/deep");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	bw_restore_plan_release(&f->plan);
	bw_shadow_close(f->shadow);
	bw_volume_release(&f->volume);
	(void)nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

/* "share/one", kept and pinned, and linked as "share/deep/two". */
static void keep_two(struct fixture *f)
{
	struct bw_take take = { .key = { .ino = f->key.ino }, .folder = f->folder, .name = BW_LIT("one") };
	struct bw_taken taken;
	const int fd = openat(f->volume.root, "share/one", O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "two names", 9), 9);
	take.fd = fd;
	assert_ok(bw_shadow_take(f->shadow, &take, &taken));
	assert_ok(bw_shelf_pin(bw_shadow_shelf(f->shadow), taken.version, 42));
	(void)close(fd);
	assert_int_equal(linkat(f->volume.root, "share/one", f->volume.root, "share/deep/two", 0), 0);
	assert_ok(bw_shelf_name_put(bw_shadow_shelf(f->shadow), &f->key, f->deep, BW_LIT("two"), bw_clock_now_us()));
	assert_ok(bw_shadow_commit(f->shadow));
}

static void remove_all(struct fixture *f)
{
	assert_int_equal(unlinkat(f->volume.root, "share/one", 0), 0);
	assert_int_equal(unlinkat(f->volume.root, "share/deep/two", 0), 0);
	assert_int_equal(unlinkat(f->volume.root, "share/deep", AT_REMOVEDIR), 0);
	assert_ok(bw_shelf_rename(bw_shadow_shelf(f->shadow), &f->key, 0, bw_slice_empty, bw_clock_now_us()));
	assert_ok(bw_shadow_commit(f->shadow));
}

static void run(struct fixture *f)
{
	struct bw_ledger_restored sum;

	assert_ok(bw_restore_plan_run(&f->plan, false, NULL, NULL, NULL));
	bw_restore_plan_check(&f->plan, NULL, NULL);
	bw_restore_plan_sum(&f->plan, &sum);
	assert_int_equal(sum.failed, 0);
}

static struct stat look(struct fixture *f, const char *path)
{
	struct stat status = { 0 };

	(void)fstatat(f->volume.root, path, &status, 0);
	return status;
}

static void assert_one_file(struct fixture *f)
{
	const struct stat one = look(f, "share/one");
	const struct stat two = look(f, "share/deep/two");

	assert_int_equal(one.st_nlink, 2);
	assert_int_equal(one.st_size, 9);
	assert_int_equal(one.st_ino, two.st_ino);
}

static void open_plan(struct fixture *f)
{
	assert_ok(bw_restore_plan_open(&f->plan, &f->volume, 1, NULL));
}

static void all_names_of_a_file_that_an_incident_removed_come_back_as_one_file(void **state)
{
	struct fixture *f = *state;
	struct bw_traced traced = { .what = BW_TRACED_REMOVED, .file = { .ino = 7 } };
	const uint64_t incident = 42;

	keep_two(f);
	traced.first_us = traced.last_us = bw_clock_now_us();
	remove_all(f);
	open_plan(f);
	assert_ok(bw_restore_plan_traced(&f->plan, &traced));
	assert_ok(bw_restore_plan_incidents(&f->plan, &incident, 1, NULL));
	run(f);
	assert_one_file(f);
}

static void a_tree_gets_the_names_its_files_had_then_and_no_other(void **state)
{
	struct fixture *f = *state;
	struct bw_shelf *shelf = bw_shadow_shelf(f->shadow);
	char path[BW_PATH_BYTES];
	int64_t then_us;

	keep_two(f);
	then_us = bw_clock_now_us();
	assert_ok(bw_shelf_name_put(shelf, &f->key, f->folder, BW_LIT("later"), then_us + 1));
	remove_all(f);
	open_plan(f);
	assert_ok(bw_path_join(path, f->dir, "share"));
	assert_ok(bw_restore_plan_tree(&f->plan, path, then_us, NULL));
	run(f);
	assert_one_file(f);
	assert_int_equal(look(f, "share/later").st_ino, 0);
}

static void a_name_that_another_file_bears_now_is_linked_as_well(void **state)
{
	struct fixture *f = *state;
	char path[BW_PATH_BYTES];
	int64_t then_us;

	keep_two(f);
	then_us = bw_clock_now_us();
	remove_all(f);
	(void)mkdirat(f->volume.root, "share/deep", 0755);
	(void)close(openat(f->volume.root, "share/deep/two", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	open_plan(f);
	assert_ok(bw_path_join(path, f->dir, "share"));
	assert_ok(bw_restore_plan_tree(&f->plan, path, then_us, NULL));
	run(f);
	assert_one_file(f);
}

static enum bw_err count_name(void *context, const struct bw_shelf_name *name)
{
	size_t *count = context;

	(void)name;
	++*count;
	return BW_OK;
}

static size_t names_now(struct fixture *f)
{
	size_t count = 0;

	assert_ok(bw_shelf_names(bw_shadow_shelf(f->shadow), &f->key, bw_clock_now_us(), count_name, &count));
	return count;
}

static void a_walk_notes_which_names_went_while_nobody_looked(void **state)
{
	struct fixture *f = *state;
	struct bw_take take = { .folder = f->folder, .name = BW_LIT("one") };
	struct bw_taken taken;

	take.fd = openat(f->volume.root, "share/one", O_RDONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(take.fd >= 0);
	if (bw_volume_key(&f->volume, take.fd, &take.key) != BW_OK) {
		(void)close(take.fd);
		print_message("skipped: this file system has no handles\n");
		skip();
	}
	f->key = (struct bw_shelf_key){ take.key.ino, take.key.tree, take.key.gen };
	assert_ok(bw_shadow_take(f->shadow, &take, &taken));
	(void)close(take.fd);
	assert_ok(bw_shelf_name_put(bw_shadow_shelf(f->shadow), &f->key, f->deep, BW_LIT("two"), 1));
	assert_int_equal(names_now(f), 2);
	assert_ok(bw_gather_names(bw_shadow_shelf(f->shadow), &f->volume));
	assert_int_equal(names_now(f), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_names_of_a_file_that_an_incident_removed_come_back_as_one_file,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_tree_gets_the_names_its_files_had_then_and_no_other, setup, teardown),
		cmocka_unit_test_setup_teardown(a_name_that_another_file_bears_now_is_linked_as_well, setup, teardown),
		cmocka_unit_test_setup_teardown(a_walk_notes_which_names_went_while_nobody_looked, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
