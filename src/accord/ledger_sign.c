/* The notary's signature under what was added, and the cosignatures that make it delivered. */
#include "accord/ledger_inner.h"

#include "sys/clock.h"
#include "tlog/witness.h"

/* ---- the notary ---------------------------------------------------------------------- */

static enum bw_err ask_notary(struct pact *pact, const struct bw_outbound_ask *ask)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(16 * BW_KIB);
	BW_CLEANUP(bw_buf_release) struct bw_buf proof = BW_BUF_INIT(BW_PROOF_HASHES_MAX * BW_SHA256_BYTES);

	for (size_t i = 0; i < ask->proof.count; i++)
		BW_TRY(bw_buf_add(&proof, bw_hash_slice(&ask->proof.hashes[i])));
	BW_TRY(bw_form_add_num(&form, (uint64_t)(pact - pact->ledger->pacts)));
	BW_TRY(bw_form_add(&form, ask->origin));
	BW_TRY(bw_form_add_num(&form, ask->old_size));
	BW_TRY(bw_form_add_num(&form, ask->size));
	BW_TRY(bw_form_add(&form, bw_hash_slice(&ask->root)));
	BW_TRY(bw_form_add(&form, bw_buf_slice(&proof)));
	return bw_post_ask(pact->ledger->post, "notary", BW_NOTARY_SIGN, bw_buf_slice(&form), -1);
}

static void ask_to_sign(struct pact *pact)
{
	struct bw_outbound_ask ask;

	if (pact->out.signs || bw_outbound_ask(pact->out.log, &ask) != BW_OK)
		return;
	/* a notary that is away is asked at the next look */
	pact->out.signs = ask_notary(pact, &ask) == BW_OK;
}

void sign_signed(struct pact *pact, enum bw_err err, uint64_t last_size, struct bw_slice checkpoint)
{
	struct bw_outbound_ask ask;
	struct bw_why why = { 0 };

	pact->out.signs = false;
	if (pact->out.log == NULL)
		return;
	/* a crash came between its signature and our keeping it: the proof has to begin where the notary is */
	if (err == BW_ERR_CONFLICT && bw_outbound_ask_from(pact->out.log, last_size, &ask) == BW_OK) {
		pact->out.signs = ask_notary(pact, &ask) == BW_OK;
		return;
	}
	if (err == BW_OK)
		err = bw_outbound_signed(pact->out.log, checkpoint, &why);
	if (err != BW_OK) {
		ledger_log(BW_ERROR, pact, "checkpoint not signed: nothing more is told",
			   why.text[0] != '\0' ? why.text : bw_err_text(err));
		pact->out.stage = OUT_STOPPED;
		return;
	}
	sign_look(pact);
}

/* ---- who would know ---------------------------------------------------------------------- */

void sign_heard(struct pact *pact, uint64_t size, const struct bw_hash *root, const char *who)
{
	enum bw_err err;

	if (pact->out.log == NULL || pact->out.stage == OUT_STOPPED)
		return;
	err = bw_outbound_heard(pact->out.log, size, root);
	if (err == BW_OK) {
		sign_look(pact);
		return;
	}
	bw_log(BW_CRIT, "this log is an old copy: nothing is signed", BW_SLICE("accord", pact_id(pact)),
	       BW_TEXT("who_knows_more", who), BW_NUM("knows", size), BW_TEXT("why", bw_err_text(err)));
	ledger_note(pact->ledger, "accord-old-copy", pact_id(pact), bw_err_name(err));
	pact->out.stage = OUT_STOPPED;
}

/* ---- witnesses ------------------------------------------------------------------------------ */

static const char *name_of(const struct pact *pact, const struct witness *witness)
{
	return pact->ledger->plan->parties[witness->party].authority;
}

static enum bw_err send_checkpoint(struct pact *pact, size_t at)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_WITNESS_BODY_MAX);
	struct witness *witness = &pact->out.witness[at];
	const struct errand like = { .kind = ERRAND_WITNESS, .pact = pact, .witness = at };
	uint64_t id;

	BW_TRY(bw_outbound_witness_body(pact->out.log, witness->known, &body));
	return ledger_send(pact->ledger, &like, witness->party, true,
			   pact->ledger->plan->parties[witness->party].is_peer ? BW_LIT("/witness/v1/add-checkpoint")
									       : BW_LIT("/add-checkpoint"),
			   "text/plain; charset=utf-8", bw_buf_slice(&body), &id);
}

static void ask_witness(struct pact *pact, size_t at, uint64_t size)
{
	struct witness *witness = &pact->out.witness[at];

	if (witness->asks || (witness->done && witness->at_size == size) || bw_clock_mono_us() < witness->retry.at_us)
		return;
	if (pact->ledger->plan->parties[witness->party].host[0] == '\0')
		return; /* nobody knows where it is */
	if (send_checkpoint(pact, at) != BW_OK)
		return; /* at the next look */
	witness->asks = true;
	witness->done = false;
	witness->at_size = size;
}

static void delivered(struct pact *pact)
{
	struct bw_outbound_status status;

	bw_outbound_status(pact->out.log, &status);
	bw_log(BW_NOTICE, "delivered", BW_SLICE("accord", pact_id(pact)), BW_NUM("entries", status.delivered_size));
	hall_push_all(pact->ledger, pact);
}

static void cosigned(struct pact *pact, struct witness *witness, struct bw_slice answer)
{
	struct bw_outbound_status status;
	struct bw_why why = { 0 };
	bool is_delivered = false;
	const enum bw_err err = bw_outbound_cosigned(pact->out.log, answer, &is_delivered, &why);

	bw_outbound_status(pact->out.log, &status);
	if (err == BW_OK ||
	    err == BW_ERR_NOT_FOUND) { /* NOT_FOUND: those we had, or keys that the accord does not name */
		witness->done = true;
		witness->known = witness->at_size;
		witness->retry = (struct retry){ 0 };
	} else if (status.signed_size == witness->at_size) {
		bw_log(BW_ERROR, "cosignature not taken", BW_SLICE("accord", pact_id(pact)),
		       BW_TEXT("witness", name_of(pact, witness)),
		       BW_TEXT("why", why.text[0] != '\0' ? why.text : bw_err_text(err)));
		ledger_retry_later(&witness->retry);
	} else {
		witness->known = witness->at_size; /* of a checkpoint that was followed by another meanwhile */
	}
	if (is_delivered)
		delivered(pact);
}

/* It was asked from another size than the one it knows. */
static void knows_other(struct pact *pact, struct witness *witness, struct bw_slice body)
{
	uint64_t size;

	if (bw_witness_size_parse(body, &size) != BW_OK) {
		bw_log(BW_ERROR, "witness has another root for this size", BW_SLICE("accord", pact_id(pact)),
		       BW_TEXT("witness", name_of(pact, witness)));
		ledger_retry_later(&witness->retry);
		return;
	}
	if (size == witness->known) { /* it does not take its own answer */
		ledger_retry_later(&witness->retry);
		return;
	}
	witness->known = size;
	sign_heard(pact, size, NULL, name_of(pact, witness));
}

void sign_errand_ended(struct errand *errand, enum bw_err err, const char *words)
{
	struct pact *pact = errand->pact;
	struct witness *witness = &pact->out.witness[errand->witness];

	witness->asks = false;
	if (pact->out.log == NULL)
		return;
	if (err == BW_OK && errand->status == 200) {
		cosigned(pact, witness, bw_buf_slice(&errand->heard));
	} else if (err == BW_OK && errand->status == 409) {
		knows_other(pact, witness, bw_buf_slice(&errand->heard));
	} else {
		if (witness->retry.failures == 0)
			bw_log(BW_WARNING, "witness did not cosign", BW_SLICE("accord", pact_id(pact)),
			       BW_TEXT("witness", name_of(pact, witness)), BW_NUM("status", errand->status),
			       BW_TEXT("why", words));
		ledger_retry_later(&witness->retry);
	}
	sign_look(pact);
}

void sign_look(struct pact *pact)
{
	struct bw_outbound_status status;

	if (pact->out.log == NULL || pact->out.stage == OUT_STOPPED)
		return;
	ask_to_sign(pact);
	bw_outbound_status(pact->out.log, &status);
	if (status.signed_size == 0 || status.delivered_size == status.signed_size)
		return;
	for (size_t i = 0; i < pact->out.witness_count; i++)
		ask_witness(pact, i, status.signed_size);
}
