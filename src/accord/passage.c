#include "accord/passage.h"

#include <stdio.h>

#include "base/num.h"

/* The smallest and the largest body of each kind. */
static const struct {
	size_t min;
	size_t max;
} sizes[] = {
	[BW_PASSAGE_CHECKPOINT] = { 1, BW_NOTE_MAX },
	[BW_PASSAGE_ENTRY] = { BW_PASSAGE_ENTRY_FRAME + 1, BW_PASSAGE_BODY_MAX },
	[BW_PASSAGE_GONE] = { 8 + BW_SHA256_BYTES, 8 + BW_SHA256_BYTES },
	[BW_PASSAGE_PROOF] = { 8, 8 + BW_PROOF_HASHES_MAX *BW_SHA256_BYTES },
	[BW_PASSAGE_END] = { 0, BW_PASSAGE_WORDS_MAX },
	[BW_PASSAGE_REST] = { 16 + 1, 16 + BW_PASSAGE_BODY_MAX },
};

/* ---- reading ------------------------------------------------------------------------------------- */

static enum bw_err take_numbers(struct bw_passage_record *record)
{
	struct bw_cursor c = bw_cursor_over(record->body);

	if (record->kind != BW_PASSAGE_CHECKPOINT && record->kind != BW_PASSAGE_END)
		BW_TRY(bw_take_be64(&c, &record->number));
	if (record->kind == BW_PASSAGE_REST)
		BW_TRY(bw_take_be64(&c, &record->offset));
	BW_NEED(record->number <= BW_TREE_SIZE_MAX && record->offset <= BW_PASSAGE_BODY_MAX, SYNTAX);
	record->rest = bw_slice_from(record->body, c.at);
	return BW_OK;
}

enum bw_err bw_passage_take(struct bw_cursor *in, struct bw_passage_record *out)
{
	struct bw_cursor c = *in;
	struct bw_passage_record record = { 0 };
	uint32_t len;
	uint8_t kind;

	BW_TRY(bw_take_u8(&c, &kind));
	BW_NEED(kind > 0 && kind < BW_COUNT(sizes), TYPE);
	BW_TRY(bw_take_be32(&c, &len));
	BW_NEED(len <= sizes[kind].max, TOO_BIG);
	BW_NEED(len >= sizes[kind].min, SYNTAX);
	BW_TRY(bw_take(&c, len, &record.body));
	record.kind = (enum bw_passage_kind)kind;
	BW_TRY(take_numbers(&record));
	*in = c;
	*out = record;
	return BW_OK;
}

enum bw_err bw_passage_proof(const struct bw_passage_record *record, struct bw_proof *out)
{
	BW_NEED(record->kind == BW_PASSAGE_PROOF && record->rest.len % BW_SHA256_BYTES == 0, SYNTAX);
	BW_NEED(record->rest.len / BW_SHA256_BYTES <= BW_PROOF_HASHES_MAX, TOO_MANY);
	out->count = record->rest.len / BW_SHA256_BYTES;
	memcpy(out->hashes, record->rest.ptr, record->rest.len);
	return BW_OK;
}

/* ---- writing ------------------------------------------------------------------------------------- */

enum bw_err bw_passage_add_head(struct bw_buf *out, enum bw_passage_kind kind, size_t len)
{
	BW_NEED((size_t)kind < BW_COUNT(sizes) && len >= sizes[kind].min && len <= sizes[kind].max, TOO_BIG);
	BW_TRY(bw_buf_reserve(out, BW_PASSAGE_HEAD_BYTES));
	BW_TRY(bw_buf_add_u8(out, (uint8_t)kind));
	return bw_buf_add_be32(out, (uint32_t)len);
}

enum bw_err bw_passage_add(struct bw_buf *out, enum bw_passage_kind kind, struct bw_slice body)
{
	BW_TRY(bw_buf_reserve(out, BW_PASSAGE_HEAD_BYTES + body.len)); /* all or nothing */
	BW_TRY(bw_passage_add_head(out, kind, body.len));
	return bw_buf_add(out, body);
}

enum bw_err bw_passage_add_proof(struct bw_buf *out, uint64_t size, const struct bw_proof *proof)
{
	const size_t len = 8 + proof->count * BW_SHA256_BYTES;

	BW_TRY(bw_buf_reserve(out, BW_PASSAGE_HEAD_BYTES + len));
	BW_TRY(bw_passage_add_head(out, BW_PASSAGE_PROOF, len));
	BW_TRY(bw_buf_add_be64(out, size));
	return bw_buf_add(out, bw_slice_of(proof->hashes, proof->count * BW_SHA256_BYTES));
}

/* ---- places -------------------------------------------------------------------------------------- */

void bw_passage_place_format(const struct bw_passage_place *place, char out[BW_PASSAGE_PLACE_CHARS + 1])
{
	(void)snprintf(out, BW_PASSAGE_PLACE_CHARS + 1, "%llu.%llu.%llu", (unsigned long long)place->entry,
		       (unsigned long long)place->byte, (unsigned long long)place->verified);
}

static enum bw_err take_number(struct bw_slice text, uint64_t max, uint64_t *out)
{
	BW_TRY(bw_size_parse(text, out));
	BW_NEED(*out <= max, RANGE);
	return BW_OK;
}

enum bw_err bw_passage_place_parse(struct bw_slice text, struct bw_passage_place *out)
{
	struct bw_passage_place place = { 0 };
	struct bw_slice entry;
	struct bw_slice byte;
	struct bw_slice rest;

	BW_NEED(text.len <= BW_PASSAGE_PLACE_CHARS, SYNTAX);
	BW_NEED(bw_slice_cut(text, '.', &entry, &rest) && bw_slice_cut(rest, '.', &byte, &rest), SYNTAX);
	BW_TRY(take_number(entry, BW_TREE_SIZE_MAX, &place.entry));
	BW_TRY(take_number(byte, BW_PASSAGE_BODY_MAX, &place.byte));
	BW_TRY(take_number(rest, place.entry, &place.verified));
	*out = place;
	return BW_OK;
}
