/*
 * A reply is a finished answer: status line, headers and body, immutable and
 * counted, so that two hundred pollers share one. The server adds Date,
 * Content-Length and Connection when it sends; nobody else writes those.
 */
#ifndef BW_NET_REPLY_H
#define BW_NET_REPLY_H

#include "base/bytes.h"

struct bw_reply;

enum { BW_REPLY_PIECE_MAX = 1024 * 1024 };

/*
 * `headers` is ready-made text, each line "Name: value\r\n", copied; line ends
 * inside values are the caller's to exclude (SYNTAX when the text does not end
 * in CRLF or holds a bare CR, LF or NUL). `status` is 200..599.
 *
 * bw_reply_new takes the body's memory (the caller's buf is empty after OK);
 * NULL means an empty body. MEMORY, SYNTAX, RANGE; on failure `body` is the
 * caller's still.
 */
BW_MUST_USE enum bw_err bw_reply_new(unsigned status, struct bw_slice headers, struct bw_buf *body,
				     struct bw_reply **out);

/* The body borrows bytes that live as long as the program. */
BW_MUST_USE enum bw_err bw_reply_new_static(unsigned status, struct bw_slice headers, struct bw_slice body,
					    struct bw_reply **out);

/*
 * The body is `len` bytes at `offset` of a memory file, mapped read-only. The
 * file must be sealed against shrinking (DENIED otherwise: a writer could end
 * us with SIGBUS) and must hold that much (RANGE). The fd stays the caller's
 * and may be closed at once.
 */
BW_MUST_USE enum bw_err bw_reply_new_mapped(unsigned status, struct bw_slice headers, int fd, uint64_t offset,
					    size_t len, struct bw_reply **out);

/*
 * The head of a stream (bw_exchange_stream): it has no Content-Length, and its pieces follow. As bw_reply_new;
 * RANGE also for a status that has no body.
 */
BW_MUST_USE enum bw_err bw_reply_new_stream(unsigned status, struct bw_slice headers, struct bw_reply **out);

/*
 * One piece of a stream: a chunk (RFC 9112 §7.1), framed once for all who hear it. `bytes` are copied; none at
 * all make the piece that ends a stream. MEMORY, TOO_BIG (over BW_REPLY_PIECE_MAX).
 */
BW_MUST_USE enum bw_err bw_reply_new_piece(struct bw_slice bytes, struct bw_reply **out);

struct bw_reply *bw_reply_hold(struct bw_reply *reply); /* one more owner; returns it */
void bw_reply_drop(struct bw_reply *reply);             /* one fewer; the last frees. NULL is fine */

unsigned bw_reply_status(const struct bw_reply *reply);
size_t bw_reply_body_bytes(const struct bw_reply *reply);

#endif
