/* `breakwater account …`: who may come in, with what, and what they may do. */
#include <stdio.h>

#include "base/command.h"
#include "codec/json_text.h"
#include "crypto/cert.h"
#include "crypto/password.h"
#include "crypto/secret_input.h"
#include "desk/desk_command.h"
#include "store/accounts.h"
#include "sys/clock.h"
#include "sys/files.h"

enum { LABEL_BYTES = 64 };

static const char *const grant_words[] = { "none", "read", "write", "both" };

/* ---- what proves an account ---------------------------------------------- */

/* "made 2026-11-23T02:13:54.000000Z", so that a list of keys means something later. */
static struct bw_slice label_now(char room[LABEL_BYTES])
{
	char time[BW_TIME_BYTES];

	bw_time_format(bw_clock_now_us(), time);
	(void)snprintf(room, LABEL_BYTES, "made %s", time);
	return bw_slice_text(room);
}

/* Short ones are guessed; what makes a long one good is the account holder's business. */
enum { PASSWORD_MIN = 8 };

static enum bw_err read_password(const char *name, char phc[BW_PASSWORD_HASH_BYTES], struct bw_why *why)
{
	BW_CLEANUP(bw_secret_wipe) struct bw_secret password = { 0 };
	char prompt[128];

	(void)snprintf(prompt, sizeof(prompt), "password for %.80s", name);
	BW_TRY(bw_secret_from_stdin(prompt, BW_PASSWORD_MAX, &password, why));
	if (password.len < PASSWORD_MIN)
		return bw_why_set(why, BW_ERR_RANGE, "a password has at least %d bytes; three or four words do well",
				  PASSWORD_MIN);
	return bw_password_hash(bw_secret_slice(&password), phc);
}

/* Makes a key and has its hash kept; `key` is the only copy of it. */
static enum bw_err give_key(struct bw_desk *desk, struct bw_slice name, struct bw_secret *key, struct bw_why *why)
{
	uint8_t hash[BW_SHA256_BYTES];
	char room[LABEL_BYTES];

	BW_TRY(bw_api_key_make(key));
	BW_TRY(bw_api_key_hash(bw_secret_slice(key), hash));
	return bw_desk_do(desk, BW_OFFICE_ACCOUNT_KEY,
			  (const struct bw_slice[]){ name, bw_slice_of(hash, sizeof(hash)), label_now(room) }, 3, -1,
			  NULL, why);
}

/* The key goes to standard output alone, so that a script can take it with no more than a pipe. */
static int show_account(const struct bw_call *call, const char *did, struct bw_slice name, const struct bw_secret *key)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf json = BW_BUF_INIT(4096);
	enum bw_err err;

	if (!bw_call_json(call)) {
		(void)printf("%s %.*s\n", did, BW_ARG(name));
		if (key->len > 0)
			(void)printf("API key, shown this once:  %.*s\n", BW_ARG(bw_secret_slice(key)));
		return BW_EXIT_OK;
	}
	err = bw_buf_add_u8(&json, '{');
	if (err == BW_OK)
		err = bw_json_add_text(&json, "account", name);
	if (err == BW_OK && key->len > 0)
		err = bw_json_add_text(&json, "api_key", bw_secret_slice(key));
	if (err == BW_OK)
		err = bw_buf_add_u8(&json, '}');
	return bw_print_json(call, err, &json);
}

/* ---- add, key --------------------------------------------------------------- */

static enum bw_err add_account(struct bw_desk *desk, const struct bw_call *call, struct bw_slice phc,
			       struct bw_secret *key, struct bw_why *why)
{
	const struct bw_slice name = bw_slice_text(bw_call_arg(call, 0));
	uint8_t admin[8];
	enum bw_err err;

	BW_TRY(bw_desk_do(
		desk, BW_OFFICE_ACCOUNT_ADD,
		(const struct bw_slice[]){ name, phc, bw_desk_num(bw_call_flag(call, "admin") ? 1 : 0, admin) }, 3, -1,
		NULL, why));
	if (!bw_call_flag(call, "api-key"))
		return BW_OK;
	err = give_key(desk, name, key, why);
	if (err == BW_OK)
		return BW_OK;
	return bw_why_set(why, err,
			  "the account '%.*s' was added, but without a key (%s); try: breakwater account key %.*s",
			  BW_ARG(name), bw_err_text(err), BW_ARG(name));
}

static int add_run(struct bw_call *call)
{
	BW_CLEANUP(bw_secret_wipe) struct bw_secret key = { 0 };
	const char *name = bw_call_arg(call, 0);
	char phc[BW_PASSWORD_HASH_BYTES] = "";
	struct bw_why why = { 0 };
	enum bw_err err = BW_OK;
	struct bw_desk *desk;
	int status;

	/* before the desk: while somebody types, others may write */
	if (bw_call_flag(call, "password-stdin"))
		err = read_password(name, phc, &why);
	if (err != BW_OK)
		return bw_complain_why(call, err, &why);
	desk = bw_desk_for(call, &status);
	if (desk == NULL)
		return status;
	err = add_account(desk, call, bw_slice_text(phc), &key, &why);
	bw_desk_close(desk);
	if (err != BW_OK)
		return bw_complain_why(call, err, &why);
	status = show_account(call, "added", bw_slice_text(name), &key);
	if (status == BW_EXIT_OK && key.len == 0 && phc[0] == 0)
		(void)fprintf(stderr, "nobody can log in as it yet; give it one of: account key, account password, "
				      "account certificate\n");
	return status;
}

static int key_run(struct bw_call *call)
{
	BW_CLEANUP(bw_secret_wipe) struct bw_secret key = { 0 };
	const struct bw_slice name = bw_slice_text(bw_call_arg(call, 0));
	struct bw_why why = { 0 };
	int status;
	struct bw_desk *desk = bw_desk_for(call, &status);
	enum bw_err err;

	if (desk == NULL)
		return status;
	err = give_key(desk, name, &key, &why);
	bw_desk_close(desk);
	if (err != BW_OK)
		return bw_complain_why(call, err, &why);
	return show_account(call, "a new key for", name, &key);
}

/* ---- password, certificate ----------------------------------------------------- */

static int password_run(struct bw_call *call)
{
	const char *name = bw_call_arg(call, 0);
	char phc[BW_PASSWORD_HASH_BYTES] = "";
	struct bw_why why = { 0 };
	enum bw_err err;

	if (!bw_call_flag(call, "password-stdin"))
		return bw_complain(call, BW_EXIT_USAGE, "say: breakwater account password NAME --password-stdin",
				   "a password is read from standard input only, because a command line can be seen");
	err = read_password(name, phc, &why);
	if (err != BW_OK)
		return bw_complain_why(call, err, &why);
	return bw_errand_run(call,
			     &(struct bw_errand){
				     .verb = BW_OFFICE_ACCOUNT_PASSWORD,
				     .fields = (const struct bw_slice[]){ bw_slice_text(name), bw_slice_text(phc) },
				     .count = 2,
				     .say = "password set; the old one no longer works",
			     });
}

static enum bw_err read_print(const struct bw_call *call, uint8_t out[BW_SHA256_BYTES], struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf pem = BW_BUF_INIT(BW_CERT_PEM_MAX);
	const char *path = bw_call_arg(call, 1);
	const char *text = bw_call_text(call, "fingerprint");
	struct bw_cert_facts facts;

	if (text != NULL) {
		if (bw_fingerprint_parse(bw_slice_text(text), out) != BW_OK)
			return bw_why_set(why, BW_ERR_SYNTAX,
					  "'%s' is not a SHA-256 fingerprint: 64 hexadecimal digits", text);
		return BW_OK;
	}
	BW_TRY(bw_file_read(path, &pem, why));
	if (bw_cert_read(bw_buf_slice(&pem), &facts) != BW_OK)
		return bw_why_set(why, BW_ERR_SYNTAX, "there is no certificate (PEM) in '%s'", path);
	memcpy(out, facts.fingerprint, BW_SHA256_BYTES);
	return BW_OK;
}

static int certificate_run(struct bw_call *call)
{
	uint8_t print[BW_SHA256_BYTES];
	char hex[BW_FINGERPRINT_CHARS + 1];
	char say[BW_FINGERPRINT_CHARS + 64];
	char room[LABEL_BYTES];
	struct bw_why why = { 0 };
	enum bw_err err;

	if ((bw_call_args(call) == 2) == (bw_call_text(call, "fingerprint") != NULL))
		return bw_complain(call, BW_EXIT_USAGE, NULL, "give either a certificate file or --fingerprint");
	err = read_print(call, print, &why);
	if (err != BW_OK)
		return bw_complain_why(call, err, &why);
	bw_fingerprint_format(print, hex);
	(void)snprintf(say, sizeof(say), "certificate added: SHA-256 %s", hex);
	return bw_errand_run(
		call, &(struct bw_errand){
			      .verb = BW_OFFICE_ACCOUNT_CERT,
			      .fields = (const struct bw_slice[]){ bw_slice_text(bw_call_arg(call, 0)),
								   bw_slice_of(print, sizeof(print)), label_now(room) },
			      .count = 3,
			      .say = say,
		      });
}

/* ---- grant, revoke, disable, enable, remove --------------------------------------- */

static int grant_run(struct bw_call *call)
{
	const char *word = bw_call_arg(call, 2);
	uint64_t grant = 0;
	uint8_t room[8];

	while (grant < BW_COUNT(grant_words) && strcmp(word, grant_words[grant]) != 0)
		grant++;
	if (grant == BW_COUNT(grant_words))
		return bw_complain(call, BW_EXIT_USAGE, NULL, "'%s' is no right: say none, read, write or both", word);
	return bw_errand_run(call, &(struct bw_errand){
					   .verb = BW_OFFICE_GRANT,
					   .fields = (const struct bw_slice[]){ bw_slice_text(bw_call_arg(call, 0)),
										bw_slice_text(bw_call_arg(call, 1)),
										bw_desk_num(grant, room) },
					   .count = 3,
					   .say = "granted",
				   });
}

static int by_name(const struct bw_call *call, enum bw_office_verb verb, const char *say)
{
	const struct bw_slice name = bw_slice_text(bw_call_arg(call, 0));

	return bw_errand_run(call, &(struct bw_errand){ .verb = verb, .fields = &name, .count = 1, .say = say });
}

static int revoke_run(struct bw_call *call)
{
	return by_name(call, BW_OFFICE_ACCOUNT_REVOKE,
		       "its password and every key and certificate of it are void from now on");
}

static int remove_run(struct bw_call *call)
{
	return by_name(call, BW_OFFICE_ACCOUNT_REMOVE, "removed");
}

static int set_disabled(const struct bw_call *call, bool disabled)
{
	uint8_t room[8];

	return bw_errand_run(call, &(struct bw_errand){
					   .verb = BW_OFFICE_ACCOUNT_DISABLE,
					   .fields = (const struct bw_slice[]){ bw_slice_text(bw_call_arg(call, 0)),
										bw_desk_num(disabled ? 1 : 0, room) },
					   .count = 2,
					   .say = disabled ? "disabled; 'enable' lets it in again" : "enabled",
				   });
}

static int disable_run(struct bw_call *call)
{
	return set_disabled(call, true);
}

static int enable_run(struct bw_call *call)
{
	return set_disabled(call, false);
}

/* ---- list ---------------------------------------------------------------------------- */

struct listing {
	const struct bw_call *call;
	struct bw_store *store;
	struct bw_arena arena;
	struct bw_account *accounts;
	size_t account_count;
	struct bw_collection *collections;
	size_t collection_count;
};

static enum bw_err add_grants(const struct listing *l, const struct bw_account *account, struct bw_buf *out)
{
	BW_TRY(bw_json_add_name(out, "grants"));
	BW_TRY(bw_buf_add_u8(out, '['));
	for (size_t i = 0; i < l->collection_count; i++) {
		enum bw_grant grant;

		BW_TRY(bw_store_grant_get(l->store, account->number, l->collections[i].number, &grant));
		if (grant == BW_GRANT_NONE)
			continue;
		BW_TRY(bw_buf_add_text(out, out->ptr[out->len - 1] == '[' ? "{" : ",{"));
		BW_TRY(bw_json_add_text(out, "collection", bw_slice_text(l->collections[i].id)));
		BW_TRY(bw_json_add_text(out, "title", bw_slice_text(l->collections[i].title)));
		BW_TRY(bw_json_add_text(out, "may", bw_slice_text(grant_words[grant])));
		BW_TRY(bw_buf_add_u8(out, '}'));
	}
	return bw_buf_add_u8(out, ']');
}

/* Keys by the words they were given: of the key itself only a hash is here, and that helps nobody. */
static enum bw_err add_proofs(struct listing *l, const struct bw_account *account, bool certificates,
			      struct bw_buf *out)
{
	struct bw_account_proof *proofs;
	size_t count;

	BW_TRY(bw_store_account_proofs(l->store, account->number, &l->arena, &proofs, &count));
	BW_TRY(bw_json_add_name(out, certificates ? "certificates" : "keys"));
	BW_TRY(bw_buf_add_u8(out, '['));
	for (size_t i = 0; i < count; i++) {
		char time[BW_TIME_BYTES];
		char hex[BW_FINGERPRINT_CHARS + 1];

		if (proofs[i].certificate != certificates)
			continue;
		bw_time_format(proofs[i].created_us, time);
		bw_fingerprint_format(proofs[i].print, hex);
		BW_TRY(bw_buf_add_text(out, out->ptr[out->len - 1] == '[' ? "{" : ",{"));
		if (certificates)
			BW_TRY(bw_json_add_text(out, "sha256", bw_slice_text(hex)));
		BW_TRY(bw_json_add_text(out, "label", proofs[i].label));
		BW_TRY(bw_json_add_text(out, "created", bw_slice_text(time)));
		BW_TRY(bw_buf_add_u8(out, '}'));
	}
	return bw_buf_add_u8(out, ']');
}

static enum bw_err print_row_json(struct listing *l, const struct bw_account *account)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(64 * BW_MIB);
	char time[BW_TIME_BYTES];

	bw_time_format(account->created_us, time);
	BW_TRY(bw_buf_add_u8(&out, '{'));
	BW_TRY(bw_json_add_text(&out, "account", bw_slice_text(account->name)));
	BW_TRY(bw_json_add_bool(&out, "admin", account->admin));
	BW_TRY(bw_json_add_bool(&out, "disabled", account->disabled));
	BW_TRY(bw_json_add_bool(&out, "password", account->password[0] != 0));
	BW_TRY(bw_json_add_text(&out, "created", bw_slice_text(time)));
	BW_TRY(add_proofs(l, account, false, &out));
	BW_TRY(add_proofs(l, account, true, &out));
	BW_TRY(add_grants(l, account, &out));
	BW_TRY(bw_buf_add_u8(&out, '}'));
	(void)puts(bw_buf_text(&out));
	return BW_OK;
}

static enum bw_err print_proofs(struct listing *l, const struct bw_account *account)
{
	struct bw_account_proof *proofs;
	size_t count;

	BW_TRY(bw_store_account_proofs(l->store, account->number, &l->arena, &proofs, &count));
	for (size_t i = 0; i < count; i++) {
		char hex[BW_FINGERPRINT_CHARS + 1] = "";

		if (proofs[i].certificate)
			bw_fingerprint_format(proofs[i].print, hex);
		(void)printf("  %s, %.*s%s%s\n", proofs[i].certificate ? "certificate" : "API key",
			     BW_ARG(proofs[i].label), proofs[i].certificate ? ", SHA-256 " : "", hex);
	}
	return BW_OK;
}

static enum bw_err print_row_text(struct listing *l, const struct bw_account *account)
{
	(void)printf("%s%s%s%s\n", account->name, account->admin ? "  admin: everything" : "",
		     account->password[0] != 0 ? "  with a password" : "", account->disabled ? "  DISABLED" : "");
	BW_TRY(print_proofs(l, account));
	for (size_t i = 0; i < l->collection_count; i++) {
		enum bw_grant grant;

		BW_TRY(bw_store_grant_get(l->store, account->number, l->collections[i].number, &grant));
		if (grant != BW_GRANT_NONE)
			(void)printf("  %-5s  %s  %s\n", grant_words[grant], l->collections[i].id,
				     l->collections[i].title);
	}
	return BW_OK;
}

static enum bw_err print_accounts(struct listing *l)
{
	BW_TRY(bw_store_accounts(l->store, &l->arena, &l->accounts, &l->account_count));
	BW_TRY(bw_store_collections(l->store, &l->arena, &l->collections, &l->collection_count));
	for (size_t i = 0; i < l->account_count; i++)
		BW_TRY(bw_call_json(l->call) ? print_row_json(l, &l->accounts[i]) : print_row_text(l, &l->accounts[i]));
	if (l->account_count == 0 && !bw_call_json(l->call))
		(void)puts("no accounts yet; make one with: breakwater account add NAME --password-stdin");
	return BW_OK;
}

static int list_run(struct bw_call *call)
{
	struct listing l = { .call = call, .arena = BW_ARENA_INIT(512 * BW_MIB) };
	int status;
	struct bw_desk *desk = bw_desk_for(call, &status);
	enum bw_err err;

	if (desk == NULL)
		return status;
	l.store = bw_desk_store(desk);
	err = print_accounts(&l);
	if (err != BW_OK)
		status = bw_complain_store(call, desk, err, "list accounts");
	bw_arena_release(&l.arena);
	bw_desk_close(desk);
	return status;
}

/* ---- rows ------------------------------------------------------------------------------ */

static const struct bw_option add_options[] = {
	{ .name = "password-stdin",
	  .kind = BW_OPT_FLAG,
	  .help = "read a password from standard input, at least 8 bytes" },
	{ .name = "api-key", .kind = BW_OPT_FLAG, .help = "make an API key and show it this once" },
	{ .name = "admin", .kind = BW_OPT_FLAG, .help = "may read and write everything, and read metrics" },
	{ 0 },
};

static const struct bw_option password_options[] = {
	{ .name = "password-stdin",
	  .kind = BW_OPT_FLAG,
	  .help = "read the password from standard input, at least 8 bytes" },
	{ 0 },
};

static const struct bw_option certificate_options[] = {
	{ .name = "fingerprint",
	  .kind = BW_OPT_TEXT,
	  .value_name = "HEX",
	  .help = "SHA-256 of the certificate, instead of a file with it" },
	{ 0 },
};

#define NAMED(verb, words, function)                                                                           \
	{                                                                                                      \
		.name = verb, .summary = words, .usage = "NAME", .min_args = 1, .max_args = 1, .run = function \
	}

static const struct bw_command account_verbs[] = {
	{ .name = "add",
	  .summary = "make an account",
	  .usage = "NAME",
	  .details = "A new account may come in with what it is given here or later: a password (HTTP Basic), an API "
		     "key (Authorization: Bearer), a client certificate. It sees nothing before 'grant'. On a terminal "
		     "the password is asked for and not shown; in a pipe it is all of standard input without the last "
		     "line end.",
	  .options = add_options,
	  .min_args = 1,
	  .max_args = 1,
	  .run = add_run },
	{ .name = "list",
	  .summary = "list accounts and what they may do",
	  .usage = "",
	  .max_args = 0,
	  .run = list_run },
	{ .name = "grant",
	  .summary = "say what an account may do with a collection",
	  .usage = "NAME COLLECTION none|read|write|both",
	  .details = "COLLECTION is the collection's id or alias, or its title when no other has the same. It counts "
		     "from the next request on.",
	  .min_args = 3,
	  .max_args = 3,
	  .run = grant_run },
	{ .name = "password",
	  .summary = "set the password of an account",
	  .usage = "NAME --password-stdin",
	  .options = password_options,
	  .min_args = 1,
	  .max_args = 1,
	  .run = password_run },
	NAMED("key", "make a new API key for an account and show it this once", key_run),
	{ .name = "certificate",
	  .summary = "let an account in by a client certificate",
	  .usage = "NAME FILE",
	  .details = "The first certificate in FILE (PEM), or the one with that --fingerprint, proves the account. "
		     "'revoke' takes it away again.",
	  .options = certificate_options,
	  .min_args = 1,
	  .max_args = 2,
	  .run = certificate_run },
	NAMED("revoke", "make the password and every API key and certificate of an account void", revoke_run),
	NAMED("disable", "keep an account out until it is enabled", disable_run),
	NAMED("enable", "let a disabled account in again", enable_run),
	NAMED("remove", "remove an account with its keys, certificates and grants", remove_run),
	{ 0 },
};

const struct bw_command bw_account_command = {
	.name = "account",
	.summary = "make accounts, say what they may do, take it back",
	.usage = "add|list|grant|password|key|certificate|revoke|disable|enable|remove",
	.details = "Changes count from the next request on, also in a running server, and each is a line in the audit "
		   "log.",
	.verbs = account_verbs,
};
