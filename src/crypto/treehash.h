/*
 * SHA-256 of what hash trees are made of: short messages behind one byte that says what they are (RFC 6962 §2.1),
 * hashed by the million. The compression function of OpenSSL is called without the machinery around it, which costs
 * three times as much as the two blocks of an inner node. Nothing here can fail.
 *
 * bw_sha256 of the same bytes gives the same hash.
 */
#ifndef BW_CRYPTO_TREEHASH_H
#define BW_CRYPTO_TREEHASH_H

#include "crypto/hash.h"

/* SHA-256(prefix || bytes), of any length. */
void bw_treehash_leaf(uint8_t prefix, struct bw_slice bytes, uint8_t out[BW_SHA256_BYTES]);

/* SHA-256(prefix || left || right); `out` may be one of them. */
void bw_treehash_node(uint8_t prefix, const uint8_t left[BW_SHA256_BYTES], const uint8_t right[BW_SHA256_BYTES],
		      uint8_t out[BW_SHA256_BYTES]);

/* `count` nodes at once: pairs of 64 bytes one after another into hashes of 32; `out` may be `pairs`. */
void bw_treehash_nodes(uint8_t prefix, const uint8_t *pairs, size_t count, uint8_t *out);

#endif
