#include "store/shelf_mend.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/shelf_rows.h"
#include "sys/files.h"

enum {
	HEAD_CHANGE_AT = 24, /* of the file format's header: the change, the pages, the change these are valid for */
	HEAD_COUNT_AT = 28,
	HEAD_VALID_AT = 92,
	SALVAGE_CACHE_BYTES = 32 * 1024 * 1024,
	SALVAGE_CHECKPOINT_PAGES = 4096,
	COPY_BYTES = 1024 * 1024,
};

/* ---- a copy to work on ------------------------------------------------------------------------- */

static enum bw_err copy_bytes(int from, int to)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf some = BW_BUF_INIT(COPY_BYTES);

	BW_TRY(bw_buf_reserve(&some, COPY_BYTES));
	for (;;) {
		const ssize_t got = read(from, some.ptr, COPY_BYTES);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) /* a disk that cannot be read any further has given what it gave */
			return got == 0 || errno == EIO ? BW_OK : bw_err_from_errno(errno);
		BW_TRY(bw_fd_write(to, bw_slice_of(some.ptr, (size_t)got)));
	}
}

static enum bw_err copy_file(const char *path, const char *as)
{
	const int from = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int to;
	enum bw_err err;

	if (from < 0)
		return bw_err_from_errno(errno);
	to = open(as, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	err = to < 0 ? bw_err_from_errno(errno) : copy_bytes(from, to);
	(void)close(from);
	if (to >= 0)
		(void)close(to);
	return err;
}

static void remove_all(const char *path)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char name[BW_PATH_BYTES];

	for (size_t i = 0; i < BW_COUNT(ends); i++) {
		if (snprintf(name, sizeof(name), "%s%s", path, ends[i]) < (int)sizeof(name))
			(void)unlink(name);
	}
}

static enum bw_err copy_work(const struct bw_shelf_salvage *plan)
{
	char from[BW_PATH_BYTES];
	char to[BW_PATH_BYTES];
	enum bw_err err;

	remove_all(plan->work);
	BW_TRY(copy_file(plan->from, plan->work));
	if (snprintf(from, sizeof(from), "%s-wal", plan->from) >= (int)sizeof(from) ||
	    snprintf(to, sizeof(to), "%s-wal", plan->work) >= (int)sizeof(to))
		return BW_ERR_TOO_BIG;
	err = copy_file(from, to);
	return err == BW_ERR_NOT_FOUND ? BW_OK : err;
}

static void put_be32(uint8_t *at, uint32_t value)
{
	for (unsigned i = 0; i < sizeof(value); i++)
		at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static enum bw_err write_head(int from, int to)
{
	uint8_t page[BW_SQL_PAGE_BYTES];
	struct stat status;

	if (fstat(to, &status) != 0 || pread(from, page, sizeof(page), 0) != (ssize_t)sizeof(page))
		return BW_ERR_IO;
	put_be32(page + HEAD_COUNT_AT, (uint32_t)((uint64_t)status.st_size / sizeof(page)));
	memcpy(page + HEAD_VALID_AT, page + HEAD_CHANGE_AT, sizeof(uint32_t));
	return pwrite(to, page, sizeof(page), 0) == (ssize_t)sizeof(page) ? BW_OK : bw_err_from_errno(errno);
}

/* The first page of a whole shelf over that of the copy. */
static enum bw_err lend_head(const struct bw_shelf_salvage *plan)
{
	const int from = open(plan->to, O_RDONLY | O_CLOEXEC);
	const int to = open(plan->work, O_RDWR | O_CLOEXEC);
	const enum bw_err err = from >= 0 && to >= 0 ? write_head(from, to) : BW_ERR_IO;

	if (from >= 0)
		(void)close(from);
	if (to >= 0)
		(void)close(to);
	return err;
}

/* ---- row by row --------------------------------------------------------------------------------- */

struct salvaging {
	const struct bw_shelf_salvage *plan;
	sqlite3 *db; /* the new one; the old one is attached */
	struct bw_shelf_salvaged *out;
};

/* Columns are named: what an older form lacks is then not read, instead of being read for something else. */
#define VERSION_ALL                                                                                                 \
	"number, file, folder, name, taken, mtime, size, pack, at, kept, kind, before, incident, state, sum, meta," \
	" content, actor"
#define FOLDER_ALL "number, path, handle_type, handle, meta"
#define FILE_ALL "number, ino, tree, gen, folder, name, newest, gone"
#define WAS_ALL "folder, seen, meta"
#define NAME_ALL "file, folder, name, since, gone"

#define COPY(table, columns, key)                                                                            \
	"INSERT OR IGNORE INTO main." table "(" columns ") SELECT " columns " FROM old." table " WHERE " key \
	" BETWEEN ?1 AND ?2"

static bool is_damage(enum bw_err err)
{
	/* a value of another type than its column's is a conflict; what a disk cannot read is IO */
	return err == BW_ERR_CORRUPT || err == BW_ERR_CONFLICT || err == BW_ERR_IO || err == BW_ERR_TOO_BIG;
}

/* One number after the other where it has to be: as deep as a number has bits. */
static enum bw_err copy_range(struct salvaging *salvaging, sqlite3_stmt *stmt, int64_t first, int64_t last)
{
	const int64_t middle = first + (last - first) / 2;
	enum bw_err err;

	if (first > last)
		return BW_OK;
	(void)sqlite3_bind_int64(stmt, 1, first);
	(void)sqlite3_bind_int64(stmt, 2, last);
	err = bw_sql_done(stmt);
	if (err == BW_OK || !is_damage(err))
		return err;
	if (first == last) {
		salvaging->out->torn++;
		return BW_OK;
	}
	BW_TRY(copy_range(salvaging, stmt, first, middle));
	return copy_range(salvaging, stmt, middle + 1, last);
}

static enum bw_err copy_table(struct salvaging *salvaging, const char *sql, int64_t last)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	const enum bw_err err = bw_sql_prepare(salvaging->db, sql, &stmt);

	if (err != BW_OK) /* no such table or column, as far as can be read */
		return err == BW_ERR_MEMORY ? err : BW_OK;
	return copy_range(salvaging, stmt, 1, last);
}

/* The largest number there can be: what the old one says, what the new one needs, or what is known from elsewhere. */
static int64_t largest(struct salvaging *salvaging, const char *old, const char *need, uint64_t least)
{
	int64_t most = least > INT64_MAX / 4 ? 0 : (int64_t)least;
	int64_t number;

	if (bw_sql_number(salvaging->db, old, &number) == BW_OK && number > most && number < INT64_MAX / 4)
		most = number;
	if (need != NULL && bw_sql_number(salvaging->db, need, &number) == BW_OK && number > most)
		most = number;
	return most;
}

/* A small table, of which all can be read or nothing. */
static enum bw_err copy_whole(struct salvaging *salvaging, const char *sql)
{
	const enum bw_err err = bw_sql_run(salvaging->db, sql);

	return err == BW_ERR_MEMORY || err == BW_ERR_DISK_FULL ? err : BW_OK;
}

static enum bw_err copy_rows(struct salvaging *salvaging)
{
	int64_t last = largest(salvaging, "SELECT coalesce(max(number), 0) FROM old.version", NULL,
			       salvaging->plan->most);

	BW_TRY(copy_table(salvaging, COPY("version", VERSION_ALL, "number"), last));
	last = largest(salvaging, "SELECT coalesce(max(number), 0) FROM old.file",
		       "SELECT coalesce(max(file), 0) FROM main.version", 0);
	BW_TRY(copy_table(salvaging, COPY("file", FILE_ALL, "number"), last));
	BW_TRY(copy_table(salvaging, COPY("name", NAME_ALL, "file"), last));
	last = largest(salvaging, "SELECT coalesce(max(number), 0) FROM old.folder",
		       "SELECT max(coalesce((SELECT max(folder) FROM main.version), 0),"
		       " coalesce((SELECT max(folder) FROM main.file), 0))",
		       0);
	BW_TRY(copy_table(salvaging, COPY("folder", FOLDER_ALL, "number"), last));
	BW_TRY(copy_table(salvaging, COPY("folder_was", WAS_ALL, "folder"), last));
	BW_TRY(copy_whole(salvaging, "INSERT OR IGNORE INTO main.pin SELECT incident, version FROM old.pin"));
	return copy_whole(salvaging, "INSERT OR IGNORE INTO main.setting SELECT name, value FROM old.setting"
				     " WHERE name = 'clock'");
}

/* ---- books that balance --------------------------------------------------------------------------- */

#define LOST_PATH "CAST('" BW_SHELF_LOST "' AS BLOB)"

static const char *const agree[] = {
	"INSERT OR IGNORE INTO main.folder(path, handle_type, handle, meta) VALUES(" LOST_PATH ", 0, x'', x'')",
	/* what lay in one folder stays together */
	"INSERT OR IGNORE INTO main.folder(number, path, handle_type, handle, meta)"
	" SELECT DISTINCT folder, CAST('" BW_SHELF_LOST "/folder ' || folder AS BLOB), 0, x'', x'' FROM main.version"
	" WHERE folder > 0 AND folder NOT IN (SELECT number FROM main.folder)",
	"UPDATE main.version SET folder = (SELECT number FROM main.folder WHERE path = " LOST_PATH ")"
	" WHERE folder NOT IN (SELECT number FROM main.folder)",
	/* such a file is another one than any that a walk finds: no file system has that tree */
	"INSERT OR IGNORE INTO main.file(number, ino, tree, gen, folder, name, newest, gone)"
	" SELECT DISTINCT file, file, -1, 0, 0, x'', -1, -1 FROM main.version"
	" WHERE file NOT IN (SELECT number FROM main.file)",
	"DELETE FROM main.version WHERE file NOT IN (SELECT number FROM main.file)",
	"DELETE FROM main.file WHERE NOT EXISTS (SELECT 1 FROM main.version WHERE version.file = file.number)",
	"DELETE FROM main.name WHERE file NOT IN (SELECT number FROM main.file)"
	" OR folder NOT IN (SELECT number FROM main.folder)",
	/* whose folder nobody can tell is not known to exist: a walk finds it again by its key */
	"UPDATE main.file SET gone = -1 WHERE gone = 0"
	" AND folder NOT IN (SELECT number FROM main.folder WHERE length(handle) > 0)",
	"UPDATE main.file SET newest = coalesce((SELECT max(number) FROM main.version"
	" WHERE version.file = file.number AND state = 0), 0)"
	" WHERE newest NOT IN (SELECT number FROM main.version)",
	"INSERT OR IGNORE INTO main.pin SELECT incident, number FROM main.version WHERE incident <> 0",
	"DELETE FROM main.pin WHERE version NOT IN (SELECT number FROM main.version)",
	"UPDATE main.version SET incident = (SELECT min(incident) FROM main.pin WHERE pin.version = version.number)"
	" WHERE incident = 0 AND number IN (SELECT version FROM main.pin)",
	"DELETE FROM main.pack",
	"INSERT INTO main.pack SELECT pack, sum(kept) FROM main.version WHERE pack <> 0 GROUP BY pack",
	"UPDATE main.tally SET versions = (SELECT count(*) FROM main.version),"
	" files = (SELECT count(*) FROM main.file), kept = (SELECT coalesce(sum(kept), 0) FROM main.version)",
	NULL,
};

static enum bw_err count(struct salvaging *salvaging, const char *sql, uint64_t *out)
{
	int64_t number;

	BW_TRY(bw_sql_number(salvaging->db, sql, &number));
	*out = (uint64_t)number;
	return BW_OK;
}

static enum bw_err balance(struct salvaging *salvaging)
{
	struct bw_shelf_salvaged *out = salvaging->out;
	char gone[96];

	for (const char *const *line = agree; *line != NULL; line++)
		BW_TRY(bw_sql_run(salvaging->db, *line));
	BW_TRY(count(salvaging,
		     "SELECT count(*) FROM main.version v JOIN main.file f ON f.number = v.file"
		     " WHERE f.gone = -1",
		     &out->adrift));
	(void)snprintf(gone, sizeof(gone), "UPDATE main.file SET gone = %" PRId64 " WHERE gone = -1",
		       salvaging->plan->now_us);
	BW_TRY(bw_sql_run(salvaging->db, gone));
	BW_TRY(count(salvaging, "SELECT versions FROM main.tally", &out->versions));
	BW_TRY(count(salvaging, "SELECT files FROM main.tally", &out->files));
	return count(salvaging, "SELECT count(*) FROM main.folder", &out->folders);
}

/* ---- all of it ---------------------------------------------------------------------------------------- */

static enum bw_err open_new(struct salvaging *salvaging)
{
	const struct bw_sql_options options = { .path = salvaging->plan->to,
						.synchronous = "OFF", /* once, at the end */
						.cache_bytes = SALVAGE_CACHE_BYTES,
						.checkpoint_pages = SALVAGE_CHECKPOINT_PAGES };

	return bw_sql_open(&options, &salvaging->db);
}

static enum bw_err close_new(struct salvaging *salvaging)
{
	const int rc = sqlite3_close(salvaging->db);

	salvaging->db = NULL;
	return rc == SQLITE_OK ? BW_OK : BW_ERR_BUSY;
}

/* Both in one connection, so that rows need no hands in between. CORRUPT: the old one shows no table. */
static enum bw_err open_both(struct salvaging *salvaging)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	int64_t tables = 0;
	enum bw_err err;

	BW_TRY(open_new(salvaging));
	BW_TRY(bw_sql_prepare(salvaging->db, "ATTACH ?1 AS old", &stmt));
	bw_sql_bind_text(stmt, 1, bw_slice_text(salvaging->plan->work));
	err = bw_sql_done(stmt);
	if (err == BW_OK)
		err = bw_sql_number(salvaging->db, "SELECT count(*) FROM old.sqlite_master WHERE name = 'version'",
				    &tables);
	if (err == BW_ERR_MEMORY || err == BW_ERR_DISK_FULL)
		return err;
	return err == BW_OK && tables == 1 ? BW_OK : BW_ERR_CORRUPT;
}

static enum bw_err open_with_old(struct salvaging *salvaging)
{
	enum bw_err err = open_both(salvaging);

	salvaging->out->has_head = err == BW_OK;
	if (err != BW_ERR_CORRUPT)
		return err;
	BW_TRY(close_new(salvaging));
	BW_TRY(lend_head(salvaging->plan));
	return open_both(salvaging);
}

/* Reading is no transaction: SQLite writes nothing more in one in which it has met damage. */
static enum bw_err fill(struct salvaging *salvaging, bool has_old)
{
	if (has_old)
		BW_TRY(copy_rows(salvaging));
	BW_TRY(bw_sql_run(salvaging->db, "BEGIN"));
	BW_TRY(balance(salvaging));
	return bw_sql_run(salvaging->db, "COMMIT");
}

static enum bw_err salvage(struct salvaging *salvaging)
{
	enum bw_err err = copy_work(salvaging->plan);

	if (err == BW_OK)
		err = open_with_old(salvaging);
	if (err == BW_OK)
		return fill(salvaging, true);
	if (err != BW_ERR_CORRUPT && err != BW_ERR_NOT_FOUND)
		return err;
	BW_TRY(close_new(salvaging)); /* there is nothing that could be read */
	BW_TRY(open_new(salvaging));
	return fill(salvaging, false);
}

static enum bw_err sync_new(const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum bw_err err;

	if (fd < 0)
		return bw_err_from_errno(errno);
	err = fsync(fd) == 0 ? BW_OK : bw_err_from_errno(errno);
	(void)close(fd);
	return err;
}

enum bw_err bw_shelf_salvage(const struct bw_shelf_salvage *plan, struct bw_shelf_salvaged *out, struct bw_why *why)
{
	struct bw_shelf_salvaged salvaged = { 0 };
	struct salvaging salvaging = { .plan = plan, .out = &salvaged };
	enum bw_err err;

	BW_TRY(bw_shelf_create(plan->to, why));
	err = salvage(&salvaging);
	if (close_new(&salvaging) != BW_OK && err == BW_OK)
		err = BW_ERR_BUSY;
	if (err == BW_OK)
		err = sync_new(plan->to);
	remove_all(plan->work);
	if (err != BW_OK) {
		remove_all(plan->to);
		return bw_why_set(why, err, "cannot salvage the catalogue '%s': %s", plan->from, bw_err_text(err));
	}
	*out = salvaged;
	return BW_OK;
}

/* ---- contents without a row ----------------------------------------------------------------------------- */

static enum bw_err add_file(struct bw_shelf *shelf, const struct bw_shelf_nameless *nameless, int64_t *out)
{
	const struct bw_shelf_key key = { .ino = nameless->number, .tree = UINT64_MAX, .gen = 1 };
	struct shelf_file file;
	sqlite3_stmt *stmt;
	bool found;

	BW_TRY(bw_shelf_find_file(shelf, &key, &file, &found));
	BW_NEED(!found, EXISTS);
	BW_TRY(bw_shelf_statement(shelf, SHELF_FILE_ADD, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)key.ino);
	(void)sqlite3_bind_int64(stmt, 2, (int64_t)key.tree);
	(void)sqlite3_bind_int64(stmt, 3, key.gen);
	(void)sqlite3_bind_int64(stmt, 4, 0);
	bw_shelf_bind_bytes(stmt, 5, bw_slice_empty);
	(void)sqlite3_bind_int64(stmt, 6, (int64_t)nameless->number);
	BW_TRY(bw_sql_done(stmt));
	*out = sqlite3_last_insert_rowid(shelf->db);
	BW_TRY(bw_shelf_statement(shelf, SHELF_FILE_PLACE, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, *out);
	(void)sqlite3_bind_int64(stmt, 2, 0);
	bw_shelf_bind_bytes(stmt, 3, bw_slice_empty);
	(void)sqlite3_bind_int64(stmt, 4, nameless->gone_us);
	return bw_sql_done(stmt);
}

static enum bw_err add_version(struct bw_shelf *shelf, const struct bw_shelf_nameless *nameless, int64_t file,
			       uint32_t folder)
{
	sqlite3_stmt *stmt;
	char name[32];
	int at = 0;

	(void)snprintf(name, sizeof(name), "version %" PRIu64, nameless->number);
	BW_TRY(bw_shelf_statement(shelf, SHELF_VERSION_ADD, &stmt));
	(void)sqlite3_bind_int64(stmt, ++at, (int64_t)nameless->number);
	(void)sqlite3_bind_int64(stmt, ++at, file);
	(void)sqlite3_bind_int64(stmt, ++at, folder);
	bw_shelf_bind_bytes(stmt, ++at, bw_slice_text(name));
	(void)sqlite3_bind_int64(stmt, ++at, nameless->taken_us);
	(void)sqlite3_bind_int64(stmt, ++at, nameless->taken_us);
	(void)sqlite3_bind_int64(stmt, ++at, (int64_t)nameless->size);
	(void)sqlite3_bind_int64(stmt, ++at, nameless->pack);
	(void)sqlite3_bind_int64(stmt, ++at, (int64_t)nameless->at);
	(void)sqlite3_bind_int64(stmt, ++at, (int64_t)nameless->kept_bytes);
	(void)sqlite3_bind_int64(stmt, ++at, S_IFREG);
	(void)sqlite3_bind_int64(stmt, ++at, 0);
	(void)sqlite3_bind_int64(stmt, ++at, 0);
	(void)sqlite3_bind_int64(stmt, ++at, BW_SHELF_GOOD);
	bw_shelf_bind_bytes(stmt, ++at, bw_slice_of(nameless->sum, sizeof(nameless->sum)));
	bw_shelf_bind_bytes(stmt, ++at, nameless->meta);
	bw_shelf_bind_bytes(stmt, ++at, bw_slice_empty);
	(void)sqlite3_bind_int64(stmt, ++at, 0);
	return bw_sql_done(stmt);
}

static enum bw_err has_version(struct bw_shelf *shelf, uint64_t number)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(2 * (size_t)BW_SHELF_META_BYTES_MAX);
	struct bw_shelf_version version;
	const enum bw_err err = bw_shelf_get(shelf, number, &arena, &version);

	return err == BW_OK ? BW_ERR_EXISTS : err == BW_ERR_NOT_FOUND ? BW_OK : err;
}

enum bw_err bw_shelf_add_nameless(struct bw_shelf *shelf, const struct bw_shelf_nameless *nameless)
{
	const struct bw_shelf_folder lost = { .path = BW_LIT(BW_SHELF_LOST) };
	uint32_t folder;
	int64_t file;

	BW_TRY(has_version(shelf, nameless->number));
	BW_TRY(bw_shelf_begin(shelf));
	BW_TRY(bw_shelf_folder_put(shelf, &lost, &folder));
	BW_TRY(add_file(shelf, nameless, &file));
	BW_TRY(add_version(shelf, nameless, file, folder));
	BW_TRY(bw_shelf_move_pack(shelf, nameless->pack, (int64_t)nameless->kept_bytes));
	shelf->files++;
	shelf->versions++;
	shelf->kept += (int64_t)nameless->kept_bytes;
	if (nameless->number >= shelf->next)
		shelf->next = nameless->number + 1;
	return BW_OK;
}

static enum bw_err put_number(struct bw_shelf *shelf, const char *name, uint64_t number)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, number);
	return bw_shelf_setting_put(shelf, name, bw_slice_text(text));
}

enum bw_err bw_shelf_begin_pack(struct bw_shelf *shelf, uint32_t pack)
{
	BW_TRY(put_number(shelf, "pack", pack));
	BW_TRY(put_number(shelf, "pack_end", 0));
	return put_number(shelf, "synced", shelf->next - 1);
}
