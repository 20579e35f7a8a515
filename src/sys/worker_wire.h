/*
 * Between worker.c (the parent), worker_child.c and seat.c (the child); no other file includes
 * this. Control frames and what the child starts with.
 */
#ifndef BW_SYS_WORKER_WIRE_H
#define BW_SYS_WORKER_WIRE_H

#include <signal.h>
#include <sys/types.h>

#include "sys/worker.h"

enum control_kind {
	/* parent to worker */
	CONTROL_PEER = 1,  /* row u8 | copy u8, with a descriptor */
	CONTROL_BEGIN = 2, /* every peer that runs has been told */
	CONTROL_RELOAD = 3,
	CONTROL_STOP = 4,
	CONTROL_MESSAGE = 5, /* kind u8 | body, perhaps with a descriptor */
	/* worker to parent */
	CONTROL_READY = 6,
	CONTROL_ASK = 7,   /* kind u8 | body, perhaps with a descriptor */
	CONTROL_RENEW = 8, /* row u8 | copy u8: the channel to that peer is given up; another, please */
	/* and back at once, while it hears its seat at all */
	CONTROL_PING = 9,
};

/* Wraps a message for CONTROL_MESSAGE and CONTROL_ASK and queues it. */
BW_MUST_USE enum bw_err bw_control_put(struct bw_channel *channel, enum control_kind control, uint8_t kind,
				       struct bw_slice body, int pass_fd);

/* What a child needs to know of its parent's plans. */
struct bw_child {
	const struct bw_crew_plan *plan;
	size_t row;
	unsigned copy;
	unsigned copies;
	int control_fd;
	pid_t parent;
	sigset_t mask_before; /* the signal mask before the parent blocked its own */
};

/* Right after fork: gives up what belongs to others, runs the worker, ends the process. */
BW_NORETURN void bw_child_run(const struct bw_child *child);

/* In the child, set up and alone: waits for BEGIN, runs the worker, returns its exit status. */
int bw_seat_run(const struct bw_crew_plan *plan, size_t row, unsigned copy, int control_fd);

#endif
