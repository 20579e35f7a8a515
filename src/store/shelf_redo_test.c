/*
 * What waits for room. SQLite's own calls of pwrite are made to find none (sqlite3_vfs.xSetSystemCall), at any of the
 * pages of a commit.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/test.h"
#include "store/shelf.h"

enum { NO_FAULT = -1, ROUNDS = 60, STEPS = 12, INODES = 9 };

static int writes_left = NO_FAULT;

static ssize_t write_or_full(int fd, const void *bytes, size_t len, off_t at)
{
	if (writes_left == 0) {
		errno = ENOSPC;
		return -1;
	}
	if (writes_left > 0)
		writes_left--;
	return pwrite(fd, bytes, len, at);
}

struct fixture {
	char paths[2][64];
	struct bw_shelf *shelves[2]; /* the second is only used by who compares */
};

static int setup(void **state)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(f->paths[i], sizeof(f->paths[i]), "/tmp/breakwater-redo-%d-%zu.db", getpid(), i);
		(void)unlink(f->paths[i]);
		assert_ok(bw_shelf_create(f->paths[i], NULL));
		assert_ok(bw_shelf_open(f->paths[i], false, &f->shelves[i], NULL));
	}
	assert_ok(bw_shelf_hold(f->shelves[0]));
	/* whichever of them this SQLite was built with */
	(void)vfs->xSetSystemCall(vfs, "pwrite", (sqlite3_syscall_ptr)write_or_full);
	(void)vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)write_or_full);
	writes_left = NO_FAULT;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
	struct fixture *f = *state;

	writes_left = NO_FAULT;
	for (size_t i = 0; i < 2; i++) {
		assert_ok(bw_shelf_commit(f->shelves[i]));
		assert_ok(bw_shelf_verify(f->shelves[i], NULL));
		bw_shelf_close(f->shelves[i]);
		for (size_t end = 0; end < BW_COUNT(ends); end++) {
			char path[80];

			(void)snprintf(path, sizeof(path), "%s%s", f->paths[i], ends[end]);
			(void)unlink(path);
		}
	}
	(void)vfs->xSetSystemCall(vfs, NULL, NULL);
	free(f);
	return 0;
}

static enum bw_err commit_full(struct bw_shelf *shelf, int after_writes)
{
	enum bw_err err;

	writes_left = after_writes;
	err = bw_shelf_commit(shelf);
	writes_left = NO_FAULT;
	return err;
}

static uint64_t add(struct bw_shelf *shelf, uint64_t ino, const char *name, uint32_t folder)
{
	struct bw_shelf_version version = { .key = { .ino = ino, .gen = 1 },
					    .folder = folder,
					    .name = bw_slice_text(name),
					    .taken_us = (int64_t)bw_shelf_next(shelf),
					    .size = 10,
					    .pack = ino % 2 == 0 ? 3 : 0,
					    .kept_bytes = 100 + ino,
					    .several = ino % 3 == 0,
					    .kind = 0100000,
					    .meta = BW_LIT("owner, mode, times") };

	assert_ok(bw_shelf_add(shelf, &version));
	return version.number;
}

static uint32_t put_folder(struct bw_shelf *shelf, const char *path)
{
	const struct bw_shelf_folder folder = { .path = bw_slice_text(path), .handle = BW_LIT("12345678") };
	uint32_t number = 0;

	assert_ok(bw_shelf_folder_put(shelf, &folder, &number));
	return number;
}

/* What whoever opens the file now finds committed in it. */
static uint64_t committed_versions(const char *path)
{
	struct bw_shelf *reader = NULL;
	struct bw_shelf_totals totals;

	assert_ok(bw_shelf_open(path, true, &reader, NULL));
	assert_ok(bw_shelf_totals(reader, &totals));
	bw_shelf_close(reader);
	return totals.versions;
}

static void a_commit_that_finds_no_room_leaves_all_as_if_nobody_had_tried(void **state)
{
	struct fixture *f = *state;
	struct bw_shelf *shelf = f->shelves[0];
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	const struct bw_shelf_key first = { .ino = 1, .gen = 1 };
	struct bw_shelf_version version;
	struct bw_shelf_totals totals;
	uint32_t folder = put_folder(shelf, "anna");

	(void)add(shelf, 1, "letter", folder);
	assert_ok(bw_shelf_commit(shelf));
	(void)add(shelf, 1, "letter", folder);
	(void)add(shelf, 2, "list", folder);
	assert_ok(bw_shelf_rename(shelf, &first, folder, BW_LIT("letter of May"), 0));
	for (int writes = 0; writes < 3; writes++) {
		assert_int_equal(commit_full(shelf, writes), BW_ERR_DISK_FULL);
		assert_true(bw_shelf_held_bytes(shelf) > 0);
		assert_int_equal(committed_versions(f->paths[0]), 1);
		assert_ok(bw_shelf_totals(shelf, &totals));
		assert_int_equal(totals.versions, 3);
		assert_int_equal(totals.kept_bytes, 304);
		assert_ok(bw_shelf_get(shelf, 3, &arena, &version));
		assert_true(bw_slice_is(version.name, "list"));
	}
	assert_ok(bw_shelf_commit(shelf));
	assert_int_equal(bw_shelf_held_bytes(shelf), 0);
	assert_int_equal(committed_versions(f->paths[0]), 3);
}

static void who_does_not_hold_begins_again_with_what_was_committed(void **state)
{
	struct fixture *f = *state;
	struct bw_shelf *shelf = f->shelves[1];
	const uint32_t folder = put_folder(shelf, "anna");
	struct bw_shelf_totals totals;

	assert_ok(bw_shelf_commit(shelf));
	(void)add(shelf, 1, "letter", folder);
	assert_int_equal(commit_full(shelf, 0), BW_ERR_DISK_FULL);
	assert_ok(bw_shelf_totals(shelf, &totals));
	assert_int_equal(totals.versions, 0);
}

/* ---- a shelf whose commits often fail, and one whose never do ------------------------------------ */

static uint64_t next_chance(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *seed >> 33;
}

static void drop_or_pin(struct bw_shelf *shelf, uint64_t number, uint64_t chance)
{
	enum bw_err err;

	if (chance % 3 == 0)
		err = bw_shelf_pin(shelf, number, 40 + chance % 2);
	else if (chance % 3 == 1)
		err = bw_shelf_drop(shelf, number);
	else
		err = bw_shelf_lose(shelf, number);
	assert_true(err == BW_OK || err == BW_ERR_NOT_FOUND || err == BW_ERR_BUSY);
}

static void describe_or_move(struct bw_shelf *shelf, uint64_t number, uint64_t chance)
{
	const struct bw_slice content = BW_LIT("123456789012345678901234");
	enum bw_err err;

	if (chance % 4 == 0)
		err = bw_shelf_features(shelf, number, content);
	else if (chance % 4 == 1)
		err = bw_shelf_describe(shelf, number, content, BW_SHELF_DOUBTFUL);
	else if (chance % 4 == 2)
		err = bw_shelf_weigh(shelf, number, chance % 5000);
	else
		err = bw_shelf_move(shelf, number, 3, 0, 4, 0);
	assert_true(err == BW_OK || err == BW_ERR_NOT_FOUND || err == BW_ERR_RANGE);
}

static void change(struct bw_shelf *shelf, uint64_t *seed)
{
	const struct bw_shelf_key key = { .ino = next_chance(seed) % INODES, .gen = 1 };
	const uint64_t number = 1 + next_chance(seed) % bw_shelf_next(shelf);
	const uint64_t chance = next_chance(seed);
	char name[32];

	(void)snprintf(name, sizeof(name), "it's %u", (unsigned)(chance % 1000));
	switch (next_chance(seed) % 9) {
	case 0:
		bw_err_drop(bw_shelf_rename(shelf, &key, 1, bw_slice_text(name), 0)); /* or it is not there */
		return;
	case 1:
		drop_or_pin(shelf, number, chance);
		return;
	case 2:
		describe_or_move(shelf, number, chance);
		return;
	case 3:
		assert_ok(bw_shelf_folder_gone(shelf, put_folder(shelf, name), (int64_t)chance));
		return;
	case 4:
		assert_ok(bw_shelf_setting_put(shelf, "pack_end", bw_slice_text(name)));
		return;
	case 5:
		bw_err_drop(bw_shelf_name_put(shelf, &key, 1, bw_slice_text(name), (int64_t)chance)); /* or the same */
		return;
	case 6:
		bw_err_drop(bw_shelf_rename(shelf, &key, 0, bw_slice_empty, (int64_t)chance));
		return;
	default:
		(void)add(shelf, key.ino, name, 1);
	}
}

static void write_table(sqlite3 *db, const char *sql, struct bw_buf *out)
{
	sqlite3_stmt *stmt = NULL;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(stmt); i++) {
			const void *bytes = sqlite3_column_blob(stmt, i);

			assert_ok(bw_buf_add(out, bw_slice_of(bytes, (size_t)sqlite3_column_bytes(stmt, i))));
			assert_ok(bw_buf_add_u8(out, '|'));
		}
	}
	assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
}

static void write_all(const char *path, struct bw_buf *out)
{
	static const char *const tables[] = { "SELECT * FROM file ORDER BY 1",
					      "SELECT * FROM version ORDER BY 1",
					      "SELECT * FROM pin ORDER BY 1, 2",
					      "SELECT * FROM pack ORDER BY 1",
					      "SELECT * FROM tally",
					      "SELECT * FROM setting ORDER BY 1",
					      "SELECT number, path FROM folder ORDER BY 1",
					      "SELECT * FROM folder_was ORDER BY 1, 2",
					      "SELECT * FROM name ORDER BY 1, 2, 3" };
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	for (size_t i = 0; i < BW_COUNT(tables); i++)
		write_table(db, tables[i], out);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void however_often_a_commit_finds_no_room_the_catalogue_is_the_same(void **state)
{
	struct fixture *f = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf one = BW_BUF_INIT(BW_MIB);
	BW_CLEANUP(bw_buf_release) struct bw_buf other = BW_BUF_INIT(BW_MIB);
	uint64_t seeds[2] = { 7, 7 };
	uint64_t faults = 5;
	unsigned found_none = 0;

	for (size_t i = 0; i < 2; i++)
		assert_int_equal(put_folder(f->shelves[i], "anna"), 1);
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < 2; i++)
			for (unsigned step = 0; step < STEPS; step++)
				change(f->shelves[i], &seeds[i]);
		if (next_chance(&faults) % 3 > 0)
			found_none += commit_full(f->shelves[0], (int)(next_chance(&faults) % 8)) == BW_ERR_DISK_FULL
					      ? 1
					      : 0;
		else
			assert_ok(bw_shelf_commit(f->shelves[0]));
		assert_ok(bw_shelf_commit(f->shelves[1]));
	}
	assert_ok(bw_shelf_commit(f->shelves[0]));
	assert_true(found_none > ROUNDS / 4);
	write_all(f->paths[0], &one);
	write_all(f->paths[1], &other);
	assert_true(one.len > 1000);
	assert_true(bw_slice_equals(bw_buf_slice(&one), bw_buf_slice(&other)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_commit_that_finds_no_room_leaves_all_as_if_nobody_had_tried, setup,
						teardown),
		cmocka_unit_test_setup_teardown(who_does_not_hold_begins_again_with_what_was_committed, setup,
						teardown),
		cmocka_unit_test_setup_teardown(however_often_a_commit_finds_no_room_the_catalogue_is_the_same, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
