#include "accord/chunk.h"

#include "intel/policy_pack.h"

#define MAGIC "BWC1"

/* ---- writing ----------------------------------------------------------------------- */

enum bw_err bw_chunk_begin(struct bw_buf *out, uint64_t from, size_t count, uint64_t bytes)
{
	BW_NEED(count <= BW_CHUNK_ENTRIES_MAX, TOO_MANY);
	BW_TRY(bw_buf_add_text(out, MAGIC));
	BW_TRY(bw_buf_add_be64(out, from));
	BW_TRY(bw_buf_add_be32(out, (uint32_t)count));
	return bw_buf_add_be64(out, bytes);
}

static enum bw_err add_crossing(struct bw_buf *out, const struct bw_crossing *crossing)
{
	BW_NEED(crossing->path_count > 0 && crossing->path_count <= BW_CROSSING_PATH_MAX, RANGE);
	BW_TRY(bw_buf_add(out, bw_slice_of(crossing->accord, sizeof(crossing->accord))));
	BW_TRY(bw_buf_add_u8(out, crossing->clause));
	BW_TRY(bw_buf_add_u8(out, crossing->tiding));
	BW_TRY(bw_buf_add_u8(out, crossing->is_derived));
	BW_TRY(bw_buf_add_block(out, crossing->collection));
	BW_TRY(bw_buf_add_u8(out, (uint8_t)crossing->path_count));
	for (size_t i = 0; i < crossing->path_count; i++)
		BW_TRY(bw_buf_add(out, bw_slice_of(crossing->path[i], BW_SHA256_BYTES)));
	return bw_policy_pack(&crossing->policy, out);
}

enum bw_err bw_chunk_row(struct bw_buf *out, const struct bw_chunk_row *row)
{
	BW_TRY(bw_buf_add_u8(out, (uint8_t)row->kind));
	BW_TRY(bw_buf_add_be64(out, row->index));
	if (row->kind == BW_CHUNK_REFUSED)
		return bw_buf_add_block(out, bw_slice_sub(row->words, 0, BW_CHUNK_WORDS_MAX));
	return row->kind == BW_CHUNK_FINE ? add_crossing(out, &row->crossing) : BW_OK;
}

enum bw_err bw_chunk_end(struct bw_buf *out, struct bw_slice state, struct bw_slice batch, struct bw_slice answer)
{
	BW_TRY(bw_buf_add_block(out, state));
	BW_TRY(bw_buf_add_block(out, batch));
	return bw_buf_add_block(out, answer);
}

/* ---- reading ------------------------------------------------------------------------ */

static enum bw_err take_path(struct bw_cursor *c, struct bw_crossing *out)
{
	uint8_t count;

	BW_TRY(bw_take_u8(c, &count));
	BW_NEED(count > 0 && count <= BW_CROSSING_PATH_MAX, PROTOCOL);
	out->path_count = count;
	for (size_t i = 0; i < count; i++) {
		struct bw_slice node;

		BW_TRY(bw_take(c, BW_SHA256_BYTES, &node));
		memcpy(out->path[i], node.ptr, BW_SHA256_BYTES);
	}
	return BW_OK;
}

static enum bw_err take_crossing(struct bw_cursor *c, struct bw_crossing *out)
{
	struct bw_slice accord;
	uint8_t derived;

	BW_TRY(bw_take(c, sizeof(out->accord), &accord));
	memcpy(out->accord, accord.ptr, sizeof(out->accord));
	BW_TRY(bw_take_u8(c, &out->clause));
	BW_TRY(bw_take_u8(c, &out->tiding));
	BW_TRY(bw_take_u8(c, &derived));
	BW_NEED(out->clause < BW_CLAUSE_COUNT && out->tiding < BW_TIDING_COUNT && derived <= 1, PROTOCOL);
	out->is_derived = derived == 1;
	BW_TRY(bw_take_block(c, BW_ACCORD_WORD_MAX, &out->collection));
	BW_TRY(take_path(c, out));
	out->object = bw_slice_empty;
	return bw_policy_unpack(c, &out->policy);
}

static enum bw_err take_row(struct bw_cursor *c, struct bw_chunk_row *out)
{
	uint8_t kind;

	BW_TRY(bw_take_u8(c, &kind));
	BW_NEED(kind <= BW_CHUNK_FINE, PROTOCOL);
	out->kind = (enum bw_chunk_kind)kind;
	out->words = bw_slice_empty;
	BW_TRY(bw_take_be64(c, &out->index));
	if (kind == BW_CHUNK_REFUSED)
		return bw_take_block(c, BW_CHUNK_WORDS_MAX, &out->words);
	return kind == BW_CHUNK_FINE ? take_crossing(c, &out->crossing) : BW_OK;
}

enum bw_err bw_chunk_open(struct bw_slice bytes, struct bw_chunk *out)
{
	struct bw_cursor c = bw_cursor_over(bytes);
	struct bw_chunk chunk = { .fine = 0 };
	struct bw_chunk_row row;
	struct bw_slice magic;
	uint32_t count;

	BW_TRY(bw_take(&c, sizeof(MAGIC) - 1, &magic));
	BW_NEED(bw_slice_is(magic, MAGIC), VERSION);
	BW_TRY(bw_take_be64(&c, &chunk.from));
	BW_TRY(bw_take_be32(&c, &count));
	BW_TRY(bw_take_be64(&c, &chunk.bytes));
	BW_NEED(count <= BW_CHUNK_ENTRIES_MAX && chunk.from <= BW_TREE_SIZE_MAX - count, TOO_MANY);
	chunk.count = count;
	chunk.rows = c;
	for (uint32_t i = 0; i < count; i++) {
		BW_TRY(take_row(&c, &row));
		BW_NEED(row.index == chunk.from + i, PROTOCOL);
		chunk.fine += row.kind == BW_CHUNK_FINE;
	}
	BW_TRY(bw_take_block(&c, BW_INBOUND_STATE_MAX, &chunk.state));
	BW_TRY(bw_take_block(&c, BW_CHUNK_MAX, &chunk.batch));
	BW_TRY(bw_take_block(&c, BW_CHUNK_MAX, &chunk.answer));
	BW_NEED(bw_cursor_left(&c) == 0, PROTOCOL);
	*out = chunk;
	return BW_OK;
}

enum bw_err bw_chunk_next(struct bw_chunk *chunk, struct bw_chunk_row *out)
{
	BW_NEED(chunk->count > 0, PROTOCOL);
	BW_TRY(take_row(&chunk->rows, out));
	chunk->count--;
	return BW_OK;
}
