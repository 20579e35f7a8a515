#include "net/follow.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test.h"
#include "net/address.h"

enum { WAIT_MS = 30000 };

/* A child that takes one connection, reads the question, says `text` in pieces of `piece` bytes, and closes. */
struct server {
	pid_t child;
	struct bw_url url;
};

static void serve(int listener, const char *text, size_t piece)
{
	const int fd = accept(listener, NULL, NULL);
	char question[4096];
	size_t len = 0;
	ssize_t n;

	alarm(WAIT_MS / 1000);
	while (len < sizeof(question) - 1 && (n = read(fd, question + len, sizeof(question) - 1 - len)) > 0) {
		len += (size_t)n;
		question[len] = '\0';
		if (strstr(question, "\r\n\r\n") != NULL && (question[0] == 'G' || strstr(question, "hello") != NULL))
			break;
	}
	if (strncmp(question, "GET /events HTTP/1.1\r\nHost: 127.0.0.1:", 38) != 0 &&
	    (strncmp(question, "POST /events HTTP/1.1\r\nHost: 127.0.0.1:", 39) != 0 ||
	     strstr(question, "Content-Length: 5\r\n") == NULL || strstr(question, "\r\n\r\nhello") == NULL))
		_exit(1);
	for (size_t at = 0; text[at] != '\0'; at += n > 0 ? (size_t)n : strlen(text + at)) {
		const size_t left = strlen(text + at);

		n = send(fd, text + at, left < piece ? left : piece, MSG_NOSIGNAL);
	}
	_exit(0);
}

static struct server start(const char *text, size_t piece)
{
	struct bw_net_address address;
	struct server server = { 0 };
	char url[64];
	int fd;

	assert_int_equal(bw_net_address_parse(BW_LIT("127.0.0.1:0"), &address), BW_OK);
	assert_int_equal(bw_net_listen(&address, false, &fd), BW_OK);
	assert_int_equal(bw_net_local(fd, &address), BW_OK);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/events", (unsigned)address.port);
	assert_int_equal(bw_url_parse(bw_slice_text(url), &server.url, NULL), BW_OK);
	server.child = fork();
	assert_true(server.child >= 0);
	if (server.child == 0) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };

		(void)poll(&ready, 1, WAIT_MS); /* the listener does not block */
		serve(fd, text, piece);
	}
	(void)close(fd);
	return server;
}

static void stop(const struct server *server)
{
	int status;

	assert_int_equal(waitpid(server->child, &status, 0), server->child);
	assert_int_equal(status, 0);
}

struct heard {
	unsigned status;
	struct bw_buf body;
};

static enum bw_err hear(void *ctx, const struct bw_http_response *answer, struct bw_slice body)
{
	struct heard *heard = ctx;

	heard->status = answer->status;
	return bw_buf_add(&heard->body, body);
}

static enum bw_err hear_all(struct bw_follow *line, struct heard *heard)
{
	struct bw_why why = { 0 };
	enum bw_err err;

	for (;;) {
		struct pollfd ready = { .fd = bw_follow_fd(line), .events = POLLIN };

		err = bw_follow_step(line, hear, heard, &why);
		if (err != BW_OK && err != BW_ERR_AGAIN)
			return err;
		if (err == BW_ERR_AGAIN)
			assert_int_equal(poll(&ready, 1, WAIT_MS), 1);
	}
}

/* All that comes, until it is over. */
static enum bw_err follow(const char *text, size_t piece, struct heard *heard)
{
	struct server server = start(text, piece);
	struct bw_follow *line = NULL;
	struct bw_why why = { 0 };
	enum bw_err err;

	err = bw_follow_open(&server.url, NULL, BW_LIT("Accept: text/event-stream\r\n"), 5000, &line, &why);
	assert_int_equal(err, BW_OK);
	err = hear_all(line, heard);
	bw_follow_free(line);
	stop(&server);
	return err;
}

static void what_comes_is_heard_until_the_server_ends_it(void **state)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n"
				   "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
				   "Transfer-Encoding: chunked\r\n\r\n"
				   "9\r\ndata: a\n\n\r\n9\r\ndata: b\n\n\r\n0\r\n\r\n";

	(void)state;
	for (size_t piece = 1; piece < sizeof(text); piece += 13) {
		struct heard heard = { .body = BW_BUF_INIT(4096) };

		assert_int_equal(follow(text, piece, &heard), BW_ERR_CLOSED);
		assert_int_equal(heard.status, 200);
		assert_string_equal(bw_buf_text(&heard.body), "data: a\n\ndata: b\n\n");
		bw_buf_release(&heard.body);
	}
}

static void a_refusal_is_seen_and_what_is_no_answer_is_named(void **state)
{
	struct heard heard = { .body = BW_BUF_INIT(4096) };

	(void)state;
	assert_int_equal(follow("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", 100, &heard), BW_ERR_CLOSED);
	assert_int_equal(heard.status, 401);
	assert_int_equal(follow("220 mail.example ESMTP\r\n\r\n", 100, &heard), BW_ERR_PROTOCOL);
	assert_int_equal(follow("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 100, &heard),
			 BW_ERR_PROTOCOL);
	bw_buf_release(&heard.body);
}

static void a_body_is_posted_and_a_whole_answer_told_from_a_broken_one(void **state)
{
	static const struct {
		const char *text;
		bool is_whole;
	} cases[] = {
		{ "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}", true },
		{ "HTTP/1.1 204 No Content\r\n\r\n", true },
		{ "HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\n{}", false },
		{ "HTTP/1.1 202 Acc", false },
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(cases); i++) {
		struct heard heard = { .body = BW_BUF_INIT(4096) };
		struct server server = start(cases[i].text, 100);
		struct bw_follow *line = NULL;
		struct bw_why why = { 0 };

		assert_ok(bw_follow_post(&server.url, NULL, BW_LIT("Accept: */*\r\n"), BW_LIT("hello"), 5000, &line,
					 &why));
		assert_int_equal(hear_all(line, &heard), BW_ERR_CLOSED);
		assert_int_equal(bw_follow_is_whole(line), cases[i].is_whole);
		bw_follow_free(line);
		stop(&server);
		bw_buf_release(&heard.body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_is_heard_until_the_server_ends_it),
		cmocka_unit_test(a_refusal_is_seen_and_what_is_no_answer_is_named),
		cmocka_unit_test(a_body_is_posted_and_a_whole_answer_told_from_a_broken_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
