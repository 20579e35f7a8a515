/*
 * The fields that duties to report ask for: EU NIS2 art. 23 (early warning in 24 hours, notification in 72, final
 * report in a month), UK NIS 2018 reg. 11, UK GDPR and GDPR art. 33, the schools' and hospitals' forms. A field that no
 * machine can know says "unknown"; a person fills it in. Nothing here is sent anywhere.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "codec/json_text.h"
#include "guard/dossier.h"
#include "guard/settings.h"
#include "guard/sheet.h"
#include "sys/clock.h"

enum { VALUE_BYTES = 8192 };

#define HOUR_US (INT64_C(3600) * 1000000)

static const char unknown[] = "unknown";

struct duty {
	const struct bw_dossier *dossier;
	struct bw_dossier_sum sum;
	struct bw_buf *out;
	bool is_json;
};

/* ---- the form ------------------------------------------------------------------------------- */

static enum bw_err section(struct duty *duty, const char *name, const char *words)
{
	if (!duty->is_json) {
		struct bw_sheet sheet = { .out = duty->out };

		return bw_sheet_heading(&sheet, words);
	}
	BW_TRY(bw_json_add_name(duty->out, name));
	return bw_buf_add_u8(duty->out, '{');
}

static enum bw_err section_end(struct duty *duty)
{
	return duty->is_json ? bw_buf_add_u8(duty->out, '}') : BW_OK;
}

/* An empty value is one that is not known. */
static enum bw_err field(struct duty *duty, const char *name, const char *words, struct bw_slice value)
{
	struct bw_sheet sheet = { .out = duty->out };

	if (value.len == 0)
		value = bw_slice_text(unknown);
	if (duty->is_json)
		return bw_json_add_text(duty->out, name, value);
	BW_TRY(bw_buf_addf(duty->out, "%s: ", words));
	BW_TRY(bw_sheet_name(&sheet, value));
	return bw_buf_add_u8(duty->out, '\n');
}

static enum bw_err field_text(struct duty *duty, const char *name, const char *words, const char *value)
{
	return field(duty, name, words, bw_slice_text(value));
}

static enum bw_err field_num(struct duty *duty, const char *name, const char *words, uint64_t value)
{
	if (duty->is_json)
		return bw_json_add_num(duty->out, name, (int64_t)value);
	return bw_buf_addf(duty->out, "%s: %" PRIu64 "\n", words, value);
}

/* 0: not known. In UTC, as the reports want it. */
static enum bw_err field_time(struct duty *duty, const char *name, const char *words, int64_t wall_us)
{
	char when[BW_TIME_BYTES];

	if (wall_us == 0)
		return field_text(duty, name, words, "");
	bw_time_format(wall_us, when);
	return field_text(duty, name, words, when);
}

static enum bw_err nobody_knows(struct duty *duty, const char *const (*rows)[2], size_t count)
{
	for (size_t i = 0; i < count; i++)
		BW_TRY(field_text(duty, rows[i][0], rows[i][1], ""));
	return BW_OK;
}

/* ---- the sections ------------------------------------------------------------------------------- */

static enum bw_err write_report(struct duty *duty)
{
	const struct bw_dossier *d = duty->dossier;
	char text[64];

	BW_TRY(section(duty, "report", "This report"));
	(void)snprintf(text, sizeof(text), "%" PRIu64 "-%" PRIu32, d->incident, d->number);
	BW_TRY(field_text(duty, "id", "Report", text));
	(void)snprintf(text, sizeof(text), "%" PRIu64 "-%" PRIu32, d->incident, d->number - 1);
	BW_TRY(field_text(duty, "supersedes", "It replaces", d->number > 1 ? text : "none"));
	BW_TRY(field_text(duty, "tlp", "Handling", "TLP:RED"));
	BW_TRY(field_text(duty, "node", "Signed by the node", d->node));
	BW_TRY(field_time(duty, "made", "Made", d->made_us));
	return section_end(duty);
}

static enum bw_err write_clocks(struct duty *duty)
{
	const struct bw_dossier *d = duty->dossier;

	BW_TRY(section(duty, "due", "When something is due, counted from the moment the guard was aware of it"));
	BW_TRY(field_time(duty, "aware", "Aware since", d->decided_us));
	BW_TRY(field_time(duty, "early_warning_24h", "Early warning, 24 h (EU NIS2; proposed in the UK; sector rules)",
			  d->decided_us + 24 * HOUR_US));
	BW_TRY(field_time(duty, "notification_72h",
			  "Notification, 72 h (EU NIS2, UK NIS, GDPR and UK GDPR where personal data is concerned)",
			  d->decided_us + 72 * HOUR_US));
	BW_TRY(field_time(duty, "final_report", "Final report, one month after the notification (EU NIS2)",
			  d->decided_us + (72 + 30 * 24) * HOUR_US));
	return section_end(duty);
}

static enum bw_err write_entity(struct duty *duty)
{
	static const char *const rows[][2] = {
		{ "name", "Name" },
		{ "sector", "Sector" },
		{ "regulator_id", "Number at the regulator" },
		{ "contact", "Contact" },
		{ "data_protection_officer", "Data protection officer" },
		{ "service_affected", "Service affected" },
		{ "impact_on_people", "Impact on pupils, patients, citizens" },
		{ "cross_border", "Impact across borders" },
		{ "customers_affected", "Customers affected" },
	};

	BW_TRY(section(duty, "entity", "Who reports (a person fills this in)"));
	BW_TRY(nobody_knows(duty, rows, BW_COUNT(rows)));
	return section_end(duty);
}

static const char *cause_words(const struct bw_dossier *d)
{
	return d->verdict.gravity == BW_GRAVITY_DESTROYED
		       ? "suspected malicious act (files destroyed as ransomware does)"
		       : "files sealed or wiped; a malicious act is possible";
}

static enum bw_err write_course(struct duty *duty)
{
	const struct bw_dossier *d = duty->dossier;
	const bool is_stopped = d->measure != BW_MEASURE_NONE;

	BW_TRY(section(duty, "course", "What happened, when (UTC, by this server's clock)"));
	BW_TRY(field_time(duty, "first_destructive_act", "First destructive act", d->began_us));
	BW_TRY(field_time(duty, "detected", "Detected", d->decided_us));
	BW_TRY(field_text(duty, "detected_how", "How", bw_rule_words((enum bw_rule)d->verdict.rule)));
	BW_TRY(field_time(duty, "contained", "Contained (the actor was stopped)", is_stopped ? d->decided_us : 0));
	BW_TRY(field_time(duty, "kept_out", "Address kept out", d->kept_out_us));
	BW_TRY(field_time(duty, "last_destructive_act", "Last destructive act known", d->last_us));
	BW_TRY(field_time(duty, "restored", "Files brought back", d->restored_us));
	BW_TRY(field_text(duty, "clock_source", "Clock", "the server's own; its offset is unknown"));
	BW_TRY(field_text(duty, "suspected_cause", "Suspected cause", cause_words(d)));
	BW_TRY(field_text(duty, "entry_vector", "How the attacker came in", ""));
	return section_end(duty);
}

static enum bw_err write_actor(struct duty *duty)
{
	const struct bw_dossier *d = duty->dossier;
	BW_CLEANUP(bw_buf_release) struct bw_buf words = BW_BUF_INIT(VALUE_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf users = BW_BUF_INIT(VALUE_BYTES);
	const bool is_smb = d->actor.kind == BW_ACTOR_SMB;
	struct bw_doers doers;

	bw_dossier_doers(d, &doers);
	if (is_smb)
		BW_TRY(bw_buf_add_text(&users, d->actor.user));
	else
		BW_TRY(bw_doers_users(&doers, &users));
	BW_TRY(bw_dossier_who(d, &words));
	BW_TRY(section(duty, "actor", "Who did it"));
	BW_TRY(field(duty, "words", "In words", bw_buf_slice(&words)));
	BW_TRY(field(duty, "user", is_smb || users.len == 0 ? "User" : "User, by number", bw_buf_slice(&users)));
	BW_TRY(field_text(duty, "address", "Client's address", d->actor.address));
	BW_TRY(field_text(duty, "protocol", "Protocol",
			  is_smb                           ? "SMB"
			  : d->actor.kind == BW_ACTOR_NONE ? ""
							   : "local process"));
	for (size_t i = 0; i < d->process_count && i < 1; i++) {
		const struct bw_dossier_process *p = &d->processes[i];
		char hash[2 * BW_SHA256_BYTES + 1] = "";

		if (p->image.is_hashed)
			bw_hex_encode(bw_slice_of(p->image.sha256, sizeof(p->image.sha256)), hash);
		BW_TRY(field(duty, "program", "Program", bw_slice_of(p->comm, strnlen(p->comm, sizeof(p->comm)))));
		BW_TRY(field_text(duty, "program_sha256", "Its SHA-256", is_smb ? "" : hash));
	}
	return section_end(duty);
}

static enum bw_err write_impact(struct duty *duty)
{
	static const char *const rows[][2] = {
		{ "personal_data_categories", "Categories of personal data" },
		{ "people_affected", "People affected, about" },
		{ "records_affected", "Records affected, about" },
		{ "bytes_read_before", "Bytes the actor read in the 30 days before" },
		{ "exfiltration", "Data taken away" },
		{ "ransom_demanded", "Ransom demanded" },
		{ "wallet", "Wallet" },
		{ "ransom_paid", "Ransom paid" },
	};
	const struct bw_dossier *d = duty->dossier;

	BW_TRY(section(duty, "impact", "What was hit"));
	BW_TRY(field_num(duty, "files_destroyed", "Files destroyed", duty->sum.files));
	BW_TRY(field_num(duty, "files_with_good_copy", "Of these, with a good copy kept", duty->sum.kept));
	BW_TRY(field_num(duty, "files_brought_back", "Brought back", duty->sum.back));
	BW_TRY(field_num(duty, "files_not_brought_back", "Could not be brought back", duty->sum.failed));
	BW_TRY(field_num(duty, "bytes_of_good_versions", "Bytes of the good versions", duty->sum.bytes));
	BW_TRY(field_num(duty, "ransom_notes", "Notes found", d->note_count));
	BW_TRY(nobody_knows(duty, rows, BW_COUNT(rows)));
	return section_end(duty);
}

static enum bw_err write_measures(struct duty *duty)
{
	const struct bw_dossier *d = duty->dossier;
	const char *mode = bw_guard_mode_name((enum bw_guard_mode)d->mode);

	BW_TRY(section(duty, "measures", "What was and is being done"));
	BW_TRY(field_text(duty, "automatic", "By the guard", bw_dossier_done(d)));
	BW_TRY(field_text(duty, "by_people", "By people",
			  d->restores > 0 ? "files were brought back; more is unknown" : ""));
	BW_TRY(field_text(duty, "defences", "Defences in place",
			  "standing copies of every protected file on the server (Breakwater guard); others unknown"));
	BW_TRY(field_text(duty, "guard_mode", "The guard's mode", mode == NULL ? "default" : mode));
	BW_TRY(field_text(duty, "offline_backups", "Offline backups", ""));
	BW_TRY(field_text(duty, "state", "State", bw_incident_state_name(d->state)));
	BW_TRY(field_text(duty, "severity", "Severity, as you rate it", ""));
	BW_TRY(field_text(duty, "evidence", "Evidence",
			  "sealed beside this file: manifest and seal list every file with its "
			  "SHA-256"));
	BW_TRY(field_text(duty, "confidence", "Confidence",
			  d->verdict.gravity == BW_GRAVITY_DESTROYED
				  ? "high: each file was compared with its last good version"
				  : "medium: people do this to their own files on purpose, too"));
	return section_end(duty);
}

enum bw_err bw_dossier_duties(const struct bw_dossier *dossier, bool json, struct bw_buf *out)
{
	struct duty duty = { .dossier = dossier, .out = out, .is_json = json };
	struct bw_sheet sheet = { .out = out };

	bw_dossier_add_up(dossier, &duty.sum);
	BW_TRY(json ? bw_buf_add_u8(out, '{') : bw_sheet_begin(&sheet, "For the reports that may be due"));
	if (!json)
		BW_TRY(bw_buf_add_text(out,
				       "\nWhat the guard cannot know says \"unknown\"; a person fills it in. Which "
				       "duties apply is for a person to say.\n"));
	BW_TRY(write_report(&duty));
	BW_TRY(write_clocks(&duty));
	BW_TRY(write_entity(&duty));
	BW_TRY(write_course(&duty));
	BW_TRY(write_actor(&duty));
	BW_TRY(write_impact(&duty));
	BW_TRY(write_measures(&duty));
	return json ? bw_buf_add_text(out, "}\n") : BW_OK;
}
