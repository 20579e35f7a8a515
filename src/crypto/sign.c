#include "crypto/sign.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>

static const struct algorithm {
	const char *name;
	size_t public_bytes;
	size_t signature_bytes;
} algorithms[BW_SIGN_KINDS] = {
	[BW_SIGN_ED25519] = { "ED25519", 32, 64 },
	[BW_SIGN_MLDSA44] = { "ML-DSA-44", 1312, 2420 },
	[BW_SIGN_MLDSA65] = { "ML-DSA-65", BW_SIGN_PUBLIC_MAX, BW_SIGN_SIGNATURE_MAX },
};

struct bw_sign_key {
	enum bw_sign_kind kind;
	EVP_PKEY *pair;
	uint8_t public[BW_SIGN_PUBLIC_MAX];
};

size_t bw_sign_public_bytes(enum bw_sign_kind kind)
{
	return algorithms[kind].public_bytes;
}

size_t bw_sign_signature_bytes(enum bw_sign_kind kind)
{
	return algorithms[kind].signature_bytes;
}

/* ---- keys ------------------------------------------------------------------------------ */

static EVP_PKEY *mldsa_from_seed(const char *name, struct bw_slice seed)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_ML_DSA_SEED, (void *)(uintptr_t)seed.ptr, seed.len),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, name, NULL);
	EVP_PKEY *pair = NULL;

	if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1)
		(void)EVP_PKEY_fromdata(ctx, &pair, EVP_PKEY_KEYPAIR, params);
	EVP_PKEY_CTX_free(ctx);
	return pair;
}

static EVP_PKEY *pair_from_seed(enum bw_sign_kind kind, struct bw_slice seed)
{
	if (kind == BW_SIGN_ED25519)
		return EVP_PKEY_new_raw_private_key_ex(NULL, algorithms[kind].name, NULL, seed.ptr, seed.len);
	return mldsa_from_seed(algorithms[kind].name, seed);
}

static enum bw_err fill(struct bw_sign_key *key, struct bw_slice seed)
{
	size_t len = sizeof(key->public);

	key->pair = pair_from_seed(key->kind, seed);
	ERR_clear_error();
	BW_NEED(key->pair != NULL, UNSUPPORTED);
	BW_NEED(EVP_PKEY_get_raw_public_key(key->pair, key->public, &len) == 1, CRYPTO);
	BW_NEED(len == bw_sign_public_bytes(key->kind), CRYPTO);
	return BW_OK;
}

enum bw_err bw_sign_key_new(enum bw_sign_kind kind, struct bw_slice seed, struct bw_sign_key **out)
{
	struct bw_sign_key *key;
	enum bw_err err;

	BW_NEED(seed.len == BW_SIGN_SEED_BYTES, RANGE);
	key = calloc(1, sizeof(*key));
	BW_NEED(key != NULL, MEMORY);
	key->kind = kind;
	err = fill(key, seed);
	if (err != BW_OK) {
		bw_sign_key_free(key);
		return err;
	}
	*out = key;
	return BW_OK;
}

void bw_sign_key_free(struct bw_sign_key *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_free(key->pair); /* OpenSSL wipes what is private in it */
	free(key);
}

enum bw_sign_kind bw_sign_key_kind(const struct bw_sign_key *key)
{
	return key->kind;
}

struct bw_slice bw_sign_key_public(const struct bw_sign_key *key)
{
	return bw_slice_of(key->public, bw_sign_public_bytes(key->kind));
}

/* ---- signatures ---------------------------------------------------------------------------- */

enum bw_err bw_sign(const struct bw_sign_key *key, struct bw_slice message, uint8_t *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const size_t want = bw_sign_signature_bytes(key->kind);
	size_t len = want;
	const bool done = ctx != NULL && EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, key->pair, NULL) == 1 &&
			  EVP_DigestSign(ctx, out, &len, message.ptr, message.len) == 1 && len == want;

	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return done ? BW_OK : BW_ERR_CRYPTO;
}

static bool fits(EVP_PKEY *key, struct bw_slice context, struct bw_slice message, struct bw_slice signature)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_SIGNATURE_PARAM_CONTEXT_STRING, (void *)(uintptr_t)context.ptr,
						  context.len),
		OSSL_PARAM_construct_end(),
	};
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const bool is = ctx != NULL &&
			EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, key, context.len > 0 ? params : NULL) ==
				1 &&
			EVP_DigestVerify(ctx, signature.ptr, signature.len, message.ptr, message.len) == 1;

	EVP_MD_CTX_free(ctx);
	return is;
}

enum bw_err bw_sign_verify(enum bw_sign_kind kind, struct bw_slice public, struct bw_slice context,
			   struct bw_slice message, struct bw_slice signature)
{
	EVP_PKEY *key;
	bool is;

	BW_NEED(public.len == bw_sign_public_bytes(kind), SIGNATURE);
	BW_NEED(signature.len == bw_sign_signature_bytes(kind), SIGNATURE);
	BW_NEED(context.len <= (kind == BW_SIGN_ED25519 ? 0 : BW_SIGN_CONTEXT_MAX), SIGNATURE);
	key = EVP_PKEY_new_raw_public_key_ex(NULL, algorithms[kind].name, NULL, public.ptr, public.len);
	is = key != NULL && fits(key, context, message, signature);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return is ? BW_OK : BW_ERR_SIGNATURE;
}
