#include "serve/access.h"

enum bw_err bw_access_account(struct bw_store *store, uint32_t account, struct bw_account *out)
{
	const enum bw_err err = bw_store_account_get(store, account, out);

	if (err == BW_ERR_NOT_FOUND || (err == BW_OK && out->disabled))
		return BW_ERR_UNAUTHENTICATED;
	return err;
}

enum bw_err bw_access_grants(struct bw_store *store, const struct bw_account *account, uint16_t collection,
			     bool *can_read, bool *can_write)
{
	enum bw_grant grant = BW_GRANT_BOTH;

	if (!account->admin)
		BW_TRY(bw_store_grant_get(store, account->number, collection, &grant));
	*can_read = (grant & BW_GRANT_READ) != 0;
	*can_write = (grant & BW_GRANT_WRITE) != 0;
	return BW_OK;
}

static enum bw_err hidden(struct bw_problem *problem)
{
	return bw_problem_set(problem, 404, "Not found", "there is no such collection for this account");
}

static enum bw_err forbidden(struct bw_problem *problem, const char *words)
{
	return bw_problem_set(problem, 403, "Forbidden", "%s", words);
}

/* Who has no grant at all does not learn that the collection exists. */
static enum bw_err judge(const struct bw_access *access, enum bw_taxii_what what, enum bw_http_method method,
			 struct bw_problem *problem)
{
	if (!access->can_read && !access->can_write)
		return hidden(problem);
	if (what == BW_TAXII_COLLECTION)
		return BW_OK;
	if (method == BW_HTTP_DELETE && !(access->can_read && access->can_write))
		return forbidden(problem, "deleting needs read and write access to the collection");
	if (method == BW_HTTP_POST && !access->can_write)
		return forbidden(problem, "this account may not write to the collection");
	if (method != BW_HTTP_POST && !access->can_read)
		return forbidden(problem, "this account may not read the collection");
	return BW_OK;
}

enum bw_err bw_access_check(struct bw_store *store, uint32_t account, struct bw_slice name, enum bw_taxii_what what,
			    enum bw_http_method method, struct bw_access *out, struct bw_problem *problem)
{
	enum bw_err err = bw_access_account(store, account, &out->account);

	if (err == BW_ERR_UNAUTHENTICATED)
		return bw_problem_set(problem, 401, "Not authenticated", "the account has been removed or disabled");
	BW_TRY(err);
	err = bw_store_collection_find(store, name, &out->collection);
	if (err == BW_ERR_NOT_FOUND)
		return hidden(problem);
	BW_TRY(err);
	BW_TRY(bw_access_grants(store, &out->account, out->collection.number, &out->can_read, &out->can_write));
	return judge(out, what, method, problem);
}
