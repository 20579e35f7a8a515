#include "guard/ring.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { RECORD_HEAD = 8, SKIP = UINT32_MAX };

/* Positions count bytes since the beginning and never wrap; each side writes its own line of memory. */
struct positions {
	_Alignas(64) _Atomic uint64_t head; /* the writer's */
	_Alignas(64) _Atomic uint64_t tail; /* the reader's */
	_Atomic uint32_t asleep;
};

struct head {
	uint32_t len;
	uint32_t kind;
};

struct bw_ring {
	struct bw_shared memory;
	struct positions *at;
	uint8_t *data;
	size_t size;
	int wake;
	uint64_t reserved; /* writer: where the room begins */
	uint64_t reading;  /* reader: bytes of the record being read, with its head */
};

enum bw_err bw_ring_new(const char *name, size_t bytes, struct bw_ring **out)
{
	struct bw_ring *ring;
	enum bw_err err;

	BW_NEED(bytes >= BW_RING_BYTES_MIN && bytes <= BW_RING_BYTES_MAX && (bytes & (bytes - 1)) == 0, RANGE);
	ring = calloc(1, sizeof(*ring));
	BW_NEED(ring != NULL, MEMORY);
	ring->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	err = ring->wake >= 0 ? bw_shared_new(name, bytes + 4096, &ring->memory) : bw_err_from_errno(errno);
	if (err != BW_OK) {
		bw_ring_free(ring);
		return err;
	}
	/*
	 * The memory stays without its descriptor. A worker keeps those its parent names (bw_guard_fds) and gets
	 * channels by the numbers of all others: a ring that closed a second one would close a channel.
	 */
	(void)close(ring->memory.fd);
	ring->memory.fd = -1;
	ring->at = (struct positions *)(void *)ring->memory.ptr; /* a page: aligned for anything */
	ring->data = ring->memory.ptr + 4096;
	ring->size = bytes;
	*out = ring;
	return BW_OK;
}

void bw_ring_free(struct bw_ring *ring)
{
	if (ring == NULL)
		return;
	if (ring->memory.ptr != NULL)
		bw_shared_release(&ring->memory);
	if (ring->wake >= 0)
		(void)close(ring->wake);
	free(ring);
}

int bw_ring_fd(const struct bw_ring *ring)
{
	return ring->wake;
}

static uint64_t used(const struct bw_ring *ring)
{
	const uint64_t head = atomic_load_explicit(&ring->at->head, memory_order_relaxed);
	const uint64_t tail = atomic_load_explicit(&ring->at->tail, memory_order_acquire);

	return head - tail <= ring->size ? head - tail : ring->size; /* a tail that lies: full, until it stops */
}

unsigned bw_ring_load(const struct bw_ring *ring)
{
	return (unsigned)(used(ring) * 256 / ring->size);
}

static size_t padded(size_t len)
{
	return RECORD_HEAD + ((len + 7) & ~(size_t)7);
}

static void write_head(struct bw_ring *ring, uint64_t at, uint32_t kind, uint32_t len)
{
	const struct head head = { len, kind };

	memcpy(ring->data + (at & (ring->size - 1)), &head, sizeof(head));
}

/* ---- the writer ------------------------------------------------------------------------- */

void *bw_ring_room(struct bw_ring *ring, size_t max)
{
	uint64_t head = atomic_load_explicit(&ring->at->head, memory_order_relaxed);
	const size_t need = padded(max);
	const size_t to_end = ring->size - (size_t)(head & (ring->size - 1));
	const size_t skip = need > to_end ? to_end : 0;

	if (max > ring->size / 4 || used(ring) + skip + need > ring->size)
		return NULL;
	if (skip > 0) {
		write_head(ring, head, SKIP, (uint32_t)(skip - RECORD_HEAD));
		head += skip;
	}
	ring->reserved = head;
	return ring->data + (head & (ring->size - 1)) + RECORD_HEAD;
}

void bw_ring_put_quietly(struct bw_ring *ring, uint32_t kind, size_t len)
{
	write_head(ring, ring->reserved, kind, (uint32_t)len);
	/* sequentially consistent with the reader's asleep: either it sees the record or we see it asleep */
	atomic_store(&ring->at->head, ring->reserved + padded(len));
}

void bw_ring_wake(struct bw_ring *ring)
{
	const uint64_t one = 1;

	if (atomic_load(&ring->at->asleep) != 0 && used(ring) > 0 && write(ring->wake, &one, sizeof(one)) < 0)
		return; /* the counter is full, so the reader is woken already */
}

void bw_ring_put(struct bw_ring *ring, uint32_t kind, size_t len)
{
	bw_ring_put_quietly(ring, kind, len);
	bw_ring_wake(ring);
}

/* ---- the reader -------------------------------------------------------------------------- */

static enum bw_err broken(struct bw_ring *ring, uint64_t head)
{
	atomic_store_explicit(&ring->at->tail, head, memory_order_release);
	return BW_ERR_PROTOCOL;
}

enum bw_err bw_ring_next(struct bw_ring *ring, struct bw_ring_record *out)
{
	for (;;) {
		const uint64_t head = atomic_load_explicit(&ring->at->head, memory_order_acquire);
		const uint64_t tail = atomic_load_explicit(&ring->at->tail, memory_order_relaxed);
		const size_t offset = (size_t)(tail & (ring->size - 1));
		struct head record;

		if (head == tail)
			return BW_ERR_AGAIN;
		if (head - tail > ring->size || ring->size - offset < RECORD_HEAD)
			return broken(ring, head);
		memcpy(&record, ring->data + offset, sizeof(record));
		if (padded(record.len) > head - tail || padded(record.len) > ring->size - offset)
			return broken(ring, head);
		ring->reading = padded(record.len);
		if (record.kind != SKIP) {
			*out = (struct bw_ring_record){ record.kind,
							bw_slice_of(ring->data + offset + RECORD_HEAD, record.len) };
			return BW_OK;
		}
		bw_ring_done(ring);
	}
}

void bw_ring_done(struct bw_ring *ring)
{
	const uint64_t tail = atomic_load_explicit(&ring->at->tail, memory_order_relaxed);

	atomic_store_explicit(&ring->at->tail, tail + ring->reading, memory_order_release);
	ring->reading = 0;
}

bool bw_ring_may_sleep(struct bw_ring *ring)
{
	atomic_store(&ring->at->asleep, 1);
	if (atomic_load(&ring->at->head) == atomic_load_explicit(&ring->at->tail, memory_order_relaxed))
		return true;
	bw_ring_awake(ring);
	return false;
}

void bw_ring_awake(struct bw_ring *ring)
{
	uint64_t count;

	atomic_store(&ring->at->asleep, 0);
	if (read(ring->wake, &count, sizeof(count)) < 0)
		return; /* nobody woke us */
}
