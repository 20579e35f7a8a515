/* What we tell: decisions about a batch, and the derived objects that go in place of some. */
#include "accord/ledger_inner.h"

#include <stdio.h>

#include "crypto/uuid.h"
#include "sys/clock.h"

enum { ID_BYTES = 300, MS_TIME_BYTES = 24 };

/* ---- weighing -------------------------------------------------------------------------------------- */

static uint8_t type_of(struct bw_slice id)
{
	if (id.len <= BW_UUID_CHARS + 2)
		return BW_STIX_CUSTOM;
	return (uint8_t)bw_stix_type_of(bw_slice_sub(id, 0, id.len - BW_UUID_CHARS - 2));
}

/* Of an object that is not in this batch, what was decided about it last (accord/refs.h). */
static bool is_secret_elsewhere(void *with, struct bw_slice id)
{
	struct pact *pact = with;
	struct bw_outbound_found last;
	const uint8_t type = type_of(id);
	struct bw_why why;
	const enum bw_err err = bw_outbound_latest(pact->out.log, id, &last, &why);

	if (err == BW_ERR_NOT_FOUND) /* it never crossed, so an observable is one */
		return bw_stix_type_group((enum bw_stix_type)type) == BW_STIX_SCO;
	if (err != BW_OK)
		return true;
	return bw_refs_is_secret(&last.decision, type);
}

/* … and what stands for it there, if it went as something else. */
static bool became_elsewhere(void *with, struct bw_slice id, struct bw_slice *out)
{
	struct pact *pact = with;
	struct bw_outbound_found last;
	struct bw_why why;

	return bw_outbound_latest(pact->out.log, id, &last, &why) == BW_OK && last.is_logged && last.became.len > 0 &&
	       bw_arena_copy(&pact->out.arena, last.became, out) == BW_OK;
}

static enum bw_err read_answer(struct pact *pact, struct bw_slice bytes)
{
	struct out_side *out = &pact->out;
	struct bw_answer answer;
	struct bw_slice kept;

	BW_TRY(bw_arena_copy(&out->arena, bytes, &kept)); /* what is told borrows from it */
	BW_TRY(bw_answer_open(kept, &answer));
	out->facts = bw_arena_zero(&out->arena, out->batch.count + 1, sizeof(*out->facts));
	out->derived = bw_arena_zero(&out->arena, out->batch.count + 1, sizeof(*out->derived));
	out->became = bw_arena_zero(&out->arena, out->batch.count + 1, sizeof(*out->became));
	if (out->kind != OUT_HELD)
		out->weighed = bw_arena_zero(&out->arena, out->batch.count + 1, sizeof(*out->weighed));
	BW_NEED(out->facts != NULL && out->derived != NULL && out->became != NULL && out->weighed != NULL, MEMORY);
	for (size_t i = 0; i < out->batch.count; i++) {
		out->derived[i] = bw_slice_empty;
		out->became[i] = bw_slice_empty;
		BW_TRY(bw_answer_next(&answer, &out->arena, &out->facts[i]));
	}
	return BW_OK;
}

static enum bw_err weigh(struct pact *pact)
{
	struct ledger *ledger = pact->ledger;
	struct out_side *out = &pact->out;
	const struct bw_weighing weighing = {
		.gate = out->gate,
		.peer = pact->peer,
		.lexicon = ledger->lexicon,
		.classes = ledger->classes,
		.profile = (enum bw_redaction)pact->flow[BW_RUN_OUT]->redaction,
		.now_us = bw_clock_now_us(),
		.elsewhere = { is_secret_elsewhere, became_elsewhere, pact },
	};

	return bw_weigh(&weighing, out->batch.rows, out->facts, out->batch.count, &out->arena, out->weighed);
}

/* ---- derived objects ---------------------------------------------------------------------------------- */

void out_withhold(struct bw_weighed *one, enum bw_clause clause)
{
	one->decision.verdict = BW_VERDICT_WITHHELD;
	one->decision.clause = (uint8_t)clause;
	one->decision.takes = 0;
	one->carried = NULL;
}

static enum bw_err new_id(struct bw_arena *arena, struct bw_slice old, struct bw_slice *out)
{
	char text[ID_BYTES];
	char uuid[BW_UUID_CHARS + 1];
	struct bw_slice type;
	struct bw_uuid random;

	BW_NEED(old.len > BW_UUID_CHARS + 2 && old.len < sizeof(text), RANGE);
	type = bw_slice_sub(old, 0, old.len - BW_UUID_CHARS - 2);
	bw_uuid_v4(&random);
	bw_uuid_format(&random, uuid);
	(void)snprintf(text, sizeof(text), "%.*s--%s", BW_ARG(type), uuid);
	return bw_arena_copy(arena, bw_slice_text(text), out);
}

/* Old ids, and behind each the new one. */
static enum bw_err set_swaps(struct out_side *out, const struct bw_weighed *one, struct bw_redact_plan *plan)
{
	struct bw_slice *swap = bw_arena_zero(&out->arena, 2 * one->swap_count + 1, sizeof(*swap));

	BW_NEED(swap != NULL, MEMORY);
	for (size_t i = 0; i < one->swap_count; i++) {
		const struct bw_ref_swap *s = &one->swap[i];

		swap[2 * i] = s->from;
		swap[2 * i + 1] = s->node == UINT32_MAX ? s->to : out->became[s->node];
	}
	plan->swap = swap;
	plan->swap_count = 2 * one->swap_count;
	return BW_OK;
}

static enum bw_err ask_for_one(struct pact *pact, size_t at, struct bw_slice now, struct bw_buf *question)
{
	static const struct bw_slice maker = { (const uint8_t *)"created_by_ref", sizeof("created_by_ref") - 1 };
	struct out_side *out = &pact->out;
	const struct bw_weighed *one = &out->weighed[at];
	struct bw_redact_plan plan = { .id = out->became[at],
				       .creator = bw_slice_empty,
				       .time = now,
				       .personal = (one->decision.takes & BW_TAKES_PERSONAL) != 0,
				       .parts = (one->decision.takes & BW_TAKES_PARTS) != 0,
				       .drop_refs = one->drop,
				       .drop_ref_count = one->drop_count };

	if ((one->decision.takes & BW_TAKES_MAKER) != 0) {
		plan.drop = &maker;
		plan.drop_count = 1;
	}
	BW_TRY(set_swaps(out, one, &plan));
	return bw_question_derive(question, &plan, out->batch.rows[at].body);
}

/* Before any is asked for: they name one another. */
static enum bw_err give_ids(struct pact *pact, size_t *out_count)
{
	struct out_side *out = &pact->out;
	size_t count = 0;

	for (size_t i = 0; i < out->batch.count; i++) {
		if (out->weighed[i].decision.verdict != BW_VERDICT_DERIVED)
			continue;
		BW_TRY(new_id(&out->arena, out->facts[i].id, &out->became[i]));
		count++;
	}
	*out_count = count;
	return BW_OK;
}

/* AGAIN: there are some, and the clerk was asked. */
static enum bw_err ask_for_derived(struct pact *pact)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf question = BW_BUF_INIT(BW_QUESTION_MAX);
	struct out_side *out = &pact->out;
	char now[BW_TIME_BYTES];
	size_t count;

	bw_time_format(bw_clock_now_us(), now);
	now[MS_TIME_BYTES - 1] = 'Z'; /* milliseconds are what STIX 2.1 §3.1 asks for */
	BW_TRY(bw_question_begin(&question));
	BW_TRY(give_ids(pact, &count));
	for (size_t i = 0; i < out->batch.count; i++)
		if (out->weighed[i].decision.verdict == BW_VERDICT_DERIVED)
			BW_TRY(ask_for_one(pact, i, bw_slice_of(now, MS_TIME_BYTES), &question));
	if (count == 0)
		return BW_OK;
	BW_TRY(out_ask_clerk(pact, bw_buf_slice(&question)));
	out->stage = OUT_DERIVING;
	return BW_ERR_AGAIN;
}

static bool names_what_stays(const struct out_side *out, const struct bw_weighed *one)
{
	for (size_t i = 0; i < one->swap_count; i++)
		if (one->swap[i].node != UINT32_MAX &&
		    out->weighed[one->swap[i].node].decision.verdict != BW_VERDICT_DERIVED)
			return true;
	return false;
}

/* What could not be made is named by nobody: who names it stays too, and so on until nothing changes. */
static void settle_derived(struct pact *pact)
{
	struct out_side *out = &pact->out;
	bool changed = true;

	while (changed) {
		changed = false;
		for (size_t i = 0; i < out->batch.count; i++) {
			struct bw_weighed *one = &out->weighed[i];

			if (one->decision.verdict != BW_VERDICT_DERIVED || !names_what_stays(out, one))
				continue;
			out_withhold(one, BW_CLAUSE_REFERENCE);
			out->derived[i] = bw_slice_empty;
			changed = true;
		}
	}
}

enum bw_err out_take_derived(struct pact *pact, struct bw_slice bytes)
{
	struct out_side *out = &pact->out;
	struct bw_answer answer;
	struct bw_slice kept;

	BW_TRY(bw_arena_copy(&out->arena, bytes, &kept));
	BW_TRY(bw_answer_open(kept, &answer));
	for (size_t i = 0; i < out->batch.count; i++) {
		struct bw_weighed *one = &out->weighed[i];
		struct bw_told told;

		if (one->decision.verdict != BW_VERDICT_DERIVED)
			continue;
		BW_TRY(bw_answer_next(&answer, &out->arena, &told));
		if (told.problem == BW_OK && told.is_derived)
			out->derived[i] = told.text;
		else
			out_withhold(one, (enum bw_clause)one->decision.clause);
	}
	settle_derived(pact);
	return BW_OK;
}

enum bw_err out_weigh(struct pact *pact, struct bw_slice answer)
{
	BW_TRY(read_answer(pact, answer));
	BW_TRY(weigh(pact));
	return ask_for_derived(pact);
}
