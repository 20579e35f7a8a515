/*
 * The notary: signs the checkpoints of this node's logs, and cosigns those of others as their witness (C2SP
 * tlog-witness). It checks consistency itself and never signs backwards: what it signed last stands on its slate, on
 * disk before a signature leaves. No clock and no files but the slate: the process around it holds keys and nothing
 * else.
 */
#ifndef BW_ACCORD_NOTARY_H
#define BW_ACCORD_NOTARY_H

#include "accord/slate.h"
#include "base/secret.h"
#include "tlog/witness.h"

enum {
	BW_NOTARY_KEYS = 2, /* Ed25519 and ML-DSA-44 */
	BW_NOTARY_LOGS_MAX = 1024,
};

struct bw_notary;

/*
 * `seeds`: one of 32 bytes for each algorithm, as many as there are keys to sign with; `slate` must outlive it.
 * `name`: of the witness. RANGE, SYNTAX (name), CRYPTO, MEMORY.
 */
BW_MUST_USE enum bw_err bw_notary_new(struct bw_slice log_seeds, struct bw_slice witness_seeds, struct bw_slice name,
				      struct bw_slate *slate, struct bw_notary **out);
void bw_notary_free(struct bw_notary *notary); /* NULL allowed */

/* The witness's keys for whoever configures it: [0] of type 0x04, [1] of type 0x06. */
void bw_notary_witness_keys(const struct bw_notary *notary, struct bw_vkey out[BW_NOTARY_KEYS]);

/*
 * One more key whose log is witnessed; its name is the origin. Several keys of one origin: each that is there has to
 * verify, one at least. TYPE: no log signs with such a key. TOO_MANY, MEMORY.
 */
BW_MUST_USE enum bw_err bw_notary_trust(struct bw_notary *notary, const struct bw_vkey *log);

/*
 * A checkpoint of this node's log "origin": size and root, with both signature lines, appended to `out`. `old_size` is
 * what the caller believes was signed last; `proof` leads from there. CONFLICT: it was `*last_size` (filled in every
 * case). ROLLBACK, SPLIT_VIEW, PROOF: nothing is signed. Else the slate's errors.
 */
struct bw_notary_log {
	struct bw_slice origin;
	uint64_t old_size;
	const struct bw_proof *proof;
	uint64_t size;
	struct bw_hash root;
	uint64_t now_s;
};

BW_MUST_USE enum bw_err bw_notary_sign(struct bw_notary *notary, const struct bw_notary_log *log, struct bw_buf *out,
				       uint64_t *last_size);

/*
 * The answer to POST add-checkpoint: `verdict` and, behind `out`, its body: cosignature lines with 200, the latest size
 * where the verdict tells one. An error means that nothing may be answered but 503.
 */
BW_MUST_USE enum bw_err bw_notary_witness(struct bw_notary *notary, struct bw_slice request, uint64_t now_s,
					  struct bw_witness_verdict *verdict, struct bw_buf *out);

#endif
