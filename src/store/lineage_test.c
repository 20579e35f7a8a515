#include "store/test.h"

#define ID "malware--5a270f4a-23f7-4a44-a5cd-a4e2a4a5a001"

enum { MANY = 3 * BW_LINEAGE_SHORT };

static const char *instant(char out[32], unsigned n)
{
	(void)snprintf(out, 32, "2024-01-01T%02u:%02u:%02u.000Z", n / 3600, n / 60 % 60, n % 60);
	return out;
}

static struct bw_record version_of(char text[32], unsigned n, const char *body)
{
	return record_of(ID, instant(text, n), body);
}

static void put_many(struct fixture *f, uint16_t collection, unsigned from, unsigned to)
{
	for (unsigned n = from; n < to; n++) {
		char text[32];
		const struct bw_record record = version_of(text, n, "{}");

		assert_int_equal(put_in(f->store, collection, &record).outcome, BW_PUT_ADDED);
	}
}

static int64_t newest_of(struct fixture *f)
{
	int64_t newest;

	assert_ok(bw_entry_find(f->store, bw_slice_text(ID), f->store->cat.rows, &newest));
	bw_entry_done(f->store);
	return newest;
}

static struct bw_lineage *lineage_of(struct fixture *f)
{
	const int64_t newest = newest_of(f);

	return newest == BW_CAT_NONE ? NULL : bw_lineage_find(f->store->lineages, &f->store->cat, newest);
}

static void an_object_with_few_versions_is_not_remembered(void **state)
{
	struct fixture *f = *state;

	put_many(f, f->collection, 0, BW_LINEAGE_SHORT);
	assert_null(lineage_of(f));
}

static void an_object_with_many_versions_is_remembered_up_to_its_newest(void **state)
{
	struct fixture *f = *state;
	const struct bw_lineage_part *part;

	put_many(f, f->collection, 0, MANY);
	assert_non_null(lineage_of(f));
	part = bw_lineage_part(lineage_of(f), f->collection);
	assert_non_null(part);
	assert_int_equal(part->last[0], MANY - 1);
	assert_int_equal(part->first[0], 0);
	assert_true(part->has[0] && !part->has[1]);
	assert_int_equal(part->revoked, BW_CAT_NONE);
	assert_null(bw_lineage_part(lineage_of(f), 77));

	assert_ok(bw_store_commit(f->store));
	assert_non_null(lineage_of(f)); /* the next request's versions need no walk either */
}

static void every_version_is_found_by_its_mark_and_no_other(void **state)
{
	struct fixture *f = *state;

	put_many(f, f->collection, 0, MANY);
	for (unsigned n = 0; n < MANY + 10; n++) {
		char text[32];
		const uint32_t mark = bw_version_mark(f->store, bw_slice_text(instant(text, n)));
		uint64_t probe = 0;
		bool found = false;
		int64_t row;

		while ((row = bw_lineage_next(lineage_of(f), &f->store->cat, mark, &probe)) != BW_CAT_NONE)
			found = found || row == n;
		assert_true(found == (n < MANY));
	}
}

static void what_is_undone_is_forgotten(void **state)
{
	struct fixture *f = *state;
	struct bw_step step;

	put_many(f, f->collection, 0, MANY);
	assert_ok(bw_store_commit(f->store));
	put_many(f, f->collection, MANY, MANY + 5);
	bw_store_rollback(f->store);
	assert_null(f->store->lineages);

	put_many(f, f->collection, MANY, MANY + 5);
	assert_non_null(f->store->lineages);
	assert_ok(bw_step_begin(f->store, &step));
	put_many(f, f->collection, MANY + 5, MANY + 9);
	assert_int_equal(bw_step_end(f->store, &step, BW_ERR_IO), BW_ERR_IO);
	assert_null(f->store->lineages);
	put_many(f, f->collection, MANY + 5, MANY + 9);
}

static void a_removed_object_can_be_put_again_however_many_versions_it_had(void **state)
{
	struct fixture *f = *state;
	const struct bw_slice id = bw_slice_text(ID);
	const struct bw_query query = { .collection = f->collection, .ids = &id, .id_count = 1 };
	uint64_t removed;

	for (int round = 0; round < 3; round++) {
		put_many(f, f->collection, 0, MANY);
		assert_ok(bw_store_commit(f->store));
		assert_ok(bw_store_delete(f->store, &query, &removed));
		assert_int_equal(removed, MANY);
		assert_int_equal(newest_of(f), BW_CAT_NONE);
		assert_ok(bw_store_commit(f->store));
	}
	put_many(f, f->collection, 0, 10);
}

static void versions_in_two_collections_keep_their_bodies_when_one_collection_ends(void **state)
{
	struct fixture *f = *state;
	const uint16_t other = collection_named(f->store, "6c3eeba5-0a5d-46d5-9f26-8b2b0ac0ab10");
	const struct bw_slice id = bw_slice_text(ID);
	struct bw_query query = query_all(f);
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BW_GIB);
	struct bw_page page;

	put_many(f, f->collection, 0, MANY);
	put_many(f, other, 0, MANY);
	assert_ok(bw_store_collection_remove(f->store, f->collection));
	assert_null(f->store->lineages);
	assert_ok(bw_store_commit(f->store));

	query.collection = other;
	query.ids = &id;
	query.id_count = 1;
	assert_ok(bw_store_page(f->store, &query, &arena, &page));
	assert_int_equal(page.count, MANY);
	for (size_t i = 0; i < page.count; i++)
		assert_true(bw_slice_is(page.rows[i].body, "{}"));
}

/* ---- against a model ------------------------------------------------------------ */

enum { VERSIONS = 160, COLLECTIONS = 2, SPECS = 2, STEPS = 4000, SEED = 0x5eed };

struct model {
	uint32_t random;
	char held[COLLECTIONS][SPECS][VERSIONS];  /* the body's letter, 0: not there */
	char saved[COLLECTIONS][SPECS][VERSIONS]; /* as of the last commit */
};

static unsigned draw(struct model *m, unsigned below)
{
	m->random = m->random * 1664525 + 1013904223;
	return (m->random >> 8) % below;
}

static void put_and_compare(struct fixture *f, struct model *m, const uint16_t collections[COLLECTIONS])
{
	const unsigned at = draw(m, COLLECTIONS);
	const unsigned n = draw(m, VERSIONS);
	const unsigned spec = draw(m, SPECS);
	const char letter = draw(m, 8) == 0 ? 'b' : 'a';
	const char body[] = { '"', letter, '"', '\0' };
	char *held = &m->held[at][spec][n];
	char text[32];
	struct bw_record record = version_of(text, n, body);
	enum bw_put_outcome expected = BW_PUT_CONFLICT;

	record.spec_minor = spec == 0 ? 1 : 0;
	if (*held == 0)
		expected = BW_PUT_ADDED;
	else if (*held == letter)
		expected = BW_PUT_DUPLICATE;
	assert_int_equal(put_in(f->store, collections[at], &record).outcome, expected);
	if (*held == 0)
		*held = letter;
}

static void delete_and_compare(struct fixture *f, struct model *m, const uint16_t collections[COLLECTIONS])
{
	const unsigned at = draw(m, COLLECTIONS);
	const unsigned n = draw(m, VERSIONS);
	char text[32];
	const struct bw_slice id = bw_slice_text(ID);
	const struct bw_slice version = bw_slice_text(instant(text, n));
	const struct bw_query query = {
		.collection = collections[at], .ids = &id, .id_count = 1, .versions = &version, .version_count = 1
	};
	const unsigned expected = (m->held[at][0][n] != 0 ? 1U : 0U) + (m->held[at][1][n] != 0 ? 1U : 0U);
	uint64_t removed = 0;
	const enum bw_err err = bw_store_delete(f->store, &query, &removed);

	if (expected == 0)
		assert_int_equal(err, BW_ERR_NOT_FOUND);
	else
		assert_ok(err);
	assert_int_equal(removed, expected);
	m->held[at][0][n] = 0;
	m->held[at][1][n] = 0;
}

static void end_round(struct fixture *f, struct model *m)
{
	bool judged = true;
	const int64_t newest = newest_of(f);

	if (draw(m, 4) == 0) {
		bw_store_rollback(f->store);
		memcpy(m->held, m->saved, sizeof(m->held));
		return;
	}
	assert_ok(bw_store_commit(f->store));
	memcpy(m->saved, m->held, sizeof(m->held));
	if (newest != BW_CAT_NONE)
		assert_ok(bw_chain_is_judged(f->store, newest, &judged));
	bw_entry_done(f->store);
	assert_true(judged);
}

static void many_versions_are_put_and_deleted_as_few_are(void **state)
{
	struct fixture *f = *state;
	struct model m = { .random = SEED };
	uint16_t collections[COLLECTIONS];
	unsigned remembered = 0;

	collections[0] = f->collection;
	collections[1] = collection_named(f->store, "6c3eeba5-0a5d-46d5-9f26-8b2b0ac0ab10");
	assert_ok(bw_store_commit(f->store));
	for (int i = 0; i < STEPS; i++) {
		if (draw(&m, 100) == 0)
			delete_and_compare(f, &m, collections);
		else
			put_and_compare(f, &m, collections);
		remembered += f->store->lineages != NULL ? 1U : 0U;
		if (draw(&m, 60) == 0)
			end_round(f, &m);
	}
	assert_true(remembered > STEPS / 2); /* it was the memory that was tried */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(an_object_with_few_versions_is_not_remembered),
		TEST(an_object_with_many_versions_is_remembered_up_to_its_newest),
		TEST(every_version_is_found_by_its_mark_and_no_other),
		TEST(what_is_undone_is_forgotten),
		TEST(a_removed_object_can_be_put_again_however_many_versions_it_had),
		TEST(versions_in_two_collections_keep_their_bodies_when_one_collection_ends),
		TEST(many_versions_are_put_and_deleted_as_few_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
