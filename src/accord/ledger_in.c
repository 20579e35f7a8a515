/* What a partner told: decided once more, from this side, and handed to the keeper; then the place moves. */
#include "accord/ledger_inner.h"

#include <inttypes.h>
#include <stdio.h>

#include "accord/chunk.h"
#include "accord/refusals.h"
#include "base/text.h"
#include "intel/batch.h"
#include "sys/clock.h"

#define ARENA_BYTES (768 * BW_MIB)

enum { CRASHES_MAX = 2, REFUSALS_TOLD = 5 };

/* ---- life ------------------------------------------------------------------------------ */

enum bw_err in_open(struct pact *pact)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf reason = BW_BUF_INIT(BW_KIB);
	struct in_side *in = &pact->in;
	char name[BW_ACCORD_ID_MAX + 16];
	struct bw_why why = { 0 };
	enum bw_err err;

	in->place = BW_INBOUND_PLACE_INIT;
	in->waiting = BW_BUF_INIT(2 * (size_t)BW_CHUNK_MAX);
	in->stage = IN_AWAY;
	if (!pact->plan->flows)
		return BW_OK;
	BW_TRY(bw_gate_new(pact_accord(pact), 1 - pact->plan->entry.we, BW_SIDE_RECEIVER, pact->peer.number,
			   pact->ledger->lexicon, pact->ledger->classes, &in->gate));
	(void)snprintf(name, sizeof(name), "accord/in/%.*s", BW_ARG(pact_id(pact)));
	BW_TRY(bw_folder_place(pact->ledger->plan->data, name, &in->folder));
	err = bw_inbound_place_load(in->folder.path, &in->place, &why);
	if (err == BW_OK && bw_inbound_stopped(in->folder.path, &reason, &why) == BW_OK) {
		ledger_log(BW_ERROR, pact, "nothing is taken until a person has looked (accord resume)",
			   bw_buf_text(&reason));
		in->stage = IN_STOPPED;
		in->is_cut_off = true;
	}
	if (err != BW_OK) {
		ledger_log(BW_ERROR, pact, "place cannot be read: nothing is taken", why.text);
		in->stage = IN_STOPPED;
	}
	return BW_OK;
}

void in_close(struct pact *pact)
{
	bw_gate_free(pact->in.gate);
	bw_inbound_place_release(&pact->in.place);
	bw_buf_release(&pact->in.waiting);
}

/* For good, until a person looks. */
static void stop(struct pact *pact, const char *reason)
{
	struct bw_why why = { 0 };

	visit_give_up(pact, "partner cut off", reason);
	pact->in.stage = IN_STOPPED;
	ledger_log(BW_ERROR, pact, "nothing is taken until a person has looked (accord resume)", reason);
	ledger_note(pact->ledger, "accord-cut-off", pact_id(pact), reason);
	if (bw_inbound_stop(pact->in.folder.path, bw_slice_text(reason), &why) != BW_OK)
		ledger_log(BW_ERROR, pact, "the reason cannot be written down", why.text);
	else
		pact->in.is_cut_off = true;
	visit_tell(pact, reason);
}

/* ---- what the clerk has to know ------------------------------------------------------------ */

/* A clerk that begins knows nothing: the partner's definitions that are in the store are told it before his stream. */
enum bw_err in_teach(struct pact *pact)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf question = BW_BUF_INIT(BW_QUESTION_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	BW_CLEANUP(bw_memfile_release) struct bw_memfile memory = BW_MEMFILE_NONE;

	if (pact->in.is_taught)
		return BW_OK;
	BW_TRY(bw_question_begin(&question));
	BW_TRY(bw_source_teach(pact->ledger->sources, pact->peer.node, &question));
	BW_TRY(bw_form_add_num(&form, ++pact->ledger->ids));
	BW_TRY(bw_run_add_body(&form, bw_buf_slice(&question), &memory));
	BW_TRY(bw_post_ask_copy(pact->ledger->post, "clerk", pact->plan->clerk + 1, BW_CLERK_WORK, bw_buf_slice(&form),
				memory.fd));
	pact->in.is_taught = true;
	return BW_OK;
}

/* ---- pieces ---------------------------------------------------------------------------------- */

enum bw_err in_piece(struct pact *pact, struct bw_slice bytes)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	BW_CLEANUP(bw_memfile_release) struct bw_memfile memory = BW_MEMFILE_NONE;

	if (pact->in.stage != IN_STREAM)
		return BW_OK;
	BW_TRY(bw_form_add_num(&form, pact->in.feed));
	BW_TRY(bw_run_add_body(&form, bytes, &memory));
	BW_TRY(bw_post_ask_copy(pact->ledger->post, "clerk", pact->plan->clerk + 1, BW_CLERK_FEED, bw_buf_slice(&form),
				memory.fd));
	pact->in.fed++;
	return BW_OK;
}

/* The courier may bring more once the chunk that waits is taken. */
static void let_more_come(struct pact *pact)
{
	while (pact->in.owed > 0 && pact->in.waiting.len == 0) {
		if (ledger_courier_may_bring(pact->ledger, pact->in.errand) != BW_OK)
			return;
		pact->in.owed--;
	}
}

static const char *meaning(enum bw_err err)
{
	switch (err) {
	case BW_ERR_DENIED:
		return "a checkpoint is not of this log, or not signed by every key of it";
	case BW_ERR_MISSING:
		return "fewer witnesses have cosigned than the accord asks for";
	default:
		return bw_err_text(err);
	}
}

void in_fed(struct pact *pact, enum bw_err err, struct bw_slice words)
{
	struct in_side *in = &pact->in;
	char reason[BW_INBOUND_REASON_MAX];

	if (in->stage != IN_STREAM || in->fed == 0)
		return;
	in->fed--;
	if (err == BW_OK) {
		in->owed++;
		if (in->has_ended && in->fed == 0)
			visit_stream_over(pact);
		else
			let_more_come(pact);
		return;
	}
	(void)snprintf(reason, sizeof(reason), "%s: %s%s%.300s", bw_err_name(err), meaning(err),
		       words.len > 0 ? "; the partner says: " : "", words.len > 0 ? (const char *)words.ptr : "");
	/* what only a partner who lies, or is an old copy, can bring about waits for a person */
	if (err == BW_ERR_SPLIT_VIEW || err == BW_ERR_ROLLBACK || err == BW_ERR_EDITED)
		stop(pact, reason);
	else
		visit_give_up(pact, "stream of the partner ended", reason);
	if (err != BW_ERR_CLOSED && pact->in.stage != IN_STOPPED)
		visit_tell(pact, reason);
}

void in_evidence(struct pact *pact, struct bw_slice old_checkpoint, struct bw_slice new_checkpoint)
{
	struct bw_why why = { 0 };

	if (bw_inbound_evidence_keep(pact->in.folder.path, old_checkpoint, new_checkpoint, &why) != BW_OK)
		ledger_log(BW_ERROR, pact, "evidence cannot be kept", why.text);
	else
		ledger_log(BW_CRIT, pact, "two checkpoints of the partner cannot both be true: both are kept",
			   pact->in.folder.path);
}

void in_clerk_replaced(struct pact *pact)
{
	struct in_side *in = &pact->in;

	in->is_taught = false;
	if (in->stage != IN_STREAM && in->stage != IN_BEGINNING)
		return;
	if (in->fed > 0 && ++in->crashes >= CRASHES_MAX) {
		stop(pact, "the clerk that reads this partner ended twice over the same bytes");
		return;
	}
	visit_give_up(pact, "the clerk that reads this partner has ended", "it is started again");
}

/* ---- deciding ----------------------------------------------------------------------------------- */

struct taking {
	struct pact *pact;
	struct bw_arena arena;
	struct bw_crossing_terms terms;
	uint8_t hashes[2][BW_SHA256_BYTES]; /* of this version, and of the one before: what was under way goes on */
	struct bw_answer answer;
	struct bw_buf delivery;
	struct bw_refusals refusals;
	uint64_t taken;
	uint64_t refused;
	char first[200]; /* why the first of them was */
};

/* `id`: empty when it cannot be told. */
static void tell_refusal(struct taking *t, struct bw_slice id, uint64_t index, const char *words)
{
	struct bw_why why = { 0 };

	if (t->refused == 0)
		(void)snprintf(t->first, sizeof(t->first), "entry %" PRIu64 ": %.150s", index, words);
	if (id.len > 0 && bw_refusals_add(&t->refusals, id, index, t->terms.now_us, words, &why) != BW_OK)
		ledger_log(BW_WARNING, t->pact, "what is refused cannot be written down", why.text);
	if (t->refused++ < REFUSALS_TOLD)
		bw_log(BW_WARNING, "entry refused", BW_SLICE("accord", pact_id(t->pact)), BW_NUM("entry", index),
		       BW_TEXT("why", words));
}

static enum bw_err facts_of(struct taking *t, const struct bw_crossing *crossing, const struct bw_told *told,
			    struct bw_policy_inputs *inputs, struct bw_facts *out)
{
	struct ledger *ledger = t->pact->ledger;
	uint32_t *labels = bw_arena_zero(&t->arena, told->labels.count + 1, sizeof(*labels));
	uint32_t *sectors = bw_arena_zero(&t->arena, told->sectors.count + 1, sizeof(*sectors));

	BW_NEED(labels != NULL && sectors != NULL, MEMORY);
	for (size_t i = 0; i < told->labels.count; i++)
		labels[i] = bw_lexicon_find(ledger->lexicon, told->labels.of[i]);
	for (size_t i = 0; i < told->sectors.count; i++)
		sectors[i] = bw_lexicon_find(ledger->lexicon, told->sectors.of[i]);
	*out = (struct bw_facts){ .came_from = BW_WORD_NONE,
				  .type = told->type,
				  .tiding = told->tiding,
				  .confidence = told->confidence,
				  .labels = labels,
				  .sectors = sectors,
				  .label_count = (uint16_t)told->labels.count,
				  .sector_count = (uint16_t)told->sectors.count };
	*inputs = told->inputs;
	bw_crossing_tell(crossing, ledger->lexicon, inputs, out);
	/* its end would make a class of every minute: that is keep_until_us */
	inputs->of[BW_SOURCE_INHERITED].not_after_us = INT64_MAX;
	return bw_policy_class(ledger->classes, inputs, &out->policy_class);
}

static enum bw_err take_fine(struct taking *t, const struct bw_chunk_row *row)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf words = BW_BUF_INIT(BW_KIB);
	struct bw_provenance from = { .entry = row->index };
	struct bw_policy_inputs inputs;
	struct bw_decision decision;
	struct bw_facts facts;
	struct bw_told told;
	const char *what = NULL;
	enum bw_err err;

	BW_TRY(bw_answer_next(&t->answer, &t->arena, &told));
	err = bw_crossing_check(&row->crossing, &t->terms, &what);
	if (err == BW_OK && told.problem != BW_OK)
		err = told.problem;
	if (err != BW_OK) {
		tell_refusal(t, told.id, row->index, what != NULL ? what : bw_err_text(err));
		return bw_delivery_skip(&t->delivery);
	}
	BW_TRY(facts_of(t, &row->crossing, &told, &inputs, &facts));
	bw_gate_decide(t->pact->in.gate, &facts, t->terms.now_us, &decision);
	if (decision.verdict != BW_VERDICT_SENT) {
		if (bw_decision_say(t->pact->in.gate, &facts, &decision, &words) != BW_OK)
			bw_buf_clear(&words);
		tell_refusal(t, told.id, row->index, bw_buf_text(&words));
		return bw_delivery_skip(&t->delivery);
	}
	bw_gate_carry(t->pact->in.gate, &inputs, 0, t->terms.now_us, &from.inherited);
	if (from.inherited.not_after_us > facts.keep_until_us)
		from.inherited.not_after_us = facts.keep_until_us;
	/* the way before the partner: he is the node behind the inbound collection */
	from.path_count = row->crossing.path_count - 1;
	memcpy(from.path, row->crossing.path, from.path_count * BW_SHA256_BYTES);
	t->taken++;
	return bw_delivery_take(&t->delivery, &from);
}

static enum bw_err decide_rows(struct taking *t, struct bw_chunk *chunk)
{
	const size_t count = chunk->count;

	for (size_t i = 0; i < count; i++) {
		struct bw_chunk_row row;

		BW_TRY(bw_chunk_next(chunk, &row));
		if (row.kind == BW_CHUNK_FINE)
			BW_TRY(take_fine(t, &row));
		else if (row.kind == BW_CHUNK_REFUSED)
			tell_refusal(t, bw_slice_empty, row.index, "it is no crossing, or no valid STIX object");
	}
	return BW_OK;
}

/* ---- handing over ------------------------------------------------------------------------------------ */

static void note_chunk(const struct taking *t, const struct bw_chunk *chunk, size_t count,
		       const struct bw_handover_outcome *outcome)
{
	char words[160];

	(void)snprintf(words, sizeof(words),
		       "entries %" PRIu64 "-%" PRIu64 ": %" PRIu64 " taken, %" PRIu64 " refused; %" PRIu64 " new here",
		       chunk->from, chunk->from + count, t->taken, t->refused, outcome->added);
	ledger_log(BW_NOTICE, t->pact, "taken", words);
	if (t->refused > 0)
		visit_tell(t->pact, t->first);
	ledger_note(t->pact->ledger, t->refused > 0 ? "accord-refuse" : "accord-take", pact_id(t->pact), words);
}

static enum bw_err hand_over(struct taking *t, struct bw_chunk *chunk, struct bw_why *why)
{
	const struct bw_peer *peer = &t->pact->ledger->plan->book.peers[t->pact->plan->peer];
	struct bw_handover_outcome outcome = { .added = 0 };
	const size_t count = chunk->count;

	BW_TRY(bw_delivery_begin(&t->delivery, t->pact->plan->entry.now->hash, chunk->fine));
	BW_TRY(decide_rows(t, chunk));
	BW_TRY(bw_delivery_end(&t->delivery, chunk->batch));
	if (t->taken > 0)
		BW_TRY(bw_handover_import(t->pact->ledger->handover, t->pact->peer.node, peer->label,
					  bw_buf_slice(&t->delivery), &outcome, why));
	if (count > 0)
		note_chunk(t, chunk, count, &outcome);
	return BW_OK;
}

/* The store has it: from here on we ask for what follows. */
static enum bw_err move_place(struct pact *pact, const struct bw_chunk *chunk, struct bw_why *why)
{
	bw_buf_clear(&pact->in.place.state);
	BW_TRY(bw_buf_add(&pact->in.place.state, chunk->state));
	return bw_inbound_place_save(pact->in.folder.path, &pact->in.place, why);
}

static enum bw_err take_chunk(struct pact *pact, struct bw_chunk *chunk, struct bw_why *why)
{
	struct taking t = { .pact = pact,
			    .arena = BW_ARENA_INIT(ARENA_BYTES),
			    .refusals = BW_REFUSALS_OVER(pact->in.folder.path),
			    .delivery = BW_BUF_INIT(BW_RUN_BODY_MAX) };
	struct bw_chunk rows = *chunk;
	enum bw_err err;

	memcpy(t.hashes[0], pact->plan->entry.now->hash, BW_SHA256_BYTES);
	memcpy(t.hashes[1], pact_accord(pact)->previous, BW_SHA256_BYTES);
	t.terms = (struct bw_crossing_terms){ .accord = pact_accord(pact),
					      .from = 1 - pact->plan->entry.we,
					      .hashes = (const uint8_t(*)[BW_SHA256_BYTES])t.hashes,
					      .hash_count = pact_accord(pact)->sequence > 1 ? 2 : 1,
					      .now_us = bw_clock_now_us() };
	err = bw_answer_open(chunk->answer, &t.answer);
	if (err == BW_OK)
		err = hand_over(&t, &rows, why);
	if (err == BW_OK)
		err = move_place(pact, chunk, why);
	if (err == BW_OK && bw_refusals_write(&t.refusals, why) != BW_OK)
		ledger_log(BW_WARNING, pact, "what is refused cannot be written down", why->text);
	bw_refusals_release(&t.refusals);
	bw_buf_release(&t.delivery);
	bw_arena_release(&t.arena);
	return err;
}

/* AGAIN: it waits. */
static enum bw_err count_chunk(struct pact *pact, const struct bw_chunk *chunk)
{
	int64_t wait_us = 0;
	const enum bw_err err = bw_inbound_count(&pact->in.place.limits, pact->flow[BW_RUN_IN], chunk->count,
						 chunk->bytes, bw_clock_now_us(), &wait_us);

	if (err == BW_ERR_AGAIN) {
		pact->in.wait_until_us = bw_clock_mono_us() + wait_us;
		ledger_log(BW_NOTICE, pact, "partner is faster than agreed: he waits", "");
		visit_tell(pact, "more comes than was agreed for a minute, or for a day: it waits until that is over");
	}
	return err;
}

/* True: the chunk is dealt with; false: it waits, or the stream was given up. */
static bool take_now(struct pact *pact, struct bw_slice bytes)
{
	struct bw_chunk chunk;
	struct bw_why why = { 0 };
	enum bw_err err;

	if (pact->ledger->handover == NULL) {
		visit_give_up(pact, "no server to hand over to", "breakwater serve does not run");
		return false;
	}
	err = bw_chunk_open(bytes, &chunk);
	if (err == BW_OK)
		err = count_chunk(pact, &chunk);
	if (err == BW_ERR_AGAIN)
		return false;
	if (err == BW_OK)
		err = take_chunk(pact, &chunk, &why);
	if (err == BW_OK) {
		pact->in.crashes = 0;
		pact->in.retry = (struct retry){ 0 };
		return true;
	}
	visit_give_up(pact, "what came was not stored; it is asked for again",
		      why.text[0] != '\0' ? why.text : bw_err_text(err));
	if (err == BW_ERR_CLOSED || err == BW_ERR_TIMEOUT)
		ledger_lose_store(pact->ledger);
	return false;
}

void in_chunk(struct pact *pact, struct bw_slice chunk)
{
	if (pact->in.stage != IN_STREAM)
		return;
	/* in their order: who comes behind one that waits, waits */
	if (pact->in.waiting.len == 0 && take_now(pact, chunk))
		return;
	if (pact->in.stage == IN_STREAM && bw_buf_add_block(&pact->in.waiting, chunk) != BW_OK)
		visit_give_up(pact, "no memory for what waits", "it is asked for again");
}

/* A person has looked, and says so by `accord resume`. */
void in_look_each_second(struct pact *pact)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf reason = BW_BUF_INIT(BW_KIB);

	if (pact->in.stage != IN_STOPPED || !pact->in.is_cut_off ||
	    bw_inbound_stopped(pact->in.folder.path, &reason, NULL) != BW_ERR_NOT_FOUND)
		return;
	ledger_log(BW_NOTICE, pact, "partner is listened to again", "");
	pact->in.is_cut_off = false;
	pact->in.crashes = 0;
	pact->in.retry = (struct retry){ 0 };
	pact->in.stage = IN_AWAY;
}

void in_look(struct pact *pact)
{
	struct in_side *in = &pact->in;

	while (in->stage == IN_STREAM && in->waiting.len > 0 && bw_clock_mono_us() >= in->wait_until_us) {
		struct bw_cursor c = bw_cursor_over(bw_buf_slice(&in->waiting));
		struct bw_slice chunk;

		if (bw_take_block(&c, BW_CHUNK_MAX, &chunk) != BW_OK || !take_now(pact, chunk))
			return;
		bw_buf_eat(&in->waiting, c.at);
	}
	if (in->stage == IN_STREAM)
		let_more_come(pact);
}
