#include "store/shelf.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
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
	const struct bw_shelf_folder folder = { .path = BW_LIT("homes/anna"), .handle = BW_LIT("12345678") };

	assert_non_null(f);
	(void)snprintf(f->path, sizeof(f->path), "/tmp/breakwater-shelf-%d.db", getpid());
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
	char path[80];

	assert_ok(bw_shelf_commit(f->shelf));
	assert_ok(bw_shelf_verify(f->shelf, NULL)); /* whatever a test did, the books balance */
	bw_shelf_close(f->shelf);
	(void)unlink(f->path);
	(void)snprintf(path, sizeof(path), "%s-wal", f->path);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s-shm", f->path);
	(void)unlink(path);
	free(f);
	return 0;
}

static void reopen(struct fixture *f)
{
	bw_shelf_close(f->shelf);
	assert_ok(bw_shelf_open(f->path, false, &f->shelf, NULL));
}

static uint64_t add(struct fixture *f, uint64_t ino, const char *name, int64_t taken_us, enum bw_shelf_state state)
{
	struct bw_shelf_version version = { .key = { .ino = ino, .gen = 1 },
					    .folder = f->folder,
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

static uint64_t newest(struct fixture *f, uint64_t ino, int64_t until_us, enum bw_shelf_state worst)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	const struct bw_shelf_key key = { .ino = ino, .gen = 1 };
	struct bw_shelf_version version;
	const enum bw_err err = bw_shelf_newest(f->shelf, &key, until_us, worst, &arena, &version);

	if (err == BW_ERR_NOT_FOUND)
		return 0;
	assert_ok(err);
	assert_slice(version.meta, "meta");
	return version.number;
}

struct seen {
	char text[256];
};

static enum bw_err see(void *context, const struct bw_shelf_version *version)
{
	struct seen *seen = context;
	const size_t at = strlen(seen->text);

	(void)snprintf(seen->text + at, sizeof(seen->text) - at, "%.*s:%lld ", BW_ARG(version->name),
		       (long long)version->taken_us);
	return BW_OK;
}

static void versions_of_a_file_follow_one_another_and_the_newest_good_one_counts(void **state)
{
	struct fixture *f = *state;
	const uint64_t first = add(f, 7, "a", 100, BW_SHELF_GOOD);
	const uint64_t second = add(f, 7, "a", 200, BW_SHELF_GOOD);
	const uint64_t bad = add(f, 7, "a", 300, BW_SHELF_DOUBTFUL);

	assert_int_equal(newest(f, 7, INT64_MAX, BW_SHELF_GOOD), second);
	assert_int_equal(newest(f, 7, INT64_MAX, BW_SHELF_DOUBTFUL), bad);
	assert_int_equal(newest(f, 7, 199, BW_SHELF_GOOD), first);
	assert_int_equal(newest(f, 7, 99, BW_SHELF_GOOD), 0);
	assert_int_equal(newest(f, 8, INT64_MAX, BW_SHELF_GOOD), 0);
}

static void what_was_committed_is_there_after_a_restart_and_the_rest_is_not(void **state)
{
	struct fixture *f = *state;
	const uint64_t first = add(f, 7, "a", 100, BW_SHELF_GOOD);

	assert_ok(bw_shelf_sync(f->shelf));
	assert_int_equal(add(f, 8, "b", 100, BW_SHELF_GOOD), first + 1);
	reopen(f);
	assert_int_equal(newest(f, 7, INT64_MAX, BW_SHELF_GOOD), first);
	assert_int_equal(newest(f, 8, INT64_MAX, BW_SHELF_GOOD), 0);
	assert_int_equal(bw_shelf_next(f->shelf), first + 1);
}

static void a_pinned_version_cannot_be_dropped(void **state)
{
	struct fixture *f = *state;
	const uint64_t first = add(f, 7, "a", 100, BW_SHELF_GOOD);
	const uint64_t second = add(f, 7, "a", 200, BW_SHELF_GOOD);
	uint64_t bytes;

	assert_ok(bw_shelf_pin(f->shelf, first, 42));
	assert_int_equal(bw_shelf_drop(f->shelf, first), BW_ERR_BUSY);
	assert_ok(bw_shelf_drop(f->shelf, second));
	assert_int_equal(newest(f, 7, INT64_MAX, BW_SHELF_GOOD), first);
	assert_ok(bw_shelf_unpin_all(f->shelf, 42));
	assert_ok(bw_shelf_drop(f->shelf, first));
	assert_ok(bw_shelf_pack_bytes(f->shelf, 1, &bytes));
	assert_int_equal(bytes, 0);
	assert_int_equal(bw_shelf_pin(f->shelf, first, 42), BW_ERR_NOT_FOUND);
}

static void a_version_found_bad_later_hands_its_place_to_the_one_before(void **state)
{
	struct fixture *f = *state;
	const uint64_t first = add(f, 7, "a", 100, BW_SHELF_GOOD);
	const uint64_t second = add(f, 7, "a", 200, BW_SHELF_GOOD);
	struct seen seen = { "" };

	assert_ok(bw_shelf_describe(f->shelf, second, BW_LIT("123456789012345678901234"), BW_SHELF_DOUBTFUL));
	assert_int_equal(newest(f, 7, INT64_MAX, BW_SHELF_GOOD), first);
	assert_ok(bw_shelf_each(f->shelf, see, &seen));
	assert_string_equal(seen.text, "a:100 ");
}

static void a_renamed_file_is_walked_under_its_new_name_and_found_under_its_old_one(void **state)
{
	struct fixture *f = *state;
	const struct bw_shelf_key key = { .ino = 7, .gen = 1 };
	struct seen now = { "" };
	struct seen before = { "" };

	(void)add(f, 7, "report.docx", 100, BW_SHELF_GOOD);
	assert_ok(bw_shelf_rename(f->shelf, &key, f->folder, BW_LIT("report.docx.locked"), 150));
	assert_ok(bw_shelf_each(f->shelf, see, &now));
	assert_string_equal(now.text, "report.docx.locked:100 ");
	assert_ok(bw_shelf_at(f->shelf, f->folder, BW_LIT("report.docx"), see, &before));
	assert_string_equal(before.text, "report.docx:100 ");
}

static void versions_under_the_kernel_s_own_name_get_the_one_their_file_has(void **state)
{
	struct fixture *f = *state;
	const struct bw_shelf_key key = { .ino = 7, .gen = 1 };
	const struct bw_shelf_key gone = { .ino = 9, .gen = 1 };
	struct seen below = { "" };

	(void)add(f, 7, "#7", 100, BW_SHELF_GOOD);
	(void)add(f, 8, "#7", 110, BW_SHELF_GOOD); /* a person's */
	(void)add(f, 9, "#9", 120, BW_SHELF_GOOD);
	assert_ok(bw_shelf_rename(f->shelf, &key, f->folder, BW_LIT("report.docx"), 150));
	assert_ok(bw_shelf_rename(f->shelf, &gone, 0, bw_slice_empty, 150));
	assert_ok(bw_shelf_name_versions(f->shelf));
	assert_ok(bw_shelf_below(f->shelf, BW_LIT("homes"), 200, see, &below));
	assert_string_equal(below.text, "#7:110 #9:120 report.docx:100 ");
}

static void a_removed_file_leaves_the_walk_but_not_the_history(void **state)
{
	struct fixture *f = *state;
	const struct bw_shelf_key key = { .ino = 7, .gen = 1 };
	struct seen each = { "" };
	struct seen below = { "" };

	(void)add(f, 7, "a", 100, BW_SHELF_GOOD);
	(void)add(f, 8, "b", 110, BW_SHELF_GOOD);
	(void)add(f, 8, "b", 300, BW_SHELF_GOOD);
	assert_ok(bw_shelf_rename(f->shelf, &key, 0, bw_slice_empty, 150));
	assert_ok(bw_shelf_each(f->shelf, see, &each));
	assert_string_equal(each.text, "b:300 ");
	assert_ok(bw_shelf_below(f->shelf, BW_LIT("homes"), 200, see, &below));
	assert_string_equal(below.text, "a:100 b:110 ");
}

static void a_tree_as_it_was_holds_what_was_not_removed_by_then(void **state)
{
	struct fixture *f = *state;
	const struct bw_shelf_key key = { .ino = 7, .gen = 1 };
	struct seen before = { "" };
	struct seen after = { "" };

	(void)add(f, 7, "a", 100, BW_SHELF_GOOD);
	(void)add(f, 8, "b", 110, BW_SHELF_GOOD);
	assert_ok(bw_shelf_rename(f->shelf, &key, 0, bw_slice_empty, 150));
	assert_ok(bw_shelf_there(f->shelf, BW_LIT("homes"), 149, see, &before));
	assert_string_equal(before.text, "a:100 b:110 ");
	assert_ok(bw_shelf_there(f->shelf, BW_LIT("homes"), 200, see, &after));
	assert_string_equal(after.text, "b:110 ");
}

static void of_a_time_before_the_first_version_what_was_changed_before_it_is_known(void **state)
{
	struct fixture *f = *state;
	struct seen then = { "" };
	struct seen later = { "" };

	(void)add(f, 7, "a", 100, BW_SHELF_GOOD); /* each was last changed at 0 */
	(void)add(f, 7, "a", 120, BW_SHELF_GOOD);
	(void)add(f, 8, "b", 40, BW_SHELF_GOOD);
	(void)add(f, 8, "b", 110, BW_SHELF_GOOD);
	(void)add(f, 9, "c", 100, BW_SHELF_DOUBTFUL);
	assert_ok(bw_shelf_unchanged(f->shelf, BW_LIT("homes"), 50, see, &then));
	assert_string_equal(then.text, "a:100 ");
	assert_ok(bw_shelf_unchanged(f->shelf, BW_LIT("homes"), 100, see, &later));
	assert_string_equal(later.text, "");
}

static void what_an_incident_pins_is_walked_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	const uint64_t good = add(f, 7, "a", 100, BW_SHELF_GOOD);
	const uint64_t bad = add(f, 7, "a", 200, BW_SHELF_DOUBTFUL);
	struct seen mine = { "" };
	struct seen none = { "" };

	(void)add(f, 8, "b", 110, BW_SHELF_GOOD);
	assert_ok(bw_shelf_pin(f->shelf, bad, 42));
	assert_ok(bw_shelf_pin(f->shelf, good, 42));
	assert_ok(bw_shelf_pinned(f->shelf, 42, see, &mine));
	assert_string_equal(mine.text, "a:100 a:200 ");
	assert_ok(bw_shelf_pinned(f->shelf, 0, see, &none));
	assert_string_equal(none.text, "");
}

static void a_tree_is_not_mistaken_for_its_neighbour_of_a_longer_name(void **state)
{
	struct fixture *f = *state;
	const struct bw_shelf_folder neighbour = { .path = BW_LIT("homes/anna2"), .handle = BW_LIT("x") };
	struct seen below = { "" };

	(void)add(f, 7, "a", 100, BW_SHELF_GOOD);
	assert_ok(bw_shelf_folder_put(f->shelf, &neighbour, &f->folder));
	(void)add(f, 8, "b", 100, BW_SHELF_GOOD);
	assert_ok(bw_shelf_below(f->shelf, BW_LIT("homes/anna"), 200, see, &below));
	assert_string_equal(below.text, "a:100 ");
}

static void a_folder_that_moves_takes_what_is_below_it_along(void **state)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	struct fixture *f = *state;
	const struct bw_shelf_folder deep = { .path = BW_LIT("homes/anna/x\xff/y"), .handle = BW_LIT("h") };
	struct bw_shelf_folder found;
	uint32_t number;
	uint32_t again;

	assert_ok(bw_shelf_folder_put(f->shelf, &deep, &number));
	assert_ok(bw_shelf_folder_move(f->shelf, BW_LIT("homes/anna"), BW_LIT("old/a")));
	assert_ok(bw_shelf_folder_get(f->shelf, number, &arena, &found));
	assert_slice(found.path, "old/a/x\xff/y");
	assert_int_equal(bw_shelf_folder_find(f->shelf, BW_LIT("homes/anna"), &again), BW_ERR_NOT_FOUND);
	assert_ok(bw_shelf_folder_find(f->shelf, BW_LIT("old/a/x\xff/y"), &again));
	assert_int_equal(again, number);
}

static void a_folder_keeps_its_metadata_until_it_is_told_others(void **state)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	struct fixture *f = *state;
	struct bw_shelf_folder folder = { .path = BW_LIT("homes"), .handle = BW_LIT("h"), .meta = BW_LIT("0750") };
	struct bw_shelf_folder found;
	uint32_t number;

	assert_ok(bw_shelf_folder_put(f->shelf, &folder, &number));
	folder.meta = bw_slice_empty;
	assert_ok(bw_shelf_folder_put(f->shelf, &folder, &number));
	assert_ok(bw_shelf_folder_get(f->shelf, number, &arena, &found));
	assert_slice(found.meta, "0750");
	folder.meta = BW_LIT("0700");
	assert_ok(bw_shelf_folder_put(f->shelf, &folder, &number));
	assert_ok(bw_shelf_folder_get(f->shelf, number, &arena, &found));
	assert_slice(found.meta, "0700");
}

static void totals_move_with_every_change(void **state)
{
	struct fixture *f = *state;
	struct bw_shelf_totals totals;
	const uint64_t first = add(f, 7, "a", 100, BW_SHELF_GOOD);

	(void)add(f, 7, "a", 200, BW_SHELF_GOOD);
	(void)add(f, 8, "b", 300, BW_SHELF_GOOD);
	assert_ok(bw_shelf_totals(f->shelf, &totals));
	assert_int_equal(totals.files, 2);
	assert_int_equal(totals.versions, 3);
	assert_int_equal(totals.kept_bytes, 30);
	assert_int_equal(totals.oldest_us, 100);
	assert_ok(bw_shelf_drop(f->shelf, first));
	assert_ok(bw_shelf_commit(f->shelf));
	assert_ok(bw_shelf_totals(f->shelf, &totals));
	assert_int_equal(totals.versions, 2);
	assert_int_equal(totals.oldest_us, 200);
}

static void names_longer_than_the_kernel_allows_are_refused(void **state)
{
	struct fixture *f = *state;
	uint8_t name[256] = { 0 };
	struct bw_shelf_version version = { .key = { .ino = 7 }, .folder = f->folder };

	memset(name, 'x', sizeof(name));
	version.name = bw_slice_of(name, sizeof(name));
	assert_int_equal(bw_shelf_add(f->shelf, &version), BW_ERR_TOO_BIG);
}

static void another_database_is_refused_by_name(void **state)
{
	struct fixture *f = *state;
	struct bw_shelf *other = NULL;
	struct bw_why why = { "" };

	assert_int_equal(bw_shelf_create(f->path, &why), BW_ERR_EXISTS);
	assert_non_null(strstr(why.text, f->path));
	assert_int_equal(bw_shelf_open("/tmp/no-such-shelf.db", false, &other, &why), BW_ERR_NOT_FOUND);
	assert_null(other);
}

static void what_two_incidents_pin_stays_until_both_are_closed(void **state)
{
	struct fixture *f = *state;
	const uint64_t first = add(f, 7, "a", 100, BW_SHELF_GOOD);
	struct seen seen = { "" };

	assert_ok(bw_shelf_pin(f->shelf, first, 42));
	assert_ok(bw_shelf_pin(f->shelf, first, 43));
	assert_ok(bw_shelf_unpin_all(f->shelf, 43));
	assert_int_equal(bw_shelf_drop(f->shelf, first), BW_ERR_BUSY);
	assert_ok(bw_shelf_pin(f->shelf, first, 44));
	assert_ok(bw_shelf_unpin_all(f->shelf, 42));
	assert_int_equal(bw_shelf_drop(f->shelf, first), BW_ERR_BUSY);
	assert_ok(bw_shelf_pinned(f->shelf, 44, see, &seen));
	assert_string_equal(seen.text, "a:100 ");
	assert_ok(bw_shelf_unpin_all(f->shelf, 44));
	assert_ok(bw_shelf_drop(f->shelf, first));
}

static void a_content_that_moved_is_found_where_it_lies_now(void **state)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	struct fixture *f = *state;
	const uint64_t first = add(f, 7, "a", 100, BW_SHELF_GOOD);
	struct bw_shelf_version version;
	uint64_t bytes;

	assert_ok(bw_shelf_move(f->shelf, first, 1, 100, 9, 5));
	assert_int_equal(bw_shelf_move(f->shelf, first, 1, 100, 10, 5), BW_ERR_NOT_FOUND);
	assert_ok(bw_shelf_get(f->shelf, first, &arena, &version));
	assert_int_equal(version.pack, 9);
	assert_int_equal(version.at, 5);
	assert_ok(bw_shelf_pack_bytes(f->shelf, 1, &bytes));
	assert_int_equal(bytes, 0);
	assert_ok(bw_shelf_pack_bytes(f->shelf, 9, &bytes));
	assert_int_equal(bytes, 10);
}

static void a_version_whose_content_is_lost_goes_though_it_is_pinned(void **state)
{
	struct fixture *f = *state;
	const uint64_t first = add(f, 7, "a", 100, BW_SHELF_GOOD);
	const uint64_t second = add(f, 7, "a", 200, BW_SHELF_GOOD);

	assert_ok(bw_shelf_pin(f->shelf, second, 42));
	assert_ok(bw_shelf_lose(f->shelf, second));
	assert_int_equal(newest(f, 7, INT64_MAX, BW_SHELF_GOOD), first);
	assert_int_equal(bw_shelf_lose(f->shelf, second), BW_ERR_NOT_FOUND);
}

static void set_version(const struct fixture *f, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void a_catalogue_of_the_first_form_is_brought_up_to_date_by_who_writes(void **state)
{
	struct fixture *f = *state;
	struct bw_shelf *reader = NULL;
	const uint64_t first = add(f, 7, "a", 100, BW_SHELF_GOOD);

	assert_ok(bw_shelf_pin(f->shelf, first, 42));
	assert_ok(bw_shelf_sync(f->shelf));
	bw_shelf_close(f->shelf);
	set_version(f, "DROP TABLE pin; ALTER TABLE version DROP COLUMN actor; PRAGMA user_version=1");
	assert_int_equal(bw_shelf_open(f->path, true, &reader, NULL), BW_ERR_VERSION);
	assert_ok(bw_shelf_open(f->path, false, &f->shelf, NULL));
	assert_int_equal(newest(f, 7, INT64_MAX, BW_SHELF_GOOD), first);
	assert_int_equal(bw_shelf_drop(f->shelf, first), BW_ERR_BUSY);
	assert_ok(bw_shelf_unpin_all(f->shelf, 42));
	assert_ok(bw_shelf_drop(f->shelf, first));
}

static void a_catalogue_of_a_newer_breakwater_is_refused_and_not_touched(void **state)
{
	struct fixture *f = *state;
	struct bw_why why = { "" };

	bw_shelf_close(f->shelf);
	set_version(f, "PRAGMA user_version=3");
	assert_int_equal(bw_shelf_open(f->path, false, &f->shelf, &why), BW_ERR_SCHEMA);
	assert_non_null(strstr(why.text, "newer"));
	set_version(f, "PRAGMA user_version=2");
	assert_ok(bw_shelf_open(f->path, false, &f->shelf, NULL));
}

/* ---- rows that wait ------------------------------------------------------------------------- */

static void describe(struct fixture *f, uint64_t number, uint8_t mark, enum bw_err expected)
{
	uint8_t content[BW_SHELF_CONTENT_BYTES];

	memset(content, mark, sizeof(content));
	assert_int_equal(bw_shelf_features(f->shelf, number, bw_slice_of(content, sizeof(content))), expected);
}

static uint8_t mark_of(struct fixture *f, uint64_t number)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	struct bw_shelf_version version;

	assert_ok(bw_shelf_get(f->shelf, number, &arena, &version));
	return version.content.len == BW_SHELF_CONTENT_BYTES ? version.content.ptr[0] : 0;
}

static void features_may_come_before_the_row_and_after_it(void **state)
{
	struct fixture *f = *state;
	const uint64_t first = add(f, 7, "a", 100, BW_SHELF_GOOD);
	const uint64_t second = add(f, 8, "b", 100, BW_SHELF_GOOD);

	describe(f, first, 1, BW_OK);
	describe(f, second + 1, 3, BW_ERR_NOT_FOUND);
	assert_ok(bw_shelf_commit(f->shelf));
	describe(f, second, 2, BW_OK);
	assert_ok(bw_shelf_commit(f->shelf));
	reopen(f);
	assert_int_equal(mark_of(f, first), 1);
	assert_int_equal(mark_of(f, second), 2);
}

static void more_versions_than_may_wait_are_all_there_each_with_its_own_features(void **state)
{
	enum { MANY = 5000, BEHIND = 700 };
	struct fixture *f = *state;
	uint64_t first = 0;

	for (unsigned n = 0; n < MANY; n++) {
		char name[16];
		uint64_t number;

		(void)snprintf(name, sizeof(name), "f%u", n);
		number = add(f, 100 + n % 4000, name, 100 + n, BW_SHELF_GOOD); /* the last thousand are known files */
		first = n == 0 ? number : first;
		assert_int_equal(number, first + n);
		if (n >= BEHIND)
			describe(f, number - BEHIND, (uint8_t)((n - BEHIND) % 251 + 1), BW_OK);
	}
	assert_ok(bw_shelf_commit(f->shelf));
	for (unsigned n = 0; n < MANY - BEHIND; n++)
		assert_int_equal(mark_of(f, first + n), n % 251 + 1);
	assert_int_equal(newest(f, 100, INT64_MAX, BW_SHELF_GOOD), first + 4000);
}

struct was {
	size_t count;
	size_t removals;
};

static enum bw_err see_was(void *context, int64_t seen_us, struct bw_slice meta)
{
	struct was *was = context;

	assert_true(seen_us > 0);
	was->count++;
	was->removals += meta.len == 0;
	return BW_OK;
}

static enum bw_err see_gone(void *context, uint32_t number, struct bw_slice path)
{
	size_t *count = context;

	assert_int_not_equal(number, 0);
	assert_true(bw_slice_is(path, "homes/anna"));
	(*count)++;
	return BW_OK;
}

static void what_a_folder_was_is_remembered_and_thinned(void **state)
{
	struct fixture *f = *state;
	const int64_t hour_us = INT64_C(3600) * 1000000;
	const struct bw_shelf_folder now = { .path = BW_LIT("homes/anna"), .meta = BW_LIT("as it is") };
	struct was was = { 0 };
	size_t gone = 0;
	uint32_t number;

	assert_ok(bw_shelf_folder_was(f->shelf, f->folder, see_was, &was));
	assert_int_equal(was.count, 0); /* nothing was known of it */
	assert_ok(bw_shelf_folder_put(f->shelf, &now, &number));
	assert_int_equal(number, f->folder);
	assert_ok(bw_shelf_folder_gone(f->shelf, number, INT64_MAX / 2));
	assert_ok(bw_shelf_folder_was(f->shelf, number, see_was, &was));
	assert_int_equal(was.count, 2);
	assert_int_equal(was.removals, 1);
	assert_ok(bw_shelf_folders_gone(f->shelf, BW_LIT("homes"), INT64_MAX / 4, see_gone, &gone));
	assert_int_equal(gone, 1);
	assert_ok(bw_shelf_folders_gone(f->shelf, BW_LIT("elsewhere"), INT64_MAX / 4, see_gone, &gone));
	assert_int_equal(gone, 1);
	/* of one hour the last stays */
	for (int64_t minute = 1; minute < 60; minute++)
		assert_ok(bw_shelf_folder_gone(f->shelf, number, 100 * hour_us + minute * 60000000));
	assert_ok(bw_shelf_folder_thin(f->shelf, 102 * hour_us, 0));
	was = (struct was){ 0 };
	assert_ok(bw_shelf_folder_was(f->shelf, number, see_was, &was));
	assert_int_equal(was.count, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(versions_of_a_file_follow_one_another_and_the_newest_good_one_counts,
						setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_committed_is_there_after_a_restart_and_the_rest_is_not, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_pinned_version_cannot_be_dropped, setup, teardown),
		cmocka_unit_test_setup_teardown(a_version_found_bad_later_hands_its_place_to_the_one_before, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_renamed_file_is_walked_under_its_new_name_and_found_under_its_old_one,
						setup, teardown),
		cmocka_unit_test_setup_teardown(versions_under_the_kernel_s_own_name_get_the_one_their_file_has, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_removed_file_leaves_the_walk_but_not_the_history, setup, teardown),
		cmocka_unit_test_setup_teardown(a_tree_is_not_mistaken_for_its_neighbour_of_a_longer_name, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_tree_as_it_was_holds_what_was_not_removed_by_then, setup, teardown),
		cmocka_unit_test_setup_teardown(of_a_time_before_the_first_version_what_was_changed_before_it_is_known,
						setup, teardown),
		cmocka_unit_test_setup_teardown(what_an_incident_pins_is_walked_and_nothing_else, setup, teardown),
		cmocka_unit_test_setup_teardown(a_folder_that_moves_takes_what_is_below_it_along, setup, teardown),
		cmocka_unit_test_setup_teardown(a_folder_keeps_its_metadata_until_it_is_told_others, setup, teardown),
		cmocka_unit_test_setup_teardown(totals_move_with_every_change, setup, teardown),
		cmocka_unit_test_setup_teardown(names_longer_than_the_kernel_allows_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(another_database_is_refused_by_name, setup, teardown),
		cmocka_unit_test_setup_teardown(what_two_incidents_pin_stays_until_both_are_closed, setup, teardown),
		cmocka_unit_test_setup_teardown(a_content_that_moved_is_found_where_it_lies_now, setup, teardown),
		cmocka_unit_test_setup_teardown(a_version_whose_content_is_lost_goes_though_it_is_pinned, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_catalogue_of_the_first_form_is_brought_up_to_date_by_who_writes,
						setup, teardown),
		cmocka_unit_test_setup_teardown(what_a_folder_was_is_remembered_and_thinned, setup, teardown),
		cmocka_unit_test_setup_teardown(features_may_come_before_the_row_and_after_it, setup, teardown),
		cmocka_unit_test_setup_teardown(more_versions_than_may_wait_are_all_there_each_with_its_own_features,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_catalogue_of_a_newer_breakwater_is_refused_and_not_touched, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
