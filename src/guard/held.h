/*
 * Whom the guard holds now: the processes that stand still, the addresses and accounts that are kept out. From the
 * hand's book (DATA/guard/hand, guard/hand_book.h), whether the guard runs or not, against what /proc says: a process
 * that ended, goes on, or is another one of the same number is not in it. An incident that is closed lets nobody go, so
 * this is where a person sees who still waits.
 */
#ifndef BW_GUARD_HELD_H
#define BW_GUARD_HELD_H

#include "guard/hand_book.h"

struct bw_hold {
	struct bw_deed deed;
	uint32_t uid;             /* HELD */
	char comm[BW_COMM_BYTES]; /* HELD */
	bool is_frozen;           /* HELD: by the freezer; else by a signal, which its user may undo */
};

struct bw_holds {
	struct bw_hold *list;
	size_t count;
	size_t still; /* of them processes and units that stand still */
};

/* A book that is not there holds nobody. SYNTAX (of the book), MEMORY, IO … */
BW_MUST_USE enum bw_err bw_holds_load(const char *data, struct bw_holds *out);
void bw_holds_release(struct bw_holds *holds);

/* A line each, with what lets it go on and what ends it; of one incident, or of all (0). */
BW_MUST_USE enum bw_err bw_holds_text(const struct bw_holds *holds, uint64_t incident, struct bw_buf *out);

/* An array of objects, the same. */
BW_MUST_USE enum bw_err bw_holds_json(const struct bw_holds *holds, uint64_t incident, struct bw_buf *out);

/* For a command that closed an incident: prints who of it is still held; nothing when nobody is. */
void bw_holds_print(const char *data, uint64_t incident);

#endif
