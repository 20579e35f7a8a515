#include "store/search.h"

#include "store/index.h"
#include "store/test.h"

#define V1 "2020-01-01T00:00:00.000Z"
#define V2 "2020-01-02T00:00:00.000Z"

static void put_terms(struct fixture *f, uint16_t collection, int n, const char *version, const char *value,
		      const char *text)
{
	struct bw_slice values[1] = { bw_slice_text(value) };
	struct bw_slice texts[1] = { bw_slice_text(text) };
	char id[64];
	char body[64];
	struct bw_record record;

	(void)snprintf(id, sizeof(id), "indicator--aaaaaaaa-0000-4000-8000-%012d", n);
	(void)snprintf(body, sizeof(body), "%d@%.10s", n, version);
	record = record_of(id, version, body);
	record.values = values;
	record.value_count = 1;
	record.texts = texts;
	record.text_count = 1;
	assert_int_equal(put_in(f->store, collection, &record).outcome, BW_PUT_ADDED);
}

static void index_all(struct fixture *f)
{
	bool more = true;

	assert_ok(bw_store_commit(f->store));
	while (more)
		assert_ok(bw_store_index_step(f->store, &more));
}

static const char *find(struct bw_store *store, const char *text)
{
	static char out[4096];
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(64 * BW_MIB);
	const struct bw_search search = { .text = bw_slice_text(text), .limit = 5 };
	struct bw_found found;
	size_t at = 0;

	out[0] = 0;
	assert_ok(bw_store_search(store, &search, &arena, &found));
	for (size_t i = 0; i < found.count; i++)
		at += (size_t)snprintf(out + at, sizeof(out) - at, "%s%.*s%s", i == 0 ? "" : " ",
				       BW_ARG(found.hits[i].row.body), found.hits[i].exact ? "!" : "");
	if (found.more)
		(void)snprintf(out + at, sizeof(out) - at, " …");
	return out;
}

static void values_ids_and_words_find_the_current_version(void **state)
{
	struct fixture *f = *state;

	put_terms(f, f->collection, 1, V1, "198.51.100.3", "Cobalt Lantern campaign");
	put_terms(f, f->collection, 2, V1, "bad.example", "lantern, again");
	put_terms(f, f->collection, 2, V2, "bad.example", "lantern, again");
	assert_string_equal(find(f->store, "lantern"), ""); /* nothing is indexed yet */
	index_all(f);
	assert_string_equal(find(f->store, "198.51.100.3"), "1@2020-01-01!");
	assert_string_equal(find(f->store, "198.51.100"), "1@2020-01-01");
	assert_string_equal(find(f->store, "100.198"), "");
	assert_string_equal(find(f->store, "BAD.example"), "2@2020-01-02!");
	assert_string_equal(find(f->store, " bad[.]example "), "2@2020-01-02!");
	assert_string_equal(find(f->store, "LANTERN"), "2@2020-01-02 1@2020-01-01");
	assert_string_equal(find(f->store, "lantern cobalt"), "1@2020-01-01");
	assert_string_equal(find(f->store, "lantern OR nothing"), "");
	assert_string_equal(find(f->store, "\"lantern\" - * NEAR("), "");
	assert_string_equal(find(f->store, "\"Cobalt lantern\""), "1@2020-01-01");
	assert_string_equal(find(f->store, "indicator--aaaaaaaa-0000-4000-8000-000000000001"), "1@2020-01-01!");
	assert_string_equal(find(f->store, ""), "");
	assert_string_equal(find(f->store, "--"), "");
	assert_string_equal(find(f->store, "a\xe2\x80\x93z \xff"), "");
}

static void a_reader_searches_too_and_only_where_it_may(void **state)
{
	struct fixture *f = *state;
	const uint16_t other = collection_named(f->store, "52892447-4d7e-4f70-b94d-d7f22742ff63");
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(64 * BW_MIB);
	struct bw_search search = { .text = BW_LIT("198.51.100.3"), .limit = 5 };
	struct bw_found found;
	struct bw_store *reader;
	uint64_t lag;

	put_terms(f, f->collection, 1, V1, "198.51.100.3", "one");
	put_terms(f, other, 1, V1, "198.51.100.3", "one"); /* the same version: its body and terms are shared */
	assert_ok(bw_store_commit(f->store));
	assert_ok(bw_store_open(&(struct bw_store_options){ .dir = f->dir,
							    .role = BW_STORE_READER,
							    .catalogue_fd = bw_store_catalogue_fd(f->store) },
				&reader));
	assert_ok(bw_store_index_lag(reader, &lag));
	assert_int_equal(lag, 2);
	index_all(f);
	assert_ok(bw_store_index_lag(reader, &lag));
	assert_int_equal(lag, 0);
	assert_ok(bw_store_search(reader, &search, &arena, &found));
	assert_int_equal(found.count, 2);
	search.collections = &other;
	search.collection_count = 1;
	assert_ok(bw_store_search(reader, &search, &arena, &found));
	assert_int_equal(found.count, 1);
	assert_int_equal(found.hits[0].collection, other);
	bw_store_close(reader);
}

static void many_steps_merge_runs_and_lose_nothing(void **state)
{
	struct fixture *f = *state;
	char value[32];
	int64_t runs;

	for (int step = 0; step < 70; step++) {
		for (int i = 0; i < 40; i++) {
			(void)snprintf(value, sizeof(value), "v%d.example", step * 40 + i);
			put_terms(f, f->collection, step * 40 + i, V1, value, "hot");
		}
		index_all(f);
	}
	assert_ok(bw_sql_number(f->store->index->db, "SELECT count(*) FROM run", &runs));
	assert_true(runs < (int64_t)3 * BW_RUN_FAN);
	for (int i = 0; i < 70 * 40; i += 97) {
		char want[32];

		(void)snprintf(value, sizeof(value), "v%d.example", i);
		(void)snprintf(want, sizeof(want), "%d@2020-01-01!", i);
		assert_string_equal(find(f->store, value), want);
	}
	assert_string_equal(find(f->store, "hot"),
			    "2799@2020-01-01 2798@2020-01-01 2797@2020-01-01 2796@2020-01-01 2795@2020-01-01 …");
}

static void one_value_of_many_objects_spans_chunks_and_merges(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 20; i++) {
		for (int k = 0; k < 300; k++)
			put_terms(f, f->collection, i * 300 + k, V1, "198.51.100.3", "x");
		index_all(f);
	}
	assert_string_equal(find(f->store, "198.51.100.3"),
			    "5999@2020-01-01! 5998@2020-01-01! 5997@2020-01-01! 5996@2020-01-01! 5995@2020-01-01! …");
}

static void what_was_erased_leaves_every_posting(void **state)
{
	struct fixture *f = *state;
	const struct bw_slice id = BW_LIT("indicator--aaaaaaaa-0000-4000-8000-000000000001");
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	const uint64_t hash = bw_value_hash(f->store, BW_LIT("secret.example"));
	int64_t *dates;
	int64_t left;
	uint64_t removed;
	size_t count;

	put_terms(f, f->collection, 1, V1, "secret.example", "secretword");
	put_terms(f, f->collection, 1, V2, "secret.example", "secretword");
	put_terms(f, f->collection, 2, V1, "public.example", "publicword");
	index_all(f);
	assert_ok(bw_store_erase(f->store, id, BW_LIT("asked to"), &removed));
	assert_int_equal(removed, 2);
	assert_ok(bw_store_commit(f->store));
	assert_ok(bw_runs_find(f->store->index->db, hash, &arena, 10, &dates, &count));
	assert_int_equal(count, 0);
	assert_ok(bw_sql_number(f->store->index->db, "SELECT count(*) FROM word WHERE word MATCH 'secretword'", &left));
	assert_int_equal(left, 0);
	assert_ok(bw_sql_number(f->store->db, "SELECT count(*) FROM forget", &left));
	assert_int_equal(left, 0);
	assert_string_equal(find(f->store, "publicword"), "2@2020-01-01");
}

static void a_lost_index_is_built_again_from_the_rows(void **state)
{
	struct fixture *f = *state;
	uint64_t lag;

	put_terms(f, f->collection, 1, V1, "198.51.100.3", "one");
	index_all(f);
	assert_ok(bw_index_drop(f->store));
	assert_ok(bw_store_index_lag(f->store, &lag));
	assert_int_equal(lag, 1);
	index_all(f);
	assert_string_equal(find(f->store, "one"), "1@2020-01-01");
	/* one of another store is not believed either */
	assert_ok(bw_sql_run(f->store->index->db, "UPDATE place SET value = 1 WHERE name = 'store'"));
	fixture_reopen(f);
	index_all(f);
	assert_string_equal(find(f->store, "one"), "1@2020-01-01");
}

static void show_gives_every_version_in_every_collection(void **state)
{
	struct fixture *f = *state;
	const uint16_t other = collection_named(f->store, "52892447-4d7e-4f70-b94d-d7f22742ff63");
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	struct bw_shown *shown;
	size_t count;

	put_terms(f, f->collection, 1, V1, "a", "one");
	put_terms(f, other, 1, V1, "a", "one");
	put_terms(f, f->collection, 1, V2, "a", "one");
	assert_ok(bw_store_commit(f->store));
	assert_ok(bw_store_show(f->store, BW_LIT("indicator--aaaaaaaa-0000-4000-8000-000000000001"), &arena, &shown,
				&count));
	assert_int_equal(count, 3);
	assert_false(shown[0].last);
	assert_true(shown[1].last);
	assert_int_equal(shown[1].collection, other);
	assert_slice(shown[1].row.body, "1@2020-01-01");
	assert_true(shown[2].last);
	assert_int_equal(bw_store_show(f->store, BW_LIT("indicator--aaaaaaaa-0000-4000-8000-000000000009"), &arena,
				       &shown, &count),
			 BW_ERR_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(values_ids_and_words_find_the_current_version),
		TEST(a_reader_searches_too_and_only_where_it_may),
		TEST(many_steps_merge_runs_and_lose_nothing),
		TEST(one_value_of_many_objects_spans_chunks_and_merges),
		TEST(what_was_erased_leaves_every_posting),
		TEST(a_lost_index_is_built_again_from_the_rows),
		TEST(show_gives_every_version_in_every_collection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
