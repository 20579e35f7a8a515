#include "serve/reply_cache.h"

#include <stdlib.h>

#include "crypto/hash.h"
#include "serve/limits.h"

enum {
	SLOTS = 4096, /* a power of two; each holds one reply */
	KEY_MAX = 2048,
};

struct slot {
	struct bw_reply *reply; /* NULL: free */
	uint8_t *key;
	size_t key_len;
	size_t bytes;
	uint64_t used; /* tick of the last use */
	struct bw_cache_stamp stamp;
};

struct bw_reply_cache {
	uint8_t hash_key[BW_SIPHASH_KEY_BYTES];
	size_t max_bytes;
	size_t bytes;
	uint64_t tick;
	size_t hand; /* where making room goes on */
	struct slot slots[SLOTS];
};

enum { WAYS = 4 }; /* places a key may stand in */

enum bw_err bw_reply_cache_new(size_t max_bytes, struct bw_reply_cache **out)
{
	struct bw_reply_cache *cache = calloc(1, sizeof(*cache));

	BW_NEED(cache != NULL, MEMORY);
	cache->max_bytes = max_bytes;
	bw_random(cache->hash_key, sizeof(cache->hash_key));
	*out = cache;
	return BW_OK;
}

static void empty_slot(struct bw_reply_cache *cache, struct slot *slot)
{
	if (slot->reply == NULL)
		return;
	bw_reply_drop(slot->reply);
	free(slot->key);
	cache->bytes -= slot->bytes;
	*slot = (struct slot){ 0 };
}

void bw_reply_cache_free(struct bw_reply_cache *cache)
{
	if (cache == NULL)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		empty_slot(cache, &cache->slots[i]);
	free(cache);
}

static size_t home_of(const struct bw_reply_cache *cache, struct bw_slice key)
{
	return (size_t)bw_siphash(cache->hash_key, key) & (SLOTS - 1) & ~(size_t)(WAYS - 1);
}

static bool slot_has(const struct slot *slot, struct bw_slice key)
{
	return slot->reply != NULL && slot->key_len == key.len && memcmp(slot->key, key.ptr, key.len) == 0;
}

struct bw_reply *bw_reply_cache_find(struct bw_reply_cache *cache, struct bw_slice key, struct bw_cache_stamp *stamp)
{
	const size_t home = home_of(cache, key);

	for (size_t i = home; i < home + WAYS; i++) {
		struct slot *slot = &cache->slots[i];

		if (!slot_has(slot, key))
			continue;
		slot->used = ++cache->tick;
		*stamp = slot->stamp;
		return slot->reply;
	}
	return NULL;
}

/* The slot for a key: its own, a free one, or the one unused for longest. */
static struct slot *choose_slot(struct bw_reply_cache *cache, struct bw_slice key)
{
	const size_t home = home_of(cache, key);
	struct slot *oldest = &cache->slots[home];

	for (size_t i = home; i < home + WAYS; i++) {
		if (slot_has(&cache->slots[i], key))
			return &cache->slots[i];
	}
	for (size_t i = home; i < home + WAYS; i++) {
		struct slot *slot = &cache->slots[i];

		if (slot->reply == NULL)
			return slot;
		if (slot->used < oldest->used)
			oldest = slot;
	}
	return oldest;
}

static void make_room(struct bw_reply_cache *cache, size_t bytes)
{
	for (size_t turns = 0; cache->bytes + bytes > cache->max_bytes && turns < SLOTS; turns++) {
		empty_slot(cache, &cache->slots[cache->hand]);
		cache->hand = (cache->hand + 1) & (SLOTS - 1);
	}
}

void bw_reply_cache_keep(struct bw_reply_cache *cache, struct bw_slice key, const struct bw_cache_stamp *stamp,
			 struct bw_reply *reply)
{
	const size_t bytes = bw_reply_body_bytes(reply) + key.len + 512;
	struct slot *slot;
	uint8_t *copy;

	if (bytes > BW_CACHE_ENTRY_MAX || bytes > cache->max_bytes || key.len > KEY_MAX)
		return;
	copy = malloc(key.len + 1);
	if (copy == NULL)
		return;
	memcpy(copy, key.ptr, key.len);
	make_room(cache, bytes);
	slot = choose_slot(cache, key);
	empty_slot(cache, slot);
	*slot = (struct slot){ .reply = bw_reply_hold(reply),
			       .key = copy,
			       .key_len = key.len,
			       .bytes = bytes,
			       .used = ++cache->tick,
			       .stamp = *stamp };
	cache->bytes += bytes;
}
