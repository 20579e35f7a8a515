#include "codec/dsse.h"

#include "codec/base64.h"
#include "codec/jcs.h"
#include "codec/json_walk.h"

/* ---- reading ------------------------------------------------------------------------------- */

static enum bw_err read_text(struct bw_slice value, size_t max, struct bw_arena *arena, struct bw_slice *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf said = BW_BUF_INIT(max);

	BW_TRY(bw_json_walk_string(value, &said));
	return bw_arena_copy(arena, bw_buf_slice(&said), out);
}

/* The standard lets verifiers meet either alphabet; one text may not mix them, but nothing hangs on that. */
static enum bw_err read_base64(struct bw_slice value, size_t max, struct bw_arena *arena, struct bw_slice *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf said = BW_BUF_INIT(max / 3 * 4 + 8);
	uint8_t *bytes;
	size_t len;

	BW_TRY(bw_json_walk_string(value, &said));
	for (size_t i = 0; i < said.len; i++) {
		if (said.ptr[i] == '-')
			said.ptr[i] = '+';
		else if (said.ptr[i] == '_')
			said.ptr[i] = '/';
	}
	bytes = bw_arena_take(arena, said.len / 4 * 3 + 1);
	BW_NEED(bytes != NULL, MEMORY);
	BW_TRY(bw_base64_decode(bw_buf_slice(&said), bytes, max, &len));
	*out = bw_slice_of(bytes, len);
	return BW_OK;
}

/* Bits of `seen`: a member that is there twice could be read in two ways. */
static enum bw_err once(unsigned *seen, unsigned bit)
{
	BW_NEED((*seen & bit) == 0, DUPLICATE);
	*seen |= bit;
	return BW_OK;
}

static enum bw_err read_signature(struct bw_slice text, struct bw_arena *arena, struct bw_dsse_signature *out)
{
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice value;
	unsigned seen = 0;
	bool more;

	out->key_id = bw_slice_empty;
	BW_TRY(bw_json_walk_open(text, &walk));
	BW_NEED(walk.close == '}', TYPE);
	for (;;) {
		BW_TRY(bw_json_walk_next(&walk, &name, &value, &more));
		if (!more)
			break;
		if (bw_slice_is(name, "keyid")) {
			BW_TRY(once(&seen, 1));
			BW_TRY(read_text(value, BW_DSSE_KEYID_MAX, arena, &out->key_id));
		} else if (bw_slice_is(name, "sig")) {
			BW_TRY(once(&seen, 2));
			BW_TRY(read_base64(value, BW_DSSE_SIGNATURE_MAX, arena, &out->bytes));
		}
	}
	BW_NEED((seen & 2) != 0, MISSING);
	return BW_OK;
}

static enum bw_err read_signatures(struct bw_slice text, struct bw_arena *arena, struct bw_dsse *out)
{
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice value;
	bool more;

	BW_TRY(bw_json_walk_open(text, &walk));
	BW_NEED(walk.close == ']', TYPE);
	for (out->count = 0;; out->count++) {
		BW_TRY(bw_json_walk_next(&walk, &name, &value, &more));
		if (!more)
			return BW_OK;
		BW_NEED(out->count < BW_DSSE_SIGNATURES_MAX, TOO_MANY);
		BW_TRY(read_signature(value, arena, &out->signatures[out->count]));
	}
}

static enum bw_err read_member(struct bw_slice name, struct bw_slice value, struct bw_arena *arena, unsigned *seen,
			       struct bw_dsse *out)
{
	if (bw_slice_is(name, "payload")) {
		BW_TRY(once(seen, 1));
		return read_base64(value, BW_DSSE_PAYLOAD_MAX, arena, &out->payload);
	}
	if (bw_slice_is(name, "payloadType")) {
		BW_TRY(once(seen, 2));
		return read_text(value, BW_DSSE_TYPE_MAX, arena, &out->type);
	}
	if (bw_slice_is(name, "signatures")) {
		BW_TRY(once(seen, 4));
		return read_signatures(value, arena, out);
	}
	return BW_OK;
}

enum bw_err bw_dsse_parse(struct bw_slice text, struct bw_arena *arena, struct bw_dsse *out)
{
	struct bw_dsse read = { .type = bw_slice_empty, .payload = bw_slice_empty };
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice value;
	unsigned seen = 0;
	bool more;

	BW_NEED(text.len <= BW_DSSE_TEXT_MAX, TOO_BIG);
	BW_TRY(bw_json_walk_open(text, &walk));
	BW_NEED(walk.close == '}', TYPE);
	for (;;) {
		BW_TRY(bw_json_walk_next(&walk, &name, &value, &more));
		if (!more)
			break;
		BW_TRY(read_member(name, value, arena, &seen, &read));
	}
	BW_NEED(seen == 7 && read.count > 0, MISSING);
	*out = read;
	return BW_OK;
}

/* ---- writing ------------------------------------------------------------------------------- */

static enum bw_err add_base64(struct bw_buf *out, const char *member, struct bw_slice bytes)
{
	BW_TRY(bw_buf_addf(out, "%s\"", member));
	BW_TRY(bw_base64_add(out, bytes));
	return bw_buf_add_u8(out, '"');
}

enum bw_err bw_dsse_add(struct bw_buf *out, const struct bw_dsse *envelope)
{
	BW_NEED(envelope->count >= 1 && envelope->count <= BW_DSSE_SIGNATURES_MAX, TOO_MANY);
	BW_NEED(envelope->payload.len <= BW_DSSE_PAYLOAD_MAX && envelope->type.len <= BW_DSSE_TYPE_MAX, TOO_BIG);
	BW_TRY(add_base64(out, "{\"payload\":", envelope->payload));
	BW_TRY(bw_buf_add_text(out, ",\"payloadType\":"));
	BW_TRY(bw_jcs_add_string(out, envelope->type));
	BW_TRY(bw_buf_add_text(out, ",\"signatures\":["));
	for (size_t i = 0; i < envelope->count; i++) {
		BW_TRY(bw_buf_addf(out, "%s{\"keyid\":", i > 0 ? "," : ""));
		BW_TRY(bw_jcs_add_string(out, envelope->signatures[i].key_id));
		BW_TRY(add_base64(out, ",\"sig\":", envelope->signatures[i].bytes));
		BW_TRY(bw_buf_add_u8(out, '}'));
	}
	return bw_buf_add_text(out, "]}");
}

enum bw_err bw_dsse_add_pae(struct bw_buf *out, struct bw_slice type, struct bw_slice payload)
{
	BW_TRY(bw_buf_reserve(out, type.len + payload.len + 64));
	BW_TRY(bw_buf_addf(out, "DSSEv1 %zu ", type.len));
	BW_TRY(bw_buf_add(out, type));
	BW_TRY(bw_buf_addf(out, " %zu ", payload.len));
	return bw_buf_add(out, payload);
}
