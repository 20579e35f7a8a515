#include "store/keeping.h"

#include "store/generate_in_tests.h"
#include "store/index.h"
#include "store/manifest.h"
#include "store/search.h"
#include "store/test.h"

#define ID_1 "indicator--aaaaaaaa-0000-4000-8000-000000000001"
#define V1 "2020-01-01T00:00:00.000Z"

static void put_generated(struct fixture *f, uint64_t from, uint64_t count)
{
	for (uint64_t i = from; i < from + count; i++) {
		struct bw_generated made;

		assert_ok(bw_generate(7, i, &made));
		(void)put_in(f->store, f->collection, &made.record);
	}
	assert_ok(bw_store_audit_add(f->store, &(struct bw_audit_fact){ .account = BW_LIT("test"),
									.address = bw_slice_empty,
									.action = BW_LIT("import"),
									.target = bw_slice_empty,
									.count = 1,
									.note = bw_slice_empty }));
	assert_ok(bw_store_commit(f->store));
}

static void put_secret(struct fixture *f)
{
	struct bw_slice values[1] = { BW_LIT("secretvalue.example") };
	struct bw_slice texts[1] = { BW_LIT("SecretWord") };
	struct bw_record record = record_of(ID_1, V1, "{\"secretbody\":true}");

	record.values = values;
	record.value_count = 1;
	record.texts = texts;
	record.text_count = 1;
	assert_int_equal(put_in(f->store, f->collection, &record).outcome, BW_PUT_ADDED);
	assert_ok(bw_store_commit(f->store));
}

static void index_all(struct bw_store *store)
{
	bool more = true;

	while (more)
		assert_ok(bw_store_index_step(store, &more));
}

static struct bw_verify_report verify(struct bw_store *store)
{
	struct bw_verify_report report;

	assert_ok(bw_store_verify(store, NULL, NULL, &report));
	return report;
}

static void assert_sound(struct bw_store *store, uint64_t rows)
{
	const struct bw_verify_report report = verify(store);

	assert_string_equal(report.first, "");
	assert_int_equal(report.rows, rows);
	assert_int_equal(report.bad_rows + report.bad_index + report.bad_audit, 0);
}

static uint64_t live_rows(struct fixture *f)
{
	return f->store->cat.counts[f->collection].live;
}

static void a_sound_store_verifies_before_and_after_a_restart(void **state)
{
	struct fixture *f = *state;

	put_generated(f, 0, 1500);
	assert_sound(f->store, live_rows(f));
	index_all(f->store);
	put_generated(f, 1500, 500);
	assert_sound(f->store, live_rows(f));
	fixture_reopen(f);
	index_all(f->store);
	assert_sound(f->store, live_rows(f));
}

static void verify_finds_what_was_damaged(void **state)
{
	struct fixture *f = *state;
	struct bw_verify_report report;

	put_generated(f, 0, 300);
	put_generated(f, 300, 100);
	index_all(f->store);
	assert_ok(
		bw_sql_run(f->store->db,
			   "UPDATE entry_7 SET body=CAST('{}' AS BLOB) WHERE added=(SELECT min(added) FROM entry_7)"));
	report = verify(f->store);
	assert_int_equal(report.bad_rows, 1);
	assert_string_not_equal(report.first, "");

	assert_ok(bw_sql_run(f->store->db, "UPDATE audit SET line=replace(line, 'test', 'tess') WHERE seq=1"));
	assert_int_equal(verify(f->store).bad_audit, 1);

	f->store->cat.flags[10] ^= BW_CAT_LAST;
	assert_int_equal(verify(f->store).bad_index, 1);
	f->store->cat.flags[10] ^= BW_CAT_LAST;

	assert_ok(bw_sql_run(f->store->index->db, "UPDATE chunk SET postings=zeroblob(16)"));
	assert_int_equal(verify(f->store).bad_index, 1);

	assert_ok(bw_sql_run(f->store->db, "DELETE FROM entry_7 WHERE added=(SELECT max(added) FROM entry_7)"));
	assert_true(verify(f->store).bad_index >= 2);
}

struct folder {
	char path[80];
};

static void folder_new(struct folder *folder)
{
	(void)snprintf(folder->path, sizeof(folder->path), "/tmp/breakwater-backup-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
}

static void folder_drop(struct folder *folder)
{
	(void)nftw(folder->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void count_calls(void *ctx, uint64_t done, uint64_t total)
{
	assert_true(done <= total);
	(*(int *)ctx)++;
}

static void a_backup_is_restored_to_the_same_state(void **state)
{
	struct fixture *f = *state;
	BW_CLEANUP(folder_drop) struct folder backup = { "" };
	struct fixture other = { .collection = f->collection };
	uint64_t rows;
	int calls = 0;

	folder_new(&backup);
	put_generated(f, 0, 1000);
	rows = live_rows(f);
	assert_ok(bw_store_backup(f->store, backup.path, count_calls, &calls));
	assert_true(calls > 0);
	assert_int_equal(bw_store_backup(f->store, backup.path, NULL, NULL), BW_ERR_EXISTS);
	put_generated(f, 1000, 10); /* after the backup: not in it */

	folder_new((struct folder *)&other.dir);
	assert_ok(bw_store_restore(backup.path, other.dir, NULL, NULL, NULL));
	assert_int_equal(bw_store_restore(backup.path, other.dir, NULL, NULL, NULL), BW_ERR_EXISTS);
	fixture_open(&other);
	assert_sound(other.store, rows);
	bw_store_close(other.store);
	(void)nftw(other.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void a_backup_with_one_changed_bit_is_refused(void **state)
{
	struct fixture *f = *state;
	BW_CLEANUP(folder_drop) struct folder backup = { "" };
	BW_CLEANUP(folder_drop) struct folder other = { "" };
	char path[128];
	FILE *file;

	folder_new(&backup);
	folder_new(&other);
	put_generated(f, 0, 100);
	assert_ok(bw_store_backup(f->store, backup.path, NULL, NULL));
	(void)snprintf(path, sizeof(path), "%s/entries.db", backup.path);
	file = fopen(path, "r+");
	assert_non_null(file);
	assert_int_equal(fseek(file, 5000, SEEK_SET), 0);
	assert_int_equal(fputc('!', file), '!');
	assert_int_equal(fclose(file), 0);
	assert_int_equal(bw_store_restore(backup.path, other.path, NULL, NULL, NULL), BW_ERR_CORRUPT);
}

static void what_was_erased_after_the_backup_is_erased_in_what_is_restored(void **state)
{
	struct fixture *f = *state;
	BW_CLEANUP(folder_drop) struct folder backup = { "" };
	struct fixture other = { .collection = f->collection };
	struct bw_query query = query_all(f);
	const struct bw_slice id = BW_LIT(ID_1);
	uint64_t removed;

	folder_new(&backup);
	folder_new((struct folder *)&other.dir);
	put_secret(f);
	assert_ok(bw_store_backup(f->store, backup.path, NULL, NULL));
	assert_ok(bw_store_erase(f->store, id, BW_LIT("asked to"), &removed));
	assert_ok(bw_store_commit(f->store));

	assert_ok(bw_store_restore(backup.path, other.dir, f->dir, NULL, NULL));
	fixture_open(&other);
	assert_string_equal(bodies(other.store, &query), "");
	assert_int_equal(put_one(&other, ID_1, V1, "{}"), BW_PUT_ERASED);
	bw_store_close(other.store);
	(void)nftw(other.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- bytes in files --------------------------------------------------------------------- */

static bool file_has(const char *path, const char *needle)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(256 * BW_MIB);

	if (!bw_file_exists(path))
		return false;
	assert_ok(bw_file_read(path, &bytes, NULL));
	return memmem(bytes.ptr, bytes.len, needle, strlen(needle)) != NULL;
}

/* Words are indexed in lower case. */
static bool store_has(const struct fixture *f, const char *needle)
{
	static const char *const files[] = { "entries.db", "entries.db-wal", "entries.db-shm",
					     "search.db",  "search.db-wal",  "search.db-shm" };
	char path[128];

	for (size_t i = 0; i < BW_COUNT(files); i++) {
		(void)snprintf(path, sizeof(path), "%s/store/%s", f->dir, files[i]);
		if (file_has(path, needle))
			return true;
	}
	return false;
}

static void erased_content_leaves_every_file(void **state)
{
	static const char *const needles[] = { "secretbody", "secretvalue", "SecretWord", ID_1 };
	struct fixture *f = *state;
	uint64_t removed;

	put_generated(f, 0, 200);
	put_secret(f);
	put_generated(f, 200, 200);
	index_all(f->store);
	for (size_t i = 0; i < BW_COUNT(needles); i++)
		assert_true(store_has(f, needles[i]));
	assert_ok(bw_store_erase(f->store, BW_LIT(ID_1), BW_LIT("asked to"), &removed));
	assert_ok(bw_store_commit(f->store));
	/* rows, values and the WAL at once */
	assert_false(store_has(f, "secretbody"));
	assert_false(store_has(f, ID_1));
	/* the words of the full-text index at the next compact */
	assert_ok(bw_store_compact(f->store));
	for (size_t i = 0; i < BW_COUNT(needles); i++)
		assert_false(store_has(f, needles[i]));
	assert_false(store_has(f, "secretword"));
	index_all(f->store);
	assert_sound(f->store, live_rows(f));
	fixture_reopen(f);
	assert_sound(f->store, live_rows(f));
}

static void a_compacted_store_is_smaller_and_goes_on(void **state)
{
	struct fixture *f = *state;
	int64_t before;
	int64_t after;

	put_generated(f, 0, 12000); /* far more than the first page of every lane's table */
	assert_ok(bw_store_collection_remove(f->store, f->collection));
	f->collection = collection_named(f->store, "52892447-4d7e-4f70-b94d-d7f22742ff63");
	assert_ok(bw_store_commit(f->store));
	assert_ok(bw_sql_number(f->store->db, "PRAGMA page_count", &before));
	assert_ok(bw_store_compact(f->store));
	assert_ok(bw_sql_number(f->store->db, "PRAGMA page_count", &after));
	assert_true(after * 4 < before);
	put_generated(f, 0, 100);
	assert_sound(f->store, live_rows(f));
	fixture_reopen(f);
	assert_sound(f->store, live_rows(f));
}

static void a_manifest_says_what_was_written_and_nothing_else_is_read(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_KIB);
	const struct bw_manifest manifest = {
		.made_us = 1700000000000001, .last_added_us = 5, .bytes = 9, .digest = { 1 }
	};
	struct bw_manifest read;

	(void)state;
	assert_ok(bw_manifest_write(&manifest, &text));
	assert_ok(bw_manifest_parse(bw_buf_slice(&text), &read));
	assert_memory_equal(&read, &manifest, sizeof(read));
	for (size_t len = 0; len < text.len; len++)
		assert_int_not_equal(bw_manifest_parse(bw_slice_sub(bw_buf_slice(&text), 0, len), &read), BW_OK);
	assert_int_equal(bw_manifest_parse(BW_LIT("breakwater backup 2\n"), &read), BW_ERR_VERSION);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_sound_store_verifies_before_and_after_a_restart),
		TEST(verify_finds_what_was_damaged),
		TEST(a_backup_is_restored_to_the_same_state),
		TEST(a_backup_with_one_changed_bit_is_refused),
		TEST(what_was_erased_after_the_backup_is_erased_in_what_is_restored),
		TEST(erased_content_leaves_every_file),
		TEST(a_compacted_store_is_smaller_and_goes_on),
		cmocka_unit_test(a_manifest_says_what_was_written_and_nothing_else_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
