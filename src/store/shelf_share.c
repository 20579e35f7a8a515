/* What stands on the shelf, for shares among owners. */
#include <sys/stat.h>

#include "store/shelf_rows.h"

static void read_standing(sqlite3_stmt *stmt, struct bw_shelf_standing *out)
{
	*out = (struct bw_shelf_standing){
		.number = (uint64_t)sqlite3_column_int64(stmt, 0),
		.file = (uint64_t)sqlite3_column_int64(stmt, 1),
		.key = { .ino = (uint64_t)sqlite3_column_int64(stmt, 2),
			 .tree = (uint64_t)sqlite3_column_int64(stmt, 3),
			 .gen = (uint32_t)sqlite3_column_int64(stmt, 4) },
		.kept_bytes = (uint64_t)sqlite3_column_int64(stmt, 5),
		.incident = (uint64_t)sqlite3_column_int64(stmt, 6),
		.actor = (uint32_t)sqlite3_column_int64(stmt, 7),
		.is_object = sqlite3_column_int64(stmt, 8) == 0 && S_ISREG((mode_t)sqlite3_column_int64(stmt, 9)),
		.meta = bw_sql_blob(stmt, 10),
	};
}

enum bw_err bw_shelf_standing(struct bw_shelf *shelf, uint64_t after, bw_shelf_see_standing *see, void *context)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	struct bw_shelf_standing standing;
	bool found = true;

	BW_TRY(bw_shelf_settle(shelf));
	/* versions in the order of their numbers, the file of each by its own: nothing is sorted or gathered */
	BW_TRY(bw_sql_prepare(
		shelf->db,
		"SELECT v.number, v.file, f.ino, f.tree, f.gen, v.kept, v.incident, v.actor, v.pack, v.kind,"
		" v.meta FROM version v CROSS JOIN file f ON f.number = v.file"
		" WHERE v.number > ?1 AND f.newest = v.number AND f.gone = 0 ORDER BY v.number DESC",
		&stmt));
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)after);
	for (;;) {
		BW_TRY(bw_sql_row(stmt, &found));
		if (!found)
			return BW_OK;
		read_standing(stmt, &standing);
		BW_TRY(see(context, &standing));
	}
}

static enum bw_err one_number(sqlite3_stmt *stmt, uint64_t *out)
{
	bool found = false;

	BW_TRY(bw_sql_row(stmt, &found));
	BW_NEED(found, NOT_FOUND);
	*out = (uint64_t)sqlite3_column_int64(stmt, 0);
	return BW_OK;
}

enum bw_err bw_shelf_good_before(struct bw_shelf *shelf, uint64_t file, uint64_t number, uint64_t *out)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;

	BW_TRY(bw_shelf_settle(shelf));
	BW_TRY(bw_sql_prepare(shelf->db,
			      "SELECT number FROM version WHERE file = ?1 AND number < ?2 AND state = ?3"
			      " ORDER BY number DESC LIMIT 1",
			      &stmt));
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)file);
	(void)sqlite3_bind_int64(stmt, 2, (int64_t)number);
	(void)sqlite3_bind_int64(stmt, 3, BW_SHELF_GOOD);
	return one_number(stmt, out);
}

enum bw_err bw_shelf_last_file(struct bw_shelf *shelf, uint64_t *out)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;

	BW_TRY(bw_shelf_settle(shelf));
	BW_TRY(bw_sql_prepare(shelf->db, "SELECT coalesce(max(number), 0) FROM file", &stmt));
	return one_number(stmt, out);
}
