/*
 * Credentials checked a short while ago, under a keyed hash, so that neither a
 * password nor anything it could be guessed from faster than by asking us is
 * kept, and Argon2 does not run per request. An entry holds until it is BW_AUTH_TTL_MS
 * old or the accounts' generation has moved: revoking is felt at the next request.
 */
#ifndef BW_SERVE_AUTH_CACHE_H
#define BW_SERVE_AUTH_CACHE_H

#include "base/bytes.h"
#include "serve/ask.h"

struct bw_auth_cache;

enum {
	BW_AUTH_TTL_MS = 300000,
	BW_ACCOUNT_NAME_MAX = 64,
};

struct bw_identity {
	uint32_t account; /* 0: nobody */
	char name[BW_ACCOUNT_NAME_MAX + 1];
};

BW_MUST_USE enum bw_err bw_auth_cache_new(struct bw_auth_cache **out);
void bw_auth_cache_free(struct bw_auth_cache *cache); /* wipes */

/*
 * `credential` is hashed with a key made at start and forgotten, another key
 * for each way: the fingerprint of somebody's certificate, which anybody may
 * know, must not be found when it is sent as a password.
 */
bool bw_auth_cache_find(struct bw_auth_cache *cache, enum bw_auth_way way, struct bw_slice credential,
			uint64_t generation, uint64_t now_ms, struct bw_identity *out);
void bw_auth_cache_keep(struct bw_auth_cache *cache, enum bw_auth_way way, struct bw_slice credential,
			uint64_t generation, uint64_t now_ms, const struct bw_identity *who);

#endif
