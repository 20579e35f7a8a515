/* `breakwater guard approve`: a person says that it was meant. */
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "codec/json_text.h"
#include "guard/ask.h"
#include "guard/held.h"
#include "guard/hold.h"
#include "guard/incident.h"
#include "guard/plain.h"
#include "guard/record.h"
#include "sys/clock.h"

enum { APPROVALS_MAX = 16, TEXT_BYTES = 4096 };

struct approve {
	const struct bw_call *call;
	uint64_t incident;
	int64_t until_us;
	int64_t first_us; /* of the incident */
	bool is_older;    /* than the running guard, which does not know whom it held */
	struct bw_approval list[APPROVALS_MAX];
	size_t count;
	bool has_more; /* actors than fit */
	bool was_approved;
	int64_t approved_until_us;   /* by the newest approval of it */
	char unnamed[BW_COMM_BYTES]; /* an interpreter, which no approval can name; "" none */
};

/* ---- whom --------------------------------------------------------------------------------------- */

static bool is_same(const struct bw_approval *a, const struct bw_approval *b)
{
	return a->kind == b->kind && a->uid == b->uid && a->cgroup == b->cgroup && strcmp(a->user, b->user) == 0 &&
	       strcmp(a->address, b->address) == 0;
}

static struct bw_approval *approval_for(struct approve *approve, const struct bw_actor *actor, uint32_t uid)
{
	struct bw_approval wanted = { .incident = approve->incident,
				      .until_us = approve->until_us,
				      .kind = actor->kind,
				      .uid = actor->kind == BW_ACTOR_SMB ? 0 : uid,
				      .cgroup = actor->kind == BW_ACTOR_UNIT ? actor->cgroup : 0 };

	memcpy(wanted.user, actor->user, sizeof(wanted.user));
	memcpy(wanted.address, actor->address, sizeof(wanted.address));
	for (size_t i = 0; i < approve->count; i++) {
		if (is_same(&approve->list[i], &wanted))
			return &approve->list[i];
	}
	if (approve->count == APPROVALS_MAX) {
		approve->has_more = true;
		return NULL;
	}
	approve->list[approve->count] = wanted;
	return &approve->list[approve->count++];
}

/* A session of Samba has one user at one address; of local processes each user, and the programs he ran. */
static enum bw_err see_evidence(void *context, const struct bw_ledger_record *row)
{
	static struct bw_record record; /* large */
	struct approve *approve = context;
	struct bw_approval before;

	if (row->kind == BW_LEDGER_APPROVAL && row->incident == approve->incident &&
	    bw_approval_parse(row->body, &before) == BW_OK) {
		approve->was_approved = true;
		approve->approved_until_us = before.until_us;
	}
	if (row->kind != BW_LEDGER_EVIDENCE || row->incident != approve->incident ||
	    bw_record_parse(row->body, &record) != BW_OK)
		return BW_OK;
	if (record.actor.kind == BW_ACTOR_SMB) {
		(void)approval_for(approve, &record.actor, 0);
		return BW_OK;
	}
	for (size_t i = 0; i < record.count; i++) {
		const struct bw_proof *proof = &record.proofs[i].proof;
		struct bw_approval *approval;

		if (proof->pid == 0)
			continue; /* nobody can be named */
		approval = approval_for(approve, &record.actor, proof->uid);
		if (approval != NULL && !bw_approval_add_program(approval, proof->comm))
			memcpy(approve->unnamed, proof->comm, sizeof(approve->unnamed));
	}
	return BW_OK;
}

/* Samba may have named the user after the first record: the nameless ones say nothing then. */
static void drop_nameless(struct approve *approve)
{
	size_t kept = 0;

	for (size_t i = 0; i < approve->count; i++) {
		const struct bw_approval *one = &approve->list[i];

		if (one->kind != BW_ACTOR_SMB || (one->user[0] != '\0' && one->address[0] != '\0'))
			approve->list[kept++] = *one;
	}
	approve->count = kept;
}

/* "last" of those that can be withdrawn; NULL: there is none. */
static const struct bw_incident *approved_last(const struct bw_incidents *incidents)
{
	const int64_t now_us = bw_clock_now_us();
	const struct bw_incident *found = NULL;

	for (size_t i = 0; i < incidents->count; i++) {
		const struct bw_incident *one = &incidents->list[i];

		if (one->approved_until_us > now_us && (found == NULL || one->approval_us >= found->approval_us))
			found = one;
	}
	return found;
}

static enum bw_err name_incident(struct approve *approve, struct bw_why *why)
{
	BW_CLEANUP(bw_incidents_release) struct bw_incidents incidents = { 0 };
	const char *data = bw_call_data(approve->call);
	const struct bw_incident *incident;
	struct bw_ledger_seen seen;

	BW_TRY(bw_incidents_load(data, &incidents, why));
	incident = bw_call_flag(approve->call, "withdraw") && strcmp(bw_call_arg(approve->call, 0), "last") == 0
			   ? approved_last(&incidents)
			   : NULL;
	if (incident == NULL && bw_incidents_named(&incidents, bw_call_arg(approve->call, 0), &incident) != BW_OK)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "there is no such incident: '%s'",
				  bw_call_arg(approve->call, 0));
	approve->incident = incident->id;
	approve->first_us = incident->first_us;
	if (bw_call_flag(approve->call, "close") || bw_call_flag(approve->call, "release"))
		return BW_OK;
	BW_TRY(bw_ledger_read(data, see_evidence, approve, &seen, why));
	drop_nameless(approve);
	if (bw_call_flag(approve->call, "withdraw") && approve->approved_until_us <= bw_clock_now_us())
		return bw_why_set(why, BW_ERR_CONFLICT, "incident %llu %s: there is nothing to withdraw",
				  (unsigned long long)approve->incident,
				  approve->was_approved                     ? "is approved no more"
				  : incident->state == BW_INCIDENT_APPROVED ? "is approved, but lets nobody work on"
									    : "is not approved");
	return BW_OK;
}

/* "30m", "8h", "2d" */
static enum bw_err take_span(struct approve *approve, struct bw_why *why)
{
	const char *text = bw_call_text(approve->call, "for");
	const size_t len = strlen(text);
	const char unit = len > 0 ? text[len - 1] : '\0';
	const uint64_t seconds = unit == 'm' ? 60 : unit == 'h' ? 3600 : unit == 'd' ? 86400 : 0;
	uint64_t count;

	if (seconds == 0 || bw_parse_u64(bw_slice_of(text, len - 1), &count) != BW_OK || count == 0 ||
	    count > BW_APPROVAL_SECONDS_MAX / seconds)
		return bw_why_set(why, BW_ERR_USAGE, "'%s' is no span up to 31 days, as 30m, 8h or 2d", text);
	approve->until_us = bw_clock_now_us() + (int64_t)(count * seconds) * 1000000;
	return BW_OK;
}

/* ---- saying it -------------------------------------------------------------------------------------- */

static void print_whom(const struct approve *approve)
{
	char until[BW_PLAIN_BYTES];

	bw_plain_time(approve->until_us, until);
	for (size_t i = 0; i < approve->count; i++) {
		const struct bw_approval *one = &approve->list[i];
		const bool is_older = approve->is_older && one->kind != BW_ACTOR_UNIT; /* a cgroup is known again */

		if (one->kind == BW_ACTOR_SMB) {
			(void)printf("  %s at %s may go on until %s\n", one->user, one->address, until);
			continue;
		}
		if (is_older)
			(void)printf("  of user %u, until %s", one->uid, until);
		else
			(void)printf("  what was held of user %u may go on until it ends, or %s", one->uid, until);
		for (size_t n = 0; n < one->program_count; n++)
			(void)printf("%s%s",
				     n > 0      ? ", "
				     : is_older ? ": "
						: "; so may, begun anew: ",
				     one->programs[n]);
		if (is_older)
			(void)printf("%s the guard was started anew since, and judges again whatever else was held",
				     one->program_count > 0 ? ";" : ": nothing can be named:");
		(void)putchar('\n');
	}
	if (approve->unnamed[0] != '\0')
		(void)printf(
			"  '%s' runs whatever it is given: begun anew it is judged again. For work that comes again: "
			"breakwater guard job sign\n",
			approve->unnamed);
	if (approve->count == 0)
		(void)puts("  nobody can be named: whoever goes on is judged again");
	if (approve->has_more)
		(void)puts("  more actors than can be approved at once: the others are judged again");
}

static int answer(const struct approve *approve, const char *state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf json = BW_BUF_INIT(TEXT_BYTES);
	enum bw_err err;

	if (bw_call_json(approve->call)) {
		err = bw_buf_addf(&json, "{\"incident\":%llu,\"state\":\"%s\",\"approvals\":%zu",
				  (unsigned long long)approve->incident, state, approve->count);
		if (err == BW_OK && approve->until_us != 0)
			err = bw_plain_json_time(&json, "until", approve->until_us);
		if (err == BW_OK)
			err = bw_buf_add_u8(&json, '}');
		return bw_plain_json(approve->call, err, &json);
	}
	if (strcmp(state, "closed") == 0) {
		(void)printf("incident %llu is closed; nobody was let go\n", (unsigned long long)approve->incident);
		bw_holds_print(bw_call_data(approve->call), approve->incident);
	} else if (strcmp(state, "released") == 0) {
		(void)printf("whoever was held for incident %llu goes on, whoever was kept out is let in, and all are "
			     "judged as before\n",
			     (unsigned long long)approve->incident);
	} else if (strcmp(state, "withdrawn") == 0) {
		(void)printf("the approval of incident %llu has ended: who it let work on is judged again\n",
			     (unsigned long long)approve->incident);
	} else {
		(void)printf(
			"incident %llu is approved; whoever was held goes on, and whoever was kept out is let in\n",
			(unsigned long long)approve->incident);
		print_whom(approve);
	}
	return BW_EXIT_OK;
}

/* ---- doing it ----------------------------------------------------------------------------------------- */

static enum bw_err tell(struct approve *approve, struct bw_channel *channel, const char **out_state, struct bw_why *why)
{
	struct bw_ask_status answer;

	if (bw_call_flag(approve->call, "close")) {
		*out_state = "closed";
		return bw_ask_decision(channel, BW_ASK_CLOSE, approve->incident, why);
	}
	if (bw_call_flag(approve->call, "release")) {
		*out_state = "released";
		return bw_ask_approve(channel, BW_ASK_APPROVE, approve->incident, approve->list, 0, why);
	}
	if (bw_ask_status(channel, &answer) != BW_OK)
		return bw_why_set(why, BW_ERR_CLOSED, "the guard does not answer");
	approve->is_older = approve->first_us < answer.started_us;
	bw_shared_release(&answer.view);
	*out_state = approve->until_us == 0 ? "withdrawn" : "approved";
	return bw_ask_approve(channel, approve->until_us == 0 ? BW_ASK_WITHDRAW : BW_ASK_APPROVE, approve->incident,
			      approve->list, approve->count, why);
}

static int complain(const struct approve *approve, enum bw_err err, const struct bw_why *why)
{
	return bw_complain(approve->call, err == BW_ERR_USAGE ? BW_EXIT_USAGE : BW_EXIT_FAILED,
			   err == BW_ERR_NOT_FOUND ? "breakwater guard incidents lists them" : NULL, "%s",
			   why->text[0] != '\0' ? why->text : bw_err_text(err));
}

/* Whoever stands still must not wait for a guard that may never run again. What else was done, a guard undoes. */
static int without_guard(struct approve *approve)
{
	const bool closes = bw_call_flag(approve->call, "close") || bw_call_flag(approve->call, "withdraw");
	struct bw_why why = { 0 };
	size_t count = 0;
	enum bw_err err = BW_OK;

	if (!closes)
		err = bw_hold_end_all(bw_call_data(approve->call), approve->incident, &count, &why);
	if (err != BW_OK)
		return complain(approve, err, &why);
	if (count == 0)
		return bw_complain(approve->call, BW_EXIT_FAILED, "breakwater guard run", "the guard does not run%s",
				   closes ? "" : ", and no process is held for the incident");
	return bw_complain(approve->call, BW_EXIT_FAILED, "breakwater guard run, and then say it again",
			   "the guard does not run: %zu process%s of the incident %s on, and nothing else was changed",
			   count, count == 1 ? "" : "es", count == 1 ? "goes" : "go");
}

static int approve_run(struct bw_call *call)
{
	struct approve approve = { .call = call };
	struct bw_channel *channel = NULL;
	const char *state = "";
	const int choices = bw_call_flag(call, "release") + bw_call_flag(call, "withdraw") +
			    bw_call_flag(call, "close") + bw_call_has(call, "for");
	struct bw_why why = { 0 };
	enum bw_err err = BW_OK;

	if (!bw_plain_is_root(call, "only root may let a held actor go"))
		return BW_EXIT_FAILED;
	if (choices > 1)
		return bw_complain(call, BW_EXIT_USAGE, NULL, "--for, --release, --withdraw and --close: one of them");
	if (choices == 0 || bw_call_has(call, "for"))
		err = take_span(&approve, &why);
	if (err == BW_OK)
		err = name_incident(&approve, &why);
	if (err != BW_OK)
		return complain(&approve, err, &why);
	err = bw_ask_open(bw_call_data(call), &channel);
	if (err == BW_ERR_NOT_FOUND)
		return without_guard(&approve);
	if (err == BW_OK)
		err = tell(&approve, channel, &state, &why);
	bw_channel_free(channel);
	return err == BW_OK ? answer(&approve, state) : complain(&approve, err, &why);
}

static const struct bw_option approve_options[] = {
	{ .name = "for",
	  .kind = BW_OPT_TEXT,
	  .value_name = "SPAN",
	  .fallback = "8h",
	  .help = "how long the same actor may go on: 30m, 8h, 2d; 31 days at most" },
	{ .name = "release",
	  .kind = BW_OPT_FLAG,
	  .help = "let go and let in, and go on judging: after a drill, or when the client is clean again" },
	{ .name = "withdraw", .kind = BW_OPT_FLAG, .help = "end an approval before its time" },
	{ .name = "close",
	  .kind = BW_OPT_FLAG,
	  .help = "only close the incident: it was an attack and is dealt with; nobody is let go" },
	{ 0 },
};

const struct bw_command bw_guard_approve_command = {
	.name = "approve",
	.summary = "say that what an incident's actor does is meant, and let it go on",
	.usage = "ID|last [--for SPAN | --release | --withdraw | --close]",
	.details =
		"The processes that were held go on, the address that was kept out is let in, and the incident is "
		"over. For eight hours, or --for, the same actor is left alone: the user at that address, or the held "
		"processes and all they start, and the same programs when that user begins them anew. A shell or an "
		"interpreter is covered only while it runs, because its name says nothing of what it does, and not "
		"after a "
		"restart of the guard; the rest survives one. It may be said after the incident was closed or its "
		"files "
		"were restored, too. While no guard runs, whoever is frozen is let go, and nothing else is done. "
		"Everybody else stays judged, and what the actor does is still written down. The "
		"files "
		"stay as they are; the versions before stay too, for as long as any others.",
	.options = approve_options,
	.min_args = 1,
	.max_args = 1,
	.run = approve_run,
};
