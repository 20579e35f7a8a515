/* Where rows came from, and when they have to go. */
#include "store/provenance.h"

#include "intel/policy_pack.h"
#include "store/engine.h"

enum { RETIRE_MAX = 10000, ID_BYTES = BW_MIB };

bool bw_provenance_has_been(const struct bw_provenance *from, const uint8_t node[BW_SHA256_BYTES])
{
	if (memcmp(from->node, node, BW_SHA256_BYTES) == 0)
		return true;
	for (size_t i = 0; i < from->path_count; i++)
		if (memcmp(from->path[i], node, BW_SHA256_BYTES) == 0)
			return true;
	return false;
}

/* ---- routes ---------------------------------------------------------------------- */

struct route {
	struct bw_slice node;
	struct bw_slice accord;
	struct bw_slice path;
};

static struct route route_of(const struct bw_provenance *from)
{
	return (struct route){ .node = bw_slice_of(from->node, BW_SHA256_BYTES),
			       .accord = bw_slice_of(from->accord, BW_SHA256_BYTES),
			       .path = bw_slice_of(from->path, from->path_count * BW_SHA256_BYTES) };
}

static void bind_route(sqlite3_stmt *stmt, const struct route *route)
{
	bw_sql_bind_blob(stmt, 1, route->node);
	bw_sql_bind_blob(stmt, 2, route->accord);
	bw_sql_bind_blob(stmt, 3, route->path);
}

static enum bw_err find_route(struct bw_store *store, const struct route *route, int64_t *out)
{
	BW_CLEANUP(bw_sql_reset) sqlite3_stmt *stmt = NULL;
	bool found;

	BW_TRY(bw_store_statement(store, BW_SQL_ROUTE_FIND, &stmt));
	bind_route(stmt, route);
	BW_TRY(bw_store_note(store, bw_sql_row(stmt, &found), "look for a route"));
	*out = found ? sqlite3_column_int64(stmt, 0) : 0;
	return BW_OK;
}

static enum bw_err add_route(struct bw_store *store, const struct route *route, int64_t *out)
{
	sqlite3_stmt *stmt;

	BW_TRY(bw_store_statement(store, BW_SQL_ROUTE_ADD, &stmt));
	bind_route(stmt, route);
	BW_TRY(bw_store_do(store, stmt, "keep a route"));
	*out = sqlite3_last_insert_rowid(store->db);
	return BW_OK;
}

static enum bw_err hash_route(const struct route *route, uint8_t out[BW_SHA256_BYTES])
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT((2 + BW_ROUTE_NODES_MAX) * BW_SHA256_BYTES);

	BW_TRY(bw_buf_add(&text, route->node));
	BW_TRY(bw_buf_add(&text, route->accord));
	BW_TRY(bw_buf_add(&text, route->path));
	return bw_sha256(bw_buf_slice(&text), out);
}

static enum bw_err number_of_route(struct bw_store *store, const struct bw_provenance *from, int64_t *out)
{
	const struct route route = route_of(from);
	uint8_t hash[BW_SHA256_BYTES];

	BW_TRY(hash_route(&route, hash));
	if (store->route.number == 0 || memcmp(store->route.hash, hash, sizeof(hash)) != 0) {
		BW_TRY(find_route(store, &route, out));
		if (*out == 0)
			BW_TRY(add_route(store, &route, out));
		store->route.number = *out;
		memcpy(store->route.hash, hash, sizeof(hash));
	}
	*out = store->route.number;
	return BW_OK;
}

/* ---- keeping --------------------------------------------------------------------- */

static void bind_until(sqlite3_stmt *stmt, int at, const struct bw_policy *policy)
{
	if (policy->not_after_us == INT64_MAX)
		(void)sqlite3_bind_null(stmt, at);
	else
		(void)sqlite3_bind_int64(stmt, at, policy->not_after_us);
}

static enum bw_err add(struct bw_store *store, const struct bw_provenance *from, int64_t added_us)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf packed = BW_BUF_INIT(BW_POLICY_PACK_MAX);
	sqlite3_stmt *stmt;
	int64_t route;

	BW_TRY(number_of_route(store, from, &route));
	BW_TRY(bw_policy_pack(&from->inherited, &packed));
	BW_TRY(bw_store_statement(store, BW_SQL_FROM_ADD, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, added_us);
	(void)sqlite3_bind_int64(stmt, 2, route);
	(void)sqlite3_bind_int64(stmt, 3, (int64_t)from->entry);
	bind_until(stmt, 4, &from->inherited);
	bw_sql_bind_blob(stmt, 5, bw_buf_slice(&packed));
	return bw_store_do(store, stmt, "keep where an object came from");
}

/* The same version again: what it came with before stays, and meets what it comes with now. */
static enum bw_err narrow(struct bw_store *store, const struct bw_provenance *from, int64_t added_us)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf packed = BW_BUF_INIT(BW_POLICY_PACK_MAX);
	struct bw_provenance before;
	struct bw_policy met;
	sqlite3_stmt *stmt;
	const enum bw_err err = bw_store_provenance(store, added_us, &before);

	if (err == BW_ERR_NOT_FOUND) /* somebody here put it there: it is RED, and stays so */
		return BW_OK;
	BW_TRY(err);
	bw_policy_meet(&before.inherited, &from->inherited, &met);
	if (bw_policy_equals(&met, &before.inherited))
		return BW_OK;
	BW_TRY(bw_policy_pack(&met, &packed));
	BW_TRY(bw_store_statement(store, BW_SQL_FROM_NARROW, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, added_us);
	bw_sql_bind_blob(stmt, 2, bw_buf_slice(&packed));
	bind_until(stmt, 3, &met);
	return bw_store_do(store, stmt, "narrow what an object came with");
}

enum bw_err bw_provenance_keep(struct bw_store *store, const struct bw_provenance *from, const struct bw_put *put)
{
	BW_NEED(from->path_count <= BW_ROUTE_NODES_MAX, RANGE);
	if (put->outcome == BW_PUT_ADDED)
		return add(store, from, put->date_added_us);
	if (put->outcome == BW_PUT_DUPLICATE)
		return narrow(store, from, put->date_added_us);
	return BW_OK;
}

enum bw_err bw_provenance_drop(struct bw_store *store, int64_t date_added_us)
{
	sqlite3_stmt *stmt;

	BW_TRY(bw_store_statement(store, BW_SQL_FROM_DROP, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, date_added_us);
	return bw_store_do(store, stmt, "forget where an object came from");
}

/* ---- reading --------------------------------------------------------------------- */

static enum bw_err read_row(sqlite3_stmt *stmt, struct bw_provenance *out)
{
	struct bw_cursor policy = bw_cursor_over(bw_sql_blob(stmt, 1));
	const struct bw_slice node = bw_sql_blob(stmt, 2);
	const struct bw_slice accord = bw_sql_blob(stmt, 3);
	const struct bw_slice path = bw_sql_blob(stmt, 4);

	*out = (struct bw_provenance){ .entry = (uint64_t)sqlite3_column_int64(stmt, 0) };
	BW_NEED(node.len == sizeof(out->node) && accord.len == sizeof(out->accord) && path.len <= sizeof(out->path) &&
			path.len % BW_SHA256_BYTES == 0,
		CORRUPT);
	if (bw_policy_unpack(&policy, &out->inherited) != BW_OK || bw_cursor_left(&policy) != 0)
		return BW_ERR_CORRUPT;
	memcpy(out->node, node.ptr, node.len);
	memcpy(out->accord, accord.ptr, accord.len);
	memcpy(out->path, path.ptr, path.len);
	out->path_count = path.len / BW_SHA256_BYTES;
	return BW_OK;
}

enum bw_err bw_store_provenance(struct bw_store *store, int64_t date_added_us, struct bw_provenance *out)
{
	BW_CLEANUP(bw_sql_reset) sqlite3_stmt *stmt = NULL;
	bool found;

	BW_TRY(bw_store_statement(store, BW_SQL_FROM_GET, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, date_added_us);
	BW_TRY(bw_store_note(store, bw_sql_row(stmt, &found), "read where an object came from"));
	BW_NEED(found, NOT_FOUND);
	return bw_store_note(store, read_row(stmt, out), "read where an object came from");
}

uint16_t bw_chain_first(const struct bw_catalogue *cat, uint64_t row, struct bw_chain_firsts *firsts)
{
	uint16_t first = cat->collection[row];

	for (int64_t at = (int64_t)row; at != BW_CAT_NONE; at = bw_cat_before(cat, at)) {
		first = cat->collection[at];
		if (firsts->of[at % BW_CHAIN_FIRSTS].row == (uint32_t)at + 1) {
			first = firsts->of[at % BW_CHAIN_FIRSTS].collection;
			break;
		}
	}
	firsts->of[row % BW_CHAIN_FIRSTS].row = (uint32_t)row + 1;
	firsts->of[row % BW_CHAIN_FIRSTS].collection = first;
	return first;
}

enum bw_err bw_store_creator(struct bw_store *store, struct bw_slice id, uint16_t *out_collection)
{
	const uint64_t rows = store->in_transaction ? store->cat.rows : bw_cat_published(&store->cat);
	int64_t row;
	int64_t before;

	BW_TRY(bw_entry_find(store, id, rows, &row));
	bw_entry_done(store);
	BW_NEED(row != BW_CAT_NONE, NOT_FOUND);
	while ((before = bw_cat_before(&store->cat, row)) != BW_CAT_NONE)
		row = before;
	*out_collection = store->cat.collection[row];
	return BW_OK;
}

/* ---- the end of retention ---------------------------------------------------------- */

/* Asked once in the life of an accord: it looks at every row that came from another node. */
static enum bw_err end_accord(struct bw_store *store, const uint8_t node[BW_SHA256_BYTES],
			      const uint8_t accord[BW_SHA256_BYTES])
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;

	BW_TRY(bw_sql_prepare(store->db,
			      "UPDATE provenance SET until = ?1 WHERE (until IS NULL OR until > ?1) AND route IN"
			      " (SELECT number FROM route WHERE node = ?2 AND accord = ?3)",
			      &stmt));
	(void)sqlite3_bind_int64(stmt, 1, store->now_us());
	bw_sql_bind_blob(stmt, 2, bw_slice_of(node, BW_SHA256_BYTES));
	bw_sql_bind_blob(stmt, 3, bw_slice_of(accord, BW_SHA256_BYTES));
	return bw_store_do(store, stmt, "end what came under an accord");
}

enum bw_err bw_store_accord_over(struct bw_store *store, const uint8_t node[BW_SHA256_BYTES],
				 const uint8_t accord[BW_SHA256_BYTES], uint64_t *out_count)
{
	struct bw_step step;
	enum bw_err err;

	BW_TRY(bw_step_begin(store, &step));
	err = end_accord(store, node, accord);
	if (err == BW_OK)
		*out_count = (uint64_t)sqlite3_changes(store->db);
	return bw_step_end(store, &step, err);
}

enum bw_err bw_store_accord_left(struct bw_store *store, const uint8_t node[BW_SHA256_BYTES],
				 const uint8_t accord[BW_SHA256_BYTES], int64_t now_us, uint64_t *out_count)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	bool found;

	BW_TRY(bw_sql_prepare(store->db,
			      "SELECT count(*) FROM provenance WHERE (until IS NULL OR until > ?1) AND route IN"
			      " (SELECT number FROM route WHERE node = ?2 AND accord = ?3)",
			      &stmt));
	(void)sqlite3_bind_int64(stmt, 1, now_us);
	bw_sql_bind_blob(stmt, 2, bw_slice_of(node, BW_SHA256_BYTES));
	bw_sql_bind_blob(stmt, 3, bw_slice_of(accord, BW_SHA256_BYTES));
	BW_TRY(bw_store_note(store, bw_sql_row(stmt, &found), "count what came under an accord"));
	*out_count = found ? (uint64_t)sqlite3_column_int64(stmt, 0) : 0;
	return BW_OK;
}

static enum bw_err list_over(struct bw_store *store, int64_t now_us, size_t most, int64_t *out, size_t *out_count)
{
	BW_CLEANUP(bw_sql_reset) sqlite3_stmt *stmt = NULL;
	size_t count = 0;
	bool found;

	BW_TRY(bw_store_statement(store, BW_SQL_FROM_OVER, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, now_us);
	(void)sqlite3_bind_int64(stmt, 2, (int64_t)most);
	for (;;) {
		BW_TRY(bw_store_note(store, bw_sql_row(stmt, &found), "look for what has to go"));
		if (!found || count == most)
			break;
		out[count++] = sqlite3_column_int64(stmt, 0);
	}
	*out_count = count;
	return BW_OK;
}

static enum bw_err retire_row(struct bw_store *store, int64_t added_us)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf id = BW_BUF_INIT(ID_BYTES);
	const int64_t row = bw_cat_at(&store->cat, added_us, store->cat.rows);
	struct bw_entry entry;
	int64_t newest;
	uint16_t collection;

	if (row == BW_CAT_NONE || (bw_cat_flags(&store->cat, (uint64_t)row) & BW_CAT_GONE) != 0)
		return bw_provenance_drop(store, added_us);
	collection = store->cat.collection[row];
	BW_TRY(bw_entry_head(store, (uint64_t)row, &entry));
	BW_TRY(bw_buf_add(&id, entry.id)); /* the look-up reuses the statement */
	BW_TRY(bw_entry_find(store, bw_buf_slice(&id), store->cat.rows, &newest));
	BW_NEED(newest != BW_CAT_NONE, CORRUPT);
	BW_TRY(bw_index_forget(store, (uint64_t)row));
	BW_TRY(bw_entry_remove(store, (uint64_t)row, newest, bw_chain_is_elsewhere(store, newest, collection)));
	return bw_chain_judge(store, newest, collection);
}

static enum bw_err retire_all(struct bw_store *store, const int64_t *added, size_t count)
{
	BW_TRY(bw_store_keep_floor(store));
	for (size_t i = 0; i < count; i++)
		BW_TRY(retire_row(store, added[i]));
	store->wipe_due = true; /* its words leave the indexes and the WAL too */
	return BW_OK;
}

enum bw_err bw_store_retire(struct bw_store *store, int64_t now_us, size_t most, size_t *out_count)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(RETIRE_MAX * sizeof(int64_t) + BW_KIB);
	const size_t cap = most < RETIRE_MAX ? most : RETIRE_MAX;
	int64_t *added = bw_arena_zero(&arena, cap + 1, sizeof(*added));
	struct bw_step step;
	enum bw_err err;

	BW_NEED(added != NULL, MEMORY);
	BW_TRY(list_over(store, now_us, cap, added, out_count));
	if (*out_count == 0)
		return BW_OK;
	BW_TRY(bw_step_begin(store, &step));
	err = retire_all(store, added, *out_count);
	bw_entry_done(store);
	bw_lineages_forget(&store->lineages);
	return bw_step_end(store, &step, err);
}
