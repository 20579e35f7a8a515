#include <unistd.h>

#include "desk/form.h"
#include "serve/front_inner.h"
#include "serve/limits.h"
#include "serve/resource.h"

#define TAXII_TYPE "Content-Type: " BW_TAXII_MEDIA "\r\n"
#define HARDENED "X-Content-Type-Options: nosniff\r\nCache-Control: private, no-cache\r\n"

static void answer(struct request *r, struct bw_reply *reply)
{
	r->stage = STAGE_DONE;
	bw_exchange_answer(r->x, reply);
}

/* Out of memory, or a bug of ours: nothing better to say than goodbye. */
static void give_up(struct request *r)
{
	r->stage = STAGE_DONE;
	bw_exchange_abort(r->x);
}

static enum bw_err problem_reply(const struct bw_problem *problem, const char *more_headers, struct bw_reply **out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf headers = BW_BUF_INIT(2048);
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(4096);

	BW_TRY(bw_resource_error(&body, problem));
	BW_TRY(bw_buf_add_text(&headers, TAXII_TYPE HARDENED));
	if (problem->status == 401)
		BW_TRY(bw_buf_add_text(&headers,
				       "WWW-Authenticate: Basic realm=\"breakwater\", charset=\"UTF-8\"\r\n"));
	if (problem->allow != NULL)
		BW_TRY(bw_buf_addf(&headers, "Allow: %s\r\n", problem->allow));
	if (more_headers != NULL)
		BW_TRY(bw_buf_add_text(&headers, more_headers));
	return bw_reply_new(problem->status, bw_buf_slice(&headers), &body, out);
}

void front_answer_problem(struct request *r, const struct bw_problem *problem, const char *more_headers)
{
	struct bw_reply *reply;

	if (problem_reply(problem, more_headers, &reply) == BW_OK)
		answer(r, reply);
	else
		give_up(r);
}

void front_answer_status(struct request *r, unsigned status, const char *title, const char *words)
{
	struct bw_problem problem;

	(void)bw_problem_set(&problem, status, title, "%s", words);
	front_answer_problem(r, &problem, status == 503 || status == 429 ? "Retry-After: 1\r\n" : NULL);
}

struct bw_reply *front_refusal(void *ctx, unsigned status, const char *reason)
{
	struct bw_problem problem;
	struct bw_reply *reply;

	(void)ctx;
	(void)bw_problem_set(&problem, status, bw_http_reason(status), "%s", reason);
	return problem_reply(&problem, NULL, &reply) == BW_OK ? reply : NULL;
}

void front_answer_text(struct request *r, unsigned status, const char *text)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_MIB);
	struct bw_reply *reply;

	if (bw_buf_add_text(&body, text) == BW_OK &&
	    bw_reply_new(status, BW_LIT("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n" HARDENED), &body,
			 &reply) == BW_OK)
		answer(r, reply);
	else
		give_up(r);
}

/* ---- answers that clients do not take ------------------------------------ */

static void refuse_account(struct request *r)
{
	front_answer_status(r, 429, "Too many unread answers",
			    "this account has asked for more than it has read; read those answers, or close their "
			    "connections, and try again");
}

bool front_refuse_unread(struct request *r)
{
	if (!bw_held_is_full(r->front->held, r->who.account))
		return false;
	refuse_account(r);
	return true;
}

/* Whether there is room for a page. What was written is told in any case: its answer is short. */
static bool hold_answer(struct request *r, size_t bytes)
{
	const enum bw_err err = bw_held_take(r->front->held, r->who.account, bytes);

	r->holds = err == BW_OK;
	r->held_bytes = bytes;
	if (err == BW_OK || r->waits_for == PEER_KEEPER)
		return true;
	if (err == BW_ERR_BUSY)
		refuse_account(r);
	else
		front_answer_status(r, 503, "Busy", "too many answers wait to be read by their clients; try again");
	return false;
}

void front_release_answer(struct request *r)
{
	if (r->holds)
		bw_held_give(r->front->held, r->who.account, r->held_bytes);
	r->holds = false;
}

/* ---- BW_ANS_REPLY ------------------------------------------------------ */

enum { AT_ID, AT_STATUS, AT_COLLECTION, AT_GENERATION, AT_HEADERS, AT_BODY };

static enum bw_err make_reply(const struct bw_form *form, unsigned status, int fd, struct bw_reply **out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf headers = BW_BUF_INIT(8192);
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_REPLY_BYTES_MAX);

	BW_TRY(bw_buf_add_text(&headers, TAXII_TYPE HARDENED));
	BW_TRY(bw_buf_add(&headers, form->fields[AT_HEADERS]));
	if (fd >= 0) {
		const off_t size = lseek(fd, 0, SEEK_END);

		BW_NEED(size >= 0 && (uint64_t)size <= BW_REPLY_BYTES_MAX, PROTOCOL);
		return bw_reply_new_mapped(status, bw_buf_slice(&headers), fd, 0, (size_t)size, out);
	}
	BW_TRY(bw_buf_add(&body, form->fields[AT_BODY]));
	return bw_reply_new(status, bw_buf_slice(&headers), &body, out);
}

/* GETs of one account are kept until the collection or the accounts change. */
static void keep_reply(struct request *r, const struct bw_form *form, struct bw_reply *reply)
{
	struct bw_cache_stamp stamp = { 0 };
	uint64_t collection;

	if (!r->front->has_bulletin || r->taxii.method != BW_HTTP_GET || r->taxii.what == BW_TAXII_STATUS ||
	    r->taxii.what == BW_TAXII_METRICS)
		return;
	if (bw_form_num(form, AT_COLLECTION, UINT16_MAX, &collection) != BW_OK ||
	    bw_form_num(form, AT_GENERATION, UINT64_MAX, &stamp.generation) != BW_OK)
		return;
	stamp.collection = (uint16_t)collection;
	stamp.accounts = r->accounts;
	bw_reply_cache_keep(r->front->replies, r->cache_key, &stamp, reply);
}

void front_answer_reply_form(struct request *r, const struct bw_slice *body, int fd)
{
	struct bw_form form;
	struct bw_reply *reply;
	uint64_t status;

	if (bw_form_take(*body, BW_FIELDS_ANS_REPLY, &form) != BW_OK ||
	    bw_form_num(&form, AT_STATUS, 599, &status) != BW_OK || status < 200 ||
	    make_reply(&form, (unsigned)status, fd, &reply) != BW_OK) {
		front_answer_status(r, 503, "Unavailable", "a part of this server gave no proper answer; try again");
		return;
	}
	if (!hold_answer(r, bw_reply_body_bytes(reply))) {
		bw_reply_drop(reply);
		return;
	}
	if (status == 200)
		keep_reply(r, &form, reply);
	answer(r, reply);
}
