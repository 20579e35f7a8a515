/*
 * Events: clients that stay connected and hear at once what is new in a collection (docs/taxii.md, "events"). Each
 * has its place in the collection's walk, the same as `next` of a page. When the collection's generation moves, one
 * of those that stand at the same place asks the pager for the page after it, and what comes is one piece of
 * memory for all of them.
 *
 * Grants are checked by the pager with every page. Who only shares a page was itself allowed under the same
 * generation of accounts; once that moves, everybody asks for himself again.
 */
#include <stdlib.h>

#include "desk/form.h"
#include "intel/pick.h"
#include "serve/front_inner.h"
#include "serve/limits.h"

enum {
	LOOK_MS = 25,        /* the bulletin is a page of memory: looking costs a microsecond */
	FEED_MS = 15000,     /* a comment, so that both sides notice a line that is dead */
	NAME_MAX_BYTES = 80, /* of a collection: id or alias */
	TYPES_MAX_BYTES = 32 * 1024,
};

#define SSE_HEADERS                                                                                 \
	"Content-Type: " BW_EVENTS_MEDIA "\r\nCache-Control: no-store\r\nX-Accel-Buffering: no\r\n" \
	"X-Content-Type-Options: nosniff\r\n"

struct hearing {
	size_t at;           /* in front->hearers; NOT_YET until the stream has begun */
	int64_t after_us;    /* all up to here was pushed */
	uint64_t generation; /* of the collection when there was nothing more */
	bool asks;           /* a page is on its way */
	bool more;           /* another follows the last one */
	char collection[NAME_MAX_BYTES + 1];
	struct bw_buf types; /* list field of the form */
};

#define NOT_YET SIZE_MAX

bool front_events_hears(const struct request *r)
{
	return r->hearing != NULL && r->hearing->at != NOT_YET;
}

/* ---- asking -------------------------------------------------------------- */

static enum bw_err write_question(const struct request *r, struct bw_buf *out)
{
	const struct hearing *h = r->hearing;

	BW_TRY(bw_form_add_num(out, r->id));
	BW_TRY(bw_form_add_num(out, r->who.account));
	BW_TRY(bw_form_add_num(out, BW_TAXII_EVENTS));
	BW_TRY(bw_form_add_num(out, BW_HTTP_GET));
	BW_TRY(bw_form_add_text(out, h->collection));
	BW_TRY(bw_form_add(out, bw_slice_empty));
	BW_TRY(bw_form_add(out, bw_slice_empty));
	BW_TRY(bw_form_add_signed(out, h->after_us));
	BW_TRY(bw_form_add_num(out, 0));
	BW_TRY(bw_form_add_num(out, BW_PICK_ALL));
	BW_TRY(bw_form_add_list(out, NULL, 0));
	BW_TRY(bw_buf_add(out, bw_buf_slice(&h->types)));
	BW_TRY(bw_form_add_list(out, NULL, 0));
	return bw_form_add_list(out, NULL, 0);
}

/* False: not now; whoever hears already is asked for again at the next look. */
static bool ask(struct request *r)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(TYPES_MAX_BYTES + 1024);
	struct peer *pager = &r->front->peers[PEER_PAGER];
	struct front *front = r->front;

	if (pager->channel == NULL || write_question(r, &form) != BW_OK ||
	    bw_channel_put(pager->channel, BW_ASK_READ, bw_buf_slice(&form), -1) != BW_OK)
		return false;
	/* before the pager looks, as for a page */
	r->accounts = bw_bulletin_accounts(&front->bulletin);
	r->waits_for = PEER_PAGER;
	r->stage = STAGE_READ;
	r->hearing->asks = true;
	front->hearers_ask++;
	front_flush(front, PEER_PAGER);
	return true;
}

static void asked(struct request *r)
{
	if (r->hearing->asks)
		r->front->hearers_ask--;
	r->hearing->asks = false;
}

/* ---- pushing ------------------------------------------------------------- */

static void push(struct request *r, struct bw_reply *piece)
{
	if (bw_exchange_push(r->x, piece) == BW_ERR_TOO_MANY)
		bw_exchange_abort(r->x); /* it comes again, and says where it was */
}

/* What a page said: where the walk goes on, and what it is true for. */
struct page {
	struct bw_reply *piece; /* NULL: nothing new that it asked for */
	int64_t after_us;
	uint64_t generation;
	bool more;
};

static void take_page(struct request *r, const struct page *page)
{
	struct hearing *h = r->hearing;

	h->after_us = page->after_us;
	h->generation = page->generation;
	h->more = page->more;
	if (page->piece != NULL)
		push(r, bw_reply_hold(page->piece));
}

static bool stand_together(const struct request *a, const struct request *b)
{
	return a->collection == b->collection && a->accounts == b->accounts &&
	       a->hearing->after_us == b->hearing->after_us &&
	       bw_slice_equals(bw_buf_slice(&a->hearing->types), bw_buf_slice(&b->hearing->types)) &&
	       strcmp(a->hearing->collection, b->hearing->collection) == 0;
}

static void share_page(struct request *r, const struct page *page)
{
	struct front *front = r->front;
	const bool all = r->accounts == bw_bulletin_accounts(&front->bulletin);

	for (size_t i = 0; all && i < front->hearer_count; i++) {
		struct request *other = front->hearers[i];

		if (other != r && !other->hearing->asks && stand_together(r, other))
			take_page(other, page);
	}
	take_page(r, page);
}

/* ---- looking ------------------------------------------------------------- */

static bool wants_page(const struct request *r)
{
	const struct hearing *h = r->hearing;
	const struct bw_bulletin *bulletin = &r->front->bulletin;

	if (h->asks || bw_exchange_waiting(r->x) > BW_HEARER_AHEAD_MAX)
		return false;
	return h->more || h->generation != bw_bulletin_collection(bulletin, (uint16_t)r->collection) ||
	       r->accounts != bw_bulletin_accounts(bulletin);
}

/* Somebody at the same place asks already, and was allowed as this one was. */
static bool is_asked_for(const struct request *r)
{
	const struct front *front = r->front;

	if (front->hearers_ask == 0 || r->accounts != bw_bulletin_accounts(&front->bulletin))
		return false;
	for (size_t i = 0; i < front->hearer_count; i++) {
		const struct request *other = front->hearers[i];

		if (other->hearing->asks && stand_together(r, other))
			return true;
	}
	return false;
}

static void feed_all(struct front *front, uint64_t now)
{
	struct bw_reply *piece;

	if (now - front->hearers_fed_ms < FEED_MS || bw_reply_new_piece(BW_LIT(":\n\n"), &piece) != BW_OK)
		return;
	front->hearers_fed_ms = now;
	for (size_t i = 0; i < front->hearer_count; i++) {
		if (bw_exchange_waiting(front->hearers[i]->x) == 0)
			push(front->hearers[i], bw_reply_hold(piece));
	}
	bw_reply_drop(piece);
}

static void look(void *ctx)
{
	struct front *front = ctx;
	const size_t count = front->hearer_count;

	feed_all(front, bw_loop_now_ms());
	for (size_t i = 0; i < count && front->has_bulletin && front->hearers_ask < BW_HEARERS_ASK_MAX; i++) {
		struct request *r = front->hearers[(front->hearer_turn + i) % count];

		if (wants_page(r) && !is_asked_for(r) && !ask(r))
			break;
	}
	front->hearer_turn++;
	if (count > 0)
		bw_timer_set(front->events_timer, LOOK_MS);
}

/* ---- beginning ----------------------------------------------------------- */

static enum bw_err make_room(struct front *front)
{
	if (front->hearers == NULL)
		front->hearers = calloc(BW_HEARERS_MAX, sizeof(struct request *));
	BW_NEED(front->hearers != NULL, MEMORY);
	if (front->events_timer == NULL)
		BW_TRY(bw_timer_new(front->loop, look, front, &front->events_timer));
	return BW_OK;
}

/* A client that comes back says where it was; one that says nothing hears from now on. */
static int64_t place_of(const struct request *r)
{
	const struct bw_http_head *head = &bw_exchange_head(r->x)->head;
	struct bw_slice line;
	size_t at = 0;
	int64_t after;

	while (bw_http_each(head, "last-event-id", &at, &line)) {
		if (bw_taxii_next_parse(line, &after) == BW_OK)
			return after;
	}
	return r->taxii.added_after_us >= 0 ? r->taxii.added_after_us : bw_bulletin_last_added_us(&r->front->bulletin);
}

static enum bw_err make_hearing(struct request *r)
{
	struct hearing *h = calloc(1, sizeof(*h));

	BW_NEED(h != NULL, MEMORY);
	*h = (struct hearing){ .at = NOT_YET, .after_us = place_of(r), .types = BW_BUF_INIT(TYPES_MAX_BYTES) };
	r->hearing = h;
	BW_NEED(r->taxii.collection.len <= NAME_MAX_BYTES, NOT_FOUND);
	memcpy(h->collection, r->taxii.collection.ptr, r->taxii.collection.len);
	BW_TRY(bw_form_add_list(&h->types, r->taxii.types.list, r->taxii.types.count));
	return make_room(r->front);
}

static void refuse(struct request *r, unsigned status, const char *title, const char *words)
{
	front_events_end(r);
	front_answer_status(r, status, title, words);
}

void front_events_start(struct request *r)
{
	struct front *front = r->front;
	enum bw_err err;

	if (!front->has_bulletin || front->stopping) {
		refuse(r, 503, "Not ready", "this server is being started or stopped; try again");
		return;
	}
	if (front->hearer_count + front->hearers_ask >= BW_HEARERS_MAX) {
		refuse(r, 503, "Busy", "as many clients hear events as this server takes; try again later");
		return;
	}
	err = make_hearing(r);
	if (err == BW_ERR_NOT_FOUND)
		refuse(r, 404, "Not found", "there is no such collection for this account");
	else if (err != BW_OK || !ask(r))
		refuse(r, 503, "Busy", "this server is busy; try again");
}

/* The request's own memory goes: what a hearer needs is in its hearing. */
static void let_go_of_request(struct request *r)
{
	if (r->credential.len > 0)
		explicit_bzero((void *)(uintptr_t)r->credential.ptr, r->credential.len);
	r->credential = bw_slice_empty;
	r->cache_key = bw_slice_empty;
	r->taxii = (struct bw_taxii_request){ .what = BW_TAXII_EVENTS };
	bw_arena_release(&r->arena);
}

static enum bw_err begin(struct request *r)
{
	struct front *front = r->front;
	struct bw_reply *head;
	struct bw_reply *first;

	BW_TRY(bw_reply_new_piece(BW_LIT("retry: 2000\n\n"), &first));
	if (bw_reply_new_stream(200, BW_LIT(SSE_HEADERS), &head) != BW_OK) {
		bw_reply_drop(first);
		return BW_ERR_MEMORY;
	}
	if (bw_exchange_stream(r->x, head) != BW_OK) {
		bw_reply_drop(first);
		return BW_ERR_UNSUPPORTED;
	}
	bw_err_drop(bw_exchange_push(r->x, first)); /* the first one always finds room */
	front_note_access(r);
	let_go_of_request(r);
	r->hearing->at = front->hearer_count;
	front->hearers[front->hearer_count++] = r;
	front->in_flight--;
	if (front->hearer_count == 1) {
		front->hearers_fed_ms = bw_loop_now_ms();
		bw_timer_set(front->events_timer, LOOK_MS);
	}
	return BW_OK;
}

/* ---- a page has come ------------------------------------------------------ */

enum { AT_ID, AT_STATUS, AT_COLLECTION, AT_GENERATION, AT_HEADERS, AT_BODY };

/* "more" or "done", a space, and `next`. */
static enum bw_err read_place(struct bw_slice text, struct page *out)
{
	BW_NEED(text.len == 5 + BW_NEXT_TEXT - 1, PROTOCOL);
	out->more = bw_slice_starts(text, BW_LIT("more "));
	BW_NEED(out->more || bw_slice_starts(text, BW_LIT("done ")), PROTOCOL);
	return bw_taxii_next_parse(bw_slice_from(text, 5), &out->after_us);
}

static enum bw_err read_page(const struct bw_form *form, struct page *out, uint64_t *out_collection)
{
	BW_TRY(bw_form_num(form, AT_COLLECTION, UINT16_MAX, out_collection));
	BW_TRY(bw_form_num(form, AT_GENERATION, UINT64_MAX, &out->generation));
	BW_TRY(read_place(form->fields[AT_HEADERS], out));
	if (form->fields[AT_BODY].len > 0)
		return bw_reply_new_piece(form->fields[AT_BODY], &out->piece);
	return BW_OK;
}

/* The account may not read this any more, or the collection is gone: it comes again and is told. */
static void stop_hearing(struct request *r)
{
	r->stage = STAGE_DONE;
	bw_exchange_finish(r->x);
}

void front_events_answered(struct request *r, struct bw_slice body, int fd)
{
	struct bw_form form;
	struct page page = { 0 };
	uint64_t status;
	enum bw_err err = bw_form_take(body, BW_FIELDS_ANS_REPLY, &form);

	asked(r);
	if (err == BW_OK)
		err = bw_form_num(&form, AT_STATUS, 599, &status);
	if (err == BW_OK && status != 200 && !front_events_hears(r)) {
		front_events_end(r);
		front_answer_reply_form(r, &body, fd);
		return;
	}
	if (err == BW_OK && status == 200)
		err = read_page(&form, &page, &r->collection);
	else
		err = BW_ERR_DENIED;
	if (err == BW_OK && !front_events_hears(r))
		err = begin(r);
	if (err == BW_OK)
		share_page(r, &page);
	else if (front_events_hears(r))
		stop_hearing(r);
	else
		refuse(r, 503, "Unavailable", "events cannot be sent now; try again");
	bw_reply_drop(page.piece);
}

void front_events_lost_pager(struct request *r)
{
	asked(r);
	r->hearing->generation = 0; /* the next look asks again */
}

/* ---- the end --------------------------------------------------------------- */

void front_events_end(struct request *r)
{
	struct front *front = r->front;
	struct hearing *h = r->hearing;

	if (h == NULL)
		return;
	asked(r);
	if (h->at != NOT_YET) {
		front->hearers[h->at] = front->hearers[--front->hearer_count];
		front->hearers[h->at]->hearing->at = h->at;
	}
	bw_buf_release(&h->types);
	free(h);
	r->hearing = NULL;
}

void front_events_close(struct front *front)
{
	bw_timer_free(front->events_timer);
	free(front->hearers);
}
