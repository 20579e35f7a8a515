/* search.db: the value index and the full-text index, and how far they are. Private to the room. */
#ifndef BW_STORE_INDEX_H
#define BW_STORE_INDEX_H

#include "store/engine.h"
#include "store/runs.h"

struct bw_index_file {
	uint64_t device;
	uint64_t inode;
};

struct bw_index {
	sqlite3 *db;
	struct bw_index_file file;
	bool writable;
};

/* Opened at first use. For writing: made when missing or not ours. For reading: NOT_FOUND when there is none yet. */
BW_MUST_USE enum bw_err bw_index_open(struct bw_store *store, bool for_writing, struct bw_index **out);

/* Date added of the last row in the indexes; INT64_MIN when there is none. */
BW_MUST_USE enum bw_err bw_index_upto(struct bw_index *index, int64_t *out);

/* What a value is indexed by: ASCII letters without case, under the store's own key. */
uint64_t bw_value_hash(const struct bw_store *store, struct bw_slice value);

/* WRITER, after a commit that erased: takes the erased rows' terms out of the indexes, then forgets the terms. */
BW_MUST_USE enum bw_err bw_index_forget_now(struct bw_store *store);

/* WRITER. Empties the indexes under whoever reads them: the next steps build them anew. */
BW_MUST_USE enum bw_err bw_index_reset(struct bw_store *store);

/* Removes search.db, which nobody else may have open: the next steps build it anew from the rows. */
BW_MUST_USE enum bw_err bw_index_drop(struct bw_store *store);

#endif
