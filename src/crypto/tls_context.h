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
	bool has_pin;
	uint8_t pin[BW_SHA256_BYTES];
};

#endif
