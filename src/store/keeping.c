/* Online backup and compacting. */
#include "store/keeping.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "store/index.h"
#include "store/manifest.h"
#include "sys/clock.h"

enum { BACKUP_PAGES = 256 }; /* 4 MiB between two looks at the progress */

/* ---- backup --------------------------------------------------------------------------------- */

static enum bw_err folder_is_empty(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	bool empty = true;

	BW_NEED(dir != NULL, NOT_FOUND);
	while ((entry = readdir(dir)) != NULL)
		empty = empty && entry->d_name[0] == '.';
	(void)closedir(dir);
	return empty ? BW_OK : BW_ERR_EXISTS;
}

static enum bw_err make_folder(struct bw_store *store, const char *folder)
{
	const enum bw_err err = bw_folder_make(folder, &store->why);

	if (err != BW_ERR_EXISTS)
		return err;
	if (folder_is_empty(folder) != BW_OK)
		return bw_why_set(&store->why, BW_ERR_EXISTS, "cannot back up into '%s': it is not empty", folder);
	return BW_OK;
}

static enum bw_err copy_pages(sqlite3 *from, sqlite3 *to, bw_keeping_progress *progress, void *ctx)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
	int rc;

	if (backup == NULL)
		return bw_sql_err(to, sqlite3_errcode(to));
	do {
		rc = sqlite3_backup_step(backup, BACKUP_PAGES);
		if (progress != NULL) {
			const int total = sqlite3_backup_pagecount(backup);

			progress(ctx, (uint64_t)(total - sqlite3_backup_remaining(backup)), (uint64_t)total);
		}
		if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
			(void)usleep(20000);
	} while (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED);
	rc = sqlite3_backup_finish(backup);
	return bw_sql_err(to, rc);
}

/* A transaction that has read: until it ends, the connection sees no later commit. */
static enum bw_err hold_snapshot(sqlite3 *db)
{
	int64_t ignored;

	BW_TRY(bw_sql_run(db, "BEGIN"));
	return bw_sql_number(db, "SELECT count(*) FROM sqlite_schema", &ignored);
}

/*
 * From a connection of its own, which holds one snapshot: what other
 * connections commit meanwhile neither shows nor starts the copy over.
 */
static enum bw_err copy_database(struct bw_store *store, const char *to_path, bw_keeping_progress *progress, void *ctx)
{
	char from_path[BW_PATH_BYTES];
	sqlite3 *from = NULL;
	sqlite3 *to = NULL;
	enum bw_err err;

	BW_TRY(bw_path_join(from_path, store->dir, "entries.db"));
	BW_TRY(bw_sql_open(
		&(struct bw_sql_options){
			.path = from_path, .read_only = true, .synchronous = "FULL", .cache_bytes = BW_MIB },
		&from));
	err = bw_sql_err(NULL, sqlite3_open_v2(to_path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL));
	if (err == BW_OK)
		err = hold_snapshot(from);
	if (err == BW_OK)
		err = copy_pages(from, to, progress, ctx);
	/* one file without a WAL beside it */
	if (err == BW_OK)
		err = bw_sql_run(to, "PRAGMA journal_mode=DELETE");
	(void)sqlite3_close(from);
	if (sqlite3_close(to) != SQLITE_OK && err == BW_OK)
		err = BW_ERR_IO;
	return err;
}

static enum bw_err write_manifest(struct bw_store *store, const char *folder)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(64 * BW_KIB);
	struct bw_manifest manifest = { .made_us = bw_clock_now_us(), .last_added_us = store->kept_added_us };
	char path[BW_PATH_BYTES];

	BW_TRY(bw_path_join(path, folder, "entries.db"));
	BW_TRY(bw_file_digest(path, manifest.digest, &manifest.bytes));
	BW_TRY(bw_manifest_write(&manifest, &text));
	BW_TRY(bw_path_join(path, folder, "MANIFEST"));
	return bw_file_write(path, bw_buf_slice(&text), 0600, &store->why);
}

enum bw_err bw_store_backup(struct bw_store *store, const char *folder, bw_keeping_progress *progress, void *ctx)
{
	char path[BW_PATH_BYTES];

	BW_TRY(make_folder(store, folder));
	BW_TRY(bw_path_join(path, folder, "entries.db"));
	BW_TRY(bw_store_note(store, copy_database(store, path, progress, ctx), "copy the store"));
	/* written last: a folder without it is no backup */
	return bw_store_note(store, write_manifest(store, folder), "describe the backup");
}

/* ---- compact ---------------------------------------------------------------------------------- */

/*
 * SQLite makes the new file as a temporary one first: beside the store, where there is
 * room and permission, and not in memory. The catalogue stays: its rows that are gone hold hashes, no content.
 */
static enum bw_err vacuum(struct bw_store *store)
{
	enum bw_err err;

	for (size_t i = 0; i < BW_STATEMENT_COUNT; i++)
		bw_sql_finalize(&store->statements[i]);
	bw_lanes_finalize(store);
	sqlite3_temp_directory = sqlite3_mprintf("%s", store->dir);
	BW_NEED(sqlite3_temp_directory != NULL, MEMORY);
	err = bw_sql_run(store->db, "PRAGMA temp_store=FILE");
	if (err == BW_OK)
		err = bw_sql_run(store->db, "VACUUM");
	sqlite3_free(sqlite3_temp_directory);
	sqlite3_temp_directory = NULL;
	if (err == BW_OK)
		err = bw_sql_run(store->db, "PRAGMA temp_store=MEMORY");
	return err;
}

static enum bw_err compact(struct bw_store *store)
{
	BW_TRY(bw_index_forget_now(store));
	BW_TRY(vacuum(store));
	BW_TRY(bw_sql_err(store->db,
			  sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL)));
	return bw_index_reset(store); /* old words linger in its pages; it is built again from the rows */
}

enum bw_err bw_store_compact(struct bw_store *store)
{
	BW_NEED(store->role == BW_STORE_WRITER, USAGE);
	BW_TRY(bw_store_commit(store));
	BW_TRY(bw_store_note(store, compact(store), "compact the store"));
	store->wipe_due = false;
	return BW_OK;
}
