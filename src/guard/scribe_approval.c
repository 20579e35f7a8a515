/* Approvals pass through the scribe: from root's command into the ledger, and to whoever judges. */
#include "base/log.h"
#include "guard/approval.h"
#include "guard/scribe_parts.h"
#include "sys/clock.h"

enum bw_err scribe_approve(struct scribe *scribe, uint64_t incident, struct bw_cursor *in)
{
	const int64_t most_us = bw_clock_now_us() + BW_APPROVAL_SECONDS_MAX * INT64_C(1000000);

	while (bw_cursor_left(in) > 0) {
		struct bw_approval approval;
		struct bw_slice bytes;

		BW_NEED(bw_take_block(in, BW_APPROVAL_BYTES_MAX, &bytes) == BW_OK, PROTOCOL);
		BW_NEED(bw_approval_parse(bytes, &approval) == BW_OK, PROTOCOL);
		BW_NEED(approval.incident == incident && approval.until_us <= most_us, PROTOCOL);
		BW_TRY(scribe_append(scribe, BW_LEDGER_APPROVAL, incident, bytes));
		scribe_tell(scribe, "judge", BW_RECORD_APPROVAL, bytes);
	}
	return BW_OK;
}

struct telling {
	struct scribe *scribe;
	int64_t now_us;
};

static enum bw_err tell_one(void *context, const struct bw_ledger_record *record)
{
	const struct telling *telling = context;
	struct bw_approval approval;

	/* one that has ended tells the judge to forget the one before it */
	if (record->kind == BW_LEDGER_APPROVAL && bw_approval_parse(record->body, &approval) == BW_OK &&
	    (approval.until_us == 0 || approval.until_us > telling->now_us))
		scribe_tell(telling->scribe, "judge", BW_RECORD_APPROVAL, record->body);
	return BW_OK;
}

void scribe_tell_approvals(struct scribe *scribe)
{
	struct telling telling = { scribe, bw_clock_now_us() };
	struct bw_ledger_seen seen;
	struct bw_why why = { 0 };
	const enum bw_err err = bw_ledger_read(scribe->guard->data, tell_one, &telling, &seen, &why);

	if (err != BW_OK && err != BW_ERR_NOT_FOUND)
		bw_log(BW_WARNING, "approvals could not be read: who was approved is judged again",
		       BW_TEXT("why", why.text[0] != '\0' ? why.text : bw_err_text(err)));
}
