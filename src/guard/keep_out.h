/*
 * Who is kept out of the file services, as words for nft(8): one table of our own, `inet breakwater_guard`, that no
 * other rule of the machine knows of, with one set an address family whose members leave by themselves when their
 * time is up. Pure.
 *
 * An address is parsed and written anew by us: no byte of what Samba or a client said ever reaches nft. Kept out
 * are connections to SMB (139, 445) and NFS (111, 2049, 20048) from that address, with a reset where there is one;
 * everything else, an administrator's ssh from the same machine included, goes on.
 *
 * The limit: behind one address may sit many people (a terminal server, a NAT). They are all kept out, since a packet
 * carries no user. Not kept out: the same user from another address.
 *
 * Errors: SYNTAX (no address), RANGE (an address nobody may be kept out by: loopback, unspecified, multicast).
 */
#ifndef BW_GUARD_KEEP_OUT_H
#define BW_GUARD_KEEP_OUT_H

#include <netinet/in.h>

#include "base/bytes.h"

struct bw_address {
	bool is_v6;
	uint8_t bytes[16]; /* network order; 4 of them for IPv4 */
};

enum { BW_ADDRESS_TEXT_BYTES = INET6_ADDRSTRLEN };

/*
 * "192.0.2.7", "2001:db8::7", "fe80::1%eth0" (the zone is dropped), and IPv4 in IPv6 ("::ffff:192.0.2.7"),
 * which is the same host as 192.0.2.7 and becomes it.
 */
BW_MUST_USE enum bw_err bw_address_parse(struct bw_slice text, struct bw_address *out);

/* Of 4 or 16 bytes in network order. Says nothing of who may be kept out: any address. */
void bw_address_of(const uint8_t *bytes, bool is_v6, struct bw_address *out);

void bw_address_write(const struct bw_address *address, char out[BW_ADDRESS_TEXT_BYTES]);
bool bw_address_equals(const struct bw_address *a, const struct bw_address *b);

/*
 * The table, made where it is not there yet and left alone where it is, and the address in its set for `seconds`
 * from now (also when it was in it already). One transaction: all of it or nothing. `incident` stands beside it for
 * whoever lists the table.
 */
BW_MUST_USE enum bw_err bw_keep_out_script(const struct bw_address *address, uint32_t seconds, uint64_t incident,
					   struct bw_buf *out);

/* Takes it out again; no error when it is not in any more, as long as the table is there. */
BW_MUST_USE enum bw_err bw_let_in_script(const struct bw_address *address, struct bw_buf *out);

/* The same for a person to type. */
BW_MUST_USE enum bw_err bw_let_in_command(const struct bw_address *address, struct bw_buf *out);

/*
 * What `pdbedit --verbose` says of one account: whether it is enabled. NOT_FOUND: no flags in it. Pure; the text
 * holds what users chose (full names, home folders), so the line is looked for at the beginning of lines only.
 */
BW_MUST_USE enum bw_err bw_account_is_enabled(struct bw_slice text, bool *out);

#endif
