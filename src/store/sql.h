/*
 * SQLite, spoken by this room only: errors mapped to the house's, statements
 * prepared once. Private to the room.
 */
#ifndef BW_STORE_SQL_H
#define BW_STORE_SQL_H

#include <assert.h>
#include <sqlite3.h>

#include "base/bytes.h"

/* The house's word for a SQLite result; asks `db` (may be NULL) for errno. */
enum bw_err bw_sql_err(sqlite3 *db, int rc);

struct bw_sql_options {
	const char *path;
	bool read_only;
	bool create;
	const char *synchronous; /* "FULL", "NORMAL", "OFF" */
	size_t cache_bytes;
	int checkpoint_pages;
};

enum {
	BW_SQL_PAGE_BYTES = 16384, /* docs/experiments/store.md */
	BW_SQL_WAIT_MS = 5000,     /* for a lock of another process */
};

/* Opens with the house's settings. NOT_FOUND, CORRUPT (not a database), … */
BW_MUST_USE enum bw_err bw_sql_open(const struct bw_sql_options *options, sqlite3 **out);

BW_MUST_USE enum bw_err bw_sql_run(sqlite3 *db, const char *sql);

/* One number, e.g. "PRAGMA user_version". */
BW_MUST_USE enum bw_err bw_sql_number(sqlite3 *db, const char *sql, int64_t *out);

/* A statement for one use; finalize with BW_CLEANUP(bw_sql_finalize). */
BW_MUST_USE enum bw_err bw_sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out);
void bw_sql_finalize(sqlite3_stmt **stmt);

/* Resets at end of scope, so that no read lock stays behind. */
void bw_sql_reset(sqlite3_stmt **stmt);

/* Runs to the end and resets. */
BW_MUST_USE enum bw_err bw_sql_done(sqlite3_stmt *stmt);

/* `out` says whether there is a row to read; without one the statement is reset. */
BW_MUST_USE enum bw_err bw_sql_row(sqlite3_stmt *stmt, bool *out);

/* What is bound stays the caller's until the statement ran; sizes are checked at the store's doors. */
static inline void bw_sql_bind_text(sqlite3_stmt *stmt, int at, struct bw_slice text)
{
	assert(text.len <= INT32_MAX); /* SQLite would leave the binding before it in place */
	(void)sqlite3_bind_text64(stmt, at, (const char *)text.ptr, text.len, SQLITE_STATIC, SQLITE_UTF8);
}

static inline void bw_sql_bind_blob(sqlite3_stmt *stmt, int at, struct bw_slice bytes)
{
	assert(bytes.len <= INT32_MAX);
	(void)sqlite3_bind_blob64(stmt, at, bytes.ptr, bytes.len, SQLITE_STATIC);
}

static inline struct bw_slice bw_sql_text(sqlite3_stmt *stmt, int at)
{
	const void *text = sqlite3_column_text(stmt, at); /* before the length: SQLite's own rule */

	return bw_slice_of(text, (size_t)sqlite3_column_bytes(stmt, at));
}

static inline struct bw_slice bw_sql_blob(sqlite3_stmt *stmt, int at)
{
	const void *bytes = sqlite3_column_blob(stmt, at);

	return bw_slice_of(bytes, (size_t)sqlite3_column_bytes(stmt, at));
}

#endif
