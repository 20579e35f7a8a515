/*
 * Failed logins make the next attempt wait: per account and address together,
 * per address, and, gently, per account, so that guessing is slow while nobody
 * can lock somebody else out. Bounded memory; pure but for the clock it is given.
 *
 * `address` is 16 bytes, IPv4 mapped into IPv6. Addresses of one IPv6 /64 count as one:
 * whoever has one of them has all.
 */
#ifndef BW_SERVE_PENALTY_H
#define BW_SERVE_PENALTY_H

#include "base/bytes.h"

struct bw_penalties;

BW_MUST_USE enum bw_err bw_penalties_new(struct bw_penalties **out);
void bw_penalties_free(struct bw_penalties *penalties);

/* Milliseconds to wait before this attempt may be checked; 0: now. */
uint32_t bw_penalty_wait(const struct bw_penalties *penalties, struct bw_slice account, struct bw_slice address,
			 int64_t now_ms);
void bw_penalty_failed(struct bw_penalties *penalties, struct bw_slice account, struct bw_slice address,
		       int64_t now_ms);

/*
 * A right password forgives the pair, not the address: it may be guessing others too. For a day the pair
 * does not wait for guesses from other addresses, or a few hundred of those could keep its owner waiting for ever.
 */
void bw_penalty_passed(struct bw_penalties *penalties, struct bw_slice account, struct bw_slice address,
		       int64_t now_ms);

#endif
