/*
 * The hall: partners come here over TLS, known by the certificate they showed when the nodes met; witnesses' clients
 * and caches come too. It frames HTTP and asks the ledger; it has no files, no documents, and of keys the one for TLS.
 */
#include <stdlib.h>
#include <unistd.h>

#include "accord/accord.h"
#include "accord/hall_pace.h"
#include "accord/hall_path.h"
#include "accord/line.h"
#include "accord/run_workers.h"
#include "base/command.h"
#include "base/log.h"
#include "crypto/tls.h"
#include "net/server.h"
#include "sys/clock.h"
#include "tlog/witness.h"

enum {
	START_WAIT_MS = 20000,
	OPEN_MAX = 1024,
	/* connections from one address: a partner has a stream for each accord, and asks for cosignatures meanwhile */
	OPEN_EACH_MAX = 2 * BW_RUN_ACCORDS_MAX + 32,
	BODY_MAX = 8 * 1024 * 1024, /* documents of an accord */
	ROOM_LOOK_MS = 5,
	ROOM_PIECES = 4, /* fewer than that wait: there is room for more */
};

struct visit {
	struct bw_exchange *x; /* NULL: free */
	uint64_t id;
	uint32_t peer;
	struct bw_hall_path path; /* its slices are copied below */
	char words[BW_ACCORD_ID_MAX + BW_RUN_TARGET_MAX];
	struct bw_buf body;
	bool is_stream;
	bool owes_room; /* the ledger waits to hear that there is room */
};

struct hall {
	struct bw_line line;
	struct bw_loop *loop;
	struct bw_http_server *server;
	struct bw_tls_context *tls;
	struct bw_timer *look;
	struct bw_run_party parties[BW_RUN_PARTIES_MAX];
	struct bw_pace paces[BW_RUN_PARTIES_MAX];
	size_t party_count;
	bool may_accept;
	bool accepts;
	struct visit visits[OPEN_MAX];
};

/* ---- answering ------------------------------------------------------------------- */

static void answer_plain(struct bw_exchange *x, unsigned status, const char *words)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_KIB);
	struct bw_reply *reply;

	if (bw_buf_addf(&body, "%s\n", words) == BW_OK &&
	    bw_reply_new(status, BW_LIT("Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\n"),
			 &body, &reply) == BW_OK)
		bw_exchange_answer(x, reply);
	else
		bw_exchange_abort(x);
}

static struct visit *find(struct hall *hall, uint64_t id)
{
	for (size_t i = 0; i < OPEN_MAX; i++)
		if (hall->visits[i].x != NULL && hall->visits[i].id == id)
			return &hall->visits[i];
	return NULL;
}

static enum bw_err header_lines(const struct bw_form *form, uint64_t keep_s, struct bw_buf *out)
{
	BW_NEED(bw_http_is_field_value(form->fields[2]), PROTOCOL);
	BW_TRY(bw_buf_addf(out, "Content-Type: %.*s\r\n", BW_ARG(form->fields[2])));
	if (keep_s == 0)
		return bw_buf_add_text(out, "Cache-Control: no-store\r\n");
	return bw_buf_addf(out, "Cache-Control: public, max-age=%llu%s\r\n", (unsigned long long)keep_s,
			   keep_s > 3600 ? ", immutable" : "");
}

static enum bw_err take_answer(struct hall *hall, struct bw_slice bytes, int fd)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf headers = BW_BUF_INIT(4 * BW_KIB);
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_RUN_BODY_MAX);
	struct bw_mapped mapped = { bw_slice_empty };
	struct bw_reply *reply;
	struct bw_slice content;
	struct visit *visit;
	struct bw_form form;
	uint64_t id;
	uint64_t status;
	uint64_t keep_s;
	enum bw_err err;

	BW_TRY(bw_form_take(bytes, BW_FIELDS_HALL_ANSWER, &form));
	BW_TRY(bw_form_num(&form, 0, UINT64_MAX, &id));
	BW_TRY(bw_form_num(&form, 1, 599, &status));
	BW_TRY(bw_form_num(&form, 3, UINT32_MAX, &keep_s));
	BW_TRY(header_lines(&form, keep_s, &headers));
	visit = find(hall, id);
	if (visit == NULL || visit->is_stream)
		return BW_OK; /* it has gone meanwhile */
	BW_TRY(bw_run_body(form.fields[4], fd, &mapped, &content));
	err = bw_buf_add(&body, content);
	if (err == BW_OK)
		err = bw_reply_new((unsigned)status, bw_buf_slice(&headers), &body, &reply);
	if (fd >= 0)
		bw_mapped_release(&mapped);
	if (err == BW_OK)
		bw_exchange_answer(visit->x, reply);
	else
		answer_plain(visit->x, 503, "busy; try again");
	return err == BW_ERR_MEMORY ? BW_OK : err;
}

/* ---- streams ------------------------------------------------------------------------ */

static enum bw_err tell(struct hall *hall, uint8_t kind, uint64_t id)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(64);

	BW_TRY(bw_form_add_num(&form, id));
	return bw_line_put(&hall->line, kind, bw_buf_slice(&form), -1);
}

/* Who cannot be told now is told at the next look. */
static void tell_of_room(struct hall *hall)
{
	bool waits = false;

	for (size_t i = 0; i < OPEN_MAX; i++) {
		struct visit *visit = &hall->visits[i];

		if (visit->x == NULL || !visit->owes_room)
			continue;
		if (bw_exchange_waiting(visit->x) < ROOM_PIECES && tell(hall, BW_HALL_HAS_ROOM, visit->id) == BW_OK)
			visit->owes_room = false;
		waits |= visit->owes_room;
	}
	if (waits)
		bw_timer_set(hall->look, ROOM_LOOK_MS);
}

static void on_look(void *ctx)
{
	tell_of_room(ctx);
}

static enum bw_err begin_stream(struct hall *hall, struct bw_slice bytes)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf headers = BW_BUF_INIT(BW_KIB);
	struct bw_reply *head;
	struct visit *visit;
	struct bw_form form;
	uint64_t id;

	BW_TRY(bw_form_take(bytes, 2, &form));
	BW_TRY(bw_form_num(&form, 0, UINT64_MAX, &id));
	BW_NEED(bw_http_is_field_value(form.fields[1]), PROTOCOL);
	BW_TRY(bw_buf_addf(&headers, "Content-Type: %.*s\r\nCache-Control: no-store\r\n", BW_ARG(form.fields[1])));
	visit = find(hall, id);
	if (visit == NULL || visit->is_stream)
		return BW_OK;
	if (bw_reply_new_stream(200, bw_buf_slice(&headers), &head) != BW_OK ||
	    bw_exchange_stream(visit->x, head) != BW_OK) {
		bw_exchange_abort(visit->x);
		return BW_OK;
	}
	visit->is_stream = true;
	visit->owes_room = true;
	bw_timer_set(hall->look, 0);
	return BW_OK;
}

/* Long portions go as several pieces. False: the stream is lost. */
static bool push_all(struct bw_exchange *x, struct bw_slice bytes)
{
	while (bytes.len > 0) {
		const struct bw_slice part = bw_slice_sub(bytes, 0, BW_REPLY_PIECE_MAX);
		struct bw_reply *piece;

		if (bw_reply_new_piece(part, &piece) != BW_OK || bw_exchange_push(x, piece) != BW_OK)
			return false;
		bytes = bw_slice_from(bytes, part.len);
	}
	return true;
}

static enum bw_err push(struct hall *hall, struct bw_slice bytes, int fd)
{
	struct bw_mapped mapped = { bw_slice_empty };
	struct bw_slice content;
	struct visit *visit;
	struct bw_form form;
	uint64_t id;

	BW_TRY(bw_form_take(bytes, 2, &form));
	BW_TRY(bw_form_num(&form, 0, UINT64_MAX, &id));
	visit = find(hall, id);
	if (visit == NULL || !visit->is_stream)
		return BW_OK;
	BW_TRY(bw_run_body(form.fields[1], fd, &mapped, &content));
	if (push_all(visit->x, content)) {
		visit->owes_room = true;
		bw_timer_set(hall->look, 0);
	} else {
		bw_exchange_abort(visit->x); /* it comes again, from where it is */
	}
	if (fd >= 0)
		bw_mapped_release(&mapped);
	return BW_OK;
}

static enum bw_err finish(struct hall *hall, struct bw_slice bytes)
{
	struct visit *visit;
	struct bw_form form;
	uint64_t id;

	BW_TRY(bw_form_take(bytes, 1, &form));
	BW_TRY(bw_form_num(&form, 0, UINT64_MAX, &id));
	visit = find(hall, id);
	if (visit != NULL && visit->is_stream)
		bw_exchange_finish(visit->x);
	return BW_OK;
}

static enum bw_err take(void *ctx, const struct bw_frame *frame, int fd)
{
	struct hall *hall = ctx;

	switch (frame->kind) {
	case BW_HALL_ANSWER:
		return take_answer(hall, frame->body, fd);
	case BW_HALL_STREAM:
		return begin_stream(hall, frame->body);
	case BW_HALL_PUSH:
		return push(hall, frame->body, fd);
	case BW_HALL_FINISH:
		return finish(hall, frame->body);
	default:
		return BW_ERR_PROTOCOL;
	}
}

static void lost(void *ctx)
{
	struct hall *hall = ctx;

	for (size_t i = 0; i < OPEN_MAX; i++) {
		struct visit *visit = &hall->visits[i];

		if (visit->x == NULL)
			continue;
		if (visit->is_stream)
			bw_exchange_abort(visit->x);
		else
			answer_plain(visit->x, 503, "a part of this node is being started; try again");
	}
}

/* ---- requests --------------------------------------------------------------------------- */

/* Which peer it is, by its certificate; false: it may not come in this way. */
static bool know(const struct hall *hall, struct bw_exchange *x, uint32_t *peer, const char **why)
{
	struct bw_tls_facts facts;

	*peer = BW_RUN_NOBODY;
	if (bw_exchange_tls(x) == NULL)
		return true;
	bw_tls_facts(bw_exchange_tls(x), &facts);
	for (size_t i = 0; i < hall->party_count; i++) {
		const struct bw_run_party *party = &hall->parties[i];

		if (!party->is_peer || memcmp(party->pin, facts.peer_fingerprint, sizeof(party->pin)) != 0)
			continue;
		if (!facts.hybrid && !party->classical) {
			*why = "no accord with this node allows a connection without X25519MLKEM768";
			return false;
		}
		*peer = (uint32_t)i;
		return true;
	}
	*why = "this node has not met you";
	return false;
}

static bool take_path(struct visit *visit, const struct bw_hall_path *path)
{
	if (path->accord.len + path->text.len > sizeof(visit->words))
		return false;
	memcpy(visit->words, path->accord.ptr, path->accord.len);
	memcpy(visit->words + path->accord.len, path->text.ptr, path->text.len);
	visit->path = (struct bw_hall_path){ .verb = path->verb,
					     .accord = bw_slice_of(visit->words, path->accord.len),
					     .text = bw_slice_of(visit->words + path->accord.len, path->text.len) };
	return true;
}

static uint64_t body_max(enum bw_hall_verb verb)
{
	switch (verb) {
	case BW_HALL_WITNESS:
		return BW_WITNESS_BODY_MAX;
	case BW_HALL_DOCUMENTS_TAKE:
		return BODY_MAX;
	case BW_HALL_WORD:
		return BW_HALL_WORD_MAX;
	default:
		return 0;
	}
}

static struct visit *seat_of(struct hall *hall, struct bw_exchange *x)
{
	for (size_t i = 0; i < OPEN_MAX; i++) {
		struct visit *visit = &hall->visits[i];

		if (visit->x != NULL)
			continue;
		bw_buf_release(&visit->body);
		*visit = (struct visit){ .x = x, .id = bw_exchange_id(x), .body = BW_BUF_INIT(BODY_MAX) };
		return visit;
	}
	return NULL;
}

/* Caches need no leave: what they get costs little, and a listener of theirs stands apart. */
static bool may_ask(struct hall *hall, uint32_t peer)
{
	const int64_t now_us = bw_clock_mono_us();

	if (peer == BW_RUN_NOBODY || bw_pace_allows(&hall->paces[peer], now_us))
		return true;
	if (bw_pace_tells(&hall->paces[peer], now_us))
		bw_log(BW_WARNING, "partner asks too often: he waits",
		       BW_TEXT("partner", hall->parties[peer].authority));
	return false;
}

static void on_head(void *ctx, struct bw_exchange *x)
{
	const struct bw_http_request *request = bw_exchange_head(x);
	const char *why = "";
	struct hall *hall = ctx;
	struct bw_hall_path path;
	struct visit *visit;
	uint32_t peer;
	enum bw_err err;

	bw_exchange_set_data(x, NULL);
	if (!know(hall, x, &peer, &why)) {
		answer_plain(x, 403, why);
		return;
	}
	if (!may_ask(hall, peer)) {
		answer_plain(x, 429, "you ask more often than a partner needs to: wait a second");
		return;
	}
	err = bw_hall_path_parse(request->method, request->path, request->query, &path);
	if (err != BW_OK || (peer == BW_RUN_NOBODY && path.verb != BW_HALL_PUBLIC)) {
		answer_plain(x, err == BW_ERR_UNSUPPORTED ? 405 : 404, "there is nothing here");
		return;
	}
	visit = seat_of(hall, x);
	if (visit == NULL || !take_path(visit, &path)) {
		answer_plain(x, 503, "busy; try again");
		return;
	}
	visit->peer = peer;
	bw_exchange_set_data(x, visit);
	if (bw_exchange_receive(x, body_max(path.verb)) != BW_OK)
		answer_plain(x, 413, "that is longer than such a request may be");
}

static void on_body(void *ctx, struct bw_exchange *x, struct bw_slice bytes)
{
	struct visit *visit = bw_exchange_data(x);

	(void)ctx;
	if (visit != NULL && bw_buf_add(&visit->body, bytes) != BW_OK)
		bw_exchange_abort(x);
}

static enum bw_err ask(struct hall *hall, const struct visit *visit)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	BW_CLEANUP(bw_memfile_release) struct bw_memfile memory = BW_MEMFILE_NONE;

	BW_TRY(bw_form_add_num(&form, visit->id));
	BW_TRY(bw_form_add_num(&form, visit->peer));
	BW_TRY(bw_form_add_num(&form, visit->path.verb));
	BW_TRY(bw_form_add(&form, visit->path.accord));
	BW_TRY(bw_form_add(&form, visit->path.text));
	BW_TRY(bw_run_add_body(&form, bw_buf_slice(&visit->body), &memory));
	return bw_line_put(&hall->line, BW_HALL_ASKS, bw_buf_slice(&form), memory.fd);
}

static void on_body_end(void *ctx, struct bw_exchange *x)
{
	struct visit *visit = bw_exchange_data(x);

	if (visit != NULL && ask(ctx, visit) != BW_OK)
		answer_plain(x, 503, "busy; try again");
}

static void on_end(void *ctx, struct bw_exchange *x, enum bw_exchange_end how)
{
	struct visit *visit = bw_exchange_data(x);

	(void)how;
	if (visit == NULL)
		return;
	if (visit->is_stream)
		/* without a ledger there is nobody who would want to know */
		bw_err_drop(tell(ctx, BW_HALL_GONE, visit->id));
	bw_buf_release(&visit->body);
	visit->x = NULL;
}

static void on_drained(void *ctx)
{
	struct hall *hall = ctx;

	bw_loop_stop(hall->loop);
}

/* ---- the parent ---------------------------------------------------------------------------- */

static enum bw_err take_parties(struct hall *hall, struct bw_slice list)
{
	struct bw_cursor c = bw_cursor_over(list);
	struct bw_slice item;
	bool bad = false;

	hall->party_count = 0;
	while (bw_form_list_next(&c, &item, &bad)) {
		BW_NEED(hall->party_count < BW_RUN_PARTIES_MAX, TOO_MANY);
		BW_TRY(bw_run_party_take(item, &hall->parties[hall->party_count]));
		hall->party_count++;
	}
	return bad ? BW_ERR_PROTOCOL : BW_OK;
}

static enum bw_err take_tls(struct hall *hall, struct bw_slice body)
{
	static uint8_t pins[BW_RUN_PARTIES_MAX][BW_SHA256_BYTES];
	struct bw_tls_server_options options = { .client_cert = BW_TLS_CLIENT_REQUIRED, .hybrid_only = true };
	struct bw_why why = { 0 };
	struct bw_form form;
	enum bw_err err;

	BW_TRY(bw_form_take(body, 3, &form));
	BW_TRY(take_parties(hall, form.fields[2]));
	for (size_t i = 0; i < hall->party_count; i++) {
		if (!hall->parties[i].is_peer)
			continue;
		memcpy(pins[options.pin_count++], hall->parties[i].pin, BW_SHA256_BYTES);
		options.hybrid_only = options.hybrid_only && !hall->parties[i].classical;
	}
	options.cert_pem = form.fields[0];
	options.key_pem = form.fields[1];
	options.pins = pins;
	if (options.pin_count > 0) { /* without peers nobody can come, and nothing is opened */
		err = bw_tls_server_new(&options, &hall->tls, &why);
		if (err != BW_OK)
			bw_log(BW_ERROR, "certificate not taken", BW_TEXT("why", why.text));
		BW_TRY(err);
	}
	explicit_bzero((void *)(uintptr_t)form.fields[1].ptr, form.fields[1].len);
	return BW_OK;
}

static enum bw_err accept_visitors(struct hall *hall)
{
	const struct bw_run_shared *shared = bw_seat_shared(hall->line.seat);

	hall->may_accept = true;
	if (hall->server == NULL || hall->accepts)
		return BW_OK;
	hall->accepts = true;
	for (size_t i = 0; hall->tls != NULL && i < shared->partner_count; i++)
		BW_TRY(bw_http_server_listen(hall->server, shared->partners[i], hall->tls));
	for (size_t i = 0; i < shared->cache_count; i++)
		BW_TRY(bw_http_server_listen(hall->server, shared->caches[i], NULL));
	return BW_OK;
}

static enum bw_err told(void *ctx, const struct bw_frame *message, int fd)
{
	struct hall *hall = ctx;

	(void)fd;
	if (message->kind == BW_RUN_TELL_TLS)
		return take_tls(hall, message->body);
	return message->kind == BW_RUN_TELL_BEGIN ? accept_visitors(hall) : BW_OK;
}

static void stop(void *ctx)
{
	struct hall *hall = ctx;

	bw_http_server_drain(hall->server);
}

static enum bw_err run_hall(struct hall *hall, struct bw_seat *seat)
{
	static const struct bw_http_calls http = { .on_head = on_head,
						   .on_body = on_body,
						   .on_body_end = on_body_end,
						   .on_end = on_end,
						   .on_drained = on_drained };
	static const struct bw_line_calls calls = { take, lost, told, stop };
	const struct bw_run_shared *shared = bw_seat_shared(seat);
	struct bw_http_limits limits = BW_HTTP_LIMITS_DEFAULT;
	struct bw_why why = { 0 };

	limits.connections = OPEN_MAX;
	limits.connections_each = OPEN_EACH_MAX;
	BW_TRY(bw_loop_new(&hall->loop));
	hall->line =
		(struct bw_line){ .seat = seat, .peer = "ledger", .loop = hall->loop, .calls = &calls, .ctx = hall };
	BW_TRY(bw_line_wait_for(&hall->line, BW_RUN_TELL_TLS, START_WAIT_MS));
	BW_TRY(bw_timer_new(hall->loop, on_look, hall, &hall->look));
	BW_TRY(bw_http_server_new(hall->loop, &limits, &http, hall, &hall->server));
	BW_TRY(bw_line_open(&hall->line));
	BW_TRY(bw_seat_confine(seat, NULL, shared->require_sandbox, &why));
	BW_TRY(bw_seat_ready(seat));
	if (hall->may_accept) /* told already: this one was started again */
		BW_TRY(accept_visitors(hall));
	return bw_loop_run(hall->loop);
}

int bw_hall_run(struct bw_seat *seat)
{
	struct hall *hall = calloc(1, sizeof(*hall));
	enum bw_err err;

	if (hall == NULL)
		return BW_EXIT_FAILED;
	err = run_hall(hall, seat);
	if (err != BW_OK && err != BW_ERR_CLOSED)
		bw_log(BW_ERROR, "hall ends", BW_TEXT("why", bw_err_text(err)));
	bw_http_server_free(hall->server);
	bw_line_close(&hall->line);
	bw_timer_free(hall->look);
	bw_tls_context_free(hall->tls);
	bw_loop_free(hall->loop);
	free(hall);
	return err == BW_OK || err == BW_ERR_CLOSED ? BW_EXIT_OK : BW_EXIT_FAILED;
}
