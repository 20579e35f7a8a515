/* Writes that a tracer of write(2) does not see: mapped memory, io_uring, asynchronous and direct I/O. */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guard/sim_parts.h"

enum { PIECE = 64 * 1024, PAGE_BYTES = 4096 };

/* ---- mapped ------------------------------------------------------------------------------------ */

static void change_mapped(struct sim_job *job, uint8_t *memory)
{
	struct sim_spans spans;
	uint64_t at;
	uint64_t len;

	sim_spans_over(job->plan, job->size, job->salt, &spans);
	while (sim_span_next(&spans, &at, &len))
		sim_code_bytes(job->hand->box->key, job->plan->row->code, job->salt, at, memory + at, (size_t)len);
}

enum bw_err sim_act_map(struct sim_job *job, int fd)
{
	const enum sim_act act = job->plan->act;
	const int first = act == SIM_MAP_PROTECT ? PROT_READ : PROT_READ | PROT_WRITE;
	enum bw_err err = BW_OK;
	uint8_t *memory;
	int own;

	if (job->size == 0)
		return BW_OK;
	own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (own < 0)
		return bw_err_from_errno(errno);
	memory = mmap(NULL, (size_t)job->size, first, MAP_SHARED, own, 0);
	(void)close(own);
	if (memory == MAP_FAILED)
		return bw_err_from_errno(errno);
	if (act != SIM_MAP_SYNC)
		/* the caller's own descriptor goes too: from here on there is only the mapping */
		(void)dup3(STDERR_FILENO, fd, O_CLOEXEC);
	sim_touch(job);
	if (act == SIM_MAP_PROTECT && mprotect(memory, (size_t)job->size, PROT_READ | PROT_WRITE) != 0)
		err = bw_err_from_errno(errno);
	if (err == BW_OK)
		change_mapped(job, memory);
	if (err == BW_OK && act == SIM_MAP_SYNC && msync(memory, (size_t)job->size, MS_SYNC) != 0)
		err = bw_err_from_errno(errno);
	(void)munmap(memory, (size_t)job->size);
	return err;
}

/* ---- every piece of a span, transformed, handed to a way of writing --------------------------------- */

typedef enum bw_err (*write_piece)(void *with, int fd, const uint8_t *bytes, size_t len, uint64_t at);

static enum bw_err each_piece(struct sim_job *job, int fd, write_piece put, void *with)
{
	struct bw_buf *buf = &job->hand->in;
	struct sim_spans spans;
	uint64_t at;
	uint64_t len;

	sim_spans_over(job->plan, job->size, job->salt, &spans);
	while (sim_span_next(&spans, &at, &len)) {
		for (uint64_t done = 0; done < len;) {
			const size_t part = len - done < PIECE ? (size_t)(len - done) : PIECE;
			ssize_t got;

			bw_buf_clear(buf);
			BW_TRY(bw_buf_reserve(buf, part));
			got = pread(fd, buf->ptr, part, (off_t)(at + done));
			if (got < 0)
				return bw_err_from_errno(errno);
			if (got == 0)
				return BW_OK;
			sim_code_bytes(job->hand->box->key, job->plan->row->code, job->salt, at + done, buf->ptr,
				       (size_t)got);
			sim_touch(job);
			BW_TRY(put(with, fd, buf->ptr, (size_t)got, at + done));
			done += (uint64_t)got;
		}
	}
	return BW_OK;
}

/* ---- io_uring by its own calls: one entry at a time ---------------------------------------------------- */

struct ring {
	int fd;
	uint8_t *sq;
	uint8_t *cq;
	size_t sq_bytes, cq_bytes;
	struct io_uring_sqe *entries;
	struct io_uring_params about;
};

static void ring_release(struct ring *ring)
{
	if (ring->entries != NULL)
		(void)munmap(ring->entries, ring->about.sq_entries * sizeof(*ring->entries));
	if (ring->sq != NULL)
		(void)munmap(ring->sq, ring->sq_bytes);
	if (ring->cq != NULL)
		(void)munmap(ring->cq, ring->cq_bytes);
	if (ring->fd >= 0)
		(void)close(ring->fd);
}

static void *map_ring(const struct ring *ring, size_t bytes, uint64_t offset)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd, (off_t)offset);

	return memory == MAP_FAILED ? NULL : memory;
}

static enum bw_err ring_init(struct ring *ring)
{
	ring->fd = (int)syscall(SYS_io_uring_setup, 2, &ring->about);
	BW_NEED(ring->fd >= 0, UNSUPPORTED); /* not there, or switched off by kernel.io_uring_disabled */
	ring->sq_bytes = ring->about.sq_off.array + ring->about.sq_entries * sizeof(uint32_t);
	ring->cq_bytes = ring->about.cq_off.cqes + ring->about.cq_entries * sizeof(struct io_uring_cqe);
	ring->sq = map_ring(ring, ring->sq_bytes, IORING_OFF_SQ_RING);
	ring->cq = map_ring(ring, ring->cq_bytes, IORING_OFF_CQ_RING);
	ring->entries = map_ring(ring, ring->about.sq_entries * sizeof(*ring->entries), IORING_OFF_SQES);
	BW_NEED(ring->sq != NULL && ring->cq != NULL && ring->entries != NULL, MEMORY);
	return BW_OK;
}

static uint32_t *word_at(uint8_t *ring, uint32_t offset)
{
	return (uint32_t *)(void *)(ring + offset); /* the kernel aligns them */
}

static enum bw_err ring_write(void *with, int fd, const uint8_t *bytes, size_t len, uint64_t at)
{
	struct ring *ring = with;
	uint32_t *tail = word_at(ring->sq, ring->about.sq_off.tail);
	uint32_t *head = word_at(ring->cq, ring->about.cq_off.head);
	const uint32_t mask = *word_at(ring->sq, ring->about.sq_off.ring_mask);
	const uint32_t slot = *tail & mask;
	const struct io_uring_cqe *done;
	int32_t result;

	ring->entries[slot] = (struct io_uring_sqe){ .opcode = IORING_OP_WRITE,
						     .flags = IOSQE_ASYNC, /* by a worker of the kernel, not by us */
						     .fd = fd,
						     .addr = (uint64_t)(uintptr_t)bytes,
						     .len = (uint32_t)len,
						     .off = at };
	word_at(ring->sq, ring->about.sq_off.array)[slot] = slot;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		return bw_err_from_errno(errno);
	done = (const struct io_uring_cqe *)(const void *)(ring->cq + ring->about.cq_off.cqes) +
	       (*head & *word_at(ring->cq, ring->about.cq_off.ring_mask));
	result = done->res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return result == (int32_t)len ? BW_OK : result < 0 ? bw_err_from_errno(-result) : BW_ERR_IO;
}

enum bw_err sim_act_uring(struct sim_job *job, int fd)
{
	struct ring ring = { .fd = -1 };
	enum bw_err err = ring_init(&ring);

	if (err == BW_OK)
		err = each_piece(job, fd, ring_write, &ring);
	ring_release(&ring);
	return err;
}

/* ---- asynchronous I/O (io_submit) -------------------------------------------------------------------- */

static enum bw_err aio_write(void *with, int fd, const uint8_t *bytes, size_t len, uint64_t at)
{
	const aio_context_t *context = with;
	struct iocb request = { .aio_lio_opcode = IOCB_CMD_PWRITE,
				.aio_fildes = (uint32_t)fd,
				.aio_buf = (uint64_t)(uintptr_t)bytes,
				.aio_nbytes = len,
				.aio_offset = (int64_t)at };
	struct iocb *requests[1] = { &request };
	struct io_event done = { 0 };

	if (syscall(SYS_io_submit, *context, 1L, requests) != 1 ||
	    syscall(SYS_io_getevents, *context, 1L, 1L, &done, NULL) != 1)
		return bw_err_from_errno(errno);
	return done.res == (int64_t)len ? BW_OK : done.res < 0 ? bw_err_from_errno((int)-done.res) : BW_ERR_IO;
}

enum bw_err sim_act_aio(struct sim_job *job, int fd)
{
	aio_context_t context = 0;
	enum bw_err err;

	if (syscall(SYS_io_setup, 1U, &context) != 0)
		return BW_ERR_UNSUPPORTED;
	err = each_piece(job, fd, aio_write, &context);
	(void)syscall(SYS_io_destroy, context);
	return err;
}

/* ---- O_DIRECT: whole pages past the cache, the tail as usual ------------------------------------------------ */

static enum bw_err write_direct(struct sim_job *job, int fd, uint8_t *memory, uint64_t whole)
{
	const int flags = fcntl(fd, F_GETFL);

	if (fcntl(fd, F_SETFL, flags | O_DIRECT) != 0)
		return BW_ERR_UNSUPPORTED;
	sim_touch(job);
	for (uint64_t at = 0; at < whole; at += PIECE) {
		const size_t part = whole - at < PIECE ? (size_t)(whole - at) : PIECE;

		if (pwrite(fd, memory + at, part, (off_t)at) != (ssize_t)part)
			return errno == EINVAL ? BW_ERR_UNSUPPORTED : bw_err_from_errno(errno);
	}
	if (fcntl(fd, F_SETFL, flags) != 0)
		return bw_err_from_errno(errno);
	if (job->size > whole &&
	    pwrite(fd, memory + whole, (size_t)(job->size - whole), (off_t)whole) != (ssize_t)(job->size - whole))
		return bw_err_from_errno(errno);
	return BW_OK;
}

enum bw_err sim_act_direct(struct sim_job *job, int fd)
{
	const uint64_t whole = job->size / PAGE_BYTES * PAGE_BYTES;
	uint8_t *memory;
	enum bw_err err;

	memory = aligned_alloc(PAGE_BYTES, (size_t)whole + PAGE_BYTES);
	BW_NEED(memory != NULL, MEMORY);
	if (pread(fd, memory, (size_t)job->size, 0) != (ssize_t)job->size)
		err = BW_ERR_IO;
	else {
		sim_code_bytes(job->hand->box->key, job->plan->row->code, job->salt, 0, memory, (size_t)job->size);
		err = write_direct(job, fd, memory, whole);
	}
	free(memory);
	return err;
}
