/* `breakwater guard verify`: reads back all that is kept, and all that was written down. */
#include <stdio.h>
#include <stdlib.h>

#include "base/progress.h"
#include "base/text.h"
#include "codec/json_text.h"
#include "guard/evidence.h"
#include "guard/ledger.h"
#include "guard/plain.h"
#include "guard/seal_keys.h"
#include "guard/shadow.h"
#include "guard/volumes.h"

enum { SETTINGS_MEMORY = 16 * 1024 * 1024, PAGE_BYTES = 4 * 1024 * 1024, FINDINGS_BYTES = 1024 * 1024 };

struct verifying {
	const struct bw_call *call;
	struct bw_progress progress;
	struct bw_buf json;
	struct bw_buf findings; /* of the store at work: a line each, or the items of a list */
	uint64_t seen;
	bool is_whole;
	bool is_first;
};

static void count(void *context, uint64_t versions)
{
	struct verifying *verifying = context;

	verifying->seen = versions;
	bw_progress_at(&verifying->progress, versions);
}

/* The first one is the verdict's own sentence; a page holds as many as anybody reads. */
static void tell(void *context, const char *finding)
{
	struct verifying *verifying = context;
	struct bw_buf *findings = &verifying->findings;
	const size_t before = findings->len;
	enum bw_err err;

	if (bw_call_json(verifying->call)) {
		err = before > 0 ? bw_buf_add_u8(findings, ',') : BW_OK;
		if (err == BW_OK)
			err = bw_json_add_string(findings, bw_slice_text(finding));
	} else {
		err = bw_buf_add_text(findings, "    ");
		if (err == BW_OK)
			err = bw_text_escape(findings, bw_slice_text(finding));
		if (err == BW_OK)
			err = bw_buf_add_u8(findings, '\n');
	}
	if (err != BW_OK)
		findings->len = before;
}

static enum bw_err say(struct verifying *verifying, const char *what, uint64_t number, const char *unit,
		       const char *head, enum bw_err err, const struct bw_why *why)
{
	const char *words = why->text[0] != '\0' ? why->text : bw_err_text(err);
	BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(PAGE_BYTES);
	struct bw_buf *json = &verifying->json;

	verifying->is_whole = verifying->is_whole && err == BW_OK;
	if (!bw_call_json(verifying->call)) {
		BW_TRY(bw_text_escape(&line, bw_slice_text(err == BW_OK ? what : words)));
		if (err == BW_OK)
			(void)printf("%s: whole, %llu %s%s%s\n", bw_buf_text(&line), (unsigned long long)number, unit,
				     head[0] == '\0'              ? ""
				     : strcmp(unit, "files") == 0 ? "; sealed by "
								  : "; its head is ",
				     head);
		else
			(void)printf("DAMAGED: %s\n%s", bw_buf_text(&line), bw_buf_text(&verifying->findings));
		return BW_OK;
	}
	BW_TRY(bw_buf_add_text(json, verifying->is_first ? "{" : ",{"));
	verifying->is_first = false;
	BW_TRY(bw_json_add_text(json, "what", bw_slice_text(what)));
	BW_TRY(bw_json_add_bool(json, "whole", err == BW_OK));
	BW_TRY(bw_json_add_num(json, unit, (int64_t)number));
	if (head[0] != '\0')
		BW_TRY(bw_json_add_text(json, strcmp(unit, "files") == 0 ? "sealed_by" : "head", bw_slice_text(head)));
	if (err != BW_OK)
		BW_TRY(bw_json_add_text(json, "why", bw_slice_text(words)));
	if (verifying->findings.len > 0)
		BW_TRY(bw_buf_addf(json, ",\"findings\":[%s]", bw_buf_text(&verifying->findings)));
	return bw_buf_add_u8(json, '}');
}

static enum bw_err verify_ledger(struct verifying *verifying)
{
	char head[2 * BW_SHA256_BYTES + 1] = "";
	struct bw_ledger_seen seen = { 0 };
	struct bw_why why = { 0 };
	enum bw_err err = bw_ledger_read(bw_call_data(verifying->call), NULL, NULL, &seen, &why);

	if (err == BW_ERR_NOT_FOUND)
		return BW_OK; /* no guard has run yet */
	bw_hex_encode(bw_slice_of(seen.link.chain, sizeof(seen.link.chain)), head);
	return say(verifying, "the ledger", seen.link.number, "records", head, err, &why);
}

static enum bw_err verify_volume(struct verifying *verifying, const struct bw_volume *volume)
{
	const struct bw_verify_plan plan = { .see = count, .tell = tell, .context = verifying };
	struct bw_shelf_totals totals = { 0 };
	struct bw_why why = { 0 };
	struct bw_shadow *shadow;
	enum bw_err err = bw_shadow_open(volume, true, &shadow, &why);

	verifying->seen = 0;
	bw_buf_clear(&verifying->findings);
	if (err == BW_OK) {
		bw_err_drop(bw_shelf_totals(bw_shadow_shelf(shadow), &totals)); /* read again below, and judged there */
		bw_progress_begin(&verifying->progress, "reading back", "versions", totals.versions, false);
		err = bw_shadow_verify(shadow, &plan, &why);
		bw_progress_end(&verifying->progress);
		bw_shadow_close(shadow);
	}
	return say(verifying, volume->store, err == BW_OK ? totals.versions : verifying->seen, "versions", "", err,
		   &why);
}

/* ---- evidence -------------------------------------------------------------------------- */

enum { REPORTS_MAX = 64 };

static enum bw_err verify_report(struct verifying *verifying, uint64_t incident, uint32_t number)
{
	const char *data = bw_call_data(verifying->call);
	struct bw_evidence_manifest *manifest = calloc(1, sizeof(*manifest));
	char name[BW_NODE_NAME_CHARS + 1] = "";
	char place[BW_PATH_BYTES];
	struct bw_node_public node;
	struct bw_why why = { 0 };
	size_t files;
	enum bw_err err = BW_ERR_MEMORY;

	if (manifest != NULL)
		err = bw_evidence_report(data, incident, number, place);
	if (err != BW_OK) {
		free(manifest);
		return err;
	}
	err = bw_evidence_verify(data, incident, number, manifest, &node, &why);
	if (err == BW_OK && !bw_seal_keys_are_ours(data, &node, name))
		err = bw_why_set(&why, BW_ERR_SIGNATURE, "'%s' was sealed by %s, whose keys are not this node's", place,
				 name);
	files = manifest->count;
	free(manifest);
	bw_buf_clear(&verifying->findings);
	return say(verifying, place, files, "files", err == BW_OK ? name : "", err, &why);
}

static enum bw_err verify_incident(void *context, uint64_t incident)
{
	struct verifying *verifying = context;
	uint32_t numbers[REPORTS_MAX];
	const size_t count = bw_evidence_reports(bw_call_data(verifying->call), incident, numbers, BW_COUNT(numbers));

	for (size_t i = 0; i < count; i++)
		BW_TRY(verify_report(verifying, incident, numbers[i]));
	return BW_OK;
}

/* Nobody can tell whether its copies are whole. */
static enum bw_err name_away(struct verifying *verifying, const struct bw_tree_away *away)
{
	struct bw_why why = { 0 };

	verifying->is_whole = false;
	bw_buf_clear(&verifying->findings);
	if (bw_call_json(verifying->call)) {
		(void)bw_why_set(&why, BW_ERR_NOT_FOUND, "%s", away->why);
		return say(verifying, away->path, 0, "versions", "", BW_ERR_NOT_FOUND, &why);
	}
	(void)bw_complain(verifying->call, BW_EXIT_FOUND, BW_AWAY_NEXT, "'%s' is not guarded: %s", away->path,
			  away->why);
	return BW_OK;
}

static int verify_all(struct verifying *verifying, const struct bw_volume *volumes, size_t volume_count,
		      const struct bw_guard_settings *settings)
{
	enum bw_err err = bw_buf_add_text(&verifying->json, "[");

	if (err == BW_OK)
		err = verify_ledger(verifying);
	if (err == BW_OK)
		err = bw_evidence_each(bw_call_data(verifying->call), verify_incident, verifying);
	for (size_t i = 0; i < volume_count && err == BW_OK; i++)
		err = verify_volume(verifying, &volumes[i]);
	for (size_t i = 0; i < settings->away_count && err == BW_OK; i++)
		err = name_away(verifying, &settings->away[i]);
	if (err == BW_OK)
		err = bw_buf_add_u8(&verifying->json, ']');
	if (err != BW_OK)
		return bw_complain(verifying->call, BW_EXIT_FAILED, NULL, "cannot tell: %s", bw_err_text(err));
	if (bw_call_json(verifying->call) && bw_plain_json(verifying->call, err, &verifying->json) != BW_EXIT_OK)
		return BW_EXIT_FAILED;
	return verifying->is_whole ? BW_EXIT_OK : BW_EXIT_FOUND;
}

static int verify_run(struct bw_call *call)
{
	struct verifying verifying = { .call = call,
				       .json = BW_BUF_INIT(PAGE_BYTES),
				       .findings = BW_BUF_INIT(FINDINGS_BYTES),
				       .is_whole = true,
				       .is_first = true };
	static struct bw_volume volumes[BW_VOLUMES_MAX];
	static struct bw_guard_settings settings;
	struct bw_arena arena = BW_ARENA_INIT(SETTINGS_MEMORY);
	struct bw_why why = { 0 };
	size_t volume_count = 0;
	enum bw_err err;
	int exit;

	if (!bw_plain_is_root(call, "only root may read the store"))
		return BW_EXIT_FAILED;
	err = bw_guard_settings_load(bw_call_data(call), &arena, &settings, &why);
	if (err == BW_OK)
		err = bw_volumes_open(&settings, volumes, &volume_count, &why);
	exit = err == BW_OK ? verify_all(&verifying, volumes, volume_count, &settings)
			    : bw_complain(call, BW_EXIT_FAILED, err == BW_ERR_MISSING ? BW_AWAY_NEXT : NULL, "%s",
					  why.text[0] != '\0' ? why.text : bw_err_text(err));
	bw_volumes_release(volumes, volume_count);
	bw_arena_release(&arena);
	bw_buf_release(&verifying.json);
	bw_buf_release(&verifying.findings);
	return exit;
}

const struct bw_command bw_guard_verify_command = {
	.name = "verify",
	.summary = "read back every version and every record",
	.usage = "[--format FORMAT]",
	.details =
		"Checks the ledger's chain and prints its head, which can be kept elsewhere and compared; then every "
		"sealed "
		"report of an incident, file by file, against its seal; then the "
		"catalogue, every pack and every object of each shadow store. A running guard goes on meanwhile. Exit "
		"status 1 says that something is damaged.",
	.max_args = 0,
	.run = verify_run,
};
