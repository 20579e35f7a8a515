/* Where a row lies: one table a type, so that the rows of one type lie side by side. */
#include "store/engine.h"

#include <stdio.h>

static const char *const statement_text[BW_LANE_STATEMENT_COUNT] = {
#define X(name, sql) [BW_LANE_##name] = (sql),
	BW_LANE_STATEMENT_ROWS(X)
#undef X
};

enum { SQL_BYTES = 512, VIEW_BYTES = 16 * 1024 };

/* Fixed for ever: it says in which table of a store a row is. */
unsigned bw_lane_of(uint8_t type)
{
	return type < BW_LANE_SHARED_FIRST ? type : BW_LANE_SHARED_FIRST + type % (BW_LANES - BW_LANE_SHARED_FIRST);
}

/* Every # of the text becomes the lane's number. */
static enum bw_err write_sql(const char *text, unsigned lane, struct bw_buf *out)
{
	for (; *text != '\0'; text++) {
		if (*text == '#')
			BW_TRY(bw_buf_addf(out, "%u", lane));
		else
			BW_TRY(bw_buf_add_u8(out, (uint8_t)*text));
	}
	return BW_OK;
}

static enum bw_err prepare(sqlite3 *db, const char *text, unsigned lane, sqlite3_stmt **out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf sql = BW_BUF_INIT(SQL_BYTES);

	BW_TRY(write_sql(text, lane, &sql));
	return bw_sql_prepare(db, bw_buf_text(&sql), out);
}

enum bw_err bw_lane_statement(struct bw_store *store, enum bw_lane_statement which, unsigned lane, sqlite3_stmt **out)
{
	sqlite3_stmt **stmt = &store->lanes[lane].statements[which];

	if (*stmt == NULL)
		BW_TRY(bw_store_note(store, prepare(store->db, statement_text[which], lane, stmt), "ask the store"));
	*out = *stmt;
	return BW_OK;
}

void bw_lanes_done(struct bw_store *store)
{
	for (size_t i = 0; i < BW_LANES; i++) {
		for (size_t which = 0; which <= BW_LANE_READ_LAST; which++)
			bw_sql_reset(&store->lanes[i].statements[which]);
	}
}

void bw_lanes_finalize(struct bw_store *store)
{
	for (size_t i = 0; i < BW_LANES; i++) {
		for (size_t which = 0; which < BW_LANE_STATEMENT_COUNT; which++)
			bw_sql_finalize(&store->lanes[i].statements[which]);
	}
}

/* ---- making them ------------------------------------------------------------ */

#define COLUMNS "added, collection, type, flags, id, version, hash, body_at, body, terms"

static enum bw_err make_table(sqlite3 *db, unsigned lane)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf sql = BW_BUF_INIT(SQL_BYTES);

	BW_TRY(write_sql("CREATE TABLE entry_#(added INTEGER PRIMARY KEY, collection INTEGER NOT NULL,"
			 " type INTEGER NOT NULL, flags INTEGER NOT NULL, id TEXT NOT NULL, version TEXT NOT NULL,"
			 " hash BLOB NOT NULL, body_at INTEGER, body BLOB, terms BLOB) STRICT",
			 lane, &sql));
	return bw_sql_run(db, bw_buf_text(&sql));
}

/* All rows in one view, for whoever reads them in order: SQLite merges the tables. */
static enum bw_err make_view(sqlite3 *db)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf sql = BW_BUF_INIT(VIEW_BYTES);

	for (unsigned lane = 0; lane < BW_LANES; lane++) {
		BW_TRY(bw_buf_add_text(&sql, lane == 0 ? "CREATE VIEW entry AS " : " UNION ALL "));
		BW_TRY(write_sql("SELECT " COLUMNS ", # AS lane FROM entry_#", lane, &sql));
	}
	return bw_sql_run(db, bw_buf_text(&sql));
}

struct moving {
	sqlite3 *db;
	sqlite3_stmt *from;
	sqlite3_stmt *to[BW_LANES];
};

static void moving_release(struct moving *moving)
{
	bw_sql_finalize(&moving->from);
	for (size_t i = 0; i < BW_LANES; i++)
		bw_sql_finalize(&moving->to[i]);
}

static enum bw_err move_row(struct moving *moving)
{
	const unsigned lane = bw_lane_of((uint8_t)sqlite3_column_int(moving->from, 2));
	sqlite3_stmt **to = &moving->to[lane];

	if (*to == NULL)
		BW_TRY(prepare(moving->db, "INSERT INTO entry_#(" COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?)", lane, to));
	for (int i = 0; i < sqlite3_column_count(moving->from); i++)
		(void)sqlite3_bind_value(*to, i + 1, sqlite3_column_value(moving->from, i));
	return bw_sql_done(*to);
}

static enum bw_err move_rows(sqlite3 *db)
{
	BW_CLEANUP(moving_release) struct moving moving = { .db = db };
	bool found;

	BW_TRY(bw_sql_prepare(db, "SELECT " COLUMNS " FROM entry_before ORDER BY added", &moving.from));
	for (;;) {
		BW_TRY(bw_sql_row(moving.from, &found));
		if (!found)
			return BW_OK;
		BW_TRY(move_row(&moving));
	}
}

enum bw_err bw_lanes_make(sqlite3 *db)
{
	BW_TRY(bw_sql_run(db, "ALTER TABLE entry RENAME TO entry_before"));
	for (unsigned lane = 0; lane < BW_LANES; lane++)
		BW_TRY(make_table(db, lane));
	BW_TRY(move_rows(db));
	BW_TRY(bw_sql_run(db, "DROP TABLE entry_before"));
	return make_view(db);
}
