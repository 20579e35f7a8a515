/*
 * The event loop: one per process, level-triggered readiness and timers. This
 * room alone includes event2/; everybody else sees these few functions.
 *
 * Callbacks run one at a time, on the thread that called bw_loop_run, and may
 * add, change or free any watch or timer, their own included.
 */
#ifndef BW_NET_LOOP_H
#define BW_NET_LOOP_H

#include "base/bytes.h"

struct bw_loop;
struct bw_watch;
struct bw_timer;

enum {
	BW_WATCH_NONE = 0, /* keeps the watch, asks for nothing */
	BW_WATCH_READ = 1,
	BW_WATCH_WRITE = 2,
};

/* `ready` is BW_WATCH_READ or BW_WATCH_WRITE; errors and hang-ups come as whatever is asked for. */
typedef void bw_watch_fn(void *ctx, int fd, unsigned ready);
typedef void bw_timer_fn(void *ctx);

/*
 * Makes the loop (epoll_create1; no file, no signal, no environment variable is
 * read). MEMORY, SYSTEM.
 */
BW_MUST_USE enum bw_err bw_loop_new(struct bw_loop **out);

/* Every watch, timer and server made on it must be freed first. NULL is fine. */
void bw_loop_free(struct bw_loop *loop);

/* Serves until bw_loop_stop. SYSTEM when the kernel refuses to wait. */
BW_MUST_USE enum bw_err bw_loop_run(struct bw_loop *loop);

/* Ends bw_loop_run after the callback that is running now. */
void bw_loop_stop(struct bw_loop *loop);

/* Handles what is ready now; `wait` blocks until at least one event. For tests. */
BW_MUST_USE enum bw_err bw_loop_step(struct bw_loop *loop, bool wait);

/*
 * Calls `fn` whenever `fd` is ready for what `wants` names. The fd stays the
 * caller's: free the watch before closing it. At most one watch per fd.
 * MEMORY, SYSTEM.
 */
BW_MUST_USE enum bw_err bw_watch_new(struct bw_loop *loop, int fd, unsigned wants, bw_watch_fn *fn, void *ctx,
				     struct bw_watch **out);

/* Cheap when nothing changes. SYSTEM: the kernel refused (fd closed early). */
BW_MUST_USE enum bw_err bw_watch_set(struct bw_watch *watch, unsigned wants);

void bw_watch_free(struct bw_watch *watch); /* NULL is fine */

/* A timer is quiet until set; it fires once per setting. MEMORY. */
BW_MUST_USE enum bw_err bw_timer_new(struct bw_loop *loop, bw_timer_fn *fn, void *ctx, struct bw_timer **out);

/*
 * Fires after `delay_ms`, replacing an earlier setting. 0: in this round, after what is
 * ready already; a timer that sets itself so again and again starves the sockets.
 */
void bw_timer_set(struct bw_timer *timer, uint64_t delay_ms);
void bw_timer_cancel(struct bw_timer *timer);
void bw_timer_free(struct bw_timer *timer); /* NULL is fine */

/* Milliseconds of the monotonic clock, at most some milliseconds behind. */
uint64_t bw_loop_now_ms(void);

#endif
