/*
 * A whole connection of hostile bytes, in pieces, against an owner that answers
 * now, later, in the middle or never. The first byte chooses the pieces, the
 * rest is sent. Properties: every on_head has exactly one on_end, no body is
 * longer than was allowed, the server never answers more often than it was
 * asked, and nothing is left behind. Leaks are the sanitizer's to see.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BODY_MAX = 512, PIECES = 64 };

struct seen {
	struct bw_exchange *waiting;
	size_t heads;
	size_t ends;
	size_t body;
	bool open;
};

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void answer(struct bw_exchange *x, unsigned status)
{
	struct bw_reply *reply;

	check(bw_reply_new_static(status, bw_slice_empty, status == 204 ? bw_slice_empty : BW_LIT("body"), &reply) ==
	      BW_OK);
	bw_exchange_answer(x, reply);
}

static void on_head(void *ctx, struct bw_exchange *x)
{
	struct seen *seen = ctx;
	const struct bw_http_request *request = bw_exchange_head(x);

	check(!seen->open);
	seen->open = true;
	seen->heads++;
	seen->body = 0;
	switch (request->target.len % 5) {
	case 0:
		answer(x, 200);
		break;
	case 1:
		answer(x, 204);
		break;
	case 2:
		seen->waiting = x;
		break;
	default:
		if (bw_exchange_receive(x, BODY_MAX) != BW_OK)
			answer(x, 413);
		break;
	}
}

static void on_body(void *ctx, struct bw_exchange *x, struct bw_slice bytes)
{
	struct seen *seen = ctx;

	check(seen->open && bytes.len > 0);
	seen->body += bytes.len;
	check(seen->body <= BODY_MAX);
	if (bytes.ptr[0] == '!')
		answer(x, 422);
	if (bytes.ptr[0] == '?')
		bw_exchange_abort(x);
}

static void on_body_end(void *ctx, struct bw_exchange *x)
{
	check(((struct seen *)ctx)->open);
	answer(x, 202);
}

static void on_end(void *ctx, struct bw_exchange *x, enum bw_exchange_end how)
{
	struct seen *seen = ctx;

	(void)how;
	check(seen->open);
	seen->open = false;
	seen->ends++;
	if (seen->waiting == x)
		seen->waiting = NULL;
}

static void turn(struct bw_loop *loop, struct seen *seen, int fd)
{
	static uint8_t heard[65536];

	check(bw_loop_step(loop, false) == BW_OK);
	if (seen->waiting != NULL) {
		answer(seen->waiting, 200);
		seen->waiting = NULL;
	}
	check(bw_loop_step(loop, false) == BW_OK);
	while (recv(fd, heard, sizeof(heard), MSG_DONTWAIT) > 0)
		;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct bw_http_calls calls = {
		.on_head = on_head, .on_body = on_body, .on_body_end = on_body_end, .on_end = on_end
	};
	static struct bw_loop *loop; /* one for all inputs: making one costs more than serving */
	struct bw_http_limits limits = BW_HTTP_LIMITS_DEFAULT;
	struct bw_http_server *server;
	struct bw_http_stats stats;
	struct seen seen = { .waiting = NULL };
	size_t piece;
	int pair[2];

	if (size < 2)
		return 0;
	piece = size / (data[0] % PIECES + 1u) + 1;
	if (loop == NULL)
		check(bw_loop_new(&loop) == BW_OK);
	limits.connections = 4;
	limits.requests = 20;
	check(bw_http_server_new(loop, &limits, &calls, &seen, &server) == BW_OK);
	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
	check(bw_http_server_adopt(server, pair[1], NULL) == BW_OK);
	for (size_t at = 1; at < size; at += piece) {
		const size_t n = size - at < piece ? size - at : piece;

		if (send(pair[0], data + at, n, MSG_NOSIGNAL) < 0)
			break;
		turn(loop, &seen, pair[0]);
	}
	if (data[0] >= 128)
		shutdown(pair[0], SHUT_WR);
	turn(loop, &seen, pair[0]);
	turn(loop, &seen, pair[0]);
	bw_http_server_stats(server, &stats);
	check(stats.requests_total == seen.heads && stats.in_flight == (seen.open ? 1 : 0));
	close(pair[0]);
	turn(loop, &seen, -1);
	bw_http_server_free(server);
	check(seen.heads == seen.ends && !seen.open);
	return 0;
}
