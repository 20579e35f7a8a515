#include "intel/batch.h"

#include "base/num.h"
#include "base/text.h"

/*
 * Fields of a record, in order: type u8, versioning u8, spec u8 (high nibble
 * major), revoked u8, hash[32], then blocks: id, type name, version, created,
 * creator, body; then two lists: count be32 and as many blocks.
 */
#define MAGIC BW_LIT("BWB1")

enum { UUID_CHARS = 36 };

enum bw_err bw_batch_begin(struct bw_buf *out)
{
	return bw_buf_add(out, MAGIC);
}

/* ---- writing ----------------------------------------------------------- */

static size_t list_bytes(const struct bw_slice *list, size_t count)
{
	size_t bytes = 4;

	for (size_t i = 0; i < count; i++)
		bytes += 4 + list[i].len;
	return bytes;
}

static enum bw_err add_list(struct bw_buf *out, const struct bw_slice *list, size_t count)
{
	BW_TRY(bw_buf_add_be32(out, (uint32_t)count));
	for (size_t i = 0; i < count; i++)
		BW_TRY(bw_buf_add_block(out, list[i]));
	return BW_OK;
}

static enum bw_err add_fields(struct bw_buf *out, const struct bw_record *r)
{
	BW_TRY(bw_buf_add_u8(out, (uint8_t)r->type));
	BW_TRY(bw_buf_add_u8(out, (uint8_t)r->versioning));
	BW_TRY(bw_buf_add_u8(out, (uint8_t)(r->spec_major << 4 | r->spec_minor)));
	BW_TRY(bw_buf_add_u8(out, r->revoked));
	BW_TRY(bw_buf_add(out, bw_slice_of(r->hash, sizeof(r->hash))));
	BW_TRY(bw_buf_add_block(out, r->id));
	BW_TRY(bw_buf_add_block(out, r->type_name));
	BW_TRY(bw_buf_add_block(out, r->version));
	BW_TRY(bw_buf_add_block(out, r->created));
	BW_TRY(bw_buf_add_block(out, r->creator));
	BW_TRY(bw_buf_add_block(out, r->body));
	BW_TRY(add_list(out, r->values, r->value_count));
	return add_list(out, r->texts, r->text_count);
}

enum bw_err bw_batch_add(struct bw_buf *out, const struct bw_record *r)
{
	const size_t bytes = 4 + BW_HASH_BYTES + 6 * 4 + r->id.len + r->type_name.len + r->version.len +
			     r->created.len + r->creator.len + r->body.len + list_bytes(r->values, r->value_count) +
			     list_bytes(r->texts, r->text_count);
	uint32_t length;

	BW_NEED(r->value_count <= BW_BATCH_WORDS_MAX && r->text_count <= BW_BATCH_WORDS_MAX, TOO_MANY);
	BW_TRY(bw_to_u32(bytes, &length));
	/* room first, so that a record is in the batch whole or not at all */
	BW_TRY(bw_buf_reserve(out, 4 + bytes));
	BW_TRY(bw_buf_add_be32(out, length));
	return add_fields(out, r);
}

/* ---- reading ----------------------------------------------------------- */

enum bw_err bw_batch_open(struct bw_slice bytes, struct bw_batch *out)
{
	struct bw_cursor in = bw_cursor_over(bytes);
	struct bw_slice magic;

	BW_TRY(bw_take(&in, MAGIC.len, &magic));
	BW_NEED(bw_slice_equals(magic, MAGIC), VERSION);
	out->in = in;
	return BW_OK;
}

static enum bw_err take_text(struct bw_cursor *in, size_t max, struct bw_slice *out)
{
	BW_TRY(bw_take_block(in, max, out));
	return BW_OK;
}

static enum bw_err take_list(struct bw_cursor *in, struct bw_arena *arena, const struct bw_slice **out,
			     size_t *out_count)
{
	struct bw_slice *list;
	uint32_t count;

	BW_TRY(bw_take_be32(in, &count));
	BW_NEED(count <= BW_BATCH_WORDS_MAX, TOO_MANY);
	list = bw_arena_zero(arena, count, sizeof(*list));
	BW_NEED(list != NULL, MEMORY);
	for (uint32_t i = 0; i < count; i++)
		BW_TRY(bw_take_block(in, BW_BATCH_BODY_MAX, &list[i]));
	*out = list;
	*out_count = count;
	return BW_OK;
}

static bool is_uuid(struct bw_slice text)
{
	if (text.len != UUID_CHARS)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		const bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text.ptr[i] != '-' : bw_hex_value(text.ptr[i]) < 0)
			return false;
	}
	return true;
}

static bool is_id_of(struct bw_slice id, struct bw_slice type_name)
{
	return id.len == type_name.len + 2 + UUID_CHARS && bw_slice_starts(id, type_name) && type_name.len > 0 &&
	       id.ptr[type_name.len] == '-' && id.ptr[type_name.len + 1] == '-' &&
	       is_uuid(bw_slice_from(id, type_name.len + 2));
}

/* Enough of a timestamp that nobody downstream meets something else: digits and its own marks. */
static bool is_time(struct bw_slice text)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd";

	if (text.len < sizeof(shape) || text.len > BW_BATCH_TIME_MAX || text.ptr[text.len - 1] != 'Z')
		return false;
	for (size_t i = 0; i + 1 < text.len; i++) {
		const char want = i < sizeof(shape) - 1 ? shape[i] : i == sizeof(shape) - 1 ? '.' : 'd';

		if (want == 'd' ? !bw_is_digit(text.ptr[i]) : text.ptr[i] != (uint8_t)want)
			return false;
	}
	return true;
}

static enum bw_err check_record(const struct bw_record *r)
{
	BW_NEED(r->body.len >= 2 && r->body.ptr[0] == '{' && r->body.ptr[r->body.len - 1] == '}', PROTOCOL);
	BW_NEED(is_id_of(r->id, r->type_name), PROTOCOL);
	BW_NEED(r->type == BW_STIX_CUSTOM || bw_slice_is(r->type_name, bw_stix_type_name(r->type)), PROTOCOL);
	BW_NEED(r->spec_major == 2 && r->spec_minor <= 1, PROTOCOL);
	BW_NEED(r->created.len == 0 || is_time(r->created), PROTOCOL);
	if (r->versioning == BW_VERSION_CONTENT)
		BW_NEED(r->version.len == 0, PROTOCOL);
	else
		BW_NEED(is_time(r->version), PROTOCOL);
	return BW_OK;
}

static enum bw_err take_heads(struct bw_cursor *in, struct bw_record *r)
{
	struct bw_slice hash;
	uint8_t type;
	uint8_t versioning;
	uint8_t spec;
	uint8_t revoked;

	BW_TRY(bw_take_u8(in, &type));
	BW_TRY(bw_take_u8(in, &versioning));
	BW_TRY(bw_take_u8(in, &spec));
	BW_TRY(bw_take_u8(in, &revoked));
	BW_TRY(bw_take(in, BW_HASH_BYTES, &hash));
	BW_NEED(type < BW_STIX_TYPE_COUNT && versioning <= BW_VERSION_CONTENT && revoked <= 1, PROTOCOL);
	r->type = (enum bw_stix_type)type;
	r->versioning = (enum bw_versioning)versioning;
	r->spec_major = spec >> 4;
	r->spec_minor = spec & 15;
	r->revoked = revoked == 1;
	memcpy(r->hash, hash.ptr, BW_HASH_BYTES);
	return BW_OK;
}

static enum bw_err take_record(struct bw_slice bytes, struct bw_arena *arena, struct bw_record *out)
{
	struct bw_cursor in = bw_cursor_over(bytes);
	struct bw_record r = { 0 };

	BW_TRY(take_heads(&in, &r));
	BW_TRY(take_text(&in, BW_BATCH_ID_MAX, &r.id));
	BW_TRY(take_text(&in, BW_BATCH_ID_MAX, &r.type_name));
	BW_TRY(take_text(&in, BW_BATCH_TIME_MAX, &r.version));
	BW_TRY(take_text(&in, BW_BATCH_TIME_MAX, &r.created));
	BW_TRY(take_text(&in, BW_BATCH_ID_MAX, &r.creator));
	BW_TRY(take_text(&in, BW_BATCH_BODY_MAX, &r.body));
	BW_TRY(take_list(&in, arena, &r.values, &r.value_count));
	BW_TRY(take_list(&in, arena, &r.texts, &r.text_count));
	BW_NEED(bw_cursor_left(&in) == 0, PROTOCOL);
	BW_TRY(check_record(&r));
	*out = r;
	return BW_OK;
}

enum bw_err bw_batch_next(struct bw_batch *batch, struct bw_arena *arena, struct bw_record *out)
{
	struct bw_cursor in = batch->in;
	struct bw_slice bytes;

	BW_NEED(bw_cursor_left(&in) > 0, NOT_FOUND);
	BW_TRY(bw_take_block(&in, batch->in.over.len, &bytes));
	BW_TRY(take_record(bytes, arena, out));
	batch->in = in;
	return BW_OK;
}
