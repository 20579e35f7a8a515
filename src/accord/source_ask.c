/* What the clerk is asked about rows, and what a decision makes of his answer. */
#include "accord/source_inner.h"

enum { PAGE = 1000, PAGE_BYTES = 4 * 1024 * 1024, PAGES_BYTES = 64 * 1024 * 1024 };

/* ---- definitions ------------------------------------------------------------------------- */

static enum bw_err ask_page(const struct bw_page *page, const struct bw_collection *c, uint16_t scope, int64_t upto_us,
			    struct bw_buf *question)
{
	for (size_t i = 0; i < page->count; i++) {
		/* who but the partner puts a definition into his collection defines nothing there */
		if ((c->is_inbound && page->rows[i].from == NULL) || page->rows[i].date_added_us > upto_us)
			continue;
		BW_TRY(bw_question_definition(question, scope, page->rows[i].body));
	}
	return BW_OK;
}

/* The definitions of one collection added after `after_us`, until `upto_us`. */
static enum bw_err ask_definitions(struct bw_sources *s, const struct bw_collection *c, uint16_t scope,
				   int64_t after_us, int64_t upto_us, struct bw_buf *question)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(PAGES_BYTES);
	const struct bw_slice type = BW_LIT("marking-definition");
	struct bw_query query = { .collection = c->number,
				  .added_after_us = after_us,
				  .limit = PAGE,
				  .max_bytes = PAGE_BYTES,
				  .types = &type,
				  .type_count = 1,
				  .picks = BW_PICK_ALL,
				  .bodies = true,
				  .origins = true };
	struct bw_page page = { .more = true };

	while (page.more && query.added_after_us < upto_us) {
		bw_arena_reset(&arena);
		BW_TRY(bw_store_page(s->store, &query, &arena, &page));
		BW_TRY(ask_page(&page, c, scope, upto_us, question));
		query.added_after_us = page.scanned_us;
	}
	return BW_OK;
}

static bool counts_in(const struct bw_collection *c, uint16_t scope)
{
	return scope == 0 ? !c->is_inbound : c->is_inbound && c->number == scope;
}

/* Definitions that come while this goes on come twice, or once more the next time: saying one again changes nothing. */
static enum bw_err tell_scope(struct bw_sources *s, uint16_t scope, size_t at, int64_t upto_us,
			      struct bw_source_told *told, struct bw_buf *question)
{
	const int64_t newest = bw_store_newest(s->store) < upto_us ? bw_store_newest(s->store) : upto_us;

	if (!told->of[at].is_open) {
		BW_TRY(bw_question_scope(question, scope));
		told->of[at].is_open = true;
		told->of[at].scope = scope;
		told->of[at].upto_us = -1;
	}
	for (size_t i = 0; i < s->collection_count; i++)
		if (counts_in(&s->collections[i], scope))
			BW_TRY(ask_definitions(s, &s->collections[i], scope, told->of[at].upto_us, newest, question));
	if (told->of[at].upto_us < newest)
		told->of[at].upto_us = newest;
	return BW_OK;
}

/* Scope 0 has the first place. */
static enum bw_err place_of(const struct bw_source_told *told, uint16_t scope, size_t *out)
{
	for (size_t i = scope == 0 ? 0 : 1; i < BW_SCOPES_MAX; i++) {
		if (told->of[i].is_open && told->of[i].scope != scope)
			continue;
		*out = i;
		return BW_OK;
	}
	return BW_ERR_TOO_MANY;
}

static uint16_t scope_of(const struct bw_source_row *row)
{
	return row->is_foreign ? row->collection_number : 0;
}

static enum bw_err tell_scopes(struct bw_sources *s, const struct bw_source_row *rows, size_t count, int64_t upto_us,
			       struct bw_source_told *told, struct bw_buf *question)
{
	uint16_t before = 0;
	size_t at;

	BW_TRY(bw_sources_know(s));
	BW_TRY(tell_scope(s, 0, 0, upto_us, told, question));
	for (size_t i = 0; i < count; i++) {
		const uint16_t scope = scope_of(&rows[i]);

		if (scope == before || scope == 0)
			continue;
		BW_TRY(place_of(told, scope, &at));
		BW_TRY(tell_scope(s, scope, at, upto_us, told, question));
		before = scope;
	}
	return BW_OK;
}

enum bw_err bw_source_ask(struct bw_sources *s, const struct bw_source_row *rows, size_t count,
			  enum bw_redaction profile, int64_t upto_us, struct bw_source_told *told,
			  struct bw_buf *question)
{
	struct bw_source_told fresh = *told;

	BW_TRY(tell_scopes(s, rows, count, upto_us, &fresh, question));
	for (size_t i = 0; i < count; i++) {
		const struct bw_question_object item = { .scope = scope_of(&rows[i]),
							 .profile = (uint8_t)profile,
							 .marking = rows[i].marking,
							 .object = rows[i].body };

		BW_TRY(bw_question_object(question, &item));
	}
	*told = fresh;
	return BW_OK;
}

enum bw_err bw_source_teach(struct bw_sources *s, const uint8_t node[BW_SHA256_BYTES], struct bw_buf *question)
{
	const struct bw_collection *c;
	const enum bw_err err = bw_sources_of(s, node, &c);

	if (err == BW_ERR_NOT_FOUND)
		return BW_OK;
	BW_TRY(err);
	BW_TRY(bw_question_scope(question, 0));
	return ask_definitions(s, c, 0, -1, bw_store_newest(s->store), question);
}

enum bw_err bw_source_defined(struct bw_sources *s, int64_t after_us, void (*defined)(void *ctx, struct bw_slice id),
			      void *ctx, int64_t *out_upto)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(PAGES_BYTES);
	const int64_t newest = bw_store_newest(s->store);
	const struct bw_slice type = BW_LIT("marking-definition");

	BW_TRY(bw_sources_know(s));
	for (size_t i = 0; i < s->collection_count; i++) {
		struct bw_query query = { .collection = s->collections[i].number,
					  .added_after_us = after_us,
					  .limit = PAGE,
					  .max_bytes = PAGE_BYTES,
					  .types = &type,
					  .type_count = 1,
					  .picks = BW_PICK_ALL };
		struct bw_page page = { .more = true };

		while (page.more && query.added_after_us < newest) {
			bw_arena_reset(&arena);
			BW_TRY(bw_store_page(s->store, &query, &arena, &page));
			for (size_t r = 0; r < page.count; r++)
				defined(ctx, page.rows[r].id);
			query.added_after_us = page.scanned_us;
		}
	}
	*out_upto = newest;
	return BW_OK;
}

/* ---- facts -------------------------------------------------------------------------------- */

/* A word that no accord asks for has no number, and says nothing here. */
static enum bw_err number_words(const struct bw_words *words, const struct bw_lexicon *lexicon, struct bw_arena *arena,
				const uint32_t **out, uint16_t *out_count)
{
	uint32_t *numbers = bw_arena_zero(arena, words->count + 1, sizeof(*numbers));
	uint16_t count = 0;

	BW_NEED(numbers != NULL, MEMORY);
	for (size_t i = 0; i < words->count && count < UINT16_MAX; i++) {
		numbers[count] = bw_lexicon_find(lexicon, words->of[i]);
		if (numbers[count] != BW_WORD_NONE)
			count++;
	}
	*out = numbers;
	*out_count = count;
	return BW_OK;
}

/* Its end is kept apart: with it, what comes every minute would be another class of inputs every minute. */
static void inherit(const struct bw_source_row *row, struct bw_policy *inherited, int64_t *keep_until_us)
{
	bw_policy_open(inherited);
	*keep_until_us = INT64_MAX;
	if (row->has_provenance) {
		*inherited = row->from.inherited;
		*keep_until_us = row->from.inherited.not_after_us;
		inherited->not_after_us = INT64_MAX;
	} else if (row->is_foreign) {
		bw_policy_closed(inherited);
	}
}

enum bw_err bw_source_facts(const struct bw_source_row *row, const struct bw_told *told,
			    const struct bw_source_peer *peer, const struct bw_lexicon *lexicon,
			    struct bw_policy_classes *classes, struct bw_arena *arena, struct bw_facts *out)
{
	struct bw_policy_inputs inputs = told->inputs;
	struct bw_facts facts = { .collection = bw_lexicon_find(lexicon, row->collection),
				  .came_from = BW_WORD_NONE,
				  .type = told->type,
				  .tiding = told->tiding,
				  .confidence = told->confidence,
				  .by_sender = row->is_ours,
				  .is_copy = row->is_copy };

	if (row->has_provenance && bw_provenance_has_been(&row->from, peer->node))
		facts.came_from = peer->number;
	inherit(row, &inputs.of[BW_SOURCE_INHERITED], &facts.keep_until_us);
	BW_TRY(bw_policy_class(classes, &inputs, &facts.policy_class));
	BW_TRY(number_words(&told->labels, lexicon, arena, &facts.labels, &facts.label_count));
	BW_TRY(number_words(&told->sectors, lexicon, arena, &facts.sectors, &facts.sector_count));
	*out = facts;
	return BW_OK;
}
