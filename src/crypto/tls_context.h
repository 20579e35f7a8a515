/*
 * Between tls_context.c (set-up) and tls.c (connections); private to them.
 */
#ifndef BW_CRYPTO_TLS_CONTEXT_H
#define BW_CRYPTO_TLS_CONTEXT_H

#include <openssl/ssl.h>

#include "crypto/tls.h"

struct bw_tls_context {
	SSL_CTX *ctx;
	size_t references; /* its owner and every connection */
	bool has_ca;
	size_t pin_count;
	uint8_t (*pins)[BW_SHA256_BYTES];
};

#endif
