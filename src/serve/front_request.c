/* The life of one request in the front. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "desk/form.h"
#include "serve/front_inner.h"
#include "serve/limits.h"

enum { ARENA_BYTES = 256 * 1024 }; /* 256 words of each filter, and the credential */

static struct request **slot_of(struct front *front, uint64_t id)
{
	return &front->requests[id % REQUEST_SLOTS];
}

struct request *front_find(struct front *front, uint64_t id)
{
	struct request *r = *slot_of(front, id);

	while (r != NULL && r->id != id)
		r = r->next_same_slot;
	return r;
}

static struct request *request_new(struct front *front, struct bw_exchange *x)
{
	struct request *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->front = front;
	r->x = x;
	r->id = bw_exchange_id(x);
	r->arena = BW_ARENA_INIT(ARENA_BYTES);
	r->credential = bw_slice_empty;
	r->cache_key = bw_slice_empty;
	r->body = BW_MEMFILE_NONE;
	r->next_same_slot = *slot_of(front, r->id);
	*slot_of(front, r->id) = r;
	front->in_flight++;
	return r;
}

static void request_free(struct request *r)
{
	struct request **link = slot_of(r->front, r->id);

	while (*link != r)
		link = &(*link)->next_same_slot;
	*link = r->next_same_slot;
	if (!front_events_hears(r))
		r->front->in_flight--;
	front_events_end(r);
	front_release_body(r);
	front_release_answer(r);
	if (r->credential.len > 0)
		explicit_bzero((void *)(uintptr_t)r->credential.ptr, r->credential.len);
	bw_arena_release(&r->arena);
	free(r);
}

/* ---- answers that need nobody else ------------------------------------- */

static void answer_ready(struct request *r)
{
	const struct front *front = r->front;
	const bool ready = front->has_bulletin && front->peers[PEER_KEEPER].channel != NULL &&
			   front->peers[PEER_PAGER].channel != NULL && !front->stopping;

	front_answer_text(r, ready ? 200 : 503, ready ? "ready\n" : "not ready\n");
}

static bool answer_from_cache(struct request *r)
{
	const struct bw_bulletin *bulletin = &r->front->bulletin;
	struct bw_cache_stamp stamp;
	struct bw_reply *reply;
	uint64_t generation;

	if (!r->front->has_bulletin)
		return false;
	reply = bw_reply_cache_find(r->front->replies, r->cache_key, &stamp);
	if (reply == NULL)
		return false;
	generation = stamp.collection == 0 ? bw_bulletin_catalog(bulletin)
					   : bw_bulletin_collection(bulletin, stamp.collection);
	if (stamp.accounts != bw_bulletin_accounts(bulletin) || stamp.generation != generation)
		return false;
	r->stage = STAGE_DONE;
	bw_exchange_answer(r->x, bw_reply_hold(reply));
	return true;
}

static enum bw_err make_cache_key(struct request *r)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf key = BW_BUF_INIT(BW_HTTP_LINE_MAX + 64);

	BW_TRY(bw_buf_addf(&key, "%u ", r->who.account));
	BW_TRY(bw_buf_add(&key, bw_exchange_head(r->x)->target));
	return bw_arena_copy(&r->arena, bw_buf_slice(&key), &r->cache_key);
}

/* ---- asking the pager -------------------------------------------------- */

static enum bw_err read_form(const struct request *r, struct bw_buf *out)
{
	const struct bw_taxii_request *t = &r->taxii;

	BW_TRY(bw_form_add_num(out, r->id));
	BW_TRY(bw_form_add_num(out, r->who.account));
	BW_TRY(bw_form_add_num(out, t->what));
	BW_TRY(bw_form_add_num(out, t->method));
	BW_TRY(bw_form_add(out, t->collection));
	BW_TRY(bw_form_add(out, t->object));
	BW_TRY(bw_form_add(out, t->status));
	BW_TRY(bw_form_add_signed(out, t->added_after_us));
	BW_TRY(bw_form_add_num(out, t->limit));
	BW_TRY(bw_form_add_num(out, t->picks));
	BW_TRY(bw_form_add_list(out, t->ids.list, t->ids.count));
	BW_TRY(bw_form_add_list(out, t->types.list, t->types.count));
	BW_TRY(bw_form_add_list(out, t->versions.list, t->versions.count));
	return bw_form_add_list(out, t->specs.list, t->specs.count);
}

static void ask_pager(struct request *r, enum stage stage)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(BW_MIB / 2);

	/* before the pager looks: what is granted or taken away meanwhile makes the answer unfit to be kept */
	if (r->front->has_bulletin)
		r->accounts = bw_bulletin_accounts(&r->front->bulletin);
	if (read_form(r, &form) != BW_OK)
		front_answer_status(r, 503, "Unavailable", "out of memory; try again");
	else
		(void)front_ask(r, PEER_PAGER, stage, BW_ASK_READ, &form, -1);
}

static void answer_metrics(struct request *r)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_MIB);

	if (front_metrics(r->front, &text) == BW_OK)
		front_answer_text(r, 200, bw_buf_text(&text));
	else
		front_answer_status(r, 503, "Unavailable", "out of memory; try again");
}

/*
 * A browser sends the Basic credentials it remembers with requests that other
 * sites make it send. Those carry an Origin, which must then be ours; together
 * with the TAXII content type, which a form cannot send, that keeps them out.
 */
static bool origin_is_ours(const struct request *r)
{
	const struct bw_http_request *http = bw_exchange_head(r->x);
	const struct bw_slice origin = bw_http_known_value(&http->head, BW_HTTP_ORIGIN);
	const char *scheme = bw_exchange_tls(r->x) != NULL ? "https://" : "http://";
	const struct bw_slice prefix = bw_slice_text(scheme);

	if (!bw_http_has(&http->head, BW_HTTP_ORIGIN))
		return true;
	return bw_slice_starts(origin, prefix) && bw_slice_equals(bw_slice_from(origin, prefix.len), http->authority);
}

/* The account is known: what does it want? */
void front_identified(struct request *r)
{
	const struct bw_http_request *http = bw_exchange_head(r->x);
	struct bw_problem problem = { 0 };
	const enum bw_err err = bw_taxii_read(http, &r->arena, &r->taxii, &problem);

	if (err == BW_ERR_USAGE) {
		front_answer_problem(r, &problem, NULL);
		return;
	}
	if (err != BW_OK || make_cache_key(r) != BW_OK) {
		front_answer_status(r, 503, "Unavailable", "out of memory; try again");
		return;
	}
	if (http->method == BW_HTTP_POST || http->method == BW_HTTP_DELETE) {
		if (!origin_is_ours(r)) {
			front_answer_status(r, 403, "Forbidden", "the Origin of this request is another site");
			return;
		}
		if (http->method == BW_HTTP_POST)
			ask_pager(r, STAGE_ALLOWED);
		else
			front_write_start(r);
		return;
	}
	if (r->taxii.what == BW_TAXII_EVENTS) {
		front_events_start(r);
		return;
	}
	if (r->taxii.what == BW_TAXII_METRICS) {
		answer_metrics(r);
		return;
	}
	if (!answer_from_cache(r) && !front_refuse_unread(r))
		ask_pager(r, STAGE_READ);
}

void front_on_head(void *ctx, struct bw_exchange *x)
{
	struct front *front = ctx;
	const struct bw_http_request *http = bw_exchange_head(x);
	struct request *r = request_new(front, x);

	if (r == NULL) {
		bw_exchange_abort(x);
		return;
	}
	bw_exchange_set_data(x, r);
	if (front->in_flight > BW_IN_FLIGHT_MAX) {
		front_answer_status(r, 503, "Busy", "too many requests are in flight; try again");
		return;
	}
	bw_taxii_route(http->path, &r->arena, &r->taxii);
	r->taxii.method = http->method;
	if (r->taxii.what == BW_TAXII_HEALTHZ)
		front_answer_text(r, 200, "ok\n");
	else if (r->taxii.what == BW_TAXII_READYZ)
		answer_ready(r);
	else
		front_authenticate(r);
}

void front_on_end(void *ctx, struct bw_exchange *x, enum bw_exchange_end how)
{
	struct request *r = bw_exchange_data(x);

	(void)ctx;
	(void)how;
	if (r == NULL)
		return;
	if (!front_events_hears(r))   /* else it was noted when it began */
		front_note_access(r); /* whoever answered it */
	request_free(r);
}

void front_peer_lost(struct front *front, enum peer_name peer)
{
	for (size_t i = 0; i < REQUEST_SLOTS; i++) {
		struct request *r = front->requests[i];

		while (r != NULL) {
			struct request *next = r->next_same_slot;
			const bool waits = r->stage != STAGE_NEW && r->stage != STAGE_BODY && r->stage != STAGE_DONE;

			if (front_events_hears(r)) {
				if (peer == PEER_PAGER)
					front_events_lost_pager(r);
			} else if (waits && r->waits_for == peer)
				front_answer_status(r, 503, "Interrupted",
						    "a part of this server was started again while it worked on this "
						    "request; it may or may not have been carried out: send it again");
			r = next;
		}
	}
}
