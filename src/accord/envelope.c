#include "accord/envelope.h"

enum {
	PAE_MAX = BW_DSSE_PAYLOAD_MAX + BW_DSSE_TYPE_MAX + 64,
	ARENA_MAX = 2 * BW_DSSE_TEXT_MAX,
};

static enum bw_err name_keys(const struct bw_node_public *node, struct bw_buf *ed25519, struct bw_buf *mldsa65)
{
	uint8_t fingerprint[BW_SHA256_BYTES];
	char name[BW_NODE_NAME_CHARS + 1];

	BW_TRY(bw_node_fingerprint(node, fingerprint));
	bw_node_name(fingerprint, name);
	BW_TRY(bw_buf_addf(ed25519, "%s/ed25519", name));
	return bw_buf_addf(mldsa65, "%s/ml-dsa-65", name);
}

enum bw_err bw_envelope_sign(const struct bw_node_keys *keys, const char *type, struct bw_slice payload,
			     struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf pae = BW_BUF_INIT(PAE_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf ed_name = BW_BUF_INIT(BW_DSSE_KEYID_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf ml_name = BW_BUF_INIT(BW_DSSE_KEYID_MAX);
	struct bw_dsse envelope = { .type = bw_slice_text(type), .payload = payload, .count = 2 };
	struct bw_node_signature signature;
	struct bw_node_public node;

	bw_node_keys_public(keys, &node);
	BW_TRY(name_keys(&node, &ed_name, &ml_name));
	BW_TRY(bw_dsse_add_pae(&pae, envelope.type, payload));
	BW_TRY(bw_node_sign_pae(keys, bw_buf_slice(&pae), &signature));
	envelope.signatures[0] = (struct bw_dsse_signature){
		bw_buf_slice(&ed_name), bw_slice_of(signature.ed25519, sizeof(signature.ed25519))
	};
	envelope.signatures[1] = (struct bw_dsse_signature){
		bw_buf_slice(&ml_name), bw_slice_of(signature.mldsa65, sizeof(signature.mldsa65))
	};
	return bw_dsse_add(out, &envelope);
}

static bool has(const struct bw_dsse *envelope, const struct bw_dsse_signature *signature)
{
	for (size_t i = 0; i < envelope->count; i++)
		if (bw_slice_equals(envelope->signatures[i].bytes, signature->bytes))
			return true;
	return false;
}

enum bw_err bw_envelope_join(struct bw_slice one, struct bw_slice other, struct bw_buf *out)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(2 * ARENA_MAX);
	struct bw_dsse joined;
	struct bw_dsse more;

	BW_TRY(bw_dsse_parse(one, &arena, &joined));
	BW_TRY(bw_dsse_parse(other, &arena, &more));
	BW_NEED(bw_slice_equals(joined.type, more.type) && bw_slice_equals(joined.payload, more.payload), CONFLICT);
	for (size_t i = 0; i < more.count; i++) {
		if (has(&joined, &more.signatures[i]))
			continue;
		BW_NEED(joined.count < BW_DSSE_SIGNATURES_MAX, TOO_MANY);
		joined.signatures[joined.count++] = more.signatures[i];
	}
	return bw_dsse_add(out, &joined);
}

/* A signature's length says its algorithm; each is tried until one of each kind fits. */
enum bw_err bw_envelope_check(const struct bw_dsse *envelope, const char *type, const struct bw_node_public *node)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf pae = BW_BUF_INIT(PAE_MAX);
	bool signed_ed = false;
	bool signed_ml = false;

	BW_NEED(bw_slice_is(envelope->type, type), TYPE);
	BW_TRY(bw_dsse_add_pae(&pae, envelope->type, envelope->payload));
	for (size_t i = 0; i < envelope->count; i++) {
		const struct bw_slice bytes = envelope->signatures[i].bytes;

		if (!signed_ed && bytes.len == BW_ED25519_SIGNATURE_BYTES)
			signed_ed = bw_node_verify_pae(node, BW_NODE_ED25519, bw_buf_slice(&pae), bytes) == BW_OK;
		else if (!signed_ml && bytes.len == BW_MLDSA65_SIGNATURE_BYTES)
			signed_ml = bw_node_verify_pae(node, BW_NODE_MLDSA65, bw_buf_slice(&pae), bytes) == BW_OK;
	}
	BW_NEED(signed_ed && signed_ml, SIGNATURE);
	return BW_OK;
}
