/* The partner's end of a bench: a process that takes what is sent over TLS, and nothing else. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "accord/bench.h"
#include "crypto/cert.h"
#include "crypto/tls.h"

enum { PIECE = 64 * 1024 };

struct bw_accord_bench_line {
	int fd;
	pid_t pid;
	struct bw_tls_context *context;
	struct bw_tls *tls;
};

static bool wait_for(int fd, enum bw_tls_step step)
{
	struct pollfd at = { .fd = fd, .events = step == BW_TLS_WANT_WRITE ? POLLOUT : POLLIN };

	return (step == BW_TLS_WANT_READ || step == BW_TLS_WANT_WRITE) && poll(&at, 1, -1) == 1;
}

bool bw_accord_bench_shake(struct bw_tls *tls, int fd)
{
	enum bw_tls_step step;

	do
		step = bw_tls_handshake(tls);
	while (step != BW_TLS_DONE && wait_for(fd, step));
	return step == BW_TLS_DONE;
}

_Noreturn static void become_partner(int fd)
{
	static uint8_t bytes[PIECE];
	const struct bw_tls_client_options options = { .any_server = true, .hybrid_only = true };
	struct bw_tls_context *context;
	struct bw_tls *tls;
	enum bw_tls_step step;
	size_t len;

	if (bw_tls_client_new(&options, &context, NULL) != BW_OK ||
	    bw_tls_connect(context, fd, "localhost", &tls) != BW_OK || !bw_accord_bench_shake(tls, fd))
		_exit(1);
	do
		step = bw_tls_read(tls, bytes, sizeof(bytes), &len);
	while (step == BW_TLS_DONE || wait_for(fd, step));
	_exit(0);
}

static enum bw_err make_context(struct bw_tls_context **out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf cert = BW_BUF_INIT(BW_CERT_PEM_MAX);
	BW_CLEANUP(bw_secret_wipe) struct bw_secret key = { 0 };
	struct bw_tls_server_options options = { .hybrid_only = true };

	BW_TRY(bw_cert_make(NULL, 0, &cert, &key, why));
	options.cert_pem = bw_buf_slice(&cert);
	options.key_pem = bw_secret_slice(&key);
	return bw_tls_server_new(&options, out, why);
}

static enum bw_err start(struct bw_accord_bench_line *line, struct bw_why *why)
{
	int ends[2];

	BW_NEED(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0, SYSTEM);
	line->fd = ends[0];
	(void)fflush(NULL);
	line->pid = fork();
	if (line->pid == 0) {
		(void)close(ends[0]);
		become_partner(ends[1]);
	}
	(void)close(ends[1]);
	BW_NEED(line->pid > 0, SYSTEM);
	BW_TRY(make_context(&line->context, why));
	BW_TRY(bw_tls_accept(line->context, line->fd, &line->tls));
	return bw_accord_bench_shake(line->tls, line->fd)
		       ? BW_OK
		       : bw_why_set(why, BW_ERR_CRYPTO, "no TLS with the partner's end");
}

enum bw_err bw_accord_bench_line_open(struct bw_accord_bench_line **out, struct bw_why *why)
{
	struct bw_accord_bench_line *line = calloc(1, sizeof(*line));
	enum bw_err err;

	BW_NEED(line != NULL, MEMORY);
	line->fd = -1;
	err = start(line, why);
	if (err == BW_OK)
		*out = line;
	else
		bw_accord_bench_line_close(line);
	return err;
}

enum bw_err bw_accord_bench_line_send(struct bw_accord_bench_line *line, struct bw_slice bytes)
{
	while (bytes.len > 0) {
		size_t len = 0;
		const enum bw_tls_step step = bw_tls_write(line->tls, bytes, &len);

		if (step == BW_TLS_DONE)
			bytes = bw_slice_from(bytes, len);
		else
			BW_NEED(wait_for(line->fd, step), CLOSED);
	}
	return BW_OK;
}

void bw_accord_bench_line_close(struct bw_accord_bench_line *line)
{
	if (line == NULL)
		return;
	bw_tls_free(line->tls);
	bw_tls_context_free(line->context);
	if (line->fd >= 0)
		(void)close(line->fd);
	if (line->pid > 0)
		(void)waitpid(line->pid, NULL, 0);
	free(line);
}
