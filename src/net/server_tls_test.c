#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/cert.h"
#include "crypto/tls.h"
#include "net/conn.h"

/* One server and one client over TLS, in one process, turn by turn. */
#define BIG_BYTES (3 * BW_MIB)

struct house {
	struct bw_loop *loop;
	struct bw_http_server *server;
	struct bw_tls_context *server_tls;
	struct bw_tls_context *client_tls;
	struct bw_tls_facts facts;
	struct bw_buf body;
	unsigned ends;
	int fd;
	struct bw_tls *client;
};

static void on_head(void *ctx, struct bw_exchange *x)
{
	struct house *house = ctx;
	const struct bw_http_request *request = bw_exchange_head(x);
	struct bw_buf body = BW_BUF_INIT(BIG_BYTES);
	struct bw_reply *reply;

	bw_tls_facts(bw_exchange_tls(x), &house->facts);
	if (request->method == BW_HTTP_POST) {
		assert_int_equal(bw_exchange_receive(x, BIG_BYTES), BW_OK);
		return;
	}
	assert_int_equal(bw_buf_reserve(&body, BIG_BYTES), BW_OK);
	memset(body.ptr, 'x', BIG_BYTES);
	body.len = bw_slice_is(request->path, "/big") ? BIG_BYTES : 5;
	assert_int_equal(bw_reply_new(200, bw_slice_empty, &body, &reply), BW_OK);
	bw_exchange_answer(x, reply);
}

static void on_body(void *ctx, struct bw_exchange *x, struct bw_slice bytes)
{
	(void)x;
	assert_int_equal(bw_buf_add(&((struct house *)ctx)->body, bytes), BW_OK);
}

static void on_body_end(void *ctx, struct bw_exchange *x)
{
	struct bw_reply *reply;

	assert_int_equal(bw_reply_new(202, bw_slice_empty, &((struct house *)ctx)->body, &reply), BW_OK);
	bw_exchange_answer(x, reply);
}

static void on_end(void *ctx, struct bw_exchange *x, enum bw_exchange_end how)
{
	(void)x;
	(void)how;
	((struct house *)ctx)->ends++;
}

static int open_house(void **state)
{
	static const struct bw_http_calls calls = {
		.on_head = on_head, .on_body = on_body, .on_body_end = on_body_end, .on_end = on_end
	};
	BW_CLEANUP(bw_buf_release) struct bw_buf cert = BW_BUF_INIT(BW_CERT_PEM_MAX);
	BW_CLEANUP(bw_secret_wipe) struct bw_secret key = { 0 };
	struct house *house = calloc(1, sizeof(*house));
	struct bw_cert_facts facts;
	int pair[2];

	assert_non_null(house);
	house->body = BW_BUF_INIT(BIG_BYTES);
	assert_int_equal(bw_cert_make(NULL, 0, &cert, &key, NULL), BW_OK);
	assert_int_equal(bw_cert_read(bw_buf_slice(&cert), &facts), BW_OK);
	const struct bw_tls_server_options server = { .cert_pem = bw_buf_slice(&cert),
						      .key_pem = bw_secret_slice(&key) };
	const struct bw_tls_client_options client = { .pin = facts.fingerprint };

	assert_int_equal(bw_tls_server_new(&server, &house->server_tls, NULL), BW_OK);
	assert_int_equal(bw_tls_client_new(&client, &house->client_tls, NULL), BW_OK);
	assert_int_equal(bw_loop_new(&house->loop), BW_OK);
	assert_int_equal(bw_http_server_new(house->loop, NULL, &calls, house, &house->server), BW_OK);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(bw_http_server_adopt(house->server, pair[1], house->server_tls), BW_OK);
	house->fd = pair[0];
	assert_int_equal(bw_tls_connect(house->client_tls, pair[0], "localhost", &house->client), BW_OK);
	*state = house;
	return 0;
}

static int close_house(void **state)
{
	struct house *house = *state;

	bw_tls_free(house->client);
	if (house->fd >= 0)
		close(house->fd);
	bw_http_server_free(house->server);
	bw_loop_free(house->loop);
	bw_tls_context_free(house->client_tls);
	bw_tls_context_free(house->server_tls);
	bw_buf_release(&house->body);
	free(house);
	return 0;
}

static void turn(struct house *house)
{
	for (int i = 0; i < 4; i++)
		assert_int_equal(bw_loop_step(house->loop, false), BW_OK);
}

static void shake_hands(struct house *house)
{
	enum bw_tls_step step;

	do {
		step = bw_tls_handshake(house->client);
		turn(house);
	} while (step == BW_TLS_WANT_READ || step == BW_TLS_WANT_WRITE);
	assert_int_equal(step, BW_TLS_DONE);
}

static void say(struct house *house, struct bw_slice bytes)
{
	while (bytes.len > 0) {
		size_t n = 0;
		const enum bw_tls_step step = bw_tls_write(house->client, bytes, &n);

		assert_true(step == BW_TLS_DONE || step == BW_TLS_WANT_WRITE);
		if (step == BW_TLS_DONE)
			bytes = bw_slice_from(bytes, n);
		turn(house);
	}
}

/* Until `want` bytes are there or the server has said goodbye (true). */
static bool hear(struct house *house, struct bw_buf *heard, size_t want)
{
	static uint8_t bytes[65536];

	while (heard->len < want) {
		size_t n = 0;
		const enum bw_tls_step step = bw_tls_read(house->client, bytes, sizeof(bytes), &n);

		if (step == BW_TLS_CLOSED)
			return true;
		assert_true(step == BW_TLS_DONE || step == BW_TLS_WANT_READ);
		if (step == BW_TLS_DONE)
			assert_int_equal(bw_buf_add(heard, bw_slice_of(bytes, n)), BW_OK);
		turn(house);
	}
	return false;
}

static void requests_over_tls_are_answered_and_the_owner_sees_the_session(void **state)
{
	struct house *house = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf heard = BW_BUF_INIT(BIG_BYTES * 2);

	shake_hands(house);
	for (unsigned i = 1; i <= 3; i++) {
		bw_buf_clear(&heard);
		say(house, BW_LIT("GET /small HTTP/1.1\r\nHost: a\r\n\r\n"));
		assert_false(hear(house, &heard, 19 + 37 + 2 + 5));
		assert_non_null(strstr(bw_buf_text(&heard), "HTTP/1.1 200 OK\r\n"));
		assert_int_equal(house->ends, i);
	}
	assert_string_equal(house->facts.version, "TLSv1.3");
	assert_string_equal(house->facts.group, "X25519MLKEM768");
	assert_false(house->facts.has_peer_cert);
}

static void large_bodies_cross_both_ways_with_pipelined_requests_behind_them(void **state)
{
	struct house *house = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf heard = BW_BUF_INIT(BIG_BYTES * 4);
	BW_CLEANUP(bw_buf_release) struct bw_buf asked = BW_BUF_INIT(BIG_BYTES * 2);
	const struct bw_slice next = BW_LIT("GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");

	shake_hands(house);
	assert_int_equal(bw_buf_add_text(&asked, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"),
			 BW_OK);
	for (int i = 0; i < 1000000; i++)
		assert_int_equal(bw_buf_add_u8(&asked, 'y'), BW_OK);
	assert_int_equal(bw_buf_add(&asked, next), BW_OK);
	say(house, bw_buf_slice(&asked));
	assert_true(hear(house, &heard, SIZE_MAX));
	assert_int_equal(house->ends, 2);
	assert_true(heard.len > 1000000 + BIG_BYTES);
	assert_int_equal(heard.ptr[heard.len - 1], 'x');
	assert_int_equal(house->server->stats.connections_now, 0);
}

static void a_handshake_that_stalls_or_is_none_is_ended(void **state)
{
	struct house *house = *state;

	turn(house);
	assert_int_equal(house->server->stats.connections_now, 1);
	assert_int_equal(send(house->fd, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL), 18);
	turn(house);
	assert_int_equal(house->server->stats.connections_now, 0);
	assert_int_equal(house->server->stats.handshakes_failed, 1);
	assert_int_equal(house->ends, 0);
}

static void a_client_that_breaks_off_leaves_nothing_behind(void **state)
{
	struct house *house = *state;

	shake_hands(house);
	say(house, BW_LIT("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"));
	close(house->fd);
	house->fd = -1;
	turn(house);
	assert_int_equal(house->ends, 1);
	assert_int_equal(house->server->stats.connections_now, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(requests_over_tls_are_answered_and_the_owner_sees_the_session,
						open_house, close_house),
		cmocka_unit_test_setup_teardown(large_bodies_cross_both_ways_with_pipelined_requests_behind_them,
						open_house, close_house),
		cmocka_unit_test_setup_teardown(a_handshake_that_stalls_or_is_none_is_ended, open_house, close_house),
		cmocka_unit_test_setup_teardown(a_client_that_breaks_off_leaves_nothing_behind, open_house,
						close_house),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
