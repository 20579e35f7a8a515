#include "accord/secret_ids.h"

#include <stdlib.h>

#include "base/text.h"
#include "crypto/hash.h"

enum { FIRST_SLOTS = 1024, ID_MAX = 320 };

struct bw_secret_ids {
	uint8_t key[BW_SIPHASH_KEY_BYTES];
	uint64_t *slots; /* 0: free */
	size_t slot_count;
	size_t count;
};

enum bw_err bw_secret_ids_new(struct bw_secret_ids **out)
{
	struct bw_secret_ids *ids = calloc(1, sizeof(*ids));

	BW_NEED(ids != NULL, MEMORY);
	bw_random(ids->key, sizeof(ids->key));
	ids->slots = calloc(FIRST_SLOTS, sizeof(*ids->slots));
	if (ids->slots == NULL) {
		free(ids);
		return BW_ERR_MEMORY;
	}
	ids->slot_count = FIRST_SLOTS;
	*out = ids;
	return BW_OK;
}

void bw_secret_ids_free(struct bw_secret_ids *ids)
{
	if (ids == NULL)
		return;
	free(ids->slots);
	free(ids);
}

/* Never 0. */
static uint64_t hash_of(const struct bw_secret_ids *ids, struct bw_slice id)
{
	uint8_t folded[ID_MAX];
	const size_t len = id.len < ID_MAX ? id.len : ID_MAX;

	for (size_t i = 0; i < len; i++)
		folded[i] = bw_to_lower(id.ptr[i]);
	return bw_siphash(ids->key, bw_slice_of(folded, len)) | 1;
}

static size_t slot_of(const uint64_t *slots, size_t slot_count, uint64_t hash)
{
	size_t at = (size_t)(hash >> 1) & (slot_count - 1);

	while (slots[at] != 0 && slots[at] != hash)
		at = (at + 1) & (slot_count - 1);
	return at;
}

static enum bw_err grow(struct bw_secret_ids *ids)
{
	const size_t more = ids->slot_count * 2;
	uint64_t *slots;

	if (ids->count * 2 < ids->slot_count)
		return BW_OK;
	slots = calloc(more, sizeof(*slots));
	BW_NEED(slots != NULL, MEMORY);
	for (size_t i = 0; i < ids->slot_count; i++)
		if (ids->slots[i] != 0)
			slots[slot_of(slots, more, ids->slots[i])] = ids->slots[i];
	free(ids->slots);
	ids->slots = slots;
	ids->slot_count = more;
	return BW_OK;
}

enum bw_err bw_secret_ids_add(struct bw_secret_ids *ids, struct bw_slice id)
{
	const uint64_t hash = hash_of(ids, id);
	size_t at;

	BW_TRY(grow(ids));
	at = slot_of(ids->slots, ids->slot_count, hash);
	ids->count += ids->slots[at] == 0;
	ids->slots[at] = hash;
	return BW_OK;
}

bool bw_secret_ids_has(const struct bw_secret_ids *ids, struct bw_slice id)
{
	return ids->slots[slot_of(ids->slots, ids->slot_count, hash_of(ids, id))] != 0;
}

bool bw_secret_ids_is(void *with, struct bw_slice id)
{
	return bw_secret_ids_has(with, id);
}
