#include "accord/slate.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/test.h"

static char folder[] = "/tmp/slate-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/slate", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static int remove_file(void **state)
{
	(void)state;
	(void)unlink(path);
	return 0;
}

static struct bw_hash root_of(uint8_t n)
{
	struct bw_hash root;

	memset(root.bytes, n, sizeof(root.bytes));
	return root;
}

static struct bw_slate *open_slate(int *fd)
{
	struct bw_slate *slate = NULL;

	assert_ok(bw_slate_file(path, fd, NULL));
	assert_ok(bw_slate_open(*fd, &slate));
	return slate;
}

static void close_slate(struct bw_slate *slate, int fd)
{
	bw_slate_free(slate);
	(void)close(fd);
}

static void assert_at(const struct bw_slate *slate, const char *name, uint64_t size, uint8_t root)
{
	const struct bw_hash wanted = root_of(root);
	struct bw_hash found;
	uint64_t there;

	assert_ok(bw_slate_get(slate, bw_slice_text(name), &there, &found));
	assert_int_equal(there, size);
	assert_true(bw_hash_equals(&found, &wanted));
}

static void what_was_put_is_there_after_another_opening(void **state)
{
	const struct bw_hash empty = bw_hash_empty();
	struct bw_hash root = root_of(1);
	struct bw_slate *slate;
	uint64_t size;
	int fd;

	(void)state;
	slate = open_slate(&fd);
	assert_ok(bw_slate_get(slate, BW_LIT("a"), &size, &root));
	assert_int_equal(size, 0);
	assert_true(bw_hash_equals(&root, &empty));
	for (uint8_t i = 1; i <= 5; i++) {
		root = root_of(i);
		assert_ok(bw_slate_put(slate, BW_LIT("a"), i, &root));
		if (i % 2 == 1)
			assert_ok(bw_slate_put(slate, BW_LIT("b"), 10 * (uint64_t)i, &root));
		close_slate(slate, fd);
		slate = open_slate(&fd);
		assert_at(slate, "a", i, i);
		assert_at(slate, "b", 10 * (uint64_t)(i - (i + 1) % 2), (uint8_t)(i - (i + 1) % 2));
	}
	close_slate(slate, fd);
}

static void nothing_goes_back_and_no_size_has_two_roots(void **state)
{
	const struct bw_hash one = root_of(1);
	const struct bw_hash two = root_of(2);
	struct bw_slate *slate;
	int fd;

	(void)state;
	slate = open_slate(&fd);
	assert_ok(bw_slate_put(slate, BW_LIT("a"), 7, &one));
	assert_int_equal(bw_slate_put(slate, BW_LIT("a"), 6, &two), BW_ERR_ROLLBACK);
	assert_int_equal(bw_slate_put(slate, BW_LIT("a"), 7, &two), BW_ERR_SPLIT_VIEW);
	assert_ok(bw_slate_put(slate, BW_LIT("a"), 7, &one));
	assert_at(slate, "a", 7, 1);
	close_slate(slate, fd);
}

/* Whoever forgets what he signed may sign a fork: damage is no earlier state. */
static void a_damaged_slot_is_refused_wherever_it_is(void **state)
{
	const struct bw_hash one = root_of(1);
	const struct bw_hash two = root_of(2);
	struct bw_slate *slate;
	int fd;

	(void)state;
	slate = open_slate(&fd);
	assert_ok(bw_slate_put(slate, BW_LIT("a"), 1, &one));
	assert_ok(bw_slate_put(slate, BW_LIT("a"), 2, &two));
	bw_slate_free(slate);
	for (off_t at = 128; at < 128 + 2 * 128; at++) {
		uint8_t byte;

		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 1;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		assert_int_equal(bw_slate_open(fd, &slate), BW_ERR_CORRUPT);
		byte ^= 1;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	assert_ok(bw_slate_open(fd, &slate));
	assert_at(slate, "a", 2, 2);
	close_slate(slate, fd);
}

static void a_file_of_something_else_is_no_slate(void **state)
{
	struct bw_slate *slate;
	uint8_t bytes[256] = "BWOTHER1";
	const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(bw_slate_open(fd, &slate), BW_ERR_VERSION);
	assert_int_equal(pwrite(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
	assert_int_equal(bw_slate_open(fd, &slate), BW_ERR_VERSION);
	memcpy(bytes, "BWSLATE1", 8);
	assert_int_equal(pwrite(fd, bytes, 200, 0), 200);
	assert_int_equal(ftruncate(fd, 200), 0);
	assert_int_equal(bw_slate_open(fd, &slate), BW_ERR_CORRUPT);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(what_was_put_is_there_after_another_opening, remove_file),
		cmocka_unit_test_teardown(nothing_goes_back_and_no_size_has_two_roots, remove_file),
		cmocka_unit_test_teardown(a_damaged_slot_is_refused_wherever_it_is, remove_file),
		cmocka_unit_test_teardown(a_file_of_something_else_is_no_slate, remove_file),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
