#include "tlog/merkle.h"

#include "base/cursor.h"

enum { LEAF_PREFIX = 0, NODE_PREFIX = 1 };

/* ---- hashes --------------------------------------------------------------------------------- */

struct bw_hash bw_hash_empty(void)
{
	static const struct bw_hash empty = { {
		0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
		0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
	} };

	return empty;
}

struct bw_hash bw_hash_leaf(struct bw_slice entry)
{
	struct bw_hash hash = { 0 };

	bw_treehash_leaf(LEAF_PREFIX, entry, hash.bytes);
	return hash;
}

struct bw_hash bw_hash_node(const struct bw_hash *left, const struct bw_hash *right)
{
	struct bw_hash hash = { 0 };

	bw_treehash_node(NODE_PREFIX, left->bytes, right->bytes, hash.bytes);
	return hash;
}

/* ---- a growing tree ------------------------------------------------------------------------- */

enum bw_err bw_tree_add(struct bw_tree *tree, unsigned level, const struct bw_hash *hash)
{
	struct bw_hash carry = *hash;
	uint64_t width;

	BW_NEED(level < BW_TREE_LEVELS, RANGE);
	width = UINT64_C(1) << level;
	BW_NEED(tree->size % width == 0 && tree->size <= BW_TREE_SIZE_MAX - width, RANGE);
	/* as in adding one to a binary number, every 1 from there on is carried */
	for (uint64_t bits = tree->size >> level; bits & 1; bits >>= 1)
		carry = bw_hash_node(&tree->peaks[--tree->count], &carry);
	tree->peaks[tree->count++] = carry;
	tree->size += width;
	return BW_OK;
}

struct bw_hash bw_tree_root(const struct bw_tree *tree)
{
	struct bw_hash root;

	if (tree->count == 0)
		return bw_hash_empty();
	root = tree->peaks[tree->count - 1];
	for (size_t i = tree->count - 1; i > 0; i--)
		root = bw_hash_node(&tree->peaks[i - 1], &root);
	return root;
}

enum bw_err bw_tree_pack(const struct bw_tree *tree, struct bw_buf *out)
{
	BW_TRY(bw_buf_reserve(out, 8 + tree->count * sizeof(tree->peaks[0]))); /* all or nothing */
	BW_TRY(bw_buf_add_be64(out, tree->size));
	return bw_buf_add(out, bw_slice_of(tree->peaks, tree->count * sizeof(tree->peaks[0])));
}

enum bw_err bw_tree_unpack(struct bw_slice packed, struct bw_tree *out)
{
	struct bw_cursor c = bw_cursor_over(packed);
	struct bw_tree tree = { 0 };
	struct bw_slice peaks;

	BW_TRY(bw_take_be64(&c, &tree.size));
	BW_NEED(tree.size <= BW_TREE_SIZE_MAX, RANGE);
	tree.count = (size_t)__builtin_popcountll(tree.size);
	BW_TRY(bw_take(&c, tree.count * sizeof(tree.peaks[0]), &peaks));
	BW_NEED(bw_cursor_left(&c) == 0, SYNTAX);
	memcpy(tree.peaks, peaks.ptr, peaks.len);
	*out = tree;
	return BW_OK;
}

/* ---- the way down to a subtree ---------------------------------------------------------------- */

/*
 * All proofs are one: that the tree [0, size) holds the subtree [start, end). Going down from the root, each step
 * leaves one sibling aside, and those siblings are the proof, last one first (RFC 6962 §2.1.2, and SUBTREE_PROOF of
 * the draft, which has inclusion and consistency as cases). Where the subtree itself ends inside (it is wider than
 * one of the halves), its left part is in both hashes, and what is left of it is stated by one hash more.
 */
struct step {
	uint64_t start; /* the sibling's leaves */
	uint64_t end;
	bool is_left;   /* the sibling lies left of the way */
	bool is_within; /* and belongs to the subtree as well */
};

struct way {
	size_t count;
	struct step steps[BW_PROOF_HASHES_MAX];
	bool states_rest; /* the proof begins with the hash of [rest_start, rest_end) */
	uint64_t rest_start;
	uint64_t rest_end;
};

/* The largest power of two below n, for n > 1. */
static uint64_t half_of(uint64_t n)
{
	return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

bool bw_is_subtree(uint64_t start, uint64_t end)
{
	uint64_t width;

	if (start >= end || end > BW_TREE_SIZE_MAX)
		return false;
	width = end - start == 1 ? 1 : 2 * half_of(end - start);
	return start % width == 0;
}

/* [start, end) is a subtree and end <= size. */
static void find_way(uint64_t start, uint64_t end, uint64_t size, struct way *way)
{
	uint64_t low = 0;
	uint64_t high = size;
	uint64_t from = start;

	way->count = 0;
	way->states_rest = false;
	while (low != from || high != end) {
		const uint64_t middle = low + half_of(high - low);

		if (end <= middle) {
			way->steps[way->count++] = (struct step){ middle, high, false, false };
			high = middle;
		} else {
			const bool within = from < middle;

			way->steps[way->count++] = (struct step){ low, middle, true, within };
			way->states_rest |= within;
			low = middle;
			from = within ? middle : from;
		}
	}
	way->rest_start = from;
	way->rest_end = end;
}

/* ---- making ----------------------------------------------------------------------------------- */

enum bw_err bw_subtree_hash(const struct bw_nodes *nodes, uint64_t start, uint64_t end, struct bw_hash *out)
{
	struct bw_tree tree = { 0 };
	uint64_t at = start;

	BW_NEED(bw_is_subtree(start, end), RANGE);
	while (at < end) {
		const unsigned level = 63 - (unsigned)__builtin_clzll(end - at);
		struct bw_hash hash;

		/* what is left of a subtree begins with its largest perfect one, at a multiple of its own width */
		BW_TRY(nodes->find(nodes->ctx, level, at >> level, &hash));
		BW_TRY(bw_tree_add(&tree, level, &hash));
		at += UINT64_C(1) << level;
	}
	*out = bw_tree_root(&tree);
	return BW_OK;
}

enum bw_err bw_subtree_make(const struct bw_nodes *nodes, uint64_t start, uint64_t end, uint64_t size,
			    struct bw_proof *out)
{
	struct bw_proof proof = { 0 };
	struct way way;

	BW_NEED(bw_is_subtree(start, end) && end <= size && size <= BW_TREE_SIZE_MAX, RANGE);
	find_way(start, end, size, &way);
	if (way.states_rest)
		BW_TRY(bw_subtree_hash(nodes, way.rest_start, way.rest_end, &proof.hashes[proof.count++]));
	for (size_t i = way.count; i > 0; i--)
		BW_TRY(bw_subtree_hash(nodes, way.steps[i - 1].start, way.steps[i - 1].end,
				       &proof.hashes[proof.count++]));
	*out = proof;
	return BW_OK;
}

enum bw_err bw_inclusion_make(const struct bw_nodes *nodes, uint64_t index, uint64_t size, struct bw_proof *out)
{
	BW_NEED(index < size && size <= BW_TREE_SIZE_MAX, RANGE);
	return bw_subtree_make(nodes, index, index + 1, size, out);
}

enum bw_err bw_consistency_make(const struct bw_nodes *nodes, uint64_t old_size, uint64_t size, struct bw_proof *out)
{
	BW_NEED(old_size <= size && size <= BW_TREE_SIZE_MAX, RANGE);
	if (old_size == 0) {
		out->count = 0;
		return BW_OK;
	}
	return bw_subtree_make(nodes, 0, old_size, size, out);
}

/* ---- verifying ---------------------------------------------------------------------------------- */

/* What the proof says the subtree and the tree hash to. `given` is used where the proof does not state the rest. */
static enum bw_err climb(const struct way *way, const struct bw_hash *given, const struct bw_proof *proof,
			 struct bw_hash *subtree, struct bw_hash *tree)
{
	size_t used = way->states_rest ? 1 : 0;

	BW_NEED(proof->count == way->count + used, PROOF);
	*subtree = way->states_rest ? proof->hashes[0] : *given;
	*tree = *subtree;
	for (size_t i = way->count; i > 0; i--) {
		const struct step *step = &way->steps[i - 1];
		const struct bw_hash *sibling = &proof->hashes[used++];

		*tree = step->is_left ? bw_hash_node(sibling, tree) : bw_hash_node(tree, sibling);
		if (step->is_within)
			*subtree = bw_hash_node(sibling, subtree);
	}
	return BW_OK;
}

enum bw_err bw_subtree_verify(uint64_t start, uint64_t end, const struct bw_hash *subtree, uint64_t size,
			      const struct bw_hash *root, const struct bw_proof *proof)
{
	const struct bw_hash empty = bw_hash_empty();
	struct bw_hash is_subtree;
	struct bw_hash is_root;
	struct way way;

	BW_NEED(size <= BW_TREE_SIZE_MAX, PROOF);
	if (start == end && end <= size) {
		BW_NEED(proof->count == 0 && bw_hash_equals(subtree, &empty), PROOF);
		return BW_OK;
	}
	BW_NEED(bw_is_subtree(start, end) && end <= size, PROOF);
	find_way(start, end, size, &way);
	BW_TRY(climb(&way, subtree, proof, &is_subtree, &is_root));
	BW_NEED(bw_hash_equals(&is_subtree, subtree) && bw_hash_equals(&is_root, root), PROOF);
	return BW_OK;
}

enum bw_err bw_inclusion_root(uint64_t index, uint64_t size, const struct bw_hash *leaf, const struct bw_proof *proof,
			      struct bw_hash *out)
{
	struct bw_hash subtree;
	struct bw_hash root;
	struct way way;

	BW_NEED(index < size && size <= BW_TREE_SIZE_MAX, PROOF);
	find_way(index, index + 1, size, &way);
	BW_TRY(climb(&way, leaf, proof, &subtree, &root));
	*out = root;
	return BW_OK;
}

enum bw_err bw_inclusion_verify(uint64_t index, uint64_t size, const struct bw_hash *leaf, const struct bw_hash *root,
				const struct bw_proof *proof)
{
	struct bw_hash is_root;

	BW_TRY(bw_inclusion_root(index, size, leaf, proof, &is_root));
	BW_NEED(bw_hash_equals(&is_root, root), PROOF);
	return BW_OK;
}

enum bw_err bw_consistency_verify(uint64_t old_size, const struct bw_hash *old_root, uint64_t size,
				  const struct bw_hash *root, const struct bw_proof *proof)
{
	BW_NEED(old_size > 0, PROOF);
	return bw_subtree_verify(0, old_size, old_root, size, root, proof);
}

enum bw_err bw_subtree_inclusion_verify(uint64_t index, uint64_t start, uint64_t end, const struct bw_hash *leaf,
					const struct bw_hash *subtree, const struct bw_proof *proof)
{
	BW_NEED(bw_is_subtree(start, end) && index >= start, PROOF);
	return bw_inclusion_verify(index - start, end - start, leaf, subtree, proof);
}
