/*
 * The keeper worker is the only writer of the store. What arrives in one round
 * shares one transaction and one fsync; answers go out after it, so whatever
 * was acknowledged is on disk together with its line in the audit log.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/command.h"
#include "base/log.h"
#include "codec/json_text.h"
#include "crypto/uuid.h"
#include "serve/access.h"
#include "serve/ask.h"
#include "serve/form.h"
#include "serve/limits.h"
#include "serve/office.h"
#include "serve/reply_form.h"
#include "serve/seal.h"
#include "serve/settings.h"
#include "serve/workers.h"
#include "store/audit.h"
#include "store/status.h"
#include "sys/clock.h"

enum {
	ROUND_MAX = 256, /* requests that share a commit */
	WAKE_MS = 1000,
};

/* An answer that waits for the commit. */
struct waiting {
	struct bw_return_address to;
	bool is_desk;
	uint64_t id;     /* of a front's request */
	unsigned status; /* HTTP, once committed */
	struct bw_buf body;
};

struct keeper {
	struct bw_post *post;
	struct bw_store *store;
	struct bw_serve_settings settings;
	struct bw_sealing sealing;
	bool dirty; /* something waits for a commit */
	size_t waiting_count;
	struct waiting waiting[ROUND_MAX];
};

/* ---- answers ----------------------------------------------------------- */

static struct waiting *wait_for_commit(struct keeper *k, const struct bw_letter *letter)
{
	struct waiting *w = &k->waiting[k->waiting_count++];

	*w = (struct waiting){ .to = letter->from, .body = BW_BUF_INIT(BW_REPLY_BYTES_MAX) };
	k->dirty = true;
	return w;
}

static void send_desk(struct keeper *k, struct bw_return_address to, enum bw_err err, const char *words,
		      struct bw_slice result, int fd)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(BW_FRAME_BODY_MAX);

	if (bw_form_add_num(&form, err) == BW_OK && bw_form_add_text(&form, words) == BW_OK &&
	    bw_form_add(&form, result) == BW_OK)
		bw_err_drop(bw_post_answer(k->post, to, BW_ANS_DESK, bw_buf_slice(&form), fd)); /* the guest is gone */
}

static void send_problem(struct keeper *k, struct bw_return_address to, uint64_t id, const struct bw_problem *problem)
{
	if (bw_reply_form_problem(k->post, to, id, problem) != BW_OK)
		bw_log(BW_WARNING, "an answer could not be sent", BW_NUM("status", problem->status));
}

static const char *words_for_lost(enum bw_err err)
{
	switch (err) {
	case BW_ERR_DISK_FULL:
		return "the disk is full; nothing of this request was stored";
	case BW_ERR_READ_ONLY:
		return "the disk is read-only; nothing of this request was stored";
	default:
		return "the store could not write; nothing of this request was stored";
	}
}

static void answer_committed(struct keeper *k, struct waiting *w)
{
	const struct bw_reply_form reply = {
		.id = w->id, .status = w->status, .headers = bw_slice_empty, .body = bw_buf_slice(&w->body)
	};

	if (w->is_desk)
		send_desk(k, w->to, BW_OK, "", bw_buf_slice(&w->body), -1);
	else if (bw_reply_form_send(k->post, w->to, &reply) != BW_OK)
		bw_log(BW_WARNING, "an answer could not be sent", BW_NUM("status", w->status));
}

static void answer_lost(struct keeper *k, const struct waiting *w, enum bw_err err)
{
	struct bw_problem problem;

	if (w->is_desk) {
		send_desk(k, w->to, err, words_for_lost(err), bw_slice_empty, -1);
		return;
	}
	(void)bw_problem_set(&problem, 503, "Not stored", "%s", words_for_lost(err));
	send_problem(k, w->to, w->id, &problem);
}

static void settle(struct keeper *k, enum bw_err err)
{
	for (size_t i = 0; i < k->waiting_count; i++) {
		if (err == BW_OK)
			answer_committed(k, &k->waiting[i]);
		else
			answer_lost(k, &k->waiting[i], err);
		bw_buf_release(&k->waiting[i].body);
	}
	k->waiting_count = 0;
	k->dirty = false;
}

/* Everything since the last commit is undone, and everybody who waits for it is told. */
static void give_up_round(struct keeper *k, enum bw_err err)
{
	bw_log(BW_ERROR, "the store could not write", BW_TEXT("error", bw_err_text(err)),
	       BW_TEXT("why", bw_store_why(k->store)));
	bw_store_rollback(k->store);
	settle(k, err);
}

static void round_done(void *ctx)
{
	struct keeper *k = ctx;
	enum bw_err err;

	if (!k->dirty)
		return;
	err = bw_store_commit(k->store);
	if (err == BW_OK)
		settle(k, BW_OK);
	else
		give_up_round(k, err);
}

/* Nobody waits longer because the round is full. */
static void make_room(struct keeper *k)
{
	if (k->waiting_count == ROUND_MAX)
		round_done(k);
}

/* ---- the audit log ----------------------------------------------------- */

static struct bw_slice address_text(struct bw_slice ip, char out[INET6_ADDRSTRLEN])
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	const bool is_v4 = ip.len == 16 && memcmp(ip.ptr, mapped, sizeof(mapped)) == 0;

	if (ip.len != 16 ||
	    inet_ntop(is_v4 ? AF_INET : AF_INET6, is_v4 ? ip.ptr + 12 : ip.ptr, out, INET6_ADDRSTRLEN) == NULL)
		return bw_slice_empty;
	return bw_slice_text(out);
}

static enum bw_err note_seen(struct keeper *k, struct bw_slice line)
{
	char address[INET6_ADDRSTRLEN];
	struct bw_audit_fact fact = { .note = bw_slice_empty };
	struct bw_form form;

	BW_TRY(bw_form_take(line, BW_FIELDS_SEEN_LINE, &form));
	BW_TRY(bw_form_num(&form, 4, 999, &fact.status));
	BW_TRY(bw_form_num(&form, 5, UINT32_MAX, &fact.count));
	fact.account = form.fields[0];
	fact.address = address_text(form.fields[1], address);
	fact.action = form.fields[2];
	fact.target = form.fields[3];
	return bw_store_audit_add(k->store, &fact);
}

static enum bw_err on_seen(void *ctx, struct bw_letter *letter)
{
	struct keeper *k = ctx;
	struct bw_form form;
	struct bw_cursor lines;
	struct bw_slice line;
	bool bad;

	BW_TRY(bw_form_take(letter->body, 1, &form));
	lines = bw_cursor_over(form.fields[0]);
	while (bw_form_list_next(&lines, &line, &bad)) {
		const enum bw_err err = note_seen(k, line);

		if (err == BW_ERR_PROTOCOL)
			return err;
		if (err != BW_OK) {
			give_up_round(k, err);
			return BW_OK;
		}
		k->dirty = true;
	}
	return bad ? BW_ERR_PROTOCOL : BW_OK;
}

struct actor {
	struct bw_slice name;
	struct bw_slice ip;
	struct bw_slice target;
};

static enum bw_err audit_write(struct keeper *k, const struct actor *actor, const char *action, unsigned status,
			       const char *note)
{
	char address[INET6_ADDRSTRLEN];
	const struct bw_audit_fact fact = {
		.account = actor->name,
		.address = address_text(actor->ip, address),
		.action = bw_slice_text(action),
		.target = actor->target,
		.status = status,
		.count = 1,
		.note = bw_slice_text(note),
	};

	return bw_store_audit_add(k->store, &fact);
}

/* ---- POST -------------------------------------------------------------- */

enum { P_ID, P_ACCOUNT, P_COLLECTION, P_TOTAL, P_FAILURES, P_NAME, P_ADDRESS, P_TARGET };

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
		return bw_problem_set(problem, 404, "Not found", "the collection has been removed");
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
		return bw_problem_set(problem, 404, "Not found", "the collection has been removed");
	BW_TRY(err);
	(void)snprintf(note, sizeof(note), "added %llu, already there %llu, refused %llu",
		       (unsigned long long)tally.added, (unsigned long long)tally.duplicate,
		       (unsigned long long)(tally.total - tally.added - tally.duplicate));
	BW_TRY(make_status(k, &tally, (uint32_t)account, body));
	return audit_write(k, &actor, "put", 202, note);
}

/* Ends one write: its answer waits for the commit, or it failed alone, or the whole round did. */
static void conclude(struct keeper *k, const struct bw_letter *letter, uint64_t id, unsigned status, enum bw_err err,
		     struct bw_buf *body, const struct bw_problem *problem)
{
	struct waiting *w;

	if (err == BW_ERR_USAGE) {
		send_problem(k, letter->from, id, problem);
		return;
	}
	w = wait_for_commit(k, letter);
	w->id = id;
	w->status = status;
	w->body = bw_buf_move(body);
	if (err != BW_OK)
		give_up_round(k, err);
}

static enum bw_err on_put(void *ctx, struct bw_letter *letter)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_REPLY_BYTES_MAX);
	struct keeper *k = ctx;
	struct bw_problem problem = { 0 };
	struct bw_form form;
	uint64_t id;
	enum bw_err err;

	make_room(k);
	BW_TRY(bw_form_take(letter->body, BW_FIELDS_ASK_PUT, &form));
	BW_TRY(bw_form_num(&form, P_ID, UINT64_MAX, &id));
	if (letter->fd < 0)
		err = bw_problem_set(&problem, 503, "Busy", "no descriptor left to take the objects in; try again");
	else
		err = put(k, &form, letter->fd, &body, &problem);
	if (err == BW_ERR_PROTOCOL || err == BW_ERR_TRUNCATED || err == BW_ERR_VERSION || err == BW_ERR_TYPE) {
		/* the reader's batch is not one: its fault, not the front's; what it put is undone with the round */
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
	return audit_write(k, &actor, "delete", 200, note);
}

static enum bw_err on_delete(void *ctx, struct bw_letter *letter)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_REPLY_BYTES_MAX);
	struct keeper *k = ctx;
	struct bw_problem problem = { 0 };
	struct bw_form form;
	uint64_t id;
	enum bw_err err;

	make_room(k);
	BW_TRY(bw_form_take(letter->body, BW_FIELDS_ASK_DELETE, &form));
	BW_TRY(bw_form_num(&form, D_ID, UINT64_MAX, &id));
	err = drop(k, &form, &problem);
	if (err == BW_ERR_PROTOCOL)
		return err;
	conclude(k, letter, id, 200, err, &body, &problem);
	return BW_OK;
}

/* ---- the desk ---------------------------------------------------------- */

static void share_with_desk(struct keeper *k, const struct bw_letter *letter)
{
	send_desk(k, letter->from, BW_OK, "", bw_slice_empty, bw_store_catalogue_fd(k->store));
}

static enum bw_err on_desk(void *ctx, struct bw_letter *letter)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf result = BW_BUF_INIT(BW_FRAME_BODY_MAX / 2);
	struct keeper *k = ctx;
	struct bw_why why = { 0 };
	struct waiting *w;
	struct bw_form form;
	uint64_t verb;
	enum bw_err err;

	make_room(k);
	BW_TRY(bw_form_take(letter->body, BW_OFFICE_FIELDS, &form));
	BW_TRY(bw_form_num(&form, 0, BW_OFFICE_VERB_COUNT - 1, &verb));
	if (verb == BW_OFFICE_MEMORY) {
		share_with_desk(k, letter);
		return BW_OK;
	}
	/* what waits is made safe first, so that a verb that fails undoes nothing but itself */
	round_done(k);
	err = bw_office_do(k->store, &form, letter->fd, &result, &why);
	if (err != BW_OK) {
		bw_store_rollback(k->store);
		send_desk(k, letter->from, err, why.text[0] != 0 ? why.text : bw_err_text(err), bw_slice_empty, -1);
		return BW_OK;
	}
	w = wait_for_commit(k, letter);
	w->is_desk = true;
	w->body = bw_buf_move(&result);
	return BW_OK;
}

/* ---- seals of the audit log -------------------------------------------- */

static void on_wake(void *ctx)
{
	struct keeper *k = ctx;

	if (!k->dirty)
		bw_sealing_step(&k->sealing, k->store, k->post, bw_clock_mono_us() / 1000);
}

static enum bw_err on_signed(void *ctx, struct bw_letter *letter)
{
	struct keeper *k = ctx;

	if (bw_sealing_answered(&k->sealing, k->store, letter->body, !k->dirty, bw_clock_mono_us() / 1000))
		k->dirty = true;
	return BW_OK;
}

/* ---- start ------------------------------------------------------------- */

static enum bw_err told(void *ctx, const struct bw_frame *message, int fd)
{
	struct keeper *k = ctx;

	(void)fd;
	return message->kind == BW_TELL_SETTINGS ? bw_settings_take(message->body, &k->settings) : BW_OK;
}

static enum bw_err share(struct bw_seat *seat, uint64_t what, int fd)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(64);

	BW_TRY(bw_form_add_num(&form, what));
	return bw_seat_ask(seat, BW_ASK_SHARE, bw_buf_slice(&form), fd);
}

static const struct bw_post_rule keeper_rules[] = {
	{ "front", BW_ASK_PUT, on_put },  { "front", BW_ASK_DELETE, on_delete }, { "front", BW_ASK_SEEN, on_seen },
	{ "desk", BW_ASK_DESK, on_desk }, { "signer", BW_ANS_SIGN, on_signed },  { 0 },
};

static enum bw_err run_keeper(struct keeper *k, struct bw_seat *seat)
{
	const struct bw_serve_shared *shared = bw_seat_shared(seat);
	const struct bw_post_plan plan = { .rules = keeper_rules,
					   .ctx = k,
					   .told = told,
					   .round_done = round_done,
					   .wake_ms = WAKE_MS,
					   .woken = on_wake,
					   .guests_fd = shared->control };
	const struct bw_store_options options = { .dir = shared->data, .role = BW_STORE_WRITER, .catalogue_fd = -1 };
	const struct bw_sandbox_paths paths = { .folder = shared->data };
	struct bw_why why = { 0 };
	enum bw_err err;

	BW_TRY(bw_post_new(seat, &plan, &k->post));
	BW_TRY(bw_post_wait_for(k->post, BW_TELL_SETTINGS, 20000));
	BW_TRY(bw_seat_confine(seat, &paths, k->settings.require_sandbox, &why));
	err = bw_store_open(&options, &k->store);
	if (err != BW_OK) {
		bw_log(BW_CRIT, "the store cannot be opened", BW_TEXT("folder", shared->data),
		       BW_TEXT("error", bw_err_text(err)));
		return err;
	}
	BW_TRY(share(seat, BW_MEMORY_BULLETIN, bw_store_bulletin_fd(k->store)));
	BW_TRY(share(seat, BW_MEMORY_CATALOGUE, bw_store_catalogue_fd(k->store)));
	BW_TRY(bw_seat_ready(seat));
	return bw_post_run(k->post);
}

int bw_keeper_run(struct bw_seat *seat)
{
	struct keeper *k = calloc(1, sizeof(*k));
	enum bw_err err;

	if (k == NULL)
		return BW_EXIT_FAILED;
	err = run_keeper(k, seat);
	if (k->store != NULL && k->dirty)
		round_done(k);
	if (err != BW_OK && err != BW_ERR_CLOSED)
		bw_log(BW_ERROR, "keeper ends", BW_TEXT("why", bw_err_text(err)));
	bw_post_free(k->post);
	bw_store_close(k->store);
	free(k);
	return err == BW_OK || err == BW_ERR_CLOSED ? BW_EXIT_OK : BW_EXIT_FAILED;
}
