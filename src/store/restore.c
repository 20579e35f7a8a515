/* A store from a backup, without what was erased since. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/engine.h"
#include "store/keeping.h"
#include "store/manifest.h"

enum { COPY_BYTES = 1024 * 1024 };

/* ---- the copy --------------------------------------------------------------------------------- */

static void close_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static enum bw_err copy_file(const char *from_path, const char *to_path, uint64_t total, bw_keeping_progress *progress,
			     void *ctx)
{
	BW_CLEANUP(close_fd) const int from = open(from_path, O_RDONLY | O_CLOEXEC);
	BW_CLEANUP(close_fd) const int to = open(to_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	BW_CLEANUP(bw_buf_release) struct bw_buf block = BW_BUF_INIT(COPY_BYTES);
	uint64_t done = 0;
	ssize_t got;

	if (from < 0 || to < 0)
		return bw_err_from_errno(errno);
	BW_TRY(bw_buf_reserve(&block, COPY_BYTES));
	while ((got = read(from, block.ptr, COPY_BYTES)) > 0) {
		BW_TRY(bw_fd_write(to, bw_slice_of(block.ptr, (size_t)got)));
		done += (uint64_t)got;
		if (progress != NULL)
			progress(ctx, done, total);
	}
	if (got < 0 || fsync(to) != 0)
		return bw_err_from_errno(errno);
	return BW_OK;
}

static enum bw_err check_backup(const char *backup, uint64_t *out_bytes)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(64 * BW_KIB);
	struct bw_manifest manifest;
	uint8_t digest[32];
	uint64_t bytes;
	char path[BW_PATH_BYTES];

	BW_TRY(bw_path_join(path, backup, "MANIFEST"));
	BW_TRY(bw_file_read(path, &text, NULL));
	BW_NEED(bw_manifest_parse(bw_buf_slice(&text), &manifest) == BW_OK, CORRUPT);
	BW_TRY(bw_path_join(path, backup, "entries.db"));
	BW_TRY(bw_file_digest(path, digest, &bytes));
	BW_NEED(bytes == manifest.bytes && memcmp(digest, manifest.digest, sizeof(digest)) == 0, CORRUPT);
	*out_bytes = bytes;
	return BW_OK;
}

/* ---- erasures ----------------------------------------------------------------------------------- */

struct erasures {
	struct bw_store *store;
	sqlite3 *other;
	uint64_t erased;
};

static enum bw_err same_salt(const struct erasures *e)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	bool found;

	BW_TRY(bw_sql_prepare(e->other, "SELECT value FROM setting WHERE name='store.salt'", &stmt));
	BW_TRY(bw_sql_row(stmt, &found));
	/* the memory of another store's erasures says nothing about this one */
	BW_NEED(found && bw_slice_equals(bw_sql_blob(stmt, 0), bw_slice_of(e->store->salt, sizeof(e->store->salt))),
		CONFLICT);
	return BW_OK;
}

static enum bw_err was_erased(sqlite3_stmt *known, const uint8_t hash[32], struct bw_buf *reason, bool *out)
{
	bw_sql_bind_blob(known, 1, bw_slice_of(hash, 32));
	BW_TRY(bw_sql_row(known, out));
	if (!*out)
		return BW_OK;
	bw_buf_clear(reason);
	BW_TRY(bw_buf_add(reason, bw_sql_text(known, 0)));
	(void)sqlite3_reset(known);
	return BW_OK;
}

static enum bw_err erase_known(struct erasures *e, struct bw_buf *ids)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *known = NULL;
	BW_CLEANUP(bw_buf_release) struct bw_buf reason = BW_BUF_INIT(BW_MIB);
	struct bw_slice rest = bw_buf_slice(ids);
	struct bw_slice id;

	BW_TRY(bw_sql_prepare(e->other, "SELECT reason FROM erased WHERE id_hash=?", &known));
	while (bw_slice_cut(rest, '\n', &id, &rest)) {
		uint64_t removed;
		uint8_t hash[32];
		bool erased;

		BW_TRY(bw_erased_hash(e->store, id, hash));
		BW_TRY(was_erased(known, hash, &reason, &erased));
		if (!erased)
			continue;
		BW_TRY(bw_store_erase(e->store, id, bw_buf_slice(&reason), &removed));
		e->erased += removed;
	}
	return BW_OK;
}

/* Ids in portions, because erasing changes the table under the walk. */
static enum bw_err erase_portions(struct erasures *e)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf ids = BW_BUF_INIT(64 * BW_MIB);
	int64_t from = INT64_MIN;

	for (;;) {
		BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
		bool found;

		bw_buf_clear(&ids);
		BW_TRY(bw_sql_prepare(e->store->db,
				      "SELECT added, id FROM entry WHERE added>? ORDER BY added LIMIT 50000", &stmt));
		(void)sqlite3_bind_int64(stmt, 1, from);
		for (;;) {
			BW_TRY(bw_sql_row(stmt, &found));
			if (!found)
				break;
			from = sqlite3_column_int64(stmt, 0);
			BW_TRY(bw_buf_add(&ids, bw_sql_text(stmt, 1)));
			BW_TRY(bw_buf_add_u8(&ids, '\n'));
		}
		if (ids.len == 0)
			return bw_store_commit(e->store);
		bw_sql_finalize(&stmt);
		BW_TRY(erase_known(e, &ids));
		BW_TRY(bw_store_commit(e->store));
	}
}

/* Also what the backup never had stays refused. */
static enum bw_err adopt_memory(struct erasures *e)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *from = NULL;
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *to = NULL;
	bool found;

	BW_TRY(bw_sql_prepare(e->other, "SELECT id_hash, time, reason FROM erased", &from));
	BW_TRY(bw_sql_prepare(e->store->db,
			      "INSERT INTO erased(id_hash, time, reason) VALUES(?,?,?) ON CONFLICT DO NOTHING", &to));
	BW_TRY(bw_store_begin(e->store));
	for (;;) {
		BW_TRY(bw_sql_row(from, &found));
		if (!found)
			return bw_store_commit(e->store);
		bw_sql_bind_blob(to, 1, bw_sql_blob(from, 0));
		(void)sqlite3_bind_int64(to, 2, sqlite3_column_int64(from, 1));
		bw_sql_bind_text(to, 3, bw_sql_text(from, 2));
		BW_TRY(bw_sql_done(to));
	}
}

static enum bw_err apply_erasures(struct bw_store *store, const char *erasures_from)
{
	struct erasures e = { .store = store };
	char folder[BW_PATH_BYTES];
	char path[BW_PATH_BYTES];
	enum bw_err err;

	BW_TRY(bw_path_join(folder, erasures_from, "store"));
	BW_TRY(bw_path_join(path, folder, "entries.db"));
	BW_TRY(bw_sql_open(
		&(struct bw_sql_options){
			.path = path, .read_only = true, .synchronous = "FULL", .cache_bytes = BW_MIB },
		&e.other));
	err = same_salt(&e);
	if (err == BW_OK)
		err = erase_portions(&e);
	if (err == BW_OK)
		err = adopt_memory(&e);
	(void)sqlite3_close(e.other);
	return err;
}

/* ---- all ------------------------------------------------------------------------------------------- */

static enum bw_err open_restored(const char *dir, const char *erasures_from)
{
	struct bw_store *store;
	enum bw_err err;

	BW_TRY(bw_store_open(&(struct bw_store_options){ .dir = dir, .catalogue_fd = -1 }, &store));
	err = erasures_from == NULL ? BW_OK : apply_erasures(store, erasures_from);
	bw_store_close(store);
	return err;
}

enum bw_err bw_store_restore(const char *backup, const char *dir, const char *erasures_from,
			     bw_keeping_progress *progress, void *ctx)
{
	char folder[BW_PATH_BYTES];
	char from[BW_PATH_BYTES];
	char to[BW_PATH_BYTES];
	uint64_t bytes;
	enum bw_err err;

	BW_TRY(check_backup(backup, &bytes));
	BW_TRY(bw_path_join(folder, dir, "store"));
	BW_TRY(bw_path_join(from, backup, "entries.db"));
	BW_TRY(bw_path_join(to, folder, "entries.db"));
	err = bw_folder_make(folder, NULL);
	if (err != BW_OK && (err != BW_ERR_EXISTS || bw_file_exists(to)))
		return err;
	err = copy_file(from, to, bytes, progress, ctx);
	if (err == BW_OK)
		err = bw_folder_sync(folder, NULL);
	if (err == BW_OK)
		err = open_restored(dir, erasures_from);
	if (err != BW_OK && err != BW_ERR_EXISTS) /* half a store must not pass for one */
		(void)unlink(to);
	return err;
}
