#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/address.h"
#include "net/client.h"

/*
 * The server of these tests is a child that follows a script: each line of it
 * is one connection, each part of a line (between '|') what it answers to one
 * request, in pieces of `piece` bytes. A part "@" hangs: no answer, no close.
 */
struct scripted {
	pid_t child;
	struct bw_url url;
};

static void read_request(int fd)
{
	char bytes[65536];
	size_t len = 0;

	while (len < sizeof(bytes) - 1) {
		const ssize_t n = read(fd, bytes + len, sizeof(bytes) - 1 - len);

		if (n <= 0)
			_exit(0);
		len += (size_t)n;
		bytes[len] = '\0';
		if (strstr(bytes, "\r\n\r\n") != NULL)
			return; /* small bodies travel with the head */
	}
}

static void answer(int fd, const char *part, size_t len, size_t piece)
{
	for (size_t at = 0; at < len; at += piece)
		if (send(fd, part + at, len - at < piece ? len - at : piece, MSG_NOSIGNAL) < 0)
			return;
}

static void play(int listener, const char *const *lines, size_t piece)
{
	signal(SIGALRM, SIG_DFL);
	alarm(30);
	for (; *lines != NULL; lines++) {
		const int fd = accept(listener, NULL, NULL);
		const char *part = *lines;

		while (*part != '\0') {
			const size_t len = strcspn(part, "|");

			read_request(fd);
			if (part[0] == '@')
				pause();
			answer(fd, part, len, piece);
			part += len + (part[len] == '|');
		}
		close(fd);
	}
	_exit(0);
}

static struct scripted start(const char *const *lines, size_t piece)
{
	struct bw_net_address address;
	struct scripted server = { 0 };
	char text[64];
	int fd;

	assert_int_equal(bw_net_address_parse(BW_LIT("127.0.0.1:0"), &address), BW_OK);
	assert_int_equal(bw_net_listen(&address, false, &fd), BW_OK);
	assert_int_equal(bw_net_local(fd, &address), BW_OK);
	snprintf(text, sizeof(text), "http://127.0.0.1:%u/", (unsigned)address.port);
	assert_int_equal(bw_url_parse(bw_slice_text(text), &server.url, NULL), BW_OK);
	server.child = fork();
	assert_true(server.child >= 0);
	if (server.child == 0) {
		assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
		play(fd, lines, piece);
	}
	close(fd);
	return server;
}

static void stop(struct scripted *server)
{
	kill(server->child, SIGKILL);
	waitpid(server->child, NULL, 0);
}

static enum bw_err keep(void *ctx, const struct bw_http_response *response, struct bw_slice bytes)
{
	assert_true(response->status >= 200);
	return bw_buf_add(ctx, bytes);
}

static struct bw_http_client *client_of(const struct scripted *server, uint32_t stall_ms)
{
	const struct bw_http_client_options options = { .stall_ms = stall_ms };
	struct bw_http_client *client;

	assert_int_equal(bw_http_client_new(&server->url, &options, &client), BW_OK);
	return client;
}

static enum bw_err get(struct bw_http_client *client, const char *method, uint64_t max, unsigned *status,
		       struct bw_buf *body, struct bw_why *why)
{
	const struct bw_http_ask ask = {
		.method = method,
		.target = BW_LIT("/x"),
		.headers = BW_LIT("Accept: */*\r\n"),
		.may_repeat = strcmp(method, "POST") != 0,
		.answer_max = max,
		.on_body = keep,
		.ctx = body,
	};
	const struct bw_http_response *response;
	enum bw_err err;

	bw_buf_clear(body);
	err = bw_http_client_ask(client, &ask, &response, why);
	*status = err == BW_OK ? response->status : 0;
	return err;
}

static void expect(struct bw_http_client *client, const char *method, unsigned status, const char *text)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(4096);
	struct bw_why why = { "" };
	unsigned got;

	assert_int_equal(get(client, method, 4096, &got, &body, &why), BW_OK);
	assert_int_equal(got, status);
	assert_string_equal(bw_buf_text(&body), text);
}

static void expect_error(struct bw_http_client *client, const char *method, uint64_t max, enum bw_err err,
			 const char *words)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(4096);
	struct bw_why why = { "" };
	unsigned status;

	assert_int_equal(get(client, method, max, &status, &body, &why), err);
	assert_non_null(strstr(why.text, words));
}

#define LENGTH "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define CHUNKED \
	"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nfoo\r\n3;a=b\r\nbar\r\n0\r\nT: x\r\n\r\n"

static void one_connection_carries_many_exchanges_in_any_pieces(void **state)
{
	static const char *const lines[] = {
		LENGTH "|" CHUNKED "|HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n|"
		       "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n|" LENGTH,
		NULL,
	};

	(void)state;
	for (size_t piece = 1; piece < 40; piece += 6) {
		struct scripted server = start(lines, piece);
		struct bw_http_client *client = client_of(&server, 20000);

		expect(client, "GET", 200, "hello");
		expect(client, "POST", 201, "foobar");
		expect(client, "GET", 404, "");
		expect(client, "DELETE", 204, "");
		expect(client, "GET", 200, "hello");
		assert_int_equal(bw_http_client_connections(client), 1);
		bw_http_client_free(client);
		stop(&server);
	}
}

static void a_connection_that_was_closed_meanwhile_is_made_again_once(void **state)
{
	static const char *const lines[] = {
		LENGTH, LENGTH, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end", "HTTP/1.0 200 OK\r\n\r\nold",
		LENGTH, NULL
	};
	struct scripted server = start(lines, 1000);
	struct bw_http_client *client = client_of(&server, 20000);

	(void)state;
	expect(client, "GET", 200, "hello");
	usleep(20000); /* the close arrives: the next request meets it, or it is seen while waiting */
	expect(client, "GET", 200, "hello");
	usleep(20000);
	expect(client, "GET", 200, "to the end");
	expect(client, "GET", 200, "old");
	expect(client, "GET", 200, "hello");
	usleep(20000);
	expect_error(client, "POST", 100, BW_ERR_CLOSED,
		     "closed the connection"); /* may have been heard: not repeated */
	bw_http_client_free(client);
	stop(&server);
}

static void what_goes_wrong_is_said_with_the_host(void **state)
{
	static const char *const lines[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
		"SSH-2.0-Open\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n",
		CHUNKED,
		"@",
		NULL,
	};
	struct scripted server = start(lines, 1000);
	struct bw_http_client *client = client_of(&server, 300);

	(void)state;
	expect_error(client, "GET", 100, BW_ERR_CLOSED, "in the middle of its answer");
	expect_error(client, "GET", 100, BW_ERR_PROTOCOL, "127.0.0.1:");
	expect_error(client, "GET", 100, BW_ERR_PROTOCOL, "broken");
	expect_error(client, "GET", 100, BW_ERR_TOO_BIG, "larger than 100 bytes");
	expect_error(client, "GET", 5, BW_ERR_TOO_BIG, "larger than 5 bytes");
	expect_error(client, "GET", 100, BW_ERR_TIMEOUT, "took too long");
	bw_http_client_free(client);
	stop(&server);
}

static void nobody_there_is_said_at_once(void **state)
{
	struct scripted server = start((const char *const[]){ NULL }, 1);
	struct bw_http_client *client;
	const struct bw_http_client_options options = { 0 };

	(void)state;
	waitpid(server.child, NULL, 0);
	client = client_of(&server, 1000);
	expect_error(client, "GET", 100, BW_ERR_CLOSED, "cannot connect to '127.0.0.1:");
	bw_http_client_free(client);

	server.url.tls = true;
	assert_int_equal(bw_http_client_new(&server.url, &options, &client), BW_OK);
	expect_error(client, "GET", 100, BW_ERR_UNSUPPORTED, "TLS");
	bw_http_client_free(client);
}

static void credentials_become_header_lines_and_nothing_else(void **state)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf out = BW_BUF_INIT(4096);

	(void)state;
	assert_int_equal(bw_http_basic("Aladdin", BW_LIT("open sesame"), &out), BW_OK);
	assert_string_equal(bw_buf_text(&out), "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n");
	assert_int_equal(bw_http_basic("a:b", BW_LIT("c"), &out), BW_ERR_RANGE);
	assert_int_equal(bw_http_basic("a", BW_LIT("c\r\nX: y"), &out), BW_ERR_RANGE);
	bw_buf_clear(&out);
	assert_int_equal(bw_http_bearer(BW_LIT("bw_abc-123.~+/="), &out), BW_OK);
	assert_string_equal(bw_buf_text(&out), "Authorization: Bearer bw_abc-123.~+/=\r\n");
	assert_int_equal(bw_http_bearer(BW_LIT("a b"), &out), BW_ERR_RANGE);
	assert_int_equal(bw_http_bearer(bw_slice_empty, &out), BW_ERR_RANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_connection_carries_many_exchanges_in_any_pieces),
		cmocka_unit_test(a_connection_that_was_closed_meanwhile_is_made_again_once),
		cmocka_unit_test(what_goes_wrong_is_said_with_the_host),
		cmocka_unit_test(nobody_there_is_said_at_once),
		cmocka_unit_test(credentials_become_header_lines_and_nothing_else),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
