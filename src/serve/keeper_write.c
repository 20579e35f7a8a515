/*
 * POST and DELETE, as the keeper carries them out: the batch of the reader and
 * the words of the front are read with the care given to strangers.
 */
#include <stdio.h>

#include "base/log.h"
#include "crypto/uuid.h"
#include "desk/office.h"
#include "serve/access.h"
#include "serve/keeper_inner.h"
#include "serve/limits.h"
#include "serve/resource.h"
#include "store/status.h"
#include "sys/clock.h"

/* ---- POST -------------------------------------------------------------- */

enum { P_ID, P_ACCOUNT, P_COLLECTION, P_TOTAL, P_FAILURES, P_NAME, P_ADDRESS, P_TARGET };

static enum bw_err collection_gone(struct bw_problem *problem)
{
	return bw_problem_set(problem, 404, "Not found", "the collection has been removed");
}

static enum bw_err may_write(struct keeper *k, uint64_t account, uint64_t collection, struct bw_problem *problem)
{
	struct bw_account who;
	bool is_there = true;
	bool can_read = false;
	bool can_write = false;
	const enum bw_err err = bw_access_account(k->store, (uint32_t)account, &who);

	if (err == BW_ERR_UNAUTHENTICATED)
		return bw_problem_set(problem, 401, "Not authenticated", "the account has been removed or disabled");
	BW_TRY(err);
	/* removed while the body came; grants went with it, but an administrator needs none */
	if (who.admin)
		BW_TRY(bw_store_collection_is_there(k->store, (uint16_t)collection, &is_there));
	if (!is_there)
		return collection_gone(problem);
	BW_TRY(bw_access_grants(k->store, &who, (uint16_t)collection, &can_read, &can_write));
	if (!can_write)
		return bw_problem_set(problem, 403, "Forbidden", "this account may not write to the collection");
	return BW_OK;
}

static enum bw_err make_status(struct keeper *k, const struct bw_put_tally *tally, uint32_t account,
			       struct bw_buf *body)
{
	char id[BW_UUID_CHARS + 1];
	struct bw_uuid uuid;
	struct bw_status status = {
		.id = id,
		.requested_us = bw_clock_now_us(),
		.total = tally->total,
		.success = tally->added + tally->duplicate,
		.successes = tally->successes,
		.success_count = tally->success_count,
		.failures = tally->failures,
		.failure_count = tally->failure_count,
	};

	status.failure = tally->total - status.success;
	bw_uuid_v4(&uuid);
	bw_uuid_format(&uuid, id);
	BW_TRY(bw_resource_status(body, &status));
	return bw_store_status_put(k->store, bw_slice_text(id), account, bw_buf_slice(body));
}

static enum bw_err put(struct keeper *k, const struct bw_form *form, int fd, struct bw_buf *body,
		       struct bw_problem *problem)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(256 * BW_MIB);
	const struct actor actor = { form->fields[P_NAME], form->fields[P_ADDRESS], form->fields[P_TARGET] };
	struct bw_put_tally tally;
	uint64_t account;
	uint64_t collection;
	uint64_t total;
	char note[128];
	enum bw_err err;

	BW_TRY(bw_form_num(form, P_ACCOUNT, UINT32_MAX, &account));
	BW_TRY(bw_form_num(form, P_COLLECTION, UINT16_MAX, &collection));
	BW_TRY(bw_form_num(form, P_TOTAL, UINT32_MAX, &total));
	BW_TRY(may_write(k, account, collection, problem));
	err = bw_office_put(k->store, (uint16_t)collection, fd, total, form->fields[P_FAILURES], &arena, &tally);
	if (err == BW_ERR_NOT_FOUND)
		return collection_gone(problem);
	BW_TRY(err);
	(void)snprintf(note, sizeof(note), "added %llu, already there %llu, refused %llu",
		       (unsigned long long)tally.added, (unsigned long long)tally.duplicate,
		       (unsigned long long)(tally.total - tally.added - tally.duplicate));
	BW_TRY(make_status(k, &tally, (uint32_t)account, body));
	return keeper_audit_write(k, &actor, "put", 202, note);
}

/* Ends one write: its answer waits for the commit, or it has failed. */
static void conclude(struct keeper *k, const struct bw_letter *letter, uint64_t id, unsigned status, enum bw_err err,
		     struct bw_buf *body, const struct bw_problem *problem)
{
	if (keeper_end(k, &err)) {
		struct waiting *w = keeper_wait(k, FOR_FRONT, letter->from);

		w->id = id;
		w->status = status;
		w->body = bw_buf_move(body);
	} else if (err == BW_ERR_USAGE) {
		keeper_send_problem(k, letter->from, id, problem);
	} else {
		keeper_send_lost(k, letter->from, id, err);
	}
}

enum bw_err keeper_on_put(void *ctx, struct bw_letter *letter)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_REPLY_BYTES_MAX);
	struct keeper *k = ctx;
	struct bw_problem problem = { 0 };
	struct bw_form form;
	uint64_t id;
	enum bw_err err;

	BW_TRY(bw_form_take(letter->body, BW_FIELDS_ASK_PUT, &form));
	BW_TRY(bw_form_num(&form, P_ID, UINT64_MAX, &id));
	err = keeper_begin(k);
	if (err == BW_OK && letter->fd < 0)
		err = bw_problem_set(&problem, 503, "Busy", "no descriptor left to take the objects in; try again");
	else if (err == BW_OK)
		err = put(k, &form, letter->fd, &body, &problem);
	if (err == BW_ERR_PROTOCOL || err == BW_ERR_TRUNCATED || err == BW_ERR_VERSION || err == BW_ERR_TYPE) {
		/* the reader's batch is not one: its fault, not the front's */
		bw_log(BW_ERROR, "a batch was not well-formed", BW_TEXT("error", bw_err_text(err)));
		err = BW_ERR_IO;
	}
	conclude(k, letter, id, 202, err, &body, &problem);
	return BW_OK;
}

/* ---- DELETE ------------------------------------------------------------ */

enum { D_ID, D_ACCOUNT, D_COLLECTION, D_OBJECT, D_PICKS, D_VERSIONS, D_SPECS, D_NAME, D_ADDRESS, D_TARGET };

static enum bw_err take_list(const struct bw_form *form, size_t at, struct bw_slice list[BW_MATCH_MAX], size_t *count)
{
	struct bw_cursor c = bw_cursor_over(form->fields[at]);
	struct bw_slice item;
	bool bad;

	*count = 0;
	while (bw_form_list_next(&c, &item, &bad)) {
		BW_NEED(*count < BW_MATCH_MAX, PROTOCOL);
		list[(*count)++] = item;
	}
	return bad ? BW_ERR_PROTOCOL : BW_OK;
}

static enum bw_err drop(struct keeper *k, const struct bw_form *form, struct bw_problem *problem)
{
	const struct actor actor = { form->fields[D_NAME], form->fields[D_ADDRESS], form->fields[D_TARGET] };
	struct bw_slice versions[BW_MATCH_MAX];
	struct bw_slice specs[BW_MATCH_MAX];
	struct bw_query query = { .ids = &form->fields[D_OBJECT],
				  .id_count = 1,
				  .added_after_us = -1,
				  .versions = versions,
				  .specs = specs };
	struct bw_access access;
	uint64_t account;
	uint64_t picks;
	uint64_t removed;
	char note[64];
	enum bw_err err;

	BW_TRY(bw_form_num(form, D_ACCOUNT, UINT32_MAX, &account));
	BW_TRY(bw_form_num(form, D_PICKS, 7, &picks));
	BW_TRY(take_list(form, D_VERSIONS, versions, &query.version_count));
	BW_TRY(take_list(form, D_SPECS, specs, &query.spec_count));
	BW_TRY(bw_access_check(k->store, (uint32_t)account, form->fields[D_COLLECTION], BW_TAXII_OBJECT, BW_HTTP_DELETE,
			       &access, problem));
	query.collection = access.collection.number;
	query.picks = (unsigned)picks;
	err = bw_store_delete(k->store, &query, &removed);
	if (err == BW_ERR_NOT_FOUND)
		return bw_problem_set(problem, 404, "Not found",
				      "there is no such object or version in this collection");
	BW_TRY(err);
	(void)snprintf(note, sizeof(note), "versions removed %llu", (unsigned long long)removed);
	return keeper_audit_write(k, &actor, "delete", 200, note);
}

enum bw_err keeper_on_delete(void *ctx, struct bw_letter *letter)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_REPLY_BYTES_MAX);
	struct keeper *k = ctx;
	struct bw_problem problem = { 0 };
	struct bw_form form;
	uint64_t id;
	enum bw_err err;

	BW_TRY(bw_form_take(letter->body, BW_FIELDS_ASK_DELETE, &form));
	BW_TRY(bw_form_num(&form, D_ID, UINT64_MAX, &id));
	err = keeper_begin(k);
	if (err == BW_OK)
		err = drop(k, &form, &problem);
	conclude(k, letter, id, 200, err, &body, &problem);
	return err == BW_ERR_PROTOCOL ? err : BW_OK;
}
