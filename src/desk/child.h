/*
 * A child process that works for a command and holds nothing: it is started before anything worth having is open,
 * closes all descriptors but its channel and gives up everything before its work begins (BW_MAY_COMPUTE). It
 * ends when its master does.
 */
#ifndef BW_DESK_CHILD_H
#define BW_DESK_CHILD_H

#include "sys/channel.h"
#include "sys/why.h"

struct bw_child {
	struct bw_channel *channel; /* NULL: not started */
	int pid;
};

struct bw_child_plan {
	const char *name; /* of the process, and in its log: at most 12 bytes */
	/* In the child, confined; an error ends it. CLOSED: the master has gone, which is how this ends. */
	enum bw_err (*run)(struct bw_channel *channel);
};

BW_MUST_USE enum bw_err bw_child_start(const struct bw_child_plan *plan, struct bw_child *out, struct bw_why *why);
void bw_child_end(struct bw_child *child); /* one that was never started too */

#endif
