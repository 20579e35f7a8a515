/*
 * A shadow store that finds no room for the log of its catalogue. The C library's pwrite is replaced for the whole
 * program, SQLite and all, under both of its names.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guard/shadow_in_tests.h"

enum { LARGE = 200 * 1024 };

static bool full;

ssize_t write_or_full(int fd, const void *bytes, size_t len, off_t at) __asm__("pwrite");
ssize_t write_or_full_64(int fd, const void *bytes, size_t len, off_t at) __asm__("pwrite64");

static bool is_log(int fd)
{
	char link[32];
	char path[BW_PATH_BYTES];
	ssize_t len;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path));
	return len > 4 && memcmp(path + len - 4, "-wal", 4) == 0;
}

ssize_t write_or_full(int fd, const void *bytes, size_t len, off_t at)
{
	if (full && is_log(fd)) {
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
	full = false;
	return shadow_setup(state);
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

static void a_store_that_lost_a_content_opens_without_room_and_forgets_it_later(void **state)
{
	struct fixture *f = *state;
	char path[2 * BW_PATH_BYTES];
	struct bw_shelf_totals totals;
	const struct bw_taken taken = take_large(f, "film", 7);

	(void)take_large(f, "another", 8);
	assert_ok(bw_shadow_sync(f->shadow));
	(void)snprintf(path, sizeof(path), "%s/objects/00/%016llx", f->volume.store, (unsigned long long)taken.version);
	assert_int_equal(unlink(path), 0);
	full = true;
	shadow_reopen(f);
	assert_int_equal(bw_shadow_mended(f->shadow)->lost, 1);
	assert_int_equal(bw_shadow_commit(f->shadow), BW_ERR_DISK_FULL);
	full = false;
	assert_ok(bw_shadow_commit(f->shadow));
	assert_ok(bw_shelf_totals(bw_shadow_shelf(f->shadow), &totals));
	assert_int_equal(totals.versions, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_set_aside_is_given_up_first, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_taken_waits_for_room, setup, teardown),
		cmocka_unit_test_setup_teardown(a_forgotten_content_stays_until_that_is_written_down, setup, teardown),
		cmocka_unit_test_setup_teardown(a_store_that_lost_a_content_opens_without_room_and_forgets_it_later,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
