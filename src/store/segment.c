/*
 * The catalogue on disk. A segment holds the columns of BW_SEGMENT_ROWS rows
 * that never change; their flags do, and are saved apart. Between two
 * saves, what changes in flags is a log in the change table. All of it is written in the transaction
 * of the rows themselves, so a crash leaves a state that fits.
 *
 *   columns = magic u32 | rows u32 | added i64[] | identity u32[] | version u32[] | prev u32[] |
 *             collection u16[] | type u8[]        in the machine's byte order, which the magic shows
 */
#include "store/engine.h"

#include <stdlib.h>

enum {
	SEGMENT_MAGIC = 0x31677365,
	HEAD_BYTES = 8,
	ROW_BYTES = 8 + 4 + 4 + 4 + 2 + 1,
	CHANGES_DUE = 4 * BW_SEGMENT_ROWS, /* save flags at the latest then, so that a start stays quick */
};

/* ---- saving ---------------------------------------------------------------- */

static enum bw_err add_column(struct bw_buf *out, const void *column, size_t first, size_t width)
{
	return bw_buf_add(out, bw_slice_of((const uint8_t *)column + first * width, BW_SEGMENT_ROWS * width));
}

static enum bw_err columns_of(const struct bw_catalogue *cat, uint64_t first, struct bw_buf *out)
{
	const uint32_t head[2] = { SEGMENT_MAGIC, BW_SEGMENT_ROWS };

	bw_buf_clear(out);
	BW_TRY(bw_buf_add(out, bw_slice_of(head, sizeof(head))));
	BW_TRY(add_column(out, cat->added, first, sizeof(*cat->added)));
	BW_TRY(add_column(out, cat->identity, first, sizeof(*cat->identity)));
	BW_TRY(add_column(out, cat->version, first, sizeof(*cat->version)));
	BW_TRY(add_column(out, cat->prev, first, sizeof(*cat->prev)));
	BW_TRY(add_column(out, cat->collection, first, sizeof(*cat->collection)));
	return add_column(out, cat->type, first, sizeof(*cat->type));
}

static enum bw_err save_segment(struct bw_store *store, uint64_t first)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf columns = BW_BUF_INIT(4 * BW_MIB);
	sqlite3_stmt *stmt;

	BW_TRY(columns_of(&store->cat, first, &columns));
	BW_TRY(bw_store_statement(store, BW_SQL_SEGMENT_ADD, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)(first / BW_SEGMENT_ROWS));
	(void)sqlite3_bind_int64(stmt, 2, BW_SEGMENT_ROWS);
	(void)sqlite3_bind_int64(stmt, 3, store->cat.added[first + BW_SEGMENT_ROWS - 1]);
	bw_sql_bind_blob(stmt, 4, bw_buf_slice(&columns));
	return bw_store_do(store, stmt, "save a segment of the catalogue");
}

static enum bw_err save_flags(struct bw_store *store, uint64_t number)
{
	sqlite3_stmt *stmt;

	BW_TRY(bw_store_statement(store, BW_SQL_SEGMENT_FLAGS, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)number);
	bw_sql_bind_blob(stmt, 2, bw_slice_of(store->cat.flags + number * BW_SEGMENT_ROWS, BW_SEGMENT_ROWS));
	return bw_store_do(store, stmt, "save flags of the catalogue");
}

/* As of the last commit: what this transaction changes goes to the log after it. */
static enum bw_err save_due(struct bw_store *store)
{
	const uint64_t published = bw_cat_published(&store->cat);
	sqlite3_stmt *stmt;

	for (; published - store->saved_next >= BW_SEGMENT_ROWS; store->saved_next += BW_SEGMENT_ROWS) {
		BW_TRY(save_segment(store, store->saved_next));
		BW_TRY(save_flags(store, store->saved_next / BW_SEGMENT_ROWS));
	}
	for (uint64_t i = 0; i < store->saved_rows / BW_SEGMENT_ROWS; i++) {
		if (store->dirty[i])
			BW_TRY(save_flags(store, i));
	}
	if (store->saved_next > 0) {
		BW_TRY(bw_store_statement(store, BW_SQL_CHANGE_CLEAR, &stmt));
		(void)sqlite3_bind_int64(stmt, 1, store->cat.added[store->saved_next - 1]);
		BW_TRY(bw_store_do(store, stmt, "clear the log of changes"));
	}
	store->saving = true;
	return BW_OK;
}

static enum bw_err log_changes(struct bw_store *store)
{
	const struct bw_catalogue *cat = &store->cat;
	sqlite3_stmt *stmt;

	BW_TRY(bw_store_statement(store, BW_SQL_CHANGE_ADD, &stmt));
	for (size_t i = 0; i < cat->change_count; i++) {
		(void)sqlite3_bind_int64(stmt, 1, cat->added[cat->changes[i].row]);
		(void)sqlite3_bind_int64(stmt, 2, cat->changes[i].flags);
		BW_TRY(bw_store_do(store, stmt, "log a change"));
	}
	return BW_OK;
}

enum bw_err bw_segments_save(struct bw_store *store)
{
	if (bw_cat_published(&store->cat) - store->saved_rows >= BW_SEGMENT_ROWS || store->change_rows >= CHANGES_DUE)
		BW_TRY(save_due(store));
	return log_changes(store);
}

void bw_segments_settle(struct bw_store *store, bool committed)
{
	const struct bw_catalogue *cat = &store->cat;

	if (!committed) {
		store->saved_next = store->saved_rows;
		store->saving = false;
		return;
	}
	if (store->saving) {
		memset(store->dirty, 0, sizeof(store->dirty));
		store->change_rows = 0;
		store->saving = false;
	}
	store->saved_rows = store->saved_next;
	store->change_rows += cat->change_count;
	for (size_t i = 0; i < cat->change_count; i++) {
		if (cat->changes[i].row < store->saved_rows)
			store->dirty[cat->changes[i].row / BW_SEGMENT_ROWS] = true;
	}
}

enum bw_err bw_segments_drop(struct bw_store *store)
{
	BW_TRY(bw_sql_run(store->db, "DELETE FROM segment"));
	BW_TRY(bw_sql_run(store->db, "DELETE FROM segment_flags"));
	return bw_sql_run(store->db, "DELETE FROM change");
}

/* ---- loading --------------------------------------------------------------- */

static void take_column(void *column, uint64_t first, size_t width, struct bw_slice *rest)
{
	memcpy((uint8_t *)column + first * width, rest->ptr, BW_SEGMENT_ROWS * width);
	*rest = bw_slice_from(*rest, BW_SEGMENT_ROWS * width);
}

static enum bw_err restore_segment(struct bw_catalogue *cat, struct bw_slice columns, struct bw_slice flags)
{
	const uint64_t first = cat->rows;
	struct bw_slice rest = bw_slice_from(columns, HEAD_BYTES);
	uint32_t head[2];

	BW_NEED(columns.len == HEAD_BYTES + (size_t)ROW_BYTES * BW_SEGMENT_ROWS, CORRUPT);
	BW_NEED(flags.len == BW_SEGMENT_ROWS && first + BW_SEGMENT_ROWS <= BW_CAT_ROWS_MAX, CORRUPT);
	memcpy(head, columns.ptr, sizeof(head));
	BW_NEED(head[0] == SEGMENT_MAGIC && head[1] == BW_SEGMENT_ROWS, CORRUPT);
	take_column(cat->added, first, sizeof(*cat->added), &rest);
	take_column(cat->identity, first, sizeof(*cat->identity), &rest);
	take_column(cat->version, first, sizeof(*cat->version), &rest);
	take_column(cat->prev, first, sizeof(*cat->prev), &rest);
	take_column(cat->collection, first, sizeof(*cat->collection), &rest);
	take_column(cat->type, first, sizeof(*cat->type), &rest);
	memcpy(cat->flags + first, flags.ptr, BW_SEGMENT_ROWS);
	return bw_cat_restore(cat, BW_SEGMENT_ROWS);
}

static enum bw_err load_segments(struct bw_store *store)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	int64_t segments;
	bool found;

	BW_TRY(bw_sql_number(store->db, "SELECT count(*) FROM segment", &segments));
	BW_NEED(segments >= 0 && segments <= BW_CAT_ROWS_MAX / BW_SEGMENT_ROWS, CORRUPT);
	bw_cat_reserve(&store->cat, (uint64_t)segments * BW_SEGMENT_ROWS);
	BW_TRY(bw_sql_prepare(store->db,
			      "SELECT s.number, s.columns, f.flags FROM segment s"
			      " LEFT JOIN segment_flags f USING(number) ORDER BY s.number",
			      &stmt));
	for (;;) {
		BW_TRY(bw_sql_row(stmt, &found));
		if (!found)
			break;
		BW_NEED(sqlite3_column_int64(stmt, 0) == (int64_t)(store->cat.rows / BW_SEGMENT_ROWS), CORRUPT);
		BW_TRY(restore_segment(&store->cat, bw_sql_blob(stmt, 1), bw_sql_blob(stmt, 2)));
	}
	store->saved_rows = store->saved_next = store->cat.rows;
	return BW_OK;
}

/* id, version, flags, hash, collection, type of one entry, into the catalogue: from the table of its type. */
static enum bw_err replay_row(struct bw_store *store, sqlite3_stmt *stmt)
{
	struct bw_catalogue *cat = &store->cat;
	const struct bw_slice id = bw_sql_text(stmt, 1);
	const struct bw_slice version = bw_sql_text(stmt, 2);
	const struct bw_slice hash = bw_sql_blob(stmt, 4);
	const uint8_t flags = (uint8_t)sqlite3_column_int(stmt, 3);
	struct bw_cat_row row = {
		.added_us = sqlite3_column_int64(stmt, 0),
		.identity = bw_cat_identity(cat, id),
		.collection = (uint16_t)sqlite3_column_int(stmt, 5),
		.type = (uint8_t)sqlite3_column_int(stmt, 6),
		.flags = flags,
	};
	int64_t newest;

	BW_NEED(hash.len == BW_HASH_BYTES, CORRUPT);
	BW_NEED(bw_lane_of(row.type) == (unsigned)sqlite3_column_int(stmt, 7), CORRUPT);
	row.version = (flags & BW_CAT_CONTENT) != 0 ? bw_content_mark(hash.ptr) : bw_version_mark(store, version);
	BW_TRY(bw_entry_find(store, id, cat->rows, &newest));
	return bw_cat_append(cat, &row, newest);
}

static enum bw_err replay_rows(struct bw_store *store)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	const uint64_t rows = store->cat.rows;
	bool found;

	BW_TRY(bw_sql_prepare(store->db,
			      "SELECT added, id, version, flags, hash, collection, type, lane FROM entry"
			      " WHERE added > ? ORDER BY added",
			      &stmt));
	(void)sqlite3_bind_int64(stmt, 1, rows == 0 ? INT64_MIN : store->cat.added[rows - 1]);
	for (;;) {
		BW_TRY(bw_sql_row(stmt, &found));
		if (!found)
			return BW_OK;
		BW_TRY(replay_row(store, stmt));
	}
}

static enum bw_err replay_changes(struct bw_store *store)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	struct bw_catalogue *cat = &store->cat;
	bool found;

	BW_TRY(bw_sql_prepare(store->db, "SELECT added, flags FROM change ORDER BY seq", &stmt));
	for (;;) {
		int64_t row;

		BW_TRY(bw_sql_row(stmt, &found));
		if (!found)
			return BW_OK;
		row = bw_cat_at(cat, sqlite3_column_int64(stmt, 0), cat->rows);
		store->change_rows++;
		if (row == BW_CAT_NONE) /* removed before its segment was saved */
			continue;
		/* nothing is published yet, so this takes effect at once */
		BW_TRY(bw_cat_set_flags(cat, (uint64_t)row, (uint8_t)sqlite3_column_int(stmt, 1)));
		if ((uint64_t)row < store->saved_rows)
			store->dirty[row / BW_SEGMENT_ROWS] = true;
	}
}

static enum bw_err load_saved(struct bw_store *store)
{
	BW_TRY(load_segments(store));
	BW_TRY(replay_rows(store));
	return replay_changes(store);
}

static bool seen_before(const struct bw_catalogue *cat, int64_t newest, int64_t row)
{
	for (int64_t at = newest; at != row; at = bw_cat_before(cat, at)) {
		if (cat->collection[at] == cat->collection[row])
			return true;
	}
	return false;
}

/* Every collection of one object. */
static enum bw_err judge_object(struct bw_store *store, int64_t newest)
{
	for (int64_t row = newest; row != BW_CAT_NONE; row = bw_cat_before(&store->cat, row)) {
		if (!seen_before(&store->cat, newest, row))
			BW_TRY(bw_chain_judge(store, newest, store->cat.collection[row]));
	}
	return BW_OK;
}

/* The flags of every row from the versions themselves. */
static enum bw_err judge_all(struct bw_store *store, uint8_t *has_later)
{
	const struct bw_catalogue *cat = &store->cat;

	for (uint64_t row = cat->rows; row-- > 0;) {
		if (cat->prev[row] != 0)
			has_later[(cat->prev[row] - 1) / 8] |= (uint8_t)(1u << ((cat->prev[row] - 1) % 8));
		if ((has_later[row / 8] >> (row % 8) & 1) == 0)
			BW_TRY(judge_object(store, (int64_t)row));
	}
	return BW_OK;
}

static enum bw_err load_from_rows(struct bw_store *store)
{
	uint8_t *has_later;
	enum bw_err err;

	bw_cat_clear(&store->cat);
	store->saved_rows = store->saved_next = 0;
	store->change_rows = 0;
	memset(store->dirty, 0, sizeof(store->dirty));
	BW_TRY(replay_rows(store));
	has_later = calloc(store->cat.rows / 8 + 1, 1);
	BW_NEED(has_later != NULL, MEMORY);
	err = judge_all(store, has_later);
	free(has_later);
	bw_entry_done(store);
	return err;
}

/* Keeps what was found out: nothing in segments, every difference to the rows' own flags in the log. */
static enum bw_err save_judged(struct bw_store *store)
{
	enum bw_err err = bw_sql_run(store->db, "BEGIN IMMEDIATE");

	BW_TRY(err);
	err = bw_segments_drop(store);
	if (err == BW_OK)
		err = log_changes(store);
	if (err == BW_OK)
		err = bw_sql_run(store->db, "COMMIT");
	if (err != BW_OK)
		(void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return err;
}

enum bw_err bw_segments_load(struct bw_store *store)
{
	enum bw_err err = load_saved(store);
	int64_t floor = 0;

	if (err == BW_ERR_CORRUPT) {
		BW_TRY(load_from_rows(store));
		if (store->role == BW_STORE_WRITER)
			BW_TRY(save_judged(store));
		err = BW_OK;
	}
	BW_TRY(err);
	if (store->cat.rows > 0)
		store->last_added_us = store->cat.added[store->cat.rows - 1];
	/* the newest rows may be gone, but no date added is ever given twice */
	BW_TRY(bw_sql_number(store->db,
			     "SELECT coalesce(max(CAST(value AS INTEGER)), 0) FROM setting"
			     " WHERE name = 'store.floor'",
			     &floor));
	if (floor > store->last_added_us)
		store->last_added_us = floor;
	store->kept_added_us = store->last_added_us;
	bw_entry_done(store);
	bw_cat_publish(&store->cat);
	return BW_OK;
}
