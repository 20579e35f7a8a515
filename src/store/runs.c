#include "store/runs.h"

#include <stdlib.h>

enum {
	CHUNK_POSTINGS = 1000, /* 16,000 bytes: one page */
	MERGE_CHUNKS = 200,    /* of one slice */
	DROP_CHUNKS = 1000,
	LEVELS = 12,
};

enum run_state { RUN_LIVE, RUN_BUILDING, RUN_DEAD };

enum bw_err bw_runs_schema(sqlite3 *db)
{
	/* `into`: the run being built from this one */
	BW_TRY(bw_sql_run(db, "CREATE TABLE run(number INTEGER PRIMARY KEY, level INTEGER NOT NULL,"
			      " state INTEGER NOT NULL, goes_into INTEGER) STRICT"));
	BW_TRY(bw_sql_run(db,
			  "CREATE TABLE chunk(key INTEGER PRIMARY KEY, run INTEGER NOT NULL, first INTEGER NOT NULL,"
			  " postings BLOB NOT NULL) STRICT"));
	/* hashes are compared as signed numbers everywhere: the order is the index's own */
	return bw_sql_run(db, "CREATE INDEX chunk_first ON chunk(run, first)");
}

static int by_hash(const void *a, const void *b)
{
	const struct bw_posting *x = a;
	const struct bw_posting *y = b;
	const int64_t p = (int64_t)x->hash;
	const int64_t q = (int64_t)y->hash;

	if (p != q)
		return p < q ? -1 : 1;
	return (x->added_us > y->added_us) - (x->added_us < y->added_us);
}

static enum bw_err run_number(sqlite3 *db, const char *sql, int64_t a, int64_t b, int64_t *out)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	bool found;

	BW_TRY(bw_sql_prepare(db, sql, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, a);
	(void)sqlite3_bind_int64(stmt, 2, b);
	BW_TRY(bw_sql_row(stmt, &found));
	*out = found ? sqlite3_column_int64(stmt, 0) : 0;
	return BW_OK;
}

static enum bw_err run_do(sqlite3 *db, const char *sql, int64_t a, int64_t b)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;

	BW_TRY(bw_sql_prepare(db, sql, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, a);
	(void)sqlite3_bind_int64(stmt, 2, b);
	return bw_sql_done(stmt);
}

static enum bw_err new_run(sqlite3 *db, int64_t level, enum run_state state, int64_t *out)
{
	BW_TRY(run_do(db, "INSERT INTO run(level, state) VALUES(?,?)", level, (int64_t)state));
	*out = sqlite3_last_insert_rowid(db);
	return BW_OK;
}

static enum bw_err add_chunk(sqlite3 *db, int64_t run, const struct bw_posting *postings, size_t count)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;

	BW_TRY(bw_sql_prepare(db, "INSERT INTO chunk(run, first, postings) VALUES(?,?,?)", &stmt));
	(void)sqlite3_bind_int64(stmt, 1, run);
	(void)sqlite3_bind_int64(stmt, 2, (int64_t)postings[0].hash);
	bw_sql_bind_blob(stmt, 3, bw_slice_of(postings, count * sizeof(*postings)));
	return bw_sql_done(stmt);
}

enum bw_err bw_runs_add(sqlite3 *db, struct bw_posting *postings, size_t count)
{
	int64_t run;

	if (count == 0)
		return BW_OK;
	qsort(postings, count, sizeof(*postings), by_hash);
	BW_TRY(new_run(db, 0, RUN_LIVE, &run));
	for (size_t at = 0; at < count; at += CHUNK_POSTINGS)
		BW_TRY(add_chunk(db, run, postings + at, count - at < CHUNK_POSTINGS ? count - at : CHUNK_POSTINGS));
	return BW_OK;
}

/* ---- merging ------------------------------------------------------------------------- */

/* Reads the postings of one run in order, from a place on. */
struct source {
	sqlite3_stmt *stmt;
	struct bw_slice chunk;
	size_t at;
	bool ended;
};

static void sources_release(struct source (*sources)[BW_RUN_FAN])
{
	for (size_t i = 0; i < BW_RUN_FAN; i++)
		bw_sql_finalize(&(*sources)[i].stmt);
}

static struct bw_posting posting_at(struct bw_slice chunk, size_t at)
{
	struct bw_posting posting;

	memcpy(&posting, chunk.ptr + at * sizeof(posting), sizeof(posting));
	return posting;
}

static enum bw_err source_load(struct source *source)
{
	bool found;

	source->at = 0;
	BW_TRY(bw_sql_row(source->stmt, &found));
	source->ended = !found;
	source->chunk = found ? bw_sql_blob(source->stmt, 0) : bw_slice_empty;
	BW_NEED(!found || (source->chunk.len > 0 && source->chunk.len % sizeof(struct bw_posting) == 0), CORRUPT);
	return BW_OK;
}

static enum bw_err source_next(struct source *source)
{
	source->at++;
	return source->at * sizeof(struct bw_posting) < source->chunk.len ? BW_OK : source_load(source);
}

/* Stands at the first posting after `after` (NULL: the first of all). */
static enum bw_err source_open(sqlite3 *db, int64_t run, const struct bw_posting *after, struct source *source)
{
	int64_t from = INT64_MIN;

	if (after != NULL)
		BW_TRY(run_number(db,
				  "SELECT coalesce(max(first), -9223372036854775808) FROM chunk"
				  " WHERE run=? AND first<?",
				  run, (int64_t)after->hash, &from));
	BW_TRY(bw_sql_prepare(db, "SELECT postings FROM chunk WHERE run=? AND first>=? ORDER BY first, key",
			      &source->stmt));
	(void)sqlite3_bind_int64(source->stmt, 1, run);
	(void)sqlite3_bind_int64(source->stmt, 2, from);
	BW_TRY(source_load(source));
	while (after != NULL && !source->ended) {
		const struct bw_posting posting = posting_at(source->chunk, source->at);

		if (by_hash(&posting, after) > 0)
			break;
		BW_TRY(source_next(source));
	}
	return BW_OK;
}

static struct source *lowest(struct source *sources, size_t count)
{
	struct source *best = NULL;
	struct bw_posting best_posting = { 0 };

	for (size_t i = 0; i < count; i++) {
		struct bw_posting posting;

		if (sources[i].ended)
			continue;
		posting = posting_at(sources[i].chunk, sources[i].at);
		if (best == NULL || by_hash(&posting, &best_posting) < 0) {
			best = &sources[i];
			best_posting = posting;
		}
	}
	return best;
}

/* Where the building run ends; *out_any false when it is empty. */
static enum bw_err end_of(sqlite3 *db, int64_t run, struct bw_posting *out, bool *out_any)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	struct bw_slice chunk;

	BW_TRY(bw_sql_prepare(db, "SELECT postings FROM chunk WHERE run=? ORDER BY first DESC, key DESC LIMIT 1",
			      &stmt));
	(void)sqlite3_bind_int64(stmt, 1, run);
	BW_TRY(bw_sql_row(stmt, out_any));
	if (!*out_any)
		return BW_OK;
	chunk = bw_sql_blob(stmt, 0);
	BW_NEED(chunk.len >= sizeof(*out), CORRUPT);
	*out = posting_at(chunk, chunk.len / sizeof(*out) - 1);
	return BW_OK;
}

static enum bw_err open_sources(sqlite3 *db, int64_t into, struct source sources[BW_RUN_FAN], size_t *out_count)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	struct bw_posting end;
	bool any;
	bool found;

	BW_TRY(end_of(db, into, &end, &any));
	BW_TRY(bw_sql_prepare(db, "SELECT number FROM run WHERE goes_into=? ORDER BY number", &stmt));
	(void)sqlite3_bind_int64(stmt, 1, into);
	for (*out_count = 0;; (*out_count)++) {
		BW_TRY(bw_sql_row(stmt, &found));
		if (!found)
			return BW_OK;
		BW_NEED(*out_count < BW_RUN_FAN, CORRUPT);
		BW_TRY(source_open(db, sqlite3_column_int64(stmt, 0), any ? &end : NULL, &sources[*out_count]));
	}
}

/* Up to MERGE_CHUNKS chunks of the run being built. */
static enum bw_err merge_slice(sqlite3 *db, int64_t into, bool *out_done)
{
	BW_CLEANUP(sources_release) struct source sources[BW_RUN_FAN] = { { 0 } };
	struct bw_posting chunk[CHUNK_POSTINGS];
	size_t count;

	BW_TRY(open_sources(db, into, sources, &count));
	*out_done = false;
	for (int chunks = 0; chunks < MERGE_CHUNKS && !*out_done; chunks++) {
		size_t filled = 0;

		while (filled < CHUNK_POSTINGS) {
			struct source *from = lowest(sources, count);

			if (from == NULL) {
				*out_done = true;
				break;
			}
			chunk[filled++] = posting_at(from->chunk, from->at);
			BW_TRY(source_next(from));
		}
		if (filled > 0)
			BW_TRY(add_chunk(db, into, chunk, filled));
	}
	return BW_OK;
}

static enum bw_err go_on_merging(sqlite3 *db, int64_t into)
{
	bool done;

	BW_TRY(merge_slice(db, into, &done));
	if (!done)
		return BW_OK;
	BW_TRY(run_do(db, "UPDATE run SET state=2, goes_into=NULL WHERE goes_into=?", into, 0));
	return run_do(db, "UPDATE run SET state=0 WHERE number=?", into, 0);
}

static enum bw_err begin_merge(sqlite3 *db, int64_t level)
{
	int64_t into;

	BW_TRY(new_run(db, level + 1, RUN_BUILDING, &into));
	BW_TRY(run_do(db,
		      "UPDATE run SET goes_into=?1 WHERE number IN"
		      " (SELECT number FROM run WHERE level=?2 AND state=0 ORDER BY number LIMIT 8)",
		      into, level));
	return go_on_merging(db, into);
}

static enum bw_err drop_slice(sqlite3 *db, int64_t run)
{
	int64_t left;

	BW_TRY(run_do(db, "DELETE FROM chunk WHERE key IN (SELECT key FROM chunk WHERE run=? LIMIT ?)", run,
		      DROP_CHUNKS));
	BW_TRY(run_number(db, "SELECT count(*) FROM (SELECT 1 FROM chunk WHERE run=? LIMIT ?)", run, 1, &left));
	return left > 0 ? BW_OK : run_do(db, "DELETE FROM run WHERE number=?", run, 0);
}

enum bw_err bw_runs_tend(sqlite3 *db, bool *out_more)
{
	int64_t run;

	*out_more = true;
	BW_TRY(run_number(db, "SELECT number FROM run WHERE state=2 LIMIT 1", 0, 0, &run));
	if (run != 0)
		return drop_slice(db, run);
	BW_TRY(run_number(db, "SELECT number FROM run WHERE state=1 ORDER BY level LIMIT 1", 0, 0, &run));
	if (run != 0)
		return go_on_merging(db, run);
	BW_TRY(run_number(db,
			  "SELECT level + 1 FROM run WHERE state=0 AND level<? GROUP BY level HAVING count(*) >= ?"
			  " ORDER BY level LIMIT 1",
			  LEVELS, BW_RUN_FAN, &run));
	if (run != 0)
		return begin_merge(db, run - 1);
	*out_more = false;
	return BW_OK;
}

/* ---- looking up ------------------------------------------------------------------------ */

struct findings {
	struct bw_arena *arena;
	int64_t *dates; /* a ring of the newest `cap` */
	size_t count;
	size_t cap;
};

static int by_date(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a;
	const int64_t y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Twice the cap fits; then the older half goes. */
static void keep_date(struct findings *found, int64_t added_us)
{
	if (found->count == 2 * found->cap) {
		qsort(found->dates, found->count, sizeof(*found->dates), by_date);
		memmove(found->dates, found->dates + found->cap, found->cap * sizeof(*found->dates));
		found->count = found->cap;
	}
	found->dates[found->count++] = added_us;
}

/* First posting of the chunk that is not below the hash. */
static size_t lower_bound(struct bw_slice chunk, uint64_t hash)
{
	size_t low = 0;
	size_t high = chunk.len / sizeof(struct bw_posting);

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if ((int64_t)posting_at(chunk, middle).hash < (int64_t)hash)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static enum bw_err find_in_run(sqlite3 *db, int64_t run, uint64_t hash, struct findings *found)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	int64_t from;
	bool any;

	/* postings of one hash may begin in the chunk before the first that starts with it */
	BW_TRY(run_number(db, "SELECT coalesce(max(first), -9223372036854775808) FROM chunk WHERE run=? AND first<?",
			  run, (int64_t)hash, &from));
	BW_TRY(bw_sql_prepare(
		db, "SELECT postings FROM chunk WHERE run=?1 AND first>=?2 AND first<=?3 ORDER BY first, key", &stmt));
	(void)sqlite3_bind_int64(stmt, 1, run);
	(void)sqlite3_bind_int64(stmt, 2, from);
	(void)sqlite3_bind_int64(stmt, 3, (int64_t)hash);
	for (;;) {
		struct bw_slice chunk;

		BW_TRY(bw_sql_row(stmt, &any));
		if (!any)
			return BW_OK;
		chunk = bw_sql_blob(stmt, 0);
		for (size_t i = lower_bound(chunk, hash); i < chunk.len / sizeof(struct bw_posting); i++) {
			const struct bw_posting posting = posting_at(chunk, i);

			if (posting.hash != hash)
				break;
			keep_date(found, posting.added_us);
		}
	}
}

enum bw_err bw_runs_find(sqlite3 *db, uint64_t hash, struct bw_arena *arena, size_t cap, int64_t **out,
			 size_t *out_count)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	struct findings found = { .arena = arena, .cap = cap };
	size_t kept = 0;
	bool any;

	found.dates = bw_arena_zero(arena, 2 * cap + 1, sizeof(*found.dates));
	BW_NEED(found.dates != NULL, MEMORY);
	BW_TRY(bw_sql_prepare(db, "SELECT number FROM run WHERE state=0", &stmt));
	for (;;) {
		BW_TRY(bw_sql_row(stmt, &any));
		if (!any)
			break;
		BW_TRY(find_in_run(db, sqlite3_column_int64(stmt, 0), hash, &found));
	}
	qsort(found.dates, found.count, sizeof(*found.dates), by_date);
	for (size_t i = 0; i < found.count; i++) { /* a row may have been indexed twice */
		if (i == 0 || found.dates[i] != found.dates[kept - 1])
			found.dates[kept++] = found.dates[i];
	}
	*out_count = kept < cap ? kept : cap;
	*out = found.dates + (kept - *out_count);
	return BW_OK;
}

/* ---- forgetting ------------------------------------------------------------------------- */

static enum bw_err rewrite_chunk(sqlite3 *db, int64_t key, struct bw_slice chunk, const struct bw_posting *gone)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	BW_CLEANUP(bw_buf_release) struct bw_buf kept = BW_BUF_INIT(BW_MIB);

	for (size_t i = 0; i < chunk.len / sizeof(*gone); i++) {
		const struct bw_posting posting = posting_at(chunk, i);

		if (by_hash(&posting, gone) != 0)
			BW_TRY(bw_buf_add(&kept, bw_slice_of(&posting, sizeof(posting))));
	}
	if (kept.len == chunk.len)
		return BW_OK;
	if (kept.len == 0)
		return run_do(db, "DELETE FROM chunk WHERE key=?", key, 0);
	/* `first` stays: it still bounds what the chunk holds from below */
	BW_TRY(bw_sql_prepare(db, "UPDATE chunk SET postings=?2 WHERE key=?1", &stmt));
	(void)sqlite3_bind_int64(stmt, 1, key);
	bw_sql_bind_blob(stmt, 2, bw_buf_slice(&kept));
	return bw_sql_done(stmt);
}

/* The chunks of a run that may hold the hash, as copies: the table changes under the walk else. */
static enum bw_err forget_in_run(sqlite3 *db, int64_t run, const struct bw_posting *gone)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf copy = BW_BUF_INIT(BW_MIB);
	int64_t key = 0;

	for (;;) {
		BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
		bool any;

		BW_TRY(bw_sql_prepare(
			db,
			"SELECT key, postings FROM chunk WHERE run=?1 AND key>?3 AND first<=?2 AND first>="
			" (SELECT coalesce(max(first), -9223372036854775808) FROM chunk"
			" WHERE run=?1 AND first<?2) ORDER BY key LIMIT 1",
			&stmt));
		(void)sqlite3_bind_int64(stmt, 1, run);
		(void)sqlite3_bind_int64(stmt, 2, (int64_t)gone->hash);
		(void)sqlite3_bind_int64(stmt, 3, key);
		BW_TRY(bw_sql_row(stmt, &any));
		if (!any)
			return BW_OK;
		key = sqlite3_column_int64(stmt, 0);
		bw_buf_clear(&copy);
		BW_TRY(bw_buf_add(&copy, bw_sql_blob(stmt, 1)));
		bw_sql_finalize(&stmt);
		BW_TRY(rewrite_chunk(db, key, bw_buf_slice(&copy), gone));
	}
}

enum bw_err bw_runs_forget(sqlite3 *db, const struct bw_posting *posting)
{
	int64_t run = 0;

	for (;;) {
		BW_TRY(run_number(db, "SELECT coalesce(min(number), 0) FROM run WHERE number>?", run, 0, &run));
		if (run == 0)
			return BW_OK;
		BW_TRY(forget_in_run(db, run, posting));
	}
}
