#include "accord/meet_child.h"

#include <stdio.h>
#include <unistd.h>

#include "accord/meet.h"
#include "base/secret.h"
#include "crypto/tls.h"
#include "net/client.h"
#include "net/server.h"
#include "sys/sandbox.h"

#define MEET_TYPE "Content-Type: application/octet-stream\r\n"

enum { CONNECTIONS = 16, OPEN_MAX = 16, WAIT_MS = 60000 };

/* ---- both ------------------------------------------------------------------ */

static enum bw_err say_failed(struct bw_channel *channel, enum bw_err err, const struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(2 * sizeof(*why));

	BW_TRY(bw_buf_add_be16(&body, (uint16_t)err));
	BW_TRY(bw_buf_add_text(&body, why->text[0] != 0 ? why->text : bw_err_text(err)));
	BW_TRY(bw_channel_send(channel, BW_MEET_SAYS_FAILED, bw_buf_slice(&body), -1, WAIT_MS));
	return err;
}

/* ---- host -------------------------------------------------------------------- */

struct host {
	struct bw_channel *channel;
	const char *path;
	struct bw_loop *loop;
	struct bw_http_server *server;
	struct bw_watch *watch;
	enum bw_err ended;
	struct visit {
		struct bw_exchange *x; /* NULL: free */
		struct bw_buf message;
	} visits[OPEN_MAX];
};

static void refuse(struct bw_exchange *x, unsigned status)
{
	struct bw_reply *reply;

	bw_exchange_close_after(x);
	if (bw_reply_new(status, bw_slice_empty, NULL, &reply) == BW_OK)
		bw_exchange_answer(x, reply);
	else
		bw_exchange_abort(x);
}

static void greet(struct bw_exchange *x)
{
	struct bw_reply *reply;

	if (bw_reply_new(200, BW_LIT(MEET_TYPE), NULL, &reply) == BW_OK)
		bw_exchange_answer(x, reply);
	else
		bw_exchange_abort(x);
}

static void on_head(void *ctx, struct bw_exchange *x)
{
	struct host *host = ctx;
	const struct bw_http_request *request = bw_exchange_head(x);

	bw_exchange_set_data(x, NULL);
	if (!bw_equal_ct(request->path, bw_slice_text(host->path))) { /* who scans for open ports, most likely */
		refuse(x, 404);
		return;
	}
	if (request->method == BW_HTTP_GET) { /* to be connected */
		greet(x);
		return;
	}
	if (request->method != BW_HTTP_POST) {
		refuse(x, 405);
		return;
	}
	for (size_t i = 0; i < BW_COUNT(host->visits); i++) {
		struct visit *visit = &host->visits[i];

		if (visit->x != NULL)
			continue;
		if (bw_exchange_receive(x, BW_MEET_MESSAGE_MAX) != BW_OK) {
			refuse(x, 413);
			return;
		}
		bw_buf_clear(&visit->message);
		visit->x = x;
		bw_exchange_set_data(x, visit);
		return;
	}
	refuse(x, 503);
}

static void on_body(void *ctx, struct bw_exchange *x, struct bw_slice bytes)
{
	struct visit *visit = bw_exchange_data(x);

	(void)ctx;
	if (visit != NULL && bw_buf_add(&visit->message, bytes) != BW_OK)
		bw_exchange_abort(x);
}

static enum bw_err hand_over(struct host *host, const struct visit *visit)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_MEET_MESSAGE_MAX + 64);
	uint8_t exported[BW_MEET_EXPORT_BYTES];

	BW_TRY(bw_tls_export(bw_exchange_tls(visit->x), BW_MEET_EXPORT_LABEL, exported, sizeof(exported)));
	BW_TRY(bw_buf_add_be64(&body, bw_exchange_id(visit->x)));
	BW_TRY(bw_buf_add(&body, bw_slice_of(exported, sizeof(exported))));
	BW_TRY(bw_buf_add(&body, bw_buf_slice(&visit->message)));
	return bw_channel_send(host->channel, BW_MEET_SAYS_HEARD, bw_buf_slice(&body), -1, WAIT_MS);
}

static void on_body_end(void *ctx, struct bw_exchange *x)
{
	struct visit *visit = bw_exchange_data(x);

	if (visit != NULL && hand_over(ctx, visit) != BW_OK)
		bw_exchange_abort(x);
}

static void on_end(void *ctx, struct bw_exchange *x, enum bw_exchange_end how)
{
	struct visit *visit = bw_exchange_data(x);

	(void)ctx;
	(void)how;
	if (visit != NULL)
		visit->x = NULL;
}

static enum bw_err take_answer(struct host *host, struct bw_slice body)
{
	struct bw_cursor c = bw_cursor_over(body);
	uint64_t id;

	BW_TRY(bw_take_be64(&c, &id));
	for (size_t i = 0; i < BW_COUNT(host->visits); i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf answer = BW_BUF_INIT(BW_MEET_MESSAGE_MAX);
		struct bw_exchange *x = host->visits[i].x;
		struct bw_reply *reply;

		if (x == NULL || bw_exchange_id(x) != id)
			continue;
		if (bw_cursor_left(&c) == 0) {
			refuse(x, 409);
			return BW_OK;
		}
		BW_TRY(bw_buf_add(&answer, bw_slice_from(body, sizeof(id))));
		BW_TRY(bw_reply_new(200, BW_LIT(MEET_TYPE), &answer, &reply));
		bw_exchange_answer(x, reply);
		return BW_OK;
	}
	return BW_OK; /* it has gone meanwhile */
}

static void on_parent(void *ctx, int fd, unsigned ready)
{
	struct host *host = ctx;
	struct bw_frame frame;
	enum bw_err err = bw_channel_fill(host->channel);

	(void)fd;
	(void)ready;
	while (err == BW_OK) {
		err = bw_channel_next(host->channel, &frame, NULL);
		if (err == BW_OK)
			err = frame.kind == BW_MEET_TELLS_ANSWER ? take_answer(host, frame.body) : BW_ERR_PROTOCOL;
	}
	if (err == BW_ERR_AGAIN)
		return;
	host->ended = err;
	bw_loop_stop(host->loop);
}

static enum bw_err open_host(struct host *host, const struct bw_meet_child_plan *plan, struct bw_tls_context *tls)
{
	static const struct bw_http_calls calls = {
		.on_head = on_head, .on_body = on_body, .on_body_end = on_body_end, .on_end = on_end
	};
	struct bw_http_limits limits = BW_HTTP_LIMITS_DEFAULT;

	limits.connections = CONNECTIONS;
	limits.connections_each = CONNECTIONS / 4;
	for (size_t i = 0; i < BW_COUNT(host->visits); i++)
		host->visits[i].message = BW_BUF_INIT(BW_MEET_MESSAGE_MAX);
	BW_TRY(bw_loop_new(&host->loop));
	BW_TRY(bw_http_server_new(host->loop, &limits, &calls, host, &host->server));
	BW_TRY(bw_http_server_listen(host->server, plan->listener, tls));
	return bw_watch_new(host->loop, bw_channel_fd(host->channel), BW_WATCH_READ, on_parent, host, &host->watch);
}

static enum bw_err run_host(struct bw_channel *channel, const struct bw_meet_child_plan *plan, struct bw_why *why)
{
	static const uint8_t none[BW_MEET_EXPORT_BYTES];
	const struct bw_tls_server_options options = { .cert_pem = plan->cert_pem,
						       .key_pem = plan->key_pem,
						       .hybrid_only = true };
	struct bw_sandbox_granted granted;
	struct bw_tls_context *tls;
	struct host host = { .channel = channel, .path = plan->path };

	BW_TRY(bw_tls_server_new(&options, &tls, why));
	explicit_bzero((void *)(uintptr_t)plan->key_pem.ptr, plan->key_pem.len);
	BW_TRY(open_host(&host, plan, tls));
	BW_TRY(bw_sandbox_enter(BW_MAY_ACCEPT, NULL, &granted, why));
	BW_TRY(bw_channel_send(channel, BW_MEET_SAYS_READY, bw_slice_of(none, sizeof(none)), -1, WAIT_MS));
	BW_TRY(bw_loop_run(host.loop));
	return host.ended; /* and the process with it: nothing is given back one by one */
}

/* ---- guest ---------------------------------------------------------------------- */

struct guest {
	struct bw_http_client *client;
	struct bw_slice path;
	struct bw_buf answer;
};

static enum bw_err keep_body(void *ctx, const struct bw_http_response *response, struct bw_slice bytes)
{
	struct guest *guest = ctx;

	(void)response;
	return bw_buf_add(&guest->answer, bytes);
}

/* Without a body: only to be connected. */
static enum bw_err ask(struct guest *guest, struct bw_slice message, struct bw_why *why)
{
	const struct bw_http_ask words = {
		.method = message.len > 0 ? "POST" : "GET",
		.target = guest->path,
		.headers = BW_LIT(MEET_TYPE),
		.has_body = message.len > 0,
		.body = message,
		.answer_max = BW_MEET_MESSAGE_MAX,
		.on_body = keep_body,
		.ctx = guest,
	};
	const uint64_t before = bw_http_client_connections(guest->client);
	const struct bw_http_response *response;

	bw_buf_clear(&guest->answer);
	BW_TRY(bw_http_client_ask(guest->client, &words, &response, why));
	if (response->status == 409)
		return bw_why_set(why, BW_ERR_DENIED,
				  "the other side refused: it meets somebody else, or its "
				  "invitation has ended");
	if (response->status != 200)
		return bw_why_set(why, BW_ERR_PROTOCOL, "what answers there is not an invitation (status %u)",
				  response->status);
	if (before > 0 && bw_http_client_connections(guest->client) != before)
		return bw_why_set(why, BW_ERR_CLOSED, "the connection was broken off; begin again");
	return BW_OK;
}

static enum bw_err export(const struct guest *guest, uint8_t out[BW_MEET_EXPORT_BYTES]) {
	const struct bw_tls *tls = bw_http_client_tls(guest->client);

	BW_NEED(tls != NULL, CLOSED);
	return bw_tls_export(tls, BW_MEET_EXPORT_LABEL, out, BW_MEET_EXPORT_BYTES);
}

static enum bw_err serve_parent(struct bw_channel *channel, struct guest *guest, struct bw_why *why)
{
	for (;;) {
		struct bw_frame frame;

		BW_TRY(bw_channel_receive(channel, &frame, NULL, -1));
		BW_NEED(frame.kind == BW_MEET_TELLS_ASK && frame.body.len > 0, PROTOCOL);
		BW_TRY(ask(guest, frame.body, why));
		BW_TRY(bw_channel_send(channel, BW_MEET_SAYS_HEARD, bw_buf_slice(&guest->answer), -1, WAIT_MS));
	}
}

static enum bw_err run_guest(struct bw_channel *channel, const struct bw_meet_child_plan *plan, struct bw_why *why)
{
	const struct bw_tls_client_options trust = { .any_server = true, .hybrid_only = true };
	struct bw_http_client_options options = { 0 };
	struct guest guest = { .path = bw_slice_text(plan->host->target), .answer = BW_BUF_INIT(BW_MEET_MESSAGE_MAX) };
	uint8_t exported[BW_MEET_EXPORT_BYTES];
	struct bw_sandbox_granted granted;

	BW_TRY(bw_tls_client_new(&trust, &options.tls, why));
	BW_TRY(bw_http_client_new(plan->host, &options, &guest.client));
	BW_TRY(bw_sandbox_enter(BW_MAY_CONNECT, NULL, &granted, why));
	BW_TRY(ask(&guest, bw_slice_empty, why));
	BW_TRY(export(&guest, exported));
	BW_TRY(bw_channel_send(channel, BW_MEET_SAYS_READY, bw_slice_of(exported, sizeof(exported)), -1, WAIT_MS));
	return serve_parent(channel, &guest, why);
}

enum bw_err bw_meet_child_run(struct bw_channel *channel, const struct bw_meet_child_plan *plan)
{
	struct bw_why why = { 0 };
	const enum bw_err err = plan->listener >= 0 ? run_host(channel, plan, &why) : run_guest(channel, plan, &why);

	/* CLOSED without words: the parent is gone */
	return err == BW_OK || (err == BW_ERR_CLOSED && why.text[0] == 0) ? err : say_failed(channel, err, &why);
}
