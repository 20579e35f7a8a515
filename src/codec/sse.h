/*
 * Server-sent events (WHATWG HTML §9.2.6) as a client reads them: bytes in as they arrive, whole events out. Pure, and
 * bounded: whoever sends more than `max` bytes in one event or one line is TOO_BIG, which is final.
 *
 * A byte order mark at the start is dropped, lines end with LF, CR or both, fields that nobody knows are passed
 * over. What stands behind the last empty line when the stream breaks off never was an event.
 */
#ifndef BW_CODEC_SSE_H
#define BW_CODEC_SSE_H

#include "base/bytes.h"

enum {
	BW_SSE_ID_BYTES = 128,
	BW_SSE_NAME_BYTES = 32, /* of an event's type; a longer one is nobody's */
};

struct bw_sse_event {
	struct bw_slice id;   /* of this event, or the last one that had any */
	struct bw_slice name; /* "message" when it has none */
	struct bw_slice data; /* not empty */
};

struct bw_sse {
	struct bw_buf line;
	struct bw_buf data;
	size_t id_len;
	size_t name_len;
	uint64_t retry_ms; /* what the server asked for last; 0: nothing */
	bool after_cr;
	bool began;
	char id[BW_SSE_ID_BYTES];
	char name[BW_SSE_NAME_BYTES];
};

void bw_sse_init(struct bw_sse *sse, size_t max);
void bw_sse_release(struct bw_sse *sse);

/* For the next connection: what is half-read goes, the id stays. */
void bw_sse_restart(struct bw_sse *sse);

/* An error of `on_event` ends the reading and is returned. Slices of the event borrow until it returns. */
typedef enum bw_err bw_sse_fn(void *ctx, const struct bw_sse_event *event);

/* TOO_BIG, UTF8 (a line that is not), MEMORY. */
BW_MUST_USE enum bw_err bw_sse_take(struct bw_sse *sse, struct bw_slice bytes, bw_sse_fn *on_event, void *ctx);

#endif
