#include "store/test.h"

#include "accord/source.h"

#define ID(type, digit) type "--0c7c2f1e-4f0c-4d3a-9f62-8a8b6f6f0a0" digit
#define SCHOOLS "11a7b528-80eb-42ed-a74d-c6fbd5a26116"

static const struct bw_slice words[] = { { (const uint8_t *)"91a7b528-80eb-42ed-a74d-c6fbd5a26116", 36 },
					 { (const uint8_t *)SCHOOLS, 36 },
					 { (const uint8_t *)"Lake", 4 },
					 { (const uint8_t *)"there is none", 13 } };
static const struct bw_words all = { words, 4 };
static const uint8_t lake[BW_SHA256_BYTES] = { 1 };
static const uint8_t hill[BW_SHA256_BYTES] = { 2 };
static const uint8_t sea[BW_SHA256_BYTES] = { 3 };

struct sources {
	struct fixture *f;
	struct bw_sources *sources;
	struct bw_arena arena;
	uint16_t schools;
	uint16_t lake;
};

static int setup(void **state)
{
	struct sources *s = calloc(1, sizeof(*s));
	struct bw_collection c;
	void *f;

	assert_non_null(s);
	assert_int_equal(fixture_setup(&f), 0);
	s->f = f;
	s->arena = BW_ARENA_INIT(64 * BW_MIB);
	s->schools = collection_named(s->f->store, SCHOOLS);
	assert_ok(bw_store_inbound(s->f->store, lake, BW_LIT("Lake"), &c));
	s->lake = c.number;
	assert_ok(bw_store_commit(s->f->store));
	assert_ok(bw_sources_over(s->f->store, &s->sources));
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct sources *s = *state;
	void *f = s->f;

	bw_sources_close(s->sources);
	bw_arena_release(&s->arena);
	free(s);
	return fixture_teardown(&f);
}

static void put_ours(struct sources *s, uint16_t collection, const char *id, const char *body)
{
	const struct bw_record record = record_of(id, strncmp(id, "file", 4) == 0 ? "" : "2026-11-01T00:00:00.000Z",
						  body);

	assert_int_equal(put_in(s->f->store, collection, &record).outcome, BW_PUT_ADDED);
}

static void put_told(struct sources *s, const char *id, const char *body)
{
	const struct bw_record record = record_of(id, strncmp(id, "file", 4) == 0 ? "" : "2026-11-01T00:00:00.000Z",
						  body);
	struct bw_provenance from = { .entry = 3, .path_count = 1 };
	struct bw_put put;

	memcpy(from.node, lake, sizeof(lake));
	memcpy(from.path[0], hill, sizeof(hill));
	bw_policy_open(&from.inherited);
	from.inherited.tlp = BW_TLP_AMBER;
	from.inherited.not_after_us = 77;
	assert_ok(bw_store_put_foreign(s->f->store, s->lake, &record, &from, 1, &put));
	assert_int_equal(put.outcome, BW_PUT_ADDED);
}

static struct bw_source_batch read_all(struct sources *s)
{
	struct bw_source_batch batch;

	assert_ok(bw_store_commit(s->f->store));
	assert_ok(bw_source_next(s->sources, &all, -1, 1000, BW_MIB, &s->arena, &batch));
	assert_false(batch.more);
	return batch;
}

static void rows_of_all_collections_come_once_in_the_order_they_were_added(void **state)
{
	static const size_t limits[] = { 1, 2, 3, 7, 100 };
	struct sources *s = *state;
	char id[64];
	char body[16];

	for (int i = 0; i < 40; i++) {
		(void)snprintf(id, sizeof(id), "malware--0c7c2f1e-4f0c-4d3a-9f62-8a8b6f6f%04d", i);
		(void)snprintf(body, sizeof(body), "[%d]", i);
		if (i % 7 == 3)
			put_told(s, id, body);
		else
			put_ours(s, i % 3 == 0 ? s->schools : s->f->collection, id, body);
	}
	assert_ok(bw_store_commit(s->f->store));
	for (size_t k = 0; k < BW_COUNT(limits); k++) {
		struct bw_source_batch batch = { .scanned_us = -1, .more = true };
		int seen = 0;

		while (batch.more) {
			assert_ok(bw_source_next(s->sources, &all, batch.scanned_us, limits[k], BW_MIB, &s->arena,
						 &batch));
			assert_true(batch.count <= limits[k]);
			for (size_t i = 0; i < batch.count; i++) {
				(void)snprintf(body, sizeof(body), "[%d]", seen++);
				assert_slice(batch.rows[i].body, body);
			}
			bw_arena_reset(&s->arena);
		}
		assert_int_equal(seen, 40);
		assert_int_equal(batch.scanned_us, bw_store_newest(s->f->store));
	}
}

static void a_bound_of_bytes_gives_one_row_at_least(void **state)
{
	struct sources *s = *state;
	struct bw_source_batch batch;

	put_ours(s, s->schools, ID("malware", "1"), "[1]");
	put_ours(s, s->schools, ID("malware", "2"), "[2]");
	assert_ok(bw_store_commit(s->f->store));
	assert_ok(bw_source_next(s->sources, &all, -1, 10, 1, &s->arena, &batch));
	assert_int_equal(batch.count, 1);
	assert_true(batch.more);
	assert_ok(bw_source_next(s->sources, &all, batch.scanned_us, 10, 1, &s->arena, &batch));
	assert_slice(batch.rows[0].body, "[2]");
}

static void what_came_another_way_than_its_creators_is_a_copy(void **state)
{
	struct sources *s = *state;
	struct bw_source_batch batch;

	put_ours(s, s->schools, ID("malware", "1"), "[1]");
	put_told(s, ID("malware", "1"), "[1]"); /* a partner's copy of ours */
	put_told(s, ID("malware", "2"), "[2]");
	put_ours(s, s->schools, ID("malware", "2"),
		 "[2]"); /* somebody here copied it: without the conditions it came with */
	put_told(s, ID("file", "3"), "[3]");
	put_ours(s, s->schools, ID("file", "3"), "[3]"); /* an observable is nobody's */
	batch = read_all(s);
	assert_int_equal(batch.count, 6);
	assert_true(batch.rows[0].is_ours && !batch.rows[0].is_copy);
	assert_true(!batch.rows[1].is_ours && batch.rows[1].is_copy);
	assert_true(!batch.rows[2].is_ours && !batch.rows[2].is_copy);
	assert_true(!batch.rows[3].is_ours && batch.rows[3].is_copy);
	assert_true(!batch.rows[4].is_ours && !batch.rows[4].is_copy);
	assert_true(batch.rows[5].is_ours && !batch.rows[5].is_copy);
}

static void one_object_is_found_where_its_creator_put_it(void **state)
{
	struct sources *s = *state;
	struct bw_source_row row;
	int64_t added;

	put_ours(s, s->schools, ID("malware", "1"), "[1]");
	put_told(s, ID("malware", "1"), "[1]");
	assert_ok(bw_store_commit(s->f->store));
	assert_ok(bw_source_find(s->sources, &all, BW_LIT(ID("malware", "1")), &s->arena, &row));
	assert_true(row.is_ours);
	added = row.date_added_us;
	assert_ok(bw_source_at(s->sources, &all, added, &s->arena, &row));
	assert_slice(row.body, "[1]");
	assert_int_equal(bw_source_at(s->sources, &all, added - 1, &s->arena, &row), BW_ERR_NOT_FOUND);
	assert_int_equal(bw_source_find(s->sources, &all, BW_LIT(ID("malware", "9")), &s->arena, &row),
			 BW_ERR_NOT_FOUND);
}

/* ---- facts ---------------------------------------------------------------------------------- */

struct deciding {
	struct bw_lexicon *lexicon;
	struct bw_policy_classes *classes;
	struct bw_told told;
};

static void open_deciding(struct deciding *d)
{
	uint32_t number;

	*d = (struct deciding){ .told = { .type = BW_STIX_MALWARE, .confidence = 60 } };
	assert_ok(bw_lexicon_new(&d->lexicon));
	assert_ok(bw_lexicon_add(d->lexicon, BW_LIT("Lake"), &number));
	assert_ok(bw_policy_classes_new(&d->classes));
	bw_policy_inputs_init(&d->told.inputs);
}

static void close_deciding(struct deciding *d)
{
	bw_lexicon_free(d->lexicon);
	bw_policy_classes_free(d->classes);
}

static struct bw_facts facts_for(struct sources *s, struct deciding *d, const struct bw_source_row *row,
				 const uint8_t node[BW_SHA256_BYTES])
{
	struct bw_source_peer peer = { .number = 5 };
	struct bw_facts facts;

	memcpy(peer.node, node, sizeof(peer.node));
	assert_ok(bw_source_facts(row, &d->told, &peer, d->lexicon, d->classes, &s->arena, &facts));
	return facts;
}

static void what_was_at_a_node_came_from_there(void **state)
{
	struct sources *s = *state;
	struct bw_source_batch batch;
	struct bw_facts facts;
	struct deciding d;

	open_deciding(&d);
	put_told(s, ID("malware", "1"), "[1]");
	batch = read_all(s);
	assert_int_equal(facts_for(s, &d, batch.rows, lake).came_from, 5);
	assert_int_equal(facts_for(s, &d, batch.rows, hill).came_from, 5);
	facts = facts_for(s, &d, batch.rows, sea);
	assert_int_equal(facts.came_from, BW_WORD_NONE);
	assert_int_equal(facts.collection, bw_lexicon_find(d.lexicon, BW_LIT("Lake")));
	assert_false(facts.by_sender);
	close_deciding(&d);
}

static void what_was_inherited_is_among_the_inputs_and_its_end_beside_them(void **state)
{
	struct sources *s = *state;
	const struct bw_policy_inputs *inputs;
	struct bw_source_batch batch;
	struct bw_facts facts;
	struct deciding d;

	open_deciding(&d);
	put_told(s, ID("malware", "1"), "[1]");
	put_ours(s, s->lake, ID("malware", "2"),
		 "[2]"); /* nobody told it: there is no word of what may be done with it */
	batch = read_all(s);
	facts = facts_for(s, &d, &batch.rows[0], sea);
	inputs = bw_policy_class_inputs(d.classes, facts.policy_class);
	assert_int_equal(inputs->of[BW_SOURCE_INHERITED].tlp, BW_TLP_AMBER);
	assert_int_equal(inputs->of[BW_SOURCE_INHERITED].not_after_us, INT64_MAX);
	assert_int_equal(facts.keep_until_us, 77);
	facts = facts_for(s, &d, &batch.rows[1], sea);
	inputs = bw_policy_class_inputs(d.classes, facts.policy_class);
	assert_true((inputs->of[BW_SOURCE_INHERITED].duties & BW_DUTY_STRANGE) != 0);
	close_deciding(&d);
}

/* ---- questions -------------------------------------------------------------------------------- */

static size_t count_of(const struct bw_buf *question, const char *text)
{
	const size_t len = strlen(text);
	size_t count = 0;

	for (size_t at = 0; at + len <= question->len; at++)
		count += memcmp(question->ptr + at, text, len) == 0;
	return count;
}

static void definitions_are_told_once_and_those_of_strangers_in_a_partners_collection_never(void **state)
{
	struct sources *s = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf question = BW_BUF_INIT(BW_MIB);
	struct bw_source_told told = { 0 };
	struct bw_source_batch batch;

	put_ours(s, s->schools, ID("marking-definition", "1"), "[\"ours\"]");
	put_told(s, ID("marking-definition", "2"), "[\"theirs\"]");
	put_ours(s, s->lake, ID("marking-definition", "3"), "[\"nobody's\"]");
	put_told(s, ID("malware", "4"), "[\"object\"]");
	batch = read_all(s);
	assert_ok(bw_question_begin(&question));
	assert_ok(bw_source_ask(s->sources, &batch.rows[3], 1, BW_REDACTION_NONE, INT64_MAX, &told, &question));
	assert_int_equal(count_of(&question, "ours"), 1);
	assert_int_equal(count_of(&question, "theirs"), 1);
	assert_int_equal(count_of(&question, "nobody's"), 0);
	assert_int_equal(count_of(&question, "object"), 1);
	put_ours(s, s->schools, ID("marking-definition", "5"), "[\"later\"]");
	assert_ok(bw_store_commit(s->f->store));
	assert_ok(bw_question_begin(&question));
	assert_ok(bw_source_ask(s->sources, &batch.rows[3], 1, BW_REDACTION_NONE, INT64_MAX, &told, &question));
	assert_int_equal(count_of(&question, "ours"), 0);
	assert_int_equal(count_of(&question, "later"), 1);
}

static void a_question_that_grows_too_large_leaves_what_was_told_as_it_was(void **state)
{
	struct sources *s = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf question = BW_BUF_INIT(64);
	struct bw_source_told told = { 0 };
	struct bw_source_batch batch;

	put_ours(s, s->schools, ID("malware", "1"),
		 "[\"0123456789012345678901234567890123456789012345678901234567890123\"]");
	batch = read_all(s);
	assert_ok(bw_question_begin(&question));
	assert_int_equal(bw_source_ask(s->sources, batch.rows, 1, BW_REDACTION_NONE, INT64_MAX, &told, &question),
			 BW_ERR_TOO_BIG);
	assert_false(told.of[0].is_open);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rows_of_all_collections_come_once_in_the_order_they_were_added),
		TEST(a_bound_of_bytes_gives_one_row_at_least),
		TEST(what_came_another_way_than_its_creators_is_a_copy),
		TEST(one_object_is_found_where_its_creator_put_it),
		TEST(what_was_at_a_node_came_from_there),
		TEST(what_was_inherited_is_among_the_inputs_and_its_end_beside_them),
		TEST(definitions_are_told_once_and_those_of_strangers_in_a_partners_collection_never),
		TEST(a_question_that_grows_too_large_leaves_what_was_told_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
