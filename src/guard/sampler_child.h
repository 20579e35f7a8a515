/*
 * A sampler for a command that runs without the guard: enroll. A child that was started before anything was
 * opened and has given up everything; the two rings are all it has.
 */
#ifndef BW_GUARD_SAMPLER_CHILD_H
#define BW_GUARD_SAMPLER_CHILD_H

#include <sys/types.h>

#include "guard/ring.h"
#include "sys/why.h"

struct bw_sampler_child {
	pid_t pid;
	struct bw_ring *samples;
	struct bw_ring *features;
};

/* SANDBOX is only logged: who asks for the sandbox says --require-sandbox to `guard run`. MEMORY, SYSTEM. */
BW_MUST_USE enum bw_err bw_sampler_child_start(struct bw_sampler_child *out, struct bw_why *why);
void bw_sampler_child_stop(struct bw_sampler_child *child);

#endif
