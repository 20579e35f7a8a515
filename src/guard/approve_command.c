/* `breakwater guard approve`: a person says that it was meant. */
#include <stdio.h>

#include "base/num.h"
#include "codec/json_text.h"
#include "guard/ask.h"
#include "guard/incident.h"
#include "guard/plain.h"

static enum bw_err name_incident(const struct bw_call *call, uint64_t *out, struct bw_why *why)
{
	BW_CLEANUP(bw_incidents_release) struct bw_incidents incidents = { 0 };
	const struct bw_incident *incident;

	BW_TRY(bw_incidents_load(bw_call_data(call), &incidents, why));
	if (bw_incidents_named(&incidents, bw_call_arg(call, 0), &incident) != BW_OK)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "there is no such incident: '%s'", bw_call_arg(call, 0));
	*out = incident->id;
	return BW_OK;
}

static int tell(const struct bw_call *call, enum bw_ask_kind kind, const char *did)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf json = BW_BUF_INIT(256);
	struct bw_channel *channel = NULL;
	struct bw_why why = { 0 };
	uint64_t incident = 0;
	enum bw_err err;

	err = name_incident(call, &incident, &why);
	if (err == BW_OK) {
		err = bw_ask_open(bw_call_data(call), &channel);
		if (err == BW_ERR_NOT_FOUND)
			return bw_complain(call, BW_EXIT_FAILED, "breakwater guard run",
					   "the guard does not run, so nobody is held");
	}
	if (err == BW_OK)
		err = bw_ask_decision(channel, kind, incident, &why);
	bw_channel_free(channel);
	if (err != BW_OK)
		return bw_complain(call, BW_EXIT_FAILED,
				   err == BW_ERR_NOT_FOUND ? "breakwater guard incidents lists them" : NULL, "%s",
				   why.text[0] != '\0' ? why.text : bw_err_text(err));
	if (!bw_call_json(call)) {
		(void)printf("incident %llu %s\n", (unsigned long long)incident, did);
		return BW_EXIT_OK;
	}
	err = bw_buf_addf(&json, "{\"incident\":%llu,\"state\":\"%s\"}", (unsigned long long)incident,
			  kind == BW_ASK_APPROVE ? "approved" : "closed");
	return bw_plain_json(call, err, &json);
}

static int approve_run(struct bw_call *call)
{
	if (!bw_plain_is_root(call, "only root may let a held actor go"))
		return BW_EXIT_FAILED;
	if (bw_call_flag(call, "close"))
		return tell(call, BW_ASK_CLOSE, "is closed; nobody was let go");
	return tell(call, BW_ASK_APPROVE, "is approved; whoever was held goes on, and whoever was kept out is let in");
}

static const struct bw_option approve_options[] = {
	{ .name = "close",
	  .kind = BW_OPT_FLAG,
	  .help = "only close the incident: it was an attack and is dealt with; nobody is let go" },
	{ 0 },
};

const struct bw_command bw_guard_approve_command = {
	.name = "approve",
	.summary = "say that what an incident's actor does is meant, and let it go on",
	.usage = "ID|last [--close]",
	.details = "The processes that were held go on, the address that was kept out is let in, and the incident is "
		   "over. "
		   "The files stay as they are; the versions before stay too, for as long as any others.",
	.options = approve_options,
	.min_args = 1,
	.max_args = 1,
	.run = approve_run,
};
