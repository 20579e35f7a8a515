/*
 * Writes into a file, or removes it, by io_uring and by a worker of the kernel (IOSQE_ASYNC), so that no call of
 * write(2) or unlink(2) is ever made. For tests/guard_watch_test.py.
 *
 *   guard_uring_writer write|remove FILE     77: no io_uring here
 *
 * After a write it keeps the file open until its standard input ends.
 */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NO_URING = 77 };

static uint32_t *word_at(uint8_t *ring, uint32_t offset)
{
	return (uint32_t *)(void *)(ring + offset); /* the kernel aligns them */
}

static void *map(int ring, size_t bytes, off_t what)
{
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, what);
}

/* One entry, and its result. */
static int carry_out(const struct io_uring_sqe *wanted)
{
	struct io_uring_params about = { 0 };
	const int ring = (int)syscall(SYS_io_uring_setup, 1, &about);
	struct io_uring_sqe *entries;
	uint8_t *sq;
	uint8_t *cq;

	if (ring < 0)
		return -NO_URING;
	sq = map(ring, about.sq_off.array + about.sq_entries * sizeof(uint32_t), IORING_OFF_SQ_RING);
	cq = map(ring, about.cq_off.cqes + about.cq_entries * sizeof(struct io_uring_cqe), IORING_OFF_CQ_RING);
	entries = map(ring, about.sq_entries * sizeof(*entries), (off_t)IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || (void *)entries == MAP_FAILED)
		return -NO_URING;
	entries[0] = *wanted;
	entries[0].flags = IOSQE_ASYNC;
	*word_at(sq, about.sq_off.array) = 0;
	__atomic_store_n(word_at(sq, about.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		return -NO_URING;
	return ((const struct io_uring_cqe *)(const void *)(cq + about.cq_off.cqes))->res;
}

static int write_into(const char *path)
{
	static const char bytes[] = "URINGURINGURING";
	const int fd = open(path, O_RDWR | O_CLOEXEC);
	char end;

	if (fd < 0)
		return -1;
	if (carry_out(&(struct io_uring_sqe){
		    .opcode = IORING_OP_WRITE, .fd = fd, .addr = (uint64_t)(uintptr_t)bytes, .len = sizeof(bytes) }) !=
	    (int)sizeof(bytes))
		return -NO_URING;
	(void)puts("done");
	(void)fflush(stdout);
	while (read(STDIN_FILENO, &end, 1) > 0)
		;
	return 0;
}

int main(int argc, char **argv)
{
	int done = -1;

	if (argc == 3 && strcmp(argv[1], "write") == 0)
		done = write_into(argv[2]);
	else if (argc == 3 && strcmp(argv[1], "remove") == 0)
		done = carry_out(&(struct io_uring_sqe){
			.opcode = IORING_OP_UNLINKAT, .fd = AT_FDCWD, .addr = (uint64_t)(uintptr_t)argv[2] });
	return done == 0 ? 0 : done == -NO_URING ? NO_URING : 1;
}
