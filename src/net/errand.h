/*
 * One HTTP/1.1 request on a loop, for a worker that has many under way: nothing blocks, and an answer that never ends
 * (a stream) is taken piece by piece. A connection of its own, which ends with it, or is left to the next errand. Where
 * to go comes in numbers: no name is looked up here. Redirects are told, not followed.
 */
#ifndef BW_NET_ERRAND_H
#define BW_NET_ERRAND_H

#include "codec/http.h"
#include "net/address.h"
#include "net/loop.h"
#include "sys/why.h"

struct bw_errand;
struct bw_tls; /* crypto/tls.h */
struct bw_tls_context;

enum { BW_ERRAND_ADDRESSES_MAX = 8 };

/* One of these at a time, and none after on_end. They must not free the errand, on_end excepted. */
struct bw_errand_calls {
	/* An error ends the errand with it. */
	enum bw_err (*on_head)(void *ctx, const struct bw_http_response *response);
	enum bw_err (*on_body)(void *ctx, struct bw_slice bytes);
	/*
	 * Exactly once: OK, the answer is whole; else as bw_http_client_ask, `why` naming the host. The errand may be
	 * freed here and has to be some time.
	 */
	void (*on_end)(void *ctx, enum bw_err err, const struct bw_why *why);
};

/* A connection that an errand has left, for the next one to the same place, through the same context. */
struct bw_errand_spare {
	int fd; /* -1: none */
	struct bw_tls *tls;
	uint64_t left_ms;
};

#define BW_ERRAND_SPARE_NONE ((struct bw_errand_spare){ .fd = -1 })

void bw_errand_spare_drop(struct bw_errand_spare *spare); /* hangs up; nothing to do when there is none */

struct bw_errand_plan {
	const struct bw_net_address *addresses; /* tried in order; those left are forgotten once one has answered */
	size_t address_count;
	const char *host;           /* without port: what a certificate would be for */
	const char *authority;      /* for Host and messages */
	struct bw_tls_context *tls; /* must outlive the errand; NULL: plain */
	const char *method;
	struct bw_slice target;
	struct bw_slice headers; /* lines "Name: value\r\n"; Host, Connection and Content-Length are ours */
	bool has_body;
	struct bw_slice body;
	uint64_t answer_max; /* most bytes of the answer's body */
	uint32_t connect_ms; /* 0: 15,000; for each address, TLS included */
	uint32_t stall_ms;   /* 0: 60,000; without a byte moving either way while it is not held */
	/*
	 * NULL: none. Else the connection left here is gone on with when it still stands, and the errand leaves its own
	 * when the answer is whole and the server keeps it. Only for what may be asked twice: a server may hang up just
	 * then (RFC 9112 §9.3.1), and it is asked again over a new connection. Must outlive the errand.
	 */
	struct bw_errand_spare *spare;
};

/* What the plan names is copied. TOO_BIG (head), TOO_MANY, MEMORY. Nothing is called before the loop turns. */
BW_MUST_USE enum bw_err bw_errand_new(struct bw_loop *loop, const struct bw_errand_plan *plan,
				      const struct bw_errand_calls *calls, void *ctx, struct bw_errand **out);

/* At any time but in on_head and on_body; on_end is not called any more. NULL is fine. */
void bw_errand_free(struct bw_errand *errand);

/* Held: nothing more is read until it is let go, so the other side waits. */
void bw_errand_hold(struct bw_errand *errand, bool hold);

/* NULL on plain connections and before one stands. */
const struct bw_tls *bw_errand_tls(const struct bw_errand *errand);

#endif
