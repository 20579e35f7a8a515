#include "net/conn_steps.h"

#include <stdlib.h>
#include <unistd.h>

#include "crypto/tls.h"

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

void bw_conn_end_exchange(struct conn *conn, enum bw_exchange_end how)
{
	struct bw_http_server *server = conn->server;

	if (conn->x.active) {
		server->stats.in_flight--;
		server->calls.on_end(server->ctx, &conn->x, how);
		conn->x.active = false;
	}
	bw_conn_drop_stream(conn);
	bw_reply_drop(conn->x.reply);
	conn->x.reply = NULL;
}

/* The server answers by itself, an exchange being open or not. */
void bw_conn_refuse(struct conn *conn, unsigned status, const char *reason)
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
enum bw_wire_step bw_conn_read_some(struct conn *conn, uint8_t *out, size_t max, size_t *out_len)
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
enum step bw_conn_fill_work(struct conn *conn)
{
	struct work *work = conn->work;
	size_t n;

	if (!conn->readable || work->len == sizeof(work->bytes))
		return STEP_WAIT;
	switch (bw_conn_read_some(conn, work->bytes + work->len, sizeof(work->bytes) - work->len, &n)) {
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
		step = bw_conn_fill_work(conn);
		return step == STEP_WAIT ? wait_for_head(conn) : step;
	}
	if (err != BW_OK) {
		bw_conn_refuse(conn, bw_http_status_of(err), fault.reason);
		return STEP_ON;
	}
	work->at = work->request.head.head_bytes;
	begin_exchange(conn);
	return STEP_ON;
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
		return bw_conn_step_owner(conn);
	case CONN_CONTINUE:
		return bw_conn_step_continue(conn);
	case CONN_BODY:
		return bw_conn_step_body(conn);
	case CONN_SEND:
		return bw_conn_step_send(conn);
	case CONN_LINGER:
		return bw_conn_step_linger(conn);
	case CONN_STREAM:
		return bw_conn_step_stream(conn);
	}
	return STEP_CLOSE;
}

static unsigned wanted_readiness(const struct conn *conn)
{
	const struct work *work = conn->work;
	unsigned wants = BW_WATCH_READ;

	if (conn->ended || conn->state == CONN_SEND || conn->state == CONN_CONTINUE ||
	    (conn->state == CONN_STREAM && conn->blocked))
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
			bw_conn_refuse(conn, 408, "the body came too slowly");
		break;
	case DEADLINE_SEND:
		if ((conn->state == CONN_SEND || conn->state == CONN_STREAM) &&
		    conn->window_bytes >= conn->server->limits.write_window_bytes) {
			bw_conn_set_deadline(conn, DEADLINE_SEND);
			return;
		}
		conn->x.aborted = true;
		break;
	case DEADLINE_OWNER:
		if (conn->state == CONN_OWNER)
			bw_conn_refuse(conn, 503, "no answer in time");
		break;
	case DEADLINE_HEAD:
		if (conn->work != NULL && conn->work->len > 0)
			bw_conn_refuse(conn, 408, "the request's head came too slowly");
		else
			conn->x.aborted = true;
		break;
	case DEADLINE_IDLE:
	case DEADLINE_LINGER:
		bw_wire_finish(&conn->wire);
		conn->x.aborted = true;
		break;
	case DEADLINE_STREAM:
		bw_conn_finish_stream(conn);
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
	bw_conn_end_exchange(conn, BW_EXCHANGE_GONE);
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
