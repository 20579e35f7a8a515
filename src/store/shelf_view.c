#include "store/shelf_view.h"

#include "store/shelf_rows.h"

enum { PATH_MAX_BYTES = 1024 * 1024 };

#define NAMES                                                                                               \
	"SELECT s.name, s.number, s.kind FROM (SELECT name, max(number) AS number, file, kind FROM version" \
	" WHERE folder = ?1 AND taken <= ?2 AND state <> 1"
#define NAMES_END                                                                                \
	" GROUP BY name) s JOIN file f ON f.number = s.file WHERE (f.gone = 0 OR f.gone > ?2)"   \
	" AND NOT EXISTS (SELECT 1 FROM version w WHERE w.file = s.file AND w.number > s.number" \
	" AND w.taken <= ?2 AND (w.folder <> ?1 OR w.name <> s.name))"

enum bw_err bw_shelf_names_in(struct bw_shelf *shelf, uint32_t folder, int64_t until_us, bw_shelf_see_name *see,
			      void *context)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	bool found = false;

	BW_TRY(bw_shelf_settle(shelf));
	BW_TRY(bw_sql_prepare(shelf->db, NAMES NAMES_END, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, folder);
	(void)sqlite3_bind_int64(stmt, 2, until_us);
	for (;;) {
		BW_TRY(bw_sql_row(stmt, &found));
		if (!found)
			return BW_OK;
		BW_TRY(see(context, bw_sql_blob(stmt, 0), (uint64_t)sqlite3_column_int64(stmt, 1),
			   (uint32_t)sqlite3_column_int64(stmt, 2)));
	}
}

enum bw_err bw_shelf_name_in(struct bw_shelf *shelf, uint32_t folder, struct bw_slice name, int64_t until_us,
			     uint64_t *out_version)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	bool found = false;

	BW_TRY(bw_shelf_settle(shelf));
	BW_TRY(bw_sql_prepare(shelf->db, NAMES " AND name = ?3" NAMES_END, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, folder);
	(void)sqlite3_bind_int64(stmt, 2, until_us);
	bw_shelf_bind_bytes(stmt, 3, name);
	BW_TRY(bw_sql_row(stmt, &found));
	BW_NEED(found, NOT_FOUND);
	*out_version = (uint64_t)sqlite3_column_int64(stmt, 1);
	return BW_OK;
}

/* Behind every path that begins with a name at the mount's top. */
static const uint8_t beyond[BW_SHELF_NAME_BYTES + 1] = { [0 ... BW_SHELF_NAME_BYTES] = 0xff };

/*
 * From `low` on, and before `high`, lies what is below `path`. Paths that begin with NUL are what folders became whose
 * name another one bears now.
 */
static enum bw_err bounds(struct bw_slice path, struct bw_buf *low, struct bw_buf *high)
{
	if (path.len == 0) {
		BW_TRY(bw_buf_add_u8(low, 0x01));
		return bw_buf_add(high, bw_slice_of(beyond, sizeof(beyond)));
	}
	BW_TRY(bw_buf_add(low, path));
	BW_TRY(bw_buf_add_u8(low, '/'));
	BW_TRY(bw_buf_add(high, path));
	return bw_buf_add_u8(high, '/' + 1);
}

struct children {
	struct bw_shelf *shelf;
	sqlite3_stmt *stmt;
	size_t from; /* where a child's name begins */
	struct bw_buf low;
	struct bw_buf high;
	struct bw_buf path; /* of the child */
	bw_shelf_see_folder_name *see;
	void *context;
};

static void release(struct children *c)
{
	bw_sql_finalize(&c->stmt);
	bw_buf_release(&c->low);
	bw_buf_release(&c->high);
	bw_buf_release(&c->path);
}

/*
 * Paths in byte order: "a/b" comes before "a/b-c", which comes before "a/b/d". So a child is seen as itself, or, when
 * it has no row, by the first path below it; and all that lies below it is passed at one step.
 */
static enum bw_err next_child(struct children *c, bool *out_found)
{
	struct bw_slice name;
	struct bw_slice rest;
	uint32_t number;
	bool is_below;

	(void)sqlite3_reset(c->stmt);
	bw_shelf_bind_bytes(c->stmt, 1, bw_buf_slice(&c->low));
	bw_shelf_bind_bytes(c->stmt, 2, bw_buf_slice(&c->high));
	BW_TRY(bw_sql_row(c->stmt, out_found));
	if (!*out_found)
		return BW_OK;
	bw_buf_clear(&c->path);
	BW_TRY(bw_buf_add(&c->path, bw_sql_blob(c->stmt, 0)));
	name = bw_slice_from(bw_buf_slice(&c->path), c->from);
	is_below = bw_slice_cut(name, '/', &name, &rest);
	c->path.len = c->from + name.len;
	bw_buf_clear(&c->low);
	BW_TRY(bw_buf_add(&c->low, bw_buf_slice(&c->path)));
	BW_TRY(bw_buf_add_u8(&c->low, is_below ? '/' + 1 : 0));
	name = bw_slice_from(bw_buf_slice(&c->path), c->from);
	if (is_below && bw_shelf_folder_find(c->shelf, bw_buf_slice(&c->path), &number) == BW_OK)
		return BW_OK; /* it was seen as itself */
	return c->see(c->context, name);
}

enum bw_err bw_shelf_folders_in(struct bw_shelf *shelf, struct bw_slice path, bw_shelf_see_folder_name *see,
				void *context)
{
	BW_CLEANUP(release)
	struct children c = { .shelf = shelf,
			      .from = path.len == 0 ? 0 : path.len + 1,
			      .low = BW_BUF_INIT(PATH_MAX_BYTES),
			      .high = BW_BUF_INIT(PATH_MAX_BYTES),
			      .path = BW_BUF_INIT(PATH_MAX_BYTES),
			      .see = see,
			      .context = context };
	bool found = true;

	BW_TRY(bounds(path, &c.low, &c.high));
	BW_TRY(bw_sql_prepare(shelf->db, "SELECT path FROM folder WHERE path >= ?1 AND path < ?2 ORDER BY path LIMIT 1",
			      &c.stmt));
	while (found)
		BW_TRY(next_child(&c, &found));
	return BW_OK;
}

enum bw_err bw_shelf_folder_is(struct bw_shelf *shelf, struct bw_slice path)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	BW_CLEANUP(bw_buf_release) struct bw_buf low = BW_BUF_INIT(PATH_MAX_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf high = BW_BUF_INIT(PATH_MAX_BYTES);
	bool found = false;

	BW_TRY(bounds(path, &low, &high));
	BW_TRY(bw_sql_prepare(shelf->db, "SELECT 1 FROM folder WHERE path = ?3 OR (path >= ?1 AND path < ?2) LIMIT 1",
			      &stmt));
	bw_shelf_bind_bytes(stmt, 1, bw_buf_slice(&low));
	bw_shelf_bind_bytes(stmt, 2, bw_buf_slice(&high));
	bw_shelf_bind_bytes(stmt, 3, path);
	BW_TRY(bw_sql_row(stmt, &found));
	BW_NEED(found, NOT_FOUND);
	return BW_OK;
}

/* Numbers rise with time, so that no index of times is needed. A clock that was put back makes this inexact. */
enum bw_err bw_shelf_taken_until(struct bw_shelf *shelf, int64_t until_us, int64_t *out_us)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	int64_t low = 0; /* everything up to here was taken by then */
	int64_t high;
	int64_t best = INT64_MIN;
	bool found = false;

	BW_TRY(bw_shelf_settle(shelf));
	BW_TRY(bw_sql_number(shelf->db, "SELECT coalesce(max(number), 0) FROM version", &high));
	BW_TRY(bw_sql_prepare(
		shelf->db, "SELECT number, taken FROM version WHERE number <= ?1 ORDER BY number DESC LIMIT 1", &stmt));
	while (low < high) {
		const int64_t middle = low + (high - low + 1) / 2;
		int64_t number;

		(void)sqlite3_reset(stmt);
		(void)sqlite3_bind_int64(stmt, 1, middle);
		BW_TRY(bw_sql_row(stmt, &found));
		number = found ? sqlite3_column_int64(stmt, 0) : 0;
		if (number <= low) {
			low = middle; /* nothing between */
		} else if (sqlite3_column_int64(stmt, 1) <= until_us) {
			best = sqlite3_column_int64(stmt, 1);
			low = middle;
		} else {
			high = number - 1;
		}
	}
	BW_NEED(best != INT64_MIN, NOT_FOUND);
	*out_us = best;
	return BW_OK;
}
