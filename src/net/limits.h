/*
 * What the server accepts from strangers, the reason beside each number. Those
 * in struct bw_http_limits are defaults that the owner may change; the others
 * are built in.
 */
#ifndef BW_NET_LIMITS_H
#define BW_NET_LIMITS_H

#include <stdint.h>

#include "base/macros.h"

/* (How long a head may be is BW_HTTP_HEAD_MAX of codec/http.h.) */

/* One read of a body at most: four TLS records. */
#define BW_HTTP_READ_BYTES (64 * BW_KIB)

/* Reads of one body in one turn: a megabyte, then the others. */
#define BW_HTTP_READ_BURST 16

/* Written in one turn: sixteen TLS records, so that one fast reader does not hold the others. */
#define BW_HTTP_WRITE_BURST (256 * BW_KIB)

/* The first write gathers head and body into one TLS record of full size. */
#define BW_HTTP_GATHER_BYTES (16 * BW_KIB)

/* Connections taken at once: fronts that share a listener then share what arrives, too. */
#define BW_HTTP_ACCEPT_BURST 4

/* Requests already read that one connection may have answered in one turn. */
#define BW_HTTP_PIPELINE_BURST 16

/* How often deadlines are looked at; they are seconds, so a quarter is fine enough. */
#define BW_HTTP_TICK_MS 250

/* After the last descriptor is gone: how long accepting rests. */
#define BW_HTTP_ACCEPT_REST_MS 250

/* Work blocks (head buffer and parsed head) kept for reuse when their connections idle. */
#define BW_HTTP_SPARE_WORK 256

/* Pieces that wait for one who hears a stream: whoever is further behind comes again and asks what was missed. */
#define BW_HTTP_STREAM_PIECES 32

/* What a client may say while it hears a stream, which is nothing: a few bytes of politeness, then the end. */
#define BW_HTTP_STREAM_CHATTER 1024

struct bw_http_limits {
	uint32_t connections;      /* 20,000: about 1 GB if every one is TLS in mid-request */
	uint32_t connections_each; /* 512 per client address: a site behind one NAT, not a flood */
	uint32_t requests;         /* 100,000 per connection, so that load spreads again after a restart */
	uint32_t handshake_ms;     /* 10,000: TLS over a bad satellite link needs 4 s */
	uint32_t head_ms;        /* 10,000 from a request's first byte (or the connection's start) to its last header */
	uint32_t idle_ms;        /* 75,000 between requests; pollers come back within a minute */
	uint32_t body_window_ms; /* 10,000: in each such window a body must bring ... */
	uint32_t body_window_bytes;  /* ... 8 KiB, the speed of a 9,600 baud line */
	uint32_t body_ms;            /* 600,000 for a whole body, however steadily it drips */
	uint32_t write_window_ms;    /* 20,000: in each such window a client must take ... */
	uint32_t write_window_bytes; /* ... 8 KiB of its answer, or all that is left */
	uint32_t linger_ms;          /* 2,000 in which a refused client may read our answer */
	uint32_t linger_bytes;       /* 4 MiB of a refused body read and dropped meanwhile */
	uint32_t stream_ms;          /* 3,600,000 a stream rests without a piece; then it ends as it should */
	uint32_t owner_ms;           /* 120,000 for the owner to answer; then 503 */
};

#define BW_HTTP_LIMITS_DEFAULT                   \
	((struct bw_http_limits){                \
		.connections = 20000,            \
		.connections_each = 512,         \
		.requests = 100000,              \
		.handshake_ms = 10000,           \
		.head_ms = 10000,                \
		.idle_ms = 75000,                \
		.body_window_ms = 10000,         \
		.body_window_bytes = 8 * 1024,   \
		.body_ms = 600000,               \
		.write_window_ms = 20000,        \
		.write_window_bytes = 8 * 1024,  \
		.linger_ms = 2000,               \
		.linger_bytes = 4 * 1024 * 1024, \
		.stream_ms = 3600000,            \
		.owner_ms = 120000,              \
	})

#endif
