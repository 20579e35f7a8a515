/*
 * HTTP/1.1 server (RFC 9110, RFC 9112) over TCP or TLS, one process, one loop.
 *
 * A connection carries one exchange (request and answer) at a time; pipelined
 * requests wait in the buffer and are served in order. The owner is told:
 *
 *   on_head      the request line and headers stand. Now or in any later event
 *                the owner either answers (bw_exchange_answer: also the way to
 *                refuse a body before it is read) or takes the body
 *                (bw_exchange_receive).
 *   on_body      a piece of the body, after bw_exchange_receive. Never more in
 *                all than was accepted. Answering here refuses the rest.
 *   on_body_end  the body is whole; answer now or in any later event.
 *   on_end       exactly once for every on_head: the answer is written, or the
 *                client is gone. The exchange must not be touched afterwards.
 *
 * The calls for one exchange come in that order. bw_exchange_answer and
 * bw_exchange_receive never call back before they return, so the owner may use
 * them anywhere, inside any of these calls too; on_end then follows in a later
 * event or when the outermost callback has returned. A client may vanish
 * between any two events: then only on_end is called.
 *
 * What the server does by itself: framing errors (400, 414, 431, 501, 505),
 * deadlines (408, or silence when nothing arrived), the owner's own deadline
 * (503), connection limits (a plain close), `Expect: 100-continue` (100 goes out
 * when the owner takes the body, never before), HEAD (same headers, no body),
 * `Connection`, a lingering close so that a refusal sent while the body is still
 * arriving reaches the client. A request whose Content-Length exceeds what
 * bw_exchange_receive allows is not read at all: the owner answers 413 itself
 * after looking at bw_http_request's length, and if a chunked body outgrows the
 * allowance the server answers 413 (through `refusal`).
 */
#ifndef BW_NET_SERVER_H
#define BW_NET_SERVER_H

#include "codec/http.h"
#include "net/address.h"
#include "net/limits.h"
#include "net/loop.h"
#include "net/reply.h"

struct bw_tls_context; /* crypto/tls.h: certificate, key and settings */
struct bw_tls;         /* crypto/tls.h: one connection */
struct bw_http_server;
struct bw_exchange;

enum bw_exchange_end {
	BW_EXCHANGE_SENT, /* the whole answer was given to the kernel */
	BW_EXCHANGE_GONE, /* the client left, or stalled past its deadline, before that */
};

struct bw_http_calls {
	void (*on_head)(void *ctx, struct bw_exchange *x);
	void (*on_body)(void *ctx, struct bw_exchange *x, struct bw_slice bytes); /* may be NULL: no bodies */
	void (*on_body_end)(void *ctx, struct bw_exchange *x);
	void (*on_end)(void *ctx, struct bw_exchange *x, enum bw_exchange_end how);

	/*
	 * The answer for a request that never became an exchange, or ran out of
	 * allowance: `status` as listed above, `reason` a static sentence. One
	 * reference passes to the server. NULL (function or result): a short
	 * text/plain reply.
	 */
	struct bw_reply *(*refusal)(void *ctx, unsigned status, const char *reason);

	/* All connections are closed after bw_http_server_drain. May be NULL. */
	void (*on_drained)(void *ctx);
};

/* `limits` is copied. NULL: BW_HTTP_LIMITS_DEFAULT. MEMORY. */
BW_MUST_USE enum bw_err bw_http_server_new(struct bw_loop *loop, const struct bw_http_limits *limits,
					   const struct bw_http_calls *calls, void *ctx, struct bw_http_server **out);

/* Closes every connection at once (on_end GONE for those in flight). NULL is fine. */
void bw_http_server_free(struct bw_http_server *server);

/*
 * Serves what arrives on a listening, non-blocking socket; `tls` NULL means
 * plain HTTP. The fd becomes the server's and is closed with it (also on failure);
 * `tls` must outlive the server or its replacement by bw_http_server_set_tls.
 * Several listeners are fine. MEMORY, SYSTEM.
 */
BW_MUST_USE enum bw_err bw_http_server_listen(struct bw_http_server *server, int fd, struct bw_tls_context *tls);

/* New connections of every TLS listener use `tls`; old ones keep theirs. For renewed certificates. */
void bw_http_server_set_tls(struct bw_http_server *server, struct bw_tls_context *tls);

/*
 * Serves one connection that is already there (a socketpair, a passed fd); the
 * fd becomes the server's, also on failure. TOO_MANY, MEMORY, SYSTEM.
 */
BW_MUST_USE enum bw_err bw_http_server_adopt(struct bw_http_server *server, int fd, struct bw_tls_context *tls);

/*
 * Graceful stop: listeners close, idle connections close, requests in flight
 * are answered with `Connection: close`; then on_drained.
 */
void bw_http_server_drain(struct bw_http_server *server);

struct bw_http_stats {
	uint64_t connections_now;
	uint64_t connections_total;
	uint64_t connections_refused; /* over a limit, or out of descriptors */
	uint64_t handshakes_failed;
	uint64_t requests_total;
	uint64_t refusals_total; /* answers the server gave by itself */
	uint64_t timeouts_total; /* closed by a deadline */
	uint64_t in_flight;      /* exchanges between on_head and on_end */
	uint64_t bytes_in;       /* of HTTP, without TLS framing */
	uint64_t bytes_out;
};

void bw_http_server_stats(const struct bw_http_server *server, struct bw_http_stats *out);

/* ---- one exchange; all of these are valid from on_head until on_end returns ---- */

/* The parsed head; its slices live until on_end returns. */
const struct bw_http_request *bw_exchange_head(const struct bw_exchange *x);

/* Different for every exchange of this process, never 0. */
uint64_t bw_exchange_id(const struct bw_exchange *x);

/* What the owner wants to remember; NULL at first. */
void bw_exchange_set_data(struct bw_exchange *x, void *data);
void *bw_exchange_data(const struct bw_exchange *x);

const struct bw_net_address *bw_exchange_peer(const struct bw_exchange *x);

/* TLS version, group, client certificate fingerprint: see crypto/tls.h. NULL on plain HTTP. */
const struct bw_tls *bw_exchange_tls(const struct bw_exchange *x);

/*
 * Takes the body, at most `max_bytes` of it: on_body and on_body_end follow,
 * on_body_end alone when the request has none. TOO_BIG when the declared
 * length is larger already: nothing has happened then, answer with 413. Called
 * once, before an answer.
 */
BW_MUST_USE enum bw_err bw_exchange_receive(struct bw_exchange *x, uint64_t max_bytes);

/*
 * Answers; one reference of `reply` passes to the server, so a cached one is
 * given as bw_reply_hold(cached). Called once. An unread body is dropped and
 * the connection closed after the answer.
 */
void bw_exchange_answer(struct bw_exchange *x, struct bw_reply *reply);

/*
 * Answers with a stream: `head` (bw_reply_new_stream) goes out now, pieces follow as they come, and the connection
 * ends with the stream. To keep thousands of them small, what the request held is given back:
 * from here on bw_exchange_head must not be called. A stream that rests for limits.stream_ms ends as one that was
 * finished; the owner keeps it awake, and learns who is gone, by a piece now and then. A drain finishes all
 * streams. One reference of `head` passes to the server, also on failure. MEMORY; UNSUPPORTED: HTTP/1.0 or HEAD,
 * answer it otherwise.
 */
BW_MUST_USE enum bw_err bw_exchange_stream(struct bw_exchange *x, struct bw_reply *head);

/*
 * One more piece (bw_reply_new_piece, not the one that ends a stream) for one who hears. One reference passes
 * to the server, also on failure. TOO_MANY: BW_HTTP_STREAM_PIECES wait already, the client does not take them:
 * bw_exchange_abort it, and it will come again. CLOSED: the stream is being finished.
 */
BW_MUST_USE enum bw_err bw_exchange_push(struct bw_exchange *x, struct bw_reply *piece);

/* Pieces of a stream that wait for the client to take them. */
size_t bw_exchange_waiting(const struct bw_exchange *x);

/* Ends a stream behind the pieces that wait; on_end follows. */
void bw_exchange_finish(struct bw_exchange *x);

/* No further request on this connection: `Connection: close` goes with the answer. */
void bw_exchange_close_after(struct bw_exchange *x);

/* Ends the connection without an answer. on_end GONE follows. */
void bw_exchange_abort(struct bw_exchange *x);

/* Bytes of the answer's body (and head) written so far; for logs in on_end. */
uint64_t bw_exchange_bytes_out(const struct bw_exchange *x);

/* The status answered with, 0 before. */
unsigned bw_exchange_status(const struct bw_exchange *x);

/* Milliseconds since on_head. */
uint64_t bw_exchange_age_ms(const struct bw_exchange *x);

#endif
