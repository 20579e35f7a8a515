#include "store/index.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "crypto/hash.h"
#include "store/search.h"
#include "store/terms.h"

enum {
	INDEX_VERSION = 1,
	INDEX_ID = 0x42776b53, /* "BwkS" */
	INDEX_CACHE = 16 * 1024 * 1024,
	INDEX_CHECKPOINT = 2048,
	TEXT_MAX = 64 * 1024 * 1024,
};

/* ---- making and opening --------------------------------------------------------------- */

/* What binds the indexes to this store: another key would look for other hashes. */
static int64_t store_mark(const struct bw_store *store)
{
	return (int64_t)(bw_siphash(store->key, BW_LIT("search.db")) >> 1);
}

static enum bw_err fill_new(const struct bw_store *store, sqlite3 *db)
{
	char sql[160];

	BW_TRY(bw_runs_schema(db));
	BW_TRY(bw_sql_run(db,
			  "CREATE TABLE place(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID"));
	/* nothing but what finds a row: texts stay in the rows, and positions and sizes are not needed */
	BW_TRY(bw_sql_run(db, "CREATE VIRTUAL TABLE word USING fts5(text, content='', columnsize=0, detail=none,"
			      " tokenize='unicode61 remove_diacritics 2')"));
	(void)snprintf(sql, sizeof(sql), "INSERT INTO place VALUES('store', %lld)", (long long)store_mark(store));
	BW_TRY(bw_sql_run(db, sql));
	(void)snprintf(sql, sizeof(sql), "PRAGMA application_id=%d; PRAGMA user_version=%d", INDEX_ID, INDEX_VERSION);
	return bw_sql_run(db, sql);
}

static enum bw_err is_ours(const struct bw_store *store, sqlite3 *db)
{
	int64_t id;
	int64_t version;
	int64_t mark;

	BW_TRY(bw_sql_number(db, "PRAGMA application_id", &id));
	BW_TRY(bw_sql_number(db, "PRAGMA user_version", &version));
	BW_NEED(id == INDEX_ID && version == INDEX_VERSION, CORRUPT);
	BW_NEED(bw_sql_number(db, "SELECT value FROM place WHERE name='store'", &mark) == BW_OK, CORRUPT);
	BW_NEED(mark == store_mark(store), CORRUPT);
	return BW_OK;
}

static enum bw_err index_path(const struct bw_store *store, const char *ending, char out[BW_PATH_BYTES])
{
	char name[32];

	(void)snprintf(name, sizeof(name), "search.db%s", ending);
	return bw_path_join(out, store->dir, name);
}

static enum bw_err open_db(struct bw_store *store, bool for_writing, bool create, sqlite3 **out)
{
	char path[BW_PATH_BYTES];

	BW_TRY(index_path(store, "", path));
	/* NORMAL: what power loss takes is read from the rows again */
	return bw_sql_open(&(struct bw_sql_options){ .path = path,
						     .read_only = !for_writing,
						     .create = create,
						     .synchronous = "NORMAL",
						     .cache_bytes = INDEX_CACHE,
						     .checkpoint_pages = INDEX_CHECKPOINT },
			   out);
}

static enum bw_err make_db(struct bw_store *store, sqlite3 **out)
{
	sqlite3 *db;
	enum bw_err err;

	BW_TRY(bw_index_drop(store));
	BW_TRY(open_db(store, true, true, &db));
	err = bw_sql_run(db, "BEGIN IMMEDIATE");
	if (err == BW_OK)
		err = fill_new(store, db);
	if (err == BW_OK)
		err = bw_sql_run(db, "COMMIT");
	if (err != BW_OK) {
		(void)sqlite3_close(db);
		return err;
	}
	*out = db;
	return BW_OK;
}

static enum bw_err open_or_make(struct bw_store *store, bool for_writing, sqlite3 **out)
{
	sqlite3 *db = NULL;
	enum bw_err err = open_db(store, for_writing, false, &db);

	if (err == BW_OK)
		err = is_ours(store, db);
	if (err != BW_OK) {
		(void)sqlite3_close(db);
		db = NULL;
	}
	if (for_writing && (err == BW_ERR_NOT_FOUND || err == BW_ERR_CORRUPT))
		return make_db(store, out);
	BW_TRY(err);
	*out = db;
	return BW_OK;
}

/* Which file the name stands for now; zeros when there is none. */
static struct bw_index_file file_now(const struct bw_store *store)
{
	char path[BW_PATH_BYTES];
	struct stat status;

	if (index_path(store, "", path) != BW_OK || stat(path, &status) != 0)
		return (struct bw_index_file){ 0 };
	return (struct bw_index_file){ (uint64_t)status.st_dev, (uint64_t)status.st_ino };
}

static bool is_replaced(const struct bw_store *store)
{
	const struct bw_index_file now = file_now(store);

	return now.device != store->index->file.device || now.inode != store->index->file.inode;
}

enum bw_err bw_index_open(struct bw_store *store, bool for_writing, struct bw_index **out)
{
	struct bw_index *index = store->index;
	enum bw_err err;

	/* another process may have made a damaged one anew */
	if (index != NULL && ((for_writing && !index->writable) || is_replaced(store)))
		bw_index_close(store);
	if (store->index == NULL) {
		index = calloc(1, sizeof(*index));
		BW_NEED(index != NULL, MEMORY);
		err = open_or_make(store, for_writing, &index->db);
		if (err != BW_OK) {
			free(index);
			/* half made, or another store's: as good as none, and made anew at the next step */
			if (err == BW_ERR_NOT_FOUND || err == BW_ERR_CORRUPT)
				return BW_ERR_NOT_FOUND;
			(void)bw_store_note(store, err, "open the search index");
			return err;
		}
		index->writable = for_writing;
		index->file = file_now(store);
		store->index = index;
	}
	*out = store->index;
	return BW_OK;
}

void bw_index_close(struct bw_store *store)
{
	if (store->index == NULL)
		return;
	(void)sqlite3_close(store->index->db);
	free(store->index);
	store->index = NULL;
}

enum bw_err bw_index_drop(struct bw_store *store)
{
	static const char *const endings[] = { "", "-wal", "-shm" };
	char path[BW_PATH_BYTES];

	bw_index_close(store);
	for (size_t i = 0; i < BW_COUNT(endings); i++) {
		BW_TRY(index_path(store, endings[i], path));
		if (unlink(path) != 0 && errno != ENOENT)
			return bw_why_errno(&store->why, errno, "remove", path);
	}
	return BW_OK;
}

static enum bw_err empty_tables(const struct bw_store *store, sqlite3 *db)
{
	BW_TRY(bw_sql_run(db, "BEGIN IMMEDIATE; DROP TABLE word; DROP TABLE chunk; DROP TABLE run; DROP TABLE place"));
	BW_TRY(fill_new(store, db));
	return bw_sql_run(db, "COMMIT");
}

enum bw_err bw_index_reset(struct bw_store *store)
{
	struct bw_index *index;
	enum bw_err err = bw_index_open(store, false, &index);

	if (err == BW_ERR_NOT_FOUND)
		return BW_OK;
	BW_TRY(err);
	BW_TRY(bw_index_open(store, true, &index));
	err = empty_tables(store, index->db);
	if (err != BW_OK) {
		(void)sqlite3_exec(index->db, "ROLLBACK", NULL, NULL, NULL);
		return err;
	}
	BW_TRY(bw_sql_run(index->db, "VACUUM"));
	return bw_sql_err(index->db,
			  sqlite3_wal_checkpoint_v2(index->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL));
}

enum bw_err bw_index_upto(struct bw_index *index, int64_t *out)
{
	const enum bw_err err = bw_sql_number(index->db, "SELECT value FROM place WHERE name='upto'", out);

	if (err == BW_ERR_NOT_FOUND)
		*out = INT64_MIN;
	return err == BW_ERR_NOT_FOUND ? BW_OK : err;
}

static enum bw_err set_upto(struct bw_index *index, int64_t upto)
{
	char sql[160];

	(void)snprintf(sql, sizeof(sql),
		       "INSERT INTO place VALUES('upto', %lld) ON CONFLICT(name) DO UPDATE SET value=%lld",
		       (long long)upto, (long long)upto);
	return bw_sql_run(index->db, sql);
}

uint64_t bw_value_hash(const struct bw_store *store, struct bw_slice value)
{
	uint8_t small[512];

	if (value.len > sizeof(small)) /* long values are told apart by case */
		return bw_siphash(store->key, value);
	for (size_t i = 0; i < value.len; i++)
		small[i] = bw_to_lower(value.ptr[i]);
	return bw_siphash(store->key, bw_slice_of(small, value.len));
}

/* ---- feeding ----------------------------------------------------------------------------- */

struct feed {
	struct bw_store *store;
	struct bw_index *index;
	struct bw_posting *postings;
	size_t count;
	size_t cap;
	struct bw_buf text;
	sqlite3_stmt *word;
	int64_t upto;
	size_t rows;
};

static void feed_release(struct feed *feed)
{
	free(feed->postings);
	bw_buf_release(&feed->text);
	bw_sql_finalize(&feed->word);
}

static enum bw_err add_posting(struct feed *feed, uint64_t hash, int64_t added_us)
{
	if (feed->count == feed->cap) {
		const size_t cap = feed->cap == 0 ? 8192 : feed->cap * 2;
		struct bw_posting *grown = reallocarray(feed->postings, cap, sizeof(*grown));

		BW_NEED(grown != NULL, MEMORY);
		feed->postings = grown;
		feed->cap = cap;
	}
	feed->postings[feed->count++] = (struct bw_posting){ hash, added_us };
	return BW_OK;
}

static enum bw_err feed_terms(struct feed *feed, int64_t added_us, struct bw_slice packed)
{
	struct bw_terms terms;
	struct bw_slice value;

	if (packed.len == 0)
		return BW_OK;
	BW_TRY(bw_terms_open(packed, &terms));
	while (bw_terms_value(&terms, &value))
		BW_TRY(add_posting(feed, bw_value_hash(feed->store, value), added_us));
	bw_buf_clear(&feed->text);
	BW_TRY(bw_terms_text(packed, &feed->text));
	(void)sqlite3_bind_int64(feed->word, 1, added_us);
	bw_sql_bind_text(feed->word, 2, bw_buf_slice(&feed->text));
	return bw_sql_done(feed->word);
}

/* A row that shares its body shares its terms: each row is found in its own collection. */
static enum bw_err feed_row(struct feed *feed, sqlite3_stmt *row)
{
	BW_CLEANUP(bw_sql_reset) sqlite3_stmt *stmt = NULL;
	bool found;

	if (sqlite3_column_type(row, 3) == SQLITE_NULL)
		return feed_terms(feed, feed->upto, bw_sql_blob(row, 1));
	BW_TRY(bw_lane_statement(feed->store, BW_LANE_TERMS, bw_lane_of((uint8_t)sqlite3_column_int(row, 2)), &stmt));
	(void)sqlite3_reset(stmt);
	(void)sqlite3_bind_int64(stmt, 1, sqlite3_column_int64(row, 3));
	BW_TRY(bw_sql_row(stmt, &found));
	return feed_terms(feed, feed->upto, found ? bw_sql_blob(stmt, 0) : bw_slice_empty);
}

static enum bw_err feed_rows(struct feed *feed)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	bool found;

	BW_TRY(bw_sql_prepare(feed->store->db,
			      "SELECT added, terms, type, body_at FROM entry WHERE added > ? ORDER BY added LIMIT ?",
			      &stmt));
	(void)sqlite3_bind_int64(stmt, 1, feed->upto);
	(void)sqlite3_bind_int(stmt, 2, BW_INDEX_STEP_ROWS);
	for (;;) {
		BW_TRY(bw_sql_row(stmt, &found));
		if (!found)
			return BW_OK;
		feed->upto = sqlite3_column_int64(stmt, 0);
		feed->rows++;
		BW_TRY(feed_row(feed, stmt));
	}
}

static enum bw_err feed_all(struct feed *feed)
{
	bool tending;

	BW_TRY(bw_index_upto(feed->index, &feed->upto));
	BW_TRY(feed_rows(feed));
	BW_TRY(bw_runs_add(feed->index->db, feed->postings, feed->count));
	if (feed->rows > 0)
		BW_TRY(set_upto(feed->index, feed->upto));
	BW_TRY(bw_runs_tend(feed->index->db, &tending));
	feed->rows = feed->rows == BW_INDEX_STEP_ROWS || tending ? 1 : 0; /* more to do */
	return bw_sql_run(feed->index->db, "COMMIT");
}

enum bw_err bw_store_index_step(struct bw_store *store, bool *out_more)
{
	BW_CLEANUP(feed_release) struct feed feed = { .store = store, .text = BW_BUF_INIT(TEXT_MAX) };
	enum bw_err err;

	BW_NEED(!store->in_transaction, BUSY); /* rows not committed must not be found */
	BW_TRY(bw_index_open(store, true, &feed.index));
	/* first the lock, then the rows: an erasure in between waits, and finds what it must take out */
	BW_TRY(bw_store_note(store, bw_sql_run(feed.index->db, "BEGIN IMMEDIATE"), "begin to index"));
	err = bw_sql_prepare(feed.index->db, "INSERT INTO word(rowid, text) VALUES(?,?)", &feed.word);
	if (err == BW_OK)
		err = feed_all(&feed);
	if (err != BW_OK) {
		err = bw_why_set(&store->why, err, "cannot index: %s (%s)", bw_err_text(err),
				 sqlite3_errmsg(feed.index->db));
		(void)sqlite3_exec(feed.index->db, "ROLLBACK", NULL, NULL, NULL);
		return err;
	}
	*out_more = feed.rows > 0;
	return BW_OK;
}

enum bw_err bw_store_index_lag(struct bw_store *store, uint64_t *out_rows)
{
	const uint64_t rows = bw_cat_published(&store->cat);
	struct bw_index *index;
	int64_t upto = INT64_MIN;
	const enum bw_err err = bw_index_open(store, false, &index);

	if (err == BW_OK)
		BW_TRY(bw_index_upto(index, &upto));
	else if (err != BW_ERR_NOT_FOUND)
		return err;
	*out_rows = rows - bw_cat_after(&store->cat, upto, rows);
	return BW_OK;
}

/* ---- forgetting ---------------------------------------------------------------------------- */

enum bw_err bw_index_forget(struct bw_store *store, uint64_t row)
{
	sqlite3_stmt *stmt;

	BW_TRY(bw_lane_statement(store, BW_LANE_FORGET, bw_lane_of(store->cat.type[row]), &stmt));
	(void)sqlite3_bind_int64(stmt, 1, store->cat.added[row]);
	return bw_store_do(store, stmt, "remember what the indexes must forget");
}

static enum bw_err forget_terms(struct bw_store *store, struct bw_index *index, int64_t added_us,
				struct bw_slice packed)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(TEXT_MAX);
	struct bw_terms terms;
	struct bw_slice value;

	if (packed.len == 0)
		return BW_OK;
	BW_TRY(bw_terms_open(packed, &terms));
	while (bw_terms_value(&terms, &value)) {
		const struct bw_posting posting = { bw_value_hash(store, value), added_us };

		BW_TRY(bw_runs_forget(index->db, &posting));
	}
	BW_TRY(bw_terms_text(packed, &text));
	BW_TRY(bw_sql_prepare(index->db, "INSERT INTO word(word, rowid, text) VALUES('delete', ?, ?)", &stmt));
	(void)sqlite3_bind_int64(stmt, 1, added_us);
	bw_sql_bind_text(stmt, 2, bw_buf_slice(&text));
	return bw_sql_done(stmt);
}

static enum bw_err forget_rows(struct bw_store *store, struct bw_index *index)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	int64_t upto;
	bool found;

	BW_TRY(bw_index_upto(index, &upto));
	BW_TRY(bw_sql_prepare(store->db, "SELECT added, terms FROM forget", &stmt));
	for (;;) {
		BW_TRY(bw_sql_row(stmt, &found));
		if (!found)
			return BW_OK;
		if (sqlite3_column_int64(stmt, 0) <= upto) /* others never got there */
			BW_TRY(forget_terms(store, index, sqlite3_column_int64(stmt, 0), bw_sql_blob(stmt, 1)));
	}
}

static enum bw_err forget_in_index(struct bw_store *store)
{
	struct bw_index *index;
	enum bw_err err = bw_index_open(store, false, &index); /* is there one at all? */

	if (err == BW_ERR_NOT_FOUND)
		return BW_OK;
	BW_TRY(err);
	BW_TRY(bw_index_open(store, true, &index));
	BW_TRY(bw_sql_run(index->db, "BEGIN IMMEDIATE"));
	err = forget_rows(store, index);
	if (err == BW_OK)
		err = bw_sql_run(index->db, "COMMIT");
	if (err != BW_OK) {
		(void)sqlite3_exec(index->db, "ROLLBACK", NULL, NULL, NULL);
		return err;
	}
	/* durable, and out of the WAL, before the terms themselves are forgotten */
	return bw_sql_err(index->db,
			  sqlite3_wal_checkpoint_v2(index->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL));
}

enum bw_err bw_index_forget_now(struct bw_store *store)
{
	BW_TRY(bw_store_note(store, forget_in_index(store), "take what was erased out of the search index"));
	return bw_store_note(store, bw_sql_run(store->db, "DELETE FROM forget"), "forget what was erased");
}
