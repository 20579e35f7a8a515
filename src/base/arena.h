/*
 * An arena holds everything one request or one parse made, within a byte
 * budget, and goes in one piece. Nothing in it is freed alone.
 */
#ifndef BW_BASE_ARENA_H
#define BW_BASE_ARENA_H

#include "base/bytes.h"

struct bw_arena_chunk;

struct bw_arena {
	struct bw_arena_chunk *head;
	size_t used;   /* bytes handed out since the last reset */
	size_t budget; /* most bytes ever handed out between resets */
};

#define BW_ARENA_INIT(bytes) ((struct bw_arena){ NULL, 0, (bytes) })

/* 16-byte aligned, uninitialised. NULL when the budget or memory is spent. */
void *bw_arena_take(struct bw_arena *arena, size_t bytes);

/* The same, zeroed, for `count` things of `size` bytes. */
void *bw_arena_zero(struct bw_arena *arena, size_t count, size_t size);

/* A copy with a final NUL. MEMORY when spent. */
BW_MUST_USE enum bw_err bw_arena_copy(struct bw_arena *arena, struct bw_slice bytes, struct bw_slice *out);

void bw_arena_reset(struct bw_arena *arena);   /* keeps one chunk for the next request */
void bw_arena_release(struct bw_arena *arena); /* frees all */

#endif
