/*
 * A process that makes bait of models and can do nothing else (BW_MAY_COMPUTE): models are strangers' bytes, and
 * whoever lays bait is root.
 *
 *   asked     kind u8 | key of the dice 16 | length be32 | model
 *   answered  enum bw_err u8 | length be32 | content
 */
#ifndef BW_GUARD_BAIT_CHILD_H
#define BW_GUARD_BAIT_CHILD_H

#include <sys/types.h>

#include "guard/bait_form.h"
#include "sys/why.h"

struct bw_bait_child {
	pid_t pid; /* -1: none */
	int to;
	int from;
};

/* SYSTEM; SANDBOX: it would run without one. */
BW_MUST_USE enum bw_err bw_bait_child_start(struct bw_bait_child *out, struct bw_why *why);
void bw_bait_child_stop(struct bw_bait_child *child);

/* As bw_bait_form. A model that ended the process is UNSUPPORTED, and another process is begun. PROTOCOL: nonsense. */
BW_MUST_USE enum bw_err bw_bait_child_form(struct bw_bait_child *child, enum bw_bait_kind kind, struct bw_slice model,
					   struct bw_buf *out);

#endif
