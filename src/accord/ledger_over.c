/*
 * An accord that is over, or rests: nothing crosses, and what has to be gone goes all the same. Nothing is written down
 * about it: what is left says what there is to do, so a crash, a node that was off and a store that was restored from
 * an older backup all end the same way, and asking again costs one look.
 */
#include "accord/ledger_inner.h"

#include <inttypes.h>
#include <stdio.h>

#include "sys/clock.h"

enum { LOOK_EACH_S = 3600 };

/* ---- what this node told: the log's contents ---------------------------------------------- */

static enum bw_err erase_log(struct pact *pact, bool everything, size_t *out_keys, struct bw_why *why)
{
	enum bw_err err = out_open_log(pact, why);

	if (err == BW_OK)
		err = bw_outbound_erase(pact->out.log, bw_clock_now_us(), everything, out_keys, why);
	out_close(pact);
	pact->out.log = NULL;
	pact->out.trust = NULL;
	return err;
}

static void look_at_log(struct pact *pact, bool everything)
{
	char name[BW_ACCORD_ID_MAX + 16];
	struct bw_place folder;
	struct bw_why why = { 0 };
	size_t keys = 0;

	(void)snprintf(name, sizeof(name), "accord/out/%.*s", BW_ARG(pact_id(pact)));
	if (bw_folder_place(pact->ledger->plan->data, name, &folder) != BW_OK ||
	    !bw_outbound_is_due(folder.path, bw_clock_now_us(), everything))
		return;
	if (erase_log(pact, everything, &keys, &why) != BW_OK) {
		ledger_log(BW_ERROR, pact, "what is over its time cannot be erased", why.text);
		return;
	}
	pact->erased_keys += keys;
	bw_log(BW_NOTICE, "entries over their time erased", BW_SLICE("accord", pact_id(pact)), BW_NUM("days", keys));
}

/* Erasing waits for no server; its line in the audit log does. */
static void note_erased(struct pact *pact)
{
	char words[80];

	if (pact->erased_keys == 0 || pact->ledger->handover == NULL)
		return;
	(void)snprintf(words, sizeof(words), "contents of what was told: keys of %zu days destroyed",
		       pact->erased_keys);
	pact->erased_keys = 0;
	ledger_note(pact->ledger, "accord-erase", pact_id(pact), words);
}

/* ---- what this node was told: the store ------------------------------------------------------ */

static enum bw_err destroy_version(struct pact *pact, const struct bw_book_version *version, uint64_t *total,
				   struct bw_why *why)
{
	struct ledger *ledger = pact->ledger;
	uint64_t count = 0;

	BW_TRY(bw_sources_left(ledger->sources, pact->peer.node, version->hash, bw_clock_now_us(), &count));
	if (count > 0)
		BW_TRY(bw_handover_accord_over(ledger->handover, pact->peer.node, version->hash, &count, why));
	*total += count;
	return BW_OK;
}

/* Under every version: the newest that both signed says what becomes of all of it. */
static void destroy(struct pact *pact)
{
	struct bw_why why = { 0 };
	uint64_t total = 0;
	enum bw_err err = BW_OK;
	char words[80];

	for (const struct bw_book_version *at = pact->plan->entry.now; at != NULL && err == BW_OK; at = at->before)
		err = destroy_version(pact, at, &total, &why);
	pact->is_destroyed = err == BW_OK;
	(void)snprintf(words, sizeof(words), "%" PRIu64 " versions of objects", total);
	if (err == BW_OK && total > 0)
		ledger_log(BW_NOTICE, pact, "what was received is destroyed, as agreed for the end", words);
	if (err == BW_OK)
		return;
	ledger_log(BW_ERROR, pact, "what was received cannot be destroyed now",
		   why.text[0] != '\0' ? why.text : bw_err_text(err));
	ledger_lose_store(pact->ledger); /* asked again when it is there again */
}

/* ---- all ------------------------------------------------------------------------------------- */

void over_look(struct pact *pact)
{
	const bool destroys = bw_book_is_to_destroy(&pact->plan->entry);
	const int64_t mono_us = bw_clock_mono_us();

	if (pact->plan->flows)
		return; /* ledger_out.c */
	if (pact->ledger->handover != NULL && destroys && !pact->is_destroyed)
		destroy(pact);
	if (!pact->plan->has_papers || !pact->ledger->plan->has_papers)
		return; /* there never was a log */
	note_erased(pact);
	if (pact->erased_us != 0 && mono_us - pact->erased_us < LOOK_EACH_S * (int64_t)LEDGER_SECOND_US)
		return;
	pact->erased_us = mono_us;
	look_at_log(pact, destroys);
}
