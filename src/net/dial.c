#include "net/dial.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/tls.h"
#include "sys/clock.h"

void bw_dial_clock_start(struct bw_dial_clock *clock, uint32_t stall_ms, uint32_t total_ms)
{
	const int64_t now = bw_clock_mono_us();

	clock->stall_us = (int64_t)stall_ms * 1000;
	clock->stall_at_us = now + clock->stall_us;
	clock->total_at_us = now + (int64_t)total_ms * 1000;
}

void bw_dial_moved(struct bw_dial_clock *clock)
{
	clock->stall_at_us = bw_clock_mono_us() + clock->stall_us;
}

enum bw_err bw_dial_wait(const struct bw_dial_clock *clock, int fd, bool reading, bool writing)
{
	struct pollfd poll_fd = { .fd = fd, .events = (short)((reading ? POLLIN : 0) | (writing ? POLLOUT : 0)) };
	const int64_t until = clock->stall_at_us < clock->total_at_us ? clock->stall_at_us : clock->total_at_us;

	for (;;) {
		const int64_t left_us = until - bw_clock_mono_us();
		int n;

		BW_NEED(left_us > 0, TIMEOUT);
		n = poll(&poll_fd, 1, (int)(left_us / 1000 + 1));
		if (n > 0)
			return BW_OK;
		if (n < 0 && errno != EINTR)
			return bw_err_from_errno(errno);
	}
}

bool bw_dial_is_readable(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & (POLLIN | POLLHUP)) != 0;
}

static enum bw_err connect_one(const struct addrinfo *at, const struct bw_dial_clock *clock, int *out_fd,
			       const char **words)
{
	static const int on = 1;
	const int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int failed = 0;
	socklen_t len = sizeof(failed);
	enum bw_err err = BW_OK;

	if (fd < 0) {
		*words = strerror(errno);
		return bw_err_from_errno(errno);
	}
	if (connect(fd, at->ai_addr, at->ai_addrlen) != 0 && errno != EINPROGRESS)
		failed = errno;
	else
		err = bw_dial_wait(clock, fd, false, true);
	if (err == BW_OK && failed == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) != 0)
		failed = errno;
	if (err == BW_OK && failed == 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		*out_fd = fd;
		return BW_OK;
	}
	close(fd);
	*words = failed != 0 ? strerror(failed) : "it does not answer";
	if (failed == 0)
		return err;
	err = bw_err_from_errno(failed);
	return err == BW_ERR_SYSTEM ? BW_ERR_CLOSED : err;
}

static enum bw_err shake_hands(const struct bw_wire *wire, const struct bw_dial_clock *clock)
{
	for (;;) {
		switch (bw_wire_handshake(wire)) {
		case BW_WIRE_DONE:
			return BW_OK;
		case BW_WIRE_WANT_READ:
			BW_TRY(bw_dial_wait(clock, wire->fd, true, false));
			break;
		case BW_WIRE_WANT_WRITE:
			BW_TRY(bw_dial_wait(clock, wire->fd, false, true));
			break;
		case BW_WIRE_END:
			return BW_ERR_CLOSED;
		case BW_WIRE_FAILED:
			return BW_ERR_SIGNATURE;
		}
	}
}

static enum bw_err start_tls(const struct bw_url *origin, struct bw_tls_context *tls, const struct bw_dial_clock *clock,
			     struct bw_wire *wire, struct bw_why *why)
{
	char authority[BW_URL_AUTHORITY_BYTES];
	enum bw_err err;

	bw_url_authority(origin, authority);
	err = bw_tls_connect(tls, wire->fd, origin->host, &wire->tls);
	if (err != BW_OK)
		return bw_why_set(why, err, "cannot start TLS with '%s': %s", authority, bw_err_text(err));
	err = shake_hands(wire, clock);
	if (err == BW_ERR_SIGNATURE)
		return bw_why_set(why, err, "no TLS with '%s': %s", authority, bw_tls_why(wire->tls));
	if (err != BW_OK)
		return bw_why_set(why, err, "no TLS with '%s': %s", authority, bw_err_text(err));
	return BW_OK;
}

static enum bw_err dial_one(const struct bw_url *origin, const struct addrinfo *at, struct bw_tls_context *tls,
			    uint32_t connect_ms, struct bw_wire *out, struct bw_why *why)
{
	struct bw_wire wire = { .fd = -1 };
	struct bw_dial_clock clock;
	const char *words = "";
	enum bw_err err;

	bw_dial_clock_start(&clock, connect_ms, connect_ms);
	err = connect_one(at, &clock, &wire.fd, &words);
	if (err != BW_OK) {
		char authority[BW_URL_AUTHORITY_BYTES];

		bw_url_authority(origin, authority);
		return bw_why_set(why, err, "cannot connect to '%s': %s", authority, words);
	}
	if (origin->tls)
		err = start_tls(origin, tls, &clock, &wire, why);
	if (err != BW_OK) {
		bw_tls_free(wire.tls);
		close(wire.fd);
		return err;
	}
	*out = wire;
	return BW_OK;
}

enum bw_err bw_dial(const struct bw_url *origin, struct bw_tls_context *tls, uint32_t connect_ms, struct bw_wire *out,
		    struct bw_why *why)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *list = NULL;
	enum bw_err err = BW_ERR_NOT_FOUND;
	char port[8];
	int failed;

	snprintf(port, sizeof(port), "%u", (unsigned)origin->port);
	failed = getaddrinfo(origin->host, port, &hints, &list);
	if (failed != 0)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "cannot find '%s': %s", origin->host, gai_strerror(failed));
	for (const struct addrinfo *at = list; at != NULL; at = at->ai_next) {
		err = dial_one(origin, at, tls, connect_ms, out, why);
		/* Who is there but not to be trusted is not there under another address either. */
		if (err == BW_OK || err == BW_ERR_SIGNATURE)
			break;
	}
	freeaddrinfo(list);
	return err;
}
