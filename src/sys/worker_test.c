#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "sys/service.h"
#include "sys/worker.h"

enum { ASKED = 3, TOLD = 4, FORBIDDEN = 9, ECHO = 20 };

/* What the processes of one story tell the test, in memory all of them share. */
static struct board {
	atomic_int ready;
	atomic_int echoes;
	atomic_int front_starts;
	atomic_int helper_starts;
	atomic_int helper_pid;
	atomic_int front_pid;
	atomic_int peer_events;
	atomic_int reloads;
	atomic_int answers;
	atomic_int told;
	atomic_int open_descriptors;
	atomic_int stops;
	atomic_int stop_order;
	atomic_int front_stopped_at;
	atomic_int helper_stopped_at;
	atomic_int misbehave;
	atomic_int fail_at_start;
	atomic_int hangs;
} * board;

static int make_board(void **state)
{
	void *map = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)state;
	board = map;
	return map == MAP_FAILED ? -1 : 0;
}

static int drop_board(void **state)
{
	(void)state;
	return munmap(board, sizeof(*board));
}

static int count_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* Answers every frame of `peer` with the same frame. False: the channel is gone. */
static bool echo_all(struct bw_channel *peer)
{
	enum bw_err err = bw_channel_fill(peer);
	struct bw_frame frame;

	while (err == BW_OK) {
		err = bw_channel_next(peer, &frame, NULL);
		if (err == BW_OK)
			err = bw_channel_put(peer, frame.kind, frame.body, -1);
	}
	if (err == BW_ERR_AGAIN)
		err = bw_channel_flush(peer);
	return err == BW_OK || err == BW_ERR_AGAIN;
}

static int helper_run(struct bw_seat *seat)
{
	board->helper_pid = getpid();
	board->helper_starts++;
	if (board->fail_at_start)
		return 3;
	board->open_descriptors = count_descriptors();
	if (bw_seat_confine(seat, NULL, false, NULL) != BW_OK || bw_seat_ready(seat) != BW_OK)
		return 1;
	for (;;) {
		struct bw_channel *peer = bw_seat_peer(seat, "front", 0);
		struct pollfd wanted[2] = { { bw_seat_fd(seat), POLLIN, 0 }, { bw_channel_fd(peer), POLLIN, 0 } };
		struct bw_seat_event event;

		(void)poll(wanted, 2, 50);
		while (board->hangs)
			(void)pause();
		if (bw_seat_next(seat, &event) != BW_OK)
			return 1;
		if (event.kind == BW_SEAT_PEER) {
			bw_channel_free(event.old);
			continue; /* `peer` is gone */
		}
		if (event.kind == BW_SEAT_RELOAD)
			board->reloads++;
		if (event.kind == BW_SEAT_STOP) {
			board->helper_stopped_at = ++board->stop_order;
			return 0;
		}
		if (wanted[1].revents != 0)
			(void)echo_all(peer);
	}
}

/* Sends one frame to the helper and waits for it to come back. */
static void ask_for_echo(struct bw_seat *seat)
{
	struct bw_channel *peer = bw_seat_peer(seat, "helper", 0);
	struct bw_frame frame;

	if (bw_channel_send(peer, ECHO, BW_LIT("hello"), -1, 200) == BW_OK &&
	    bw_channel_receive(peer, &frame, NULL, 200) == BW_OK && bw_slice_is(frame.body, "hello"))
		board->echoes++;
}

static int front_run(struct bw_seat *seat)
{
	board->front_pid = getpid();
	board->front_starts++;
	if (bw_seat_peers(seat, "helper") != 1 || bw_seat_peer(seat, "nobody", 0) != NULL ||
	    bw_seat_ready(seat) != BW_OK || bw_seat_ask(seat, ASKED, BW_LIT("name?"), -1) != BW_OK)
		return 1;
	for (;;) {
		struct bw_seat_event event;
		const enum bw_err err = bw_seat_wait(seat, 10, &event);

		if (err == BW_ERR_TIMEOUT) {
			ask_for_echo(seat);
			if (board->misbehave && bw_seat_ask(seat, FORBIDDEN, bw_slice_empty, -1) != BW_OK)
				return 1;
			continue;
		}
		if (err != BW_OK)
			return 1;
		if (event.kind == BW_SEAT_PEER) {
			bw_channel_free(event.old);
			board->peer_events++;
		}
		if (event.kind == BW_SEAT_MESSAGE && event.message.kind == ASKED)
			board->answers += bw_slice_is(event.message.body, "breakwater");
		if (event.kind == BW_SEAT_MESSAGE && event.message.kind == TOLD)
			board->told += bw_slice_is(event.message.body, "key");
		if (event.kind == BW_SEAT_STOP) {
			board->front_stopped_at = ++board->stop_order;
			return 0;
		}
	}
}

static enum bw_err answer_name(void *shared, const struct bw_member *from, struct bw_slice body, int fd,
			       struct bw_buf *reply, int *reply_fd)
{
	(void)shared;
	(void)reply_fd;
	BW_NEED(strcmp(from->name, "front") == 0 && bw_slice_is(body, "name?") && fd < 0, DENIED);
	return bw_buf_add_text(reply, "breakwater");
}

static enum bw_err tell_key(void *shared, struct bw_crew *crew, const struct bw_member *who)
{
	(void)shared;
	if (strcmp(who->name, "front") != 0)
		return BW_OK;
	return bw_crew_tell(crew, who, TOLD, BW_LIT("key"), -1);
}

static void note_ready(void *shared, struct bw_crew *crew)
{
	(void)shared;
	(void)crew;
	board->ready++;
}

static const struct bw_worker workers[] = {
	{ "front", front_run, BW_MAY_ACCEPT },
	{ "helper", helper_run, BW_MAY_COMPUTE },
	{ NULL, NULL, 0 },
};
static const struct bw_link links[] = { { "front", "helper" }, { NULL, NULL } };
static const struct bw_ask asks[] = { { "front", ASKED, answer_name }, { NULL, 0, NULL } };
static const int silent_ms[] = { 0, 400 };
static const struct bw_crew_plan plan = {
	.workers = workers,
	.links = links,
	.asks = asks,
	.started = tell_key,
	.ready = note_ready,
	.silent_ms = silent_ms,
};

/* A process that is the parent of a crew; exits with the error bw_crew_run gave. */
static pid_t start_crew(void)
{
	const pid_t pid = fork();

	if (pid == 0) {
		bw_log_set_level(BW_CRIT); /* deaths are the point here */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit((int)bw_crew_run(&plan, NULL));
	}
	return pid;
}

/* Ten seconds are for machines in trouble; nothing here waits that long. */
static void wait_until_more(const atomic_int *what, int than)
{
	for (int i = 0; i < 2000 && *what <= than; i++)
		(void)poll(NULL, 0, 5);
	assert_true(*what > than);
}

static void assert_ends_with(pid_t crew, enum bw_err want)
{
	int status;

	assert_int_equal(waitpid(crew, &status, 0), crew);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), want);
}

static void workers_find_their_peers_get_their_keys_and_stop_in_order(void **state)
{
	const pid_t crew = start_crew();

	(void)state;
	wait_until_more(&board->ready, 0);
	wait_until_more(&board->echoes, 2);
	wait_until_more(&board->answers, 0);
	wait_until_more(&board->told, 0);
	(void)kill(crew, SIGTERM);
	assert_ends_with(crew, BW_OK);
	assert_int_equal(board->front_stopped_at, 1);
	assert_int_equal(board->helper_stopped_at, 2);
	assert_int_equal(board->ready, 1);
}

static void a_worker_holds_no_descriptor_that_is_not_its_own(void **state)
{
	const int secret = open("/dev/null", O_RDONLY);
	const pid_t crew = start_crew();

	(void)state;
	wait_until_more(&board->ready, 0);
	/* standard input, output, error, the parent, one peer */
	assert_int_equal(board->open_descriptors, 5);
	(void)kill(crew, SIGTERM);
	assert_ends_with(crew, BW_OK);
	(void)close(secret);
}

static void a_killed_worker_comes_back_and_its_peer_hears_of_it(void **state)
{
	const pid_t crew = start_crew();

	(void)state;
	wait_until_more(&board->echoes, 0);
	for (int round = 0; round < 5; round++) {
		const int starts = board->helper_starts;
		const int events = board->peer_events;
		int echoes;

		(void)kill((pid_t)board->helper_pid, SIGKILL);
		wait_until_more(&board->helper_starts, starts);
		wait_until_more(&board->peer_events, events);
		echoes = board->echoes;
		wait_until_more(&board->echoes, echoes + 1);
	}
	(void)kill(crew, SIGTERM);
	assert_ends_with(crew, BW_OK);
}

static void a_worker_that_hangs_is_replaced(void **state)
{
	const pid_t crew = start_crew();
	int starts;

	(void)state;
	wait_until_more(&board->echoes, 0);
	assert_int_equal(board->helper_starts, 1);
	starts = board->helper_starts;
	board->hangs = 1;
	wait_until_more(&board->helper_starts, starts);
	board->hangs = 0;
	starts = board->echoes;
	wait_until_more(&board->echoes, starts);
	(void)kill(crew, SIGTERM);
	assert_ends_with(crew, BW_OK);
}

static void a_worker_that_was_stopped_is_replaced(void **state)
{
	const pid_t crew = start_crew();
	int starts;

	(void)state;
	wait_until_more(&board->echoes, 0);
	starts = board->helper_starts;
	(void)kill((pid_t)board->helper_pid, SIGSTOP);
	wait_until_more(&board->helper_starts, starts);
	(void)kill(crew, SIGTERM);
	assert_ends_with(crew, BW_OK);
}

static void a_worker_that_asks_for_what_is_not_listed_is_ended(void **state)
{
	const pid_t crew = start_crew();
	int starts;

	(void)state;
	wait_until_more(&board->echoes, 0);
	starts = board->front_starts;
	board->misbehave = 1;
	wait_until_more(&board->front_starts, starts);
	board->misbehave = 0;
	starts = board->echoes;
	wait_until_more(&board->echoes, starts);
	(void)kill(crew, SIGTERM);
	assert_ends_with(crew, BW_OK);
}

static void a_worker_that_cannot_start_ends_the_crew(void **state)
{
	pid_t crew;

	(void)state;
	board->fail_at_start = 1;
	crew = start_crew();
	assert_ends_with(crew, BW_ERR_SYSTEM);
	assert_int_equal(board->helper_starts, 1);
	assert_int_equal(board->ready, 0);
}

static void hup_reaches_the_workers(void **state)
{
	const pid_t crew = start_crew();

	(void)state;
	wait_until_more(&board->ready, 0);
	(void)kill(crew, SIGHUP);
	wait_until_more(&board->reloads, 0);
	(void)kill(crew, SIGINT);
	assert_ends_with(crew, BW_OK);
}

static void workers_die_with_their_parent(void **state)
{
	const pid_t crew = start_crew();

	(void)state;
	wait_until_more(&board->ready, 0);
	(void)kill(crew, SIGKILL);
	assert_int_equal(waitpid(crew, NULL, 0), crew);
	for (int i = 0; i < 2000 && kill((pid_t)board->helper_pid, 0) == 0; i++)
		(void)poll(NULL, 0, 5);
	assert_int_equal(kill((pid_t)board->helper_pid, 0), -1);
	assert_int_equal(errno, ESRCH);
}

static void ready_is_told_to_the_service_manager(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int manager = socket(AF_UNIX, SOCK_DGRAM, 0);
	char name[64];
	char got[64] = "";

	(void)state;
	(void)snprintf(name, sizeof(name), "@bw-notify-%ld", (long)getpid());
	memcpy(address.sun_path + 1, name + 1, strlen(name) - 1);
	assert_int_equal(bind(manager, (const struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
			 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
	bw_service_notify("READY=1");
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	assert_true(recv(manager, got, sizeof(got) - 1, MSG_DONTWAIT) > 0);
	assert_string_equal(got, "READY=1");
	bw_service_notify("READY=1"); /* nobody to tell: no harm */
	(void)close(manager);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, make_board, drop_board)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(workers_find_their_peers_get_their_keys_and_stop_in_order),
		STORY(a_worker_holds_no_descriptor_that_is_not_its_own),
		STORY(a_killed_worker_comes_back_and_its_peer_hears_of_it),
		STORY(a_worker_that_hangs_is_replaced),
		STORY(a_worker_that_was_stopped_is_replaced),
		STORY(a_worker_that_asks_for_what_is_not_listed_is_ended),
		STORY(a_worker_that_cannot_start_ends_the_crew),
		STORY(hup_reaches_the_workers),
		STORY(workers_die_with_their_parent),
		cmocka_unit_test(ready_is_told_to_the_service_manager),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
