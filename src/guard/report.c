#include "guard/report.h"

#include <stdlib.h>

#include "codec/json_text.h"
#include "guard/evidence.h"
#include "guard/plain.h"
#include "sys/clock.h"

/* The manifest as it stands, unchecked: `guard verify` checks. NULL: there is none. The caller frees. */
static struct bw_evidence_manifest *manifest_of(const char *folder)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_REPORT_MANIFEST_BYTES);
	struct bw_evidence_manifest *manifest = malloc(sizeof(*manifest));
	char path[BW_PATH_BYTES];

	if (manifest != NULL && bw_path_join(path, folder, BW_PAPER_MANIFEST) == BW_OK &&
	    bw_file_read(path, &text, NULL) == BW_OK &&
	    bw_evidence_manifest_parse(bw_buf_slice(&text), manifest) == BW_OK)
		return manifest;
	free(manifest);
	return NULL;
}

enum bw_report_of bw_report_of(const char *data, const struct bw_incident *incident)
{
	const uint32_t number = bw_evidence_newest(data, incident->id);
	enum bw_report_of of = incident->is_drill ? BW_REPORT_OF_DRILL : BW_REPORT_OF_NOTHING;
	struct bw_evidence_manifest *manifest = NULL;
	char folder[BW_PATH_BYTES];

	if (number != 0 && bw_evidence_report(data, incident->id, number, folder) == BW_OK)
		manifest = manifest_of(folder);
	if (manifest != NULL)
		of = BW_REPORT_OF_DRILL;
	for (size_t i = 0; manifest != NULL && i < manifest->count; i++) {
		if (strcmp(manifest->files[i].name, BW_PAPER_LEAVES) == 0)
			of = BW_REPORT_OF_ATTACK;
	}
	free(manifest);
	return of;
}

static enum bw_err add_manifest(const struct bw_evidence_manifest *manifest, struct bw_buf *out)
{
	BW_TRY(bw_plain_json_time(out, "sealed", manifest->sealed_us));
	if (manifest->indicators_ms >= 0)
		BW_TRY(bw_json_add_num(out, "indicators_after_ms", manifest->indicators_ms));
	if (manifest->sealed_ms >= 0)
		BW_TRY(bw_json_add_num(out, "sealed_after_ms", manifest->sealed_ms));
	BW_TRY(bw_json_add_name(out, "files"));
	BW_TRY(bw_buf_add_u8(out, '['));
	for (size_t i = 0; i < manifest->count; i++) {
		BW_TRY(bw_buf_add_text(out, i > 0 ? "," : ""));
		BW_TRY(bw_json_add_string(out, bw_slice_text(manifest->files[i].name)));
	}
	return bw_buf_add_u8(out, ']');
}

enum bw_err bw_report_json(const char *data, const struct bw_incident *incident, struct bw_buf *out)
{
	const uint32_t number = bw_evidence_newest(data, incident->id);
	struct bw_evidence_manifest *manifest;
	char folder[BW_PATH_BYTES];
	enum bw_err err = BW_OK;

	if (number == 0)
		return BW_OK;
	BW_TRY(bw_evidence_report(data, incident->id, number, folder));
	BW_TRY(bw_json_add_name(out, "report"));
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_num(out, "number", number));
	BW_TRY(bw_json_add_text(out, "folder", bw_slice_text(folder)));
	manifest = manifest_of(folder);
	if (manifest != NULL)
		err = add_manifest(manifest, out);
	free(manifest);
	BW_TRY(err);
	if (incident->shared_us != 0)
		BW_TRY(bw_plain_json_time(out, "in_exchange", incident->shared_us));
	if (incident->released_us != 0)
		BW_TRY(bw_plain_json_time(out, "released", incident->released_us));
	if (incident->sent_us != 0)
		BW_TRY(bw_plain_json_time(out, "reported", incident->sent_us));
	BW_TRY(bw_json_add_num(out, "helped", incident->helped));
	if (incident->helped_us != 0)
		BW_TRY(bw_plain_json_time(out, "helped_first", incident->helped_us));
	BW_TRY(bw_json_add_num(out, "duties_met", incident->duties));
	return bw_buf_add_u8(out, '}');
}

enum bw_err bw_report_words(const char *data, const struct bw_incident *incident, struct bw_buf *out)
{
	const uint32_t number = bw_evidence_newest(data, incident->id);
	char folder[BW_PATH_BYTES];
	char count[2 * BW_PLAIN_BYTES];
	char when[BW_PLAIN_BYTES];

	if (number == 0)
		return BW_OK;
	BW_TRY(bw_evidence_report(data, incident->id, number, folder));
	BW_TRY(bw_buf_addf(out,
			   "Its report lies in %s\n"
			   "  " BW_PAPER_PAGE ", " BW_PAPER_PAGE_TEXT ": for whoever answers for the place\n"
			   "  " BW_PAPER_DUTIES_TEXT ", " BW_PAPER_DUTIES
			   ": what the reports due in 24 and 72 hours ask for\n"
			   "  " BW_PAPER_FACTS ": timeline, processes, files with their hashes\n"
			   "%s",
			   folder,
			   bw_report_of(data, incident) == BW_REPORT_OF_DRILL
				   ? "  " BW_PAPER_HOME ": STIX 2.1; nobody else is told of a drill\n"
				   : "  " BW_PAPER_HOME ", " BW_PAPER_LEAVES ": STIX 2.1, with and without names\n"));
	if (incident->shared_us != 0)
		BW_TRY(bw_buf_addf(out, "The exchange has it, without names, since %s.\n",
				   bw_plain_time(incident->shared_us, when)));
	if (incident->released_us != 0)
		BW_TRY(bw_buf_addf(out, "A person released the full one on %s.\n",
				   bw_plain_time(incident->released_us, when)));
	if (incident->sent_us != 0)
		BW_TRY(bw_buf_addf(out, "It was reported, without names, on %s.\n",
				   bw_plain_time(incident->sent_us, when)));
	if (incident->helped > 0)
		BW_TRY(bw_buf_addf(out,
				   "It helped elsewhere: what was told of it was met there, heard %s, first on %s.\n",
				   bw_plain_count(incident->helped, "time", "times", count),
				   bw_plain_time(incident->helped_us, when)));
	if (incident->duties > 0)
		BW_TRY(bw_buf_addf(out, "A person said %s that a duty to report was met.\n",
				   bw_plain_count(incident->duties, "time", "times", count)));
	return BW_OK;
}
