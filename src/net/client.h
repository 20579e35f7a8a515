/*
 * HTTP/1.1 client for commands: blocking, with deadlines, one connection to one
 * origin, used again as long as the server lets it. Redirects are reported, not followed.
 *
 * The process should ignore SIGPIPE: a server may close while we send.
 */
#ifndef BW_NET_CLIENT_H
#define BW_NET_CLIENT_H

#include "codec/http.h"
#include "net/url.h"
#include "sys/why.h"

struct bw_tls; /* crypto/tls.h */
struct bw_tls_context;
struct bw_http_client;

struct bw_http_client_options {
	struct bw_tls_context *tls; /* how to trust an https server; NULL: https is UNSUPPORTED */
	uint32_t connect_ms;        /* 0: 15,000; for each address of the host, TLS included */
	uint32_t stall_ms;          /* 0: 60,000; without a byte moving either way */
	uint32_t total_ms;          /* 0: 900,000; for one exchange */
};

/* Connects at the first ask. The origin's target is not used. MEMORY. */
BW_MUST_USE enum bw_err bw_http_client_new(const struct bw_url *origin, const struct bw_http_client_options *options,
					   struct bw_http_client **out);
void bw_http_client_free(struct bw_http_client *client); /* NULL is fine */

struct bw_http_ask {
	const char *method;
	struct bw_slice target;  /* path and query, as in struct bw_url */
	struct bw_slice headers; /* ready-made lines "Name: value\r\n"; Host and Content-Length are ours */
	bool has_body;
	struct bw_slice body;
	/* Safe to send twice: done once more on a new connection when an idle one turns out to be closed. */
	bool may_repeat;
	uint64_t answer_max; /* most bytes of the answer's body */
	/* Pieces of the answer's body; NULL: dropped. An error ends the exchange and is returned. */
	enum bw_err (*on_body)(void *ctx, const struct bw_http_response *response, struct bw_slice bytes);
	void *ctx;
};

/*
 * `*out` lives until the next ask or free; any status is BW_OK. `why` names the
 * host and the reason. NOT_FOUND (no such host), CLOSED (refused, or broken off),
 * TIMEOUT, SIGNATURE (TLS: not trusted), PROTOCOL (not HTTP), TOO_BIG, UNSUPPORTED, MEMORY, SYSTEM.
 */
BW_MUST_USE enum bw_err bw_http_client_ask(struct bw_http_client *client, const struct bw_http_ask *ask,
					   const struct bw_http_response **out, struct bw_why *why);

/* The TLS session of the connection in use; NULL before the first ask and for http. */
const struct bw_tls *bw_http_client_tls(const struct bw_http_client *client);

/* Body bytes received and connections made so far; for progress and tests. */
uint64_t bw_http_client_bytes_in(const struct bw_http_client *client);
uint64_t bw_http_client_connections(const struct bw_http_client *client);

/* "Authorization: Basic ...\r\n" (RFC 7617); wipe `out`. RANGE: a ':' in the user, or a control character. */
BW_MUST_USE enum bw_err bw_http_basic(const char *user, struct bw_slice password, struct bw_buf *out);

/* "Authorization: Bearer ...\r\n" (RFC 6750); wipe `out`. RANGE: not a token68. */
BW_MUST_USE enum bw_err bw_http_bearer(struct bw_slice token, struct bw_buf *out);

#endif
