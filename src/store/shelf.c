#include "store/shelf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/shelf_rows.h"
#include "sys/clock.h"
#include "sys/files.h"

#define HISTORY                                                                                 \
	"CREATE TABLE IF NOT EXISTS folder_was(folder INTEGER NOT NULL, seen INTEGER NOT NULL," \
	" meta BLOB NOT NULL, PRIMARY KEY(folder, seen)) STRICT, WITHOUT ROWID"

#define NAMES                                                                             \
	"CREATE TABLE IF NOT EXISTS name(file INTEGER NOT NULL, folder INTEGER NOT NULL," \
	" name BLOB NOT NULL, since INTEGER NOT NULL, gone INTEGER NOT NULL,"             \
	" PRIMARY KEY(file, folder, name)) STRICT, WITHOUT ROWID"

/* of a table without rowid no column of the key may be NULL */
#define PIN "CREATE TABLE pin(incident INTEGER, version INTEGER, PRIMARY KEY(incident, version)) STRICT, WITHOUT ROWID"

/*
 * folder_was what folders were besides their entries, over time; stores of before have it since they are opened
 * name       what a file with several names is and was called; stores of before have it since they are opened, too
 * file       what a key is called now; `newest` is its newest good version
 * version    what is kept; the order of numbers is the order of taking
 * pin        which incident holds which version; a version's own `incident` is the first of them
 * pack       kept bytes in each pack, so that an empty one is known without a scan
 * tally      totals, moved in the transaction that moves them
 */
static const char *const schema[] = {
	"CREATE TABLE setting(name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID",
	"CREATE TABLE folder(number INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, handle_type INTEGER NOT NULL,"
	" handle BLOB NOT NULL, meta BLOB NOT NULL) STRICT",
	HISTORY,
	NAMES,
	"CREATE TABLE file(number INTEGER PRIMARY KEY, ino INTEGER NOT NULL, tree INTEGER NOT NULL,"
	" gen INTEGER NOT NULL, folder INTEGER NOT NULL, name BLOB NOT NULL, newest INTEGER NOT NULL DEFAULT 0,"
	" gone INTEGER NOT NULL DEFAULT 0) STRICT",
	"CREATE UNIQUE INDEX file_key ON file(ino, tree, gen)",
	"CREATE TABLE version(number INTEGER PRIMARY KEY, file INTEGER NOT NULL, folder INTEGER NOT NULL,"
	" name BLOB NOT NULL, taken INTEGER NOT NULL, mtime INTEGER NOT NULL, size INTEGER NOT NULL,"
	" pack INTEGER NOT NULL, at INTEGER NOT NULL, kept INTEGER NOT NULL, kind INTEGER NOT NULL,"
	" before INTEGER NOT NULL, incident INTEGER NOT NULL, state INTEGER NOT NULL, sum BLOB NOT NULL,"
	" meta BLOB NOT NULL, content BLOB NOT NULL, actor INTEGER NOT NULL DEFAULT 0) STRICT",
	"CREATE INDEX version_file ON version(file)",
	"CREATE INDEX version_place ON version(folder, name)",
	"CREATE INDEX version_incident ON version(incident) WHERE incident <> 0",
	PIN,
	"CREATE INDEX pin_version ON pin(version)",
	"CREATE TABLE pack(number INTEGER PRIMARY KEY, bytes INTEGER NOT NULL) STRICT",
	"CREATE TABLE tally(one INTEGER PRIMARY KEY, files INTEGER NOT NULL, versions INTEGER NOT NULL,"
	" kept INTEGER NOT NULL) STRICT",
	"INSERT INTO tally VALUES(1, 0, 0, 0)",
	NULL,
};

/* From the first form to the second: several incidents may hold a version, and budgets know who made it. */
static const char *const upgrade[] = {
	"ALTER TABLE version ADD COLUMN actor INTEGER NOT NULL DEFAULT 0",
	PIN,
	"CREATE INDEX pin_version ON pin(version)",
	"INSERT INTO pin SELECT incident, number FROM version WHERE incident <> 0",
	"PRAGMA user_version=2",
	NULL,
};

enum {
	SHELF_APPLICATION_ID = 0x42575348, /* BWSH */
	SHELF_VERSION = 2,
	SHELF_CACHE_BYTES = 16 * 1024 * 1024,
	SHELF_CHECKPOINT_PAGES = 4096,
};

static enum bw_err fail(struct bw_why *why, enum bw_err err, const char *verb, const char *path)
{
	return bw_why_set(why, err, "cannot %s the catalogue '%s': %s", verb, path, bw_err_text(err));
}

static enum bw_err make_tables(sqlite3 *db)
{
	char sql[96];

	(void)sqlite3_snprintf((int)sizeof(sql), sql, "PRAGMA application_id=%d; PRAGMA user_version=%d",
			       SHELF_APPLICATION_ID, SHELF_VERSION);
	BW_TRY(bw_sql_run(db, "BEGIN IMMEDIATE"));
	BW_TRY(bw_sql_run(db, sql));
	for (const char *const *line = schema; *line != NULL; line++)
		BW_TRY(bw_sql_run(db, *line));
	return bw_sql_run(db, "COMMIT");
}

/* What a process that was killed while it made one left behind. */
static void clear_unfinished(const char *path)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char name[BW_PATH_BYTES];

	for (size_t i = 0; i < BW_COUNT(ends); i++) {
		if (snprintf(name, sizeof(name), "%s%s", path, ends[i]) < (int)sizeof(name))
			(void)unlink(name);
	}
}

static enum bw_err sync_file(const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	enum bw_err err = BW_OK;

	if (fd < 0)
		return bw_err_from_errno(errno);
	if (fsync(fd) != 0)
		err = bw_err_from_errno(errno);
	(void)close(fd);
	return err;
}

/*
 * Under another name first: a catalogue without its tables would be in the way for ever. Until it has its own nothing
 * of it counts, so that one sync is enough for all of it.
 */
enum bw_err bw_shelf_create(const char *path, struct bw_why *why)
{
	char unfinished[BW_PATH_BYTES];
	const struct bw_sql_options options = { .path = unfinished,
						.create = true,
						.synchronous = "OFF",
						.cache_bytes = SHELF_CACHE_BYTES,
						.checkpoint_pages = SHELF_CHECKPOINT_PAGES };
	struct stat status;
	sqlite3 *db;
	enum bw_err err;

	if (stat(path, &status) == 0)
		return fail(why, BW_ERR_EXISTS, "make", path);
	if (snprintf(unfinished, sizeof(unfinished), "%s-new", path) >= (int)sizeof(unfinished))
		return fail(why, BW_ERR_TOO_BIG, "make", path);
	clear_unfinished(unfinished);
	err = bw_sql_open(&options, &db);
	if (err != BW_OK)
		return fail(why, err, "make", path);
	err = make_tables(db);
	/* closing does the same and tells nobody when it fails: the log would stay behind, and the tables in it */
	if (err == BW_OK)
		err = bw_sql_err(db, sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL));
	if (sqlite3_close(db) != SQLITE_OK && err == BW_OK)
		err = BW_ERR_BUSY;
	if (err == BW_OK)
		err = sync_file(unfinished);
	if (err == BW_OK && rename(unfinished, path) != 0)
		err = bw_err_from_errno(errno);
	return err == BW_OK ? BW_OK : fail(why, err, "make", path);
}

static enum bw_err upgrade_schema(sqlite3 *db)
{
	enum bw_err err = bw_sql_run(db, "BEGIN IMMEDIATE");

	for (const char *const *line = upgrade; err == BW_OK && *line != NULL; line++)
		err = bw_sql_run(db, *line);
	if (err == BW_OK)
		return bw_sql_run(db, "COMMIT");
	(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return err;
}

static enum bw_err check_schema(sqlite3 *db, bool read_only)
{
	int64_t application;
	int64_t version;

	BW_TRY(bw_sql_number(db, "PRAGMA application_id", &application));
	BW_TRY(bw_sql_number(db, "PRAGMA user_version", &version));
	BW_NEED(application == SHELF_APPLICATION_ID, CORRUPT);
	BW_NEED(version <= SHELF_VERSION, SCHEMA);
	if (version == SHELF_VERSION)
		return BW_OK;
	BW_NEED(!read_only, VERSION);
	return upgrade_schema(db);
}

static enum bw_err begin_reading(struct bw_shelf *shelf, bool read_only)
{
	int64_t newest;

	BW_TRY(check_schema(shelf->db, read_only));
	BW_TRY(bw_sql_number(shelf->db, "SELECT coalesce(max(number), 0) FROM version", &newest));
	shelf->next = (uint64_t)newest + 1;
	return BW_OK;
}

enum bw_err bw_shelf_open(const char *path, bool read_only, struct bw_shelf **out, struct bw_why *why)
{
	const struct bw_sql_options options = { .path = path,
						.read_only = read_only,
						.synchronous = "NORMAL",
						.cache_bytes = SHELF_CACHE_BYTES,
						.checkpoint_pages = SHELF_CHECKPOINT_PAGES };
	struct bw_shelf *shelf = calloc(1, sizeof(*shelf));
	enum bw_err err;

	BW_NEED(shelf != NULL, MEMORY);
	shelf->log = -1;
	shelf->file = -1;
	err = bw_sql_open(&options, &shelf->db);
	if (err == BW_OK)
		err = begin_reading(shelf, read_only);
	if (err == BW_OK && !read_only)
		err = bw_sql_run(shelf->db, HISTORY);
	if (err == BW_OK && !read_only)
		err = bw_sql_run(shelf->db, NAMES);
	if (err != BW_OK) {
		bw_shelf_close(shelf);
		return fail(why, err, "open", path);
	}
	*out = shelf;
	return BW_OK;
}

void bw_shelf_close(struct bw_shelf *shelf)
{
	if (shelf == NULL)
		return;
	for (size_t i = 0; i < SHELF_STATEMENTS; i++)
		bw_sql_finalize(&shelf->statements[i]);
	if (shelf->db != NULL && shelf->open)
		(void)sqlite3_exec(shelf->db, "ROLLBACK", NULL, NULL, NULL);
	if (shelf->log >= 0)
		(void)close(shelf->log);
	(void)sqlite3_close(shelf->db);
	if (shelf->file >= 0)
		(void)close(shelf->file);
	free(shelf->waiting);
	bw_buf_release(&shelf->redo);
	free(shelf);
}

/* ---- transactions ------------------------------------------------------------- */

enum bw_err bw_shelf_begin(struct bw_shelf *shelf)
{
	if (shelf->open)
		return BW_OK;
	BW_TRY(bw_sql_run(shelf->db, "BEGIN IMMEDIATE"));
	shelf->open = true;
	return BW_OK;
}

static enum bw_err save_tally(struct bw_shelf *shelf)
{
	sqlite3_stmt *stmt;

	BW_TRY(bw_shelf_statement(shelf, SHELF_TALLY, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, shelf->files);
	(void)sqlite3_bind_int64(stmt, 2, shelf->versions);
	(void)sqlite3_bind_int64(stmt, 3, shelf->kept);
	return bw_sql_done(stmt); /* of the whole transaction: never done again */
}

/* Also what could not be committed is forgotten. */
static void end_transaction(struct bw_shelf *shelf)
{
	if (sqlite3_get_autocommit(shelf->db) == 0)
		(void)sqlite3_exec(shelf->db, "ROLLBACK", NULL, NULL, NULL);
	shelf->open = false;
	shelf->files = shelf->versions = shelf->kept = shelf->pack_bytes = 0;
	shelf->waiting_count = 0;
	bw_shelf_redo_forget(shelf);
}

enum bw_err bw_shelf_commit(struct bw_shelf *shelf)
{
	enum bw_err err = bw_shelf_settle(shelf);

	if (err == BW_OK && !shelf->open)
		return BW_OK;
	if (err == BW_OK)
		err = save_tally(shelf);
	if (err == BW_OK)
		err = bw_sql_run(shelf->db, "COMMIT");
	if (err == BW_ERR_IO && shelf->holds && bw_shelf_is_full(shelf))
		err = BW_ERR_DISK_FULL;
	if (err == BW_ERR_DISK_FULL && shelf->holds) {
		if (bw_shelf_do_again(shelf) == BW_OK)
			return err;
		err = BW_ERR_MEMORY;
	}
	end_transaction(shelf);
	return err;
}

enum bw_err bw_shelf_rest(struct bw_shelf *shelf)
{
	int rc;

	BW_TRY(bw_shelf_commit(shelf));
	rc = sqlite3_wal_checkpoint_v2(shelf->db, NULL, SQLITE_CHECKPOINT_FULL, NULL, NULL);
	/* a reader that stays in the way delays only the moving of pages; the log itself was synced first */
	return rc == SQLITE_BUSY ? BW_OK : bw_sql_err(shelf->db, rc);
}

void bw_shelf_shorten(struct bw_shelf *shelf)
{
	if (!shelf->open)
		(void)sqlite3_wal_checkpoint_v2(shelf->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

/* Only the log has to be on the disk: what it holds is found there after a power cut, by whoever opens next. */
enum bw_err bw_shelf_sync(struct bw_shelf *shelf)
{
	sqlite3_file *log = NULL;

	BW_TRY(bw_shelf_commit(shelf));
	if (shelf->is_log_synced) /* our own tells more of what went wrong */
		return fdatasync(shelf->log) == 0 ? BW_OK : bw_err_from_errno(errno);
	if (sqlite3_file_control(shelf->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, (void *)&log) != SQLITE_OK ||
	    log == NULL || log->pMethods == NULL)
		return bw_shelf_rest(shelf);
	return bw_sql_err(shelf->db, log->pMethods->xSync(log, SQLITE_SYNC_NORMAL));
}

/*
 * A descriptor of our own: SQLite's are used by one thread only. It stays open, so that an error of the disk that one
 * sync did not see is told to the next; and the log stays the same file as long as this connection is open.
 */
enum bw_err bw_shelf_open_log(struct bw_shelf *shelf)
{
	if (shelf->log >= 0)
		return BW_OK;
	shelf->log = open(sqlite3_filename_wal(sqlite3_db_filename(shelf->db, "main")),
			  O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	return shelf->log < 0 ? bw_err_from_errno(errno) : BW_OK;
}

enum bw_err bw_shelf_log(struct bw_shelf *shelf, int *out_fd)
{
	BW_TRY(bw_shelf_open_log(shelf));
	/* SQLite's first sync of a new log syncs the folder that has its name */
	BW_TRY(shelf->is_log_synced ? bw_shelf_commit(shelf) : bw_shelf_sync(shelf));
	shelf->is_log_synced = true;
	*out_fd = shelf->log;
	return BW_OK;
}

uint64_t bw_shelf_next(struct bw_shelf *shelf)
{
	return shelf->next;
}

/* ---- folders --------------------------------------------------------------------- */

static enum bw_err find_folder(struct bw_shelf *shelf, struct bw_slice path, uint32_t *out, bool *out_found)
{
	sqlite3_stmt *stmt;

	BW_TRY(bw_shelf_statement(shelf, SHELF_FOLDER_FIND, &stmt));
	bw_shelf_bind_bytes(stmt, 1, path);
	BW_TRY(bw_sql_row(stmt, out_found));
	if (*out_found)
		*out = (uint32_t)sqlite3_column_int64(stmt, 0);
	(void)sqlite3_reset(stmt);
	return BW_OK;
}

enum bw_err bw_shelf_folder_find(struct bw_shelf *shelf, struct bw_slice path, uint32_t *out_number)
{
	bool found = false;

	BW_TRY(find_folder(shelf, path, out_number, &found));
	BW_NEED(found, NOT_FOUND);
	return BW_OK;
}

enum bw_err bw_shelf_folder_put(struct bw_shelf *shelf, const struct bw_shelf_folder *folder, uint32_t *out_number)
{
	sqlite3_stmt *stmt;
	uint32_t number = 0;
	bool found = false;

	BW_NEED(folder->handle.len <= BW_SHELF_HANDLE_BYTES && folder->meta.len <= BW_SHELF_META_BYTES_MAX, TOO_BIG);
	BW_TRY(bw_shelf_begin(shelf));
	BW_TRY(find_folder(shelf, folder->path, &number, &found));
	BW_TRY(bw_shelf_statement(shelf, found ? SHELF_FOLDER_UPDATE : SHELF_FOLDER_ADD, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, folder->handle_type);
	bw_shelf_bind_bytes(stmt, 2, folder->handle);
	bw_shelf_bind_bytes(stmt, 4, folder->meta);
	if (found)
		(void)sqlite3_bind_int64(stmt, 3, number);
	else
		bw_shelf_bind_bytes(stmt, 3, folder->path);
	BW_TRY(bw_shelf_done(shelf, stmt));
	number = found ? number : (uint32_t)sqlite3_last_insert_rowid(shelf->db);
	*out_number = number;
	return folder->meta.len > 0 ? bw_shelf_folder_note(shelf, number, bw_clock_now_us(), folder->meta) : BW_OK;
}

enum bw_err bw_shelf_folder_get(struct bw_shelf *shelf, uint32_t number, struct bw_arena *arena,
				struct bw_shelf_folder *out)
{
	BW_CLEANUP(bw_sql_reset) sqlite3_stmt *stmt = NULL;
	struct bw_shelf_folder folder = { .number = number };
	bool found;

	BW_TRY(bw_shelf_statement(shelf, SHELF_FOLDER_GET, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, number);
	BW_TRY(bw_sql_row(stmt, &found));
	BW_NEED(found, NOT_FOUND);
	folder.handle_type = sqlite3_column_int(stmt, 1);
	BW_TRY(bw_arena_copy(arena, bw_sql_blob(stmt, 0), &folder.path));
	BW_TRY(bw_arena_copy(arena, bw_sql_blob(stmt, 2), &folder.handle));
	BW_TRY(bw_arena_copy(arena, bw_sql_blob(stmt, 3), &folder.meta));
	*out = folder;
	return BW_OK;
}

enum bw_err bw_shelf_folder_by_handle(struct bw_shelf *shelf, int handle_type, struct bw_slice handle,
				      uint32_t *out_number)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	bool found;

	BW_TRY(bw_sql_prepare(shelf->db,
			      "SELECT number FROM folder WHERE handle = ?1 AND handle_type = ?2"
			      " ORDER BY number DESC LIMIT 1",
			      &stmt));
	bw_shelf_bind_bytes(stmt, 1, handle);
	(void)sqlite3_bind_int64(stmt, 2, handle_type);
	BW_TRY(bw_sql_row(stmt, &found));
	BW_NEED(found, NOT_FOUND);
	*out_number = (uint32_t)sqlite3_column_int64(stmt, 0);
	return BW_OK;
}

enum bw_err bw_shelf_folder_move(struct bw_shelf *shelf, struct bw_slice from, struct bw_slice to)
{
	sqlite3_stmt *stmt;

	BW_NEED(from.len > 0, RANGE);
	BW_TRY(bw_shelf_begin(shelf));
	BW_TRY(bw_shelf_statement(shelf, SHELF_FOLDER_CLEAR, &stmt));
	bw_shelf_bind_bytes(stmt, 1, to);
	BW_TRY(bw_shelf_done(shelf, stmt));
	BW_TRY(bw_shelf_statement(shelf, SHELF_FOLDER_MOVE, &stmt));
	bw_shelf_bind_bytes(stmt, 1, to);
	bw_shelf_bind_bytes(stmt, 2, from);
	return bw_shelf_done(shelf, stmt);
}

/* ---- settings, totals, checks -------------------------------------------------- */

enum bw_err bw_shelf_setting_put(struct bw_shelf *shelf, const char *name, struct bw_slice value)
{
	sqlite3_stmt *stmt;

	BW_TRY(bw_shelf_begin(shelf));
	BW_TRY(bw_shelf_statement(shelf, SHELF_SETTING_PUT, &stmt));
	bw_sql_bind_text(stmt, 1, bw_slice_text(name));
	bw_shelf_bind_bytes(stmt, 2, value);
	return bw_shelf_done(shelf, stmt);
}

enum bw_err bw_shelf_setting_get(struct bw_shelf *shelf, const char *name, struct bw_buf *out)
{
	BW_CLEANUP(bw_sql_reset) sqlite3_stmt *stmt = NULL;
	bool found;

	BW_TRY(bw_shelf_statement(shelf, SHELF_SETTING_GET, &stmt));
	bw_sql_bind_text(stmt, 1, bw_slice_text(name));
	BW_TRY(bw_sql_row(stmt, &found));
	BW_NEED(found, NOT_FOUND);
	return bw_buf_add(out, bw_sql_blob(stmt, 0));
}

enum bw_err bw_shelf_totals(struct bw_shelf *shelf, struct bw_shelf_totals *out)
{
	BW_CLEANUP(bw_sql_reset) sqlite3_stmt *stmt = NULL;
	bool found;

	BW_TRY(bw_shelf_settle(shelf));
	BW_TRY(bw_shelf_statement(shelf, SHELF_TOTALS, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, BW_TIME_MIN);
	BW_TRY(bw_sql_row(stmt, &found));
	BW_NEED(found, CORRUPT);
	*out = (struct bw_shelf_totals){ .files = (uint64_t)(sqlite3_column_int64(stmt, 0) + shelf->files),
					 .versions = (uint64_t)(sqlite3_column_int64(stmt, 1) + shelf->versions),
					 .kept_bytes = (uint64_t)(sqlite3_column_int64(stmt, 2) + shelf->kept),
					 .oldest_us = sqlite3_column_int64(stmt, 3) };
	return BW_OK;
}

enum bw_err bw_shelf_pack_bytes(struct bw_shelf *shelf, uint32_t pack, uint64_t *out)
{
	BW_CLEANUP(bw_sql_reset) sqlite3_stmt *stmt = NULL;
	bool found;

	BW_TRY(bw_shelf_settle(shelf));
	BW_TRY(bw_shelf_statement(shelf, SHELF_PACK_GET, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, pack);
	BW_TRY(bw_sql_row(stmt, &found));
	*out = found ? (uint64_t)sqlite3_column_int64(stmt, 0) : 0;
	return BW_OK;
}

/* Each must be 0. */
static const struct {
	const char *sql;
	const char *words;
} checks[] = {
	{ "SELECT count(*) FROM version WHERE file NOT IN (SELECT number FROM file)", "a version without its file" },
	{ "SELECT count(*) FROM pin WHERE version NOT IN (SELECT number FROM version)", "a pin without its version" },
	{ "SELECT count(*) FROM version WHERE folder NOT IN (SELECT number FROM folder)",
	  "a version without its folder" },
	{ "SELECT count(*) FROM file WHERE newest <> 0 AND newest NOT IN (SELECT number FROM version)",
	  "a file whose newest version is missing" },
	{ "SELECT count(*) FROM (SELECT pack, sum(kept) AS kept FROM version WHERE pack <> 0 GROUP BY pack) AS is_"
	  " JOIN pack ON pack.number = is_.pack WHERE pack.bytes <> is_.kept",
	  "a pack whose kept bytes do not add up" },
	{ "SELECT count(*) FROM tally WHERE versions <> (SELECT count(*) FROM version)"
	  " OR files <> (SELECT count(*) FROM file) OR kept <> (SELECT coalesce(sum(kept), 0) FROM version)",
	  "totals that do not add up" },
};

enum bw_err bw_shelf_verify(struct bw_shelf *shelf, struct bw_why *why)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	bool found;

	BW_TRY(bw_shelf_settle(shelf));
	BW_TRY(bw_sql_prepare(shelf->db, "PRAGMA integrity_check(1)", &stmt));
	BW_TRY(bw_sql_row(stmt, &found));
	if (!found || !bw_slice_is(bw_sql_text(stmt, 0), "ok"))
		return bw_why_set(why, BW_ERR_CORRUPT, "the catalogue is damaged: %.*s", BW_ARG(bw_sql_text(stmt, 0)));
	for (size_t i = 0; i < BW_COUNT(checks); i++) {
		int64_t count;

		BW_TRY(bw_sql_number(shelf->db, checks[i].sql, &count));
		if (count != 0)
			return bw_why_set(why, BW_ERR_CORRUPT, "the catalogue is damaged: %s (%lld)", checks[i].words,
					  (long long)count);
	}
	return BW_OK;
}
