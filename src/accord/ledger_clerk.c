/* Letters of the clerks: each speaks of its own accord and direction alone. */
#include "accord/ledger_inner.h"

/* ---- letters of clerks --------------------------------------------------------------------------------- */

/* Whose clerk: each speaks of its own accord and direction alone. */
static struct pact *pact_of_clerk(struct ledger *ledger, const struct bw_letter *letter, bool of_out)
{
	for (size_t i = 0; i < ledger->pact_count; i++) {
		struct pact *pact = &ledger->pacts[i];

		if (pact->plan->flows && pact->plan->clerk + (of_out ? 0 : 1) == letter->copy)
			return pact;
	}
	return NULL;
}

/* The clerk for what we are told was only told, and has nothing to say. */
static enum bw_err taught(const struct pact *pact, enum bw_err err)
{
	BW_NEED(pact != NULL, PROTOCOL);
	if (err != BW_OK)
		ledger_log(BW_WARNING, pact, "what bears the partner's earlier markings will be refused",
			   bw_err_text(err));
	return BW_OK;
}

enum bw_err clerk_worked(void *ctx, struct bw_letter *letter)
{
	struct bw_mapped mapped = { bw_slice_empty };
	struct pact *pact = pact_of_clerk(ctx, letter, true);
	struct bw_slice answer;
	struct bw_form form;
	uint64_t id;
	uint64_t err;
	enum bw_err result;

	BW_TRY(bw_form_take(letter->body, 3, &form));
	BW_TRY(bw_form_num(&form, 0, UINT64_MAX, &id));
	BW_TRY(bw_form_num(&form, 1, BW_ERR_COUNT - 1, &err));
	if (pact == NULL)
		return taught(pact_of_clerk(ctx, letter, false), (enum bw_err)err);
	BW_TRY(bw_run_body(form.fields[2], letter->fd, &mapped, &answer));
	result = out_worked(pact, id, (enum bw_err)err, answer);
	if (letter->fd >= 0)
		bw_mapped_release(&mapped);
	return result;
}

/* The form of a letter about an inbound; NULL: of one that is over. */
static enum bw_err take_inbound(struct ledger *ledger, const struct bw_letter *letter, size_t fields,
				struct bw_form *form, struct pact **out)
{
	struct pact *pact = pact_of_clerk(ledger, letter, false);
	uint64_t id;

	BW_NEED(pact != NULL, PROTOCOL);
	BW_TRY(bw_form_take(letter->body, fields, form));
	BW_TRY(bw_form_num(form, 0, UINT64_MAX, &id));
	*out = id == pact->in.feed ? pact : NULL;
	return BW_OK;
}

enum bw_err clerk_begun(void *ctx, struct bw_letter *letter)
{
	struct bw_form form;
	struct pact *pact;
	uint64_t err;

	BW_TRY(take_inbound(ctx, letter, 3, &form, &pact));
	BW_TRY(bw_form_num(&form, 1, BW_ERR_COUNT - 1, &err));
	BW_NEED(form.fields[2].len <= BW_PASSAGE_PLACE_CHARS, PROTOCOL);
	if (pact != NULL)
		visit_begun(pact, (enum bw_err)err, form.fields[2]);
	return BW_OK;
}

enum bw_err clerk_fed(void *ctx, struct bw_letter *letter)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf words = BW_BUF_INIT(4 * BW_KIB);
	struct bw_form form;
	struct pact *pact;
	uint64_t err;

	BW_TRY(take_inbound(ctx, letter, 3, &form, &pact));
	BW_TRY(bw_form_num(&form, 1, BW_ERR_COUNT - 1, &err));
	BW_TRY(bw_buf_add(&words, form.fields[2]));
	if (pact != NULL)
		in_fed(pact, (enum bw_err)err, words.len > 0 ? bw_slice_text(bw_buf_text(&words)) : bw_slice_empty);
	return BW_OK;
}

enum bw_err clerk_chunk(void *ctx, struct bw_letter *letter)
{
	struct bw_mapped mapped = { bw_slice_empty };
	struct bw_slice chunk;
	struct bw_form form;
	struct pact *pact;

	BW_TRY(take_inbound(ctx, letter, 2, &form, &pact));
	BW_TRY(bw_run_body(form.fields[1], letter->fd, &mapped, &chunk));
	if (pact != NULL)
		in_chunk(pact, chunk);
	if (letter->fd >= 0)
		bw_mapped_release(&mapped);
	return BW_OK;
}

enum bw_err clerk_evidence(void *ctx, struct bw_letter *letter)
{
	struct bw_form form;
	struct pact *pact;

	BW_TRY(take_inbound(ctx, letter, 3, &form, &pact));
	if (pact != NULL)
		in_evidence(pact, form.fields[1], form.fields[2]);
	return BW_OK;
}
