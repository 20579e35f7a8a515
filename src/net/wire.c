#include "net/wire.h"

#include <errno.h>
#include <sys/socket.h>

#include "crypto/tls.h"

static enum bw_wire_step from_tls(enum bw_tls_step step)
{
	switch (step) {
	case BW_TLS_DONE:
		return BW_WIRE_DONE;
	case BW_TLS_WANT_READ:
		return BW_WIRE_WANT_READ;
	case BW_TLS_WANT_WRITE:
		return BW_WIRE_WANT_WRITE;
	case BW_TLS_CLOSED:
		return BW_WIRE_END;
	case BW_TLS_FAILED:
		break;
	}
	return BW_WIRE_FAILED;
}

static bool is_wait(int saved_errno)
{
	return saved_errno == EAGAIN || saved_errno == EINTR;
}

enum bw_wire_step bw_wire_read(const struct bw_wire *wire, uint8_t *out, size_t max, size_t *out_len, bool *more)
{
	ssize_t n;

	if (wire->tls != NULL) {
		const enum bw_wire_step step = from_tls(bw_tls_read(wire->tls, out, max, out_len));

		*more = step == BW_WIRE_DONE && bw_tls_has_pending(wire->tls);
		return step;
	}
	n = recv(wire->fd, out, max, 0);
	*more = n > 0 && (size_t)n == max;
	if (n > 0) {
		*out_len = (size_t)n;
		return BW_WIRE_DONE;
	}
	if (n == 0)
		return BW_WIRE_END;
	return is_wait(errno) ? BW_WIRE_WANT_READ : BW_WIRE_FAILED;
}

static enum bw_wire_step write_tls(const struct bw_wire *wire, const struct iovec *parts, int count, size_t *out_len)
{
	for (int i = 0; i < count; i++)
		if (parts[i].iov_len > 0)
			return from_tls(
				bw_tls_write(wire->tls, bw_slice_of(parts[i].iov_base, parts[i].iov_len), out_len));
	*out_len = 0;
	return BW_WIRE_DONE;
}

enum bw_wire_step bw_wire_write(const struct bw_wire *wire, struct iovec *parts, int count, size_t *out_len)
{
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = (size_t)count };
	ssize_t n;

	if (wire->tls != NULL)
		return write_tls(wire, parts, count, out_len);
	n = sendmsg(wire->fd, &message, MSG_NOSIGNAL);
	if (n >= 0) {
		*out_len = (size_t)n;
		return BW_WIRE_DONE;
	}
	return is_wait(errno) ? BW_WIRE_WANT_WRITE : BW_WIRE_FAILED;
}

enum bw_wire_step bw_wire_handshake(const struct bw_wire *wire)
{
	return wire->tls == NULL ? BW_WIRE_DONE : from_tls(bw_tls_handshake(wire->tls));
}

void bw_wire_rest(const struct bw_wire *wire)
{
	if (wire->tls != NULL)
		bw_tls_rest(wire->tls);
}

void bw_wire_finish(const struct bw_wire *wire)
{
	if (wire->tls != NULL)
		(void)!bw_tls_shutdown(wire->tls); /* best effort: the FIN behind it says the same */
	shutdown(wire->fd, SHUT_WR);
}
