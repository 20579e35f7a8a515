/* The body of a request, on its way from the connection to the owner. */
#include <assert.h>

#include "net/conn_steps.h"

static const char continue_text[] = "HTTP/1.1 100 Continue\r\n\r\n";

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
			bw_conn_refuse(conn, bw_http_body_status_of(err), fault.reason);
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

	switch (bw_conn_read_some(conn, conn->server->scratch, body_room(conn), &n)) {
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

enum step bw_conn_step_body(struct conn *conn)
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

enum step bw_conn_step_continue(struct conn *conn)
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
