/* For tests: a store of tiles in memory, which can be damaged. */
#ifndef BW_TLOG_STORE_IN_TESTS_H
#define BW_TLOG_STORE_IN_TESTS_H

#include <stdlib.h>

#include "tlog/tile.h"

enum { KEPT_MAX = 4096 };

struct kept {
	char path[BW_TILE_PATH_BYTES];
	uint8_t *bytes;
	size_t len;
};

struct memory_store {
	struct kept kept[KEPT_MAX];
	size_t count;
	size_t gets;
	enum bw_err fails; /* every put gives this */
};

static inline struct kept *find_kept(struct memory_store *store, const char *path)
{
	for (size_t i = 0; i < store->count; i++)
		if (strcmp(store->kept[i].path, path) == 0)
			return &store->kept[i];
	return NULL;
}

static inline enum bw_err memory_get(void *ctx, const struct bw_tile *tile, struct bw_buf *out)
{
	struct memory_store *store = ctx;
	char path[BW_TILE_PATH_BYTES];
	const struct kept *kept;

	store->gets++;
	bw_tile_path(tile, path);
	kept = find_kept(store, path);
	BW_NEED(kept != NULL && kept->bytes != NULL, NOT_FOUND);
	return bw_buf_add(out, bw_slice_of(kept->bytes, kept->len));
}

static inline enum bw_err memory_put(void *ctx, const struct bw_tile *tile, struct bw_slice bytes)
{
	struct memory_store *store = ctx;
	char path[BW_TILE_PATH_BYTES];
	struct kept *kept;

	BW_TRY(store->fails);
	bw_tile_path(tile, path);
	kept = find_kept(store, path);
	if (kept == NULL) {
		BW_NEED(store->count < KEPT_MAX, TOO_MANY);
		kept = &store->kept[store->count++];
		memcpy(kept->path, path, sizeof(path));
	}
	free(kept->bytes);
	kept->bytes = malloc(bytes.len + 1);
	BW_NEED(kept->bytes != NULL, MEMORY);
	memcpy(kept->bytes, bytes.ptr, bytes.len);
	kept->len = bytes.len;
	return BW_OK;
}

static inline void memory_store_release(struct memory_store *store)
{
	for (size_t i = 0; i < store->count; i++)
		free(store->kept[i].bytes);
	*store = (struct memory_store){ 0 };
}

static inline struct bw_tile_store memory_tiles(struct memory_store *store)
{
	return (struct bw_tile_store){ store, memory_get, memory_put };
}

#endif
