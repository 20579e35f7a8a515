/*
 * Proofs that verify offline: C2SP tlog-proof, kept in files named *.tlog-proof.
 *
 *   c2sp.org/tlog-proof@v1 LF
 *   [extra <base64> LF]            nobody vouches for it
 *   index <decimal> LF
 *   [base64 of a hash LF]...       the inclusion proof, from the leaf up
 *   LF
 *   checkpoint                     with the log's signature and the witnesses' cosignatures
 *
 * Pure.
 */
#ifndef BW_TLOG_PROOF_H
#define BW_TLOG_PROOF_H

#include "tlog/trust.h"

enum {
	BW_PROOF_EXTRA_MAX = 64 * 1024,
	BW_PROOF_FILE_MAX = 2 * BW_PROOF_EXTRA_MAX + 8 * 1024 + BW_NOTE_MAX,
};

struct bw_proof_file {
	struct bw_slice extra; /* base64; empty: there is none */
	uint64_t index;
	struct bw_proof proof;
	struct bw_slice checkpoint_bytes;
	struct bw_checkpoint checkpoint;
};

/* `extra`: bytes, empty for none. TOO_BIG, RANGE. */
BW_MUST_USE enum bw_err bw_proof_file_add(struct bw_buf *out, struct bw_slice extra, uint64_t index,
					  const struct bw_proof *proof, struct bw_slice checkpoint);

/* VERSION: not a proof of this version. SYNTAX, RANGE, UTF8, TOO_BIG, TOO_MANY. Borrows from `file`. */
BW_MUST_USE enum bw_err bw_proof_file_parse(struct bw_slice file, struct bw_proof_file *out);

/* The extra data, decoded and appended. */
BW_MUST_USE enum bw_err bw_proof_file_extra(const struct bw_proof_file *file, struct bw_buf *out);

/*
 * That the entry with this leaf hash is in the log, as the policy's signers say: what bw_trust_check says of the
 * checkpoint, or PROOF. `log` and `result` as there.
 */
BW_MUST_USE enum bw_err bw_proof_file_verify(const struct bw_proof_file *file, const struct bw_hash *leaf,
					     const struct bw_trust *policy, const struct bw_vkey *log,
					     struct bw_trust_result *result);

#endif
