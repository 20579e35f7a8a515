/*
 * What the tests of the office's work share: a store of its own below /tmp with one collection, and records to put
 * there.
 */
#ifndef BW_DESK_OFFICE_IN_TESTS_H
#define BW_DESK_OFFICE_IN_TESTS_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/test.h"
#include "crypto/hash.h"
#include "intel/batch.h"
#include "store/store.h"

#define OFFICE_COLLECTION "91a7b528-80eb-42ed-a74d-c6fbd5a26116"

struct office_fixture {
	char dir[64];
	struct bw_store *store;
	uint16_t collection;
};

static inline int remove_one_of_office(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

static inline int make_office(void **state)
{
	struct bw_collection collection = { .id = OFFICE_COLLECTION, .title = "one" };
	struct office_fixture *f = calloc(1, sizeof(*f));

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

static inline int drop_office(void **state)
{
	struct office_fixture *f = *state;

	bw_store_close(f->store);
	(void)nftw(f->dir, remove_one_of_office, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

/* A record of its own for each number. */
static inline void add_record(struct bw_buf *batch, int number)
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

#endif
