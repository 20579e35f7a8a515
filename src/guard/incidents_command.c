/* `breakwater guard incidents`: what happened, in short. */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "codec/json_text.h"
#include "guard/incident_about.h"
#include "guard/plain.h"
#include "guard/report.h"

enum { PAGE_BYTES = 64 * 1024 * 1024 };

static enum bw_err json_one(const char *data, struct bw_buf *out, const struct bw_incident *incident,
			    const struct bw_incident_about *about)
{
	const enum bw_report_of of = bw_report_of(data, incident);

	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_num(out, "incident", (int64_t)incident->id));
	BW_TRY(bw_json_add_text(out, "state", bw_slice_text(bw_incident_state_name(incident->state))));
	BW_TRY(bw_plain_json_time(out, "first", incident->first_us));
	BW_TRY(bw_plain_json_time(out, "last", incident->last_us));
	if (incident->decided_us != 0)
		BW_TRY(bw_plain_json_time(out, "decided", incident->decided_us));
	BW_TRY(bw_json_add_num(out, "records", incident->evidence));
	if (about->who[0] != '\0')
		BW_TRY(bw_json_add_text(out, "who", bw_slice_text(about->who)));
	BW_TRY(bw_json_add_num(out, "files", (int64_t)about->files));
	if (of != BW_REPORT_OF_NOTHING)
		BW_TRY(bw_json_add_bool(out, "drill", of == BW_REPORT_OF_DRILL));
	BW_TRY(bw_json_add_num(out, "restores", incident->restores));
	BW_TRY(bw_json_add_num(out, "files_restored", (int64_t)incident->restored.files));
	BW_TRY(bw_json_add_num(out, "files_failed", (int64_t)incident->restored.failed));
	if (incident->manifest[0] != '\0')
		BW_TRY(bw_json_add_text(out, "evidence_sha256", bw_slice_text(incident->manifest)));
	BW_TRY(bw_report_json(data, incident, out));
	return bw_buf_add_u8(out, '}');
}

static enum bw_err json_all(const char *data, struct bw_buf *out, const struct bw_incidents *incidents,
			    const struct bw_incident_about *abouts)
{
	BW_TRY(bw_buf_add_u8(out, '['));
	for (size_t i = 0; i < incidents->count; i++) {
		if (i > 0)
			BW_TRY(bw_buf_add_u8(out, ','));
		BW_TRY(json_one(data, out, &incidents->list[i], &abouts[i]));
	}
	return bw_buf_add_u8(out, ']');
}

static void print_who(const struct bw_incident_about *about)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf who = BW_BUF_INIT(8 * BW_ABOUT_WHO_BYTES);

	if (about->who[0] != '\0' && bw_text_escape(&who, bw_slice_text(about->who)) == BW_OK)
		(void)printf("\n    by %s", bw_buf_text(&who));
}

static void print_all(const char *data, const struct bw_incidents *incidents, const struct bw_incident_about *abouts)
{
	char files[2 * BW_PLAIN_BYTES];
	char when[BW_PLAIN_BYTES];

	if (incidents->count == 0)
		(void)puts("No incidents.");
	for (size_t i = 0; i < incidents->count; i++) {
		const struct bw_incident *one = &incidents->list[i];

		(void)printf("%llu  %s  %-8s", (unsigned long long)one->id, bw_plain_time(one->first_us, when),
			     bw_incident_state_name(one->state));
		(void)printf("  %s%s", bw_plain_count(abouts[i].files, "file", "files", files),
			     bw_report_of(data, one) == BW_REPORT_OF_DRILL ? ", a drill" : "");
		if (one->restored.files + one->restored.failed > 0)
			(void)printf("  %llu files brought back, %llu failed", (unsigned long long)one->restored.files,
				     (unsigned long long)one->restored.failed);
		else if (one->restoring > 0)
			(void)printf("  a restore is going on, or was ended before it was done");
		print_who(&abouts[i]);
		(void)putchar('\n');
	}
}

static int incidents_run(struct bw_call *call)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf page = BW_BUF_INIT(PAGE_BYTES);
	BW_CLEANUP(bw_incidents_release) struct bw_incidents incidents = { 0 };
	struct bw_incident_about *abouts = NULL;
	struct bw_why why = { 0 };
	enum bw_err err;
	int exit = BW_EXIT_OK;

	if (!bw_plain_is_root(call, "only root may read what the guard wrote down"))
		return BW_EXIT_FAILED;
	err = bw_incidents_load(bw_call_data(call), &incidents, &why);
	if (err == BW_OK)
		err = bw_incident_abouts(bw_call_data(call), &incidents, &abouts, &why);
	if (err != BW_OK)
		return bw_complain(call, err == BW_ERR_CORRUPT ? BW_EXIT_FOUND : BW_EXIT_FAILED,
				   "breakwater guard verify tells more", "%s",
				   why.text[0] != '\0' ? why.text : bw_err_text(err));
	if (bw_call_json(call)) {
		err = json_all(bw_call_data(call), &page, &incidents, abouts);
		exit = bw_plain_json(call, err, &page);
	} else {
		print_all(bw_call_data(call), &incidents, abouts);
	}
	free(abouts);
	return exit == BW_EXIT_OK && bw_incidents_open(&incidents) > 0 ? BW_EXIT_FOUND : exit;
}

const struct bw_command bw_guard_incidents_command = {
	.name = "incidents",
	.summary = "what happened: when, how many files, by whom",
	.usage = "[--format FORMAT]",
	.details = "Read from the ledger, whether the guard runs or not. Exit status 1 says that one is open.",
	.max_args = 0,
	.run = incidents_run,
};
