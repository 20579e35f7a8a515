/* Workers of the exchange: their entry points, for the parent's table (serve/serve.c). */
#ifndef BW_SERVE_WORKERS_H
#define BW_SERVE_WORKERS_H

#include "base/command.h"
#include "sys/worker.h"

enum {
	BW_LISTENERS_MAX = 8,
	BW_MEMORY_CATALOGUE = 0, /* what BW_TELL_MEMORY and BW_ASK_SHARE speak of */
	BW_MEMORY_BULLETIN = 1,
};

/* What workers inherit from the parent at their fork. */
struct bw_serve_shared {
	const char *data;  /* the data folder */
	const char *store; /* its store/ */
	int listeners[BW_LISTENERS_MAX];
	size_t listener_count;
	int control;  /* listening local sockets for the keeper; -1: none */
	int partners; /* … for the ledger of `accord run` */
};

int bw_front_run(struct bw_seat *seat);
int bw_gate_run(struct bw_seat *seat);
int bw_reader_run(struct bw_seat *seat);
int bw_keeper_run(struct bw_seat *seat);
int bw_pager_run(struct bw_seat *seat);
int bw_signer_run(struct bw_seat *seat);
int bw_indexer_run(struct bw_seat *seat);

#endif
