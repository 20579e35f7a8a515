/*
 * http and https URLs (RFC 3986) as far as a client of one server needs them.
 * Pure. Stricter than the RFC where looseness has hurt people: no user and password in a
 * URL (they end in process lists and logs), ASCII hosts only (IDNA names as
 * "xn--..."), no fragment, no "." or ".." segments in what is joined.
 */
#ifndef BW_NET_URL_H
#define BW_NET_URL_H

#include "base/bytes.h"

enum {
	BW_URL_HOST_MAX = 253,    /* DNS */
	BW_URL_TARGET_MAX = 4096, /* path and query; `next` tokens of some servers have a kilobyte */
	BW_URL_AUTHORITY_BYTES = BW_URL_HOST_MAX + 10,
	BW_URL_TEXT_BYTES = BW_URL_AUTHORITY_BYTES + BW_URL_TARGET_MAX + 10,
};

struct bw_url {
	bool tls; /* https */
	uint16_t port;
	char host[BW_URL_HOST_MAX + 1];     /* lower case; an IPv6 address without brackets */
	char target[BW_URL_TARGET_MAX + 1]; /* path and query, starts with '/' */
};

/*
 * UNSUPPORTED: another scheme; DENIED: user or password inside; RANGE: port;
 * TOO_BIG; SYNTAX. `fault` may be NULL.
 */
BW_MUST_USE enum bw_err bw_url_parse(struct bw_slice text, struct bw_url *out, struct bw_fault *fault);

/*
 * What `reference` means on a page of `base`: a whole URL, "/path" or "path"
 * beside the base's last segment. "//host" is SYNTAX: nobody means it.
 */
BW_MUST_USE enum bw_err bw_url_join(const struct bw_url *base, struct bw_slice reference, struct bw_url *out,
				    struct bw_fault *fault);

/* Scheme, host and port: what credentials may be sent to. */
bool bw_url_same_origin(const struct bw_url *a, const struct bw_url *b);

/* "host", "host:8443", "[::1]:8443": for Host and for messages. */
void bw_url_authority(const struct bw_url *url, char out[BW_URL_AUTHORITY_BYTES]);
void bw_url_text(const struct bw_url *url, char out[BW_URL_TEXT_BYTES]);

#endif
