#include "tlog/edge.h"

struct bw_hash bw_edge_root(const struct bw_edge *edge)
{
	struct bw_tree tree = { 0 };

	for (unsigned level = BW_TILE_LEVELS; level-- > 0;)
		for (unsigned i = 0; i < edge->levels[level].count; i++)
			/* what lies above is a multiple of what follows, and no edge is longer than a log may be */
			bw_err_drop(bw_tree_add(&tree, BW_TILE_HEIGHT * level, &edge->levels[level].hashes[i]));
	return bw_tree_root(&tree);
}

void bw_edge_carry(struct bw_edge *edge, unsigned level)
{
	struct bw_tile_nodes tile = { .width = BW_TILE_WIDTH };
	struct bw_edge_level *above = &edge->levels[level + 1];

	memcpy(tile.nodes, edge->levels[level].hashes, sizeof(edge->levels[level].hashes));
	bw_tile_nodes_fill(&tile);
	above->hashes[above->count++] = *bw_tile_nodes_root(&tile);
	edge->levels[level].count = 0;
}

/* ---- reading ----------------------------------------------------------------------------------- */

/* `out_is_full`: the full one came in place of a partial one. */
static enum bw_err get(const struct bw_tile_store *store, const struct bw_tile *tile, struct bw_buf *out,
		       bool *out_is_full)
{
	struct bw_tile full = *tile;
	enum bw_err err;

	bw_buf_clear(out);
	*out_is_full = false;
	err = store->get(store->ctx, tile, out);
	if (err == BW_ERR_NOT_FOUND && tile->width < BW_TILE_WIDTH) {
		full.width = BW_TILE_WIDTH;
		bw_buf_clear(out);
		*out_is_full = true;
		err = store->get(store->ctx, &full, out);
	}
	return err == BW_ERR_NOT_FOUND ? BW_ERR_CUT_SHORT : err;
}

enum bw_err bw_tile_fetch(const struct bw_tile_store *store, const struct bw_tile *tile, struct bw_buf *scratch,
			  struct bw_hash *out)
{
	const size_t bytes = tile->width * sizeof(out[0]);
	bool is_full;
	enum bw_err err = get(store, tile, scratch, &is_full);

	if (err == BW_ERR_TOO_BIG)
		err = BW_ERR_EDITED;
	BW_TRY(err);
	BW_NEED(scratch->len >= bytes, CUT_SHORT);
	BW_NEED(scratch->len == (is_full ? (size_t)BW_TILE_BYTES : bytes), EDITED);
	memcpy(out, scratch->ptr, bytes);
	return BW_OK;
}

enum bw_err bw_bundle_fetch(const struct bw_tile_store *store, uint64_t index, unsigned width,
			    const struct bw_hash *leaves, struct bw_buf *scratch, struct bw_slice *entries,
			    unsigned *out_bad)
{
	bool is_full;
	enum bw_err err = get(store, &(struct bw_tile){ true, 0, index, width }, scratch, &is_full);

	if (err == BW_OK)
		err = bw_bundle_split(bw_buf_slice(scratch), width, is_full, entries);
	if (err == BW_ERR_TRUNCATED)
		return BW_ERR_CUT_SHORT;
	if (err == BW_ERR_SYNTAX || err == BW_ERR_TOO_BIG)
		return BW_ERR_EDITED;
	BW_TRY(err);
	for (unsigned i = 0; i < width; i++) {
		const struct bw_hash leaf = bw_hash_leaf(entries[i]);

		if (bw_hash_equals(&leaf, &leaves[i]))
			continue;
		if (out_bad != NULL)
			*out_bad = i;
		return BW_ERR_EDITED;
	}
	return BW_OK;
}

enum bw_err bw_edge_read(const struct bw_tile_store *store, uint64_t size, const struct bw_hash *root,
			 struct bw_edge *out, struct bw_tile *at)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf scratch = BW_BUF_INIT(BW_TILE_BYTES);
	struct bw_tile tile = { 0 };
	struct bw_hash is_root;

	BW_NEED(size <= BW_TREE_SIZE_MAX, RANGE);
	out->size = size;
	for (unsigned level = BW_TILE_LEVELS; level-- > 0;) {
		struct bw_edge_level *part = &out->levels[level];
		const struct bw_tile here = { false, level, bw_edge_index(out, level),
					      (unsigned)(size >> (BW_TILE_HEIGHT * level)) % BW_TILE_WIDTH };
		enum bw_err err;

		part->count = here.width;
		if (here.width == 0)
			continue;
		tile = here;
		err = bw_tile_fetch(store, &here, &scratch, part->hashes);
		if (err != BW_OK && at != NULL)
			*at = tile;
		BW_TRY(err);
	}
	is_root = bw_edge_root(out);
	if (bw_hash_equals(&is_root, root))
		return BW_OK;
	if (at != NULL)
		*at = tile;
	return BW_ERR_EDITED;
}
