/*
 * What guard_marks.c (the bench) and guard_marks_guard.c (the guard it measures) share.
 */
#ifndef GUARD_MARKS_H
#define GUARD_MARKS_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	BLOCK = 4096,
	SAMPLE = 3 * BLOCK, /* first, middle and last block */
	STRUCTURED = 420,   /* chi-square of random bytes is 255 +- 23 */
	TABLE = 1 << 20,
	JOBS = 1 << 17,
	SLOTS = 64,
	PACKED = 128 * 1024,
	FREE_WAKES = 16,
	STRANGERS = 16, /* unknown files written in a directory until its mark is lifted */
	LIFTED = 4096,
	HANDLE = 32,
	VICTIMS = 2000,
	VICTIM_BYTES = 16 * 1024,
	NEW_FILES = 20000,
	RANDOM_WRITES = 60000,
	BIG_BLOCKS = 65536,
	RUNS_MAX = 40,
	VARIANTS_MAX = 32,
};

struct handle { /* laid out as struct file_handle */
	uint32_t bytes;
	int32_t type;
	uint8_t data[HANDLE];
};

struct entry {
	uint64_t key;
	uint32_t feature; /* chi-square at shadow time */
	uint8_t known, queued, modifies, quiet;
};

struct slot {
	uint32_t entry, old, bytes;
	int32_t actor;
	uint8_t sample[SAMPLE];
};

struct variant {
	const char *name;
	char where;
	bool none, quiet, shadow, at_once, normal, process, futex, wake, plain;
	long batch_us;
};

/* What the bench, the guard and the judge share. */
struct shared {
	_Atomic int ready, busy_stop, go;
	_Atomic long events, modifies, wakes, queued, done, marks;
	_Atomic int reader_tid, worker_tid, judge_pid;
	_Atomic uint64_t watched_key; /* of `sees`: which event arrived */
	_Atomic int saw_modify;
	_Atomic int next, actor; /* of `stop` */
	_Atomic uint64_t decisive_ns, killed_ns;
	_Atomic uint32_t head, tail, verdict, asleep;
	uint64_t closed_ns[NEW_FILES], shadowed_ns[NEW_FILES];
	struct slot slots[SLOTS];
	struct entry table[TABLE];
};

struct guard {
	pid_t pid;
	int stop;
};

extern struct shared *shared;
extern char root[256];
extern bool reflinks;

uint64_t key_of(const struct handle *h);
struct guard guard_start(const struct variant *v);
void guard_end(struct guard g);
double guard_catches_up(struct guard g); /* seconds until all that was queued is done */
double thread_cpu_s(struct guard g, int tid);

static inline void die(const char *what)
{
	(void)fprintf(stderr, "guard_marks: %s: %s\n", what, strerror(errno));
	exit(3);
}

static inline void must(bool ok, const char *what)
{
	if (!ok)
		die(what);
}

static inline uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline void sleep_us(long us)
{
	const struct timespec t = { us / 1000000, us % 1000000 * 1000 };

	(void)nanosleep(&t, NULL);
}

#endif
