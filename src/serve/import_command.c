/* `breakwater import FILE…`: parsed in a process that holds nothing, stored by the keeper or here. */
#include <stdio.h>
#include <unistd.h>

#include "base/command.h"
#include "base/progress.h"
#include "base/text.h"
#include "codec/json_text.h"
#include "desk/desk.h"
#include "desk/servant.h"
#include "sys/clock.h"
#include "sys/input.h"

struct counts {
	uint64_t total, added, duplicate, conflict, revoked, erased, invalid;
};

struct import {
	struct bw_call *call;
	struct bw_servant *servant;
	struct bw_desk *desk;
	const char *collection;
	struct counts counts;
	uint64_t shown_refused;
	bool incomplete; /* a file could not be read to its end */
	struct bw_progress progress;
};

enum { REFUSED_SHOWN = 20 };

static uint64_t refused(const struct counts *c)
{
	return c->conflict + c->revoked + c->erased + c->invalid;
}

static enum bw_err add_counts(const struct bw_form *form, struct counts *to)
{
	uint64_t *const into[BW_OFFICE_IMPORT_FIELDS - 1] = { &to->total,   &to->added,  &to->duplicate, &to->conflict,
							      &to->revoked, &to->erased, &to->invalid };

	for (size_t i = 0; i < BW_COUNT(into); i++) {
		uint64_t value;

		BW_TRY(bw_form_num(form, i, UINT32_MAX, &value));
		*into[i] += value;
	}
	return BW_OK;
}

static void show_refused(struct import *im, struct bw_slice refused)
{
	struct bw_cursor list = bw_cursor_over(refused);
	struct bw_slice id;
	struct bw_slice message;
	bool bad;

	if (bw_call_flag(im->call, "quiet"))
		return;
	while (bw_form_list_next(&list, &id, &bad) && bw_form_list_next(&list, &message, &bad)) {
		BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(8192);

		if (im->shown_refused++ >= REFUSED_SHOWN)
			return;
		if (bw_text_escape(&line, id) != BW_OK || bw_buf_add_text(&line, ": ") != BW_OK ||
		    bw_text_escape(&line, message) != BW_OK)
			return;
		bw_progress_end(&im->progress);
		(void)fprintf(stderr, "refused: %s\n", bw_buf_text(&line));
	}
}

static enum bw_err store_part(struct import *im, const struct bw_servant_part *part, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf result = BW_BUF_INIT(BW_OFFICE_IMPORT_BYTES);
	struct bw_form form;
	uint8_t total[8];
	const struct bw_slice fields[] = { bw_slice_text(im->collection), bw_desk_num(part->total, total),
					   part->failures };

	if (part->total == 0)
		return BW_OK;
	BW_TRY(bw_desk_do(im->desk, BW_OFFICE_IMPORT, fields, BW_COUNT(fields), part->batch_fd, &result, why));
	BW_TRY(bw_form_take(bw_buf_slice(&result), BW_OFFICE_IMPORT_FIELDS, &form));
	show_refused(im, form.fields[BW_OFFICE_IMPORT_FIELDS - 1]);
	return add_counts(&form, &im->counts);
}

/* Why a file may be no JSON, once it turned out to be none; `fd` is still open. */
static void tell_problem(struct import *im, const char *name, int fd, struct bw_slice problem)
{
	const char *tool = bw_input_unpacker_fd(fd);
	char hint[BW_WHY_BYTES] = "what came before that is stored";

	if (tool != NULL)
		(void)snprintf(hint, sizeof(hint),
			       "first turn it into JSON: %s %s | breakwater import --collection '%s' -", tool, name,
			       im->collection);
	im->incomplete = true;
	bw_progress_end(&im->progress);
	(void)bw_complain(im->call, BW_EXIT_FOUND, hint, "cannot read '%s' to its end: %.*s", name, BW_ARG(problem));
}

static enum bw_err take_parts(struct import *im, const char *name, int fd, struct bw_why *why)
{
	struct bw_servant_part part;

	do {
		enum bw_err err = bw_servant_next(im->servant, &part);

		if (err != BW_OK)
			return bw_why_set(why, err, "the process that parses '%s' has ended: %s", name,
					  bw_err_text(err));
		err = store_part(im, &part, why);
		(void)close(part.batch_fd);
		BW_TRY(err);
		bw_progress_at(&im->progress, im->counts.total);
	} while (!part.end);
	if (part.problem.len > 0)
		tell_problem(im, name, fd, part.problem);
	return BW_OK;
}

static enum bw_err import_file(struct import *im, const char *name, struct bw_why *why)
{
	enum bw_err err;
	int fd = -1;

	BW_TRY(bw_input_open(name, &fd, why));
	err = bw_servant_give(im->servant, fd);
	if (err == BW_OK)
		err = take_parts(im, name, fd, why);
	(void)close(fd);
	return err;
}

static int import_files(struct import *im)
{
	struct bw_why why = { 0 };

	bw_progress_begin(&im->progress, "importing", "objects", 0, bw_call_flag(im->call, "quiet"));
	for (size_t i = 0; i < bw_call_args(im->call); i++) {
		const enum bw_err err = import_file(im, bw_call_arg(im->call, i), &why);

		if (err != BW_OK) {
			bw_progress_end(&im->progress);
			return bw_complain(im->call, BW_EXIT_FAILED,
					   "what was stored before is safe; importing again skips what is there", "%s",
					   why.text[0] != 0 ? why.text : bw_err_text(err));
		}
	}
	bw_progress_end(&im->progress);
	return BW_EXIT_OK;
}

static enum bw_err write_json(const struct counts *c, int64_t took_us, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_num(out, "objects", (int64_t)c->total));
	BW_TRY(bw_json_add_num(out, "added", (int64_t)c->added));
	BW_TRY(bw_json_add_num(out, "duplicate", (int64_t)c->duplicate));
	BW_TRY(bw_json_add_num(out, "conflict", (int64_t)c->conflict));
	BW_TRY(bw_json_add_num(out, "revoked", (int64_t)c->revoked));
	BW_TRY(bw_json_add_num(out, "erased", (int64_t)c->erased));
	BW_TRY(bw_json_add_num(out, "invalid", (int64_t)c->invalid));
	BW_TRY(bw_json_add_num(out, "milliseconds", took_us / 1000));
	return bw_buf_add_text(out, "}\n");
}

static void report(const struct import *im, int64_t took_us)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf json = BW_BUF_INIT(4096);
	const struct counts *c = &im->counts;

	if (bw_call_json(im->call)) {
		if (write_json(c, took_us, &json) == BW_OK)
			(void)fputs(bw_buf_text(&json), stdout);
		return;
	}
	(void)printf("%llu objects: %llu added, %llu already there, %llu refused, in %.1f s\n",
		     (unsigned long long)c->total, (unsigned long long)c->added, (unsigned long long)c->duplicate,
		     (unsigned long long)refused(c), (double)took_us / 1e6);
	if (refused(c) > 0)
		(void)printf("refused: %llu not valid, %llu conflicting, %llu revoked, %llu erased here\n",
			     (unsigned long long)c->invalid, (unsigned long long)c->conflict,
			     (unsigned long long)c->revoked, (unsigned long long)c->erased);
}

static int import_run(struct bw_call *call)
{
	struct import im = { .call = call, .collection = bw_call_text(call, "collection") };
	struct bw_why why = { 0 };
	const int64_t began = bw_clock_mono_us();
	int status;

	if (im.collection == NULL)
		return bw_complain(call, BW_EXIT_USAGE, "see: breakwater collection list",
				   "say which collection the objects go to: --collection NAME");
	if (bw_servant_start(&im.servant, &why) != BW_OK)
		return bw_complain(call, BW_EXIT_FAILED, NULL, "%s", why.text);
	im.desk = bw_desk_for(call, &status);
	if (im.desk != NULL)
		status = import_files(&im);
	bw_desk_close(im.desk);
	bw_servant_free(im.servant);
	if (status != BW_EXIT_OK)
		return status;
	report(&im, bw_clock_mono_us() - began);
	return refused(&im.counts) > 0 || im.incomplete ? BW_EXIT_FOUND : BW_EXIT_OK;
}

static const struct bw_option import_options[] = {
	{ .name = "collection",
	  .kind = BW_OPT_TEXT,
	  .value_name = "NAME",
	  .help = "id, alias or title of the collection the objects go to" },
	{ 0 },
};

const struct bw_command bw_import_command = {
	.name = "import",
	.summary = "check STIX objects and put them into a collection",
	.usage = "--collection NAME FILE...",
	.details =
		"Reads STIX 2.1 bundles, TAXII envelopes, lists and one object a line, of any size; - is standard "
		"input. Each object is validated; what is not valid is refused and named, the rest is stored. What is "
		"there already is skipped, so an import that was cut short is simply run again. Works while a server "
		"runs on the same data folder.\n\n"
		"Counted as refused are also: conflicting, an object that is here with the same id and version but "
		"other content (the first stays); revoked, a version later than the one that revoked its object; "
		"erased here, what 'erase' took away for good.",
	.options = import_options,
	.min_args = 1,
	.max_args = SIZE_MAX,
	.run = import_run,
};
