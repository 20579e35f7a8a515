/* One collection of another server into one of ours, page by page. */
#ifndef BW_SERVE_PULL_H
#define BW_SERVE_PULL_H

#include "serve/ingest.h"
#include "serve/remote.h"
#include "serve/sync_state.h"
#include "serve/walk.h"

struct bw_pull {
	struct bw_remote *remote;
	const struct bw_ingest *ingest;
	const struct bw_remote_place *from;
	const char *into;
	const struct bw_sync_state *state;
	uint32_t limit; /* objects a page; 0: the default */

	/* Called after each page that is stored; may be NULL. */
	void (*on_page)(void *ctx, const struct bw_pull *pull);
	void *ctx;

	/* results */
	struct bw_ingest_outcome sum;
	uint64_t pages;
	bool newest_only; /* the server does not know match[version]=all */
	bool may_lose;    /* see struct bw_walk */
	enum bw_walk_step end;
};

/*
 * Pulls until nothing is left. What is stored stays stored whatever happens
 * then, and the next pull goes on there. LOOP and BLIND of serve/walk.h are OK with `end` set.
 */
BW_MUST_USE enum bw_err bw_pull_run(struct bw_pull *pull, struct bw_why *why);

#endif
