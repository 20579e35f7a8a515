/*
 * What `accord run` works by, read once before its workers are made: the accords, whom they are with, where those are
 * reached, and who has to sign. When a document changes, all of it is read again and the workers begin again: an end or
 * a new version takes effect at once, and nobody works by half of two.
 */
#ifndef BW_ACCORD_RUN_PLAN_H
#define BW_ACCORD_RUN_PLAN_H

#include "accord/book.h"
#include "accord/papers.h"
#include "accord/run_words.h"

/* One accord that both have signed at some time, in whatever state. */
struct bw_run_pact {
	struct bw_book_entry entry;
	uint32_t peer; /* a party */
	bool flows; /* in force, with the papers of both, among the first BW_RUN_ACCORDS_MAX that are: it has clerks */
	unsigned clerk;          /* then: the number of the one for what we tell; the next is for what we are told */
	struct bw_papers theirs; /* with has_papers */
	bool has_papers;
	struct bw_slice origin[2];                     /* of the log of what we tell, of what we are told */
	struct bw_slice policy[2];                     /* tlog-policies of the same */
	uint32_t witness[1 + BW_ACCORD_WITNESSES_MAX]; /* parties that cosign what we tell; the ally first */
	size_t witness_count;
};

enum { BW_RUN_OUT, BW_RUN_IN }; /* what we tell, what we are told */

struct bw_run_plan {
	const char *data;
	struct bw_arena arena;
	struct bw_book book;
	struct bw_run_pact *pacts; /* by id */
	size_t pact_count;
	unsigned clerks;
	struct bw_papers mine; /* with has_papers */
	bool has_papers;
	struct bw_run_party *parties; /* the peers, in the order of book.peers, then operators */
	size_t party_count;
	uint64_t mark;                  /* bw_run_mark before it was read */
	uint8_t basis[BW_SHA256_BYTES]; /* bw_run_basis, after that and before the rest */
};

/*
 * Reads and resolves; `plan` is released by the caller also after a failure. An address that cannot be found is logged,
 * and the party is one that only comes to us. TOO_MANY: more peers, or operators of witnesses, than
 * BW_RUN_PARTIES_MAX has room for; and those of reading.
 */
BW_MUST_USE enum bw_err bw_run_plan_make(const char *data, struct bw_run_plan *plan, struct bw_why *why);
void bw_run_plan_release(struct bw_run_plan *plan);

/* A number that is another after any document or peer has come, changed or gone. */
uint64_t bw_run_mark(const char *data);

/*
 * What of documents and peers the workers work by, as a hash: each accord that both have signed with its state and
 * text, everything in the folder of peers, this node's papers. A version that waits for a signature is not in it. Reads
 * files below DATA/accord only, and looks no address up.
 */
BW_MUST_USE enum bw_err bw_run_basis(const char *data, uint8_t out[BW_SHA256_BYTES], struct bw_why *why);

/* The pact by that id; NULL: there is none. */
struct bw_run_pact *bw_run_pact_of(struct bw_run_plan *plan, struct bw_slice id);

#endif
