#include "net/loop.h"

#include <assert.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <time.h>

struct bw_loop {
	struct event_base *base;
};

struct bw_watch {
	struct event read;
	struct event write;
	bw_watch_fn *fn;
	void *ctx;
	unsigned wants;
};

struct bw_timer {
	struct event event;
	bw_timer_fn *fn;
	void *ctx;
};

enum bw_err bw_loop_new(struct bw_loop **out)
{
	struct event_config *config = event_config_new();
	struct bw_loop *loop = calloc(1, sizeof(*loop));

	if (config != NULL && loop != NULL) {
		/* One thread needs no lock; the environment of a daemon decides nothing. */
		event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
		loop->base = event_base_new_with_config(config);
	}
	if (config != NULL)
		event_config_free(config);
	if (loop == NULL || loop->base == NULL) {
		free(loop);
		return BW_ERR_MEMORY;
	}
	*out = loop;
	return BW_OK;
}

void bw_loop_free(struct bw_loop *loop)
{
	if (loop == NULL)
		return;
	event_base_free(loop->base);
	free(loop);
}

enum bw_err bw_loop_run(struct bw_loop *loop)
{
	return event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0 ? BW_ERR_SYSTEM : BW_OK;
}

void bw_loop_stop(struct bw_loop *loop)
{
	event_base_loopbreak(loop->base);
}

enum bw_err bw_loop_step(struct bw_loop *loop, bool wait)
{
	return event_base_loop(loop->base, EVLOOP_ONCE | (wait ? 0 : EVLOOP_NONBLOCK)) < 0 ? BW_ERR_SYSTEM : BW_OK;
}

static void watch_fired(evutil_socket_t fd, short what, void *arg)
{
	struct bw_watch *watch = arg;

	watch->fn(watch->ctx, fd, (what & EV_READ) != 0 ? BW_WATCH_READ : BW_WATCH_WRITE);
}

enum bw_err bw_watch_new(struct bw_loop *loop, int fd, unsigned wants, bw_watch_fn *fn, void *ctx,
			 struct bw_watch **out)
{
	struct bw_watch *watch = malloc(sizeof(*watch));
	enum bw_err err;

	BW_NEED(watch != NULL, MEMORY);
	watch->fn = fn;
	watch->ctx = ctx;
	watch->wants = BW_WATCH_NONE;
	event_assign(&watch->read, loop->base, fd, EV_READ | EV_PERSIST, watch_fired, watch);
	event_assign(&watch->write, loop->base, fd, EV_WRITE | EV_PERSIST, watch_fired, watch);
	err = bw_watch_set(watch, wants);
	if (err != BW_OK) {
		bw_watch_free(watch);
		return err;
	}
	*out = watch;
	return BW_OK;
}

static enum bw_err switch_event(struct event *event, bool on)
{
	BW_NEED((on ? event_add(event, NULL) : event_del(event)) == 0, SYSTEM);
	return BW_OK;
}

enum bw_err bw_watch_set(struct bw_watch *watch, unsigned wants)
{
	const unsigned change = watch->wants ^ wants;

	if ((change & BW_WATCH_READ) != 0)
		BW_TRY(switch_event(&watch->read, (wants & BW_WATCH_READ) != 0));
	if ((change & BW_WATCH_WRITE) != 0)
		BW_TRY(switch_event(&watch->write, (wants & BW_WATCH_WRITE) != 0));
	watch->wants = wants;
	return BW_OK;
}

void bw_watch_free(struct bw_watch *watch)
{
	if (watch == NULL)
		return;
	event_del(&watch->read);
	event_del(&watch->write);
	free(watch);
}

static void timer_fired(evutil_socket_t fd, short what, void *arg)
{
	struct bw_timer *timer = arg;

	(void)fd;
	(void)what;
	timer->fn(timer->ctx);
}

enum bw_err bw_timer_new(struct bw_loop *loop, bw_timer_fn *fn, void *ctx, struct bw_timer **out)
{
	struct bw_timer *timer = malloc(sizeof(*timer));

	BW_NEED(timer != NULL, MEMORY);
	timer->fn = fn;
	timer->ctx = ctx;
	event_assign(&timer->event, loop->base, -1, 0, timer_fired, timer);
	*out = timer;
	return BW_OK;
}

void bw_timer_set(struct bw_timer *timer, uint64_t delay_ms)
{
	const struct timeval delay = { .tv_sec = (time_t)(delay_ms / 1000),
				       .tv_usec = (suseconds_t)(delay_ms % 1000) * 1000 };

	if (delay_ms == 0) {
		event_active(&timer->event, EV_TIMEOUT, 1);
		return;
	}
	/* The one failure is memory for the heap; a deadline lost is worse than a stop. */
	if (event_add(&timer->event, &delay) != 0)
		abort();
}

void bw_timer_cancel(struct bw_timer *timer)
{
	event_del(&timer->event);
}

void bw_timer_free(struct bw_timer *timer)
{
	if (timer == NULL)
		return;
	event_del(&timer->event);
	free(timer);
}

uint64_t bw_loop_now_ms(void)
{
	struct timespec now;
	const int failed = clock_gettime(CLOCK_MONOTONIC_COARSE, &now);

	assert(failed == 0);
	(void)failed;
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
