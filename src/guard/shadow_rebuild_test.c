/* A store without its catalogue, or with half of one: every content that lies there is still to be had. */
#include "guard/shadow_rebuild.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "guard/shadow_in_tests.h"

enum { SMALL = 20, LARGE_BYTES = 200 * 1024 };

static uint64_t keep(struct fixture *f, uint64_t ino, const void *bytes, size_t len)
{
	const int fd = openat(f->volume.root, "one", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	char name[32];
	const struct bw_take what = { .fd = fd,
				      .key = { .ino = ino },
				      .folder = f->folder,
				      .name = bw_slice_of(name, (size_t)snprintf(name, sizeof(name), "file %llu",
										 (unsigned long long)ino)) };
	struct bw_taken taken;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	assert_ok(bw_shadow_take(f->shadow, &what, &taken));
	assert_int_equal(close(fd), 0);
	return taken.version;
}

/* Versions 1 to SMALL are packed, the one after them is an object. */
static int setup(void **state)
{
	static uint8_t large[LARGE_BYTES] = { 'l', 'a', 'r', 'g', 'e' };
	struct fixture *f = shadow_fixture("homes");

	for (uint64_t i = 1; i <= SMALL; i++) {
		char text[32];

		(void)snprintf(text, sizeof(text), "content %llu", (unsigned long long)i);
		assert_int_equal(keep(f, i, text, strlen(text)), i);
	}
	assert_int_equal(keep(f, SMALL + 1, large, sizeof(large)), SMALL + 1);
	assert_ok(bw_shadow_sync(f->shadow));
	bw_shadow_close(f->shadow);
	f->shadow = NULL;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	shadow_fixture_free(*state);
	return 0;
}

static void in_store(const struct fixture *f, char out[BW_PATH_BYTES], const char *name)
{
	assert_ok(bw_path_join(out, f->volume.store, name));
}

static void spoil(const struct fixture *f, const char *name, off_t at, size_t len)
{
	char path[BW_PATH_BYTES];
	uint8_t *rubbish = calloc(1, len);
	int fd;

	assert_non_null(rubbish);
	memset(rubbish, 0x5a, len);
	in_store(f, path, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, rubbish, len, at), len);
	assert_int_equal(close(fd), 0);
	free(rubbish);
}

/* Opened by a writer, which forgets and removes what does not fit, and read back. */
static void check_whole(struct fixture *f)
{
	struct bw_why why = { "" };

	assert_ok(bw_shadow_open(&f->volume, false, &f->shadow, NULL));
	assert_int_equal(bw_shadow_mended(f->shadow)->orphans, 0);
	assert_int_equal(bw_shadow_mended(f->shadow)->lost, 0);
	if (bw_shadow_verify(f->shadow, NULL, &why) != BW_OK)
		fail_msg("%s", why.text);
}

static struct bw_rebuilt rebuild(struct fixture *f)
{
	struct bw_rebuilt rebuilt;
	struct bw_why why = { "" };

	if (bw_shadow_rebuild(&f->volume, &rebuilt, &why) != BW_OK)
		fail_msg("%s", why.text);
	check_whole(f);
	return rebuilt;
}

static void check_content(struct fixture *f, uint64_t number, const char *name)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	BW_CLEANUP(bw_buf_release) struct bw_buf back = BW_BUF_INIT(BW_MIB);
	struct bw_shelf_version version;
	char text[32];

	(void)snprintf(text, sizeof(text), number > SMALL ? "large" : "content %llu", (unsigned long long)number);
	assert_ok(bw_shelf_get(bw_shadow_shelf(f->shadow), number, &arena, &version));
	assert_slice(version.name, name);
	assert_ok(bw_shadow_peek(f->shadow, &version, 0, 64, &back));
	assert_slice(bw_slice_sub(bw_buf_slice(&back), 0, strlen(text)), text);
}

static void test_a_damaged_first_page_costs_nothing(void **state)
{
	struct fixture *f = *state;
	struct bw_rebuilt rebuilt;
	struct bw_why why = { "" };
	bool has_store;

	spoil(f, "catalogue.db", 0, 4096);
	assert_int_equal(bw_shadow_open(&f->volume, false, &f->shadow, &why), BW_ERR_CORRUPT);
	assert_non_null(strstr(why.text, "guard mend"));
	assert_int_equal(bw_shadow_examine(&f->volume, &has_store, NULL), BW_ERR_CORRUPT);
	rebuilt = rebuild(f);
	assert_false(rebuilt.salvaged.has_head);
	assert_int_equal(rebuilt.salvaged.versions, SMALL + 1);
	assert_int_equal(rebuilt.nameless + rebuilt.lost, 0);
	check_content(f, 3, "file 3");
	check_content(f, SMALL + 1, "file 21");
	assert_ok(bw_shadow_examine(&f->volume, &has_store, NULL));
	assert_int_equal(access(rebuilt.aside, F_OK), 0);
}

static void test_without_a_catalogue_every_content_has_its_number(void **state)
{
	struct fixture *f = *state;
	char path[BW_PATH_BYTES];
	struct bw_rebuilt rebuilt;
	struct bw_why why = { "" };

	in_store(f, path, "catalogue.db");
	assert_int_equal(unlink(path), 0);
	/* nobody makes an empty one, which would have all copies removed */
	assert_int_equal(bw_shadow_create(&f->volume, &why), BW_ERR_CORRUPT);
	assert_non_null(strstr(why.text, "guard mend"));
	rebuilt = rebuild(f);
	assert_string_equal(rebuilt.aside, "");
	assert_int_equal(rebuilt.nameless, SMALL + 1);
	check_content(f, 3, "version 3");
	check_content(f, SMALL + 1, "version 21");
	/* what comes next has a number of its own, in a pack of its own */
	assert_int_equal(keep(f, 99, "new", 3), SMALL + 2);
	assert_ok(bw_shadow_commit(f->shadow));
	assert_ok(bw_shadow_verify(f->shadow, NULL, NULL));
}

static void test_records_behind_a_damaged_one_are_found(void **state)
{
	struct fixture *f = *state;
	char path[BW_PATH_BYTES];
	struct bw_rebuilt rebuilt;

	spoil(f, "packs/00000001.pack", 0, 60); /* the first and the head of the second */
	in_store(f, path, "catalogue.db");
	assert_int_equal(unlink(path), 0);
	rebuilt = rebuild(f);
	assert_int_equal(rebuilt.nameless, SMALL + 1 - 2);
	check_content(f, 3, "version 3");
}

static void test_a_version_without_its_content_is_forgotten_and_counted(void **state)
{
	struct fixture *f = *state;
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	struct bw_shelf_version version;
	struct bw_rebuilt rebuilt;

	spoil(f, "catalogue.db", 0, 4096);
	spoil(f, "packs/00000001.pack", 0, 40);
	rebuilt = rebuild(f);
	assert_int_equal(rebuilt.lost, 1);
	assert_int_equal(rebuilt.nameless, 0);
	assert_int_equal(bw_shelf_get(bw_shadow_shelf(f->shadow), 1, &arena, &version), BW_ERR_NOT_FOUND);
	check_content(f, 2, "file 2");
}

static void test_a_rebuild_that_was_ended_is_begun_again(void **state)
{
	struct fixture *f = *state;
	char from[BW_PATH_BYTES];
	char to[BW_PATH_BYTES];

	spoil(f, "catalogue.db", 0, 4096);
	in_store(f, from, "catalogue.db-mended");
	{
		const int fd = open(from, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

		assert_true(fd >= 0);
		assert_int_equal(close(fd), 0);
	}
	in_store(f, to, "catalogue.db-wal.old");
	in_store(f, from, "catalogue.db-wal");
	assert_true(rename(from, to) == 0 || errno == ENOENT);
	assert_int_equal(rebuild(f).salvaged.versions, SMALL + 1);
	assert_int_equal(access(to, F_OK), -1);
}

static void test_nobody_mends_what_somebody_writes(void **state)
{
	struct fixture *f = *state;
	struct bw_rebuilt rebuilt;

	assert_ok(bw_shadow_open(&f->volume, false, &f->shadow, NULL));
	assert_int_equal(bw_shadow_rebuild(&f->volume, &rebuilt, NULL), BW_ERR_BUSY);
}

static void test_a_folder_of_somebody_else_becomes_no_store(void **state)
{
	struct fixture *f = *state;
	struct bw_volume other = f->volume;
	char dir[96];

	(void)snprintf(dir, sizeof(dir), "%s/elsewhere", f->dir);
	assert_int_equal(mkdir(dir, 0755), 0);
	(void)snprintf(other.mount, sizeof(other.mount), "%s/other", f->dir);
	assert_int_equal(mkdir(other.mount, 0755), 0);
	assert_ok(bw_path_join(other.store, other.mount, BW_SHADOW_FOLDER));
	other.root = open(other.mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(symlink(dir, other.store), 0);
	assert_int_not_equal(bw_shadow_create(&other, NULL), BW_OK);
	assert_int_equal(unlink(other.store), 0);
	assert_int_equal(mkdir(other.store, 0777), 0);
	assert_int_equal(chmod(other.store, 0777), 0);
	assert_int_equal(bw_shadow_create(&other, NULL), BW_ERR_DENIED);
	assert_int_equal(rmdir(other.store), 0); /* nothing was made in it */
	assert_int_equal(rmdir(dir), 0);
	assert_ok(bw_shadow_create(&other, NULL));
	assert_int_equal(close(other.root), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_damaged_first_page_costs_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_a_catalogue_every_content_has_its_number, setup, teardown),
		cmocka_unit_test_setup_teardown(test_records_behind_a_damaged_one_are_found, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_version_without_its_content_is_forgotten_and_counted, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_rebuild_that_was_ended_is_begun_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody_mends_what_somebody_writes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_folder_of_somebody_else_becomes_no_store, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
