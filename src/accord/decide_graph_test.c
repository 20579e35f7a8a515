/*
 * Nothing leaves that may not, over random graphs of nodes, accords and hops.
 *
 * Each object wanders; every hop is decided by the gates of sender and receiver, and by a reference
 * that shares nothing with them: it keeps no policy and meets nothing, but asks every
 * single thing ever said about the object, and every hop it made, once more from the beginning.
 * The two must agree on every hop, both ways. BREAKWATER_OBJECTS=1000000 asks for as many objects.
 */
#include <stdlib.h>

#include "base/test.h"

#include "accord/decide.h"
#include "accord/test_accord.h"

enum { NODES = 7, ACCORDS = 12, HOPS = 12, SAID_MAX = 32, WAY_MAX = 16, WORLD_OBJECTS = 200 };

static uint64_t seed;

static uint32_t any(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 33) % below;
}

/* ---- what is said, as plain facts ----------------------------------------------------------- */

struct said {
	unsigned tlp; /* 0: nothing */
	bool strange;
	bool names;          /* recipients */
	unsigned recipients; /* bits of nodes */
	unsigned purposes;
	int64_t from;
	int64_t until;
	unsigned confidence;
	bool must_attribute;
	bool must_not_attribute;
	bool of_part; /* that can be taken out */
	enum bw_source by;
};

struct hop {
	unsigned accord;
	unsigned to;
	unsigned colour; /* effective then */
	int64_t at;
};

/* One copy of an object at one node. */
struct copy {
	bool here;
	bool derived;
	struct said said[SAID_MAX];
	size_t said_count;
	struct hop way[WAY_MAX];
	size_t way_count;
	unsigned came_from;
	struct bw_policy_inputs inputs; /* the product's view */
};

static struct bw_accord accords[ACCORDS];
static unsigned ends[ACCORDS][2];
static struct said defaults[NODES];
static struct copy copies[NODES];
static unsigned creator;
static unsigned own_confidence;
static struct bw_policy_classes *classes;
static struct bw_lexicon *lexicon;
static struct bw_gate *gates[ACCORDS][2][2]; /* accord, from, side */
static uint64_t asked;
static uint64_t allowed;
static uint64_t derived_count;

static const struct said nothing = {
	.purposes = BW_PURPOSES_ALL, .from = INT64_MIN, .until = INT64_MAX, .confidence = BW_CONFIDENCE_MAX
};

static struct said any_said(void)
{
	struct said s = nothing;

	if (any(4) != 0)
		s.tlp = 1 + any(any(3) == 0 ? 5 : 3);
	s.strange = any(40) == 0;
	if (any(4) == 0) {
		s.names = true;
		s.recipients = any(1U << NODES) | any(1U << NODES);
	}
	if (any(5) == 0)
		s.purposes = any(BW_PURPOSES_ALL + 1) | BW_PURPOSE_BIT(DEFENCE);
	if (any(8) == 0)
		s.from = TEST_TIME + (int64_t)any(10) * TEST_DAY - 8 * TEST_DAY;
	if (any(8) == 0)
		s.until = TEST_TIME + (int64_t)any(60) * TEST_DAY - 5 * TEST_DAY;
	if (any(8) == 0)
		s.confidence = any(101);
	s.must_attribute = any(20) == 0;
	s.must_not_attribute = any(20) == 0;
	return s;
}

static void to_policy(const struct said *s, struct bw_policy *out)
{
	uint8_t node[BW_SHA256_BYTES];

	bw_policy_open(out);
	if (s->strange) {
		bw_policy_closed(out);
		return;
	}
	out->tlp = (uint8_t)s->tlp;
	out->purposes = s->purposes;
	out->not_before_us = s->from;
	out->not_after_us = s->until;
	out->confidence = (uint8_t)s->confidence;
	out->duties = (uint8_t)((s->must_attribute ? BW_DUTY_ATTRIBUTE : 0) |
				(s->must_not_attribute ? BW_DUTY_ANONYMOUS : 0));
	if (!s->names)
		return;
	out->recipient_count = 0;
	for (unsigned i = 0; i < NODES; i++)
		if ((s->recipients >> i & 1) != 0) {
			test_node(i, node);
			assert_ok(bw_policy_add_recipient(out, node));
		}
}

/* ---- the world -------------------------------------------------------------------------------- */

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, BW_SHA256_BYTES);
}

static void any_flow(struct bw_flow *flow)
{
	flow->highest = (uint8_t)(BW_TLP_CLEAR + any(5));
	flow->redaction = (uint8_t)any(BW_REDACTION_COUNT);
	flow->onward = (uint8_t)any(BW_ONWARD_COUNT);
	flow->retention_days = 1 + any(40);
	flow->confidence_min = (uint8_t)any(60);
	flow->kinds = BW_TIDING_BIT(INDICATOR);
	flow->member_count = any(4);
	for (size_t i = 0; i < flow->member_count; i++)
		test_node((unsigned)(i * 2 + any(2)), flow->members[i]);
	qsort(flow->members, flow->member_count, BW_SHA256_BYTES, by_bytes);
}

static void make_world(void)
{
	assert_ok(bw_policy_classes_new(&classes));
	assert_ok(bw_lexicon_new(&lexicon));
	for (unsigned i = 0; i < NODES; i++)
		defaults[i] = any(3) == 0 ? nothing : any_said();
	for (unsigned i = 0; i < ACCORDS; i++) {
		struct bw_accord *a = &accords[i];

		test_accord(a);
		ends[i][0] = any(NODES);
		ends[i][1] = (ends[i][0] + 1 + any(NODES - 1)) % NODES;
		test_node(ends[i][0], a->party[0].node);
		test_node(ends[i][1], a->party[1].node);
		a->purposes = any(2) == 0 ? BW_PURPOSE_BIT(DEFENCE) : any(BW_PURPOSES_ALL) + 1;
		a->from_us = TEST_TIME - (int64_t)any(20) * TEST_DAY;
		a->until_us = TEST_TIME + TEST_DAY + (int64_t)any(60) * TEST_DAY;
		any_flow(&a->flow[0]);
		any_flow(&a->flow[1]);
		for (unsigned from = 0; from < 2; from++)
			for (unsigned side = 0; side < 2; side++)
				assert_ok(bw_gate_new(a, from, (enum bw_side)side, ends[i][side == 0 ? 1 - from : from],
						      lexicon, classes, &gates[i][from][side]));
	}
}

static void end_world(void)
{
	for (unsigned i = 0; i < ACCORDS; i++)
		for (unsigned from = 0; from < 2; from++)
			for (unsigned side = 0; side < 2; side++)
				bw_gate_free(gates[i][from][side]);
	bw_lexicon_free(lexicon);
	bw_policy_classes_free(classes);
}

static void say(struct copy *copy, const struct said *s, enum bw_source source)
{
	struct bw_policy policy;

	assert_true(copy->said_count < SAID_MAX);
	copy->said[copy->said_count] = *s;
	copy->said[copy->said_count++].by = source;
	to_policy(s, &policy);
	bw_policy_meet(&copy->inputs.of[source], &policy, &copy->inputs.of[source]);
}

static void make_object(void)
{
	struct copy *home;

	memset(copies, 0, sizeof(copies));
	creator = any(NODES);
	own_confidence = any(101);
	home = &copies[creator];
	home->here = true;
	home->came_from = NODES;
	bw_policy_inputs_init(&home->inputs);
	for (uint32_t n = any(3); n > 0; n--) {
		const struct said s = any_said();

		say(home, &s, BW_SOURCE_OWN);
	}
	if (any(4) == 0) {
		struct said s = any_said();

		s.of_part = any(3) != 0;
		say(home, &s, s.of_part ? BW_SOURCE_LOOSE : BW_SOURCE_FIXED);
	}
	say(home, &defaults[creator], BW_SOURCE_COLLECTION);
}

/* ---- the reference ------------------------------------------------------------------------------ */

static bool is_member(const struct bw_flow *flow, unsigned node)
{
	uint8_t name[BW_SHA256_BYTES];

	test_node(node, name);
	for (size_t i = 0; i < flow->member_count; i++)
		if (memcmp(flow->members[i], name, sizeof(name)) == 0)
			return true;
	return false;
}

/* May what took this hop go on to `to`, at `now`, for these purposes? */
static bool hop_lets(const struct hop *hop, unsigned to, int64_t now, uint32_t purposes)
{
	const struct bw_accord *a = &accords[hop->accord];
	const struct bw_flow *flow = &a->flow[hop->to == ends[hop->accord][1] ? 0 : 1];

	if ((purposes & ~a->purposes) != 0)
		return false;
	if (now > hop->at + flow->retention_days * TEST_DAY)
		return false;
	if (to == hop->to)
		return true;
	if (flow->onward == BW_ONWARD_NONE || hop->colour >= BW_TLP_AMBER_STRICT)
		return false;
	if (flow->onward == BW_ONWARD_MEMBERS || hop->colour == BW_TLP_AMBER)
		return is_member(flow, to);
	return true;
}

static unsigned colour_of(const struct copy *copy, bool without_parts)
{
	unsigned darkest = 0;

	for (size_t i = 0; i < copy->said_count; i++) {
		const struct said *s = &copy->said[i];

		if (!(without_parts && s->of_part) && s->tlp > darkest)
			darkest = s->tlp;
	}
	return darkest;
}

/* Whoever says RED names for whom. */
static bool red_is_named(const struct copy *copy, enum bw_source by)
{
	bool red = false;
	bool names = false;

	for (size_t i = 0; i < copy->said_count; i++)
		if (copy->said[i].by == by) {
			red = red || copy->said[i].tlp == BW_TLP_RED;
			names = names || copy->said[i].names;
		}
	return names || !red;
}

/* Markings and way alone, without what times and attribution add. */
static bool said_lets(const struct copy *copy, bool without_parts, unsigned number, unsigned from, unsigned to)
{
	const struct bw_accord *a = &accords[number];

	for (size_t i = 0; i < copy->said_count; i++) {
		const struct said *s = &copy->said[i];

		if (without_parts && s->of_part)
			continue;
		if (s->strange || s->tlp > a->flow[from].highest || (a->purposes & ~s->purposes) != 0)
			return false;
		if (s->names && (s->recipients >> to & 1) == 0)
			return false;
	}
	for (size_t i = 0; i < copy->way_count; i++)
		if (!hop_lets(&copy->way[i], to, INT64_MIN, a->purposes))
			return false;
	return colour_of(copy, without_parts) != BW_TLP_NONE && red_is_named(copy, BW_SOURCE_OWN) &&
	       red_is_named(copy, BW_SOURCE_FIXED) && red_is_named(copy, BW_SOURCE_COLLECTION) &&
	       (without_parts || red_is_named(copy, BW_SOURCE_LOOSE));
}

static bool times_let(const struct copy *copy, bool without_parts, unsigned to, int64_t now)
{
	for (size_t i = 0; i < copy->said_count; i++) {
		const struct said *s = &copy->said[i];

		if (!(without_parts && s->of_part) && (now < s->from || now > s->until))
			return false;
	}
	(void)to;
	for (size_t i = 0; i < copy->way_count; i++) {
		const struct hop *hop = &copy->way[i];
		const struct bw_flow *flow = &accords[hop->accord].flow[hop->to == ends[hop->accord][1] ? 0 : 1];

		if (now > hop->at + flow->retention_days * TEST_DAY)
			return false;
	}
	return true;
}

static unsigned confidence_of(const struct copy *copy, bool without_parts)
{
	unsigned least = own_confidence;

	for (size_t i = 0; i < copy->said_count; i++)
		if (!(without_parts && copy->said[i].of_part) && copy->said[i].confidence < least)
			least = copy->said[i].confidence;
	return least;
}

/* 0: no; 1: as it is; 2: derived. */
static int reference(const struct copy *copy, unsigned sender, unsigned number, unsigned from, unsigned to, int64_t now)
{
	const struct bw_accord *a = &accords[number];
	const bool may_derive = a->flow[from].redaction == BW_REDACTION_DERIVE;
	const bool whole = said_lets(copy, false, number, from, to);
	bool parts = false;
	bool attribute = false;
	bool anonymous = false;

	if (now < a->from_us || now >= a->until_us || copy->came_from == to)
		return 0;
	if (!whole) {
		parts = may_derive && said_lets(copy, true, number, from, to);
		if (!parts)
			return 0;
	}
	if (!times_let(copy, parts, to, now) || confidence_of(copy, parts) < a->flow[from].confidence_min)
		return 0;
	for (size_t i = 0; i < copy->said_count; i++)
		if (!(parts && copy->said[i].of_part)) {
			attribute = attribute || copy->said[i].must_attribute;
			anonymous = anonymous || copy->said[i].must_not_attribute;
		}
	if (sender == creator || (!attribute && !anonymous))
		return parts ? 2 : 1;
	if (attribute)
		return anonymous || parts ? 0 : 1;
	return may_derive ? 2 : 0;
}

/* ---- a hop ------------------------------------------------------------------------------------- */

static struct bw_decision d;

static int decide(struct bw_gate *gate, const struct bw_policy_inputs *inputs, const struct bw_facts *like, int64_t now)
{
	struct bw_facts facts = *like;

	assert_ok(bw_policy_class(classes, inputs, &facts.policy_class));
	bw_gate_decide(gate, &facts, now, &d);
	return d.verdict == BW_VERDICT_SENT ? 1 : d.verdict == BW_VERDICT_DERIVED ? 2 : 0;
}

static void arrive(const struct copy *from, unsigned sender, unsigned number, unsigned way, unsigned to, uint32_t takes,
		   int64_t now)
{
	struct copy *copy = &copies[to];
	const bool without_parts = (takes & BW_TAKES_PARTS) != 0;
	const unsigned colour = colour_of(from, without_parts);
	struct bw_policy carried;
	size_t kept = 0;

	if (copy->here)
		return;
	bw_gate_carry(gates[number][way][BW_SIDE_SENDER], &from->inputs, takes, now, &carried);
	*copy = *from;
	if (without_parts) {
		for (size_t i = 0; i < from->said_count; i++)
			if (!from->said[i].of_part)
				copy->said[kept++] = from->said[i];
		copy->said_count = kept;
		bw_policy_open(&copy->inputs.of[BW_SOURCE_LOOSE]);
	}
	for (size_t i = 0; i < copy->said_count; i++) {
		copy->said[i].of_part = false; /* it went whole under that, and stays bound */
		if (copy->said[i].by == BW_SOURCE_COLLECTION)
			copy->said[i].by = BW_SOURCE_INHERITED;
	}
	copy->came_from = sender;
	copy->way[copy->way_count++] = (struct hop){ number, to, colour, now };
	bw_policy_open(&copy->inputs.of[BW_SOURCE_COLLECTION]);
	copy->inputs.of[BW_SOURCE_INHERITED] = carried;
	say(copy, &defaults[to], BW_SOURCE_COLLECTION);
}

/* Somebody who did not make it says that it is for all: nothing may come of it. */
static void try_to_widen(struct copy *copy)
{
	struct bw_policy wide;

	bw_policy_open(&wide);
	wide.tlp = BW_TLP_CLEAR;
	for (unsigned i = 0; i < BW_POLICY_INPUTS; i++)
		if (copy->inputs.of[i].tlp != BW_TLP_NONE)
			bw_policy_supersede(&copy->inputs.of[i], &wide, false, &copy->inputs.of[i]);
}

static void receive(const struct copy *copy, const struct bw_facts *facts, unsigned number, unsigned way, int verdict,
		    int64_t now)
{
	struct bw_policy_inputs inputs = copy->inputs;
	struct bw_facts theirs = *facts;
	const uint32_t takes = d.takes;
	int answer;

	/* what arrives is the object that was made, and the policy it was sent under */
	if ((takes & BW_TAKES_PARTS) != 0)
		bw_policy_open(&inputs.of[BW_SOURCE_LOOSE]);
	if (verdict == 2)
		theirs.by_sender = true;
	answer = decide(gates[number][way][BW_SIDE_RECEIVER], &inputs, &theirs, now);
	assert_int_equal(answer, 1);
}

static void take_a_hop(void)
{
	const unsigned number = any(ACCORDS);
	const unsigned way = any(2);
	const unsigned from = ends[number][way];
	const unsigned to = ends[number][1 - way];
	const int64_t now = TEST_TIME + (int64_t)any(50) * TEST_DAY / 2 - 3 * TEST_DAY;
	struct copy *copy = &copies[from];
	struct bw_facts facts = { .came_from = copy->came_from,
				  .type = BW_STIX_INDICATOR,
				  .tiding = BW_TIDING_INDICATOR,
				  .confidence = (uint8_t)own_confidence,
				  .by_sender = from == creator,
				  .keep_until_us = INT64_MAX };
	uint32_t takes;
	int verdict;

	if (!copy->here)
		return;
	if (any(4) == 0)
		try_to_widen(copy);
	assert_ok(bw_lexicon_add(lexicon, BW_LIT("Schools"), &facts.collection));
	verdict = decide(gates[number][way][BW_SIDE_SENDER], &copy->inputs, &facts, now);
	takes = d.takes;
	assert_int_equal(verdict, reference(copy, from, number, way, to, now));
	asked++;
	if (verdict == 0)
		return;
	allowed++;
	derived_count += verdict == 2;
	receive(copy, &facts, number, way, verdict, now);
	arrive(copy, from, number, way, to, takes, now);
}

/* Whoever has it at the end: each who ever named recipients named him. */
static void look_for_leaks(void)
{
	for (unsigned node = 0; node < NODES; node++) {
		const struct copy *copy = &copies[node];

		if (!copy->here || node == creator)
			continue;
		for (size_t i = 0; i + 1 < copy->said_count; i++) { /* the last is his own default */
			assert_false(copy->said[i].strange);
			assert_true(!copy->said[i].names || (copy->said[i].recipients >> node & 1) != 0);
		}
	}
}

static void no_object_leaks_over_any_graph(void **state)
{
	const char *wanted = getenv("BREAKWATER_OBJECTS");
	const uint64_t objects = wanted != NULL ? strtoull(wanted, NULL, 10) : 20000;

	(void)state;
	seed = 0x9e3779b97f4a7c15U;
	for (uint64_t n = 0; n < objects; n++) {
		if (n % WORLD_OBJECTS == 0)
			make_world();
		make_object();
		for (int i = 0; i < HOPS; i++)
			take_a_hop();
		look_for_leaks();
		if ((n + 1) % WORLD_OBJECTS == 0 || n + 1 == objects)
			end_world();
	}
	print_message("%llu objects: %llu hops asked for, %llu allowed (%llu of them as derived objects), 0 leaks\n",
		      (unsigned long long)objects, (unsigned long long)asked, (unsigned long long)allowed,
		      (unsigned long long)derived_count);
	assert_true(allowed > asked / 100 && derived_count > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(no_object_leaks_over_any_graph) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
