/*
 * What the front saw, on its way to the audit log: one line an access, equal
 * accesses within one round counted together, so that two hundred pollers
 * cost one line and a count, not two hundred lines. Bounded: a full list asks to be sent.
 */
#ifndef BW_SERVE_SEEN_H
#define BW_SERVE_SEEN_H

#include "base/bytes.h"

struct bw_seen;

/* so that a full list fits into one frame (sys/frame.h), whatever strangers write */
enum { BW_SEEN_LINES_MAX = 1024, BW_SEEN_TARGET_MAX = 512, BW_SEEN_NAME_MAX = 64, BW_SEEN_ACTION_MAX = 32 };

struct bw_seen_line {
	struct bw_slice name;    /* account; empty: nobody; cut at BW_SEEN_NAME_MAX */
	struct bw_slice address; /* 16 bytes; empty: none */
	struct bw_slice action;  /* method as sent; cut at BW_SEEN_ACTION_MAX */
	struct bw_slice target;  /* as sent; cut at BW_SEEN_TARGET_MAX */
	uint64_t status;
	uint64_t count; /* of equal accesses, 1.. */
};

BW_MUST_USE enum bw_err bw_seen_new(struct bw_seen **out);
void bw_seen_free(struct bw_seen *seen);

/* TOO_MANY: send first (nothing was noted). MEMORY. */
BW_MUST_USE enum bw_err bw_seen_note(struct bw_seen *seen, const struct bw_seen_line *line);

size_t bw_seen_count(const struct bw_seen *seen);

/* Appends the list of lines as a form field (serve/ask.h, BW_ASK_SEEN). */
BW_MUST_USE enum bw_err bw_seen_write(const struct bw_seen *seen, struct bw_buf *out);

/* Starts anew. */
void bw_seen_forget(struct bw_seen *seen);

#endif
