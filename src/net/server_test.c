#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/conn.h"

/*
 * The owner of these tests decides by path: /now answers at once, /take takes a
 * body of at most TAKE_MAX and echoes it, /refuse answers 413 at once, /later waits for
 * the test, /big sends BIG_BYTES, /mid answers 422 at the first piece of a body,
 * /abort hangs up.
 */
enum { TAKE_MAX = 100000, BIG_BYTES = 8 * 1024 * 1024 };

struct house {
	struct bw_loop *loop;
	struct bw_http_server *server;
	struct bw_exchange *later;
	struct bw_buf body;
	struct bw_buf calls; /* "head /now; end sent; " */
	bool drained;
};

static uint64_t fake_now;

static uint64_t fake_clock(void)
{
	return fake_now;
}

static struct bw_reply *text_reply(unsigned status, struct bw_slice text)
{
	struct bw_buf body = BW_BUF_INIT(BIG_BYTES);
	struct bw_reply *reply;

	assert_int_equal(bw_buf_add(&body, text), BW_OK);
	assert_int_equal(bw_reply_new(status, BW_LIT("Content-Type: text/plain\r\n"), &body, &reply), BW_OK);
	return reply;
}

static void note(struct house *house, const char *what, struct bw_slice which)
{
	assert_int_equal(bw_buf_addf(&house->calls, "%s %.*s; ", what, BW_ARG(which)), BW_OK);
}

static struct bw_reply *big_reply(void)
{
	struct bw_buf body = BW_BUF_INIT(BIG_BYTES);
	struct bw_reply *reply;

	assert_int_equal(bw_buf_reserve(&body, BIG_BYTES), BW_OK);
	memset(body.ptr, 'b', BIG_BYTES);
	body.len = BIG_BYTES;
	assert_int_equal(bw_reply_new(200, bw_slice_empty, &body, &reply), BW_OK);
	return reply;
}

static void on_head(void *ctx, struct bw_exchange *x)
{
	struct house *house = ctx;
	const struct bw_http_request *request = bw_exchange_head(x);

	note(house, "head", request->path);
	assert_int_not_equal(bw_exchange_id(x), 0);
	bw_exchange_set_data(x, house);
	bw_buf_clear(&house->body);
	if (bw_slice_is(request->path, "/now"))
		bw_exchange_answer(x, text_reply(200, request->query));
	else if (bw_slice_is(request->path, "/take") || bw_slice_is(request->path, "/mid")) {
		if (bw_exchange_receive(x, TAKE_MAX) != BW_OK)
			bw_exchange_answer(x, text_reply(413, BW_LIT("too big")));
	} else if (bw_slice_is(request->path, "/refuse"))
		bw_exchange_answer(x, text_reply(413, BW_LIT("no")));
	else if (bw_slice_is(request->path, "/big"))
		bw_exchange_answer(x, big_reply());
	else if (bw_slice_is(request->path, "/abort"))
		bw_exchange_abort(x);
	else
		house->later = x;
}

static void on_body(void *ctx, struct bw_exchange *x, struct bw_slice bytes)
{
	struct house *house = ctx;

	assert_ptr_equal(bw_exchange_data(x), house);
	assert_int_equal(bw_buf_add(&house->body, bytes), BW_OK);
	if (bw_slice_is(bw_exchange_head(x)->path, "/mid"))
		bw_exchange_answer(x, text_reply(422, BW_LIT("mid")));
}

static void on_body_end(void *ctx, struct bw_exchange *x)
{
	struct house *house = ctx;

	bw_exchange_answer(x, text_reply(200, bw_buf_slice(&house->body)));
}

static void on_end(void *ctx, struct bw_exchange *x, enum bw_exchange_end how)
{
	struct house *house = ctx;

	note(house, "end", how == BW_EXCHANGE_SENT ? BW_LIT("sent") : BW_LIT("gone"));
	if (house->later == x)
		house->later = NULL;
}

static void on_drained(void *ctx)
{
	((struct house *)ctx)->drained = true;
}

static const struct bw_http_calls calls = {
	.on_head = on_head,
	.on_body = on_body,
	.on_body_end = on_body_end,
	.on_end = on_end,
	.on_drained = on_drained,
};

static void open_house(struct house *house, const struct bw_http_limits *limits)
{
	*house = (struct house){ .body = BW_BUF_INIT(BIG_BYTES), .calls = BW_BUF_INIT(BW_MIB) };
	fake_now = 1000000;
	assert_int_equal(bw_loop_new(&house->loop), BW_OK);
	assert_int_equal(bw_http_server_new(house->loop, limits, &calls, house, &house->server), BW_OK);
	house->server->clock = fake_clock;
}

static void close_house(struct house *house)
{
	bw_http_server_free(house->server);
	bw_loop_free(house->loop);
	bw_buf_release(&house->body);
	bw_buf_release(&house->calls);
}

static int visit(struct house *house)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(bw_http_server_adopt(house->server, pair[1], NULL), BW_OK);
	return pair[0];
}

static void turn(struct house *house)
{
	for (int i = 0; i < 8; i++)
		assert_int_equal(bw_loop_step(house->loop, false), BW_OK);
}

static void pass_ms(struct house *house, uint64_t ms)
{
	fake_now += ms;
	bw_server_sweep(house->server);
	turn(house);
}

static void say(int fd, struct bw_slice bytes)
{
	if (bytes.len == 0) /* only listen */
		return;
	assert_int_equal(send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL), bytes.len);
}

/* Appends what has arrived; true when the server has closed its side. */
static bool hear(struct house *house, int fd, struct bw_buf *heard)
{
	static uint8_t bytes[65536];

	for (;;) {
		ssize_t n;

		turn(house);
		n = recv(fd, bytes, sizeof(bytes), 0);
		if (n < 0 && errno == EAGAIN)
			return false;
		if (n <= 0)
			return true;
		assert_int_equal(bw_buf_add(heard, bw_slice_of(bytes, (size_t)n)), BW_OK);
	}
}

/* The next answer in `heard` from `*at` on: its status, and its body in `body`. 0 when there is none. */
static unsigned next_answer(const struct bw_buf *heard, size_t *at, bool was_head, struct bw_slice *body)
{
	struct bw_http_response response;
	const struct bw_slice rest = bw_slice_from(bw_buf_slice(heard), *at);
	size_t seen = 0;
	enum bw_err err;

	*body = bw_slice_empty;
	if (rest.len == 0)
		return 0;
	err = bw_http_response_parse(rest, was_head, &seen, &response, NULL);
	assert_int_equal(err, BW_OK);
	if (response.head.body == BW_HTTP_BODY_LENGTH) {
		assert_true(rest.len >= response.head.head_bytes + response.head.content_length);
		*body = bw_slice_sub(rest, response.head.head_bytes, (size_t)response.head.content_length);
	}
	*at += response.head.head_bytes + body->len;
	return response.status;
}

#define GET(target) "GET " target " HTTP/1.1\r\nHost: a.example\r\n\r\n"

static void expect_one(struct house *house, int fd, const char *request, unsigned status, const char *text, bool closed)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf heard = BW_BUF_INIT(BW_MIB);
	struct bw_slice body;
	size_t at = 0;

	say(fd, bw_slice_text(request));
	assert_int_equal(hear(house, fd, &heard), closed);
	assert_int_equal(next_answer(&heard, &at, false, &body), status);
	if (text != NULL)
		assert_true(bw_slice_is(body, text));
	assert_int_equal(at, heard.len);
}

static void a_request_cut_at_every_byte_gets_the_same_answer(void **state)
{
	static const char request[] = GET("/now?x=1");
	struct house house;

	(void)state;
	open_house(&house, NULL);
	for (size_t cut = 0; cut < sizeof(request) - 1; cut++) {
		const int fd = visit(&house);

		say(fd, bw_slice_of(request, cut));
		turn(&house);
		expect_one(&house, fd, request + cut, 200, "x=1", false);
		close(fd);
		turn(&house);
	}
	assert_int_equal(house.server->stats.connections_now, 0);
	close_house(&house);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf asked = BW_BUF_INIT(BW_MIB);
	BW_CLEANUP(bw_buf_release) struct bw_buf heard = BW_BUF_INIT(BW_MIB);
	struct house house;
	struct bw_slice body;
	size_t at = 0;
	int fd;

	(void)state;
	open_house(&house, NULL);
	fd = visit(&house);
	for (int i = 0; i < 100; i++)
		assert_int_equal(bw_buf_addf(&asked, "GET /now?%d HTTP/1.1\r\nHost: a\r\n\r\n", i), BW_OK);
	say(fd, bw_buf_slice(&asked));
	while (house.server->stats.requests_total < 100)
		assert_int_equal(bw_loop_step(house.loop, true), BW_OK);
	assert_false(hear(&house, fd, &heard));
	for (int i = 0; i < 100; i++) {
		char want[8];

		snprintf(want, sizeof(want), "%d", i);
		assert_int_equal(next_answer(&heard, &at, false, &body), 200);
		assert_true(bw_slice_is(body, want));
	}
	assert_int_equal(at, heard.len);
	close(fd);
	close_house(&house);
}

static const char *const body_requests[] = {
	"POST /take HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world",
	"POST /take HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello "
	"\r\n5;x=y\r\nworld\r\n0\r\n\r\n",
};

static void a_body_arrives_whole_however_it_is_cut_and_the_next_request_too(void **state)
{
	struct house house;

	(void)state;
	open_house(&house, NULL);
	for (size_t r = 0; r < BW_COUNT(body_requests); r++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf both = BW_BUF_INIT(4096);

		assert_int_equal(bw_buf_addf(&both, "%s%s", body_requests[r], GET("/now?next")), BW_OK);
		for (size_t cut = 0; cut <= both.len; cut++) {
			BW_CLEANUP(bw_buf_release) struct bw_buf heard = BW_BUF_INIT(BW_MIB);
			const int fd = visit(&house);
			struct bw_slice body;
			size_t at = 0;

			say(fd, bw_slice_sub(bw_buf_slice(&both), 0, cut));
			turn(&house);
			say(fd, bw_slice_from(bw_buf_slice(&both), cut));
			assert_false(hear(&house, fd, &heard));
			assert_int_equal(next_answer(&heard, &at, false, &body), 200);
			assert_true(bw_slice_is(body, "hello world"));
			assert_int_equal(next_answer(&heard, &at, false, &body), 200);
			assert_true(bw_slice_is(body, "next"));
			close(fd);
			turn(&house);
		}
	}
	close_house(&house);
}

/* A seeded stream of every kind of request, in pieces of random size: what comes back is what was asked. */
static void any_stream_in_any_pieces_gets_the_answers_in_order(void **state)
{
	struct house house;

	(void)state;
	open_house(&house, NULL);
	srandom(20261123);
	for (int round = 0; round < 60; round++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf asked = BW_BUF_INIT(BW_MIB * 4);
		BW_CLEANUP(bw_buf_release) struct bw_buf heard = BW_BUF_INIT(BW_MIB * 4);
		size_t lengths[40];
		struct bw_slice body;
		size_t at = 0;
		const int fd = visit(&house);

		for (size_t i = 0; i < BW_COUNT(lengths); i++) {
			const size_t len = lengths[i] = (size_t)(random() % (i % 8 == 7 ? 60000 : 40));

			if (i % 3 == 0) {
				assert_int_equal(bw_buf_addf(&asked, "GET /now?%0*d HTTP/1.1\r\nHost: a\r\n\r\n",
							     (int)(len % 2000) + 1, 0),
						 BW_OK);
				lengths[i] = len % 2000 + 1;
				continue;
			}
			if (i % 3 == 1)
				assert_int_equal(bw_buf_addf(&asked,
							     "POST /take HTTP/1.1\r\nHost: a\r\nContent-Length: "
							     "%zu\r\n\r\n%0*d",
							     len + 1, (int)len + 1, 0),
						 BW_OK);
			else
				assert_int_equal(bw_buf_addf(&asked,
							     "POST /take HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
							     "chunked\r\n\r\n1\r\n0\r\n%zx\r\n%0*d\r\n0\r\n\r\n",
							     len + 1, (int)len + 1, 0),
						 BW_OK);
			lengths[i] = len + (i % 3 == 1 ? 1 : 2);
		}
		for (size_t sent = 0; sent < asked.len;) {
			const size_t piece = (size_t)(random() % (round % 2 == 0 ? 200 : 30000)) + 1;
			const ssize_t n = send(fd, asked.ptr + sent,
					       piece < asked.len - sent ? piece : asked.len - sent, MSG_NOSIGNAL);

			assert_true(n > 0 || errno == EAGAIN);
			sent += n > 0 ? (size_t)n : 0;
			assert_false(hear(&house, fd, &heard));
		}
		for (int i = 0; i < 50; i++) {
			usleep(i < 10 ? 0 : 1000);
			assert_false(hear(&house, fd, &heard));
		}
		for (size_t i = 0; i < BW_COUNT(lengths); i++) {
			assert_int_equal(next_answer(&heard, &at, false, &body), 200);
			assert_int_equal(body.len, lengths[i]);
		}
		assert_int_equal(at, heard.len);
		close(fd);
		turn(&house);
	}
	close_house(&house);
}

static void a_refusal_reaches_the_client_whose_body_is_still_arriving(void **state)
{
	static const char head[] = "POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n";
	static uint8_t piece[32768];
	BW_CLEANUP(bw_buf_release) struct bw_buf heard = BW_BUF_INIT(BW_MIB);
	struct house house;
	struct bw_slice body;
	size_t at = 0;
	int fd;

	(void)state;
	open_house(&house, NULL);
	fd = visit(&house);
	say(fd, bw_slice_text(head));
	for (int i = 0; i < 40; i++) {
		say(fd, bw_slice_of(piece, sizeof(piece)));
		turn(&house);
	}
	assert_true(hear(&house, fd, &heard));
	assert_int_equal(next_answer(&heard, &at, false, &body), 413);
	assert_non_null(strstr(bw_buf_text(&heard), "Connection: close\r\n"));
	assert_string_equal(bw_buf_text(&house.calls), "head /refuse; end sent; ");
	assert_int_equal(house.server->stats.connections_now, 1); /* it lingers, ... */
	pass_ms(&house, house.server->limits.linger_ms + 1);
	assert_int_equal(house.server->stats.connections_now, 0); /* ... but not for ever */
	close(fd);
	close_house(&house);
}

static void an_unwanted_body_that_is_here_already_costs_no_connection(void **state)
{
	struct house house;
	int fd;

	(void)state;
	open_house(&house, NULL);
	fd = visit(&house);
	expect_one(&house, fd, "POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 413, "no", false);
	expect_one(&house, fd, GET("/now?again"), 200, "again", false);
	close(fd);
	close_house(&house);
}

static void a_body_over_the_allowance_is_refused_before_or_while_it_comes(void **state)
{
	struct house house;
	int fd;

	(void)state;
	open_house(&house, NULL);
	fd = visit(&house);
	expect_one(&house, fd, "POST /take HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n\r\n", 413, "too big",
		   true);
	close(fd);
	fd = visit(&house);
	expect_one(&house, fd, "POST /take HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n186a1\r\n", 413,
		   NULL, true);
	close(fd);
	fd = visit(&house);
	expect_one(&house, fd, "POST /take HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400, NULL,
		   true);
	close(fd);
	fd = visit(&house);
	expect_one(&house, fd, "POST /mid HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc", 422, "mid", true);
	close(fd);
	close_house(&house);
}

static void continue_goes_out_only_when_the_owner_takes_the_body(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf heard = BW_BUF_INIT(4096);
	struct house house;
	int fd;

	(void)state;
	open_house(&house, NULL);
	fd = visit(&house);
	say(fd, BW_LIT("POST /take HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"));
	assert_false(hear(&house, fd, &heard));
	assert_string_equal(bw_buf_text(&heard), "HTTP/1.1 100 Continue\r\n\r\n");
	expect_one(&house, fd, "abc", 200, "abc", false);
	expect_one(&house, fd, "POST /refuse HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
		   413, "no", true);
	close(fd);
	close_house(&house);
}

static void a_head_that_drips_is_ended_by_its_deadline(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf heard = BW_BUF_INIT(4096);
	struct house house;
	struct bw_slice body;
	size_t at = 0;
	int fd;

	(void)state;
	open_house(&house, NULL);
	fd = visit(&house);
	say(fd, BW_LIT("GET /now HTTP/1.1\r\n"));
	for (int i = 0; i < 9; i++) {
		turn(&house);
		pass_ms(&house, 1000);
		say(fd, BW_LIT("X: y\r\n"));
	}
	assert_false(hear(&house, fd, &heard));
	pass_ms(&house, 2000);
	assert_true(hear(&house, fd, &heard));
	assert_int_equal(next_answer(&heard, &at, false, &body), 408);
	assert_string_equal(bw_buf_text(&house.calls), "");
	close(fd);
	close_house(&house);
}

static void silence_is_ended_without_a_word(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf heard = BW_BUF_INIT(4096);
	struct house house;
	int fd;

	(void)state;
	open_house(&house, NULL);
	fd = visit(&house);
	pass_ms(&house, house.server->limits.head_ms + 1);
	assert_true(hear(&house, fd, &heard));
	assert_int_equal(heard.len, 0);
	close(fd);

	fd = visit(&house);
	expect_one(&house, fd, GET("/now"), 200, "", false);
	pass_ms(&house, house.server->limits.head_ms + 1);
	assert_false(hear(&house, fd, &heard)); /* between requests there is more time */
	pass_ms(&house, house.server->limits.idle_ms);
	assert_true(hear(&house, fd, &heard));
	assert_int_equal(heard.len, 0);
	close(fd);
	close_house(&house);
}

static void a_body_must_keep_coming(void **state)
{
	static uint8_t piece[8192];
	BW_CLEANUP(bw_buf_release) struct bw_buf heard = BW_BUF_INIT(4096);
	struct bw_http_limits limits = BW_HTTP_LIMITS_DEFAULT;
	struct house house;
	struct bw_slice body;
	size_t at = 0;
	int fd;

	(void)state;
	limits.body_ms = 50000;
	open_house(&house, &limits);
	fd = visit(&house);
	say(fd, BW_LIT("POST /take HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n"));
	turn(&house);
	for (int i = 0; i < 3; i++) {
		say(fd, bw_slice_of(piece, sizeof(piece)));
		turn(&house);
		pass_ms(&house, limits.body_window_ms + 1);
		assert_false(hear(&house, fd, &heard));
	}
	say(fd, bw_slice_of(piece, 100));
	turn(&house);
	pass_ms(&house, limits.body_window_ms + 1);
	assert_true(hear(&house, fd, &heard));
	assert_int_equal(next_answer(&heard, &at, false, &body), 408);
	assert_string_equal(bw_buf_text(&house.calls), "head /take; end sent; ");
	close(fd);
	close_house(&house);
}

static void even_a_steady_body_has_an_end(void **state)
{
	static uint8_t piece[8192];
	BW_CLEANUP(bw_buf_release) struct bw_buf heard = BW_BUF_INIT(4096);
	struct bw_http_limits limits = BW_HTTP_LIMITS_DEFAULT;
	struct house house;
	int fd;
	bool closed = false;

	(void)state;
	limits.body_ms = 50000;
	open_house(&house, &limits);
	fd = visit(&house);
	say(fd, BW_LIT("POST /take HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n"));
	turn(&house);
	for (int i = 0; i < 6 && !closed; i++) {
		say(fd, bw_slice_of(piece, sizeof(piece)));
		turn(&house);
		pass_ms(&house, limits.body_window_ms + 1);
		closed = hear(&house, fd, &heard);
	}
	assert_true(closed);
	assert_non_null(strstr(bw_buf_text(&heard), "HTTP/1.1 408 "));
	close(fd);
	close_house(&house);
}

static void a_client_that_reads_nothing_is_let_go(void **state)
{
	struct house house;
	int fd;

	(void)state;
	open_house(&house, NULL);
	fd = visit(&house);
	say(fd, BW_LIT(GET("/big")));
	turn(&house);
	assert_string_equal(bw_buf_text(&house.calls), "head /big; ");
	pass_ms(&house, house.server->limits.write_window_ms + 1); /* the first window saw what the kernel took */
	pass_ms(&house, house.server->limits.write_window_ms + 1);
	assert_string_equal(bw_buf_text(&house.calls), "head /big; end gone; ");
	close(fd);
	close_house(&house);
}

static void a_slow_reader_gets_all_of_a_large_answer_and_nobody_waits_for_it(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf heard = BW_BUF_INIT(BIG_BYTES + 4096);
	struct house house;
	struct bw_slice body;
	size_t at = 0;
	int slow;
	int quick;

	(void)state;
	open_house(&house, NULL);
	slow = visit(&house);
	quick = visit(&house);
	say(slow, BW_LIT(GET("/big")));
	turn(&house);
	expect_one(&house, quick, GET("/now?q"), 200, "q", false);
	assert_false(hear(&house, slow, &heard));
	assert_int_equal(next_answer(&heard, &at, false, &body), 200);
	assert_int_equal(body.len, BIG_BYTES);
	assert_non_null(strstr(bw_buf_text(&house.calls), "head /now; end sent; end sent; "));
	close(slow);
	close(quick);
	close_house(&house);
}

static void an_owner_that_never_answers_costs_a_503_and_its_late_answer_is_dropped(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf heard = BW_BUF_INIT(4096);
	struct house house;
	struct bw_slice body;
	size_t at = 0;
	int fd;

	(void)state;
	open_house(&house, NULL);
	fd = visit(&house);
	say(fd, BW_LIT(GET("/later")));
	turn(&house);
	fake_now += house.server->limits.owner_ms + 1;
	bw_server_sweep(house.server);
	assert_true(hear(&house, fd, &heard));
	assert_int_equal(next_answer(&heard, &at, false, &body), 503);
	assert_null(house.later);
	close(fd);
	close_house(&house);
}

static void an_answer_may_come_later_while_others_are_served(void **state)
{
	struct house house;
	int a;
	int b;

	(void)state;
	open_house(&house, NULL);
	a = visit(&house);
	b = visit(&house);
	say(a, BW_LIT(GET("/later")));
	turn(&house);
	expect_one(&house, b, GET("/now?b"), 200, "b", false);
	assert_non_null(house.later);
	bw_exchange_answer(house.later, text_reply(200, BW_LIT("at last")));
	assert_non_null(house.later); /* nothing happens before the call returns */
	expect_one(&house, a, "", 200, "at last", false);
	close(a);
	close(b);
	close_house(&house);
}

static void whoever_has_said_everything_still_hears_the_answer(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf heard = BW_BUF_INIT(4096);
	struct house house;
	struct bw_slice body;
	size_t at = 0;
	int fd;

	(void)state;
	open_house(&house, NULL);
	fd = visit(&house);
	say(fd, BW_LIT(GET("/later")));
	shutdown(fd, SHUT_WR);
	turn(&house);
	bw_exchange_answer(house.later, text_reply(200, BW_LIT("still")));
	assert_true(hear(&house, fd, &heard));
	assert_int_equal(next_answer(&heard, &at, false, &body), 200);
	close(fd);
	close_house(&house);
}

static void a_client_that_vanishes_ends_its_exchange_once(void **state)
{
	struct house house;
	int fd;

	(void)state;
	open_house(&house, NULL);
	fd = visit(&house);
	say(fd, BW_LIT("POST /take HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc"));
	turn(&house);
	close(fd);
	turn(&house);
	assert_string_equal(bw_buf_text(&house.calls), "head /take; end gone; ");

	bw_buf_clear(&house.calls);
	fd = visit(&house);
	say(fd, BW_LIT(GET("/later")));
	turn(&house);
	close(fd);
	turn(&house);
	bw_exchange_answer(house.later, text_reply(200, BW_LIT("nobody")));
	turn(&house);
	assert_string_equal(bw_buf_text(&house.calls), "head /later; end gone; ");

	bw_buf_clear(&house.calls);
	fd = visit(&house);
	say(fd, BW_LIT(GET("/abort")));
	turn(&house);
	assert_string_equal(bw_buf_text(&house.calls), "head /abort; end gone; ");
	close(fd);
	assert_int_equal(house.server->stats.in_flight, 0);
	assert_int_equal(house.server->stats.connections_now, 0);
	close_house(&house);
}

static void what_is_not_http_gets_the_status_that_says_so(void **state)
{
	static const struct {
		const char *request;
		unsigned status;
	} rows[] = {
		{ "\x16\x03\x01 hello\r\n\r\n", 400 },
		{ "GET /now HTTP/1.1\r\n\r\n", 400 },
		{ "GET /now HTTP/2.0\r\nHost: a\r\n\r\n", 505 },
		{ "POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
		{ "POST /now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501 },
		{ "GET /now HTTP/1.1\r\nHost: a\r\nExpect: the worst\r\n\r\n", 417 },
	};
	struct house house;

	(void)state;
	open_house(&house, NULL);
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		const int fd = visit(&house);

		expect_one(&house, fd, rows[i].request, rows[i].status, NULL, true);
		close(fd);
	}
	assert_string_equal(bw_buf_text(&house.calls), "");
	close_house(&house);
}

static void a_head_without_end_is_refused_at_the_limit(void **state)
{
	static char line[BW_HTTP_LINE_MAX + 512];
	BW_CLEANUP(bw_buf_release) struct bw_buf heard = BW_BUF_INIT(4096);
	struct house house;
	int fd;

	(void)state;
	open_house(&house, NULL);
	fd = visit(&house);
	memset(line, 'a', sizeof(line));
	memcpy(line, "GET /", 5);
	say(fd, bw_slice_of(line, sizeof(line)));
	assert_true(hear(&house, fd, &heard));
	assert_non_null(strstr(bw_buf_text(&heard), "HTTP/1.1 414 "));
	close(fd);

	bw_buf_clear(&heard);
	fd = visit(&house);
	say(fd, BW_LIT("GET /now HTTP/1.1\r\n"));
	for (int i = 0; i < 200; i++) {
		say(fd, BW_LIT("X-Some-Header: with some value that is long enough to fill the room soon, is it not? "
			       "Once more, that it may be enough: with some value.\r\n"));
		turn(&house);
	}
	assert_true(hear(&house, fd, &heard));
	assert_non_null(strstr(bw_buf_text(&heard), "HTTP/1.1 431 "));
	close(fd);
	close_house(&house);
}

static void head_has_the_headers_of_get_and_no_body(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf heard = BW_BUF_INIT(4096);
	struct house house;
	struct bw_slice body;
	size_t at = 0;
	int fd;

	(void)state;
	open_house(&house, NULL);
	fd = visit(&house);
	say(fd, BW_LIT("HEAD /now?abc HTTP/1.1\r\nHost: a\r\n\r\n"));
	assert_false(hear(&house, fd, &heard));
	assert_non_null(strstr(bw_buf_text(&heard), "Content-Length: 3\r\n"));
	assert_non_null(strstr(bw_buf_text(&heard), "Date: "));
	assert_int_equal(next_answer(&heard, &at, true, &body), 200);
	assert_int_equal(at, heard.len);
	close(fd);
	close_house(&house);
}

static void the_connection_closes_when_the_client_says_so_or_has_had_its_share(void **state)
{
	struct bw_http_limits limits = BW_HTTP_LIMITS_DEFAULT;
	struct house house;
	int fd;

	(void)state;
	limits.requests = 2;
	open_house(&house, &limits);
	fd = visit(&house);
	expect_one(&house, fd, "GET /now HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200, "", true);
	close(fd);
	fd = visit(&house);
	expect_one(&house, fd, "GET /now HTTP/1.0\r\n\r\n", 200, "", true);
	close(fd);
	fd = visit(&house);
	expect_one(&house, fd, GET("/now"), 200, "", false);
	expect_one(&house, fd, GET("/now"), 200, "", true);
	close(fd);
	turn(&house);
	assert_int_equal(house.server->stats.connections_now, 0);
	close_house(&house);
}

static void connections_are_counted_in_all_and_for_each_client(void **state)
{
	struct bw_http_limits limits = BW_HTTP_LIMITS_DEFAULT;
	struct house house;
	int pair[2];
	int fds[4];

	(void)state;
	limits.connections_each = 3;
	open_house(&house, &limits);
	for (size_t i = 0; i < 3; i++)
		fds[i] = visit(&house);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(bw_http_server_adopt(house.server, pair[1], NULL), BW_ERR_TOO_MANY);
	close(pair[0]);
	close(fds[0]);
	turn(&house);
	fds[0] = visit(&house);
	assert_int_equal(house.server->stats.connections_refused, 1);
	for (size_t i = 0; i < 3; i++)
		close(fds[i]);
	close_house(&house);

	limits = BW_HTTP_LIMITS_DEFAULT;
	limits.connections = 3;
	open_house(&house, &limits);
	for (size_t i = 0; i < 3; i++)
		fds[i] = visit(&house);
	expect_one(&house, fds[1], GET("/now"), 200, "", false); /* idle now, the others are busy with their first */
	fds[3] = visit(&house);
	expect_one(&house, fds[1], "", 0, NULL, true);
	expect_one(&house, fds[3], GET("/now?in"), 200, "in", false);
	for (size_t i = 0; i < 4; i++)
		close(fds[i]);
	close_house(&house);
}

static void a_drain_finishes_what_is_under_way_and_nothing_more(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf heard = BW_BUF_INIT(4096);
	struct house house;
	int busy;
	int idle;
	int pair[2];

	(void)state;
	open_house(&house, NULL);
	busy = visit(&house);
	idle = visit(&house);
	expect_one(&house, idle, GET("/now"), 200, "", false);
	say(busy, BW_LIT(GET("/later")));
	turn(&house);
	bw_http_server_drain(house.server);
	assert_true(hear(&house, idle, &heard));
	assert_false(house.drained);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(bw_http_server_adopt(house.server, pair[1], NULL), BW_ERR_CLOSED);
	bw_exchange_answer(house.later, text_reply(200, BW_LIT("done")));
	assert_true(hear(&house, busy, &heard));
	assert_non_null(strstr(bw_buf_text(&heard), "Connection: close\r\n"));
	assert_true(house.drained);
	close(busy);
	close(idle);
	close(pair[0]);
	close_house(&house);
}

static void an_idle_connection_holds_no_work_memory(void **state)
{
	struct house house;
	int fds[20];

	(void)state;
	open_house(&house, NULL);
	for (size_t i = 0; i < BW_COUNT(fds); i++) {
		fds[i] = visit(&house);
		expect_one(&house, fds[i], GET("/now"), 200, "", false);
	}
	assert_int_equal(house.server->spares, 1); /* one block has served all twenty */
	for (size_t i = 0; i < BW_COUNT(fds); i++)
		close(fds[i]);
	close_house(&house);
}

static void a_sealed_memory_file_is_sent_from_where_it_lies(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf heard = BW_BUF_INIT(BW_MIB);
	const int file = memfd_create("page", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct bw_reply *reply;
	struct house house;
	struct bw_slice body;
	size_t at = 0;
	int fd;

	(void)state;
	assert_int_equal(ftruncate(file, 9000), 0);
	assert_int_equal(pwrite(file, "hello", 5, 5000), 5);
	assert_int_equal(bw_reply_new_mapped(200, bw_slice_empty, file, 5000, 5, &reply), BW_ERR_DENIED);
	assert_int_equal(fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
	assert_int_equal(bw_reply_new_mapped(200, bw_slice_empty, file, 9000, 1, &reply), BW_ERR_RANGE);
	assert_int_equal(bw_reply_new_mapped(200, bw_slice_empty, file, 5000, 5, &reply), BW_OK);
	close(file);

	open_house(&house, NULL);
	fd = visit(&house);
	say(fd, BW_LIT(GET("/later")));
	turn(&house);
	bw_exchange_answer(house.later, reply);
	assert_false(hear(&house, fd, &heard));
	assert_int_equal(next_answer(&heard, &at, false, &body), 200);
	assert_true(bw_slice_is(body, "hello"));
	close(fd);
	close_house(&house);
}

static void a_reply_takes_whole_header_lines_only(void **state)
{
	static const char *const bad[] = { "X: y", "X: y\r", "X: y\n", "X: a\rb\r\n", "X: a\n\r\n", "X: a\nY: b\r\n" };
	struct bw_reply *reply;

	(void)state;
	for (size_t i = 0; i < BW_COUNT(bad); i++)
		assert_int_equal(bw_reply_new(200, bw_slice_text(bad[i]), NULL, &reply), BW_ERR_SYNTAX);
	assert_int_equal(bw_reply_new(199, bw_slice_empty, NULL, &reply), BW_ERR_RANGE);
	assert_int_equal(bw_reply_new(600, bw_slice_empty, NULL, &reply), BW_ERR_RANGE);
	assert_int_equal(bw_reply_new_static(204, bw_slice_empty, BW_LIT("x"), &reply), BW_ERR_RANGE);
	assert_int_equal(bw_reply_new(204, BW_LIT("X: y\r\nZ: \r\n"), NULL, &reply), BW_OK);
	assert_int_equal(bw_reply_body_bytes(reply), 0);
	bw_reply_drop(reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_cut_at_every_byte_gets_the_same_answer),
		cmocka_unit_test(pipelined_requests_are_answered_in_order),
		cmocka_unit_test(a_body_arrives_whole_however_it_is_cut_and_the_next_request_too),
		cmocka_unit_test(any_stream_in_any_pieces_gets_the_answers_in_order),
		cmocka_unit_test(a_refusal_reaches_the_client_whose_body_is_still_arriving),
		cmocka_unit_test(an_unwanted_body_that_is_here_already_costs_no_connection),
		cmocka_unit_test(a_body_over_the_allowance_is_refused_before_or_while_it_comes),
		cmocka_unit_test(continue_goes_out_only_when_the_owner_takes_the_body),
		cmocka_unit_test(a_head_that_drips_is_ended_by_its_deadline),
		cmocka_unit_test(silence_is_ended_without_a_word),
		cmocka_unit_test(a_body_must_keep_coming),
		cmocka_unit_test(even_a_steady_body_has_an_end),
		cmocka_unit_test(a_client_that_reads_nothing_is_let_go),
		cmocka_unit_test(a_slow_reader_gets_all_of_a_large_answer_and_nobody_waits_for_it),
		cmocka_unit_test(an_owner_that_never_answers_costs_a_503_and_its_late_answer_is_dropped),
		cmocka_unit_test(an_answer_may_come_later_while_others_are_served),
		cmocka_unit_test(whoever_has_said_everything_still_hears_the_answer),
		cmocka_unit_test(a_client_that_vanishes_ends_its_exchange_once),
		cmocka_unit_test(what_is_not_http_gets_the_status_that_says_so),
		cmocka_unit_test(a_head_without_end_is_refused_at_the_limit),
		cmocka_unit_test(head_has_the_headers_of_get_and_no_body),
		cmocka_unit_test(the_connection_closes_when_the_client_says_so_or_has_had_its_share),
		cmocka_unit_test(connections_are_counted_in_all_and_for_each_client),
		cmocka_unit_test(a_drain_finishes_what_is_under_way_and_nothing_more),
		cmocka_unit_test(an_idle_connection_holds_no_work_memory),
		cmocka_unit_test(a_sealed_memory_file_is_sent_from_where_it_lies),
		cmocka_unit_test(a_reply_takes_whole_header_lines_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
