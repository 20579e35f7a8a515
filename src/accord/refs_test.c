#include "base/test.h"

#include "accord/refs.h"

#define ID(type, n) type "--00000000-0000-4000-8000-00000000000" n

static struct bw_arena arena;
static struct bw_ref_list refs;

static int set_up(void **state)
{
	(void)state;
	arena = BW_ARENA_INIT(64 * BW_MIB);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	bw_arena_release(&arena);
	return 0;
}

static void find(const char *object)
{
	assert_ok(bw_refs_find(bw_slice_text(object), &arena, &refs));
}

static void assert_ref(size_t i, const char *id, enum bw_ref_use use)
{
	assert_true(i < refs.count);
	assert_slice(refs.of[i].id, id);
	assert_int_equal(refs.of[i].use, use);
}

static void each_reference_is_found_with_its_use(void **state)
{
	(void)state;
	find("{\"type\":\"report\",\"id\":\"" ID("report", "0") "\",\"created_by_ref\":\"" ID(
		"identity", "1") "\",\"object_refs\":[\"" ID("malware",
							     "2") "\",\"" ID("tool", "3") "\"],\"object_marking_refs\":"
											  "[\"" ID("marking-definition",
												   "4") "\"]}");
	assert_int_equal(refs.count, 4);
	assert_ref(0, ID("identity", "1"), BW_REF_OPTIONAL);
	assert_ref(1, ID("malware", "2"), BW_REF_LISTED);
	assert_ref(2, ID("tool", "3"), BW_REF_LISTED);
	assert_int_equal(refs.of[1].group, refs.of[2].group);
	assert_ref(3, ID("marking-definition", "4"), BW_REF_ESSENTIAL);
	find("{\"type\":\"relationship\",\"source_ref\":\"" ID("malware", "1") "\",\"target_ref\":\"" ID("tool",
													 "2") "\"}");
	assert_ref(0, ID("malware", "1"), BW_REF_ESSENTIAL);
	assert_ref(1, ID("tool", "2"), BW_REF_ESSENTIAL);
}

static void ids_in_sentences_names_and_escapes_are_found(void **state)
{
	(void)state;
	find("{\"type\":\"note\",\"content\":\"see " ID("malware", "1") ", please\",\"x\":{\"" ID(
		"tool", "2") "\":[{\"y_ref\":\"" ID("tool", "3") "\"}]},\"z\":\"\\u006dalware--00000000-0000-4000-8000-"
								 "000000000004\"}");
	assert_int_equal(refs.count, 4);
	assert_ref(0, ID("malware", "1"), BW_REF_ESSENTIAL);
	assert_ref(1, ID("tool", "2"), BW_REF_ESSENTIAL);
	assert_ref(2, ID("tool", "3"), BW_REF_ESSENTIAL);
	assert_ref(3, ID("malware", "4"), BW_REF_ESSENTIAL);
}

static void nothing_of_an_observable_can_go(void **state)
{
	(void)state;
	find("{\"type\":\"domain-name\",\"value\":\"x\",\"resolves_to_refs\":[\"" ID("ipv4-addr", "1") "\"]}");
	assert_ref(0, ID("ipv4-addr", "1"), BW_REF_ESSENTIAL);
}

/* ---- settling ------------------------------------------------------------------------------------------- */

static struct bw_ref_node node(const char *id, enum bw_stix_type type, const char *object, enum bw_verdict verdict,
			       enum bw_clause clause)
{
	struct bw_ref_node n = { .id = bw_slice_text(id),
				 .type = (uint8_t)type,
				 .may_derive = true,
				 .decision = { .verdict = (uint8_t)verdict, .clause = (uint8_t)clause } };

	find(object);
	n.refs = refs;
	return n;
}

#define SENT BW_VERDICT_SENT, BW_CLAUSE_FREE
#define RED BW_VERDICT_WITHHELD, BW_CLAUSE_COLOUR
#define MALWARE ID("malware", "1")
#define TOOL ID("tool", "2")
#define PLAIN "{\"type\":\"malware\"}"
#define RELATION "{\"type\":\"relationship\",\"source_ref\":\"" MALWARE "\",\"target_ref\":\"" TOOL "\"}"
#define REPORT(list) "{\"type\":\"report\",\"object_refs\":[" list "]}"

static void a_relationship_to_what_stays_stays(void **state)
{
	struct bw_ref_node nodes[] = {
		node(ID("relationship", "3"), BW_STIX_RELATIONSHIP, RELATION, SENT),
		node(MALWARE, BW_STIX_MALWARE, PLAIN, RED),
		node(TOOL, BW_STIX_TOOL, PLAIN, SENT),
	};

	(void)state;
	assert_ok(bw_refs_settle(nodes, BW_COUNT(nodes), NULL));
	assert_int_equal(nodes[0].decision.verdict, BW_VERDICT_WITHHELD);
	assert_int_equal(nodes[0].decision.clause, BW_CLAUSE_REFERENCE);
	assert_int_equal(nodes[2].decision.verdict, BW_VERDICT_SENT);
}

static void a_report_goes_without_what_stays_unless_nothing_is_left(void **state)
{
	struct bw_ref_node nodes[] = {
		node(ID("report", "3"), BW_STIX_REPORT, REPORT("\"" MALWARE "\",\"" TOOL "\""), SENT),
		node(ID("report", "4"), BW_STIX_REPORT, REPORT("\"" MALWARE "\""), SENT),
		node(ID("report", "5"), BW_STIX_REPORT, REPORT("\"" TOOL "\""), SENT),
		node(MALWARE, BW_STIX_MALWARE, PLAIN, RED),
		node(TOOL, BW_STIX_TOOL, PLAIN, SENT),
	};
	struct bw_ref_drops drops[BW_COUNT(nodes)];

	(void)state;
	assert_ok(bw_refs_settle(nodes, BW_COUNT(nodes), NULL));
	assert_int_equal(nodes[0].decision.verdict, BW_VERDICT_DERIVED);
	assert_int_equal(nodes[0].decision.takes, BW_TAKES_REFERENCES);
	assert_int_equal(nodes[1].decision.verdict, BW_VERDICT_WITHHELD);
	assert_int_equal(nodes[2].decision.verdict, BW_VERDICT_SENT);
	assert_ok(bw_refs_drops(nodes, BW_COUNT(nodes), NULL, &arena, drops));
	assert_int_equal(drops[0].count, 1);
	assert_slice(drops[0].of[0], MALWARE);
	assert_int_equal(drops[1].count, 0);
	assert_int_equal(drops[2].count, 0);
}

static void what_came_from_them_or_another_way_is_no_secret(void **state)
{
	struct bw_decision d = { .verdict = BW_VERDICT_WITHHELD, .clause = BW_CLAUSE_COLOUR };

	(void)state;
	assert_true(bw_refs_is_secret(&d, BW_STIX_MALWARE));
	d.clause = BW_CLAUSE_RETURNS;
	assert_false(bw_refs_is_secret(&d, BW_STIX_FILE));
	d.clause = BW_CLAUSE_COPY;
	assert_false(bw_refs_is_secret(&d, BW_STIX_MALWARE));
	d.verdict = BW_VERDICT_HELD;
	assert_true(bw_refs_is_secret(&d, BW_STIX_MALWARE));
}

static void what_is_only_not_covered_is_no_secret_but_an_observable_is(void **state)
{
	struct bw_ref_node nodes[] = {
		node(ID("note", "3"), BW_STIX_NOTE, "{\"type\":\"note\",\"object_refs\":[\"" MALWARE "\"]}", SENT),
		node(MALWARE, BW_STIX_MALWARE, PLAIN, BW_VERDICT_WITHHELD, BW_CLAUSE_TYPE),
		node(ID("note", "4"), BW_STIX_NOTE, "{\"type\":\"note\",\"object_refs\":[\"" ID("file", "5") "\"]}",
		     SENT),
		node(ID("file", "5"), BW_STIX_FILE, "{\"type\":\"file\"}", BW_VERDICT_WITHHELD, BW_CLAUSE_TYPE),
		node(ID("note", "6"), BW_STIX_NOTE, "{\"type\":\"note\",\"object_refs\":[\"" ID("file", "7") "\"]}",
		     SENT),
		node(ID("file", "7"), BW_STIX_FILE, "{\"type\":\"file\"}", BW_VERDICT_WITHHELD, BW_CLAUSE_RETURNS),
	};

	(void)state;
	assert_ok(bw_refs_settle(nodes, BW_COUNT(nodes), NULL));
	assert_int_equal(nodes[0].decision.verdict, BW_VERDICT_SENT);
	assert_int_equal(nodes[2].decision.verdict, BW_VERDICT_WITHHELD);
	assert_int_equal(nodes[4].decision.verdict, BW_VERDICT_SENT);
}

static void one_secret_makes_another_until_nothing_changes(void **state)
{
	enum { CHAIN = 1000 };
	struct bw_ref_node *nodes = bw_arena_zero(&arena, CHAIN, sizeof(*nodes));

	(void)state;
	for (unsigned i = 0; i < CHAIN; i++) {
		char *text = bw_arena_take(&arena, 200);
		char *id = bw_arena_take(&arena, 80);

		(void)snprintf(id, 80, "note--00000000-0000-4000-8000-%012u", i);
		(void)snprintf(text, 200,
			       "{\"type\":\"note\",\"object_refs\":[\"note--00000000-0000-4000-8000-%012u\"]}",
			       (i + 1) % CHAIN);
		nodes[i] = node(id, BW_STIX_NOTE, text, SENT);
	}
	assert_ok(bw_refs_settle(nodes, CHAIN, NULL));
	for (unsigned i = 0; i < CHAIN; i++)
		assert_int_equal(nodes[i].decision.verdict, BW_VERDICT_SENT);
	nodes[CHAIN / 2].decision.verdict = BW_VERDICT_HELD;
	assert_ok(bw_refs_settle(nodes, CHAIN, NULL));
	for (unsigned i = 0; i < CHAIN; i++)
		assert_true(nodes[i].decision.verdict == BW_VERDICT_WITHHELD || i == CHAIN / 2);
}

static bool knows_tool(void *with, struct bw_slice id)
{
	(void)with;
	return bw_slice_is(id, TOOL);
}

static void what_stayed_earlier_counts_and_case_hides_nothing(void **state)
{
	struct bw_ref_node nodes[] = {
		node(ID("report", "3"), BW_STIX_REPORT, REPORT("\"" TOOL "\""), SENT),
		node("note--abcdef00-0000-4000-8000-000000000001", BW_STIX_NOTE, "{\"type\":\"note\"}", RED),
		node(ID("report", "4"), BW_STIX_REPORT, REPORT("\"note--ABCDEF00-0000-4000-8000-000000000001\""), SENT),
	};

	(void)state;
	assert_ok(bw_refs_settle(nodes, BW_COUNT(nodes), &(struct bw_refs_elsewhere){ .is_secret = knows_tool }));
	assert_int_equal(nodes[0].decision.verdict, BW_VERDICT_WITHHELD);
	assert_int_equal(nodes[2].decision.verdict, BW_VERDICT_WITHHELD);
}

static bool became_another(void *with, struct bw_slice id, struct bw_slice *out)
{
	(void)with;
	*out = BW_LIT("tool--00000000-0000-4000-8000-0000000000ff");
	return bw_slice_is(id, TOOL);
}

static void what_refers_to_a_derived_object_goes_as_one_that_refers_to_it_anew(void **state)
{
	const struct bw_refs_elsewhere elsewhere = { knows_tool, became_another, NULL };
	struct bw_ref_drops drops[5];
	struct bw_ref_node nodes[] = {
		node(ID("relationship", "3"), BW_STIX_RELATIONSHIP,
		     "{\"type\":\"relationship\",\"source_ref\":\"" MALWARE "\",\"target_ref\":\"" TOOL "\"}", SENT),
		node(MALWARE, BW_STIX_MALWARE, PLAIN, SENT),
		node(ID("note", "4"), BW_STIX_NOTE, "{\"type\":\"note\",\"abstract\":\"of " MALWARE "\"}", SENT),
		node(ID("report", "5"), BW_STIX_REPORT, REPORT("\"" ID("note", "4") "\",\"" MALWARE "\""), SENT),
		node(ID("report", "6"), BW_STIX_REPORT, REPORT("\"" ID("relationship", "3") "\""), SENT),
	};

	(void)state;
	nodes[1].decision.verdict = BW_VERDICT_DERIVED;
	assert_ok(bw_refs_settle(nodes, BW_COUNT(nodes), &elsewhere));
	assert_ok(bw_refs_drops(nodes, BW_COUNT(nodes), &elsewhere, &arena, drops));
	assert_int_equal(nodes[0].decision.verdict, BW_VERDICT_DERIVED);
	assert_int_equal(drops[0].count, 0);
	assert_int_equal(drops[0].swap_count, 2);
	assert_int_equal(drops[0].swaps[0].node, 1);
	assert_int_equal(drops[0].swaps[1].node, UINT32_MAX);
	assert_slice(drops[0].swaps[1].to, "tool--00000000-0000-4000-8000-0000000000ff");
	assert_int_equal(nodes[2].decision.verdict, BW_VERDICT_WITHHELD); /* an id in a sentence */
	assert_int_equal(nodes[3].decision.verdict, BW_VERDICT_DERIVED);
	assert_int_equal(drops[3].count, 1);
	assert_int_equal(drops[3].swap_count, 1);
	assert_int_equal(nodes[4].decision.verdict, BW_VERDICT_DERIVED); /* and on to what names it */
	assert_int_equal(drops[4].swaps[0].node, 0);
}

static void without_leave_to_derive_the_whole_stays(void **state)
{
	struct bw_ref_node nodes[] = {
		node(ID("report", "3"), BW_STIX_REPORT, REPORT("\"" MALWARE "\",\"" TOOL "\""), SENT),
		node(MALWARE, BW_STIX_MALWARE, PLAIN, RED),
	};

	(void)state;
	nodes[0].may_derive = false;
	assert_ok(bw_refs_settle(nodes, BW_COUNT(nodes), NULL));
	assert_int_equal(nodes[0].decision.verdict, BW_VERDICT_WITHHELD);
}

static void any_object(unsigned form, const char *one, const char *other, char text[300])
{
	if (form == 0)
		(void)snprintf(text, 300, "{\"type\":\"report\",\"object_refs\":[\"%s\",\"%s\"]}", one, other);
	else if (form == 1)
		(void)snprintf(text, 300, "{\"type\":\"relationship\",\"source_ref\":\"%s\",\"target_ref\":\"%s\"}",
			       one, other);
	else if (form == 2)
		(void)snprintf(text, 300,
			       "{\"type\":\"sighting\",\"sighting_of_ref\":\"%s\",\"where_sighted_refs\":[\"%s\"]}",
			       one, other);
	else
		(void)snprintf(text, 300, "{\"type\":\"malware\",\"created_by_ref\":\"%s\",\"sample_refs\":[\"%s\"]}",
			       one, other);
}

/* Each of its references is to what goes as it is, is cut, or is written anew to what goes as another. */
static size_t check_derived(const struct bw_ref_node *nodes, unsigned at, const struct bw_ref_drops *drops)
{
	size_t settled = 0;

	for (size_t r = 0; r < nodes[at].refs.count; r++) {
		const struct bw_slice id = nodes[at].refs.of[r].id;
		const struct bw_ref_node *to = nodes;

		while (!bw_slice_equals(to->id, id))
			to++;
		for (size_t i = 0; i < drops->count; i++)
			settled += bw_slice_equals(drops->of[i], id) && to->decision.verdict != BW_VERDICT_SENT;
		for (size_t i = 0; i < drops->swap_count; i++)
			settled += &nodes[drops->swaps[i].node] == to && bw_slice_equals(drops->swaps[i].from, id) &&
				   to->decision.verdict == BW_VERDICT_DERIVED;
		assert_true(to->decision.verdict == BW_VERDICT_SENT || settled > 0);
	}
	return drops->swap_count;
}

/* Random graphs: afterwards nothing that is sent names a secret, looked up the slow way. */
static void no_graph_leaves_a_reference_to_a_secret(void **state)
{
	enum { NODES = 40, ROUNDS = 300 };
	struct bw_ref_node nodes[NODES];
	uint64_t seed = 5;
	struct bw_ref_drops drops[NODES];
	unsigned sent = 0;
	size_t written_anew = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		char ids[NODES][80];

		bw_arena_reset(&arena);
		for (unsigned i = 0; i < NODES; i++)
			(void)snprintf(ids[i], sizeof(ids[i]), "note--00000000-0000-4000-8000-%012u", i);
		for (unsigned i = 0; i < NODES; i++) {
			char *text = bw_arena_take(&arena, 300);

			seed = seed * 6364136223846793005U + 1442695040888963407U;
			any_object((unsigned)(seed >> 60) % 4, ids[(seed >> 33) % NODES], ids[(seed >> 45) % NODES],
				   text);
			nodes[i] = node(ids[i], BW_STIX_NOTE, text, SENT);
			if ((seed >> 20) % 20 == 0)
				nodes[i].decision = (struct bw_decision){ .verdict = BW_VERDICT_WITHHELD,
									  .clause = BW_CLAUSE_COLOUR };
		}
		for (unsigned i = 0; i < NODES; i++)
			if (nodes[i].decision.verdict == BW_VERDICT_SENT && (seed >> (i % 48)) % 16 == 0)
				nodes[i].decision.verdict = BW_VERDICT_DERIVED;
		assert_ok(bw_refs_settle(nodes, NODES, NULL));
		assert_ok(bw_refs_drops(nodes, NODES, NULL, &arena, drops));
		for (unsigned i = 0; i < NODES; i++) {
			if (nodes[i].decision.verdict == BW_VERDICT_DERIVED)
				written_anew += check_derived(nodes, i, &drops[i]);
			if (nodes[i].decision.verdict != BW_VERDICT_SENT)
				continue;
			sent++;
			for (size_t r = 0; r < nodes[i].refs.count; r++)
				for (unsigned k = 0; k < NODES; k++)
					if (bw_slice_is(nodes[i].refs.of[r].id, ids[k]))
						assert_int_equal(nodes[k].decision.verdict, BW_VERDICT_SENT);
		}
	}
	assert_true(sent > 0 && written_anew > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(each_reference_is_found_with_its_use),
		TEST(ids_in_sentences_names_and_escapes_are_found),
		TEST(nothing_of_an_observable_can_go),
		TEST(a_relationship_to_what_stays_stays),
		TEST(a_report_goes_without_what_stays_unless_nothing_is_left),
		TEST(what_came_from_them_or_another_way_is_no_secret),
		TEST(what_is_only_not_covered_is_no_secret_but_an_observable_is),
		TEST(one_secret_makes_another_until_nothing_changes),
		TEST(what_stayed_earlier_counts_and_case_hides_nothing),
		TEST(what_refers_to_a_derived_object_goes_as_one_that_refers_to_it_anew),
		TEST(without_leave_to_derive_the_whole_stays),
		TEST(no_graph_leaves_a_reference_to_a_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
