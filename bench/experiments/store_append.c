/*
 * The experiment that could prove the store's design wrong (docs/experiments/store.md):
 * one append-only table against the same rows under B-tree indexes on random keys.
 *
 *   cc -O2 store_append.c -lsqlite3 -o store_append
 *   ./store_append FILE append|index ROWS PAGE_SIZE GROUP CHECKPOINT_PAGES
 *
 * Prints one line per half million rows and one with the times of the commits.
 */
#define _GNU_SOURCE
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BODY_BYTES = 700, REPORT_ROWS = 500000, ID_CHARS = 48, VALUE_CHARS = 32 };

static uint64_t random_state = 0x9e3779b97f4a7c15u;

static uint64_t random_next(void) /* splitmix64 */
{
	uint64_t z = (random_state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static double now_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(sqlite3 *db, int rc)
{
	if (rc == SQLITE_OK || rc == SQLITE_DONE)
		return;
	(void)fprintf(stderr, "sqlite: %s\n", sqlite3_errmsg(db));
	exit(3);
}

static void run(sqlite3 *db, const char *sql)
{
	must(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a;
	const double y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The in-memory part: open addressing over 64-bit fingerprints of the ids. */
struct identities {
	uint64_t *slots;
	size_t mask;
};

static bool identity_is_new(struct identities *set, uint64_t fingerprint)
{
	size_t at = fingerprint & set->mask;

	while (set->slots[at] != 0) {
		if (set->slots[at] == fingerprint)
			return false;
		at = (at + 1) & set->mask;
	}
	set->slots[at] = fingerprint;
	return true;
}

struct row {
	char id[ID_CHARS];
	char value[VALUE_CHARS];
	char body[BODY_BYTES];
};

/* Half the values are met again and again, as in real feeds. */
static void make_row(struct row *row)
{
	const uint64_t a = random_next();
	const uint64_t b = random_next();
	const uint64_t v = (b & 1) != 0 ? random_next() : random_next() % 50000;

	(void)snprintf(row->id, sizeof(row->id), "indicator--%08x-%04x-4%03x-8%03x-%012llx", (unsigned)(a >> 32),
		       (unsigned)(a >> 16) & 0xffff, (unsigned)a & 0xfff, (unsigned)b & 0xfff,
		       (unsigned long long)(b >> 16));
	(void)snprintf(row->value, sizeof(row->value), "%016llx.example", (unsigned long long)v);
	for (size_t i = 0; i + 16 < sizeof(row->body); i += 16)
		(void)snprintf(row->body + i, 17, "%016llx", (unsigned long long)random_next());
}

static void bind_row(sqlite3_stmt *put, sqlite3_int64 key, const struct row *row)
{
	(void)sqlite3_bind_int64(put, 1, key);
	(void)sqlite3_bind_text(put, 2, row->id, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(put, 3, "2024-05-01T10:11:12.123Z", -1, SQLITE_STATIC);
	(void)sqlite3_bind_blob(put, 4, row->body, 32, SQLITE_STATIC);
	(void)sqlite3_bind_blob(put, 5, row->body, sizeof(row->body), SQLITE_STATIC);
}

static void step(sqlite3 *db, sqlite3_stmt *stmt)
{
	must(db, sqlite3_step(stmt));
	must(db, sqlite3_reset(stmt));
}

int main(int argc, char **argv)
{
	const size_t rows = argc == 7 ? strtoull(argv[3], NULL, 10) : 0;
	const size_t group = argc == 7 ? strtoull(argv[5], NULL, 10) : 0;
	const bool indexed = argc == 7 && strcmp(argv[2], "index") == 0;
	struct identities seen = { 0 };
	double *commits;
	size_t commit_count = 0;
	double began;
	double mark;
	char sql[256];
	sqlite3 *db;
	sqlite3_stmt *put;
	sqlite3_stmt *put_value = NULL;
	static struct row made[1024]; /* made ahead, so that making rows is not timed */
	double making = 0;
	double making_mark = 0;

	if (rows == 0 || group == 0) {
		(void)fprintf(stderr, "usage: store_append FILE append|index ROWS PAGE_SIZE GROUP CHECKPOINT_PAGES\n");
		return 2;
	}
	must(NULL, sqlite3_open(argv[1], &db));
	(void)snprintf(sql, sizeof(sql), "PRAGMA page_size=%s", argv[4]);
	run(db, sql);
	run(db, "PRAGMA journal_mode=WAL");
	run(db, "PRAGMA synchronous=FULL");
	run(db, "PRAGMA cache_size=-65536");
	(void)snprintf(sql, sizeof(sql), "PRAGMA wal_autocheckpoint=%s", argv[6]);
	run(db, sql);
	run(db, "CREATE TABLE entry(added INTEGER PRIMARY KEY, id TEXT NOT NULL, version TEXT NOT NULL,"
		" hash BLOB NOT NULL, body BLOB NOT NULL) STRICT");
	if (indexed) {
		run(db, "CREATE UNIQUE INDEX entry_version ON entry(id, version)");
		run(db, "CREATE TABLE value(value TEXT NOT NULL, added INTEGER NOT NULL, PRIMARY KEY(value, added))"
			" STRICT, WITHOUT ROWID");
		must(db, sqlite3_prepare_v2(db, "INSERT INTO value VALUES(?,?)", -1, &put_value, NULL));
	}
	must(db, sqlite3_prepare_v2(db, "INSERT INTO entry VALUES(?,?,?,?,?)", -1, &put, NULL));

	seen.mask = 1;
	while (seen.mask < rows * 2)
		seen.mask *= 2;
	seen.slots = calloc(seen.mask--, sizeof(*seen.slots));
	commits = calloc(rows / group + 2, sizeof(*commits));
	if (seen.slots == NULL || commits == NULL)
		return 3;
	began = mark = now_s();
	for (size_t i = 0; i < rows; i++) {
		const struct row *row = &made[i % 1024];

		if (i % 1024 == 0) {
			const double t = now_s();

			for (size_t k = 0; k < 1024; k++)
				make_row(&made[k]);
			making += now_s() - t;
		}
		if (i % group == 0)
			run(db, "BEGIN IMMEDIATE");
		if (!indexed) {
			uint64_t fingerprint;

			memcpy(&fingerprint, row->id + 11, 8);
			fingerprint = fingerprint * 0x9e3779b97f4a7c15u + (uint64_t)row->id[20] * 31 + i;
			(void)identity_is_new(&seen, fingerprint | 1);
		}
		bind_row(put, 1700000000000000 + (sqlite3_int64)i, row);
		step(db, put);
		if (indexed) {
			(void)sqlite3_bind_text(put_value, 1, row->value, -1, SQLITE_STATIC);
			(void)sqlite3_bind_int64(put_value, 2, 1700000000000000 + (sqlite3_int64)i);
			step(db, put_value);
		}
		if (i % group == group - 1 || i == rows - 1) {
			const double t = now_s();

			run(db, "COMMIT");
			commits[commit_count++] = now_s() - t;
		}
		if (i % REPORT_ROWS == REPORT_ROWS - 1) {
			const double t = now_s();

			(void)printf("%s page=%s group=%zu ckpt=%s rows=%zu objects/s=%.0f\n", argv[2], argv[4], group,
				     argv[6], i + 1, REPORT_ROWS / (t - mark - (making - making_mark)));
			(void)fflush(stdout);
			mark = t;
			making_mark = making;
		}
	}
	qsort(commits, commit_count, sizeof(*commits), by_size);
	(void)printf(
		"%s page=%s group=%zu ckpt=%s total objects/s=%.0f commit ms: p50=%.2f p90=%.2f p99=%.2f max=%.1f\n",
		argv[2], argv[4], group, argv[6], (double)rows / (now_s() - began - making),
		commits[commit_count / 2] * 1e3, commits[commit_count * 9 / 10] * 1e3,
		commits[commit_count * 99 / 100] * 1e3, commits[commit_count - 1] * 1e3);
	(void)sqlite3_finalize(put);
	(void)sqlite3_finalize(put_value);
	(void)sqlite3_close(db);
	return 0;
}
