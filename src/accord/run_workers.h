/* Workers of `accord run`: their entry points, for the parent's table (accord/run.c). No other file includes this. */
#ifndef BW_ACCORD_RUN_WORKERS_H
#define BW_ACCORD_RUN_WORKERS_H

#include "sys/worker.h"

enum { BW_RUN_LISTENERS_MAX = 8 };

struct bw_run_plan;

/* What workers inherit at their fork. */
struct bw_run_shared {
	const char *data;
	bool require_sandbox;
	int partners[BW_RUN_LISTENERS_MAX]; /* listening sockets: TLS, for those we have met */
	size_t partner_count;
	int caches[BW_RUN_LISTENERS_MAX]; /* plain: tiles and checkpoints */
	size_t cache_count;
	int slate;                /* the notary's, opened O_DSYNC */
	struct bw_run_plan *plan; /* accord/run_plan.h */
};

int bw_hall_run(struct bw_seat *seat);
int bw_courier_run(struct bw_seat *seat);
int bw_clerk_run(struct bw_seat *seat);
int bw_ledger_run(struct bw_seat *seat);
int bw_notary_run(struct bw_seat *seat);

#endif
