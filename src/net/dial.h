/*
 * From a URL's origin to a connection, and waiting on it, in bounded time. For
 * the client of this room only.
 */
#ifndef BW_NET_DIAL_H
#define BW_NET_DIAL_H

#include "net/url.h"
#include "net/wire.h"
#include "sys/why.h"

struct bw_tls_context;

struct bw_dial_clock {
	int64_t stall_us;
	int64_t stall_at_us; /* moves on with every byte */
	int64_t total_at_us;
};

void bw_dial_clock_start(struct bw_dial_clock *clock, uint32_t stall_ms, uint32_t total_ms);
void bw_dial_moved(struct bw_dial_clock *clock);

/* OK when ready (or broken: the next call tells). TIMEOUT, SYSTEM. */
BW_MUST_USE enum bw_err bw_dial_wait(const struct bw_dial_clock *clock, int fd, bool reading, bool writing);

bool bw_dial_is_readable(int fd);

/*
 * Tries the host's addresses in the resolver's order, each within `connect_ms`,
 * TLS handshake included; `tls` is used when the URL is https. As bw_http_client_ask.
 */
BW_MUST_USE enum bw_err bw_dial(const struct bw_url *origin, struct bw_tls_context *tls, uint32_t connect_ms,
				struct bw_wire *out, struct bw_why *why);

#endif
