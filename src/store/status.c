#include "store/status.h"

#include "store/engine.h"

#define KEEP_US ((int64_t)BW_STATUS_KEEP_HOURS * 3600 * 1000000)

enum { PRUNE_ROWS = 4 }; /* at every put, so that what grows also shrinks and no put waits long */

static enum bw_err prune(struct bw_store *store, int64_t now_us)
{
	sqlite3_stmt *stmt;

	BW_TRY(bw_store_statement(store, BW_SQL_STATUS_PRUNE, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, now_us - KEEP_US);
	(void)sqlite3_bind_int(stmt, 2, PRUNE_ROWS);
	return bw_store_do(store, stmt, "prune status resources");
}

enum bw_err bw_store_status_put(struct bw_store *store, struct bw_slice id, uint32_t account, struct bw_slice json)
{
	const int64_t now_us = store->now_us();
	sqlite3_stmt *stmt;

	BW_NEED(json.len <= INT32_MAX / 2 && id.len < BW_UUID_TEXT, TOO_BIG);
	BW_TRY(bw_store_begin(store));
	BW_TRY(bw_store_statement(store, BW_SQL_STATUS_PUT, &stmt));
	bw_sql_bind_text(stmt, 1, id);
	(void)sqlite3_bind_int64(stmt, 2, account);
	(void)sqlite3_bind_int64(stmt, 3, now_us);
	bw_sql_bind_blob(stmt, 4, json);
	BW_TRY(bw_store_do(store, stmt, "store a status resource"));
	return prune(store, now_us);
}

enum bw_err bw_store_status_get(struct bw_store *store, struct bw_slice id, uint32_t account, struct bw_arena *arena,
				struct bw_slice *out)
{
	BW_CLEANUP(bw_sql_reset) sqlite3_stmt *stmt = NULL;
	bool found;

	BW_NEED(id.len < BW_UUID_TEXT, NOT_FOUND);
	BW_TRY(bw_store_statement(store, BW_SQL_STATUS_GET, &stmt));
	bw_sql_bind_text(stmt, 1, id);
	(void)sqlite3_bind_int64(stmt, 2, account);
	(void)sqlite3_bind_int64(stmt, 3, store->now_us() - KEEP_US);
	BW_TRY(bw_store_note(store, bw_sql_row(stmt, &found), "read a status resource"));
	BW_NEED(found, NOT_FOUND);
	return bw_arena_copy(arena, bw_sql_blob(stmt, 0), out);
}
