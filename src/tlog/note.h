/*
 * Signed notes: C2SP signed-note. Text of lines, an empty line, and lines of signatures:
 *
 *   — <key name> <base64 of: key id be32 | signature>
 *
 * A key is told by its name and its id, the first 4 bytes of SHA-256(name LF type public key); its text form (vkey) is
 * name+<id in 8 hexadecimal digits>+<base64 of: type | public key>. Pure.
 */
#ifndef BW_TLOG_NOTE_H
#define BW_TLOG_NOTE_H

#include "crypto/sign.h"

enum {
	BW_NOTE_MAX = 256 * 1024,         /* 64 signatures of ML-DSA-44 and then some */
	BW_NOTE_SIGNATURES_MAX = 64,      /* the standard asks for 16 */
	BW_NOTE_SIGNATURE_MAX = 6 * 1024, /* with id and time; of unknown algorithms too ("nearly 5 kB") */
	BW_NOTE_NAME_MAX = 255,           /* what the message of an ML-DSA-44 cosignature can state */
	BW_VKEY_TEXT_MAX = BW_NOTE_NAME_MAX + 1 + 8 + 1 + 4 * (1 + 1312 + 2) / 3,
};

/* Signature types (signed-note, "Signature types"; tlog-cosignature, "Format"). */
enum bw_note_type {
	BW_NOTE_ED25519 = 0x01,   /* over the text */
	BW_COSIGN_ED25519 = 0x04, /* over time and text of a checkpoint */
	BW_COSIGN_MLDSA44 = 0x06, /* over cosigner, time, origin, size and root of a checkpoint */
};

/* ---- keys ----------------------------------------------------------------------------------------- */

struct bw_vkey {
	enum bw_note_type type;
	uint32_t id;
	size_t name_len;
	uint8_t name[BW_NOTE_NAME_MAX];
	uint8_t public[1312]; /* the first bw_sign_public_bytes(bw_vkey_kind(vkey)) */
};

enum bw_sign_kind bw_note_kind(enum bw_note_type type);
struct bw_slice bw_vkey_name(const struct bw_vkey *vkey);
struct bw_slice bw_vkey_public(const struct bw_vkey *vkey);

/* SYNTAX: no key has such a name (empty, longer than 255, a space of any kind, plus, control, not UTF-8); RANGE. */
BW_MUST_USE enum bw_err bw_vkey_make(struct bw_slice name, enum bw_note_type type, struct bw_slice public,
				     struct bw_vkey *out);

/* SYNTAX; UNSUPPORTED: a type that is none of ours; CONFLICT: the id is not that of name and key. */
BW_MUST_USE enum bw_err bw_vkey_parse(struct bw_slice text, struct bw_vkey *out);
BW_MUST_USE enum bw_err bw_vkey_add(struct bw_buf *out, const struct bw_vkey *vkey);

bool bw_note_name_is_valid(struct bw_slice name);

/* ---- notes ------------------------------------------------------------------------------------------ */

struct bw_note_signature {
	struct bw_slice name;
	uint32_t id;
	struct bw_slice base64; /* of id and signature */
};

struct bw_note {
	struct bw_slice text; /* with its last newline */
	size_t count;
	struct bw_note_signature signatures[BW_NOTE_SIGNATURES_MAX];
};

/*
 * The text says nothing before a signature over it has verified. SYNTAX, UTF8, TOO_BIG, TOO_MANY.
 * Everything borrows from `bytes`.
 */
BW_MUST_USE enum bw_err bw_note_parse(struct bw_slice bytes, struct bw_note *out);

/* Signature lines alone, such as a witness answers; at least one. As bw_note_parse; `text` is empty. */
BW_MUST_USE enum bw_err bw_note_parse_signatures(struct bw_slice lines, struct bw_note *out);

static inline bool bw_note_signature_is_by(const struct bw_note_signature *signature, const struct bw_vkey *vkey)
{
	return signature->id == vkey->id && bw_slice_equals(signature->name, bw_vkey_name(vkey));
}

/* The signature without the id, into `out`, of BW_NOTE_SIGNATURE_MAX bytes. */
struct bw_slice bw_note_signature_bytes(const struct bw_note_signature *signature, uint8_t *out);

/* A signature line. */
BW_MUST_USE enum bw_err bw_note_add_signature(struct bw_buf *out, const struct bw_vkey *vkey,
					      struct bw_slice signature);

/* A line with the signature of `key` over `text`, of type BW_NOTE_ED25519. USAGE: key and vkey do not fit. */
BW_MUST_USE enum bw_err bw_note_sign(struct bw_slice text, const struct bw_vkey *vkey, const struct bw_sign_key *key,
				     struct bw_buf *out);

/*
 * Of type BW_NOTE_ED25519; cosignatures: cosign.h. NOT_FOUND: that key has not signed. SIGNATURE: a signature that
 * bears its name and id does not verify, so the whole note is to be refused. USAGE: another type of key.
 */
BW_MUST_USE enum bw_err bw_note_verify(const struct bw_note *note, const struct bw_vkey *vkey);

#endif
