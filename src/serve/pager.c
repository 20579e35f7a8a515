/*
 * The pager worker answers what is read: it opens the store read-only over the
 * keeper's catalogue and turns requests the front has parsed into TAXII resources.
 */
#include <stdlib.h>

#include "base/command.h"
#include "base/log.h"
#include "codec/json_text.h"
#include "desk/form.h"
#include "serve/access.h"
#include "serve/ask.h"
#include "serve/limits.h"
#include "serve/reply_form.h"
#include "serve/resource.h"
#include "serve/settings.h"
#include "serve/workers.h"
#include "store/bulletin.h"
#include "store/status.h"

#define ARENA_BYTES (BW_REPLY_BYTES_MAX + 8 * BW_MIB)

struct pager {
	struct bw_post *post;
	const char *data;
	struct bw_store *store;
	struct bw_bulletin bulletin;
	bool has_bulletin;
	struct bw_serve_settings settings;
	struct bw_arena arena;
	struct bw_buf body;
	struct bw_buf headers;
};

/* One request being answered. */
struct reading {
	struct pager *pager;
	uint32_t account;
	struct bw_taxii_request t;
	struct bw_problem problem;
	struct bw_reply_form reply;
};

/* ---- reading the form -------------------------------------------------- */

enum {
	R_ID,
	R_ACCOUNT,
	R_WHAT,
	R_METHOD,
	R_COLLECTION,
	R_OBJECT,
	R_STATUS,
	R_AFTER,
	R_LIMIT,
	R_PICKS,
	R_IDS,
	R_TYPES,
	R_VERSIONS,
	R_SPECS
};

static enum bw_err take_words(const struct bw_form *form, size_t at, struct bw_arena *arena, struct bw_words *out)
{
	struct bw_slice *list = bw_arena_zero(arena, BW_MATCH_MAX, sizeof(*list));
	struct bw_cursor c = bw_cursor_over(form->fields[at]);
	struct bw_slice item;
	size_t count = 0;
	bool bad;

	BW_NEED(list != NULL, MEMORY);
	while (bw_form_list_next(&c, &item, &bad)) {
		BW_NEED(count < BW_MATCH_MAX, PROTOCOL);
		list[count++] = item;
	}
	BW_NEED(!bad, PROTOCOL);
	*out = (struct bw_words){ list, count };
	return BW_OK;
}

static enum bw_err take_request(const struct bw_form *form, struct bw_arena *arena, struct reading *out)
{
	uint64_t account;
	uint64_t what;
	uint64_t method;
	uint64_t limit;
	uint64_t picks;

	BW_TRY(bw_form_num(form, R_ACCOUNT, UINT32_MAX, &account));
	BW_TRY(bw_form_num(form, R_WHAT, BW_TAXII_WHAT_COUNT - 1, &what));
	BW_TRY(bw_form_num(form, R_METHOD, BW_HTTP_OPTIONS, &method));
	BW_TRY(bw_form_signed(form, R_AFTER, &out->t.added_after_us));
	BW_TRY(bw_form_num(form, R_LIMIT, BW_PAGE_MAX, &limit));
	BW_TRY(bw_form_num(form, R_PICKS, 7, &picks));
	BW_TRY(take_words(form, R_IDS, arena, &out->t.ids));
	BW_TRY(take_words(form, R_TYPES, arena, &out->t.types));
	BW_TRY(take_words(form, R_VERSIONS, arena, &out->t.versions));
	BW_TRY(take_words(form, R_SPECS, arena, &out->t.specs));
	out->account = (uint32_t)account;
	out->t.what = (enum bw_taxii_what)what;
	out->t.method = (enum bw_http_method)method;
	out->t.limit = (uint32_t)limit;
	out->t.picks = (unsigned)picks;
	out->t.collection = form->fields[R_COLLECTION];
	out->t.object = form->fields[R_OBJECT];
	out->t.status = form->fields[R_STATUS];
	return BW_OK;
}

/* ---- resources without objects ----------------------------------------- */

static struct bw_server_info info_of(const struct pager *pager)
{
	return (struct bw_server_info){ .title = pager->settings.title,
					.description = pager->settings.description,
					.contact = pager->settings.contact,
					.max_content_bytes = (size_t)pager->settings.max_content_bytes };
}

static enum bw_err read_collections(struct reading *r)
{
	struct pager *pager = r->pager;
	struct bw_account account;
	struct bw_collection *all;
	struct bw_collection_access *shown;
	size_t count;
	size_t visible = 0;

	if (bw_access_account(pager->store, r->account, &account) == BW_ERR_UNAUTHENTICATED)
		return bw_problem_set(&r->problem, 401, "Not authenticated",
				      "the account has been removed or disabled");
	BW_TRY(bw_store_collections(pager->store, &pager->arena, &all, &count));
	shown = bw_arena_zero(&pager->arena, count + 1, sizeof(*shown));
	BW_NEED(shown != NULL, MEMORY);
	for (size_t i = 0; i < count; i++) {
		struct bw_collection_access *row = &shown[visible];

		BW_TRY(bw_access_grants(pager->store, &account, all[i].number, &row->can_read, &row->can_write));
		row->collection = &all[i];
		if (row->can_read || row->can_write)
			visible++;
	}
	return bw_resource_collections(&pager->body, shown, visible);
}

static enum bw_err read_status(struct reading *r)
{
	struct pager *pager = r->pager;
	struct bw_account account;
	struct bw_slice json;
	enum bw_err err;

	if (bw_access_account(pager->store, r->account, &account) == BW_ERR_UNAUTHENTICATED)
		return bw_problem_set(&r->problem, 401, "Not authenticated",
				      "the account has been removed or disabled");
	err = bw_store_status_get(pager->store, r->t.status, account.admin ? 0 : account.number, &pager->arena, &json);
	if (err == BW_ERR_NOT_FOUND)
		return bw_problem_set(&r->problem, 404, "Not found",
				      "there is no such status resource for this account, or not any more");
	BW_TRY(err);
	return bw_buf_add(&pager->body, json);
}

/* ---- pages ------------------------------------------------------------- */

static struct bw_query query_of(const struct reading *r, const struct bw_access *access)
{
	const struct bw_taxii_request *t = &r->t;
	struct bw_query query = {
		.collection = access->collection.number,
		.added_after_us = t->added_after_us,
		.limit = t->limit == 0 ? BW_PAGE_DEFAULT : t->limit,
		.max_bytes = BW_PAGE_BYTES_MAX,
		.ids = t->ids.list,
		.id_count = t->ids.count,
		.types = t->types.list,
		.type_count = t->types.count,
		.picks = t->picks,
		.versions = t->versions.list,
		.version_count = t->versions.count,
		.specs = t->specs.list,
		.spec_count = t->specs.count,
		.bodies = t->what == BW_TAXII_OBJECTS || t->what == BW_TAXII_OBJECT || t->what == BW_TAXII_EVENTS,
	};

	if (t->what == BW_TAXII_OBJECT || t->what == BW_TAXII_VERSIONS) {
		query.ids = &t->object;
		query.id_count = 1;
	}
	if (t->what == BW_TAXII_VERSIONS)
		query.picks = BW_PICK_ALL;
	if (t->what == BW_TAXII_EVENTS) {
		query.max_bytes = BW_EVENT_BYTES_MAX;
		query.origins = access->collection.is_inbound;
	}
	return query;
}

/* Where to ask on stands in the headers, for the front: "more" or "done", and `next`. */
static enum bw_err render_event(struct reading *r, const struct bw_page *page, bool is_inbound)
{
	char next[BW_NEXT_TEXT];
	int64_t after = r->t.added_after_us;

	if (page->more)
		after = page->scanned_us;
	else if (page->count > 0)
		after = page->rows[page->count - 1].date_added_us;
	bw_taxii_next_format(after, next);
	BW_TRY(bw_buf_addf(&r->pager->headers, "%s %s", page->more ? "more" : "done", next));
	return bw_resource_event(&r->pager->body, page, is_inbound);
}

static enum bw_err render_page(struct reading *r, const struct bw_page *page, bool is_inbound)
{
	struct pager *pager = r->pager;

	if (r->t.what == BW_TAXII_EVENTS)
		return render_event(r, page, is_inbound);
	if (r->t.what == BW_TAXII_MANIFEST)
		BW_TRY(bw_resource_manifest(&pager->body, page));
	else if (r->t.what == BW_TAXII_VERSIONS)
		BW_TRY(bw_resource_versions(&pager->body, page));
	else
		BW_TRY(bw_resource_envelope(&pager->body, page));
	return bw_resource_page_headers(&pager->headers, page, r->t.added_after_us);
}

static enum bw_err read_page(struct reading *r, const struct bw_access *access)
{
	const struct bw_query query = query_of(r, access);
	struct bw_page page;

	BW_TRY(bw_store_page(r->pager->store, &query, &r->pager->arena, &page));
	if ((r->t.what == BW_TAXII_OBJECT || r->t.what == BW_TAXII_VERSIONS) && !page.known)
		return bw_problem_set(&r->problem, 404, "Not found", "there is no such object in this collection");
	return render_page(r, &page, access->collection.is_inbound);
}

static enum bw_err read_in_collection(struct reading *r)
{
	struct pager *pager = r->pager;
	struct bw_access access;

	BW_TRY(bw_access_check(pager->store, r->account, r->t.collection, r->t.what, r->t.method, &access,
			       &r->problem));
	r->reply.collection = access.collection.number;
	if (r->t.what == BW_TAXII_COLLECTION) {
		const struct bw_collection_access row = { &access.collection, access.can_read, access.can_write };

		r->reply.collection = 0;
		return bw_resource_collection(&pager->body, &row);
	}
	/* before the page is read: a page newer than its stamp is only asked for again */
	r->reply.generation = bw_bulletin_collection(&pager->bulletin, access.collection.number);
	if (r->t.method == BW_HTTP_POST) {
		r->reply.status = 0;
		return BW_OK;
	}
	return read_page(r, &access);
}

static enum bw_err read_it(struct reading *r)
{
	const struct bw_server_info info = info_of(r->pager);

	switch (r->t.what) {
	case BW_TAXII_DISCOVERY:
		return bw_resource_discovery(&r->pager->body, &info);
	case BW_TAXII_API_ROOT:
		return bw_resource_api_root(&r->pager->body, &info);
	case BW_TAXII_COLLECTIONS:
		return read_collections(r);
	case BW_TAXII_STATUS:
		return read_status(r);
	case BW_TAXII_COLLECTION:
	case BW_TAXII_MANIFEST:
	case BW_TAXII_OBJECTS:
	case BW_TAXII_OBJECT:
	case BW_TAXII_VERSIONS:
	case BW_TAXII_EVENTS:
		return read_in_collection(r);
	default:
		return BW_ERR_PROTOCOL;
	}
}

/* A reply that cannot go out (no descriptor, no memory) is no fault of the front: it gets words instead. */
static enum bw_err send_reply(struct reading *r, struct bw_return_address to)
{
	struct pager *pager = r->pager;
	enum bw_err err;

	r->reply.headers = bw_buf_slice(&pager->headers);
	r->reply.body = bw_buf_slice(&pager->body);
	err = bw_reply_form_send(pager->post, to, &r->reply);
	if (err == BW_OK || err == BW_ERR_CLOSED)
		return BW_OK;
	bw_log(BW_ERROR, "a reply could not be sent", BW_TEXT("error", bw_err_text(err)));
	(void)bw_problem_set(&r->problem, 503, "Unavailable", "the answer cannot be sent now; try again");
	bw_err_drop(bw_reply_form_problem(pager->post, to, r->reply.id, &r->problem)); /* the client has its deadline */
	return BW_OK;
}

static enum bw_err on_read(void *ctx, struct bw_letter *letter)
{
	struct pager *pager = ctx;
	struct reading r = { .pager = pager, .reply = { .status = 200 } };
	struct bw_form form;
	enum bw_err err;

	bw_arena_reset(&pager->arena);
	bw_buf_clear(&pager->body);
	bw_buf_clear(&pager->headers);
	BW_TRY(bw_form_take(letter->body, BW_FIELDS_ASK_READ, &form));
	BW_TRY(bw_form_num(&form, R_ID, UINT64_MAX, &r.reply.id));
	BW_TRY(take_request(&form, &pager->arena, &r));
	if (pager->store == NULL || !pager->has_bulletin) {
		(void)bw_problem_set(&r.problem, 503, "Starting", "the store is being opened; try again");
		return bw_reply_form_problem(pager->post, letter->from, r.reply.id, &r.problem);
	}
	r.reply.generation = bw_bulletin_catalog(&pager->bulletin);
	err = read_it(&r);
	if (err == BW_ERR_USAGE)
		return bw_reply_form_problem(pager->post, letter->from, r.reply.id, &r.problem);
	if (err != BW_OK) {
		bw_log(BW_ERROR, "read failed", BW_TEXT("why", bw_store_why(pager->store)),
		       BW_TEXT("error", bw_err_text(err)));
		(void)bw_problem_set(&r.problem, 503, "Unavailable", "the store cannot be read now; try again");
		return bw_reply_form_problem(pager->post, letter->from, r.reply.id, &r.problem);
	}
	return send_reply(&r, letter->from);
}

/* ---- accounts, for the gate -------------------------------------------- */

static enum bw_err look_up(struct pager *pager, enum bw_auth_way way, struct bw_slice value, struct bw_account *out)
{
	if (way == BW_AUTH_PASSWORD)
		return bw_store_account_by_name(pager->store, value, out);
	BW_NEED(value.len == BW_ACCOUNT_HASH_BYTES, PROTOCOL);
	return way == BW_AUTH_KEY ? bw_store_account_by_key(pager->store, value.ptr, out)
				  : bw_store_account_by_cert(pager->store, value.ptr, out);
}

static enum bw_err write_account(struct bw_buf *out, uint64_t id, uint64_t generation, const struct bw_account *account)
{
	BW_TRY(bw_form_add_num(out, id));
	BW_TRY(bw_form_add_num(out, account->number != 0));
	BW_TRY(bw_form_add_num(out, account->number));
	BW_TRY(bw_form_add_num(out, generation));
	BW_TRY(bw_form_add_text(out, account->password));
	return bw_form_add_text(out, account->name);
}

static enum bw_err on_account(void *ctx, struct bw_letter *letter)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf answer = BW_BUF_INIT(4096);
	struct pager *pager = ctx;
	struct bw_account account = { 0 };
	struct bw_form form;
	uint64_t id;
	uint64_t way;
	uint64_t generation = 0;

	BW_TRY(bw_form_take(letter->body, BW_FIELDS_ASK_ACCOUNT, &form));
	BW_TRY(bw_form_num(&form, 0, UINT64_MAX, &id));
	BW_TRY(bw_form_num(&form, 1, BW_AUTH_WAY_MAX, &way));
	if (pager->store != NULL && pager->has_bulletin) {
		generation = bw_bulletin_accounts(&pager->bulletin);
		if (look_up(pager, (enum bw_auth_way)way, form.fields[2], &account) != BW_OK || account.disabled)
			account = (struct bw_account){ 0 };
	}
	BW_TRY(write_account(&answer, id, generation, &account));
	return bw_post_answer(pager->post, letter->from, BW_ANS_ACCOUNT, bw_buf_slice(&answer), -1);
}

/* ---- start ------------------------------------------------------------- */

static enum bw_err open_store(struct pager *pager, int catalogue_fd)
{
	const struct bw_store_options options = { .dir = pager->data,
						  .role = BW_STORE_READER,
						  .catalogue_fd = catalogue_fd };
	struct bw_store *fresh;

	BW_TRY(bw_store_open(&options, &fresh));
	bw_store_close(pager->store);
	pager->store = fresh;
	return BW_OK;
}

static enum bw_err told(void *ctx, const struct bw_frame *message, int fd)
{
	struct pager *pager = ctx;
	struct bw_form form;
	uint64_t what;

	if (message->kind == BW_TELL_SETTINGS)
		return bw_settings_take(message->body, &pager->settings);
	if (message->kind != BW_TELL_MEMORY)
		return BW_OK;
	BW_TRY(bw_form_take(message->body, 1, &form));
	BW_TRY(bw_form_num(&form, 0, 1, &what));
	if (what == BW_MEMORY_CATALOGUE)
		return open_store(pager, fd);
	bw_bulletin_release(&pager->bulletin);
	pager->has_bulletin = false;
	BW_TRY(bw_bulletin_open(fd, &pager->bulletin));
	pager->has_bulletin = true;
	return BW_OK;
}

static const struct bw_post_rule pager_rules[] = {
	{ "front", BW_ASK_READ, on_read },
	{ "gate", BW_ASK_ACCOUNT, on_account },
	{ 0 },
};

static enum bw_err run_pager(struct pager *pager, struct bw_seat *seat)
{
	const struct bw_serve_shared *shared = bw_seat_shared(seat);
	const struct bw_post_plan plan = { .rules = pager_rules, .ctx = pager, .told = told, .guests_fd = -1 };
	const struct bw_sandbox_paths paths = { .folder = shared->store };
	struct bw_why why = { 0 };

	pager->data = shared->data;
	BW_TRY(bw_post_new(seat, &plan, &pager->post));
	BW_TRY(bw_post_wait_for(pager->post, BW_TELL_SETTINGS, 20000));
	BW_TRY(bw_seat_confine(seat, &paths, pager->settings.require_sandbox, &why));
	/* the keeper may need a while with a store that was not closed in order */
	while (pager->store == NULL || !pager->has_bulletin)
		BW_TRY(bw_post_wait_for(pager->post, BW_TELL_MEMORY, -1));
	BW_TRY(bw_seat_ready(seat));
	return bw_post_run(pager->post);
}

int bw_pager_run(struct bw_seat *seat)
{
	struct pager *pager = calloc(1, sizeof(*pager));
	enum bw_err err;

	if (pager == NULL)
		return BW_EXIT_FAILED;
	pager->arena = BW_ARENA_INIT(ARENA_BYTES);
	pager->body = BW_BUF_INIT(BW_REPLY_BYTES_MAX);
	pager->headers = BW_BUF_INIT(4096);
	err = run_pager(pager, seat);
	if (err != BW_OK && err != BW_ERR_CLOSED)
		bw_log(BW_ERROR, "pager ends", BW_TEXT("why", bw_err_text(err)));
	bw_post_free(pager->post);
	bw_store_close(pager->store);
	bw_bulletin_release(&pager->bulletin);
	bw_arena_release(&pager->arena);
	bw_buf_release(&pager->body);
	bw_buf_release(&pager->headers);
	free(pager);
	return err == BW_OK || err == BW_ERR_CLOSED ? BW_EXIT_OK : BW_EXIT_FAILED;
}
