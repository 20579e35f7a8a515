/*
 * A channel carries frames, each with at most one descriptor, between two
 * workers over a connected AF_UNIX stream socket. The socket is non-blocking;
 * an event loop drives fill/next and put/flush, simple callers use the
 * blocking send/receive. Both ways are bounded: a peer that floods or stalls
 * costs at most the limits given.
 *
 * The other end is treated as a stranger: a bad frame, a descriptor nobody
 * announced or one that is missing is PROTOCOL, after which the channel is
 * good only for bw_channel_free.
 */
#ifndef BW_SYS_CHANNEL_H
#define BW_SYS_CHANNEL_H

#include "sys/frame.h"

struct bw_channel;

enum {
	BW_CHANNEL_OUT_MAX = 8 * 1024 * 1024, /* queued bytes before put answers AGAIN */
	BW_CHANNEL_FDS_MAX = 128,             /* descriptors waiting, each way */
};

/* A connected pair, close-on-exec. TOO_MANY (descriptors), SYSTEM. */
BW_MUST_USE enum bw_err bw_channel_pair(int out_fds[2]);

/* Owns `fd` from here on, also when it fails (then it is closed). MEMORY, SYSTEM. */
BW_MUST_USE enum bw_err bw_channel_new(int fd, struct bw_channel **out);
void bw_channel_free(struct bw_channel *channel); /* closes; NULL allowed */

/*
 * For channels that carry keys: what was sent, and what was taken out and is done with
 * (at the next fill, next or receive), is wiped from memory. MEMORY.
 */
BW_MUST_USE enum bw_err bw_channel_keep_secret(struct bw_channel *channel);

/* For poll, epoll or libevent; stays the same for the life of the channel. */
int bw_channel_fd(const struct bw_channel *channel);

/*
 * Whether fill has said CLOSED, or the channel was given up. Such a descriptor is readable for ever: whoever waits for
 * a new channel leaves it out of what he polls.
 */
bool bw_channel_has_ended(const struct bw_channel *channel);

/*
 * For one whose other end makes no sense (bw_seat_renew does it): nothing more is taken from it, fill and next say
 * CLOSED from now on.
 */
void bw_channel_give_up(struct bw_channel *channel);

/* ---- for an event loop ------------------------------------------------ */

/*
 * Queues a frame; sends nothing yet. `pass_fd` (-1: none) is duplicated at once:
 * the caller keeps its own. AGAIN when the queue is full (flush, then
 * try again), RANGE, TOO_BIG, TOO_MANY, MEMORY.
 */
BW_MUST_USE enum bw_err bw_channel_put(struct bw_channel *channel, uint8_t kind, struct bw_slice body, int pass_fd);

/* Sends what it can. OK: the queue is empty. AGAIN: wait until writable. CLOSED, SYSTEM. */
BW_MUST_USE enum bw_err bw_channel_flush(struct bw_channel *channel);

/* True while flush has something left to send. */
bool bw_channel_has_output(const struct bw_channel *channel);

/*
 * Whether the queue is short: an eighth of its bytes and half of its descriptors at most. Who answers
 * takes no more questions while it is not, so that there is always room for the answers.
 */
bool bw_channel_has_room(const struct bw_channel *channel);

/* Receives what is there. OK: some bytes came. AGAIN: none now. CLOSED, PROTOCOL, MEMORY, SYSTEM. */
BW_MUST_USE enum bw_err bw_channel_fill(struct bw_channel *channel);

/*
 * The next whole frame. AGAIN: fill first. PROTOCOL: final. `out->body` borrows
 * until the next fill, next or receive. `*out_fd` is the descriptor that came
 * with it or -1, now the caller's to close; with out_fd NULL it is closed. A
 * frame that has_fd with -1 lost it: this process has no descriptor left.
 */
BW_MUST_USE enum bw_err bw_channel_next(struct bw_channel *channel, struct bw_frame *out, int *out_fd);

/* ---- blocking --------------------------------------------------------- */

/* Queue and send all. timeout_ms < 0 waits for ever. TIMEOUT (part may have gone: give the channel up). */
BW_MUST_USE enum bw_err bw_channel_send(struct bw_channel *channel, uint8_t kind, struct bw_slice body, int pass_fd,
					int timeout_ms);

/* Waits for the next whole frame; as bw_channel_next. TIMEOUT leaves the channel usable. */
BW_MUST_USE enum bw_err bw_channel_receive(struct bw_channel *channel, struct bw_frame *out, int *out_fd,
					   int timeout_ms);

#endif
