/*
 * The reader worker parses what strangers send. It holds nothing: no file, no
 * socket, no key, no other request than the one it works on.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/command.h"
#include "base/log.h"
#include "desk/form.h"
#include "desk/intake.h"
#include "desk/post.h"
#include "serve/ask.h"
#include "serve/limits.h"
#include "serve/settings.h"
#include "serve/workers.h"
#include "sys/memfile.h"

struct reader {
	struct bw_post *post;
	struct bw_intake intake;
	struct bw_serve_settings settings;
};

struct outcome {
	unsigned status; /* 0: fine */
	char problem[200];
};

static void refuse(struct outcome *out, unsigned status, const struct bw_fault *fault)
{
	out->status = status;
	if (fault->offset > 0)
		(void)snprintf(out->problem, sizeof(out->problem), "%s, at byte %zu", fault->reason, fault->offset);
	else
		(void)snprintf(out->problem, sizeof(out->problem), "%s", fault->reason);
}

/* The first failure stands for all when there is nothing else to tell. */
static void refuse_all(const struct bw_intake *intake, struct outcome *out)
{
	struct bw_cursor list = bw_cursor_over(bw_buf_slice(&intake->failures));
	struct bw_slice id = bw_slice_empty;
	struct bw_slice version;
	struct bw_slice message = bw_slice_empty;
	bool bad;

	if (bw_form_list_next(&list, &id, &bad) && bw_form_list_next(&list, &version, &bad))
		(void)bw_form_list_next(&list, &message, &bad);
	out->status = 422;
	(void)snprintf(out->problem, sizeof(out->problem), "none of %llu objects is valid; the first, %.*s: %.*s",
		       (unsigned long long)intake->total, BW_ARG(bw_slice_sub(id, 0, 80)),
		       BW_ARG(bw_slice_sub(message, 0, 90)));
}

static enum bw_err read_body(struct reader *reader, int fd, struct outcome *out)
{
	struct bw_fault fault = { 0 };
	struct bw_mapped mapped;
	enum bw_err err;

	BW_TRY(bw_intake_reset(&reader->intake));
	BW_TRY(bw_mapped_open(fd, (size_t)reader->settings.max_content_bytes, &mapped));
	err = bw_intake_envelope(&reader->intake, mapped.bytes, &fault);
	bw_mapped_release(&mapped);
	if (err == BW_ERR_MEMORY || err == BW_ERR_CRYPTO)
		return err;
	if (err != BW_OK) /* §5.5 names a malformed body under 422 */
		refuse(out, 422, &fault);
	else if (reader->intake.valid == 0)
		refuse_all(&reader->intake, out);
	return BW_OK;
}

static enum bw_err write_answer(const struct reader *reader, uint64_t id, const struct outcome *outcome,
				struct bw_buf *out)
{
	BW_TRY(bw_form_add_num(out, id));
	BW_TRY(bw_form_add_num(out, outcome->status));
	BW_TRY(bw_form_add_num(out, reader->intake.total));
	BW_TRY(bw_form_add_text(out, outcome->problem));
	return bw_form_add(out, bw_buf_slice(&reader->intake.failures));
}

static enum bw_err on_parse(void *ctx, struct bw_letter *letter)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf answer = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	BW_CLEANUP(bw_memfile_release) struct bw_memfile batch = BW_MEMFILE_NONE;
	struct reader *reader = ctx;
	struct outcome outcome = { 0 };
	struct bw_form form;
	uint64_t id;
	enum bw_err err;

	BW_TRY(bw_form_take(letter->body, BW_FIELDS_ASK_PARSE, &form));
	BW_TRY(bw_form_num(&form, 0, UINT64_MAX, &id));
	err = read_body(reader, letter->fd, &outcome);
	if (err == BW_OK && outcome.status == 0)
		err = bw_memfile_of("stix-batch", bw_buf_slice(&reader->intake.batch), &batch);
	if (err != BW_OK) {
		outcome.status = 503;
		(void)snprintf(outcome.problem, sizeof(outcome.problem), "the body could not be read: %s",
			       bw_err_text(err));
	}
	BW_TRY(write_answer(reader, id, &outcome, &answer));
	return bw_post_answer(reader->post, letter->from, BW_ANS_PARSED, bw_buf_slice(&answer), batch.fd);
}

static enum bw_err told(void *ctx, const struct bw_frame *message, int fd)
{
	struct reader *reader = ctx;

	(void)fd;
	return message->kind == BW_TELL_SETTINGS ? bw_settings_take(message->body, &reader->settings) : BW_OK;
}

static const struct bw_post_rule reader_rules[] = {
	{ "front", BW_ASK_PARSE, on_parse },
	{ 0 },
};

static enum bw_err run_reader(struct reader *reader, struct bw_seat *seat)
{
	const struct bw_post_plan plan = { .rules = reader_rules, .ctx = reader, .told = told, .guests_fd = -1 };
	struct bw_why why = { 0 };

	BW_TRY(bw_intake_init(&reader->intake, BW_BATCH_BYTES_MAX));
	BW_TRY(bw_post_new(seat, &plan, &reader->post));
	BW_TRY(bw_post_wait_for(reader->post, BW_TELL_SETTINGS, 20000));
	BW_TRY(bw_seat_confine(seat, NULL, reader->settings.require_sandbox, &why));
	BW_TRY(bw_seat_ready(seat));
	return bw_post_run(reader->post);
}

int bw_reader_run(struct bw_seat *seat)
{
	struct reader *reader = calloc(1, sizeof(*reader));
	enum bw_err err;

	if (reader == NULL)
		return BW_EXIT_FAILED;
	err = run_reader(reader, seat);
	if (err != BW_OK && err != BW_ERR_CLOSED)
		bw_log(BW_ERROR, "reader ends", BW_TEXT("why", bw_err_text(err)));
	bw_post_free(reader->post);
	bw_intake_release(&reader->intake);
	free(reader);
	return err == BW_OK || err == BW_ERR_CLOSED ? BW_EXIT_OK : BW_EXIT_FAILED;
}
