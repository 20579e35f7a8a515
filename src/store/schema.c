/* The tables, and the way from older ones. */
#include "store/engine.h"

/*
 * entry_N    one row per version and collection; the key is its date added. One table a
 *            type (lane.c), `entry` is the view of all. The body is stored once: a row whose
 *            body_at is set shares that of another row.
 * segment    saved columns of BW_SEGMENT_ROWS catalogue rows each, written once
 * segment_flags, change: their flags as last saved, and what changed since, in order
 * forget     terms of erased rows, until the indexes have forgotten them
 * erased     salted hashes of ids that must not come back
 * provenance where a row came from when it came from another node, by its date added; `until` is the end of its
 *            retention. The route is kept once for all that came by it
 */
static const char *const schema_1[] = {
	"CREATE TABLE setting(name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID",
	"CREATE TABLE collection(number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, alias TEXT UNIQUE,"
	" title TEXT NOT NULL, description TEXT NOT NULL, gone INTEGER NOT NULL DEFAULT 0) STRICT",
	"CREATE TABLE type_name(number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
	"CREATE TABLE entry(added INTEGER PRIMARY KEY, collection INTEGER NOT NULL, type INTEGER NOT NULL,"
	" flags INTEGER NOT NULL, id TEXT NOT NULL, version TEXT NOT NULL, hash BLOB NOT NULL, body_at INTEGER,"
	" body BLOB, terms BLOB) STRICT",
	"CREATE TABLE segment(number INTEGER PRIMARY KEY, row_count INTEGER NOT NULL, last_added INTEGER NOT NULL,"
	" columns BLOB NOT NULL) STRICT",
	"CREATE TABLE segment_flags(number INTEGER PRIMARY KEY, flags BLOB NOT NULL) STRICT",
	"CREATE TABLE change(seq INTEGER PRIMARY KEY, added INTEGER NOT NULL, flags INTEGER NOT NULL) STRICT",
	"CREATE TABLE conflict(seq INTEGER PRIMARY KEY, seen INTEGER NOT NULL, collection INTEGER NOT NULL,"
	" id TEXT NOT NULL, version TEXT NOT NULL, kept BLOB NOT NULL, refused BLOB NOT NULL) STRICT",
	"CREATE TABLE erased(id_hash BLOB PRIMARY KEY, time INTEGER NOT NULL, reason TEXT NOT NULL)"
	" STRICT, WITHOUT ROWID",
	"CREATE TABLE forget(added INTEGER PRIMARY KEY, terms BLOB) STRICT",
	"CREATE TABLE audit(seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, line TEXT NOT NULL) STRICT",
	"CREATE TABLE account(number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, password TEXT NOT "
	"NULL,"
	" admin INTEGER NOT NULL, disabled INTEGER NOT NULL, created INTEGER NOT NULL) STRICT",
	"CREATE TABLE account_key(hash BLOB PRIMARY KEY, account INTEGER NOT NULL REFERENCES account(number)"
	" ON DELETE CASCADE, label TEXT NOT NULL, created INTEGER NOT NULL) STRICT, WITHOUT ROWID",
	"CREATE INDEX account_key_account ON account_key(account)",
	"CREATE TABLE account_cert(fingerprint BLOB PRIMARY KEY, account INTEGER NOT NULL REFERENCES account(number)"
	" ON DELETE CASCADE, label TEXT NOT NULL, created INTEGER NOT NULL) STRICT, WITHOUT ROWID",
	"CREATE INDEX account_cert_account ON account_cert(account)",
	"CREATE TABLE account_grant(account INTEGER NOT NULL REFERENCES account(number) ON DELETE CASCADE,"
	" collection INTEGER NOT NULL, access INTEGER NOT NULL, PRIMARY KEY(account, collection))"
	" STRICT, WITHOUT ROWID",
	"CREATE TABLE status(id TEXT PRIMARY KEY, account INTEGER NOT NULL, time INTEGER NOT NULL,"
	" body BLOB NOT NULL) STRICT, WITHOUT ROWID",
	"CREATE INDEX status_time ON status(time)",
	NULL,
};

/* Collections of partners, a marking for what bears none, and where rows came from. */
static const char *const schema_3[] = {
	"ALTER TABLE collection ADD COLUMN node BLOB",
	"ALTER TABLE collection ADD COLUMN marking TEXT",
	"CREATE UNIQUE INDEX collection_node ON collection(node) WHERE node IS NOT NULL AND gone = 0",
	"CREATE TABLE route(number INTEGER PRIMARY KEY, node BLOB NOT NULL, accord BLOB NOT NULL, path BLOB NOT NULL,"
	" UNIQUE(node, accord, path)) STRICT",
	"CREATE TABLE provenance(added INTEGER PRIMARY KEY, route INTEGER NOT NULL, entry INTEGER NOT NULL,"
	" until INTEGER, policy BLOB NOT NULL) STRICT",
	"CREATE INDEX provenance_until ON provenance(until) WHERE until IS NOT NULL",
	NULL,
};

/* What leads from one version to the next: lines, or more than lines can say. */
struct step {
	const char *const *lines;
	enum bw_err (*run)(sqlite3 *db);
};

static const struct step steps[BW_SCHEMA_VERSION] = {
	{ .lines = schema_1 },
	{ .run = bw_lanes_make },
	{ .lines = schema_3 },
};

static enum bw_err run_steps(sqlite3 *db, int64_t from)
{
	char sql[64];

	for (int64_t version = from; version < BW_SCHEMA_VERSION; version++) {
		for (const char *const *line = steps[version].lines; line != NULL && *line != NULL; line++)
			BW_TRY(bw_sql_run(db, *line));
		if (steps[version].run != NULL)
			BW_TRY(steps[version].run(db));
	}
	(void)sqlite3_snprintf((int)sizeof(sql), sql, "PRAGMA user_version=%d", BW_SCHEMA_VERSION);
	return bw_sql_run(db, sql);
}

static enum bw_err in_transaction(sqlite3 *db, int64_t from)
{
	enum bw_err err;

	BW_TRY(bw_sql_run(db, "BEGIN IMMEDIATE"));
	err = run_steps(db, from);
	if (err == BW_OK)
		err = bw_sql_run(db, "COMMIT");
	if (err != BW_OK)
		(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return err;
}

enum bw_err bw_schema_create(sqlite3 *db)
{
	char sql[64];

	(void)sqlite3_snprintf((int)sizeof(sql), sql, "PRAGMA application_id=%d", BW_APPLICATION_ID);
	BW_TRY(bw_sql_run(db, sql));
	return in_transaction(db, 0);
}

enum bw_err bw_schema_check(sqlite3 *db, bool may_write)
{
	int64_t application;
	int64_t version;

	BW_TRY(bw_sql_number(db, "PRAGMA application_id", &application));
	BW_TRY(bw_sql_number(db, "PRAGMA user_version", &version));
	BW_NEED(application == BW_APPLICATION_ID && version > 0, CORRUPT);
	BW_NEED(version <= BW_SCHEMA_VERSION, SCHEMA);
	if (version == BW_SCHEMA_VERSION)
		return BW_OK;
	BW_NEED(may_write, SCHEMA);
	return in_transaction(db, version);
}
