#include "base/arena.h"

#include <stdlib.h>

#include "base/num.h"

enum { CHUNK_BYTES = 64 * 1024 };

struct bw_arena_chunk {
	struct bw_arena_chunk *next;
	size_t cap;
	size_t used;
	size_t pad; /* keeps data[] 16-byte aligned */
	uint8_t data[];
};

static struct bw_arena_chunk *chunk_new(size_t need, struct bw_arena_chunk *next)
{
	const size_t cap = need > CHUNK_BYTES ? need : CHUNK_BYTES;
	struct bw_arena_chunk *chunk = malloc(sizeof(*chunk) + cap);

	if (chunk != NULL)
		*chunk = (struct bw_arena_chunk){ .next = next, .cap = cap };
	return chunk;
}

void *bw_arena_take(struct bw_arena *arena, size_t bytes)
{
	size_t need;
	struct bw_arena_chunk *chunk = arena->head;
	uint8_t *taken;

	if (bw_add(bytes, 15, &need) != BW_OK)
		return NULL;
	need &= ~(size_t)15;
	if (need > arena->budget - arena->used)
		return NULL;
	if (chunk == NULL || chunk->cap - chunk->used < need) {
		chunk = chunk_new(need, arena->head);
		if (chunk == NULL)
			return NULL;
		arena->head = chunk;
	}
	taken = chunk->data + chunk->used;
	chunk->used += need;
	arena->used += need;
	return taken;
}

void *bw_arena_zero(struct bw_arena *arena, size_t count, size_t size)
{
	size_t bytes;
	void *taken;

	if (bw_mul(count, size, &bytes) != BW_OK)
		return NULL;
	taken = bw_arena_take(arena, bytes);
	if (taken != NULL)
		memset(taken, 0, bytes);
	return taken;
}

enum bw_err bw_arena_copy(struct bw_arena *arena, struct bw_slice bytes, struct bw_slice *out)
{
	size_t need;
	uint8_t *copy;

	BW_TRY(bw_add(bytes.len, 1, &need));
	copy = bw_arena_take(arena, need);
	BW_NEED(copy != NULL, MEMORY);
	memcpy(copy, bytes.ptr, bytes.len);
	copy[bytes.len] = 0;
	*out = (struct bw_slice){ copy, bytes.len };
	return BW_OK;
}

void bw_arena_reset(struct bw_arena *arena)
{
	struct bw_arena_chunk *chunk = arena->head;

	arena->used = 0;
	if (chunk == NULL)
		return;
	while (chunk->next != NULL) {
		struct bw_arena_chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
	chunk->used = 0;
	arena->head = chunk;
}

void bw_arena_release(struct bw_arena *arena)
{
	struct bw_arena_chunk *chunk = arena->head;

	while (chunk != NULL) {
		struct bw_arena_chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
	arena->head = NULL;
	arena->used = 0;
}
