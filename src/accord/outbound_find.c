/* Decisions, found again by whoever has the secret. */
#include "accord/outbound_inner.h"
#include "accord/outbound_tag.h"

struct search {
	uint8_t tag[BW_OUTBOUND_TAG_BYTES];
	size_t tag_len; /* with the version, or the id alone */
	enum bw_err (*found)(void *ctx, const struct bw_outbound_found *found);
	void *ctx;
};

static enum bw_err take_decision(struct bw_cursor *c, struct bw_decision *d)
{
	uint8_t *const bytes[] = { &d->verdict, &d->clause,     &d->source,  &d->tlp,
				   &d->duties,  &d->confidence, &d->actions, &d->tiding };
	uint64_t saw;
	uint64_t limit;

	memset(d, 0, sizeof(*d));
	for (size_t i = 0; i < BW_COUNT(bytes); i++)
		BW_TRY(bw_take_u8(c, bytes[i]));
	BW_TRY(bw_take_be32(c, &d->takes));
	BW_TRY(bw_take_be64(c, &saw));
	BW_TRY(bw_take_be64(c, &limit));
	d->saw = (int64_t)saw;
	d->limit = (int64_t)limit;
	return BW_OK;
}

enum bw_err bw_outbound_item_take(struct bw_cursor *c, const struct bw_journal_head *head, struct bw_slice *tag,
				  struct bw_outbound_found *found)
{
	uint32_t entry;
	uint16_t len;

	*found = (struct bw_outbound_found){ .batch = head->number, .time_us = head->time_us };
	BW_TRY(bw_take(c, BW_OUTBOUND_TAG_BYTES, tag));
	BW_TRY(take_decision(c, &found->decision));
	BW_TRY(bw_take_be32(c, &entry));
	BW_TRY(bw_take_be16(c, &len));
	BW_TRY(bw_take(c, len, &found->became));
	BW_NEED(entry <= head->entries, CORRUPT);
	found->is_logged = entry > 0;
	found->index = entry > 0 ? head->from + entry - 1 : 0;
	return BW_OK;
}

static enum bw_err search_items(const struct search *s, const struct bw_journal_head *head, struct bw_slice items)
{
	struct bw_cursor c = bw_cursor_over(items);

	for (uint32_t i = 0; i < head->items; i++) {
		struct bw_outbound_found found;
		struct bw_slice tag;

		BW_TRY(bw_outbound_item_take(&c, head, &tag, &found));
		if (memcmp(tag.ptr, s->tag, s->tag_len) == 0)
			BW_TRY(s->found(s->ctx, &found));
	}
	return BW_OK;
}

enum bw_err bw_outbound_find(struct bw_outbound *out, struct bw_slice id, struct bw_slice version,
			     enum bw_err (*found)(void *ctx, const struct bw_outbound_found *found), void *ctx,
			     struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release)
	struct bw_buf items = BW_BUF_INIT((size_t)BW_OUTBOUND_ITEMS_MAX * (BW_JOURNAL_ITEM_BYTES + BW_OUTBOUND_ID_MAX));
	struct search s = { .found = found, .ctx = ctx };

	bw_outbound_tag(&out->secret, id, version, s.tag);
	s.tag_len = version.len > 0 ? BW_OUTBOUND_TAG_BYTES : BW_OUTBOUND_TAG_ID_BYTES;
	for (size_t i = 0; i < out->batch_count; i++) {
		struct bw_journal_head head;

		BW_TRY(bw_journal_items(out, i, &head, &items, why));
		BW_TRY(search_items(&s, &head, bw_buf_slice(&items)));
	}
	return BW_OK;
}
