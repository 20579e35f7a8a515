#include "crypto/keys.h"

#include <stdlib.h>

#include "base/text.h"
#include "crypto/keys_private.h"

enum { FORMAT_VERSION = 1, SUITE_ED25519_MLDSA65 = 1, MESSAGE_MAX = 256 * 1024 * 1024 };

static const char domain_prefix[] = "breakwater/v1/";
static const char name_prefix[] = "bw1";

/* ---- life -------------------------------------------------------------------------- */

void bw_node_keys_free(struct bw_node_keys *keys)
{
	if (keys == NULL)
		return;
	bw_sign_key_free(keys->ed25519);
	bw_sign_key_free(keys->mldsa65);
	bw_secret_wipe(&keys->seeds);
	free(keys);
}

static enum bw_err expand(struct bw_node_keys *keys)
{
	const struct bw_slice seeds = bw_secret_slice(&keys->seeds);
	struct bw_node_public *public = &keys->public;

	BW_NEED(seeds.len == SEEDS_BYTES, RANGE);
	BW_TRY(bw_sign_key_new(BW_SIGN_ED25519, bw_slice_sub(seeds, 0, BW_SIGN_SEED_BYTES), &keys->ed25519));
	BW_TRY(bw_sign_key_new(BW_SIGN_MLDSA65, bw_slice_from(seeds, BW_SIGN_SEED_BYTES), &keys->mldsa65));
	memcpy(public->ed25519, bw_sign_key_public(keys->ed25519).ptr, sizeof(public->ed25519));
	memcpy(public->mldsa65, bw_sign_key_public(keys->mldsa65).ptr, sizeof(public->mldsa65));
	return BW_OK;
}

enum bw_err bw_node_keys_from_seeds(struct bw_secret *seeds, struct bw_node_keys **out)
{
	struct bw_node_keys *keys = calloc(1, sizeof(*keys));
	enum bw_err err;

	BW_NEED(keys != NULL, MEMORY);
	keys->seeds = *seeds;
	*seeds = (struct bw_secret){ 0 };
	err = expand(keys);
	if (err != BW_OK) {
		bw_node_keys_free(keys);
		return err;
	}
	*out = keys;
	return BW_OK;
}

enum bw_err bw_node_keys_make(struct bw_node_keys **out)
{
	BW_CLEANUP(bw_secret_wipe) struct bw_secret seeds = { 0 };

	BW_TRY(bw_secret_make(&seeds, SEEDS_BYTES));
	/* both standards start from 32 random bytes: RFC 8032 §5.1.5, FIPS 204 algorithm 1 */
	bw_random(seeds.ptr, seeds.len);
	return bw_node_keys_from_seeds(&seeds, out);
}

void bw_node_keys_public(const struct bw_node_keys *keys, struct bw_node_public *out)
{
	*out = keys->public;
}

/* ---- signing --------------------------------------------------------------------------- */

static bool is_domain(const char *domain)
{
	const struct bw_slice text = bw_slice_text(domain);

	for (size_t i = 0; i < text.len; i++)
		if (!bw_is_lower(text.ptr[i]) && !bw_is_digit(text.ptr[i]) && text.ptr[i] != '-' && text.ptr[i] != '/')
			return false;
	return text.len >= 1 && text.len <= BW_DOMAIN_MAX;
}

/* "breakwater/v1/" domain NUL message: no message of one purpose can be taken for another's. */
static enum bw_err frame_message(const char *domain, struct bw_slice message, struct bw_buf *out)
{
	BW_NEED(is_domain(domain), USAGE);
	BW_NEED(message.len <= MESSAGE_MAX, TOO_BIG);
	BW_TRY(bw_buf_reserve(out, sizeof(domain_prefix) + BW_DOMAIN_MAX + message.len));
	BW_TRY(bw_buf_add_text(out, domain_prefix));
	BW_TRY(bw_buf_add_text(out, domain));
	BW_TRY(bw_buf_add_u8(out, 0));
	return bw_buf_add(out, message);
}

#define FRAMED_INIT BW_BUF_INIT(sizeof(domain_prefix) + BW_DOMAIN_MAX + MESSAGE_MAX)

static enum bw_err sign_both(const struct bw_node_keys *keys, struct bw_slice framed, struct bw_node_signature *out)
{
	struct bw_node_signature signature;

	BW_TRY(bw_sign(keys->ed25519, framed, signature.ed25519));
	BW_TRY(bw_sign(keys->mldsa65, framed, signature.mldsa65));
	*out = signature;
	return BW_OK;
}

enum bw_err bw_node_sign(const struct bw_node_keys *keys, const char *domain, struct bw_slice message,
			 struct bw_node_signature *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf framed = FRAMED_INIT;

	BW_TRY(frame_message(domain, message, &framed));
	return sign_both(keys, bw_buf_slice(&framed), out);
}

static const char pae_prefix[] = "DSSEv1 ";

enum bw_err bw_node_sign_pae(const struct bw_node_keys *keys, struct bw_slice pae, struct bw_node_signature *out)
{
	BW_NEED(bw_slice_starts(pae, bw_slice_text(pae_prefix)), USAGE);
	BW_NEED(pae.len <= MESSAGE_MAX, TOO_BIG);
	return sign_both(keys, pae, out);
}

bool bw_ed25519_verify(const uint8_t public[BW_ED25519_PUBLIC_BYTES], struct bw_slice message,
		       struct bw_slice signature)
{
	return bw_sign_verify(BW_SIGN_ED25519, bw_slice_of(public, BW_ED25519_PUBLIC_BYTES), bw_slice_empty, message,
			      signature) == BW_OK;
}

bool bw_mldsa65_verify(const uint8_t public[BW_MLDSA65_PUBLIC_BYTES], struct bw_slice message,
		       struct bw_slice signature)
{
	return bw_sign_verify(BW_SIGN_MLDSA65, bw_slice_of(public, BW_MLDSA65_PUBLIC_BYTES), bw_slice_empty, message,
			      signature) == BW_OK;
}

enum bw_err bw_node_verify(const struct bw_node_public *node, const char *domain, struct bw_slice message,
			   const struct bw_node_signature *signature)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf framed = FRAMED_INIT;

	BW_TRY(frame_message(domain, message, &framed));
	BW_NEED(bw_ed25519_verify(node->ed25519, bw_buf_slice(&framed),
				  bw_slice_of(signature->ed25519, sizeof(signature->ed25519))),
		SIGNATURE);
	BW_NEED(bw_mldsa65_verify(node->mldsa65, bw_buf_slice(&framed),
				  bw_slice_of(signature->mldsa65, sizeof(signature->mldsa65))),
		SIGNATURE);
	return BW_OK;
}

enum bw_err bw_node_verify_pae(const struct bw_node_public *node, enum bw_node_algorithm algorithm, struct bw_slice pae,
			       struct bw_slice signature)
{
	BW_NEED(bw_slice_starts(pae, bw_slice_text(pae_prefix)), SIGNATURE);
	if (algorithm == BW_NODE_ED25519)
		BW_NEED(bw_ed25519_verify(node->ed25519, pae, signature), SIGNATURE);
	else
		BW_NEED(bw_mldsa65_verify(node->mldsa65, pae, signature), SIGNATURE);
	return BW_OK;
}

/* ---- bytes -------------------------------------------------------------------------------- */

static enum bw_err add_pair(struct bw_buf *out, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	BW_TRY(bw_buf_reserve(out, 4 + a_len + b_len)); /* all or nothing */
	BW_TRY(bw_buf_add_be16(out, FORMAT_VERSION));
	BW_TRY(bw_buf_add_be16(out, SUITE_ED25519_MLDSA65));
	BW_TRY(bw_buf_add(out, bw_slice_of(a, a_len)));
	return bw_buf_add(out, bw_slice_of(b, b_len));
}

static enum bw_err take_pair(struct bw_cursor *in, uint8_t *a, size_t a_len, uint8_t *b, size_t b_len)
{
	struct bw_cursor c = *in;
	struct bw_slice first;
	struct bw_slice second;
	uint16_t version;
	uint16_t suite;

	BW_TRY(bw_take_be16(&c, &version));
	BW_TRY(bw_take_be16(&c, &suite));
	BW_NEED(version == FORMAT_VERSION && suite == SUITE_ED25519_MLDSA65, VERSION);
	BW_TRY(bw_take(&c, a_len, &first));
	BW_TRY(bw_take(&c, b_len, &second));
	memcpy(a, first.ptr, a_len);
	memcpy(b, second.ptr, b_len);
	*in = c;
	return BW_OK;
}

enum bw_err bw_node_public_add(struct bw_buf *out, const struct bw_node_public *node)
{
	return add_pair(out, node->ed25519, sizeof(node->ed25519), node->mldsa65, sizeof(node->mldsa65));
}

enum bw_err bw_node_public_take(struct bw_cursor *in, struct bw_node_public *out)
{
	return take_pair(in, out->ed25519, sizeof(out->ed25519), out->mldsa65, sizeof(out->mldsa65));
}

enum bw_err bw_node_signature_add(struct bw_buf *out, const struct bw_node_signature *signature)
{
	return add_pair(out, signature->ed25519, sizeof(signature->ed25519), signature->mldsa65,
			sizeof(signature->mldsa65));
}

enum bw_err bw_node_signature_take(struct bw_cursor *in, struct bw_node_signature *out)
{
	return take_pair(in, out->ed25519, sizeof(out->ed25519), out->mldsa65, sizeof(out->mldsa65));
}

/* ---- names ---------------------------------------------------------------------------------- */

enum bw_err bw_node_fingerprint(const struct bw_node_public *node, uint8_t out[BW_SHA256_BYTES])
{
	BW_CLEANUP(bw_buf_release) struct bw_buf whole = BW_BUF_INIT(64 + BW_NODE_PUBLIC_BYTES);

	BW_TRY(bw_buf_add_text(&whole, domain_prefix));
	BW_TRY(bw_buf_add_text(&whole, "node"));
	BW_TRY(bw_buf_add_u8(&whole, 0));
	BW_TRY(bw_node_public_add(&whole, node));
	return bw_sha256(bw_buf_slice(&whole), out);
}

void bw_node_name(const uint8_t fingerprint[BW_SHA256_BYTES], char out[BW_NODE_NAME_CHARS + 1])
{
	memcpy(out, name_prefix, sizeof(name_prefix) - 1);
	bw_hex_encode(bw_slice_of(fingerprint, BW_SHA256_BYTES), out + sizeof(name_prefix) - 1);
}

enum bw_err bw_node_name_parse(struct bw_slice text, uint8_t out[BW_SHA256_BYTES])
{
	BW_NEED(bw_slice_starts(text, BW_LIT("bw1")), SYNTAX);
	return bw_hex_decode(bw_slice_from(text, sizeof(name_prefix) - 1), out, BW_SHA256_BYTES);
}

/* ---- rotation --------------------------------------------------------------------------------- */

static const char rotation_domain[] = "rotation";

enum bw_err bw_node_rotation_make(const struct bw_node_keys *old, const struct bw_node_keys *now, int64_t time_us,
				  struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_ROTATION_MAX);
	struct bw_node_signature by_old;
	struct bw_node_signature by_new;
	uint8_t fingerprint[BW_SHA256_BYTES];

	BW_TRY(bw_node_fingerprint(&old->public, fingerprint));
	BW_TRY(bw_buf_add_be16(&text, FORMAT_VERSION));
	BW_TRY(bw_buf_add(&text, bw_slice_of(fingerprint, sizeof(fingerprint))));
	BW_TRY(bw_buf_add_be64(&text, (uint64_t)time_us));
	BW_TRY(bw_node_public_add(&text, &now->public));
	BW_TRY(bw_node_sign(old, rotation_domain, bw_buf_slice(&text), &by_old));
	BW_TRY(bw_node_sign(now, rotation_domain, bw_buf_slice(&text), &by_new));
	BW_TRY(bw_node_signature_add(&text, &by_old));
	BW_TRY(bw_node_signature_add(&text, &by_new));
	return bw_buf_add(out, bw_buf_slice(&text));
}

static enum bw_err take_rotation(struct bw_cursor *c, struct bw_node_rotation *out)
{
	struct bw_slice fingerprint;
	uint16_t version;
	uint64_t time_us;

	BW_TRY(bw_take_be16(c, &version));
	BW_NEED(version == FORMAT_VERSION, VERSION);
	BW_TRY(bw_take(c, sizeof(out->old_fingerprint), &fingerprint));
	BW_TRY(bw_take_be64(c, &time_us));
	BW_NEED(time_us <= INT64_MAX, SYNTAX);
	memcpy(out->old_fingerprint, fingerprint.ptr, fingerprint.len);
	out->time_us = (int64_t)time_us;
	return bw_node_public_take(c, &out->now);
}

enum bw_err bw_node_rotation_check(struct bw_slice statement, const struct bw_node_public *old,
				   struct bw_node_rotation *out)
{
	struct bw_cursor c = bw_cursor_over(statement);
	struct bw_node_rotation rotation;
	struct bw_node_signature by_old;
	struct bw_node_signature by_new;
	uint8_t fingerprint[BW_SHA256_BYTES];
	struct bw_slice text;

	BW_TRY(take_rotation(&c, &rotation));
	text = bw_slice_sub(statement, 0, c.at);
	BW_TRY(bw_node_signature_take(&c, &by_old));
	BW_TRY(bw_node_signature_take(&c, &by_new));
	BW_NEED(bw_cursor_left(&c) == 0, SYNTAX);
	BW_TRY(bw_node_fingerprint(old, fingerprint));
	BW_NEED(memcmp(fingerprint, rotation.old_fingerprint, sizeof(fingerprint)) == 0, SIGNATURE);
	BW_TRY(bw_node_verify(old, rotation_domain, text, &by_old));
	BW_TRY(bw_node_verify(&rotation.now, rotation_domain, text, &by_new));
	*out = rotation;
	return BW_OK;
}
