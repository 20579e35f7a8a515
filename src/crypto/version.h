/* Which OpenSSL this process really uses, in its own words. */
#ifndef BW_CRYPTO_VERSION_H
#define BW_CRYPTO_VERSION_H

/* E.g. "OpenSSL 3.5.7 9 Jun 2026"; static, never NULL. */
const char *bw_crypto_version(void);

#endif
