/*
 * Following: a GET whose answer stays open, as a stream of events does (codec/sse.h). Connecting and asking wait, in
 * bounded time; what comes after is read when the caller's own loop says that there is something.
 *
 * One connection, one answer. When it ends, for whatever reason, the caller frees it and makes another, later.
 */
#ifndef BW_NET_FOLLOW_H
#define BW_NET_FOLLOW_H

#include "codec/http.h"
#include "net/url.h"
#include "sys/why.h"

struct bw_tls_context; /* crypto/tls.h */
struct bw_follow;

/*
 * Connects, within `connect_ms` for each address of the host, and sends the question. `headers` are ready-made
 * lines "Name: value\r\n"; Host is ours. `tls` is used when the URL is https. As bw_http_client_ask.
 */
BW_MUST_USE enum bw_err bw_follow_open(const struct bw_url *url, struct bw_tls_context *tls, struct bw_slice headers,
				       uint32_t connect_ms, struct bw_follow **out, struct bw_why *why);

/* The same with a POST of `body`, which is sent before this returns, within 5 seconds. */
BW_MUST_USE enum bw_err bw_follow_post(const struct bw_url *url, struct bw_tls_context *tls, struct bw_slice headers,
				       struct bw_slice body, uint32_t connect_ms, struct bw_follow **out,
				       struct bw_why *why);
void bw_follow_free(struct bw_follow *follow); /* NULL is fine */

int bw_follow_fd(const struct bw_follow *follow);

/* TLS has something to send before it can read on: poll for writing too. */
bool bw_follow_wants_write(const struct bw_follow *follow);

/* An error ends the reading and is returned. */
typedef enum bw_err bw_follow_fn(void *ctx, const struct bw_http_response *answer, struct bw_slice body);

/*
 * Reads what is there, at most some 64 KiB of it, and hands out pieces of the body; the first call after the head has
 * come gives an empty piece as well, so that the caller sees the status. OK: there may be more at once. AGAIN: poll
 * first. CLOSED: the server ended it, or the connection broke. PROTOCOL: not HTTP.
 */
BW_MUST_USE enum bw_err bw_follow_step(struct bw_follow *follow, bw_follow_fn *on_body, void *ctx, struct bw_why *why);

/* The answer came to its end: CLOSED was no breaking off. */
bool bw_follow_is_whole(const struct bw_follow *follow);

#endif
