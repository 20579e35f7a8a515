#include "store/engine.h"

#include <stdio.h>

#include "base/text.h"
#include "crypto/uuid.h"

#define COLUMNS                                                                                                  \
	"SELECT number, id, title, description, coalesce(alias, ''), coalesce(marking, ''), coalesce(node, x'')" \
	" FROM collection WHERE gone = 0"

static void copy_field(char *out, size_t cap, struct bw_slice text)
{
	const struct bw_slice cut = bw_slice_sub(text, 0, cap - 1);

	memcpy(out, cut.ptr, cut.len);
	out[cut.len] = 0;
}

static void read_collection(const struct bw_store *store, sqlite3_stmt *stmt, struct bw_collection *out)
{
	const struct bw_cat_count *count;
	struct bw_slice node;

	out->number = (uint16_t)sqlite3_column_int(stmt, 0);
	copy_field(out->id, sizeof(out->id), bw_sql_text(stmt, 1));
	copy_field(out->title, sizeof(out->title), bw_sql_text(stmt, 2));
	copy_field(out->description, sizeof(out->description), bw_sql_text(stmt, 3));
	copy_field(out->alias, sizeof(out->alias), bw_sql_text(stmt, 4));
	copy_field(out->marking, sizeof(out->marking), bw_sql_text(stmt, 5));
	node = bw_sql_blob(stmt, 6);
	out->is_inbound = node.len == sizeof(out->node);
	memset(out->node, 0, sizeof(out->node));
	if (out->is_inbound)
		memcpy(out->node, node.ptr, sizeof(out->node));
	count = &store->cat.counts[out->number];
	out->object_count = __atomic_load_n(&count->live, __ATOMIC_RELAXED);
	out->last_added_us = __atomic_load_n(&count->last_added_us, __ATOMIC_RELAXED);
}

enum bw_err bw_store_collection_find(struct bw_store *store, struct bw_slice name, struct bw_collection *out)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	bool found;

	BW_NEED(name.len > 0, NOT_FOUND);
	BW_TRY(bw_store_note(store, bw_sql_prepare(store->db, COLUMNS " AND (id = ?1 OR alias = ?1)", &stmt),
			     "look for a collection"));
	bw_sql_bind_text(stmt, 1, name);
	BW_TRY(bw_store_note(store, bw_sql_row(stmt, &found), "look for a collection"));
	BW_NEED(found, NOT_FOUND);
	read_collection(store, stmt, out);
	return BW_OK;
}

enum bw_err bw_store_collection_is_there(struct bw_store *store, uint16_t number, bool *out)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;

	BW_TRY(bw_store_note(store,
			     bw_sql_prepare(store->db, "SELECT 1 FROM collection WHERE number = ? AND gone = 0", &stmt),
			     "look for a collection"));
	(void)sqlite3_bind_int(stmt, 1, number);
	return bw_store_note(store, bw_sql_row(stmt, out), "look for a collection");
}

static enum bw_err insert_collection(struct bw_store *store, struct bw_collection *collection)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	int64_t number;

	BW_TRY(bw_sql_number(store->db, "SELECT coalesce(max(number), 0) + 1 FROM collection", &number));
	BW_NEED(number <= UINT16_MAX, TOO_MANY);
	BW_TRY(bw_sql_prepare(
		store->db,
		"INSERT INTO collection(number, id, alias, title, description, node, marking) VALUES(?,?,?,?,?,?,?)",
		&stmt));
	(void)sqlite3_bind_int64(stmt, 1, number);
	bw_sql_bind_text(stmt, 2, bw_slice_text(collection->id));
	if (collection->alias[0] != '\0')
		bw_sql_bind_text(stmt, 3, bw_slice_text(collection->alias));
	bw_sql_bind_text(stmt, 4, bw_slice_text(collection->title));
	bw_sql_bind_text(stmt, 5, bw_slice_text(collection->description));
	if (collection->is_inbound)
		bw_sql_bind_blob(stmt, 6, bw_slice_of(collection->node, sizeof(collection->node)));
	if (collection->marking[0] != '\0')
		bw_sql_bind_text(stmt, 7, bw_slice_text(collection->marking));
	BW_TRY(bw_store_do(store, stmt, "add a collection"));
	collection->number = (uint16_t)number;
	collection->object_count = 0;
	collection->last_added_us = 0;
	return BW_OK;
}

static enum bw_err name_is_free(struct bw_store *store, const char *name)
{
	struct bw_collection other;
	const enum bw_err err = bw_store_collection_find(store, bw_slice_text(name), &other);

	if (err == BW_OK)
		return bw_why_set(&store->why, BW_ERR_EXISTS, "cannot add a collection: '%s' names one already", name);
	return err == BW_ERR_NOT_FOUND ? BW_OK : err;
}

enum bw_err bw_store_collection_add(struct bw_store *store, struct bw_collection *collection)
{
	struct bw_step step;
	enum bw_err err;

	BW_TRY(bw_step_begin(store, &step));
	err = name_is_free(store, collection->id);
	if (err == BW_OK)
		err = name_is_free(store, collection->alias);
	if (err == BW_OK)
		err = insert_collection(store, collection);
	if (err == BW_OK)
		store->catalog_changed = true;
	return bw_step_end(store, &step, err);
}

/* The row stays without its names, so that the number is never given again; with its node, for bw_store_creator. */
static enum bw_err retire(struct bw_store *store, uint16_t number)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;

	BW_TRY(bw_sql_prepare(store->db,
			      "UPDATE collection SET gone = 1, id = 'gone ' || number, alias = NULL, title = '',"
			      " description = '' WHERE number = ? AND gone = 0",
			      &stmt));
	(void)sqlite3_bind_int(stmt, 1, number);
	BW_TRY(bw_store_do(store, stmt, "remove a collection"));
	return sqlite3_changes(store->db) == 1 ? BW_OK : BW_ERR_NOT_FOUND;
}

static enum bw_err drop_grants(struct bw_store *store, uint16_t number)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;

	BW_TRY(bw_sql_prepare(store->db, "DELETE FROM account_grant WHERE collection = ?", &stmt));
	(void)sqlite3_bind_int(stmt, 1, number);
	return bw_store_do(store, stmt, "remove the grants of a collection");
}

enum bw_err bw_store_collection_remove(struct bw_store *store, uint16_t number)
{
	struct bw_step step;
	enum bw_err err;

	BW_TRY(bw_step_begin(store, &step));
	err = retire(store, number);
	if (err == BW_OK)
		err = drop_grants(store, number);
	if (err == BW_OK)
		err = bw_collection_empty(store, number);
	bw_entry_done(store);
	bw_lineages_forget(&store->lineages);
	if (err == BW_OK) {
		store->catalog_changed = true;
		store->accounts_changed = true;
		bw_store_touch(store, number);
	}
	return bw_step_end(store, &step, err);
}

static enum bw_err set_marking(struct bw_store *store, uint16_t number, struct bw_slice marking)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;

	BW_TRY(bw_sql_prepare(store->db, "UPDATE collection SET marking = ?2 WHERE number = ?1 AND gone = 0", &stmt));
	(void)sqlite3_bind_int(stmt, 1, number);
	if (marking.len > 0)
		bw_sql_bind_text(stmt, 2, marking);
	BW_TRY(bw_store_do(store, stmt, "mark a collection"));
	return sqlite3_changes(store->db) == 1 ? BW_OK : BW_ERR_NOT_FOUND;
}

enum bw_err bw_store_collection_mark(struct bw_store *store, uint16_t number, struct bw_slice marking)
{
	struct bw_step step;
	enum bw_err err;

	BW_NEED(marking.len < BW_MARKING_TEXT, TOO_BIG);
	BW_TRY(bw_step_begin(store, &step));
	err = set_marking(store, number, marking);
	if (err == BW_OK)
		store->catalog_changed = true;
	return bw_step_end(store, &step, err);
}

/* ---- of partners --------------------------------------------------------------- */

static enum bw_err find_inbound(struct bw_store *store, const uint8_t node[BW_SHA256_BYTES], struct bw_collection *out)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	bool found;

	BW_TRY(bw_store_note(store, bw_sql_prepare(store->db, COLUMNS " AND node = ?1", &stmt),
			     "look for a partner's collection"));
	bw_sql_bind_blob(stmt, 1, bw_slice_of(node, BW_SHA256_BYTES));
	BW_TRY(bw_store_note(store, bw_sql_row(stmt, &found), "look for a partner's collection"));
	BW_NEED(found, NOT_FOUND);
	read_collection(store, stmt, out);
	return BW_OK;
}

/* "from-lake-centre" of "Lake Centre", when nothing else is called so: a guard's command line names it. "": none. */
static void name_after(struct bw_store *store, struct bw_slice title, char out[BW_ALIAS_MAX])
{
	static const char from[] = "from-";
	size_t at = sizeof(from) - 1;
	struct bw_collection other;

	memcpy(out, from, sizeof(from));
	for (size_t i = 0; i < title.len && at + 1 < BW_ALIAS_MAX; i++) {
		const uint8_t c = title.ptr[i];

		if (bw_is_alnum(c))
			out[at++] = (char)bw_to_lower(c);
		else if (out[at - 1] != '-')
			out[at++] = '-';
	}
	while (at > 0 && out[at - 1] == '-')
		at--;
	out[at] = '\0';
	if (at < sizeof(from) || bw_store_collection_find(store, bw_slice_text(out), &other) != BW_ERR_NOT_FOUND)
		out[0] = '\0';
}

enum bw_err bw_store_inbound(struct bw_store *store, const uint8_t node[BW_SHA256_BYTES], struct bw_slice title,
			     struct bw_collection *out)
{
	struct bw_collection fresh = { .is_inbound = true, .description = "what a partner tells this node" };
	const enum bw_err err = find_inbound(store, node, out);
	struct bw_uuid uuid;

	if (err != BW_ERR_NOT_FOUND)
		return err;
	bw_uuid_v4(&uuid);
	bw_uuid_format(&uuid, fresh.id);
	copy_field(fresh.title, sizeof(fresh.title), title);
	name_after(store, title, fresh.alias);
	memcpy(fresh.node, node, sizeof(fresh.node));
	BW_TRY(bw_store_collection_add(store, &fresh));
	*out = fresh;
	return BW_OK;
}

enum bw_err bw_store_collection_node(struct bw_store *store, uint16_t number, bool *is_inbound,
				     uint8_t out_node[BW_SHA256_BYTES])
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	struct bw_slice node;
	bool found;

	BW_TRY(bw_store_note(store, bw_sql_prepare(store->db, "SELECT node FROM collection WHERE number = ?", &stmt),
			     "look for a collection"));
	(void)sqlite3_bind_int(stmt, 1, number);
	BW_TRY(bw_store_note(store, bw_sql_row(stmt, &found), "look for a collection"));
	BW_NEED(found, NOT_FOUND);
	node = bw_sql_blob(stmt, 0);
	*is_inbound = node.len == BW_SHA256_BYTES;
	memset(out_node, 0, BW_SHA256_BYTES);
	if (*is_inbound)
		memcpy(out_node, node.ptr, BW_SHA256_BYTES);
	return BW_OK;
}

enum bw_err bw_store_collections(struct bw_store *store, struct bw_arena *arena, struct bw_collection **out,
				 size_t *out_count)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	struct bw_collection *list;
	int64_t cap;
	size_t count = 0;
	bool found;

	BW_TRY(bw_sql_number(store->db, "SELECT count(*) FROM collection WHERE gone = 0", &cap));
	list = bw_arena_zero(arena, (size_t)cap + 1, sizeof(*list));
	BW_NEED(list != NULL, MEMORY);
	BW_TRY(bw_store_note(store, bw_sql_prepare(store->db, COLUMNS " ORDER BY number", &stmt), "list collections"));
	for (;;) {
		BW_TRY(bw_store_note(store, bw_sql_row(stmt, &found), "list collections"));
		if (!found || count == (size_t)cap)
			break;
		read_collection(store, stmt, &list[count++]);
	}
	*out = list;
	*out_count = count;
	return BW_OK;
}
