#include "accord/decide.h"

#include <stdlib.h>

#include "accord/decide_inner.h"

#define DAY_US (INT64_C(86400) * 1000000)

/* ---- making one --------------------------------------------------------------------------- */

static enum bw_err set_words(struct bw_lexicon *lexicon, const struct bw_words *words, struct bw_number_set *out)
{
	out->count = 0;
	for (size_t i = 0; i < words->count; i++)
		BW_TRY(bw_lexicon_add(lexicon, words->of[i], &out->of[out->count++]));
	return BW_OK;
}

static enum bw_err set_recipients(const struct bw_flow *flow, struct bw_gate *gate)
{
	bw_policy_open(&gate->alone);
	gate->alone.recipient_count = 0;
	BW_TRY(bw_policy_add_recipient(&gate->alone, gate->to));
	gate->members = gate->alone;
	for (size_t i = 0; i < flow->member_count; i++)
		BW_TRY(bw_policy_add_recipient(&gate->members, flow->members[i]));
	return BW_OK;
}

static enum bw_err set_flow(const struct bw_flow *flow, struct bw_lexicon *lexicon, struct bw_gate *gate)
{
	gate->kinds = flow->kinds;
	gate->types = flow->types;
	gate->confidence_min = flow->confidence_min;
	gate->highest = flow->highest;
	gate->redaction = flow->redaction;
	gate->onward = flow->onward;
	gate->retention_us = flow->retention_days * DAY_US;
	BW_TRY(set_words(lexicon, &flow->collections, &gate->collections));
	BW_TRY(set_words(lexicon, &flow->labels, &gate->labels));
	BW_TRY(set_words(lexicon, &flow->sectors, &gate->sectors));
	return set_recipients(flow, gate);
}

enum bw_err bw_gate_new(const struct bw_accord *accord, size_t from, enum bw_side side, uint32_t peer,
			struct bw_lexicon *lexicon, const struct bw_policy_classes *classes, struct bw_gate **out)
{
	struct bw_gate *gate;
	enum bw_err err;

	BW_TRY(bw_accord_check(accord, NULL));
	BW_NEED(from < BW_ACCORD_NODES, RANGE);
	gate = calloc(1, sizeof(*gate));
	BW_NEED(gate != NULL, MEMORY);
	gate->classes = classes;
	gate->lexicon = lexicon;
	gate->side = side;
	gate->peer = peer;
	memcpy(gate->to, accord->party[1 - from].node, BW_SHA256_BYTES);
	gate->from_us = accord->from_us;
	gate->until_us = accord->until_us;
	gate->purposes = accord->purposes;
	err = set_flow(&accord->flow[from], lexicon, gate);
	if (err != BW_OK) {
		bw_gate_free(gate);
		return err;
	}
	*out = gate;
	return BW_OK;
}

void bw_gate_free(struct bw_gate *gate)
{
	if (gate == NULL)
		return;
	free(gate->rulings);
	free(gate);
}

void bw_gate_stop(struct bw_gate *gate, bool is_stopped)
{
	gate->is_stopped = is_stopped;
}

/* ---- policies: once a class ------------------------------------------------------------------ */

struct finding {
	enum bw_clause clause; /* FREE: nothing stands against it */
	int64_t saw;
	int64_t limit;
};

/* Does a policy by itself stand against this gate? NONE as a colour does not, yet. */
static struct finding find_against(const struct bw_gate *gate, const struct bw_policy *p)
{
	if ((p->duties & BW_DUTY_STRANGE) != 0)
		return (struct finding){ BW_CLAUSE_STRANGE, BW_TLP_RED, gate->highest };
	if (p->tlp > gate->highest)
		return (struct finding){ BW_CLAUSE_COLOUR, p->tlp, gate->highest };
	if (!bw_policy_names(p, gate->to))
		return (struct finding){ BW_CLAUSE_RECIPIENT, p->recipient_count, 0 };
	if ((gate->purposes & ~p->purposes) != 0)
		return (struct finding){ BW_CLAUSE_PURPOSE, p->purposes, gate->purposes };
	return (struct finding){ BW_CLAUSE_FREE, 0, 0 };
}

/* What can be told only of all inputs together. */
static struct finding find_against_whole(const struct bw_gate *gate, const struct bw_policy *p)
{
	const struct finding found = find_against(gate, p);

	if (found.clause != BW_CLAUSE_FREE)
		return found;
	if (p->tlp == BW_TLP_NONE)
		return (struct finding){ BW_CLAUSE_UNMARKED, 0, gate->highest };
	return found;
}

/* FIRST TLP 2.0: RED is for those who are named. Whoever says RED must name them himself: lists of others do not. */
static bool names_nobody(const struct bw_policy *p)
{
	return p->tlp == BW_TLP_RED && p->recipient_count == BW_POLICY_EVERYONE;
}

static struct finding find_against_inputs(const struct bw_gate *gate, const struct bw_policy_inputs *inputs, bool kept,
					  const struct bw_policy *met)
{
	const struct finding found = find_against_whole(gate, met);

	for (unsigned i = 0; found.clause == BW_CLAUSE_FREE && i < BW_POLICY_INPUTS; i++)
		if (!(kept && i == BW_SOURCE_LOOSE) && names_nobody(&inputs->of[i]))
			return (struct finding){ BW_CLAUSE_NAMED, i, 0 };
	return found;
}

/* The first input with which the meet stands against the gate: his word it was. */
static enum bw_source find_source(const struct bw_gate *gate, const struct bw_policy_inputs *inputs)
{
	struct bw_policy met;

	bw_policy_open(&met);
	for (unsigned i = 0; i < BW_POLICY_INPUTS; i++) {
		bw_policy_meet(&met, &inputs->of[i], &met);
		if (find_against(gate, &met).clause != BW_CLAUSE_FREE)
			return (enum bw_source)i;
	}
	return BW_SOURCE_OWN;
}

static uint8_t no_of(const struct bw_gate *gate)
{
	return gate->side == BW_SIDE_SENDER ? BW_VERDICT_WITHHELD : BW_VERDICT_REFUSED;
}

static void fill_ruling(const struct bw_policy *p, struct bw_ruling *out)
{
	out->not_before_us = p->not_before_us;
	out->not_after_us = p->not_after_us;
	out->tlp = (uint8_t)bw_policy_colour(p);
	out->duties = p->duties;
	out->actions = p->actions;
	out->confidence = p->confidence;
	out->known = true;
}

static void judge(const struct bw_gate *gate, const struct bw_policy_inputs *inputs, struct bw_ruling *out)
{
	struct bw_policy whole;
	struct bw_policy kept;
	struct finding found;

	memset(out, 0, sizeof(*out));
	bw_policy_whole(inputs, &whole);
	fill_ruling(&whole, out);
	found = find_against_inputs(gate, inputs, false, &whole);
	out->verdict = found.clause == BW_CLAUSE_FREE ? BW_VERDICT_SENT : no_of(gate);
	out->clause = (uint8_t)found.clause;
	out->saw = found.saw;
	out->limit = found.limit;
	if (found.clause == BW_CLAUSE_FREE)
		return;
	out->source = found.clause == BW_CLAUSE_NAMED ? (uint8_t)found.saw : (uint8_t)find_source(gate, inputs);
	if (gate->side != BW_SIDE_SENDER || gate->redaction != BW_REDACTION_DERIVE)
		return;
	bw_policy_kept(inputs, &kept);
	if (find_against_inputs(gate, inputs, true, &kept).clause != BW_CLAUSE_FREE)
		return;
	fill_ruling(&kept, out);
	out->verdict = BW_VERDICT_DERIVED;
	out->clause = BW_CLAUSE_PART;
	out->source = BW_SOURCE_LOOSE;
}

static bool make_room(struct bw_gate *gate, uint32_t number)
{
	const uint32_t want = number + 64 - number % 64;
	struct bw_ruling *more;

	if (number < gate->ruling_count)
		return true;
	more = reallocarray(gate->rulings, want, sizeof(*more));
	if (more == NULL)
		return false;
	memset(more + gate->ruling_count, 0, (want - gate->ruling_count) * sizeof(*more));
	gate->rulings = more;
	gate->ruling_count = want;
	return true;
}

/* `spare` holds it where there is no memory to remember it. */
static const struct bw_ruling *ruling_of(struct bw_gate *gate, uint32_t number, struct bw_ruling *spare)
{
	const struct bw_policy_inputs *inputs;

	if (BW_LIKELY(number < gate->ruling_count && gate->rulings[number].known))
		return &gate->rulings[number];
	inputs = bw_policy_class_inputs(gate->classes, number);
	if (inputs == NULL) {
		memset(spare, 0, sizeof(*spare));
		spare->verdict = no_of(gate);
		spare->clause = BW_CLAUSE_STRANGE;
		spare->tlp = BW_TLP_RED;
		return spare;
	}
	judge(gate, inputs, spare);
	if (!make_room(gate, number))
		return spare;
	gate->rulings[number] = *spare;
	return &gate->rulings[number];
}

/* ---- objects --------------------------------------------------------------------------------- */

static bool set_has(const struct bw_number_set *set, uint32_t number)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->of[i] == number)
			return true;
	return false;
}

/* One of them is wanted, or nothing in particular is. */
static bool set_meets(const struct bw_number_set *set, const uint32_t *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (set_has(set, numbers[i]))
			return true;
	return set->count == 0;
}

static struct finding ask_accord(const struct bw_gate *gate, const struct bw_facts *f, int64_t now_us)
{
	if (gate->is_stopped)
		return (struct finding){ BW_CLAUSE_STOPPED, 0, 0 };
	if (now_us < gate->from_us || now_us >= gate->until_us)
		return (struct finding){ BW_CLAUSE_NOT_IN_FORCE, now_us,
					 now_us < gate->from_us ? gate->from_us : gate->until_us };
	if (gate->side == BW_SIDE_SENDER && f->came_from != BW_WORD_NONE && f->came_from == gate->peer)
		return (struct finding){ BW_CLAUSE_RETURNS, f->came_from, 0 };
	if (gate->side == BW_SIDE_SENDER && f->is_copy)
		return (struct finding){ BW_CLAUSE_COPY, 0, 0 };
	if (!set_has(&gate->collections, f->collection))
		return (struct finding){ BW_CLAUSE_COLLECTION, f->collection, 0 };
	if (f->tiding >= BW_TIDING_COUNT || (gate->kinds >> f->tiding & 1) == 0)
		return (struct finding){ BW_CLAUSE_KIND, f->tiding, gate->kinds };
	if (f->type >= BW_STIX_TYPE_COUNT || (gate->types >> f->type & 1) == 0)
		return (struct finding){ BW_CLAUSE_TYPE, f->type, 0 };
	if (!set_meets(&gate->labels, f->labels, f->label_count))
		return (struct finding){ BW_CLAUSE_LABEL, 0, 0 };
	if (!set_meets(&gate->sectors, f->sectors, f->sector_count))
		return (struct finding){ BW_CLAUSE_SECTOR, 0, 0 };
	return (struct finding){ BW_CLAUSE_FREE, 0, 0 };
}

static struct finding ask_time(const struct bw_ruling *ruling, const struct bw_facts *f, int64_t now_us)
{
	const int64_t until = ruling->not_after_us < f->keep_until_us ? ruling->not_after_us : f->keep_until_us;

	if (now_us < ruling->not_before_us)
		return (struct finding){ BW_CLAUSE_NOT_YET, now_us, ruling->not_before_us };
	if (now_us > until)
		return (struct finding){ BW_CLAUSE_EXPIRED, now_us, until };
	return (struct finding){ BW_CLAUSE_FREE, 0, 0 };
}

/*
 * IEP 2.0 attribution binds who passes on what another made: must-not asks for a derived object that does not
 * name him, must cannot be kept by one that is derived.
 */
static struct finding ask_attribution(const struct bw_gate *gate, const struct bw_facts *f, struct bw_decision *d)
{
	const uint8_t both = BW_DUTY_ATTRIBUTE | BW_DUTY_ANONYMOUS;
	const struct finding no = { BW_CLAUSE_ATTRIBUTION, d->duties & both, 0 };

	if (f->by_sender || (d->duties & both) == 0)
		return (struct finding){ BW_CLAUSE_FREE, 0, 0 };
	if ((d->duties & both) == both)
		return no;
	if ((d->duties & BW_DUTY_ATTRIBUTE) != 0)
		return d->verdict == BW_VERDICT_DERIVED ? no : (struct finding){ BW_CLAUSE_FREE, 0, 0 };
	if (gate->side == BW_SIDE_RECEIVER || gate->redaction != BW_REDACTION_DERIVE)
		return no;
	d->verdict = BW_VERDICT_DERIVED;
	d->clause = BW_CLAUSE_ATTRIBUTION;
	d->saw = no.saw;
	d->takes |= BW_TAKES_MAKER;
	return (struct finding){ BW_CLAUSE_FREE, 0, 0 };
}

static void say_no(const struct bw_gate *gate, struct finding found, enum bw_source source, struct bw_decision *out)
{
	out->verdict = no_of(gate);
	out->clause = (uint8_t)found.clause;
	out->source = (uint8_t)source;
	out->takes = 0;
	out->saw = found.saw;
	out->limit = found.limit;
}

static void take_ruling(const struct bw_ruling *ruling, struct bw_decision *out)
{
	out->verdict = ruling->verdict;
	out->clause = ruling->clause;
	out->source = ruling->source;
	out->tlp = ruling->tlp;
	out->duties = ruling->duties;
	out->actions = ruling->actions;
	out->takes = ruling->verdict == BW_VERDICT_DERIVED ? BW_TAKES_PARTS : 0;
	out->saw = ruling->saw;
	out->limit = ruling->limit;
	if (out->confidence > ruling->confidence)
		out->confidence = ruling->confidence;
}

/* The questions that the markings leave open. */
static void ask_rest(const struct bw_gate *gate, const struct bw_ruling *ruling, const struct bw_facts *f,
		     int64_t now_us, struct bw_decision *out)
{
	struct finding found = ask_time(ruling, f, now_us);

	if (found.clause != BW_CLAUSE_FREE) {
		say_no(gate, found, BW_SOURCE_INHERITED, out);
		return;
	}
	found = ask_attribution(gate, f, out);
	if (found.clause != BW_CLAUSE_FREE) {
		say_no(gate, found, BW_SOURCE_OWN, out);
		return;
	}
	if (out->confidence < gate->confidence_min) {
		found = (struct finding){ BW_CLAUSE_CONFIDENCE, out->confidence, gate->confidence_min };
		say_no(gate, found, BW_SOURCE_ACCORD, out);
	}
}

void bw_gate_decide(struct bw_gate *gate, const struct bw_facts *facts, int64_t now_us, struct bw_decision *out)
{
	struct bw_ruling spare;
	const struct bw_ruling *ruling;
	const struct finding found = ask_accord(gate, facts, now_us);

	*out = (struct bw_decision){ .tiding = facts->tiding,
				     .confidence = facts->confidence,
				     .policy_class = facts->policy_class };
	ruling = ruling_of(gate, facts->policy_class, &spare);
	take_ruling(ruling, out);
	if (found.clause != BW_CLAUSE_FREE)
		say_no(gate, found, BW_SOURCE_ACCORD, out);
	else if (ruling->verdict <= BW_VERDICT_DERIVED)
		ask_rest(gate, ruling, facts, now_us, out);
}

/* ---- what the receiver inherits ------------------------------------------------------------------ */

static void limit_recipients(const struct bw_gate *gate, struct bw_policy *p)
{
	const bool strict = p->tlp >= BW_TLP_AMBER_STRICT;

	/* FIRST TLP 2.0: +STRICT stays in the organisation, AMBER may reach its clients, GREEN its community */
	if (gate->onward == BW_ONWARD_NONE || strict)
		bw_policy_meet(p, &gate->alone, p);
	else if (gate->onward == BW_ONWARD_MEMBERS || p->tlp == BW_TLP_AMBER)
		bw_policy_meet(p, &gate->members, p);
}

void bw_gate_carry(const struct bw_gate *gate, const struct bw_policy_inputs *inputs, uint32_t takes,
		   int64_t received_us, struct bw_policy *out)
{
	struct bw_policy p;
	int64_t until;

	if ((takes & BW_TAKES_PARTS) != 0)
		bw_policy_kept(inputs, &p);
	else
		bw_policy_whole(inputs, &p);
	p.tlp = (uint8_t)bw_policy_colour(&p);
	p.purposes &= gate->purposes;
	limit_recipients(gate, &p);
	if (__builtin_add_overflow(received_us, gate->retention_us, &until))
		until = INT64_MAX;
	if (p.not_after_us > until)
		p.not_after_us = until;
	*out = p;
}
