/* Objects out: TAXII 2.1 §3.4 (filters) over the catalogue, bodies from the table. */
#include "store/engine.h"

#include <stdlib.h>

#include "sys/clock.h"

enum {
	LOOKS_MAX = 20000, /* rows one page may look at in vain before it hands back what it has */
	IDS_MAX = 1000,
	VERSIONS_MAX = 1000,
	ORIGIN_BYTES = 512, /* what is told of where a row came from, about */
};

struct walk {
	struct bw_store *store;
	const struct bw_query *query;
	struct bw_arena *arena;
	struct bw_page *page;
	struct bw_cat_filter filter;
	uint32_t *candidates;
	size_t candidate_count;
	size_t row_cap;
	size_t bytes;
	size_t in_vain;
	struct bw_chain_firsts first;
	bool others; /* custom types without a number are asked for: names are compared */
	bool full;
};

/* ---- the filter ----------------------------------------------------------- */

static enum bw_err add_type(struct bw_store *store, struct bw_slice name, struct walk *walk)
{
	const enum bw_stix_type type = bw_stix_type_of(name);
	uint8_t number;

	BW_TRY(bw_type_number(store, type, name, false, &number));
	if (number == BW_CAT_TYPE_OTHER && store->role == BW_STORE_READER) {
		/* the writer may have named it since we looked */
		BW_TRY(bw_types_load(store));
		BW_TRY(bw_type_number(store, type, name, false, &number));
	}
	walk->filter.types[number] = true;
	walk->others = walk->others || number == BW_CAT_TYPE_OTHER;
	return BW_OK;
}

static enum bw_err fill_types(struct walk *walk)
{
	if (walk->query->type_count == 0)
		memset(walk->filter.types, true, sizeof(walk->filter.types));
	for (size_t i = 0; i < walk->query->type_count; i++)
		BW_TRY(add_type(walk->store, walk->query->types[i], walk));
	return BW_OK;
}

static bool spec_fits(const struct bw_query *query, uint8_t flags, bool every_spec)
{
	const char *spec = (flags & BW_CAT_SPEC20) != 0 ? "2.0" : "2.1";

	if (query->spec_count == 0)
		return every_spec || (flags & BW_CAT_NEWSPEC) != 0;
	for (size_t i = 0; i < query->spec_count; i++) {
		if (bw_slice_is(query->specs[i], spec))
			return true;
	}
	return false;
}

static void fill_flags(struct bw_cat_filter *filter, const struct bw_query *query, unsigned picks, bool every_spec)
{
	for (unsigned flags = 0; flags < 256; flags++) {
		const bool base = (flags & BW_CAT_GONE) == 0 && spec_fits(query, (uint8_t)flags, every_spec);

		filter->flags[flags] = base && ((picks & BW_PICK_ALL) != 0 ||
						((picks & BW_PICK_LAST) != 0 && (flags & BW_CAT_LAST) != 0) ||
						((picks & BW_PICK_FIRST) != 0 && (flags & BW_CAT_FIRST) != 0));
		filter->version_flags[flags] = base && query->version_count > 0;
	}
}

static enum bw_err fill_versions(struct walk *walk)
{
	const struct bw_query *query = walk->query;
	uint32_t *marks = bw_arena_zero(walk->arena, query->version_count + 1, sizeof(*marks));

	BW_NEED(marks != NULL, MEMORY);
	for (size_t i = 0; i < query->version_count; i++)
		marks[i] = bw_version_mark(walk->store, query->versions[i]);
	walk->filter.versions = marks;
	walk->filter.version_count = query->version_count;
	return BW_OK;
}

static enum bw_err fill_filter(struct walk *walk, unsigned default_picks, bool every_spec)
{
	const struct bw_query *query = walk->query;
	const unsigned picks = query->picks == 0 && query->version_count == 0 ? default_picks : query->picks;

	BW_NEED(query->version_count <= VERSIONS_MAX && query->id_count <= IDS_MAX, TOO_MANY);
	walk->filter.collection = query->collection;
	BW_TRY(fill_types(walk));
	fill_flags(&walk->filter, query, picks, every_spec);
	return fill_versions(walk);
}

/* ---- rows by content version: their version is their date added --------------- */

static bool is_content_row(const struct walk *walk, int64_t row)
{
	const struct bw_catalogue *cat = &walk->store->cat;
	const uint8_t flags = cat->flags[row];

	return (flags & BW_CAT_CONTENT) != 0 && walk->filter.version_flags[flags] &&
	       cat->collection[row] == walk->filter.collection && walk->filter.types[cat->type[row]];
}

/* Whether the row's version is asked for by its date added. */
static bool content_version_asked(const struct walk *walk, uint64_t row)
{
	for (size_t i = 0; i < walk->query->version_count; i++) {
		int64_t time_us;

		if (bw_time_parse_any(walk->query->versions[i], &time_us) == BW_OK &&
		    time_us == walk->store->cat.added[row])
			return is_content_row(walk, (int64_t)row);
	}
	return false;
}

/* ---- filling the page ------------------------------------------------------------ */

static bool version_asked(const struct walk *walk, const struct bw_entry *entry)
{
	for (size_t i = 0; i < walk->query->version_count; i++) {
		if (bw_version_compare(walk->query->versions[i], entry->version) == 0)
			return true;
	}
	return false;
}

static bool type_asked(const struct walk *walk, struct bw_slice id)
{
	for (size_t i = 0; i < walk->query->type_count; i++) {
		const struct bw_slice name = walk->query->types[i];

		if (id.len > name.len + 2 && bw_slice_starts(id, name) && id.ptr[name.len] == '-' &&
		    id.ptr[name.len + 1] == '-')
			return true;
	}
	return false;
}

/* The catalogue matches by marks; the row itself decides. */
static bool really_matches(const struct walk *walk, uint64_t row, const struct bw_entry *entry)
{
	const struct bw_catalogue *cat = &walk->store->cat;

	if (cat->type[row] == BW_CAT_TYPE_OTHER && walk->others && !type_asked(walk, entry->id))
		return false;
	return walk->filter.flags[cat->flags[row]] || version_asked(walk, entry);
}

static enum bw_err add_origin(struct walk *walk, uint64_t row, struct bw_row *out)
{
	struct bw_provenance from;
	struct bw_provenance *kept;
	const enum bw_err err = bw_store_provenance(walk->store, out->date_added_us, &from);

	out->from = NULL;
	out->first_collection = bw_chain_first(&walk->store->cat, row, &walk->first);
	if (err == BW_ERR_NOT_FOUND)
		return BW_OK;
	BW_TRY(err);
	kept = bw_arena_take(walk->arena, sizeof(*kept));
	BW_NEED(kept != NULL, MEMORY);
	*kept = from;
	out->from = kept;
	return BW_OK;
}

static enum bw_err add_row(struct walk *walk, uint64_t row, const struct bw_entry *entry)
{
	struct bw_row *out = &walk->page->rows[walk->page->count];
	const size_t need = entry->body.len + entry->id.len + entry->version.len + sizeof(*out) +
			    (walk->query->origins ? ORIGIN_BYTES : 0);

	if (walk->page->count > 0 && need > walk->query->max_bytes - walk->bytes) {
		walk->full = true;
		return BW_OK;
	}
	out->date_added_us = walk->store->cat.added[row];
	out->spec_major = 2;
	out->spec_minor = (entry->flags & BW_CAT_SPEC20) != 0 ? 0 : 1;
	BW_TRY(bw_arena_copy(walk->arena, entry->id, &out->id));
	BW_TRY(bw_arena_copy(walk->arena, entry->version, &out->version));
	out->body = bw_slice_empty;
	if (walk->query->bodies)
		BW_TRY(bw_arena_copy(walk->arena, entry->body, &out->body));
	if (walk->query->origins)
		BW_TRY(add_origin(walk, row, out));
	walk->bytes += need < walk->query->max_bytes - walk->bytes ? need : walk->query->max_bytes - walk->bytes;
	walk->page->count++;
	return BW_OK;
}

static enum bw_err take(struct walk *walk, uint64_t row)
{
	struct bw_entry entry;
	const enum bw_err err = walk->query->bodies ? bw_entry_full(walk->store, row, &entry)
						    : bw_entry_head(walk->store, row, &entry);

	walk->in_vain++;
	if (err == BW_ERR_NOT_FOUND) /* deleted since the catalogue was read */
		return BW_OK;
	BW_TRY(err);
	if (!really_matches(walk, row, &entry))
		return BW_OK;
	walk->in_vain--;
	return add_row(walk, row, &entry);
}

/* Takes candidates in order until the page is full; what is left over means more. */
static enum bw_err take_all(struct walk *walk)
{
	for (size_t i = 0; i < walk->candidate_count; i++) {
		if (walk->full || walk->page->count == walk->row_cap || walk->in_vain > LOOKS_MAX) {
			walk->page->more = true;
			return BW_OK;
		}
		BW_TRY(take(walk, walk->candidates[i]));
		if (!walk->full)
			walk->page->scanned_us = walk->store->cat.added[walk->candidates[i]];
		else
			walk->page->more = true;
	}
	return BW_OK;
}

/* ---- candidates --------------------------------------------------------------------- */

static int by_row(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a;
	const uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void sort_candidates(struct walk *walk)
{
	size_t kept = 0;

	qsort(walk->candidates, walk->candidate_count, sizeof(*walk->candidates), by_row);
	for (size_t i = 0; i < walk->candidate_count; i++) {
		if (i == 0 || walk->candidates[i] != walk->candidates[kept - 1])
			walk->candidates[kept++] = walk->candidates[i];
	}
	walk->candidate_count = kept;
}

/* Keeps the lowest `cap` ordinals: a chain can be longer than any page. */
static void keep_candidate(struct walk *walk, uint32_t row, size_t cap)
{
	if (walk->candidate_count == cap) {
		sort_candidates(walk);
		if (walk->candidate_count > cap / 2)
			walk->candidate_count = cap / 2;
	}
	walk->candidates[walk->candidate_count++] = row;
}

static enum bw_err by_ids(struct walk *walk, uint64_t rows)
{
	const struct bw_catalogue *cat = &walk->store->cat;
	const size_t cap = 2 * (walk->row_cap + 1);

	walk->candidates = bw_arena_zero(walk->arena, cap, sizeof(*walk->candidates));
	BW_NEED(walk->candidates != NULL, MEMORY);
	for (size_t i = 0; i < walk->query->id_count; i++) {
		int64_t row;

		BW_TRY(bw_entry_find(walk->store, walk->query->ids[i], rows, &row));
		for (; row != BW_CAT_NONE; row = bw_cat_before(cat, row)) {
			if (cat->collection[row] != walk->query->collection || (cat->flags[row] & BW_CAT_GONE) != 0)
				continue;
			walk->page->known = true;
			if (cat->added[row] <= walk->query->added_after_us)
				continue;
			if (bw_cat_matches(cat, &walk->filter, (uint64_t)row) ||
			    content_version_asked(walk, (uint64_t)row))
				keep_candidate(walk, (uint32_t)row, cap);
		}
	}
	sort_candidates(walk);
	return take_all(walk);
}

/* Rows asked for by date added, at most one per version asked for. */
static size_t content_rows(const struct walk *walk, uint64_t from, uint64_t to, uint32_t *out)
{
	size_t count = 0;

	for (size_t i = 0; i < walk->query->version_count; i++) {
		int64_t time_us;
		int64_t row;

		if (bw_time_parse_any(walk->query->versions[i], &time_us) != BW_OK)
			continue;
		row = bw_cat_at(&walk->store->cat, time_us, to);
		if (row >= (int64_t)from && is_content_row(walk, row))
			out[count++] = (uint32_t)row;
	}
	return count;
}

static enum bw_err by_scan(struct walk *walk, uint64_t rows)
{
	const size_t scan_cap = walk->row_cap + 1;
	uint64_t from = bw_cat_after(&walk->store->cat, walk->query->added_after_us, rows);

	walk->candidates = bw_arena_zero(walk->arena, scan_cap + walk->query->version_count, sizeof(*walk->candidates));
	BW_NEED(walk->candidates != NULL, MEMORY);
	while (from < rows && !walk->page->more) {
		uint64_t scanned;

		walk->candidate_count = bw_cat_scan(&walk->store->cat, &walk->filter, from, rows, walk->candidates,
						    scan_cap, &scanned);
		if (walk->query->version_count > 0) {
			walk->candidate_count += content_rows(walk, from, scanned,
							      walk->candidates + walk->candidate_count);
			sort_candidates(walk);
		}
		BW_TRY(take_all(walk));
		from = scanned;
	}
	return BW_OK;
}

static enum bw_err make_page(struct walk *walk)
{
	const uint64_t rows = walk->store->in_transaction ? walk->store->cat.rows : bw_cat_published(&walk->store->cat);

	BW_TRY(fill_filter(walk, BW_PICK_LAST, false));
	walk->row_cap = walk->query->limit;
	walk->page->rows = bw_arena_zero(walk->arena, walk->row_cap, sizeof(*walk->page->rows));
	BW_NEED(walk->page->rows != NULL, MEMORY);
	if (walk->query->id_count > 0)
		return by_ids(walk, rows);
	return by_scan(walk, rows);
}

enum bw_err bw_store_page(struct bw_store *store, const struct bw_query *query, struct bw_arena *arena,
			  struct bw_page *out)
{
	struct bw_page page = { .scanned_us = query->added_after_us };
	struct walk walk = { .store = store, .query = query, .arena = arena, .page = &page };
	const bool own = !store->in_transaction;
	enum bw_err err;

	BW_NEED(query->limit >= 1 && query->limit <= BW_PAGE_MAX, RANGE);
	/* one snapshot, and its lock taken once, for all rows of the page */
	if (own)
		BW_TRY(bw_store_note(store, bw_sql_run(store->db, "BEGIN"), "begin to read"));
	err = make_page(&walk);
	bw_entry_done(store);
	if (own && bw_sql_run(store->db, "COMMIT") != BW_OK)
		(void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	BW_TRY(err);
	*out = page;
	return BW_OK;
}

enum bw_err bw_page_select(struct bw_store *store, const struct bw_query *query, struct bw_arena *arena, int64_t newest,
			   uint32_t **out, size_t *out_count)
{
	const struct bw_catalogue *cat = &store->cat;
	struct bw_page page = { 0 };
	struct walk walk = { .store = store, .query = query, .arena = arena, .page = &page };
	size_t length = 0;

	BW_TRY(fill_filter(&walk, BW_PICK_ALL, true));
	for (int64_t row = newest; row != BW_CAT_NONE; row = bw_cat_before(cat, row))
		length++;
	walk.candidates = bw_arena_zero(arena, length + 1, sizeof(*walk.candidates));
	BW_NEED(walk.candidates != NULL, MEMORY);
	for (int64_t row = newest; row != BW_CAT_NONE; row = bw_cat_before(cat, row)) {
		const uint8_t flags = bw_cat_flags(cat, (uint64_t)row);
		struct bw_entry entry;

		if (cat->collection[row] != query->collection)
			continue;
		if (walk.filter.flags[flags]) {
			walk.candidates[walk.candidate_count++] = (uint32_t)row;
		} else if (walk.filter.version_flags[flags]) {
			BW_TRY(bw_entry_head(store, (uint64_t)row, &entry));
			if (version_asked(&walk, &entry))
				walk.candidates[walk.candidate_count++] = (uint32_t)row;
		}
	}
	*out = walk.candidates;
	*out_count = walk.candidate_count;
	return BW_OK;
}
