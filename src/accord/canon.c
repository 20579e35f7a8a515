#include "accord/canon.h"

#include "accord/accord.h"
#include "base/num.h"
#include "base/text.h"
#include "codec/jcs.h"
#include "codec/json_walk.h"
#include "crypto/keys.h"
#include "sys/clock.h"

enum bw_err bw_canon_refuse(struct bw_canon *c, enum bw_err err, size_t at, const char *reason)
{
	return bw_fault_set(&c->fault, err, at, reason);
}

bool bw_canon_has(struct bw_canon *c, const char *bytes)
{
	const struct bw_slice want = bw_slice_text(bytes);

	if (!bw_slice_starts(bw_slice_from(c->text, c->at), want))
		return false;
	c->at += want.len;
	return true;
}

enum bw_err bw_canon_expect(struct bw_canon *c, const char *bytes, const char *reason)
{
	const struct bw_slice want = bw_slice_text(bytes);
	const struct bw_slice left = bw_slice_from(c->text, c->at);
	size_t same = 0;

	if (bw_canon_has(c, bytes))
		return BW_OK;
	while (same < left.len && left.ptr[same] == want.ptr[same])
		same++;
	return bw_canon_refuse(c, same == left.len ? BW_ERR_TRUNCATED : BW_ERR_SYNTAX, c->at + same, reason);
}

/* The length of the string at the cursor with both quotes, 0 when it does not end. */
static size_t quoted_len(struct bw_slice left)
{
	for (size_t i = 1; i < left.len; i++) {
		if (left.ptr[i] == '\\')
			i++;
		else if (left.ptr[i] == '"')
			return i + 1;
	}
	return 0;
}

/* What stands between the quotes without a backslash or a control character says itself, in the one form there is. */
static bool is_plain(struct bw_slice inside)
{
	for (size_t i = 0; i < inside.len; i++)
		if (inside.ptr[i] == '\\' || inside.ptr[i] < 0x20)
			return false;
	return bw_utf8_is_valid(inside, NULL);
}

/* Decoded and written again it must be the same: RFC 8785 §3.2.2.2 leaves one form. */
static enum bw_err decode(struct bw_canon *c, struct bw_slice quoted, size_t max, struct bw_slice *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf said = BW_BUF_INIT(max);
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(quoted.len + 1);

	BW_TRY(bw_json_walk_string(quoted, &said));
	BW_NEED(bw_utf8_is_valid(bw_buf_slice(&said), NULL), UTF8);
	BW_NEED(bw_jcs_add_string(&again, bw_buf_slice(&said)) == BW_OK &&
			bw_slice_equals(bw_buf_slice(&again), quoted),
		SYNTAX);
	return bw_arena_copy(c->arena, bw_buf_slice(&said), out);
}

enum bw_err bw_canon_string(struct bw_canon *c, size_t max, struct bw_slice *out)
{
	const size_t start = c->at;
	const struct bw_slice left = bw_slice_from(c->text, c->at);
	size_t len;
	enum bw_err err;

	BW_TRY(bw_canon_expect(c, "\"", "a string is expected here"));
	c->at = start;
	len = quoted_len(left);
	if (len == 0)
		return bw_canon_refuse(c, BW_ERR_TRUNCATED, c->text.len, "the string does not end");
	if (len > 6 * max + 2) /* an escape is six bytes at most */
		return bw_canon_refuse(c, BW_ERR_TOO_BIG, start, "the string is too long");
	if (len - 2 <= max && is_plain(bw_slice_sub(left, 1, len - 2))) {
		BW_TRY(bw_arena_copy(c->arena, bw_slice_sub(left, 1, len - 2), out));
		c->at += len;
		return BW_OK;
	}
	err = decode(c, bw_slice_sub(left, 0, len), max, out);
	if (err == BW_ERR_TOO_BIG)
		return bw_canon_refuse(c, err, start, "the string is too long");
	if (err != BW_OK)
		return bw_canon_refuse(c, err, start, "not a string in canonical form");
	c->at += len;
	return BW_OK;
}

enum bw_err bw_canon_number(struct bw_canon *c, uint64_t min, uint64_t max, uint64_t *out)
{
	const struct bw_slice left = bw_slice_from(c->text, c->at);
	uint64_t value;
	size_t len = 0;

	while (len < left.len && bw_is_digit(left.ptr[len]))
		len++;
	if (len == left.len)
		return bw_canon_refuse(c, BW_ERR_TRUNCATED, c->text.len, "the text ends in a number");
	if (len == 0 || (len > 1 && left.ptr[0] == '0'))
		return bw_canon_refuse(c, BW_ERR_SYNTAX, c->at, "a whole number is expected here");
	if (bw_parse_u64(bw_slice_sub(left, 0, len), &value) != BW_OK || value < min || value > max)
		return bw_canon_refuse(c, BW_ERR_RANGE, c->at, "the number is outside its range");
	c->at += len;
	*out = value;
	return BW_OK;
}

enum bw_err bw_canon_bool(struct bw_canon *c, bool *out)
{
	const bool is_true = bw_canon_has(c, "true");

	if (!is_true)
		BW_TRY(bw_canon_expect(c, "false", "true or false is expected here"));
	*out = is_true;
	return BW_OK;
}

enum bw_err bw_canon_time(struct bw_canon *c, int64_t *out_us)
{
	const size_t at = c->at;
	struct bw_slice text = bw_slice_empty;

	BW_TRY(bw_canon_string(c, BW_TIME_CHARS, &text));
	if (bw_time_parse(text, out_us) != BW_OK)
		return bw_canon_refuse(c, BW_ERR_RANGE, at, "not a time in the form 2026-11-23T00:00:00.000000Z");
	return BW_OK;
}

enum bw_err bw_canon_node(struct bw_canon *c, uint8_t out[BW_SHA256_BYTES])
{
	const size_t at = c->at;
	struct bw_slice text = bw_slice_empty;
	char again[BW_NODE_NAME_CHARS + 1];

	BW_TRY(bw_canon_string(c, BW_NODE_NAME_CHARS, &text));
	if (bw_node_name_parse(text, out) != BW_OK)
		return bw_canon_refuse(c, BW_ERR_RANGE, at, "not the name of a node");
	bw_node_name(out, again);
	if (!bw_slice_is(text, again))
		return bw_canon_refuse(c, BW_ERR_SYNTAX, at, "the name of a node is not in lower case");
	return BW_OK;
}

enum bw_err bw_canon_name(struct bw_canon *c, const char *const *names, uint8_t *out)
{
	const size_t at = c->at;
	struct bw_slice text = bw_slice_empty;

	BW_TRY(bw_canon_string(c, BW_ACCORD_WORD_MAX, &text));
	for (uint8_t i = 0; names[i] != NULL; i++)
		if (bw_slice_is(text, names[i])) {
			*out = i;
			return BW_OK;
		}
	return bw_canon_refuse(c, BW_ERR_RANGE, at, "a word that is not known here");
}

enum bw_err bw_canon_end(struct bw_canon *c)
{
	if (c->at != c->text.len)
		return bw_canon_refuse(c, BW_ERR_SYNTAX, c->at, "something follows the end");
	return BW_OK;
}
