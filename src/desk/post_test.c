#include "desk/post.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/test.h"

enum { ECHO = 1, FIRST, SECOND, FORBIDDEN = 99, ROUNDS = 3 };

/* What the processes of one story tell the test, in memory all of them share. */
static struct board {
	atomic_int asker_starts;
	atomic_int answerer_starts;
	atomic_int renewals;
	atomic_int echoes;
	atomic_int told;  /* the parent has said both words */
	atomic_int heard; /* the second one */
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

struct answerer {
	struct bw_post *post;
};

static enum bw_err on_echo(void *ctx, struct bw_letter *letter)
{
	const struct answerer *a = ctx;

	return bw_post_answer(a->post, letter->from, ECHO, letter->body, -1);
}

static int answerer_run(struct bw_seat *seat)
{
	static const struct bw_post_rule rules[] = { { "asker", ECHO, on_echo }, { 0 } };
	struct answerer a = { 0 };
	const struct bw_post_plan plan = { .rules = rules, .ctx = &a, .guests_fd = -1 };
	enum bw_err err;

	board->answerer_starts++;
	if (bw_post_new(seat, &plan, &a.post) != BW_OK || bw_seat_ready(seat) != BW_OK)
		return 1;
	err = bw_post_run(a.post);
	bw_post_free(a.post);
	return err == BW_OK ? 0 : 1;
}

static bool is_answered(struct bw_channel *channel)
{
	struct bw_frame frame;

	return bw_channel_send(channel, ECHO, BW_LIT("hello"), -1, 5000) == BW_OK &&
	       bw_channel_receive(channel, &frame, NULL, 5000) == BW_OK && bw_slice_is(frame.body, "hello");
}

/* Asks for what it may not, is not heard any more, and gets another channel. */
static enum bw_err break_and_wait(struct bw_seat *seat)
{
	struct bw_seat_event event = { 0 };
	struct bw_frame frame;

	BW_TRY(bw_channel_send(bw_seat_peer(seat, "answerer", 0), FORBIDDEN, bw_slice_empty, -1, 5000));
	BW_NEED(bw_channel_receive(bw_seat_peer(seat, "answerer", 0), &frame, NULL, 5000) == BW_ERR_CLOSED, PROTOCOL);
	while (event.kind != BW_SEAT_PEER) {
		BW_TRY(bw_seat_wait(seat, 10000, &event));
		BW_NEED(event.kind != BW_SEAT_STOP, CLOSED);
	}
	bw_channel_free(event.old);
	board->renewals++;
	return BW_OK;
}

static int asker_run(struct bw_seat *seat)
{
	struct bw_seat_event event = { 0 };

	board->asker_starts++;
	if (bw_seat_ready(seat) != BW_OK)
		return 1;
	for (int round = 0; round < ROUNDS; round++) {
		board->echoes += is_answered(bw_seat_peer(seat, "answerer", 0)) ? 1 : 0;
		if (break_and_wait(seat) != BW_OK)
			return 1;
	}
	board->echoes += is_answered(bw_seat_peer(seat, "answerer", 0)) ? 1 : 0;
	while (event.kind != BW_SEAT_STOP) {
		if (bw_seat_wait(seat, -1, &event) != BW_OK)
			return 1;
	}
	return 0;
}

static const struct bw_worker workers[] = {
	{ "asker", asker_run, BW_MAY_COMPUTE },
	{ "answerer", answerer_run, BW_MAY_COMPUTE },
	{ NULL, NULL, 0 },
};
static const struct bw_link links[] = { { "asker", "answerer" }, { NULL, NULL } };
static const struct bw_crew_plan plan = { .workers = workers, .links = links };

/* A minute is for machines in trouble; nothing here waits that long. */
static void wait_until_more(const atomic_int *what, int than)
{
	for (int i = 0; i < 6000 && *what <= than; i++)
		(void)poll(NULL, 0, 10);
	assert_true(*what > than);
}

static void who_breaks_the_protocol_loses_the_channel_and_gets_another(void **state)
{
	const pid_t crew = fork();
	int status;

	(void)state;
	if (crew == 0) {
		bw_log_set_level(BW_CRIT); /* breaches are the point here */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit((int)bw_crew_run(&plan, NULL));
	}
	wait_until_more(&board->echoes, ROUNDS);
	assert_int_equal(board->renewals, ROUNDS);
	assert_int_equal(board->asker_starts, 1);
	assert_int_equal(board->answerer_starts, 1);
	(void)kill(crew, SIGTERM);
	assert_int_equal(waitpid(crew, &status, 0), crew);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == BW_OK);
}

/* ---- two words of the parent that come together ---- */

static enum bw_err on_word(void *ctx, const struct bw_frame *message, int fd)
{
	(void)ctx;
	(void)fd;
	board->heard += message->kind == SECOND ? 1 : 0;
	return BW_OK;
}

static int listener_run(struct bw_seat *seat)
{
	static const struct bw_post_rule none[] = { { 0 } };
	const struct bw_post_plan listens = { .rules = none, .told = on_word, .guests_fd = -1 };
	struct bw_post *post;
	enum bw_err err;

	while (board->told == 0)
		(void)poll(NULL, 0, 1);
	if (bw_post_new(seat, &listens, &post) != BW_OK || bw_post_wait_for(post, FIRST, 20000) != BW_OK ||
	    bw_seat_ready(seat) != BW_OK)
		return 1;
	err = bw_post_run(post);
	bw_post_free(post);
	return err == BW_OK ? 0 : 1;
}

static enum bw_err say_both(void *shared, struct bw_crew *crew, const struct bw_member *who)
{
	(void)shared;
	BW_TRY(bw_crew_tell(crew, who, FIRST, bw_slice_empty, -1));
	BW_TRY(bw_crew_tell(crew, who, SECOND, bw_slice_empty, -1));
	board->told = 1;
	return BW_OK;
}

static void what_came_with_the_word_that_was_waited_for_is_heard_too(void **state)
{
	static const struct bw_worker listener[] = { { "listener", listener_run, BW_MAY_COMPUTE }, { NULL, NULL, 0 } };
	static const struct bw_crew_plan alone = { .workers = listener, .started = say_both };
	const pid_t crew = fork();
	int status;

	(void)state;
	if (crew == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit((int)bw_crew_run(&alone, NULL));
	}
	wait_until_more(&board->heard, 0);
	(void)kill(crew, SIGTERM);
	assert_int_equal(waitpid(crew, &status, 0), crew);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == BW_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(who_breaks_the_protocol_loses_the_channel_and_gets_another, make_board,
						drop_board),
		cmocka_unit_test_setup_teardown(what_came_with_the_word_that_was_waited_for_is_heard_too, make_board,
						drop_board),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
