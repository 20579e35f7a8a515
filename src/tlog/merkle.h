/*
 * The Merkle tree of transparency logs: RFC 6962 §2.1 (RFC 9162 §2.1 has the same tree), SHA-256; leaf hashes are
 * over 0x00 || entry, inner nodes over 0x01 || left || right, the empty tree is the hash of nothing. Pure.
 *
 * A *node* (level, index) is the root of the perfect subtree over the leaves index * 2^level and the 2^level - 1 after
 * it. Whatever holds nodes can make proofs (struct bw_nodes); verifying needs nothing but the proof.
 *
 * A *subtree* [start, end) is one that has a hash of its own in the tree: start is a multiple of the smallest power of
 * two that is not below end - start (draft-ietf-plants-merkle-tree-certs §4.1).
 */
#ifndef BW_TLOG_MERKLE_H
#define BW_TLOG_MERKLE_H

#include "crypto/treehash.h"

enum {
	BW_TREE_LEVELS = 63,      /* a log has at most 2^63 - 1 entries, so that any size fits an int64 */
	BW_PROOF_HASHES_MAX = 64, /* inclusion <= 63, consistency <= 64 (RFC 6962 §2.1.1, §2.1.2) */
};

#define BW_TREE_SIZE_MAX ((UINT64_C(1) << BW_TREE_LEVELS) - 1)

struct bw_hash {
	uint8_t bytes[BW_SHA256_BYTES];
};

static inline bool bw_hash_equals(const struct bw_hash *a, const struct bw_hash *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static inline struct bw_slice bw_hash_slice(const struct bw_hash *hash)
{
	return bw_slice_of(hash->bytes, sizeof(hash->bytes));
}

struct bw_hash bw_hash_empty(void); /* of the tree without entries */
struct bw_hash bw_hash_leaf(struct bw_slice entry);
struct bw_hash bw_hash_node(const struct bw_hash *left, const struct bw_hash *right);

/* ---- a growing tree --------------------------------------------------------------------- */

/*
 * All that must be kept of a tree to add to it and to tell its root: the roots of the perfect subtrees it is made of,
 * largest first ("compact range"), one for each bit of the size. {0} is the empty tree.
 */
struct bw_tree {
	uint64_t size;
	size_t count;
	struct bw_hash peaks[BW_TREE_LEVELS];
};

/* One more perfect subtree of 2^level leaves; RANGE: size is no multiple of that, or the tree would be too large. */
BW_MUST_USE enum bw_err bw_tree_add(struct bw_tree *tree, unsigned level, const struct bw_hash *hash);

struct bw_hash bw_tree_root(const struct bw_tree *tree);

/*
 * To keep or carry it: size be64, then the peaks. Who takes in a log as it arrives needs no more than this: the leaves
 * from tree.size on, added, must lead to the root of the next checkpoint.
 */
enum { BW_TREE_PACKED_MAX = 8 + BW_TREE_LEVELS * BW_SHA256_BYTES };

BW_MUST_USE enum bw_err bw_tree_pack(const struct bw_tree *tree, struct bw_buf *out);

/* TRUNCATED; SYNTAX: more follows; RANGE: larger than a log may be. The peaks are what they are: hold the root. */
BW_MUST_USE enum bw_err bw_tree_unpack(struct bw_slice packed, struct bw_tree *out);

/* ---- proofs ------------------------------------------------------------------------------ */

struct bw_proof {
	size_t count;
	struct bw_hash hashes[BW_PROOF_HASHES_MAX]; /* from the leaves up */
};

/* Who knows nodes. The error of `find` is passed on. */
struct bw_nodes {
	void *ctx;
	enum bw_err (*find)(void *ctx, unsigned level, uint64_t index, struct bw_hash *out);
};

/* The hash of the leaves [start, end), which must be a subtree, of a tree that has `end` leaves at least. RANGE. */
BW_MUST_USE enum bw_err bw_subtree_hash(const struct bw_nodes *nodes, uint64_t start, uint64_t end,
					struct bw_hash *out);

/* RANGE: index >= size, or size beyond BW_TREE_SIZE_MAX. */
BW_MUST_USE enum bw_err bw_inclusion_make(const struct bw_nodes *nodes, uint64_t index, uint64_t size,
					  struct bw_proof *out);

/* From old_size to size; empty where they are equal or old_size is 0. RANGE: old_size > size. */
BW_MUST_USE enum bw_err bw_consistency_make(const struct bw_nodes *nodes, uint64_t old_size, uint64_t size,
					    struct bw_proof *out);

/* That the tree of `size` leaves has the subtree [start, end). RANGE: it is none, or beyond size. */
BW_MUST_USE enum bw_err bw_subtree_make(const struct bw_nodes *nodes, uint64_t start, uint64_t end, uint64_t size,
					struct bw_proof *out);

/* OK, or PROOF for whatever does not verify, numbers out of range included (RFC 9162 §2.1.3.2). */
BW_MUST_USE enum bw_err bw_inclusion_verify(uint64_t index, uint64_t size, const struct bw_hash *leaf,
					    const struct bw_hash *root, const struct bw_proof *proof);

/* The root that leaf and proof lead to. PROOF: the number of hashes does not fit index and size. */
BW_MUST_USE enum bw_err bw_inclusion_root(uint64_t index, uint64_t size, const struct bw_hash *leaf,
					  const struct bw_proof *proof, struct bw_hash *out);

/*
 * OK or PROOF (RFC 9162 §2.1.4.2). An old size of 0 is PROOF: every tree begins with the empty one, so that nothing
 * would be proved.
 */
BW_MUST_USE enum bw_err bw_consistency_verify(uint64_t old_size, const struct bw_hash *old_root, uint64_t size,
					      const struct bw_hash *root, const struct bw_proof *proof);

/* That `leaf` is the index-th leaf of the log, within the subtree [start, end) with that hash. OK or PROOF. */
BW_MUST_USE enum bw_err bw_subtree_inclusion_verify(uint64_t index, uint64_t start, uint64_t end,
						    const struct bw_hash *leaf, const struct bw_hash *subtree,
						    const struct bw_proof *proof);

/* That the tree of `size` leaves has that subtree. OK or PROOF. A subtree without leaves needs no proof. */
BW_MUST_USE enum bw_err bw_subtree_verify(uint64_t start, uint64_t end, const struct bw_hash *subtree, uint64_t size,
					  const struct bw_hash *root, const struct bw_proof *proof);

bool bw_is_subtree(uint64_t start, uint64_t end);

#endif
