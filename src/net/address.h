/*
 * Addresses: one 16-byte form for IPv4 (mapped, ::ffff:a.b.c.d) and IPv6, so
 * that counting, logging and comparing need no second case.
 */
#ifndef BW_NET_ADDRESS_H
#define BW_NET_ADDRESS_H

#include "base/bytes.h"

enum { BW_NET_ADDRESS_TEXT = 56 }; /* "[ffff:...:255.255.255.255]:65535" and a NUL */

struct bw_net_address {
	uint8_t ip[16]; /* network order; all zero for a socket without address (a socketpair) */
	uint16_t port;
	uint32_t scope; /* of a link-local address, else 0 */
};

/*
 * "127.0.0.1:8443", "[::1]:443", "0.0.0.0:0". Numbers only, no names; the port
 * is required. SYNTAX, RANGE (port).
 */
BW_MUST_USE enum bw_err bw_net_address_parse(struct bw_slice text, struct bw_net_address *out);

/* "192.0.2.7:4711" or "[2001:db8::1]:4711"; `out` has BW_NET_ADDRESS_TEXT bytes. */
void bw_net_address_text(const struct bw_net_address *address, char *out);

/* The same without port and brackets: what audit lines and rate limits name. */
void bw_net_address_host(const struct bw_net_address *address, char *out);

/* 127.0.0.0/8, ::1, and a socketpair. */
bool bw_net_address_is_loopback(const struct bw_net_address *address);

/*
 * What one client is for limits: the IPv4 address, or the /64 an IPv6 host can
 * change its address in.
 */
void bw_net_address_client(const struct bw_net_address *address, uint8_t out[16]);

/*
 * A listening TCP socket, non-blocking, close-on-exec, SO_REUSEADDR; with
 * `share` also SO_REUSEPORT, so that each front process has a queue of its own.
 * EXISTS: the address is in use; DENIED: a port below 1024 needs a privilege;
 * else as bw_err_from_errno.
 */
BW_MUST_USE enum bw_err bw_net_listen(const struct bw_net_address *address, bool share, int *out_fd);

/* The address a socket is bound to: which port 0 became. */
BW_MUST_USE enum bw_err bw_net_local(int fd, struct bw_net_address *out);

#endif
