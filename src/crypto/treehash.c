#define OPENSSL_SUPPRESS_DEPRECATED /* SHA256_Transform: the one door to the bare compression function */
#include "crypto/treehash.h"

#include <openssl/sha.h>

enum {
	BLOCK = 64,
	LENGTH_BYTES = 8,                     /* FIPS 180-4 §5.1.1: the message ends with its length in bits */
	TAIL_ROOM = BLOCK - 1 - LENGTH_BYTES, /* what fits beside 0x80 and the length in the last block */
	NODE_BYTES = 1 + 2 * BW_SHA256_BYTES, /* 65: two blocks */
};

static void put_be64(uint8_t *at, uint64_t value)
{
	for (int i = 7; i >= 0; i--) {
		at[i] = (uint8_t)value;
		value >>= 8;
	}
}

static void put_words(const SHA256_CTX *ctx, uint8_t out[BW_SHA256_BYTES])
{
	for (size_t i = 0; i < 8; i++) {
		const uint32_t word = (uint32_t)ctx->h[i];

		for (size_t j = 0; j < 4; j++)
			out[4 * i + j] = (uint8_t)(word >> (24 - 8 * j));
	}
}

void bw_treehash_leaf(uint8_t prefix, struct bw_slice bytes, uint8_t out[BW_SHA256_BYTES])
{
	uint8_t block[BLOCK];
	struct bw_slice rest = bytes;
	size_t used = 1;
	SHA256_CTX ctx;

	(void)SHA256_Init(&ctx); /* sets eight words; its result says only that it is there */
	block[0] = prefix;
	while (used + rest.len >= BLOCK) {
		memcpy(block + used, rest.ptr, BLOCK - used);
		SHA256_Transform(&ctx, block);
		rest = bw_slice_from(rest, BLOCK - used);
		used = 0;
	}
	memcpy(block + used, rest.ptr, rest.len);
	used += rest.len;
	block[used++] = 0x80;
	memset(block + used, 0, BLOCK - used);
	if (used - 1 > TAIL_ROOM) {
		SHA256_Transform(&ctx, block);
		memset(block, 0, sizeof(block));
	}
	put_be64(block + BLOCK - LENGTH_BYTES, 8 * (1 + (uint64_t)bytes.len));
	SHA256_Transform(&ctx, block);
	put_words(&ctx, out);
}

/* The second block of a node is its last byte, the padding and the length, which never change. */
static void fill_tail(uint8_t tail[BLOCK])
{
	memset(tail, 0, BLOCK);
	tail[1] = 0x80;
	put_be64(tail + BLOCK - LENGTH_BYTES, UINT64_C(8) * NODE_BYTES);
}

static void hash_node(uint8_t head[BLOCK], uint8_t tail[BLOCK], const uint8_t *left, const uint8_t *right, uint8_t *out)
{
	SHA256_CTX ctx;

	memcpy(head + 1, left, BW_SHA256_BYTES);
	memcpy(head + 1 + BW_SHA256_BYTES, right, BW_SHA256_BYTES - 1);
	tail[0] = right[BW_SHA256_BYTES - 1];
	(void)SHA256_Init(&ctx);
	SHA256_Transform(&ctx, head);
	SHA256_Transform(&ctx, tail);
	put_words(&ctx, out);
}

void bw_treehash_node(uint8_t prefix, const uint8_t left[BW_SHA256_BYTES], const uint8_t right[BW_SHA256_BYTES],
		      uint8_t out[BW_SHA256_BYTES])
{
	uint8_t head[BLOCK] = { prefix };
	uint8_t tail[BLOCK];

	fill_tail(tail);
	hash_node(head, tail, left, right, out);
}

void bw_treehash_nodes(uint8_t prefix, const uint8_t *pairs, size_t count, uint8_t *out)
{
	uint8_t head[BLOCK] = { prefix };
	uint8_t tail[BLOCK];

	fill_tail(tail);
	for (size_t i = 0; i < count; i++)
		hash_node(head, tail, pairs + 2 * i * BW_SHA256_BYTES, pairs + (2 * i + 1) * BW_SHA256_BYTES,
			  out + i * BW_SHA256_BYTES);
}
