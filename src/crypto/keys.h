/*
 * Node keys: an Ed25519 and an ML-DSA-65 (FIPS 204) pair that belong together.
 * A signature of the node is both signatures; it verifies when both do, so it holds
 * while either algorithm holds. docs/keys.md tells the formats for people.
 *
 * Every signature is made over  "breakwater/v1/" domain NUL message  so that what
 * was signed for one purpose never verifies for another.
 */
#ifndef BW_CRYPTO_KEYS_H
#define BW_CRYPTO_KEYS_H

#include "base/cursor.h"
#include "base/secret.h"
#include "crypto/hash.h"
#include "sys/why.h"

enum {
	BW_ED25519_PUBLIC_BYTES = 32,
	BW_ED25519_SIGNATURE_BYTES = 64,
	BW_MLDSA65_PUBLIC_BYTES = 1952,
	BW_MLDSA65_SIGNATURE_BYTES = 3309,
	BW_NODE_PUBLIC_BYTES = 4 + BW_ED25519_PUBLIC_BYTES + BW_MLDSA65_PUBLIC_BYTES,
	BW_NODE_SIGNATURE_BYTES = 4 + BW_ED25519_SIGNATURE_BYTES + BW_MLDSA65_SIGNATURE_BYTES,
	BW_NODE_KEYS_FILE_MAX = 16 * 1024,
	BW_NODE_NAME_CHARS = 67, /* "bw1" + 64 hexadecimal digits */
	BW_DOMAIN_MAX = 64,
	BW_PASSPHRASE_MAX = 1024,
	BW_ROTATION_MAX = 16 * 1024,
};

struct bw_node_keys; /* private; held by the signer alone */

struct bw_node_public {
	uint8_t ed25519[BW_ED25519_PUBLIC_BYTES];
	uint8_t mldsa65[BW_MLDSA65_PUBLIC_BYTES];
};

struct bw_node_signature {
	uint8_t ed25519[BW_ED25519_SIGNATURE_BYTES];
	uint8_t mldsa65[BW_MLDSA65_SIGNATURE_BYTES];
};

/* UNSUPPORTED when the OpenSSL in use has no ML-DSA (before 3.5); MEMORY, CRYPTO. */
BW_MUST_USE enum bw_err bw_node_keys_make(struct bw_node_keys **out);
void bw_node_keys_free(struct bw_node_keys *keys); /* wipes; NULL allowed */

/* The file: encrypted under a passphrase (docs/keys.md). RANGE (passphrase empty or too long). */
BW_MUST_USE enum bw_err bw_node_keys_seal(const struct bw_node_keys *keys, struct bw_slice passphrase,
					  struct bw_buf *out);

/* LOCKED: wrong passphrase, or the file was changed. SYNTAX, VERSION, TRUNCATED, RANGE: not such a file. */
BW_MUST_USE enum bw_err bw_node_keys_open(struct bw_slice file, struct bw_slice passphrase, struct bw_node_keys **out);

void bw_node_keys_public(const struct bw_node_keys *keys, struct bw_node_public *out);

/* `domain`: 1..BW_DOMAIN_MAX bytes of a-z, 0-9, '-', '/'. */
BW_MUST_USE enum bw_err bw_node_sign(const struct bw_node_keys *keys, const char *domain, struct bw_slice message,
				     struct bw_node_signature *out);

/* OK or SIGNATURE (either does not verify). */
BW_MUST_USE enum bw_err bw_node_verify(const struct bw_node_public *node, const char *domain, struct bw_slice message,
				       const struct bw_node_signature *signature);

/*
 * For DSSE (codec/dsse.h), whose encoding frames a message itself: both signatures over `pae` as it is. It begins
 * with "DSSEv1 ", so it is never a message of the framing above. USAGE: it does not.
 */
BW_MUST_USE enum bw_err bw_node_sign_pae(const struct bw_node_keys *keys, struct bw_slice pae,
					 struct bw_node_signature *out);

enum bw_node_algorithm { BW_NODE_ED25519, BW_NODE_MLDSA65 };

/* One of the two by itself: an envelope carries each on its own. A node has signed when both verify. SIGNATURE. */
BW_MUST_USE enum bw_err bw_node_verify_pae(const struct bw_node_public *node, enum bw_node_algorithm algorithm,
					   struct bw_slice pae, struct bw_slice signature);

/* version be16 (1) | suite be16 (1: Ed25519 + ML-DSA-65) | the two keys. TRUNCATED, VERSION. */
BW_MUST_USE enum bw_err bw_node_public_add(struct bw_buf *out, const struct bw_node_public *node);
BW_MUST_USE enum bw_err bw_node_public_take(struct bw_cursor *in, struct bw_node_public *out);
BW_MUST_USE enum bw_err bw_node_signature_add(struct bw_buf *out, const struct bw_node_signature *signature);
BW_MUST_USE enum bw_err bw_node_signature_take(struct bw_cursor *in, struct bw_node_signature *out);

/* A node's name: SHA-256 over "breakwater/v1/node" NUL and the encoded public keys. */
BW_MUST_USE enum bw_err bw_node_fingerprint(const struct bw_node_public *node, uint8_t out[BW_SHA256_BYTES]);
void bw_node_name(const uint8_t fingerprint[BW_SHA256_BYTES], char out[BW_NODE_NAME_CHARS + 1]);
BW_MUST_USE enum bw_err bw_node_name_parse(struct bw_slice text, uint8_t out[BW_SHA256_BYTES]);

/* ---- rotation --------------------------------------------------------- */

struct bw_node_rotation {
	uint8_t old_fingerprint[BW_SHA256_BYTES];
	struct bw_node_public now;
	int64_t time_us;
};

/* A statement that `now` follows `old`, signed by both. */
BW_MUST_USE enum bw_err bw_node_rotation_make(const struct bw_node_keys *old, const struct bw_node_keys *now,
					      int64_t time_us, struct bw_buf *out);

/* Checks both signatures against the old keys the caller trusts. SIGNATURE, SYNTAX, TRUNCATED, VERSION. */
BW_MUST_USE enum bw_err bw_node_rotation_check(struct bw_slice statement, const struct bw_node_public *old,
					       struct bw_node_rotation *out);

#endif
