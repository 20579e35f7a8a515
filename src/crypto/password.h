/*
 * Passwords are kept as Argon2id (RFC 9106) in the PHC text form
 *
 *   $argon2id$v=19$m=19456,t=2,p=1$<salt, base64>$<tag, base64>
 *
 * with 16 bytes of salt and 32 of tag. API keys carry 256 random bits, so a plain
 * SHA-256 of them is as good as a slow one; they are shown once and end in a check, so
 * that a key with a typing error is told from a wrong one.
 *
 * Passwords and keys arrive as slices over struct bw_secret.
 */
#ifndef BW_CRYPTO_PASSWORD_H
#define BW_CRYPTO_PASSWORD_H

#include "base/secret.h"
#include "crypto/hash.h"

enum {
	BW_PASSWORD_MAX = 1024,       /* bytes; longer ones are refused, not cut */
	BW_PASSWORD_HASH_BYTES = 160, /* room for the text with its NUL */
	BW_API_KEY_CHARS = 60,        /* "bwk_" + 50 digits of base 36, + 6 of check */
};

/* TOO_BIG, RANGE (empty), MEMORY, CRYPTO. Costs 19 MiB and some 20 ms. */
BW_MUST_USE enum bw_err bw_password_hash(struct bw_slice password, char out[BW_PASSWORD_HASH_BYTES]);

/*
 * OK: it fits. UNAUTHENTICATED: it does not. SYNTAX, RANGE or OVERFLOW: the stored text is
 * not ours, or asks for more than 64 MiB, 10 passes or 4 lanes. Constant time in the content.
 */
BW_MUST_USE enum bw_err bw_password_verify(struct bw_slice password, struct bw_slice stored);

/* Takes as long as a verify does and always says UNAUTHENTICATED: for names that do not exist. */
BW_MUST_USE enum bw_err bw_password_verify_nobody(struct bw_slice password);

/* ---- API keys --------------------------------------------------------- */

/* Puts BW_API_KEY_CHARS characters into `out`, to be shown once and wiped. MEMORY, CRYPTO. */
BW_MUST_USE enum bw_err bw_api_key_make(struct bw_secret *out);

/* Right form and check: worth looking up. */
bool bw_api_key_is_well_formed(struct bw_slice key);

/* What is stored and looked up: a domain-separated SHA-256. SYNTAX when not well-formed. */
BW_MUST_USE enum bw_err bw_api_key_hash(struct bw_slice key, uint8_t out[BW_SHA256_BYTES]);

#endif
