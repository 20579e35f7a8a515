/* Everything looked at again: bodies against their hashes, what is derived against the rows. */
#include <stdarg.h>
#include <stdio.h>

#include "codec/jcs.h"
#include "crypto/hash.h"
#include "store/audit_line.h"
#include "store/index.h"
#include "store/keeping.h"
#include "store/terms.h"

enum { PROGRESS_ROWS = 10000 };

struct verify {
	struct bw_store *store;
	struct bw_verify_report report;
	bw_keeping_progress *progress;
	void *ctx;
	struct bw_json_parser parser;
	struct bw_buf canonical;
	uint64_t rows;     /* of the catalogue, at the start */
	int64_t upto;      /* the indexes' */
	uint64_t expected; /* sum of the marks of all postings there should be */
	uint64_t postings; /* … how many */
	bool has_index;
};

static void verify_release(struct verify *v)
{
	bw_json_parser_release(&v->parser);
	bw_buf_release(&v->canonical);
}

static void BW_PRINTF(3, 4) complain(struct verify *v, uint64_t *counter, const char *fmt, ...)
{
	va_list args;

	(*counter)++;
	if (v->report.first[0] != '\0')
		return;
	va_start(args, fmt);
	(void)vsnprintf(v->report.first, sizeof(v->report.first), fmt, args);
	va_end(args);
}

/* ---- a row against itself ------------------------------------------------------------------------ */

static enum bw_err check_body(struct verify *v, const struct bw_entry *entry, int64_t added_us)
{
	yyjson_val *root;
	uint8_t hash[BW_SHA256_BYTES] = { 0 };
	enum bw_err err = bw_json_parse(&v->parser, entry->body, &root, NULL);

	if (err == BW_ERR_MEMORY)
		return err;
	if (err == BW_OK) {
		bw_buf_clear(&v->canonical);
		BW_TRY(bw_jcs_add(&v->canonical, root));
		BW_TRY(bw_sha256(bw_buf_slice(&v->canonical), hash));
	}
	if (err != BW_OK || memcmp(hash, entry->hash.ptr, sizeof(hash)) != 0)
		complain(v, &v->report.bad_rows, "row %lld: the body of '%.*s' does not fit its hash",
			 (long long)added_us, BW_ARG(bw_slice_sub(entry->id, 0, 100)));
	return BW_OK;
}

/* ---- the catalogue against a row ------------------------------------------------------------------ */

static uint32_t mark_of(const struct verify *v, const struct bw_entry *entry)
{
	return (entry->flags & BW_CAT_CONTENT) != 0 ? bw_content_mark(entry->hash.ptr)
						    : bw_version_mark(v->store, entry->version);
}

static void check_columns(struct verify *v, const struct bw_entry *entry, int64_t row, uint16_t collection,
			  uint8_t type)
{
	const struct bw_catalogue *cat = &v->store->cat;
	const uint8_t fixed = BW_CAT_SPEC20 | BW_CAT_REVOKED | BW_CAT_CONTENT;

	if (cat->collection[row] != collection || cat->type[row] != type ||
	    cat->identity[row] != bw_cat_identity(cat, entry->id) || cat->version[row] != mark_of(v, entry) ||
	    (cat->flags[row] & fixed) != (entry->flags & fixed) || (cat->flags[row] & BW_CAT_GONE) != 0)
		complain(v, &v->report.bad_index, "row %lld: the catalogue says otherwise", (long long)cat->added[row]);
}

/* From the newest row of the object the chain must lead here, and the flags be what the versions say. */
static enum bw_err check_chain(struct verify *v, const struct bw_entry *entry, int64_t row)
{
	const struct bw_catalogue *cat = &v->store->cat;
	BW_CLEANUP(bw_buf_release) struct bw_buf id = BW_BUF_INIT(BW_MIB);
	int64_t newest;
	int64_t at;
	bool right;

	BW_TRY(bw_buf_add(&id, entry->id)); /* the look-up reuses the statement */
	BW_TRY(bw_entry_find(v->store, bw_buf_slice(&id), v->rows, &newest));
	for (at = newest; at != BW_CAT_NONE && at != row; at = bw_cat_before(cat, at))
		;
	if (at != row) {
		complain(v, &v->report.bad_index, "row %lld: not found by its id", (long long)cat->added[row]);
		return BW_OK;
	}
	for (at = newest; (cat->flags[at] & BW_CAT_GONE) != 0 && at != row;)
		at = bw_cat_before(cat, at);
	if (at != row) /* once for each chain, at its newest row that is there */
		return BW_OK;
	BW_TRY(bw_chain_is_judged(v->store, newest, &right));
	if (!right)
		complain(v, &v->report.bad_index, "'%.*s': the newest or oldest version is marked wrongly",
			 BW_ARG(bw_slice_sub(bw_buf_slice(&id), 0, 100)));
	return BW_OK;
}

/* ---- postings --------------------------------------------------------------------------------------- */

/* A sum of these over all postings is the same in any order. */
static uint64_t posting_mark(const struct verify *v, struct bw_posting posting)
{
	return bw_siphash(v->store->key, bw_slice_of(&posting, sizeof(posting)));
}

static enum bw_err expect_postings(struct verify *v, int64_t added_us, struct bw_slice packed)
{
	struct bw_terms terms;
	struct bw_slice value;

	if (!v->has_index || added_us > v->upto || packed.len == 0)
		return BW_OK;
	if (bw_terms_open(packed, &terms) != BW_OK) {
		complain(v, &v->report.bad_rows, "row %lld: its terms are damaged", (long long)added_us);
		return BW_OK;
	}
	while (bw_terms_value(&terms, &value)) {
		v->expected += posting_mark(v, (struct bw_posting){ bw_value_hash(v->store, value), added_us });
		v->postings++;
	}
	return BW_OK;
}

/* Postings of rows that are gone are dead weight, not an error. */
static bool is_there(const struct verify *v, int64_t added_us)
{
	const int64_t row = bw_cat_at(&v->store->cat, added_us, v->rows);

	return row != BW_CAT_NONE && (v->store->cat.flags[row] & BW_CAT_GONE) == 0;
}

static enum bw_err check_postings(struct verify *v)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	struct bw_index *index;
	uint64_t sum = 0;
	uint64_t count = 0;
	bool found;

	if (!v->has_index)
		return BW_OK;
	BW_TRY(bw_index_open(v->store, false, &index));
	BW_TRY(bw_sql_prepare(index->db,
			      "SELECT c.postings FROM chunk c JOIN run r ON r.number = c.run WHERE r.state=0", &stmt));
	for (;;) {
		struct bw_posting posting;
		struct bw_slice chunk;

		BW_TRY(bw_sql_row(stmt, &found));
		if (!found)
			break;
		chunk = bw_sql_blob(stmt, 0);
		for (size_t at = 0; at + sizeof(posting) <= chunk.len; at += sizeof(posting)) {
			memcpy(&posting, chunk.ptr + at, sizeof(posting));
			if (!is_there(v, posting.added_us) || posting.added_us > v->upto)
				continue;
			sum += posting_mark(v, posting);
			count++;
		}
	}
	if (sum != v->expected || count != v->postings)
		complain(v, &v->report.bad_index, "the value index has %llu entries, not the %llu of the rows",
			 (unsigned long long)count, (unsigned long long)v->postings);
	return BW_OK;
}

/* ---- rows --------------------------------------------------------------------------------------------- */

static enum bw_err check_row(struct verify *v, sqlite3_stmt *stmt)
{
	const int64_t added_us = sqlite3_column_int64(stmt, 0);
	const int64_t row = bw_cat_at(&v->store->cat, added_us, v->rows);
	struct bw_entry entry;
	enum bw_err err;

	v->report.rows++;
	if (row == BW_CAT_NONE) {
		complain(v, &v->report.bad_index, "row %lld: not in the catalogue", (long long)added_us);
		return BW_OK;
	}
	err = bw_entry_full(v->store, (uint64_t)row, &entry);
	if (err == BW_ERR_CORRUPT || err == BW_ERR_NOT_FOUND) {
		complain(v, &v->report.bad_rows, "row %lld: cannot be read", (long long)added_us);
		return BW_OK;
	}
	BW_TRY(err);
	BW_TRY(check_body(v, &entry, added_us));
	check_columns(v, &entry, row, (uint16_t)sqlite3_column_int(stmt, 1), (uint8_t)sqlite3_column_int(stmt, 2));
	BW_TRY(check_chain(v, &entry, row));
	if (sqlite3_column_type(stmt, 3) != SQLITE_NULL)
		return expect_postings(v, added_us, bw_sql_blob(stmt, 3));
	bw_buf_clear(&v->store->terms);
	err = bw_entry_terms(v->store, (uint64_t)row, &v->store->terms);
	if (err != BW_ERR_NOT_FOUND) /* then its body cannot be read either, and that was said */
		BW_TRY(err);
	return expect_postings(v, added_us, bw_buf_slice(&v->store->terms));
}

static uint64_t live_rows(const struct verify *v)
{
	uint64_t live = 0;

	for (uint64_t row = 0; row < v->rows; row++)
		live += (v->store->cat.flags[row] & BW_CAT_GONE) == 0;
	return live;
}

static enum bw_err check_rows(struct verify *v)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	const uint64_t live = live_rows(v);
	bool found;

	BW_TRY(bw_sql_prepare(v->store->db, "SELECT added, collection, type, terms FROM entry ORDER BY added", &stmt));
	for (;;) {
		BW_TRY(bw_sql_row(stmt, &found));
		if (!found)
			break;
		BW_TRY(check_row(v, stmt));
		if (v->progress != NULL && v->report.rows % PROGRESS_ROWS == 0)
			v->progress(v->ctx, v->report.rows, live);
	}
	if (v->report.rows != live)
		complain(v, &v->report.bad_index, "the catalogue has %llu rows, the table %llu",
			 (unsigned long long)live, (unsigned long long)v->report.rows);
	return BW_OK;
}

/* ---- files and chain ------------------------------------------------------------------------------------ */

static enum bw_err check_file(struct verify *v, sqlite3 *db, const char *name)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	struct bw_slice words;
	bool found;

	BW_TRY(bw_sql_prepare(db, "PRAGMA integrity_check(1)", &stmt));
	BW_TRY(bw_sql_row(stmt, &found));
	words = found ? bw_sql_text(stmt, 0) : BW_LIT("no answer");
	if (!bw_slice_is(words, "ok"))
		complain(v, &v->report.bad_index, "%s: %.*s", name, BW_ARG(bw_slice_sub(words, 0, 150)));
	return BW_OK;
}

static enum bw_err check_files(struct verify *v)
{
	struct bw_index *index;
	const enum bw_err err = bw_index_open(v->store, false, &index);

	BW_TRY(check_file(v, v->store->db, "entries.db"));
	if (err == BW_ERR_NOT_FOUND)
		return BW_OK;
	BW_TRY(err);
	v->has_index = true;
	BW_TRY(bw_index_upto(index, &v->upto));
	return check_file(v, index->db, "search.db");
}

struct audit_walk {
	struct verify *v;
	struct bw_audit_chain chain;
};

static enum bw_err check_line(void *ctx, uint64_t seq, struct bw_slice line)
{
	struct audit_walk *walk = ctx;
	struct bw_fault fault = { .reason = "" };
	const enum bw_err err = bw_audit_chain_next(&walk->chain, line, &fault);

	if (err == BW_ERR_MEMORY || err == BW_ERR_CRYPTO)
		return err;
	if (err != BW_OK || walk->chain.seq != seq) {
		complain(walk->v, &walk->v->report.bad_audit, "audit line %llu: %s", (unsigned long long)seq,
			 fault.reason);
		walk->chain.begun =
			false; /* the next line begins a chain of its own: count what is wrong, not what follows */
	}
	return BW_OK;
}

static enum bw_err check_audit(struct verify *v)
{
	struct audit_walk walk = { .v = v, .chain = { .arena = BW_ARENA_INIT((size_t)2 * BW_AUDIT_LINE_MAX) } };
	const enum bw_err err = bw_store_audit_walk(v->store, 1, check_line, &walk);

	bw_arena_release(&walk.chain.arena);
	return err;
}

enum bw_err bw_store_verify(struct bw_store *store, bw_keeping_progress *progress, void *ctx,
			    struct bw_verify_report *out)
{
	BW_CLEANUP(verify_release)
	struct verify v = { .store = store,
			    .progress = progress,
			    .ctx = ctx,
			    .canonical = BW_BUF_INIT(256 * BW_MIB),
			    .rows = bw_cat_published(&store->cat),
			    .upto = INT64_MIN };
	enum bw_err err;

	BW_NEED(!store->in_transaction, BUSY);
	bw_json_parser_init(&v.parser);
	err = check_files(&v);
	if (err == BW_OK)
		err = check_rows(&v);
	bw_entry_done(store);
	if (err == BW_OK)
		err = check_postings(&v);
	if (err == BW_OK)
		err = check_audit(&v);
	BW_TRY(bw_store_note(store, err, "verify the store"));
	*out = v.report;
	return BW_OK;
}
