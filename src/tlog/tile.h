/*
 * Where a log's hashes and entries lie: C2SP tlog-tiles, "Merkle Tree", "Partial Tiles" and "Log entries".
 *
 *   tile/<level>/<index>[.p/<width>]      hashes of 256 subtrees of 256^level leaves
 *   tile/entries/<index>[.p/<width>]      the entries beneath a tile of level 0
 *
 * The index is written in groups of three digits, all but the last behind an x (1234067: x001/x234/067). Pure.
 */
#ifndef BW_TLOG_TILE_H
#define BW_TLOG_TILE_H

#include "base/cursor.h"
#include "tlog/merkle.h"

enum {
	BW_TILE_WIDTH = 256,
	BW_TILE_HEIGHT = 8, /* levels of the tree a tile spans */
	BW_TILE_BYTES = BW_TILE_WIDTH * BW_SHA256_BYTES,
	BW_TILE_LEVELS = 8,      /* of tiles; at level 7 a tile spans more than the largest log */
	BW_TILE_PATH_BYTES = 64, /* the longest path has 48 characters */
	BW_ENTRY_MAX = UINT16_MAX,
	BW_BUNDLE_MAX = BW_TILE_WIDTH * (2 + BW_ENTRY_MAX),
};

struct bw_tile {
	bool is_entries; /* level is 0 then */
	unsigned level;
	uint64_t index;
	unsigned width; /* 1..256; less than 256: a partial tile */
};

/* What tiles and bundles are served as: they never change, so any cache may keep them (tlog-tiles, "Merkle Tree"). */
#define BW_TILE_CONTENT_TYPE "application/octet-stream"

/* Writes the path and a NUL. The tile must be one that bw_tile_parse could give. */
void bw_tile_path(const struct bw_tile *tile, char out[BW_TILE_PATH_BYTES]);

/* Accepts only what bw_tile_path writes. SYNTAX; RANGE: no log is so large. */
BW_MUST_USE enum bw_err bw_tile_parse(struct bw_slice path, struct bw_tile *out);

/* How many hashes the tile has in a log of that size; 0: there is none. */
unsigned bw_tile_width(unsigned level, uint64_t index, uint64_t size);

/*
 * Whether a checkpoint of that size has been published for it, so that it may be served: what the store holds beyond
 * (a batch that was not committed) may change, and a cache would keep it.
 */
bool bw_tile_is_public(const struct bw_tile *tile, uint64_t size);

/*
 * Who keeps tiles: a folder, a database, another node. `get` appends what is kept under that very path; NOT_FOUND:
 * nothing. `put` keeps the bytes, in place of what was there before; it may be NULL for whoever only reads.
 */
struct bw_tile_store {
	void *ctx;
	enum bw_err (*get)(void *ctx, const struct bw_tile *tile, struct bw_buf *out);
	enum bw_err (*put)(void *ctx, const struct bw_tile *tile, struct bw_slice bytes);
};

/* ---- entry bundles: length be16 | entry, as many as the tile is wide ----------------------------- */

/* TOO_BIG: over BW_ENTRY_MAX, or past the buf's maximum. */
BW_MUST_USE enum bw_err bw_entry_add(struct bw_buf *bundle, struct bw_slice entry);

/* The next entry; TRUNCATED. */
BW_MUST_USE enum bw_err bw_entry_take(struct bw_cursor *bundle, struct bw_slice *out);

/*
 * Fills entries[0..width), which borrow from the bundle. TRUNCATED: it holds fewer; SYNTAX: something follows them,
 * unless `is_longer_allowed` (a full bundle that stands in for a partial one).
 */
BW_MUST_USE enum bw_err bw_bundle_split(struct bw_slice bundle, unsigned width, bool is_longer_allowed,
					struct bw_slice *entries);

/* ---- hashes inside a tile --------------------------------------------------------------------------- */

/*
 * A tile with all the nodes that its hashes make: those of height r begin at bw_tile_offset(r), and width >> r of
 * them are whole.
 */
struct bw_tile_nodes {
	unsigned width;
	struct bw_hash nodes[2 * BW_TILE_WIDTH - 1];
};

static inline size_t bw_tile_offset(unsigned height)
{
	return 2 * BW_TILE_WIDTH - ((size_t)(2 * BW_TILE_WIDTH) >> height);
}

/* Makes the rest of the nodes from the first `width`. The root of a full tile is its last node. */
void bw_tile_nodes_fill(struct bw_tile_nodes *tile);

static inline const struct bw_hash *bw_tile_nodes_root(const struct bw_tile_nodes *tile)
{
	return &tile->nodes[2 * BW_TILE_WIDTH - 2];
}

#endif
