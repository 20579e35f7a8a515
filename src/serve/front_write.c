/* POST and DELETE: the body goes sealed to the reader, its batch sealed to the keeper. */
#include <stdio.h>

#include "base/log.h"
#include "desk/form.h"
#include "serve/front_inner.h"
#include "serve/limits.h"

void front_release_body(struct request *r)
{
	if (r->body_reserved > 0) {
		r->front->upload_bytes -= r->body_reserved;
		r->front->uploads--;
		r->body_reserved = 0;
	}
	bw_memfile_release(&r->body);
}

static void too_large(struct request *r)
{
	struct bw_problem problem;

	(void)bw_problem_set(&problem, 413, "Body too large",
			     "at most %llu bytes; see max_content_length of the API root",
			     (unsigned long long)r->front->settings.max_content_bytes);
	front_answer_problem(r, &problem, NULL);
}

/* Room for a body: its announced length, or the most it may have. */
static bool reserve_body(struct request *r)
{
	const struct bw_http_head *head = &bw_exchange_head(r->x)->head;
	const size_t most = (size_t)r->front->settings.max_content_bytes;
	const size_t bytes = head->body == BW_HTTP_BODY_LENGTH && head->content_length < most
				     ? (size_t)head->content_length
				     : most;
	struct front *front = r->front;

	if (front->uploads >= BW_UPLOADS_MAX || front->upload_bytes + bytes > BW_UPLOAD_BYTES_MAX)
		return false;
	r->body_reserved = bytes + 1; /* never 0: says that there is a reservation */
	front->upload_bytes += r->body_reserved;
	front->uploads++;
	return true;
}

/* The pager has said that this account may write to that collection. */
void front_write_allowed(struct request *r, uint64_t collection)
{
	const size_t most = (size_t)r->front->settings.max_content_bytes;
	enum bw_err err;

	r->collection = collection;
	if (!reserve_body(r)) {
		front_answer_status(r, 503, "Busy", "too many uploads at the same time; try again");
		return;
	}
	if (bw_memfile_new("taxii-body", most, &r->body) != BW_OK) {
		front_answer_status(r, 503, "Busy", "no descriptor or memory left for the body; try again");
		return;
	}
	r->stage = STAGE_BODY;
	err = bw_exchange_receive(r->x, most);
	if (err == BW_ERR_TOO_BIG)
		too_large(r);
	else if (err != BW_OK)
		front_answer_status(r, 503, "Unavailable", "the body cannot be received now; try again");
}

void front_on_body(void *ctx, struct bw_exchange *x, struct bw_slice bytes)
{
	struct request *r = bw_exchange_data(x);
	enum bw_err err;

	(void)ctx;
	if (r == NULL || r->stage != STAGE_BODY)
		return;
	err = bw_memfile_append(&r->body, bytes);
	if (err == BW_ERR_TOO_BIG)
		too_large(r);
	else if (err != BW_OK)
		front_answer_status(r, 503, "Unavailable", "no memory left for the body; try again");
}

void front_on_body_end(void *ctx, struct bw_exchange *x)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(64);
	struct request *r = bw_exchange_data(x);

	(void)ctx;
	if (r == NULL || r->stage != STAGE_BODY)
		return;
	if (bw_memfile_seal(&r->body) != BW_OK || bw_form_add_num(&form, r->id) != BW_OK) {
		front_answer_status(r, 503, "Unavailable", "the body cannot be handed on; try again");
		return;
	}
	(void)front_ask(r, PEER_READER, STAGE_PARSE, BW_ASK_PARSE, &form, r->body.fd);
}

/* ---- the reader's answer ----------------------------------------------- */

enum { PARSED_ID, PARSED_STATUS, PARSED_TOTAL, PARSED_PROBLEM, PARSED_FAILURES };

static enum bw_err put_form(const struct request *r, struct bw_slice failures, struct bw_buf *out)
{
	BW_TRY(bw_form_add_num(out, r->id));
	BW_TRY(bw_form_add_num(out, r->who.account));
	BW_TRY(bw_form_add_num(out, r->collection));
	BW_TRY(bw_form_add_num(out, r->total));
	BW_TRY(bw_form_add(out, failures));
	BW_TRY(bw_form_add_text(out, r->who.name));
	BW_TRY(bw_form_add(out, bw_slice_of(bw_exchange_peer(r->x)->ip, 16)));
	return bw_form_add(out, bw_slice_sub(bw_exchange_head(r->x)->target, 0, BW_SEEN_TARGET_MAX));
}

static void refuse_parsed(struct request *r, uint64_t status, const struct bw_form *form)
{
	char words[200];
	const struct bw_slice text = form->fields[PARSED_PROBLEM];

	(void)snprintf(words, sizeof(words), "%.*s", BW_ARG(text));
	if (status == 422)
		front_answer_status(r, 422, "No object accepted", words);
	else if (status == 400)
		front_answer_status(r, 400, "Body not understood", words);
	else
		front_answer_status(r, 503, "Unavailable", words);
}

static void hand_on(struct request *r, const struct bw_form *parsed, int fd)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(BW_FRAME_BODY_MAX);

	front_release_body(r);
	if (put_form(r, parsed->fields[PARSED_FAILURES], &form) == BW_OK)
		(void)front_ask(r, PEER_KEEPER, STAGE_STORE, BW_ASK_PUT, &form, fd);
	else
		front_answer_status(r, 503, "Unavailable", "out of memory; try again");
}

void front_parsed(struct front *front, struct bw_slice body, int fd)
{
	struct bw_form form;
	struct request *r;
	uint64_t id;
	uint64_t status;

	if (bw_form_take(body, BW_FIELDS_ANS_PARSED, &form) != BW_OK ||
	    bw_form_num(&form, PARSED_ID, UINT64_MAX, &id) != BW_OK ||
	    bw_form_num(&form, PARSED_STATUS, 599, &status) != BW_OK) {
		bw_log(BW_ERROR, "reader gave a malformed answer", { 0 });
		return;
	}
	r = front_find(front, id);
	if (r == NULL || r->stage != STAGE_PARSE)
		return;
	if (status != 0 || fd < 0 || bw_form_num(&form, PARSED_TOTAL, UINT32_MAX, &r->total) != BW_OK)
		refuse_parsed(r, status, &form);
	else
		hand_on(r, &form, fd);
}

/* ---- DELETE ------------------------------------------------------------ */

static enum bw_err delete_form(const struct request *r, struct bw_buf *out)
{
	const struct bw_taxii_request *t = &r->taxii;

	BW_TRY(bw_form_add_num(out, r->id));
	BW_TRY(bw_form_add_num(out, r->who.account));
	BW_TRY(bw_form_add(out, t->collection));
	BW_TRY(bw_form_add(out, t->object));
	BW_TRY(bw_form_add_num(out, t->picks));
	BW_TRY(bw_form_add_list(out, t->versions.list, t->versions.count));
	BW_TRY(bw_form_add_list(out, t->specs.list, t->specs.count));
	BW_TRY(bw_form_add_text(out, r->who.name));
	BW_TRY(bw_form_add(out, bw_slice_of(bw_exchange_peer(r->x)->ip, 16)));
	return bw_form_add(out, bw_slice_sub(bw_exchange_head(r->x)->target, 0, BW_SEEN_TARGET_MAX));
}

void front_write_start(struct request *r)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(BW_MIB / 2);

	if (delete_form(r, &form) == BW_OK)
		(void)front_ask(r, PEER_KEEPER, STAGE_STORE, BW_ASK_DELETE, &form, -1);
	else
		front_answer_status(r, 503, "Unavailable", "out of memory; try again");
}
