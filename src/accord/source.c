/* What is new, in the order in which it came. */
#include "accord/source.h"

#include <stdlib.h>

#include "accord/source_inner.h"

/* ---- opening ----------------------------------------------------------------------------- */

enum bw_err bw_sources_over(struct bw_store *store, struct bw_sources **out)
{
	struct bw_sources *s = calloc(1, sizeof(*s));

	BW_NEED(s != NULL, MEMORY);
	s->store = store;
	s->arena = BW_ARENA_INIT(256 * BW_MIB);
	*out = s;
	return BW_OK;
}

enum bw_err bw_sources_open(const char *data, int catalogue_fd, int bulletin_fd, struct bw_sources **out,
			    struct bw_why *why)
{
	const struct bw_store_options options = { .dir = data, .role = BW_STORE_READER, .catalogue_fd = catalogue_fd };
	struct bw_sources *s;
	enum bw_err err;

	BW_TRY(bw_sources_over(NULL, &s));
	err = bw_store_open(&options, &s->store);
	s->is_own = err == BW_OK;
	if (err != BW_OK)
		(void)bw_why_set(why, err, "cannot read the store in '%s': %s", data, bw_err_text(err));
	if (err == BW_OK) {
		err = bw_bulletin_open(bulletin_fd, &s->bulletin);
		s->has_bulletin = err == BW_OK;
		if (err != BW_OK)
			(void)bw_why_set(why, err, "the server's bulletin cannot be read: %s", bw_err_text(err));
	}
	if (err != BW_OK) {
		bw_sources_close(s);
		return err;
	}
	*out = s;
	return BW_OK;
}

void bw_sources_close(struct bw_sources *s)
{
	if (s == NULL)
		return;
	if (s->is_own)
		bw_store_close(s->store);
	if (s->has_bulletin)
		bw_bulletin_release(&s->bulletin);
	bw_arena_release(&s->arena);
	free(s);
}

bool bw_sources_moved(const struct bw_sources *s, int64_t after_us)
{
	return !s->has_bulletin || bw_bulletin_last_added_us(&s->bulletin) > after_us;
}

enum bw_err bw_sources_left(struct bw_sources *s, const uint8_t node[BW_SHA256_BYTES],
			    const uint8_t accord[BW_SHA256_BYTES], int64_t now_us, uint64_t *out_count)
{
	return bw_store_accord_left(s->store, node, accord, now_us, out_count);
}

/* ---- collections --------------------------------------------------------------------------- */

enum bw_err bw_sources_know(struct bw_sources *s)
{
	const uint64_t catalog = s->has_bulletin ? bw_bulletin_catalog(&s->bulletin) : 0;

	if (s->has_bulletin && s->has_collections && catalog == s->catalog)
		return BW_OK;
	s->has_collections = false;
	bw_arena_reset(&s->arena);
	BW_TRY(bw_store_collections(s->store, &s->arena, &s->collections, &s->collection_count));
	s->catalog = catalog;
	s->has_collections = true;
	return BW_OK;
}

enum bw_err bw_sources_of(struct bw_sources *s, const uint8_t node[BW_SHA256_BYTES], const struct bw_collection **out)
{
	BW_TRY(bw_sources_know(s));
	for (size_t i = 0; i < s->collection_count; i++) {
		uint8_t its[BW_SHA256_BYTES];
		bool is_inbound = false;

		if (!s->collections[i].is_inbound)
			continue;
		BW_TRY(bw_store_collection_node(s->store, s->collections[i].number, &is_inbound, its));
		if (!is_inbound || memcmp(its, node, sizeof(its)) != 0)
			continue;
		*out = &s->collections[i];
		return BW_OK;
	}
	return BW_ERR_NOT_FOUND;
}

/* As people name it: by id or alias, or by a title that no other has. */
static const struct bw_collection *named(const struct bw_sources *s, struct bw_slice word)
{
	const struct bw_collection *by_title = NULL;
	bool is_twice = false;

	for (size_t i = 0; i < s->collection_count; i++) {
		const struct bw_collection *c = &s->collections[i];

		if (bw_slice_is(word, c->id) || (c->alias[0] != '\0' && bw_slice_is(word, c->alias)))
			return c;
		if (bw_slice_is(word, c->title)) {
			is_twice = by_title != NULL;
			by_title = c;
		}
	}
	return is_twice ? NULL : by_title;
}

static enum bw_err kind_of(struct bw_sources *s, uint16_t number, enum bw_source_kind *out)
{
	uint8_t node[BW_SHA256_BYTES];
	bool is_inbound;

	if (s->kinds[number] == BW_SOURCE_UNKNOWN) {
		BW_TRY(bw_store_collection_node(s->store, number, &is_inbound, node));
		s->kinds[number] = is_inbound ? BW_SOURCE_INBOUND : BW_SOURCE_OURS;
	}
	*out = (enum bw_source_kind)s->kinds[number];
	return BW_OK;
}

enum bw_err bw_source_defaults(struct bw_sources *s, const struct bw_words *collections, struct bw_buf *out)
{
	BW_TRY(bw_sources_know(s));
	for (size_t i = 0; i < collections->count; i++) {
		const struct bw_collection *c = named(s, collections->of[i]);

		BW_TRY(bw_buf_add_block(out, c == NULL ? bw_slice_empty : bw_slice_text(c->marking)));
	}
	return BW_OK;
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* An observable's id is made of what it says (STIX 2.1 §2.9): whoever says the same has it too, and nobody made it. */
static bool has_creator(struct bw_slice id)
{
	for (size_t at = 0; at + 1 < id.len; at++) {
		if (id.ptr[at] == '-' && id.ptr[at + 1] == '-')
			return bw_stix_type_group(bw_stix_type_of(bw_slice_sub(id, 0, at))) != BW_STIX_SCO;
	}
	return true;
}

static enum bw_err fill_row(struct bw_sources *s, const struct bw_row *row, const struct bw_collection *c,
			    struct bw_slice word, struct bw_source_row *out)
{
	enum bw_source_kind first;

	BW_TRY(kind_of(s, row->first_collection, &first));
	*out = (struct bw_source_row){
		.date_added_us = row->date_added_us,
		.id = row->id,
		.version = row->version,
		.body = row->body,
		.collection = word,
		.collection_number = c->number,
		.marking = bw_slice_text(c->marking),
		.is_foreign = c->is_inbound,
		.has_provenance = row->from != NULL,
	};
	if (row->from != NULL)
		out->from = *row->from;
	if (has_creator(row->id)) {
		out->is_ours = !c->is_inbound && first == BW_SOURCE_OURS;
		/* what a partner brought first is a copy in a collection of ours: what it came with is not beside it */
		out->is_copy = c->is_inbound ? row->first_collection != c->number : first == BW_SOURCE_INBOUND;
	} else {
		out->is_ours = !c->is_inbound;
		out->is_copy = c->is_inbound && row->first_collection != c->number;
	}
	return BW_OK;
}

struct gathering {
	struct bw_sources *s;
	struct bw_arena *arena;
	struct bw_source_row *rows;
	size_t count;
	size_t cap;
};

static enum bw_err gather(struct gathering *g, const struct bw_page *page, const struct bw_collection *c,
			  struct bw_slice word, int64_t upto_us)
{
	const size_t need = g->count + page->count;

	if (need > g->cap) {
		struct bw_source_row *more = bw_arena_take(g->arena, need * sizeof(*more));

		BW_NEED(more != NULL, MEMORY);
		if (g->count > 0)
			memcpy(more, g->rows, g->count * sizeof(*more));
		g->rows = more;
		g->cap = need;
	}
	for (size_t i = 0; i < page->count; i++) {
		if (page->rows[i].date_added_us > upto_us)
			break;
		BW_TRY(fill_row(g->s, &page->rows[i], c, word, &g->rows[g->count]));
		g->count++;
	}
	return BW_OK;
}

static int by_date(const void *a, const void *b)
{
	const int64_t x = ((const struct bw_source_row *)a)->date_added_us;
	const int64_t y = ((const struct bw_source_row *)b)->date_added_us;

	return (x > y) - (x < y);
}

/* Two words may name one collection: its rows come once. */
static bool is_named_before(const struct bw_sources *s, const struct bw_words *words, size_t at,
			    const struct bw_collection *c)
{
	for (size_t i = 0; i < at; i++)
		if (named(s, words->of[i]) == c)
			return true;
	return false;
}

static void cut(struct gathering *g, size_t limit, size_t bytes_max, struct bw_source_batch *out)
{
	size_t bytes = 0;
	size_t count = 0;

	while (count < g->count && count < limit && (count == 0 || bytes + g->rows[count].body.len <= bytes_max))
		bytes += g->rows[count++].body.len;
	if (count < g->count) {
		out->more = true;
		out->scanned_us = g->rows[count - 1].date_added_us;
	}
	out->rows = g->rows;
	out->count = count;
}

enum bw_err bw_source_next(struct bw_sources *s, const struct bw_words *collections, int64_t after_us, size_t limit,
			   size_t bytes_max, struct bw_arena *arena, struct bw_source_batch *out)
{
	struct gathering g = { .s = s, .arena = arena };
	struct bw_source_batch batch = { .more = false };
	/* what is committed while the pages are read waits for the next time: one page might have it, another not */
	int64_t upto_us = bw_store_newest(s->store);

	BW_TRY(bw_sources_know(s));
	for (size_t i = 0; i < collections->count; i++) {
		const struct bw_collection *c = named(s, collections->of[i]);
		struct bw_query query = { .added_after_us = after_us,
					  .limit = limit < BW_PAGE_MAX ? (uint32_t)limit : BW_PAGE_MAX,
					  .max_bytes = bytes_max / collections->count + 1,
					  .picks = BW_PICK_ALL,
					  .bodies = true,
					  .origins = true };
		struct bw_page page;

		if (c == NULL || is_named_before(s, collections, i, c))
			continue;
		query.collection = c->number;
		BW_TRY(bw_store_page(s->store, &query, arena, &page));
		if (page.more && page.scanned_us < upto_us) {
			upto_us = page.scanned_us;
			batch.more = true;
		}
		BW_TRY(gather(&g, &page, c, collections->of[i], upto_us));
	}
	if (g.count > 0)
		qsort(g.rows, g.count, sizeof(*g.rows), by_date);
	while (g.count > 0 && g.rows[g.count - 1].date_added_us > upto_us)
		g.count--;
	batch.scanned_us = upto_us > after_us ? upto_us : after_us;
	cut(&g, limit, bytes_max, &batch);
	*out = batch;
	return BW_OK;
}

/* ---- one row ------------------------------------------------------------------------------------ */

static enum bw_err look(struct bw_sources *s, const struct bw_words *collections, const struct bw_query *how,
			struct bw_arena *arena, struct gathering *g)
{
	*g = (struct gathering){ .s = s, .arena = arena };
	BW_TRY(bw_sources_know(s));
	for (size_t i = 0; i < collections->count; i++) {
		const struct bw_collection *c = named(s, collections->of[i]);
		struct bw_query query = *how;
		struct bw_page page;

		if (c == NULL)
			continue;
		query.collection = c->number;
		BW_TRY(bw_store_page(s->store, &query, arena, &page));
		BW_TRY(gather(g, &page, c, collections->of[i], INT64_MAX));
	}
	return BW_OK;
}

enum bw_err bw_source_find(struct bw_sources *s, const struct bw_words *collections, struct bw_slice id,
			   struct bw_arena *arena, struct bw_source_row *out)
{
	const struct bw_query query = { .added_after_us = -1,
					.limit = 1,
					.max_bytes = SIZE_MAX / 2,
					.ids = &id,
					.id_count = 1,
					.picks = BW_PICK_LAST,
					.bodies = true,
					.origins = true };
	const struct bw_source_row *best = NULL;
	struct gathering g;

	BW_TRY(look(s, collections, &query, arena, &g));
	for (size_t i = 0; i < g.count; i++) {
		const struct bw_source_row *row = &g.rows[i];

		/* the creator's own before copies, then the one that came last */
		if (best == NULL || (best->is_copy && !row->is_copy) ||
		    (best->is_copy == row->is_copy && row->date_added_us > best->date_added_us))
			best = row;
	}
	BW_NEED(best != NULL, NOT_FOUND);
	*out = *best;
	return BW_OK;
}

enum bw_err bw_source_from(struct bw_sources *s, const uint8_t node[BW_SHA256_BYTES], struct bw_slice id,
			   struct bw_arena *arena, struct bw_source_row *out)
{
	const struct bw_collection *c;
	struct bw_slice name;

	BW_TRY(bw_sources_of(s, node, &c));
	BW_TRY(bw_arena_copy(arena, bw_slice_text(c->id), &name));
	return bw_source_find(s, &(struct bw_words){ &name, 1 }, id, arena, out);
}

enum bw_err bw_source_at(struct bw_sources *s, const struct bw_words *collections, int64_t added_us,
			 struct bw_arena *arena, struct bw_source_row *out)
{
	const struct bw_query query = { .added_after_us = added_us - 1,
					.limit = 1,
					.max_bytes = SIZE_MAX / 2,
					.picks = BW_PICK_ALL,
					.bodies = true,
					.origins = true };
	struct gathering g;

	BW_TRY(look(s, collections, &query, arena, &g));
	for (size_t i = 0; i < g.count; i++) {
		if (g.rows[i].date_added_us != added_us)
			continue;
		*out = g.rows[i];
		return BW_OK;
	}
	return BW_ERR_NOT_FOUND;
}
