#include "accord/accord.h"

#include "accord/accord_inner.h"
#include "base/text.h"
#include "sys/clock.h"

const char *const bw_redaction_names[] = { "none", "withhold", "derive", NULL };
const char *const bw_onward_names[] = { "none", "members", "as-marked", NULL };
const char *const bw_witness_names[] = { "ally-and-independent", "ally", NULL };
const char *const bw_colour_names[] = { "clear", "green", "amber", "amber+strict", "red", NULL };

const char *const bw_tiding_names[] = {
#define X(name, text, words) text,
	BW_TIDING_ROWS(X)
#undef X
		NULL,
};

const char *const bw_purpose_names[] = {
#define X(name, text, words) text,
	BW_PURPOSE_ROWS(X)
#undef X
		NULL,
};

static const char *const tiding_words[] = {
#define X(name, text, words) words,
	BW_TIDING_ROWS(X)
#undef X
};

const char *bw_tiding_name(enum bw_tiding tiding)
{
	return tiding < BW_TIDING_COUNT ? bw_tiding_names[tiding] : "";
}

const char *bw_tiding_words(enum bw_tiding tiding)
{
	return tiding < BW_TIDING_COUNT ? tiding_words[tiding] : "";
}

const char *bw_redaction_name(enum bw_redaction redaction)
{
	return redaction < BW_REDACTION_COUNT ? bw_redaction_names[redaction] : "";
}

const char *bw_onward_name(enum bw_onward onward)
{
	return onward < BW_ONWARD_COUNT ? bw_onward_names[onward] : "";
}

const char *bw_accord_type_name(enum bw_stix_type type)
{
	return type == BW_STIX_CUSTOM ? "x-any" : bw_stix_type_name(type);
}

enum bw_err bw_accord_hash(struct bw_slice text, uint8_t out[BW_SHA256_BYTES])
{
	return bw_sha256(text, out);
}

enum bw_err bw_accord_party_of(const struct bw_accord *accord, const uint8_t node[BW_SHA256_BYTES], size_t *out_party)
{
	for (size_t i = 0; i < BW_ACCORD_NODES; i++)
		if (memcmp(accord->party[i].node, node, BW_SHA256_BYTES) == 0) {
			*out_party = i;
			return BW_OK;
		}
	return BW_ERR_NOT_FOUND;
}

enum bw_err bw_accord_follows(const struct bw_accord *old, const uint8_t old_hash[BW_SHA256_BYTES],
			      const struct bw_accord *now)
{
	BW_NEED(bw_slice_equals(old->id, now->id), CONFLICT);
	for (size_t i = 0; i < BW_ACCORD_NODES; i++)
		BW_NEED(memcmp(old->party[i].node, now->party[i].node, BW_SHA256_BYTES) == 0, CONFLICT);
	BW_NEED(now->sequence > old->sequence, REVOKED);
	BW_NEED(now->sequence == old->sequence + 1, CONFLICT);
	BW_NEED(memcmp(now->previous, old_hash, BW_SHA256_BYTES) == 0, CONFLICT);
	return BW_OK;
}

/* ---- what every accord keeps to -------------------------------------------------------- */

/* Characters that turn text around or hide it (Unicode bidirectional controls) would show a signer another text. */
static bool hides(const uint8_t *at, size_t left)
{
	if (left < 3 || at[0] != 0xe2)
		return false;
	return (at[1] == 0x80 && ((at[2] >= 0x8b && at[2] <= 0x8f) || (at[2] >= 0xa8 && at[2] <= 0xae))) ||
	       (at[1] == 0x81 && at[2] >= 0xa0 && at[2] <= 0xaf);
}

static bool is_plain(struct bw_slice text, size_t max, bool lines)
{
	if (text.len == 0 || text.len > max || !bw_utf8_is_valid(text, NULL))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if ((text.ptr[i] < ' ' && !(lines && text.ptr[i] == '\n')) || text.ptr[i] == 0x7f)
			return false;
		if (text.ptr[i] == 0xc2 && i + 1 < text.len && text.ptr[i + 1] < 0xa0)
			return false; /* C1 controls */
		if (hides(text.ptr + i, text.len - i))
			return false;
	}
	return true;
}

static bool are_words(const struct bw_words *words, size_t max_count, size_t max_len)
{
	if (words->count > max_count)
		return false;
	for (size_t i = 0; i < words->count; i++) {
		if (!is_plain(words->of[i], max_len, false))
			return false;
		if (i > 0 && bw_slice_compare(words->of[i - 1], words->of[i]) >= 0)
			return false;
	}
	return true;
}

static bool is_id(struct bw_slice id)
{
	for (size_t i = 0; i < id.len; i++)
		if (!bw_is_lower(id.ptr[i]) && !bw_is_digit(id.ptr[i]) && id.ptr[i] != '-')
			return false;
	return id.len > 0 && id.len <= BW_ACCORD_ID_MAX;
}

static bool are_members(const struct bw_flow *flow)
{
	if (flow->member_count > BW_ACCORD_MEMBERS_MAX)
		return false;
	for (size_t i = 1; i < flow->member_count; i++)
		if (memcmp(flow->members[i - 1], flow->members[i], BW_SHA256_BYTES) >= 0)
			return false;
	return true;
}

#define NEED_THAT(claim, words)              \
	do {                                 \
		if (!(claim)) {              \
			*what = (words);     \
			return BW_ERR_RANGE; \
		}                            \
	} while (0)

static enum bw_err check_flow(const struct bw_flow *flow, const char **what)
{
	NEED_THAT(are_words(&flow->collections, BW_ACCORD_WORDS_MAX, BW_ACCORD_WORD_MAX), "the collections");
	NEED_THAT(are_words(&flow->labels, BW_ACCORD_WORDS_MAX, BW_ACCORD_WORD_MAX), "the labels");
	NEED_THAT(are_words(&flow->sectors, BW_ACCORD_WORDS_MAX, BW_ACCORD_WORD_MAX), "the sectors");
	NEED_THAT((flow->types >> BW_STIX_TYPE_COUNT) == 0, "the types");
	NEED_THAT((flow->kinds >> BW_TIDING_COUNT) == 0, "the kinds");
	NEED_THAT(flow->confidence_min <= BW_CONFIDENCE_MAX, "the least confidence");
	NEED_THAT(flow->highest >= BW_TLP_CLEAR && flow->highest <= BW_TLP_RED, "the highest TLP");
	NEED_THAT(flow->redaction < BW_REDACTION_COUNT, "the redaction");
	NEED_THAT(flow->onward < BW_ONWARD_COUNT, "the onward sharing");
	NEED_THAT(flow->retention_days >= 1 && flow->retention_days <= BW_ACCORD_DAYS_MAX, "the retention");
	NEED_THAT(flow->per_minute >= 1, "the objects a minute");
	NEED_THAT(flow->per_day_bytes >= 1 && flow->per_day_bytes <= BW_NUMBER_MAX, "the bytes a day");
	NEED_THAT(are_members(flow), "the members");
	NEED_THAT(flow->kinds == 0 || flow->collections.count > 0, "the collections: something crosses from none");
	NEED_THAT(flow->kinds == 0 || flow->types != 0, "the types: something crosses of none");
	return BW_OK;
}

static enum bw_err check_whole(const struct bw_accord *a, const char **what)
{
	static const uint8_t zero[BW_SHA256_BYTES];
	const bool first = memcmp(a->previous, zero, sizeof(zero)) == 0;

	NEED_THAT(is_id(a->id), "the id");
	NEED_THAT(a->sequence >= 1 && a->sequence <= BW_NUMBER_MAX, "the sequence number");
	NEED_THAT((a->sequence == 1) == first, "the hash of the version before");
	for (size_t i = 0; i < BW_ACCORD_NODES; i++)
		NEED_THAT(is_plain(a->party[i].name, BW_ACCORD_NAME_MAX, false), "the name of a party");
	NEED_THAT(memcmp(a->party[0].node, a->party[1].node, BW_SHA256_BYTES) != 0, "the parties: both are one node");
	NEED_THAT(a->purposes != 0 && (a->purposes & ~BW_PURPOSES_ALL) == 0, "the purposes");
	NEED_THAT(is_plain(a->basis, BW_ACCORD_BASIS_MAX, true), "the legal basis");
	NEED_THAT(a->from_us >= BW_TIME_MIN && a->from_us < a->until_us && a->until_us <= BW_TIME_MAX, "the dates");
	NEED_THAT(a->witnessing < BW_WITNESS_COUNT, "the witness policy");
	NEED_THAT(are_words(&a->witnesses, BW_ACCORD_WITNESSES_MAX, BW_ACCORD_KEY_MAX), "the witnesses");
	NEED_THAT(a->witnessing != BW_WITNESS_BOTH || a->witnesses.count > 0, "the witnesses: no independent one");
	NEED_THAT(a->notice_days <= BW_ACCORD_DAYS_MAX, "the notice");
	return BW_OK;
}

enum bw_err bw_accord_check(const struct bw_accord *accord, const char **out_what)
{
	const char *unused = NULL;
	const char **what = out_what != NULL ? out_what : &unused;

	BW_TRY(check_whole(accord, what));
	for (size_t i = 0; i < BW_ACCORD_NODES; i++)
		BW_TRY(check_flow(&accord->flow[i], what));
	return BW_OK;
}
