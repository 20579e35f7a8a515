#include "base/text.h"
#include "codec/base64.h"
#include "crypto/hash.h"
#include "tlog/note.h"

enum { ID_DIGITS = 8, ID_BYTES = 4 };

enum bw_sign_kind bw_note_kind(enum bw_note_type type)
{
	return type == BW_COSIGN_MLDSA44 ? BW_SIGN_MLDSA44 : BW_SIGN_ED25519;
}

struct bw_slice bw_vkey_name(const struct bw_vkey *vkey)
{
	return bw_slice_of(vkey->name, vkey->name_len);
}

struct bw_slice bw_vkey_public(const struct bw_vkey *vkey)
{
	return bw_slice_of(vkey->public, bw_sign_public_bytes(bw_note_kind(vkey->type)));
}

/* ---- names ------------------------------------------------------------------------------------------ */

/* White_Space of Unicode 15 in UTF-8, but for the controls, which are refused anyhow. */
static const struct bw_slice spaces[] = {
	BW_LIT(" "),
	BW_LIT("\xc2\x85"),
	BW_LIT("\xc2\xa0"),
	BW_LIT("\xe1\x9a\x80"),
	BW_LIT("\xe2\x80\xa8"),
	BW_LIT("\xe2\x80\xa9"),
	BW_LIT("\xe2\x80\xaf"),
	BW_LIT("\xe2\x81\x9f"),
	BW_LIT("\xe3\x80\x80"),
};

static bool is_space_at(struct bw_slice text)
{
	for (size_t i = 0; i < BW_COUNT(spaces); i++)
		if (bw_slice_starts(text, spaces[i]))
			return true;
	/* U+2000 to U+200A */
	return text.len >= 3 && text.ptr[0] == 0xe2 && text.ptr[1] == 0x80 && text.ptr[2] >= 0x80 &&
	       text.ptr[2] <= 0x8a;
}

bool bw_note_name_is_valid(struct bw_slice name)
{
	if (name.len == 0 || name.len > BW_NOTE_NAME_MAX || !bw_utf8_is_valid(name, NULL))
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] < 0x20 || name.ptr[i] == '+' || is_space_at(bw_slice_from(name, i)))
			return false;
	return true;
}

/* ---- ids -------------------------------------------------------------------------------------------- */

static enum bw_err find_id(struct bw_vkey *vkey)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(4096);
	uint8_t hash[BW_SHA256_BYTES];

	BW_TRY(bw_buf_add(&text, bw_vkey_name(vkey)));
	BW_TRY(bw_buf_add_u8(&text, '\n'));
	BW_TRY(bw_buf_add_u8(&text, (uint8_t)vkey->type));
	BW_TRY(bw_buf_add(&text, bw_vkey_public(vkey)));
	BW_TRY(bw_sha256(bw_buf_slice(&text), hash));
	vkey->id = (uint32_t)hash[0] << 24 | (uint32_t)hash[1] << 16 | (uint32_t)hash[2] << 8 | hash[3];
	return BW_OK;
}

enum bw_err bw_vkey_make(struct bw_slice name, enum bw_note_type type, struct bw_slice public, struct bw_vkey *out)
{
	struct bw_vkey vkey = { .type = type, .name_len = name.len };

	BW_NEED(type == BW_NOTE_ED25519 || type == BW_COSIGN_ED25519 || type == BW_COSIGN_MLDSA44, UNSUPPORTED);
	BW_NEED(bw_note_name_is_valid(name), SYNTAX);
	BW_NEED(public.len == bw_sign_public_bytes(bw_note_kind(type)), RANGE);
	memcpy(vkey.name, name.ptr, name.len);
	memcpy(vkey.public, public.ptr, public.len);
	BW_TRY(find_id(&vkey));
	*out = vkey;
	return BW_OK;
}

/* ---- text ---------------------------------------------------------------------------------------------- */

static enum bw_err parse_material(struct bw_slice base64, uint8_t *out, size_t out_max, size_t *out_len)
{
	BW_TRY(bw_base64_decode(base64, out, out_max, out_len));
	BW_NEED(*out_len >= 2, SYNTAX);
	BW_NEED(out[0] == BW_NOTE_ED25519 || out[0] == BW_COSIGN_ED25519 || out[0] == BW_COSIGN_MLDSA44, UNSUPPORTED);
	BW_NEED(*out_len - 1 == bw_sign_public_bytes(bw_note_kind((enum bw_note_type)out[0])), SYNTAX);
	return BW_OK;
}

enum bw_err bw_vkey_parse(struct bw_slice text, struct bw_vkey *out)
{
	uint8_t material[1 + BW_SIGN_PUBLIC_MAX];
	struct bw_vkey vkey;
	struct bw_slice name;
	struct bw_slice id;
	struct bw_slice base64;
	uint8_t stated[ID_BYTES];
	size_t len;

	BW_NEED(text.len <= BW_VKEY_TEXT_MAX, SYNTAX);
	/* base64 may hold a plus: the first two are the marks */
	BW_NEED(bw_slice_cut(text, '+', &name, &base64) && bw_slice_cut(base64, '+', &id, &base64), SYNTAX);
	BW_NEED(id.len == ID_DIGITS, SYNTAX);
	BW_TRY(bw_hex_decode(id, stated, sizeof(stated)));
	BW_TRY(parse_material(base64, material, sizeof(material), &len));
	BW_TRY(bw_vkey_make(name, (enum bw_note_type)material[0], bw_slice_of(material + 1, len - 1), &vkey));
	BW_NEED(vkey.id ==
			((uint32_t)stated[0] << 24 | (uint32_t)stated[1] << 16 | (uint32_t)stated[2] << 8 | stated[3]),
		CONFLICT);
	*out = vkey;
	return BW_OK;
}

enum bw_err bw_vkey_add(struct bw_buf *out, const struct bw_vkey *vkey)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf material = BW_BUF_INIT(1 + BW_SIGN_PUBLIC_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_VKEY_TEXT_MAX);

	BW_TRY(bw_buf_add_u8(&material, (uint8_t)vkey->type));
	BW_TRY(bw_buf_add(&material, bw_vkey_public(vkey)));
	BW_TRY(bw_buf_add(&text, bw_vkey_name(vkey)));
	BW_TRY(bw_buf_addf(&text, "+%08x+", vkey->id));
	BW_TRY(bw_base64_add(&text, bw_buf_slice(&material)));
	return bw_buf_add(out, bw_buf_slice(&text));
}
