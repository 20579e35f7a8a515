#include "accord/accord_show.h"

#include "accord/accord_inner.h"
#include "crypto/keys.h"
#include "sys/clock.h"

enum { TOPIC_MAX = 64 * 1024 };

/* ---- small words ------------------------------------------------------------------------------- */

static enum bw_err add_date(struct bw_buf *out, int64_t time_us)
{
	static const char *const months[] = { "January", "February", "March",     "April",   "May",      "June",
					      "July",    "August",   "September", "October", "November", "December" };
	char text[BW_TIME_BYTES];

	bw_time_format(time_us, text);
	return bw_buf_addf(out, "%d %s %.4s", (text[8] - '0') * 10 + (text[9] - '0'),
			   months[((text[5] - '0') * 10 + (text[6] - '0') - 1) % 12], text);
}

/* "a", "a and b", "a, b and c": what stands before the item. */
static const char *joint(size_t i, size_t count)
{
	if (i == 0)
		return "";
	return i + 1 == count ? " and " : ", ";
}

static enum bw_err add_quoted(struct bw_buf *out, const struct bw_words *words, const char *last)
{
	for (size_t i = 0; i < words->count; i++) {
		const bool is_last = i > 0 && i + 1 == words->count;

		BW_TRY(bw_buf_addf(out, "%s\"%.*s\"", is_last ? last : joint(i, words->count + 1),
				   BW_ARG(words->of[i])));
	}
	return BW_OK;
}

static enum bw_err add_bits(struct bw_buf *out, uint64_t bits, unsigned rows, const char *(*words_of)(unsigned))
{
	const size_t count = (size_t)__builtin_popcountll(bits);
	size_t i = 0;

	for (unsigned bit = 0; bit < rows; bit++)
		if ((bits >> bit & 1) != 0)
			BW_TRY(bw_buf_addf(out, "%s%s", joint(i++, count), words_of(bit)));
	return BW_OK;
}

static const char *tiding_words_of(unsigned i)
{
	return bw_tiding_words((enum bw_tiding)i);
}

static const char *purpose_words_of(unsigned i)
{
	return bw_purpose_words((enum bw_purpose)i);
}

static const char *type_words_of(unsigned i)
{
	return i == BW_STIX_CUSTOM ? "types that no standard knows" : bw_stix_type_name((enum bw_stix_type)i);
}

static enum bw_err add_days(struct bw_buf *out, uint32_t days)
{
	return bw_buf_addf(out, "%u day%s", days, days == 1 ? "" : "s");
}

/* ---- topics of the whole ------------------------------------------------------------------------ */

static enum bw_err say_time(const struct bw_accord *a, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_text(out, "It is in force from "));
	BW_TRY(add_date(out, a->from_us));
	BW_TRY(bw_buf_add_text(out, " until "));
	BW_TRY(add_date(out, a->until_us));
	return bw_buf_add_text(out, ", once both have signed it.");
}

static enum bw_err say_purposes(const struct bw_accord *a, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_text(out, "What is shared may be used "));
	BW_TRY(add_bits(out, a->purposes, BW_PURPOSE_COUNT, purpose_words_of));
	return bw_buf_add_text(out, ", and for nothing else.");
}

static enum bw_err say_basis(const struct bw_accord *a, struct bw_buf *out)
{
	return bw_buf_addf(out, "The law it rests on: %.*s", BW_ARG(a->basis));
}

static enum bw_err say_witnesses(const struct bw_accord *a, struct bw_buf *out)
{
	struct bw_slice name;
	struct bw_slice rest;

	BW_TRY(bw_buf_add_text(
		out, "Each delivery is entered in a log that nobody can rewrite unseen. It counts once the receiver "
		     "has witnessed it"));
	if (a->witnessing == BW_WITNESS_ALLY)
		return bw_buf_add_text(out, " alone, who is not independent; by signing, both agree to that.");
	BW_TRY(bw_buf_add_text(out, ", and one independent operator of these: "));
	for (size_t i = 0; i < a->witnesses.count; i++) {
		if (!bw_slice_cut(a->witnesses.of[i], '+', &name, &rest))
			name = a->witnesses.of[i];
		BW_TRY(bw_buf_addf(out, "%s%.*s", joint(i, a->witnesses.count), BW_ARG(name)));
	}
	return bw_buf_add_u8(out, '.');
}

static enum bw_err say_connection(const struct bw_accord *a, struct bw_buf *out)
{
	return bw_buf_add_text(
		out, a->classical_tls
			     ? "The connection should be safe from future quantum computers, and may go without that."
			     : "The connection must be safe from future quantum computers, or nothing crosses.");
}

static enum bw_err say_end(const struct bw_accord *a, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_text(out, "Either side may stop its part at once"));
	if (a->notice_days > 0) {
		BW_TRY(bw_buf_add_text(out, "; an end without a reason is announced "));
		BW_TRY(add_days(out, a->notice_days));
		BW_TRY(bw_buf_add_text(out, " before"));
	}
	return bw_buf_add_text(out, a->destroy_at_end
					    ? ". At the end, what was received is destroyed."
					    : ". At the end, what was received may be kept until its time is over.");
}

/* ---- topics of one direction ---------------------------------------------------------------------- */

static enum bw_err say_kinds(const struct bw_accord *a, size_t from, struct bw_buf *out)
{
	const struct bw_flow *flow = &a->flow[from];

	BW_TRY(bw_buf_addf(out, "%.*s tells %.*s ", BW_ARG(a->party[from].name), BW_ARG(a->party[1 - from].name)));
	if (flow->kinds == 0)
		return bw_buf_add_text(out, "nothing.");
	BW_TRY(add_bits(out, flow->kinds, BW_TIDING_COUNT, tiding_words_of));
	BW_TRY(bw_buf_addf(out, ", from the collection%s ", flow->collections.count == 1 ? "" : "s"));
	BW_TRY(add_quoted(out, &flow->collections, " and "));
	return bw_buf_add_u8(out, '.');
}

static enum bw_err say_types(const struct bw_accord *a, size_t from, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_text(out, "Types of objects: "));
	BW_TRY(add_bits(out, a->flow[from].types, BW_STIX_TYPE_COUNT, type_words_of));
	return bw_buf_add_u8(out, '.');
}

static enum bw_err say_selection(const struct bw_accord *a, size_t from, struct bw_buf *out)
{
	const struct bw_flow *flow = &a->flow[from];

	if (flow->labels.count == 0 && flow->sectors.count == 0)
		return bw_buf_add_text(out, "It may be about anybody.");
	BW_TRY(bw_buf_add_text(out, "Only what"));
	if (flow->sectors.count > 0) {
		BW_TRY(bw_buf_add_text(out, " is about the sector "));
		BW_TRY(add_quoted(out, &flow->sectors, " or "));
	}
	if (flow->labels.count > 0) {
		BW_TRY(bw_buf_addf(out, "%s is labelled ", flow->sectors.count > 0 ? " and" : ""));
		BW_TRY(add_quoted(out, &flow->labels, " or "));
	}
	return bw_buf_add_u8(out, '.');
}

static enum bw_err say_limits(const struct bw_accord *a, size_t from, struct bw_buf *out)
{
	const struct bw_flow *flow = &a->flow[from];

	BW_TRY(bw_buf_addf(out, "Nothing more confidential than %s", bw_tlp_name((enum bw_tlp)flow->highest)));
	if (flow->highest == BW_TLP_RED)
		BW_TRY(bw_buf_addf(out, " (and that only where %.*s is named)", BW_ARG(a->party[1 - from].name)));
	if (flow->confidence_min > 0)
		BW_TRY(bw_buf_addf(out, ", and nothing believed with less than %u of 100 points",
				   flow->confidence_min));
	return bw_buf_add_u8(out, '.');
}

static enum bw_err say_redaction(const struct bw_accord *a, size_t from, struct bw_buf *out)
{
	switch ((enum bw_redaction)a->flow[from].redaction) {
	case BW_REDACTION_WITHHOLD:
		return bw_buf_add_text(
			out, "What holds personal data stays at home; where that is unsure, a person decides.");
	case BW_REDACTION_DERIVE:
		return bw_buf_add_text(
			out, "Personal data is taken out first, and what it cannot be taken out of stays at home; "
			     "where that is unsure, a person decides.");
	default:
		return bw_buf_add_text(out, "Personal data is not looked for.");
	}
}

static enum bw_err add_members(struct bw_buf *out, const struct bw_flow *flow)
{
	char name[BW_NODE_NAME_CHARS + 1];

	if (flow->member_count == 0)
		return bw_buf_add_text(out, "nobody yet");
	for (size_t i = 0; i < flow->member_count; i++) {
		bw_node_name(flow->members[i], name);
		BW_TRY(bw_buf_addf(out, "%s%.15s", joint(i, flow->member_count), name));
	}
	return BW_OK;
}

static enum bw_err say_keeping(const struct bw_accord *a, size_t from, struct bw_buf *out)
{
	const struct bw_flow *flow = &a->flow[from];

	BW_TRY(bw_buf_addf(out, "%.*s may keep this for ", BW_ARG(a->party[1 - from].name)));
	BW_TRY(add_days(out, flow->retention_days));
	if (flow->onward == BW_ONWARD_NONE)
		return bw_buf_add_text(out, " and may not pass it on.");
	if (flow->onward == BW_ONWARD_MARKED)
		BW_TRY(bw_buf_add_text(out, " and may pass it on as far as its own marking allows"));
	else
		BW_TRY(bw_buf_add_text(out, " and may pass it on to these members only"));
	if (flow->onward == BW_ONWARD_MARKED && flow->member_count == 0)
		return bw_buf_add_u8(out, '.');
	BW_TRY(bw_buf_add_text(out, flow->onward == BW_ONWARD_MARKED ? "; its clients are " : ": "));
	BW_TRY(add_members(out, flow));
	return bw_buf_add_u8(out, '.');
}

static enum bw_err say_volume(const struct bw_accord *a, size_t from, struct bw_buf *out)
{
	return bw_buf_addf(out, "At most %u objects a minute and %llu bytes a day.", a->flow[from].per_minute,
			   (unsigned long long)a->flow[from].per_day_bytes);
}

/* ---- the tables ------------------------------------------------------------------------------------- */

static enum bw_err (*const whole_topics[])(const struct bw_accord *a, struct bw_buf *out) = {
	say_time, say_purposes, say_basis, say_witnesses, say_connection, say_end,
};

/* The first says whether anything crosses at all; the others matter only then. */
static enum bw_err (*const flow_topics[])(const struct bw_accord *a, size_t from, struct bw_buf *out) = {
	say_kinds, say_types, say_selection, say_limits, say_redaction, say_keeping, say_volume,
};

static size_t topics_of(const struct bw_accord *a, size_t from)
{
	return a->flow[from].kinds == 0 ? 1 : BW_COUNT(flow_topics);
}

enum bw_err bw_accord_show(const struct bw_accord *accord, struct bw_buf *out)
{
	BW_TRY(bw_accord_check(accord, NULL));
	BW_TRY(bw_buf_addf(out, "Accord %.*s, version %llu, between %.*s and %.*s.\n\n", BW_ARG(accord->id),
			   (unsigned long long)accord->sequence, BW_ARG(accord->party[0].name),
			   BW_ARG(accord->party[1].name)));
	for (size_t i = 0; i < BW_COUNT(whole_topics); i++) {
		BW_TRY(whole_topics[i](accord, out));
		BW_TRY(bw_buf_add_u8(out, '\n'));
	}
	for (size_t from = 0; from < BW_ACCORD_NODES; from++) {
		BW_TRY(bw_buf_add_u8(out, '\n'));
		for (size_t i = 0; i < topics_of(accord, from); i++) {
			BW_TRY(flow_topics[i](accord, from, out));
			BW_TRY(bw_buf_add_u8(out, '\n'));
		}
	}
	return BW_OK;
}

/* ---- what changes --------------------------------------------------------------------------------------- */

struct change {
	struct bw_buf was;
	struct bw_buf is;
	size_t count;
};

static void change_release(struct change *change)
{
	bw_buf_release(&change->was);
	bw_buf_release(&change->is);
}

/* Both readings are in; told when they differ. An empty reading: the topic did not arise. */
static enum bw_err tell(struct change *change, const char *about, struct bw_buf *out)
{
	const struct bw_slice was = bw_buf_slice(&change->was);
	const struct bw_slice is = bw_buf_slice(&change->is);

	if (!bw_slice_equals(was, is)) {
		change->count++;
		BW_TRY(bw_buf_add_text(out, about));
		if (was.len > 0)
			BW_TRY(bw_buf_addf(out, "  Before: %.*s\n", BW_ARG(was)));
		if (is.len > 0)
			BW_TRY(bw_buf_addf(out, "  Now:    %.*s\n", BW_ARG(is)));
	}
	bw_buf_clear(&change->was);
	bw_buf_clear(&change->is);
	return BW_OK;
}

static enum bw_err diff_flow(const struct bw_accord *old, const struct bw_accord *now, size_t from,
			     struct change *change, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf about = BW_BUF_INIT(TOPIC_MAX);

	BW_TRY(bw_buf_addf(&about, "What %.*s tells %.*s\n", BW_ARG(now->party[from].name),
			   BW_ARG(now->party[1 - from].name)));
	for (size_t i = 0; i < BW_COUNT(flow_topics); i++) {
		if (i < topics_of(old, from))
			BW_TRY(flow_topics[i](old, from, &change->was));
		if (i < topics_of(now, from))
			BW_TRY(flow_topics[i](now, from, &change->is));
		BW_TRY(tell(change, bw_buf_text(&about), out));
	}
	return BW_OK;
}

static enum bw_err diff_names(const struct bw_accord *old, const struct bw_accord *now, struct change *change,
			      struct bw_buf *out)
{
	for (size_t i = 0; i < BW_ACCORD_NODES; i++) {
		char name[BW_NODE_NAME_CHARS + 1];

		bw_node_name(old->party[i].node, name);
		BW_TRY(bw_buf_addf(&change->was, "%.*s, whose node is %s", BW_ARG(old->party[i].name), name));
		bw_node_name(now->party[i].node, name);
		BW_TRY(bw_buf_addf(&change->is, "%.*s, whose node is %s", BW_ARG(now->party[i].name), name));
		BW_TRY(tell(change, "Who agrees\n", out));
	}
	return BW_OK;
}

enum bw_err bw_accord_diff(const struct bw_accord *old, const struct bw_accord *now, struct bw_buf *out,
			   size_t *out_changes)
{
	BW_CLEANUP(change_release)
	struct change change = { BW_BUF_INIT(TOPIC_MAX), BW_BUF_INIT(TOPIC_MAX), 0 };

	BW_TRY(bw_accord_check(old, NULL));
	BW_TRY(bw_accord_check(now, NULL));
	BW_TRY(diff_names(old, now, &change, out));
	for (size_t i = 0; i < BW_COUNT(whole_topics); i++) {
		BW_TRY(whole_topics[i](old, &change.was));
		BW_TRY(whole_topics[i](now, &change.is));
		BW_TRY(tell(&change, "The whole agreement\n", out));
	}
	for (size_t from = 0; from < BW_ACCORD_NODES; from++)
		BW_TRY(diff_flow(old, now, from, &change, out));
	if (change.count == 0)
		BW_TRY(bw_buf_add_text(out, "Nothing changes.\n"));
	if (out_changes != NULL)
		*out_changes = change.count;
	return BW_OK;
}
