/*
 * The names of files that have several (hard links): each with the time it was given and the time it went. A file with
 * one name has no row here; its name is in `file` and in its versions.
 */
#include "store/shelf_rows.h"

/* Stores made before there were names have no such table until somebody opens them for writing. */
static enum bw_err has_table(struct bw_shelf *shelf, bool *out)
{
	int64_t count;

	if (!shelf->has_names) {
		BW_TRY(bw_sql_number(shelf->db, "SELECT count(*) FROM sqlite_master WHERE name = 'name'", &count));
		shelf->has_names = count > 0;
	}
	*out = shelf->has_names;
	return BW_OK;
}

/* A statement of the three that know a file, a name and a time. */
static enum bw_err ready(struct bw_shelf *shelf, enum shelf_statement which, int64_t file, uint32_t folder,
			 struct bw_slice name, int64_t when_us, sqlite3_stmt **out)
{
	BW_TRY(bw_shelf_statement(shelf, which, out));
	(void)sqlite3_bind_int64(*out, 1, file);
	(void)sqlite3_bind_int64(*out, 2, folder);
	bw_shelf_bind_bytes(*out, 3, name);
	(void)sqlite3_bind_int64(*out, 4, when_us);
	return BW_OK;
}

/* What it was called until now is noted with its first other name: by then it has both. */
static enum bw_err own_name(struct bw_shelf *shelf, int64_t file, sqlite3_stmt **out)
{
	BW_TRY(bw_shelf_statement(shelf, SHELF_NAME_OWN, out));
	(void)sqlite3_bind_int64(*out, 1, file);
	return BW_OK;
}

enum bw_err bw_shelf_note_names(struct bw_shelf *shelf, int64_t file, const struct bw_shelf_version *row)
{
	sqlite3_stmt *stmt;

	BW_TRY(own_name(shelf, file, &stmt));
	BW_TRY(bw_sql_done(stmt));
	BW_TRY(ready(shelf, SHELF_NAME_ADD, file, row->folder, row->name, row->taken_us, &stmt));
	return bw_sql_done(stmt);
}

static enum bw_err is_noted(struct bw_shelf *shelf, int64_t file, uint32_t folder, struct bw_slice name, bool *out)
{
	BW_CLEANUP(bw_sql_reset) sqlite3_stmt *stmt = NULL;

	BW_TRY(bw_shelf_statement(shelf, SHELF_NAME_HAS, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, file);
	(void)sqlite3_bind_int64(stmt, 2, folder);
	bw_shelf_bind_bytes(stmt, 3, name);
	return bw_sql_row(stmt, out);
}

static enum bw_err find(struct bw_shelf *shelf, const struct bw_shelf_key *key, int64_t *out)
{
	struct shelf_file file = { 0 };
	bool found = false;

	BW_TRY(bw_shelf_settle(shelf));
	BW_TRY(bw_shelf_find_file(shelf, key, &file, &found));
	BW_NEED(found, NOT_FOUND);
	*out = file.number;
	return BW_OK;
}

enum bw_err bw_shelf_name_put(struct bw_shelf *shelf, const struct bw_shelf_key *key, uint32_t folder,
			      struct bw_slice name, int64_t when_us)
{
	sqlite3_stmt *stmt;
	int64_t file = 0;
	bool has = false;

	BW_NEED(name.len <= BW_SHELF_NAME_BYTES, TOO_BIG);
	BW_TRY(find(shelf, key, &file));
	BW_TRY(is_noted(shelf, file, folder, name, &has));
	if (has)
		return BW_OK;
	BW_TRY(bw_shelf_begin(shelf));
	BW_TRY(own_name(shelf, file, &stmt));
	BW_TRY(bw_shelf_done(shelf, stmt));
	BW_TRY(ready(shelf, SHELF_NAME_ADD, file, folder, name, when_us, &stmt));
	return bw_shelf_done(shelf, stmt);
}

enum bw_err bw_shelf_name_gone(struct bw_shelf *shelf, const struct bw_shelf_key *key, uint32_t folder,
			       struct bw_slice name, int64_t when_us)
{
	sqlite3_stmt *stmt;
	int64_t file = 0;

	BW_TRY(find(shelf, key, &file));
	BW_TRY(bw_shelf_begin(shelf));
	BW_TRY(ready(shelf, SHELF_NAME_GONE, file, folder, name, when_us, &stmt));
	return bw_shelf_done(shelf, stmt);
}

enum bw_err bw_shelf_names_gone(struct bw_shelf *shelf, int64_t file, int64_t when_us)
{
	sqlite3_stmt *stmt;

	BW_TRY(bw_shelf_statement(shelf, SHELF_NAMES_GONE, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, file);
	(void)sqlite3_bind_int64(stmt, 2, when_us);
	return bw_shelf_done(shelf, stmt);
}

enum bw_err bw_shelf_names_forget(struct bw_shelf *shelf, int64_t file)
{
	sqlite3_stmt *stmt;

	BW_TRY(bw_shelf_statement(shelf, SHELF_NAMES_FORGET, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, file);
	return bw_shelf_done(shelf, stmt);
}

static enum bw_err see_all(sqlite3_stmt *stmt, bw_shelf_see_linked *see, void *context)
{
	bool found = true;

	for (;;) {
		struct bw_shelf_name name;

		BW_TRY(bw_sql_row(stmt, &found));
		if (!found)
			return BW_OK;
		name = (struct bw_shelf_name){ .key = { .ino = (uint64_t)sqlite3_column_int64(stmt, 0),
							.tree = (uint64_t)sqlite3_column_int64(stmt, 1),
							.gen = (uint32_t)sqlite3_column_int64(stmt, 2) },
					       .folder = (uint32_t)sqlite3_column_int64(stmt, 3),
					       .path = bw_sql_blob(stmt, 4),
					       .name = bw_sql_blob(stmt, 5) };
		BW_TRY(see(context, &name));
	}
}

#define NAMES                                                               \
	"SELECT f.ino, f.tree, f.gen, n.folder, d.path, n.name FROM name n" \
	" JOIN file f ON f.number = n.file JOIN folder d ON d.number = n.folder WHERE "
#define THEN " n.since <= ?1 AND (n.gone = 0 OR n.gone > ?1)"
#define IN_ORDER " ORDER BY d.path, n.name"

enum bw_err bw_shelf_names(struct bw_shelf *shelf, const struct bw_shelf_key *key, int64_t at_us,
			   bw_shelf_see_linked *see, void *context)
{
	BW_CLEANUP(bw_sql_reset) sqlite3_stmt *stmt = NULL;
	bool found = false;
	int64_t file = 0;
	enum bw_err err;

	BW_TRY(has_table(shelf, &found));
	err = found ? find(shelf, key, &file) : BW_ERR_NOT_FOUND;
	if (err == BW_ERR_NOT_FOUND)
		return BW_OK;
	BW_TRY(err);
	BW_TRY(bw_shelf_statement(shelf, SHELF_NAMES_OF, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, at_us);
	(void)sqlite3_bind_int64(stmt, 2, file);
	return see_all(stmt, see, context);
}

enum bw_err bw_shelf_names_below(struct bw_shelf *shelf, struct bw_slice path, int64_t at_us, bw_shelf_see_linked *see,
				 void *context)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	bool found = false;

	BW_TRY(has_table(shelf, &found));
	if (!found)
		return BW_OK;
	BW_TRY(bw_shelf_settle(shelf));
	BW_TRY(bw_sql_prepare(shelf->db,
			      NAMES THEN " AND (length(?2) = 0 OR d.path = ?2"
					 " OR substr(d.path, 1, length(?2) + 1) = CAST(?2 || '/' AS BLOB))" IN_ORDER,
			      &stmt));
	(void)sqlite3_bind_int64(stmt, 1, at_us);
	bw_shelf_bind_bytes(stmt, 2, path);
	return see_all(stmt, see, context);
}

/* A name that lasted less than a minute is remembered for an hour, any other for as long as versions are. */
enum bw_err bw_shelf_names_thin(struct bw_shelf *shelf, int64_t now_us, int64_t oldest_us)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;

	BW_TRY(bw_shelf_settle(shelf));
	BW_TRY(bw_shelf_begin(shelf));
	BW_TRY(bw_sql_prepare(shelf->db,
			      "DELETE FROM name WHERE gone <> 0 AND (gone < ?1 OR (gone < ?2 AND gone - since < ?3))",
			      &stmt));
	(void)sqlite3_bind_int64(stmt, 1, oldest_us);
	(void)sqlite3_bind_int64(stmt, 2, now_us - INT64_C(3600) * 1000000);
	(void)sqlite3_bind_int64(stmt, 3, INT64_C(60) * 1000000);
	return bw_shelf_done(shelf, stmt);
}
