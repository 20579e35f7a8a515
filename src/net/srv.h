/*
 * Where a domain's TAXII server is, by its DNS (RFC 2782; TAXII 2.1 §8.2.1 asks clients to look):
 * the SRV record _taxii2._tcp.DOMAIN names host and port.
 *
 * DNS answers can be forged, and a certificate of the forger's own host would fit the forger's host. So
 * only a host at or below the domain itself is taken: its certificate then says the domain.
 */
#ifndef BW_NET_SRV_H
#define BW_NET_SRV_H

#include "net/address.h"
#include "net/url.h"
#include "sys/why.h"

enum { BW_SRV_ANSWER_MAX = 4096 }; /* bytes of one answer */

struct bw_srv {
	char host[BW_URL_HOST_MAX + 1];
	uint16_t port;
	uint16_t priority;
	uint16_t weight;
};

/* "example.org": a host name of two labels at least, or "localhost"; no scheme, port, path or address. */
bool bw_srv_is_domain(const char *text);

/*
 * The record to use of an answer's bytes: the least priority, then the greatest weight. Pure. NOT_FOUND:
 * no such record, or "." (the service is decidedly not there); SYNTAX.
 */
BW_MUST_USE enum bw_err bw_srv_parse(struct bw_slice answer, struct bw_srv *out);

/*
 * Asks the system's resolver, or `server` when it is not NULL, and makes the discovery URL. `why` names the
 * domain. NOT_FOUND, DENIED (a host that is not the domain's), TIMEOUT, SYNTAX.
 */
BW_MUST_USE enum bw_err bw_srv_find(const char *domain, const struct bw_net_address *server, struct bw_url *out,
				    struct bw_why *why);

#endif
