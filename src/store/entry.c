/* One stored row, and what a version is. */
#include "store/engine.h"

#include <stdlib.h>

#include "crypto/hash.h"
#include "sys/clock.h"

/* The statement over the row's own table, bound to one date added. */
static enum bw_err statement_at(struct bw_store *store, enum bw_lane_statement which, uint64_t row, int64_t added_us,
				sqlite3_stmt **out)
{
	BW_TRY(bw_lane_statement(store, which, bw_lane_of(store->cat.type[row]), out));
	(void)sqlite3_reset(*out);
	(void)sqlite3_bind_int64(*out, 1, added_us);
	return BW_OK;
}

static enum bw_err read_entry(struct bw_store *store, enum bw_lane_statement which, uint64_t row, struct bw_entry *out)
{
	const int64_t added_us = store->cat.added[row];
	sqlite3_stmt *stmt;
	bool found;
	enum bw_err err;

	BW_TRY(statement_at(store, which, row, added_us, &stmt));
	err = bw_sql_row(stmt, &found);
	BW_TRY(bw_store_note(store, err, "read a row"));
	BW_NEED(found, NOT_FOUND);
	out->id = bw_sql_text(stmt, 0);
	out->version = bw_sql_text(stmt, 1);
	out->flags = (uint8_t)sqlite3_column_int(stmt, 2);
	out->hash = bw_sql_blob(stmt, 3);
	out->body_at = sqlite3_column_int64(stmt, 4);
	out->body = which == BW_LANE_ROW ? bw_sql_blob(stmt, 5) : bw_slice_empty;
	if ((out->flags & BW_CAT_CONTENT) != 0) {
		bw_time_format(added_us, out->version_text);
		out->version = bw_slice_text(out->version_text);
	}
	if (out->hash.len != BW_HASH_BYTES) {
		(void)sqlite3_reset(stmt);
		return BW_ERR_CORRUPT;
	}
	return BW_OK;
}

enum bw_err bw_entry_head(struct bw_store *store, uint64_t row, struct bw_entry *out)
{
	return read_entry(store, BW_LANE_HEAD, row, out);
}

/* Who shares a body has the same id, so the same type: the body lies in the same table. */
enum bw_err bw_entry_full(struct bw_store *store, uint64_t row, struct bw_entry *out)
{
	sqlite3_stmt *stmt;
	bool found;
	enum bw_err err;

	BW_TRY(read_entry(store, BW_LANE_ROW, row, out));
	if (out->body_at == 0)
		return BW_OK;
	BW_TRY(statement_at(store, BW_LANE_BODY, row, out->body_at, &stmt));
	err = bw_sql_row(stmt, &found);
	BW_TRY(bw_store_note(store, err, "read a shared body"));
	BW_NEED(found, CORRUPT);
	out->body = bw_sql_blob(stmt, 0);
	return BW_OK;
}

enum bw_err bw_entry_terms(struct bw_store *store, uint64_t row, struct bw_buf *out)
{
	struct bw_entry entry;
	sqlite3_stmt *stmt;
	bool found;

	BW_TRY(bw_entry_head(store, row, &entry));
	BW_TRY(statement_at(store, BW_LANE_TERMS, row, entry.body_at == 0 ? store->cat.added[row] : entry.body_at,
			    &stmt));
	BW_TRY(bw_store_note(store, bw_sql_row(stmt, &found), "read terms"));
	BW_NEED(found, NOT_FOUND);
	bw_buf_clear(out);
	BW_TRY(bw_buf_add(out, bw_sql_blob(stmt, 0)));
	(void)sqlite3_reset(stmt);
	return BW_OK;
}

void bw_entry_done(struct bw_store *store)
{
	bw_lanes_done(store);
}

struct bw_lineage *bw_chain_learn(struct bw_store *store, int64_t newest, size_t walked)
{
	if (walked <= BW_LINEAGE_SHORT || !store->in_transaction)
		return NULL;
	return bw_lineage_learn(&store->lineages, &store->cat, newest);
}

/* Whether the chain that ends at `newest` is the object's: its newest row that is still there says so. */
static enum bw_err chain_is(struct bw_store *store, int64_t newest, struct bw_slice id, bool *out)
{
	struct bw_lineage *lineage = bw_lineage_find(store->lineages, &store->cat, newest);
	int64_t row = lineage == NULL ? newest : bw_lineage_living(lineage);
	bool found = false;
	size_t walked = 0;

	for (; row != BW_CAT_NONE; row = bw_cat_before(&store->cat, row), walked++) {
		struct bw_entry entry;
		enum bw_err err;

		if ((bw_cat_flags(&store->cat, (uint64_t)row) & BW_CAT_GONE) != 0)
			continue;
		err = bw_entry_head(store, (uint64_t)row, &entry);
		if (err == BW_ERR_NOT_FOUND) /* gone, but the log of changes is yet to be read */
			continue;
		BW_TRY(err);
		found = bw_slice_equals(entry.id, id);
		break;
	}
	if (lineage == NULL)
		lineage = bw_chain_learn(store, newest, walked);
	if (lineage != NULL)
		bw_lineage_set_living(lineage, row);
	*out = found;
	return BW_OK;
}

enum bw_err bw_entry_find(struct bw_store *store, struct bw_slice id, uint64_t rows, int64_t *out)
{
	const uint32_t identity = bw_cat_identity(&store->cat, id);
	struct bw_cat_probe probe = { 0 };

	for (;;) {
		const int64_t row = bw_cat_find(&store->cat, identity, rows, &probe);
		bool found;

		if (row == BW_CAT_NONE) {
			*out = BW_CAT_NONE;
			return BW_OK;
		}
		BW_TRY(chain_is(store, row, id, &found));
		if (found) {
			*out = row;
			return BW_OK;
		}
	}
}

/* ---- versions -------------------------------------------------------------- */

uint32_t bw_version_mark(const struct bw_store *store, struct bw_slice version)
{
	return (uint32_t)bw_siphash(store->key, bw_timestamp_key(version));
}

uint32_t bw_content_mark(const uint8_t hash[BW_HASH_BYTES])
{
	uint32_t mark;

	memcpy(&mark, hash, sizeof(mark));
	return mark;
}

int bw_version_compare(struct bw_slice a, struct bw_slice b)
{
	return bw_slice_compare(bw_timestamp_key(a), bw_timestamp_key(b));
}

/* The extreme versions of an object in one collection, by specification version (0: 2.1, 1: 2.0). */
struct extremes {
	int64_t last[2];
	int64_t first[2];
	struct bw_buf last_key[2];
	struct bw_buf first_key[2];
};

static void extremes_release(struct extremes *e)
{
	for (size_t i = 0; i < 2; i++) {
		bw_buf_release(&e->last_key[i]);
		bw_buf_release(&e->first_key[i]);
	}
}

static enum bw_err keep_if(bool better, struct bw_slice key, int64_t row, struct bw_buf *kept, int64_t *kept_row)
{
	if (*kept_row != BW_CAT_NONE && !better)
		return BW_OK;
	bw_buf_clear(kept);
	BW_TRY(bw_buf_add(kept, key));
	*kept_row = row;
	return BW_OK;
}

static enum bw_err weigh(struct bw_store *store, int64_t row, struct extremes *e)
{
	const size_t old = (store->cat.flags[row] & BW_CAT_SPEC20) != 0;
	struct bw_entry entry;
	struct bw_slice key;

	BW_TRY(bw_entry_head(store, (uint64_t)row, &entry));
	key = bw_timestamp_key(entry.version);
	BW_TRY(keep_if(bw_slice_compare(key, bw_buf_slice(&e->last_key[old])) > 0, key, row, &e->last_key[old],
		       &e->last[old]));
	return keep_if(bw_slice_compare(key, bw_buf_slice(&e->first_key[old])) < 0, key, row, &e->first_key[old],
		       &e->first[old]);
}

static uint8_t judged(uint8_t flags, int64_t row, const struct extremes *e)
{
	const size_t old = (flags & BW_CAT_SPEC20) != 0;

	flags &= (uint8_t) ~(BW_CAT_LAST | BW_CAT_FIRST | BW_CAT_NEWSPEC);
	if (row == e->last[old])
		flags |= BW_CAT_LAST;
	if (row == e->first[old])
		flags |= BW_CAT_FIRST;
	if (old == 0 || e->last[0] == BW_CAT_NONE)
		flags |= BW_CAT_NEWSPEC;
	return flags;
}

static bool is_live(const struct bw_store *store, int64_t row, uint16_t collection)
{
	return store->cat.collection[row] == collection &&
	       (bw_cat_flags(&store->cat, (uint64_t)row) & BW_CAT_GONE) == 0;
}

#define EXTREMES_NONE                                                                        \
	{                                                                                    \
		.last = { BW_CAT_NONE, BW_CAT_NONE }, .first = { BW_CAT_NONE, BW_CAT_NONE }, \
		.last_key = { BW_BUF_INIT(BW_MIB), BW_BUF_INIT(BW_MIB) },                    \
		.first_key = { BW_BUF_INIT(BW_MIB), BW_BUF_INIT(BW_MIB) },                   \
	}

static enum bw_err weigh_chain(struct bw_store *store, int64_t newest, uint16_t collection, struct extremes *e)
{
	for (int64_t row = newest; row != BW_CAT_NONE; row = bw_cat_before(&store->cat, row)) {
		if (is_live(store, row, collection))
			BW_TRY(weigh(store, row, e));
	}
	return BW_OK;
}

enum bw_err bw_chain_judge(struct bw_store *store, int64_t newest, uint16_t collection)
{
	BW_CLEANUP(extremes_release) struct extremes e = EXTREMES_NONE;

	BW_TRY(weigh_chain(store, newest, collection, &e));
	for (int64_t row = newest; row != BW_CAT_NONE; row = bw_cat_before(&store->cat, row)) {
		if (is_live(store, row, collection))
			BW_TRY(bw_cat_set_flags(&store->cat, (uint64_t)row,
						judged(bw_cat_flags(&store->cat, (uint64_t)row), row, &e)));
	}
	return BW_OK;
}

static enum bw_err is_judged(struct bw_store *store, int64_t newest, uint16_t collection, bool *out)
{
	BW_CLEANUP(extremes_release) struct extremes e = EXTREMES_NONE;

	BW_TRY(weigh_chain(store, newest, collection, &e));
	for (int64_t row = newest; row != BW_CAT_NONE; row = bw_cat_before(&store->cat, row)) {
		if (is_live(store, row, collection) && judged(store->cat.flags[row], row, &e) != store->cat.flags[row])
			*out = false;
	}
	return BW_OK;
}

enum bw_err bw_chain_is_judged(struct bw_store *store, int64_t newest, bool *out)
{
	uint64_t asked[(1 << 16) / 64] = { 0 }; /* collections: each is one walk, however often they alternate */

	*out = true;
	for (int64_t row = newest; row != BW_CAT_NONE && *out; row = bw_cat_before(&store->cat, row)) {
		const uint16_t collection = store->cat.collection[row];
		const uint64_t bit = UINT64_C(1) << (collection % 64);

		if ((asked[collection / 64] & bit) != 0)
			continue;
		asked[collection / 64] |= bit;
		BW_TRY(is_judged(store, newest, collection, out));
	}
	return BW_OK;
}

/* ---- removing a row ------------------------------------------------------------ */

static enum bw_err shares(struct bw_store *store, int64_t row, uint64_t owner, bool *out)
{
	struct bw_entry entry;

	*out = false;
	if ((bw_cat_flags(&store->cat, (uint64_t)row) & BW_CAT_GONE) != 0 || (uint64_t)row == owner)
		return BW_OK;
	BW_TRY(bw_entry_head(store, (uint64_t)row, &entry));
	*out = entry.body_at == store->cat.added[owner];
	return BW_OK;
}

static enum bw_err remembered_sharer(struct bw_store *store, const struct bw_lineage *lineage, uint64_t owner,
				     int64_t *out)
{
	const uint32_t mark = store->cat.version[owner];
	uint64_t probe = 0;
	bool found = false;
	int64_t row;

	do {
		row = bw_lineage_next(lineage, &store->cat, mark, &probe);
		if (row != BW_CAT_NONE)
			BW_TRY(shares(store, row, owner, &found));
	} while (row != BW_CAT_NONE && !found);
	*out = row;
	return BW_OK;
}

/*
 * Another row of the object that shares the body of `owner`, or BW_CAT_NONE. Who shares a body has
 * the same version, so only rows with its mark are read: a chain can have a hundred thousand others.
 */
static enum bw_err sharer(struct bw_store *store, int64_t newest, uint64_t owner, int64_t *out)
{
	const struct bw_lineage *lineage = bw_lineage_find(store->lineages, &store->cat, newest);
	bool found = false;
	size_t walked = 0;
	int64_t row;

	if (lineage != NULL)
		return remembered_sharer(store, lineage, owner, out);
	for (row = newest; row != BW_CAT_NONE; row = bw_cat_before(&store->cat, row), walked++) {
		if (store->cat.version[row] == store->cat.version[owner])
			BW_TRY(shares(store, row, owner, &found));
		if (found)
			break;
	}
	(void)bw_chain_learn(store, newest, walked); /* the next row's answer comes from there */
	*out = row;
	return BW_OK;
}

static enum bw_err adopt(struct bw_store *store, uint64_t heir, uint64_t owner)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(SIZE_MAX / 4);
	BW_CLEANUP(bw_buf_release) struct bw_buf terms = BW_BUF_INIT(SIZE_MAX / 4);
	struct bw_entry entry;
	sqlite3_stmt *stmt;

	BW_TRY(bw_entry_full(store, owner, &entry));
	BW_TRY(bw_buf_add(&body, entry.body));
	BW_TRY(bw_entry_terms(store, owner, &terms));
	bw_entry_done(store);

	BW_TRY(statement_at(store, BW_LANE_ADOPT, heir, store->cat.added[heir], &stmt));
	bw_sql_bind_blob(stmt, 2, bw_buf_slice(&body));
	bw_sql_bind_blob(stmt, 3, bw_buf_slice(&terms));
	return bw_store_do(store, stmt, "hand on a shared body");
}

/* The first sharer gets the body; the others point to it from now on. */
static enum bw_err hand_on_body(struct bw_store *store, int64_t newest, uint64_t owner)
{
	int64_t heir;
	sqlite3_stmt *stmt;

	BW_TRY(sharer(store, newest, owner, &heir));
	if (heir == BW_CAT_NONE)
		return BW_OK;
	bw_entry_done(store);
	BW_TRY(adopt(store, (uint64_t)heir, owner));
	for (;;) {
		int64_t other;

		BW_TRY(sharer(store, newest, owner, &other));
		if (other == BW_CAT_NONE)
			return BW_OK;
		bw_entry_done(store);
		BW_TRY(statement_at(store, BW_LANE_POINT, (uint64_t)other, store->cat.added[other], &stmt));
		(void)sqlite3_bind_int64(stmt, 2, store->cat.added[heir]);
		BW_TRY(bw_store_do(store, stmt, "hand on a shared body"));
	}
}

enum bw_err bw_entry_remove(struct bw_store *store, uint64_t row, int64_t newest, bool keep_body)
{
	sqlite3_stmt *stmt;

	if (keep_body)
		BW_TRY(hand_on_body(store, newest, row));
	bw_entry_done(store);
	BW_TRY(statement_at(store, BW_LANE_DROP, row, store->cat.added[row], &stmt));
	BW_TRY(bw_store_do(store, stmt, "remove a row"));
	BW_TRY(bw_provenance_drop(store, store->cat.added[row]));
	bw_store_touch(store, store->cat.collection[row]);
	return bw_cat_set_flags(&store->cat, row,
				(uint8_t)((bw_cat_flags(&store->cat, row) | BW_CAT_GONE) &
					  ~(BW_CAT_LAST | BW_CAT_FIRST | BW_CAT_NEWSPEC)));
}

/* ---- names of types ------------------------------------------------------------- */

void bw_types_release(struct bw_store *store)
{
	for (size_t i = 0; i < BW_COUNT(store->types.names); i++) {
		free(store->types.names[i]);
		store->types.names[i] = NULL;
	}
}

static char *copy_text(struct bw_slice text)
{
	return strndup((const char *)text.ptr, text.len);
}

enum bw_err bw_types_load(struct bw_store *store)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	bool found;

	bw_types_release(store);
	BW_TRY(bw_sql_prepare(store->db, "SELECT number, name FROM type_name", &stmt));
	for (;;) {
		int number;

		BW_TRY(bw_sql_row(stmt, &found));
		if (!found)
			break;
		number = sqlite3_column_int(stmt, 0);
		BW_NEED(number >= BW_TYPE_CUSTOM_FIRST && number < BW_CAT_TYPE_OTHER, CORRUPT);
		free(store->types.names[number]);
		store->types.names[number] = copy_text(bw_sql_text(stmt, 1));
		BW_NEED(store->types.names[number] != NULL, MEMORY);
	}
	store->types.known = true;
	return BW_OK;
}

static enum bw_err type_add(struct bw_store *store, int number, struct bw_slice name)
{
	sqlite3_stmt *stmt;

	BW_TRY(bw_store_statement(store, BW_SQL_TYPE_ADD, &stmt));
	(void)sqlite3_bind_int(stmt, 1, number);
	bw_sql_bind_text(stmt, 2, name);
	BW_TRY(bw_store_do(store, stmt, "name a custom type"));
	store->types.names[number] = copy_text(name);
	BW_NEED(store->types.names[number] != NULL, MEMORY);
	return BW_OK;
}

enum bw_err bw_type_number(struct bw_store *store, enum bw_stix_type type, struct bw_slice name, bool add, uint8_t *out)
{
	int number;

	if (type != BW_STIX_CUSTOM) {
		*out = (uint8_t)type;
		return BW_OK;
	}
	if (!store->types.known)
		BW_TRY(bw_types_load(store));
	for (number = BW_TYPE_CUSTOM_FIRST; number < BW_CAT_TYPE_OTHER; number++) {
		if (store->types.names[number] == NULL)
			break;
		if (bw_slice_is(name, store->types.names[number])) {
			*out = (uint8_t)number;
			return BW_OK;
		}
	}
	if (add && number < BW_CAT_TYPE_OTHER)
		BW_TRY(type_add(store, number, name));
	*out = (uint8_t)(add ? number : BW_CAT_TYPE_OTHER);
	return BW_OK;
}

enum bw_err bw_erased_hash(const struct bw_store *store, struct bw_slice id, uint8_t out[32])
{
	return bw_hmac_sha256(bw_slice_of(store->salt, sizeof(store->salt)), id, out);
}
