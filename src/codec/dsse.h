/*
 * DSSE v1 envelopes (secure-systems-lab/dsse, protocol.md and envelope.md): a payload,
 * its type, and signatures over both together. Pure; who signed is for the caller to find out.
 *
 * What is signed is the pre-authentication encoding,
 *   "DSSEv1" SP len(type) SP type SP len(payload) SP payload
 * with lengths in bytes, in decimal, so that no payload of one type is a payload of another.
 */
#ifndef BW_CODEC_DSSE_H
#define BW_CODEC_DSSE_H

#include "base/arena.h"

enum {
	BW_DSSE_SIGNATURES_MAX = 16,
	BW_DSSE_KEYID_MAX = 256,
	BW_DSSE_TYPE_MAX = 256,
	BW_DSSE_SIGNATURE_MAX = 8192,          /* bytes; SLH-DSA, the largest there is, is not for envelopes */
	BW_DSSE_PAYLOAD_MAX = 4 * 1024 * 1024, /* documents, not data */
	BW_DSSE_TEXT_MAX = 6 * 1024 * 1024,
};

struct bw_dsse_signature {
	struct bw_slice key_id; /* a hint, not signed; may be empty */
	struct bw_slice bytes;
};

struct bw_dsse {
	struct bw_slice type;
	struct bw_slice payload;
	struct bw_dsse_signature signatures[BW_DSSE_SIGNATURES_MAX];
	size_t count;
};

/*
 * Reads an envelope; `out` borrows from `arena` (payload, and a little more than the text). Base64 of either
 * alphabet (RFC 4648 §4, §5), padded. Members it does not know are passed over, as the standard asks; one that is
 * there twice is DUPLICATE. TOO_BIG, TOO_MANY, MISSING, TYPE, SYNTAX, TRUNCATED, UTF8, MEMORY.
 */
BW_MUST_USE enum bw_err bw_dsse_parse(struct bw_slice text, struct bw_arena *arena, struct bw_dsse *out);

/* Appends the envelope as canonical JSON (RFC 8785), in the standard alphabet. TOO_BIG, TOO_MANY, MEMORY. */
BW_MUST_USE enum bw_err bw_dsse_add(struct bw_buf *out, const struct bw_dsse *envelope);

/* Appends what is signed. TOO_BIG, MEMORY. */
BW_MUST_USE enum bw_err bw_dsse_add_pae(struct bw_buf *out, struct bw_slice type, struct bw_slice payload);

#endif
