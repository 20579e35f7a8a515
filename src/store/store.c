#include "store/engine.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "store/index.h"
#include "sys/clock.h"

enum {
	CACHE_DEFAULT = 16 * 1024 * 1024,
	CHECKPOINT_PAGES = 4096, /* 64 MiB: docs/experiments/store.md */
	BODY_MAX = 64 * 1024 * 1024,
	RESTART_WAIT_MS = 200,
};

static const char *const statement_text[BW_STATEMENT_COUNT] = {
#define X(name, sql) [BW_SQL_##name] = (sql),
	BW_STATEMENT_ROWS(X)
#undef X
};

enum bw_err bw_store_note(struct bw_store *store, enum bw_err err, const char *doing)
{
	if (err == BW_OK)
		return BW_OK;
	(void)bw_why_set(&store->why, err, "cannot %s: %s (%s)", doing, bw_err_text(err),
			 store->db == NULL ? "not open" : sqlite3_errmsg(store->db));
	return err;
}

const char *bw_store_why(const struct bw_store *store)
{
	return store->why.text;
}

enum bw_err bw_store_statement(struct bw_store *store, enum bw_statement which, sqlite3_stmt **out)
{
	sqlite3_stmt **stmt = &store->statements[which];

	if (*stmt == NULL)
		BW_TRY(bw_store_note(store, bw_sql_prepare(store->db, statement_text[which], stmt), "ask the store"));
	*out = *stmt;
	return BW_OK;
}

/* SQLite ends the whole transaction by itself on some failures; nothing of it may be believed then. */
static void watch_transaction(struct bw_store *store, enum bw_err err)
{
	if (err != BW_OK && store->in_transaction && store->lost == BW_OK && sqlite3_get_autocommit(store->db) != 0)
		store->lost = err;
}

enum bw_err bw_store_do(struct bw_store *store, sqlite3_stmt *stmt, const char *doing)
{
	const enum bw_err err = bw_sql_done(stmt);

	watch_transaction(store, err);
	return bw_store_note(store, err, doing);
}

static enum bw_err do_now(struct bw_store *store, enum bw_statement which, const char *doing)
{
	sqlite3_stmt *stmt;

	BW_TRY(bw_store_statement(store, which, &stmt));
	return bw_store_do(store, stmt, doing);
}

/* ---- making and opening ---------------------------------------------------- */

static enum bw_err put_secret(sqlite3 *db, const char *name, size_t len)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	uint8_t bytes[64];

	bw_random(bytes, len);
	BW_TRY(bw_sql_prepare(db, "INSERT INTO setting(name, value) VALUES(?,?)", &stmt));
	bw_sql_bind_text(stmt, 1, bw_slice_text(name));
	bw_sql_bind_blob(stmt, 2, bw_slice_of(bytes, len));
	return bw_sql_done(stmt);
}

static enum bw_err fill_new(sqlite3 *db)
{
	BW_TRY(bw_schema_create(db));
	BW_TRY(put_secret(db, "store.key", BW_KEY_BYTES));
	return put_secret(db, "store.salt", BW_SALT_BYTES);
}

enum bw_err bw_store_create(const char *dir)
{
	char folder[BW_PATH_BYTES];
	char path[BW_PATH_BYTES];
	sqlite3 *db = NULL;
	enum bw_err err;

	BW_TRY(bw_path_join(folder, dir, "store"));
	BW_TRY(bw_path_join(path, folder, "entries.db"));
	err = bw_folder_make(folder, NULL);
	if (err != BW_OK && (err != BW_ERR_EXISTS || bw_file_exists(path)))
		return err;
	err = bw_sql_open(&(struct bw_sql_options){ .path = path,
						    .create = true,
						    .synchronous = "FULL",
						    .cache_bytes = CACHE_DEFAULT,
						    .checkpoint_pages = CHECKPOINT_PAGES },
			  &db);
	if (err == BW_OK)
		err = fill_new(db);
	if (sqlite3_close(db) != SQLITE_OK && err == BW_OK)
		err = BW_ERR_IO;
	if (err == BW_OK)
		err = bw_folder_sync(folder, NULL);
	if (err != BW_OK)
		(void)unlink(path);
	return err;
}

static enum bw_err get_secret(struct bw_store *store, const char *name, uint8_t *out, size_t len)
{
	BW_CLEANUP(bw_sql_reset) sqlite3_stmt *stmt = NULL;
	struct bw_slice value;
	bool found;

	BW_TRY(bw_store_statement(store, BW_SQL_SETTING_GET, &stmt));
	bw_sql_bind_text(stmt, 1, bw_slice_text(name));
	BW_TRY(bw_sql_row(stmt, &found));
	BW_NEED(found, CORRUPT);
	value = bw_sql_blob(stmt, 0);
	BW_NEED(value.len == len, CORRUPT);
	memcpy(out, value.ptr, len);
	return BW_OK;
}

/*
 * After every commit, with the length of the WAL. Usually a passive checkpoint is
 * enough. But while readers overlap there is never a moment without one, and the WAL
 * would grow for as long as an import lasts: from four times the length on we wait a
 * moment for those who still read the old part. A backup reads for minutes: then we go
 * on and try again a checkpoint's length later.
 */
static int on_wal(void *ctx, sqlite3 *db, const char *name, int pages)
{
	struct bw_store *store = ctx;

	if (pages < store->checkpoint_pages)
		return SQLITE_OK;
	if (pages < 4 * store->checkpoint_pages) {
		store->restart_due = 4 * store->checkpoint_pages;
		(void)sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	} else if (pages >= store->restart_due) {
		(void)sqlite3_busy_timeout(db, RESTART_WAIT_MS);
		(void)sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
		(void)sqlite3_busy_timeout(db, BW_SQL_WAIT_MS);
		store->restart_due = pages + store->checkpoint_pages;
	}
	return SQLITE_OK; /* a checkpoint that failed is no failed commit */
}

static enum bw_err open_database(struct bw_store *store)
{
	char path[BW_PATH_BYTES];
	const bool writer = store->role == BW_STORE_WRITER;
	int64_t erased;

	BW_TRY(bw_path_join(path, store->dir, "entries.db"));
	BW_TRY(bw_sql_open(&(struct bw_sql_options){ .path = path,
						     .read_only = !writer,
						     .synchronous = "FULL",
						     .cache_bytes = store->cache_bytes,
						     .checkpoint_pages = CHECKPOINT_PAGES },
			   &store->db));
	BW_TRY(bw_schema_check(store->db, writer));
	if (writer)
		(void)sqlite3_wal_hook(store->db, on_wal, store);
	BW_TRY(get_secret(store, "store.key", store->key, sizeof(store->key)));
	BW_TRY(get_secret(store, "store.salt", store->salt, sizeof(store->salt)));
	BW_TRY(bw_sql_number(store->db, "SELECT count(*) FROM erased", &erased));
	store->erased_count = (uint64_t)erased;
	BW_TRY(bw_sql_number(store->db, "SELECT count(*) FROM forget", &erased));
	store->wipe_due = writer && erased > 0; /* an erasure was cut short */
	return bw_types_load(store);
}

static enum bw_err open_catalogue(struct bw_store *store, int fd)
{
	if (store->role == BW_STORE_READER && fd >= 0)
		return bw_cat_open(fd, &store->cat);
	BW_TRY(bw_cat_new(store->key, &store->cat));
	BW_TRY(bw_segments_load(store));
	return BW_OK;
}

static enum bw_err open_parts(struct bw_store *store, const struct bw_store_options *options)
{
	char path[BW_PATH_BYTES];

	BW_TRY(bw_path_join(store->dir, options->dir, "store"));
	BW_TRY(bw_path_join(path, store->dir, "entries.db"));
	BW_NEED(bw_file_exists(path), NOT_FOUND);
	if (store->role == BW_STORE_WRITER) {
		BW_TRY(bw_path_join(path, store->dir, "lock"));
		BW_TRY(bw_lock_take(path, &store->lock_fd, &store->why));
	}
	BW_TRY(bw_store_note(store, open_database(store), "open the store"));
	BW_TRY(bw_store_note(store, open_catalogue(store, options->catalogue_fd), "load the catalogue"));
	if (store->role == BW_STORE_WRITER) {
		BW_TRY(bw_bulletin_new(&store->bulletin));
		bw_bulletin_set_last_added_us(&store->bulletin, store->kept_added_us);
	}
	return BW_OK;
}

enum bw_err bw_store_open(const struct bw_store_options *options, struct bw_store **out)
{
	struct bw_store *store = calloc(1, sizeof(*store));
	enum bw_err err;

	BW_NEED(store != NULL, MEMORY);
	store->role = options->role;
	store->lock_fd = -1;
	store->cat.memory.fd = -1;
	store->bulletin.memory.fd = -1;
	store->cache_bytes = options->cache_bytes == 0 ? CACHE_DEFAULT : options->cache_bytes;
	store->checkpoint_pages = CHECKPOINT_PAGES;
	store->now_us = bw_clock_now_us;
	store->scratch = BW_BUF_INIT(BODY_MAX);
	store->terms = BW_BUF_INIT(BODY_MAX);
	err = open_parts(store, options);
	if (err != BW_OK) {
		bw_store_close(store);
		return err;
	}
	*out = store;
	return BW_OK;
}

void bw_store_close(struct bw_store *store)
{
	if (store == NULL)
		return;
	if (store->in_transaction)
		bw_store_rollback(store);
	bw_index_close(store);
	for (size_t i = 0; i < BW_STATEMENT_COUNT; i++)
		bw_sql_finalize(&store->statements[i]);
	bw_lanes_finalize(store);
	(void)sqlite3_close(store->db);
	bw_lineages_forget(&store->lineages);
	bw_cat_release(&store->cat);
	bw_bulletin_release(&store->bulletin);
	bw_types_release(store);
	bw_buf_release(&store->scratch);
	bw_buf_release(&store->terms);
	if (store->lock_fd >= 0)
		(void)close(store->lock_fd);
	free(store);
}

int bw_store_catalogue_fd(const struct bw_store *store)
{
	return store->cat.memory.fd;
}

int bw_store_bulletin_fd(const struct bw_store *store)
{
	return store->bulletin.memory.fd;
}

/* ---- transactions ------------------------------------------------------------- */

enum bw_err bw_store_begin(struct bw_store *store)
{
	BW_NEED(store->role == BW_STORE_WRITER, USAGE);
	if (store->lost != BW_OK)
		return store->lost;
	if (store->in_transaction)
		return BW_OK;
	BW_TRY(do_now(store, BW_SQL_BEGIN, "begin a transaction"));
	store->in_transaction = true;
	return BW_OK;
}

enum bw_err bw_step_begin(struct bw_store *store, struct bw_step *out)
{
	BW_TRY(bw_store_begin(store));
	BW_TRY(do_now(store, BW_SQL_SAVE, "begin a step"));
	*out = (struct bw_step){ bw_cat_mark(&store->cat), store->last_added_us };
	return BW_OK;
}

enum bw_err bw_step_end(struct bw_store *store, const struct bw_step *step, enum bw_err err)
{
	const struct bw_why why = store->why;

	watch_transaction(store, err);
	if (err == BW_OK)
		return do_now(store, BW_SQL_SAVE_KEEP, "end a step");
	if (store->lost == BW_OK && (do_now(store, BW_SQL_SAVE_UNDO, "undo a step") != BW_OK ||
				     do_now(store, BW_SQL_SAVE_KEEP, "end a step") != BW_OK))
		store->lost = err;
	bw_cat_undo(&store->cat, step->mark);
	bw_lineages_forget(&store->lineages);
	store->types.known = false; /* names the step gave out are free again */
	store->audit_known = false;
	store->route.number = 0;
	store->last_added_us = step->last_added_us;
	store->why = why;
	return err;
}

enum bw_err bw_store_part_begin(struct bw_store *store)
{
	return bw_step_begin(store, &store->part);
}

enum bw_err bw_store_part_end(struct bw_store *store, enum bw_err err)
{
	return bw_step_end(store, &store->part, err);
}

bool bw_store_is_lost(const struct bw_store *store)
{
	return store->lost != BW_OK;
}

int64_t bw_store_newest(const struct bw_store *store)
{
	const uint64_t rows = bw_cat_published(&store->cat);

	return rows == 0 ? 0 : store->cat.added[rows - 1];
}

int64_t bw_store_next_added(struct bw_store *store)
{
	const int64_t now = store->now_us();

	store->last_added_us = now > store->last_added_us ? now : store->last_added_us + 1;
	return store->last_added_us;
}

void bw_store_touch(struct bw_store *store, uint16_t collection)
{
	store->touched[collection] = true;
}

static void tell(struct bw_store *store)
{
	for (size_t i = 0; i < BW_COUNT(store->touched); i++) {
		if (store->touched[i])
			bw_bulletin_bump_collection(&store->bulletin, (uint16_t)i);
	}
	if (store->accounts_changed)
		bw_bulletin_bump_accounts(&store->bulletin);
	if (store->catalog_changed)
		bw_bulletin_bump_catalog(&store->bulletin);
	bw_bulletin_set_last_added_us(&store->bulletin, store->kept_added_us);
}

static void settle(struct bw_store *store, bool committed)
{
	bw_segments_settle(store, committed);
	if (committed) {
		store->kept_added_us = store->last_added_us;
		store->erased_count += store->erased_added;
		bw_cat_publish(&store->cat);
		bw_lineages_trim(&store->lineages);
		tell(store);
	} else {
		store->last_added_us = store->kept_added_us;
		bw_cat_rollback(&store->cat);
		bw_lineages_forget(&store->lineages);
	}
	memset(store->touched, 0, sizeof(store->touched));
	store->accounts_changed = false;
	store->catalog_changed = false;
	store->erased_added = 0;
	store->in_transaction = false;
	store->lost = BW_OK;
}

/*
 * After an erasure the indexes and the WAL still hold what was erased. A reader in the
 * middle of a page, or an indexer at work, can keep us from it: the next commit tries again.
 */
static void wipe(struct bw_store *store)
{
	if (!store->wipe_due || bw_index_forget_now(store) != BW_OK)
		return;
	if (sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) == SQLITE_OK)
		store->wipe_due = false;
}

enum bw_err bw_store_commit(struct bw_store *store)
{
	enum bw_err err = store->lost;

	if (!store->in_transaction)
		return BW_OK;
	if (err == BW_OK)
		err = bw_segments_save(store);
	if (err == BW_OK)
		err = do_now(store, BW_SQL_COMMIT, "commit");
	if (err != BW_OK) {
		bw_store_rollback(store);
		return err;
	}
	settle(store, true);
	wipe(store);
	return BW_OK;
}

void bw_store_rollback(struct bw_store *store)
{
	const struct bw_why why = store->why;

	if (!store->in_transaction)
		return;
	if (sqlite3_get_autocommit(store->db) == 0)
		(void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	/* what the transaction knew beyond rows is read again */
	store->types.known = false;
	store->audit_known = false;
	store->route.number = 0;
	settle(store, false);
	store->why = why;
}
