#include "desk/office.h"

#include "desk/office_in_tests.h"
#include "sys/memfile.h"

enum { CHUNK = 512, BATCH_MAX = 4 * 1024 * 1024 };

/* `count` records from `first` on, and then perhaps bytes that are none. */
static enum bw_err put_batch(struct office_fixture *f, int first, int count, bool is_spoiled,
			     struct bw_put_tally *tally)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf batch = BW_BUF_INIT(BATCH_MAX);
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(64 * BW_MIB);
	BW_CLEANUP(bw_memfile_release) struct bw_memfile file = BW_MEMFILE_NONE;
	enum bw_err err;

	assert_ok(bw_batch_begin(&batch));
	for (int i = 0; i < count; i++)
		add_record(&batch, first + i);
	if (is_spoiled)
		assert_ok(bw_buf_add_text(&batch, "no record at all"));
	assert_ok(bw_memfile_new("batch", BATCH_MAX, &file));
	assert_ok(bw_memfile_append(&file, bw_buf_slice(&batch)));
	assert_ok(bw_memfile_seal(&file));
	assert_ok(bw_store_part_begin(f->store));
	err = bw_office_put(f->store, f->collection, file.fd, (uint64_t)count, bw_slice_empty, &arena, tally);
	return bw_store_part_end(f->store, err);
}

static uint64_t objects_in(struct office_fixture *f)
{
	struct bw_collection collection;

	assert_ok(bw_store_collection_find(f->store, BW_LIT(OFFICE_COLLECTION), &collection));
	return collection.object_count;
}

static void a_batch_is_put_whole(void **state)
{
	struct bw_put_tally tally;

	assert_ok(put_batch(*state, 0, CHUNK + 10, false, &tally));
	assert_int_equal(tally.added, CHUNK + 10);
	assert_ok(put_batch(*state, 0, CHUNK + 10, false, &tally));
	assert_int_equal(tally.duplicate, CHUNK + 10);
}

/* The first records are in the store already when the reader turns out to have lied. */
static void a_batch_that_is_none_fails_alone_and_whoever_shares_the_round_does_not(void **state)
{
	struct office_fixture *f = *state;
	struct bw_put_tally tally;

	assert_ok(put_batch(f, 0, 5, false, &tally));
	assert_true(put_batch(f, 1000, CHUNK + 10, true, &tally) != BW_OK);
	assert_false(bw_store_is_lost(f->store));
	assert_ok(put_batch(f, 2000, 7, false, &tally));
	assert_int_equal(tally.added, 7);
	assert_ok(bw_store_commit(f->store));
	assert_int_equal(objects_in(f), 5 + 7);
	assert_ok(put_batch(f, 1000, CHUNK + 10, false, &tally));
	assert_int_equal(tally.added, CHUNK + 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_batch_is_put_whole, make_office, drop_office),
		cmocka_unit_test_setup_teardown(a_batch_that_is_none_fails_alone_and_whoever_shares_the_round_does_not,
						make_office, drop_office),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
