/* The clerk's work: objects in, what a decision has to know of them out. */
#include "accord/facts.h"

#include <stdlib.h>

#include "accord/facts_inner.h"
#include "accord/parts.h"
#include "intel/gist.h"
#include "intel/object.h"

enum {
	HOME_MAX = 16 * 1024 * 1024, /* definitions of this node's own, kept for scopes that are opened later */
	WORK_BYTES = 256 * 1024 * 1024,
	SAID_MAX = 255, /* of one finding; the other side takes no more */
};

struct scope {
	uint16_t number;
	struct bw_marking_book *book; /* NULL: not open */
};

struct bw_facts_worker {
	struct scope scopes[BW_SCOPES_MAX];
	struct bw_buf home; /* definitions of scope 0, as blocks */
	struct bw_json_parser parser;
	struct bw_checker *checker;
	struct bw_report findings;
	struct bw_arena arena;
	struct bw_redact_report personal;
	struct bw_gist gist;
};

enum bw_err bw_facts_worker_new(struct bw_facts_worker **out)
{
	struct bw_facts_worker *w = calloc(1, sizeof(*w));
	enum bw_err err;

	BW_NEED(w != NULL, MEMORY);
	w->home = BW_BUF_INIT(HOME_MAX);
	w->arena = BW_ARENA_INIT(WORK_BYTES);
	bw_json_parser_init(&w->parser);
	err = bw_checker_new(0, &w->checker);
	if (err == BW_OK)
		err = bw_report_init(&w->findings);
	if (err == BW_OK)
		err = bw_marking_book_new(&w->scopes[0].book);
	if (err != BW_OK) {
		bw_facts_worker_free(w);
		return err;
	}
	*out = w;
	return BW_OK;
}

void bw_facts_worker_free(struct bw_facts_worker *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < BW_SCOPES_MAX; i++)
		bw_marking_book_free(w->scopes[i].book);
	bw_buf_release(&w->home);
	bw_json_parser_release(&w->parser);
	bw_checker_free(w->checker);
	bw_report_release(&w->findings);
	bw_arena_release(&w->arena);
	free(w);
}

/* ---- scopes ---------------------------------------------------------------------------- */

static struct scope *scope_of(struct bw_facts_worker *w, uint16_t number)
{
	for (size_t i = 0; i < BW_SCOPES_MAX; i++)
		if (w->scopes[i].book != NULL && w->scopes[i].number == number)
			return &w->scopes[i];
	return NULL;
}

/* A definition that cannot be read defines nothing: who bears it stays RED. */
static enum bw_err define(struct bw_marking_book *book, struct bw_slice definition)
{
	const enum bw_err err = bw_marking_book_add(book, definition);

	return err == BW_ERR_MEMORY ? err : BW_OK;
}

static enum bw_err repeat_home(struct bw_facts_worker *w, struct bw_marking_book *book)
{
	struct bw_cursor c = bw_cursor_over(bw_buf_slice(&w->home));
	struct bw_slice definition;

	while (bw_take_block(&c, HOME_MAX, &definition) == BW_OK)
		BW_TRY(define(book, definition));
	return BW_OK;
}

static enum bw_err open_scope(struct bw_facts_worker *w, uint16_t number)
{
	struct scope *scope = scope_of(w, number);
	struct bw_marking_book *fresh;
	enum bw_err err;

	for (size_t i = 1; scope == NULL && i < BW_SCOPES_MAX; i++)
		if (w->scopes[i].book == NULL)
			scope = &w->scopes[i];
	BW_NEED(scope != NULL, TOO_MANY);
	BW_TRY(bw_marking_book_new(&fresh));
	if (number == 0)
		bw_buf_clear(&w->home);
	err = repeat_home(w, fresh);
	if (err != BW_OK) {
		bw_marking_book_free(fresh);
		return err;
	}
	bw_marking_book_free(scope->book);
	*scope = (struct scope){ number, fresh };
	return BW_OK;
}

static enum bw_err take_definition(struct bw_facts_worker *w, const struct bw_item *item)
{
	struct scope *scope = scope_of(w, item->scope);

	BW_NEED(scope != NULL, PROTOCOL);
	if (item->scope != 0)
		return define(scope->book, item->object);
	BW_TRY(bw_buf_add_block(&w->home, item->object));
	for (size_t i = 0; i < BW_SCOPES_MAX; i++)
		if (w->scopes[i].book != NULL)
			BW_TRY(define(w->scopes[i].book, item->object));
	return BW_OK;
}

/* ---- one object -------------------------------------------------------------------------- */

enum bw_tiding bw_tiding_of(enum bw_stix_type type, bool by_guard, bool is_advisory)
{
	switch (type) {
	case BW_STIX_INDICATOR:
		return BW_TIDING_INDICATOR;
	case BW_STIX_SIGHTING:
		return BW_TIDING_SIGHTING;
	case BW_STIX_INCIDENT:
		return by_guard ? BW_TIDING_GUARD : BW_TIDING_INCIDENT;
	default:
		return is_advisory ? BW_TIDING_ADVISORY : BW_TIDING_SUPPORT;
	}
}

static enum bw_err copy_words(struct bw_arena *arena, const struct bw_gist_words *from, struct bw_words *out)
{
	struct bw_slice *of = bw_arena_zero(arena, from->count + 1, sizeof(*of));

	BW_NEED(of != NULL, MEMORY);
	for (size_t i = 0; i < from->count; i++)
		of[i] = from->of[i]; /* the parser keeps them until the next object */
	*out = (struct bw_words){ of, from->count };
	return BW_OK;
}

static enum bw_err say_found(struct bw_facts_worker *w, struct bw_words *out)
{
	struct bw_slice *of = bw_arena_zero(&w->arena, BW_REDACT_PLACES_MAX, sizeof(*of));
	BW_CLEANUP(bw_buf_release) struct bw_buf said = BW_BUF_INIT(4096);

	BW_NEED(of != NULL, MEMORY);
	for (size_t i = 0; i < w->personal.count; i++) {
		bw_buf_clear(&said);
		BW_TRY(bw_redact_say(&w->personal.places[i], &said));
		BW_TRY(bw_arena_copy(&w->arena, bw_slice_sub(bw_buf_slice(&said), 0, SAID_MAX), &of[i]));
	}
	*out = (struct bw_words){ of, w->personal.count };
	return BW_OK;
}

static bool finds_sure(const struct bw_redact_report *report)
{
	for (size_t i = 0; i < report->count; i++)
		if (report->places[i].certainty >= BW_PERSONAL_SURE)
			return true;
	return report->is_more;
}

static void set_default(const struct bw_marking_book *book, struct bw_slice marking, struct bw_policy_inputs *inputs)
{
	if (marking.len > 0)
		bw_marking_book_look(book, marking, &inputs->of[BW_SOURCE_COLLECTION]);
}

static enum bw_err tell_object(struct bw_facts_worker *w, const struct bw_item *item, struct bw_told *out)
{
	const struct scope *scope = scope_of(w, item->scope);
	const struct bw_gist *gist = &w->gist;

	BW_NEED(scope != NULL, PROTOCOL);
	/* first: the gist's texts stay in the parser */
	BW_TRY(bw_redact_look(item->object, (enum bw_redaction)item->profile, &w->personal));
	BW_TRY(bw_refs_find(item->object, &w->arena, &out->refs));
	BW_TRY(bw_gist_of(&w->parser, scope->book, item->object, &w->gist));
	out->id = gist->id;
	out->creator = gist->creator;
	out->type = (uint8_t)gist->type;
	out->tiding = (uint8_t)bw_tiding_of(gist->type, gist->by_guard, gist->is_advisory);
	out->confidence = gist->confidence;
	out->revoked = gist->revoked;
	out->inputs = gist->inputs;
	set_default(scope->book, item->marking, &out->inputs);
	out->personal = (uint8_t)w->personal.outcome;
	out->has_sure = finds_sure(&w->personal);
	BW_TRY(copy_words(&w->arena, &gist->labels, &out->labels));
	BW_TRY(copy_words(&w->arena, &gist->sectors, &out->sectors));
	BW_TRY(copy_words(&w->arena, &gist->strange, &out->strange));
	return say_found(w, &out->found);
}

/* The plan, with the parts that are marked more strictly among what goes. */
static enum bw_err add_parts(struct bw_facts_worker *w, const struct bw_item *item, struct bw_redact_plan *plan)
{
	struct bw_slice *all;
	struct bw_slice *parts;
	size_t count;

	*plan = item->plan;
	if (!plan->parts)
		return BW_OK;
	BW_TRY(bw_parts_find(w->scopes[0].book, item->object, &w->arena, &parts, &count));
	all = bw_arena_zero(&w->arena, plan->drop_count + count + 1, sizeof(*all));
	BW_NEED(all != NULL, MEMORY);
	if (plan->drop_count > 0)
		memcpy(all, plan->drop, plan->drop_count * sizeof(*all));
	memcpy(all + plan->drop_count, parts, count * sizeof(*all));
	plan->drop = all;
	plan->drop_count += count;
	return BW_OK;
}

static enum bw_err tell_derived(struct bw_facts_worker *w, const struct bw_item *item, struct bw_buf *text,
				struct bw_told *out)
{
	struct bw_redact_plan plan;
	struct bw_record record;

	BW_TRY(add_parts(w, item, &plan));
	BW_TRY(bw_redact_derive(item->object, &plan, text));
	BW_TRY(bw_object_check(w->checker, bw_buf_slice(text), &w->findings, &record));
	BW_NEED(w->findings.errors == 0, SYNTAX);
	bw_policy_inputs_init(&out->inputs);
	out->is_derived = true;
	out->id = record.id;
	out->creator = record.creator;
	out->type = (uint8_t)record.type;
	out->revoked = record.revoked;
	out->text = record.body;
	return BW_OK;
}

/* What goes wrong with one object is told of that object; what goes wrong here ends the work. */
static enum bw_err answer_item(struct bw_facts_worker *w, const struct bw_item *item, struct bw_buf *answer)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(2 * (size_t)BW_JSON_TEXT_MAX);
	struct bw_told told = { .problem = BW_OK };

	told.problem = item->kind == BW_ITEM_DERIVE ? tell_derived(w, item, &text, &told) : tell_object(w, item, &told);
	BW_NEED(told.problem != BW_ERR_PROTOCOL, PROTOCOL);
	BW_NEED(told.problem != BW_ERR_MEMORY || w->arena.used > WORK_BYTES / 2, MEMORY);
	return bw_answer_add(answer, &told);
}

static enum bw_err work_item(struct bw_facts_worker *w, const struct bw_item *item, struct bw_buf *answer)
{
	switch (item->kind) {
	case BW_ITEM_SCOPE:
		return open_scope(w, item->scope);
	case BW_ITEM_DEFINITION:
		return take_definition(w, item);
	default:
		return answer_item(w, item, answer);
	}
}

enum bw_err bw_facts_work(struct bw_facts_worker *w, struct bw_slice question, struct bw_buf *answer)
{
	struct bw_cursor c;
	struct bw_item item;

	BW_TRY(bw_question_open(question, &c));
	BW_TRY(bw_answer_begin(answer));
	for (;;) {
		enum bw_err err;

		bw_arena_reset(&w->arena);
		err = bw_question_next(&c, &w->arena, &item);
		if (err == BW_ERR_NOT_FOUND)
			return BW_OK;
		BW_TRY(err);
		BW_TRY(work_item(w, &item, answer));
	}
}
