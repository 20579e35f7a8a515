/*
 * A BIO over a socket that never raises SIGPIPE; private to tls.c. (OpenSSL's
 * own uses write(2), and a client command may not ignore the signal for its host program.)
 */
#ifndef BW_CRYPTO_TLS_BIO_H
#define BW_CRYPTO_TLS_BIO_H

#include <openssl/bio.h>

/* `fd` stays the caller's. NULL when out of memory. */
BIO *bw_tls_bio_new(int fd);

#endif
