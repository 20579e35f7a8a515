#include "desk/office.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/test.h"
#include "crypto/hash.h"
#include "intel/batch.h"
#include "sys/memfile.h"

enum { CHUNK = 512, BATCH_MAX = 4 * 1024 * 1024 };

struct fixture {
	char dir[64];
	struct bw_store *store;
	uint16_t collection;
};

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

static int make(void **state)
{
	struct bw_collection collection = { .id = "91a7b528-80eb-42ed-a74d-c6fbd5a26116", .title = "one" };
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/breakwater-office-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_ok(bw_store_create(f->dir));
	assert_ok(bw_store_open(&(struct bw_store_options){ .dir = f->dir, .catalogue_fd = -1 }, &f->store));
	assert_ok(bw_store_collection_add(f->store, &collection));
	assert_ok(bw_store_commit(f->store));
	f->collection = collection.number;
	*state = f;
	return 0;
}

static int drop(void **state)
{
	struct fixture *f = *state;

	bw_store_close(f->store);
	(void)nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static void add_record(struct bw_buf *batch, int number)
{
	char id[64];
	struct bw_record record = { .type = BW_STIX_MALWARE,
				    .type_name = BW_LIT("malware"),
				    .version = BW_LIT("2024-01-01T00:00:00.000Z"),
				    .created = BW_LIT("2024-01-01T00:00:00.000Z"),
				    .creator = bw_slice_empty,
				    .spec_major = 2,
				    .spec_minor = 1,
				    .body = BW_LIT("{}") };

	(void)snprintf(id, sizeof(id), "malware--%08x-23f7-4a44-a5cd-a4e2a4a5a001", (unsigned)number);
	record.id = bw_slice_text(id);
	assert_ok(bw_sha256(record.body, record.hash));
	assert_ok(bw_batch_add(batch, &record));
}

/* `count` records from `first` on, and then perhaps bytes that are none. */
static enum bw_err put_batch(struct fixture *f, int first, int count, bool is_spoiled, struct bw_put_tally *tally)
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

static uint64_t objects_in(struct fixture *f)
{
	struct bw_collection collection;

	assert_ok(bw_store_collection_find(f->store, BW_LIT("91a7b528-80eb-42ed-a74d-c6fbd5a26116"), &collection));
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
	struct fixture *f = *state;
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
		cmocka_unit_test_setup_teardown(a_batch_is_put_whole, make, drop),
		cmocka_unit_test_setup_teardown(a_batch_that_is_none_fails_alone_and_whoever_shares_the_round_does_not,
						make, drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
