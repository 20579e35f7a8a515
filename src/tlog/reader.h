/*
 * Reads a log kept in tiles (tile.h) under a checkpoint that was verified before: proofs, entries, and the check of
 * the whole. No hash is believed that does not lead to the checkpoint's root: the right edge is held against the
 * root itself, every other tile against its hash in the tile above. Tiles once verified are kept in a cache, with the
 * hashes inside them, so that a proof from warm tiles hashes next to nothing.
 *
 * What went wrong has a name of its own:
 *   EDITED      a tile or entry is not what the checkpoint commits to
 *   CUT_SHORT   a tile or bundle is missing, or too short for the checkpoint's size
 *   ROLLBACK    a later checkpoint is smaller than an earlier one
 *   SPLIT_VIEW  two checkpoints cannot both be of one log that only grows
 * The store's own errors (IO, MEMORY ...) are passed on as they are and say nothing about the log.
 *
 * A reader is one thread's at a time.
 */
#ifndef BW_TLOG_READER_H
#define BW_TLOG_READER_H

#include "tlog/tile.h"

enum {
	BW_TLOG_READER_SLOTS_MIN = 64, /* about 1 MB; 1024 slots hold the warm tiles of any log we know */
	BW_TLOG_READER_SLOTS_MAX = 65536,
};

/* Where it was found; `entry` counts from the start of the log. */
struct bw_tlog_reader_fault {
	struct bw_tile tile;
	uint64_t entry; /* of an entry bundle */
};

struct bw_tlog_reader;

/*
 * `slots` tiles of 16 kB are kept, rounded up to a power of two within the limits. The store must outlive the reader.
 * CUT_SHORT, EDITED (`fault`, may be NULL, tells the tile), RANGE: larger than a log may be; MEMORY.
 */
BW_MUST_USE enum bw_err bw_tlog_reader_open(const struct bw_tile_store *store, uint64_t size,
					    const struct bw_hash *root, size_t slots,
					    struct bw_tlog_reader_fault *fault, struct bw_tlog_reader **out);
void bw_tlog_reader_free(struct bw_tlog_reader *reader);

uint64_t bw_tlog_reader_size(const struct bw_tlog_reader *reader);
struct bw_hash bw_tlog_reader_root(const struct bw_tlog_reader *reader);

/* Of the last EDITED or CUT_SHORT. */
struct bw_tlog_reader_fault bw_tlog_reader_fault(const struct bw_tlog_reader *reader);

/* For the functions of merkle.h; as long as the reader. */
struct bw_nodes bw_tlog_reader_nodes(struct bw_tlog_reader *reader);

/* RANGE: there is no such entry. */
BW_MUST_USE enum bw_err bw_tlog_reader_leaf(struct bw_tlog_reader *reader, uint64_t index, struct bw_hash *out);

/* The entry, verified; borrows from the reader until its next call. RANGE. */
BW_MUST_USE enum bw_err bw_tlog_reader_entry(struct bw_tlog_reader *reader, uint64_t index, struct bw_slice *out);

/* In the tree of the reader's checkpoint. RANGE. */
BW_MUST_USE enum bw_err bw_tlog_reader_inclusion(struct bw_tlog_reader *reader, uint64_t index, struct bw_proof *out);
BW_MUST_USE enum bw_err bw_tlog_reader_consistency(struct bw_tlog_reader *reader, uint64_t old_size,
						   struct bw_proof *out);

/* The root the log had at an earlier size. RANGE. */
BW_MUST_USE enum bw_err bw_tlog_reader_root_at(struct bw_tlog_reader *reader, uint64_t size, struct bw_hash *out);

/*
 * Whether the log goes on from a checkpoint seen before. ROLLBACK: it has become smaller. SPLIT_VIEW: at that size it
 * had another root, and both checkpoints are the proof of it.
 */
BW_MUST_USE enum bw_err bw_tlog_reader_continues(struct bw_tlog_reader *reader, uint64_t old_size,
						 const struct bw_hash *old_root);

/* Goes on to a later checkpoint, with what is in the cache. Nothing changes on failure: as open and continues. */
BW_MUST_USE enum bw_err bw_tlog_reader_advance(struct bw_tlog_reader *reader, uint64_t size,
					       const struct bw_hash *root);

/* ---- the whole log ---------------------------------------------------------------------------------- */

struct bw_tlog_check {
	uint64_t from;    /* the first entry to look at; the tiles before it are believed */
	bool has_entries; /* entry bundles too, else hashes alone */
	/* may be NULL; called for each tile with what is done; an error from it ends the check */
	enum bw_err (*progress)(void *ctx, uint64_t done, uint64_t size);
	void *ctx;
	/* may be NULL; every entry in order, verified; an error from it ends the check */
	enum bw_err (*entry)(void *ctx, uint64_t index, struct bw_slice entry);
};

/*
 * Holds every tile of every level, and every entry, against the root; streams, in constant memory. The first thing
 * wrong ends it: bw_tlog_reader_fault says where.
 */
BW_MUST_USE enum bw_err bw_tlog_check(struct bw_tlog_reader *reader, const struct bw_tlog_check *check);

#endif
