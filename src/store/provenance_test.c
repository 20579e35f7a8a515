#include "store/test.h"

#include "store/keeping.h"

#define ID_A "indicator--0c7c2f1e-4f0c-4d3a-9f62-8a8b6f6f0a01"
#define ID_B "indicator--0c7c2f1e-4f0c-4d3a-9f62-8a8b6f6f0a02"
#define T1 "2026-11-01T00:00:00.000Z"
#define T2 "2026-11-02T00:00:00.000Z"

static const uint8_t lake[BW_SHA256_BYTES] = { 1 };
static const uint8_t hill[BW_SHA256_BYTES] = { 2 };

static struct bw_provenance come_from(const uint8_t node[BW_SHA256_BYTES], uint64_t entry)
{
	struct bw_provenance from = { .entry = entry, .path_count = 1, .path = { { 9 } } };

	memcpy(from.node, node, sizeof(from.node));
	memset(from.accord, 7, sizeof(from.accord));
	bw_policy_open(&from.inherited);
	from.inherited.tlp = BW_TLP_AMBER;
	from.inherited.not_after_us = 5000;
	return from;
}

static uint16_t inbound(struct fixture *f, const uint8_t node[BW_SHA256_BYTES])
{
	struct bw_collection c;

	assert_ok(bw_store_inbound(f->store, node, BW_LIT("From the lake"), &c));
	return c.number;
}

static struct bw_put told(struct fixture *f, const struct bw_provenance *from, const char *id, const char *version)
{
	const struct bw_record record = record_of(id, version, "[1]");
	struct bw_put put;

	assert_ok(bw_store_put_foreign(f->store, inbound(f, from->node), &record, from, 1, &put));
	return put;
}

static struct bw_provenance kept(struct fixture *f, const struct bw_put *put)
{
	struct bw_provenance from;

	assert_ok(bw_store_provenance(f->store, put->date_added_us, &from));
	return from;
}

static void where_an_object_came_from_is_kept_with_it_or_neither_is(void **state)
{
	struct fixture *f = *state;
	const struct bw_provenance from = come_from(lake, 41);
	struct bw_put put = told(f, &from, ID_A, T1);
	struct bw_provenance back;

	bw_store_rollback(f->store);
	assert_int_equal(bw_store_provenance(f->store, put.date_added_us, &back), BW_ERR_NOT_FOUND);
	put = told(f, &from, ID_A, T1);
	assert_int_equal(put.outcome, BW_PUT_ADDED);
	assert_ok(bw_store_commit(f->store));
	fixture_reopen(f);
	back = kept(f, &put);
	assert_memory_equal(&back, &from, sizeof(back));
}

static void the_same_version_again_only_narrows(void **state)
{
	struct fixture *f = *state;
	struct bw_provenance from = come_from(lake, 41);
	const struct bw_put put = told(f, &from, ID_A, T1);

	from.inherited.tlp = BW_TLP_CLEAR;
	from.inherited.not_after_us = INT64_MAX;
	assert_int_equal(told(f, &from, ID_A, T1).outcome, BW_PUT_DUPLICATE);
	assert_int_equal(kept(f, &put).inherited.tlp, BW_TLP_AMBER);
	assert_int_equal(kept(f, &put).inherited.not_after_us, 5000);
	from.inherited.tlp = BW_TLP_RED;
	assert_int_equal(told(f, &from, ID_A, T1).outcome, BW_PUT_DUPLICATE);
	assert_int_equal(kept(f, &put).inherited.tlp, BW_TLP_RED);
	assert_int_equal(kept(f, &put).entry, 41);
}

static void each_partner_has_one_inbound_collection(void **state)
{
	struct fixture *f = *state;
	const uint16_t first = inbound(f, lake);
	uint8_t node[BW_SHA256_BYTES];
	struct bw_collection c;
	bool is_inbound;

	assert_int_equal(inbound(f, lake), first);
	assert_int_not_equal(inbound(f, hill), first);
	assert_ok(bw_store_inbound(f->store, lake, BW_LIT("another name"), &c));
	assert_true(c.is_inbound);
	assert_string_equal(c.title, "From the lake");
	assert_string_equal(c.alias, "from-from-the-lake");
	assert_ok(bw_store_inbound(f->store, hill, BW_LIT("From the lake"), &c));
	assert_string_equal(c.alias, ""); /* one name, one collection */
	assert_ok(bw_store_collection_remove(f->store, first));
	assert_int_not_equal(inbound(f, lake), first);
	/* whose it was is known for ever: rows that came through it may have left copies */
	assert_ok(bw_store_collection_node(f->store, first, &is_inbound, node));
	assert_true(is_inbound);
	assert_memory_equal(node, lake, sizeof(node));
	assert_ok(bw_store_collection_node(f->store, f->collection, &is_inbound, node));
	assert_false(is_inbound);
}

static void the_creator_is_who_brought_the_id_first(void **state)
{
	struct fixture *f = *state;
	const struct bw_provenance from = come_from(lake, 1);
	uint16_t first;

	assert_int_equal(put_one(f, ID_A, T1, "[1]"), BW_PUT_ADDED);
	assert_int_equal(told(f, &from, ID_A, T2).outcome, BW_PUT_ADDED);
	assert_int_equal(told(f, &from, ID_B, T1).outcome, BW_PUT_ADDED);
	assert_int_equal(put_one(f, ID_B, T2, "[2]"), BW_PUT_ADDED);
	assert_ok(bw_store_creator(f->store, BW_LIT(ID_A), &first));
	assert_int_equal(first, f->collection);
	assert_ok(bw_store_creator(f->store, BW_LIT(ID_B), &first));
	assert_int_equal(first, inbound(f, lake));
	assert_int_equal(bw_store_creator(f->store, BW_LIT("indicator--0c7c2f1e-4f0c-4d3a-9f62-8a8b6f6f0a09"), &first),
			 BW_ERR_NOT_FOUND);
}

static void a_page_says_where_its_rows_came_from(void **state)
{
	struct fixture *f = *state;
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BW_GIB);
	const struct bw_provenance from = come_from(hill, 17);
	struct bw_query query = query_all(f);
	struct bw_record stray = record_of(ID_B, T1, "[2]");
	struct bw_page page;

	assert_int_equal(put_one(f, ID_A, T1, "[1]"), BW_PUT_ADDED);
	(void)told(f, &from, ID_A, T2);
	query.collection = inbound(f, hill);
	(void)put_in(f->store, query.collection, &stray);
	query.origins = true;
	assert_ok(bw_store_page(f->store, &query, &arena, &page));
	assert_int_equal(page.count, 2);
	assert_non_null(page.rows[0].from);
	assert_memory_equal(page.rows[0].from, &from, sizeof(from));
	assert_int_equal(page.rows[0].first_collection, f->collection);
	assert_null(page.rows[1].from);
	assert_int_equal(page.rows[1].first_collection, query.collection);
}

static void first_collections_are_found_whatever_was_asked_before(void **state)
{
	struct fixture *f = *state;
	const struct bw_provenance from = come_from(lake, 1);
	struct bw_chain_firsts firsts = { 0 };
	char version[32];

	assert_int_equal(put_one(f, ID_B, T1, "[1]"), BW_PUT_ADDED);
	for (unsigned i = 0; i < 30; i++) {
		(void)snprintf(version, sizeof(version), "2026-11-05T00:00:%02u.000Z", i);
		(void)told(f, &from, i % 3 == 0 ? ID_B : ID_A, version);
	}
	for (uint64_t row = f->store->cat.rows; row-- > 0;) {
		struct bw_chain_firsts none = { 0 };

		assert_int_equal(bw_chain_first(&f->store->cat, row, &firsts),
				 bw_chain_first(&f->store->cat, row, &none));
	}
}

static void what_is_deleted_leaves_no_provenance(void **state)
{
	struct fixture *f = *state;
	const struct bw_provenance from = come_from(lake, 1);
	const struct bw_put put = told(f, &from, ID_A, T1);
	const struct bw_slice id = BW_LIT(ID_A);
	const struct bw_query query = { .collection = inbound(f, lake), .ids = &id, .id_count = 1 };
	struct bw_provenance back;
	uint64_t removed;

	assert_ok(bw_store_delete(f->store, &query, &removed));
	assert_int_equal(bw_store_provenance(f->store, put.date_added_us, &back), BW_ERR_NOT_FOUND);
}

static int64_t rows_with_a_body(struct fixture *f)
{
	int64_t count;

	assert_ok(bw_sql_number(f->store->db, "SELECT count(*) FROM entry WHERE body IS NOT NULL", &count));
	return count;
}

static void what_is_over_goes_and_what_others_have_stays(void **state)
{
	struct fixture *f = *state;
	struct bw_provenance from = come_from(lake, 1);
	struct bw_query query = query_all(f);
	struct bw_verify_report report;
	size_t count;

	(void)told(f, &from, ID_A, T1);
	from.inherited.not_after_us = 9000;
	(void)told(f, &from, ID_A, T2);
	from.inherited.not_after_us = INT64_MAX;
	(void)told(f, &from, ID_B, T1);
	assert_int_equal(put_one(f, ID_A, T1, "[1]"), BW_PUT_ADDED); /* shares the body of the first */
	assert_ok(bw_store_commit(f->store));

	assert_ok(bw_store_retire(f->store, 4999, 100, &count));
	assert_int_equal(count, 0);
	assert_ok(bw_store_retire(f->store, 9000, 1, &count));
	assert_int_equal(count, 1);
	assert_ok(bw_store_commit(f->store));
	assert_string_equal(bodies(f->store, &query), "[1]");
	query.collection = inbound(f, lake);
	assert_string_equal(bodies(f->store, &query), "[1] [1]");
	assert_ok(bw_store_retire(f->store, INT64_MAX, 100, &count));
	assert_int_equal(count, 1);
	assert_ok(bw_store_commit(f->store));
	assert_string_equal(bodies(f->store, &query), "[1]");
	assert_int_equal(rows_with_a_body(f), 2);
	assert_ok(bw_store_verify(f->store, NULL, NULL, &report));
	assert_string_equal(report.first, "");
	/* nothing keeps it from coming again under another accord */
	assert_int_equal(told(f, &from, ID_A, T1).outcome, BW_PUT_ADDED);
}

static void what_came_under_an_accord_goes_with_it_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	struct bw_provenance from = come_from(lake, 1);
	struct bw_query query = query_all(f);
	uint8_t accord[BW_SHA256_BYTES];
	uint64_t ended;
	uint64_t left;
	size_t count;

	memset(accord, 7, sizeof(accord)); /* come_from's */
	from.inherited.not_after_us = INT64_MAX;
	(void)told(f, &from, ID_A, T1);
	(void)told(f, &from, ID_A, T2);
	from.accord[0] = 8;
	(void)told(f, &from, ID_B, T1);
	memcpy(from.node, hill, sizeof(hill));
	from.accord[0] = 7;
	(void)told(f, &from, ID_A, T1);
	assert_ok(bw_store_commit(f->store));
	assert_ok(bw_store_accord_left(f->store, lake, accord, bw_clock_now_us(), &left));
	assert_int_equal(left, 2);
	assert_ok(bw_store_accord_over(f->store, lake, accord, &ended));
	assert_int_equal(ended, 2);
	assert_ok(bw_store_accord_left(f->store, lake, accord, bw_clock_now_us() + 1, &left));
	assert_int_equal(left, 0); /* also while nothing is erased yet */
	assert_ok(bw_store_retire(f->store, bw_clock_now_us(), 100, &count));
	assert_int_equal(count, 2);
	assert_ok(bw_store_accord_over(f->store, lake, accord, &ended));
	assert_int_equal(ended, 0);
	assert_ok(bw_store_commit(f->store));
	query.collection = inbound(f, lake);
	assert_string_equal(bodies(f->store, &query), "[1]");
	query.collection = inbound(f, hill);
	assert_string_equal(bodies(f->store, &query), "[1]");
}

static void a_marking_for_what_bears_none_is_kept(void **state)
{
	struct fixture *f = *state;
	struct bw_collection c;

	assert_ok(bw_store_collection_mark(f->store, f->collection,
					   BW_LIT("marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb")));
	assert_ok(bw_store_commit(f->store));
	fixture_reopen(f);
	assert_ok(bw_store_collection_find(f->store, BW_LIT("91a7b528-80eb-42ed-a74d-c6fbd5a26116"), &c));
	assert_string_equal(c.marking, "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb");
	assert_ok(bw_store_collection_mark(f->store, f->collection, bw_slice_empty));
	assert_ok(bw_store_collection_find(f->store, BW_LIT("91a7b528-80eb-42ed-a74d-c6fbd5a26116"), &c));
	assert_string_equal(c.marking, "");
	assert_int_equal(bw_store_collection_mark(f->store, 999, bw_slice_empty), BW_ERR_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(where_an_object_came_from_is_kept_with_it_or_neither_is),
		TEST(the_same_version_again_only_narrows),
		TEST(each_partner_has_one_inbound_collection),
		TEST(the_creator_is_who_brought_the_id_first),
		TEST(a_page_says_where_its_rows_came_from),
		TEST(first_collections_are_found_whatever_was_asked_before),
		TEST(what_is_deleted_leaves_no_provenance),
		TEST(what_is_over_goes_and_what_others_have_stays),
		TEST(what_came_under_an_accord_goes_with_it_and_nothing_else),
		TEST(a_marking_for_what_bears_none_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
