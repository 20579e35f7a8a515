#include "accord/weigh.h"

#define NO_REFS ((struct bw_ref_list){ NULL, 0 })

/* ---- one object by itself ------------------------------------------------------------ */

static void withhold(struct bw_decision *d, enum bw_clause clause)
{
	d->verdict = BW_VERDICT_WITHHELD;
	d->clause = (uint8_t)clause;
	d->source = BW_SOURCE_CONTENT;
	d->takes = 0;
}

/* Observables are what they say (STIX 2.1 §2.9), and what all refer to would define nothing under another id. */
static bool can_be_derived(const struct bw_told *told)
{
	const enum bw_stix_group group = bw_stix_type_group((enum bw_stix_type)told->type);

	return group != BW_STIX_SCO && group != BW_STIX_META;
}

static void take_personal_out(struct bw_decision *d)
{
	if (d->verdict == BW_VERDICT_SENT) {
		d->clause = BW_CLAUSE_PERSONAL;
		d->source = BW_SOURCE_CONTENT;
	}
	d->verdict = BW_VERDICT_DERIVED;
	d->takes |= BW_TAKES_PERSONAL;
}

/* A person has said yes: what is sure is done with as the profile says all the same. */
static void release(const struct bw_weighing *w, const struct bw_told *told, struct bw_decision *d)
{
	if (!told->has_sure)
		return;
	if (w->profile == BW_REDACTION_DERIVE)
		take_personal_out(d);
	else
		withhold(d, BW_CLAUSE_PERSONAL);
}

static void ask_personal(const struct bw_weighing *w, const struct bw_told *told, struct bw_weighed *out)
{
	struct bw_decision *d = &out->decision;

	switch ((enum bw_redact_outcome)told->personal) {
	case BW_REDACT_CLEAN:
		break;
	case BW_REDACT_DERIVE:
		take_personal_out(d);
		break;
	case BW_REDACT_HOLD:
		if (out->is_released) {
			release(w, told, d);
			break;
		}
		d->verdict = BW_VERDICT_HELD;
		d->clause = BW_CLAUSE_UNSURE;
		d->source = BW_SOURCE_CONTENT;
		break;
	default:
		withhold(d, BW_CLAUSE_PERSONAL);
		break;
	}
}

static bool goes(const struct bw_decision *d)
{
	return d->verdict == BW_VERDICT_SENT || d->verdict == BW_VERDICT_DERIVED;
}

static enum bw_err weigh_one(const struct bw_weighing *w, const struct bw_source_row *row, const struct bw_told *told,
			     struct bw_arena *arena, struct bw_weighed *out)
{
	struct bw_decision *d = &out->decision;

	out->drop = NULL;
	out->drop_count = 0;
	out->swap = NULL;
	out->swap_count = 0;
	out->carried = NULL;
	if (told->problem != BW_OK) {
		out->facts = (struct bw_facts){ .collection = BW_WORD_NONE, .came_from = BW_WORD_NONE };
		*d = (struct bw_decision){ .tlp = BW_TLP_RED };
		withhold(d, BW_CLAUSE_UNSURE);
		return BW_OK;
	}
	BW_TRY(bw_source_facts(row, told, &w->peer, w->lexicon, w->classes, arena, &out->facts));
	bw_gate_decide(w->gate, &out->facts, w->now_us, d);
	if (goes(d))
		ask_personal(w, told, out);
	if ((goes(d) || d->verdict == BW_VERDICT_HELD) && out->is_refused)
		withhold(d, BW_CLAUSE_UNSURE);
	if (d->verdict == BW_VERDICT_DERIVED && !can_be_derived(told))
		withhold(d, (enum bw_clause)d->clause);
	return BW_OK;
}

/* ---- all together ---------------------------------------------------------------------- */

static struct bw_ref_node node_of(const struct bw_weighing *w, const struct bw_told *told, const struct bw_weighed *one)
{
	const bool is_told = told->problem == BW_OK;

	return (struct bw_ref_node){
		/* what became of a copy says nothing of the object: whoever refers to it asks elsewhere */
		.id = is_told && one->decision.clause != BW_CLAUSE_COPY ? told->id : bw_slice_empty,
		.refs = is_told ? told->refs : NO_REFS,
		.decision = one->decision,
		.type = told->type,
		.may_derive = w->profile == BW_REDACTION_DERIVE,
	};
}

static enum bw_err carry(const struct bw_weighing *w, struct bw_arena *arena, struct bw_weighed *out)
{
	const struct bw_policy_inputs *inputs = bw_policy_class_inputs(w->classes, out->facts.policy_class);
	struct bw_policy *policy;

	if (!goes(&out->decision))
		return BW_OK;
	policy = bw_arena_zero(arena, 1, sizeof(*policy));
	BW_NEED(policy != NULL && inputs != NULL, MEMORY);
	bw_gate_carry(w->gate, inputs, out->decision.takes, w->now_us, policy);
	if (policy->not_after_us > out->facts.keep_until_us)
		policy->not_after_us = out->facts.keep_until_us;
	out->carried = policy;
	return BW_OK;
}

enum bw_err bw_weigh(const struct bw_weighing *w, const struct bw_source_row *rows, const struct bw_told *told,
		     size_t count, struct bw_arena *arena, struct bw_weighed *out)
{
	struct bw_ref_node *nodes = bw_arena_zero(arena, count + 1, sizeof(*nodes));
	struct bw_ref_drops *drops = bw_arena_zero(arena, count + 1, sizeof(*drops));

	BW_NEED(nodes != NULL && drops != NULL, MEMORY);
	for (size_t i = 0; i < count; i++) {
		BW_TRY(weigh_one(w, &rows[i], &told[i], arena, &out[i]));
		nodes[i] = node_of(w, &told[i], &out[i]);
	}
	BW_TRY(bw_refs_settle(nodes, count, &w->elsewhere));
	BW_TRY(bw_refs_drops(nodes, count, &w->elsewhere, arena, drops));
	for (size_t i = 0; i < count; i++) {
		out[i].decision = nodes[i].decision;
		/* settled as one that must be derived, which it cannot be */
		if (out[i].decision.verdict == BW_VERDICT_DERIVED && !can_be_derived(&told[i]))
			withhold(&out[i].decision, (enum bw_clause)out[i].decision.clause);
		out[i].drop = drops[i].of;
		out[i].drop_count = drops[i].count;
		out[i].swap = drops[i].swaps;
		out[i].swap_count = drops[i].swap_count;
		BW_TRY(carry(w, arena, &out[i]));
	}
	return BW_OK;
}
