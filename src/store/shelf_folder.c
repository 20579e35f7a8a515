/* What folders were, over time. */
#include "store/shelf_rows.h"
#include "sys/clock.h"

/* Stores made before there was a history have no such table until somebody opens them for writing. */
static enum bw_err has_history(struct bw_shelf *shelf, bool *out)
{
	int64_t count;

	BW_TRY(bw_sql_number(shelf->db, "SELECT count(*) FROM sqlite_master WHERE name = 'folder_was'", &count));
	*out = count > 0;
	return BW_OK;
}

enum bw_err bw_shelf_folder_note(struct bw_shelf *shelf, uint32_t number, int64_t seen_us, struct bw_slice meta)
{
	sqlite3_stmt *stmt;

	BW_TRY(bw_shelf_begin(shelf));
	BW_TRY(bw_shelf_statement(shelf, SHELF_FOLDER_NOTE, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, number);
	(void)sqlite3_bind_int64(stmt, 2, seen_us);
	bw_shelf_bind_bytes(stmt, 3, meta);
	return bw_shelf_done(shelf, stmt);
}

enum bw_err bw_shelf_folder_gone(struct bw_shelf *shelf, uint32_t number, int64_t when_us)
{
	return bw_shelf_folder_note(shelf, number, when_us, bw_slice_empty);
}

enum bw_err bw_shelf_folder_was(struct bw_shelf *shelf, uint32_t number, bw_shelf_see_folder *see, void *context)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	bool found = false;

	BW_TRY(has_history(shelf, &found));
	if (!found)
		return BW_OK;
	BW_TRY(bw_sql_prepare(shelf->db, "SELECT seen, meta FROM folder_was WHERE folder = ?1 ORDER BY seen DESC",
			      &stmt));
	(void)sqlite3_bind_int64(stmt, 1, number);
	for (;;) {
		BW_TRY(bw_sql_row(stmt, &found));
		if (!found)
			return BW_OK;
		BW_TRY(see(context, sqlite3_column_int64(stmt, 0), bw_sql_blob(stmt, 1)));
	}
}

enum bw_err bw_shelf_folders_gone(struct bw_shelf *shelf, struct bw_slice path, int64_t after_us,
				  bw_shelf_see_gone *see, void *context)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	bool found = false;

	BW_TRY(has_history(shelf, &found));
	if (!found)
		return BW_OK;
	BW_TRY(bw_sql_prepare(shelf->db,
			      "SELECT DISTINCT number, path FROM folder JOIN folder_was ON folder = number"
			      " WHERE length(folder_was.meta) = 0 AND seen > ?2 AND (length(?1) = 0 OR path = ?1"
			      " OR substr(path, 1, length(?1) + 1) = CAST(?1 || '/' AS BLOB))"
			      " AND EXISTS (SELECT 1 FROM folder_was w WHERE w.folder = number AND w.seen <= ?2"
			      " AND length(w.meta) > 0) ORDER BY path",
			      &stmt));
	bw_shelf_bind_bytes(stmt, 1, path);
	(void)sqlite3_bind_int64(stmt, 2, after_us);
	for (;;) {
		BW_TRY(bw_sql_row(stmt, &found));
		if (!found)
			return BW_OK;
		BW_TRY(see(context, (uint32_t)sqlite3_column_int64(stmt, 0), bw_sql_blob(stmt, 1)));
	}
}

/* Of what is older than an hour, the last of each hour stays; of what is older than a day, the last of each day. */
enum bw_err bw_shelf_folder_thin(struct bw_shelf *shelf, int64_t now_us, int64_t oldest_us)
{
	static const struct {
		int64_t age_us;
		int64_t step_us;
	} steps[] = { { INT64_C(3600) * 1000000, INT64_C(3600) * 1000000 },
		      { INT64_C(24) * 3600 * 1000000, INT64_C(24) * 3600 * 1000000 } };
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *old = NULL;

	BW_TRY(bw_shelf_begin(shelf));
	BW_TRY(bw_sql_prepare(shelf->db,
			      "DELETE FROM folder_was WHERE seen < ?1 AND EXISTS (SELECT 1 FROM folder_was n"
			      " WHERE n.folder = folder_was.folder AND n.seen > folder_was.seen"
			      " AND n.seen / ?2 = folder_was.seen / ?2)",
			      &stmt));
	for (size_t i = 0; i < BW_COUNT(steps); i++) {
		(void)sqlite3_reset(stmt);
		(void)sqlite3_bind_int64(stmt, 1, now_us - steps[i].age_us);
		(void)sqlite3_bind_int64(stmt, 2, steps[i].step_us);
		BW_TRY(bw_shelf_done(shelf, stmt));
	}
	/* what stood at the beginning of the time that is kept is the last before it */
	BW_TRY(bw_sql_prepare(shelf->db,
			      "DELETE FROM folder_was WHERE seen < ?1 AND EXISTS (SELECT 1 FROM folder_was n"
			      " WHERE n.folder = folder_was.folder AND n.seen > folder_was.seen AND n.seen < ?1)",
			      &old));
	(void)sqlite3_bind_int64(old, 1, oldest_us);
	return bw_shelf_done(shelf, old);
}
