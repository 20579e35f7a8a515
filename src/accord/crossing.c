/* The text of a crossing, member by member in the one order there is. */
#include "accord/crossing.h"

#include "accord/accord_inner.h"
#include "accord/canon.h"
#include "base/text.h"
#include "codec/jcs.h"
#include "crypto/keys.h"
#include "sys/clock.h"

static const char *const clause_names[] = {
#define X(name, text) text,
	BW_CLAUSE_ROWS(X)
#undef X
		NULL,
};

static const char *const action_names[] = {
#define X(name, text, words) text,
	BW_ACTION_ROWS(X)
#undef X
		NULL,
};

/* ---- writing ------------------------------------------------------------------------------------- */

static enum bw_err check(const struct bw_crossing *crossing)
{
	const struct bw_policy *p = &crossing->policy;

	BW_NEED(crossing->clause < BW_CLAUSE_COUNT && crossing->tiding < BW_TIDING_COUNT, RANGE);
	BW_NEED(crossing->path_count >= 1 && crossing->path_count <= BW_CROSSING_PATH_MAX, RANGE);
	BW_NEED(crossing->collection.len <= BW_ACCORD_WORD_MAX && bw_utf8_is_valid(crossing->collection, NULL), RANGE);
	BW_NEED(p->tlp <= BW_TLP_RED && p->actions < BW_ACTION_COUNT && p->duties <= BW_DUTY_ALL, RANGE);
	BW_NEED(p->confidence <= BW_CONFIDENCE_MAX && p->purposes <= BW_PURPOSES_ALL, RANGE);
	BW_NEED(p->recipient_count == BW_POLICY_EVERYONE || p->recipient_count <= BW_POLICY_RECIPIENTS_MAX, RANGE);
	BW_NEED(crossing->object.len >= 2, RANGE);
	BW_NEED(crossing->object.len <= BW_CROSSING_OBJECT_MAX, TOO_BIG);
	return BW_OK;
}

/* Half of telling was printf, once. */
static enum bw_err add_words(struct bw_buf *out, const char *before, const char *word, const char *after)
{
	BW_TRY(bw_buf_add_text(out, before));
	BW_TRY(bw_buf_add_text(out, word));
	return bw_buf_add_text(out, after);
}

static enum bw_err add_nodes(struct bw_buf *out, const char *before, const uint8_t (*nodes)[BW_SHA256_BYTES],
			     size_t count)
{
	char name[BW_NODE_NAME_CHARS + 1];

	BW_TRY(bw_buf_add_text(out, before));
	for (size_t i = 0; i < count; i++) {
		bw_node_name(nodes[i], name);
		BW_TRY(add_words(out, i > 0 ? ",\"" : "\"", name, "\""));
	}
	return bw_buf_add_u8(out, ']');
}

static enum bw_err add_time(struct bw_buf *out, const char *before, int64_t time_us, int64_t never)
{
	char text[BW_TIME_BYTES];

	if (time_us == never)
		return add_words(out, before, "null", "");
	bw_time_format(time_us, text);
	BW_TRY(bw_buf_add_text(out, before));
	return add_words(out, "\"", text, "\"");
}

static enum bw_err add_purposes(struct bw_buf *out, uint32_t purposes)
{
	const char *quote = "\"";

	BW_TRY(bw_buf_add_text(out, ",\"purposes\":["));
	for (unsigned i = 0; i < BW_PURPOSE_COUNT; i++)
		if ((purposes >> i & 1) != 0) {
			BW_TRY(add_words(out, quote, bw_purpose_names[i], "\""));
			quote = ",\"";
		}
	return bw_buf_add_u8(out, ']');
}

static enum bw_err add_handling(struct bw_buf *out, const struct bw_policy *p)
{
	BW_TRY(bw_buf_addf(out, ",\"handling\":{\"actions\":\"%s\",\"confidence\":%u,\"duties\":%u",
			   action_names[p->actions], p->confidence, p->duties));
	BW_TRY(add_time(out, ",\"not_after\":", p->not_after_us, INT64_MAX));
	BW_TRY(add_time(out, ",\"not_before\":", p->not_before_us, INT64_MIN));
	BW_TRY(add_purposes(out, p->purposes));
	if (p->recipient_count == BW_POLICY_EVERYONE)
		BW_TRY(bw_buf_add_text(out, ",\"recipients\":null"));
	else
		BW_TRY(add_nodes(out, ",\"recipients\":[", p->recipients, p->recipient_count));
	if (p->tlp == BW_TLP_NONE)
		return bw_buf_add_text(out, ",\"tlp\":null}");
	return add_words(out, ",\"tlp\":\"", bw_colour_names[p->tlp - BW_TLP_CLEAR], "\"}");
}

static enum bw_err add_text(struct bw_buf *out, const struct bw_crossing *crossing)
{
	char hex[2 * BW_SHA256_BYTES + 1];

	bw_hex_encode(bw_slice_of(crossing->accord, BW_SHA256_BYTES), hex);
	BW_TRY(add_words(out, "{\"accord\":\"", hex, "\",\"clause\":\""));
	BW_TRY(add_words(out, clause_names[crossing->clause], "\",\"collection\":", ""));
	BW_TRY(bw_jcs_add_string(out, crossing->collection));
	BW_TRY(add_words(out, ",\"crossing\":1,\"derived\":", crossing->is_derived ? "true" : "false", ""));
	BW_TRY(add_nodes(out, ",\"from\":[", crossing->path, crossing->path_count));
	BW_TRY(add_handling(out, &crossing->policy));
	BW_TRY(add_words(out, ",\"kind\":\"", bw_tiding_names[crossing->tiding], "\",\"object\":"));
	BW_TRY(bw_buf_add(out, crossing->object));
	return bw_buf_add_u8(out, '}');
}

enum bw_err bw_crossing_add(struct bw_buf *out, const struct bw_crossing *crossing)
{
	const size_t before = out->len;
	enum bw_err err;

	BW_TRY(check(crossing));
	BW_TRY(bw_buf_reserve(out, crossing->object.len + 1024));
	err = add_text(out, crossing);
	if (err != BW_OK)
		out->len = before;
	return err;
}

/* ---- reading ------------------------------------------------------------------------------------- */

static enum bw_err take_accord(struct bw_canon *c, uint8_t out[BW_SHA256_BYTES])
{
	const size_t at = c->at;
	struct bw_slice text;
	char again[2 * BW_SHA256_BYTES + 1];

	BW_TRY(bw_canon_string(c, 2 * (size_t)BW_SHA256_BYTES, &text));
	if (bw_hex_decode(text, out, BW_SHA256_BYTES) != BW_OK)
		return bw_canon_refuse(c, BW_ERR_RANGE, at, "not a SHA-256 hash");
	bw_hex_encode(bw_slice_of(out, BW_SHA256_BYTES), again);
	if (!bw_slice_is(text, again))
		return bw_canon_refuse(c, BW_ERR_SYNTAX, at, "the hash is not in lower case");
	return BW_OK;
}

static enum bw_err take_nodes(struct bw_canon *c, uint8_t (*nodes)[BW_SHA256_BYTES], size_t max, size_t *out_count)
{
	size_t count = 0;

	BW_TRY(bw_canon_expect(c, "[", "a list is expected here"));
	while (!bw_canon_has(c, "]")) {
		if (count > 0)
			BW_TRY(bw_canon_expect(c, ",", "a comma or the end of the list is expected here"));
		if (count == max)
			return bw_canon_refuse(c, BW_ERR_TOO_MANY, c->at, "more nodes than a crossing may name");
		BW_TRY(bw_canon_node(c, nodes[count++]));
	}
	*out_count = count;
	return BW_OK;
}

static enum bw_err take_time(struct bw_canon *c, int64_t never, int64_t *out)
{
	if (bw_canon_has(c, "null")) {
		*out = never;
		return BW_OK;
	}
	return bw_canon_time(c, out);
}

static enum bw_err take_purposes(struct bw_canon *c, uint32_t *out)
{
	uint32_t set = 0;

	BW_TRY(bw_canon_expect(c, "[", "a list is expected here"));
	while (!bw_canon_has(c, "]")) {
		uint8_t number;
		size_t at;

		if (set != 0)
			BW_TRY(bw_canon_expect(c, ",", "a comma or the end of the list is expected here"));
		at = c->at;
		BW_TRY(bw_canon_name(c, bw_purpose_names, &number));
		if (set >> number != 0)
			return bw_canon_refuse(c, BW_ERR_SYNTAX, at, "a purpose that is not in its place");
		set |= UINT32_C(1) << number;
	}
	*out = set;
	return BW_OK;
}

/* Ascending, as equal policies are equal bytes. */
static enum bw_err take_recipients(struct bw_canon *c, struct bw_policy *p)
{
	const size_t at = c->at;
	size_t count;

	if (bw_canon_has(c, "null")) {
		p->recipient_count = BW_POLICY_EVERYONE;
		return BW_OK;
	}
	BW_TRY(take_nodes(c, p->recipients, BW_POLICY_RECIPIENTS_MAX, &count));
	for (size_t i = 1; i < count; i++)
		if (memcmp(p->recipients[i - 1], p->recipients[i], BW_SHA256_BYTES) >= 0)
			return bw_canon_refuse(c, BW_ERR_SYNTAX, at, "the recipients are not in ascending order");
	p->recipient_count = (uint32_t)count;
	return BW_OK;
}

static enum bw_err take_handling(struct bw_canon *c, struct bw_policy *p)
{
	uint64_t number;

	memset(p, 0, sizeof(*p));
	BW_TRY(BW_CANON_MEMBER(c, "{", "actions"));
	BW_TRY(bw_canon_name(c, action_names, &p->actions));
	BW_TRY(BW_CANON_MEMBER(c, ",", "confidence"));
	BW_TRY(bw_canon_number(c, 0, BW_CONFIDENCE_MAX, &number));
	p->confidence = (uint8_t)number;
	BW_TRY(BW_CANON_MEMBER(c, ",", "duties"));
	BW_TRY(bw_canon_number(c, 0, BW_DUTY_ALL, &number));
	p->duties = (uint8_t)number;
	BW_TRY(BW_CANON_MEMBER(c, ",", "not_after"));
	BW_TRY(take_time(c, INT64_MAX, &p->not_after_us));
	BW_TRY(BW_CANON_MEMBER(c, ",", "not_before"));
	BW_TRY(take_time(c, INT64_MIN, &p->not_before_us));
	BW_TRY(BW_CANON_MEMBER(c, ",", "purposes"));
	BW_TRY(take_purposes(c, &p->purposes));
	BW_TRY(BW_CANON_MEMBER(c, ",", "recipients"));
	BW_TRY(take_recipients(c, p));
	BW_TRY(BW_CANON_MEMBER(c, ",", "tlp"));
	if (!bw_canon_has(c, "null")) {
		BW_TRY(bw_canon_name(c, bw_colour_names, &p->tlp));
		p->tlp += BW_TLP_CLEAR;
	}
	return bw_canon_expect(c, "}", "the end of the handling is expected here");
}

/* Up to the last brace; what is in it the clerk's parser says. */
static enum bw_err take_object(struct bw_canon *c, struct bw_slice *out)
{
	const struct bw_slice left = bw_slice_from(c->text, c->at);

	if (left.len > (size_t)BW_CROSSING_OBJECT_MAX + 1)
		return bw_canon_refuse(c, BW_ERR_TOO_BIG, c->at, "the object is too large");
	if (left.len < 3)
		return bw_canon_refuse(c, BW_ERR_TRUNCATED, c->text.len, "the object ends too early");
	if (left.ptr[0] != '{' || left.ptr[left.len - 2] != '}' || left.ptr[left.len - 1] != '}')
		return bw_canon_refuse(c, BW_ERR_SYNTAX, c->at, "an object is expected here, and nothing after it");
	*out = bw_slice_sub(left, 0, left.len - 1);
	return BW_OK;
}

static enum bw_err take(struct bw_canon *c, struct bw_crossing *out)
{
	BW_TRY(BW_CANON_MEMBER(c, "{", "accord"));
	BW_TRY(take_accord(c, out->accord));
	BW_TRY(BW_CANON_MEMBER(c, ",", "clause"));
	BW_TRY(bw_canon_name(c, clause_names, &out->clause));
	BW_TRY(BW_CANON_MEMBER(c, ",", "collection"));
	BW_TRY(bw_canon_string(c, BW_ACCORD_WORD_MAX, &out->collection));
	BW_TRY(bw_canon_expect(c, ",\"crossing\":1", "a crossing of version 1 is expected here"));
	BW_TRY(BW_CANON_MEMBER(c, ",", "derived"));
	BW_TRY(bw_canon_bool(c, &out->is_derived));
	BW_TRY(BW_CANON_MEMBER(c, ",", "from"));
	BW_TRY(take_nodes(c, out->path, BW_CROSSING_PATH_MAX, &out->path_count));
	if (out->path_count == 0)
		return bw_canon_refuse(c, BW_ERR_RANGE, c->at, "it has to come from somewhere");
	BW_TRY(BW_CANON_MEMBER(c, ",", "handling"));
	BW_TRY(take_handling(c, &out->policy));
	BW_TRY(BW_CANON_MEMBER(c, ",", "kind"));
	BW_TRY(bw_canon_name(c, bw_tiding_names, &out->tiding));
	BW_TRY(BW_CANON_MEMBER(c, ",", "object"));
	return take_object(c, &out->object);
}

enum bw_err bw_crossing_parse(struct bw_slice text, struct bw_arena *arena, struct bw_crossing *out,
			      struct bw_fault *fault)
{
	struct bw_canon c = BW_CANON_OVER(text, arena);
	struct bw_crossing crossing;
	const enum bw_err err = take(&c, &crossing);

	if (err == BW_OK)
		*out = crossing;
	else if (fault != NULL)
		*fault = c.fault;
	return err;
}
