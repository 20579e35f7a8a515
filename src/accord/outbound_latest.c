/* The newest decision about an id: a table over the journal, which is read as far as it has grown since. */
#include <stdlib.h>

#include "accord/outbound_inner.h"
#include "accord/outbound_tag.h"

enum { CAP_LEAST = 1024 };

struct place {
	uint64_t key; /* of the tag; 0: the slot is free */
	uint32_t batch;
	uint32_t offset; /* among its items */
};

struct bw_latest {
	struct place *places;
	size_t cap; /* a power of two */
	size_t count;
	size_t batches; /* that are in */
	struct bw_buf items;
};

void bw_latest_free(struct bw_latest *latest)
{
	if (latest == NULL)
		return;
	bw_buf_release(&latest->items);
	free(latest->places);
	free(latest);
}

static enum bw_err need_table(struct bw_outbound *out)
{
	struct bw_latest *made;

	if (out->latest != NULL)
		return BW_OK;
	made = calloc(1, sizeof(*made));
	BW_NEED(made != NULL, MEMORY);
	made->items = BW_BUF_INIT((size_t)BW_OUTBOUND_ITEMS_MAX * (BW_JOURNAL_ITEM_BYTES + BW_OUTBOUND_ID_MAX));
	made->cap = CAP_LEAST;
	made->places = calloc(made->cap, sizeof(*made->places));
	if (made->places == NULL) {
		bw_latest_free(made);
		return BW_ERR_MEMORY;
	}
	out->latest = made;
	return BW_OK;
}

static uint64_t key_of(const uint8_t *tag)
{
	uint64_t key;

	memcpy(&key, tag, sizeof(key)); /* of a keyed hash already */
	return key == 0 ? 1 : key;
}

static struct place *find_place(const struct bw_latest *latest, uint64_t key)
{
	size_t at = (size_t)key & (latest->cap - 1);

	while (latest->places[at].key != 0 && latest->places[at].key != key)
		at = (at + 1) & (latest->cap - 1);
	return &latest->places[at];
}

static enum bw_err grow(struct bw_latest *latest)
{
	struct place *old = latest->places;
	const size_t old_cap = latest->cap;
	struct place *places = calloc(2 * old_cap, sizeof(*places));

	BW_NEED(places != NULL, MEMORY);
	latest->places = places;
	latest->cap = 2 * old_cap;
	for (size_t i = 0; i < old_cap; i++)
		if (old[i].key != 0)
			*find_place(latest, old[i].key) = old[i];
	free(old);
	return BW_OK;
}

static enum bw_err put(struct bw_latest *latest, uint64_t key, uint32_t batch, uint32_t offset)
{
	struct place *place;

	if (2 * latest->count >= latest->cap)
		BW_TRY(grow(latest));
	place = find_place(latest, key);
	latest->count += place->key == 0;
	*place = (struct place){ key, batch, offset };
	return BW_OK;
}

static enum bw_err take_batch(struct bw_outbound *out, size_t batch, struct bw_why *why)
{
	struct bw_latest *latest = out->latest;
	struct bw_journal_head head;
	struct bw_cursor c;

	BW_TRY(bw_journal_items(out, batch, &head, &latest->items, why));
	c = bw_cursor_over(bw_buf_slice(&latest->items));
	for (uint32_t i = 0; i < head.items; i++) {
		const uint32_t offset = (uint32_t)c.at;
		struct bw_outbound_found found;
		struct bw_slice tag;

		BW_TRY(bw_outbound_item_take(&c, &head, &tag, &found));
		BW_TRY(put(latest, key_of(tag.ptr), (uint32_t)batch, offset));
	}
	return BW_OK;
}

enum bw_err bw_outbound_latest(struct bw_outbound *out, struct bw_slice id, struct bw_outbound_found *found,
			       struct bw_why *why)
{
	uint8_t tag[BW_OUTBOUND_TAG_BYTES];
	struct bw_journal_head head;
	const struct place *place;
	struct bw_cursor c;
	struct bw_slice its;

	BW_TRY(need_table(out));
	for (; out->latest->batches < out->batch_count; out->latest->batches++)
		BW_TRY(take_batch(out, out->latest->batches, why));
	bw_outbound_tag(&out->secret, id, bw_slice_empty, tag);
	place = find_place(out->latest, key_of(tag));
	BW_NEED(place->key != 0, NOT_FOUND);
	BW_TRY(bw_journal_item(out, place->batch, place->offset, &head, &out->latest->items, why));
	c = bw_cursor_over(bw_buf_slice(&out->latest->items));
	BW_TRY(bw_outbound_item_take(&c, &head, &its, found));
	/* the other half of the tag: two ids that share 64 bits of a keyed hash are none of ours */
	BW_NEED(memcmp(its.ptr, tag, BW_OUTBOUND_TAG_ID_BYTES) == 0, NOT_FOUND);
	return BW_OK;
}
