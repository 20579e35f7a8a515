/*
 * Who vouches for a checkpoint, and how: C2SP tlog-cosignature. A cosignature is a note's signature whose bytes are
 *
 *   time be64 (seconds since 1970) | signature
 *
 * Ed25519 (type 0x04) signs  "cosignature/v1" LF "time " decimal LF  and the note's text.
 * ML-DSA-44 (type 0x06) signs  "subtree/v1" LF NUL | u8 length, cosigner's name | time be64 | u8 length, origin |
 * start be64 | end be64 | hash, which can state any subtree; with a time of 0 only that it is part of the log.
 *
 * A log signs its checkpoint with a key of type 0x01, or as its own cosigner with one of type 0x06. Pure.
 */
#ifndef BW_TLOG_COSIGN_H
#define BW_TLOG_COSIGN_H

#include "tlog/checkpoint.h"

#define BW_COSIGN_TIME_MAX ((UINT64_C(1) << 63) - 1)

/*
 * A signature line over the checkpoint's text, whose signatures do not matter. `time`: 0 for type 0x01.
 * USAGE: key and vkey do not fit; RANGE: time.
 */
BW_MUST_USE enum bw_err bw_checkpoint_sign(const struct bw_checkpoint *checkpoint, const struct bw_vkey *vkey,
					   const struct bw_sign_key *key, uint64_t time, struct bw_buf *out);

/*
 * Text, empty line and signature: the checkpoint of a log whose origin is the key's name. Others' signature lines may
 * be put behind it.
 */
BW_MUST_USE enum bw_err bw_checkpoint_make(uint64_t size, const struct bw_hash *root, const struct bw_vkey *vkey,
					   const struct bw_sign_key *key, uint64_t time, struct bw_buf *out);

/*
 * Whether that key has signed, and when it says so (0: type 0x01). NOT_FOUND: it has not. SIGNATURE: a line that
 * bears its name and id does not verify, so the checkpoint is to be refused (signed-note, "Signatures").
 */
BW_MUST_USE enum bw_err bw_checkpoint_verify(const struct bw_checkpoint *checkpoint, const struct bw_vkey *vkey,
					     uint64_t *out_time);

/* ---- subtrees ----------------------------------------------------------------------------------------- */

struct bw_subtree {
	struct bw_slice origin;
	uint64_t start;
	uint64_t end;
	struct bw_hash hash;
};

/*
 * time be64 | signature by a key of type 0x06 over a subtree (merkle.h); `time` must be 0 unless start is.
 * USAGE: another type of key; RANGE: no subtree, or time.
 */
BW_MUST_USE enum bw_err bw_subtree_sign(const struct bw_subtree *subtree, const struct bw_vkey *vkey,
					const struct bw_sign_key *key, uint64_t time, struct bw_buf *out);

/* SIGNATURE, USAGE, RANGE. */
BW_MUST_USE enum bw_err bw_subtree_check(const struct bw_subtree *subtree, const struct bw_vkey *vkey,
					 struct bw_slice signature, uint64_t *out_time);

#endif
