/*
 * What crashes, power cuts and damaged disks leave behind, and packs that are emptied: made by hand here; the stories
 * do it to real processes.
 */
#include "guard/shadow_in_tests.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "guard/meta.h"

static bool is_there(struct fixture *f, uint64_t number, const char *content)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	BW_CLEANUP(bw_buf_release) struct bw_buf back = BW_BUF_INIT(BW_MIB);
	struct bw_shelf_version version;

	if (bw_shelf_get(bw_shadow_shelf(f->shadow), number, &arena, &version) != BW_OK)
		return false;
	assert_ok(bw_shadow_peek(f->shadow, &version, 0, 64, &back));
	assert_slice(bw_slice_sub(bw_buf_slice(&back), 0, strlen(content)), content);
	return true;
}

static uint64_t keep(struct fixture *f, const char *name, uint64_t ino, const char *content)
{
	const int fd = shadow_file(f, name, content, strlen(content));
	const struct bw_taken taken = shadow_take(f, fd, ino);

	(void)close(fd);
	return taken.version;
}

static uint64_t keep_large(struct fixture *f, uint64_t ino)
{
	static uint8_t bytes[300 * 1024] = { 'l', 'a', 'r', 'g', 'e' };
	const int fd = shadow_file(f, "large", bytes, sizeof(bytes));
	const struct bw_taken taken = shadow_take(f, fd, ino);

	(void)close(fd);
	assert_false(taken.in_pack);
	return taken.version;
}

static void in_store(struct fixture *f, char out[BW_PATH_BYTES], const char *name)
{
	assert_ok(bw_path_join(out, f->volume.store, name));
}

static void object_path(struct fixture *f, uint64_t number, char out[BW_PATH_BYTES])
{
	char name[64];

	(void)snprintf(name, sizeof(name), "objects/%02x/%016llx", (unsigned)(number >> 12 & 0xff),
		       (unsigned long long)number);
	in_store(f, out, name);
}

static void set(struct fixture *f, const char *name, const char *value)
{
	assert_ok(bw_shelf_setting_put(bw_shadow_shelf(f->shadow), name, bw_slice_text(value)));
}

/* From here on the store writes to another pack, as if the present one had been full. */
static void begin_pack(struct fixture *f, const char *number)
{
	assert_ok(bw_shadow_sync(f->shadow));
	set(f, "pack", number);
	set(f, "pack_end", "0");
	assert_ok(bw_shelf_sync(bw_shadow_shelf(f->shadow)));
	shadow_reopen(f);
}

/* As if the machine had gone down after the version `synced` had reached the disk. */
static void lose_power(struct fixture *f, const char *synced)
{
	set(f, "machine", "another one");
	set(f, "synced", synced);
	assert_ok(bw_shelf_sync(bw_shadow_shelf(f->shadow)));
	bw_shadow_close(f->shadow);
}

static void damage(const char *path, off_t at)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "\xff", 1, at), 1);
	(void)close(fd);
}

static void objects_and_packs_without_a_row_go_and_what_is_not_ours_stays(void **state)
{
	struct fixture *f = *state;
	const uint64_t large = keep_large(f, 7);
	const uint64_t small = keep(f, "a", 8, "small");
	char orphan[BW_PATH_BYTES];
	char pack[BW_PATH_BYTES];
	char note[BW_PATH_BYTES];

	assert_ok(bw_shadow_sync(f->shadow));
	object_path(f, 77, orphan);
	in_store(f, pack, "packs/00000009.pack");
	in_store(f, note, "objects/00/note");
	assert_true(close(open(orphan, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) == 0);
	assert_true(close(open(pack, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) == 0);
	assert_true(close(open(note, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) == 0);
	shadow_reopen(f);
	assert_int_equal(bw_shadow_mended(f->shadow)->orphans, 1);
	assert_int_equal(bw_shadow_mended(f->shadow)->packs, 1);
	assert_int_equal(bw_shadow_mended(f->shadow)->lost, 0);
	assert_int_equal(bw_shadow_objects(f->shadow), 1);
	assert_int_not_equal(access(orphan, F_OK), 0);
	assert_int_not_equal(access(pack, F_OK), 0);
	assert_int_equal(access(note, F_OK), 0);
	assert_true(is_there(f, large, "large"));
	assert_true(is_there(f, small, "small"));
}

static void rows_whose_content_is_gone_are_forgotten_and_the_rest_stays(void **state)
{
	struct fixture *f = *state;
	const uint64_t in_gone_pack = keep(f, "a", 7, "one");
	uint64_t gone_object;
	uint64_t stays;
	char path[BW_PATH_BYTES];

	begin_pack(f, "2");
	stays = keep(f, "b", 8, "two");
	gone_object = keep_large(f, 9);
	assert_ok(bw_shelf_pin(bw_shadow_shelf(f->shadow), gone_object, 42));
	assert_ok(bw_shadow_sync(f->shadow));
	in_store(f, path, "packs/00000001.pack");
	assert_int_equal(unlink(path), 0);
	object_path(f, gone_object, path);
	assert_int_equal(unlink(path), 0);
	shadow_reopen(f);
	assert_int_equal(bw_shadow_mended(f->shadow)->lost, 2);
	assert_int_equal(bw_shadow_mended(f->shadow)->lost_pinned, 1);
	assert_false(is_there(f, in_gone_pack, ""));
	assert_false(is_there(f, gone_object, ""));
	assert_true(is_there(f, stays, "two"));
}

static void a_pack_that_a_power_cut_left_short_loses_only_what_is_not_there(void **state)
{
	struct fixture *f = *state;
	const uint64_t first = keep(f, "a", 7, "first");
	const uint64_t second = keep(f, "b", 8, "second");
	uint64_t third;
	char path[BW_PATH_BYTES];

	assert_ok(bw_shadow_commit(f->shadow));
	in_store(f, path, "packs/00000001.pack");
	assert_int_equal(truncate(path, BW_PACK_HEAD_BYTES + 5 + BW_PACK_HEAD_BYTES + 3), 0);
	lose_power(f, "0");
	assert_ok(bw_shadow_open(&f->volume, false, &f->shadow, NULL));
	assert_int_equal(bw_shadow_mended(f->shadow)->lost, 1);
	assert_true(is_there(f, first, "first"));
	assert_false(is_there(f, second, ""));
	third = keep(f, "b", 8, "third");
	assert_ok(bw_shadow_sync(f->shadow));
	shadow_reopen(f);
	assert_int_equal(bw_shadow_mended(f->shadow)->lost, 0);
	assert_true(is_there(f, first, "first"));
	assert_true(is_there(f, third, "third"));
}

static void after_a_power_cut_what_was_not_synced_is_not_believed(void **state)
{
	struct fixture *f = *state;
	const uint64_t synced = keep_large(f, 6);
	uint64_t whole;
	uint64_t torn;
	uint64_t object;
	uint64_t pinned;
	char path[BW_PATH_BYTES];
	char number[24];

	(void)snprintf(number, sizeof(number), "%llu", (unsigned long long)synced);
	whole = keep(f, "a", 7, "whole");
	torn = keep(f, "b", 8, "torn");
	object = keep_large(f, 9);
	pinned = keep_large(f, 10);
	assert_ok(bw_shelf_pin(bw_shadow_shelf(f->shadow), pinned, 42));
	assert_ok(bw_shadow_commit(f->shadow));
	in_store(f, path, "packs/00000001.pack");
	damage(path, BW_PACK_HEAD_BYTES + 5 + BW_PACK_HEAD_BYTES + 1);
	lose_power(f, number);
	assert_ok(bw_shadow_open(&f->volume, false, &f->shadow, NULL));
	assert_int_equal(bw_shadow_mended(f->shadow)->lost, 2);
	assert_true(is_there(f, synced, "large"));
	assert_true(is_there(f, whole, "whole"));
	assert_false(is_there(f, torn, ""));
	assert_false(is_there(f, object, ""));
	assert_true(is_there(f, pinned, "large"));
}

static void a_killed_writer_loses_nothing_that_was_committed(void **state)
{
	struct fixture *f = *state;
	const uint64_t object = keep_large(f, 9);
	const uint64_t small = keep(f, "a", 7, "small");

	assert_ok(bw_shadow_commit(f->shadow));
	shadow_reopen(f);
	assert_int_equal(bw_shadow_mended(f->shadow)->lost, 0);
	assert_true(is_there(f, object, "large"));
	assert_true(is_there(f, small, "small"));
}

static void tidy_to_the_end(struct fixture *f, uint32_t most)
{
	bool more = true;

	for (unsigned i = 0; more; i++) {
		assert_true(i < 100);
		assert_ok(bw_shadow_tidy(f->shadow, most, &more));
	}
}

static void a_pack_that_is_mostly_dead_is_emptied_and_goes(void **state)
{
	struct fixture *f = *state;
	uint64_t versions[100];
	uint64_t dead = 0;
	char path[BW_PATH_BYTES];

	for (size_t i = 0; i < BW_COUNT(versions); i++)
		versions[i] = keep(f, "a", 100 + i, i % 10 == 3 ? "stays" : "goes away");
	begin_pack(f, "2");
	for (size_t i = 0; i < BW_COUNT(versions); i++)
		if (i % 10 != 3)
			assert_ok(bw_shadow_drop(f->shadow, &versions[i], 1));
	in_store(f, path, "packs/00000001.pack");
	assert_int_equal(access(path, F_OK), 0);
	tidy_to_the_end(f, 5);
	assert_int_equal(access(path, F_OK), 0); /* more than that still counts */
	assert_ok(bw_shadow_dead_bytes(f->shadow, &dead));
	assert_int_equal(dead, 90 * (BW_PACK_HEAD_BYTES + 9));
	tidy_to_the_end(f, 50);
	assert_int_not_equal(access(path, F_OK), 0);
	assert_ok(bw_shadow_dead_bytes(f->shadow, &dead));
	assert_int_equal(dead, 0);
	for (unsigned round = 0; round < 2; round++) {
		for (size_t i = 3; i < BW_COUNT(versions); i += 10)
			assert_true(is_there(f, versions[i], "stays"));
		shadow_reopen(f);
		assert_int_equal(bw_shadow_mended(f->shadow)->lost, 0);
	}
}

static void a_reader_finds_what_was_moved_under_it(void **state)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	BW_CLEANUP(bw_buf_release) struct bw_buf back = BW_BUF_INIT(BW_MIB);
	struct fixture *f = *state;
	const uint64_t number = keep(f, "a", 7, "moved");
	struct bw_shelf_version version;
	struct bw_shadow *reader = NULL;

	begin_pack(f, "2");
	assert_ok(bw_shadow_open(&f->volume, true, &reader, NULL));
	assert_ok(bw_shelf_get(bw_shadow_shelf(reader), number, &arena, &version));
	tidy_to_the_end(f, 100);
	assert_ok(bw_shadow_peek(reader, &version, 0, 64, &back));
	assert_slice(bw_buf_slice(&back), "moved");
	bw_shadow_close(reader);
}

static void a_pack_with_a_damaged_content_keeps_it_and_loses_nothing_else(void **state)
{
	struct fixture *f = *state;
	const uint64_t whole = keep(f, "a", 7, "whole");
	const uint64_t torn = keep(f, "b", 8, "torn");
	const uint64_t behind = keep(f, "c", 9, "behind");
	char path[BW_PATH_BYTES];

	begin_pack(f, "2");
	in_store(f, path, "packs/00000001.pack");
	damage(path, BW_PACK_HEAD_BYTES + 5 + BW_PACK_HEAD_BYTES + 1);
	tidy_to_the_end(f, 100);
	assert_int_equal(access(path, F_OK), 0);
	assert_true(is_there(f, whole, "whole"));
	assert_true(is_there(f, behind, "behind"));
	assert_ok(bw_shelf_lose(bw_shadow_shelf(f->shadow), torn)); /* for the last look of the test */
}

struct told {
	unsigned count;
	char first[256];
};

static void tell(void *context, const char *finding)
{
	struct told *told = context;

	if (told->count++ == 0)
		(void)snprintf(told->first, sizeof(told->first), "%s", finding);
}

static void verify_names_every_content_that_is_damaged(void **state)
{
	struct fixture *f = *state;
	struct told told = { 0, "" };
	const struct bw_verify_plan plan = { .tell = tell, .context = &told };
	const uint64_t one = keep(f, "a", 7, "one");
	const uint64_t object = keep_large(f, 9);
	struct bw_why why = { "" };
	char path[BW_PATH_BYTES];

	assert_ok(bw_shadow_sync(f->shadow));
	in_store(f, path, "packs/00000001.pack");
	damage(path, BW_PACK_HEAD_BYTES + 1);
	object_path(f, object, path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(bw_shadow_verify(f->shadow, &plan, &why), BW_ERR_CORRUPT);
	assert_int_equal(told.count, 2);
	assert_non_null(strstr(why.text, "'name'"));
	assert_string_equal(told.first, why.text);
	assert_ok(bw_shelf_lose(bw_shadow_shelf(f->shadow), one));
	assert_ok(bw_shelf_lose(bw_shadow_shelf(f->shadow), object));
}

static void packs_are_small_on_small_file_systems(void **state)
{
	(void)state;
	assert_int_equal(bw_pack_bytes(100 * BW_MIB), 4 * BW_MIB);
	assert_int_equal(bw_pack_bytes(16 * BW_GIB), 64 * BW_MIB);
	assert_int_equal(bw_pack_bytes(4096 * BW_GIB), 256 * BW_MIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(objects_and_packs_without_a_row_go_and_what_is_not_ours_stays,
						shadow_setup, shadow_teardown),
		cmocka_unit_test_setup_teardown(rows_whose_content_is_gone_are_forgotten_and_the_rest_stays,
						shadow_setup, shadow_teardown),
		cmocka_unit_test_setup_teardown(a_pack_that_a_power_cut_left_short_loses_only_what_is_not_there,
						shadow_setup, shadow_teardown),
		cmocka_unit_test_setup_teardown(after_a_power_cut_what_was_not_synced_is_not_believed, shadow_setup,
						shadow_teardown),
		cmocka_unit_test_setup_teardown(a_killed_writer_loses_nothing_that_was_committed, shadow_setup,
						shadow_teardown),
		cmocka_unit_test_setup_teardown(a_pack_that_is_mostly_dead_is_emptied_and_goes, shadow_setup,
						shadow_teardown),
		cmocka_unit_test_setup_teardown(a_reader_finds_what_was_moved_under_it, shadow_setup, shadow_teardown),
		cmocka_unit_test_setup_teardown(a_pack_with_a_damaged_content_keeps_it_and_loses_nothing_else,
						shadow_setup, shadow_teardown),
		cmocka_unit_test_setup_teardown(verify_names_every_content_that_is_damaged, shadow_setup,
						shadow_teardown),
		cmocka_unit_test_setup_teardown(packs_are_small_on_small_file_systems, shadow_setup, shadow_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
