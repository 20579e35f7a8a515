#include "desk/office.h"

#include <stdio.h>

#include "crypto/keys.h"
#include "crypto/uuid.h"
#include "desk/limits.h"
#include "store/accounts.h"
#include "store/audit.h"
#include "store/keeping.h"
#include "store/provenance.h"

enum { F_VERB, F_A, F_B, F_C, F_D };

static const char *const names[BW_OFFICE_VERB_COUNT] = {
#define X(symbol, name, fields) [BW_OFFICE_##symbol] = name,
	BW_OFFICE_ROWS(X)
#undef X
};

const char *bw_office_name(enum bw_office_verb verb)
{
	return (unsigned)verb < BW_OFFICE_VERB_COUNT ? names[verb] : "?";
}

/* What every verb gets. */
struct job {
	struct bw_store *store;
	const struct bw_form *form;
	int fd;
	struct bw_buf *result;
	struct bw_why *why;
	struct bw_slice target; /* for the audit line */
	char note[160];
	char name[BW_NODE_NAME_CHARS + 1]; /* a node that is the target */
};

static struct bw_slice field(const struct job *job, size_t at)
{
	return job->form->fields[at];
}

/* The store's words when it has some, else the error's. */
static enum bw_err say(const struct job *job, enum bw_err err, const char *what, struct bw_slice subject)
{
	if (err == BW_OK)
		return BW_OK;
	return bw_why_set(job->why, err, "%s '%.*s': %s", what, BW_ARG(subject), bw_err_text(err));
}

/* NOT_FOUND, or CONFLICT when several collections have that title. */
static enum bw_err find_title(struct bw_store *store, struct bw_slice title, struct bw_collection *out)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(256 * BW_MIB);
	const struct bw_collection *found = NULL;
	struct bw_collection *list;
	size_t count;

	BW_TRY(bw_store_collections(store, &arena, &list, &count));
	for (size_t i = 0; i < count; i++) {
		if (!bw_slice_is(title, list[i].title))
			continue;
		BW_NEED(found == NULL, CONFLICT);
		found = &list[i];
	}
	BW_NEED(found != NULL, NOT_FOUND);
	*out = *found;
	return BW_OK;
}

enum bw_err bw_office_collection(struct bw_store *store, struct bw_slice name, struct bw_collection *out,
				 struct bw_why *why)
{
	enum bw_err err = bw_store_collection_find(store, name, out);

	if (err == BW_ERR_NOT_FOUND)
		err = find_title(store, name, out);
	if (err == BW_ERR_NOT_FOUND)
		return bw_why_set(why, err, "there is no collection '%.*s'; see: breakwater collection list",
				  BW_ARG(name));
	if (err == BW_ERR_CONFLICT)
		return bw_why_set(why, err,
				  "several collections are called '%.*s'; use the id: breakwater collection list",
				  BW_ARG(name));
	if (err != BW_OK)
		return bw_why_set(why, err, "cannot find collection '%.*s': %s", BW_ARG(name), bw_store_why(store));
	return BW_OK;
}

static enum bw_err find_collection(const struct job *job, struct bw_slice name, struct bw_collection *out)
{
	return bw_office_collection(job->store, name, out, job->why);
}

static enum bw_err find_account(const struct job *job, struct bw_slice name, struct bw_account *out)
{
	const enum bw_err err = bw_store_account_by_name(job->store, name, out);

	if (err == BW_ERR_NOT_FOUND)
		return bw_why_set(job->why, err, "there is no account '%.*s'; see: breakwater account list",
				  BW_ARG(name));
	return say(job, err, "cannot find account", name);
}

/* ---- collections ------------------------------------------------------- */

static enum bw_err collection_add(struct job *job)
{
	struct bw_collection c = { 0 };
	struct bw_uuid uuid;
	enum bw_err err;

	BW_TRY(say(job, bw_form_text(job->form, F_A, c.title, sizeof(c.title)), "cannot use the title",
		   field(job, F_A)));
	BW_TRY(say(job, bw_form_text(job->form, F_C, c.alias, sizeof(c.alias)), "cannot use the alias",
		   field(job, F_C)));
	BW_TRY(say(job, bw_form_text(job->form, F_D, c.description, sizeof(c.description)),
		   "cannot use the description", field(job, F_D)));
	if (field(job, F_B).len == 0)
		bw_uuid_v4(&uuid);
	else if (bw_uuid_parse(field(job, F_B), &uuid) != BW_OK || (uuid.bytes[6] >> 4) != 4)
		return bw_why_set(job->why, BW_ERR_SYNTAX,
				  "cannot use the id '%.*s': a version 4 UUID is wanted (TAXII 2.1 §2)",
				  BW_ARG(field(job, F_B)));
	bw_uuid_format(&uuid, c.id);
	err = bw_store_collection_add(job->store, &c);
	if (err == BW_ERR_EXISTS)
		return bw_why_set(job->why, err, "cannot add the collection: its id '%s'%s%s%s is taken", c.id,
				  c.alias[0] == 0 ? "" : " or its alias '", c.alias, c.alias[0] == 0 ? "" : "'");
	BW_TRY(say(job, err, "cannot add the collection", field(job, F_A)));
	return bw_buf_add_text(job->result, c.id);
}

static enum bw_err collection_remove(struct job *job)
{
	struct bw_collection c;

	BW_TRY(find_collection(job, field(job, F_A), &c));
	BW_TRY(say(job, bw_store_collection_remove(job->store, c.number), "cannot remove collection", field(job, F_A)));
	return bw_buf_addf(job->result, "%llu", (unsigned long long)c.object_count);
}

static enum bw_err collection_mark(struct job *job)
{
	const struct bw_slice marking = field(job, F_B);
	struct bw_collection c;

	BW_TRY(find_collection(job, field(job, F_A), &c));
	(void)snprintf(job->note, sizeof(job->note), "%.*s", BW_ARG(bw_slice_sub(marking, 0, BW_MARKING_TEXT)));
	return say(job, bw_store_collection_mark(job->store, c.number, marking), "cannot mark collection",
		   field(job, F_A));
}

/* ---- accounts ---------------------------------------------------------- */

static enum bw_err account_add(struct job *job)
{
	struct bw_account account = { 0 };
	uint64_t admin;
	enum bw_err err;

	BW_TRY(say(job, bw_form_text(job->form, F_A, account.name, sizeof(account.name)), "cannot use the name",
		   field(job, F_A)));
	BW_TRY(bw_form_text(job->form, F_B, account.password, sizeof(account.password)));
	BW_TRY(bw_form_num(job->form, F_C, 1, &admin));
	account.admin = admin == 1;
	err = bw_store_account_add(job->store, &account);
	if (err == BW_ERR_SYNTAX)
		return bw_why_set(
			job->why, err,
			"cannot use the name '%.*s': 1 to 64 bytes without blanks, colons and control characters",
			BW_ARG(field(job, F_A)));
	return say(job, err, "cannot add account", field(job, F_A));
}

static enum bw_err account_remove(struct job *job)
{
	struct bw_account account;

	BW_TRY(find_account(job, field(job, F_A), &account));
	return say(job, bw_store_account_remove(job->store, account.number), "cannot remove account", field(job, F_A));
}

static enum bw_err account_password(struct job *job)
{
	struct bw_account account;

	BW_TRY(find_account(job, field(job, F_A), &account));
	return say(job, bw_store_account_set_password(job->store, account.number, field(job, F_B)),
		   "cannot set the password of", field(job, F_A));
}

static enum bw_err account_disable(struct job *job)
{
	struct bw_account account;
	uint64_t disabled;

	BW_TRY(find_account(job, field(job, F_A), &account));
	BW_TRY(bw_form_num(job->form, F_B, 1, &disabled));
	(void)snprintf(job->note, sizeof(job->note), "%s", disabled == 1 ? "kept out" : "let in");
	return say(job, bw_store_account_set_disabled(job->store, account.number, disabled == 1),
		   "cannot change account", field(job, F_A));
}

static enum bw_err account_key(struct job *job)
{
	struct bw_account account;

	BW_TRY(find_account(job, field(job, F_A), &account));
	BW_NEED(field(job, F_B).len == BW_ACCOUNT_HASH_BYTES, PROTOCOL);
	return say(job, bw_store_account_add_key(job->store, account.number, field(job, F_B).ptr, field(job, F_C)),
		   "cannot add a key to", field(job, F_A));
}

static enum bw_err account_cert(struct job *job)
{
	struct bw_account account;

	BW_TRY(find_account(job, field(job, F_A), &account));
	BW_NEED(field(job, F_B).len == BW_ACCOUNT_HASH_BYTES, PROTOCOL);
	return say(job, bw_store_account_add_cert(job->store, account.number, field(job, F_B).ptr, field(job, F_C)),
		   "cannot add a certificate to", field(job, F_A));
}

static enum bw_err account_revoke(struct job *job)
{
	struct bw_account account;

	BW_TRY(find_account(job, field(job, F_A), &account));
	BW_TRY(say(job, bw_store_account_set_password(job->store, account.number, bw_slice_empty),
		   "cannot revoke the password of", field(job, F_A)));
	return say(job, bw_store_account_revoke(job->store, account.number), "cannot revoke keys of", field(job, F_A));
}

static enum bw_err grant(struct job *job)
{
	static const char *const words[] = { "none", "read", "write", "both" };
	struct bw_account account;
	struct bw_collection c;
	uint64_t to;

	BW_TRY(find_account(job, field(job, F_A), &account));
	BW_TRY(find_collection(job, field(job, F_B), &c));
	BW_TRY(bw_form_num(job->form, F_C, BW_GRANT_BOTH, &to));
	(void)snprintf(job->note, sizeof(job->note), "collection %s: %s", c.id, words[to]);
	return say(job, bw_store_grant_set(job->store, account.number, c.number, (enum bw_grant)to), "cannot grant to",
		   field(job, F_A));
}

/* ---- objects ----------------------------------------------------------- */

/* Some of what was refused, and why: id, message, id, message … The counts beside it are whole. */
static enum bw_err add_refused(const struct bw_put_tally *tally, struct bw_buf *result)
{
	struct bw_slice items[2 * BW_OFFICE_REFUSED_MAX];
	size_t count = 0;

	for (size_t i = 0; i < tally->failure_count && count < BW_COUNT(items); i++) {
		items[count++] = bw_slice_sub(tally->failures[i].id, 0, BW_OFFICE_REFUSED_BYTES);
		items[count++] = bw_slice_sub(tally->failures[i].message, 0, BW_OFFICE_REFUSED_BYTES);
	}
	return bw_form_add_list(result, items, count);
}

static enum bw_err import(struct job *job)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(512 * BW_MIB);
	struct bw_put_tally tally;
	struct bw_collection c;
	uint64_t total;

	BW_TRY(find_collection(job, field(job, F_A), &c));
	BW_TRY(bw_form_num(job->form, F_B, UINT32_MAX, &total));
	BW_TRY(say(job, bw_office_put(job->store, c.number, job->fd, total, field(job, F_C), &arena, &tally),
		   "cannot store objects in", field(job, F_A)));
	(void)snprintf(job->note, sizeof(job->note), "added %llu, already there %llu, refused %llu",
		       (unsigned long long)tally.added, (unsigned long long)tally.duplicate,
		       (unsigned long long)(tally.total - tally.added - tally.duplicate));
	/* added and duplicates apart, then what failed: fields the caller takes with bw_form_take */
	BW_TRY(bw_form_add_num(job->result, tally.total));
	BW_TRY(bw_form_add_num(job->result, tally.added));
	BW_TRY(bw_form_add_num(job->result, tally.duplicate));
	BW_TRY(bw_form_add_num(job->result, tally.conflict));
	BW_TRY(bw_form_add_num(job->result, tally.revoked));
	BW_TRY(bw_form_add_num(job->result, tally.erased));
	BW_TRY(bw_form_add_num(job->result, tally.invalid));
	return add_refused(&tally, job->result);
}

static enum bw_err delete_object(struct job *job)
{
	const struct bw_slice id = field(job, F_B);
	struct bw_query query = { .ids = &id, .id_count = 1, .added_after_us = -1 };
	struct bw_collection c;
	uint64_t removed;

	BW_TRY(find_collection(job, field(job, F_A), &c));
	query.collection = c.number;
	BW_TRY(say(job, bw_store_delete(job->store, &query, &removed), "cannot delete", id));
	job->target = id;
	return bw_buf_addf(job->result, "%llu", (unsigned long long)removed);
}

static enum bw_err erase(struct job *job)
{
	uint64_t removed;

	BW_TRY(say(job, bw_store_erase(job->store, field(job, F_A), field(job, F_B), &removed), "cannot erase",
		   field(job, F_A)));
	(void)snprintf(job->note, sizeof(job->note), "%llu versions: %.*s", (unsigned long long)removed,
		       (int)(field(job, F_B).len > 80 ? 80 : field(job, F_B).len), (const char *)field(job, F_B).ptr);
	return bw_buf_addf(job->result, "%llu", (unsigned long long)removed);
}

static enum bw_err compact(struct job *job)
{
	const enum bw_err err = bw_store_compact(job->store);

	if (err != BW_OK)
		return bw_why_set(job->why, err, "cannot compact: %s", bw_store_why(job->store));
	return BW_OK;
}

static enum bw_err backup(struct job *job)
{
	char folder[4096];
	enum bw_err err;

	BW_TRY(say(job, bw_form_text(job->form, F_A, folder, sizeof(folder)), "cannot back up to", field(job, F_A)));
	err = bw_store_backup(job->store, folder, NULL, NULL);
	if (err != BW_OK)
		return bw_why_set(job->why, err, "cannot back up to '%s': %s", folder, bw_store_why(job->store));
	return BW_OK;
}

static enum bw_err note(struct job *job)
{
	job->target = field(job, F_B);
	(void)snprintf(job->note, sizeof(job->note), "%.*s", BW_ARG(bw_slice_sub(field(job, F_C), 0, 150)));
	return BW_OK;
}

static enum bw_err partner(struct job *job)
{
	struct bw_partner_tally tally;
	uint64_t refused;

	BW_NEED(field(job, F_A).len == BW_SHA256_BYTES, PROTOCOL);
	bw_node_name(field(job, F_A).ptr, job->name);
	job->target = bw_slice_text(job->name);
	BW_TRY(say(job, bw_office_partner(job->store, field(job, F_A), field(job, F_B), job->fd, &tally),
		   "cannot store what came from", job->target));
	refused = tally.conflict + tally.revoked + tally.erased;
	(void)snprintf(job->note, sizeof(job->note), "added %llu, already there %llu, refused %llu, not taken %llu",
		       (unsigned long long)tally.added, (unsigned long long)tally.duplicate,
		       (unsigned long long)refused, (unsigned long long)tally.skipped);
	BW_TRY(bw_form_add_num(job->result, tally.added));
	BW_TRY(bw_form_add_num(job->result, tally.duplicate));
	BW_TRY(bw_form_add_num(job->result, tally.conflict));
	BW_TRY(bw_form_add_num(job->result, tally.revoked));
	BW_TRY(bw_form_add_num(job->result, tally.erased));
	BW_TRY(bw_form_add_num(job->result, tally.skipped));
	return bw_form_add_text(job->result, tally.collection.id);
}

static enum bw_err accord_over(struct job *job)
{
	uint64_t count;

	BW_NEED(field(job, F_A).len == BW_SHA256_BYTES && field(job, F_B).len == BW_SHA256_BYTES, PROTOCOL);
	bw_node_name(field(job, F_A).ptr, job->name);
	job->target = bw_slice_text(job->name);
	BW_TRY(say(job, bw_store_accord_over(job->store, field(job, F_A).ptr, field(job, F_B).ptr, &count),
		   "cannot end what came from", job->target));
	(void)snprintf(job->note, sizeof(job->note), "versions to be erased %llu", (unsigned long long)count);
	return bw_form_add_num(job->result, count);
}

static enum bw_err no_verb(struct job *job)
{
	(void)job;
	return BW_ERR_UNSUPPORTED;
}

/* ---- all --------------------------------------------------------------- */

static enum bw_err (*const verbs[BW_OFFICE_VERB_COUNT])(struct job *) = {
	[BW_OFFICE_COLLECTION_ADD] = collection_add,
	[BW_OFFICE_COLLECTION_REMOVE] = collection_remove,
	[BW_OFFICE_ACCOUNT_ADD] = account_add,
	[BW_OFFICE_ACCOUNT_REMOVE] = account_remove,
	[BW_OFFICE_ACCOUNT_PASSWORD] = account_password,
	[BW_OFFICE_ACCOUNT_DISABLE] = account_disable,
	[BW_OFFICE_ACCOUNT_KEY] = account_key,
	[BW_OFFICE_ACCOUNT_CERT] = account_cert,
	[BW_OFFICE_ACCOUNT_REVOKE] = account_revoke,
	[BW_OFFICE_GRANT] = grant,
	[BW_OFFICE_IMPORT] = import,
	[BW_OFFICE_DELETE] = delete_object,
	[BW_OFFICE_ERASE] = erase,
	[BW_OFFICE_COMPACT] = compact,
	[BW_OFFICE_BACKUP] = backup,
	[BW_OFFICE_NOTE] = note,
	[BW_OFFICE_MEMORY] = no_verb, /* the keeper answers these two: there is a file to pass */
	[BW_OFFICE_BULLETIN] = no_verb,
	[BW_OFFICE_COLLECTION_MARK] = collection_mark,
	[BW_OFFICE_PARTNER] = partner,
	[BW_OFFICE_ACCORD_OVER] = accord_over,
};

/* What an operator brings is this node's own (`import`), and what he wants gone he erases by name. */
static bool is_for_ledger_alone(enum bw_office_verb verb)
{
	return verb == BW_OFFICE_PARTNER || verb == BW_OFFICE_ACCORD_OVER;
}

static bool is_for_ledger(enum bw_office_verb verb)
{
	return is_for_ledger_alone(verb) || verb == BW_OFFICE_NOTE || verb == BW_OFFICE_MEMORY ||
	       verb == BW_OFFICE_BULLETIN;
}

bool bw_office_may(enum bw_office_who who, const struct bw_form *form)
{
	uint64_t verb;

	if (bw_form_num(form, F_VERB, BW_OFFICE_VERB_COUNT - 1, &verb) != BW_OK)
		return false;
	if (who == BW_OFFICE_OPERATOR)
		return !is_for_ledger_alone((enum bw_office_verb)verb);
	if (!is_for_ledger((enum bw_office_verb)verb))
		return false;
	return verb != BW_OFFICE_NOTE || bw_slice_starts(form->fields[F_A], BW_LIT("accord-"));
}

static enum bw_err audit(const struct job *job, enum bw_office_who who, enum bw_office_verb verb)
{
	const bool own_words = verb == BW_OFFICE_NOTE;
	const struct bw_audit_fact fact = {
		.account = who == BW_OFFICE_LEDGER ? BW_LIT("accord") : BW_LIT("local"),
		.address = bw_slice_empty,
		.action = own_words ? field(job, F_A) : bw_slice_text(bw_office_name(verb)),
		.target = job->target,
		.count = 1,
		.note = bw_slice_text(job->note),
	};

	return bw_store_audit_add(job->store, &fact);
}

enum bw_err bw_office_do(struct bw_store *store, enum bw_office_who who, const struct bw_form *form, int fd,
			 struct bw_buf *result, struct bw_why *why)
{
	struct job job = { .store = store, .form = form, .fd = fd, .result = result, .why = why };
	uint64_t verb;

	BW_NEED(bw_office_may(who, form), DENIED);
	BW_TRY(bw_form_num(form, F_VERB, BW_OFFICE_VERB_COUNT - 1, &verb));
	job.target = form->fields[F_A];
	BW_TRY(verbs[verb](&job));
	return say(&job, audit(&job, who, (enum bw_office_verb)verb), "cannot write the audit log for", job.target);
}
