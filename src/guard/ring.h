/*
 * A ring: records from one process to another through memory both see, in order,
 * without a system call while the reader is awake. Made by the parent before it
 * forks; afterwards exactly one process writes and one reads. Either may die and be started
 * again: its successor goes on where it was.
 *
 * Neither side trusts the other. The writer reads nothing back but the reader's
 * position, and bounds it; the reader bounds every length, and copies before it checks what it
 * is going to use twice.
 */
#ifndef BW_GUARD_RING_H
#define BW_GUARD_RING_H

#include "sys/memfile.h"

struct bw_ring;

struct bw_ring_record {
	uint32_t kind;
	struct bw_slice bytes; /* in shared memory, 8-aligned; until bw_ring_done */
};

enum { BW_RING_BYTES_MIN = 64 * 1024, BW_RING_BYTES_MAX = 1024 * 1024 * 1024 };

/* `bytes` a power of two; a record takes at most a quarter of it. RANGE, MEMORY, TOO_MANY, SYSTEM. */
BW_MUST_USE enum bw_err bw_ring_new(const char *name, size_t bytes, struct bw_ring **out);
void bw_ring_free(struct bw_ring *ring); /* NULL allowed */

/* What a worker that writes or reads keeps from its parent. */
int bw_ring_fd(const struct bw_ring *ring); /* readable when the reader was asleep and something came */

/* ---- the writer ---------------------------------------------------------------------- */

/* Room for a record of up to `max` bytes, 8-aligned; NULL when the reader is that far behind. */
void *bw_ring_room(struct bw_ring *ring, size_t max);

/* The record in the room is complete with `len` bytes; wakes the reader if it sleeps. */
void bw_ring_put(struct bw_ring *ring, uint32_t kind, size_t len);

/* The same without waking: for one of many, when bw_ring_wake follows the last. A wake costs more than a record. */
void bw_ring_put_quietly(struct bw_ring *ring, uint32_t kind, size_t len);
void bw_ring_wake(struct bw_ring *ring); /* the reader, if it sleeps on something */

/* Share of the ring that is waiting to be read, in 1/256. */
unsigned bw_ring_load(const struct bw_ring *ring);

/* ---- the reader ---------------------------------------------------------------------- */

/* The next record. AGAIN: none now. PROTOCOL: the writer broke the ring; it has been emptied. */
BW_MUST_USE enum bw_err bw_ring_next(struct bw_ring *ring, struct bw_ring_record *out);
void bw_ring_done(struct bw_ring *ring); /* with the record of bw_ring_next */

/* Before waiting for bw_ring_fd: false when something came meanwhile. */
bool bw_ring_may_sleep(struct bw_ring *ring);
void bw_ring_awake(struct bw_ring *ring); /* after waiting */

#endif
