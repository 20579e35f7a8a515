#include "net/errand.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/tls.h"
#include "net/sockaddr.h"
#include "net/wire.h"

enum {
	READ_BYTES = 64 * 1024,
	READS_A_TURN = 16, /* then others get theirs */
	CONNECT_MS = 15000,
	STALL_MS = 60000,
	AUTHORITY_BYTES = 300,
	HEAD_BYTES_MAX = 16 * 1024,
	SPARE_MS = 10000, /* how long a connection may have rested: well below what servers allow */
};

enum stage { CONNECTING, SHAKING, SENDING, HEAD, BODY, OVER };

struct bw_errand {
	struct bw_loop *loop;
	struct bw_watch *watch; /* NULL: no socket */
	struct bw_timer *timer;
	struct bw_errand_calls calls;
	void *ctx;
	struct bw_tls_context *context;
	struct bw_wire wire;
	enum stage stage;
	struct bw_net_address addresses[BW_ERRAND_ADDRESSES_MAX];
	size_t address_count;
	size_t next; /* address to try */
	char host[AUTHORITY_BYTES];
	char authority[AUTHORITY_BYTES];
	bool was_head;
	bool held;
	bool is_spare;  /* another errand's connection: it may be gone */
	bool said_more; /* than its answer */
	struct bw_errand_spare *spare;
	uint32_t connect_ms;
	uint32_t stall_ms;
	uint64_t moved_ms; /* when a byte last moved */
	struct bw_buf out; /* the request */
	size_t sent;
	uint64_t answer_max;
	size_t seen;
	size_t len;
	struct bw_http_response response;
	struct bw_http_body body;
	struct bw_why why;
	uint8_t bytes[BW_HTTP_HEAD_MAX + READ_BYTES];
};

/* ---- ending ---------------------------------------------------------------------- */

static void hang_up(struct bw_errand *e)
{
	bw_watch_free(e->watch);
	e->watch = NULL;
	if (e->wire.fd >= 0) {
		if (e->stage >= SENDING)
			bw_wire_finish(&e->wire);
		bw_tls_free(e->wire.tls);
		(void)close(e->wire.fd);
	}
	e->wire = (struct bw_wire){ .fd = -1 };
}

void bw_errand_spare_drop(struct bw_errand_spare *spare)
{
	struct bw_wire wire = { .fd = spare->fd, .tls = spare->tls };

	*spare = BW_ERRAND_SPARE_NONE;
	if (wire.fd < 0)
		return;
	bw_wire_finish(&wire);
	bw_tls_free(wire.tls);
	(void)close(wire.fd);
}

/* The answer is whole: the connection may serve the next. */
static void leave_spare(struct bw_errand *e)
{
	if (e->spare == NULL || e->spare->fd >= 0 || !e->response.head.keep_alive || e->said_more ||
	    (e->wire.tls != NULL && bw_tls_has_pending(e->wire.tls)))
		return;
	bw_watch_free(e->watch);
	e->watch = NULL;
	*e->spare = (struct bw_errand_spare){ e->wire.fd, e->wire.tls, bw_loop_now_ms() };
	e->wire = (struct bw_wire){ .fd = -1 };
}

/* on_end may free the errand: nothing touches it afterwards. */
static void end(struct bw_errand *e, enum bw_err err)
{
	hang_up(e);
	bw_timer_cancel(e->timer);
	e->stage = OVER;
	e->calls.on_end(e->ctx, err, &e->why);
}

static void want(struct bw_errand *e, unsigned what)
{
	/* fails only for a closed fd, which the next read shows */
	bw_err_drop(bw_watch_set(e->watch, what));
}

/* ---- connecting ---------------------------------------------------------------------- */

static void on_ready(void *ctx, int fd, unsigned ready);

/* A stream may say nothing for an hour: the kernels ask each other whether the line still stands. */
static void set_options(int fd)
{
	static const struct {
		int level;
		int name;
		int value;
	} rows[] = { { IPPROTO_TCP, TCP_NODELAY, 1 },
		     { SOL_SOCKET, SO_KEEPALIVE, 1 },
		     { IPPROTO_TCP, TCP_KEEPIDLE, 30 },
		     { IPPROTO_TCP, TCP_KEEPINTVL, 10 },
		     { IPPROTO_TCP, TCP_KEEPCNT, 3 } };

	for (size_t i = 0; i < BW_COUNT(rows); i++)
		(void)setsockopt(fd, rows[i].level, rows[i].name, &rows[i].value, sizeof(rows[i].value));
}

static enum bw_err try_address(struct bw_errand *e, const struct bw_net_address *address)
{
	struct sockaddr_storage where;
	const socklen_t len = bw_net_address_to(address, &where);
	const int fd = socket(where.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	enum bw_err err;

	if (fd < 0)
		return bw_err_from_errno(errno);
	e->wire = (struct bw_wire){ .fd = fd };
	set_options(fd);
	if (connect(fd, (const struct sockaddr *)&where, len) != 0 && errno != EINPROGRESS)
		err = bw_err_from_errno(errno);
	else
		err = bw_watch_new(e->loop, fd, BW_WATCH_WRITE, on_ready, e, &e->watch);
	if (err != BW_OK)
		hang_up(e);
	return err;
}

/* The next address that can be tried; without one it is over. */
static void connect_next(struct bw_errand *e, enum bw_err last)
{
	while (e->next < e->address_count) {
		last = try_address(e, &e->addresses[e->next++]);
		if (last != BW_OK)
			continue;
		e->stage = CONNECTING;
		bw_timer_set(e->timer, e->connect_ms);
		return;
	}
	if (e->why.text[0] == '\0')
		last = bw_why_set(&e->why, last == BW_ERR_SYSTEM ? BW_ERR_CLOSED : last, "cannot connect to '%s': %s",
				  e->authority, last == BW_ERR_SYSTEM ? "refused" : bw_err_text(last));
	end(e, last);
}

static void give_address_up(struct bw_errand *e, enum bw_err err)
{
	hang_up(e);
	connect_next(e, err);
}

static void start(struct bw_errand *e)
{
	e->why.text[0] = '\0';
	e->stage = SENDING;
	e->moved_ms = bw_loop_now_ms();
	bw_timer_set(e->timer, e->stall_ms);
	want(e, BW_WATCH_WRITE);
}

/* Whoever has something to say on a resting connection says goodbye. */
static bool still_stands(const struct bw_errand_spare *spare)
{
	uint8_t byte;

	return bw_loop_now_ms() - spare->left_ms < SPARE_MS &&
	       recv(spare->fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* True: it goes on with what another has left. */
static bool take_spare(struct bw_errand *e)
{
	if (e->spare == NULL || e->spare->fd < 0)
		return false;
	if (!still_stands(e->spare) ||
	    bw_watch_new(e->loop, e->spare->fd, BW_WATCH_WRITE, on_ready, e, &e->watch) != BW_OK) {
		bw_errand_spare_drop(e->spare);
		return false;
	}
	e->wire = (struct bw_wire){ .fd = e->spare->fd, .tls = e->spare->tls };
	*e->spare = BW_ERRAND_SPARE_NONE;
	e->is_spare = true;
	start(e);
	return true;
}

/* It was gone after all, and nothing was answered: once more, with a connection of its own. */
static bool goes_again(struct bw_errand *e)
{
	if (!e->is_spare || e->stage != HEAD || e->len > 0)
		return false;
	e->is_spare = false;
	e->sent = 0;
	hang_up(e);
	connect_next(e, BW_ERR_NOT_FOUND);
	return true;
}

static void shake_hands(struct bw_errand *e)
{
	switch (bw_wire_handshake(&e->wire)) {
	case BW_WIRE_DONE:
		start(e);
		return;
	case BW_WIRE_WANT_READ:
		want(e, BW_WATCH_READ);
		return;
	case BW_WIRE_WANT_WRITE:
		want(e, BW_WATCH_WRITE);
		return;
	case BW_WIRE_END:
	case BW_WIRE_FAILED:
		break;
	}
	/* who is there but not to be trusted is not there under another address either */
	end(e, bw_why_set(&e->why, BW_ERR_SIGNATURE, "no TLS with '%s': %s", e->authority, bw_tls_why(e->wire.tls)));
}

static void connected(struct bw_errand *e)
{
	int failed = 0;
	socklen_t len = sizeof(failed);
	enum bw_err err;

	if (getsockopt(e->wire.fd, SOL_SOCKET, SO_ERROR, &failed, &len) != 0)
		failed = errno;
	if (failed != 0) {
		err = bw_err_from_errno(failed);
		err = bw_why_set(&e->why, err == BW_ERR_SYSTEM ? BW_ERR_CLOSED : err, "cannot connect to '%s': %s",
				 e->authority, strerror(failed));
		give_address_up(e, err);
		return;
	}
	if (e->context == NULL) {
		start(e);
		return;
	}
	err = bw_tls_connect(e->context, e->wire.fd, e->host, &e->wire.tls);
	if (err != BW_OK) {
		end(e, bw_why_set(&e->why, err, "cannot start TLS with '%s': %s", e->authority, bw_err_text(err)));
		return;
	}
	e->stage = SHAKING;
	shake_hands(e);
}

/* ---- sending ---------------------------------------------------------------------------- */

static void send_some(struct bw_errand *e)
{
	while (e->sent < e->out.len) {
		struct iovec part = { e->out.ptr + e->sent, e->out.len - e->sent };
		size_t n = 0;

		switch (bw_wire_write(&e->wire, &part, 1, &n)) {
		case BW_WIRE_DONE:
			e->sent += n;
			e->moved_ms = bw_loop_now_ms();
			break;
		case BW_WIRE_WANT_READ:
			want(e, BW_WATCH_READ);
			return;
		case BW_WIRE_WANT_WRITE:
			want(e, BW_WATCH_WRITE);
			return;
		case BW_WIRE_END:
		case BW_WIRE_FAILED:
			e->sent = e->out.len; /* it may have refused, and said why */
			break;
		}
	}
	if (!e->is_spare)
		bw_buf_release(&e->out);
	e->stage = HEAD;
	want(e, BW_WATCH_READ);
}

/* ---- receiving ------------------------------------------------------------------------------ */

static enum bw_err not_http(struct bw_errand *e, const struct bw_fault *fault, enum bw_err err)
{
	return bw_why_set(&e->why, BW_ERR_PROTOCOL, "'%s' does not answer in HTTP: %s", e->authority,
			  fault->reason == NULL ? bw_err_text(err) : fault->reason);
}

/* Hands out what is held of the body. */
static enum bw_err take_body(struct bw_errand *e)
{
	struct bw_slice in = bw_slice_of(e->bytes, e->len);
	struct bw_fault fault = { 0 };
	struct bw_slice data;
	size_t used;

	while (in.len > 0 && !e->body.done) {
		const enum bw_err err = bw_http_body_take(&e->body, in, &used, &data, &fault);

		if (err == BW_ERR_TOO_BIG)
			return bw_why_set(&e->why, err, "the answer of '%s' is larger than %llu bytes", e->authority,
					  (unsigned long long)e->answer_max);
		if (err != BW_OK)
			return not_http(e, &fault, err);
		if (data.len > 0 && e->calls.on_body != NULL)
			BW_TRY(e->calls.on_body(e->ctx, data));
		in = bw_slice_from(in, used);
	}
	e->said_more = in.len > 0;
	e->len = 0;
	return BW_OK;
}

/* AGAIN: the head is not whole. 1xx heads are passed over (RFC 9110 §15.2). */
static enum bw_err take_head(struct bw_errand *e)
{
	for (;;) {
		struct bw_fault fault = { 0 };
		enum bw_err err = e->len == 0 ? BW_ERR_TRUNCATED
					      : bw_http_response_parse(bw_slice_of(e->bytes, e->len), e->was_head,
								       &e->seen, &e->response, &fault);
		size_t head;

		if (err == BW_ERR_TRUNCATED)
			return BW_ERR_AGAIN;
		if (err != BW_OK)
			return not_http(e, &fault, err);
		head = e->response.head.head_bytes;
		if (e->response.status >= 200) {
			if (bw_http_body_init(&e->body, &e->response.head, e->answer_max) != BW_OK)
				return bw_why_set(&e->why, BW_ERR_TOO_BIG, "the answer of '%s' is too large",
						  e->authority);
			/* its slices borrow from the bytes that move next */
			if (e->calls.on_head != NULL)
				BW_TRY(e->calls.on_head(e->ctx, &e->response));
		}
		e->len -= head;
		memmove(e->bytes, e->bytes + head, e->len);
		e->seen = 0;
		if (e->response.status >= 200)
			break;
	}
	e->stage = BODY;
	return BW_OK;
}

static enum bw_err take_bytes(struct bw_errand *e)
{
	if (e->stage == HEAD)
		BW_TRY(take_head(e));
	return take_body(e);
}

/* Nothing more comes: is what came all? TLS knows whether the end was the server's (RFC 9112 §9.8). */
static enum bw_err at_close(struct bw_errand *e)
{
	if (e->stage == BODY && (e->body.done || (e->body.kind == BW_HTTP_BODY_UNTIL_CLOSE &&
						  (e->wire.tls == NULL || !bw_tls_was_cut(e->wire.tls)))))
		return BW_OK;
	return bw_why_set(&e->why, BW_ERR_CLOSED, "'%s' closed the connection %s", e->authority,
			  e->stage == BODY ? "in the middle of its answer" : "without an answer");
}

/* True: the errand is over, and may be gone. */
static bool receive_once(struct bw_errand *e, bool *more)
{
	enum bw_err err;
	size_t n = 0;

	*more = false;
	switch (bw_wire_read(&e->wire, e->bytes + e->len, sizeof(e->bytes) - e->len, &n, more)) {
	case BW_WIRE_DONE:
		e->len += n;
		e->moved_ms = bw_loop_now_ms();
		err = take_bytes(e);
		if (err == BW_OK && e->stage == BODY && e->body.done) {
			leave_spare(e);
			end(e, BW_OK);
			return true;
		}
		if (err == BW_OK || (err == BW_ERR_AGAIN && e->stage == HEAD && e->len < sizeof(e->bytes)))
			return false;
		end(e, err);
		return true;
	case BW_WIRE_WANT_READ:
		want(e, e->held ? BW_WATCH_NONE : BW_WATCH_READ);
		return false;
	case BW_WIRE_WANT_WRITE:
		want(e, BW_WATCH_WRITE);
		return false;
	case BW_WIRE_END:
	case BW_WIRE_FAILED:
		break;
	}
	if (!goes_again(e))
		end(e, at_close(e));
	return true;
}

static void receive_some(struct bw_errand *e)
{
	bool more = true;

	for (int i = 0; i < READS_A_TURN && more && !e->held; i++) {
		if (receive_once(e, &more))
			return;
	}
	want(e, e->held ? BW_WATCH_NONE : BW_WATCH_READ);
	/* bytes that TLS holds wake nobody */
	if (more && !e->held)
		bw_timer_set(e->timer, 0);
}

static void on_ready(void *ctx, int fd, unsigned ready)
{
	struct bw_errand *e = ctx;

	(void)fd;
	(void)ready;
	switch (e->stage) {
	case CONNECTING:
		connected(e);
		return;
	case SHAKING:
		shake_hands(e);
		return;
	case SENDING:
		send_some(e);
		return;
	case HEAD:
	case BODY:
		receive_some(e);
		return;
	case OVER:
		return;
	}
}

/* ---- time --------------------------------------------------------------------------------- */

static void on_timer(void *ctx)
{
	struct bw_errand *e = ctx;
	const uint64_t still_ms = bw_loop_now_ms() - e->moved_ms;

	if (e->stage == OVER)
		return;
	if (e->stage == CONNECTING && e->watch == NULL) {
		if (!take_spare(e))
			connect_next(e, BW_ERR_NOT_FOUND);
	} else if (e->stage == CONNECTING || e->stage == SHAKING) {
		give_address_up(e, bw_why_set(&e->why, BW_ERR_TIMEOUT, "'%s' does not answer", e->authority));
	} else if (!e->held && still_ms >= e->stall_ms) {
		end(e, bw_why_set(&e->why, BW_ERR_TIMEOUT, "'%s' took too long to answer", e->authority));
	} else {
		bw_timer_set(e->timer, e->held ? e->stall_ms : e->stall_ms - still_ms);
		if (!e->held && e->stage >= HEAD && e->wire.tls != NULL && bw_tls_has_pending(e->wire.tls))
			receive_some(e);
	}
}

/* ---- life ------------------------------------------------------------------------------------ */

static enum bw_err write_request(struct bw_errand *e, const struct bw_errand_plan *plan)
{
	BW_TRY(bw_buf_addf(&e->out, "%s %.*s HTTP/1.1\r\nHost: %s\r\n", plan->method, BW_ARG(plan->target),
			   e->authority));
	BW_TRY(bw_buf_add(&e->out, plan->headers));
	if (plan->spare == NULL)
		BW_TRY(bw_buf_add_text(&e->out, "Connection: close\r\n"));
	if (plan->has_body)
		BW_TRY(bw_buf_addf(&e->out, "Content-Length: %zu\r\n", plan->body.len));
	BW_TRY(bw_buf_add_text(&e->out, "\r\n"));
	return plan->has_body ? bw_buf_add(&e->out, plan->body) : BW_OK;
}

static enum bw_err fill(struct bw_errand *e, const struct bw_errand_plan *plan)
{
	BW_NEED(plan->address_count <= BW_ERRAND_ADDRESSES_MAX, TOO_MANY);
	BW_NEED(strlen(plan->host) < sizeof(e->host) && strlen(plan->authority) < sizeof(e->authority), TOO_BIG);
	(void)snprintf(e->host, sizeof(e->host), "%s", plan->host);
	(void)snprintf(e->authority, sizeof(e->authority), "%s", plan->authority);
	e->address_count = plan->address_count;
	for (size_t i = 0; i < plan->address_count; i++)
		e->addresses[i] = plan->addresses[i];
	e->context = plan->tls;
	e->spare = plan->spare;
	e->was_head = strcmp(plan->method, "HEAD") == 0;
	e->answer_max = plan->answer_max;
	e->connect_ms = plan->connect_ms == 0 ? CONNECT_MS : plan->connect_ms;
	e->stall_ms = plan->stall_ms == 0 ? STALL_MS : plan->stall_ms;
	e->out = BW_BUF_INIT(HEAD_BYTES_MAX + plan->body.len);
	BW_TRY(write_request(e, plan));
	BW_TRY(bw_timer_new(e->loop, on_timer, e, &e->timer));
	bw_timer_set(e->timer, 0);
	return BW_OK;
}

enum bw_err bw_errand_new(struct bw_loop *loop, const struct bw_errand_plan *plan, const struct bw_errand_calls *calls,
			  void *ctx, struct bw_errand **out)
{
	struct bw_errand *e = calloc(1, sizeof(*e));
	enum bw_err err;

	BW_NEED(e != NULL, MEMORY);
	e->loop = loop;
	e->calls = *calls;
	e->ctx = ctx;
	e->wire.fd = -1;
	err = fill(e, plan);
	if (err != BW_OK) {
		bw_errand_free(e);
		return err;
	}
	*out = e;
	return BW_OK;
}

void bw_errand_free(struct bw_errand *e)
{
	if (e == NULL)
		return;
	hang_up(e);
	bw_timer_free(e->timer);
	bw_buf_release(&e->out);
	free(e);
}

void bw_errand_hold(struct bw_errand *e, bool hold)
{
	if (e->held == hold)
		return;
	e->held = hold;
	e->moved_ms = bw_loop_now_ms();
	if (e->watch == NULL || (e->stage != HEAD && e->stage != BODY))
		return;
	want(e, hold ? BW_WATCH_NONE : BW_WATCH_READ);
	if (!hold)
		bw_timer_set(e->timer, 0); /* what TLS holds already */
}

const struct bw_tls *bw_errand_tls(const struct bw_errand *e)
{
	return e->wire.tls;
}
