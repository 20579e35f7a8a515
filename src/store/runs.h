/*
 * The value index: postings (hash of a value, date added of a row) in sorted runs.
 * New postings make a small run; runs of a level are merged into one of the next, so that
 * nothing random is ever written and a look-up asks a few dozen runs at most.
 *
 * A run lies in search.db as chunks of sorted postings. It is building (not
 * asked yet), live, or dead (waiting to be dropped); a merge goes on where it stopped.
 * Private to the room.
 */
#ifndef BW_STORE_RUNS_H
#define BW_STORE_RUNS_H

#include "base/arena.h"
#include "store/sql.h"

struct bw_posting {
	uint64_t hash;
	int64_t added_us;
};

enum { BW_RUN_FAN = 8 }; /* runs of a level that make one of the next */

BW_MUST_USE enum bw_err bw_runs_schema(sqlite3 *db);

/* In the open transaction of `db`: a new live run of the lowest level. Sorts `postings` in place. */
BW_MUST_USE enum bw_err bw_runs_add(sqlite3 *db, struct bw_posting *postings, size_t count);

/* One slice of merging or dropping. `out_more`: another slice waits. */
BW_MUST_USE enum bw_err bw_runs_tend(sqlite3 *db, bool *out_more);

/* The dates added with this hash, ascending, at most `cap`; others are left out, newest kept. In the arena. */
BW_MUST_USE enum bw_err bw_runs_find(sqlite3 *db, uint64_t hash, struct bw_arena *arena, size_t cap, int64_t **out,
				     size_t *out_count);

/* Takes one posting out of every run, dead ones too. */
BW_MUST_USE enum bw_err bw_runs_forget(sqlite3 *db, const struct bw_posting *posting);

#endif
