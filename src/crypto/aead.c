#include "crypto/aead.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>

struct bw_aead {
	EVP_CIPHER_CTX *seal; /* each with the key in it: only the nonce changes from call to call */
	EVP_CIPHER_CTX *open;
};

enum bw_err bw_aead_new(struct bw_slice key, struct bw_aead **out)
{
	struct bw_aead *aead;

	BW_NEED(key.len == BW_AEAD_KEY_BYTES, RANGE);
	aead = calloc(1, sizeof(*aead));
	BW_NEED(aead != NULL, MEMORY);
	aead->seal = EVP_CIPHER_CTX_new();
	aead->open = EVP_CIPHER_CTX_new();
	if (aead->seal == NULL || aead->open == NULL ||
	    EVP_EncryptInit_ex2(aead->seal, EVP_aes_256_gcm(), key.ptr, NULL, NULL) != 1 ||
	    EVP_DecryptInit_ex2(aead->open, EVP_aes_256_gcm(), key.ptr, NULL, NULL) != 1) {
		bw_aead_free(aead);
		return BW_ERR_CRYPTO;
	}
	*out = aead;
	return BW_OK;
}

void bw_aead_free(struct bw_aead *aead)
{
	if (aead == NULL)
		return;
	EVP_CIPHER_CTX_free(aead->seal); /* cleanses what the cipher knew */
	EVP_CIPHER_CTX_free(aead->open);
	free(aead);
}

enum bw_err bw_aead_seal(struct bw_aead *aead, const uint8_t nonce[BW_AEAD_NONCE_BYTES], struct bw_slice with,
			 struct bw_slice plain, uint8_t *out)
{
	int len;

	BW_NEED(plain.len <= INT32_MAX && with.len <= INT32_MAX, TOO_BIG);
	BW_NEED(EVP_EncryptInit_ex2(aead->seal, NULL, NULL, nonce, NULL) == 1 &&
			EVP_EncryptUpdate(aead->seal, NULL, &len, with.ptr, (int)with.len) == 1 &&
			EVP_EncryptUpdate(aead->seal, out, &len, plain.ptr, (int)plain.len) == 1 &&
			EVP_EncryptFinal_ex(aead->seal, out + len, &len) == 1 &&
			EVP_CIPHER_CTX_ctrl(aead->seal, EVP_CTRL_AEAD_GET_TAG, BW_AEAD_TAG_BYTES, out + plain.len) == 1,
		CRYPTO);
	return BW_OK;
}

enum bw_err bw_aead_open(struct bw_aead *aead, const uint8_t nonce[BW_AEAD_NONCE_BYTES], struct bw_slice with,
			 struct bw_slice sealed, uint8_t *out)
{
	uint8_t tag[BW_AEAD_TAG_BYTES];
	size_t plain_len;
	int len;

	BW_NEED(sealed.len >= BW_AEAD_TAG_BYTES, TRUNCATED);
	BW_NEED(sealed.len <= INT32_MAX && with.len <= INT32_MAX, TOO_BIG);
	plain_len = sealed.len - BW_AEAD_TAG_BYTES;
	memcpy(tag, sealed.ptr + plain_len, sizeof(tag));
	BW_NEED(EVP_DecryptInit_ex2(aead->open, NULL, NULL, nonce, NULL) == 1 &&
			EVP_DecryptUpdate(aead->open, NULL, &len, with.ptr, (int)with.len) == 1 &&
			EVP_DecryptUpdate(aead->open, out, &len, sealed.ptr, (int)plain_len) == 1 &&
			EVP_CIPHER_CTX_ctrl(aead->open, EVP_CTRL_AEAD_SET_TAG, BW_AEAD_TAG_BYTES, tag) == 1,
		CRYPTO);
	if (EVP_DecryptFinal_ex(aead->open, out + len, &len) == 1)
		return BW_OK;
	explicit_bzero(out, plain_len);
	ERR_clear_error();
	return BW_ERR_LOCKED;
}
