/*
 * AES-256-GCM (NIST SP 800-38D): bytes that only who has the key can read, and nobody can change unseen. A nonce is
 * used once under a key, ever: the caller sees to that.
 */
#ifndef BW_CRYPTO_AEAD_H
#define BW_CRYPTO_AEAD_H

#include "base/secret.h"

enum { BW_AEAD_KEY_BYTES = 32, BW_AEAD_NONCE_BYTES = 12, BW_AEAD_TAG_BYTES = 16 };

struct bw_aead; /* one thread's at a time */

/* The key is copied. RANGE: not of 32 bytes; MEMORY, CRYPTO. */
BW_MUST_USE enum bw_err bw_aead_new(struct bw_slice key, struct bw_aead **out);
void bw_aead_free(struct bw_aead *aead); /* wipes; NULL allowed */

/*
 * Writes plain.len + BW_AEAD_TAG_BYTES bytes, which must not overlap `plain`. `with` is authenticated too. TOO_BIG,
 * CRYPTO.
 */
BW_MUST_USE enum bw_err bw_aead_seal(struct bw_aead *aead, const uint8_t nonce[BW_AEAD_NONCE_BYTES],
				     struct bw_slice with, struct bw_slice plain, uint8_t *out);

/*
 * Writes sealed.len - BW_AEAD_TAG_BYTES bytes. LOCKED: wrong key, or changed; then they are zeros. TRUNCATED,
 * TOO_BIG, CRYPTO.
 */
BW_MUST_USE enum bw_err bw_aead_open(struct bw_aead *aead, const uint8_t nonce[BW_AEAD_NONCE_BYTES],
				     struct bw_slice with, struct bw_slice sealed, uint8_t *out);

#endif
