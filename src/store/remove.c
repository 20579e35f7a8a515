/* Objects gone: TAXII DELETE, erasure, the end of a collection. */
#include "store/engine.h"

enum { ARENA_BYTES = 1 << 30 };

enum bw_err bw_store_keep_floor(struct bw_store *store)
{
	char text[24];
	sqlite3_stmt *stmt;

	(void)sqlite3_snprintf((int)sizeof(text), text, "%lld", (long long)store->last_added_us);
	BW_TRY(bw_store_statement(store, BW_SQL_SETTING_PUT, &stmt));
	bw_sql_bind_text(stmt, 1, BW_LIT("store.floor"));
	bw_sql_bind_blob(stmt, 2, bw_slice_text(text));
	return bw_store_do(store, stmt, "remember the newest date added");
}

bool bw_chain_is_elsewhere(const struct bw_store *store, int64_t newest, uint16_t collection)
{
	for (int64_t row = newest; row != BW_CAT_NONE; row = bw_cat_before(&store->cat, row)) {
		if (store->cat.collection[row] != collection &&
		    (bw_cat_flags(&store->cat, (uint64_t)row) & BW_CAT_GONE) == 0)
			return true;
	}
	return false;
}

static enum bw_err delete_rows(struct bw_store *store, const struct bw_query *query, struct bw_arena *arena,
			       uint64_t *out_removed)
{
	int64_t newest;
	uint32_t *rows;
	size_t count;
	bool shared;

	BW_TRY(bw_entry_find(store, query->ids[0], store->cat.rows, &newest));
	BW_NEED(newest != BW_CAT_NONE, NOT_FOUND);
	BW_TRY(bw_page_select(store, query, arena, newest, &rows, &count));
	BW_NEED(count > 0, NOT_FOUND);
	/* asked once: each row's own answer would take a walk over all versions */
	shared = bw_chain_is_elsewhere(store, newest, query->collection);
	for (size_t i = 0; i < count; i++)
		BW_TRY(bw_entry_remove(store, rows[i], newest, shared));
	BW_TRY(bw_chain_judge(store, newest, query->collection));
	BW_TRY(bw_store_keep_floor(store));
	*out_removed = count;
	return BW_OK;
}

enum bw_err bw_store_delete(struct bw_store *store, const struct bw_query *query, uint64_t *out_removed)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(ARENA_BYTES);
	struct bw_step step;
	enum bw_err err;

	BW_NEED(query->id_count == 1, USAGE);
	BW_TRY(bw_step_begin(store, &step));
	err = delete_rows(store, query, &arena, out_removed);
	bw_entry_done(store);
	bw_lineages_forget(&store->lineages);
	return bw_step_end(store, &step, err);
}

/* ---- erasure -------------------------------------------------------------------- */

static enum bw_err remember_erased(struct bw_store *store, struct bw_slice id, struct bw_slice reason)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	uint8_t hash[32];

	BW_TRY(bw_erased_hash(store, id, hash));
	BW_TRY(bw_sql_prepare(store->db,
			      "INSERT INTO erased(id_hash, time, reason) VALUES(?,?,?) ON CONFLICT DO NOTHING", &stmt));
	bw_sql_bind_blob(stmt, 1, bw_slice_of(hash, sizeof(hash)));
	(void)sqlite3_bind_int64(stmt, 2, store->now_us());
	bw_sql_bind_text(stmt, 3, reason);
	BW_TRY(bw_store_do(store, stmt, "remember an erasure"));
	store->erased_added += (uint64_t)sqlite3_changes(store->db);
	return BW_OK;
}

static enum bw_err forget_conflicts(struct bw_store *store, struct bw_slice id)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;

	BW_TRY(bw_sql_prepare(store->db, "DELETE FROM conflict WHERE id=?", &stmt));
	bw_sql_bind_text(stmt, 1, id);
	return bw_store_do(store, stmt, "forget conflicts");
}

static enum bw_err erase_rows(struct bw_store *store, struct bw_slice id, struct bw_slice reason, uint64_t *out_removed)
{
	uint64_t removed = 0;
	int64_t newest;

	BW_TRY(remember_erased(store, id, reason));
	BW_TRY(forget_conflicts(store, id));
	BW_TRY(bw_entry_find(store, id, store->cat.rows, &newest));
	for (int64_t row = newest; row != BW_CAT_NONE; row = bw_cat_before(&store->cat, row)) {
		if ((bw_cat_flags(&store->cat, (uint64_t)row) & BW_CAT_GONE) != 0)
			continue;
		BW_TRY(bw_index_forget(store, (uint64_t)row));
		BW_TRY(bw_entry_remove(store, (uint64_t)row, newest, false));
		removed++;
	}
	BW_TRY(bw_store_keep_floor(store));
	store->wipe_due = true;
	*out_removed = removed;
	return BW_OK;
}

enum bw_err bw_store_erase(struct bw_store *store, struct bw_slice id, struct bw_slice reason, uint64_t *out_removed)
{
	struct bw_step step;
	const uint64_t added = store->erased_added;
	enum bw_err err;

	BW_TRY(bw_step_begin(store, &step));
	err = erase_rows(store, id, reason, out_removed);
	bw_entry_done(store);
	bw_lineages_forget(&store->lineages);
	if (err != BW_OK)
		store->erased_added = added;
	return bw_step_end(store, &step, err);
}

/* ---- collections ------------------------------------------------------------------- */

enum bw_err bw_collection_empty(struct bw_store *store, uint16_t number)
{
	const struct bw_catalogue *cat = &store->cat;

	for (uint64_t row = 0; row < cat->rows; row++) {
		int64_t newest;
		struct bw_entry entry;

		if (cat->collection[row] != number || (bw_cat_flags(cat, row) & BW_CAT_GONE) != 0)
			continue;
		BW_TRY(bw_entry_head(store, row, &entry));
		bw_buf_clear(&store->scratch);
		BW_TRY(bw_buf_add(&store->scratch, entry.id)); /* the look-up below reuses the statement */
		BW_TRY(bw_entry_find(store, bw_buf_slice(&store->scratch), cat->rows, &newest));
		BW_TRY(bw_entry_remove(store, row, newest, true));
	}
	return bw_store_keep_floor(store);
}
