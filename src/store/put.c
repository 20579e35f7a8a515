/* What becomes of a record that comes in: STIX 2.1 §3.6, TAXII 2.1 §5.5. */
#include "store/engine.h"
#include "store/terms.h"

enum {
	BODY_MAX = 256 * 1024 * 1024, /* far below what SQLite can bind; intel's limits are lower */
	NAME_MAX_BYTES = 4096,
};

/* What the store knows of the object a record is a version of. Ordinals, BW_CAT_NONE when there is none. */
struct known {
	int64_t newest;  /* of the whole chain */
	int64_t same;    /* this very version in this collection */
	int64_t twin_us; /* date added of a body to share: same version and content, other collection; 0: none */
	int64_t twin;    /* the row that has it, or shares it itself */
	int64_t clash;   /* the same version with other content in another collection */
	int64_t last;    /* in this collection and specification version */
	int64_t first;
	bool revoked_seen;   /* the earliest revoked version has been looked at */
	bool revoked_before; /* a version not newer than this one revoked the object */
	bool has_21;
	bool has_20;
};

static bool is_content(const struct bw_record *record)
{
	return record->versioning == BW_VERSION_CONTENT;
}

static uint8_t kind_flags(const struct bw_record *record)
{
	return (uint8_t)((record->spec_minor == 0 ? BW_CAT_SPEC20 : 0) | (is_content(record) ? BW_CAT_CONTENT : 0));
}

static bool same_hash(const struct bw_entry *entry, const struct bw_record *record)
{
	return memcmp(entry->hash.ptr, record->hash, BW_HASH_BYTES) == 0;
}

/* Whether a row whose marks fit is really the record's version. */
static bool same_version(const struct bw_entry *entry, const struct bw_record *record)
{
	return is_content(record) ? same_hash(entry, record) : bw_version_compare(entry->version, record->version) == 0;
}

static enum bw_err look_at_same(struct bw_store *store, int64_t row, uint16_t collection,
				const struct bw_record *record, struct known *known)
{
	struct bw_entry entry;

	if (store->cat.collection[row] != collection && known->twin_us != 0)
		return BW_OK;
	BW_TRY(bw_entry_head(store, (uint64_t)row, &entry));
	if (!same_version(&entry, record))
		return BW_OK;
	if (store->cat.collection[row] == collection) {
		known->same = row;
	} else if (same_hash(&entry, record)) {
		known->twin_us = entry.body_at == 0 ? store->cat.added[row] : entry.body_at;
		known->twin = row;
	} else {
		known->clash = row;
	}
	return BW_OK;
}

/*
 * The row added last is the earliest of the revoked versions: a later one would have been refused.
 * So the first on the way back decides, however many revoked versions somebody has sent in reverse.
 */
static enum bw_err look_at_revoked(struct bw_store *store, int64_t row, const struct bw_record *record,
				   struct known *known)
{
	struct bw_entry entry;

	if (known->revoked_seen)
		return BW_OK;
	known->revoked_seen = true;
	BW_TRY(bw_entry_head(store, (uint64_t)row, &entry));
	if (is_content(record) || bw_version_compare(entry.version, record->version) < 0)
		known->revoked_before = true;
	return BW_OK;
}

static enum bw_err look_at(struct bw_store *store, int64_t row, uint16_t collection, const struct bw_record *record,
			   uint32_t mark, struct known *known)
{
	const uint8_t kind = BW_CAT_SPEC20 | BW_CAT_CONTENT;
	const uint8_t flags = bw_cat_flags(&store->cat, (uint64_t)row);

	if ((flags & BW_CAT_GONE) != 0)
		return BW_OK;
	if (store->cat.version[row] == mark && (flags & kind) == kind_flags(record))
		BW_TRY(look_at_same(store, row, collection, record, known));
	if (store->cat.collection[row] != collection)
		return BW_OK;
	if ((flags & BW_CAT_SPEC20) != 0)
		known->has_20 = true;
	else
		known->has_21 = true;
	if ((flags & BW_CAT_REVOKED) != 0)
		BW_TRY(look_at_revoked(store, row, record, known));
	if ((flags & BW_CAT_SPEC20) == (kind_flags(record) & BW_CAT_SPEC20)) {
		if ((flags & BW_CAT_LAST) != 0)
			known->last = row;
		if ((flags & BW_CAT_FIRST) != 0)
			known->first = row;
	}
	return BW_OK;
}

static enum bw_err walk_chain(struct bw_store *store, uint16_t collection, const struct bw_record *record,
			      uint32_t mark, struct known *known)
{
	size_t walked = 0;

	for (int64_t row = known->newest; row != BW_CAT_NONE; row = bw_cat_before(&store->cat, row), walked++)
		BW_TRY(look_at(store, row, collection, record, mark, known));
	if (known->newest != BW_CAT_NONE)
		(void)bw_chain_learn(store, known->newest, walked); /* the next version's answer comes from there */
	return BW_OK;
}

/* The same without a walk: what a lineage says stands for the rows of other versions. */
static enum bw_err recall(struct bw_store *store, const struct bw_lineage *lineage, uint16_t collection,
			  const struct bw_record *record, uint32_t mark, struct known *known)
{
	const struct bw_lineage_part *part = bw_lineage_part(lineage, collection);
	const uint8_t kind = BW_CAT_SPEC20 | BW_CAT_CONTENT;
	const size_t old = record->spec_minor == 0;
	uint64_t probe = 0;
	int64_t row;

	while ((row = bw_lineage_next(lineage, &store->cat, mark, &probe)) != BW_CAT_NONE) {
		const uint8_t flags = bw_cat_flags(&store->cat, (uint64_t)row);

		if ((flags & BW_CAT_GONE) == 0 && (flags & kind) == kind_flags(record))
			BW_TRY(look_at_same(store, row, collection, record, known));
	}
	if (part == NULL)
		return BW_OK;
	known->has_21 = part->has[0];
	known->has_20 = part->has[1];
	known->last = part->last[old];
	known->first = part->first[old];
	return part->revoked == BW_CAT_NONE ? BW_OK : look_at_revoked(store, part->revoked, record, known);
}

static enum bw_err find_out(struct bw_store *store, uint16_t collection, const struct bw_record *record, uint32_t mark,
			    struct known *out)
{
	const struct bw_lineage *lineage = NULL;
	struct known known = { .newest = BW_CAT_NONE,
			       .same = BW_CAT_NONE,
			       .clash = BW_CAT_NONE,
			       .last = BW_CAT_NONE,
			       .first = BW_CAT_NONE };

	BW_TRY(bw_entry_find(store, record->id, store->cat.rows, &known.newest));
	if (known.newest != BW_CAT_NONE)
		lineage = bw_lineage_find(store->lineages, &store->cat, known.newest);
	if (lineage != NULL)
		BW_TRY(recall(store, lineage, collection, record, mark, &known));
	else
		BW_TRY(walk_chain(store, collection, record, mark, &known));
	*out = known;
	return BW_OK;
}

static enum bw_err was_erased(struct bw_store *store, struct bw_slice id, bool *out)
{
	BW_CLEANUP(bw_sql_reset) sqlite3_stmt *stmt = NULL;
	uint8_t hash[32];

	*out = false;
	if (store->erased_count + store->erased_added == 0)
		return BW_OK;
	BW_TRY(bw_erased_hash(store, id, hash));
	BW_TRY(bw_store_statement(store, BW_SQL_ERASED_FIND, &stmt));
	bw_sql_bind_blob(stmt, 1, bw_slice_of(hash, sizeof(hash)));
	return bw_store_note(store, bw_sql_row(stmt, out), "look for erasures");
}

/* ---- deciding ---------------------------------------------------------------- */

static enum bw_err record_conflict(struct bw_store *store, uint16_t collection, const struct bw_record *record,
				   int64_t kept_row)
{
	uint8_t kept[BW_HASH_BYTES];
	struct bw_entry entry;
	sqlite3_stmt *stmt;

	BW_TRY(bw_entry_head(store, (uint64_t)kept_row, &entry));
	memcpy(kept, entry.hash.ptr, sizeof(kept));
	BW_TRY(bw_store_statement(store, BW_SQL_CONFLICT_ADD, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, store->now_us());
	(void)sqlite3_bind_int(stmt, 2, collection);
	bw_sql_bind_text(stmt, 3, record->id);
	bw_sql_bind_text(stmt, 4, record->version);
	bw_sql_bind_blob(stmt, 5, bw_slice_of(kept, sizeof(kept)));
	bw_sql_bind_blob(stmt, 6, bw_slice_of(record->hash, sizeof(record->hash)));
	return bw_store_do(store, stmt, "record a conflict");
}

/* Whether the record is newer than the row; BW_CAT_NONE is older than everything. */
static enum bw_err is_newer(struct bw_store *store, const struct bw_record *record, int64_t row, bool *out)
{
	struct bw_entry entry;

	*out = true;
	if (row == BW_CAT_NONE || is_content(record)) /* content is as new as its arrival */
		return BW_OK;
	BW_TRY(bw_entry_head(store, (uint64_t)row, &entry));
	*out = bw_version_compare(record->version, entry.version) > 0;
	return BW_OK;
}

static enum bw_err clear_flags(struct bw_store *store, int64_t row, unsigned flags)
{
	return bw_cat_set_flags(&store->cat, (uint64_t)row,
				(uint8_t)(bw_cat_flags(&store->cat, (uint64_t)row) & ~flags));
}

/* A first 2.1 representation makes every 2.0 row of the object second choice. */
static enum bw_err demote_20(struct bw_store *store, uint16_t collection, int64_t newest)
{
	for (int64_t row = newest; row != BW_CAT_NONE; row = bw_cat_before(&store->cat, row)) {
		if (store->cat.collection[row] == collection)
			BW_TRY(clear_flags(store, row, BW_CAT_NEWSPEC));
	}
	return BW_OK;
}

/* The flags of the new row; takes away what it takes over from others. */
static enum bw_err place(struct bw_store *store, uint16_t collection, const struct bw_record *record,
			 const struct known *known, uint8_t *out)
{
	uint8_t flags = kind_flags(record);
	bool newer;
	bool older = known->first == BW_CAT_NONE;

	BW_TRY(is_newer(store, record, known->last, &newer));
	if (newer) {
		flags |= BW_CAT_LAST;
		if (known->last != BW_CAT_NONE)
			BW_TRY(clear_flags(store, known->last, BW_CAT_LAST));
	} else {
		bool newer_than_first;

		BW_TRY(is_newer(store, record, known->first, &newer_than_first));
		older = !newer_than_first;
	}
	if (older) {
		flags |= BW_CAT_FIRST;
		if (known->first != BW_CAT_NONE)
			BW_TRY(clear_flags(store, known->first, BW_CAT_FIRST));
	}
	if (record->spec_minor != 0 || !known->has_21)
		flags |= BW_CAT_NEWSPEC;
	if (record->spec_minor != 0 && known->has_20 && !known->has_21)
		BW_TRY(demote_20(store, collection, known->newest));
	if (record->revoked)
		flags |= BW_CAT_REVOKED;
	*out = flags;
	return BW_OK;
}

static enum bw_err write_entry(struct bw_store *store, const struct bw_cat_row *row, const struct bw_record *record,
			       int64_t body_at)
{
	sqlite3_stmt *stmt;

	BW_TRY(bw_lane_statement(store, BW_LANE_ADD, bw_lane_of(row->type), &stmt));
	(void)sqlite3_bind_int64(stmt, 1, row->added_us);
	(void)sqlite3_bind_int(stmt, 2, row->collection);
	(void)sqlite3_bind_int(stmt, 3, row->type);
	(void)sqlite3_bind_int(stmt, 4, row->flags);
	bw_sql_bind_text(stmt, 5, record->id);
	bw_sql_bind_text(stmt, 6, is_content(record) ? bw_slice_empty : record->version);
	bw_sql_bind_blob(stmt, 7, bw_slice_of(record->hash, sizeof(record->hash)));
	if (body_at != 0) {
		(void)sqlite3_bind_int64(stmt, 8, body_at);
		(void)sqlite3_bind_null(stmt, 9);
		(void)sqlite3_bind_null(stmt, 10);
	} else {
		bw_buf_clear(&store->terms);
		BW_TRY(bw_terms_pack(record, &store->terms));
		(void)sqlite3_bind_null(stmt, 8);
		bw_sql_bind_blob(stmt, 9, record->body);
		bw_sql_bind_blob(stmt, 10, bw_buf_slice(&store->terms));
	}
	return bw_store_do(store, stmt, "store an object");
}

/* Bodies are looked for in the row's own lane: a name that became a standard type in between shares nothing. */
static int64_t twin_for(const struct bw_store *store, const struct known *known, uint8_t type)
{
	if (known->twin_us == 0 || bw_lane_of(store->cat.type[known->twin]) != bw_lane_of(type))
		return 0;
	return known->twin_us;
}

static enum bw_err add(struct bw_store *store, uint16_t collection, const struct bw_record *record, uint32_t mark,
		       const struct known *known, struct bw_put *out)
{
	struct bw_cat_row row = { .identity = bw_cat_identity(&store->cat, record->id),
				  .version = mark,
				  .collection = collection };
	struct bw_lineage *lineage = NULL;

	BW_TRY(bw_type_number(store, record->type, record->type_name, true, &row.type));
	BW_TRY(place(store, collection, record, known, &row.flags));
	row.added_us = bw_store_next_added(store);
	BW_TRY(write_entry(store, &row, record, twin_for(store, known, row.type)));
	BW_TRY(bw_cat_append(&store->cat, &row, known->newest));
	if (known->newest != BW_CAT_NONE)
		lineage = bw_lineage_find(store->lineages, &store->cat, known->newest);
	if (lineage != NULL)
		bw_lineage_grow(&store->lineages, &store->cat, lineage, (int64_t)store->cat.rows - 1);
	bw_store_touch(store, collection);
	*out = (struct bw_put){ BW_PUT_ADDED, row.added_us };
	return BW_OK;
}

static enum bw_err put_again(struct bw_store *store, uint16_t collection, const struct bw_record *record,
			     const struct known *known, struct bw_put *out)
{
	const int64_t added_us = store->cat.added[known->same];
	struct bw_entry entry;

	BW_TRY(bw_entry_head(store, (uint64_t)known->same, &entry));
	if (same_hash(&entry, record)) {
		*out = (struct bw_put){ BW_PUT_DUPLICATE, added_us };
		return BW_OK;
	}
	*out = (struct bw_put){ BW_PUT_CONFLICT, added_us };
	return record_conflict(store, collection, record, known->same);
}

static enum bw_err put_one(struct bw_store *store, uint16_t collection, const struct bw_record *record,
			   struct bw_put *out)
{
	const uint32_t mark = is_content(record) ? bw_content_mark(record->hash)
						 : bw_version_mark(store, record->version);
	struct known known;
	bool erased;

	BW_NEED(record->body.len <= BODY_MAX && record->id.len <= NAME_MAX_BYTES &&
			record->version.len <= NAME_MAX_BYTES,
		TOO_BIG);
	BW_TRY(was_erased(store, record->id, &erased));
	if (erased) {
		*out = (struct bw_put){ BW_PUT_ERASED, 0 };
		return BW_OK;
	}
	BW_TRY(find_out(store, collection, record, mark, &known));
	if (known.same != BW_CAT_NONE)
		return put_again(store, collection, record, &known, out);
	if (known.revoked_before) {
		*out = (struct bw_put){ BW_PUT_REVOKED, 0 };
		return BW_OK;
	}
	/* what others wrote elsewhere cannot keep this collection from taking its own; but it is noted */
	if (known.clash != BW_CAT_NONE)
		BW_TRY(record_conflict(store, collection, record, known.clash));
	return add(store, collection, record, mark, &known, out);
}

/* `from` is NULL for what is this node's own. */
static enum bw_err put_all(struct bw_store *store, uint16_t collection, const struct bw_record *records,
			   const struct bw_provenance *from, size_t count, struct bw_put *out)
{
	struct bw_step step;
	enum bw_err err = BW_OK;

	BW_TRY(bw_step_begin(store, &step));
	for (size_t i = 0; i < count && err == BW_OK; i++) {
		err = put_one(store, collection, &records[i], &out[i]);
		if (err == BW_OK && from != NULL)
			err = bw_provenance_keep(store, &from[i], &out[i]);
	}
	bw_entry_done(store);
	return bw_step_end(store, &step, err);
}

enum bw_err bw_store_put(struct bw_store *store, uint16_t collection, const struct bw_record *records, size_t count,
			 struct bw_put *out)
{
	return put_all(store, collection, records, NULL, count, out);
}

enum bw_err bw_store_put_foreign(struct bw_store *store, uint16_t collection, const struct bw_record *records,
				 const struct bw_provenance *from, size_t count, struct bw_put *out)
{
	return put_all(store, collection, records, from, count, out);
}
