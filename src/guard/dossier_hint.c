/*
 * Indicators: what others can look for. One that leaves hits nobody by accident: a program that everybody has gives
 * none, nor does an address of a private network.
 */
#include <stdio.h>

#include "base/text.h"
#include "guard/dossier_stix_parts.h"
#include "guard/harm.h"

#define DAY_US (INT64_C(86400) * 1000000)

/* ---- what may leave ------------------------------------------------------------------------------- */

/* Letters, digits, dots and dashes only, and nobody's login in it. */
static bool names_nobody(const struct bw_dossier *d, struct bw_slice name)
{
	const char *user = strrchr(d->actor.user, '\\');
	const size_t user_len = strlen(user != NULL ? user + 1 : d->actor.user);

	user = user != NULL ? user + 1 : d->actor.user;
	if (name.len == 0 || name.len > 64)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if (!bw_is_alnum(name.ptr[i]) && memchr("._- !#", name.ptr[i], 6) == NULL)
			return false;
	}
	for (size_t i = 0; user_len >= 2 && i + user_len <= name.len; i++) {
		if (bw_slice_is_nocase(bw_slice_sub(name, i, user_len), user))
			return false;
	}
	return true;
}

/* A program of the attacker's own; what everybody has would make everybody an attacker. */
bool stix_is_own_program(const struct bw_dossier *d, const struct bw_dossier_process *process)
{
	static const char *const common[] = { "/usr/", "/bin/", "/sbin/", "/lib", "/opt/", "/snap/", "/nix/" };

	if (d->actor.kind == BW_ACTOR_SMB || !process->image.is_hashed || process->program.len == 0)
		return false;
	for (size_t i = 0; i < BW_COUNT(common); i++) {
		if (bw_slice_starts(process->program, bw_slice_text(common[i])))
			return false;
	}
	return true;
}

/* The ending that the actor gave to files ("locked" of a.docx.locked), when two have the same; empty: none. */
static struct bw_slice ending_of(const struct bw_dossier_file *file)
{
	const struct bw_slice old = bw_dossier_name(file);
	struct bw_slice now = file->path_now;
	size_t at = now.len;

	while (at > 0 && now.ptr[at - 1] != '/')
		at--;
	now = bw_slice_from(now, at);
	if (now.len < old.len + 3 || now.len > old.len + 17 || !bw_slice_starts(now, old) || now.ptr[old.len] != '.')
		return bw_slice_empty;
	return bw_slice_from(now, old.len + 1);
}

static struct bw_slice common_ending(const struct bw_dossier *d)
{
	for (size_t i = 0; i < d->file_count; i++) {
		const struct bw_slice ending = ending_of(&d->files[i]);

		for (size_t k = 0; ending.len > 0 && k < i; k++) {
			if (bw_slice_equals(ending_of(&d->files[k]), ending))
				return ending;
		}
	}
	return bw_slice_empty;
}

/* ---- indicators ------------------------------------------------------------------------------------------------ */

static enum bw_err put_hint(struct stix_work *w, const char *name, const char *words, int64_t days)
{
	const struct bw_dossier *d = w->d;
	struct bw_buf *out = &w->writer.object;
	char from[BW_STIX_TIME_BYTES];
	char until[BW_STIX_TIME_BYTES];
	struct bw_stix_id *id = &w->hints[w->hint_count];

	if (w->hint_count == STIX_HINTS_MAX)
		return BW_OK;
	bw_stix_time(d->decided_us, from);
	bw_stix_time(d->decided_us + days * DAY_US, until);
	BW_TRY(bw_stix_object(&w->writer, "indicator", bw_buf_slice(&w->text), d->decided_us, d->made_us, id));
	w->hint_count++;
	BW_TRY(bw_json_add_text(out, "name", bw_slice_text(name)));
	BW_TRY(bw_json_add_text(out, "description", bw_slice_text(words)));
	BW_TRY(bw_json_add_text(out, "pattern", bw_buf_slice(&w->text)));
	BW_TRY(bw_buf_addf(out,
			   ",\"pattern_type\":\"stix\",\"valid_from\":\"%s\",\"valid_until\":\"%s\","
			   "\"indicator_types\":[\"malicious-activity\"],\"confidence\":%d",
			   from, until, d->verdict.gravity == BW_GRAVITY_DESTROYED ? 85 : 50));
	return bw_stix_put(&w->writer);
}

static enum bw_err begin_pattern(struct stix_work *w, const char *property, const char *comparison,
				 struct bw_slice value)
{
	bw_buf_clear(&w->text);
	BW_TRY(bw_buf_addf(&w->text, "[%s %s ", property, comparison));
	BW_TRY(bw_stix_pattern_text(&w->text, value));
	return bw_buf_add_u8(&w->text, ']');
}

static enum bw_err hint_content(struct stix_work *w, const struct bw_digest *digest, const char *name,
				const char *words)
{
	char hex[2 * BW_SHA256_BYTES + 1];

	if (!digest->is_hashed)
		return BW_OK;
	bw_hex_encode(bw_slice_of(digest->sha256, sizeof(digest->sha256)), hex);
	BW_TRY(begin_pattern(w, "file:hashes.'SHA-256'", "=", bw_slice_text(hex)));
	return put_hint(w, name, words, 365);
}

enum bw_err stix_hint_who(struct stix_work *w)
{
	const struct bw_actor *actor = &w->d->actor;
	bool is_address;
	bool is_v6;
	const bool is_public = bw_stix_address_is_public(actor->address, &is_address, &is_v6);

	if (is_address && (stix_at_home(w) || is_public)) {
		BW_TRY(begin_pattern(w, is_v6 ? "ipv6-addr:value" : "ipv4-addr:value", "=",
				     bw_slice_text(actor->address)));
		BW_TRY(put_hint(w, "Address of a client that destroyed files",
				"A client at this address destroyed known-good "
				"files on a share.",
				7));
	}
	if (!stix_at_home(w) || actor->user[0] == '\0')
		return BW_OK;
	BW_TRY(begin_pattern(w, "user-account:account_login", "=", bw_slice_text(actor->user)));
	return put_hint(w, "Login that destroyed files", "Known-good files were destroyed under this login.", 7);
}

/* How it was done: what another strain of the same kind does as well. Each way once, the first of them. */
static enum bw_err hint_harm(struct stix_work *w)
{
	enum { WAYS_MOST = 3, LOOKED_AT = 64 };
	char told[WAYS_MOST][BW_HARM_BYTES];
	size_t count = 0;

	for (size_t i = 0; i < w->d->file_count && i < LOOKED_AT && count < WAYS_MOST; i++) {
		bool is_new = true;

		if (!bw_harm_of(&w->d->files[i].proof, w->d->actor.kind == BW_ACTOR_SMB, told[count]))
			continue;
		for (size_t k = 0; k < count && is_new; k++)
			is_new = strcmp(told[k], told[count]) != 0;
		if (!is_new)
			continue;
		BW_TRY(begin_pattern(w, "x-breakwater-harm:value", "=", bw_slice_text(told[count])));
		BW_TRY(put_hint(w, "Way in which files were destroyed",
				"Known-good files were destroyed in this way (docs/guard-verdict.md of Breakwater).",
				7));
		count++;
	}
	return BW_OK;
}

enum bw_err stix_hint_traces(struct stix_work *w)
{
	const struct bw_dossier *d = w->d;
	const struct bw_slice ending = common_ending(d);

	BW_TRY(hint_harm(w));

	for (size_t i = 0; i < d->process_count; i++) {
		if (stix_is_own_program(d, &d->processes[i]))
			BW_TRY(hint_content(w, &d->processes[i].image, "Program that destroyed files",
					    "A process of this program destroyed known-good files."));
	}
	for (size_t i = 0; i < d->note_count; i++) {
		BW_TRY(hint_content(w, &d->notes[i].content, "Note left beside destroyed files",
				    "This note was left in folders whose files were destroyed."));
		if (!names_nobody(d, d->notes[i].name) || d->notes[i].places < 2)
			continue;
		BW_TRY(begin_pattern(w, "file:name", "=", d->notes[i].name));
		BW_TRY(put_hint(w, "Name of a note left beside destroyed files",
				"Notes of this name were left in several folders.", 90));
	}
	if (ending.len == 0 || !names_nobody(d, ending))
		return BW_OK;
	bw_buf_clear(&w->text);
	BW_TRY(bw_buf_addf(&w->text, "[file:name LIKE '%%.%.*s']", BW_ARG(ending)));
	return put_hint(w, "Ending given to destroyed files", "Destroyed files got this ending.", 90);
}
