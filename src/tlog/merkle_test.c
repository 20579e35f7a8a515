#include "tlog/merkle.h"

#include "base/test.h"
#include "tlog/plain_in_tests.h"

enum { LEAVES = 300 };

static struct plain_tree plain;

static int make_plain(void **state)
{
	(void)state;
	plain_tree_fill(&plain, LEAVES, 1);
	return 0;
}

/* Calls for every proof with one bit changed, one hash more, one hash less. */
typedef enum bw_err (*verify_fn)(const struct bw_proof *proof, const void *what);

static void assert_only_this_proof(verify_fn verify, const struct bw_proof *proof, const void *what)
{
	struct bw_proof bent = *proof;

	assert_ok(verify(proof, what));
	for (size_t bit = 0; bit < proof->count * 256; bit++) {
		uint8_t *at = &bent.hashes[bit / 256].bytes[bit % 256 / 8];

		*at ^= (uint8_t)(1U << (bit % 8));
		assert_int_equal(verify(&bent, what), BW_ERR_PROOF);
		*at ^= (uint8_t)(1U << (bit % 8));
	}
	if (proof->count < BW_PROOF_HASHES_MAX) {
		bent.hashes[bent.count++] = bw_hash_empty();
		assert_int_equal(verify(&bent, what), BW_ERR_PROOF);
		bent.count--;
	}
	if (proof->count > 0) {
		bent.count--;
		assert_int_equal(verify(&bent, what), BW_ERR_PROOF);
		bent = *proof;
		memmove(&bent.hashes[0], &bent.hashes[1], (proof->count - 1) * sizeof(bent.hashes[0]));
		bent.count--;
		assert_int_equal(verify(&bent, what), BW_ERR_PROOF);
	}
}

/* ---- the growing tree ----------------------------------------------------------------- */

static void a_tree_that_grows_has_the_root_of_the_definition_at_every_size(void **state)
{
	struct bw_tree tree = { 0 };

	(void)state;
	for (size_t size = 0; size <= LEAVES; size++) {
		const struct bw_hash root = bw_tree_root(&tree);
		const struct bw_hash want = plain_root(&plain, 0, size);

		assert_true(bw_hash_equals(&root, &want));
		if (size < LEAVES)
			assert_ok(bw_tree_add(&tree, 0, &plain.leaves[size]));
	}
}

static void whole_subtrees_are_added_where_they_fit_only(void **state)
{
	struct bw_tree tree = { 0 };
	struct bw_hash sixteen;
	struct bw_hash root;
	const struct bw_hash want = plain_root(&plain, 0, 33);

	(void)state;
	assert_ok(plain_find(&plain, 4, 0, &sixteen));
	assert_ok(bw_tree_add(&tree, 4, &sixteen));
	assert_ok(plain_find(&plain, 4, 1, &sixteen));
	assert_ok(bw_tree_add(&tree, 4, &sixteen));
	assert_ok(bw_tree_add(&tree, 0, &plain.leaves[32]));
	root = bw_tree_root(&tree);
	assert_true(bw_hash_equals(&root, &want));
	assert_int_equal(bw_tree_add(&tree, 1, &sixteen), BW_ERR_RANGE);
	assert_int_equal(bw_tree_add(&tree, BW_TREE_LEVELS, &sixteen), BW_ERR_RANGE);
	assert_int_equal(tree.size, 33);
}

static void a_tree_has_at_most_two_to_the_63_less_one_leaves(void **state)
{
	const struct bw_hash hash = bw_hash_empty();
	struct bw_tree tree = { 0 };

	(void)state;
	for (unsigned level = BW_TREE_LEVELS; level-- > 0;)
		assert_ok(bw_tree_add(&tree, level, &hash));
	assert_int_equal(tree.size, BW_TREE_SIZE_MAX);
	assert_int_equal(bw_tree_add(&tree, 0, &hash), BW_ERR_RANGE);
}

static void a_tree_that_was_put_away_goes_on_where_it_was(void **state)
{
	struct bw_tree tree = { 0 };
	struct bw_tree other;

	(void)state;
	for (size_t size = 0; size < LEAVES; size++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf packed = BW_BUF_INIT(BW_TREE_PACKED_MAX);

		assert_ok(bw_tree_pack(&tree, &packed));
		assert_ok(bw_tree_unpack(bw_buf_slice(&packed), &other));
		assert_int_equal(other.size, size);
		assert_int_equal(bw_tree_unpack(bw_slice_of(packed.ptr, packed.len - 1), &other), BW_ERR_TRUNCATED);
		tree = other;
		assert_ok(bw_tree_add(&tree, 0, &plain.leaves[size]));
	}
	assert_memory_equal(bw_tree_root(&tree).bytes, plain_root(&plain, 0, LEAVES).bytes, BW_SHA256_BYTES);
	assert_int_equal(bw_tree_unpack(SLICE(0, 0, 0, 0, 0, 0, 0, 0, 0), &other), BW_ERR_SYNTAX);
	assert_int_equal(bw_tree_unpack(SLICE(0x80, 0, 0, 0, 0, 0, 0, 0), &other), BW_ERR_RANGE);
}

/* ---- inclusion ------------------------------------------------------------------------------ */

struct inclusion {
	uint64_t index;
	uint64_t size;
	struct bw_hash leaf;
	struct bw_hash root;
};

static enum bw_err verify_inclusion(const struct bw_proof *proof, const void *what)
{
	const struct inclusion *in = what;

	return bw_inclusion_verify(in->index, in->size, &in->leaf, &in->root, proof);
}

static void every_leaf_of_every_size_is_proved_as_rfc_6962_says(void **state)
{
	const struct bw_nodes nodes = { &plain, plain_find };

	(void)state;
	for (uint64_t size = 1; size <= LEAVES; size += size < 140 ? 1 : 17) {
		const struct bw_hash root = plain_root(&plain, 0, size);

		for (uint64_t index = 0; index < size; index++) {
			struct bw_proof proof;
			struct bw_proof want = { 0 };

			assert_ok(bw_inclusion_make(&nodes, index, size, &proof));
			plain_path(&plain, index, 0, size, &want);
			assert_int_equal(proof.count, want.count);
			assert_memory_equal(proof.hashes, want.hashes, want.count * sizeof(want.hashes[0]));
			assert_ok(bw_inclusion_verify(index, size, &plain.leaves[index], &root, &proof));
		}
	}
}

static void no_bit_of_an_inclusion_proof_may_change(void **state)
{
	const struct bw_nodes nodes = { &plain, plain_find };

	(void)state;
	for (uint64_t size = 1; size <= LEAVES; size += size < 20 ? 1 : 47) {
		for (uint64_t index = 0; index < size; index += size < 20 ? 1 : 13) {
			struct inclusion in = { index, size, plain.leaves[index], plain_root(&plain, 0, size) };
			struct bw_proof proof;

			assert_ok(bw_inclusion_make(&nodes, index, size, &proof));
			assert_only_this_proof(verify_inclusion, &proof, &in);
			for (in.index = 0; in.index < size + 2; in.index++)
				assert_true((verify_inclusion(&proof, &in) == BW_OK) == (in.index == index));
			in.index = index;
			in.leaf.bytes[31] ^= 1;
			assert_int_equal(verify_inclusion(&proof, &in), BW_ERR_PROOF);
			in.leaf.bytes[31] ^= 1;
			in.root.bytes[0] ^= 0x80;
			assert_int_equal(verify_inclusion(&proof, &in), BW_ERR_PROOF);
		}
	}
}

/* ---- consistency ------------------------------------------------------------------------------- */

struct consistency {
	uint64_t old_size;
	uint64_t size;
	struct bw_hash old_root;
	struct bw_hash root;
};

static enum bw_err verify_consistency(const struct bw_proof *proof, const void *what)
{
	const struct consistency *on = what;

	return bw_consistency_verify(on->old_size, &on->old_root, on->size, &on->root, proof);
}

static void every_two_sizes_are_proved_as_rfc_6962_says(void **state)
{
	const struct bw_nodes nodes = { &plain, plain_find };

	(void)state;
	for (uint64_t size = 1; size <= LEAVES; size += size < 90 ? 1 : 31) {
		const struct bw_hash root = plain_root(&plain, 0, size);

		for (uint64_t old = 1; old <= size; old++) {
			const struct bw_hash old_root = plain_root(&plain, 0, old);
			struct bw_proof proof;
			struct bw_proof want = { 0 };

			assert_ok(bw_consistency_make(&nodes, old, size, &proof));
			plain_subproof(&plain, old, 0, size, true, &want);
			assert_int_equal(proof.count, want.count);
			assert_memory_equal(proof.hashes, want.hashes, want.count * sizeof(want.hashes[0]));
			assert_ok(bw_consistency_verify(old, &old_root, size, &root, &proof));
		}
	}
}

static void no_bit_of_a_consistency_proof_may_change(void **state)
{
	const struct bw_nodes nodes = { &plain, plain_find };

	(void)state;
	for (uint64_t size = 1; size <= LEAVES; size += size < 20 ? 1 : 61) {
		for (uint64_t old = 1; old <= size; old += size < 20 ? 1 : 19) {
			struct consistency on = { old, size, plain_root(&plain, 0, old), plain_root(&plain, 0, size) };
			struct bw_proof proof;

			assert_ok(bw_consistency_make(&nodes, old, size, &proof));
			assert_only_this_proof(verify_consistency, &proof, &on);
			on.old_root.bytes[7] ^= 4;
			assert_int_equal(verify_consistency(&proof, &on), BW_ERR_PROOF);
			on.old_root.bytes[7] ^= 4;
			on.root.bytes[7] ^= 4;
			assert_int_equal(verify_consistency(&proof, &on), BW_ERR_PROOF);
		}
	}
}

static void the_empty_tree_proves_nothing(void **state)
{
	const struct bw_nodes nodes = { &plain, plain_find };
	const struct bw_hash empty = bw_hash_empty();
	struct bw_proof proof;

	(void)state;
	assert_ok(bw_consistency_make(&nodes, 0, 5, &proof));
	assert_int_equal(proof.count, 0);
	assert_int_equal(bw_consistency_verify(0, &empty, 5, &plain.leaves[0], &proof), BW_ERR_PROOF);
	assert_int_equal(bw_inclusion_verify(0, 0, &empty, &empty, &proof), BW_ERR_PROOF);
	assert_int_equal(bw_inclusion_make(&nodes, 0, 0, &proof), BW_ERR_RANGE);
	assert_int_equal(bw_consistency_make(&nodes, 6, 5, &proof), BW_ERR_RANGE);
}

/* ---- all of them ------------------------------------------------------------------------------- */

enum { HEIGHTS = 9 };

static struct bw_hash table[HEIGHTS][LEAVES];

static enum bw_err look_up(void *ctx, unsigned level, uint64_t index, struct bw_hash *out)
{
	(void)ctx;
	*out = table[level][index];
	return BW_OK;
}

static void fill_table(void)
{
	memcpy(table[0], plain.leaves, sizeof(table[0]));
	for (unsigned level = 1; level < HEIGHTS; level++)
		for (size_t i = 0; i < (size_t)LEAVES >> level; i++)
			table[level][i] = bw_hash_node(&table[level - 1][2 * i], &table[level - 1][2 * i + 1]);
}

static void every_proof_of_every_size_verifies_and_for_nothing_else(void **state)
{
	const struct bw_nodes nodes = { NULL, look_up };
	static struct bw_hash roots[LEAVES + 1];
	struct bw_tree tree = { 0 };
	struct bw_proof proof;

	(void)state;
	fill_table();
	for (uint64_t size = 1; size <= LEAVES; size++) {
		assert_ok(bw_tree_add(&tree, 0, &plain.leaves[size - 1]));
		roots[size] = bw_tree_root(&tree);
		for (uint64_t i = 0; i < size; i++) {
			assert_ok(bw_inclusion_make(&nodes, i, size, &proof));
			assert_ok(bw_inclusion_verify(i, size, &plain.leaves[i], &roots[size], &proof));
			assert_int_equal(bw_inclusion_verify(i ^ 1, size, &plain.leaves[i], &roots[size], &proof),
					 BW_ERR_PROOF);
			assert_ok(bw_consistency_make(&nodes, i + 1, size, &proof));
			assert_ok(bw_consistency_verify(i + 1, &roots[i + 1], size, &roots[size], &proof));
			if (i > 0)
				assert_int_equal(bw_consistency_verify(i, &roots[i], size, &roots[size], &proof),
						 BW_ERR_PROOF);
		}
	}
}

/* ---- subtrees ------------------------------------------------------------------------------------ */

struct within {
	uint64_t start;
	uint64_t end;
	uint64_t size;
	struct bw_hash subtree;
	struct bw_hash root;
};

static enum bw_err verify_within(const struct bw_proof *proof, const void *what)
{
	const struct within *in = what;

	return bw_subtree_verify(in->start, in->end, &in->subtree, in->size, &in->root, proof);
}

static void every_subtree_of_every_size_is_proved(void **state)
{
	const struct bw_nodes nodes = { &plain, plain_find };

	(void)state;
	for (uint64_t size = 1; size <= 70; size++) {
		for (uint64_t start = 0; start < size; start++) {
			for (uint64_t end = start + 1; end <= size; end++) {
				struct within in = { start, end, size, plain_root(&plain, start, end),
						     plain_root(&plain, 0, size) };
				struct bw_proof proof;

				if (!bw_is_subtree(start, end)) {
					assert_int_equal(bw_subtree_make(&nodes, start, end, size, &proof),
							 BW_ERR_RANGE);
					continue;
				}
				assert_ok(bw_subtree_make(&nodes, start, end, size, &proof));
				if (size < 12 || size == 37)
					assert_only_this_proof(verify_within, &proof, &in);
				else
					assert_ok(verify_within(&proof, &in));
			}
		}
	}
}

static void a_subtree_begins_where_its_width_allows(void **state)
{
	(void)state;
	assert_true(bw_is_subtree(0, 1));
	assert_true(bw_is_subtree(0, 13));
	assert_true(bw_is_subtree(8, 13));
	assert_true(bw_is_subtree(7, 8));
	assert_true(bw_is_subtree(6, 8));
	assert_false(bw_is_subtree(4, 9));
	assert_false(bw_is_subtree(1, 3));
	assert_false(bw_is_subtree(3, 3));
	assert_false(bw_is_subtree(3, 2));
	assert_false(bw_is_subtree(0, UINT64_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tree_that_grows_has_the_root_of_the_definition_at_every_size),
		cmocka_unit_test(whole_subtrees_are_added_where_they_fit_only),
		cmocka_unit_test(a_tree_has_at_most_two_to_the_63_less_one_leaves),
		cmocka_unit_test(a_tree_that_was_put_away_goes_on_where_it_was),
		cmocka_unit_test(every_leaf_of_every_size_is_proved_as_rfc_6962_says),
		cmocka_unit_test(no_bit_of_an_inclusion_proof_may_change),
		cmocka_unit_test(every_two_sizes_are_proved_as_rfc_6962_says),
		cmocka_unit_test(no_bit_of_a_consistency_proof_may_change),
		cmocka_unit_test(the_empty_tree_proves_nothing),
		cmocka_unit_test(every_proof_of_every_size_verifies_and_for_nothing_else),
		cmocka_unit_test(every_subtree_of_every_size_is_proved),
		cmocka_unit_test(a_subtree_begins_where_its_width_allows),
	};

	return cmocka_run_group_tests(tests, make_plain, NULL);
}
