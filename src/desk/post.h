/*
 * The loop of a worker that has no network: it waits for frames from its peers
 * and from the parent, hands each to one function, and sends what was
 * answered. The gate, the reader, the keeper, the pager and the signer run on it.
 *
 * A frame of a kind that the peer may not send ends that channel, and what was asked
 * over it; the parent makes another, later each time (bw_seat_renew).
 */
#ifndef BW_DESK_POST_H
#define BW_DESK_POST_H

#include "sys/worker.h"

struct bw_post;

/* Where a frame came from and an answer goes. Stays valid; answers to a peer that was replaced are dropped. */
struct bw_return_address {
	uint32_t seat;  /* index of the channel in the post */
	uint32_t epoch; /* of that channel */
};

struct bw_letter {
	struct bw_return_address from;
	const char *peer; /* its name in the table */
	unsigned copy;    /* which of those with that name */
	uint8_t kind;
	struct bw_slice body; /* borrows until the function returns */
	int fd;               /* or -1; closed by the post after the function returns, unless set to -1 */
};

/* Who may send what; the list ends with a NULL peer. */
struct bw_post_rule {
	const char *peer; /* "desk" for guests of the control socket */
	uint8_t kind;
	/* An error ends the channel the letter came from. */
	enum bw_err (*take)(void *ctx, struct bw_letter *letter);
};

struct bw_post_plan {
	const struct bw_post_rule *rules;
	void *ctx;
	/* A message of the parent. May be NULL. */
	enum bw_err (*told)(void *ctx, const struct bw_frame *message, int fd);
	/* All letters of this round are taken: commit, answer. May be NULL. */
	void (*round_done)(void *ctx);
	/* Called at least this often when set; 0: never woken without a letter. */
	int wake_ms;
	void (*woken)(void *ctx);
	/* SIGHUP. May be NULL. */
	void (*reload)(void *ctx);
	/* That peer was started again, or its channel made anew: what was asked of the one before has no answer. May be
	   NULL. */
	void (*replaced)(void *ctx, const char *peer, unsigned copy);
	int guests_fd; /* listening local socket; -1: none */
	/* A second one, whose guests have another name in the rules; NULL: none. */
	struct bw_post_door {
		const char *peer;
		int fd;
	} others;
};

BW_MUST_USE enum bw_err bw_post_new(struct bw_seat *seat, const struct bw_post_plan *plan, struct bw_post **out);
void bw_post_free(struct bw_post *post);

/* Changes the plan's wake_ms from the next round on. */
void bw_post_wake_in(struct bw_post *post, int wake_ms);

/* Waits for one message of the parent of that kind; for what is needed before the sandbox closes. */
BW_MUST_USE enum bw_err bw_post_wait_for(struct bw_post *post, uint8_t kind, int timeout_ms);

/* Until the parent says stop (OK) or is gone (CLOSED). */
BW_MUST_USE enum bw_err bw_post_run(struct bw_post *post);

/* Queues an answer. CLOSED when the peer is gone or another; AGAIN when it does not read. */
BW_MUST_USE enum bw_err bw_post_answer(struct bw_post *post, struct bw_return_address to, uint8_t kind,
				       struct bw_slice body, int pass_fd);

/* Asks a peer by name (copy 0). CLOSED, AGAIN. */
BW_MUST_USE enum bw_err bw_post_ask(struct bw_post *post, const char *peer, uint8_t kind, struct bw_slice body,
				    int pass_fd);

/* The same, of one of several copies. */
BW_MUST_USE enum bw_err bw_post_ask_copy(struct bw_post *post, const char *peer, unsigned copy, uint8_t kind,
					 struct bw_slice body, int pass_fd);

#endif
