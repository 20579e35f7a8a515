/*
 * What the files of this room share about OpenSSL; private to them.
 */
#ifndef BW_CRYPTO_OSSL_H
#define BW_CRYPTO_OSSL_H

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/secret.h"
#include "sys/why.h"

static inline void bw_ossl_free_bio(BIO **bio)
{
	BIO_free(*bio);
}

/* For memory a key has been in. */
static inline void bw_ossl_wipe_bio(BIO **bio)
{
	char *bytes = NULL;
	const long len = *bio == NULL ? 0 : BIO_get_mem_data(*bio, &bytes);

	if (bytes != NULL && len > 0)
		explicit_bzero(bytes, (size_t)len);
	BIO_free(*bio);
}

static inline void bw_ossl_free_key(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static inline void bw_ossl_free_cert(X509 **cert)
{
	X509_free(*cert);
}

/* Words for the newest error of this thread; empties the queue. Static text, never NULL. */
const char *bw_ossl_reason(void);

/* A read-only BIO over `bytes`, which must outlive it; NULL when too long or out of memory. */
BIO *bw_ossl_bio_over(struct bw_slice bytes);

/* PEM, never asking a terminal for a passphrase. NULL when it is not a key. */
EVP_PKEY *bw_ossl_read_key(struct bw_slice pem);

#endif
