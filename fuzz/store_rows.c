/*
 * The rows of a store, as a broken disk or somebody who can write the file leaves them.
 * A small real store is made once; each input is a list of edits to its rows
 *
 *   what u8 | row u8 | length u8 | bytes[length]
 *
 * after a first byte of what is done with it. Properties: opening, paging, verifying and writing on end in an
 * answer or an error; what verify calls good is served without an error; and a
 * backup that was fine is restored whatever the memory of erasures looks like.
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cursor.h"
#include "crypto/hash.h"
#include "store/accounts.h"
#include "store/audit.h"
#include "store/engine.h"
#include "store/keeping.h"
#include "store/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WRITE_ON = 1, RESTORE = 2, EDITS_MAX = 16 };

#define COLLECTION "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
#define STATUS "2d086da7-4bdc-4f91-900e-d77486753710"

static struct {
	char home[64];
	char base[96];   /* the data folder as made */
	char data[96];   /* a copy to be edited */
	char backup[96]; /* of base */
	char rebuilt[96];
	uint16_t collection;
} place;

static void check(bool claim)
{
	if (!claim)
		abort();
}

/* ---- the store that is edited -------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status;
	(void)kind;
	(void)where;
	return remove(path);
}

static void clear_folder(const char *path)
{
	(void)nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void clean_up(void)
{
	clear_folder(place.home);
}

static void open_store(const char *dir, enum bw_store_role role, struct bw_store **out)
{
	check(bw_store_open(&(struct bw_store_options){ .dir = dir, .role = role, .catalogue_fd = -1 }, out) == BW_OK);
}

static struct bw_record record_of(const char *id, const char *version, const char *body)
{
	static const struct bw_slice values[] = { { (const uint8_t *)"198.51.100.7", 12 } };
	struct bw_record record = { .id = bw_slice_text(id),
				    .version = bw_slice_text(version),
				    .versioning = version[0] == '\0' ? BW_VERSION_CONTENT : BW_VERSION_MODIFIED,
				    .spec_major = 2,
				    .spec_minor = body[1] == '2' ? 0 : 1,
				    .body = bw_slice_text(body),
				    .values = values,
				    .value_count = 1 };

	check(bw_slice_cut(record.id, '-', &record.type_name, &(struct bw_slice){ 0 }));
	record.type = bw_stix_type_of(record.type_name);
	check(bw_sha256(record.body, record.hash) == BW_OK);
	return record;
}

static void put(struct bw_store *store, const char *id, const char *version, const char *body)
{
	const struct bw_record record = record_of(id, version, body);
	struct bw_put out;

	check(bw_store_put(store, place.collection, &record, 1, &out) == BW_OK);
}

static void fill(struct bw_store *store)
{
	static const char *const versions[] = { "2020-01-02T00:00:00.000Z", "2020-01-01T00:00:00.000Z",
						"2020-01-03T00:00:00.000Z" };
	struct bw_collection one = { .title = "one", .id = COLLECTION };
	struct bw_account account = { .name = "partner" };
	uint64_t removed;
	char id[64];

	check(bw_store_collection_add(store, &one) == BW_OK);
	place.collection = one.number;
	check(bw_store_account_add(store, &account) == BW_OK);
	for (unsigned i = 0; i < 3; i++) {
		(void)snprintf(id, sizeof(id), "malware--aaaaaaaa-0000-4000-8000-00000000000%u", i);
		for (unsigned v = 0; v < BW_COUNT(versions); v++)
			put(store, id, versions[v], v == 1 ? "{2}" : "{1}");
	}
	put(store, "url--28bb3599-77cd-5a82-a950-b5bc3caf07c4", "", "{}");
	put(store, "xthing--28bb3599-77cd-5a82-a950-b5bc3caf07c4", "", "{}");
	check(bw_store_erase(store, BW_LIT("malware--aaaaaaaa-0000-4000-8000-000000000002"), BW_LIT("asked"),
			     &removed) == BW_OK);
	check(bw_store_audit_add(store, &(struct bw_audit_fact){ .account = BW_LIT("partner"),
								 .address = BW_LIT("192.0.2.1"),
								 .action = BW_LIT("GET"),
								 .target = BW_LIT("/"),
								 .note = BW_LIT(""),
								 .count = 1 }) == BW_OK);
	check(bw_store_status_put(store, BW_LIT(STATUS), account.number, BW_LIT("{}")) == BW_OK);
	check(bw_store_commit(store) == BW_OK);
}

static void set_up(void)
{
	struct bw_store *store;
	const char *shm = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	(void)snprintf(place.home, sizeof(place.home), "%s/breakwater-fuzz-XXXXXX", shm);
	check(mkdtemp(place.home) != NULL && atexit(clean_up) == 0);
	(void)snprintf(place.base, sizeof(place.base), "%s/base", place.home);
	(void)snprintf(place.data, sizeof(place.data), "%s/data", place.home);
	(void)snprintf(place.backup, sizeof(place.backup), "%s/backup", place.home);
	(void)snprintf(place.rebuilt, sizeof(place.rebuilt), "%s/rebuilt", place.home);
	check(mkdir(place.base, 0700) == 0 && bw_store_create(place.base) == BW_OK);
	open_store(place.base, BW_STORE_WRITER, &store);
	fill(store);
	check(bw_store_backup(store, place.backup, NULL, NULL) == BW_OK);
	bw_store_close(store);
}

/* The rows again as they were. One file is all there is to a store that a backup made. */
static void renew(void)
{
	static struct bw_buf rows = BW_BUF_INIT(16 * BW_MIB);
	char path[160];

	if (rows.len == 0) {
		(void)snprintf(path, sizeof(path), "%s/entries.db", place.backup);
		check(bw_file_read(path, &rows, NULL) == BW_OK);
	}
	clear_folder(place.data);
	(void)snprintf(path, sizeof(path), "%s/store", place.data);
	check(mkdir(place.data, 0700) == 0 && mkdir(path, 0700) == 0);
	(void)snprintf(path, sizeof(path), "%s/store/entries.db", place.data);
	check(bw_file_create(path, bw_buf_slice(&rows), 0600, NULL) == BW_OK);
}

/* ---- edits --------------------------------------------------------------------------- */

enum kind { TEXT, BLOB, NUMBER, SEGMENT };

#define NTH(table) " WHERE rowid=(SELECT rowid FROM " table " LIMIT 1 OFFSET ?2)"
#define KEYED(table, key) " WHERE " key "=(SELECT " key " FROM " table " LIMIT 1 OFFSET ?2)"

static const struct {
	const char *sql;
	enum kind kind;
} edits[] = {
	{ "UPDATE entry_11 SET id=?1" NTH("entry_11"), TEXT },
	{ "UPDATE entry_11 SET version=?1" NTH("entry_11"), TEXT },
	{ "UPDATE entry_11 SET hash=?1" NTH("entry_11"), BLOB },
	{ "UPDATE entry_11 SET body=?1" NTH("entry_11"), BLOB },
	{ "UPDATE entry_11 SET terms=?1" NTH("entry_11"), BLOB },
	{ "UPDATE entry_11 SET body_at=?1" NTH("entry_11"), NUMBER },
	{ "UPDATE entry_11 SET flags=?1" NTH("entry_11"), NUMBER },
	{ "UPDATE entry_11 SET type=?1" NTH("entry_11"), NUMBER },
	{ "UPDATE entry_11 SET collection=?1" NTH("entry_11"), NUMBER },
	{ "UPDATE OR IGNORE entry_11 SET added=?1" NTH("entry_11"), NUMBER },
	{ "DELETE FROM entry_11" NTH("entry_11") " AND ?1 IS NOT NULL", TEXT },
	{ "INSERT INTO change(added, flags) SELECT added, ?1 FROM entry LIMIT 1 OFFSET ?2", NUMBER },
	{ "INSERT INTO change(added, flags) VALUES(?1, ?2)", NUMBER },
	{ "INSERT OR REPLACE INTO segment(number, row_count, last_added, columns) VALUES(?2 & 1, 65536, 0, ?1)",
	  SEGMENT },
	{ "INSERT OR REPLACE INTO segment_flags(number, flags) VALUES(0, CAST(replace(hex(zeroblob(32768)), '0', "
	  "char(?2 & 127)) AS BLOB)) RETURNING ?1",
	  NUMBER },
	{ "INSERT OR REPLACE INTO segment(number, row_count, last_added, columns) VALUES(?2, 1, 1, ?1)", BLOB },
	{ "INSERT OR REPLACE INTO segment_flags(number, flags) VALUES(?2, ?1)", BLOB },
	{ "INSERT OR REPLACE INTO type_name(number, name) VALUES(?2, ?1)", TEXT },
	{ "UPDATE collection SET id=?1" NTH("collection"), TEXT },
	{ "UPDATE collection SET title=?1" NTH("collection"), TEXT },
	{ "UPDATE collection SET alias=?1" NTH("collection"), TEXT },
	{ "UPDATE OR IGNORE collection SET number=?1" NTH("collection"), NUMBER },
	{ "UPDATE account SET name=?1" NTH("account"), TEXT },
	{ "UPDATE account SET password=?1" NTH("account"), TEXT },
	{ "UPDATE OR IGNORE account SET number=?1" NTH("account"), NUMBER },
	{ "UPDATE audit SET line=?1" NTH("audit"), TEXT },
	{ "UPDATE OR IGNORE audit SET seq=?1" NTH("audit"), NUMBER },
	{ "UPDATE status SET body=?1" KEYED("status", "id"), BLOB },
	{ "UPDATE OR IGNORE erased SET id_hash=?1" KEYED("erased", "id_hash"), BLOB },
	{ "UPDATE erased SET reason=?1" KEYED("erased", "id_hash"), TEXT },
	{ "UPDATE setting SET value=?1" KEYED("setting", "name"), BLOB },
	{ "UPDATE setting SET value=?1" KEYED("setting", "name"), TEXT },
	{ "INSERT OR REPLACE INTO setting(name, value) VALUES(?1, ?2)", TEXT },
	{ "INSERT OR REPLACE INTO forget(added, terms) VALUES(?2, ?1)", BLOB },
	{ "INSERT INTO conflict(seen, collection, id, version, kept, refused) VALUES(1, ?2, ?1, ?1, x'00', x'00')",
	  TEXT },
};

static int64_t number_of(struct bw_slice bytes)
{
	uint64_t value = 0;

	for (size_t i = 0; i < bytes.len && i < 8; i++)
		value = value << 8 | bytes.ptr[i];
	return (int64_t)value;
}

/* A whole segment of columns: dates before those of the real rows, everything else from the bytes, over and over. */
static void make_segment(struct bw_slice bytes, struct bw_buf *out)
{
	const uint32_t head[2] = { 0x31677365, BW_SEGMENT_ROWS };
	const size_t rest = (size_t)BW_SEGMENT_ROWS * (4 + 4 + 4 + 2 + 1);

	check(bw_buf_reserve(out, sizeof(head) + rest + 8 * (size_t)BW_SEGMENT_ROWS) == BW_OK);
	check(bw_buf_add(out, bw_slice_of(head, sizeof(head))) == BW_OK);
	for (int64_t i = 0; i < BW_SEGMENT_ROWS; i++)
		check(bw_buf_add(out, bw_slice_of(&i, sizeof(i))) == BW_OK);
	if (bytes.len == 0)
		bytes = BW_LIT("\0");
	for (size_t left = rest; left > 0;) {
		const struct bw_slice part = bw_slice_sub(bytes, 0, left);

		check(bw_buf_add(out, part) == BW_OK);
		left -= part.len;
	}
}

static void edit(sqlite3 *db, size_t what, uint8_t row, struct bw_slice bytes)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	BW_CLEANUP(bw_buf_release) struct bw_buf columns = BW_BUF_INIT(4 * BW_MIB);
	bool found;

	check(bw_sql_prepare(db, edits[what].sql, &stmt) == BW_OK);
	(void)sqlite3_bind_int(stmt, 2, row);
	switch (edits[what].kind) {
	case TEXT:
		bw_sql_bind_text(stmt, 1, bytes);
		break;
	case BLOB:
		bw_sql_bind_blob(stmt, 1, bytes);
		break;
	case NUMBER:
		(void)sqlite3_bind_int64(stmt, 1, number_of(bytes));
		break;
	case SEGMENT:
		make_segment(bytes, &columns);
		bw_sql_bind_blob(stmt, 1, bw_buf_slice(&columns));
		break;
	}
	/* what a column refuses changes nothing */
	bw_err_drop(bw_sql_row(stmt, &found));
}

static void edit_all(struct bw_slice bytes)
{
	struct bw_cursor c = bw_cursor_over(bytes);
	char path[160];
	sqlite3 *db;

	(void)snprintf(path, sizeof(path), "%s/store/entries.db", place.data);
	check(bw_sql_open(&(struct bw_sql_options){ .path = path, .synchronous = "OFF" }, &db) == BW_OK);
	check(bw_sql_run(db, "BEGIN") == BW_OK);
	for (unsigned n = 0; n < EDITS_MAX; n++) {
		struct bw_slice value;
		uint8_t what;
		uint8_t row;
		uint8_t len;

		if (bw_take_u8(&c, &what) != BW_OK || bw_take_u8(&c, &row) != BW_OK || bw_take_u8(&c, &len) != BW_OK)
			break;
		if (bw_take(&c, len < bw_cursor_left(&c) ? len : bw_cursor_left(&c), &value) != BW_OK)
			break;
		edit(db, what % BW_COUNT(edits), row, value);
	}
	check(bw_sql_run(db, "COMMIT") == BW_OK);
	(void)sqlite3_close(db);
}

/* ---- what is done with it -------------------------------------------------------------- */

static bool serves(struct bw_store *store, const struct bw_query *query)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(64 * BW_MIB);
	struct bw_page page;
	unsigned sum = 0;

	if (bw_store_page(store, query, &arena, &page) != BW_OK)
		return false;
	check(page.count <= query->limit);
	for (size_t i = 0; i < page.count; i++) {
		const struct bw_slice parts[] = { page.rows[i].id, page.rows[i].version, page.rows[i].body };

		check(i == 0 || page.rows[i].date_added_us > page.rows[i - 1].date_added_us);
		for (size_t part = 0; part < BW_COUNT(parts); part++) {
			for (size_t at = 0; at < parts[part].len; at++)
				sum += parts[part].ptr[at];
		}
	}
	return sum != 1; /* always: the sum is there so that every byte is read */
}

static bool serves_all(struct bw_store *store)
{
	static const struct bw_slice ids[] = { { (const uint8_t *)"malware--aaaaaaaa-0000-4000-8000-000000000001",
						 45 } };
	static const struct bw_slice types[] = { { (const uint8_t *)"malware", 7 } };
	static const unsigned picks[] = { 0, BW_PICK_ALL, BW_PICK_FIRST };
	bool good = true;

	for (size_t i = 0; i < BW_COUNT(picks); i++) {
		struct bw_query query = { .collection = place.collection,
					  .added_after_us = -1,
					  .limit = 7,
					  .max_bytes = BW_MIB,
					  .picks = picks[i],
					  .bodies = true };

		good &= serves(store, &query);
		query.bodies = false;
		query.types = types;
		query.type_count = 1;
		good &= serves(store, &query);
		query.ids = ids;
		query.id_count = 1;
		good &= serves(store, &query);
	}
	return good;
}

static enum bw_err ignore_line(void *ctx, uint64_t seq, struct bw_slice line)
{
	(void)ctx;
	(void)seq;
	(void)line;
	return BW_OK;
}

static void read_the_rest(struct bw_store *store)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(64 * BW_MIB);
	struct bw_collection *collections;
	struct bw_account *accounts;
	struct bw_account account;
	struct bw_slice status;
	size_t count;

	bw_err_drop(bw_store_collections(store, &arena, &collections, &count)); /* any answer will do, here and below */
	bw_err_drop(bw_store_accounts(store, &arena, &accounts, &count));
	bw_err_drop(bw_store_account_by_name(store, BW_LIT("partner"), &account));
	bw_err_drop(bw_store_status_get(store, BW_LIT(STATUS), 0, &arena, &status));
	bw_err_drop(bw_store_audit_walk(store, 1, ignore_line, NULL));
}

static void read_on(enum bw_store_role role)
{
	const struct bw_store_options options = { .dir = place.data, .role = role, .catalogue_fd = -1 };
	struct bw_verify_report report;
	struct bw_store *store;
	bool good;

	if (bw_store_open(&options, &store) != BW_OK)
		return;
	good = serves_all(store);
	read_the_rest(store);
	if (bw_store_verify(store, NULL, NULL, &report) == BW_OK && report.bad_rows == 0 && report.bad_index == 0)
		check(good);
	bw_store_close(store);
}

static void write_on(void)
{
	const struct bw_record record = record_of("malware--aaaaaaaa-0000-4000-8000-000000000001",
						  "2020-01-04T00:00:00.000Z", "{4}");
	const struct bw_store_options options = { .dir = place.data, .catalogue_fd = -1 };
	struct bw_store *store;
	struct bw_put out;
	uint64_t removed;

	if (bw_store_open(&options, &store) != BW_OK)
		return;
	bw_err_drop(bw_store_put(store, place.collection, &record, 1, &out)); /* may fail: the rows are broken */
	bw_err_drop(bw_store_commit(store));
	bw_err_drop(bw_store_erase(store, record.id, BW_LIT("x"), &removed));
	bw_err_drop(bw_store_commit(store));
	bw_store_close(store);
}

static void restore_against(void)
{
	enum bw_err err;

	clear_folder(place.rebuilt);
	check(mkdir(place.rebuilt, 0700) == 0);
	err = bw_store_restore(place.backup, place.rebuilt, place.data, NULL, NULL);
	if (err == BW_OK)
		check(bw_store_restore(place.backup, place.rebuilt, NULL, NULL, NULL) == BW_ERR_EXISTS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;

	if (size == 0)
		return 0;
	if (!ready)
		set_up();
	ready = true;
	renew();
	edit_all(bw_slice_from(bw_slice_of(data, size), 1));
	if ((data[0] & RESTORE) != 0)
		restore_against();
	read_on(BW_STORE_READER);
	if ((data[0] & WRITE_ON) != 0) {
		write_on();
		read_on(BW_STORE_WRITER);
	}
	return 0;
}
