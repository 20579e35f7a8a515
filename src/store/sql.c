#include "store/sql.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

static enum bw_err io_err(sqlite3 *db, int rc)
{
	const int saved = db == NULL ? 0 : sqlite3_system_errno(db);

	if (rc == SQLITE_IOERR_NOMEM)
		return BW_ERR_MEMORY;
	if (saved == ENOSPC || saved == EDQUOT || saved == EFBIG)
		return BW_ERR_DISK_FULL;
	if (saved == EROFS)
		return BW_ERR_READ_ONLY;
	if (saved == EACCES || saved == EPERM)
		return BW_ERR_DENIED;
	if (saved == EMFILE || saved == ENFILE)
		return BW_ERR_TOO_MANY;
	return BW_ERR_IO;
}

enum bw_err bw_sql_err(sqlite3 *db, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return BW_OK;
	case SQLITE_FULL:
		return BW_ERR_DISK_FULL;
	case SQLITE_READONLY:
		return BW_ERR_READ_ONLY;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return BW_ERR_BUSY;
	case SQLITE_NOMEM:
		return BW_ERR_MEMORY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
		return BW_ERR_CORRUPT;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return BW_ERR_DENIED;
	case SQLITE_TOOBIG:
		return BW_ERR_TOO_BIG;
	case SQLITE_CONSTRAINT:
		return BW_ERR_CONFLICT;
	case SQLITE_INTERRUPT:
		return BW_ERR_TIMEOUT;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return io_err(db, rc);
	default:
		return BW_ERR_SYSTEM;
	}
}

enum bw_err bw_sql_run(sqlite3 *db, const char *sql)
{
	return bw_sql_err(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
}

enum bw_err bw_sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out)
{
	return bw_sql_err(db, sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL));
}

void bw_sql_finalize(sqlite3_stmt **stmt)
{
	(void)sqlite3_finalize(*stmt);
	*stmt = NULL;
}

void bw_sql_reset(sqlite3_stmt **stmt)
{
	if (*stmt != NULL)
		(void)sqlite3_reset(*stmt);
}

enum bw_err bw_sql_done(sqlite3_stmt *stmt)
{
	sqlite3 *db = sqlite3_db_handle(stmt);
	int rc;
	enum bw_err err;

	do {
		rc = sqlite3_step(stmt);
	} while (rc == SQLITE_ROW);
	err = bw_sql_err(db, rc); /* before the reset, which forgets errno */
	(void)sqlite3_reset(stmt);
	return err;
}

enum bw_err bw_sql_row(sqlite3_stmt *stmt, bool *out)
{
	const int rc = sqlite3_step(stmt);
	enum bw_err err = BW_OK;

	if (rc != SQLITE_ROW) {
		err = bw_sql_err(sqlite3_db_handle(stmt), rc);
		(void)sqlite3_reset(stmt);
	}
	if (err == BW_OK)
		*out = rc == SQLITE_ROW;
	return err;
}

enum bw_err bw_sql_number(sqlite3 *db, const char *sql, int64_t *out)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	bool found;

	BW_TRY(bw_sql_prepare(db, sql, &stmt));
	BW_TRY(bw_sql_row(stmt, &found));
	BW_NEED(found, NOT_FOUND);
	*out = sqlite3_column_int64(stmt, 0);
	return BW_OK;
}

static enum bw_err run_settings(sqlite3 *db, const struct bw_sql_options *options)
{
	char sql[512];

	(void)snprintf(sql, sizeof(sql),
		       "PRAGMA cache_size=-%zu; PRAGMA synchronous=%s; PRAGMA foreign_keys=ON;"
		       "PRAGMA secure_delete=ON; PRAGMA trusted_schema=OFF; PRAGMA temp_store=MEMORY;"
		       "PRAGMA wal_autocheckpoint=%d; PRAGMA journal_size_limit=%d;",
		       options->cache_bytes / BW_KIB, options->synchronous, options->checkpoint_pages,
		       options->checkpoint_pages * BW_SQL_PAGE_BYTES);
	BW_TRY(bw_sql_run(db, sql));
	if (options->read_only)
		return BW_OK;
	if (options->create) {
		(void)snprintf(sql, sizeof(sql), "PRAGMA page_size=%d", BW_SQL_PAGE_BYTES);
		BW_TRY(bw_sql_run(db, sql));
	}
	return bw_sql_run(db, "PRAGMA journal_mode=WAL");
}

enum bw_err bw_sql_open(const struct bw_sql_options *options, sqlite3 **out)
{
	const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW |
			  (options->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
			  (options->create ? SQLITE_OPEN_CREATE : 0);
	sqlite3 *db = NULL;
	int rc;
	enum bw_err err;

	rc = sqlite3_open_v2(options->path, &db, flags, NULL);
	err = bw_sql_err(db, rc);
	if (err == BW_ERR_IO && sqlite3_system_errno(db) == ENOENT)
		err = BW_ERR_NOT_FOUND;
	if (err == BW_OK && options->create && chmod(options->path, 0600) != 0) /* its WAL will be like it */
		err = bw_err_from_errno(errno);
	if (err == BW_OK) {
		(void)sqlite3_busy_timeout(db, BW_SQL_WAIT_MS);
		err = run_settings(db, options);
	}
	if (err != BW_OK) {
		(void)sqlite3_close(db);
		return err;
	}
	*out = db;
	return BW_OK;
}
