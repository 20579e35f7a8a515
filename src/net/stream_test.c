#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/conn.h"

/* The owner of these tests answers everything with a stream, and pushes what the test tells it to. */
enum { HEARERS_MAX = 400, PIECE_BYTES = 60000 };

struct radio {
	struct bw_loop *loop;
	struct bw_http_server *server;
	struct bw_exchange *hearers[HEARERS_MAX];
	size_t count;
	unsigned sent; /* ends of each kind */
	unsigned gone;
	bool drained;
	enum bw_err began;
};

static uint64_t fake_now;

static uint64_t fake_clock(void)
{
	return fake_now;
}

static void on_head(void *ctx, struct bw_exchange *x)
{
	struct radio *radio = ctx;
	struct bw_reply *head;
	struct bw_reply *plain;

	assert_int_equal(bw_reply_new_stream(200, BW_LIT("Content-Type: text/event-stream\r\n"), &head), BW_OK);
	radio->began = bw_exchange_stream(x, head);
	if (radio->began == BW_OK) {
		radio->hearers[radio->count++] = x;
		return;
	}
	assert_int_equal(bw_reply_new(406, bw_slice_empty, NULL, &plain), BW_OK);
	bw_exchange_answer(x, plain);
}

static void on_end(void *ctx, struct bw_exchange *x, enum bw_exchange_end how)
{
	struct radio *radio = ctx;

	for (size_t i = 0; i < radio->count; i++) {
		if (radio->hearers[i] == x)
			radio->hearers[i] = radio->hearers[--radio->count];
	}
	radio->sent += how == BW_EXCHANGE_SENT;
	radio->gone += how == BW_EXCHANGE_GONE;
}

static void on_drained(void *ctx)
{
	((struct radio *)ctx)->drained = true;
}

static const struct bw_http_calls calls = { .on_head = on_head, .on_end = on_end, .on_drained = on_drained };

static int set_up(void **state)
{
	struct radio *radio = calloc(1, sizeof(*radio));

	assert_non_null(radio);
	fake_now = 1000000;
	assert_int_equal(bw_loop_new(&radio->loop), BW_OK);
	assert_int_equal(bw_http_server_new(radio->loop, NULL, &calls, radio, &radio->server), BW_OK);
	radio->server->clock = fake_clock;
	*state = radio;
	return 0;
}

static int tear_down(void **state)
{
	struct radio *radio = *state;

	bw_http_server_free(radio->server);
	bw_loop_free(radio->loop);
	free(radio);
	return 0;
}

static void turn(struct radio *radio)
{
	for (int i = 0; i < 8; i++)
		assert_int_equal(bw_loop_step(radio->loop, false), BW_OK);
}

static int tune_in(struct radio *radio, const char *request)
{
	const struct bw_slice words = bw_slice_text(request);
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(bw_http_server_adopt(radio->server, pair[1], NULL), BW_OK);
	assert_int_equal(send(pair[0], words.ptr, words.len, MSG_NOSIGNAL), words.len);
	turn(radio);
	return pair[0];
}

#define GET "GET /events HTTP/1.1\r\nHost: a.example\r\n\r\n"

static enum bw_err push(struct radio *radio, size_t to, struct bw_slice bytes)
{
	struct bw_reply *piece;

	assert_int_equal(bw_reply_new_piece(bytes, &piece), BW_OK);
	return bw_exchange_push(radio->hearers[to], piece);
}

/* All that has arrived; true when the server has closed. */
static bool hear(struct radio *radio, int fd, struct bw_buf *heard)
{
	static uint8_t bytes[65536];

	for (;;) {
		ssize_t n;

		turn(radio);
		n = recv(fd, bytes, sizeof(bytes), 0);
		if (n < 0 && errno == EAGAIN)
			return false;
		if (n <= 0)
			return true;
		assert_int_equal(bw_buf_add(heard, bw_slice_of(bytes, (size_t)n)), BW_OK);
	}
}

/* What a client understands of the stream so far, by the same parsers as any client's. True when it has ended. */
static bool understand(const struct bw_buf *heard, struct bw_buf *body)
{
	struct bw_http_response response;
	struct bw_http_body reading;
	struct bw_slice rest = bw_buf_slice(heard);
	size_t seen = 0;

	assert_int_equal(bw_http_response_parse(rest, false, &seen, &response, NULL), BW_OK);
	assert_int_equal(response.status, 200);
	assert_int_equal(response.head.body, BW_HTTP_BODY_CHUNKED);
	assert_int_equal(bw_http_body_init(&reading, &response.head, UINT64_MAX), BW_OK);
	rest = bw_slice_from(rest, response.head.head_bytes);
	while (rest.len > 0 && !reading.done) {
		struct bw_slice piece;
		size_t used;

		assert_int_equal(bw_http_body_take(&reading, rest, &used, &piece, NULL), BW_OK);
		assert_int_equal(bw_buf_add(body, piece), BW_OK);
		assert_true(used > 0);
		rest = bw_slice_from(rest, used);
	}
	assert_true(!reading.done || rest.len == 0);
	return reading.done;
}

static void pieces_arrive_as_they_are_pushed_and_the_end_is_said(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf heard = BW_BUF_INIT(BW_MIB);
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_MIB);
	struct radio *radio = *state;
	const int fd = tune_in(radio, GET);

	assert_false(hear(radio, fd, &heard));
	assert_non_null(strstr(bw_buf_text(&heard), "Connection: close\r\n"));
	assert_null(strstr(bw_buf_text(&heard), "Content-Length"));
	assert_false(understand(&heard, &body));
	assert_int_equal(push(radio, 0, BW_LIT("data: one\n\n")), BW_OK);
	assert_false(hear(radio, fd, &heard));
	assert_false(understand(&heard, &body));
	assert_true(bw_slice_is(bw_buf_slice(&body), "data: one\n\n"));
	assert_int_equal(push(radio, 0, BW_LIT("data: two\n\n")), BW_OK);
	bw_exchange_finish(radio->hearers[0]);
	assert_int_equal(push(radio, 0, BW_LIT("data: late\n\n")), BW_ERR_CLOSED);
	bw_buf_clear(&body);
	assert_true(hear(radio, fd, &heard));
	assert_true(understand(&heard, &body));
	assert_true(bw_slice_is(bw_buf_slice(&body), "data: one\n\ndata: two\n\n"));
	assert_int_equal(radio->sent, 1);
	close(fd);
}

static void one_piece_serves_all_who_hear_it(void **state)
{
	struct radio *radio = *state;
	struct bw_reply *piece;
	int fds[3];

	for (size_t i = 0; i < BW_COUNT(fds); i++)
		fds[i] = tune_in(radio, GET);
	assert_int_equal(bw_reply_new_piece(BW_LIT("to all"), &piece), BW_OK);
	for (size_t i = 0; i < BW_COUNT(fds); i++)
		assert_int_equal(bw_exchange_push(radio->hearers[i], bw_reply_hold(piece)), BW_OK);
	bw_reply_drop(piece);
	for (size_t i = 0; i < BW_COUNT(fds); i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf heard = BW_BUF_INIT(BW_MIB);
		BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_MIB);

		assert_false(hear(radio, fds[i], &heard));
		assert_false(understand(&heard, &body));
		assert_true(bw_slice_is(bw_buf_slice(&body), "to all"));
		close(fds[i]);
	}
	turn(radio);
	assert_int_equal(radio->gone, 3);
}

static void who_goes_is_noticed_also_when_only_half(void **state)
{
	struct radio *radio = *state;
	const int all = tune_in(radio, GET);
	const int half = tune_in(radio, GET);

	close(all);
	turn(radio);
	assert_int_equal(radio->gone, 1);
	assert_int_equal(shutdown(half, SHUT_WR), 0);
	turn(radio);
	assert_int_equal(radio->gone, 2);
	assert_int_equal(radio->count, 0);
	close(half);
}

static void who_talks_instead_of_hearing_is_let_go(void **state)
{
	static const uint8_t noise[BW_HTTP_STREAM_CHATTER];
	struct radio *radio = *state;
	const int fd = tune_in(radio, GET);

	assert_int_equal(send(fd, noise, sizeof(noise), MSG_NOSIGNAL), sizeof(noise));
	turn(radio);
	assert_int_equal(radio->gone, 0);
	assert_int_equal(send(fd, noise, 1, MSG_NOSIGNAL), 1);
	turn(radio);
	assert_int_equal(radio->gone, 1);
	close(fd);
}

/* The socket takes some hundred kB; what it does not take waits, up to the limit, and after it the owner is told. */
static void who_does_not_take_the_pieces_is_told_to_the_owner_and_dropped_in_time(void **state)
{
	static uint8_t bytes[PIECE_BYTES];
	struct radio *radio = *state;
	const int fd = tune_in(radio, GET);
	unsigned taken = 0;

	while (push(radio, 0, bw_slice_of(bytes, sizeof(bytes))) == BW_OK) {
		turn(radio);
		assert_true(++taken < 1000);
	}
	assert_true(taken > BW_HTTP_STREAM_PIECES);
	assert_int_equal(radio->gone, 0);
	for (int window = 0; window < 2; window++) { /* the first one saw what the kernel took */
		fake_now += radio->server->limits.write_window_ms + 1;
		bw_server_sweep(radio->server);
		turn(radio);
	}
	assert_int_equal(radio->gone, 1);
	close(fd);
}

static void a_slow_hearer_gets_every_byte_in_order(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf heard = BW_BUF_INIT(8 * BW_MIB);
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(8 * BW_MIB);
	static uint8_t bytes[PIECE_BYTES];
	struct radio *radio = *state;
	const int fd = tune_in(radio, GET);

	for (unsigned i = 0; i < BW_HTTP_STREAM_PIECES; i++) {
		memset(bytes, (int)('A' + i), sizeof(bytes));
		assert_int_equal(push(radio, 0, bw_slice_of(bytes, sizeof(bytes))), BW_OK);
	}
	bw_exchange_finish(radio->hearers[0]);
	assert_true(hear(radio, fd, &heard));
	assert_true(understand(&heard, &body));
	assert_int_equal(body.len, BW_HTTP_STREAM_PIECES * sizeof(bytes));
	for (size_t i = 0; i < body.len; i++)
		assert_int_equal(body.ptr[i], 'A' + i / sizeof(bytes));
	assert_int_equal(radio->sent, 1);
	close(fd);
}

static void a_stream_that_rests_too_long_ends_as_it_should(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf heard = BW_BUF_INIT(BW_MIB);
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_MIB);
	struct radio *radio = *state;
	const int fd = tune_in(radio, GET);

	fake_now += radio->server->limits.stream_ms;
	assert_int_equal(push(radio, 0, BW_LIT("awake")), BW_OK);
	turn(radio);
	fake_now += radio->server->limits.stream_ms - 1;
	bw_server_sweep(radio->server);
	assert_false(hear(radio, fd, &heard));
	fake_now += 1;
	bw_server_sweep(radio->server);
	assert_true(hear(radio, fd, &heard));
	assert_true(understand(&heard, &body));
	assert_int_equal(radio->sent, 1);
	close(fd);
}

static void a_drain_finishes_streams(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf heard = BW_BUF_INIT(BW_MIB);
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_MIB);
	struct radio *radio = *state;
	const int fd = tune_in(radio, GET);

	bw_http_server_drain(radio->server);
	assert_true(hear(radio, fd, &heard));
	assert_true(understand(&heard, &body));
	assert_int_equal(radio->sent, 1);
	close(fd);
	turn(radio);
	assert_true(radio->drained);
}

static void who_cannot_understand_a_stream_is_answered_otherwise(void **state)
{
	struct radio *radio = *state;
	const int old = tune_in(radio, "GET /events HTTP/1.0\r\nHost: a\r\n\r\n");

	assert_int_equal(radio->began, BW_ERR_UNSUPPORTED);
	radio->began = BW_OK;
	close(tune_in(radio, "HEAD /events HTTP/1.1\r\nHost: a\r\n\r\n"));
	assert_int_equal(radio->began, BW_ERR_UNSUPPORTED);
	assert_int_equal(radio->sent, 2);
	close(old);
}

static void a_stream_that_rests_holds_no_request(void **state)
{
	struct radio *radio = *state;
	static int fds[HEARERS_MAX];

	for (size_t i = 0; i < HEARERS_MAX; i++)
		fds[i] = tune_in(radio, GET);
	assert_int_equal(radio->count, HEARERS_MAX);
	for (size_t i = 0; i < HEARERS_MAX; i++)
		assert_null(BW_LINK_OWNER((struct bw_link *)(uintptr_t)radio->hearers[i], struct conn, x)->work);
	for (size_t i = 0; i < HEARERS_MAX; i++)
		close(fds[i]);
	turn(radio);
	assert_int_equal(radio->gone, HEARERS_MAX);
}

static void the_empty_piece_and_a_huge_one_are_known(void **state)
{
	static uint8_t bytes[BW_REPLY_PIECE_MAX + 1];
	struct bw_reply *piece;

	(void)state;
	assert_int_equal(bw_reply_new_piece(bw_slice_of(bytes, sizeof(bytes)), &piece), BW_ERR_TOO_BIG);
	assert_int_equal(bw_reply_new_piece(bw_slice_empty, &piece), BW_OK);
	assert_int_equal(bw_reply_body_bytes(piece), 5);
	bw_reply_drop(piece);
	assert_int_equal(bw_reply_new_stream(204, bw_slice_empty, &piece), BW_ERR_RANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pieces_arrive_as_they_are_pushed_and_the_end_is_said, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(one_piece_serves_all_who_hear_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_goes_is_noticed_also_when_only_half, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_talks_instead_of_hearing_is_let_go, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_does_not_take_the_pieces_is_told_to_the_owner_and_dropped_in_time,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_slow_hearer_gets_every_byte_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_stream_that_rests_too_long_ends_as_it_should, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_drain_finishes_streams, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_cannot_understand_a_stream_is_answered_otherwise, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_stream_that_rests_holds_no_request, set_up, tear_down),
		cmocka_unit_test(the_empty_piece_and_a_huge_one_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
