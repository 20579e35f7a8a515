/* The end of retention: what an accord lets this node keep for a time only goes when that is over, by itself. */
#include <stdio.h>

#include "base/log.h"
#include "serve/keeper_inner.h"
#include "store/provenance.h"
#include "sys/clock.h"

enum {
	LOOK_MS = 30 * 1000,
	ROWS_AT_ONCE = 500,
};

static enum bw_err retire(struct keeper *k, size_t *count)
{
	const struct actor actor = { BW_LIT("accord"), bw_slice_empty, bw_slice_empty };
	char note[64];

	BW_TRY(bw_store_retire(k->store, bw_clock_now_us(), ROWS_AT_ONCE, count));
	if (*count == 0)
		return BW_OK;
	(void)snprintf(note, sizeof(note), "versions erased %zu", *count);
	return keeper_audit_write(k, &actor, "retention-over", 0, note);
}

void keeper_retire(struct keeper *k, int64_t now_ms)
{
	size_t count = 0;
	enum bw_err err;

	if (now_ms < k->retire_due_ms)
		return;
	err = retire(k, &count);
	k->retire_due_ms = err == BW_OK && count == ROWS_AT_ONCE ? now_ms : now_ms + LOOK_MS;
	if (err != BW_OK) {
		bw_log(BW_ERROR, "what must not be kept any longer could not be erased",
		       BW_TEXT("why", bw_store_why(k->store)));
		bw_store_rollback(k->store);
		return;
	}
	k->dirty = count > 0;
	keeper_round_done(k);
}
