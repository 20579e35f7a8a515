#include "net/clients.h"

#include <assert.h>
#include <stdlib.h>

#include "crypto/hash.h"

struct bw_clients_slot {
	uint8_t ip[16];
	uint32_t count; /* 0: free */
};

enum bw_err bw_clients_init(struct bw_clients *clients, size_t most)
{
	size_t slots = 16;

	while (slots < most * 2)
		slots *= 2;
	*clients = (struct bw_clients){ .mask = slots - 1, .most = most };
	clients->slots = calloc(slots, sizeof(*clients->slots));
	BW_NEED(clients->slots != NULL, MEMORY);
	bw_random(clients->key, sizeof(clients->key));
	return BW_OK;
}

void bw_clients_release(struct bw_clients *clients)
{
	free(clients->slots);
	clients->slots = NULL;
}

static size_t home_of(const struct bw_clients *clients, const uint8_t ip[16])
{
	return (size_t)bw_siphash(clients->key, bw_slice_of(ip, 16)) & clients->mask;
}

/* The slot of `ip`, or the free one where it would go: one exists, the table is never full. */
static size_t find(const struct bw_clients *clients, const uint8_t ip[16])
{
	size_t at = home_of(clients, ip);

	while (clients->slots[at].count != 0 && memcmp(clients->slots[at].ip, ip, 16) != 0)
		at = (at + 1) & clients->mask;
	return at;
}

enum bw_err bw_clients_enter(struct bw_clients *clients, const uint8_t ip[16], uint32_t each)
{
	struct bw_clients_slot *slot = &clients->slots[find(clients, ip)];

	BW_NEED(slot->count < each, TOO_MANY);
	if (slot->count == 0) {
		BW_NEED(clients->used < clients->most, TOO_MANY);
		memcpy(slot->ip, ip, 16);
		clients->used++;
	}
	slot->count++;
	return BW_OK;
}

/* Closes the gap at `hole`, so that a search never stops early at it. */
static void close_gap(struct bw_clients *clients, size_t hole)
{
	for (size_t at = (hole + 1) & clients->mask; clients->slots[at].count != 0; at = (at + 1) & clients->mask) {
		const size_t home = home_of(clients, clients->slots[at].ip);

		if (((at - home) & clients->mask) < ((at - hole) & clients->mask))
			continue;
		clients->slots[hole] = clients->slots[at];
		clients->slots[at].count = 0;
		hole = at;
	}
}

void bw_clients_leave(struct bw_clients *clients, const uint8_t ip[16])
{
	const size_t at = find(clients, ip);

	assert(clients->slots[at].count > 0);
	if (--clients->slots[at].count > 0)
		return;
	clients->used--;
	close_gap(clients, at);
}
