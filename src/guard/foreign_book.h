/*
 * The book of what others saw: DATA/guard/foreign, scribe's, root's alone, 0600, one fact a line:
 *
 *   place 0 00063a1b2c3d4e5f            where line 0 of the exchange goes on
 *   peer 0 12 0 NAME                    whose entries are: values refused, when all of his was undone (0: not; else
 *                                       nothing of his is taken)
 *   item 0 INDICATOR 1795392000000000 1797984000000000 1795392000000000 85 0 ending locked
 *                                       peer, version, until, came, confidence, state, what it is
 *
 * Times are microseconds since 1970. A peer's values are at most BW_FOREIGN_PEER_VALUES; what is more is refused until
 * others have ended. The same indicator again counts when it is newer. Pure but for load and save.
 */
#ifndef BW_GUARD_FOREIGN_BOOK_H
#define BW_GUARD_FOREIGN_BOOK_H

#include "guard/foreign.h"
#include "intel/exact.h"
#include "sys/files.h"

enum {
	BW_FOREIGN_PEERS_MAX = 32,
	BW_FOREIGN_PEER_VALUES = 5000,
	BW_FOREIGN_BOOK_BYTES = 96 * 1024 * 1024, /* full of the longest values */
};

#define BW_FOREIGN_BOOK "guard/foreign" /* below DATA */

struct bw_foreign_peer {
	char name[BW_FOREIGN_PEER_BYTES + 1]; /* "": free */
	int64_t undone_us;                    /* 0: not */
	uint64_t refused;                     /* values */
	size_t count;                         /* values now */
};

/* What came of it here. */
enum bw_foreign_state {
	BW_FOREIGN_WAITS,
	BW_FOREIGN_MET, /* somebody showed it */
	BW_FOREIGN_OWN, /* good files of this server are called so: it is put aside */
	BW_FOREIGN_STATES,
};

struct bw_foreign_entry {
	uint8_t peer;
	uint8_t trait; /* enum bw_trait */
	uint8_t confidence;
	uint8_t state; /* enum bw_foreign_state */
	uint8_t value_len;
	bool is_checked; /* names: no good file here is called so. Not written down: files change */
	int64_t modified_us;
	int64_t until_us;
	int64_t came_us;
	char id[BW_FOREIGN_ID_BYTES + 1];
	char value[BW_TRAIT_VALUE_BYTES + 1];
};

struct bw_foreign_book {
	char places[BW_FOREIGN_LINES_MAX][BW_FOREIGN_PLACE_BYTES + 1];
	struct bw_foreign_peer peers[BW_FOREIGN_PEERS_MAX];
	struct bw_foreign_entry *entries;
	size_t count;
	size_t cap;
};

void bw_foreign_book_release(struct bw_foreign_book *book);

/* NEWS (guard/foreign.h) at `now_us`. `*changed`: what the judge looks up in is another one. PROTOCOL, MEMORY. */
BW_MUST_USE enum bw_err bw_foreign_book_take(struct bw_foreign_book *book, struct bw_slice news, int64_t now_us,
					     bool *changed);

/* For reading the file. What is beyond the peer's limit is counted as refused. MEMORY. */
BW_MUST_USE enum bw_err bw_foreign_book_add(struct bw_foreign_book *book, const struct bw_foreign_entry *entry);

/* Drops what has ended. True when something had. */
bool bw_foreign_book_expire(struct bw_foreign_book *book, int64_t now_us);

/* Of whoever said it. True when something changed. */
bool bw_foreign_book_mark(struct bw_foreign_book *book, enum bw_trait trait, struct bw_slice value,
			  enum bw_foreign_state state);

/* All of that peer goes, and what comes of his is refused, until accept. NOT_FOUND: nothing ever came from him. */
BW_MUST_USE enum bw_err bw_foreign_book_undo(struct bw_foreign_book *book, struct bw_slice peer, int64_t now_us);
BW_MUST_USE enum bw_err bw_foreign_book_accept(struct bw_foreign_book *book, struct bw_slice peer);

/*
 * Sets whose notes are "peer US indicator". For the judge: what is checked; hashes, domains and URLs it has no use for,
 * and what is this server's own is not in it. For the witness: names and endings nobody has compared yet with those of
 * this server's files (bw_foreign_names). `*count` is how many there are.
 */
enum bw_foreign_set { BW_FOREIGN_FOR_JUDGE, BW_FOREIGN_FOR_WITNESS };
BW_MUST_USE enum bw_err bw_foreign_book_set(const struct bw_foreign_book *book, enum bw_foreign_set which,
					    struct bw_buf *out, size_t *count);

/* The witness has compared all of that set: what is not marked as this server's own may be looked for. */
void bw_foreign_book_check(struct bw_foreign_book *book, const struct bw_exact *asked);

/* SYNTAX with the line in `fault`, CORRUPT (numbers that fit nothing), MEMORY. */
BW_MUST_USE enum bw_err bw_foreign_book_parse(struct bw_slice text, struct bw_foreign_book *out,
					      struct bw_fault *fault);
BW_MUST_USE enum bw_err bw_foreign_book_write(const struct bw_foreign_book *book, struct bw_buf *out);

/* None is an empty one. */
BW_MUST_USE enum bw_err bw_foreign_book_load(const char *data, struct bw_foreign_book *out, struct bw_why *why);
BW_MUST_USE enum bw_err bw_foreign_book_save(const char *data, const struct bw_foreign_book *book, struct bw_why *why);

#endif
