/*
 * What any server may answer to our HTTP client, from its first byte to its close. The
 * first byte chooses the pieces. Properties: an answer that is taken has a status of three
 * digits and a body within what was allowed, HEAD has none, whatever is refused has
 * its sentence, no answer makes the client ask over more connections than there were requests.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ANSWER_MAX = 2048, ASKS = 3, PIECES = 16, INPUT_MAX = 32 * 1024 };

struct side {
	int listener;
	struct bw_slice bytes;
	size_t piece;
};

static void check(bool claim)
{
	if (!claim)
		abort();
}

/* Hears a request, says everything, hears until the client is done. */
static void serve_one(const struct side *side, int fd)
{
	uint8_t heard[4096];

	if (recv(fd, heard, sizeof(heard), 0) <= 0)
		return;
	for (size_t at = 0; at < side->bytes.len; at += side->piece) {
		const struct bw_slice part = bw_slice_sub(side->bytes, at, side->piece);

		if (send(fd, part.ptr, part.len, MSG_NOSIGNAL) < 0)
			return;
	}
	(void)shutdown(fd, SHUT_WR);
	while (recv(fd, heard, sizeof(heard), 0) > 0)
		;
}

/* Until the listener is shut down. */
static void *serve(void *ctx)
{
	const struct side *side = ctx;
	int fd;

	while ((fd = accept(side->listener, NULL, NULL)) >= 0) {
		serve_one(side, fd);
		(void)close(fd);
	}
	return NULL;
}

static int listen_anywhere(uint16_t *out_port)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int on = 1;

	check(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
	check(bind(fd, (struct sockaddr *)&address, len) == 0 && listen(fd, 16) == 0);
	check(getsockname(fd, (struct sockaddr *)&address, &len) == 0);
	*out_port = ntohs(address.sin_port);
	return fd;
}

static enum bw_err take(void *ctx, const struct bw_http_response *response, struct bw_slice bytes)
{
	size_t *total = ctx;

	check(response->status >= 100 && response->status <= 999);
	*total += bytes.len;
	check(*total <= ANSWER_MAX);
	return BW_OK;
}

static void ask(struct bw_http_client *client)
{
	for (unsigned i = 0; i < ASKS; i++) {
		const struct bw_http_response *response = NULL;
		struct bw_why why = { 0 };
		size_t total = 0;
		const struct bw_http_ask what = { .method = i == 1 ? "HEAD" : "GET",
						  .target = BW_LIT("/taxii2/"),
						  .headers = bw_slice_empty,
						  .answer_max = ANSWER_MAX,
						  .on_body = take,
						  .ctx = &total };

		if (bw_http_client_ask(client, &what, &response, &why) != BW_OK) {
			check(why.text[0] != '\0');
			return;
		}
		check(response != NULL && response->status >= 100 && response->status <= 999);
		check(i != 1 || total == 0);
		check(bw_http_client_connections(client) <= i + 1);
	}
}

/* Another loopback address each time, or the ports of one would run out. */
static void url_of(uint16_t port, char *text, size_t bytes)
{
	static uint32_t host;

	host = host % 0xfffff0 + 1;
	(void)snprintf(text, bytes, "http://127.%u.%u.%u:%u/", host >> 16, host >> 8 & 0xff, host & 0xff, port);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_http_client_options options = { .connect_ms = 5000, .stall_ms = 5000, .total_ms = 5000 };
	struct side side = { .bytes = bw_slice_from(bw_slice_of(data, size), 1) };
	struct bw_http_client *client;
	struct bw_url url;
	pthread_t thread;
	uint16_t port;
	char text[64];

	if (size == 0 || size > INPUT_MAX)
		return 0;
	side.piece = side.bytes.len / (data[0] % PIECES + 1u) + 1;
	side.listener = listen_anywhere(&port);
	url_of(port, text, sizeof(text));
	check(bw_url_parse(bw_slice_text(text), &url, NULL) == BW_OK);
	check(bw_http_client_new(&url, &options, &client) == BW_OK);
	check(pthread_create(&thread, NULL, serve, &side) == 0);
	ask(client);
	bw_http_client_free(client);
	check(shutdown(side.listener, SHUT_RDWR) == 0 && pthread_join(thread, NULL) == 0);
	check(close(side.listener) == 0);
	return 0;
}
