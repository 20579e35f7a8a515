/*
 * Paths of tiles, bundles of entries, and trees put away. Properties: a path that reads is the one path of its tile; a
 * bundle made again of its entries is the same bundle, a tree packed again the same bytes.
 */
#include <stdlib.h>

#include "tlog/tile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void check_path(struct bw_slice text)
{
	char path[BW_TILE_PATH_BYTES];
	struct bw_tile tile;

	if (bw_tile_parse(text, &tile) != BW_OK)
		return;
	check(tile.level < BW_TILE_LEVELS && tile.width >= 1 && tile.width <= BW_TILE_WIDTH);
	bw_tile_path(&tile, path);
	check(bw_slice_is(text, path));
}

static void check_bundle(unsigned width, struct bw_slice bundle)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_BUNDLE_MAX);
	struct bw_slice entries[BW_TILE_WIDTH];

	if (bw_bundle_split(bundle, width, true, entries) != BW_OK) {
		check(bw_bundle_split(bundle, width, false, entries) != BW_OK);
		return;
	}
	for (unsigned i = 0; i < width; i++)
		check(bw_entry_add(&again, entries[i]) == BW_OK);
	check(bw_slice_starts(bundle, bw_buf_slice(&again)));
	check((bw_bundle_split(bundle, width, false, entries) == BW_OK) == (again.len == bundle.len));
}

static void check_tree(struct bw_slice packed)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_TREE_PACKED_MAX);
	const struct bw_hash leaf = bw_hash_leaf(packed);
	struct bw_tree tree;
	bool is_full;

	if (bw_tree_unpack(packed, &tree) != BW_OK)
		return;
	check(bw_tree_pack(&tree, &again) == BW_OK);
	check(bw_slice_equals(bw_buf_slice(&again), packed));
	is_full = tree.size == BW_TREE_SIZE_MAX;
	check(bw_tree_add(&tree, 0, &leaf) == (is_full ? BW_ERR_RANGE : BW_OK));
	check(tree.count == (size_t)__builtin_popcountll(tree.size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_tree(bw_slice_of(data, size));
	check_path(bw_slice_of(data, size));
	if (size > 0)
		check_bundle(1 + data[0], bw_slice_from(bw_slice_of(data, size), 1));
	return 0;
}
