/*
 * Who is whose child: every process the guard has heard of, also some while after its end, because the
 * parent of a double fork is dead before anybody asks. Pure memory: lineage.h fills it.
 *
 * A process is its number and its start together; the number alone is used again.
 */
#ifndef BW_GUARD_LINEAGE_TABLE_H
#define BW_GUARD_LINEAGE_TABLE_H

#include "guard/event.h"

enum {
	BW_PROCESSES_MAX = 64 * 1024, /* the oldest dead one makes room, then the oldest living */
};

struct bw_process {
	uint64_t start_ns; /* CLOCK_BOOTTIME; 0: not known */
	uint64_t seen_ns;  /* CLOCK_MONOTONIC of its fork, or when it was found */
	uint64_t cgroup;
	uint32_t pid;
	uint32_t parent; /* who forked it, also when that one is dead */
	uint32_t session;
	uint32_t group;
	uint32_t uid;
	bool alive;
	bool stopped; /* by a signal; /proc alone tells */
	bool kernel;  /* a thread of the kernel's own */
	char comm[BW_COMM_BYTES];
};

struct bw_processes;

BW_MUST_USE enum bw_err bw_processes_new(struct bw_processes **out); /* MEMORY */
void bw_processes_free(struct bw_processes *processes);              /* NULL allowed */

/* Adds it, or replaces what was known of that number. */
void bw_processes_put(struct bw_processes *processes, const struct bw_process *process);
void bw_processes_end(struct bw_processes *processes, uint32_t pid);

/* The newest of that number, dead or alive; NULL. Until the next put. */
const struct bw_process *bw_processes_find(const struct bw_processes *processes, uint32_t pid);

/* The process behind number `n` (0 .. count - 1), in no order. Until the next put. */
size_t bw_processes_count(const struct bw_processes *processes);
const struct bw_process *bw_processes_at(const struct bw_processes *processes, size_t n);
size_t bw_processes_alive(const struct bw_processes *processes);

/* Whether `ancestor` is it, its parent, its parent's parent ... as far as is known. */
bool bw_processes_descends(const struct bw_processes *processes, uint32_t pid, uint32_t ancestor);

#endif
