/*
 * On the file system of the temporary folder; the stories do the same on ext4,
 * XFS and Btrfs of their own.
 */
#include "guard/shadow_in_tests.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "guard/meta.h"

static void fetch(struct fixture *f, uint64_t number, struct bw_buf *out, struct bw_meta *meta)
{
	static struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	struct bw_shelf_version version;
	const int fd = openat(f->volume.root, "back", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	bw_arena_reset(&arena);
	assert_true(fd >= 0);
	assert_ok(bw_shelf_get(bw_shadow_shelf(f->shadow), number, &arena, &version));
	assert_ok(bw_shadow_fetch(f->shadow, &version, fd, NULL));
	assert_ok(bw_meta_parse(version.meta, meta));
	assert_ok(bw_meta_apply(fd, meta, NULL));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	bw_buf_clear(out);
	assert_ok(bw_file_read_fd(fd, "back", out, NULL));
	(void)close(fd);
}

static void a_small_file_comes_back_as_it_was_after_it_was_overwritten(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf back = BW_BUF_INIT(BW_MIB);
	struct fixture *f = *state;
	const int fd = shadow_file(f, "a", "first words", 11);
	const struct bw_taken taken = shadow_take(f, fd, 7);
	struct bw_meta meta;

	assert_true(taken.in_pack);
	assert_slice(taken.content, "first words");
	assert_int_equal(pwrite(fd, "XXXXXXXXXXXXXXX", 15, 0), 15);
	fetch(f, taken.version, &back, &meta);
	assert_slice(bw_buf_slice(&back), "first words");
	assert_int_equal(meta.mode & 07777, 0640);
	(void)close(fd);
}

static void a_large_file_comes_back_after_it_was_truncated(void **state)
{
	enum { LEN = 3 * 1024 * 1024 + 17 };
	BW_CLEANUP(bw_buf_release) struct bw_buf back = BW_BUF_INIT(8 * BW_MIB);
	struct fixture *f = *state;
	uint8_t *bytes = malloc(LEN);
	struct bw_taken taken;
	struct bw_meta meta;
	int fd;

	assert_non_null(bytes);
	for (size_t i = 0; i < LEN; i++)
		bytes[i] = (uint8_t)(i * i >> 7);
	fd = shadow_file(f, "a", bytes, LEN);
	taken = shadow_take(f, fd, 7);
	assert_false(taken.in_pack);
	assert_int_equal(ftruncate(fd, 0), 0);
	fetch(f, taken.version, &back, &meta);
	assert_true(bw_slice_equals(bw_buf_slice(&back), bw_slice_of(bytes, LEN)));
	(void)close(fd);
	free(bytes);
}

static void holes_stay_holes(void **state)
{
	static struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	struct fixture *f = *state;
	const int fd = shadow_file(f, "sparse", "x", 1);
	struct bw_shelf_version version;
	struct bw_taken taken;

	assert_int_equal(ftruncate(fd, (off_t)4 * 1024 * 1024 * 1024), 0);
	assert_int_equal(pwrite(fd, "end", 3, (off_t)3 * 1024 * 1024 * 1024), 3);
	taken = shadow_take(f, fd, 7);
	assert_ok(bw_shelf_get(bw_shadow_shelf(f->shadow), taken.version, &arena, &version));
	assert_true(version.kept_bytes < BW_MIB);
	assert_int_equal(version.size, (uint64_t)4 * 1024 * 1024 * 1024);
	(void)close(fd);
}

/* Else a user fills the room for copies with files that cost nothing. */
static void a_small_file_of_holes_takes_no_room_for_them(void **state)
{
	static struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	BW_CLEANUP(bw_buf_release) struct bw_buf back = BW_BUF_INIT(BW_MIB);
	struct fixture *f = *state;
	const int fd = shadow_file(f, "hollow", "first", 5);
	const struct bw_take what = { .fd = fd, .key = { .ino = 7 }, .folder = f->folder, .name = BW_LIT("name") };
	struct bw_shelf_version version;
	struct bw_shadow_wish wish;
	struct bw_taken taken;
	struct bw_meta meta;

	assert_int_equal(ftruncate(fd, BW_PACK_CONTENT_MAX), 0);
	if (lseek(fd, 0, SEEK_HOLE) == BW_PACK_CONTENT_MAX)
		skip_because("no holes on this file system");
	assert_ok(bw_shadow_wish(f->shadow, &what, &wish));
	assert_int_equal(wish.objects, 1);
	assert_int_equal(wish.owner, getuid() + 1);
	taken = shadow_take(f, fd, 7);
	assert_false(taken.in_pack);
	assert_ok(bw_shelf_get(bw_shadow_shelf(f->shadow), taken.version, &arena, &version));
	assert_true(version.kept_bytes <= wish.bytes && wish.bytes < BW_PACK_CONTENT_MAX / 2);
	fetch(f, taken.version, &back, &meta);
	assert_int_equal(back.len, BW_PACK_CONTENT_MAX);
	assert_memory_equal(back.ptr, "first\0", 6);
	(void)close(fd);
}

static void attributes_and_times_come_back(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf back = BW_BUF_INIT(BW_MIB);
	const struct timespec times[2] = { { 1000, 5 }, { 2000, 123456789 } };
	struct fixture *f = *state;
	const int fd = shadow_file(f, "a", "x", 1);
	struct bw_taken taken;
	struct bw_meta meta;
	struct stat status;
	char value[8];
	int again;

	if (fsetxattr(fd, "user.note", "hello", 5, 0) != 0 && errno == ENOTSUP)
		skip_because("a temporary folder without extended attributes");
	assert_int_equal(futimens(fd, times), 0);
	taken = shadow_take(f, fd, 7);
	fetch(f, taken.version, &back, &meta);
	again = openat(f->volume.root, "back", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fgetxattr(again, "user.note", value, sizeof(value)), 5);
	assert_memory_equal(value, "hello", 5);
	assert_int_equal(fstat(again, &status), 0);
	assert_int_equal(status.st_mtim.tv_sec, 2000);
	assert_int_equal(status.st_mtim.tv_nsec, 123456789);
	(void)close(again);
	(void)close(fd);
}

static void what_was_committed_survives_and_what_was_not_leaves_no_trace(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf back = BW_BUF_INIT(BW_MIB);
	struct fixture *f = *state;
	const int fd = shadow_file(f, "a", "kept", 4);
	const struct bw_taken kept = shadow_take(f, fd, 7);
	struct bw_taken again;
	struct bw_meta meta;

	assert_ok(bw_shadow_sync(f->shadow));
	assert_int_equal(pwrite(fd, "lost", 4, 0), 4);
	(void)shadow_take(f, fd, 7);
	shadow_reopen(f);
	again = shadow_take(f, fd, 7); /* the number and the place in the pack are used again, without harm */
	fetch(f, kept.version, &back, &meta);
	assert_slice(bw_buf_slice(&back), "kept");
	fetch(f, again.version, &back, &meta);
	assert_slice(bw_buf_slice(&back), "lost");
	(void)close(fd);
}

static void wait_for_sync(struct fixture *f, int wake)
{
	bool busy = true;

	while (busy) {
		struct pollfd wanted = { wake, POLLIN, 0 };
		uint64_t count;

		assert_int_equal(poll(&wanted, 1, -1), 1);
		assert_int_equal(read(wake, &count, sizeof(count)), sizeof(count));
		assert_ok(bw_shadow_sync_go_on(f->shadow, &busy));
	}
}

static uint64_t synced(struct fixture *f)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(32);

	assert_ok(bw_shelf_setting_get(bw_shadow_shelf(f->shadow), "synced", &text));
	return strtoull(bw_buf_text(&text), NULL, 10);
}

static void a_sync_goes_on_beside_the_taking_and_counts_only_what_was_taken_before_it(void **state)
{
	static uint8_t large[300 * 1024];
	struct fixture *f = *state;
	const int wake = eventfd(0, EFD_CLOEXEC);
	const int small_fd = shadow_file(f, "a", "first", 5);
	const int large_fd = shadow_file(f, "b", large, sizeof(large));
	const struct bw_taken first = shadow_take(f, large_fd, 7);
	struct bw_taken second;
	bool busy = true;

	assert_ok(bw_shadow_sync_go_on(f->shadow, &busy));
	assert_false(busy);
	assert_ok(bw_shadow_sync_begin(f->shadow, wake));
	assert_int_equal(bw_shadow_sync_begin(f->shadow, wake), BW_ERR_BUSY);
	second = shadow_take(f, small_fd, 8);
	assert_ok(bw_shadow_commit(f->shadow));
	wait_for_sync(f, wake);
	assert_int_equal(synced(f), first.version);
	assert_ok(bw_shadow_sync_begin(f->shadow, wake));
	wait_for_sync(f, wake);
	assert_int_equal(synced(f), second.version);
	(void)close(small_fd);
	(void)close(large_fd);
	(void)close(wake);
}

static void a_sync_that_is_under_way_is_waited_for(void **state)
{
	struct fixture *f = *state;
	const int wake = eventfd(0, EFD_CLOEXEC);
	const int fd = shadow_file(f, "a", "kept", 4);
	const struct bw_taken first = shadow_take(f, fd, 7);
	struct bw_taken second;
	bool busy = true;

	assert_ok(bw_shadow_sync_begin(f->shadow, wake));
	second = shadow_take(f, fd, 8);
	assert_ok(bw_shadow_drop(f->shadow, &first.version, 1)); /* for good when it returns */
	assert_int_equal(synced(f), second.version);
	assert_ok(bw_shadow_sync_go_on(f->shadow, &busy));
	assert_false(busy);
	(void)shadow_take(f, fd, 9);
	assert_ok(bw_shadow_sync_begin(f->shadow, -1)); /* and a store may be closed meanwhile */
	shadow_reopen(f);
	(void)close(fd);
	(void)close(wake);
}

static void a_dropped_version_frees_its_object(void **state)
{
	struct fixture *f = *state;
	static uint8_t bytes[300 * 1024];
	const int fd = shadow_file(f, "a", bytes, sizeof(bytes));
	const struct bw_taken taken = shadow_take(f, fd, 7);
	struct bw_shelf_totals totals;

	assert_ok(bw_shadow_commit(f->shadow));
	assert_ok(bw_shadow_drop(f->shadow, &taken.version, 1));
	assert_ok(bw_shelf_totals(bw_shadow_shelf(f->shadow), &totals));
	assert_int_equal(totals.versions, 0);
	assert_int_equal(totals.kept_bytes, 0);
	(void)close(fd);
}

static void a_second_writer_is_kept_out_and_a_reader_is_not(void **state)
{
	struct fixture *f = *state;
	struct bw_shadow *other = NULL;

	assert_int_equal(bw_shadow_open(&f->volume, false, &other, NULL), BW_ERR_BUSY);
	assert_ok(bw_shadow_open(&f->volume, true, &other, NULL));
	bw_shadow_close(other);
}

static void a_store_others_may_enter_is_refused(void **state)
{
	struct fixture *f = *state;
	struct bw_shadow *other = NULL;

	assert_int_equal(chmod(f->volume.store, 0755), 0);
	assert_int_equal(bw_shadow_open(&f->volume, true, &other, NULL), BW_ERR_DENIED);
	assert_int_equal(chmod(f->volume.store, 0700), 0);
}

static void a_symbolic_link_is_kept_as_its_target(void **state)
{
	static struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	struct fixture *f = *state;
	struct bw_shelf_version version;
	struct bw_meta meta;
	struct bw_taken taken;
	int fd;

	assert_int_equal(symlinkat("/etc/passwd", f->volume.root, "link"), 0);
	fd = openat(f->volume.root, "link", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	assert_true(fd >= 0);
	taken = shadow_take(f, fd, 9);
	assert_ok(bw_shelf_get(bw_shadow_shelf(f->shadow), taken.version, &arena, &version));
	assert_ok(bw_meta_parse(version.meta, &meta));
	assert_slice(meta.target, "/etc/passwd");
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_small_file_comes_back_as_it_was_after_it_was_overwritten,
						shadow_setup, shadow_teardown),
		cmocka_unit_test_setup_teardown(a_large_file_comes_back_after_it_was_truncated, shadow_setup,
						shadow_teardown),
		cmocka_unit_test_setup_teardown(holes_stay_holes, shadow_setup, shadow_teardown),
		cmocka_unit_test_setup_teardown(a_small_file_of_holes_takes_no_room_for_them, shadow_setup,
						shadow_teardown),
		cmocka_unit_test_setup_teardown(attributes_and_times_come_back, shadow_setup, shadow_teardown),
		cmocka_unit_test_setup_teardown(what_was_committed_survives_and_what_was_not_leaves_no_trace,
						shadow_setup, shadow_teardown),
		cmocka_unit_test_setup_teardown(
			a_sync_goes_on_beside_the_taking_and_counts_only_what_was_taken_before_it, shadow_setup,
			shadow_teardown),
		cmocka_unit_test_setup_teardown(a_sync_that_is_under_way_is_waited_for, shadow_setup, shadow_teardown),
		cmocka_unit_test_setup_teardown(a_dropped_version_frees_its_object, shadow_setup, shadow_teardown),
		cmocka_unit_test_setup_teardown(a_second_writer_is_kept_out_and_a_reader_is_not, shadow_setup,
						shadow_teardown),
		cmocka_unit_test_setup_teardown(a_store_others_may_enter_is_refused, shadow_setup, shadow_teardown),
		cmocka_unit_test_setup_teardown(a_symbolic_link_is_kept_as_its_target, shadow_setup, shadow_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
