/*
 * Digests, HMAC, random bytes and a fast keyed hash.
 *
 * OpenSSL's algorithm is looked up once per process and its context reused, so
 * that hashing an object of a few hundred bytes costs what the hash costs.
 * CRYPTO is the only error and means that the library has lost the algorithm
 * (MD5 in a FIPS setting); nothing a peer sends can cause it.
 */
#ifndef BW_CRYPTO_HASH_H
#define BW_CRYPTO_HASH_H

#include "base/bytes.h"

enum {
	BW_SHA256_BYTES = 32,
	BW_SHA1_BYTES = 20,
	BW_MD5_BYTES = 16,
	BW_SIPHASH_KEY_BYTES = 16,
};

BW_MUST_USE enum bw_err bw_sha256(struct bw_slice bytes, uint8_t out[BW_SHA256_BYTES]);
BW_MUST_USE enum bw_err bw_sha1(struct bw_slice bytes, uint8_t out[BW_SHA1_BYTES]); /* names (UUIDv5), not security */
BW_MUST_USE enum bw_err bw_md5(struct bw_slice bytes, uint8_t out[BW_MD5_BYTES]);   /* evidence from others only */

/* Piece by piece. */
struct bw_sha256_run;

BW_MUST_USE enum bw_err bw_sha256_new(struct bw_sha256_run **out);
BW_MUST_USE enum bw_err bw_sha256_add(struct bw_sha256_run *run, struct bw_slice bytes);
BW_MUST_USE enum bw_err bw_sha256_end(struct bw_sha256_run *run, uint8_t out[BW_SHA256_BYTES]); /* ready for the next */
void bw_sha256_free(struct bw_sha256_run *run);

/* RFC 2104 over SHA-256; any key length. */
BW_MUST_USE enum bw_err bw_hmac_sha256(struct bw_slice key, struct bw_slice bytes, uint8_t out[BW_SHA256_BYTES]);

/* From the kernel. Ends the process when the kernel has no random bytes: going on would be unsafe. */
void bw_random(void *out, size_t len);

/*
 * SipHash-2-4: a 64-bit hash nobody without the key can aim, for tables keyed by
 * what strangers send. Pure; the same on every machine.
 */
uint64_t bw_siphash(const uint8_t key[BW_SIPHASH_KEY_BYTES], struct bw_slice bytes);

#endif
