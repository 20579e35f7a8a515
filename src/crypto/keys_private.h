/*
 * Between keys.c and keys_file.c, and for tests that check single algorithms.
 */
#ifndef BW_CRYPTO_KEYS_PRIVATE_H
#define BW_CRYPTO_KEYS_PRIVATE_H

#include "crypto/keys.h"
#include "crypto/sign.h"

enum { SEEDS_BYTES = 2 * BW_SIGN_SEED_BYTES };

struct bw_node_keys {
	struct bw_secret seeds; /* Ed25519, then ML-DSA: what the file keeps */
	struct bw_sign_key *ed25519;
	struct bw_sign_key *mldsa65;
	struct bw_node_public public;
};

/* Takes `seeds` (SEEDS_BYTES) over, also when it fails. */
BW_MUST_USE enum bw_err bw_node_keys_from_seeds(struct bw_secret *seeds, struct bw_node_keys **out);

bool bw_ed25519_verify(const uint8_t public[BW_ED25519_PUBLIC_BYTES], struct bw_slice message,
		       struct bw_slice signature);
bool bw_mldsa65_verify(const uint8_t public[BW_MLDSA65_PUBLIC_BYTES], struct bw_slice message,
		       struct bw_slice signature);

#endif
