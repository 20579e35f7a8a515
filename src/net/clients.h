/*
 * How many connections each client address holds. Keyed with a secret, so that
 * nobody can aim addresses at one slot. For this room only.
 */
#ifndef BW_NET_CLIENTS_H
#define BW_NET_CLIENTS_H

#include "base/bytes.h"

struct bw_clients_slot;

struct bw_clients {
	struct bw_clients_slot *slots;
	size_t mask; /* slots - 1; a power of two at least twice `most` */
	size_t used;
	size_t most;
	uint8_t key[16];
};

/* For at most `most` connections at a time. MEMORY. */
BW_MUST_USE enum bw_err bw_clients_init(struct bw_clients *clients, size_t most);
void bw_clients_release(struct bw_clients *clients);

/* One more for `ip`. TOO_MANY: it has `each` already, or the table is full. */
BW_MUST_USE enum bw_err bw_clients_enter(struct bw_clients *clients, const uint8_t ip[16], uint32_t each);

/* One fewer; it must have entered. */
void bw_clients_leave(struct bw_clients *clients, const uint8_t ip[16]);

#endif
