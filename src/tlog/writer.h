/*
 * Adds to a log kept in tiles (tile.h): leaf hashes or entries in, tiles of all levels out.
 *
 * Tiles and bundles that become full are put at once; bw_tlog_writer_commit puts the partial ones and says what a
 * checkpoint may then state. Publish that checkpoint only after the store has made all of it durable. Whatever was
 * put beyond the last published checkpoint (a crash came between) is written over when the writer is opened at that
 * checkpoint again, so it must not be served before (bw_tile_is_public).
 *
 * After any failure of the store the writer gives that error to every call: open another at the last checkpoint.
 */
#ifndef BW_TLOG_WRITER_H
#define BW_TLOG_WRITER_H

#include "tlog/tile.h"

struct bw_tlog_writer;

/*
 * At the end of a log of that size and root; 0 and the empty tree's root for a new one. `has_entries`: it keeps entry
 * bundles, and every call adds entries; else it keeps hashes alone. The store must outlive the writer.
 * CUT_SHORT: a tile or bundle of the right edge is missing or too short. EDITED: they do not lead to the root.
 */
BW_MUST_USE enum bw_err bw_tlog_writer_open(const struct bw_tile_store *store, uint64_t size,
					    const struct bw_hash *root, bool has_entries, struct bw_tlog_writer **out);
void bw_tlog_writer_free(struct bw_tlog_writer *writer);

uint64_t bw_tlog_writer_size(const struct bw_tlog_writer *writer);

/* USAGE: the log keeps entries. RANGE: it would have more than BW_TREE_SIZE_MAX. Else the store's errors. */
BW_MUST_USE enum bw_err bw_tlog_writer_add_leaves(struct bw_tlog_writer *writer, const struct bw_hash *leaves,
						  size_t count);

/* TOO_BIG: an entry over BW_ENTRY_MAX; then none is added. USAGE: the log keeps hashes alone. */
BW_MUST_USE enum bw_err bw_tlog_writer_add_entries(struct bw_tlog_writer *writer, const struct bw_slice *entries,
						   size_t count);

/* Puts what is partial and changed since the last commit. */
BW_MUST_USE enum bw_err bw_tlog_writer_commit(struct bw_tlog_writer *writer, uint64_t *out_size,
					      struct bw_hash *out_root);

#endif
