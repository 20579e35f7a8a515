/* Files and versions on the shelf. */
#include "store/shelf_rows.h"

#define VERSION_COLUMNS                                                                                      \
	"v.number, f.ino, f.tree, f.gen, v.folder, v.name, v.taken, v.mtime, v.size, v.pack, v.at, v.kept, " \
	"v.kind, v.before, v.incident, v.state, v.sum, v.meta, v.content, v.actor"

static const char *const texts[SHELF_STATEMENTS] = {
	[SHELF_TALLY] = "UPDATE tally SET files = files + ?1, versions = versions + ?2, kept = kept + ?3",
	[SHELF_TOTALS] =
		"SELECT files, versions, kept, coalesce((SELECT taken FROM version ORDER BY number LIMIT 1), ?1)"
		" FROM tally",
	[SHELF_FOLDER_FIND] = "SELECT number FROM folder WHERE path = ?1",
	[SHELF_FOLDER_ADD] = "INSERT INTO folder(handle_type, handle, path, meta) VALUES(?1, ?2, ?3, ?4)",
	[SHELF_FOLDER_UPDATE] = "UPDATE folder SET handle_type = ?1, handle = ?2,"
				" meta = iif(length(?4) > 0, ?4, meta) WHERE number = ?3",
	[SHELF_FOLDER_GET] = "SELECT path, handle_type, handle, meta FROM folder WHERE number = ?1",
	/* what once bore the target's name keeps its rows under a name nothing can have */
	[SHELF_FOLDER_CLEAR] = "UPDATE folder SET path = CAST(x'00' || CAST(number AS TEXT) || x'00' || path AS BLOB)"
			       " WHERE path = ?1 OR (substr(path, 1, length(?1) + 1) = CAST(?1 || '/' AS BLOB))",
	[SHELF_FOLDER_MOVE] = "UPDATE folder SET path = CAST(?1 || substr(path, length(?2) + 1) AS BLOB)"
			      " WHERE path = ?2 OR (substr(path, 1, length(?2) + 1) = CAST(?2 || '/' AS BLOB))",
	[SHELF_FOLDER_NOTE] = "INSERT OR REPLACE INTO folder_was VALUES(?1, ?2, ?3)",
	[SHELF_SETTING_PUT] = "INSERT INTO setting VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET value = ?2",
	[SHELF_SETTING_GET] = "SELECT value FROM setting WHERE name = ?1",
	[SHELF_PACK_GET] = "SELECT bytes FROM pack WHERE number = ?1",
	[SHELF_PACK_ADD] = "INSERT INTO pack VALUES(?1, ?2) ON CONFLICT(number) DO UPDATE SET bytes = bytes + ?2",
	[SHELF_FILE_FIND] = "SELECT number, newest FROM file WHERE ino = ?1 AND tree = ?2 AND gen = ?3",
	[SHELF_FILE_ADD] = "INSERT INTO file(ino, tree, gen, folder, name, newest) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
	[SHELF_FILE_AGAIN] = "UPDATE file SET folder = ?2, name = ?3, gone = 0, newest = iif(?4 <> 0, ?4, newest)"
			     " WHERE number = ?1",
	[SHELF_FILE_PLACE] = "UPDATE file SET folder = ?2, name = ?3, gone = ?4 WHERE number = ?1",
	[SHELF_FILE_NEWEST] = "UPDATE file SET newest = ?2 WHERE number = ?1",
	[SHELF_FILE_REMOVE] =
		"DELETE FROM file WHERE number = ?1 AND NOT EXISTS (SELECT 1 FROM version WHERE file = ?1)",
	[SHELF_VERSION_ADD] = "INSERT INTO version VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,"
			      " ?15, ?16, ?17, ?18)",
	[SHELF_VERSION_GET] = "SELECT " VERSION_COLUMNS
			      " FROM version v JOIN file f ON f.number = v.file WHERE v.number = ?1",
	[SHELF_VERSION_NEWEST] = "SELECT " VERSION_COLUMNS
				 " FROM version v JOIN file f ON f.number = v.file WHERE f.ino = ?1 AND f.tree = ?2"
				 " AND f.gen = ?3 AND v.taken <= ?4 AND v.state <= ?5 ORDER BY v.number DESC LIMIT 1",
	/* a version shows one incident, the first of those that hold it */
	[SHELF_VERSION_PIN] = "UPDATE version SET incident = iif(incident = 0, ?2, incident) WHERE number = ?1",
	[SHELF_VERSION_UNPIN] = "UPDATE version SET incident = coalesce((SELECT min(p.incident) FROM pin p"
				" WHERE p.version = version.number), 0) WHERE incident = ?1 AND incident <> 0",
	[SHELF_PIN_ADD] = "INSERT OR IGNORE INTO pin VALUES(?1, ?2)",
	[SHELF_PIN_REMOVE] = "DELETE FROM pin WHERE incident = ?1",
	[SHELF_VERSION_DESCRIBE] = "UPDATE version SET content = ?2, state = ?3 WHERE number = ?1",
	[SHELF_VERSION_FEATURES] = "UPDATE version SET content = ?2 WHERE number = ?1",
	[SHELF_VERSION_DROP] = "DELETE FROM version WHERE number = ?1",
	[SHELF_VERSION_MOVE] = "UPDATE version SET pack = ?4, at = ?5 WHERE number = ?1 AND pack = ?2 AND at = ?3",
	[SHELF_VERSION_WEIGH] = "UPDATE version SET kept = ?2 WHERE number = ?1",
	[SHELF_PINS_OF] = "DELETE FROM pin WHERE version = ?1",
	[SHELF_NAME_HAS] = "SELECT 1 FROM name WHERE file = ?1 AND folder = ?2 AND name = ?3 AND gone = 0",
	/* since it was first kept, as far as anybody knows */
	[SHELF_NAME_OWN] = "INSERT OR IGNORE INTO name SELECT f.number, f.folder, f.name,"
			   " coalesce((SELECT min(v.taken) FROM version v WHERE v.file = f.number), 0), 0 FROM file f"
			   " WHERE f.number = ?1 AND f.gone = 0 AND f.folder <> 0"
			   " AND NOT EXISTS (SELECT 1 FROM name n WHERE n.file = ?1)",
	[SHELF_NAME_ADD] = "INSERT INTO name VALUES(?1, ?2, ?3, ?4, 0) ON CONFLICT(file, folder, name)"
			   " DO UPDATE SET since = ?4, gone = 0 WHERE gone <> 0",
	[SHELF_NAME_GONE] = "UPDATE name SET gone = ?4 WHERE file = ?1 AND folder = ?2 AND name = ?3 AND gone = 0",
	/* of every file of a restore: columns as see_all of shelf_name.c reads them */
	[SHELF_NAMES_OF] =
		"SELECT f.ino, f.tree, f.gen, n.folder, d.path, n.name FROM name n"
		" JOIN file f ON f.number = n.file JOIN folder d ON d.number = n.folder"
		" WHERE n.since <= ?1 AND (n.gone = 0 OR n.gone > ?1) AND n.file = ?2 ORDER BY d.path, n.name",
	[SHELF_NAMES_GONE] = "UPDATE name SET gone = ?2 WHERE file = ?1 AND gone = 0",
	[SHELF_NAMES_FORGET] = "DELETE FROM name WHERE file = ?1 AND NOT EXISTS (SELECT 1 FROM file WHERE number = ?1)",
};

enum bw_err bw_shelf_statement(struct bw_shelf *shelf, enum shelf_statement which, sqlite3_stmt **out)
{
	sqlite3_stmt **stmt = &shelf->statements[which];

	if (*stmt == NULL)
		BW_TRY(bw_sql_prepare(shelf->db, texts[which], stmt));
	(void)sqlite3_reset(*stmt);
	*out = *stmt;
	return BW_OK;
}

/* ---- files ------------------------------------------------------------------------- */

enum bw_err bw_shelf_find_file(struct bw_shelf *shelf, const struct bw_shelf_key *key, struct shelf_file *out,
			       bool *out_found)
{
	BW_CLEANUP(bw_sql_reset) sqlite3_stmt *stmt = NULL;

	BW_TRY(bw_shelf_statement(shelf, SHELF_FILE_FIND, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)key->ino);
	(void)sqlite3_bind_int64(stmt, 2, (int64_t)key->tree);
	(void)sqlite3_bind_int64(stmt, 3, key->gen);
	BW_TRY(bw_sql_row(stmt, out_found));
	if (*out_found)
		*out = (struct shelf_file){ sqlite3_column_int64(stmt, 0), (uint64_t)sqlite3_column_int64(stmt, 1) };
	return BW_OK;
}

static enum bw_err place_file(struct bw_shelf *shelf, int64_t file, uint32_t folder, struct bw_slice name,
			      int64_t gone_us)
{
	sqlite3_stmt *stmt;

	BW_TRY(bw_shelf_statement(shelf, SHELF_FILE_PLACE, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, file);
	(void)sqlite3_bind_int64(stmt, 2, folder);
	bw_shelf_bind_bytes(stmt, 3, name);
	(void)sqlite3_bind_int64(stmt, 4, gone_us);
	return bw_shelf_done(shelf, stmt);
}

static enum bw_err set_newest(struct bw_shelf *shelf, int64_t file, uint64_t newest)
{
	sqlite3_stmt *stmt;

	BW_TRY(bw_shelf_statement(shelf, SHELF_FILE_NEWEST, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, file);
	(void)sqlite3_bind_int64(stmt, 2, (int64_t)newest);
	return bw_shelf_done(shelf, stmt);
}

enum bw_err bw_shelf_rename(struct bw_shelf *shelf, const struct bw_shelf_key *key, uint32_t folder,
			    struct bw_slice name, int64_t when_us)
{
	struct shelf_file file;
	bool found = false;

	BW_NEED(name.len <= BW_SHELF_NAME_BYTES, TOO_BIG);
	BW_TRY(bw_shelf_settle(shelf));
	BW_TRY(bw_shelf_begin(shelf));
	BW_TRY(bw_shelf_find_file(shelf, key, &file, &found));
	BW_NEED(found, NOT_FOUND);
	if (folder == 0)
		BW_TRY(bw_shelf_names_gone(shelf, file.number, when_us));
	return place_file(shelf, file.number, folder, name, folder == 0 ? when_us : 0);
}

enum bw_err bw_shelf_name_versions(struct bw_shelf *shelf)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;

	BW_TRY(bw_shelf_settle(shelf));
	BW_TRY(bw_shelf_begin(shelf));
	BW_TRY(bw_sql_prepare(
		shelf->db,
		"UPDATE version SET folder = f.folder, name = f.name FROM file f"
		" WHERE f.number = version.file AND f.gone = 0 AND f.folder <> 0 AND f.name <> version.name"
		" AND version.name = CAST('#' || f.ino AS BLOB)",
		&stmt));
	return bw_shelf_done(shelf, stmt);
}

/* ---- versions -------------------------------------------------------------------------- */

enum bw_err bw_shelf_add_pin(struct bw_shelf *shelf, uint64_t number, uint64_t incident)
{
	sqlite3_stmt *stmt;

	BW_TRY(bw_shelf_statement(shelf, SHELF_PIN_ADD, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)incident);
	(void)sqlite3_bind_int64(stmt, 2, (int64_t)number);
	return bw_shelf_done(shelf, stmt);
}

static void read_version(sqlite3_stmt *stmt, struct bw_shelf_version *out)
{
	const struct bw_slice sum = bw_sql_blob(stmt, 16);

	*out = (struct bw_shelf_version){
		.number = (uint64_t)sqlite3_column_int64(stmt, 0),
		.key = { .ino = (uint64_t)sqlite3_column_int64(stmt, 1),
			 .tree = (uint64_t)sqlite3_column_int64(stmt, 2),
			 .gen = (uint32_t)sqlite3_column_int64(stmt, 3) },
		.folder = (uint32_t)sqlite3_column_int64(stmt, 4),
		.name = bw_sql_blob(stmt, 5),
		.taken_us = sqlite3_column_int64(stmt, 6),
		.mtime_us = sqlite3_column_int64(stmt, 7),
		.size = (uint64_t)sqlite3_column_int64(stmt, 8),
		.pack = (uint32_t)sqlite3_column_int64(stmt, 9),
		.at = (uint64_t)sqlite3_column_int64(stmt, 10),
		.kept_bytes = (uint64_t)sqlite3_column_int64(stmt, 11),
		.kind = (uint32_t)sqlite3_column_int64(stmt, 12),
		.before = (uint64_t)sqlite3_column_int64(stmt, 13),
		.incident = (uint64_t)sqlite3_column_int64(stmt, 14),
		.state = (uint32_t)sqlite3_column_int64(stmt, 15),
		.meta = bw_sql_blob(stmt, 17),
		.content = bw_sql_blob(stmt, 18),
		.actor = (uint32_t)sqlite3_column_int64(stmt, 19),
	};
	memcpy(out->sum, sum.ptr, sum.len < sizeof(out->sum) ? sum.len : sizeof(out->sum));
}

static enum bw_err keep_version(const struct bw_shelf_version *row, struct bw_arena *arena,
				struct bw_shelf_version *out)
{
	struct bw_shelf_version version = *row;

	BW_TRY(bw_arena_copy(arena, row->name, &version.name));
	BW_TRY(bw_arena_copy(arena, row->meta, &version.meta));
	BW_TRY(bw_arena_copy(arena, row->content, &version.content));
	*out = version;
	return BW_OK;
}

static enum bw_err one_version(sqlite3_stmt *stmt, struct bw_arena *arena, struct bw_shelf_version *out)
{
	struct bw_shelf_version row;
	enum bw_err err;
	bool found;

	BW_TRY(bw_sql_row(stmt, &found));
	BW_NEED(found, NOT_FOUND);
	read_version(stmt, &row);
	err = keep_version(&row, arena, out);
	(void)sqlite3_reset(stmt);
	return err;
}

enum bw_err bw_shelf_get(struct bw_shelf *shelf, uint64_t number, struct bw_arena *arena, struct bw_shelf_version *out)
{
	sqlite3_stmt *stmt;

	BW_TRY(bw_shelf_settle(shelf));
	BW_TRY(bw_shelf_statement(shelf, SHELF_VERSION_GET, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)number);
	return one_version(stmt, arena, out);
}

enum bw_err bw_shelf_newest(struct bw_shelf *shelf, const struct bw_shelf_key *key, int64_t until_us,
			    enum bw_shelf_state worst, struct bw_arena *arena, struct bw_shelf_version *out)
{
	sqlite3_stmt *stmt;

	BW_TRY(bw_shelf_settle(shelf));
	BW_TRY(bw_shelf_statement(shelf, SHELF_VERSION_NEWEST, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)key->ino);
	(void)sqlite3_bind_int64(stmt, 2, (int64_t)key->tree);
	(void)sqlite3_bind_int64(stmt, 3, key->gen);
	(void)sqlite3_bind_int64(stmt, 4, until_us);
	(void)sqlite3_bind_int64(stmt, 5, worst);
	return one_version(stmt, arena, out);
}

static enum bw_err walk(sqlite3_stmt *stmt, bw_shelf_see *see, void *context)
{
	struct bw_shelf_version row;
	bool found = true;

	for (;;) {
		BW_TRY(bw_sql_row(stmt, &found));
		if (!found)
			return BW_OK;
		read_version(stmt, &row);
		BW_TRY(see(context, &row));
	}
}

enum bw_err bw_shelf_each(struct bw_shelf *shelf, bw_shelf_see *see, void *context)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;

	BW_TRY(bw_shelf_settle(shelf));
	/* where the file is now, not where it was when the version was taken */
	BW_TRY(bw_sql_prepare(
		shelf->db,
		"SELECT v.number, f.ino, f.tree, f.gen, f.folder, f.name, v.taken, v.mtime, v.size, v.pack,"
		" v.at, v.kept, v.kind, v.before, v.incident, v.state, v.sum, v.meta, v.content, v.actor"
		" FROM file f JOIN version v ON v.number = f.newest WHERE f.gone = 0 ORDER BY f.number",
		&stmt));
	return walk(stmt, see, context);
}

enum bw_err bw_shelf_at(struct bw_shelf *shelf, uint32_t folder, struct bw_slice name, bw_shelf_see *see, void *context)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;

	BW_TRY(bw_shelf_settle(shelf));
	BW_TRY(bw_sql_prepare(shelf->db,
			      "SELECT " VERSION_COLUMNS " FROM version v JOIN file f ON f.number = v.file"
			      " WHERE v.folder = ?1 AND v.name = ?2 ORDER BY v.number DESC",
			      &stmt));
	(void)sqlite3_bind_int64(stmt, 1, folder);
	bw_shelf_bind_bytes(stmt, 2, name);
	return walk(stmt, see, context);
}

static enum bw_err walk_below(struct bw_shelf *shelf, const char *text, struct bw_slice path, int64_t until_us,
			      bw_shelf_see *see, void *context)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;

	BW_TRY(bw_shelf_settle(shelf));
	BW_TRY(bw_sql_prepare(shelf->db, text, &stmt));
	bw_shelf_bind_bytes(stmt, 1, path);
	(void)sqlite3_bind_int64(stmt, 2, until_us);
	return walk(stmt, see, context);
}

#define BELOW_PATH                                                                                                    \
	"SELECT " VERSION_COLUMNS " FROM folder d JOIN version v ON v.folder = d.number"                              \
	" JOIN file f ON f.number = v.file"                                                                           \
	" WHERE (length(?1) = 0 OR d.path = ?1"                                                                       \
	" OR substr(d.path, 1, length(?1) + 1) = CAST(?1 || '/' AS BLOB))"                                            \
	" AND v.number = (SELECT max(w.number) FROM version w WHERE w.file = v.file AND w.taken <= ?2 AND w.state = " \
	"0)"

enum bw_err bw_shelf_below(struct bw_shelf *shelf, struct bw_slice path, int64_t until_us, bw_shelf_see *see,
			   void *context)
{
	return walk_below(shelf, BELOW_PATH " ORDER BY d.path, v.name", path, until_us, see, context);
}

enum bw_err bw_shelf_there(struct bw_shelf *shelf, struct bw_slice path, int64_t until_us, bw_shelf_see *see,
			   void *context)
{
	return walk_below(shelf, BELOW_PATH " AND (f.gone = 0 OR f.gone > ?2) ORDER BY d.path, v.name", path, until_us,
			  see, context);
}

/* A file's first version of all, taken later than that, and good; of it alone one version fits the join. */
#define FIRST_BELOW                                                                                    \
	"SELECT " VERSION_COLUMNS " FROM folder d JOIN version v ON v.folder = d.number"               \
	" JOIN file f ON f.number = v.file"                                                            \
	" WHERE (length(?1) = 0 OR d.path = ?1"                                                        \
	" OR substr(d.path, 1, length(?1) + 1) = CAST(?1 || '/' AS BLOB))"                             \
	" AND v.number = (SELECT min(w.number) FROM version w WHERE w.file = v.file) AND v.taken > ?2" \
	" AND v.state = 0 AND v.mtime <= ?2 AND (f.gone = 0 OR f.gone > ?2) ORDER BY d.path, v.name"

enum bw_err bw_shelf_unchanged(struct bw_shelf *shelf, struct bw_slice path, int64_t until_us, bw_shelf_see *see,
			       void *context)
{
	return walk_below(shelf, FIRST_BELOW, path, until_us, see, context);
}

enum bw_err bw_shelf_gone_below(struct bw_shelf *shelf, struct bw_slice path, bw_shelf_see *see, void *context)
{
	return walk_below(shelf,
			  "SELECT " VERSION_COLUMNS " FROM folder d JOIN version v ON v.folder = d.number"
			  " JOIN file f ON f.number = v.file WHERE (length(?1) = 0 OR d.path = ?1"
			  " OR substr(d.path, 1, length(?1) + 1) = CAST(?1 || '/' AS BLOB))"
			  " AND f.gone <> 0 AND f.gone <= ?2 ORDER BY v.number",
			  path, INT64_MAX, see, context);
}

enum bw_err bw_shelf_pinned(struct bw_shelf *shelf, uint64_t incident, bw_shelf_see *see, void *context)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;

	BW_TRY(bw_shelf_settle(shelf));
	BW_TRY(bw_sql_prepare(shelf->db,
			      "SELECT " VERSION_COLUMNS " FROM pin p JOIN version v ON v.number = p.version"
			      " JOIN file f ON f.number = v.file WHERE p.incident = ?1 ORDER BY p.version",
			      &stmt));
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)incident);
	return walk(stmt, see, context);
}

enum bw_err bw_shelf_oldest(struct bw_shelf *shelf, int64_t until_us, bw_shelf_see *see, void *context)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;

	BW_TRY(bw_shelf_settle(shelf));
	BW_TRY(bw_sql_prepare(shelf->db,
			      "SELECT " VERSION_COLUMNS " FROM version v JOIN file f ON f.number = v.file"
			      " WHERE v.taken <= ?1 ORDER BY v.number",
			      &stmt));
	(void)sqlite3_bind_int64(stmt, 1, until_us);
	return walk(stmt, see, context);
}

static void read_spare(sqlite3_stmt *stmt, struct bw_shelf_spare *out)
{
	*out = (struct bw_shelf_spare){ .number = (uint64_t)sqlite3_column_int64(stmt, 0),
					.file = (uint64_t)sqlite3_column_int64(stmt, 1),
					.newest = (uint64_t)sqlite3_column_int64(stmt, 2),
					.gone_us = sqlite3_column_int64(stmt, 3),
					.taken_us = sqlite3_column_int64(stmt, 4),
					.kept_bytes = (uint64_t)sqlite3_column_int64(stmt, 5),
					.incident = (uint64_t)sqlite3_column_int64(stmt, 6),
					.state = (uint32_t)sqlite3_column_int64(stmt, 7),
					.actor = (uint32_t)sqlite3_column_int64(stmt, 8),
					.in_pack = sqlite3_column_int64(stmt, 9) != 0 };
}

enum bw_err bw_shelf_spares(struct bw_shelf *shelf, bw_shelf_see_spare *see, void *context)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	struct bw_shelf_spare spare;
	bool found = true;

	BW_TRY(bw_shelf_settle(shelf));
	/* the inner part reads an index and the files only: most files have one version, whose row is never touched */
	BW_TRY(bw_sql_prepare(
		shelf->db,
		"SELECT v.number, v.file, f.newest, f.gone, v.taken, v.kept, v.incident, v.state,"
		" v.actor, v.pack FROM (SELECT DISTINCT w.file AS file FROM version w JOIN file g ON g.number = w.file"
		" WHERE w.number <> g.newest OR g.gone <> 0) s JOIN file f ON f.number = s.file"
		" JOIN version v ON v.file = s.file ORDER BY v.file, v.number DESC",
		&stmt));
	for (;;) {
		BW_TRY(bw_sql_row(stmt, &found));
		if (!found)
			return BW_OK;
		read_spare(stmt, &spare);
		BW_TRY(see(context, &spare));
	}
}

static enum bw_err change_one(struct bw_shelf *shelf, sqlite3_stmt *stmt)
{
	BW_TRY(bw_shelf_done(shelf, stmt));
	BW_NEED(sqlite3_changes(shelf->db) == 1, NOT_FOUND);
	return BW_OK;
}

enum bw_err bw_shelf_pin(struct bw_shelf *shelf, uint64_t number, uint64_t incident)
{
	sqlite3_stmt *stmt;

	BW_NEED(incident != 0, RANGE);
	BW_TRY(bw_shelf_settle(shelf));
	BW_TRY(bw_shelf_begin(shelf));
	BW_TRY(bw_shelf_statement(shelf, SHELF_VERSION_PIN, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)number);
	(void)sqlite3_bind_int64(stmt, 2, (int64_t)incident);
	BW_TRY(change_one(shelf, stmt));
	return bw_shelf_add_pin(shelf, number, incident);
}

enum bw_err bw_shelf_unpin_all(struct bw_shelf *shelf, uint64_t incident)
{
	sqlite3_stmt *stmt;

	BW_TRY(bw_shelf_settle(shelf));
	BW_TRY(bw_shelf_begin(shelf));
	BW_TRY(bw_shelf_statement(shelf, SHELF_PIN_REMOVE, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)incident);
	BW_TRY(bw_shelf_done(shelf, stmt));
	BW_TRY(bw_shelf_statement(shelf, SHELF_VERSION_UNPIN, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)incident);
	return bw_shelf_done(shelf, stmt);
}

/* After a change of state or a removal: the newest good version may be another one. */
static enum bw_err renew_newest(struct bw_shelf *shelf, const struct bw_shelf_key *key)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(2 * (size_t)BW_SHELF_META_BYTES_MAX);
	struct bw_shelf_version newest = { 0 };
	struct shelf_file file;
	sqlite3_stmt *stmt;
	bool found = false;
	enum bw_err err;

	BW_TRY(bw_shelf_find_file(shelf, key, &file, &found));
	BW_NEED(found, CORRUPT);
	err = bw_shelf_newest(shelf, key, INT64_MAX, BW_SHELF_GOOD, &arena, &newest);
	if (err != BW_OK && err != BW_ERR_NOT_FOUND)
		return err;
	BW_TRY(set_newest(shelf, file.number, newest.number));
	if (newest.number != 0)
		return BW_OK;
	BW_TRY(bw_shelf_statement(shelf, SHELF_FILE_REMOVE, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, file.number);
	BW_TRY(bw_shelf_done(shelf, stmt));
	shelf->files -= sqlite3_changes(shelf->db);
	return bw_shelf_names_forget(shelf, file.number);
}

enum bw_err bw_shelf_describe(struct bw_shelf *shelf, uint64_t number, struct bw_slice content,
			      enum bw_shelf_state state)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(2 * (size_t)BW_SHELF_META_BYTES_MAX);
	struct bw_shelf_version version;
	sqlite3_stmt *stmt;

	BW_NEED(content.len == 0 || content.len == BW_SHELF_CONTENT_BYTES, RANGE);
	BW_TRY(bw_shelf_get(shelf, number, &arena, &version));
	BW_TRY(bw_shelf_begin(shelf));
	BW_TRY(bw_shelf_statement(shelf, SHELF_VERSION_DESCRIBE, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)number);
	bw_shelf_bind_bytes(stmt, 2, content);
	(void)sqlite3_bind_int64(stmt, 3, state);
	BW_TRY(change_one(shelf, stmt));
	return version.state == state ? BW_OK : renew_newest(shelf, &version.key);
}

enum bw_err bw_shelf_features(struct bw_shelf *shelf, uint64_t number, struct bw_slice content)
{
	sqlite3_stmt *stmt;

	BW_NEED(content.len == BW_SHELF_CONTENT_BYTES, RANGE);
	if (bw_shelf_describe_waiting(shelf, number, content))
		return BW_OK;
	BW_TRY(bw_shelf_begin(shelf));
	BW_TRY(bw_shelf_statement(shelf, SHELF_VERSION_FEATURES, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)number);
	bw_shelf_bind_bytes(stmt, 2, content);
	return change_one(shelf, stmt);
}

static enum bw_err forget(struct bw_shelf *shelf, const struct bw_shelf_version *version)
{
	sqlite3_stmt *stmt;

	BW_TRY(bw_shelf_begin(shelf));
	BW_TRY(bw_shelf_statement(shelf, SHELF_VERSION_DROP, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)version->number);
	BW_TRY(change_one(shelf, stmt));
	BW_TRY(bw_shelf_move_pack(shelf, version->pack, -(int64_t)version->kept_bytes));
	shelf->versions--;
	shelf->kept -= (int64_t)version->kept_bytes;
	return renew_newest(shelf, &version->key);
}

enum bw_err bw_shelf_drop(struct bw_shelf *shelf, uint64_t number)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(2 * (size_t)BW_SHELF_META_BYTES_MAX);
	struct bw_shelf_version version;

	BW_TRY(bw_shelf_get(shelf, number, &arena, &version));
	BW_NEED(version.incident == 0, BUSY);
	return forget(shelf, &version);
}

enum bw_err bw_shelf_lose(struct bw_shelf *shelf, uint64_t number)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(2 * (size_t)BW_SHELF_META_BYTES_MAX);
	struct bw_shelf_version version;
	sqlite3_stmt *stmt;

	BW_TRY(bw_shelf_get(shelf, number, &arena, &version));
	BW_TRY(forget(shelf, &version));
	BW_TRY(bw_shelf_statement(shelf, SHELF_PINS_OF, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)number);
	return bw_shelf_done(shelf, stmt);
}

/* ---- where contents lie -------------------------------------------------------------------- */

enum bw_err bw_shelf_move(struct bw_shelf *shelf, uint64_t number, uint32_t from_pack, uint64_t from_at, uint32_t pack,
			  uint64_t at)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(2 * (size_t)BW_SHELF_META_BYTES_MAX);
	struct bw_shelf_version version;
	sqlite3_stmt *stmt;

	BW_TRY(bw_shelf_get(shelf, number, &arena, &version));
	BW_NEED(version.pack == from_pack && version.at == from_at, NOT_FOUND);
	BW_TRY(bw_shelf_begin(shelf));
	BW_TRY(bw_shelf_statement(shelf, SHELF_VERSION_MOVE, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)number);
	(void)sqlite3_bind_int64(stmt, 2, from_pack);
	(void)sqlite3_bind_int64(stmt, 3, (int64_t)from_at);
	(void)sqlite3_bind_int64(stmt, 4, pack);
	(void)sqlite3_bind_int64(stmt, 5, (int64_t)at);
	BW_TRY(change_one(shelf, stmt));
	BW_TRY(bw_shelf_move_pack(shelf, from_pack, -(int64_t)version.kept_bytes));
	return bw_shelf_move_pack(shelf, pack, (int64_t)version.kept_bytes);
}

enum bw_err bw_shelf_weigh(struct bw_shelf *shelf, uint64_t number, uint64_t kept_bytes)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(2 * (size_t)BW_SHELF_META_BYTES_MAX);
	struct bw_shelf_version version;
	sqlite3_stmt *stmt;

	BW_TRY(bw_shelf_get(shelf, number, &arena, &version));
	BW_NEED(version.pack == 0, RANGE);
	BW_TRY(bw_shelf_begin(shelf));
	BW_TRY(bw_shelf_statement(shelf, SHELF_VERSION_WEIGH, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)number);
	(void)sqlite3_bind_int64(stmt, 2, (int64_t)kept_bytes);
	BW_TRY(change_one(shelf, stmt));
	shelf->kept += (int64_t)kept_bytes - (int64_t)version.kept_bytes;
	return BW_OK;
}

enum bw_err bw_shelf_places(struct bw_shelf *shelf, bw_shelf_see_place *see, void *context)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	bool found = true;

	BW_TRY(bw_shelf_settle(shelf));
	BW_TRY(bw_sql_prepare(shelf->db, "SELECT number, size, at, pack, kind, incident FROM version ORDER BY number",
			      &stmt));
	for (;;) {
		struct bw_shelf_place place;

		BW_TRY(bw_sql_row(stmt, &found));
		if (!found)
			return BW_OK;
		place = (struct bw_shelf_place){ .number = (uint64_t)sqlite3_column_int64(stmt, 0),
						 .size = (uint64_t)sqlite3_column_int64(stmt, 1),
						 .at = (uint64_t)sqlite3_column_int64(stmt, 2),
						 .pack = (uint32_t)sqlite3_column_int64(stmt, 3),
						 .kind = (uint32_t)sqlite3_column_int64(stmt, 4),
						 .is_pinned = sqlite3_column_int64(stmt, 5) != 0 };
		BW_TRY(see(context, &place));
	}
}
