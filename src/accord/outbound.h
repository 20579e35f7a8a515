/*
 * The sending end of one direction of an accord: what was decided, what crosses, and the log of it, in one folder
 * (DATA/accord/out/ID) that one process at a time writes (its ledger).
 *
 *   journal/NUMBER    append-only: batches of decisions and of encrypted entries (outbound_journal.h)
 *   keys/DAY          the key of what has to be gone when that day is over; without it the entry is gone
 *   tile/…            the log's hashes (C2SP tlog-tiles); made anew from the journal beyond `synced`
 *   signed            the newest checkpoint the notary signed, with the cosignatures it has so far
 *   checkpoint        the newest *delivered* one: cosigned by those the accord asks for
 *   synced            size and root up to which tiles are known to be on disk
 *   erased            up to which entry everything was destroyed, if ever
 *   secret            what ids of decisions are hashed with
 *
 * Order of things: add (journal appended and synced, then tiles) → ask → the notary signs → signed → witnesses →
 * cosigned → delivered → read. A crash between any two loses nothing that add has returned: opening cuts off a batch
 * that is not whole, makes the tiles again, and goes on. What is not delivered is served to nobody.
 *
 * After opening, nothing is signed before somebody who would know (the ally; else a witness) said what size it knows
 * (bw_outbound_heard): a backup that was restored, or a twin, must not sign a fork.
 *
 * Errors of files as in sys/files.h, named in `why`. Any of them while writing ends the log until it is opened again.
 */
#ifndef BW_ACCORD_OUTBOUND_H
#define BW_ACCORD_OUTBOUND_H

#include "accord/passage.h"
#include "sys/why.h"
#include "tlog/trust.h"

enum {
	BW_OUTBOUND_ITEMS_MAX = 16384, /* of one batch */
	BW_OUTBOUND_SOURCE_MAX = 4096,
	BW_OUTBOUND_ID_MAX = 512, /* of an object, or a version; longer ones are hashed as they are */
};

struct bw_outbound;

/*
 * `trust`: the direction's policy (bw_papers_policy): every log key in it must have signed, and the quorum is what
 * makes a checkpoint delivered. It must outlive the log. `is_reader`: beside whoever writes; nothing is changed,
 * nothing can be added. The folder and its parent are made when they are missing.
 */
struct bw_outbound_rules {
	struct bw_slice origin;
	const struct bw_trust *trust;
	bool is_reader;
};

/*
 * BUSY: another process writes it. CORRUPT: a batch before the last one is damaged. CUT_SHORT, EDITED, ROLLBACK: the
 * folder is not what its own signed checkpoint states. NOT_FOUND: a reader, and there is none.
 */
BW_MUST_USE enum bw_err bw_outbound_open(const char *folder, const struct bw_outbound_rules *rules,
					 struct bw_outbound **out, struct bw_why *why);
void bw_outbound_close(struct bw_outbound *out); /* NULL allowed */

struct bw_outbound_status {
	uint64_t batches;
	uint64_t size; /* entries appended */
	uint64_t signed_size;
	uint64_t delivered_size;
	bool may_sign; /* somebody has been heard since it was opened */
};

void bw_outbound_status(const struct bw_outbound *out, struct bw_outbound_status *status);

/* ---- adding ---------------------------------------------------------------------------------------------- */

/* One object and what was decided about it, whatever that was. */
struct bw_outbound_item {
	struct bw_slice id;      /* at home */
	struct bw_slice version; /* its `modified`, or the hash of one that has none */
	struct bw_slice became;  /* the id of the derived object; empty: none */
	struct bw_decision decision;
	struct bw_slice crossing; /* the text (bw_crossing_add); empty: it does not cross */
	int64_t keep_until_us;    /* with a crossing: then it has to be gone here as well */
};

struct bw_outbound_batch {
	uint64_t number; /* from 0 */
	uint64_t from;   /* entries [from, to) are new */
	uint64_t to;
	uint8_t hash[BW_SHA256_BYTES]; /* of the batch as the journal has it: for the note in the audit log */
	struct bw_hash root;
};

/*
 * All of it or nothing; on disk when it returns, with `source`: how far the caller has come in what it reads, which
 * bw_outbound_source gives back after a crash. No items: only the source moves. TOO_MANY, TOO_BIG, RANGE (an entry
 * whose time is over), MEMORY.
 */
BW_MUST_USE enum bw_err bw_outbound_add(struct bw_outbound *out, const struct bw_outbound_item *items, size_t count,
					struct bw_slice source, int64_t now_us, struct bw_outbound_batch *batch,
					struct bw_why *why);

/* Of the last batch; empty: none. Borrowed until the next add. */
struct bw_slice bw_outbound_source(const struct bw_outbound *out);

/* ---- signing and witnesses ------------------------------------------------------------------------------- */

/*
 * Somebody who would know says the latest size it cosigned or verified (0: none), and the root when it tells (NULL:
 * not). ROLLBACK: it knows more than is here, so this is an old copy; SPLIT_VIEW: another root. Nothing is signed
 * then, until the log is opened again.
 */
BW_MUST_USE enum bw_err bw_outbound_heard(struct bw_outbound *out, uint64_t size, const struct bw_hash *root);

struct bw_outbound_ask {
	struct bw_slice origin;
	uint64_t old_size; /* that of `signed` */
	uint64_t size;
	struct bw_hash root;
	struct bw_proof proof; /* consistency between the two */
};

/* What the notary has to sign. NOT_FOUND: all is signed. AGAIN: nobody was heard yet. */
BW_MUST_USE enum bw_err bw_outbound_ask(struct bw_outbound *out, struct bw_outbound_ask *ask);

/* The same from another size: the notary (or a witness) remembers another one. RANGE. */
BW_MUST_USE enum bw_err bw_outbound_ask_from(struct bw_outbound *out, uint64_t old_size, struct bw_outbound_ask *ask);

/*
 * The notary's checkpoint, on disk when it returns. Cosignatures of the one before are not needed any more. RANGE: of
 * a size that is not here; EDITED: of another root; SIGNATURE, DENIED: not by every key of the log.
 */
BW_MUST_USE enum bw_err bw_outbound_signed(struct bw_outbound *out, struct bw_slice checkpoint, struct bw_why *why);

/* Body of POST add-checkpoint for the newest signed checkpoint. NOT_FOUND: none; RANGE: larger than what is signed. */
BW_MUST_USE enum bw_err bw_outbound_witness_body(struct bw_outbound *out, uint64_t old_size, struct bw_buf *body);

/*
 * A witness's answer to it; `is_delivered` (may be NULL): now there are enough, and the checkpoint is on disk as
 * delivered. NOT_FOUND: no line of a witness of the policy that was not there; SIGNATURE: one that does not verify,
 * or is of an earlier checkpoint.
 */
BW_MUST_USE enum bw_err bw_outbound_cosigned(struct bw_outbound *out, struct bw_slice answer, bool *is_delivered,
					     struct bw_why *why);

/* ---- serving --------------------------------------------------------------------------------------------- */

/* Newest delivered checkpoint; empty: none. Borrowed until the next one. */
struct bw_slice bw_outbound_checkpoint(const struct bw_outbound *out);

/*
 * Appends to `passage` what a receiver at `place` is to get next, about `max` bytes at a time (one record may be more
 * than that), and moves the place; nothing when it has all. What is over its time is GONE. RANGE: it says to have more
 * than was delivered (its own word: bw_outbound_heard decides what that means).
 */
BW_MUST_USE enum bw_err bw_outbound_read(struct bw_outbound *out, struct bw_passage_place *place, int64_t now_us,
					 size_t max, struct bw_buf *passage, struct bw_why *why);

/*
 * What caches may have: "checkpoint" or a tile's path. NOT_FOUND: no such thing, or not delivered yet. `is_tile`:
 * it never changes (BW_TILE_CONTENT_TYPE, else BW_CHECKPOINT_CONTENT_TYPE).
 */
BW_MUST_USE enum bw_err bw_outbound_public(struct bw_outbound *out, struct bw_slice path, struct bw_buf *bytes,
					   bool *is_tile);

/* ---- looking back ---------------------------------------------------------------------------------------- */

struct bw_outbound_found {
	uint64_t batch;
	int64_t time_us;
	struct bw_decision decision; /* policy_class is not kept: 0 */
	struct bw_slice became;
	bool is_logged;
	uint64_t index; /* then: of the entry */
};

/*
 * The newest decision about an object, whichever version it was about. Found at once: about 32 bytes of memory for
 * each id that was ever decided about, taken when it is first asked. `became` is borrowed until the next call.
 * NOT_FOUND.
 */
BW_MUST_USE enum bw_err bw_outbound_latest(struct bw_outbound *out, struct bw_slice id, struct bw_outbound_found *found,
					   struct bw_why *why);

/*
 * Every decision about an object, oldest first, by reading all of them; `version` empty: about any. An error of
 * `found` ends it.
 */
BW_MUST_USE enum bw_err bw_outbound_find(struct bw_outbound *out, struct bw_slice id, struct bw_slice version,
					 enum bw_err (*found)(void *ctx, const struct bw_outbound_found *found),
					 void *ctx, struct bw_why *why);

/* Appends an entry (salt and text). ERASED: its time is over; RANGE. */
BW_MUST_USE enum bw_err bw_outbound_entry(struct bw_outbound *out, uint64_t index, int64_t now_us, struct bw_buf *entry,
					  struct bw_why *why);

/* Appends a proof (tlog/proof.h) under the delivered checkpoint. AGAIN: not delivered yet; RANGE. */
BW_MUST_USE enum bw_err bw_outbound_prove(struct bw_outbound *out, uint64_t index, struct bw_buf *proof);

/* The tiles in a folder, by their C2SP paths, for reading. The path must outlive it. */
struct bw_tile_store bw_outbound_tile_folder(const char *folder);

/* ---- the end of retention -------------------------------------------------------------------------------- */

/*
 * Destroys the keys of days that are over, and what stood on disk under them alone; `everything`: all keys (the accord
 * ended and asks for it). Proofs go on verifying. `out_keys`: how many. To be called about once an hour.
 */
bool bw_outbound_is_due(const char *folder, int64_t now_us, bool everything); /* for one that is not open: any keys? */
BW_MUST_USE enum bw_err bw_outbound_erase(struct bw_outbound *out, int64_t now_us, bool everything, size_t *out_keys,
					  struct bw_why *why);

#endif
