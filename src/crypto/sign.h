/*
 * One key of one algorithm over plain messages: what formats ask for that others have fixed, such as the notes of
 * transparency logs. Ed25519 (RFC 8032), ML-DSA-44 and ML-DSA-65 (FIPS 204, pure, hedged).
 *
 * There is no framing here: whoever signs makes sure that a message of one purpose is none of another. What a node
 * signs for itself goes through crypto/keys.h, which frames every message and signs it twice.
 *
 * A key is its seed of 32 bytes (RFC 8032 §5.1.5, FIPS 204 algorithm 1); keeping it is the caller's.
 */
#ifndef BW_CRYPTO_SIGN_H
#define BW_CRYPTO_SIGN_H

#include "base/secret.h"

enum bw_sign_kind {
	BW_SIGN_ED25519,
	BW_SIGN_MLDSA44,
	BW_SIGN_MLDSA65,
	BW_SIGN_KINDS,
};

enum {
	BW_SIGN_SEED_BYTES = 32,
	BW_SIGN_PUBLIC_MAX = 1952,    /* ML-DSA-65's */
	BW_SIGN_SIGNATURE_MAX = 3309, /* the same */
	BW_SIGN_CONTEXT_MAX = 255,    /* FIPS 204 algorithm 2 */
};

/* Of an encoded public key, of a signature: always the same. */
size_t bw_sign_public_bytes(enum bw_sign_kind kind);
size_t bw_sign_signature_bytes(enum bw_sign_kind kind);

struct bw_sign_key; /* private */

/* RANGE: the seed is not of 32 bytes. UNSUPPORTED: the OpenSSL in use lacks the algorithm. MEMORY, CRYPTO. */
BW_MUST_USE enum bw_err bw_sign_key_new(enum bw_sign_kind kind, struct bw_slice seed, struct bw_sign_key **out);
void bw_sign_key_free(struct bw_sign_key *key); /* wipes; NULL allowed */

enum bw_sign_kind bw_sign_key_kind(const struct bw_sign_key *key);
struct bw_slice bw_sign_key_public(const struct bw_sign_key *key); /* lives as long as the key */

/* Writes bw_sign_signature_bytes(kind) bytes. CRYPTO. */
BW_MUST_USE enum bw_err bw_sign(const struct bw_sign_key *key, struct bw_slice message, uint8_t *out);

/*
 * OK, or SIGNATURE for whatever does not verify, wrong lengths included. `context`: FIPS 204's, at most 255 bytes,
 * empty in every format we speak; Ed25519 has none, so one there is SIGNATURE as well.
 */
BW_MUST_USE enum bw_err bw_sign_verify(enum bw_sign_kind kind, struct bw_slice public, struct bw_slice context,
				       struct bw_slice message, struct bw_slice signature);

#endif
