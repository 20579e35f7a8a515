/* What we tell: what is new in the accord's collections, weighed, and put into the log. */
#include "accord/ledger_inner.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "sys/clock.h"

#define BATCH_BYTES (16 * BW_MIB)
#define ARENA_BYTES (768 * BW_MIB)

enum { BATCH_ROWS = 4096, HELD_ARENA_BYTES = 64 * 1024 * 1024 };

/* ---- life --------------------------------------------------------------------------------- */

enum bw_err out_open_log(struct pact *pact, struct bw_why *why)
{
	struct bw_outbound_rules rules = { .origin = pact->plan->origin[BW_RUN_OUT] };
	char name[BW_ACCORD_ID_MAX + 16];

	BW_TRY(bw_trust_parse(pact->plan->policy[BW_RUN_OUT], NULL, &pact->out.trust));
	rules.trust = pact->out.trust;
	(void)snprintf(name, sizeof(name), "accord/out/%.*s", BW_ARG(pact_id(pact)));
	BW_TRY(bw_folder_place(pact->ledger->plan->data, name, &pact->out.folder));
	return bw_outbound_open(pact->out.folder.path, &rules, &pact->out.log, why);
}

enum bw_err out_open(struct pact *pact)
{
	struct out_side *out = &pact->out;
	struct bw_why why = { 0 };
	enum bw_err err;

	out->arena = BW_ARENA_INIT(ARENA_BYTES);
	out->again = BW_AGAIN_INIT;
	out->stage = OUT_IDLE;
	for (size_t i = 0; i < pact->plan->witness_count; i++)
		out->witness[out->witness_count++] = (struct witness){ .party = pact->plan->witness[i] };
	BW_TRY(bw_gate_new(pact_accord(pact), pact->plan->entry.we, BW_SIDE_SENDER, pact->peer.number,
			   pact->ledger->lexicon, pact->ledger->classes, &out->gate));
	err = out_open_log(pact, &why);
	if (err == BW_OK) {
		again_open(pact);
		return BW_OK;
	}
	/* one log that is damaged stops its own accord and no other */
	ledger_log(BW_ERROR, pact, "log cannot be opened: nothing is told",
		   why.text[0] != '\0' ? why.text : bw_err_text(err));
	out->stage = OUT_STOPPED;
	return BW_OK;
}

void out_close(struct pact *pact)
{
	bw_outbound_close(pact->out.log);
	bw_trust_free(pact->out.trust);
	bw_gate_free(pact->out.gate);
	bw_arena_release(&pact->out.arena);
	bw_again_release(&pact->out.again);
}

static void stop(struct pact *pact, const char *event, enum bw_err err, const struct bw_why *why)
{
	ledger_log(BW_ERROR, pact, event, why->text[0] != '\0' ? why->text : bw_err_text(err));
	pact->out.stage = OUT_STOPPED;
}

/* ---- asking the clerk ----------------------------------------------------------------------- */

enum bw_err out_ask_clerk(struct pact *pact, struct bw_slice question)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	BW_CLEANUP(bw_memfile_release) struct bw_memfile memory = BW_MEMFILE_NONE;
	struct ledger *ledger = pact->ledger;

	pact->out.question = ++ledger->ids;
	BW_TRY(bw_form_add_num(&form, pact->out.question));
	BW_TRY(bw_run_add_body(&form, question, &memory));
	return bw_post_ask_copy(ledger->post, "clerk", pact->plan->clerk, BW_CLERK_WORK, bw_buf_slice(&form),
				memory.fd);
}

enum bw_err out_ask_about_rows(struct pact *pact)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf question = BW_BUF_INIT(BW_QUESTION_MAX);
	struct bw_source_told told = pact->out.told;

	BW_TRY(bw_question_begin(&question));
	BW_TRY(bw_source_ask(pact->ledger->sources, pact->out.batch.rows, pact->out.batch.count,
			     (enum bw_redaction)pact->flow[BW_RUN_OUT]->redaction, pact->out.batch.scanned_us, &told,
			     &question));
	BW_TRY(out_ask_clerk(pact, bw_buf_slice(&question)));
	pact->out.told = told;
	pact->out.stage = OUT_ASKED;
	return BW_OK;
}

int64_t out_place(const struct pact *pact)
{
	struct bw_cursor c = bw_cursor_over(bw_outbound_source(pact->out.log));
	uint64_t at = 0;

	bw_err_drop(bw_take_be64(&c, &at)); /* nothing was told yet: from the beginning */
	return (int64_t)at > pact->out.scanned_us ? (int64_t)at : pact->out.scanned_us;
}

static bool is_definition(const struct bw_source_row *row)
{
	return bw_slice_starts(row->id, BW_LIT("marking-definition--"));
}

/* Definitions cross before what bears them: the other side has to know them first. */
static enum bw_err put_definitions_first(struct pact *pact)
{
	struct bw_source_batch *batch = &pact->out.batch;
	struct bw_source_row *rows = bw_arena_take(&pact->out.arena, (batch->count + 1) * sizeof(*rows));
	size_t at = 0;

	BW_NEED(rows != NULL, MEMORY);
	for (size_t i = 0; i < batch->count; i++)
		if (is_definition(&batch->rows[i]))
			rows[at++] = batch->rows[i];
	for (size_t i = 0; i < batch->count && at > 0; i++)
		if (!is_definition(&batch->rows[i]))
			rows[at++] = batch->rows[i];
	if (at > 0)
		batch->rows = rows;
	return BW_OK;
}

/* True: a batch is on its way. */
static bool begin_batch(struct pact *pact)
{
	struct out_side *out = &pact->out;
	const int64_t after = out_place(pact);
	enum bw_err err;

	if (!bw_sources_moved(pact->ledger->sources, after))
		return false;
	bw_arena_reset(&out->arena);
	out->kind = OUT_NEW;
	err = bw_source_next(pact->ledger->sources, &pact->flow[BW_RUN_OUT]->collections, after, BATCH_ROWS,
			     BATCH_BYTES, &out->arena, &out->batch);
	if (err == BW_OK && out->batch.count == 0) { /* other collections have moved */
		out->scanned_us = out->batch.scanned_us;
		return false;
	}
	if (err == BW_OK)
		err = put_definitions_first(pact);
	if (err == BW_OK)
		err = out_ask_about_rows(pact);
	if (err == BW_OK)
		return true;
	if (err != BW_ERR_CLOSED) { /* no clerk at this moment */
		ledger_log(BW_ERROR, pact, "collections cannot be read", bw_err_text(err));
		ledger_lose_store(pact->ledger);
	}
	return false;
}

/* ---- what people have answered ------------------------------------------------------------------ */

static enum bw_err add_answered(struct pact *pact, const struct bw_held_object *held, struct bw_weighed *weighed)
{
	struct out_side *out = &pact->out;
	struct bw_source_row *row = &out->batch.rows[out->batch.count];
	struct bw_why why = { 0 };
	const enum bw_err err = bw_source_at(pact->ledger->sources, &pact->flow[BW_RUN_OUT]->collections,
					     held->date_added_us, &out->arena, row);

	if (err == BW_ERR_NOT_FOUND) /* deleted meanwhile */
		return bw_hold_done(pact->ledger->plan->data, pact_id(pact), held->key, &why);
	BW_TRY(err);
	weighed[out->batch.count].is_released = held->answer == BW_HELD_RELEASED;
	weighed[out->batch.count].is_refused = held->answer == BW_HELD_REFUSED;
	out->batch.count++;
	return BW_OK;
}

static enum bw_err gather_answered(struct pact *pact, struct bw_arena *arena)
{
	struct out_side *out = &pact->out;
	struct bw_held_object *held;
	struct bw_why why = { 0 };
	size_t answered = 0;
	size_t count = 0;

	BW_TRY(bw_hold_list(pact->ledger->plan->data, pact_id(pact), arena, &held, &count, &why));
	out->batch = (struct bw_source_batch){ .scanned_us = out_place(pact) };
	for (size_t i = 0; i < count; i++)
		answered += held[i].answer != BW_HELD_WAITS;
	if (answered == 0)
		return BW_OK;
	if (answered > BATCH_ROWS)
		answered = BATCH_ROWS;
	bw_arena_reset(&out->arena);
	out->batch.rows = bw_arena_zero(&out->arena, answered, sizeof(*out->batch.rows));
	out->weighed = bw_arena_zero(&out->arena, answered, sizeof(*out->weighed));
	BW_NEED(out->batch.rows != NULL && out->weighed != NULL, MEMORY);
	for (size_t i = 0; i < count && out->batch.count < answered; i++)
		if (held[i].answer != BW_HELD_WAITS)
			BW_TRY(add_answered(pact, &held[i], out->weighed));
	return BW_OK;
}

/* True: a batch is on its way. */
static bool begin_held(struct pact *pact, int64_t now_us)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(HELD_ARENA_BYTES);
	enum bw_err err;

	if (now_us - pact->out.held_looked_us < LEDGER_SECOND_US)
		return false;
	pact->out.held_looked_us = now_us;
	again_look(pact);
	err = gather_answered(pact, &arena);
	if (err == BW_OK && pact->out.batch.count == 0)
		return false;
	pact->out.kind = OUT_HELD;
	if (err == BW_OK)
		err = out_ask_about_rows(pact);
	if (err != BW_OK && err != BW_ERR_CLOSED)
		ledger_log(BW_ERROR, pact, "hold queue cannot be read", bw_err_text(err));
	return err == BW_OK;
}

/* ---- into the log ------------------------------------------------------------------------------------------ */

static enum bw_err write_crossing(struct pact *pact, size_t at, struct bw_slice *out_text)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_CROSSING_MAX);
	struct out_side *out = &pact->out;
	const struct bw_source_row *row = &out->batch.rows[at];
	const struct bw_weighed *one = &out->weighed[at];
	struct bw_crossing crossing = { .clause = one->decision.clause,
					.tiding = one->decision.tiding,
					.is_derived = out->derived[at].len > 0,
					.collection = row->collection,
					.policy = *one->carried };

	memcpy(crossing.accord, pact->plan->entry.now->hash, sizeof(crossing.accord));
	if (row->has_provenance) {
		BW_NEED(row->from.path_count + 2 <= BW_CROSSING_PATH_MAX, RANGE);
		memcpy(crossing.path, row->from.path, row->from.path_count * BW_SHA256_BYTES);
		memcpy(crossing.path[row->from.path_count], row->from.node, BW_SHA256_BYTES);
		crossing.path_count = row->from.path_count + 1;
	}
	memcpy(crossing.path[crossing.path_count++], pact->ledger->plan->book.self_name, BW_SHA256_BYTES);
	crossing.object = crossing.is_derived ? out->derived[at] : row->body;
	BW_TRY(bw_crossing_add(&text, &crossing));
	return bw_arena_copy(&out->arena, bw_buf_slice(&text), out_text);
}

static enum bw_err hold(struct pact *pact, size_t at)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf words = BW_BUF_INIT(BW_HELD_WORDS_MAX);
	const struct bw_source_row *row = &pact->out.batch.rows[at];
	const struct bw_told *told = &pact->out.facts[at];
	struct bw_held_object held = { .id = row->id,
				       .version = row->version,
				       .date_added_us = row->date_added_us,
				       .since_us = bw_clock_now_us() };
	struct bw_why why = { 0 };

	for (size_t i = 0; i < told->found.count; i++)
		if (bw_buf_addf(&words, "%.*s\n", BW_ARG(told->found.of[i])) != BW_OK)
			break; /* what fits is enough to begin with */
	held.words = bw_buf_slice(&words);
	return bw_hold_put(pact->ledger->plan->data, pact_id(pact), &held, &why);
}

static bool goes(const struct bw_weighed *one)
{
	return one->carried != NULL &&
	       (one->decision.verdict == BW_VERDICT_SENT || one->decision.verdict == BW_VERDICT_DERIVED);
}

static enum bw_err write_item(struct pact *pact, size_t at, struct bw_outbound_item *item)
{
	struct bw_weighed *one = &pact->out.weighed[at];
	struct bw_slice text = bw_slice_empty;

	if (one->decision.verdict == BW_VERDICT_HELD) {
		const enum bw_err err = hold(pact, at);

		if (err == BW_ERR_TOO_MANY)
			out_withhold(one, BW_CLAUSE_UNSURE);
		else
			BW_TRY(err);
	}
	if (goes(one)) {
		const enum bw_err err = write_crossing(pact, at, &text);

		/* a way that is too long would be a loop: it ends here */
		if (err == BW_ERR_RANGE || err == BW_ERR_TOO_BIG)
			out_withhold(one, BW_CLAUSE_RETURNS);
		else
			BW_TRY(err);
	}
	*item = (struct bw_outbound_item){ .id = pact->out.batch.rows[at].id,
					   .version = pact->out.batch.rows[at].version,
					   .became = goes(one) ? pact->out.became[at] : bw_slice_empty,
					   .decision = one->decision,
					   .crossing = text,
					   .keep_until_us = text.len > 0 ? one->carried->not_after_us : 0 };
	return BW_OK;
}

static void note_batch(struct pact *pact, const struct bw_outbound_batch *batch, size_t count)
{
	char hash[2 * BW_SHA256_BYTES + 1];
	char words[160];

	bw_hex_encode(bw_slice_of(batch->hash, sizeof(batch->hash)), hash);
	(void)snprintf(words, sizeof(words), "batch %" PRIu64 ": %zu weighed, entries %" PRIu64 "-%" PRIu64 ", %.16s",
		       batch->number, count, batch->from, batch->to, hash);
	ledger_note(pact->ledger, "accord-tell", pact_id(pact), words);
}

/* What people answered is dealt with when the log says so. */
static void release_held(struct pact *pact)
{
	for (size_t i = 0; pact->out.kind == OUT_HELD && i < pact->out.batch.count; i++) {
		char key[BW_HELD_KEY_CHARS + 1];
		struct bw_why why;

		bw_held_key(pact->out.batch.rows[i].id, pact->out.batch.rows[i].version, key);
		if (bw_hold_done(pact->ledger->plan->data, pact_id(pact), key, &why) != BW_OK)
			ledger_log(BW_ERROR, pact, "answer in the hold queue cannot be put away", why.text);
	}
}

/* The items of the batch; of what is judged again only what has come to something else. */
static enum bw_err write_items(struct pact *pact, struct bw_outbound_item *items, size_t *out_count, bool *out_moved)
{
	const struct out_side *out = &pact->out;
	size_t count = 0;

	for (size_t i = 0; i < out->batch.count; i++) {
		if (out->kind == OUT_AGAIN && again_is_same(pact, out->batch.rows[i].id, &out->weighed[i].decision))
			continue;
		BW_TRY(write_item(pact, i, &items[count]));
		*out_moved |= items[count++].crossing.len > 0;
	}
	*out_count = count;
	return BW_OK;
}

static enum bw_err write_batch(struct pact *pact, struct bw_why *why)
{
	struct out_side *out = &pact->out;
	struct bw_outbound_item *items = bw_arena_zero(&out->arena, out->batch.count + 1, sizeof(*items));
	struct bw_outbound_batch batch;
	bool moved = false;
	size_t count;
	uint8_t place[8];

	BW_NEED(items != NULL, MEMORY);
	BW_TRY(again_note(pact, why));
	BW_TRY(write_items(pact, items, &count, &moved));
	for (size_t i = 0; i < sizeof(place); i++)
		place[i] = (uint8_t)((uint64_t)out->batch.scanned_us >> (56 - 8 * i));
	if (count > 0 || out->kind != OUT_AGAIN) {
		BW_TRY(bw_outbound_add(out->log, items, count, bw_slice_of(place, sizeof(place)), bw_clock_now_us(),
				       &batch, why));
		note_batch(pact, &batch, count);
	}
	release_held(pact);
	return out->kind == OUT_NEW ? BW_OK : again_done(pact, moved, why);
}

static void end_batch(struct pact *pact, enum bw_err err, const struct bw_why *why)
{
	if (err == BW_ERR_CLOSED) { /* no clerk at this moment: the rows are read again */
		pact->out.stage = OUT_IDLE;
		return;
	}
	if (err != BW_OK) {
		stop(pact, "nothing more is told", err, why);
		return;
	}
	pact->out.stage = OUT_IDLE;
	bw_arena_reset(&pact->out.arena);
	sign_look(pact);
}

enum bw_err out_worked(struct pact *pact, uint64_t id, enum bw_err err, struct bw_slice answer)
{
	struct out_side *out = &pact->out;
	struct bw_why why = { 0 };

	if (id != out->question || (out->stage != OUT_ASKED && out->stage != OUT_DERIVING))
		return BW_OK; /* of a clerk that was asked before something else went wrong */
	if (err == BW_OK && out->stage == OUT_ASKED) {
		err = out_weigh(pact, answer);
		if (err == BW_ERR_AGAIN)
			return BW_OK;
	} else if (err == BW_OK) {
		err = out_take_derived(pact, answer);
	}
	if (err == BW_OK)
		err = write_batch(pact, &why);
	end_batch(pact, err, &why);
	return BW_OK;
}

void out_clerk_replaced(struct pact *pact)
{
	memset(&pact->out.told, 0, sizeof(pact->out.told)); /* it remembers nothing */
	if (pact->out.stage == OUT_ASKED || pact->out.stage == OUT_DERIVING)
		pact->out.stage = OUT_IDLE;
}

static void erase_old(struct pact *pact, int64_t now_us)
{
	struct bw_why why = { 0 };
	size_t keys = 0;

	if (pact->out.erased_us != 0 && now_us - pact->out.erased_us < INT64_C(3600) * LEDGER_SECOND_US)
		return;
	pact->out.erased_us = now_us;
	if (bw_outbound_erase(pact->out.log, now_us, false, &keys, &why) != BW_OK)
		ledger_log(BW_ERROR, pact, "what is over its time cannot be erased", why.text);
	else if (keys > 0)
		bw_log(BW_NOTICE, "entries over their time erased", BW_SLICE("accord", pact_id(pact)),
		       BW_NUM("days", keys));
}

void out_look(struct pact *pact, int64_t now_us)
{
	if (pact->out.stage != OUT_IDLE || pact->out.log == NULL)
		return;
	erase_old(pact, now_us);
	if (pact->ledger->sources == NULL)
		return;
	if (!begin_held(pact, now_us) && !begin_batch(pact))
		(void)again_begin(pact);
}
