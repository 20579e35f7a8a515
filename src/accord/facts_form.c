/* Questions and answers as bytes: what the ledger writes and the clerk reads, and back. */
#include "accord/facts.h"

#include "accord/facts_inner.h"
#include "intel/policy_pack.h"

#define ASKS "BWQ1"
#define TELLS "BWA1"

enum { PLAN_PERSONAL = 1, PLAN_PARTS = 2, REF_WHOLE = 0x80 };
enum { BODY_MAX = 64 * 1024 * 1024, ID_MAX = 320, WORD_MAX = 64 * 1024, FOUND_MAX = 256 };

/* ---- questions ----------------------------------------------------------------------- */

enum bw_err bw_question_begin(struct bw_buf *out)
{
	bw_buf_clear(out);
	return bw_buf_add_text(out, ASKS);
}

/* An item is there whole, or not at all. */
static enum bw_err finish(struct bw_buf *out, size_t before, enum bw_err err)
{
	if (err != BW_OK)
		out->len = before;
	return err;
}

enum bw_err bw_question_scope(struct bw_buf *out, uint16_t scope)
{
	const size_t before = out->len;
	enum bw_err err = bw_buf_add_u8(out, BW_ITEM_SCOPE);

	if (err == BW_OK)
		err = bw_buf_add_be16(out, scope);
	return finish(out, before, err);
}

static enum bw_err add_definition(struct bw_buf *out, uint16_t scope, struct bw_slice definition)
{
	BW_TRY(bw_buf_add_u8(out, BW_ITEM_DEFINITION));
	BW_TRY(bw_buf_add_be16(out, scope));
	return bw_buf_add_block(out, definition);
}

enum bw_err bw_question_definition(struct bw_buf *out, uint16_t scope, struct bw_slice definition)
{
	const size_t before = out->len;

	return finish(out, before, add_definition(out, scope, definition));
}

static enum bw_err add_object(struct bw_buf *out, const struct bw_question_object *item)
{
	BW_TRY(bw_buf_add_u8(out, BW_ITEM_OBJECT));
	BW_TRY(bw_buf_add_be16(out, item->scope));
	BW_TRY(bw_buf_add_u8(out, item->profile));
	BW_TRY(bw_buf_add_block(out, item->marking));
	return bw_buf_add_block(out, item->object);
}

enum bw_err bw_question_object(struct bw_buf *out, const struct bw_question_object *item)
{
	const size_t before = out->len;

	return finish(out, before, add_object(out, item));
}

static enum bw_err add_words(struct bw_buf *out, const struct bw_slice *words, size_t count)
{
	BW_TRY(bw_buf_add_be32(out, (uint32_t)count));
	for (size_t i = 0; i < count; i++)
		BW_TRY(bw_buf_add_block(out, words[i]));
	return BW_OK;
}

static enum bw_err add_derive(struct bw_buf *out, const struct bw_redact_plan *plan, struct bw_slice object)
{
	BW_TRY(bw_buf_add_u8(out, BW_ITEM_DERIVE));
	BW_TRY(bw_buf_add_u8(out, (uint8_t)((plan->personal ? PLAN_PERSONAL : 0) | (plan->parts ? PLAN_PARTS : 0))));
	BW_TRY(bw_buf_add_block(out, plan->id));
	BW_TRY(bw_buf_add_block(out, plan->creator));
	BW_TRY(bw_buf_add_block(out, plan->time));
	BW_TRY(add_words(out, plan->drop, plan->drop_count));
	BW_TRY(add_words(out, plan->drop_refs, plan->drop_ref_count));
	BW_TRY(add_words(out, plan->swap, plan->swap_count));
	return bw_buf_add_block(out, object);
}

enum bw_err bw_question_derive(struct bw_buf *out, const struct bw_redact_plan *plan, struct bw_slice object)
{
	const size_t before = out->len;

	return finish(out, before, add_derive(out, plan, object));
}

enum bw_err bw_question_open(struct bw_slice bytes, struct bw_cursor *out)
{
	struct bw_cursor c = bw_cursor_over(bytes);
	struct bw_slice magic;

	BW_TRY(bw_take(&c, sizeof(ASKS) - 1, &magic));
	BW_NEED(bw_slice_is(magic, ASKS), VERSION);
	*out = c;
	return BW_OK;
}

static enum bw_err take_words(struct bw_cursor *c, size_t max, size_t most_bytes, struct bw_arena *arena,
			      const struct bw_slice **out, size_t *out_count)
{
	struct bw_slice *words;
	uint32_t count;

	BW_TRY(bw_take_be32(c, &count));
	BW_NEED(count <= max, TOO_MANY);
	BW_NEED(count <= bw_cursor_left(c) / 4,
		TRUNCATED); /* each has a length: no room is made for what is not there */
	words = bw_arena_zero(arena, (size_t)count + 1, sizeof(*words));
	BW_NEED(words != NULL, MEMORY);
	for (uint32_t i = 0; i < count; i++)
		BW_TRY(bw_take_block(c, most_bytes, &words[i]));
	*out = words;
	*out_count = count;
	return BW_OK;
}

static enum bw_err take_object(struct bw_cursor *c, struct bw_item *out)
{
	BW_TRY(bw_take_u8(c, &out->profile));
	BW_NEED(out->profile < BW_REDACTION_COUNT, PROTOCOL);
	BW_TRY(bw_take_block(c, ID_MAX, &out->marking));
	return bw_take_block(c, BODY_MAX, &out->object);
}

static enum bw_err take_derive(struct bw_cursor *c, struct bw_arena *arena, struct bw_item *out)
{
	uint8_t flags;

	BW_TRY(bw_take_u8(c, &flags));
	BW_NEED(flags <= (PLAN_PERSONAL | PLAN_PARTS), PROTOCOL);
	out->plan.personal = (flags & PLAN_PERSONAL) != 0;
	out->plan.parts = (flags & PLAN_PARTS) != 0;
	BW_TRY(bw_take_block(c, ID_MAX, &out->plan.id));
	BW_TRY(bw_take_block(c, ID_MAX, &out->plan.creator));
	BW_TRY(bw_take_block(c, WORD_MAX, &out->plan.time));
	BW_TRY(take_words(c, BW_REFS_MAX, WORD_MAX, arena, &out->plan.drop, &out->plan.drop_count));
	BW_TRY(take_words(c, BW_REFS_MAX, ID_MAX, arena, &out->plan.drop_refs, &out->plan.drop_ref_count));
	BW_TRY(take_words(c, 2 * BW_REFS_MAX, ID_MAX, arena, &out->plan.swap, &out->plan.swap_count));
	BW_NEED(out->plan.swap_count % 2 == 0, PROTOCOL);
	return bw_take_block(c, BODY_MAX, &out->object);
}

enum bw_err bw_question_next(struct bw_cursor *in, struct bw_arena *arena, struct bw_item *out)
{
	struct bw_item item = { .kind = 0 };

	BW_NEED(bw_cursor_left(in) > 0, NOT_FOUND);
	BW_TRY(bw_take_u8(in, &item.kind));
	BW_NEED(item.kind >= BW_ITEM_SCOPE && item.kind <= BW_ITEM_DERIVE, PROTOCOL);
	if (item.kind == BW_ITEM_DERIVE) {
		BW_TRY(take_derive(in, arena, &item));
	} else {
		BW_TRY(bw_take_be16(in, &item.scope));
		if (item.kind == BW_ITEM_DEFINITION)
			BW_TRY(bw_take_block(in, BODY_MAX, &item.object));
		else if (item.kind == BW_ITEM_OBJECT)
			BW_TRY(take_object(in, &item));
	}
	*out = item;
	return BW_OK;
}

/* ---- answers --------------------------------------------------------------------------- */

enum bw_err bw_answer_begin(struct bw_buf *out)
{
	bw_buf_clear(out);
	return bw_buf_add_text(out, TELLS);
}

static enum bw_err add_refs(struct bw_buf *out, const struct bw_ref_list *refs)
{
	BW_TRY(bw_buf_add_be32(out, (uint32_t)refs->count));
	for (size_t i = 0; i < refs->count; i++) {
		BW_TRY(bw_buf_add_u8(out, (uint8_t)(refs->of[i].use | (refs->of[i].is_whole ? REF_WHOLE : 0))));
		BW_TRY(bw_buf_add_be32(out, refs->of[i].group));
		BW_TRY(bw_buf_add_block(out, refs->of[i].id));
	}
	return BW_OK;
}

static enum bw_err add_told(struct bw_buf *out, const struct bw_told *told)
{
	BW_TRY(bw_buf_add_u8(out, (uint8_t)told->problem));
	if (told->problem != BW_OK)
		return BW_OK;
	BW_TRY(bw_buf_add_u8(
		out, (uint8_t)((told->is_derived ? 1 : 0) | (told->revoked ? 2 : 0) | (told->has_sure ? 4 : 0))));
	BW_TRY(bw_buf_add_block(out, told->id));
	BW_TRY(bw_buf_add_block(out, told->creator));
	BW_TRY(bw_buf_add_u8(out, told->type));
	BW_TRY(bw_buf_add_u8(out, told->tiding));
	BW_TRY(bw_buf_add_u8(out, told->confidence));
	BW_TRY(bw_buf_add_u8(out, told->personal));
	for (size_t i = 0; i < BW_SOURCE_INHERITED; i++)
		BW_TRY(bw_policy_pack(&told->inputs.of[i], out));
	BW_TRY(add_words(out, told->labels.of, told->labels.count));
	BW_TRY(add_words(out, told->sectors.of, told->sectors.count));
	BW_TRY(add_words(out, told->strange.of, told->strange.count));
	BW_TRY(add_words(out, told->found.of, told->found.count));
	BW_TRY(add_refs(out, &told->refs));
	return bw_buf_add_block(out, told->text);
}

enum bw_err bw_answer_add(struct bw_buf *out, const struct bw_told *told)
{
	const size_t before = out->len;

	return finish(out, before, add_told(out, told));
}

enum bw_err bw_answer_open(struct bw_slice bytes, struct bw_answer *out)
{
	struct bw_cursor c = bw_cursor_over(bytes);
	struct bw_slice magic;

	BW_TRY(bw_take(&c, sizeof(TELLS) - 1, &magic));
	BW_NEED(bw_slice_is(magic, TELLS), VERSION);
	out->in = c;
	return BW_OK;
}

static enum bw_err take_ref(struct bw_cursor *c, struct bw_ref *out)
{
	BW_TRY(bw_take_u8(c, &out->use));
	out->is_whole = (out->use & REF_WHOLE) != 0;
	out->use &= (uint8_t)~REF_WHOLE;
	BW_NEED(out->use <= BW_REF_ESSENTIAL, PROTOCOL);
	BW_TRY(bw_take_be32(c, &out->group));
	return bw_take_block(c, ID_MAX, &out->id);
}

static enum bw_err take_refs(struct bw_cursor *c, struct bw_arena *arena, struct bw_ref_list *out)
{
	struct bw_ref *refs;
	uint32_t count;

	BW_TRY(bw_take_be32(c, &count));
	BW_NEED(count <= BW_REFS_MAX, TOO_MANY);
	BW_NEED(count <= bw_cursor_left(c) / 9, TRUNCATED);
	refs = bw_arena_zero(arena, (size_t)count + 1, sizeof(*refs));
	BW_NEED(refs != NULL, MEMORY);
	for (uint32_t i = 0; i < count; i++)
		BW_TRY(take_ref(c, &refs[i]));
	*out = (struct bw_ref_list){ refs, count };
	return BW_OK;
}

static enum bw_err take_list(struct bw_cursor *c, size_t most_bytes, struct bw_arena *arena, struct bw_words *out)
{
	return take_words(c, BW_FACTS_WORDS_MAX, most_bytes, arena, &out->of, &out->count);
}

static enum bw_err take_numbers(struct bw_cursor *c, struct bw_told *out)
{
	uint8_t bits;

	BW_TRY(bw_take_u8(c, &bits));
	BW_NEED(bits <= 7, PROTOCOL);
	out->is_derived = (bits & 1) != 0;
	out->revoked = (bits & 2) != 0;
	out->has_sure = (bits & 4) != 0;
	BW_TRY(bw_take_block(c, ID_MAX, &out->id));
	BW_TRY(bw_take_block(c, WORD_MAX, &out->creator));
	BW_TRY(bw_take_u8(c, &out->type));
	BW_TRY(bw_take_u8(c, &out->tiding));
	BW_TRY(bw_take_u8(c, &out->confidence));
	BW_TRY(bw_take_u8(c, &out->personal));
	BW_NEED(out->id.len > 0 && out->type < BW_STIX_TYPE_COUNT && out->tiding < BW_TIDING_COUNT &&
			out->confidence <= BW_CONFIDENCE_MAX && out->personal <= BW_REDACT_WITHHOLD,
		PROTOCOL);
	return BW_OK;
}

static enum bw_err take_told(struct bw_cursor *c, struct bw_arena *arena, struct bw_told *out)
{
	BW_TRY(take_numbers(c, out));
	bw_policy_inputs_init(&out->inputs);
	for (size_t i = 0; i < BW_SOURCE_INHERITED; i++)
		BW_TRY(bw_policy_unpack(c, &out->inputs.of[i]));
	BW_TRY(take_list(c, WORD_MAX, arena, &out->labels));
	BW_TRY(take_list(c, WORD_MAX, arena, &out->sectors));
	BW_TRY(take_list(c, ID_MAX, arena, &out->strange));
	BW_TRY(take_list(c, FOUND_MAX, arena, &out->found));
	BW_TRY(take_refs(c, arena, &out->refs));
	return bw_take_block(c, BODY_MAX, &out->text);
}

enum bw_err bw_answer_next(struct bw_answer *answer, struct bw_arena *arena, struct bw_told *out)
{
	struct bw_cursor c = answer->in;
	struct bw_told told = { .problem = BW_OK };
	uint8_t problem;

	BW_NEED(bw_cursor_left(&c) > 0, NOT_FOUND);
	BW_TRY(bw_take_u8(&c, &problem));
	BW_NEED(problem < BW_ERR_COUNT, PROTOCOL);
	told.problem = (enum bw_err)problem;
	if (problem == BW_OK)
		BW_TRY(take_told(&c, arena, &told));
	answer->in = c;
	*out = told;
	return BW_OK;
}
