/*
 * Certificates of our own: what `init` makes, and what doctor and the logs say
 * about one. EC P-256 because every client there is can verify it; ten years
 * because its fingerprint is what partners pin, and an expired certificate on a
 * forgotten server helps nobody. A CA's certificate can replace it at any time.
 */
#ifndef BW_CRYPTO_CERT_H
#define BW_CRYPTO_CERT_H

#include "base/secret.h"
#include "crypto/hash.h"
#include "sys/why.h"

enum {
	BW_CERT_PEM_MAX = 256 * 1024, /* a chain */
	BW_CERT_DAYS = 3650,
	BW_CERT_NAMES_MAX = 32,
};

/*
 * Self-signed, for "localhost", 127.0.0.1, ::1 and `names` (host names or
 * addresses; up to BW_CERT_NAMES_MAX; duplicates are dropped). RANGE (a name), CRYPTO.
 */
BW_MUST_USE enum bw_err bw_cert_make(const char *const *names, size_t count, struct bw_buf *out_cert_pem,
				     struct bw_secret *out_key_pem, struct bw_why *why);

struct bw_cert_facts {
	uint8_t fingerprint[BW_SHA256_BYTES]; /* over the DER */
	int64_t not_before_us;
	int64_t not_after_us;
	bool self_signed;
	char subject[256]; /* escaped, cut */
};

/* The first certificate of a PEM text. SYNTAX. */
BW_MUST_USE enum bw_err bw_cert_read(struct bw_slice pem, struct bw_cert_facts *out);

enum { BW_FINGERPRINT_CHARS = 64 };

/* Lower-case hexadecimal. */
void bw_fingerprint_format(const uint8_t fingerprint[BW_SHA256_BYTES], char out[BW_FINGERPRINT_CHARS + 1]);

/* With or without colons, either case. SYNTAX. */
BW_MUST_USE enum bw_err bw_fingerprint_parse(struct bw_slice text, uint8_t out[BW_SHA256_BYTES]);

#endif
