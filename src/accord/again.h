/*
 * What stayed at home and may go now: the collections of one direction are walked a second time when something else has
 * moved than they. Between two lives of the ledger it is a file of its own, accord/out/ID/again:
 *
 *   magic | place, upto, defined: be64 | flags u8 | basis 32 | strange block | SHA-256 of all before
 *
 * - The *basis* is what every decision rests on beside the object: the accord's text, and which marking holds for what
 *   bears none. When it is another, all that was withheld is judged again.
 * - *Strange* are the ids of marking definitions that somebody bore and nobody knew. When one of them comes, what was
 *   withheld for that, or for a reference, is judged again. More than BW_AGAIN_STRANGE_MAX: any definition counts.
 *
 * A walk in which something went is walked once more, for what refers to that; it ends, because each time more has
 * gone.
 */
#ifndef BW_ACCORD_AGAIN_H
#define BW_ACCORD_AGAIN_H

#include "accord/decide.h"
#include "crypto/hash.h"
#include "sys/why.h"

enum { BW_AGAIN_STRANGE_MAX = 256, BW_AGAIN_STRANGE_BYTES = 32 * 1024 };

struct bw_again {
	int64_t place_us;   /* of the walk: rows added until then are dealt with */
	int64_t upto_us;    /* where it ends; not above place_us: none is under way */
	int64_t defined_us; /* definitions added until then have been looked at */
	bool everything;    /* the walk is for all that was withheld */
	bool has_moved;     /* something went in this walk */
	bool has_basis;
	bool is_any; /* more were strange than have room */
	uint8_t basis[BW_SHA256_BYTES];
	struct bw_buf strange; /* lines */
};

#define BW_AGAIN_INIT ((struct bw_again){ .strange = BW_BUF_INIT(BW_AGAIN_STRANGE_BYTES) })

void bw_again_release(struct bw_again *again);

/* No file: as BW_AGAIN_INIT. CORRUPT: `out` is as without a file; judge everything again. */
BW_MUST_USE enum bw_err bw_again_load(const char *folder, struct bw_again *out, struct bw_why *why);
BW_MUST_USE enum bw_err bw_again_save(const char *folder, const struct bw_again *again, struct bw_why *why);

/* Begins a walk up to there; one that is under way begins anew, for what both are for. */
void bw_again_begin(struct bw_again *again, int64_t upto_us, bool everything);
bool bw_again_is_walking(const struct bw_again *again);

/* Rows until `place_us` are dealt with, and `moved`: something of them went. At the end it may begin once more. */
void bw_again_walked(struct bw_again *again, int64_t place_us, bool moved);

/* Is what was decided last worth another look in this walk? */
bool bw_again_wants(const struct bw_again *again, const struct bw_decision *last);

/* Somebody bears this, and nobody knew it among the definitions added until `upto_us`. True: that is new. */
bool bw_again_strange(struct bw_again *again, struct bw_slice id, int64_t upto_us);
bool bw_again_is_waiting(const struct bw_again *again); /* for some definition */

/* A definition has come. True: somebody waits for it; it is strange no more. */
bool bw_again_defined(struct bw_again *again, struct bw_slice id);

/* True: the basis is another than it was, or the first, and is taken. */
bool bw_again_rests_on(struct bw_again *again, const uint8_t basis[BW_SHA256_BYTES]);

#endif
