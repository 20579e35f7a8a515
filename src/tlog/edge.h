/*
 * The right edge of a log: the one tile of each level that is not full. It is all that adding needs, and its hashes
 * alone lead to the root, so that an edge that fits a checkpoint is the log's own; every full tile is then known by
 * its hash in a tile above it. Private to this room.
 */
#ifndef BW_TLOG_EDGE_H
#define BW_TLOG_EDGE_H

#include "tlog/tile.h"

struct bw_edge_level {
	unsigned count; /* 0..255, and 256 until it is carried */
	struct bw_hash hashes[BW_TILE_WIDTH];
};

struct bw_edge {
	uint64_t size;
	struct bw_edge_level levels[BW_TILE_LEVELS];
};

/* The index of the tile of that level which the edge holds. */
static inline uint64_t bw_edge_index(const struct bw_edge *edge, unsigned level)
{
	const unsigned height = BW_TILE_HEIGHT * (level + 1);

	return height >= 64 ? 0 : edge->size >> height;
}

struct bw_hash bw_edge_root(const struct bw_edge *edge);

/* Empties a full level and adds its root to the one above. */
void bw_edge_carry(struct bw_edge *edge, unsigned level);

/*
 * Reads it and holds it against the root. CUT_SHORT: a tile is missing or too short. EDITED: it leads to another
 * root. `at` (may be NULL) is then the tile; of EDITED, that of the lowest level.
 */
BW_MUST_USE enum bw_err bw_edge_read(const struct bw_tile_store *store, uint64_t size, const struct bw_hash *root,
				     struct bw_edge *out, struct bw_tile *at);

/*
 * The hashes of one tile, unverified. Where a partial tile is gone, the full one stands in (tlog-tiles, "Partial
 * Tiles"). CUT_SHORT: missing or too short. EDITED: more bytes than the tile can have. `scratch` is cleared first.
 */
BW_MUST_USE enum bw_err bw_tile_fetch(const struct bw_tile_store *store, const struct bw_tile *tile,
				      struct bw_buf *scratch, struct bw_hash *out);

/*
 * The entries of a bundle, each held against its leaf hash: CUT_SHORT, EDITED (`out_bad`, may be NULL: which one).
 * The entries borrow from `scratch`, which is cleared first.
 */
BW_MUST_USE enum bw_err bw_bundle_fetch(const struct bw_tile_store *store, uint64_t index, unsigned width,
					const struct bw_hash *leaves, struct bw_buf *scratch, struct bw_slice *entries,
					unsigned *out_bad);

#endif
