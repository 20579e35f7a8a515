#include "serve/auth_cache.h"

#include <stdlib.h>

#include "base/secret.h"
#include "crypto/hash.h"

enum {
	SLOTS = 1024, /* accounts polling at the same time; one more takes another's place */
	WAYS = 4,
};

struct slot {
	uint8_t tag[BW_SHA256_BYTES];
	uint64_t generation;
	uint64_t until_ms; /* 0: free */
	struct bw_identity who;
};

struct bw_auth_cache {
	uint8_t keys[BW_AUTH_WAY_MAX + 1][32];
	struct slot slots[SLOTS];
};

enum bw_err bw_auth_cache_new(struct bw_auth_cache **out)
{
	struct bw_auth_cache *cache = calloc(1, sizeof(*cache));

	BW_NEED(cache != NULL, MEMORY);
	bw_random(cache->keys, sizeof(cache->keys));
	*out = cache;
	return BW_OK;
}

void bw_auth_cache_free(struct bw_auth_cache *cache)
{
	if (cache == NULL)
		return;
	explicit_bzero(cache, sizeof(*cache));
	free(cache);
}

static bool tag_of(const struct bw_auth_cache *cache, enum bw_auth_way way, struct bw_slice credential,
		   uint8_t tag[BW_SHA256_BYTES])
{
	return bw_hmac_sha256(bw_slice_of(cache->keys[way], sizeof(cache->keys[way])), credential, tag) == BW_OK;
}

static size_t home_of(const uint8_t tag[BW_SHA256_BYTES])
{
	return ((size_t)tag[0] << 8 | tag[1]) % SLOTS & ~(size_t)(WAYS - 1);
}

static bool slot_has(const struct slot *slot, const uint8_t tag[BW_SHA256_BYTES])
{
	return slot->until_ms != 0 &&
	       bw_equal_ct(bw_slice_of(slot->tag, BW_SHA256_BYTES), bw_slice_of(tag, BW_SHA256_BYTES));
}

bool bw_auth_cache_find(struct bw_auth_cache *cache, enum bw_auth_way way, struct bw_slice credential,
			uint64_t generation, uint64_t now_ms, struct bw_identity *out)
{
	uint8_t tag[BW_SHA256_BYTES];
	size_t home;

	if (!tag_of(cache, way, credential, tag))
		return false;
	home = home_of(tag);
	for (size_t i = home; i < home + WAYS; i++) {
		struct slot *slot = &cache->slots[i];

		if (!slot_has(slot, tag))
			continue;
		if (slot->generation != generation || now_ms >= slot->until_ms) {
			explicit_bzero(slot, sizeof(*slot));
			return false;
		}
		*out = slot->who;
		return true;
	}
	return false;
}

void bw_auth_cache_keep(struct bw_auth_cache *cache, enum bw_auth_way way, struct bw_slice credential,
			uint64_t generation, uint64_t now_ms, const struct bw_identity *who)
{
	uint8_t tag[BW_SHA256_BYTES];
	struct slot *chosen;
	size_t home;

	if (!tag_of(cache, way, credential, tag))
		return;
	home = home_of(tag);
	chosen = &cache->slots[home];
	for (size_t i = home; i < home + WAYS; i++) {
		struct slot *slot = &cache->slots[i];

		if (slot_has(slot, tag)) {
			chosen = slot;
			break;
		}
		if (slot->until_ms < chosen->until_ms)
			chosen = slot;
	}
	memcpy(chosen->tag, tag, sizeof(chosen->tag));
	chosen->generation = generation;
	chosen->until_ms = now_ms + BW_AUTH_TTL_MS;
	chosen->who = *who;
}
