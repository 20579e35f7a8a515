/*
 * A worker that has a loop and speaks to one other: hall and courier to the ledger, a witness's door to its notary.
 * Frames of that other and messages of the parent come as calls; what is to be said goes out when the loop turns.
 */
#ifndef BW_ACCORD_LINE_H
#define BW_ACCORD_LINE_H

#include "net/loop.h"
#include "sys/worker.h"

struct bw_line_calls {
	/* A frame of the other; an error breaks the line, and the parent makes another. `fd` is closed afterwards. */
	enum bw_err (*take)(void *ctx, const struct bw_frame *frame, int fd);
	/* The other is gone, or started anew; whatever was asked will not be answered. */
	void (*lost)(void *ctx);
	/* A message of the parent. An error ends the worker while it waits for its first ones, and is logged later. */
	enum bw_err (*told)(void *ctx, const struct bw_frame *message, int fd);
	/* Finish what is in flight; call bw_loop_stop when done. */
	void (*stop)(void *ctx);
};

struct bw_line {
	struct bw_seat *seat;
	const char *peer; /* the other's name */
	struct bw_loop *loop;
	const struct bw_line_calls *calls;
	void *ctx;
	struct bw_channel *channel; /* NULL: there is none now */
	struct bw_watch *watch;
	struct bw_watch *seat_watch;
	struct bw_timer *first;
};

/* Waits for a message of that kind (handed to `told`, as those before it): for what is needed before the sandbox. */
BW_MUST_USE enum bw_err bw_line_wait_for(struct bw_line *line, uint8_t kind, int timeout_ms);

/* From here on the loop hears parent and peer. */
BW_MUST_USE enum bw_err bw_line_open(struct bw_line *line);
void bw_line_close(struct bw_line *line);

/* As bw_channel_put; CLOSED without a peer. */
BW_MUST_USE enum bw_err bw_line_put(struct bw_line *line, uint8_t kind, struct bw_slice body, int pass_fd);

/* For one that writes nonsense: another line is made. */
void bw_line_break(struct bw_line *line);

#endif
