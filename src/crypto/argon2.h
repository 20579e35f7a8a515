/*
 * Argon2id (RFC 9106) with its costs; private to this room.
 */
#ifndef BW_CRYPTO_ARGON2_H
#define BW_CRYPTO_ARGON2_H

#include "base/bytes.h"

struct bw_argon2_costs {
	uint32_t memory_kib;
	uint32_t passes;
	uint32_t lanes;
};

/* RANGE when a cost is zero, more than `most` has, or less memory than 8 KiB a lane (RFC 9106 §3.1). */
BW_MUST_USE enum bw_err bw_argon2_check(const struct bw_argon2_costs *costs, const struct bw_argon2_costs *most);

/* CRYPTO also when the memory cannot be had. */
BW_MUST_USE enum bw_err bw_argon2id(const struct bw_argon2_costs *costs, struct bw_slice password, struct bw_slice salt,
				    uint8_t *out, size_t out_len);

#endif
