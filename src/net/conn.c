#include "net/conn.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/tls.h"
#include "net/reply_inner.h"

static const char continue_text[] = "HTTP/1.1 100 Continue\r\n\r\n";

/* What a step says to the loop that called it. */
enum step {
	STEP_ON,    /* look at the state again */
	STEP_WAIT,  /* nothing to do until the socket, the owner or the clock speaks */
	STEP_YIELD, /* more to do, after the others had their turn */
	STEP_CLOSE, /* the end */
};

void bw_conn_set_deadline(struct conn *conn, enum deadline deadline)
{
	struct bw_http_server *server = conn->server;

	conn->deadline = (uint8_t)deadline;
	conn->deadline_ms = server->clock() + server->durations_ms[deadline];
	conn->window_bytes = 0;
	bw_link_append(&server->classes[deadline], &conn->in_class);
}

void bw_conn_soon(struct conn *conn)
{
	struct bw_http_server *server = conn->server;

	if (conn->running || !bw_link_is_alone(&conn->in_soon))
		return;
	if (bw_link_is_alone(&server->soon) && !server->in_soon)
		bw_timer_set(server->soon_timer, 0);
	bw_link_append(&server->soon, &conn->in_soon);
}

/* ---- exchanges begin and end ------------------------------------------- */

static void begin_exchange(struct conn *conn)
{
	static uint64_t last_id;
	struct bw_http_server *server = conn->server;

	conn->requests++;
	conn->x = (struct bw_exchange){
		.id = ++last_id,
		.started_ms = server->clock(),
		.active = true,
		.body_done = conn->work->request.head.body == BW_HTTP_BODY_NONE,
		.close_after = conn->requests >= server->limits.requests,
		.only_head = conn->work->request.method == BW_HTTP_HEAD,
	};
	server->stats.requests_total++;
	server->stats.in_flight++;
	conn->state = CONN_OWNER;
	server->calls.on_head(server->ctx, &conn->x);
}

static void end_exchange(struct conn *conn, enum bw_exchange_end how)
{
	struct bw_http_server *server = conn->server;

	if (conn->x.active) {
		server->stats.in_flight--;
		server->calls.on_end(server->ctx, &conn->x, how);
		conn->x.active = false;
	}
	bw_reply_drop(conn->x.reply);
	conn->x.reply = NULL;
}

/* The server answers by itself, an exchange being open or not. */
static void refuse(struct conn *conn, unsigned status, const char *reason)
{
	struct bw_exchange *x = &conn->x;

	if (!x->active)
		*x = (struct bw_exchange){ 0 };
	if (x->reply == NULL)
		x->reply = bw_server_refusal(conn->server, status, reason);
	x->aborted = x->reply == NULL; /* no memory for words: the close must do */
	x->close_after = true;
	conn->server->stats.refusals_total++;
	conn->state = CONN_OWNER;
}

/* ---- reading ------------------------------------------------------------ */

/* One read; what it says about waiting is noted. DONE, or how to go on without bytes. */
static enum bw_wire_step read_some(struct conn *conn, uint8_t *out, size_t max, size_t *out_len)
{
	const enum bw_wire_step step = bw_wire_read(&conn->wire, out, max, out_len, &conn->readable);

	conn->wants_write = step == BW_WIRE_WANT_WRITE;
	if (step == BW_WIRE_DONE) {
		conn->server->stats.bytes_in += *out_len;
		conn->window_bytes += *out_len;
	}
	if (step == BW_WIRE_END)
		conn->ended = true;
	return step;
}

/* More bytes behind those the work block holds. */
static enum step fill_work(struct conn *conn)
{
	struct work *work = conn->work;
	size_t n;

	if (!conn->readable || work->len == sizeof(work->bytes))
		return STEP_WAIT;
	switch (read_some(conn, work->bytes + work->len, sizeof(work->bytes) - work->len, &n)) {
	case BW_WIRE_DONE:
		work->len += n;
		return STEP_ON;
	case BW_WIRE_WANT_READ:
	case BW_WIRE_WANT_WRITE:
		return STEP_WAIT;
	case BW_WIRE_END:
	case BW_WIRE_FAILED:
		break;
	}
	return STEP_CLOSE;
}

static enum step step_handshake(struct conn *conn)
{
	const enum bw_wire_step step = bw_wire_handshake(&conn->wire);

	conn->wants_write = step == BW_WIRE_WANT_WRITE;
	if (step == BW_WIRE_WANT_READ || step == BW_WIRE_WANT_WRITE)
		return STEP_WAIT;
	if (step != BW_WIRE_DONE) {
		conn->server->stats.handshakes_failed++;
		return STEP_CLOSE;
	}
	conn->state = CONN_HEAD;
	conn->readable = true; /* the request may have come in the same packet */
	bw_conn_set_deadline(conn, DEADLINE_HEAD);
	return STEP_ON;
}

/* An idle connection that a drain or a full house has no use for ends here too. */
static enum step wait_for_head(struct conn *conn)
{
	struct bw_http_server *server = conn->server;
	struct work *work = conn->work;

	if (work->len > 0) {
		if (conn->deadline != DEADLINE_HEAD)
			bw_conn_set_deadline(conn, DEADLINE_HEAD);
		return STEP_WAIT;
	}
	bw_work_give(server, work);
	conn->work = NULL;
	if (server->draining)
		return STEP_CLOSE;
	if (conn->requests == 0)
		return STEP_WAIT; /* under the deadline for the first head already */
	bw_conn_set_deadline(conn, DEADLINE_IDLE);
	return STEP_WAIT;
}

static enum step step_head(struct conn *conn)
{
	struct work *work = conn->work;
	struct bw_fault fault = { 0 };
	enum bw_err err = BW_ERR_TRUNCATED;
	enum step step;

	if (work == NULL) {
		work = conn->work = bw_work_take(conn->server);
		if (work == NULL)
			return STEP_CLOSE;
	}
	if (work->len > 0)
		err = bw_http_request_parse(bw_slice_of(work->bytes, work->len), &work->seen, &work->request, &fault);
	if (err == BW_ERR_TRUNCATED) {
		if (conn->ended)
			return STEP_CLOSE;
		step = fill_work(conn);
		return step == STEP_WAIT ? wait_for_head(conn) : step;
	}
	if (err != BW_OK) {
		refuse(conn, bw_http_status_of(err), fault.reason);
		return STEP_ON;
	}
	work->at = work->request.head.head_bytes;
	begin_exchange(conn);
	return STEP_ON;
}

/* ---- the body ----------------------------------------------------------- */

/* Hands out what `in` holds of the body; `*rest` is what follows it. */
static enum step feed_body(struct conn *conn, struct bw_slice in, struct bw_slice *rest)
{
	struct bw_http_server *server = conn->server;
	struct bw_http_body *body = &conn->work->body;
	struct bw_fault fault = { 0 };
	struct bw_slice data;
	size_t used;

	while (in.len > 0 && !body->done && conn->x.reply == NULL && !conn->x.aborted) {
		const enum bw_err err = bw_http_body_take(body, in, &used, &data, &fault);

		if (err != BW_OK) {
			refuse(conn, bw_http_body_status_of(err), fault.reason);
			return STEP_ON;
		}
		in = bw_slice_from(in, used);
		if (data.len > 0 && server->calls.on_body != NULL)
			server->calls.on_body(server->ctx, &conn->x, data);
	}
	*rest = in;
	return STEP_ON;
}

/*
 * How much may be read past the work block without swallowing more of the next
 * request than the block has room for.
 */
static size_t body_room(const struct conn *conn)
{
	const struct work *work = conn->work;
	const size_t free_bytes = sizeof(work->bytes) - work->len;
	const uint64_t sure = work->body.left;

	if (sure >= sizeof(conn->server->scratch))
		return sizeof(conn->server->scratch);
	if (work->body.kind == BW_HTTP_BODY_LENGTH)
		return (size_t)sure;
	return sure > free_bytes ? (size_t)sure : free_bytes;
}

/* Bytes held from before: those that came with the head. */
static void feed_held(struct conn *conn)
{
	struct work *work = conn->work;
	struct bw_slice rest = bw_slice_empty;

	(void)feed_body(conn, bw_slice_of(work->bytes + work->at, work->len - work->at), &rest);
	if (conn->x.reply != NULL)
		return;
	work->at = work->len - rest.len;
	if (rest.len == 0)
		work->at = work->len = work->request.head.head_bytes;
}

static enum step feed_read(struct conn *conn)
{
	struct work *work = conn->work;
	struct bw_slice rest = bw_slice_empty;
	size_t n;

	switch (read_some(conn, conn->server->scratch, body_room(conn), &n)) {
	case BW_WIRE_DONE:
		break;
	case BW_WIRE_WANT_READ:
	case BW_WIRE_WANT_WRITE:
		return STEP_WAIT;
	case BW_WIRE_END:
	case BW_WIRE_FAILED:
		return STEP_CLOSE;
	}
	(void)feed_body(conn, bw_slice_of(conn->server->scratch, n), &rest);
	if (conn->x.reply == NULL && rest.len > 0) {
		assert(rest.len <= sizeof(work->bytes) - work->len);
		memcpy(work->bytes + work->len, rest.ptr, rest.len);
		work->len += rest.len;
	}
	return STEP_ON;
}

static enum step step_body(struct conn *conn)
{
	struct bw_http_server *server = conn->server;
	struct work *work = conn->work;

	for (int burst = 0; !work->body.done; burst++) {
		if (conn->x.reply != NULL || conn->x.aborted) {
			conn->state = CONN_OWNER;
			return STEP_ON;
		}
		if (work->len > work->at) {
			feed_held(conn);
			continue;
		}
		if (!conn->readable)
			return STEP_WAIT;
		if (burst >= BW_HTTP_READ_BURST)
			return STEP_YIELD;
		const enum step step = feed_read(conn);

		if (step != STEP_ON)
			return step;
	}
	conn->x.body_done = true;
	conn->x.body_told = true;
	conn->state = CONN_OWNER;
	bw_conn_set_deadline(conn, DEADLINE_OWNER);
	server->calls.on_body_end(server->ctx, &conn->x);
	return STEP_ON;
}

static enum step step_continue(struct conn *conn)
{
	const size_t whole = sizeof(continue_text) - 1;

	while (conn->continue_sent < whole) {
		struct iovec part = { .iov_base = (void *)(uintptr_t)(continue_text + conn->continue_sent),
				      .iov_len = whole - conn->continue_sent };
		size_t n;
		const enum bw_wire_step step = bw_wire_write(&conn->wire, &part, 1, &n);

		conn->blocked = step == BW_WIRE_WANT_WRITE;
		if (conn->blocked)
			return STEP_WAIT;
		if (step != BW_WIRE_DONE)
			return STEP_CLOSE;
		conn->continue_sent = (uint8_t)(conn->continue_sent + n);
	}
	conn->state = CONN_BODY;
	return STEP_ON;
}

/* ---- the owner's turn --------------------------------------------------- */

/*
 * A body nobody took keeps the next request out of reach, unless all of it is
 * here already: then it is skipped.
 */
static bool skip_unread_body(struct conn *conn)
{
	const struct bw_http_head *head = &conn->work->request.head;
	struct work *work = conn->work;

	if (conn->x.receiving || head->body != BW_HTTP_BODY_LENGTH || head->content_length > work->len - work->at)
		return false;
	work->at += (size_t)head->content_length;
	return true;
}

static void make_tail(struct conn *conn)
{
	struct bw_http_server *server = conn->server;
	struct work *work = conn->work;
	const struct bw_http_head *head = &work->request.head;
	const char *connection = "";
	int n;

	if (conn->x.close_after)
		connection = "Connection: close\r\n";
	else if (head->minor == 0)
		connection = "Connection: keep-alive\r\n"; /* HTTP/1.0 clients wait for the word */
	memcpy(work->tail, server->date, server->date_bytes);
	n = snprintf(work->tail + server->date_bytes, sizeof(work->tail) - server->date_bytes, "%s\r\n", connection);
	work->tail_bytes = server->date_bytes + (size_t)n;
}

static void begin_answer(struct conn *conn)
{
	struct bw_exchange *x = &conn->x;

	if (x->active) {
		x->body_done = x->body_done || skip_unread_body(conn);
		if (!x->body_done)
			x->close_after = true;
		if (!conn->work->request.head.keep_alive || conn->server->draining)
			x->close_after = true;
	}
	make_tail(conn);
	conn->state = CONN_SEND;
}

static void begin_body(struct conn *conn)
{
	const struct work *work = conn->work;
	const bool wait = work->request.head.expect_continue && work->len == work->at && !work->body.done;

	conn->continue_sent = 0;
	conn->state = wait ? CONN_CONTINUE : CONN_BODY;
	conn->body_started_ms = conn->server->clock();
	bw_conn_set_deadline(conn, DEADLINE_BODY);
}

static enum step step_owner(struct conn *conn)
{
	struct bw_exchange *x = &conn->x;

	if (x->reply != NULL) {
		begin_answer(conn);
		return STEP_ON;
	}
	if (x->receiving && !x->body_told) {
		begin_body(conn);
		return STEP_ON;
	}
	if (conn->deadline != DEADLINE_OWNER)
		bw_conn_set_deadline(conn, DEADLINE_OWNER);
	/* A goodbye may be half of one: whoever has sent everything may still want the answer. */
	while (conn->readable && !conn->ended) {
		const enum step step = fill_work(conn);

		if (step == STEP_CLOSE && !conn->ended)
			return STEP_CLOSE;
		if (step != STEP_ON)
			break;
	}
	return STEP_WAIT;
}

/* ---- the answer --------------------------------------------------------- */

/* The answer as three parts, less the `skip` bytes already sent. */
static int answer_parts(struct conn *conn, uint64_t skip, struct iovec parts[3])
{
	const struct bw_reply *reply = conn->x.reply;
	const struct bw_slice all[3] = {
		{ reply->head, reply->head_bytes },
		{ (const uint8_t *)conn->work->tail, conn->work->tail_bytes },
		conn->x.only_head ? bw_slice_empty : reply->body,
	};
	int count = 0;

	for (size_t i = 0; i < BW_COUNT(all); i++) {
		if (skip >= all[i].len) {
			skip -= all[i].len;
			continue;
		}
		parts[count].iov_base = (void *)(uintptr_t)(all[i].ptr + skip);
		parts[count].iov_len = all[i].len - (size_t)skip;
		skip = 0;
		count++;
	}
	return count;
}

/* TLS makes a record of each write: several parts become one, in a buffer all connections share. */
static int gather_parts(struct bw_http_server *server, struct iovec parts[3], int count)
{
	size_t len = 0;

	if (count == 1) {
		if (parts[0].iov_len > BW_HTTP_WRITE_BURST)
			parts[0].iov_len = BW_HTTP_WRITE_BURST;
		return 1;
	}
	for (int i = 0; i < count && len < sizeof(server->gather); i++) {
		const size_t room = sizeof(server->gather) - len;
		const size_t n = parts[i].iov_len < room ? parts[i].iov_len : room;

		memcpy(server->gather + len, parts[i].iov_base, n);
		len += n;
	}
	parts[0] = (struct iovec){ .iov_base = server->gather, .iov_len = len };
	return 1;
}

static enum step after_answer(struct conn *conn)
{
	struct work *work = conn->work;
	const bool was_exchange = conn->x.active;
	const bool unread = !was_exchange || !conn->x.body_done || work->len > work->at || conn->readable;
	const bool close_after = conn->x.close_after;

	end_exchange(conn, BW_EXCHANGE_SENT);
	if (close_after) {
		/* Closing over unread bytes sends a reset, which can overtake the answer. */
		bw_wire_finish(&conn->wire);
		if (!unread || conn->ended)
			return STEP_CLOSE;
		conn->state = CONN_LINGER;
		conn->readable = true;
		bw_conn_set_deadline(conn, DEADLINE_LINGER);
		return STEP_ON;
	}
	memmove(work->bytes, work->bytes + work->at, work->len - work->at);
	work->len -= work->at;
	work->at = 0;
	work->seen = 0;
	conn->state = CONN_HEAD;
	if (conn->ended && work->len == 0)
		return STEP_CLOSE;
	return STEP_ON;
}

static enum step wait_to_send(struct conn *conn)
{
	conn->blocked = true;
	if (conn->deadline != DEADLINE_SEND)
		bw_conn_set_deadline(conn, DEADLINE_SEND);
	return STEP_WAIT;
}

static enum step step_send(struct conn *conn)
{
	struct iovec parts[3];
	uint64_t burst = 0;

	conn->blocked = false;
	for (;;) {
		enum bw_wire_step step;
		size_t n;
		int count = answer_parts(conn, conn->x.sent, parts);

		if (count == 0)
			return after_answer(conn);
		if (burst >= BW_HTTP_WRITE_BURST)
			return wait_to_send(conn); /* the socket says at once that it can go on: after the others */
		if (conn->wire.tls != NULL)
			count = gather_parts(conn->server, parts, count);
		step = bw_wire_write(&conn->wire, parts, count, &n);
		if (step == BW_WIRE_WANT_WRITE)
			return wait_to_send(conn);
		if (step != BW_WIRE_DONE)
			return STEP_CLOSE;
		conn->x.sent += n;
		conn->window_bytes += n;
		conn->server->stats.bytes_out += n;
		burst += n;
	}
}

static enum step step_linger(struct conn *conn)
{
	while (conn->readable) {
		size_t n;
		const enum bw_wire_step step = read_some(conn, conn->server->scratch, sizeof(conn->server->scratch),
							 &n);

		if (step == BW_WIRE_WANT_READ || step == BW_WIRE_WANT_WRITE)
			return STEP_WAIT;
		if (step != BW_WIRE_DONE)
			return STEP_CLOSE;
		conn->lingered += (uint32_t)n;
		if (conn->lingered > conn->server->limits.linger_bytes)
			return STEP_CLOSE;
	}
	return STEP_WAIT;
}

/* ---- the machine -------------------------------------------------------- */

static enum step take_step(struct conn *conn)
{
	switch ((enum conn_state)conn->state) {
	case CONN_HANDSHAKE:
		return step_handshake(conn);
	case CONN_HEAD:
		return step_head(conn);
	case CONN_OWNER:
		return step_owner(conn);
	case CONN_CONTINUE:
		return step_continue(conn);
	case CONN_BODY:
		return step_body(conn);
	case CONN_SEND:
		return step_send(conn);
	case CONN_LINGER:
		return step_linger(conn);
	}
	return STEP_CLOSE;
}

static unsigned wanted_readiness(const struct conn *conn)
{
	const struct work *work = conn->work;
	unsigned wants = BW_WATCH_READ;

	if (conn->ended || conn->state == CONN_SEND || conn->state == CONN_CONTINUE)
		wants = BW_WATCH_NONE;
	if (conn->state == CONN_OWNER && work != NULL && work->len == sizeof(work->bytes))
		wants = BW_WATCH_NONE;
	if (conn->blocked || conn->wants_write)
		wants |= BW_WATCH_WRITE;
	return wants;
}

void bw_conn_run(struct conn *conn)
{
	const uint32_t first = conn->requests;
	enum step step = STEP_ON;

	bw_link_remove(&conn->in_soon);
	conn->running = true;
	while (step == STEP_ON) {
		if (conn->x.aborted)
			step = STEP_CLOSE;
		else if (conn->state == CONN_HEAD && conn->requests - first >= BW_HTTP_PIPELINE_BURST)
			step = STEP_YIELD;
		else
			step = take_step(conn);
	}
	conn->running = false;
	if (step == STEP_CLOSE || bw_watch_set(conn->watch, wanted_readiness(conn)) != BW_OK) {
		bw_conn_free(conn);
		return;
	}
	if (step == STEP_YIELD)
		bw_conn_soon(conn);
}

void bw_conn_ready(void *ctx, int fd, unsigned ready)
{
	struct conn *conn = ctx;

	(void)fd;
	if ((ready & BW_WATCH_READ) != 0)
		conn->readable = true;
	if ((ready & BW_WATCH_WRITE) != 0 && conn->wants_write)
		conn->readable = true; /* the read that waited for room to write */
	bw_conn_run(conn);
}

/* ---- deadlines ---------------------------------------------------------- */

static bool body_is_on_time(const struct conn *conn)
{
	const struct bw_http_limits *limits = &conn->server->limits;

	return conn->window_bytes >= limits->body_window_bytes &&
	       conn->server->clock() - conn->body_started_ms < limits->body_ms;
}

void bw_conn_expire(struct conn *conn)
{
	switch ((enum deadline)conn->deadline) {
	case DEADLINE_BODY:
		if (body_is_on_time(conn)) {
			bw_conn_set_deadline(conn, DEADLINE_BODY);
			return;
		}
		if (conn->state == CONN_CONTINUE) /* half a line of an interim answer is out */
			conn->x.aborted = true;
		else
			refuse(conn, 408, "the body came too slowly");
		break;
	case DEADLINE_SEND:
		if (conn->state == CONN_SEND && conn->window_bytes >= conn->server->limits.write_window_bytes) {
			bw_conn_set_deadline(conn, DEADLINE_SEND);
			return;
		}
		conn->x.aborted = true;
		break;
	case DEADLINE_OWNER:
		if (conn->state == CONN_OWNER)
			refuse(conn, 503, "no answer in time");
		break;
	case DEADLINE_HEAD:
		if (conn->work != NULL && conn->work->len > 0)
			refuse(conn, 408, "the request's head came too slowly");
		else
			conn->x.aborted = true;
		break;
	case DEADLINE_IDLE:
	case DEADLINE_LINGER:
		bw_wire_finish(&conn->wire);
		conn->x.aborted = true;
		break;
	case DEADLINE_HANDSHAKE:
	case DEADLINE_CLASSES:
		conn->x.aborted = true;
		break;
	}
	conn->server->stats.timeouts_total++;
	bw_conn_set_deadline(conn, DEADLINE_SEND); /* for the answer, where there is one */
	bw_conn_run(conn);
}

void bw_conn_free(struct conn *conn)
{
	struct bw_http_server *server = conn->server;

	conn->running = true; /* on_end may not schedule what is going away */
	end_exchange(conn, BW_EXCHANGE_GONE);
	bw_link_remove(&conn->in_class);
	bw_link_remove(&conn->in_soon);
	bw_watch_free(conn->watch);
	bw_tls_free(conn->wire.tls);
	close(conn->wire.fd);
	if (conn->work != NULL)
		bw_work_give(server, conn->work);
	bw_clients_leave(&server->clients, conn->client);
	server->stats.connections_now--;
	free(conn);
	bw_server_conn_gone(server);
}
