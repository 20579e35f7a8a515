#include "accord/outlook.h"

enum {
	STEP_ROWS = 4000,
	STEP_BYTES = 16 * 1024 * 1024,
	AROUND_MAX = 1000, /* objects weighed around one */
	PEER = 1,          /* the other node's number; there is no other here */
};

static bool is_secret(void *with, struct bw_slice id)
{
	const struct bw_outlook *o = with;

	return bw_secret_ids_is(o->secrets, id);
}

/* Nothing is made here: any id will do. */
static bool became(void *with, struct bw_slice id, struct bw_slice *out)
{
	const struct bw_outlook *o = with;

	*out = id;
	return bw_secret_ids_is(o->derived, id);
}

enum bw_err bw_outlook_init(struct bw_outlook *o, const struct bw_accord *accord, size_t from, int64_t now_us,
			    struct bw_facts_child *child, struct bw_sources *sources)
{
	*o = (struct bw_outlook){ .child = child, .sources = sources, .collections = accord->flow[from].collections };
	BW_TRY(bw_secret_ids_new(&o->secrets));
	BW_TRY(bw_secret_ids_new(&o->derived));
	BW_TRY(bw_lexicon_new(&o->lexicon));
	BW_TRY(bw_policy_classes_new(&o->classes));
	BW_TRY(bw_gate_new(accord, from, BW_SIDE_SENDER, PEER, o->lexicon, o->classes, &o->gate));
	o->weighing = (struct bw_weighing){ .gate = o->gate,
					    .peer = { .number = PEER },
					    .lexicon = o->lexicon,
					    .classes = o->classes,
					    .profile = (enum bw_redaction)accord->flow[from].redaction,
					    .now_us = now_us,
					    .elsewhere = { is_secret, became, o } };
	memcpy(o->weighing.peer.node, accord->party[1 - from].node, sizeof(o->weighing.peer.node));
	return BW_OK;
}

void bw_outlook_release(struct bw_outlook *o)
{
	bw_gate_free(o->gate);
	bw_policy_classes_free(o->classes);
	bw_lexicon_free(o->lexicon);
	bw_secret_ids_free(o->secrets);
	bw_secret_ids_free(o->derived);
}

/* ---- asking --------------------------------------------------------------------------- */

static enum bw_err read_told(const struct bw_mapped *mapped, size_t count, struct bw_arena *arena, struct bw_told *told)
{
	struct bw_answer answer;
	struct bw_told more;

	BW_TRY(bw_answer_open(mapped->bytes, &answer));
	for (size_t i = 0; i < count; i++) {
		const enum bw_err err = bw_answer_next(&answer, arena, &told[i]);

		BW_NEED(err != BW_ERR_NOT_FOUND, PROTOCOL);
		BW_TRY(err);
	}
	BW_NEED(bw_answer_next(&answer, arena, &more) == BW_ERR_NOT_FOUND, PROTOCOL);
	return BW_OK;
}

enum bw_err bw_outlook_tell(struct bw_outlook *o, const struct bw_source_row *rows, size_t count,
			    struct bw_arena *arena, struct bw_mapped *answer, struct bw_told **out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf question = BW_BUF_INIT(BW_QUESTION_MAX);
	struct bw_told *told = bw_arena_zero(arena, count + 1, sizeof(*told));

	BW_NEED(told != NULL, MEMORY);
	BW_TRY(bw_question_begin(&question));
	BW_TRY(bw_source_ask(o->sources, rows, count, o->weighing.profile, INT64_MAX, &o->told, &question));
	BW_TRY(bw_facts_child_ask(o->child, bw_buf_slice(&question), answer));
	BW_TRY(read_told(answer, count, arena, told));
	*out = told;
	return BW_OK;
}

void bw_outlook_done(struct bw_outlook_batch *batch)
{
	bw_mapped_release(&batch->answer);
	*batch = (struct bw_outlook_batch){ .told = NULL };
}

/* ---- all --------------------------------------------------------------------------------- */

/* Whoever refers to it later must not name it. */
static enum bw_err remember(struct bw_outlook *o, const struct bw_outlook_batch *batch)
{
	for (size_t i = 0; i < batch->rows.count; i++) {
		if (batch->told[i].problem != BW_OK ||
		    !bw_refs_is_secret(&batch->weighed[i].decision, batch->told[i].type))
			continue;
		BW_TRY(bw_secret_ids_add(o->secrets, batch->told[i].id));
		if (batch->weighed[i].decision.verdict == BW_VERDICT_DERIVED)
			BW_TRY(bw_secret_ids_add(o->derived, batch->told[i].id));
	}
	return BW_OK;
}

static enum bw_err weigh(struct bw_outlook *o, struct bw_arena *arena, struct bw_outlook_batch *batch)
{
	batch->weighed = bw_arena_zero(arena, batch->rows.count + 1, sizeof(*batch->weighed));
	BW_NEED(batch->weighed != NULL, MEMORY);
	return bw_weigh(&o->weighing, batch->rows.rows, batch->told, batch->rows.count, arena, batch->weighed);
}

enum bw_err bw_outlook_step(struct bw_outlook *o, int64_t after_us, struct bw_arena *arena,
			    struct bw_outlook_batch *batch)
{
	bw_outlook_done(batch);
	BW_TRY(bw_source_next(o->sources, &o->collections, after_us, STEP_ROWS, STEP_BYTES, arena, &batch->rows));
	if (batch->rows.count == 0)
		return BW_OK;
	BW_TRY(bw_outlook_tell(o, batch->rows.rows, batch->rows.count, arena, &batch->answer, &batch->told));
	BW_TRY(weigh(o, arena, batch));
	return remember(o, batch);
}

/* ---- one ----------------------------------------------------------------------------------- */

struct around {
	struct bw_source_row *rows;
	size_t count;
};

static bool is_there(const struct around *a, struct bw_slice id)
{
	for (size_t i = 0; i < a->count; i++)
		if (bw_slice_equals(a->rows[i].id, id))
			return true;
	return false;
}

/* Adds what rows from `first` on name; what has no room is secret, so that nothing is told better than it is. */
static enum bw_err add_named(struct bw_outlook *o, const struct bw_told *told, size_t first, struct bw_arena *arena,
			     struct around *a)
{
	const size_t last = a->count;

	for (size_t i = first; i < last; i++) {
		for (size_t r = 0; r < told[i - first].refs.count; r++) {
			const struct bw_slice id = told[i - first].refs.of[r].id;
			enum bw_err err;

			if (is_there(a, id))
				continue;
			if (a->count == AROUND_MAX) {
				BW_TRY(bw_secret_ids_add(o->secrets, id));
				continue;
			}
			err = bw_source_find(o->sources, &o->collections, id, arena, &a->rows[a->count]);
			if (err == BW_ERR_NOT_FOUND)
				continue;
			BW_TRY(err);
			a->count++;
		}
	}
	return BW_OK;
}

static enum bw_err look_around(struct bw_outlook *o, struct bw_arena *arena, struct around *a)
{
	size_t first = 0;

	while (first < a->count) {
		const size_t last = a->count;
		struct bw_mapped answer = { .bytes = bw_slice_empty };
		struct bw_told *told;
		enum bw_err err = bw_outlook_tell(o, a->rows + first, last - first, arena, &answer, &told);

		if (err == BW_OK)
			err = add_named(o, told, first, arena, a);
		bw_mapped_release(&answer);
		BW_TRY(err);
		first = last;
	}
	return BW_OK;
}

enum bw_err bw_outlook_one(struct bw_outlook *o, struct bw_slice id, struct bw_arena *arena,
			   struct bw_outlook_batch *batch)
{
	struct around a = { .rows = bw_arena_zero(arena, AROUND_MAX, sizeof(*a.rows)) };

	BW_NEED(a.rows != NULL, MEMORY);
	bw_outlook_done(batch);
	BW_TRY(bw_source_find(o->sources, &o->collections, id, arena, &a.rows[0]));
	a.count = 1;
	BW_TRY(look_around(o, arena, &a));
	batch->rows = (struct bw_source_batch){ .rows = a.rows, .count = a.count };
	BW_TRY(bw_outlook_tell(o, a.rows, a.count, arena, &batch->answer, &batch->told));
	return weigh(o, arena, batch);
}
