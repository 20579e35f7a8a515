/*
 * Does the kernel know who wrote a file, when another closes it? Loads bpf/writers.bpf.c as the guard does, plays the
 * ways in which a closer is not the writer, and says who was noted; and what noting costs everybody.
 *
 *   clang -target bpf -g -O2 -idirafter /usr/include/x86_64-linux-gnu -c bpf/writers.bpf.c -o /tmp/writers.o
 *   gcc -O2 -Wall -Wextra -D_GNU_SOURCE -Ibpf -o /tmp/guard_writers bench/experiments/guard_writers.c -lbpf
 *   /tmp/guard_writers /tmp/writers.o DIR [ROUNDS]      as root; DIR on the file system to try, with 300 MB of room
 *
 * Ways: a descriptor passed and closed elsewhere; a mapping; a descriptor left in a cycle of sockets; O_DIRECT;
 * truncate(2); only read; a file another holds open and has just written, stored into by a mapping. Costs: CPU time of
 * four works with the program attached and without, in turn, ROUNDS times: the median of each.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "writers_record.h"

enum { BYTES = 8192, NEW_FILES = 20000, PWRITES = 60000, BIG = 128 * 1024 * 1024, ROUNDS_MAX = 32, PAUSE_US = 50000 };

static struct bpf_program *program;
static const struct writers_row *rows;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void load(const char *object)
{
	struct bpf_object *loaded = bpf_object__open_file(object, NULL);
	struct bpf_map *map;

	if (loaded == NULL || bpf_object__load(loaded) != 0)
		fail("load");
	program = bpf_object__next_program(loaded, NULL);
	map = bpf_object__find_map_by_name(loaded, ".bss");
	rows = mmap(NULL, bpf_map__value_size(map), PROT_READ, MAP_SHARED, bpf_map__fd(map), 0);
	if (rows == MAP_FAILED)
		fail("map");
}

static void *stirred(void *bytes)
{
	memset(bytes, 0xa5, BYTES);
	return bytes;
}

static int made(const char *name)
{
	static uint8_t bytes[BYTES];
	const int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, bytes, sizeof(bytes)) != BYTES)
		fail(name);
	return fd;
}

static void by_mapping(int fd)
{
	void *pages = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (pages == MAP_FAILED)
		fail("mmap");
	(void)munmap(stirred(pages), BYTES);
}

static void pass(int line, const int *fds, size_t count)
{
	char room[CMSG_SPACE(3 * sizeof(int))] = { 0 };
	struct iovec one = { "x", 1 };
	struct msghdr message = { .msg_iov = &one, .msg_iovlen = 1, .msg_control = room };
	struct cmsghdr *head;

	message.msg_controllen = CMSG_SPACE(count * sizeof(int));
	head = CMSG_FIRSTHDR(&message);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(head), fds, count * sizeof(int));
	if (sendmsg(line, &message, 0) < 0)
		fail("sendmsg");
}

/* ---- the attacker's ways, each in a process of its own ----------------------------------------- */

static void passed(int fd)
{
	int pair[2];
	uint8_t bytes[BYTES];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 || pwrite(fd, stirred(bytes), BYTES, 0) != BYTES)
		fail("pass");
	pass(pair[0], &fd, 1); /* whoever receives it, closes it: nobody is needed to show who wrote */
}

static void cycled(int fd)
{
	int held[3] = { fd };

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, held + 1) != 0)
		fail("socketpair");
	by_mapping(fd);
	pass(held[1], held, 3);
}

static void direct(int fd)
{
	char name[64];
	void *bytes = aligned_alloc(4096, BYTES);
	int again;

	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	again = open(name, O_WRONLY | O_DIRECT);
	if (again < 0 || write(again, stirred(bytes), BYTES) != BYTES)
		perror("O_DIRECT");
	free(bytes);
}

static void cut(int fd)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	if (truncate(name, 100) != 0)
		fail("truncate");
}

static void read_only(int fd)
{
	uint8_t bytes[BYTES];

	if (pread(fd, bytes, BYTES, 0) != BYTES)
		fail("read");
}

static const struct {
	const char *name;
	void (*act)(int fd);
	int is_hot; /* its pages are dirty, written just before */
} ways[] = {
	{ "passed on", passed, 0 },
	{ "mapped", by_mapping, 0 },
	{ "left in a cycle", cycled, 0 },
	{ "O_DIRECT", direct, 0 },
	{ "truncate(2)", cut, 0 },
	{ "only read", read_only, 0 },
	{ "mapped, its pages dirty", by_mapping, 1 },
};

static int is_noted(int fd, pid_t pid)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		fail("fstat");
	for (size_t i = 0; i < WRITERS_ROWS; i++) {
		for (size_t k = 0; rows[i].ino == status.st_ino && k < WRITERS_MOST; k++) {
			if (rows[i].ones[k].time_ns != 0 && rows[i].ones[k].pid == (unsigned int)pid)
				return 1;
		}
	}
	return 0;
}

static void play(void)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		const int fd = made("way");
		pid_t pid;

		if (!ways[i].is_hot)
			(void)fsync(fd);
		(void)usleep(PAUSE_US); /* another tick of the file's clock */
		pid = fork();
		if (pid == 0) {
			ways[i].act(open("way", O_RDWR));
			_exit(0);
		}
		(void)waitpid(pid, NULL, 0);
		(void)printf("%-26s %s\n", ways[i].name, is_noted(fd, pid) ? "noted" : "not noted");
		(void)close(fd);
		(void)unlink("way");
	}
}

/* ---- costs -------------------------------------------------------------------------------------- */

static void new_files(void)
{
	for (int i = 0; i < NEW_FILES; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "new-%d", i);
		(void)close(made(name));
	}
}

static void random_writes(void)
{
	const int fd = open("big", O_RDWR);
	uint8_t bytes[BYTES] = { 0 };

	srandom(1);
	for (int i = 0; i < PWRITES; i++)
		(void)!pwrite(fd, bytes, 4096, random() % (BIG / 4096) * 4096);
	(void)close(fd);
}

static void stores(void)
{
	const int fd = open("big", O_RDWR);
	uint8_t *pages = mmap(NULL, BIG, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	for (size_t at = 0; at < BIG; at += 4096)
		pages[at]++;
	(void)munmap(pages, BIG);
	(void)close(fd);
}

static void one_large(void)
{
	const int fd = open("big", O_RDWR | O_CREAT | O_TRUNC, 0644);
	static uint8_t bytes[65536];

	for (size_t at = 0; at < BIG; at += sizeof(bytes))
		(void)!write(fd, bytes, sizeof(bytes));
	(void)close(fd);
}

static const struct {
	const char *name;
	void (*act)(void);
} works[] = { { "one file of 128 MiB", one_large },
	      { "60,000 random 4 KiB pwrites", random_writes },
	      { "32,768 pages stored into", stores },
	      { "20,000 new files of 8 KiB", new_files } };

static double cpu_of(void (*act)(void))
{
	struct rusage before;
	struct rusage after;
	const pid_t pid = (sync(), getrusage(RUSAGE_CHILDREN, &before), fork());

	if (pid == 0) {
		act();
		_exit(0);
	}
	(void)waitpid(pid, NULL, 0);
	(void)getrusage(RUSAGE_CHILDREN, &after);
	return (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec -
			before.ru_stime.tv_sec) +
	       (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec -
			before.ru_stime.tv_usec) /
		       1e6;
}

static int by_size(const void *a, const void *b)
{
	return *(const double *)a < *(const double *)b ? -1 : 1;
}

static void measure(int rounds)
{
	static double took[4][2][ROUNDS_MAX];

	for (int i = 0; i < 2 * rounds; i++) {
		const int on = i % 2 ^ (i / 2) % 2; /* the second of a pair is not always the same */
		struct bpf_link *link = on ? bpf_program__attach(program) : NULL;

		for (size_t w = 0; w < 4; w++)
			took[w][on][i / 2] = cpu_of(works[w].act);
		(void)bpf_link__destroy(link);
		(void)!system("rm -f big new-*");
	}
	for (size_t w = 0; w < 4; w++) {
		for (int on = 0; on < 2; on++)
			qsort(took[w][on], (size_t)rounds, sizeof(double), by_size);
		(void)printf("%-28s without %.3f (%.3f-%.3f) with %.3f (%.3f-%.3f): %.2f\n", works[w].name,
			     took[w][0][rounds / 2], took[w][0][0], took[w][0][rounds - 1], took[w][1][rounds / 2],
			     took[w][1][0], took[w][1][rounds - 1], took[w][1][rounds / 2] / took[w][0][rounds / 2]);
	}
}

int main(int argc, char **argv)
{
	const int rounds = argc > 3 ? atoi(argv[3]) : 7;
	struct bpf_link *link;

	if (argc < 3 || rounds < 1 || rounds > ROUNDS_MAX)
		return 2;
	load(argv[1]);
	if (chdir(argv[2]) != 0)
		fail(argv[2]);
	link = bpf_program__attach(program);
	if (link == NULL)
		fail("attach");
	play();
	(void)bpf_link__destroy(link);
	measure(rounds);
	return 0;
}
