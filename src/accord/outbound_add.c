/* One batch: what was decided, and what crosses, sealed; one append, one sync, tiles after it. */
#include <stdlib.h>

#include "accord/outbound_inner.h"
#include "accord/outbound_tag.h"

/* Everything a batch needs while it is made. */
struct making {
	struct bw_outbound *out;
	const struct bw_outbound_item *items;
	size_t count;
	struct bw_journal_head head;
	struct bw_buf batch;
	struct bw_buf plain;
	struct bw_hash *leaves;
	uint8_t *salts;
	struct bw_why *why;
};

static void release(struct making *m)
{
	bw_buf_release(&m->batch);
	bw_buf_wipe(&m->plain);
	if (m->salts != NULL)
		explicit_bzero(m->salts, m->head.entries * (size_t)BW_CROSSING_SALT_BYTES);
	free(m->salts);
	free(m->leaves);
}

/* ---- sizes --------------------------------------------------------------------------------------- */

static enum bw_err check_item(const struct bw_outbound_item *item, int64_t now_us)
{
	BW_NEED(item->became.len <= BW_OUTBOUND_ID_MAX && item->crossing.len <= BW_CROSSING_MAX, TOO_BIG);
	BW_NEED(item->crossing.len == 0 || item->keep_until_us > now_us, RANGE);
	return BW_OK;
}

static enum bw_err measure(struct making *m, struct bw_slice source, int64_t now_us)
{
	struct bw_journal_head *h = &m->head;

	*h = (struct bw_journal_head){ .number = m->out->batch_count,
				       .from = m->out->size,
				       .items = (uint32_t)m->count,
				       .source_bytes = (uint32_t)source.len,
				       .time_us = now_us };
	for (size_t i = 0; i < m->count; i++) {
		const struct bw_outbound_item *item = &m->items[i];

		BW_TRY(check_item(item, now_us));
		h->items_bytes += (uint32_t)(BW_JOURNAL_ITEM_BYTES + item->became.len);
		if (item->crossing.len == 0)
			continue;
		h->entries++;
		h->sealed_bytes += BW_CROSSING_SALT_BYTES + item->crossing.len + BW_AEAD_TAG_BYTES;
		if (item->keep_until_us > h->latest_us)
			h->latest_us = item->keep_until_us;
	}
	BW_NEED(h->sealed_bytes <= BW_JOURNAL_BATCH_MAX / 2, TOO_BIG);
	BW_NEED(h->entries <= BW_TREE_SIZE_MAX - h->from, RANGE);
	bw_random(h->nonce, sizeof(h->nonce));
	memcpy(h->previous, m->out->last_hash, sizeof(h->previous));
	return BW_OK;
}

/* ---- parts --------------------------------------------------------------------------------------- */

static enum bw_err add_item(struct making *m, const struct bw_outbound_item *item, uint32_t entry)
{
	const struct bw_decision *d = &item->decision;
	const uint8_t bytes[] = { d->verdict, d->clause,     d->source,  d->tlp,
				  d->duties,  d->confidence, d->actions, d->tiding };
	uint8_t tag[BW_OUTBOUND_TAG_BYTES];

	bw_outbound_tag(&m->out->secret, item->id, item->version, tag);
	BW_TRY(bw_buf_add(&m->batch, bw_slice_of(tag, sizeof(tag))));
	BW_TRY(bw_buf_add(&m->batch, bw_slice_of(bytes, sizeof(bytes))));
	BW_TRY(bw_buf_add_be32(&m->batch, d->takes));
	BW_TRY(bw_buf_add_be64(&m->batch, (uint64_t)d->saw));
	BW_TRY(bw_buf_add_be64(&m->batch, (uint64_t)d->limit));
	BW_TRY(bw_buf_add_be32(&m->batch, entry));
	BW_TRY(bw_buf_add_be16(&m->batch, (uint16_t)item->became.len));
	return bw_buf_add(&m->batch, item->became);
}

static enum bw_err add_items(struct making *m)
{
	uint32_t entries = 0;

	for (size_t i = 0; i < m->count; i++)
		BW_TRY(add_item(m, &m->items[i], m->items[i].crossing.len > 0 ? ++entries : 0));
	return BW_OK;
}

static enum bw_err add_row(struct bw_buf *rows, const struct bw_journal_row *row)
{
	BW_TRY(bw_buf_add_be64(rows, (uint64_t)row->keep_until_us));
	BW_TRY(bw_buf_add(rows, bw_hash_slice(&row->leaf)));
	BW_TRY(bw_buf_add_be64(rows, row->offset));
	return bw_buf_add_be32(rows, row->len);
}

/* Salt and text become a leaf, and sealed bytes at `to`. */
static enum bw_err seal(struct making *m, const struct bw_outbound_item *item, uint32_t place,
			struct bw_journal_row *row, uint8_t *to)
{
	const uint64_t index = m->head.from + place;
	uint8_t nonce[BW_AEAD_NONCE_BYTES];
	uint8_t with[8 + BW_SHA256_BYTES];
	struct bw_aead *aead;

	bw_buf_clear(&m->plain);
	BW_TRY(bw_buf_add(&m->plain,
			  bw_slice_of(m->salts + place * (size_t)BW_CROSSING_SALT_BYTES, BW_CROSSING_SALT_BYTES)));
	BW_TRY(bw_buf_add(&m->plain, item->crossing));
	row->leaf = bw_hash_leaf(bw_buf_slice(&m->plain));
	row->keep_until_us = item->keep_until_us;
	row->len = (uint32_t)(m->plain.len + BW_AEAD_TAG_BYTES);
	memcpy(nonce, m->head.nonce, sizeof(m->head.nonce));
	for (unsigned i = 0; i < 4; i++)
		nonce[8 + i] = (uint8_t)(place >> (24 - 8 * i));
	bw_journal_with(index, &row->leaf, with);
	BW_TRY(bw_outbound_key(m->out, bw_outbound_day(item->keep_until_us), true, &aead, m->why));
	return bw_aead_seal(aead, nonce, bw_slice_of(with, sizeof(with)), bw_buf_slice(&m->plain), to);
}

static enum bw_err add_entries(struct making *m)
{
	const size_t rows_bytes = (size_t)m->head.entries * BW_JOURNAL_ROW_BYTES;
	const size_t sealed_at = m->batch.len + rows_bytes;
	BW_CLEANUP(bw_buf_release) struct bw_buf rows = BW_BUF_INIT(rows_bytes + 1);
	struct bw_journal_row row = { 0 };
	uint32_t place = 0;

	bw_random(m->salts, m->head.entries * (size_t)BW_CROSSING_SALT_BYTES);
	for (size_t i = 0; i < m->count; i++) {
		if (m->items[i].crossing.len == 0)
			continue;
		BW_TRY(seal(m, &m->items[i], place, &row, m->batch.ptr + sealed_at + row.offset));
		m->leaves[place++] = row.leaf;
		BW_TRY(add_row(&rows, &row));
		row.offset += row.len;
	}
	if (rows.len > 0)
		memcpy(m->batch.ptr + m->batch.len, rows.ptr, rows.len);
	m->batch.len = sealed_at + (size_t)m->head.sealed_bytes; /* reserved before, and filled above */
	return BW_OK;
}

static enum bw_err make(struct making *m, struct bw_slice source)
{
	uint8_t hash[BW_SHA256_BYTES];

	m->leaves = calloc(m->head.entries + (size_t)1, sizeof(*m->leaves));
	m->salts = calloc(m->head.entries + (size_t)1, BW_CROSSING_SALT_BYTES);
	BW_NEED(m->leaves != NULL && m->salts != NULL, MEMORY);
	BW_TRY(bw_buf_reserve(&m->batch, (size_t)bw_journal_len(&m->head)));
	BW_TRY(bw_journal_head_add(&m->batch, &m->head));
	BW_TRY(bw_buf_add(&m->batch, source));
	BW_TRY(add_items(m));
	BW_TRY(add_entries(m));
	BW_TRY(bw_sha256(bw_buf_slice(&m->batch), hash));
	return bw_buf_add(&m->batch, bw_slice_of(hash, sizeof(hash)));
}

/* From here on a failure leaves it open what is on disk. */
static enum bw_err keep(struct making *m, struct bw_slice source)
{
	enum bw_err err = bw_journal_append(m->out, &m->head, bw_buf_slice(&m->batch), m->why);

	if (err == BW_OK) {
		bw_buf_clear(&m->out->source);
		err = bw_buf_add(&m->out->source, source);
	}
	if (err == BW_OK && m->head.entries > 0)
		err = bw_outbound_tiles_add(m->out, m->leaves, m->head.entries, m->why);
	m->out->broken = err;
	return err;
}

static enum bw_err add(struct making *m, struct bw_slice source, int64_t now_us)
{
	BW_TRY(measure(m, source, now_us));
	BW_TRY(make(m, source));
	return keep(m, source);
}

enum bw_err bw_outbound_add(struct bw_outbound *out, const struct bw_outbound_item *items, size_t count,
			    struct bw_slice source, int64_t now_us, struct bw_outbound_batch *batch, struct bw_why *why)
{
	struct making m = { .out = out,
			    .items = items,
			    .count = count,
			    .batch = BW_BUF_INIT(BW_JOURNAL_BATCH_MAX),
			    .plain = BW_BUF_INIT(BW_CROSSING_SALT_BYTES + BW_CROSSING_MAX),
			    .why = why };
	enum bw_err err;

	BW_TRY(out->broken);
	BW_NEED(!out->is_reader, USAGE);
	BW_NEED(count <= BW_OUTBOUND_ITEMS_MAX, TOO_MANY);
	BW_NEED(source.len <= BW_OUTBOUND_SOURCE_MAX, TOO_BIG);
	err = add(&m, source, now_us);
	if (err == BW_OK && batch != NULL) {
		*batch = (struct bw_outbound_batch){
			.number = m.head.number, .from = m.head.from, .to = out->size, .root = out->root
		};
		memcpy(batch->hash, out->last_hash, sizeof(batch->hash));
	}
	release(&m);
	return err;
}
