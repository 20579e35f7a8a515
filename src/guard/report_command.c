/* `breakwater guard report`: where an incident's report lies; a person lets it go, or says that a duty was met. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/json_text.h"
#include "guard/ask.h"
#include "guard/evidence.h"
#include "guard/plain.h"
#include "guard/program.h"
#include "guard/report.h"

enum { PAGE_BYTES = 1024 * 1024, IMPORT_MS = 10 * 60 * 1000, SAID_BYTES = 256 * 1024, REFUSED_SHOWN = 2000 };

#define COLLECTION "guard-incidents"

/* ---- writing down ---------------------------------------------------------------------------- */

static enum bw_err note_here(const char *data, uint64_t incident, uint8_t kind, struct bw_slice sentence,
			     struct bw_why *why)
{
	struct bw_ledger *ledger = NULL;
	enum bw_err err;

	BW_TRY(bw_ledger_open(data, &ledger, why));
	err = bw_ledger_append(ledger, kind, incident, sentence);
	if (err == BW_OK)
		err = bw_ledger_sync(ledger);
	bw_ledger_close(ledger);
	return err;
}

/* By the running guard, which writes the ledger, or without one. */
static enum bw_err note(const char *data, uint64_t incident, uint8_t kind, struct bw_slice sentence, struct bw_why *why)
{
	struct bw_channel *channel = NULL;
	enum bw_err err = bw_ask_open(data, &channel);

	if (err == BW_ERR_NOT_FOUND)
		return note_here(data, incident, kind, sentence, why);
	if (err == BW_OK)
		err = bw_ask_reported(channel, incident, kind, sentence, why);
	bw_channel_free(channel);
	return err;
}

/* ---- releasing --------------------------------------------------------------------------------- */

/* The same command a person could type; it checks the bundle and asks the exchange. */
static enum bw_err import(const char *data, const char *file, struct bw_buf *refused, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf said = BW_BUF_INIT(0);
	const struct bw_program program = { .path = "/proc/self/exe",
					    .words = { "import", "--data", data, "--collection", COLLECTION, file,
						       NULL },
					    .output_max = SAID_BYTES,
					    .timeout_ms = IMPORT_MS,
					    .errors_too = true };
	struct bw_slice line;
	struct bw_slice rest;
	int status = 0;

	BW_TRY(bw_program_whole(&program, &said, &status));
	if (status == BW_EXIT_FOUND) /* some of it was refused, the rest went in: `import` names what and why */
		return bw_buf_add(refused, bw_slice_sub(bw_buf_slice(&said), 0, REFUSED_SHOWN));
	if (status == BW_EXIT_OK)
		return BW_OK;
	if (!bw_slice_cut(bw_buf_slice(&said), '\n', &line, &rest))
		line = bw_buf_slice(&said);
	return bw_why_set(why, BW_ERR_IO, "the exchange did not take it: %.*s", BW_ARG(line));
}

static enum bw_err release(const char *data_as_told, const struct bw_incident *incident, struct bw_buf *refused,
			   struct bw_why *why)
{
	const uint32_t number = bw_evidence_newest(data_as_told, incident->id);
	char data[BW_PATH_BYTES]; /* absolute: the program starts elsewhere */
	char folder[BW_PATH_BYTES];
	char sentence[96];
	char file[BW_PATH_BYTES];

	if (number == 0)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "incident %llu has no report",
				  (unsigned long long)incident->id);
	if (realpath(data_as_told, data) == NULL)
		return bw_why_errno(why, errno, "find", data_as_told);
	BW_TRY(bw_evidence_report(data, incident->id, number, folder));
	BW_TRY(bw_path_join(file, folder, BW_PAPER_HOME));
	BW_TRY(import(data, file, refused, why));
	(void)snprintf(sentence, sizeof(sentence), "report %u, the full bundle%s", number,
		       refused->len > 0 ? "; the exchange refused some of it" : "");
	return note(data, incident->id, BW_LEDGER_RELEASED, bw_slice_text(sentence), why);
}

/* ---- the command ----------------------------------------------------------------------------------- */

static enum bw_err do_asked(const struct bw_call *call, const struct bw_incident *incident, struct bw_buf *refused,
			    struct bw_why *why)
{
	const char *words = bw_call_text(call, "told");
	const struct bw_slice told = words == NULL ? bw_slice_empty : bw_slice_text(words);

	if (bw_call_flag(call, "release"))
		BW_TRY(release(bw_call_data(call), incident, refused, why));
	if (bw_call_flag(call, "send"))
		BW_TRY(note(bw_call_data(call), incident->id, BW_LEDGER_ALLOWED, BW_LIT("a person lets it be reported"),
			    why));
	if (words != NULL && bw_slice_trim(told).len == 0)
		return bw_why_set(why, BW_ERR_USAGE, "say to whom it was reported, when, and under which number");
	if (told.len > BW_ASK_SENTENCE_BYTES)
		return bw_why_set(why, BW_ERR_TOO_BIG, "that is too long; %d bytes are allowed", BW_ASK_SENTENCE_BYTES);
	if (told.len > 0)
		BW_TRY(note(bw_call_data(call), incident->id, BW_LEDGER_TOLD, told, why));
	return BW_OK;
}

static enum bw_err load(const struct bw_call *call, struct bw_incidents *incidents, const struct bw_incident **out,
			struct bw_why *why)
{
	const char *name = bw_call_args(call) > 0 ? bw_call_arg(call, 0) : "last";

	bw_incidents_release(incidents);
	BW_TRY(bw_incidents_load(bw_call_data(call), incidents, why));
	if (bw_incidents_named(incidents, name, out) != BW_OK)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "there is no such incident: '%s'", name);
	return BW_OK;
}

static enum bw_err say(const struct bw_call *call, const struct bw_incident *incident, struct bw_buf *page)
{
	if (!bw_call_json(call)) {
		if (bw_evidence_newest(bw_call_data(call), incident->id) == 0)
			return bw_buf_addf(page, "Incident %llu has no report (yet).\n",
					   (unsigned long long)incident->id);
		return bw_report_words(bw_call_data(call), incident, page);
	}
	BW_TRY(bw_buf_add_u8(page, '{'));
	BW_TRY(bw_json_add_num(page, "incident", (int64_t)incident->id));
	BW_TRY(bw_report_json(bw_call_data(call), incident, page));
	return bw_buf_add_text(page, "}\n");
}

static int report_run(struct bw_call *call)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf page = BW_BUF_INIT(PAGE_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf refused = BW_BUF_INIT(SAID_BYTES);
	BW_CLEANUP(bw_incidents_release) struct bw_incidents incidents = { 0 };
	const struct bw_incident *incident = NULL;
	struct bw_why why = { 0 };
	enum bw_err err;

	if (!bw_plain_is_root(call, "only root may read what the guard wrote down"))
		return BW_EXIT_FAILED;
	err = load(call, &incidents, &incident, &why);
	if (err == BW_OK)
		err = do_asked(call, incident, &refused, &why);
	if (err == BW_OK)
		err = load(call, &incidents, &incident, &why); /* as it stands now */
	if (err == BW_OK)
		err = say(call, incident, &page);
	if (err != BW_OK)
		return bw_complain(call, err == BW_ERR_USAGE ? BW_EXIT_USAGE : BW_EXIT_FAILED,
				   err == BW_ERR_NOT_FOUND ? "breakwater guard incidents lists them" : NULL, "%s",
				   why.text[0] != '\0' ? why.text : bw_err_text(err));
	(void)fputs(bw_buf_text(&page), stdout);
	if (refused.len > 0)
		return bw_complain(call, BW_EXIT_FOUND, NULL, "the exchange refused some of the full bundle: %s",
				   bw_buf_text(&refused));
	return BW_EXIT_OK;
}

static const struct bw_option report_options[] = {
	{ .name = "release",
	  .kind = BW_OPT_FLAG,
	  .help = "put the full bundle, with paths, names of users and addresses, into the exchange of this data "
		  "folder; "
		  "the one without names is there already" },
	{ .name = "send",
	  .kind = BW_OPT_FLAG,
	  .help = "let a guard that reports when a person approves (guard run --report-when approved) report this "
		  "incident, "
		  "without names; it does so at once, or when it runs again" },
	{ .name = "told",
	  .kind = BW_OPT_TEXT,
	  .value_name = "WORDS",
	  .help = "write down that a duty to report was met: to whom, when, under which number" },
	{ 0 },
};

const struct bw_command bw_guard_report_command = {
	.name = "report",
	.summary = "where an incident's report lies; release it",
	.usage = "[ID|last] [--send] [--release] [--told WORDS] [--format FORMAT]",
	.details = "A report is made within seconds of a verdict and lies sealed in the data folder: a page in plain "
		   "words, "
		   "the fields of the duties to report, the evidence with its hashes, and STIX 2.1. Only the bundle "
		   "without paths, names of users and private addresses goes into the exchange by itself.",
	.options = report_options,
	.max_args = 1,
	.run = report_run,
};
