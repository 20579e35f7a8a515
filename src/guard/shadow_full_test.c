/*
 * A shadow store that finds no room. The C library's pwrite is replaced for the whole program, SQLite and all, under
 * both of its names.
 */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guard/shadow_in_tests.h"

enum { LARGE = 200 * 1024 };

static bool full;

ssize_t write_or_full(int fd, const void *bytes, size_t len, off_t at) __asm__("pwrite");
ssize_t write_or_full_64(int fd, const void *bytes, size_t len, off_t at) __asm__("pwrite64");

ssize_t write_or_full(int fd, const void *bytes, size_t len, off_t at)
{
	if (full) {
		errno = ENOSPC;
		return -1;
	}
	return syscall(SYS_pwrite64, fd, bytes, len, at);
}

ssize_t write_or_full_64(int fd, const void *bytes, size_t len, off_t at)
{
	return write_or_full(fd, bytes, len, at);
}

static off_t size_of(const struct fixture *f, const char *name)
{
	char path[BW_PATH_BYTES];
	struct stat status;

	assert_ok(bw_path_join(path, f->volume.store, name));
	return stat(path, &status) == 0 ? status.st_size : 0;
}

static int setup(void **state)
{
	struct fixture *f;

	assert_int_equal(shadow_setup(state), 0);
	f = *state;
	assert_ok(bw_shelf_hold(bw_shadow_shelf(f->shadow)));
	return 0;
}

static int teardown(void **state)
{
	full = false;
	return shadow_teardown(state);
}

static struct bw_taken take_large(struct fixture *f, const char *name, uint64_t ino)
{
	static uint8_t bytes[LARGE];
	const int fd = shadow_file(f, name, bytes, sizeof(bytes));
	const struct bw_taken taken = shadow_take(f, fd, ino);

	(void)close(fd);
	return taken;
}

static void what_is_set_aside_is_given_up_first(void **state)
{
	struct fixture *f = *state;

	(void)take_large(f, "film", 7);
	bw_shadow_set_aside(f->shadow);
	if (size_of(f, "spare") == 0)
		skip_because("nothing can be set aside on this file system");
	full = true;
	assert_int_equal(bw_shadow_commit(f->shadow), BW_ERR_DISK_FULL);
	assert_int_equal(size_of(f, "spare"), 0);
	full = false;
	assert_ok(bw_shadow_commit(f->shadow));
	assert_int_equal(bw_shelf_held_bytes(bw_shadow_shelf(f->shadow)), 0);
}

static void what_was_taken_waits_for_room(void **state)
{
	struct fixture *f = *state;
	struct bw_shadow *reader = NULL;
	struct bw_shelf_totals totals;

	(void)take_large(f, "film", 7);
	full = true;
	assert_int_equal(bw_shadow_commit(f->shadow), BW_ERR_DISK_FULL);
	full = false;
	(void)take_large(f, "another", 8);
	full = true;
	assert_int_equal(bw_shadow_sync(f->shadow), BW_ERR_DISK_FULL);
	full = false;
	assert_ok(bw_shadow_sync(f->shadow));
	assert_ok(bw_shadow_open(&f->volume, true, &reader, NULL));
	assert_ok(bw_shelf_totals(bw_shadow_shelf(reader), &totals));
	assert_int_equal(totals.versions, 2);
	bw_shadow_close(reader);
}

static void a_forgotten_content_stays_until_that_is_written_down(void **state)
{
	struct fixture *f = *state;
	const struct bw_taken taken = take_large(f, "film", 7);

	assert_ok(bw_shadow_sync(f->shadow));
	full = true;
	assert_int_equal(bw_shadow_drop(f->shadow, &taken.version, 1), BW_ERR_DISK_FULL);
	assert_int_equal(bw_shadow_objects(f->shadow), 1);
	full = false;
	assert_ok(bw_shadow_drop(f->shadow, NULL, 0));
	assert_int_equal(bw_shadow_objects(f->shadow), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_set_aside_is_given_up_first, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_taken_waits_for_room, setup, teardown),
		cmocka_unit_test_setup_teardown(a_forgotten_content_stays_until_that_is_written_down, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
