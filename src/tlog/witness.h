/*
 * The witness protocol: C2SP tlog-witness. A log asks with POST <prefix>/add-checkpoint, whose body is
 *
 *   old <size> LF  [base64 of a hash LF]...  LF  checkpoint
 *
 * and a witness answers 200 with its cosignature lines, or refuses. This is the rule of a witness, without clock,
 * keys or storage. Whoever carries it out keeps, for each log, the latest size and root it cosigned; it must be
 * durable before the answer goes out, and nothing may come between looking it up and keeping the new one.
 */
#ifndef BW_TLOG_WITNESS_H
#define BW_TLOG_WITNESS_H

#include "tlog/cosign.h"

enum {
	BW_WITNESS_PROOF_MAX = 63, /* hashes a request may carry */
	BW_WITNESS_BODY_MAX = 4 * 1024 + BW_NOTE_MAX,
};

/* What the body of a refusal is sent as, when it has one. */
#define BW_WITNESS_SIZE_TYPE "text/x.tlog.size"

/* ---- requests ----------------------------------------------------------------------------------------- */

struct bw_witness_request {
	uint64_t old_size;
	struct bw_proof proof;
	struct bw_slice checkpoint_bytes;
	struct bw_checkpoint checkpoint;
};

/* RANGE, TOO_MANY: over BW_WITNESS_PROOF_MAX. */
BW_MUST_USE enum bw_err bw_witness_request_add(struct bw_buf *out, uint64_t old_size, const struct bw_proof *proof,
					       struct bw_slice checkpoint);

/* SYNTAX, RANGE, UTF8, TOO_BIG, TOO_MANY: all of them 400. Borrows from `body`. */
BW_MUST_USE enum bw_err bw_witness_request_parse(struct bw_slice body, struct bw_witness_request *out);

/* ---- the rule ------------------------------------------------------------------------------------------ */

/* What a witness knows of one log. Never cosigned: size 0 and the empty tree's root. */
struct bw_witness_log {
	const struct bw_vkey *keys; /* those it trusts for this origin */
	size_t key_count;
	uint64_t size;
	struct bw_hash root;
};

struct bw_witness_verdict {
	unsigned status; /* of HTTP */
	enum bw_err why; /* BW_OK with 200 */
	bool tells_size; /* the body is the latest size, as BW_WITNESS_SIZE_TYPE */
	uint64_t size;
};

/*
 * `log`: what is kept for the request's origin, NULL when the witness does not know it.
 *
 *   200 OK          keep the checkpoint's size and root, then cosign (bw_checkpoint_sign)
 *   400 ROLLBACK    the checkpoint is smaller than the size it is said to follow
 *   403 SIGNATURE   no key that is trusted for the log has signed
 *   404 NOT_FOUND   unknown log
 *   409 CONFLICT    the old size is not the latest one, which the body tells
 *   409 SPLIT_VIEW  the latest size, with another root
 *   422 PROOF       the consistency proof does not verify
 *
 * Where the signature is good and the rest is not, the request is evidence against the log: log it.
 */
void bw_witness_judge(const struct bw_witness_log *log, const struct bw_witness_request *request,
		      struct bw_witness_verdict *out);

/* The verdict on a body that bw_witness_request_parse refused. */
static inline struct bw_witness_verdict bw_witness_refuse(enum bw_err why)
{
	return (struct bw_witness_verdict){ 400, why, false, 0 };
}

/* "123" LF: the body of 409. SYNTAX, RANGE. */
BW_MUST_USE enum bw_err bw_witness_size_add(struct bw_buf *out, uint64_t size);
BW_MUST_USE enum bw_err bw_witness_size_parse(struct bw_slice body, uint64_t *out);

/* ---- answers -------------------------------------------------------------------------------------------- */

/*
 * Puts those lines of a witness's answer behind `out` that `keys` made for this checkpoint; all others are left out.
 * NOT_FOUND: there is none. SIGNATURE: one that bears the name of a known key does not verify. As bw_note_parse.
 */
BW_MUST_USE enum bw_err bw_witness_answer_take(const struct bw_checkpoint *checkpoint, struct bw_slice answer,
					       const struct bw_vkey *keys, size_t key_count, struct bw_buf *out);

#endif
