/*
 * Reports that were finished without a seal, because the sealer was away or slow: they are sealed when it is there, or
 * at the next start. Only what the ledger says was written then: its record has the manifest's SHA-256, and the
 * manifest every file's.
 */
#include <stdlib.h>

#include "base/log.h"
#include "base/text.h"
#include "guard/scribe_parts.h"
#include "sys/clock.h"

struct wanted {
	uint64_t incident;
	char hex[2 * BW_SHA256_BYTES + 1];
	bool found;
};

static enum bw_err see_record(void *context, const struct bw_ledger_record *record)
{
	struct wanted *wanted = context;

	if (record->kind == BW_LEDGER_REPORTED && record->incident == wanted->incident &&
	    bw_slice_is(record->body, wanted->hex))
		wanted->found = true;
	return BW_OK;
}

static bool is_in_ledger(const struct scribe *scribe, uint64_t incident, struct bw_slice manifest)
{
	struct wanted wanted = { .incident = incident };
	struct bw_ledger_seen seen;
	struct bw_why why = { 0 };
	uint8_t sum[BW_SHA256_BYTES];

	if (bw_sha256(manifest, sum) != BW_OK)
		return false;
	bw_hex_encode(bw_slice_of(sum, sizeof(sum)), wanted.hex);
	return bw_ledger_read(scribe->guard->data, see_record, &wanted, &seen, &why) == BW_OK && wanted.found;
}

static enum bw_err take_up(struct scribe *scribe, struct scribe_case *one, uint32_t after, struct bw_why *why)
{
	if (one->manifest == NULL)
		one->manifest = calloc(1, sizeof(*one->manifest));
	BW_NEED(one->manifest != NULL, MEMORY);
	one->manifest->number = after;
	BW_TRY(bw_evidence_unsealed(scribe->guard->data, one->incident, after, &one->manifest_text, one->manifest,
				    why));
	return is_in_ledger(scribe, one->incident, bw_buf_slice(&one->manifest_text)) ? BW_OK : BW_ERR_CONFLICT;
}

void scribe_seal_begin(struct scribe *scribe, struct scribe_case *one, uint32_t after)
{
	for (unsigned n = 0; n <= BW_EVIDENCE_KEPT; n++) {
		struct bw_why why = { 0 };
		const enum bw_err err = take_up(scribe, one, after, &why);

		if (err == BW_ERR_NOT_FOUND || err == BW_ERR_MEMORY)
			return;
		if (err == BW_OK) {
			one->is_late = true;
			one->signing_us = one->touched_us = bw_clock_mono_us();
			bw_err_drop(scribe_ask_sealer(scribe, one)); /* it is asked again when it is there */
			return;
		}
		bw_log(BW_ERROR, "a report without a seal is not as it was written: it gets none",
		       BW_NUM("incident", one->incident), BW_NUM("report", one->manifest->number),
		       BW_TEXT("why", why.text[0] != '\0' ? why.text : "the ledger knows no such manifest"));
		after = one->manifest->number;
	}
}

void scribe_seal_end(struct scribe *scribe, struct scribe_case *one, struct bw_slice seal)
{
	const uint32_t number = one->manifest->number;
	struct bw_why why = { 0 };
	enum bw_err err = BW_ERR_TIMEOUT;

	one->signing_us = 0;
	one->is_late = false;
	if (seal.len > 0)
		err = bw_evidence_seal_add(scribe->guard->data, one->incident, number, seal, &why);
	if (err != BW_OK) {
		bw_log(BW_ERROR, "a report stays without a seal until the next start",
		       BW_NUM("incident", one->incident), BW_NUM("report", number),
		       BW_TEXT("why", why.text[0] != '\0' ? why.text : bw_err_text(err)));
		return;
	}
	bw_log(BW_NOTICE, "a report of before is sealed now", BW_NUM("incident", one->incident),
	       BW_NUM("report", number));
	scribe_seal_begin(scribe, one, number);
}
