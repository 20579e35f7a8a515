#include "guard/watch_stop.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "guard/lineage_proc.h"

enum {
	RECENT = 8192,              /* forks remembered; a power of two */
	PIDS_MAX = 4 * 1024 * 1024, /* the kernel's own limit on 64 bits */
	SAMBA_PARENTS = 16,         /* several servers may run on one machine */
	LATENCIES = 64,
	BEFORE_NS = 10 * 1000 *
		    1000, /* forks shortly before the evidence, which the judge did not know of when it decided */
};

#define CHASE_NS UINT64_C(2000000000)

/* A row of struct bw_stop, which ends with them. */
struct named {
	uint32_t pid;
	uint64_t start_ns;
};

_Static_assert(sizeof(struct named) == sizeof(((struct bw_stop *)0)->processes[0]), "the same");

struct recent_fork {
	uint64_t time_ns;
	uint64_t start_ns;
	uint32_t pid;
	uint32_t parent;
};

struct bw_stopper {
	struct bw_guard_board *board;
	struct bw_lineage *lineage;
	uint32_t self;
	uint32_t parent;
	int proc;
	uint32_t samba[SAMBA_PARENTS];
	size_t samba_count;
	/* the newest forks, a ring */
	struct recent_fork recent[RECENT];
	uint64_t forks;
	/* the last verdict */
	uint64_t chase_until_ns;
	uint8_t chased[PIDS_MAX / 8]; /* a bit each: their children are stopped */
	uint64_t signalled;
	uint64_t latencies[LATENCIES];
	size_t latency_count;
	struct bw_stop stop; /* its head; last, as it has a tail elsewhere */
};

enum bw_err bw_stopper_new(struct bw_guard_board *board, struct bw_lineage *lineage, struct bw_stopper **out)
{
	struct bw_stopper *stopper = calloc(1, sizeof(*stopper));

	BW_NEED(stopper != NULL, MEMORY);
	stopper->board = board;
	stopper->lineage = lineage;
	stopper->self = (uint32_t)getpid();
	stopper->parent = (uint32_t)getppid();
	stopper->proc = bw_lineage_proc(lineage);
	*out = stopper;
	return BW_OK;
}

void bw_stopper_free(struct bw_stopper *stopper)
{
	free(stopper);
}

uint32_t bw_stopper_parent(const struct bw_stopper *stopper)
{
	return stopper->parent;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- who is never signalled ---------------------------------------------------------------------- */

static bool is_smbd(const char *comm)
{
	return strncmp(comm, "smbd", 4) == 0;
}

/* A name alone protects nobody: anybody may call himself smbd, but not be root. */
static bool is_samba(const struct bw_stopper *stopper, const struct bw_process *process, bool *out_is_parent)
{
	struct bw_process whole = *process;
	struct bw_process parent;

	if (!is_smbd(process->comm))
		return false;
	bw_process_read_more(stopper->proc, &whole);
	if (whole.uid != 0)
		return false;
	*out_is_parent = bw_process_read(stopper->proc, process->parent, &parent) != BW_OK || !is_smbd(parent.comm);
	return true;
}

static bool may_hit(const struct bw_stopper *stopper, const struct bw_process *process)
{
	bool is_parent = false;

	if (process->pid <= 1 || process->kernel || process->pid == stopper->self || process->pid == stopper->parent ||
	    process->parent == stopper->parent)
		return false;
	if (is_samba(stopper, process, &is_parent))
		return !is_parent && stopper->stop.freeze == 0;
	return true;
}

/* ---- one process ------------------------------------------------------------------------------------ */

/* True when it was ours to stop, even if it had ended by itself. */
static bool hit(struct bw_stopper *stopper, uint32_t pid, uint64_t start_ns)
{
	const int fd = pid > 1 && pid <= INT32_MAX ? (int)syscall(SYS_pidfd_open, (pid_t)pid, 0) : -1;
	struct bw_process process;
	bool did = false;

	if (fd < 0)
		return false;
	/* read while the pidfd holds the number: what is read is what will be hit */
	if (bw_process_read(stopper->proc, pid, &process) == BW_OK &&
	    (start_ns == 0 || bw_process_same_start(process.start_ns, start_ns)) && may_hit(stopper, &process)) {
		const int signal = stopper->stop.freeze != 0 ? SIGSTOP : SIGKILL;

		did = syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0) == 0 || !process.alive;
	}
	(void)close(fd);
	return did;
}

static bool is_chased(const struct bw_stopper *stopper, uint32_t pid)
{
	return pid < PIDS_MAX && (stopper->chased[pid / 8] >> pid % 8 & 1) != 0;
}

static void chase(struct bw_stopper *stopper, uint32_t pid, bool on)
{
	if (pid >= PIDS_MAX)
		return;
	if (on)
		stopper->chased[pid / 8] |= (uint8_t)(1u << pid % 8);
	else
		stopper->chased[pid / 8] &= (uint8_t) ~(1u << pid % 8);
}

/*
 * It ended before the verdict came: nobody to signal, but those it forked at last are meant all the same. That it
 * ended need not have been told yet.
 */
static bool has_ended(const struct bw_stopper *stopper, uint32_t pid, uint64_t start_ns)
{
	const struct bw_process *known = bw_processes_find(bw_lineage_processes(stopper->lineage), pid);

	if (known == NULL || (start_ns != 0 && !bw_process_same_start(known->start_ns, start_ns)))
		return false;
	return !known->alive || (kill((pid_t)pid, 0) != 0 && errno == ESRCH);
}

static void stop_one(struct bw_stopper *stopper, uint32_t pid, uint64_t start_ns)
{
	if (!hit(stopper, pid, start_ns))
		return;
	stopper->signalled++;
	chase(stopper, pid, true);
}

/* ---- a group ------------------------------------------------------------------------------------------- */

/* Its number may have been used again, too: one of the verdict's own processes, checked by its start, must be in it. */
static bool group_is_meant(const struct bw_stopper *stopper, struct bw_slice processes)
{
	const uint32_t group = stopper->stop.group;
	struct bw_process process;

	if (group <= 1 || group > INT32_MAX || group == (uint32_t)getpgrp())
		return false;
	for (size_t i = 0; i < stopper->samba_count; i++) {
		if (getpgid((pid_t)stopper->samba[i]) == (pid_t)group)
			return false;
	}
	for (size_t i = 0; i < stopper->stop.count; i++) {
		struct named one;

		memcpy(&one, processes.ptr + i * sizeof(one), sizeof(one));
		if (one.start_ns != 0 && getpgid((pid_t)one.pid) == (pid_t)group &&
		    bw_process_read(stopper->proc, one.pid, &process) == BW_OK &&
		    bw_process_same_start(process.start_ns, one.start_ns) && may_hit(stopper, &process))
			return true;
	}
	return false;
}

/* ---- children ------------------------------------------------------------------------------------------- */

static uint64_t oldest_fork(const struct bw_stopper *stopper)
{
	return stopper->forks > RECENT ? stopper->forks - RECENT : 0;
}

/* In the order of their births: children come after parents. */
static bool chase_forks(struct bw_stopper *stopper, uint64_t from)
{
	bool found = false;

	for (; from < stopper->forks; from++) {
		const struct recent_fork *fork = &stopper->recent[from % RECENT];

		if (!is_chased(stopper, fork->parent) || is_chased(stopper, fork->pid))
			continue;
		chase(stopper, fork->pid, true); /* also when it has ended: its own children may live */
		if (hit(stopper, fork->pid, fork->start_ns)) {
			atomic_fetch_add_explicit(&stopper->board->stops, 1, memory_order_relaxed);
			found = true;
		}
	}
	return found;
}

bool bw_stopper_children(struct bw_stopper *stopper)
{
	const uint64_t since = stopper->stop.decided_ns - BEFORE_NS;
	const uint64_t first = oldest_fork(stopper);
	uint64_t from = stopper->forks;

	while (from > first && stopper->recent[(from - 1) % RECENT].time_ns >= since)
		from--;
	return chase_forks(stopper, from);
}

/*
 * Whoever is named and had ended lives on in those he forked, and they are older than the verdict by as long as watch
 * was late to read of the deed: forks carry the kernel's time, deeds the reader's. So all his forks count that are
 * remembered, before a process that lives is chased, of whom only the newest forks are meant.
 */
static void stop_heirs(struct bw_stopper *stopper, struct bw_slice processes)
{
	bool any = false;
	struct named one;

	for (size_t at = 0; at < processes.len; at += sizeof(one)) {
		memcpy(&one, processes.ptr + at, sizeof(one));
		if (has_ended(stopper, one.pid, one.start_ns)) {
			chase(stopper, one.pid, true);
			any = true;
		}
	}
	if (any)
		(void)chase_forks(stopper, oldest_fork(stopper));
}

static void note_samba(struct bw_stopper *stopper, const struct bw_process_event *event)
{
	const struct bw_process *parent = bw_processes_find(bw_lineage_processes(stopper->lineage), event->parent);
	size_t at = 0;

	while (at < stopper->samba_count && stopper->samba[at] != event->pid)
		at++;
	if (event->act == BW_PROCESS_EXIT || !is_smbd(event->comm) || event->uid != 0) {
		if (at < stopper->samba_count)
			stopper->samba[at] = stopper->samba[--stopper->samba_count];
		return;
	}
	if (at < stopper->samba_count || (parent != NULL && is_smbd(parent->comm)))
		return;
	if (stopper->samba_count < SAMBA_PARENTS)
		stopper->samba[stopper->samba_count++] = event->pid;
}

void bw_stopper_hear(struct bw_stopper *stopper, const struct bw_process_event *event)
{
	note_samba(stopper, event);
	if (event->act == BW_PROCESS_EXIT)
		chase(stopper, event->pid, false); /* its forks were told before: the next of that number is another */
	if (event->act != BW_PROCESS_FORK)
		return;
	stopper->recent[stopper->forks++ % RECENT] = (struct recent_fork){ event->time_ns, event->start_ns, event->pid,
									   event->parent };
	chase(stopper, event->pid, false); /* whoever had that number before */
	if (!bw_stopper_chases(stopper, event->time_ns) || !is_chased(stopper, event->parent))
		return;
	chase(stopper, event->pid, true);
	if (hit(stopper, event->pid, event->start_ns))
		atomic_fetch_add_explicit(&stopper->board->stops, 1, memory_order_relaxed);
}

bool bw_stopper_chases(const struct bw_stopper *stopper, uint64_t now)
{
	return now < stopper->chase_until_ns;
}

/* ---- a verdict -------------------------------------------------------------------------------------------- */

static int compare_u64(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a;
	const uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void note_latency(struct bw_stopper *stopper, uint64_t us)
{
	uint64_t sorted[LATENCIES];
	size_t count;

	atomic_store_explicit(&stopper->board->stop_us[stopper->latency_count % BW_BOARD_STOPS],
			      us < UINT32_MAX ? (uint32_t)us : UINT32_MAX, memory_order_relaxed);
	stopper->latencies[stopper->latency_count++ % LATENCIES] = us;
	atomic_store_explicit(&stopper->board->stop_count, stopper->latency_count, memory_order_release);
	count = stopper->latency_count < LATENCIES ? stopper->latency_count : LATENCIES;
	memcpy(sorted, stopper->latencies, count * sizeof(sorted[0]));
	qsort(sorted, count, sizeof(sorted[0]), compare_u64);
	atomic_store_explicit(&stopper->board->stop_p50_us, sorted[count / 2], memory_order_relaxed);
	atomic_store_explicit(&stopper->board->stop_max_us, sorted[count - 1], memory_order_relaxed);
}

/* A new verdict while another one is chased: both sets of processes are kept. */
static void begin(struct bw_stopper *stopper, const struct bw_stop *stop)
{
	const uint64_t now = now_ns();

	if (!bw_stopper_chases(stopper, now) || stopper->stop.freeze != stop->freeze)
		memset(stopper->chased, 0, sizeof(stopper->chased));
	stopper->stop = *stop;
	if (stopper->stop.decided_ns < BEFORE_NS || stopper->stop.decided_ns > now)
		stopper->stop.decided_ns = now;
	stopper->chase_until_ns = now + CHASE_NS;
	stopper->signalled = 0;
}

enum bw_err bw_stopper_obey(struct bw_stopper *stopper, struct bw_slice record)
{
	struct named one;
	struct bw_slice processes;
	struct bw_stop stop;
	uint64_t us;

	BW_NEED(record.len >= sizeof(stop), PROTOCOL);
	memcpy(&stop, record.ptr, sizeof(stop));
	processes = bw_slice_from(record, sizeof(stop));
	BW_NEED(stop.count <= BW_STOP_PROCESSES_MAX && processes.len == stop.count * sizeof(one), PROTOCOL);
	if (stop.count == 0) { /* approved: what goes on may have children again */
		if (stop.incident == stopper->stop.incident)
			stopper->chase_until_ns = 0;
		return BW_OK;
	}
	begin(stopper, &stop);
	if (stop.group != 0 && group_is_meant(stopper, processes))
		(void)kill(-(pid_t)stop.group, stop.freeze != 0 ? SIGSTOP : SIGKILL);
	stop_heirs(stopper, processes);
	for (size_t i = 0; i < stop.count; i++) {
		memcpy(&one, processes.ptr + i * sizeof(one), sizeof(one));
		stop_one(stopper, one.pid, one.start_ns);
	}
	us = (now_ns() - stopper->stop.decided_ns) / 1000;
	bw_log(BW_NOTICE, stop.freeze != 0 ? "actor frozen" : "actor stopped", BW_NUM("incident", stop.incident),
	       BW_NUM("processes", stopper->signalled), BW_NUM("after_us", us));
	note_latency(stopper, us);
	atomic_fetch_add_explicit(&stopper->board->stops, stopper->signalled, memory_order_relaxed);
	return BW_OK;
}
