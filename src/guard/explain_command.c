/* `breakwater guard explain`: one incident in sentences, from its records, judged again. */
#include <stdio.h>
#include <stdlib.h>

#include "codec/json_text.h"
#include "guard/doer.h"
#include "guard/foreign.h"
#include "guard/incident_about.h"
#include "guard/incident_deeds.h"
#include "guard/plain.h"
#include "guard/record.h"
#include "guard/report.h"

enum { PAGE_BYTES = 64 * 1024 * 1024 };

struct explaining {
	uint64_t incident;
	bool json;
	struct bw_buf *out;
	struct bw_record *record;
	size_t records;
	size_t wrong;   /* records that do not come out again */
	bool is_client; /* somebody of Samba's was stopped */
	struct bw_incident_deeds deeds;
};

/* The rest of an object that has begun: of no file, but of what others warned of. */
static enum bw_err json_warning(struct bw_buf *out, const struct bw_recorded_proof *r)
{
	const struct bw_slice name = bw_slice_of(r->proof.name, r->proof.name_len);
	struct bw_foreign_hit hit = { name, bw_slice_empty, bw_slice_empty };

	(void)bw_foreign_hit_parse(name, &hit); /* cut short, it still tells who */
	BW_TRY(bw_json_add_text(out, "warned_of", hit.value));
	BW_TRY(bw_json_add_text(out, "peer", hit.peer));
	BW_TRY(bw_json_add_text(out, "indicator", hit.id));
	BW_TRY(bw_plain_json_time(out, "time", r->proof.wall_us));
	BW_TRY(bw_json_add_num(out, "pid", r->proof.pid));
	BW_TRY(bw_json_add_num(out, "points", r->weight.points));
	return bw_buf_add_u8(out, '}');
}

static enum bw_err json_proof(struct bw_buf *out, const struct bw_recorded_proof *r)
{
	BW_TRY(bw_buf_add_u8(out, '{'));
	if (r->proof.kind == BW_PROOF_WARNED)
		return json_warning(out, r);
	BW_TRY(bw_json_add_text(out, "name", bw_slice_of(r->proof.name, r->proof.name_len)));
	BW_TRY(bw_plain_json_time(out, "time", r->proof.wall_us));
	BW_TRY(bw_json_add_text(out, "format", bw_slice_text(bw_format_words((enum bw_format)r->proof.old.format))));
	BW_TRY(bw_json_add_num(out, "size", (int64_t)bw_content_size(&r->proof.old)));
	BW_TRY(bw_json_add_num(out, "inode", (int64_t)r->proof.file.ino));
	BW_TRY(bw_json_add_num(out, "good_version", (int64_t)r->proof.version));
	BW_TRY(bw_json_add_num(out, "pid", r->proof.pid));
	BW_TRY(bw_json_add_num(out, "uid", r->proof.uid));
	BW_TRY(bw_json_add_text(out, "program",
				bw_slice_of(r->proof.comm, strnlen(r->proof.comm, sizeof(r->proof.comm)))));
	BW_TRY(bw_json_add_num(out, "points", r->weight.points));
	BW_TRY(bw_json_add_name(out, "tests"));
	BW_TRY(bw_buf_add_u8(out, '['));
	for (size_t i = 0; i < r->finding.count; i++) {
		char sentence[256];

		bw_evidence_say(&r->finding.tests[i], sentence, sizeof(sentence));
		BW_TRY(bw_buf_add_text(out, i > 0 ? ",{" : "{"));
		BW_TRY(bw_json_add_text(out, "test",
					bw_slice_text(bw_test_name((enum bw_test)r->finding.tests[i].test))));
		BW_TRY(bw_json_add_text(out, "words", bw_slice_text(sentence)));
		BW_TRY(bw_buf_add_u8(out, '}'));
	}
	return bw_buf_add_text(out, "]}");
}

static enum bw_err json_doer(struct bw_buf *out, const struct bw_doer *doer)
{
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_text(out, "program", bw_slice_of(doer->comm, strnlen(doer->comm, sizeof(doer->comm)))));
	BW_TRY(bw_json_add_num(out, "uid", doer->uid));
	BW_TRY(bw_json_add_num(out, "pid", doer->pid));
	BW_TRY(bw_json_add_num(out, "processes", doer->processes));
	BW_TRY(bw_json_add_num(out, "files", doer->files));
	return bw_buf_add_u8(out, '}');
}

/* Who destroyed them, beside the actor: the commonest first. */
static enum bw_err json_doers(struct bw_buf *out, const struct bw_doers *doers)
{
	BW_TRY(bw_json_add_name(out, "programs"));
	BW_TRY(bw_buf_add_u8(out, '['));
	for (size_t i = 0; i < doers->count; i++) {
		if (i > 0)
			BW_TRY(bw_buf_add_u8(out, ','));
		BW_TRY(json_doer(out, &doers->list[i]));
	}
	return bw_buf_add_u8(out, ']');
}

static enum bw_err json_actor(struct bw_buf *out, const struct bw_record *record)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf words = BW_BUF_INIT(4096);
	const struct bw_actor *actor = &record->actor;
	struct bw_doers doers;

	bw_doers_of(record, &doers);
	BW_TRY(bw_doers_say(&doers, actor, &words));
	BW_TRY(bw_json_add_name(out, "actor"));
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_text(out, "words", bw_buf_slice(&words)));
	BW_TRY(bw_json_add_num(out, "pid", actor->pid));
	BW_TRY(bw_json_add_num(out, "uid", actor->uid));
	BW_TRY(bw_json_add_text(out, "user", bw_slice_text(actor->user)));
	BW_TRY(bw_json_add_text(out, "address", bw_slice_text(actor->address)));
	BW_TRY(json_doers(out, &doers));
	return bw_buf_add_u8(out, '}');
}

static const char *measure_name(uint8_t measure)
{
	return measure == BW_MEASURE_KILL ? "stopped" : measure == BW_MEASURE_FREEZE ? "held" : "none";
}

static enum bw_err json_record(struct bw_buf *out, const struct bw_record *record, bool replays)
{
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_text(out, "kind", bw_slice_text(record->kind == BW_RECORD_LATE ? "late" : "verdict")));
	BW_TRY(bw_plain_json_time(out, "time", record->wall_us));
	BW_TRY(json_actor(out, record));
	BW_TRY(bw_json_add_text(out, "rule", bw_slice_text(bw_rule_name((enum bw_rule)record->verdict.rule))));
	BW_TRY(bw_json_add_text(out, "rule_words", bw_slice_text(bw_rule_words((enum bw_rule)record->verdict.rule))));
	BW_TRY(bw_json_add_num(out, "points", record->verdict.points));
	BW_TRY(bw_json_add_num(out, "needed", record->verdict.needed));
	BW_TRY(bw_json_add_text(out, "measure", bw_slice_text(measure_name(record->measure))));
	BW_TRY(bw_json_add_bool(out, "replays", replays));
	BW_TRY(bw_json_add_name(out, "files"));
	BW_TRY(bw_buf_add_u8(out, '['));
	for (size_t i = 0; i < record->count; i++) {
		if (i > 0)
			BW_TRY(bw_buf_add_u8(out, ','));
		BW_TRY(json_proof(out, &record->proofs[i]));
	}
	return bw_buf_add_text(out, "]}");
}

static enum bw_err see(void *context, const struct bw_ledger_record *row)
{
	struct explaining *explaining = context;
	bool replays;

	if (row->incident != explaining->incident)
		return BW_OK;
	if (row->kind != BW_LEDGER_EVIDENCE)
		return bw_incident_deeds_feed(&explaining->deeds, row);
	if (bw_record_parse(row->body, explaining->record) != BW_OK) {
		explaining->wrong++;
		return BW_OK;
	}
	replays = bw_record_replay(explaining->record, NULL) == BW_OK;
	explaining->wrong += replays ? 0 : 1;
	explaining->records++;
	explaining->is_client |= explaining->record->actor.kind == BW_ACTOR_SMB &&
				 explaining->record->measure != BW_MEASURE_NONE;
	if (!explaining->json) {
		if (explaining->records > 1)
			BW_TRY(bw_buf_add_u8(explaining->out, '\n'));
		return bw_record_explain(explaining->record, explaining->out);
	}
	if (explaining->records > 1)
		BW_TRY(bw_buf_add_u8(explaining->out, ','));
	return json_record(explaining->out, explaining->record, replays);
}

/* What can be done about it as it stands now. */
static enum bw_err add_next(const struct bw_incident *incident, struct bw_buf *out)
{
	const unsigned long long id = incident->id;

	BW_TRY(bw_incident_since_words(incident->approved_us, out));
	if (incident->state == BW_INCIDENT_OPEN)
		return bw_buf_addf(out,
				   "The files come back with:  breakwater guard restore --incident %llu --yes\n"
				   "If it was right to do so:  breakwater guard approve %llu\n",
				   id, id);
	if (incident->restores > 0 && incident->restored.failed == 0)
		return BW_OK;
	return bw_buf_addf(
		out,
		"Its files were left as they are; while their copies are kept, they come back with:  breakwater "
		"guard restore --incident %llu --yes\n",
		id);
}

static enum bw_err explain(const struct bw_call *call, const struct bw_incident *incident,
			   struct explaining *explaining, struct bw_why *why)
{
	struct bw_buf *out = explaining->out;
	struct bw_ledger_seen seen;
	char when[BW_PLAIN_BYTES];

	if (explaining->json) {
		BW_TRY(bw_buf_add_u8(out, '{'));
		BW_TRY(bw_json_add_num(out, "incident", (int64_t)incident->id));
		BW_TRY(bw_json_add_text(out, "state", bw_slice_text(bw_incident_state_name(incident->state))));
		BW_TRY(bw_json_add_name(out, "records"));
		BW_TRY(bw_buf_add_u8(out, '['));
	}
	BW_TRY(bw_ledger_read(bw_call_data(call), see, explaining, &seen, why));
	if (explaining->json) {
		BW_TRY(bw_buf_add_u8(out, ']'));
		if (incident->approved_us != 0)
			BW_TRY(bw_plain_json_time(out, "approved_since", incident->approved_us));
		BW_TRY(bw_json_add_name(out, "done"));
		BW_TRY(bw_buf_add_u8(out, '['));
		BW_TRY(bw_buf_add(out, bw_buf_slice(&explaining->deeds.json)));
		BW_TRY(bw_buf_addf(out, "],\"restore\":\"breakwater guard restore --incident %llu --yes\"",
				   (unsigned long long)incident->id));
		BW_TRY(bw_json_add_bool(out, "replays", explaining->wrong == 0));
		BW_TRY(bw_report_json(bw_call_data(call), incident, out));
		return bw_buf_add_u8(out, '}');
	}
	if (explaining->deeds.shown > 0 || explaining->is_client)
		BW_TRY(bw_buf_add_u8(out, '\n'));
	BW_TRY(bw_incident_deeds_words(&explaining->deeds, explaining->is_client, out));
	BW_TRY(bw_buf_addf(out, "\nIncident %llu is %s%s%s.\n", (unsigned long long)incident->id,
			   bw_incident_state_name(incident->state), incident->decided_us != 0 ? " since " : "",
			   incident->decided_us != 0 ? bw_plain_time(incident->decided_us, when) : ""));
	if (incident->restores > 0)
		BW_TRY(bw_buf_addf(out, "%llu files were brought back, %llu could not be.\n",
				   (unsigned long long)incident->restored.files,
				   (unsigned long long)incident->restored.failed));
	BW_TRY(add_next(incident, out));
	BW_TRY(bw_report_words(bw_call_data(call), incident, out));
	if (explaining->wrong == 0)
		return bw_buf_addf(out, "Judged again from its records, each verdict comes out the same.\n");
	return bw_buf_addf(out, "JUDGED AGAIN, %zu OF ITS RECORDS DO NOT COME OUT THE SAME.\n", explaining->wrong);
}

static int explain_run(struct bw_call *call)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf page = BW_BUF_INIT(PAGE_BYTES);
	BW_CLEANUP(bw_incidents_release) struct bw_incidents incidents = { 0 };
	const char *name = bw_call_args(call) > 0 ? bw_call_arg(call, 0) : "last";
	struct explaining explaining = { .json = bw_call_json(call), .out = &page };
	const struct bw_incident *incident;
	struct bw_why why = { 0 };
	enum bw_err err;

	if (!bw_plain_is_root(call, "only root may read what the guard wrote down"))
		return BW_EXIT_FAILED;
	err = bw_incidents_load(bw_call_data(call), &incidents, &why);
	if (err == BW_OK && bw_incidents_named(&incidents, name, &incident) != BW_OK)
		return bw_complain(call, BW_EXIT_FAILED, "breakwater guard incidents lists them",
				   "there is no such incident: '%s'", name);
	bw_incident_deeds_init(&explaining.deeds, err == BW_OK ? incident->id : 0);
	explaining.record = calloc(1, sizeof(*explaining.record));
	if (err == BW_OK && explaining.record == NULL)
		err = BW_ERR_MEMORY;
	if (err == BW_OK) {
		explaining.incident = incident->id;
		err = explain(call, incident, &explaining, &why);
	}
	free(explaining.record);
	bw_incident_deeds_release(&explaining.deeds);
	if (err != BW_OK)
		return bw_complain(call, BW_EXIT_FAILED, NULL, "%s", why.text[0] != '\0' ? why.text : bw_err_text(err));
	(void)printf("%s%s", bw_buf_text(&page), explaining.json ? "\n" : "");
	return explaining.wrong > 0 ? BW_EXIT_FOUND : BW_EXIT_OK;
}

const struct bw_command bw_guard_explain_command = {
	.name = "explain",
	.summary = "who destroyed what, how that is known, and what can be done",
	.usage = "[ID|last] [--format FORMAT]",
	.details = "Every file with its tests and their numbers, the rule that decided, what was done and how it is "
		   "undone. "
		   "Each verdict is judged again from its record; exit status 1 says that one came out otherwise.",
	.max_args = 1,
	.run = explain_run,
};
