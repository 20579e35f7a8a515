#include "desk/intake.h"

#include "codec/json_walk.h"
#include "desk/form.h"
#include "desk/limits.h"
#include "intel/batch.h"

enum { MESSAGE_MAX = 512, VERSION_MAX = 64 };

enum bw_err bw_intake_init(struct bw_intake *intake, size_t batch_max)
{
	*intake = (struct bw_intake){ .batch = BW_BUF_INIT(batch_max), .failures = BW_BUF_INIT(700 * BW_KIB) };
	BW_TRY(bw_checker_new(0, &intake->checker));
	/* STIX 2.1 §3.2: an object without spec_version is a 2.0 object; both are taken */
	bw_checker_wrap(intake->checker, BW_WRAP_BUNDLE);
	BW_TRY(bw_report_init(&intake->report));
	return bw_batch_begin(&intake->batch);
}

void bw_intake_release(struct bw_intake *intake)
{
	bw_checker_free(intake->checker);
	bw_report_release(&intake->report);
	bw_buf_release(&intake->batch);
	bw_buf_release(&intake->failures);
}

enum bw_err bw_intake_reset(struct bw_intake *intake)
{
	bw_buf_clear(&intake->batch);
	bw_buf_clear(&intake->failures);
	intake->failures_listed = 0;
	intake->total = 0;
	intake->valid = 0;
	return bw_batch_begin(&intake->batch);
}

/* A message that is cut says less; one that is missing would say nothing. */
static enum bw_err list_failure(struct bw_intake *intake, struct bw_slice id, struct bw_slice version,
				struct bw_slice message)
{
	if (intake->failures_listed >= BW_INTAKE_FAILURES_MAX ||
	    bw_buf_reserve(&intake->failures, 12 + BW_BATCH_ID_MAX + VERSION_MAX + MESSAGE_MAX) != BW_OK)
		return BW_OK;
	intake->failures_listed++;
	BW_TRY(bw_form_add(&intake->failures, bw_slice_sub(id, 0, BW_BATCH_ID_MAX)));
	BW_TRY(bw_form_add(&intake->failures, bw_slice_sub(version, 0, VERSION_MAX)));
	return bw_form_add(&intake->failures, bw_slice_sub(message, 0, MESSAGE_MAX));
}

static const struct bw_finding *first_error(const struct bw_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		if (report->rows[i].level == BW_FINDING_ERROR)
			return &report->rows[i];
	}
	return NULL;
}

static enum bw_err refuse_object(struct bw_intake *intake)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf message = BW_BUF_INIT(4096);
	const struct bw_slice id = bw_checker_id(intake->checker);
	const struct bw_slice version = bw_checker_modified(intake->checker);
	const struct bw_finding *finding = first_error(&intake->report);

	intake->total++;
	if (finding == NULL)
		return list_failure(intake, id, version, BW_LIT("not a valid STIX object"));
	BW_TRY(bw_buf_addf(&message, "%s", bw_finding_name(finding->code)));
	if (finding->path.len > 0)
		BW_TRY(bw_buf_addf(&message, " at %.*s", BW_ARG(bw_slice_sub(finding->path, 0, 200))));
	BW_TRY(bw_buf_add_text(&message, ": "));
	BW_TRY(bw_finding_say(finding, &message));
	return list_failure(intake, id, version, bw_buf_slice(&message));
}

enum bw_err bw_intake_object(struct bw_intake *intake, struct bw_slice json)
{
	struct bw_record record;

	BW_TRY(bw_object_check(intake->checker, json, &intake->report, &record));
	if (intake->report.errors > 0)
		return refuse_object(intake);
	BW_TRY(bw_batch_add(&intake->batch, &record));
	intake->total++;
	intake->valid++;
	return BW_OK;
}

enum bw_err bw_intake_refuse(struct bw_intake *intake, const char *reason)
{
	intake->total++;
	return list_failure(intake, bw_slice_empty, bw_slice_empty, bw_slice_text(reason));
}

/* ---- envelope ---------------------------------------------------------- */

static enum bw_err find_objects(struct bw_slice body, struct bw_slice *out)
{
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice value;
	bool found = false;
	bool more;

	BW_TRY(bw_json_walk_open(body, &walk));
	BW_NEED(walk.close == '}', TYPE);
	for (;;) {
		BW_TRY(bw_json_walk_next(&walk, &name, &value, &more));
		if (!more)
			break;
		if (!bw_slice_is(name, "objects"))
			continue;
		BW_NEED(!found, DUPLICATE);
		found = true;
		*out = value;
	}
	return found ? BW_OK : BW_ERR_MISSING;
}

static enum bw_err take_objects(struct bw_intake *intake, struct bw_slice list, struct bw_json_walk *walk)
{
	struct bw_slice name;
	struct bw_slice value;
	bool more;

	BW_TRY(bw_json_walk_open(list, walk));
	BW_NEED(walk->close == ']', TYPE);
	for (;;) {
		BW_TRY(bw_json_walk_next(walk, &name, &value, &more));
		if (!more)
			return BW_OK;
		BW_NEED(intake->total < BW_INTAKE_OBJECTS_MAX, TOO_MANY);
		BW_TRY(bw_intake_object(intake, value));
	}
}

enum bw_err bw_intake_envelope(struct bw_intake *intake, struct bw_slice body, struct bw_fault *fault)
{
	struct bw_json_walk walk = { 0 };
	struct bw_slice list;
	enum bw_err err = find_objects(body, &list);

	if (err != BW_OK)
		return bw_fault_set(fault, err, 0,
				    err == BW_ERR_MISSING     ? "the envelope has no \"objects\""
				    : err == BW_ERR_DUPLICATE ? "\"objects\" appears twice"
							      : "the body is not a JSON object");
	err = take_objects(intake, list, &walk);
	if (err == BW_ERR_MEMORY || err == BW_ERR_CRYPTO)
		return err;
	if (err == BW_ERR_TOO_MANY)
		return bw_fault_set(fault, err, (size_t)(list.ptr - body.ptr) + walk.at,
				    "more than 300,000 objects in one body: send several");
	if (err != BW_OK)
		return bw_fault_set(fault, err, (size_t)(list.ptr - body.ptr) + walk.at,
				    "\"objects\" is not a well-formed list, or larger than the limit");
	if (intake->total == 0)
		return bw_fault_set(fault, BW_ERR_MISSING, 0, "\"objects\" is empty");
	return BW_OK;
}
