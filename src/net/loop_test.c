#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/loop.h"

struct seen {
	struct bw_loop *loop;
	struct bw_watch *watch;
	struct bw_timer *timer;
	int reads;
	int writes;
	int fired;
};

static void note(void *ctx, int fd, unsigned ready)
{
	struct seen *seen = ctx;

	(void)fd;
	if (ready == BW_WATCH_READ)
		seen->reads++;
	else
		seen->writes++;
}

static void note_and_go(void *ctx, int fd, unsigned ready)
{
	struct seen *seen = ctx;

	note(ctx, fd, ready);
	bw_watch_free(seen->watch);
	seen->watch = NULL;
}

static void a_watch_tells_what_it_was_asked_to(void **state)
{
	struct seen seen = { 0 };
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(bw_loop_new(&seen.loop), BW_OK);
	assert_int_equal(bw_watch_new(seen.loop, pair[0], BW_WATCH_READ, note, &seen, &seen.watch), BW_OK);
	assert_int_equal(bw_loop_step(seen.loop, false), BW_OK);
	assert_int_equal(seen.reads + seen.writes, 0);
	assert_int_equal(write(pair[1], "x", 1), 1);
	assert_int_equal(bw_loop_step(seen.loop, true), BW_OK);
	assert_int_equal(bw_loop_step(seen.loop, false), BW_OK);
	assert_int_equal(seen.reads, 2); /* the byte is still there */
	assert_int_equal(bw_watch_set(seen.watch, BW_WATCH_WRITE), BW_OK);
	assert_int_equal(bw_loop_step(seen.loop, true), BW_OK);
	assert_int_equal(seen.reads, 2);
	assert_int_equal(seen.writes, 1);
	assert_int_equal(bw_watch_set(seen.watch, BW_WATCH_NONE), BW_OK);
	assert_int_equal(bw_loop_step(seen.loop, false), BW_OK);
	assert_int_equal(seen.writes, 1);
	bw_watch_free(seen.watch);
	bw_loop_free(seen.loop);
	close(pair[0]);
	close(pair[1]);
}

static void a_watch_may_end_itself(void **state)
{
	struct seen seen = { 0 };
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(bw_loop_new(&seen.loop), BW_OK);
	assert_int_equal(
		bw_watch_new(seen.loop, pair[0], BW_WATCH_READ | BW_WATCH_WRITE, note_and_go, &seen, &seen.watch),
		BW_OK);
	assert_int_equal(write(pair[1], "x", 1), 1);
	assert_int_equal(bw_loop_step(seen.loop, true), BW_OK);
	assert_int_equal(bw_loop_step(seen.loop, false), BW_OK);
	assert_int_equal(seen.reads + seen.writes, 1);
	bw_loop_free(seen.loop);
	close(pair[0]);
	close(pair[1]);
}

static void fire(void *ctx)
{
	struct seen *seen = ctx;

	if (++seen->fired < 3)
		bw_timer_set(seen->timer, (uint64_t)seen->fired);
	else
		bw_loop_stop(seen->loop);
}

static void a_timer_fires_once_for_each_setting_and_may_set_itself(void **state)
{
	struct seen seen = { 0 };

	(void)state;
	assert_int_equal(bw_loop_new(&seen.loop), BW_OK);
	assert_int_equal(bw_timer_new(seen.loop, fire, &seen, &seen.timer), BW_OK);
	assert_int_equal(bw_loop_step(seen.loop, false), BW_OK);
	assert_int_equal(seen.fired, 0);
	bw_timer_set(seen.timer, 0);
	bw_timer_cancel(seen.timer);
	assert_int_equal(bw_loop_step(seen.loop, false), BW_OK);
	assert_int_equal(seen.fired, 0);
	bw_timer_set(seen.timer, 0);
	assert_int_equal(bw_loop_run(seen.loop), BW_OK);
	assert_int_equal(seen.fired, 3);
	bw_timer_free(seen.timer);
	bw_loop_free(seen.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_watch_tells_what_it_was_asked_to),
		cmocka_unit_test(a_watch_may_end_itself),
		cmocka_unit_test(a_timer_fires_once_for_each_setting_and_may_set_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
