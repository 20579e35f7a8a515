/* One of our collections into one of another server, page by page. */
#ifndef BW_SERVE_PUSH_H
#define BW_SERVE_PUSH_H

#include "serve/ingest.h"
#include "serve/remote.h"
#include "serve/sync_state.h"

enum {
	BW_PUSH_PAGE_OBJECTS = 1000,
	BW_PUSH_STATUS_WAIT_MS = 300000, /* for a status resource to become complete */
};

/* Bytes of one POST, whatever the server would take: a page is sent again whole when it fails. */
#define BW_PUSH_PAGE_BYTES (8 * BW_MIB)

struct bw_push {
	struct bw_remote *remote;
	const struct bw_ingest *ingest;
	const struct bw_remote_place *to;
	const char *from;
	const struct bw_sync_state *state;

	/* Called after each page that was taken; may be NULL. */
	void (*on_page)(void *ctx, const struct bw_push *push);
	void *ctx;

	/* results */
	uint64_t pages;
	uint64_t sent;      /* objects */
	uint64_t refused;   /* by the other side */
	uint64_t unsettled; /* whose status was still pending when we stopped waiting */
	char first_refusal[256];
};

/*
 * Sends what was added here since the last push. The place is saved when the
 * other side has told what became of a page; after a failure in between the page is sent again, which
 * TAXII 2.1 §5.5 makes harmless. A page that is too large or refused whole is cut in
 * pieces, down to one object.
 */
BW_MUST_USE enum bw_err bw_push_run(struct bw_push *push, struct bw_why *why);

#endif
