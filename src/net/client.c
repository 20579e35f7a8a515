#include "net/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "codec/base64.h"
#include "crypto/tls.h"
#include "net/dial.h"
#include "net/wire.h"

enum { BODY_BYTES = 64 * 1024 };

struct bw_http_client {
	struct bw_url origin;
	char authority[BW_URL_AUTHORITY_BYTES];
	struct bw_http_client_options options;
	struct bw_wire wire; /* fd -1: not connected */
	uint64_t exchanges;  /* on this connection */
	uint64_t connections;
	uint64_t bytes_in;
	size_t len; /* bytes held */
	struct bw_http_response response;
	uint8_t bytes[BW_HTTP_HEAD_MAX + BODY_BYTES];
};

/* One exchange under way. */
struct talk {
	struct bw_http_client *client;
	const struct bw_http_ask *ask;
	struct bw_why *why;
	struct bw_dial_clock clock;
	struct bw_slice out; /* still to be sent: the head, then the body */
	bool body_sent;
	bool heard; /* a byte of the answer has come */
};

enum bw_err bw_http_client_new(const struct bw_url *origin, const struct bw_http_client_options *options,
			       struct bw_http_client **out)
{
	struct bw_http_client *client = calloc(1, sizeof(*client));

	BW_NEED(client != NULL, MEMORY);
	client->origin = *origin;
	client->options = *options;
	if (client->options.connect_ms == 0)
		client->options.connect_ms = 15000;
	if (client->options.stall_ms == 0)
		client->options.stall_ms = 60000;
	if (client->options.total_ms == 0)
		client->options.total_ms = 900000;
	client->wire.fd = -1;
	bw_url_authority(origin, client->authority);
	*out = client;
	return BW_OK;
}

static void disconnect(struct bw_http_client *client)
{
	if (client->wire.fd < 0)
		return;
	bw_wire_finish(&client->wire);
	bw_tls_free(client->wire.tls);
	close(client->wire.fd);
	client->wire = (struct bw_wire){ .fd = -1 };
	client->len = 0;
}

void bw_http_client_free(struct bw_http_client *client)
{
	if (client == NULL)
		return;
	disconnect(client);
	free(client);
}

static enum bw_err connect_if_needed(struct bw_http_client *client, struct bw_why *why)
{
	if (client->wire.fd >= 0)
		return BW_OK;
	if (client->origin.tls && client->options.tls == NULL)
		return bw_why_set(why, BW_ERR_UNSUPPORTED, "'%s' wants TLS, which is not set up here",
				  client->authority);
	BW_TRY(bw_dial(&client->origin, client->options.tls, client->options.connect_ms, &client->wire, why));
	client->exchanges = 0;
	client->connections++;
	client->len = 0;
	return BW_OK;
}

/* ---- waiting and sending ------------------------------------------------ */

static enum bw_err broke_off(struct talk *talk)
{
	return bw_why_set(talk->why, BW_ERR_CLOSED, "'%s' closed the connection %s", talk->client->authority,
			  talk->heard ? "in the middle of its answer" : "without an answer");
}

static enum bw_err wait_for(struct talk *talk, bool reading, bool writing)
{
	const enum bw_err err = bw_dial_wait(&talk->clock, talk->client->wire.fd, reading, writing);

	if (err == BW_ERR_TIMEOUT)
		return bw_why_set(talk->why, err, "'%s' took too long to answer", talk->client->authority);
	if (err != BW_OK)
		return bw_why_set(talk->why, err, "cannot wait for '%s'", talk->client->authority);
	return BW_OK;
}

static enum bw_err make_head(const struct bw_http_client *client, const struct bw_http_ask *ask, struct bw_buf *out)
{
	/* All at once: a buffer that grew would leave a copy of the credentials behind. */
	BW_TRY(bw_buf_reserve(out, out->max));
	BW_TRY(bw_buf_addf(out, "%s %.*s HTTP/1.1\r\nHost: %s\r\n", ask->method, BW_ARG(ask->target),
			   client->authority));
	BW_TRY(bw_buf_add(out, ask->headers));
	if (ask->has_body)
		BW_TRY(bw_buf_addf(out, "Content-Length: %zu\r\n", ask->body.len));
	return bw_buf_add_text(out, "\r\n");
}

/*
 * Sends until all is out, or an answer arrives early: a server that refuses a
 * body says so while it is still coming. A broken pipe is not the end either:
 * the refusal may be waiting to be read.
 */
static enum bw_err send_all(struct talk *talk)
{
	while (talk->out.len > 0) {
		struct iovec part = { .iov_base = (void *)(uintptr_t)talk->out.ptr, .iov_len = talk->out.len };
		size_t n;

		switch (bw_wire_write(&talk->client->wire, &part, 1, &n)) {
		case BW_WIRE_DONE:
			talk->out = bw_slice_from(talk->out, n);
			bw_dial_moved(&talk->clock);
			break;
		case BW_WIRE_WANT_READ:
		case BW_WIRE_WANT_WRITE:
			BW_TRY(wait_for(talk, true, true));
			if (bw_dial_is_readable(talk->client->wire.fd))
				return BW_OK;
			break;
		case BW_WIRE_END:
		case BW_WIRE_FAILED:
			return BW_OK;
		}
	}
	talk->body_sent = true;
	return BW_OK;
}

static enum bw_err send_request(struct talk *talk)
{
	/* Small bodies travel with the head: one packet, one TLS record. */
	enum { TOGETHER = 16 * 1024 };
	BW_CLEANUP(bw_buf_wipe) struct bw_buf head = BW_BUF_INIT(BW_HTTP_HEAD_MAX + TOGETHER);
	const bool together = talk->ask->has_body && talk->ask->body.len <= TOGETHER / 2;
	enum bw_err err = make_head(talk->client, talk->ask, &head);

	if (err == BW_OK && together)
		err = bw_buf_add(&head, talk->ask->body);
	if (err != BW_OK)
		return bw_why_set(talk->why, err, "the request for '%s' is too long", talk->client->authority);
	talk->out = bw_buf_slice(&head);
	BW_TRY(send_all(talk));
	if (!talk->body_sent || !talk->ask->has_body || together)
		return BW_OK;
	talk->body_sent = false;
	talk->out = talk->ask->body;
	return send_all(talk);
}

/* ---- receiving ---------------------------------------------------------- */

/* At least one byte more behind those held, or CLOSED when the server ended. */
static enum bw_err receive_some(struct talk *talk, size_t *out_n)
{
	struct bw_http_client *client = talk->client;
	bool more;

	for (;;) {
		switch (bw_wire_read(&client->wire, client->bytes + client->len, sizeof(client->bytes) - client->len,
				     out_n, &more)) {
		case BW_WIRE_DONE:
			client->len += *out_n;
			client->bytes_in += *out_n;
			talk->heard = true;
			bw_dial_moved(&talk->clock);
			return BW_OK;
		case BW_WIRE_WANT_READ:
			BW_TRY(wait_for(talk, true, false));
			break;
		case BW_WIRE_WANT_WRITE:
			BW_TRY(wait_for(talk, false, true));
			break;
		case BW_WIRE_END:
		case BW_WIRE_FAILED:
			return BW_ERR_CLOSED;
		}
	}
}

static enum bw_err receive_head(struct talk *talk)
{
	struct bw_http_client *client = talk->client;
	const bool was_head = strcmp(talk->ask->method, "HEAD") == 0;
	struct bw_fault fault = { 0 };
	size_t seen = 0;
	size_t n;

	for (;;) {
		enum bw_err err = BW_ERR_TRUNCATED;

		if (client->len > 0)
			err = bw_http_response_parse(bw_slice_of(client->bytes, client->len), was_head, &seen,
						     &client->response, &fault);
		if (err == BW_OK && client->response.status >= 200)
			return BW_OK;
		if (err == BW_OK) { /* 1xx: more is coming (RFC 9110 15.2) */
			client->len -= client->response.head.head_bytes;
			memmove(client->bytes, client->bytes + client->response.head.head_bytes, client->len);
			seen = 0;
			continue;
		}
		if (err != BW_ERR_TRUNCATED)
			return bw_why_set(talk->why, BW_ERR_PROTOCOL, "'%s' does not answer in HTTP: %s",
					  client->authority, fault.reason == NULL ? bw_err_text(err) : fault.reason);
		err = receive_some(talk, &n);
		if (err == BW_ERR_CLOSED)
			return broke_off(talk);
		BW_TRY(err);
	}
}

/* Hands out what is held of the body from `at` on; what is left behind is not part of it. */
static enum bw_err feed(struct talk *talk, struct bw_http_body *body, size_t at)
{
	struct bw_http_client *client = talk->client;
	struct bw_slice in = bw_slice_of(client->bytes + at, client->len - at);
	struct bw_fault fault = { 0 };
	struct bw_slice data;
	size_t used;

	while (in.len > 0 && !body->done) {
		const enum bw_err err = bw_http_body_take(body, in, &used, &data, &fault);

		if (err == BW_ERR_TOO_BIG)
			return bw_why_set(talk->why, err, "the answer of '%s' is larger than %llu bytes",
					  client->authority, (unsigned long long)talk->ask->answer_max);
		if (err != BW_OK)
			return bw_why_set(talk->why, BW_ERR_PROTOCOL, "the answer of '%s' is broken: %s",
					  client->authority, fault.reason == NULL ? bw_err_text(err) : fault.reason);
		if (data.len > 0 && talk->ask->on_body != NULL)
			BW_TRY(talk->ask->on_body(talk->ask->ctx, &client->response, data));
		in = bw_slice_from(in, used);
	}
	client->len = at + in.len;
	return BW_OK;
}

/* TLS knows whether the end was the server's or somebody's on the way (RFC 9112 9.8). */
static bool was_cut(const struct bw_http_client *client)
{
	return client->wire.tls != NULL && bw_tls_was_cut(client->wire.tls);
}

static enum bw_err receive_body(struct talk *talk)
{
	struct bw_http_client *client = talk->client;
	const size_t at = client->response.head.head_bytes;
	struct bw_http_body body;
	size_t n;

	if (bw_http_body_init(&body, &client->response.head, talk->ask->answer_max) != BW_OK)
		return bw_why_set(talk->why, BW_ERR_TOO_BIG, "the answer of '%s' is larger than %llu bytes",
				  client->authority, (unsigned long long)talk->ask->answer_max);
	BW_TRY(feed(talk, &body, at));
	while (!body.done) {
		const enum bw_err err = receive_some(talk, &n);

		if (err == BW_ERR_CLOSED && body.kind == BW_HTTP_BODY_UNTIL_CLOSE && !was_cut(client))
			return BW_OK;
		if (err == BW_ERR_CLOSED)
			return broke_off(talk);
		BW_TRY(err);
		BW_TRY(feed(talk, &body, at));
	}
	return BW_OK;
}

static bool may_go_on(const struct talk *talk)
{
	const struct bw_http_client *client = talk->client;
	const struct bw_http_head *head = &client->response.head;

	return talk->body_sent && head->keep_alive && head->body != BW_HTTP_BODY_UNTIL_CLOSE &&
	       client->len == head->head_bytes; /* nothing came that nobody asked for */
}

static enum bw_err exchange(struct talk *talk)
{
	struct bw_http_client *client = talk->client;
	enum bw_err err;

	client->len = 0;
	err = send_request(talk);
	if (err == BW_OK)
		err = receive_head(talk);
	if (err == BW_OK)
		err = receive_body(talk);
	if (err != BW_OK || !may_go_on(talk))
		disconnect(client);
	client->exchanges++;
	return err;
}

enum bw_err bw_http_client_ask(struct bw_http_client *client, const struct bw_http_ask *ask,
			       const struct bw_http_response **out, struct bw_why *why)
{
	for (int attempt = 0;; attempt++) {
		struct talk talk = { .client = client, .ask = ask, .why = why };
		bool was_used;
		enum bw_err err;

		BW_TRY(connect_if_needed(client, why));
		was_used = client->exchanges > 0;
		bw_dial_clock_start(&talk.clock, client->options.stall_ms, client->options.total_ms);
		err = exchange(&talk);
		if (err == BW_OK) {
			*out = &client->response;
			return BW_OK;
		}
		/* A server may close an idle connection just as we use it (RFC 9112 9.3.1). */
		if (err != BW_ERR_CLOSED || !was_used || talk.heard || !ask->may_repeat || attempt > 0)
			return err;
	}
}

const struct bw_tls *bw_http_client_tls(const struct bw_http_client *client)
{
	return client->wire.tls;
}

uint64_t bw_http_client_bytes_in(const struct bw_http_client *client)
{
	return client->bytes_in;
}

uint64_t bw_http_client_connections(const struct bw_http_client *client)
{
	return client->connections;
}

/* ---- credentials -------------------------------------------------------- */

static bool has_control(struct bw_slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
			return true;
	return false;
}

enum bw_err bw_http_basic(const char *user, struct bw_slice password, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf pair = BW_BUF_INIT(4096);

	BW_NEED(strchr(user, ':') == NULL && !has_control(bw_slice_text(user)) && !has_control(password), RANGE);
	BW_TRY(bw_buf_reserve(&pair, strlen(user) + 1 + password.len)); /* no copy of the secret stays behind */
	BW_TRY(bw_buf_addf(&pair, "%s:", user));
	BW_TRY(bw_buf_add(&pair, password));
	BW_TRY(bw_buf_reserve(out, 32 + pair.len * 4 / 3 + 4));
	BW_TRY(bw_buf_add_text(out, "Authorization: Basic "));
	BW_TRY(bw_base64_add(out, bw_buf_slice(&pair)));
	return bw_buf_add_text(out, "\r\n");
}

static bool is_token68(struct bw_slice token)
{
	for (size_t i = 0; i < token.len; i++)
		if (!bw_is_alnum(token.ptr[i]) && strchr("-._~+/=", token.ptr[i]) == NULL)
			return false;
	return token.len > 0;
}

enum bw_err bw_http_bearer(struct bw_slice token, struct bw_buf *out)
{
	BW_NEED(is_token68(token), RANGE);
	BW_TRY(bw_buf_reserve(out, 32 + token.len));
	BW_TRY(bw_buf_add_text(out, "Authorization: Bearer "));
	BW_TRY(bw_buf_add(out, token));
	return bw_buf_add_text(out, "\r\n");
}
