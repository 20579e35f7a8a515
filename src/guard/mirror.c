#include "guard/mirror.h"

#include <sys/stat.h>

#include "guard/meta.h"
#include "store/shelf.h"

enum { FRONT_BYTES = 8, HEAD_VERSION = 1 };

static const char head_magic[] = "BWMH";

/* ---- records -------------------------------------------------------------------------------------- */

static enum bw_err take_bytes(struct bw_cursor *c, uint8_t *out, size_t len)
{
	struct bw_slice bytes;

	BW_TRY(bw_take(c, len, &bytes));
	memcpy(out, bytes.ptr, len);
	return BW_OK;
}

static enum bw_err take_version(struct bw_cursor *c, struct bw_mirror_version *out)
{
	struct bw_meta meta;
	uint64_t taken;

	BW_TRY(take_bytes(c, out->store, sizeof(out->store)));
	BW_TRY(bw_take_be64(c, &out->number));
	BW_TRY(bw_take_be64(c, &taken));
	BW_TRY(bw_take_be64(c, &out->size));
	BW_TRY(bw_take_be32(c, &out->type));
	BW_TRY(bw_take_u8(c, &out->state));
	BW_TRY(bw_take_block(c, BW_MIRROR_PATH_MAX, &out->path));
	BW_TRY(bw_take_block(c, BW_MIRROR_META_MAX, &out->meta));
	out->taken_us = (int64_t)taken;
	BW_NEED(out->number > 0 && out->size <= INT64_MAX && out->state <= BW_SHELF_FUZZY, RANGE);
	BW_NEED(out->type == S_IFREG || (out->type == S_IFLNK && out->size == 0), RANGE);
	BW_NEED(out->path.len > 0 && out->path.ptr[0] == '/', SYNTAX);
	return bw_meta_parse(out->meta, &meta) == BW_OK ? BW_OK : BW_ERR_SYNTAX;
}

static enum bw_err take_ledger(struct bw_cursor *c, struct bw_mirror_ledger *out)
{
	BW_TRY(take_bytes(c, out->id, sizeof(out->id)));
	BW_TRY(bw_take_be64(c, &out->number));
	return take_bytes(c, out->chain, sizeof(out->chain));
}

static enum bw_err take_body(struct bw_cursor *c, struct bw_mirror_record *out)
{
	switch (out->kind) {
	case BW_MIRROR_VERSION:
		return take_version(c, &out->version);
	case BW_MIRROR_CONTENT:
		BW_TRY(bw_take_be64(c, &out->at));
		BW_NEED(bw_cursor_left(c) > 0, SYNTAX);
		return bw_take(c, bw_cursor_left(c), &out->bytes);
	case BW_MIRROR_WHOLE:
		return take_bytes(c, out->sum, sizeof(out->sum));
	case BW_MIRROR_LEDGER:
		return take_ledger(c, &out->ledger);
	default:
		return BW_ERR_RANGE;
	}
}

enum bw_err bw_mirror_next(struct bw_cursor *in, struct bw_mirror_record *out)
{
	struct bw_mirror_record record = { .bytes = bw_slice_empty };
	struct bw_cursor c = *in;
	struct bw_cursor body;
	struct bw_slice bytes;
	struct bw_slice zeros;
	uint32_t length;

	BW_TRY(bw_take_be32(&c, &length));
	BW_NEED(length <= BW_MIRROR_BODY_MAX, TOO_BIG);
	BW_TRY(bw_take_u8(&c, &record.kind));
	BW_TRY(bw_take(&c, 3, &zeros));
	BW_NEED(memcmp(zeros.ptr, "\0\0", 3) == 0, SYNTAX);
	BW_TRY(bw_take(&c, length, &bytes));
	body = bw_cursor_over(bytes);
	BW_NEED(take_body(&body, &record) == BW_OK && bw_cursor_left(&body) == 0, SYNTAX);
	*in = c;
	*out = record;
	return BW_OK;
}

static enum bw_err add_body(struct bw_buf *out, const struct bw_mirror_record *r)
{
	switch (r->kind) {
	case BW_MIRROR_VERSION:
		BW_TRY(bw_buf_add(out, bw_slice_of(r->version.store, sizeof(r->version.store))));
		BW_TRY(bw_buf_add_be64(out, r->version.number));
		BW_TRY(bw_buf_add_be64(out, (uint64_t)r->version.taken_us));
		BW_TRY(bw_buf_add_be64(out, r->version.size));
		BW_TRY(bw_buf_add_be32(out, r->version.type));
		BW_TRY(bw_buf_add_u8(out, r->version.state));
		BW_TRY(bw_buf_add_block(out, r->version.path));
		return bw_buf_add_block(out, r->version.meta);
	case BW_MIRROR_CONTENT:
		BW_TRY(bw_buf_add_be64(out, r->at));
		return bw_buf_add(out, r->bytes);
	case BW_MIRROR_WHOLE:
		return bw_buf_add(out, bw_slice_of(r->sum, sizeof(r->sum)));
	default:
		BW_TRY(bw_buf_add(out, bw_slice_of(r->ledger.id, sizeof(r->ledger.id))));
		BW_TRY(bw_buf_add_be64(out, r->ledger.number));
		return bw_buf_add(out, bw_slice_of(r->ledger.chain, sizeof(r->ledger.chain)));
	}
}

enum bw_err bw_mirror_add(struct bw_buf *out, const struct bw_mirror_record *record)
{
	const size_t begin = out->len;
	enum bw_err err = bw_buf_add_be32(out, 0);

	if (err == BW_OK)
		err = bw_buf_add_be32(out, (uint32_t)record->kind << 24);
	if (err == BW_OK)
		err = add_body(out, record);
	if (err == BW_OK && out->len - begin - FRONT_BYTES > BW_MIRROR_BODY_MAX)
		err = BW_ERR_TOO_BIG;
	if (err != BW_OK) {
		out->len = begin;
		return err;
	}
	for (unsigned i = 0; i < 4; i++)
		out->ptr[begin + i] = (uint8_t)((out->len - begin - FRONT_BYTES) >> (24 - 8 * i));
	return BW_OK;
}

enum bw_err bw_mirror_chain(const uint8_t before[BW_SHA256_BYTES], struct bw_slice records,
			    uint8_t out[BW_SHA256_BYTES])
{
	BW_CLEANUP(bw_buf_release) struct bw_buf front = BW_BUF_INIT(BW_SHA256_BYTES + 4);
	struct bw_sha256_run *run;
	enum bw_err err;

	BW_TRY(bw_buf_add(&front, bw_slice_of(before, BW_SHA256_BYTES)));
	BW_TRY(bw_buf_add_be32(&front, (uint32_t)records.len));
	BW_TRY(bw_sha256_new(&run));
	err = bw_sha256_add(run, bw_buf_slice(&front));
	if (err == BW_OK)
		err = bw_sha256_add(run, records);
	if (err == BW_OK)
		err = bw_sha256_end(run, out);
	bw_sha256_free(run);
	return err;
}

/* ---- in order ----------------------------------------------------------------------------------------- */

enum bw_err bw_mirror_check_init(struct bw_mirror_check *check)
{
	*check = (struct bw_mirror_check){ 0 };
	return bw_sha256_new(&check->run);
}

void bw_mirror_check_release(struct bw_mirror_check *check)
{
	bw_sha256_free(check->run);
	*check = (struct bw_mirror_check){ 0 };
}

/* Whatever was in it is forgotten. */
static enum bw_err begin(struct bw_mirror_check *check, const struct bw_mirror_version *version)
{
	uint8_t dropped[BW_SHA256_BYTES];

	BW_TRY(bw_sha256_end(check->run, dropped));
	memcpy(check->store, version->store, sizeof(check->store));
	check->number = version->number;
	check->size = version->size;
	check->at = 0;
	check->is_open = true;
	return BW_OK;
}

static enum bw_err feed(struct bw_mirror_check *check, const struct bw_mirror_record *record)
{
	uint8_t sum[BW_SHA256_BYTES];

	switch (record->kind) {
	case BW_MIRROR_VERSION:
		return begin(check, &record->version);
	case BW_MIRROR_CONTENT:
		BW_NEED(check->is_open && record->at == check->at, CONFLICT);
		BW_NEED(record->bytes.len <= check->size - check->at, CONFLICT);
		check->at += record->bytes.len;
		return bw_sha256_add(check->run, record->bytes);
	case BW_MIRROR_WHOLE:
		BW_NEED(check->is_open && check->at == check->size, CONFLICT);
		BW_TRY(bw_sha256_end(check->run, sum));
		check->is_open = false;
		return memcmp(sum, record->sum, sizeof(sum)) == 0 ? BW_OK : BW_ERR_CORRUPT;
	default:
		return BW_OK;
	}
}

enum bw_err bw_mirror_check_feed(struct bw_mirror_check *check, const struct bw_mirror_record *record)
{
	const enum bw_err err = feed(check, record);

	if (err != BW_OK)
		check->is_open = false;
	return err;
}

/* ---- heads ---------------------------------------------------------------------------------------------- */

enum bw_err bw_mirror_head_parse(struct bw_slice bytes, struct bw_mirror_head *out)
{
	struct bw_cursor c = bw_cursor_over(bytes);
	struct bw_mirror_head head = { 0 };
	struct bw_slice magic;
	uint32_t version;
	uint32_t count;

	BW_TRY(bw_take(&c, 4, &magic));
	BW_NEED(bw_slice_is(magic, head_magic), SYNTAX);
	BW_TRY(bw_take_be32(&c, &version));
	BW_NEED(version == HEAD_VERSION, SCHEMA);
	BW_TRY(bw_take_be64(&c, &head.bytes));
	BW_TRY(bw_take_be64(&c, &head.versions));
	BW_TRY(take_bytes(&c, head.chain, sizeof(head.chain)));
	BW_TRY(take_ledger(&c, &head.ledger));
	BW_TRY(bw_take_be32(&c, &count));
	BW_NEED(count <= BW_MIRROR_STORES_MAX && head.bytes >= BW_MIRROR_JOURNAL_HEAD_BYTES, RANGE);
	for (head.store_count = 0; head.store_count < count; head.store_count++) {
		BW_TRY(take_bytes(&c, head.stores[head.store_count].store, BW_MIRROR_STORE_BYTES));
		BW_TRY(bw_take_be64(&c, &head.stores[head.store_count].number));
	}
	BW_NEED(bw_cursor_left(&c) == 0, SYNTAX);
	*out = head;
	return BW_OK;
}

enum bw_err bw_mirror_head_write(const struct bw_mirror_head *head, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_text(out, head_magic));
	BW_TRY(bw_buf_add_be32(out, HEAD_VERSION));
	BW_TRY(bw_buf_add_be64(out, head->bytes));
	BW_TRY(bw_buf_add_be64(out, head->versions));
	BW_TRY(bw_buf_add(out, bw_slice_of(head->chain, sizeof(head->chain))));
	BW_TRY(bw_buf_add(out, bw_slice_of(head->ledger.id, sizeof(head->ledger.id))));
	BW_TRY(bw_buf_add_be64(out, head->ledger.number));
	BW_TRY(bw_buf_add(out, bw_slice_of(head->ledger.chain, sizeof(head->ledger.chain))));
	BW_TRY(bw_buf_add_be32(out, (uint32_t)head->store_count));
	for (size_t i = 0; i < head->store_count; i++) {
		BW_TRY(bw_buf_add(out, bw_slice_of(head->stores[i].store, BW_MIRROR_STORE_BYTES)));
		BW_TRY(bw_buf_add_be64(out, head->stores[i].number));
	}
	return BW_OK;
}

uint64_t bw_mirror_head_number(const struct bw_mirror_head *head, const uint8_t store[BW_MIRROR_STORE_BYTES])
{
	for (size_t i = 0; i < head->store_count; i++) {
		if (memcmp(head->stores[i].store, store, BW_MIRROR_STORE_BYTES) == 0)
			return head->stores[i].number;
	}
	return 0;
}

static enum bw_err count_whole(struct bw_mirror_head *head, const struct bw_mirror_check *check)
{
	size_t i = 0;

	while (i < head->store_count && memcmp(head->stores[i].store, check->store, BW_MIRROR_STORE_BYTES) != 0)
		i++;
	if (i == head->store_count) {
		BW_NEED(i < BW_MIRROR_STORES_MAX, TOO_MANY);
		memcpy(head->stores[i].store, check->store, BW_MIRROR_STORE_BYTES);
		head->stores[i].number = 0;
		head->store_count++;
	}
	BW_NEED(check->number > head->stores[i].number, CONFLICT);
	head->stores[i].number = check->number;
	head->versions++;
	return BW_OK;
}

enum bw_err bw_mirror_head_feed(struct bw_mirror_head *head, const struct bw_mirror_check *check,
				const struct bw_mirror_record *record)
{
	if (record->kind == BW_MIRROR_WHOLE)
		return count_whole(head, check);
	if (record->kind == BW_MIRROR_LEDGER)
		head->ledger = record->ledger;
	return BW_OK;
}
