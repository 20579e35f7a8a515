/*
 * Secrets: held in locked memory that is left out of core dumps and that a
 * child of fork finds empty (zeros), wiped at end of scope, compared in
 * constant time, never given to a log or an error.
 */
#ifndef BW_BASE_SECRET_H
#define BW_BASE_SECRET_H

#include "base/bytes.h"

enum { BW_SECRET_MAX = 8192 }; /* an ML-DSA-65 private key with its PKCS#8 frame is 4.1 kB */

struct bw_secret {
	uint8_t *ptr; /* NULL when empty */
	size_t len;
};

/* A copy of `bytes` (1..BW_SECRET_MAX). TOO_BIG, MEMORY. */
BW_MUST_USE enum bw_err bw_secret_set(struct bw_secret *secret, struct bw_slice bytes);

/* `len` zero bytes to be filled in place through ptr. */
BW_MUST_USE enum bw_err bw_secret_make(struct bw_secret *secret, size_t len);

void bw_secret_wipe(struct bw_secret *secret);

static inline struct bw_slice bw_secret_slice(const struct bw_secret *secret)
{
	return bw_slice_of(secret->ptr, secret->len);
}

/* Takes the same time whatever the content; lengths are not hidden. */
bool bw_equal_ct(struct bw_slice a, struct bw_slice b);

#endif
