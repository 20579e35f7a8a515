#include "tlog/note.h"

#include "base/text.h"
#include "codec/base64.h"

static const struct bw_slice dash = BW_LIT("\xe2\x80\x94 "); /* U+2014 and a space */

/* ---- text --------------------------------------------------------------------------------------- */

/* UTF-8 without controls but newline (signed-note, "Format"). */
static enum bw_err check_text(struct bw_slice bytes)
{
	BW_NEED(bw_utf8_is_valid(bytes, NULL), UTF8);
	for (size_t i = 0; i < bytes.len; i++)
		BW_NEED(bytes.ptr[i] >= 0x20 || bytes.ptr[i] == '\n', SYNTAX);
	return BW_OK;
}

static enum bw_err parse_id(struct bw_slice base64, uint32_t *out)
{
	uint8_t head[6];
	size_t len;

	/* eight characters hold six bytes: the id and two of the signature */
	BW_NEED(base64.len >= 8, SYNTAX);
	BW_TRY(bw_base64_decode(bw_slice_sub(base64, 0, 8), head, sizeof(head), &len));
	BW_NEED(len >= 5, SYNTAX);
	*out = (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3];
	return BW_OK;
}

static enum bw_err parse_signature(struct bw_slice line, struct bw_note_signature *out)
{
	uint8_t decoded[BW_NOTE_SIGNATURE_MAX];
	struct bw_note_signature signature;
	size_t len;

	BW_NEED(bw_slice_starts(line, dash), SYNTAX);
	BW_NEED(bw_slice_cut(bw_slice_from(line, dash.len), ' ', &signature.name, &signature.base64), SYNTAX);
	BW_NEED(bw_note_name_is_valid(signature.name), SYNTAX);
	BW_NEED(signature.base64.len <= 4 * (BW_NOTE_SIGNATURE_MAX / 3), TOO_BIG);
	BW_TRY(bw_base64_decode(signature.base64, decoded, sizeof(decoded), &len));
	BW_TRY(parse_id(signature.base64, &signature.id));
	*out = signature;
	return BW_OK;
}

static enum bw_err parse_signatures(struct bw_slice lines, struct bw_note *out)
{
	struct bw_slice rest = lines;
	struct bw_slice line;

	out->count = 0;
	while (bw_slice_cut(rest, '\n', &line, &rest)) {
		BW_NEED(out->count < BW_NOTE_SIGNATURES_MAX, TOO_MANY);
		BW_TRY(parse_signature(line, &out->signatures[out->count]));
		out->count++;
	}
	BW_NEED(rest.len == 0 && out->count > 0, SYNTAX);
	return BW_OK;
}

enum bw_err bw_note_parse_signatures(struct bw_slice lines, struct bw_note *out)
{
	BW_NEED(lines.len <= BW_NOTE_MAX, TOO_BIG);
	BW_TRY(check_text(lines));
	out->text = bw_slice_empty;
	return parse_signatures(lines, out);
}

enum bw_err bw_note_parse(struct bw_slice bytes, struct bw_note *out)
{
	size_t at;

	BW_NEED(bytes.len <= BW_NOTE_MAX, TOO_BIG);
	BW_TRY(check_text(bytes));
	/* the last empty line parts text and signatures; none of those is empty */
	for (at = bytes.len; at >= 2; at--)
		if (bytes.ptr[at - 1] == '\n' && bytes.ptr[at - 2] == '\n')
			break;
	BW_NEED(at >= 2, SYNTAX);
	out->text = bw_slice_sub(bytes, 0, at - 1);
	return parse_signatures(bw_slice_from(bytes, at), out);
}

struct bw_slice bw_note_signature_bytes(const struct bw_note_signature *signature, uint8_t *out)
{
	size_t len = 0;

	/* it was decoded when it was parsed */
	bw_err_drop(bw_base64_decode(signature->base64, out, BW_NOTE_SIGNATURE_MAX, &len));
	return bw_slice_from(bw_slice_of(out, len), 4);
}

/* ---- signing -------------------------------------------------------------------------------------- */

enum bw_err bw_note_add_signature(struct bw_buf *out, const struct bw_vkey *vkey, struct bw_slice signature)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(4 * BW_NOTE_SIGNATURE_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_NOTE_SIGNATURE_MAX);

	BW_TRY(bw_buf_add_be32(&bytes, vkey->id));
	BW_TRY(bw_buf_add(&bytes, signature));
	BW_TRY(bw_buf_add(&line, dash));
	BW_TRY(bw_buf_add(&line, bw_vkey_name(vkey)));
	BW_TRY(bw_buf_add_u8(&line, ' '));
	BW_TRY(bw_base64_add(&line, bw_buf_slice(&bytes)));
	BW_TRY(bw_buf_add_u8(&line, '\n'));
	return bw_buf_add(out, bw_buf_slice(&line));
}

enum bw_err bw_note_sign(struct bw_slice text, const struct bw_vkey *vkey, const struct bw_sign_key *key,
			 struct bw_buf *out)
{
	uint8_t signature[BW_SIGN_SIGNATURE_MAX];

	BW_NEED(vkey->type == BW_NOTE_ED25519 && bw_slice_equals(bw_vkey_public(vkey), bw_sign_key_public(key)), USAGE);
	BW_TRY(bw_sign(key, text, signature));
	return bw_note_add_signature(out, vkey, bw_slice_of(signature, bw_sign_signature_bytes(BW_SIGN_ED25519)));
}

enum bw_err bw_note_verify(const struct bw_note *note, const struct bw_vkey *vkey)
{
	bool is_found = false;

	BW_NEED(vkey->type == BW_NOTE_ED25519, USAGE);
	for (size_t i = 0; i < note->count; i++) {
		uint8_t bytes[BW_NOTE_SIGNATURE_MAX];

		if (!bw_note_signature_is_by(&note->signatures[i], vkey))
			continue;
		is_found = true;
		BW_TRY(bw_sign_verify(BW_SIGN_ED25519, bw_vkey_public(vkey), bw_slice_empty, note->text,
				      bw_note_signature_bytes(&note->signatures[i], bytes)));
	}
	return is_found ? BW_OK : BW_ERR_NOT_FOUND;
}
