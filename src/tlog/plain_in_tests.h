/* For tests: RFC 6962 §2.1 word for word, over leaves in memory: slow, and easily seen to be right. */
#ifndef BW_TLOG_PLAIN_IN_TESTS_H
#define BW_TLOG_PLAIN_IN_TESTS_H

#include <stdio.h>

#include "tlog/merkle.h"

enum { PLAIN_MAX = 70000 };

struct plain_tree {
	struct bw_hash leaves[PLAIN_MAX];
	uint64_t size;
};

static inline struct bw_slice plain_entry(unsigned seed, uint64_t index, char room[64])
{
	const int len = snprintf(room, 64, "entry %llu of log %u", (unsigned long long)index, seed);

	return bw_slice_of(room, (size_t)len);
}

static inline void plain_tree_fill(struct plain_tree *tree, uint64_t size, unsigned seed)
{
	char room[64];

	tree->size = size;
	for (uint64_t i = 0; i < size; i++)
		tree->leaves[i] = bw_hash_leaf(plain_entry(seed, i, room));
}

/* k: the largest power of two below n */
static inline uint64_t plain_half(uint64_t n)
{
	uint64_t k = 1;

	while (2 * k < n)
		k *= 2;
	return k;
}

/* MTH(D[start:end]) */
static inline struct bw_hash plain_root(const struct plain_tree *tree, uint64_t start, uint64_t end)
{
	struct bw_hash left;
	struct bw_hash right;

	if (start == end)
		return bw_hash_empty();
	if (end - start == 1)
		return tree->leaves[start];
	left = plain_root(tree, start, start + plain_half(end - start));
	right = plain_root(tree, start + plain_half(end - start), end);
	return bw_hash_node(&left, &right);
}

/* PATH(m, D[start:end]), m counted from start */
static inline void plain_path(const struct plain_tree *tree, uint64_t m, uint64_t start, uint64_t end,
			      struct bw_proof *out)
{
	const uint64_t n = end - start;
	const uint64_t k = plain_half(n);

	if (n == 1)
		return;
	if (m < k) {
		plain_path(tree, m, start, start + k, out);
		out->hashes[out->count++] = plain_root(tree, start + k, end);
	} else {
		plain_path(tree, m - k, start + k, end, out);
		out->hashes[out->count++] = plain_root(tree, start, start + k);
	}
}

/* SUBPROOF(m, D[start:end], b) */
static inline void plain_subproof(const struct plain_tree *tree, uint64_t m, uint64_t start, uint64_t end, bool b,
				  struct bw_proof *out)
{
	const uint64_t n = end - start;
	const uint64_t k = plain_half(n);

	if (m == n) {
		if (!b)
			out->hashes[out->count++] = plain_root(tree, start, end);
	} else if (m <= k) {
		plain_subproof(tree, m, start, start + k, b, out);
		out->hashes[out->count++] = plain_root(tree, start + k, end);
	} else {
		plain_subproof(tree, m - k, start + k, end, false, out);
		out->hashes[out->count++] = plain_root(tree, start, start + k);
	}
}

/* struct bw_nodes over it */
static inline enum bw_err plain_find(void *ctx, unsigned level, uint64_t index, struct bw_hash *out)
{
	const struct plain_tree *tree = ctx;
	const uint64_t start = index << level;

	BW_NEED(start + (UINT64_C(1) << level) <= tree->size, NOT_FOUND);
	*out = plain_root(tree, start, start + (UINT64_C(1) << level));
	return BW_OK;
}

#endif
