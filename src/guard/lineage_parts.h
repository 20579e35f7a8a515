/*
 * The two ways to hear of processes; private to the lineage files.
 */
#ifndef BW_GUARD_LINEAGE_PARTS_H
#define BW_GUARD_LINEAGE_PARTS_H

#include "guard/lineage.h"

struct bw_kernel_ear; /* lineage_bpf.c, or a file that always answers UNSUPPORTED */

BW_MUST_USE enum bw_err bw_kernel_ear_open(struct bw_kernel_ear **out, struct bw_why *why);
void bw_kernel_ear_free(struct bw_kernel_ear *ear);
int bw_kernel_ear_fd(const struct bw_kernel_ear *ear);

/* True when records were lost since the last call. */
bool bw_kernel_ear_drain(struct bw_kernel_ear *ear,
			 void (*take)(void *context, const struct bw_process_event *event, bool kernel), void *context);

/* The proc connector: a bound netlink socket. */
BW_MUST_USE enum bw_err bw_connector_open(int *out_fd, struct bw_why *why);

/* One datagram as an event: NOT_FOUND when it tells nothing we want. TRUNCATED, PROTOCOL. */
BW_MUST_USE enum bw_err bw_connector_parse(struct bw_slice datagram, struct bw_process_event *out);

#endif
