/* What the tests of this room share: a data folder of their own, records made short. */
#ifndef BW_STORE_TEST_H
#define BW_STORE_TEST_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test.h"
#include "crypto/hash.h"
#include "store/engine.h"
#include "sys/clock.h"

struct fixture {
	char dir[64];
	struct bw_store *store;
	uint16_t collection;
};

static inline int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

static inline void fixture_open(struct fixture *f)
{
	assert_ok(bw_store_open(&(struct bw_store_options){ .dir = f->dir, .catalogue_fd = -1 }, &f->store));
}

static inline void fixture_reopen(struct fixture *f)
{
	bw_store_close(f->store);
	fixture_open(f);
}

static inline uint16_t collection_named(struct bw_store *store, const char *id)
{
	struct bw_collection collection = { .title = "one" };

	(void)snprintf(collection.id, sizeof(collection.id), "%s", id);
	assert_ok(bw_store_collection_add(store, &collection));
	return collection.number;
}

static inline int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/breakwater-store-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_ok(bw_store_create(f->dir));
	fixture_open(f);
	f->collection = collection_named(f->store, "91a7b528-80eb-42ed-a74d-c6fbd5a26116");
	assert_ok(bw_store_commit(f->store));
	*state = f;
	return 0;
}

static inline int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	bw_store_close(f->store);
	(void)nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

/* An indicator (or what `id` says) of one version; `body` decides its hash. */
static inline struct bw_record record_of(const char *id, const char *version, const char *body)
{
	struct bw_record record = { .id = bw_slice_text(id),
				    .version = bw_slice_text(version),
				    .versioning = version[0] == '\0' ? BW_VERSION_CONTENT : BW_VERSION_MODIFIED,
				    .spec_major = 2,
				    .spec_minor = 1,
				    .body = bw_slice_text(body) };
	const char *end = strstr(id, "--");

	assert_non_null(end);
	record.type_name = bw_slice_sub(record.id, 0, (size_t)(end - id));
	record.type = bw_stix_type_of(record.type_name);
	assert_ok(bw_sha256(record.body, record.hash));
	return record;
}

static inline struct bw_put put_in(struct bw_store *store, uint16_t collection, const struct bw_record *record)
{
	struct bw_put put;

	assert_ok(bw_store_put(store, collection, record, 1, &put));
	return put;
}

static inline enum bw_put_outcome put_one(struct fixture *f, const char *id, const char *version, const char *body)
{
	const struct bw_record record = record_of(id, version, body);

	return put_in(f->store, f->collection, &record).outcome;
}

static inline struct bw_query query_all(const struct fixture *f)
{
	return (struct bw_query){ .collection = f->collection,
				  .added_after_us = -1,
				  .limit = 1000,
				  .max_bytes = BW_GIB,
				  .picks = BW_PICK_ALL,
				  .bodies = true };
}

/* The bodies of a page, joined by spaces. */
static inline const char *bodies(struct bw_store *store, const struct bw_query *query)
{
	static char text[64 * 1024];
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BW_GIB);
	struct bw_page page;
	size_t at = 0;

	text[0] = 0;
	assert_ok(bw_store_page(store, query, &arena, &page));
	for (size_t i = 0; i < page.count; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%.*s", i == 0 ? "" : " ",
				       BW_ARG(page.rows[i].body));
	return text;
}

#endif
