#include "store/sqlite.h"

#include <sqlite3.h>
#include <stddef.h>

/* Asked by doing it, in memory: what a library says of its options differs from version to version. */
static const struct {
	const char *words;
	const char *sql;
} needs[] = {
	{ "STRICT tables", "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT) STRICT" },
	{ "tables without rowid", "CREATE TABLE w(a BLOB PRIMARY KEY) STRICT, WITHOUT ROWID" },
	{ "full text (FTS5)", "CREATE VIRTUAL TABLE f USING fts5(x, content='', detail=none)" },
	{ "upsert", "INSERT INTO t(a, b) VALUES(1, 'x') ON CONFLICT(a) DO UPDATE SET b='y'" },
	{ "savepoints", "SAVEPOINT s; RELEASE s" },
};

void bw_store_sqlite(struct bw_store_sqlite *out)
{
	sqlite3 *db = NULL;

	*out = (struct bw_store_sqlite){ .version = sqlite3_libversion(), .number = sqlite3_libversion_number() };
	if (sqlite3_open(":memory:", &db) != SQLITE_OK)
		out->missing = "memory";
	for (size_t i = 0; out->missing == NULL && i < sizeof(needs) / sizeof(needs[0]); i++) {
		if (sqlite3_exec(db, needs[i].sql, NULL, NULL, NULL) != SQLITE_OK)
			out->missing = needs[i].words;
	}
	(void)sqlite3_close(db);
}
