/* What stayed, when something else than the collections has moved (accord/again.h). */
#include "accord/ledger_inner.h"

#define WALK_BYTES (16 * BW_MIB)

enum { WALK_ROWS = 4096, BASIS_BYTES = 64 * 1024 };

static void keep(struct pact *pact)
{
	struct bw_why why = { 0 };

	if (bw_again_save(pact->out.folder.path, &pact->out.again, &why) != BW_OK)
		ledger_log(BW_ERROR, pact, "what is to be judged again cannot be written down", why.text);
}

void again_open(struct pact *pact)
{
	struct bw_why why = { 0 };

	if (bw_again_load(pact->out.folder.path, &pact->out.again, &why) == BW_OK)
		return;
	/* without a basis: all of it is judged again */
	ledger_log(BW_ERROR, pact, "what stayed is judged again", why.text);
}

static void begin_walk(struct pact *pact, bool everything, const char *why)
{
	const int64_t place = out_place(pact);

	if (place > 0) {
		bw_again_begin(&pact->out.again, place, everything);
		ledger_log(BW_NOTICE, pact, "what stayed is judged again", why);
	}
	keep(pact);
}

/* ---- what decisions rest on ---------------------------------------------------------------- */

static enum bw_err basis_of(struct pact *pact, uint8_t out[BW_SHA256_BYTES])
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BASIS_BYTES);

	BW_TRY(bw_buf_add(&text, bw_slice_of(pact->plan->entry.now->hash, BW_SHA256_BYTES)));
	BW_TRY(bw_source_defaults(pact->ledger->sources, &pact->flow[BW_RUN_OUT]->collections, &text));
	return bw_sha256(bw_buf_slice(&text), out);
}

struct defining {
	struct bw_again *again;
	bool awaited;
};

static void defined(void *ctx, struct bw_slice id)
{
	struct defining *d = ctx;

	d->awaited |= bw_again_defined(d->again, id);
}

void again_look(struct pact *pact)
{
	struct bw_again *again = &pact->out.again;
	struct defining d = { .again = again };
	uint8_t basis[BW_SHA256_BYTES];
	int64_t upto_us = 0;

	if (basis_of(pact, basis) == BW_OK && bw_again_rests_on(again, basis))
		begin_walk(pact, true, "the accord, or what a collection is marked with, is another");
	if (!bw_again_is_waiting(again) || !bw_sources_moved(pact->ledger->sources, again->defined_us))
		return;
	if (bw_source_defined(pact->ledger->sources, again->defined_us, defined, &d, &upto_us) != BW_OK)
		return; /* the store is away: later */
	again->defined_us = upto_us;
	if (d.awaited)
		begin_walk(pact, false, "a marking definition has come");
}

/* ---- the walk --------------------------------------------------------------------------------- */

static bool is_wanted(struct pact *pact, const struct bw_source_row *row)
{
	struct bw_outbound_found last;
	struct bw_why why;

	return row->date_added_us <= pact->out.again.upto_us &&
	       bw_outbound_latest(pact->out.log, row->id, &last, &why) == BW_OK &&
	       bw_again_wants(&pact->out.again, &last.decision);
}

static enum bw_err gather(struct pact *pact)
{
	struct out_side *out = &pact->out;
	size_t count = 0;

	bw_arena_reset(&out->arena);
	BW_TRY(bw_source_next(pact->ledger->sources, &pact->flow[BW_RUN_OUT]->collections, out->again.place_us,
			      WALK_ROWS, WALK_BYTES, &out->arena, &out->batch));
	out->walked_us = out->batch.more ? out->batch.scanned_us : INT64_MAX;
	for (size_t i = 0; i < out->batch.count; i++)
		if (is_wanted(pact, &out->batch.rows[i]))
			out->batch.rows[count++] = out->batch.rows[i];
	out->batch.count = count;
	out->batch.scanned_us = out_place(pact);
	return BW_OK;
}

static void walked(struct pact *pact, bool moved)
{
	bw_again_walked(&pact->out.again, pact->out.walked_us, moved);
	keep(pact);
}

bool again_begin(struct pact *pact)
{
	enum bw_err err;

	if (!bw_again_is_walking(&pact->out.again))
		return false;
	err = gather(pact);
	if (err == BW_OK && pact->out.batch.count == 0) {
		walked(pact, false);
		return false;
	}
	pact->out.kind = OUT_AGAIN;
	if (err == BW_OK)
		err = out_ask_about_rows(pact);
	if (err != BW_OK && err != BW_ERR_CLOSED) {
		ledger_log(BW_ERROR, pact, "what stayed cannot be read", bw_err_text(err));
		ledger_lose_store(pact->ledger);
	}
	return err == BW_OK;
}

/* ---- what came of it ---------------------------------------------------------------------------- */

enum bw_err again_note(struct pact *pact, struct bw_why *why)
{
	struct out_side *out = &pact->out;
	bool is_new = false;

	for (size_t i = 0; i < out->batch.count; i++) {
		const struct bw_words *strange = &out->facts[i].strange;

		if (out->weighed[i].decision.clause != BW_CLAUSE_STRANGE)
			continue;
		for (size_t k = 0; k < strange->count; k++)
			is_new |= bw_again_strange(&out->again, strange->of[k], out->batch.scanned_us);
	}
	return is_new ? bw_again_save(out->folder.path, &out->again, why) : BW_OK;
}

bool again_is_same(struct pact *pact, struct bw_slice id, const struct bw_decision *decision)
{
	struct bw_outbound_found last;
	struct bw_why why;

	return bw_outbound_latest(pact->out.log, id, &last, &why) == BW_OK &&
	       last.decision.verdict == decision->verdict && last.decision.clause == decision->clause;
}

enum bw_err again_done(struct pact *pact, bool moved, struct bw_why *why)
{
	if (pact->out.kind == OUT_AGAIN)
		bw_again_walked(&pact->out.again, pact->out.walked_us, moved);
	else if (moved) /* what refers to it may go now */
		bw_again_begin(&pact->out.again, out_place(pact), false);
	return bw_again_save(pact->out.folder.path, &pact->out.again, why);
}
