/*
 * Bytes over a non-blocking socket, with TLS or without: the same five answers
 * either way. For this room only.
 */
#ifndef BW_NET_WIRE_H
#define BW_NET_WIRE_H

#include <sys/uio.h>

#include "base/bytes.h"

struct bw_tls;

enum bw_wire_step {
	BW_WIRE_DONE,       /* at least one byte */
	BW_WIRE_WANT_READ,  /* again when readable */
	BW_WIRE_WANT_WRITE, /* again when writable */
	BW_WIRE_END,        /* the other side will send no more */
	BW_WIRE_FAILED,     /* the connection is gone */
};

struct bw_wire {
	int fd;
	struct bw_tls *tls; /* NULL: plain */
};

/* `*more`: bytes may be waiting that no readiness event will announce, or announces again. */
enum bw_wire_step bw_wire_read(const struct bw_wire *wire, uint8_t *out, size_t max, size_t *out_len, bool *more);

/*
 * Writes parts in order, as many bytes as fit now. With TLS only the first non-empty
 * part is taken, so gather small ones before.
 */
enum bw_wire_step bw_wire_write(const struct bw_wire *wire, struct iovec *parts, int count, size_t *out_len);

enum bw_wire_step bw_wire_handshake(const struct bw_wire *wire);

/* Nothing is under way for a while: buffers go back. */
void bw_wire_rest(const struct bw_wire *wire);

/* Tells the other side that nothing more comes (close_notify, then FIN). */
void bw_wire_finish(const struct bw_wire *wire);

#endif
