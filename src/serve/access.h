/* What an account may do with a collection (TAXII 2.1 §5.1, §5.7): one place decides. */
#ifndef BW_SERVE_ACCESS_H
#define BW_SERVE_ACCESS_H

#include "serve/taxii.h"
#include "store/accounts.h"
#include "store/store.h"

struct bw_access {
	struct bw_account account;
	struct bw_collection collection;
	bool can_read;
	bool can_write;
};

/* The account, as it is now. UNAUTHENTICATED when it is gone or disabled. */
BW_MUST_USE enum bw_err bw_access_account(struct bw_store *store, uint32_t account, struct bw_account *out);

/* Grants of `account` on a collection; an administrator may do both everywhere. */
BW_MUST_USE enum bw_err bw_access_grants(struct bw_store *store, const struct bw_account *account, uint16_t collection,
					 bool *can_read, bool *can_write);

/*
 * Whether `account` may do `method` with the collection `name` (id or alias).
 * USAGE with `problem` filled: 401, 403 or 404 as the table in docs/taxii.md says.
 */
BW_MUST_USE enum bw_err bw_access_check(struct bw_store *store, uint32_t account, struct bw_slice name,
					enum bw_taxii_what what, enum bw_http_method method, struct bw_access *out,
					struct bw_problem *problem);

#endif
