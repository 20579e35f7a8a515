#include "net/follow.h"

#include <stdlib.h>
#include <unistd.h>

#include "crypto/tls.h"
#include "net/dial.h"
#include "net/wire.h"

enum { PIECE_BYTES = 64 * 1024, ASK_MS = 5000 };

struct bw_follow {
	struct bw_wire wire; /* fd -1: not connected */
	char authority[BW_URL_AUTHORITY_BYTES];
	struct bw_http_response answer; /* borrows from `head` */
	struct bw_http_body body;
	size_t seen;
	size_t len;
	bool has_answer;
	bool wants_write;
	uint8_t head[BW_HTTP_HEAD_MAX];
	uint8_t bytes[PIECE_BYTES];
};

void bw_follow_free(struct bw_follow *follow)
{
	if (follow == NULL)
		return;
	if (follow->wire.fd >= 0) {
		bw_wire_finish(&follow->wire);
		bw_tls_free(follow->wire.tls);
		close(follow->wire.fd);
	}
	free(follow);
}

int bw_follow_fd(const struct bw_follow *follow)
{
	return follow->wire.fd;
}

bool bw_follow_wants_write(const struct bw_follow *follow)
{
	return follow->wants_write;
}

/* ---- asking ------------------------------------------------------------------- */

static enum bw_err send_all(struct bw_follow *follow, struct bw_slice bytes, struct bw_why *why)
{
	struct bw_dial_clock clock;

	bw_dial_clock_start(&clock, ASK_MS, ASK_MS);
	while (bytes.len > 0) {
		struct iovec part = { .iov_base = (void *)(uintptr_t)bytes.ptr, .iov_len = bytes.len };
		size_t n = 0;

		switch (bw_wire_write(&follow->wire, &part, 1, &n)) {
		case BW_WIRE_DONE:
			bytes = bw_slice_from(bytes, n);
			break;
		case BW_WIRE_WANT_READ:
		case BW_WIRE_WANT_WRITE:
			if (bw_dial_wait(&clock, follow->wire.fd, false, true) != BW_OK)
				return bw_why_set(why, BW_ERR_TIMEOUT, "'%s' takes no question", follow->authority);
			break;
		case BW_WIRE_END:
		case BW_WIRE_FAILED:
			return bw_why_set(why, BW_ERR_CLOSED, "'%s' closed the connection", follow->authority);
		}
	}
	return BW_OK;
}

static enum bw_err ask(struct bw_follow *follow, const struct bw_url *url, struct bw_slice headers,
		       const struct bw_slice *body, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf head = BW_BUF_INIT(BW_HTTP_HEAD_MAX);
	/* all at once: a buffer that grew would leave a copy of the credentials behind */
	enum bw_err err = bw_buf_reserve(&head, head.max);

	if (err == BW_OK)
		err = bw_buf_addf(&head, "%s %s HTTP/1.1\r\nHost: %s\r\n", body == NULL ? "GET" : "POST", url->target,
				  follow->authority);
	if (err == BW_OK && body != NULL)
		err = bw_buf_addf(&head, "Content-Length: %zu\r\n", body->len);
	if (err == BW_OK)
		err = bw_buf_add(&head, headers);
	if (err == BW_OK)
		err = bw_buf_add_text(&head, "\r\n");
	if (err != BW_OK)
		return bw_why_set(why, err, "the question for '%s' is too long", follow->authority);
	BW_TRY(send_all(follow, bw_buf_slice(&head), why));
	return body == NULL ? BW_OK : send_all(follow, *body, why);
}

static enum bw_err begin(const struct bw_url *url, struct bw_tls_context *tls, struct bw_slice headers,
			 const struct bw_slice *body, uint32_t connect_ms, struct bw_follow **out, struct bw_why *why)
{
	struct bw_follow *follow = calloc(1, sizeof(*follow));
	enum bw_err err;

	BW_NEED(follow != NULL, MEMORY);
	follow->wire.fd = -1;
	bw_url_authority(url, follow->authority);
	if (url->tls && tls == NULL)
		err = bw_why_set(why, BW_ERR_UNSUPPORTED, "'%s' wants TLS, which is not set up here",
				 follow->authority);
	else
		err = bw_dial(url, tls, connect_ms, &follow->wire, why);
	if (err == BW_OK)
		err = ask(follow, url, headers, body, why);
	if (err != BW_OK) {
		bw_follow_free(follow);
		return err;
	}
	*out = follow;
	return BW_OK;
}

enum bw_err bw_follow_open(const struct bw_url *url, struct bw_tls_context *tls, struct bw_slice headers,
			   uint32_t connect_ms, struct bw_follow **out, struct bw_why *why)
{
	return begin(url, tls, headers, NULL, connect_ms, out, why);
}

enum bw_err bw_follow_post(const struct bw_url *url, struct bw_tls_context *tls, struct bw_slice headers,
			   struct bw_slice body, uint32_t connect_ms, struct bw_follow **out, struct bw_why *why)
{
	return begin(url, tls, headers, &body, connect_ms, out, why);
}

bool bw_follow_is_whole(const struct bw_follow *follow)
{
	return follow->has_answer && follow->body.done;
}

/* ---- listening ------------------------------------------------------------------ */

/* CLOSED, AGAIN, or at least one byte. */
static enum bw_err receive(struct bw_follow *follow, uint8_t *at, size_t room, size_t *out_n)
{
	bool more;

	follow->wants_write = false;
	switch (bw_wire_read(&follow->wire, at, room, out_n, &more)) {
	case BW_WIRE_DONE:
		return BW_OK;
	case BW_WIRE_WANT_WRITE:
		follow->wants_write = true;
		return BW_ERR_AGAIN;
	case BW_WIRE_WANT_READ:
		return BW_ERR_AGAIN;
	default:
		return BW_ERR_CLOSED;
	}
}

static enum bw_err feed(struct bw_follow *follow, struct bw_slice in, bw_follow_fn *on_body, void *ctx,
			struct bw_why *why)
{
	struct bw_slice data;
	size_t used;

	while (in.len > 0 && !follow->body.done) {
		if (bw_http_body_take(&follow->body, in, &used, &data, NULL) != BW_OK)
			return bw_why_set(why, BW_ERR_PROTOCOL, "the answer of '%s' is broken", follow->authority);
		if (data.len > 0)
			BW_TRY(on_body(ctx, &follow->answer, data));
		in = bw_slice_from(in, used);
	}
	return follow->body.done ? bw_why_set(why, BW_ERR_CLOSED, "'%s' ended its answer", follow->authority) : BW_OK;
}

static enum bw_err not_http(const struct bw_follow *follow, struct bw_why *why)
{
	return bw_why_set(why, BW_ERR_PROTOCOL, "'%s' does not answer in HTTP", follow->authority);
}

static void drop_interim(struct bw_follow *follow)
{
	const size_t n = follow->answer.head.head_bytes;

	follow->len -= n;
	memmove(follow->head, follow->head + n, follow->len);
	follow->seen = 0;
}

/* What came so far is parsed; more is read until the head is there. */
static enum bw_err take_head(struct bw_follow *follow, struct bw_why *why)
{
	for (;;) {
		enum bw_err err = BW_ERR_TRUNCATED;
		size_t n;

		if (follow->len > 0)
			err = bw_http_response_parse(bw_slice_of(follow->head, follow->len), false, &follow->seen,
						     &follow->answer, NULL);
		if (err == BW_OK && follow->answer.status >= 200)
			return BW_OK;
		if (err == BW_OK) { /* 1xx: more is coming (RFC 9110 15.2) */
			drop_interim(follow);
			continue;
		}
		if (err != BW_ERR_TRUNCATED || follow->len == sizeof(follow->head))
			return not_http(follow, why);
		BW_TRY(receive(follow, follow->head + follow->len, sizeof(follow->head) - follow->len, &n));
		follow->len += n;
	}
}

static enum bw_err begin_answer(struct bw_follow *follow, bw_follow_fn *on_body, void *ctx, struct bw_why *why)
{
	const size_t at = follow->answer.head.head_bytes;

	if (bw_http_body_init(&follow->body, &follow->answer.head, UINT64_MAX) != BW_OK)
		return not_http(follow, why);
	follow->has_answer = true;
	BW_TRY(on_body(ctx, &follow->answer, bw_slice_empty));
	return feed(follow, bw_slice_of(follow->head + at, follow->len - at), on_body, ctx, why);
}

enum bw_err bw_follow_step(struct bw_follow *follow, bw_follow_fn *on_body, void *ctx, struct bw_why *why)
{
	enum bw_err err;
	size_t n;

	if (!follow->has_answer) {
		err = take_head(follow, why);
		if (err == BW_OK)
			return begin_answer(follow, on_body, ctx, why);
	} else {
		err = receive(follow, follow->bytes, sizeof(follow->bytes), &n);
		if (err == BW_OK)
			return feed(follow, bw_slice_of(follow->bytes, n), on_body, ctx, why);
	}
	if (err == BW_ERR_CLOSED)
		return bw_why_set(why, err, "'%s' closed the connection", follow->authority);
	return err;
}
