/*
 * How a TAXII client walks through a collection of any server without losing
 * or repeating for ever: which page to ask for next, given what the last one said. Pure.
 *
 * Two ways forward. Where the server gives `next`, that (TAXII 2.1 §3.5). Where
 * it does not, `added_after` moves to just before the last date seen, because
 * servers give many objects one date_added and "strictly after" would skip
 * the rest of them; a page that holds one date only is asked for again,
 * larger. What never ends is noticed: a page that comes twice, "more" with
 * nothing in it.
 *
 * Some servers give one `next` for a whole walk and count the pages themselves
 * (medallion does). Sent twice, it skips a page; so after a stop the walk goes on by
 * date, and a lost answer is not simply asked for again.
 *
 * The walk also starts the next pull just before the last date, for objects
 * that were added at the same instant after the last page was made, unless
 * the server's clock says that this instant is over.
 */
#ifndef BW_SERVE_WALK_H
#define BW_SERVE_WALK_H

#include "base/bytes.h"

enum {
	BW_WALK_NEXT_MAX = 2048,
	BW_WALK_LIMIT_DEFAULT = 1000,
	BW_WALK_LIMIT_MAX = 100000, /* of a page asked for when one date fills it */
	BW_WALK_EMPTY_MAX = 16,     /* empty pages with "more" in a row: deletes while paging make one or two */
};

/* A date this long ago gets no more objects: two seconds for Date's own coarseness, three for luck. */
#define BW_WALK_SETTLED_US INT64_C(5000000)

struct bw_walk {
	int64_t base_us;                 /* added_after; -1: from the start */
	int64_t last_us;                 /* latest date seen; -1: none */
	char next[BW_WALK_NEXT_MAX + 1]; /* "" when there is none */
	uint32_t limit;
	uint32_t limit_usual;
	uint32_t empty_pages;
	int64_t restart_us; /* last_us when a `next` was last refused; -2: never */
	bool ordered;       /* dates have only grown so far */
	bool next_changes;  /* each page has brought another `next`: it names a place, and may be sent twice */
	bool by_date;       /* `next` has failed: dates only, until the end of this walk */
	bool may_lose;      /* a tie was larger than the server's pages */
	/* pages of this walk, by hash: open addressing, grows */
	uint64_t *seen;
	size_t seen_cap;
	size_t seen_n;
};

/* What a page said. */
struct bw_walk_page {
	uint64_t objects;
	bool more;
	struct bw_slice next; /* empty: none */
	int64_t first_us;     /* X-TAXII-Date-Added-First; -1: not given */
	int64_t last_us;
	int64_t now_us; /* the server's Date; -1: not given */
	uint64_t hash;  /* of the page's objects, as they came */
};

enum bw_walk_step {
	BW_WALK_ON,    /* ask for the next page */
	BW_WALK_DONE,  /* all there is has come */
	BW_WALK_LOOP,  /* the server repeats itself: stop; what came is good */
	BW_WALK_BLIND, /* more, says the server, but neither `next` nor dates to go on with */
};

/* `limit` 0: the default. Release in the end. */
void bw_walk_init(struct bw_walk *walk, uint32_t limit);
void bw_walk_release(struct bw_walk *walk);

/* Appends "?limit=...&added_after=...&next=...", percent-encoded. */
BW_MUST_USE enum bw_err bw_walk_query(const struct bw_walk *walk, struct bw_buf *out);

/* After the page was stored: moves on. MEMORY. */
BW_MUST_USE enum bw_err bw_walk_page(struct bw_walk *walk, const struct bw_walk_page *page, enum bw_walk_step *out);

/*
 * The server refused the request (400, 404, 410) though the collection is there: an old
 * `next` has expired. True when there is another way: ask again.
 */
bool bw_walk_next_refused(struct bw_walk *walk);

/* An answer was lost on the way. True when the page can be asked for again, maybe in another way. */
bool bw_walk_answer_lost(struct bw_walk *walk);

/* The page took too long: true when a smaller one can be asked for. */
bool bw_walk_too_slow(struct bw_walk *walk);

/*
 * The walk as text, to go on with after a stop or at the next pull; saved only
 * when the page before it is stored. Reading takes what writing gave, and
 * refuses everything else: SYNTAX.
 */
BW_MUST_USE enum bw_err bw_walk_save(const struct bw_walk *walk, struct bw_buf *out);
BW_MUST_USE enum bw_err bw_walk_load(struct bw_walk *walk, struct bw_slice text);

#endif
