/* Why, in words that need no manual. */
#include "accord/decide_inner.h"
#include "base/text.h"
#include "sys/clock.h"

static const char *const verdict_names[BW_VERDICT_COUNT] = { "sent", "derived", "held", "withheld", "refused" };

static const char *const clause_names[BW_CLAUSE_COUNT] = {
#define X(name, text) text,
	BW_CLAUSE_ROWS(X)
#undef X
};

const char *bw_verdict_name(enum bw_verdict verdict)
{
	return verdict < BW_VERDICT_COUNT ? verdict_names[verdict] : "";
}

const char *bw_clause_name(enum bw_clause clause)
{
	return clause < BW_CLAUSE_COUNT ? clause_names[clause] : "";
}

/* The day of an instant, "2026-11-23". */
static enum bw_err add_day(struct bw_buf *out, const char *before, int64_t time_us)
{
	char text[BW_TIME_BYTES];

	bw_time_format(time_us, text);
	return bw_buf_addf(out, "%s%.10s", before, text);
}

static enum bw_err add_purposes(struct bw_buf *out, uint32_t purposes)
{
	const char *comma = "";

	if (purposes == 0)
		return bw_buf_add_text(out, "nothing");
	for (unsigned i = 0; i < BW_PURPOSE_COUNT; i++)
		if ((purposes >> i & 1) != 0) {
			BW_TRY(bw_buf_addf(out, "%s%s", comma, bw_purpose_words((enum bw_purpose)i)));
			comma = ", ";
		}
	return BW_OK;
}

static enum bw_err say_colour(const struct bw_decision *d, struct bw_buf *out)
{
	return bw_buf_addf(out, "this accord lets nothing above %s cross, and by %s it is %s",
			   bw_tlp_name((enum bw_tlp)d->limit), bw_source_words((enum bw_source)d->source),
			   bw_tlp_name((enum bw_tlp)d->saw));
}

static enum bw_err say_recipient(const struct bw_decision *d, struct bw_buf *out)
{
	if (d->source == BW_SOURCE_INHERITED)
		return bw_buf_add_text(out, "it came here under conditions that do not let us pass it on to them");
	return bw_buf_addf(out, "%s names who may have it, and they are not among them",
			   bw_source_words((enum bw_source)d->source));
}

static enum bw_err say_purpose(const struct bw_decision *d, struct bw_buf *out)
{
	BW_TRY(bw_buf_addf(out, "%s allows it to be used ", bw_source_words((enum bw_source)d->source)));
	BW_TRY(add_purposes(out, (uint32_t)d->saw));
	BW_TRY(bw_buf_add_text(out, ", and this accord is made "));
	return add_purposes(out, (uint32_t)d->limit);
}

static enum bw_err say_attribution(const struct bw_decision *d, struct bw_buf *out)
{
	const bool must = (d->saw & BW_DUTY_ATTRIBUTE) != 0;
	const bool must_not = (d->saw & BW_DUTY_ANONYMOUS) != 0;

	if (must && must_not)
		return bw_buf_add_text(out, "its markings ask both to name who made it and not to");
	if (must)
		return bw_buf_add_text(out, "whoever passes it on must name who made it, and a derived object cannot");
	if (d->verdict == BW_VERDICT_DERIVED)
		return bw_buf_add_text(out, "whoever passes it on must not name who made it: that was taken out");
	return bw_buf_add_text(out, "whoever passes it on must not name who made it, and it does");
}

static enum bw_err say_force(const struct bw_decision *d, struct bw_buf *out)
{
	if (d->saw < d->limit)
		return add_day(out, "the accord is not in force before ", d->limit);
	return add_day(out, "the accord was in force until ", d->limit);
}

/* What the accord itself asks. */
static enum bw_err say_accord(const struct bw_gate *gate, const struct bw_facts *f, const struct bw_decision *d,
			      struct bw_buf *out)
{
	switch ((enum bw_clause)d->clause) {
	case BW_CLAUSE_STOPPED:
		return bw_buf_add_text(out, "the accord is suspended or has ended");
	case BW_CLAUSE_NOT_IN_FORCE:
		return say_force(d, out);
	case BW_CLAUSE_RETURNS:
		return bw_buf_add_text(out, "it came from them");
	case BW_CLAUSE_COLLECTION:
		BW_TRY(bw_buf_add_text(out, "the accord does not cover its collection \""));
		BW_TRY(bw_text_escape(out, bw_lexicon_word(gate->lexicon, f->collection)));
		return bw_buf_add_u8(out, '"');
	case BW_CLAUSE_KIND:
		return bw_buf_addf(out, "the accord does not cover %s", bw_tiding_words((enum bw_tiding)f->tiding));
	case BW_CLAUSE_TYPE:
		return bw_buf_addf(out, "the accord does not cover objects of the type %s",
				   f->type == BW_STIX_CUSTOM ? "it has, which no standard knows"
							     : bw_stix_type_name((enum bw_stix_type)f->type));
	case BW_CLAUSE_LABEL:
		return bw_buf_add_text(out, "it has none of the labels that the accord covers");
	case BW_CLAUSE_SECTOR:
		return bw_buf_add_text(out, "it is about none of the sectors that the accord covers");
	case BW_CLAUSE_CONFIDENCE:
		return bw_buf_addf(out, "its confidence is %d, and the accord asks for at least %d", (int)d->saw,
				   (int)d->limit);
	default:
		return bw_buf_add_text(out, "nothing stands against it");
	}
}

static enum bw_err say_marking(const struct bw_decision *d, struct bw_buf *out)
{
	switch ((enum bw_clause)d->clause) {
	case BW_CLAUSE_STRANGE:
		return bw_buf_addf(out, "%s is one that nobody here understands, which counts as TLP:RED",
				   bw_source_words((enum bw_source)d->source));
	case BW_CLAUSE_UNMARKED:
		return bw_buf_add_text(
			out, "nobody has marked it, and its collection has no default: that counts as TLP:RED");
	case BW_CLAUSE_COLOUR:
		return say_colour(d, out);
	case BW_CLAUSE_NAMED:
		return bw_buf_add_text(out, "it is TLP:RED, which goes only to those whom its marking names");
	case BW_CLAUSE_RECIPIENT:
		return say_recipient(d, out);
	case BW_CLAUSE_PURPOSE:
		return say_purpose(d, out);
	case BW_CLAUSE_NOT_YET:
		return add_day(out, "it must not be passed on before ", d->limit);
	case BW_CLAUSE_EXPIRED:
		return add_day(out, "it must not be kept or passed on after ", d->limit);
	default:
		return say_attribution(d, out);
	}
}

static enum bw_err say_content(const struct bw_decision *d, struct bw_buf *out)
{
	const bool derived = d->verdict == BW_VERDICT_DERIVED;

	switch ((enum bw_clause)d->clause) {
	case BW_CLAUSE_PERSONAL:
		return bw_buf_add_text(out, derived ? "personal data was taken out, under a new id"
						    : "it holds personal data that cannot be taken out");
	case BW_CLAUSE_UNSURE:
		return bw_buf_add_text(out, d->verdict == BW_VERDICT_HELD
						    ? "it may hold personal data: a person decides"
						    : "nobody has said that it may go, and it may hold personal data");
	case BW_CLAUSE_COPY:
		return bw_buf_add_text(out,
				       "it came here by another way than its creator's, and goes on only from there");
	case BW_CLAUSE_REFERENCE:
		return bw_buf_add_text(out, derived ? "references to what was withheld were taken out, under a new id"
						    : "it would point at something that was withheld");
	default:
		return bw_buf_add_text(out,
				       "parts of it are marked more strictly: they were taken out, under a new id");
	}
}

enum bw_err bw_decision_say(const struct bw_gate *gate, const struct bw_facts *facts,
			    const struct bw_decision *decision, struct bw_buf *out)
{
	const enum bw_clause clause = (enum bw_clause)decision->clause;

	BW_TRY(bw_buf_addf(out, "%s: ", bw_verdict_name((enum bw_verdict)decision->verdict)));
	if (clause >= BW_CLAUSE_PERSONAL)
		return say_content(decision, out);
	if (clause >= BW_CLAUSE_STRANGE && clause <= BW_CLAUSE_ATTRIBUTION)
		return say_marking(decision, out);
	return say_accord(gate, facts, decision, out);
}

/* ---- what went in ------------------------------------------------------------------------------ */

static enum bw_err say_policy(const struct bw_policy *p, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_text(out, bw_tlp_name((enum bw_tlp)p->tlp)));
	if ((p->duties & BW_DUTY_STRANGE) != 0)
		return bw_buf_add_text(out, ", not understood here");
	if (p->recipient_count != BW_POLICY_EVERYONE)
		BW_TRY(bw_buf_addf(out, ", for %u named node%s", p->recipient_count,
				   p->recipient_count == 1 ? "" : "s"));
	if (p->purposes != BW_PURPOSES_ALL) {
		BW_TRY(bw_buf_add_text(out, ", only "));
		BW_TRY(add_purposes(out, p->purposes));
	}
	if (p->not_before_us != INT64_MIN)
		BW_TRY(add_day(out, ", from ", p->not_before_us));
	if (p->not_after_us != INT64_MAX)
		BW_TRY(add_day(out, ", until ", p->not_after_us));
	if (p->actions != BW_ACTION_DIRECT)
		BW_TRY(bw_buf_addf(out, ", %s", bw_action_words((enum bw_action)p->actions)));
	if (p->confidence != BW_CONFIDENCE_MAX)
		BW_TRY(bw_buf_addf(out, ", confidence at most %u", p->confidence));
	return BW_OK;
}

enum bw_err bw_inputs_say(const struct bw_policy_inputs *inputs, struct bw_buf *out)
{
	struct bw_policy open;

	bw_policy_open(&open);
	for (unsigned i = 0; i < BW_POLICY_INPUTS; i++) {
		if (i != BW_SOURCE_OWN && bw_policy_equals(&inputs->of[i], &open))
			continue;
		BW_TRY(bw_buf_addf(out, "%s: ", bw_source_words((enum bw_source)i)));
		BW_TRY(say_policy(&inputs->of[i], out));
		BW_TRY(bw_buf_add_u8(out, '\n'));
	}
	return BW_OK;
}
