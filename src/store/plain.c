#include "store/plain.h"

#include <stdlib.h>

#include "store/sql.h"

enum { CACHE_BYTES = 64 * 1024 * 1024, CHECKPOINT_PAGES = 4000 };

struct bw_plain {
	sqlite3 *db;
	sqlite3_stmt *entry;
	sqlite3_stmt *value;
	int64_t added;
	bool in_transaction;
};

static const char *const schema[] = {
	"CREATE TABLE entry(added INTEGER PRIMARY KEY, collection INTEGER NOT NULL, type INTEGER NOT NULL,"
	" id TEXT NOT NULL, version TEXT NOT NULL, hash BLOB NOT NULL, body BLOB NOT NULL) STRICT",
	"CREATE UNIQUE INDEX entry_id ON entry(id, version, hash)",
	"CREATE INDEX entry_type ON entry(collection, type, added)",
	"CREATE TABLE value(value TEXT NOT NULL, added INTEGER NOT NULL, PRIMARY KEY(value, added))"
	" STRICT, WITHOUT ROWID",
};

static enum bw_err prepare(struct bw_plain *plain, const char *path)
{
	const struct bw_sql_options options = { .path = path,
						.create = true,
						.synchronous = "FULL",
						.cache_bytes = CACHE_BYTES,
						.checkpoint_pages = CHECKPOINT_PAGES };

	BW_TRY(bw_sql_open(&options, &plain->db));
	for (size_t i = 0; i < BW_COUNT(schema); i++)
		BW_TRY(bw_sql_run(plain->db, schema[i]));
	BW_TRY(bw_sql_prepare(plain->db,
			      "INSERT INTO entry(added, collection, type, id, version, hash, body)"
			      " VALUES(?1, 1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
			      &plain->entry));
	return bw_sql_prepare(plain->db, "INSERT OR IGNORE INTO value(value, added) VALUES(?1, ?2)", &plain->value);
}

enum bw_err bw_plain_open(const char *path, struct bw_plain **out)
{
	struct bw_plain *plain = calloc(1, sizeof(*plain));
	enum bw_err err;

	BW_NEED(plain != NULL, MEMORY);
	err = prepare(plain, path);
	if (err != BW_OK) {
		bw_plain_close(plain);
		return err;
	}
	*out = plain;
	return BW_OK;
}

void bw_plain_close(struct bw_plain *plain)
{
	if (plain == NULL)
		return;
	bw_sql_finalize(&plain->entry);
	bw_sql_finalize(&plain->value);
	(void)sqlite3_close(plain->db);
	free(plain);
}

static enum bw_err add_values(struct bw_plain *plain, const struct bw_record *record)
{
	for (size_t i = 0; i < record->value_count; i++) {
		bw_sql_bind_text(plain->value, 1, record->values[i]);
		(void)sqlite3_bind_int64(plain->value, 2, plain->added);
		BW_TRY(bw_sql_done(plain->value));
	}
	return BW_OK;
}

enum bw_err bw_plain_add(struct bw_plain *plain, const struct bw_record *record)
{
	if (!plain->in_transaction)
		BW_TRY(bw_sql_run(plain->db, "BEGIN IMMEDIATE"));
	plain->in_transaction = true;
	plain->added++;
	(void)sqlite3_bind_int64(plain->entry, 1, plain->added);
	(void)sqlite3_bind_int(plain->entry, 2, (int)record->type);
	bw_sql_bind_text(plain->entry, 3, record->id);
	bw_sql_bind_text(plain->entry, 4, record->version);
	bw_sql_bind_blob(plain->entry, 5, bw_slice_of(record->hash, sizeof(record->hash)));
	bw_sql_bind_blob(plain->entry, 6, record->body);
	BW_TRY(bw_sql_done(plain->entry));
	return add_values(plain, record);
}

enum bw_err bw_plain_commit(struct bw_plain *plain)
{
	plain->in_transaction = false;
	return bw_sql_run(plain->db, "COMMIT");
}
