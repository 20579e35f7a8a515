#include "tlog/cosign.h"

#include "base/cursor.h"

enum { TIME_BYTES = 8, MESSAGE_MAX = BW_NOTE_MAX + 64 };

/* ---- messages ---------------------------------------------------------------------------------------- */

static enum bw_err add_ed25519_message(struct bw_slice text, uint64_t time, struct bw_buf *out)
{
	BW_TRY(bw_buf_addf(out, "cosignature/v1\ntime %llu\n", (unsigned long long)time));
	return bw_buf_add(out, text);
}

static enum bw_err add_short(struct bw_buf *out, struct bw_slice text)
{
	BW_NEED(text.len >= 1 && text.len <= UINT8_MAX, RANGE);
	BW_TRY(bw_buf_add_u8(out, (uint8_t)text.len));
	return bw_buf_add(out, text);
}

static enum bw_err add_mldsa_message(struct bw_slice cosigner, uint64_t time, const struct bw_subtree *subtree,
				     struct bw_buf *out)
{
	BW_TRY(bw_buf_add(out, BW_LIT("subtree/v1\n\0")));
	BW_TRY(add_short(out, cosigner));
	BW_TRY(bw_buf_add_be64(out, time));
	BW_TRY(add_short(out, subtree->origin));
	BW_TRY(bw_buf_add_be64(out, subtree->start));
	BW_TRY(bw_buf_add_be64(out, subtree->end));
	return bw_buf_add(out, bw_hash_slice(&subtree->hash));
}

static enum bw_err add_message(const struct bw_checkpoint *checkpoint, const struct bw_vkey *vkey, uint64_t time,
			       struct bw_buf *out)
{
	const struct bw_subtree whole = { checkpoint->origin, 0, checkpoint->size, checkpoint->root };

	if (vkey->type == BW_NOTE_ED25519)
		return bw_buf_add(out, checkpoint->note.text);
	if (vkey->type == BW_COSIGN_ED25519)
		return add_ed25519_message(checkpoint->note.text, time, out);
	return add_mldsa_message(bw_vkey_name(vkey), time, &whole, out);
}

/* ---- signing ------------------------------------------------------------------------------------------ */

static enum bw_err sign_message(struct bw_slice message, const struct bw_vkey *vkey, const struct bw_sign_key *key,
				uint64_t time, struct bw_buf *out)
{
	uint8_t signature[BW_SIGN_SIGNATURE_MAX];
	const size_t len = bw_sign_signature_bytes(bw_sign_key_kind(key));

	BW_NEED(bw_sign_key_kind(key) == bw_note_kind(vkey->type), USAGE);
	BW_NEED(bw_slice_equals(bw_vkey_public(vkey), bw_sign_key_public(key)), USAGE);
	BW_NEED(time <= BW_COSIGN_TIME_MAX, RANGE);
	BW_TRY(bw_sign(key, message, signature));
	BW_TRY(bw_buf_reserve(out, TIME_BYTES + len));
	if (vkey->type != BW_NOTE_ED25519)
		BW_TRY(bw_buf_add_be64(out, time));
	return bw_buf_add(out, bw_slice_of(signature, len));
}

enum bw_err bw_checkpoint_sign(const struct bw_checkpoint *checkpoint, const struct bw_vkey *vkey,
			       const struct bw_sign_key *key, uint64_t time, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf message = BW_BUF_INIT(MESSAGE_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf signature = BW_BUF_INIT(BW_NOTE_SIGNATURE_MAX);

	BW_TRY(add_message(checkpoint, vkey, time, &message));
	BW_TRY(sign_message(bw_buf_slice(&message), vkey, key, time, &signature));
	return bw_note_add_signature(out, vkey, bw_buf_slice(&signature));
}

enum bw_err bw_checkpoint_make(uint64_t size, const struct bw_hash *root, const struct bw_vkey *vkey,
			       const struct bw_sign_key *key, uint64_t time, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf whole = BW_BUF_INIT(BW_NOTE_MAX);
	const struct bw_slice origin = bw_vkey_name(vkey);
	struct bw_checkpoint checkpoint = { .origin = origin, .size = size, .root = *root };

	BW_TRY(bw_buf_reserve(&whole, BW_NOTE_SIGNATURE_MAX)); /* the text stays where it is */
	BW_TRY(bw_checkpoint_add_text(&whole, origin, size, root));
	checkpoint.note.text = bw_buf_slice(&whole);
	BW_TRY(bw_buf_add_u8(&whole, '\n'));
	BW_TRY(bw_checkpoint_sign(&checkpoint, vkey, key, time, &whole));
	return bw_buf_add(out, bw_buf_slice(&whole));
}

/* ---- verifying ------------------------------------------------------------------------------------------ */

/* Time and signature, where the type has a time. */
static enum bw_err part(struct bw_slice bytes, const struct bw_vkey *vkey, uint64_t *time, struct bw_slice *signature)
{
	struct bw_cursor c = bw_cursor_over(bytes);

	*time = 0;
	if (vkey->type != BW_NOTE_ED25519)
		BW_NEED(bw_take_be64(&c, time) == BW_OK, SIGNATURE);
	BW_NEED(*time <= BW_COSIGN_TIME_MAX, SIGNATURE);
	*signature = bw_slice_from(bytes, c.at);
	return BW_OK;
}

static enum bw_err verify_one(const struct bw_checkpoint *checkpoint, const struct bw_note_signature *line,
			      const struct bw_vkey *vkey, uint64_t *time)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf message = BW_BUF_INIT(MESSAGE_MAX);
	uint8_t bytes[BW_NOTE_SIGNATURE_MAX];
	struct bw_slice signature;

	BW_TRY(part(bw_note_signature_bytes(line, bytes), vkey, time, &signature));
	BW_TRY(add_message(checkpoint, vkey, *time, &message));
	return bw_sign_verify(bw_note_kind(vkey->type), bw_vkey_public(vkey), bw_slice_empty, bw_buf_slice(&message),
			      signature);
}

enum bw_err bw_checkpoint_verify(const struct bw_checkpoint *checkpoint, const struct bw_vkey *vkey, uint64_t *out_time)
{
	uint64_t latest = 0;
	bool is_found = false;

	for (size_t i = 0; i < checkpoint->note.count; i++) {
		uint64_t time;

		if (!bw_note_signature_is_by(&checkpoint->note.signatures[i], vkey))
			continue;
		BW_TRY(verify_one(checkpoint, &checkpoint->note.signatures[i], vkey, &time));
		is_found = true;
		latest = time > latest ? time : latest;
	}
	BW_NEED(is_found, NOT_FOUND);
	*out_time = latest;
	return BW_OK;
}

/* ---- subtrees --------------------------------------------------------------------------------------------- */

static enum bw_err subtree_message(const struct bw_subtree *subtree, const struct bw_vkey *vkey, uint64_t time,
				   struct bw_buf *out)
{
	BW_NEED(vkey->type == BW_COSIGN_MLDSA44, USAGE);
	BW_NEED(bw_is_subtree(subtree->start, subtree->end), RANGE);
	BW_NEED(subtree->start == 0 || time == 0, RANGE);
	return add_mldsa_message(bw_vkey_name(vkey), time, subtree, out);
}

enum bw_err bw_subtree_sign(const struct bw_subtree *subtree, const struct bw_vkey *vkey, const struct bw_sign_key *key,
			    uint64_t time, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf message = BW_BUF_INIT(MESSAGE_MAX);

	BW_TRY(subtree_message(subtree, vkey, time, &message));
	return sign_message(bw_buf_slice(&message), vkey, key, time, out);
}

enum bw_err bw_subtree_check(const struct bw_subtree *subtree, const struct bw_vkey *vkey, struct bw_slice signature,
			     uint64_t *out_time)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf message = BW_BUF_INIT(MESSAGE_MAX);
	struct bw_slice bare;
	uint64_t time;

	BW_TRY(part(signature, vkey, &time, &bare));
	BW_TRY(subtree_message(subtree, vkey, time, &message));
	BW_TRY(bw_sign_verify(BW_SIGN_MLDSA44, bw_vkey_public(vkey), bw_slice_empty, bw_buf_slice(&message), bare));
	*out_time = time;
	return BW_OK;
}
