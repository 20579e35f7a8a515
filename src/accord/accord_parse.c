/* The text of an accord, read member by member in the only order there is. */
#include "accord/accord_inner.h"
#include "accord/canon.h"
#include "base/text.h"
#include "crypto/keys.h"
#include "sys/clock.h"

static enum bw_err take_hash(struct bw_canon *c, uint8_t out[BW_SHA256_BYTES])
{
	static const uint8_t nothing[BW_SHA256_BYTES];
	const size_t at = c->at;
	struct bw_slice text;
	char again[2 * BW_SHA256_BYTES + 1];

	memset(out, 0, BW_SHA256_BYTES);
	if (c->at < c->text.len && c->text.ptr[c->at] == 'n')
		return bw_canon_expect(c, "null", "a hash or null is expected here");
	BW_TRY(bw_canon_string(c, 2 * (size_t)BW_SHA256_BYTES, &text));
	if (bw_hex_decode(text, out, BW_SHA256_BYTES) != BW_OK)
		return bw_canon_refuse(c, BW_ERR_RANGE, at, "not a SHA-256 hash");
	if (memcmp(out, nothing, BW_SHA256_BYTES) == 0)
		return bw_canon_refuse(c, BW_ERR_SYNTAX, at, "where there is no version before, null is written");
	bw_hex_encode(bw_slice_of(out, BW_SHA256_BYTES), again);
	if (!bw_slice_is(text, again))
		return bw_canon_refuse(c, BW_ERR_SYNTAX, at, "the hash is not in lower case");
	return BW_OK;
}

/* A list of names in the order of their numbers, as bits. */
static enum bw_err take_set(struct bw_canon *c, const char *(*name_of)(unsigned), unsigned count, uint64_t *out)
{
	unsigned next = 0;
	uint64_t set = 0;

	BW_TRY(bw_canon_expect(c, "[", "a list is expected here"));
	while (!bw_canon_has(c, "]")) {
		struct bw_slice text;
		size_t at;

		if (set != 0)
			BW_TRY(bw_canon_expect(c, ",", "a comma or the end of the list is expected here"));
		at = c->at;
		BW_TRY(bw_canon_string(c, BW_ACCORD_WORD_MAX, &text));
		while (next < count && !bw_slice_is(text, name_of(next)))
			next++;
		if (next == count)
			return bw_canon_refuse(c, BW_ERR_RANGE, at,
					       "a word that is not known here, or not in its place");
		set |= UINT64_C(1) << next++;
	}
	*out = set;
	return BW_OK;
}

static const char *tiding_at(unsigned i)
{
	return bw_tiding_names[i];
}

static const char *purpose_at(unsigned i)
{
	return bw_purpose_names[i];
}

static const char *type_at(unsigned i)
{
	return bw_accord_type_name((enum bw_stix_type)i);
}

static enum bw_err take_words(struct bw_canon *c, size_t max_count, size_t max_len, struct bw_words *out)
{
	struct bw_slice *rows = bw_arena_zero(c->arena, max_count, sizeof(*rows));
	size_t count = 0;

	BW_NEED(rows != NULL, MEMORY);
	BW_TRY(bw_canon_expect(c, "[", "a list is expected here"));
	while (!bw_canon_has(c, "]")) {
		const size_t at = c->at;

		if (count > 0)
			BW_TRY(bw_canon_expect(c, ",", "a comma or the end of the list is expected here"));
		if (count == max_count)
			return bw_canon_refuse(c, BW_ERR_TOO_MANY, at, "more than an accord may list");
		BW_TRY(bw_canon_string(c, max_len, &rows[count]));
		if (count > 0 && bw_slice_compare(rows[count - 1], rows[count]) >= 0)
			return bw_canon_refuse(c, BW_ERR_SYNTAX, at, "the list is not in ascending order");
		count++;
	}
	*out = (struct bw_words){ rows, count };
	return BW_OK;
}

static enum bw_err take_members(struct bw_canon *c, struct bw_flow *flow)
{
	size_t count = 0;

	BW_TRY(bw_canon_expect(c, "[", "a list is expected here"));
	while (!bw_canon_has(c, "]")) {
		if (count > 0)
			BW_TRY(bw_canon_expect(c, ",", "a comma or the end of the list is expected here"));
		if (count == BW_ACCORD_MEMBERS_MAX)
			return bw_canon_refuse(c, BW_ERR_TOO_MANY, c->at, "more members than an accord may list");
		BW_TRY(bw_canon_node(c, flow->members[count++]));
	}
	flow->member_count = count;
	return BW_OK;
}

static enum bw_err take_u32(struct bw_canon *c, uint64_t min, uint64_t max, uint32_t *out)
{
	uint64_t value;

	BW_TRY(bw_canon_number(c, min, max, &value));
	*out = (uint32_t)value;
	return BW_OK;
}

/* ---- the members ------------------------------------------------------------------------ */

static enum bw_err take_flow_first(struct bw_canon *c, struct bw_flow *flow)
{
	uint64_t value;

	BW_TRY(BW_CANON_MEMBER(c, "{", "collections"));
	BW_TRY(take_words(c, BW_ACCORD_WORDS_MAX, BW_ACCORD_WORD_MAX, &flow->collections));
	BW_TRY(BW_CANON_MEMBER(c, ",", "confidence_min"));
	BW_TRY(bw_canon_number(c, 0, BW_CONFIDENCE_MAX, &value));
	flow->confidence_min = (uint8_t)value;
	BW_TRY(BW_CANON_MEMBER(c, ",", "highest"));
	BW_TRY(bw_canon_name(c, bw_colour_names, &flow->highest));
	flow->highest = (uint8_t)(flow->highest + BW_TLP_CLEAR);
	BW_TRY(BW_CANON_MEMBER(c, ",", "kinds"));
	BW_TRY(take_set(c, tiding_at, BW_TIDING_COUNT, &value));
	flow->kinds = (uint32_t)value;
	BW_TRY(BW_CANON_MEMBER(c, ",", "labels"));
	BW_TRY(take_words(c, BW_ACCORD_WORDS_MAX, BW_ACCORD_WORD_MAX, &flow->labels));
	BW_TRY(BW_CANON_MEMBER(c, ",", "members"));
	return take_members(c, flow);
}

static enum bw_err take_flow(struct bw_canon *c, struct bw_flow *flow)
{
	BW_TRY(take_flow_first(c, flow));
	BW_TRY(BW_CANON_MEMBER(c, ",", "onward"));
	BW_TRY(bw_canon_name(c, bw_onward_names, &flow->onward));
	BW_TRY(BW_CANON_MEMBER(c, ",", "per_day_bytes"));
	BW_TRY(bw_canon_number(c, 1, BW_NUMBER_MAX, &flow->per_day_bytes));
	BW_TRY(BW_CANON_MEMBER(c, ",", "per_minute"));
	BW_TRY(take_u32(c, 1, UINT32_MAX, &flow->per_minute));
	BW_TRY(BW_CANON_MEMBER(c, ",", "redaction"));
	BW_TRY(bw_canon_name(c, bw_redaction_names, &flow->redaction));
	BW_TRY(BW_CANON_MEMBER(c, ",", "retention_days"));
	BW_TRY(take_u32(c, 1, BW_ACCORD_DAYS_MAX, &flow->retention_days));
	BW_TRY(BW_CANON_MEMBER(c, ",", "sectors"));
	BW_TRY(take_words(c, BW_ACCORD_WORDS_MAX, BW_ACCORD_WORD_MAX, &flow->sectors));
	BW_TRY(BW_CANON_MEMBER(c, ",", "types"));
	BW_TRY(take_set(c, type_at, BW_STIX_TYPE_COUNT, &flow->types));
	return bw_canon_expect(c, "}", "the direction ends here");
}

static enum bw_err take_party(struct bw_canon *c, struct bw_party *party)
{
	BW_TRY(BW_CANON_MEMBER(c, "{", "name"));
	BW_TRY(bw_canon_string(c, BW_ACCORD_NAME_MAX, &party->name));
	BW_TRY(BW_CANON_MEMBER(c, ",", "node"));
	BW_TRY(bw_canon_node(c, party->node));
	return bw_canon_expect(c, "}", "the party ends here");
}

static enum bw_err take_ends(struct bw_canon *c, struct bw_accord *a)
{
	BW_TRY(BW_CANON_MEMBER(c, "{", "data"));
	a->destroy_at_end = bw_canon_has(c, "\"destroyed\"");
	if (!a->destroy_at_end)
		BW_TRY(bw_canon_expect(c, "\"kept\"", "\"destroyed\" or \"kept\" is expected here"));
	BW_TRY(BW_CANON_MEMBER(c, ",", "notice_days"));
	BW_TRY(take_u32(c, 0, BW_ACCORD_DAYS_MAX, &a->notice_days));
	return bw_canon_expect(c, "}", "how it ends is told here");
}

/* Both of something, in a list. */
#define TAKE_BOTH(c, take, rows)                                            \
	do {                                                                \
		BW_TRY(bw_canon_expect(c, "[", "a list is expected here")); \
		BW_TRY(take(c, &(rows)[0]));                                \
		BW_TRY(bw_canon_expect(c, ",", "the second is missing"));   \
		BW_TRY(take(c, &(rows)[1]));                                \
		BW_TRY(bw_canon_expect(c, "]", "there are two, no more"));  \
	} while (0)

static enum bw_err take_first_half(struct bw_canon *c, struct bw_accord *a)
{
	BW_TRY(BW_CANON_MEMBER(c, "{", "basis"));
	BW_TRY(bw_canon_string(c, BW_ACCORD_BASIS_MAX, &a->basis));
	BW_TRY(BW_CANON_MEMBER(c, ",", "classical_tls"));
	BW_TRY(bw_canon_bool(c, &a->classical_tls));
	BW_TRY(BW_CANON_MEMBER(c, ",", "ends"));
	BW_TRY(take_ends(c, a));
	BW_TRY(BW_CANON_MEMBER(c, ",", "flows"));
	TAKE_BOTH(c, take_flow, a->flow);
	BW_TRY(BW_CANON_MEMBER(c, ",", "from"));
	BW_TRY(bw_canon_time(c, &a->from_us));
	BW_TRY(BW_CANON_MEMBER(c, ",", "id"));
	BW_TRY(bw_canon_string(c, BW_ACCORD_ID_MAX, &a->id));
	BW_TRY(BW_CANON_MEMBER(c, ",", "parties"));
	TAKE_BOTH(c, take_party, a->party);
	return BW_OK;
}

static enum bw_err take_second_half(struct bw_canon *c, struct bw_accord *a)
{
	uint64_t purposes;

	BW_TRY(BW_CANON_MEMBER(c, ",", "previous"));
	BW_TRY(take_hash(c, a->previous));
	BW_TRY(BW_CANON_MEMBER(c, ",", "purposes"));
	BW_TRY(take_set(c, purpose_at, BW_PURPOSE_COUNT, &purposes));
	a->purposes = (uint32_t)purposes;
	BW_TRY(BW_CANON_MEMBER(c, ",", "sequence"));
	BW_TRY(bw_canon_number(c, 1, BW_NUMBER_MAX, &a->sequence));
	BW_TRY(bw_canon_expect(c, ",\"type\":\"" BW_ACCORD_TYPE "\"", "the type of the document is expected here"));
	BW_TRY(BW_CANON_MEMBER(c, ",", "until"));
	BW_TRY(bw_canon_time(c, &a->until_us));
	BW_TRY(bw_canon_expect(c, ",\"version\":1", "version 1 is expected here"));
	BW_TRY(BW_CANON_MEMBER(c, ",", "witness"));
	BW_TRY(BW_CANON_MEMBER(c, "{", "operators"));
	BW_TRY(take_words(c, BW_ACCORD_WITNESSES_MAX, BW_ACCORD_KEY_MAX, &a->witnesses));
	BW_TRY(BW_CANON_MEMBER(c, ",", "policy"));
	BW_TRY(bw_canon_name(c, bw_witness_names, &a->witnessing));
	BW_TRY(bw_canon_expect(c, "}}", "the accord ends here"));
	return bw_canon_end(c);
}

static enum bw_err take_accord(struct bw_canon *c, struct bw_accord *a)
{
	const char *what = "";

	if (c->text.len > BW_ACCORD_TEXT_MAX)
		return bw_canon_refuse(c, BW_ERR_TOO_BIG, BW_ACCORD_TEXT_MAX, "longer than an accord may be");
	BW_TRY(take_first_half(c, a));
	BW_TRY(take_second_half(c, a));
	if (bw_accord_check(a, &what) != BW_OK)
		return bw_canon_refuse(c, BW_ERR_RANGE, 0, what);
	return BW_OK;
}

enum bw_err bw_accord_parse(struct bw_slice text, struct bw_arena *arena, struct bw_accord *out, struct bw_fault *fault)
{
	struct bw_canon c = BW_CANON_OVER(text, arena);
	struct bw_accord a;
	enum bw_err err;

	memset(&a, 0, sizeof(a));
	err = take_accord(&c, &a);
	if (err != BW_OK)
		return bw_fault_set(fault, err, c.fault.offset,
				    c.fault.reason != NULL ? c.fault.reason : bw_err_text(err));
	*out = a;
	return BW_OK;
}
