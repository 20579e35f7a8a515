/*
 * What this node has signed for and not done yet: a reason not to forget a peer, for without his keys nobody could
 * tell any more what both agreed.
 */
#ifndef BW_ACCORD_DUTY_H
#define BW_ACCORD_DUTY_H

#include "accord/place.h"

/*
 * CONFLICT: an accord with him says that what was received is destroyed at its end, and it has not ended, or something
 * that came under it is still in the store; `why` says what to do. Reads the store, beside a server or without one.
 */
BW_MUST_USE enum bw_err bw_duty_check(const char *data, const struct bw_peer *peer, struct bw_why *why);

#endif
