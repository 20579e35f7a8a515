/* Inside the keeper: what its files share. */
#ifndef BW_SERVE_KEEPER_INNER_H
#define BW_SERVE_KEEPER_INNER_H

#include "desk/desk.h"
#include "desk/form.h"
#include "desk/post.h"
#include "serve/ask.h"
#include "serve/seal.h"
#include "serve/settings.h"
#include "serve/taxii.h"

enum { KEEPER_ROUND_MAX = 256 }; /* requests that share a commit */

/* An answer that waits for the commit. */
struct waiting {
	enum waiting_kind { FOR_FRONT, FOR_DESK, FOR_SEEN } kind;
	struct bw_return_address to;
	uint64_t id;     /* of a front's request, or of its batch of accesses */
	unsigned status; /* HTTP, once committed */
	struct bw_buf body;
};

struct keeper {
	struct bw_post *post;
	struct bw_store *store;
	struct bw_serve_settings settings;
	struct bw_sealing sealing;
	int64_t retire_due_ms; /* when to look next for what must not be kept any longer */
	bool dirty;            /* something waits for a commit */
	bool in_part;          /* between keeper_begin and keeper_end */
	size_t waiting_count;
	struct waiting waiting[KEEPER_ROUND_MAX];
};

/* ---- keeper_round.c: one transaction, one fsync, for all that arrive together ---- */

/* Begins a request of a round that has room for it; what it writes is kept or undone by itself. */
BW_MUST_USE enum bw_err keeper_begin(struct keeper *k);

/*
 * Ends it. True: all is well, and its answer is to wait for the commit (keeper_wait). False: it failed,
 * alone or with the whole round; `*err` says why, and nothing of it is stored. USAGE is a refusal.
 */
bool keeper_end(struct keeper *k, enum bw_err *err);

/* The round has room: keeper_begin saw to it. */
struct waiting *keeper_wait(struct keeper *k, enum waiting_kind kind, struct bw_return_address to);

/* Commits, and answers all who wait. */
void keeper_round_done(void *ctx);

void keeper_send_desk(struct keeper *k, struct bw_return_address to, enum bw_err err, const char *words,
		      struct bw_slice result, int fd);
void keeper_send_problem(struct keeper *k, struct bw_return_address to, uint64_t id, const struct bw_problem *problem);

/* 503: nothing of the request was stored, and why. */
void keeper_send_lost(struct keeper *k, struct bw_return_address to, uint64_t id, enum bw_err err);
void keeper_send_seen(struct keeper *k, struct bw_return_address to, uint64_t batch, bool stored);

/* ---- keeper_write.c: POST and DELETE ---- */

BW_MUST_USE enum bw_err keeper_on_put(void *ctx, struct bw_letter *letter);
BW_MUST_USE enum bw_err keeper_on_delete(void *ctx, struct bw_letter *letter);

/* ---- keeper_retire.c: what partners sent, when its time is over ---- */

/* At most so much that nobody waits for it; what is left goes the next time. Nothing else waits for a commit. */
void keeper_retire(struct keeper *k, int64_t now_ms);

/* ---- keeper_audit.c: lines of the audit log ---- */

struct actor {
	struct bw_slice name;
	struct bw_slice ip; /* 16 bytes */
	struct bw_slice target;
};

/* The line of a write, in the write's own transaction. */
BW_MUST_USE enum bw_err keeper_audit_write(struct keeper *k, const struct actor *actor, const char *action,
					   unsigned status, const char *note);

/* What a front saw. */
BW_MUST_USE enum bw_err keeper_on_seen(void *ctx, struct bw_letter *letter);

#endif
