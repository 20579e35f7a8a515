/*
 * Accounts, what proves them, and what they may do. Changes happen in the open
 * transaction and count after bw_store_commit, which moves the accounts'
 * generation in the bulletin, so that every remembered check is void at once.
 */
#ifndef BW_STORE_ACCOUNTS_H
#define BW_STORE_ACCOUNTS_H

#include "store/store.h"

enum {
	BW_ACCOUNT_NAME_BYTES = 65,    /* 1..64 bytes of UTF-8 without controls, blanks or ':' */
	BW_ACCOUNT_SECRET_BYTES = 160, /* a PHC string */
	BW_ACCOUNT_HASH_BYTES = 32,
};

enum bw_grant { BW_GRANT_NONE = 0, BW_GRANT_READ = 1, BW_GRANT_WRITE = 2, BW_GRANT_BOTH = 3 };

struct bw_account {
	uint32_t number; /* 1.., never used again */
	char name[BW_ACCOUNT_NAME_BYTES];
	char password[BW_ACCOUNT_SECRET_BYTES]; /* PHC text; "" when it has none */
	bool admin;
	bool disabled;
	int64_t created_us;
};

/* Fills number and created. EXISTS, SYNTAX (name). */
BW_MUST_USE enum bw_err bw_store_account_add(struct bw_store *store, struct bw_account *account);

/* Takes its keys, certificates and grants with it. NOT_FOUND. */
BW_MUST_USE enum bw_err bw_store_account_remove(struct bw_store *store, uint32_t number);

BW_MUST_USE enum bw_err bw_store_account_set_password(struct bw_store *store, uint32_t number, struct bw_slice phc);
BW_MUST_USE enum bw_err bw_store_account_set_disabled(struct bw_store *store, uint32_t number, bool disabled);

/* NOT_FOUND. */
BW_MUST_USE enum bw_err bw_store_account_get(struct bw_store *store, uint32_t number, struct bw_account *out);
BW_MUST_USE enum bw_err bw_store_account_by_name(struct bw_store *store, struct bw_slice name, struct bw_account *out);
BW_MUST_USE enum bw_err bw_store_account_by_key(struct bw_store *store, const uint8_t hash[BW_ACCOUNT_HASH_BYTES],
						struct bw_account *out);
BW_MUST_USE enum bw_err bw_store_account_by_cert(struct bw_store *store, const uint8_t print[BW_ACCOUNT_HASH_BYTES],
						 struct bw_account *out);

/* All, in the order they were made; array in `arena`. */
BW_MUST_USE enum bw_err bw_store_accounts(struct bw_store *store, struct bw_arena *arena, struct bw_account **out,
					  size_t *out_count);

/* An API key (its hash) or a client certificate (its SHA-256) that proves the account. EXISTS. */
BW_MUST_USE enum bw_err bw_store_account_add_key(struct bw_store *store, uint32_t number,
						 const uint8_t hash[BW_ACCOUNT_HASH_BYTES], struct bw_slice label);
BW_MUST_USE enum bw_err bw_store_account_add_cert(struct bw_store *store, uint32_t number,
						  const uint8_t print[BW_ACCOUNT_HASH_BYTES], struct bw_slice label);

struct bw_account_proof {
	bool certificate; /* else an API key */
	int64_t created_us;
	struct bw_slice label;                /* in the arena */
	uint8_t print[BW_ACCOUNT_HASH_BYTES]; /* SHA-256 of the certificate; of a key the hash that is kept */
};

/* Its keys, then its certificates, each in the order they were added; array in `arena`. */
BW_MUST_USE enum bw_err bw_store_account_proofs(struct bw_store *store, uint32_t number, struct bw_arena *arena,
						struct bw_account_proof **out, size_t *out_count);

/* Removes keys and certificates, all of them. */
BW_MUST_USE enum bw_err bw_store_account_revoke(struct bw_store *store, uint32_t number);

BW_MUST_USE enum bw_err bw_store_grant_set(struct bw_store *store, uint32_t account, uint16_t collection,
					   enum bw_grant grant);
BW_MUST_USE enum bw_err bw_store_grant_get(struct bw_store *store, uint32_t account, uint16_t collection,
					   enum bw_grant *out);

#endif
