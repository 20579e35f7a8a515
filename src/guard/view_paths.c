#include "guard/view_paths.h"

#include <stdlib.h>

#include "base/num.h"
#include "crypto/hash.h"

enum { SLOTS_FIRST = 1024 };

struct bw_view_paths {
	size_t most;
	size_t count;
	size_t room;
	struct bw_slice *list;
	size_t mask;     /* slots - 1; twice as many as paths at least */
	uint32_t *slots; /* number + 1; 0: free */
	uint8_t key[BW_SIPHASH_KEY_BYTES];
};

enum bw_err bw_view_paths_new(size_t most, struct bw_view_paths **out)
{
	struct bw_view_paths *paths = calloc(1, sizeof(*paths));
	uint32_t number;
	enum bw_err err;

	BW_NEED(paths != NULL, MEMORY);
	paths->most = most;
	bw_random(paths->key, sizeof(paths->key));
	err = bw_view_paths_put(paths, bw_slice_empty, &number);
	if (err != BW_OK) {
		bw_view_paths_free(paths);
		return err;
	}
	*out = paths;
	return BW_OK;
}

void bw_view_paths_free(struct bw_view_paths *paths)
{
	if (paths == NULL)
		return;
	for (size_t i = 0; i < paths->count; i++)
		free((void *)(uintptr_t)paths->list[i].ptr);
	free(paths->list);
	free(paths->slots);
	free(paths);
}

/* The slot that holds the path, or the free one where it belongs. */
static uint32_t *slot_of(const struct bw_view_paths *paths, struct bw_slice path)
{
	size_t at = (size_t)bw_siphash(paths->key, path) & paths->mask;

	while (paths->slots[at] != 0 && !bw_slice_equals(paths->list[paths->slots[at] - 1], path))
		at = (at + 1) & paths->mask;
	return &paths->slots[at];
}

static enum bw_err grow(struct bw_view_paths *paths)
{
	const size_t room = paths->room == 0 ? SLOTS_FIRST / 2 : 2 * paths->room;
	struct bw_slice *list = realloc(paths->list, room * sizeof(*list));
	uint32_t *slots;

	BW_NEED(list != NULL, MEMORY);
	paths->list = list;
	slots = calloc(2 * room, sizeof(*slots));
	BW_NEED(slots != NULL, MEMORY);
	free(paths->slots);
	paths->slots = slots;
	paths->room = room;
	paths->mask = 2 * room - 1;
	for (size_t i = 0; i < paths->count; i++)
		*slot_of(paths, paths->list[i]) = (uint32_t)i + 1;
	return BW_OK;
}

enum bw_err bw_view_paths_put(struct bw_view_paths *paths, struct bw_slice path, uint32_t *out)
{
	uint32_t *slot;
	uint8_t *copy;

	if (paths->count == paths->room)
		BW_TRY(grow(paths));
	slot = slot_of(paths, path);
	if (*slot == 0) {
		BW_NEED(paths->count < paths->most, TOO_MANY);
		copy = malloc(path.len + 1);
		BW_NEED(copy != NULL, MEMORY);
		memcpy(copy, path.ptr, path.len);
		copy[path.len] = '\0';
		paths->list[paths->count++] = (struct bw_slice){ copy, path.len };
		*slot = (uint32_t)paths->count;
	}
	*out = *slot - 1;
	return BW_OK;
}

enum bw_err bw_view_paths_get(const struct bw_view_paths *paths, uint32_t number, struct bw_slice *out)
{
	BW_NEED(number < paths->count, NOT_FOUND);
	*out = paths->list[number];
	return BW_OK;
}
