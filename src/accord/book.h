/*
 * The book of accords: every version of each with the signatures it has, and its end. What an accord's state is
 * follows from these documents and the clock, and is written down nowhere else.
 *
 *   accord/accords/ID/N.json    version N: DSSE envelope of the accord's text (accord/accord.h)
 *   accord/accords/ID/end.json  its end: DSSE envelope of an end (below), by one party or both
 *   accord/accords/ID/paused    there while this node has suspended it; its own affair, signed by nobody
 *
 * An end needs one signature, and beats every version for ever. Its text is canonical JSON:
 *   {"accord":ID,"reason":TEXT,"time":T,"type":"breakwater-accord-end","version":1}
 */
#ifndef BW_ACCORD_BOOK_H
#define BW_ACCORD_BOOK_H

#include "accord/accord.h"
#include "accord/accord_end.h"
#include "accord/place.h"

enum {
	BW_BOOK_VERSIONS_MAX = 1000, /* of one accord */
	BW_BOOK_ACCORDS_MAX = 256,
	BW_BOOK_FILE_MAX = 512 * 1024,
};

enum bw_accord_state {
	BW_ACCORD_PROPOSED, /* no version has both signatures */
	BW_ACCORD_NOT_YET,  /* signed by both; begins later */
	BW_ACCORD_IN_FORCE,
	BW_ACCORD_SUSPENDED, /* by this node */
	BW_ACCORD_OVER,      /* its time is up */
	BW_ACCORD_ENDED,     /* by a party */
	BW_ACCORD_STATES
};

const char *bw_accord_state_name(enum bw_accord_state state);

struct bw_book_version {
	struct bw_accord accord;
	struct bw_slice text;
	uint8_t hash[BW_SHA256_BYTES];
	bool signed_by[BW_ACCORD_NODES];
	const struct bw_book_version *before; /* the agreed one that it follows; NULL: it is the first */
};

struct bw_book_entry {
	struct bw_slice id;
	enum bw_accord_state state;
	size_t we;                          /* which party this node is */
	const struct bw_book_version *now;  /* the newest that both signed; NULL: none */
	const struct bw_book_version *next; /* a newer one that waits for a signature; NULL: none */
	struct bw_slice end_reason;
	size_t ended_by; /* party; BW_ACCORD_NODES: nobody */
};

/* Has it ended, by a party or by its date? Nothing crosses under it ever again. */
static inline bool bw_book_is_over(const struct bw_book_entry *entry)
{
	return entry->now != NULL && (entry->state == BW_ACCORD_ENDED || entry->state == BW_ACCORD_OVER);
}

/* … and both have agreed that what was received under any version of it is destroyed then. */
static inline bool bw_book_is_to_destroy(const struct bw_book_entry *entry)
{
	return bw_book_is_over(entry) && entry->now->accord.destroy_at_end;
}

/* Who may have signed: this node and those it has met. */
struct bw_book {
	const char *data;
	struct bw_arena *arena; /* everything read is in it */
	struct bw_node_public self;
	uint8_t self_name[BW_SHA256_BYTES];
	struct bw_peer *peers;
	size_t peer_count;
	int64_t now_us;
};

/* NOT_FOUND (no data folder), and those of reading. */
BW_MUST_USE enum bw_err bw_book_open(const char *data, struct bw_arena *arena, struct bw_book *out, struct bw_why *why);

/* All accords, by id. */
BW_MUST_USE enum bw_err bw_book_list(struct bw_book *book, struct bw_book_entry **out, size_t *out_count,
				     struct bw_why *why);

/* NOT_FOUND. SYNTAX, SIGNATURE: a document in the book is damaged, named in `why`. */
BW_MUST_USE enum bw_err bw_book_find(struct bw_book *book, struct bw_slice id, struct bw_book_entry *out,
				     struct bw_why *why);

/*
 * Takes a document: a version or an end, of ours or the partner's. It has to be signed by a party, one party has to be
 * this node and the other a peer; a version has to follow the newest one both signed. What is there already
 * gains the signatures it lacks. CONFLICT: another text has that number, or it follows something else; REVOKED: the
 * accord is ended, or the version is an old one; DENIED: not ours, or of somebody this node has not met; SIGNATURE.
 */
BW_MUST_USE enum bw_err bw_book_take(struct bw_book *book, struct bw_slice envelope, struct bw_slice *out_id,
				     struct bw_why *why);

/* The documents of an accord that a partner needs: envelopes as lines, versions first, the end last. */
BW_MUST_USE enum bw_err bw_book_export(struct bw_book *book, const struct bw_book_entry *entry, struct bw_buf *out,
				       struct bw_why *why);

/* Signs what waits for this node's signature. NOT_FOUND: nothing does. */
BW_MUST_USE enum bw_err bw_book_sign(struct bw_book *book, const struct bw_book_entry *entry,
				     const struct bw_node_keys *keys, struct bw_why *why);

/* Takes back what waits for a signature. NOT_FOUND: nothing does. */
BW_MUST_USE enum bw_err bw_book_withdraw(struct bw_book *book, const struct bw_book_entry *entry, struct bw_why *why);

/* Ends it, at once and for ever. RANGE (reason). */
BW_MUST_USE enum bw_err bw_book_end(struct bw_book *book, const struct bw_book_entry *entry,
				    const struct bw_node_keys *keys, struct bw_slice reason, struct bw_why *why);

BW_MUST_USE enum bw_err bw_book_pause(struct bw_book *book, const struct bw_book_entry *entry, bool pause,
				      struct bw_why *why);

#endif
