#include "crypto/argon2.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

static bool is_between(uint32_t value, uint32_t most)
{
	return value >= 1 && value <= most;
}

enum bw_err bw_argon2_check(const struct bw_argon2_costs *costs, const struct bw_argon2_costs *most)
{
	BW_NEED(is_between(costs->memory_kib, most->memory_kib), RANGE);
	BW_NEED(is_between(costs->passes, most->passes), RANGE);
	BW_NEED(is_between(costs->lanes, most->lanes), RANGE);
	BW_NEED(costs->memory_kib / 8 >= costs->lanes, RANGE);
	return BW_OK;
}

static OSSL_PARAM bytes_param(const char *name, struct bw_slice bytes)
{
	/* OpenSSL's parameters are not const even where they are only read */
	return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)bytes.ptr, bytes.len);
}

enum bw_err bw_argon2id(const struct bw_argon2_costs *costs, struct bw_slice password, struct bw_slice salt,
			uint8_t *out, size_t out_len)
{
	static _Thread_local EVP_KDF *kdf; /* fetched once */
	struct bw_argon2_costs own = *costs;
	uint32_t threads = 1; /* a sandboxed worker has no other; the result does not depend on it */
	OSSL_PARAM params[] = {
		bytes_param(OSSL_KDF_PARAM_PASSWORD, password),
		bytes_param(OSSL_KDF_PARAM_SALT, salt),
		OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_ITER, &own.passes),
		OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_ARGON2_MEMCOST, &own.memory_kib),
		OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_ARGON2_LANES, &own.lanes),
		OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_THREADS, &threads),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF_CTX *ctx;
	int done;

	if (kdf == NULL)
		kdf = EVP_KDF_fetch(NULL, "ARGON2ID", NULL);
	ctx = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
	BW_NEED(ctx != NULL, CRYPTO);
	done = EVP_KDF_derive(ctx, out, out_len, params);
	EVP_KDF_CTX_free(ctx);
	ERR_clear_error();
	return done == 1 ? BW_OK : BW_ERR_CRYPTO;
}
