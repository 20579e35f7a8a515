/*
 * The caller's other half: an incident's bundle goes to the exchange that is reported to, as one request (TAXII 2.1
 * §5.5). One at a time; the answer's text goes to the reader, since the caller reads none. Of whatever goes wrong
 * scribe is told, who tries again.
 */
#ifndef BW_GUARD_CALLER_SEND_H
#define BW_GUARD_CALLER_SEND_H

#include <poll.h>

#include "guard/exchange.h"
#include "net/follow.h"
#include "sys/worker.h"

struct caller_send {
	struct bw_follow *follow; /* NULL: nothing is on its way */
	uint64_t incident;
	uint32_t report;
	unsigned status;  /* of the answer; 0: not here yet */
	int64_t until_ms; /* monotonic: then it has failed */
	struct bw_buf answer;
};

/* A frame SEND and the memory file that came with it; PROTOCOL when that makes no sense. */
BW_MUST_USE enum bw_err caller_send_take(struct caller_send *send, struct bw_seat *seat,
					 const struct bw_exchange *exchange, struct bw_tls_context *tls,
					 struct bw_slice body, int fd);

/* What to wait for; returns until when at most (INT64_MAX: for ever). */
int64_t caller_send_wish(const struct caller_send *send, struct pollfd *out);
void caller_send_turn(struct caller_send *send, struct bw_seat *seat, bool is_ready, int64_t now_ms);
void caller_send_release(struct caller_send *send);

#endif
