/* The owner's turn, the answer on its way out, and what the client still had under way. */
#include <stdio.h>

#include "net/conn_steps.h"
#include "net/reply_inner.h"

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

enum step bw_conn_step_owner(struct conn *conn)
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
		const enum step step = bw_conn_fill_work(conn);

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

	bw_conn_end_exchange(conn, BW_EXCHANGE_SENT);
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

enum step bw_conn_wait_to_send(struct conn *conn)
{
	conn->blocked = true;
	if (conn->deadline != DEADLINE_SEND)
		bw_conn_set_deadline(conn, DEADLINE_SEND);
	return STEP_WAIT;
}

enum step bw_conn_step_send(struct conn *conn)
{
	struct iovec parts[3];
	uint64_t burst = 0;

	conn->blocked = false;
	for (;;) {
		enum bw_wire_step step;
		size_t n;
		int count = answer_parts(conn, conn->x.sent, parts);

		if (count == 0)
			return conn->x.stream != NULL ? bw_conn_begin_stream(conn) : after_answer(conn);
		if (burst >= BW_HTTP_WRITE_BURST)
			return bw_conn_wait_to_send(
				conn); /* the socket says at once that it can go on: after the others */
		if (conn->wire.tls != NULL)
			count = gather_parts(conn->server, parts, count);
		step = bw_wire_write(&conn->wire, parts, count, &n);
		if (step == BW_WIRE_WANT_WRITE)
			return bw_conn_wait_to_send(conn);
		if (step != BW_WIRE_DONE)
			return STEP_CLOSE;
		conn->x.sent += n;
		conn->window_bytes += n;
		conn->server->stats.bytes_out += n;
		burst += n;
	}
}

enum step bw_conn_step_linger(struct conn *conn)
{
	while (conn->readable) {
		size_t n;
		const enum bw_wire_step step = bw_conn_read_some(conn, conn->server->scratch,
								 sizeof(conn->server->scratch), &n);

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
