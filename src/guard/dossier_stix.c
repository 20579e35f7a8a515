/*
 * The incident as STIX 2.1. Two bundles: one for home with everything, one that may leave. What is left out of the
 * second is decided here and in dossier_hint.c: no path, no name of a user, a host or a file of ours, no address of a
 * private network, no size of a file, no number of a process.
 *
 * The incident carries the incident core extension of the OASIS common object repository.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "guard/dossier_stix_parts.h"
#include "guard/settings.h"
#include "intel/formats.h"

#define AMBER "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
#define RED "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
#define INCIDENT_CORE "extension-definition--ef765651-680c-498d-9894-99799f2fa126"

/* The techniques' objects are the same on every node: made once, on the day they were written here. */
#define SINCE_US INT64_C(1795392000000000) /* 2026-11-23 */

enum { PROPERTIES_BYTES = 8192, LEAVING_FILES = 8, HOME_FILES = 256 };

static const struct {
	const char *id;
	const char *name;
	const char *words;
} techniques[TECHNIQUES] = {
	[ENCRYPTED] = { "T1486", "Data Encrypted for Impact",
			"Known-good files were replaced by content that no program can read." },
	[DESTROYED] = { "T1485", "Data Destruction", "Known-good files were wiped, cut or emptied." },
	[BY_SMB] = { "T1021.002", "SMB/Windows Admin Shares", "It was done over a share, by a client's session." },
};

static void note_seen(struct stix_work *w, const struct bw_stix_id *id)
{
	for (size_t i = 0; i < w->seen_count; i++) {
		if (strcmp(w->seen[i].text, id->text) == 0)
			return;
	}
	if (w->seen_count < STIX_SEEN_MAX)
		w->seen[w->seen_count++] = *id;
}

/* ---- properties ------------------------------------------------------------------------------------ */

static enum bw_err add_hashes(struct bw_buf *out, const struct bw_digest *digest)
{
	char hex[2 * BW_SHA256_BYTES + 1];

	bw_hex_encode(bw_slice_of(digest->sha256, sizeof(digest->sha256)), hex);
	return bw_buf_addf(out, "%s\"hashes\":{\"SHA-256\":\"%s\"}", out->len > 0 ? "," : "", hex);
}

static enum bw_err add_prop(struct bw_buf *out, const char *name, struct bw_slice value)
{
	if (value.len == 0)
		return BW_OK;
	BW_TRY(bw_buf_addf(out, "%s\"%s\":", out->len > 0 ? "," : "", name));
	return bw_json_add_string(out, value);
}

static enum bw_err put_observable(struct stix_work *w, const char *type, struct bw_slice about, struct bw_stix_id *out)
{
	BW_TRY(bw_stix_observable(&w->writer, type, &w->text, about, out));
	note_seen(w, out);
	return BW_OK;
}

/* A file by what it holds and, at home, how it is called. */
static enum bw_err put_file(struct stix_work *w, const struct bw_digest *digest, struct bw_slice path,
			    struct bw_stix_id *out)
{
	struct bw_stix_id folder = { "" };
	size_t cut = path.len;

	while (cut > 0 && path.ptr[cut - 1] != '/')
		cut--;
	if (stix_at_home(w) && cut > 1) {
		bw_buf_clear(&w->text);
		BW_TRY(add_prop(&w->text, "path", bw_slice_sub(path, 0, cut - 1)));
		BW_TRY(put_observable(w, "directory", bw_slice_empty, &folder));
	}
	bw_buf_clear(&w->text);
	if (digest->is_hashed)
		BW_TRY(add_hashes(&w->text, digest));
	if (stix_at_home(w)) {
		BW_TRY(add_prop(&w->text, "name", bw_slice_from(path, cut)));
		if (digest->is_known)
			BW_TRY(bw_buf_addf(&w->text, "%s\"size\":%" PRIu64, w->text.len > 0 ? "," : "", digest->size));
		BW_TRY(add_prop(&w->text, "parent_directory_ref", bw_slice_text(folder.text)));
	}
	if (!digest->is_hashed && (!stix_at_home(w) || path.len == cut))
		return BW_OK; /* §6.7: hashes or a name */
	return put_observable(w, "file", bw_slice_empty, out);
}

/* ---- who -------------------------------------------------------------------------------------------- */

/* The node itself: the same object in every bundle it ever makes. */
static enum bw_err put_identity(struct stix_work *w)
{
	const char *marking = w->writer.marking;
	const char *seed = w->writer.seed;
	enum bw_err err;

	if (w->d->node[0] == '\0')
		return BW_OK;
	w->writer.marking = "";
	w->writer.seed = w->d->node;
	err = bw_stix_object(&w->writer, "identity", BW_LIT("node"), w->d->node_since_us, w->d->node_since_us,
			     &w->identity);
	w->writer.marking = marking;
	w->writer.seed = seed;
	BW_TRY(err);
	BW_TRY(bw_buf_addf(&w->writer.object, ",\"name\":\"Breakwater node %.19s\",\"identity_class\":\"system\"",
			   w->d->node));
	BW_TRY(bw_stix_put(&w->writer));
	w->writer.creator = w->identity;
	return BW_OK;
}

static enum bw_err put_address(struct stix_work *w)
{
	const char *address = w->d->actor.address;
	struct bw_stix_id id = { "" };
	bool is_address;
	bool is_v6;
	const bool is_public = bw_stix_address_is_public(address, &is_address, &is_v6);

	if (!is_address || (!stix_at_home(w) && !is_public))
		return BW_OK;
	bw_buf_clear(&w->text);
	BW_TRY(add_prop(&w->text, "value", bw_slice_text(address)));
	return put_observable(w, is_v6 ? "ipv6-addr" : "ipv4-addr", bw_slice_empty, &id);
}

static enum bw_err put_user(struct stix_work *w, struct bw_stix_id *out)
{
	const struct bw_actor *actor = &w->d->actor;
	struct bw_doers doers;

	bw_dossier_doers(w->d, &doers);
	if (!stix_at_home(w) || (actor->user[0] == '\0' && actor->kind == BW_ACTOR_NONE))
		return BW_OK;
	bw_buf_clear(&w->text);
	if (actor->user[0] != '\0')
		BW_TRY(add_prop(&w->text, "account_login", bw_slice_text(actor->user)));
	else
		BW_TRY(bw_buf_addf(&w->text, "\"user_id\":\"%" PRIu32 "\"",
				   doers.count > 0 ? doers.list[0].uid : actor->uid));
	BW_TRY(add_prop(&w->text, "account_type",
			strchr(actor->user, '\\') != NULL ? BW_LIT("windows-domain") : BW_LIT("unix")));
	return put_observable(w, "user-account", bw_slice_empty, out);
}

static enum bw_err put_process(struct stix_work *w, const struct bw_dossier_process *process,
			       const struct bw_stix_id *user)
{
	struct bw_stix_id image = { "" };
	struct bw_stix_id id = { "" };
	char about[64];

	if (process->program.len > 0 && (stix_at_home(w) || stix_is_own_program(w->d, process)))
		BW_TRY(put_file(w, &process->image, process->program, &image));
	if (!stix_at_home(w))
		return BW_OK;
	(void)snprintf(about, sizeof(about), "process %" PRIu32 " %" PRIu64, process->pid, process->start_ns);
	bw_buf_clear(&w->text);
	BW_TRY(bw_buf_addf(&w->text, "\"pid\":%" PRIu32, process->pid));
	BW_TRY(add_prop(&w->text, "command_line", process->command));
	BW_TRY(add_prop(&w->text, "image_ref", bw_slice_text(image.text)));
	BW_TRY(add_prop(&w->text, "creator_user_ref", bw_slice_text(user->text)));
	return put_observable(w, "process", bw_slice_text(about), &id);
}

/* ---- what ---------------------------------------------------------------------------------------------- */

static enum bw_err put_files(struct stix_work *w)
{
	const size_t most = stix_at_home(w) ? HOME_FILES : LEAVING_FILES;

	for (size_t i = 0; i < w->d->file_count && i < most; i++) {
		const struct bw_dossier_file *file = &w->d->files[i];
		struct bw_stix_id id = { "" };

		/* what was good is nobody's business; what the actor left in its place is his */
		if (stix_at_home(w))
			BW_TRY(put_file(w, &file->before, file->path, &id));
		if (file->gravity == BW_GRAVITY_DESTROYED && file->after.is_hashed && file->after.size > 0)
			BW_TRY(put_file(w, &file->after, file->path_now, &id));
	}
	for (size_t i = 0; i < w->d->note_count; i++) {
		struct bw_stix_id id = { "" };

		BW_TRY(put_file(w, &w->d->notes[i].content, w->d->notes[i].path, &id));
	}
	return BW_OK;
}

static enum bw_err put_observed(struct stix_work *w)
{
	const struct bw_dossier *d = w->d;
	char first[BW_STIX_TIME_BYTES];
	char last[BW_STIX_TIME_BYTES];

	if (w->seen_count == 0)
		return BW_OK;
	bw_stix_time(d->began_us, first);
	bw_stix_time(d->last_us > d->began_us ? d->last_us : d->began_us, last);
	BW_TRY(bw_stix_object(&w->writer, "observed-data", BW_LIT("observed"), d->decided_us, d->made_us,
			      &w->observed));
	BW_TRY(bw_buf_addf(&w->writer.object,
			   ",\"first_observed\":\"%s\",\"last_observed\":\"%s\",\"number_observed\":%zu", first, last,
			   d->file_count > 0 ? d->file_count : 1));
	BW_TRY(bw_stix_refs(&w->writer, "object_refs", w->seen, w->seen_count));
	return bw_stix_put(&w->writer);
}

/* ---- how ------------------------------------------------------------------------------------------------ */

static bool used(const struct bw_dossier *d, enum technique which)
{
	bool wiped = false;
	bool random = false;

	for (size_t i = 0; i < d->file_count; i++) {
		const struct bw_finding *finding = &d->files[i].finding;

		for (size_t k = 0; k < finding->count; k++) {
			const uint8_t test = finding->tests[k].test;
			const bool is_wiping = test == BW_TEST_WIPED || test == BW_TEST_EMPTIED ||
					       test == BW_TEST_CHANGED_WIPED;

			wiped = wiped || is_wiping;
			random = random || (!is_wiping && test != BW_TEST_CUT);
		}
	}
	if (which == BY_SMB)
		return d->actor.kind == BW_ACTOR_SMB;
	return which == DESTROYED ? wiped : random || !wiped;
}

static enum bw_err put_technique(struct stix_work *w, enum technique which)
{
	const struct bw_stix_id creator = w->writer.creator;
	const char *marking = w->writer.marking;
	const char *seed = w->writer.seed;
	enum bw_err err;

	w->writer.creator.text[0] = '\0';
	w->writer.marking = "";
	w->writer.seed = "";
	err = bw_stix_object(&w->writer, "attack-pattern", bw_slice_text(techniques[which].id), SINCE_US, SINCE_US,
			     &w->technique[which]);
	w->writer.creator = creator;
	w->writer.marking = marking;
	w->writer.seed = seed;
	BW_TRY(err);
	BW_TRY(bw_json_add_text(&w->writer.object, "name", bw_slice_text(techniques[which].name)));
	BW_TRY(bw_json_add_text(&w->writer.object, "description", bw_slice_text(techniques[which].words)));
	BW_TRY(bw_buf_addf(&w->writer.object,
			   ",\"external_references\":[{\"source_name\":\"mitre-attack\",\"external_id\":\"%s\"}]",
			   techniques[which].id));
	return bw_stix_put(&w->writer);
}

static enum bw_err put_relation(struct stix_work *w, const char *kind, const struct bw_stix_id *from,
				const struct bw_stix_id *to)
{
	char about[2 * BW_ID_MAX];
	struct bw_stix_id id;

	if (from->text[0] == '\0' || to->text[0] == '\0')
		return BW_OK;
	(void)snprintf(about, sizeof(about), "%s %s", from->text, to->text);
	BW_TRY(bw_stix_object(&w->writer, "relationship", bw_slice_text(about), w->d->decided_us, w->d->made_us, &id));
	BW_TRY(bw_buf_addf(&w->writer.object, ",\"relationship_type\":\"%s\"", kind));
	BW_TRY(bw_stix_ref(&w->writer, "source_ref", from));
	BW_TRY(bw_stix_ref(&w->writer, "target_ref", to));
	return bw_stix_put(&w->writer);
}

/* ---- the incident ------------------------------------------------------------------------------------------ */

static const char *determination(const struct bw_dossier *d)
{
	if (d->state == BW_INCIDENT_APPROVED)
		return "false-positive";
	if (d->verdict.gravity != BW_GRAVITY_DESTROYED)
		return "suspected";
	return d->measure != BW_MEASURE_NONE ? "blocked" : "successful-attempt";
}

static enum bw_err put_incident(struct stix_work *w)
{
	const struct bw_dossier *d = w->d;
	struct bw_buf *out = &w->writer.object;
	struct bw_dossier_sum sum;
	char words[512];

	bw_dossier_add_up(d, &sum);
	(void)snprintf(words, sizeof(words),
		       "%s. %" PRIu64 " files were destroyed within %" PRId64
		       " seconds; a good version is kept of %" PRIu64 ", and %" PRIu64 " were brought back. %s",
		       bw_rule_words((enum bw_rule)d->verdict.rule), sum.files,
		       d->last_us > d->began_us ? (d->last_us - d->began_us) / 1000000 : 0, sum.kept, sum.back,
		       bw_dossier_done(d));
	BW_TRY(bw_stix_object(&w->writer, "incident", BW_LIT("incident"), d->decided_us, d->made_us, &w->incident));
	BW_TRY(bw_json_add_text(out, "name", BW_LIT("Files destroyed on a guarded file server")));
	BW_TRY(bw_json_add_text(out, "description", bw_slice_text(words)));
	return bw_buf_addf(out,
			   ",\"extensions\":{\"" INCIDENT_CORE "\":{\"extension_type\":\"property-extension\","
			   "\"determination\":\"%s\",\"investigation_status\":\"%s\","
			   "\"detection_methods\":[\"Breakwater guard: %s\"],\"recoverability\":\"%s\"}}",
			   determination(d), d->state == BW_INCIDENT_OPEN ? "new" : "closed",
			   bw_rule_name((enum bw_rule)d->verdict.rule),
			   sum.kept == sum.files ? "regular" : "supplemented") == BW_OK
		       ? bw_stix_put(&w->writer)
		       : BW_ERR_TOO_BIG;
}

static enum bw_err put_sighting(struct stix_work *w, const struct bw_stix_id *of, const char *about)
{
	const struct bw_dossier *d = w->d;
	char first[BW_STIX_TIME_BYTES];
	char last[BW_STIX_TIME_BYTES];
	struct bw_stix_id id;

	if (of->text[0] == '\0')
		return BW_OK;
	bw_stix_time(d->began_us, first);
	bw_stix_time(d->last_us > d->began_us ? d->last_us : d->began_us, last);
	BW_TRY(bw_stix_object(&w->writer, "sighting", bw_slice_text(about), d->decided_us, d->made_us, &id));
	BW_TRY(bw_buf_addf(&w->writer.object, ",\"first_seen\":\"%s\",\"last_seen\":\"%s\",\"count\":%zu", first, last,
			   d->file_count > 0 ? d->file_count : 1));
	BW_TRY(bw_stix_ref(&w->writer, "sighting_of_ref", of));
	BW_TRY(bw_stix_refs(&w->writer, "observed_data_refs", &w->observed, 1));
	BW_TRY(bw_stix_refs(&w->writer, "where_sighted_refs", &w->identity, 1));
	return bw_stix_put(&w->writer);
}

/* ---- the bundles --------------------------------------------------------------------------------- */

static enum bw_err put_observables(struct stix_work *w)
{
	struct bw_stix_id user = { "" };

	BW_TRY(put_address(w));
	BW_TRY(put_user(w, &user));
	for (size_t i = 0; i < w->d->process_count; i++)
		BW_TRY(put_process(w, &w->d->processes[i], &user));
	BW_TRY(put_files(w));
	return put_observed(w);
}

/* Whoever warned learns that it helped. */
static enum bw_err put_warnings(struct stix_work *w)
{
	for (size_t i = 0; i < w->d->warning_count; i++) {
		const struct bw_dossier_warning *warning = &w->d->warnings[i];
		char about[BW_ID_MAX + 16];
		struct bw_stix_id id = { "" };

		if (!bw_is_id(warning->id, NULL) || warning->id.len >= sizeof(id.text))
			continue;
		memcpy(id.text, warning->id.ptr, warning->id.len);
		(void)snprintf(about, sizeof(about), "warned %s", id.text);
		BW_TRY(put_sighting(w, &id, about));
	}
	return BW_OK;
}

static enum bw_err put_all(struct stix_work *w)
{
	BW_TRY(put_identity(w));
	for (enum technique t = 0; t < TECHNIQUES; t++) {
		if (used(w->d, t))
			BW_TRY(put_technique(w, t));
	}
	BW_TRY(put_incident(w));
	BW_TRY(put_observables(w));
	BW_TRY(stix_hint_who(w));
	BW_TRY(stix_hint_traces(w));
	for (enum technique t = 0; t < TECHNIQUES; t++) {
		BW_TRY(put_relation(w, "related-to", &w->incident, &w->technique[t]));
		BW_TRY(put_sighting(w, &w->technique[t], techniques[t].id));
	}
	BW_TRY(put_warnings(w));
	for (size_t i = 0; i < w->hint_count; i++) {
		BW_TRY(put_relation(w, "indicates", &w->hints[i],
				    &w->technique[w->technique[ENCRYPTED].text[0] != '\0' ? ENCRYPTED : DESTROYED]));
		BW_TRY(put_relation(w, "related-to", &w->hints[i], &w->incident));
	}
	return bw_stix_end(&w->writer);
}

static enum bw_err put_quick(struct stix_work *w)
{
	BW_TRY(put_identity(w));
	BW_TRY(stix_hint_who(w));
	BW_TRY(stix_hint_traces(w));
	if (!stix_at_home(w))
		BW_TRY(put_warnings(w));
	return bw_stix_end(&w->writer);
}

static enum bw_err put_first(struct stix_work *w)
{
	BW_TRY(put_quick(w));
	return w->hint_count > 0 || w->d->warning_count > 0 ? BW_OK : BW_ERR_MISSING;
}

/* What may leave is another object than what stays (§3.5: never another content under an id). */
static enum bw_err write_bundle(const struct bw_dossier *d, enum bw_stix_reach reach, const char *kind,
				enum bw_err (*put)(struct stix_work *w), struct bw_buf *out)
{
	struct stix_work *w = calloc(1, sizeof(*w));
	enum bw_err err;

	BW_NEED(w != NULL, MEMORY);
	w->d = d;
	w->reach = reach;
	w->text = BW_BUF_INIT(PROPERTIES_BYTES);
	(void)snprintf(w->seed, sizeof(w->seed), "%s/%" PRIu64 "/%s", d->node, d->incident, kind);
	err = bw_stix_begin(&w->writer, w->seed, reach == BW_STIX_HOME ? RED : AMBER, out);
	if (err == BW_OK)
		err = put(w);
	bw_stix_release(&w->writer);
	bw_buf_release(&w->text);
	free(w);
	return err;
}

enum bw_err bw_dossier_bundle(const struct bw_dossier *dossier, enum bw_stix_reach reach, struct bw_buf *out)
{
	return write_bundle(dossier, reach, reach == BW_STIX_HOME ? "home" : "leaves", put_all, out);
}

enum bw_err bw_dossier_indicators(const struct bw_dossier *dossier, struct bw_buf *out)
{
	return write_bundle(dossier, BW_STIX_HOME, "home", put_quick, out);
}

enum bw_err bw_dossier_first(const struct bw_dossier *dossier, struct bw_buf *out)
{
	enum bw_err err;

	if (!bw_dossier_is_no_drill(dossier))
		return BW_OK;
	err = write_bundle(dossier, BW_STIX_LEAVES, "leaves", put_first, out);
	if (err == BW_ERR_MISSING)
		bw_buf_clear(out);
	return err == BW_ERR_MISSING ? BW_OK : err;
}
