/*
 * What waits for room. A COMMIT that finds no block is rolled back by SQLite itself, all of it
 * (sqlite.org/lang_transaction.html, "Response To Errors Within A Transaction"): on a full file system each try would
 * lose what was done since the last one that came through. So a shelf that holds (bw_shelf_hold) remembers what the
 * open transaction did, in its order, and does it again in the next one, which then waits in memory for a commit that
 * finds room.
 *
 * The same statements, over the same tables, give the same numbers: nobody else writes to them meanwhile. Rows of
 * versions are remembered as they are, as they are many; everything else as the statement it was. The totals of the
 * transaction (shelf->files and so on) are kept beside it and stay as they are.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "store/shelf_rows.h"

enum { REDO_BYTES_MAX = 64 * 1024 * 1024 };

/* What stands before each: of a row, its bytes follow as name, metadata and content; else a statement and its NUL. */
struct redo {
	bool is_row;
	uint32_t bytes;
	struct bw_shelf_version row;
};

enum bw_err bw_shelf_hold(struct bw_shelf *shelf)
{
	BW_TRY(bw_shelf_commit(shelf)); /* what is not remembered */
	/* what a full cache wrote before the commit could find no room either, and undo all then and there */
	BW_TRY(bw_sql_run(shelf->db, "PRAGMA cache_spill=OFF"));
	shelf->redo = BW_BUF_INIT(REDO_BYTES_MAX);
	shelf->holds = true;
	return BW_OK;
}

size_t bw_shelf_held_bytes(const struct bw_shelf *shelf)
{
	return shelf->is_held ? shelf->redo.len : 0;
}

void bw_shelf_redo_forget(struct bw_shelf *shelf)
{
	bw_buf_clear(&shelf->redo);
	shelf->redo_ended = false;
	shelf->is_held = false;
}

/* ---- remembering ------------------------------------------------------------------------------ */

static bool remembers(const struct bw_shelf *shelf)
{
	return shelf->holds && !shelf->is_doing_again && !shelf->redo_ended;
}

/* More than that is not remembered: its commit ends as SQLite ends it. */
static void remember(struct bw_shelf *shelf, const struct redo *redo, const struct bw_slice *parts, size_t count)
{
	const size_t before = shelf->redo.len;
	enum bw_err err = bw_buf_add(&shelf->redo, bw_slice_of(redo, sizeof(*redo)));

	for (size_t i = 0; i < count && err == BW_OK; i++)
		err = bw_buf_add(&shelf->redo, bw_slice_of(parts[i].ptr, parts[i].len));
	if (err == BW_OK)
		return;
	shelf->redo.len = before;
	shelf->redo_ended = true;
}

void bw_shelf_remember_row(struct bw_shelf *shelf, const struct bw_shelf_version *row)
{
	const struct bw_slice parts[] = { row->name, row->meta, row->content };
	const struct redo redo = { .is_row = true,
				   .bytes = (uint32_t)(row->name.len + row->meta.len + row->content.len),
				   .row = *row };

	if (remembers(shelf))
		remember(shelf, &redo, parts, BW_COUNT(parts));
}

enum bw_err bw_shelf_done(struct bw_shelf *shelf, sqlite3_stmt *stmt)
{
	struct redo redo = { .is_row = false };
	struct bw_slice text;
	char *sql;

	BW_TRY(bw_sql_done(stmt));
	if (!remembers(shelf))
		return BW_OK;
	sql = sqlite3_expanded_sql(stmt);
	if (sql == NULL) { /* longer than a statement may be, or no memory */
		shelf->redo_ended = true;
		return BW_OK;
	}
	text = bw_slice_of(sql, strlen(sql) + 1);
	redo.bytes = (uint32_t)text.len;
	remember(shelf, &redo, &text, 1);
	sqlite3_free(sql);
	return BW_OK;
}

/* ---- doing it again ------------------------------------------------------------------------------- */

static enum bw_err row_again(struct bw_shelf *shelf, const struct redo *redo, const uint8_t *bytes)
{
	struct bw_shelf_version row = redo->row;

	row.name = bw_slice_of(bytes, row.name.len);
	row.meta = bw_slice_of(bytes + row.name.len, row.meta.len);
	row.content = bw_slice_of(bytes + row.name.len + row.meta.len, row.content.len);
	return bw_shelf_put_row(shelf, &row);
}

static enum bw_err all_again(struct bw_shelf *shelf)
{
	for (size_t at = 0; at < shelf->redo.len;) {
		const uint8_t *bytes = shelf->redo.ptr + at + sizeof(struct redo);
		struct redo redo;

		memcpy(&redo, shelf->redo.ptr + at, sizeof(redo));
		if (redo.is_row)
			BW_TRY(row_again(shelf, &redo, bytes));
		else
			BW_TRY(bw_sql_run(shelf->db, (const char *)bytes));
		at += sizeof(redo) + redo.bytes;
	}
	return BW_OK;
}

enum bw_err bw_shelf_do_again(struct bw_shelf *shelf)
{
	const int64_t files = shelf->files;
	enum bw_err err;

	BW_NEED(shelf->holds && !shelf->redo_ended, UNSUPPORTED);
	shelf->is_doing_again = true;
	if (sqlite3_get_autocommit(shelf->db) == 0) /* the totals are in it */
		err = bw_sql_run(shelf->db, "ROLLBACK; BEGIN IMMEDIATE");
	else
		err = bw_sql_run(shelf->db, "BEGIN IMMEDIATE");
	if (err == BW_OK)
		err = all_again(shelf);
	shelf->is_doing_again = false;
	shelf->files = files;
	shelf->is_held = err == BW_OK;
	return err;
}

/* ---- blocks ahead of need ------------------------------------------------------------------------- */

/* SQLite tells a quota that counts for root too (Btrfs, XFS projects) from no other error of input or output. */
bool bw_shelf_is_full(struct bw_shelf *shelf)
{
	struct stat status;

	return bw_shelf_open_log(shelf) == BW_OK && fstat(shelf->log, &status) == 0 &&
	       fallocate(shelf->log, FALLOC_FL_KEEP_SIZE, status.st_size, BW_SQL_PAGE_BYTES) != 0 &&
	       bw_err_from_errno(errno) == BW_ERR_DISK_FULL;
}

/*
 * Behind the end of both files, whose sizes stay as they are. The log is written from its beginning again once it was
 * moved into the database (bw_shelf_rest), and keeps its blocks. The database's descriptor stays open until SQLite has
 * closed its own: closing any of them would give up SQLite's locks (fcntl(2)).
 */
void bw_shelf_reserve(struct bw_shelf *shelf, uint64_t log_bytes, uint64_t file_bytes)
{
	struct stat status;

	if (bw_shelf_open_log(shelf) != BW_OK)
		return;
	if (shelf->file < 0)
		shelf->file = open(sqlite3_db_filename(shelf->db, "main"), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (shelf->file < 0 || fstat(shelf->file, &status) != 0)
		return;
	/* what cannot be had now is asked for again: nothing is lost without it */
	if (fallocate(shelf->log, FALLOC_FL_KEEP_SIZE, 0, (off_t)log_bytes) == 0)
		(void)fallocate(shelf->file, FALLOC_FL_KEEP_SIZE, status.st_size, (off_t)file_bytes);
}
