#include <signal.h>
#include <sys/wait.h>

#include "store/test.h"

#define A "indicator--aaaaaaaa-0000-4000-8000-000000000001"
#define B "indicator--aaaaaaaa-0000-4000-8000-000000000002"
#define M "malware--aaaaaaaa-0000-4000-8000-000000000003"
#define S "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4"
#define X "x-thing--aaaaaaaa-0000-4000-8000-000000000004"

#define V1 "2020-01-01T00:00:00.000Z"
#define V2 "2020-01-02T00:00:00.000Z"
#define V3 "2020-01-03T00:00:00.000Z"

static void what_was_committed_is_there_after_a_restart_and_what_was_not_is_not(void **state)
{
	struct fixture *f = *state;
	struct bw_query query = query_all(f);

	assert_int_equal(put_one(f, A, V1, "a1"), BW_PUT_ADDED);
	assert_ok(bw_store_commit(f->store));
	assert_int_equal(put_one(f, B, V1, "b1"), BW_PUT_ADDED);
	fixture_reopen(f);
	assert_string_equal(bodies(f->store, &query), "a1");
	assert_int_equal(put_one(f, B, V1, "b1"), BW_PUT_ADDED);
	bw_store_rollback(f->store);
	assert_string_equal(bodies(f->store, &query), "a1");
	assert_int_equal(put_one(f, B, V1, "b1"), BW_PUT_ADDED);
	assert_ok(bw_store_commit(f->store));
	assert_string_equal(bodies(f->store, &query), "a1 b1");
}

static void a_second_store_in_the_same_folder_is_refused(void **state)
{
	struct fixture *f = *state;
	struct bw_store *other = NULL;

	assert_int_equal(bw_store_create(f->dir), BW_ERR_EXISTS);
	assert_int_equal(bw_store_open(&(struct bw_store_options){ .dir = f->dir, .catalogue_fd = -1 }, &other),
			 BW_ERR_BUSY);
	assert_int_equal(bw_store_open(&(struct bw_store_options){ .dir = "/nonexistent" }, &other), BW_ERR_NOT_FOUND);
}

static void the_same_version_again_is_a_duplicate_and_other_content_a_conflict(void **state)
{
	struct fixture *f = *state;
	struct bw_query query = query_all(f);
	int64_t conflicts;

	assert_int_equal(put_one(f, A, V1, "a1"), BW_PUT_ADDED);
	assert_int_equal(put_one(f, A, V1, "a1"), BW_PUT_DUPLICATE);
	assert_ok(bw_store_commit(f->store));
	assert_int_equal(put_one(f, A, V1, "a1"), BW_PUT_DUPLICATE);
	assert_int_equal(put_one(f, A, V1, "other"), BW_PUT_CONFLICT);
	/* the same instant with another precision is the same version */
	assert_int_equal(put_one(f, A, "2020-01-01T00:00:00.000000Z", "other"), BW_PUT_CONFLICT);
	assert_ok(bw_store_commit(f->store));
	assert_string_equal(bodies(f->store, &query), "a1");
	assert_ok(bw_sql_number(f->store->db, "SELECT count(*) FROM conflict", &conflicts));
	assert_int_equal(conflicts, 2);
}

static void the_newest_version_is_last_even_when_an_older_one_arrives_late(void **state)
{
	struct fixture *f = *state;
	struct bw_query query = query_all(f);

	for (int round = 0; round < 2; round++) {
		if (round == 0) {
			assert_int_equal(put_one(f, A, V2, "a2"), BW_PUT_ADDED);
			assert_ok(bw_store_commit(f->store));
			assert_int_equal(put_one(f, A, V1, "a1"), BW_PUT_ADDED);
			assert_int_equal(put_one(f, A, V3, "a3"), BW_PUT_ADDED);
			assert_int_equal(put_one(f, B, V1, "b1"), BW_PUT_ADDED);
			assert_ok(bw_store_commit(f->store));
		} else {
			fixture_reopen(f);
		}
		query.picks = BW_PICK_ALL;
		assert_string_equal(bodies(f->store, &query), "a2 a1 a3 b1");
		query.picks = BW_PICK_LAST;
		assert_string_equal(bodies(f->store, &query), "a3 b1");
		query.picks = 0;
		assert_string_equal(bodies(f->store, &query), "a3 b1");
		query.picks = BW_PICK_FIRST;
		assert_string_equal(bodies(f->store, &query), "a1 b1");
		query.picks = BW_PICK_FIRST | BW_PICK_LAST;
		assert_string_equal(bodies(f->store, &query), "a1 a3 b1");
	}
}

static void a_revoked_object_takes_no_later_version_but_keeps_its_history(void **state)
{
	struct fixture *f = *state;
	struct bw_record record = record_of(A, V2, "gone");

	record.revoked = true;
	assert_int_equal(put_in(f->store, f->collection, &record).outcome, BW_PUT_ADDED);
	assert_int_equal(put_one(f, A, V3, "a3"), BW_PUT_REVOKED);
	assert_int_equal(put_one(f, A, V1, "a1"), BW_PUT_ADDED);
	assert_ok(bw_store_commit(f->store));
	fixture_reopen(f);
	assert_int_equal(put_one(f, A, V3, "a3"), BW_PUT_REVOKED);
	assert_int_equal(put_one(f, A, V2, "gone"), BW_PUT_DUPLICATE);
}

static void content_tells_the_versions_of_observables_apart(void **state)
{
	struct fixture *f = *state;
	struct bw_query query = query_all(f);

	assert_int_equal(put_one(f, S, "", "s1"), BW_PUT_ADDED);
	assert_int_equal(put_one(f, S, "", "s1"), BW_PUT_DUPLICATE);
	assert_int_equal(put_one(f, S, "", "s2"), BW_PUT_ADDED);
	assert_int_equal(put_one(f, S, "", "s1"), BW_PUT_DUPLICATE);
	assert_ok(bw_store_commit(f->store));
	query.picks = BW_PICK_LAST;
	assert_string_equal(bodies(f->store, &query), "s2");
	query.picks = BW_PICK_FIRST;
	assert_string_equal(bodies(f->store, &query), "s1");
	fixture_reopen(f);
	query.picks = BW_PICK_LAST;
	assert_string_equal(bodies(f->store, &query), "s2");
}

static void rows_are_found_by_the_exact_instant_of_their_version(void **state)
{
	struct fixture *f = *state;
	struct bw_query query = query_all(f);
	const struct bw_record content = record_of(S, "", "s1");
	char added[BW_TIME_BYTES];
	struct bw_slice versions[2] = { BW_LIT("2020-01-02T00:00:00Z"), BW_LIT("2019-01-02T00:00:00Z") };
	const struct bw_slice ids[1] = { BW_LIT(S) };

	assert_int_equal(put_one(f, A, V1, "a1"), BW_PUT_ADDED);
	assert_int_equal(put_one(f, A, V2, "a2"), BW_PUT_ADDED);
	bw_time_format(put_in(f->store, f->collection, &content).date_added_us, added);
	assert_int_equal(put_one(f, B, V2, "b2"), BW_PUT_ADDED);
	assert_ok(bw_store_commit(f->store));
	query.picks = 0;
	query.versions = versions;
	query.version_count = 2;
	assert_string_equal(bodies(f->store, &query), "a2 b2");
	versions[1] = bw_slice_text(added);
	assert_string_equal(bodies(f->store, &query), "a2 s1 b2");
	query.picks = BW_PICK_FIRST;
	assert_string_equal(bodies(f->store, &query), "a1 a2 s1 b2");
	query.picks = 0;
	query.ids = ids;
	query.id_count = 1;
	assert_string_equal(bodies(f->store, &query), "s1");
}

static void types_are_filtered_custom_names_too(void **state)
{
	struct fixture *f = *state;
	struct bw_query query = query_all(f);
	struct bw_slice types[2] = { BW_LIT("malware"), BW_LIT("nothing-here") };

	assert_int_equal(put_one(f, A, V1, "a"), BW_PUT_ADDED);
	assert_int_equal(put_one(f, M, V1, "m"), BW_PUT_ADDED);
	assert_int_equal(put_one(f, X, V1, "x"), BW_PUT_ADDED);
	assert_ok(bw_store_commit(f->store));
	fixture_reopen(f);
	query.types = types;
	query.type_count = 2;
	assert_string_equal(bodies(f->store, &query), "m");
	types[1] = BW_LIT("x-thing");
	assert_string_equal(bodies(f->store, &query), "m x");
	types[0] = BW_LIT("x-thin");
	types[1] = BW_LIT("nothing-here");
	assert_string_equal(bodies(f->store, &query), "");
}

static void more_custom_types_than_numbers_are_still_told_apart(void **state)
{
	struct fixture *f = *state;
	struct bw_query query = query_all(f);
	struct bw_slice type;
	char id[64];
	char body[16];

	for (int i = 0; i < 250; i++) {
		(void)snprintf(id, sizeof(id), "x-t%d--aaaaaaaa-0000-4000-8000-000000000004", i);
		(void)snprintf(body, sizeof(body), "x%d", i);
		assert_int_equal(put_one(f, id, V1, body), BW_PUT_ADDED);
	}
	assert_ok(bw_store_commit(f->store));
	fixture_reopen(f);
	query.types = &type;
	query.type_count = 1;
	type = BW_LIT("x-t7");
	assert_string_equal(bodies(f->store, &query), "x7");
	type = BW_LIT("x-t249");
	assert_string_equal(bodies(f->store, &query), "x249");
	type = BW_LIT("x-t24");
	assert_string_equal(bodies(f->store, &query), "x24");
}

static void only_the_newest_specification_version_is_given_unless_asked(void **state)
{
	struct fixture *f = *state;
	struct bw_query query = query_all(f);
	struct bw_record old = record_of(A, V1, "old");
	struct bw_record only_old = record_of(B, V1, "only-old");
	struct bw_slice specs[2] = { BW_LIT("2.0"), BW_LIT("2.1") };

	old.spec_minor = 0;
	only_old.spec_minor = 0;
	assert_int_equal(put_in(f->store, f->collection, &old).outcome, BW_PUT_ADDED);
	assert_int_equal(put_in(f->store, f->collection, &only_old).outcome, BW_PUT_ADDED);
	query.picks = BW_PICK_LAST;
	assert_string_equal(bodies(f->store, &query), "old only-old");
	assert_ok(bw_store_commit(f->store));
	assert_int_equal(put_one(f, A, V1, "new"), BW_PUT_ADDED);
	assert_ok(bw_store_commit(f->store));
	for (int round = 0; round < 2; round++) {
		query.spec_count = 0;
		assert_string_equal(bodies(f->store, &query), "only-old new");
		query.specs = specs;
		query.spec_count = 1;
		assert_string_equal(bodies(f->store, &query), "old only-old");
		query.spec_count = 2;
		assert_string_equal(bodies(f->store, &query), "old only-old new");
		fixture_reopen(f);
	}
}

static void paging_by_date_added_gives_every_row_once(void **state)
{
	struct fixture *f = *state;
	struct bw_query query = query_all(f);
	char id[64];
	size_t seen = 0;
	int64_t last = -1;
	bool more = true;

	for (int i = 0; i < 1000; i++) {
		(void)snprintf(id, sizeof(id), "indicator--aaaaaaaa-0000-4000-8000-%012d", i);
		assert_int_equal(put_one(f, id, V1, "{}"), BW_PUT_ADDED);
	}
	assert_ok(bw_store_commit(f->store));
	query.limit = 7;
	while (more) {
		BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
		struct bw_page page;

		query.added_after_us = last;
		assert_ok(bw_store_page(f->store, &query, &arena, &page));
		for (size_t i = 0; i < page.count; i++) {
			assert_true(page.rows[i].date_added_us > last);
			last = page.rows[i].date_added_us;
			seen++;
		}
		assert_int_equal(page.scanned_us, last);
		more = page.more;
	}
	assert_int_equal(seen, 1000);
}

static void a_page_ends_before_it_passes_its_bytes(void **state)
{
	struct fixture *f = *state;
	struct bw_query query = query_all(f);
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	struct bw_page page;

	assert_int_equal(put_one(f, A, V1, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), BW_PUT_ADDED);
	assert_int_equal(put_one(f, B, V1, "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"), BW_PUT_ADDED);
	assert_ok(bw_store_commit(f->store));
	query.max_bytes = 1;
	assert_ok(bw_store_page(f->store, &query, &arena, &page));
	assert_int_equal(page.count, 1);
	assert_true(page.more);
	query.added_after_us = page.scanned_us;
	assert_ok(bw_store_page(f->store, &query, &arena, &page));
	assert_int_equal(page.count, 1);
	assert_false(page.more);
	assert_slice(page.rows[0].body, "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
}

static int64_t stopped_clock(void)
{
	return 1000000;
}

static void dates_added_increase_whatever_the_clock_does(void **state)
{
	struct fixture *f = *state;
	const struct bw_record a = record_of(A, V1, "a");
	const struct bw_record b = record_of(B, V1, "b");
	int64_t first;

	first = put_in(f->store, f->collection, &a).date_added_us;
	f->store->now_us = stopped_clock;
	assert_int_equal(put_in(f->store, f->collection, &b).date_added_us, first + 1);
	assert_ok(bw_store_commit(f->store));
	fixture_reopen(f);
	f->store->now_us = stopped_clock;
	assert_int_equal(put_one(f, M, V1, "m"), BW_PUT_ADDED);
	assert_int_equal(f->store->last_added_us, first + 2);
}

static void one_version_in_two_collections_stores_its_body_once(void **state)
{
	struct fixture *f = *state;
	struct bw_query query = query_all(f);
	const uint16_t other = collection_named(f->store, "52892447-4d7e-4f70-b94d-d7f22742ff63");
	const struct bw_record record = record_of(A, V1, "shared-body");
	const struct bw_slice id = BW_LIT(A);
	int64_t own;
	uint64_t removed;

	assert_int_equal(put_one(f, A, V1, "shared-body"), BW_PUT_ADDED);
	assert_int_equal(put_in(f->store, other, &record).outcome, BW_PUT_ADDED);
	assert_ok(bw_store_commit(f->store));
	assert_ok(bw_sql_number(f->store->db, "SELECT count(*) FROM entry WHERE body IS NOT NULL", &own));
	assert_int_equal(own, 1);
	query.collection = other;
	assert_string_equal(bodies(f->store, &query), "shared-body");

	/* the owner of the body goes: the other inherits it */
	query.collection = f->collection;
	query.ids = &id;
	query.id_count = 1;
	assert_ok(bw_store_delete(f->store, &query, &removed));
	assert_int_equal(removed, 1);
	assert_ok(bw_store_commit(f->store));
	assert_string_equal(bodies(f->store, &query), "");
	query.collection = other;
	assert_string_equal(bodies(f->store, &query), "shared-body");
	fixture_reopen(f);
	assert_string_equal(bodies(f->store, &query), "shared-body");
}

static void deleting_a_version_makes_the_one_before_it_last_again(void **state)
{
	struct fixture *f = *state;
	struct bw_query query = query_all(f);
	const struct bw_slice id = BW_LIT(A);
	struct bw_slice version = BW_LIT(V3);
	uint64_t removed;

	assert_int_equal(put_one(f, A, V1, "a1"), BW_PUT_ADDED);
	assert_int_equal(put_one(f, A, V3, "a3"), BW_PUT_ADDED);
	assert_int_equal(put_one(f, A, V2, "a2"), BW_PUT_ADDED);
	assert_ok(bw_store_commit(f->store));
	query.ids = &id;
	query.id_count = 1;
	query.picks = 0;
	query.versions = &version;
	query.version_count = 1;
	assert_ok(bw_store_delete(f->store, &query, &removed));
	assert_int_equal(removed, 1);
	assert_int_equal(bw_store_delete(f->store, &query, &removed), BW_ERR_NOT_FOUND);
	assert_ok(bw_store_commit(f->store));
	query.version_count = 0;
	for (int round = 0; round < 2; round++) {
		query.picks = BW_PICK_LAST;
		assert_string_equal(bodies(f->store, &query), "a2");
		query.picks = BW_PICK_FIRST;
		assert_string_equal(bodies(f->store, &query), "a1");
		fixture_reopen(f);
	}
	/* what was deleted may come again, unlike what was erased */
	assert_int_equal(put_one(f, A, V3, "a3"), BW_PUT_ADDED);
	assert_ok(bw_store_erase(f->store, id, BW_LIT("court order"), &removed));
	assert_int_equal(removed, 3);
	assert_int_equal(put_one(f, A, V3, "a3"), BW_PUT_ERASED);
	assert_ok(bw_store_commit(f->store));
	fixture_reopen(f);
	assert_int_equal(put_one(f, A, V3, "a3"), BW_PUT_ERASED);
	query.picks = BW_PICK_ALL;
	assert_string_equal(bodies(f->store, &query), "");
}

static void collections_have_names_counts_and_an_end(void **state)
{
	struct fixture *f = *state;
	struct bw_query query = query_all(f);
	struct bw_collection collection = { .id = "52892447-4d7e-4f70-b94d-d7f22742ff63",
					    .title = "two",
					    .alias = "b" };
	struct bw_collection found;
	struct bw_collection *list;
	size_t count;
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BW_MIB);

	assert_ok(bw_store_collection_add(f->store, &collection));
	assert_int_equal(bw_store_collection_add(f->store, &collection), BW_ERR_EXISTS);
	assert_int_equal(put_one(f, A, V1, "a1"), BW_PUT_ADDED);
	assert_ok(bw_store_commit(f->store));
	assert_ok(bw_store_collection_find(f->store, BW_LIT("b"), &found));
	assert_string_equal(found.title, "two");
	assert_int_equal(found.object_count, 0);
	assert_ok(bw_store_collections(f->store, &arena, &list, &count));
	assert_int_equal(count, 2);
	assert_int_equal(list[0].object_count, 1);
	assert_true(list[0].last_added_us > 0);
	assert_ok(bw_store_collection_remove(f->store, f->collection));
	assert_ok(bw_store_commit(f->store));
	assert_int_equal(bw_store_collection_remove(f->store, f->collection), BW_ERR_NOT_FOUND);
	bw_store_rollback(f->store);
	assert_string_equal(bodies(f->store, &query), "");
	assert_int_equal(bw_store_collection_find(f->store, bw_slice_empty, &found), BW_ERR_NOT_FOUND);
	/* its number stays taken */
	assert_int_equal(collection_named(f->store, "62892447-4d7e-4f70-b94d-d7f22742ff63"), 3);
}

static void a_failed_put_leaves_the_puts_before_it(void **state)
{
	struct fixture *f = *state;
	struct bw_query query = query_all(f);
	struct bw_record records[2] = { record_of(B, V1, "b1"), record_of(M, V1, "m1") };
	struct bw_put puts[2];

	assert_int_equal(put_one(f, A, V1, "a1"), BW_PUT_ADDED);
	records[1].body.len = (size_t)1 << 40; /* SQLite refuses it before it reads a byte */
	assert_int_equal(bw_store_put(f->store, f->collection, records, 2, puts), BW_ERR_TOO_BIG);
	assert_int_equal(put_one(f, S, "", "s1"), BW_PUT_ADDED);
	assert_ok(bw_store_commit(f->store));
	assert_string_equal(bodies(f->store, &query), "a1 s1");
	fixture_reopen(f);
	assert_string_equal(bodies(f->store, &query), "a1 s1");
	assert_int_equal(put_one(f, B, V1, "b1"), BW_PUT_ADDED);
}

static void a_part_that_fails_leaves_the_parts_before_and_after_it(void **state)
{
	struct fixture *f = *state;
	struct bw_query query = query_all(f);
	struct bw_audit_head before;
	struct bw_audit_head after;
	const struct bw_audit_fact fact = { .account = bw_slice_empty,
					    .address = bw_slice_empty,
					    .action = BW_LIT("put"),
					    .target = BW_LIT("/"),
					    .count = 1,
					    .note = bw_slice_empty };

	assert_ok(bw_store_part_begin(f->store));
	assert_int_equal(put_one(f, A, V1, "a1"), BW_PUT_ADDED);
	assert_ok(bw_store_audit_add(f->store, &fact));
	assert_ok(bw_store_part_end(f->store, BW_OK));
	assert_ok(bw_store_audit_head(f->store, &before));

	assert_ok(bw_store_part_begin(f->store));
	assert_int_equal(put_one(f, A, V2, "a2"), BW_PUT_ADDED);
	assert_int_equal(put_one(f, B, V1, "b1"), BW_PUT_ADDED);
	assert_ok(bw_store_audit_add(f->store, &fact));
	assert_int_equal(bw_store_part_end(f->store, BW_ERR_PROTOCOL), BW_ERR_PROTOCOL);
	assert_false(bw_store_is_lost(f->store));
	assert_ok(bw_store_audit_head(f->store, &after));
	assert_int_equal(after.seq, before.seq);
	assert_memory_equal(after.hash, before.hash, sizeof(after.hash));

	assert_ok(bw_store_part_begin(f->store));
	assert_int_equal(put_one(f, S, "", "s1"), BW_PUT_ADDED);
	assert_ok(bw_store_part_end(f->store, BW_OK));
	assert_ok(bw_store_commit(f->store));
	assert_string_equal(bodies(f->store, &query), "a1 s1");
	fixture_reopen(f);
	assert_string_equal(bodies(f->store, &query), "a1 s1");
}

static void a_reader_sees_what_was_committed_through_the_shared_catalogue(void **state)
{
	struct fixture *f = *state;
	struct bw_query query = query_all(f);
	const struct bw_slice thing = BW_LIT("x-thing");
	struct bw_store *reader;

	assert_int_equal(put_one(f, A, V1, "a1"), BW_PUT_ADDED);
	assert_ok(bw_store_commit(f->store));
	assert_ok(bw_store_open(&(struct bw_store_options){ .dir = f->dir,
							    .role = BW_STORE_READER,
							    .catalogue_fd = bw_store_catalogue_fd(f->store) },
				&reader));
	assert_string_equal(bodies(reader, &query), "a1");
	assert_int_equal(put_one(f, A, V2, "a2"), BW_PUT_ADDED);
	assert_int_equal(put_one(f, X, V1, "x1"), BW_PUT_ADDED);
	query.picks = BW_PICK_LAST;
	assert_string_equal(bodies(reader, &query), "a1");
	assert_ok(bw_store_commit(f->store));
	assert_string_equal(bodies(reader, &query), "a2 x1");
	query.types = &thing;
	query.type_count = 1;
	assert_string_equal(bodies(reader, &query), "x1");
	assert_int_equal(bw_store_begin(reader), BW_ERR_USAGE);
	bw_store_close(reader);
}

static void generations_move_with_commits_only(void **state)
{
	struct fixture *f = *state;
	struct bw_bulletin reader;
	uint64_t before;

	assert_ok(bw_bulletin_open(bw_store_bulletin_fd(f->store), &reader));
	before = bw_bulletin_collection(&reader, f->collection);
	assert_int_equal(put_one(f, A, V1, "a1"), BW_PUT_ADDED);
	assert_int_equal(bw_bulletin_collection(&reader, f->collection), before);
	assert_ok(bw_store_commit(f->store));
	assert_int_equal(bw_bulletin_collection(&reader, f->collection), before + 1);
	assert_int_equal(bw_bulletin_last_added_us(&reader), f->store->last_added_us);
	assert_int_equal(put_one(f, A, V1, "a1"), BW_PUT_DUPLICATE);
	assert_ok(bw_store_commit(f->store));
	assert_int_equal(bw_bulletin_collection(&reader, f->collection), before + 1);
	bw_bulletin_release(&reader);
}

static void known_says_whether_the_object_is_there_whatever_else_is_asked(void **state)
{
	struct fixture *f = *state;
	struct bw_query query = query_all(f);
	const struct bw_slice here = BW_LIT(A);
	const struct bw_slice nowhere = BW_LIT(B);
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	struct bw_page page;

	assert_int_equal(put_one(f, A, V1, "a1"), BW_PUT_ADDED);
	assert_ok(bw_store_commit(f->store));
	query.ids = &here;
	query.id_count = 1;
	query.added_after_us = INT64_MAX;
	assert_ok(bw_store_page(f->store, &query, &arena, &page));
	assert_int_equal(page.count, 0);
	assert_true(page.known);
	query.ids = &nowhere;
	assert_ok(bw_store_page(f->store, &query, &arena, &page));
	assert_false(page.known);
}

/* More rows than a segment holds, every third object with three versions, some deleted. */
static void fill_segments(struct fixture *f, int objects)
{
	const char *const versions[3] = { V2, V1, V3 };
	char id[64];
	char body[16];

	for (int i = 0; i < objects; i++) {
		(void)snprintf(id, sizeof(id), "indicator--aaaaaaaa-0000-4000-8000-%012d", i);
		for (int v = 0; v < (i % 3 == 0 ? 3 : 1); v++) {
			(void)snprintf(body, sizeof(body), "%d.%d", i, v);
			assert_int_equal(put_one(f, id, versions[v], body), BW_PUT_ADDED);
			if (i % 1000 == 0)
				assert_ok(bw_store_commit(f->store));
		}
	}
	assert_ok(bw_store_commit(f->store));
}

static uint64_t flags_digest(const struct bw_catalogue *cat)
{
	const uint8_t key[16] = { 1 };

	return bw_siphash(key, bw_slice_of(cat->flags, cat->rows));
}

static void segments_changes_and_rows_alone_give_the_same_catalogue(void **state)
{
	struct fixture *f = *state;
	struct bw_query query = query_all(f);
	const struct bw_slice id = BW_LIT("indicator--aaaaaaaa-0000-4000-8000-000000000003");
	uint64_t digest;
	uint64_t rows;
	uint64_t removed;
	int64_t segments;

	fill_segments(f, 50000);
	query.ids = &id;
	query.id_count = 1;
	query.picks = BW_PICK_LAST;
	assert_ok(bw_store_delete(f->store, &query, &removed));
	assert_ok(bw_store_commit(f->store));
	assert_ok(bw_sql_number(f->store->db, "SELECT count(*) FROM segment", &segments));
	assert_int_equal(segments, 1);
	rows = f->store->cat.rows;
	digest = flags_digest(&f->store->cat);

	fixture_reopen(f);
	assert_int_equal(f->store->saved_rows, BW_SEGMENT_ROWS);
	assert_int_equal(f->store->cat.rows, rows);
	assert_true(flags_digest(&f->store->cat) == digest);

	/* a damaged segment: the rows themselves still know everything */
	assert_ok(bw_sql_run(f->store->db, "UPDATE segment SET columns = zeroblob(1000)"));
	fixture_reopen(f);
	assert_int_equal(f->store->saved_rows, 0);
	assert_int_equal(f->store->cat.rows, rows - 1); /* the deleted row leaves no trace */
	query.ids = NULL;
	query.id_count = 0;
	query.limit = 5;
	assert_string_equal(bodies(f->store, &query), "0.2 1.0 2.0 3.0 4.0");
	digest = flags_digest(&f->store->cat);
	fixture_reopen(f);
	assert_true(flags_digest(&f->store->cat) == digest);

	/* and the next commits save segments again */
	assert_int_equal(put_one(f, A, V1, "a1"), BW_PUT_ADDED);
	assert_ok(bw_store_commit(f->store));
	fixture_reopen(f);
	assert_int_equal(f->store->saved_rows, BW_SEGMENT_ROWS);
	assert_string_equal(bodies(f->store, &query), "0.2 1.0 2.0 3.0 4.0");
}

/* Two connections of which one always reads, so that the WAL is never without a reader. */
static void read_without_a_gap(const char *dir)
{
	sqlite3 *db[2];
	char path[128];
	int64_t count;

	(void)snprintf(path, sizeof(path), "%s/store/entries.db", dir);
	for (int i = 0; i < 2; i++) {
		if (bw_sql_open(
			    &(struct bw_sql_options){
				    .path = path, .read_only = true, .synchronous = "FULL", .cache_bytes = BW_MIB },
			    &db[i]) != BW_OK)
			_exit(1);
	}
	for (unsigned turn = 0;; turn++) {
		if (bw_sql_run(db[turn % 2], "BEGIN") != BW_OK ||
		    bw_sql_number(db[turn % 2], "SELECT count(*) FROM type_name", &count) != BW_OK)
			_exit(1);
		if (turn > 0 && bw_sql_run(db[(turn + 1) % 2], "COMMIT") != BW_OK)
			_exit(1);
		(void)usleep(1000);
	}
}

static void readers_without_a_gap_do_not_make_the_wal_grow_for_ever(void **state)
{
	struct fixture *f = *state;
	struct stat status;
	char path[128];
	char id[64];
	pid_t child;

	f->store->checkpoint_pages = 40;
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		read_without_a_gap(f->dir);
	for (int i = 0; i < 1500; i++) {
		(void)snprintf(id, sizeof(id), "indicator--aaaaaaaa-0000-4000-8000-%012d", i);
		assert_int_equal(put_one(f, id, V1, "{}"), BW_PUT_ADDED);
		assert_ok(bw_store_commit(f->store));
	}
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	(void)snprintf(path, sizeof(path), "%s/store/entries.db-wal", f->dir);
	assert_int_equal(stat(path, &status), 0);
	assert_true(status.st_size < (off_t)3 * 4 * 40 * BW_SQL_PAGE_BYTES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_committed_is_there_after_a_restart_and_what_was_not_is_not),
		TEST(a_second_store_in_the_same_folder_is_refused),
		TEST(the_same_version_again_is_a_duplicate_and_other_content_a_conflict),
		TEST(the_newest_version_is_last_even_when_an_older_one_arrives_late),
		TEST(a_revoked_object_takes_no_later_version_but_keeps_its_history),
		TEST(content_tells_the_versions_of_observables_apart),
		TEST(rows_are_found_by_the_exact_instant_of_their_version),
		TEST(types_are_filtered_custom_names_too),
		TEST(more_custom_types_than_numbers_are_still_told_apart),
		TEST(only_the_newest_specification_version_is_given_unless_asked),
		TEST(paging_by_date_added_gives_every_row_once),
		TEST(a_page_ends_before_it_passes_its_bytes),
		TEST(dates_added_increase_whatever_the_clock_does),
		TEST(one_version_in_two_collections_stores_its_body_once),
		TEST(deleting_a_version_makes_the_one_before_it_last_again),
		TEST(collections_have_names_counts_and_an_end),
		TEST(a_failed_put_leaves_the_puts_before_it),
		TEST(a_part_that_fails_leaves_the_parts_before_and_after_it),
		TEST(a_reader_sees_what_was_committed_through_the_shared_catalogue),
		TEST(generations_move_with_commits_only),
		TEST(readers_without_a_gap_do_not_make_the_wal_grow_for_ever),
		TEST(segments_changes_and_rows_alone_give_the_same_catalogue),
		TEST(known_says_whether_the_object_is_there_whatever_else_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
