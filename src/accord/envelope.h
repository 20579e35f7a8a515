/*
 * Documents that nodes sign: a DSSE envelope (codec/dsse.h) with two signatures of each
 * node, Ed25519 and ML-DSA-65, over the pre-authentication encoding as it is, so that any DSSE verifier
 * who has the keys can check them. DSSE's own prefix and the payload's type keep documents apart from each other and
 * from whatever else a node signs.
 */
#ifndef BW_ACCORD_ENVELOPE_H
#define BW_ACCORD_ENVELOPE_H

#include "codec/dsse.h"
#include "crypto/keys.h"

#define BW_ACCORD_MEDIA_TYPE "application/vnd.breakwater.accord+json"

/* Appends an envelope of `payload`, signed by `keys` alone. TOO_BIG, MEMORY, CRYPTO. */
BW_MUST_USE enum bw_err bw_envelope_sign(const struct bw_node_keys *keys, const char *type, struct bw_slice payload,
					 struct bw_buf *out);

/*
 * Appends `one` with the signatures of `other`: two parties' envelopes become the document both have signed. What
 * both have is there once. CONFLICT: not the same payload and type. TOO_MANY, and those of bw_dsse_parse.
 */
BW_MUST_USE enum bw_err bw_envelope_join(struct bw_slice one, struct bw_slice other, struct bw_buf *out);

/*
 * Has this node signed it, with both algorithms? Key ids are hints and not looked at. SIGNATURE: no, or with one only.
 * TYPE: the envelope is of another type.
 */
BW_MUST_USE enum bw_err bw_envelope_check(const struct bw_dsse *envelope, const char *type,
					  const struct bw_node_public *node);

#endif
