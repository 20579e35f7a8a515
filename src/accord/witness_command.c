/*
 * `breakwater witness …`: an independent operator's witness (C2SP tlog-witness). A folder of its own holds its keys,
 * the logs it knows, and for each the latest size and root it cosigned: a few hundred bytes, and nothing of what is in
 * the logs.
 *
 *   witness.keys   "BWWITNESS1\n" | two seeds of 32 bytes: Ed25519, ML-DSA-44 | name
 *   logs           a line for each key of a log: vkey (C2SP signed-note); '#' begins a comment
 *   slate          accord/slate.h
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "accord/notary.h"
#include "accord/run_words.h"
#include "accord/witness_inner.h"
#include "base/command.h"
#include "base/log.h"
#include "base/text.h"
#include "codec/json_text.h"
#include "desk/desk_command.h"
#include "net/address.h"
#include "sys/files.h"

#define MAGIC "BWWITNESS1\n"

enum { SEEDS_BYTES = BW_NOTARY_KEYS * BW_SIGN_SEED_BYTES, LOGS_BYTES = 4 * 1024 * 1024 };

/* A witness at rest: its name and its seeds. */
struct self {
	struct bw_secret file;
	struct bw_slice seeds;
	struct bw_slice name;
};

static enum bw_err path_of(const struct bw_call *call, const char *name, char out[BW_PATH_BYTES])
{
	return bw_path_join(out, bw_call_data(call), name);
}

static enum bw_err open_self(const struct bw_call *call, struct self *out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf bytes = BW_BUF_INIT(BW_KIB);
	char path[BW_PATH_BYTES];
	struct bw_slice rest;

	BW_TRY(path_of(call, "witness.keys", path));
	if (!bw_file_exists(path))
		return bw_why_set(why, BW_ERR_NOT_FOUND,
				  "there is no witness in '%s'; to make one: breakwater witness init --name NAME",
				  bw_call_data(call));
	BW_TRY(bw_buf_reserve(&bytes, BW_KIB - 1)); /* growing would leave copies behind */
	BW_TRY(bw_file_read(path, &bytes, why));
	if (!bw_slice_starts(bw_buf_slice(&bytes), BW_LIT(MAGIC)) || bytes.len <= sizeof(MAGIC) - 1 + SEEDS_BYTES)
		return bw_why_set(why, BW_ERR_SYNTAX, "'%s' holds no keys of a witness", path);
	BW_TRY(bw_secret_set(&out->file, bw_buf_slice(&bytes)));
	rest = bw_slice_from(bw_secret_slice(&out->file), sizeof(MAGIC) - 1);
	out->seeds = bw_slice_sub(rest, 0, SEEDS_BYTES);
	out->name = bw_slice_from(rest, SEEDS_BYTES);
	return BW_OK;
}

/* ---- init, key ------------------------------------------------------------------------------- */

static enum bw_err make_self(const struct bw_call *call, struct bw_slice name, struct bw_why *why)
{
	BW_CLEANUP(bw_secret_wipe) struct bw_secret file = { 0 };
	char path[BW_PATH_BYTES];
	enum bw_err err;

	if (!bw_note_name_is_valid(name))
		return bw_why_set(why, BW_ERR_USAGE,
				  "a witness's name is a domain or URL without scheme, spaces or plus signs, such as "
				  "witness.example/one");
	if (mkdir(bw_call_data(call), 0700) != 0 && errno != EEXIST)
		return bw_why_errno(why, errno, "make", bw_call_data(call));
	BW_TRY(path_of(call, "witness.keys", path));
	BW_TRY(bw_secret_make(&file, sizeof(MAGIC) - 1 + SEEDS_BYTES + name.len));
	memcpy(file.ptr, MAGIC, sizeof(MAGIC) - 1);
	bw_random(file.ptr + sizeof(MAGIC) - 1, SEEDS_BYTES);
	memcpy(file.ptr + sizeof(MAGIC) - 1 + SEEDS_BYTES, name.ptr, name.len);
	err = bw_file_create(path, bw_secret_slice(&file), 0600, why);
	return err == BW_ERR_EXISTS ? bw_why_set(why, err, "there is a witness in '%s' already", bw_call_data(call))
				    : err;
}

static enum bw_err read_keys(const struct bw_call *call, struct bw_vkey out[BW_NOTARY_KEYS], struct bw_why *why)
{
	struct self self = { .file = { 0 } };
	struct bw_notary *notary = NULL;
	enum bw_err err = open_self(call, &self, why);

	if (err == BW_OK)
		err = bw_notary_new(bw_slice_empty, self.seeds, self.name, NULL, &notary);
	if (err == BW_OK)
		bw_notary_witness_keys(notary, out);
	bw_notary_free(notary);
	bw_secret_wipe(&self.file);
	return err;
}

static enum bw_err print_keys(const struct bw_call *call, struct bw_why *why)
{
	struct bw_vkey keys[BW_NOTARY_KEYS];

	BW_TRY(read_keys(call, keys, why));
	for (size_t i = 0; i < BW_NOTARY_KEYS; i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(BW_VKEY_TEXT_MAX + 64);

		if (bw_call_json(call)) {
			BW_CLEANUP(bw_buf_release) struct bw_buf json = BW_BUF_INIT(2 * BW_VKEY_TEXT_MAX);

			BW_TRY(bw_vkey_add(&line, &keys[i]));
			BW_TRY(bw_buf_add_u8(&json, '{'));
			BW_TRY(bw_json_add_text(&json, "key", bw_buf_slice(&line)));
			BW_TRY(bw_json_add_text(&json, "algorithm", bw_slice_text(i == 0 ? "ed25519" : "ml-dsa-44")));
			BW_TRY(bw_buf_add_u8(&json, '}'));
			(void)printf("%s\n", bw_buf_text(&json));
			continue;
		}
		BW_TRY(bw_vkey_add(&line, &keys[i]));
		(void)printf("%s\n", bw_buf_text(&line));
	}
	return BW_OK;
}

static int finish(struct bw_call *call, enum bw_err err, struct bw_why *why)
{
	if (err == BW_OK)
		return BW_EXIT_OK;
	if (err == BW_ERR_USAGE)
		return bw_complain(call, BW_EXIT_USAGE, NULL, "%s", why->text);
	return bw_complain_why(call, err, why);
}

static int init_run(struct bw_call *call)
{
	const char *name = bw_call_text(call, "name");
	struct bw_why why = { 0 };
	enum bw_err err = BW_ERR_USAGE;

	if (name == NULL)
		return bw_complain(call, BW_EXIT_USAGE, NULL, "say what it is called: --name witness.example/one");
	err = make_self(call, bw_slice_text(name), &why);
	if (err == BW_OK)
		err = print_keys(call, &why);
	return finish(call, err, &why);
}

static int key_run(struct bw_call *call)
{
	struct bw_why why = { 0 };

	return finish(call, print_keys(call, &why), &why);
}

/* ---- the logs it knows -------------------------------------------------------------------------- */

static enum bw_err read_logs(const struct bw_call *call, struct bw_buf *out, struct bw_why *why)
{
	char path[BW_PATH_BYTES];

	BW_TRY(path_of(call, "logs", path));
	return bw_file_exists(path) ? bw_file_read(path, out, why) : BW_OK;
}

/* Each line that is a key; an error names the line. */
static enum bw_err each_log(struct bw_slice text, struct bw_why *why,
			    enum bw_err (*take)(void *ctx, const struct bw_vkey *log), void *ctx)
{
	for (size_t number = 1; text.len > 0; number++) {
		struct bw_slice line = text;
		struct bw_slice rest = bw_slice_empty;
		struct bw_vkey vkey;

		if (!bw_slice_cut(text, '\n', &line, &rest))
			line = text;
		text = rest;
		line = bw_slice_trim(line);
		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		if (bw_vkey_parse(line, &vkey) != BW_OK ||
		    (vkey.type != BW_NOTE_ED25519 && vkey.type != BW_COSIGN_MLDSA44))
			return bw_why_set(why, BW_ERR_SYNTAX, "line %zu of 'logs' is no key of a log", number);
		BW_TRY(take(ctx, &vkey));
	}
	return BW_OK;
}

static enum bw_err add_line(void *ctx, const struct bw_vkey *log)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(BW_VKEY_TEXT_MAX);

	BW_TRY(bw_vkey_add(&line, log));
	return bw_buf_add_block(ctx, bw_buf_slice(&line));
}

static enum bw_err trust(const struct bw_call *call, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(LOGS_BYTES);
	char path[BW_PATH_BYTES];

	BW_TRY(path_of(call, "logs", path));
	BW_TRY(read_logs(call, &text, why));
	if (text.len > 0 && text.ptr[text.len - 1] != '\n')
		BW_TRY(bw_buf_add_u8(&text, '\n'));
	for (size_t i = 0; i < bw_call_args(call); i++) {
		const char *key = bw_call_arg(call, i);
		struct bw_vkey vkey;

		if (bw_vkey_parse(bw_slice_text(key), &vkey) != BW_OK ||
		    (vkey.type != BW_NOTE_ED25519 && vkey.type != BW_COSIGN_MLDSA44))
			return bw_why_set(why, BW_ERR_USAGE, "that is no key of a log: '%.80s'", key);
		BW_TRY(bw_buf_addf(&text, "%s\n", key));
	}
	BW_TRY(bw_file_write(path, bw_buf_slice(&text), 0600, why));
	(void)printf("Known. A witness that runs learns of it by SIGHUP.\n");
	return BW_OK;
}

static int trust_run(struct bw_call *call)
{
	struct bw_why why = { 0 };

	return finish(call, trust(call, &why), &why);
}

/* ---- run ------------------------------------------------------------------------------------------- */

struct parent {
	struct bw_run_shared shared; /* first: the workers' view */
	struct bw_call *call;
	struct bw_net_address address;
	bool is_open;
	bool was_open;
};

static const struct bw_worker workers[] = {
	{ "door", bw_door_run, BW_MAY_ACCEPT },      /* frames HTTP; no files, no keys */
	{ "notary", bw_notary_run, BW_MAY_COMPUTE }, /* keys and the slate */
	{ NULL, NULL, 0 },
};

static const struct bw_link links[] = { { "door", "notary" }, { NULL, NULL } };

static enum bw_err write_keys(const struct bw_call *call, struct bw_buf *form, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(LOGS_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf list = BW_BUF_INIT(BW_MIB - 4096);
	struct self self = { .file = { 0 } };
	enum bw_err err = open_self(call, &self, why);

	if (err == BW_OK)
		err = read_logs(call, &text, why);
	if (err == BW_OK)
		err = each_log(bw_buf_slice(&text), why, add_line, &list);
	if (err == BW_OK)
		err = bw_form_add(form, bw_slice_empty);
	if (err == BW_OK)
		err = bw_form_add(form, self.seeds);
	if (err == BW_OK)
		err = bw_form_add(form, self.name);
	if (err == BW_OK)
		err = bw_form_add(form, bw_buf_slice(&list));
	bw_secret_wipe(&self.file);
	return err;
}

static enum bw_err started(void *shared, struct bw_crew *crew, const struct bw_member *who)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf form = BW_BUF_INIT(BW_MIB - 64);
	struct parent *p = shared;
	struct bw_why why = { 0 };
	enum bw_err err;

	if (strcmp(who->name, "door") == 0)
		return p->is_open ? bw_crew_tell(crew, who, BW_RUN_TELL_BEGIN, bw_slice_empty, -1) : BW_OK;
	BW_TRY(bw_buf_reserve(&form, BW_MIB - 128)); /* growing would leave copies behind */
	err = write_keys(p->call, &form, &why);
	if (err != BW_OK)
		bw_log(BW_ERROR, "the witness's folder cannot be read",
		       BW_TEXT("why", why.text[0] != '\0' ? why.text : bw_err_text(err)));
	BW_TRY(err);
	return bw_crew_tell(crew, who, BW_RUN_TELL_KEYS, bw_buf_slice(&form), -1);
}

static size_t keep(void *shared, const struct bw_member *who, int out[BW_CREW_KEEP_MAX])
{
	const struct parent *p = shared;

	if (strcmp(who->name, "notary") == 0) {
		out[0] = p->shared.slate;
		return 1;
	}
	for (size_t i = 0; i < p->shared.cache_count; i++)
		out[i] = p->shared.caches[i];
	return p->shared.cache_count;
}

static void ready(void *shared, struct bw_crew *crew)
{
	struct parent *p = shared;
	char address[BW_NET_ADDRESS_TEXT];

	p->is_open = true;
	/* whoever is down is told when it has started */
	bw_err_drop(bw_crew_tell_all(crew, "door", BW_RUN_TELL_BEGIN, bw_slice_empty, -1));
	if (p->was_open)
		return;
	p->was_open = true;
	bw_net_address_text(&p->address, address);
	(void)printf("breakwater: witness ready at http://%s/\n", address);
	(void)fflush(stdout);
}

/* SIGHUP: logs are read anew. */
static void reload(void *shared, struct bw_crew *crew)
{
	(void)shared;
	bw_crew_begin_again(crew);
}

static int open_listener(struct parent *p)
{
	const char *text = bw_call_text(p->call, "listen");
	struct bw_net_address address;
	enum bw_err err = bw_net_address_parse(bw_slice_text(text), &address);

	if (err != BW_OK)
		return bw_complain(p->call, BW_EXIT_USAGE, "write an address and a port, like 127.0.0.1:7480",
				   "cannot listen on '%s': %s", text, bw_err_text(err));
	err = bw_net_listen(&address, false, &p->shared.caches[0]);
	if (err != BW_OK)
		return bw_complain(p->call, BW_EXIT_FAILED, NULL, "cannot listen on '%s': %s", text,
				   err == BW_ERR_EXISTS ? "the address is in use" : bw_err_text(err));
	p->shared.cache_count = 1;
	bw_err_drop(bw_net_local(p->shared.caches[0], &p->address)); /* only what is printed depends on it */
	return BW_EXIT_OK;
}

static int serve(struct parent *p)
{
	const struct bw_crew_plan plan = { .workers = workers,
					   .links = links,
					   .shared = p,
					   .keep = keep,
					   .started = started,
					   .ready = ready,
					   .reload = reload };
	struct bw_vkey keys[BW_NOTARY_KEYS];
	char path[BW_PATH_BYTES];
	struct bw_why why = { 0 };
	enum bw_err err = read_keys(p->call, keys, &why);

	if (err == BW_OK)
		err = path_of(p->call, "slate", path);
	if (err == BW_OK)
		err = bw_slate_file(path, &p->shared.slate, &why);
	if (err != BW_OK)
		return finish(p->call, err, &why);
	do {
		p->is_open = false;
		err = bw_crew_run(&plan, &why);
	} while (err == BW_ERR_AGAIN);
	return finish(p->call, err, &why);
}

static int run_run(struct bw_call *call)
{
	struct parent *p = calloc(1, sizeof(*p));
	int status;

	if (p == NULL)
		return bw_complain(call, BW_EXIT_FAILED, NULL, "%s", bw_err_text(BW_ERR_MEMORY));
	p->call = call;
	p->shared.data = bw_call_data(call);
	p->shared.require_sandbox = bw_call_flag(call, "require-sandbox");
	status = open_listener(p);
	if (status == BW_EXIT_OK)
		status = serve(p);
	free(p);
	return status;
}

/* ---- rows --------------------------------------------------------------------------------------------- */

static const struct bw_option init_options[] = {
	{ .name = "name",
	  .kind = BW_OPT_TEXT,
	  .value_name = "NAME",
	  .help = "what it is called: a domain or URL without its scheme" },
	{ 0 },
};

static const struct bw_option run_options[] = {
	{ .name = "listen",
	  .kind = BW_OPT_TEXT,
	  .value_name = "ADDRESS:PORT",
	  .fallback = "127.0.0.1:7480",
	  .help = "where to wait for logs, over plain HTTP" },
	{ .name = "require-sandbox",
	  .kind = BW_OPT_FLAG,
	  .help = "do not start when the kernel cannot confine every worker" },
	{ 0 },
};

static const struct bw_command witness_verbs[] = {
	{ .name = "init",
	  .summary = "make a witness: a folder with its keys",
	  .usage = "--name NAME",
	  .details = "Prints its two public keys, Ed25519 and ML-DSA-44, for the accords that shall name it.",
	  .options = init_options,
	  .max_args = 0,
	  .run = init_run },
	{ .name = "key", .summary = "print its public keys", .usage = "", .max_args = 0, .run = key_run },
	{ .name = "trust",
	  .summary = "add keys of logs to those it witnesses",
	  .usage = "KEY...",
	  .details = "KEY is a log's key as a line (C2SP signed-note): 'breakwater accord show ID --log-keys' prints "
		     "those of an accord.",
	  .min_args = 1,
	  .max_args = SIZE_MAX,
	  .run = trust_run },
	{ .name = "run",
	  .summary = "witness: cosign checkpoints that go on from the last",
	  .usage = "[--listen ADDRESS:PORT]",
	  .details = "Runs in the foreground until SIGTERM; SIGHUP reads the list of logs again. It keeps the latest "
		     "size and root of each log and nothing else; what it cosigned is on disk before the cosignature "
		     "leaves. Nothing that goes over the line is secret; where TLS is wanted, a proxy stands in front.",
	  .options = run_options,
	  .max_args = 0,
	  .run = run_run },
	{ 0 },
};

const struct bw_command bw_witness_command = {
	.name = "witness",
	.summary = "watch over others' logs, and cosign that they only grow",
	.usage = "init|key|trust|run",
	.details = "--data names the witness's folder, which has nothing to do with an exchange.",
	.verbs = witness_verbs,
};
