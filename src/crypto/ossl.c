#include "crypto/ossl.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>

const char *bw_ossl_reason(void)
{
	const unsigned long code = ERR_peek_last_error();
	const char *words = code == 0 ? NULL : ERR_reason_error_string(code);

	ERR_clear_error();
	return words == NULL ? "no reason given" : words;
}

BIO *bw_ossl_bio_over(struct bw_slice bytes)
{
	return bytes.len > INT_MAX ? NULL : BIO_new_mem_buf(bytes.ptr, (int)bytes.len);
}

static int no_passphrase(char *out, int size, int writing, void *arg)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

EVP_PKEY *bw_ossl_read_key(struct bw_slice pem)
{
	BW_CLEANUP(bw_ossl_free_bio) BIO *bio = bw_ossl_bio_over(pem);

	return bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
}
