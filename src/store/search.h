/*
 * Finding objects by value, word or id. The indexes are fed behind the rows: what
 * was stored a moment ago may not be found yet, and bw_store_index_lag says by how much.
 */
#ifndef BW_STORE_SEARCH_H
#define BW_STORE_SEARCH_H

#include "store/store.h"

enum {
	BW_SEARCH_TEXT_MAX = 4096,
	BW_SEARCH_LIMIT_MAX = 1000,
	BW_INDEX_STEP_ROWS = 4000, /* keeps a step to some tens of milliseconds */
};

/*
 * Moves rows into the indexes, a bounded piece of work at a time: up to
 * BW_INDEX_STEP_ROWS rows and one slice of merging. `out_more` says whether there
 * is more to do. Any process may call it (WRITER or READER of rows); one at a time, BUSY else.
 * What it writes can be rebuilt, so it costs no fsync of its own.
 */
BW_MUST_USE enum bw_err bw_store_index_step(struct bw_store *store, bool *out_more);

/* Rows stored but not in the indexes yet. */
BW_MUST_USE enum bw_err bw_store_index_lag(struct bw_store *store, uint64_t *out_rows);

struct bw_search {
	struct bw_slice
		text; /* a value ("198.51.100.3", also defanged), a STIX id, or words, all of which must occur */
	const uint16_t *collections; /* only these; count 0: all */
	size_t collection_count;
	uint32_t limit; /* 1..BW_SEARCH_LIMIT_MAX */
};

struct bw_hit {
	uint16_t collection;
	bool exact; /* the text is a value or the id of the object, not words in it */
	struct bw_row row;
};

struct bw_found {
	struct bw_hit *hits; /* exact ones first, then newest first; current versions only; in the arena */
	size_t count;
	bool more;
};

/* READER or WRITER. RANGE (limit), TOO_BIG (text). */
BW_MUST_USE enum bw_err bw_store_search(struct bw_store *store, const struct bw_search *search, struct bw_arena *arena,
					struct bw_found *out);

struct bw_shown {
	uint16_t collection;
	bool last; /* the newest version in its collection */
	bool revoked;
	struct bw_row row;
};

/* Every stored version of one object in every collection, oldest date added first. NOT_FOUND. */
BW_MUST_USE enum bw_err bw_store_show(struct bw_store *store, struct bw_slice id, struct bw_arena *arena,
				      struct bw_shown **out, size_t *out_count);

#endif
