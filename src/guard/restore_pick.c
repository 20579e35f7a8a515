/* Which steps were asked for: of an incident, of all of somebody's, of a tree at a time, of one file; all or some. */
#include <fnmatch.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/text.h"
#include "guard/doer.h"
#include "guard/restore_command.h"
#include "sys/clock.h"

enum { GOOD_AFTER_US = 2 * 1000000 }; /* from the last evidence until the actor is surely stopped */

/* ---- of incidents --------------------------------------------------------------------------- */

struct naming {
	struct restore *restore;
	const struct bw_incidents *known;
	const char *actor; /* whose incidents are looked for; NULL: they are known */
};

static bool is_asked(const struct restore *restore, uint64_t incident)
{
	for (size_t i = 0; i < restore->incident_count; i++) {
		if (restore->incidents[i] == incident)
			return true;
	}
	return false;
}

static enum bw_err see_traced(void *context, const struct bw_traced *traced)
{
	return bw_restore_plan_traced(context, traced);
}

static enum bw_err trace_files(struct bw_restore_plan *plan, struct bw_slice body)
{
	const enum bw_err err = bw_traced_parse(body, see_traced, plan);

	return err == BW_ERR_SCHEMA ? BW_OK : err; /* a newer one's; what is pinned counts */
}

static enum bw_err name_one(struct bw_restore_plan *plan, const struct bw_file_key *file, uint64_t version,
			    const struct bw_content *old, int64_t before_us)
{
	const struct bw_restore_named named = { file, version, old, before_us };

	return bw_restore_plan_named(plan, &named);
}

/* Every file that the judge's records of the incident name. */
static enum bw_err name_files(void *context, const struct bw_ledger_record *row)
{
	static struct bw_record record; /* large */
	struct naming *naming = context;
	struct bw_restore_plan *plan = &naming->restore->plan;

	if (!is_asked(naming->restore, row->incident))
		return BW_OK;
	if (row->kind == BW_LEDGER_TRACE)
		return trace_files(plan, row->body);
	if (row->kind != BW_LEDGER_EVIDENCE)
		return BW_OK;
	if (bw_record_parse(row->body, &record) != BW_OK)
		return BW_OK; /* a newer one's; what is pinned counts */
	for (size_t i = 0; i < record.count; i++) {
		const struct bw_proof *proof = &record.proofs[i].proof;

		if (proof->kind == BW_PROOF_WARNED)
			continue; /* of no file */

		bw_restore_plan_user(plan, proof->uid);
		if (proof->wall_us < plan->before_us)
			plan->before_us = proof->wall_us;
		BW_TRY(name_one(plan, &proof->file, proof->version, &proof->old, proof->wall_us));
		if (proof->made.ino != 0)
			BW_TRY(name_one(plan, &proof->made, 0, NULL, INT64_MIN));
	}
	return BW_OK;
}

/* A program that destroyed something, or its user, by number or by name. */
static bool is_by(const struct bw_record *record, const char *actor)
{
	const struct passwd *user = getpwnam(actor);
	struct bw_doers doers;
	char uid[16];

	bw_doers_of(record, &doers);
	for (size_t i = 0; i < doers.count && record->actor.kind != BW_ACTOR_SMB; i++) {
		const struct bw_doer *doer = &doers.list[i];

		(void)snprintf(uid, sizeof(uid), "%u", doer->uid);
		if ((user != NULL && user->pw_uid == doer->uid) || strcmp(uid, actor) == 0 ||
		    strncmp(doer->comm, actor, sizeof(doer->comm)) == 0)
			return true;
	}
	return false;
}

/* A user as Samba knows him, an address, a program, or a user of this server: of the tree, or of what it did. */
static bool is_whose(const struct bw_record *record, const char *actor)
{
	char uid[16];

	if (is_by(record, actor))
		return true;
	(void)snprintf(uid, sizeof(uid), "%u", record->actor.uid);
	return strcmp(record->actor.user, actor) == 0 || strcmp(record->actor.address, actor) == 0 ||
	       strncmp(record->actor.comm, actor, sizeof(record->actor.comm)) == 0 ||
	       (record->actor.kind != BW_ACTOR_NONE && record->actor.kind != BW_ACTOR_SMB && strcmp(uid, actor) == 0);
}

/* The open incidents of somebody. */
static enum bw_err find_incidents(void *context, const struct bw_ledger_record *row)
{
	static struct bw_record record; /* large */
	struct naming *naming = context;
	struct restore *restore = naming->restore;
	const struct bw_incident *incident = bw_incidents_find(naming->known, row->incident);

	if (row->kind != BW_LEDGER_EVIDENCE || incident == NULL || incident->state != BW_INCIDENT_OPEN ||
	    is_asked(restore, row->incident) || bw_record_parse(row->body, &record) != BW_OK ||
	    !is_whose(&record, naming->actor))
		return BW_OK;
	BW_NEED(restore->incident_count < RESTORE_INCIDENTS_MAX, TOO_MANY);
	restore->incidents[restore->incident_count++] = row->incident;
	return BW_OK;
}

static enum bw_err choose_incidents(struct restore *restore, struct naming *naming, struct bw_why *why)
{
	const char *name = bw_call_text(restore->call, "incident");
	const struct bw_incident *incident;
	struct bw_ledger_seen seen;
	enum bw_err err;

	if (naming->actor != NULL) {
		BW_TRY(bw_ledger_read(restore->data, find_incidents, naming, &seen, why));
		if (restore->incident_count == 0)
			return bw_why_set(why, BW_ERR_NOT_FOUND, "there is no open incident of '%s'", naming->actor);
		return BW_OK;
	}
	err = bw_incidents_named(naming->known, name, &incident);
	if (err == BW_ERR_SYNTAX)
		return bw_why_set(why, err, "'%s' is neither an incident's number nor \"last\"", name);
	if (err != BW_OK)
		return bw_why_set(why, err, "there is no such incident: '%s'", name);
	restore->incidents[restore->incident_count++] = incident->id;
	return BW_OK;
}

static enum bw_err plan_incidents(struct restore *restore, struct bw_why *why)
{
	BW_CLEANUP(bw_incidents_release) struct bw_incidents incidents = { 0 };
	struct naming naming = { restore, &incidents, bw_call_text(restore->call, "actor") };
	int64_t evidence_us = 0;
	struct bw_ledger_seen seen;

	BW_TRY(bw_incidents_load(restore->data, &incidents, why));
	BW_TRY(choose_incidents(restore, &naming, why));
	for (size_t i = 0; i < restore->incident_count; i++) {
		const struct bw_incident *incident = bw_incidents_find(&incidents, restore->incidents[i]);

		if (incident != NULL && incident->evidence_us > evidence_us)
			evidence_us = incident->evidence_us;
		if (incident != NULL && incident->approved_us != 0 &&
		    (restore->approved_us == 0 || incident->approved_us < restore->approved_us))
			restore->approved_us = incident->approved_us;
	}
	if (evidence_us != 0)
		restore->plan.good_after_us = evidence_us + GOOD_AFTER_US;
	BW_TRY(bw_ledger_read(restore->data, name_files, &naming, &seen, why));
	return bw_restore_plan_incidents(&restore->plan, restore->incidents, restore->incident_count, why);
}

/* ---- of a time, of a pattern ------------------------------------------------------------------ */

/* "2026-11-23 01:04:00", "2026-11-23T01:04:00Z", or how long ago: "90m", "2h", "3d". */
static enum bw_err take_time(const char *text, int64_t *out_us, struct bw_why *why)
{
	const size_t len = strlen(text);
	uint64_t count;
	int64_t unit;

	if (bw_plain_time_parse(text, out_us) == BW_OK)
		return BW_OK;
	unit = len < 2 ? 0 : text[len - 1] == 'm' ? 60 : text[len - 1] == 'h' ? 3600 : text[len - 1] == 'd' ? 86400 : 0;
	if (unit == 0 || bw_parse_u64(bw_slice_of(text, len - 1), &count) != BW_OK || count > 366 * 24 * 60)
		return bw_why_set(why, BW_ERR_USAGE,
				  "'%s' is no time: '2026-11-23 14:00:00' (here), 2026-11-23T14:00:00Z, or how long "
				  "ago, as 90m, 2h or 3d",
				  text);
	*out_us = bw_clock_now_us() - (int64_t)count * unit * 1000000;
	return BW_OK;
}

/* A pattern without a slash is one of names. */
static bool matches(const struct restore *restore, const struct bw_step *step, const char *pattern)
{
	char path[BW_PATH_BYTES];
	const char *name = strrchr(step->path, '/');
	const char *mount = restore->volumes[step->volume].mount;

	if (strchr(pattern, '/') == NULL)
		return fnmatch(pattern, name == NULL ? step->path : name + 1, 0) == 0;
	return bw_path_join(path, strcmp(mount, "/") == 0 ? "" : mount, step->path) == BW_OK &&
	       fnmatch(pattern, path, 0) == 0;
}

static enum bw_err keep_matching(struct restore *restore, const char *pattern, struct bw_why *why)
{
	struct bw_restore_plan *plan = &restore->plan;
	size_t kept = 0;

	for (size_t i = 0; i < plan->count; i++) {
		if (matches(restore, &plan->steps[i], pattern))
			plan->steps[kept++] = plan->steps[i];
	}
	plan->count = kept;
	restore->is_part = true;
	return kept > 0 ? BW_OK : bw_why_set(why, BW_ERR_NOT_FOUND, "nothing of it matches '%s'", pattern);
}

static enum bw_err plan_steps(struct restore *restore, struct bw_why *why)
{
	const struct bw_call *call = restore->call;
	char path[PATH_MAX];
	char now[BW_PLAIN_BYTES];
	int64_t at_us;

	if (bw_call_has(call, "incident") || bw_call_has(call, "actor"))
		return plan_incidents(restore, why);
	if (bw_call_has(call, "file")) {
		BW_TRY(bw_restore_path(bw_call_text(call, "file"), path, why));
		return bw_restore_plan_file(&restore->plan, path,
					    bw_call_has(call, "version") ? (uint64_t)bw_call_num(call, "version") : 0,
					    why);
	}
	BW_TRY(take_time(bw_call_text(call, "at"), &at_us, why));
	if (at_us > bw_clock_now_us())
		return bw_why_set(why, BW_ERR_USAGE,
				  "'%s' lies ahead: it is %s now, and nothing is kept of a later time",
				  bw_call_text(call, "at"), bw_plain_time(bw_clock_now_us(), now));
	BW_TRY(bw_restore_path(bw_call_text(call, "tree"), path, why));
	return bw_restore_plan_tree(&restore->plan, path, at_us, why);
}

enum bw_err restore_pick(struct restore *restore, struct bw_why *why)
{
	BW_TRY(plan_steps(restore, why));
	if (bw_call_has(restore->call, "match"))
		return keep_matching(restore, bw_call_text(restore->call, "match"), why);
	return BW_OK;
}
