#include "serve/held.h"

#include <assert.h>
#include <stdlib.h>

enum { SLOTS = 256 }; /* accounts are numbered one after the other: no two of a few share one */

/* An account that holds something. */
struct share {
	struct share *next;
	uint32_t account;
	size_t bytes;
	size_t answers;
};

struct bw_held {
	size_t each;
	size_t all;
	size_t bytes;
	struct share *slots[SLOTS];
};

enum bw_err bw_held_new(size_t each, size_t all, struct bw_held **out)
{
	struct bw_held *held = calloc(1, sizeof(*held));

	BW_NEED(held != NULL, MEMORY);
	held->each = each;
	held->all = all;
	*out = held;
	return BW_OK;
}

void bw_held_free(struct bw_held *held)
{
	if (held == NULL)
		return;
	for (size_t i = 0; i < SLOTS; i++) {
		while (held->slots[i] != NULL) {
			struct share *share = held->slots[i];

			held->slots[i] = share->next;
			free(share);
		}
	}
	free(held);
}

static struct share *find(const struct bw_held *held, uint32_t account)
{
	struct share *share = held->slots[account % SLOTS];

	while (share != NULL && share->account != account)
		share = share->next;
	return share;
}

bool bw_held_is_full(const struct bw_held *held, uint32_t account)
{
	const struct share *share = find(held, account);

	return share != NULL && share->bytes >= held->each;
}

enum bw_err bw_held_take(struct bw_held *held, uint32_t account, size_t bytes)
{
	struct share *share = find(held, account);

	BW_NEED(share == NULL || (bytes <= held->each && share->bytes <= held->each - bytes), BUSY);
	BW_NEED(bytes <= held->all && held->bytes <= held->all - bytes, TOO_MANY);
	if (share == NULL) {
		share = calloc(1, sizeof(*share));
		BW_NEED(share != NULL, MEMORY);
		share->account = account;
		share->next = held->slots[account % SLOTS];
		held->slots[account % SLOTS] = share;
	}
	share->bytes += bytes;
	share->answers++;
	held->bytes += bytes;
	return BW_OK;
}

void bw_held_give(struct bw_held *held, uint32_t account, size_t bytes)
{
	struct share **link = &held->slots[account % SLOTS];
	struct share *share;

	while (*link != NULL && (*link)->account != account)
		link = &(*link)->next;
	share = *link;
	assert(share != NULL && share->bytes >= bytes && held->bytes >= bytes);
	share->bytes -= bytes;
	held->bytes -= bytes;
	if (--share->answers > 0)
		return;
	*link = share->next;
	free(share);
}

size_t bw_held_bytes(const struct bw_held *held)
{
	return held->bytes;
}
