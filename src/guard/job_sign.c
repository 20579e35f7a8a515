/* `breakwater guard job sign` and `revoke`: who may do what, where and when. */
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "crypto/secret_input.h"
#include "guard/ask.h"
#include "guard/job_parts.h"
#include "guard/job_program.h"
#include "guard/plain.h"
#include "guard/volumes.h"

#define NODE_KEYS "keys/node.keys" /* below DATA: docs/keys.md */

struct making {
	const struct bw_call *call;
	const char *data;
	struct bw_arena arena;
	struct bw_job_file job;
	struct bw_node_keys *keys;
	struct bw_buf text;
};

static void release(struct making *m)
{
	bw_node_keys_free(m->keys);
	bw_arena_release(&m->arena);
	bw_buf_release(&m->text);
}

/* ---- what it says -------------------------------------------------------------------------------- */

static enum bw_err needed(const struct making *m, const char *option, const char **out, struct bw_why *why)
{
	*out = bw_call_text(m->call, option);
	if (*out == NULL)
		return bw_why_set(why, BW_ERR_USAGE, "--%s is needed", option);
	return BW_OK;
}

static enum bw_err take_user(struct making *m, struct bw_why *why)
{
	const struct passwd *user;
	const char *name;
	uint64_t number;

	BW_TRY(needed(m, "user", &name, why));
	user = getpwnam(name);
	if (user == NULL && bw_parse_u64(bw_slice_text(name), &number) == BW_OK && number < UINT32_MAX)
		user = getpwuid((uid_t)number);
	if (user == NULL)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "there is no user '%s'", name);
	m->job.uid = user->pw_uid;
	return BW_OK;
}

static enum bw_err real_path(struct making *m, const char *path, const char **out, struct bw_why *why)
{
	struct bw_slice copy;
	char real[PATH_MAX];

	if (realpath(path, real) == NULL)
		return bw_why_errno(why, errno, "reach", path);
	BW_TRY(bw_arena_copy(&m->arena, bw_slice_text(real), &copy));
	*out = (const char *)copy.ptr;
	return BW_OK;
}

/* Below a protected tree: elsewhere nobody is judged, and a signature would promise something. */
static enum bw_err take_folder(struct making *m, struct bw_why *why)
{
	struct bw_guard_settings settings;
	struct stat status;
	const char *path;

	BW_TRY(needed(m, "folder", &path, why));
	BW_TRY(real_path(m, path, &m->job.folder, why));
	BW_TRY(bw_guard_settings_load(m->data, &m->arena, &settings, why));
	if (stat(m->job.folder, &status) != 0 || !S_ISDIR(status.st_mode))
		return bw_why_set(why, BW_ERR_TYPE, "'%s' is no folder", m->job.folder);
	if (!bw_guard_settings_cover(&settings, m->job.folder))
		return bw_why_set(why, BW_ERR_NOT_FOUND, "'%s' is not guarded: no job there needs a signature",
				  m->job.folder);
	return BW_OK;
}

static enum bw_err take_program(struct making *m, struct bw_why *why)
{
	const size_t words = bw_call_args(m->call) - 3; /* the verb, the name, the program */

	if (words > BW_JOB_WORDS_MAX)
		return bw_why_set(why, BW_ERR_TOO_MANY, "a job may have %d words: put more into a script of root's",
				  BW_JOB_WORDS_MAX);
	BW_TRY(real_path(m, bw_call_arg(m->call, 2), &m->job.program, why));
	BW_TRY(bw_job_program_check(m->job.program, m->job.sha256, why));
	for (size_t i = 0; i < words; i++)
		m->job.words[m->job.word_count++] = bw_call_arg(m->call, 3 + i);
	return BW_OK;
}

static enum bw_err take_time(const struct making *m, const char *option, int64_t otherwise, int64_t *out,
			     struct bw_why *why)
{
	const char *text = bw_call_text(m->call, option);

	*out = otherwise;
	if (text == NULL || bw_plain_time_parse(text, out) == BW_OK)
		return BW_OK;
	return bw_why_set(why, BW_ERR_USAGE,
			  "'%s' is no time: write '2027-01-31 06:00:00' (here) or 2027-01-31T06:00:00Z", text);
}

static enum bw_err take_when(struct making *m, struct bw_why *why)
{
	const int64_t now = bw_clock_now_us();

	m->job.signed_us = now;
	BW_TRY(take_time(m, "from", now, &m->job.from_us, why));
	BW_TRY(take_time(m, "until", now + bw_call_num(m->call, "for") * 1000, &m->job.until_us, why));
	if (m->job.until_us <= m->job.from_us || m->job.until_us <= now)
		return bw_why_set(why, BW_ERR_USAGE, "the job would be over before it begins");
	for (size_t i = 0; i < bw_call_count(m->call, "at"); i++) {
		const char *text = bw_call_nth(m->call, "at", i);

		if (m->job.hours_count == BW_JOB_HOURS_MAX)
			return bw_why_set(why, BW_ERR_TOO_MANY, "--at may be given %d times", BW_JOB_HOURS_MAX);
		if (bw_job_hours_parse(bw_slice_text(text), &m->job.hours[m->job.hours_count++]) != BW_OK)
			return bw_why_set(why, BW_ERR_USAGE, "'%s' are no hours: write 'mon-fri 22:00-04:00'", text);
	}
	return BW_OK;
}

/* ---- who signs --------------------------------------------------------------------------------------- */

static enum bw_err open_keys(struct making *m, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf file = BW_BUF_INIT(BW_NODE_KEYS_FILE_MAX);
	BW_CLEANUP(bw_secret_wipe) struct bw_secret passphrase = { 0 };
	const char *from = bw_call_text(m->call, "passphrase-file");
	char path[BW_PATH_BYTES];
	enum bw_err err;

	BW_TRY(bw_path_join(path, m->data, NODE_KEYS));
	if (!bw_file_exists(path))
		return bw_why_set(why, BW_ERR_NOT_FOUND, "there are no node keys in '%s': breakwater init makes them",
				  m->data);
	BW_TRY(bw_file_read(path, &file, why));
	if (from == NULL && isatty(STDIN_FILENO) != 1)
		return bw_why_set(why, BW_ERR_USAGE, "the passphrase is needed: name a file with --passphrase-file");
	if (from != NULL)
		BW_TRY(bw_secret_from_file(from, BW_PASSPHRASE_MAX, &passphrase, why));
	else
		BW_TRY(bw_secret_from_stdin("Passphrase of the node keys", BW_PASSPHRASE_MAX, &passphrase, why));
	err = bw_node_keys_open(bw_buf_slice(&file), bw_secret_slice(&passphrase), &m->keys);
	if (err == BW_ERR_LOCKED)
		return bw_why_set(why, err, "cannot open '%s': the passphrase is wrong, or the file was changed", path);
	return err == BW_OK ? BW_OK : bw_why_set(why, err, "'%s' is no file of node keys", path);
}

/* The first signing says whose keys count; others need a word. */
static enum bw_err settle_signer(const struct making *m, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf mine = BW_BUF_INIT(BW_NODE_PUBLIC_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf there = BW_BUF_INIT(BW_NODE_PUBLIC_BYTES);
	struct bw_node_public node;
	char path[BW_PATH_BYTES];

	bw_node_keys_public(m->keys, &node);
	BW_TRY(bw_node_public_add(&mine, &node));
	BW_TRY(bw_path_join(path, m->data, BW_JOB_SIGNER));
	if (bw_file_exists(path) && !bw_call_flag(m->call, "new-keys")) {
		BW_TRY(bw_file_read(path, &there, why));
		if (bw_slice_equals(bw_buf_slice(&mine), bw_buf_slice(&there)))
			return BW_OK;
		return bw_why_set(why, BW_ERR_CONFLICT,
				  "the node keys are others than those that signed jobs until now: add --new-keys when "
				  "you know why; jobs the old ones signed are refused from then on");
	}
	return bw_file_write(path, bw_buf_slice(&mine), 0600, why);
}

/* ---- the file and the ledger ------------------------------------------------------------------------------ */

static enum bw_err make_folder(const struct making *m, char out[BW_PATH_BYTES], struct bw_why *why)
{
	enum bw_err err;

	BW_TRY(bw_path_join(out, m->data, BW_JOB_FOLDER));
	err = bw_folder_make(out, why);
	return err == BW_ERR_EXISTS ? BW_OK : err;
}

/* The running guard writes its ledger; without one it is written here. */
static enum bw_err note_down(const char *data, const struct bw_job_note *note, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_KIB);
	struct bw_channel *channel = NULL;
	struct bw_ledger *ledger = NULL;
	enum bw_err err;

	BW_TRY(bw_job_note_write(note, &body));
	err = bw_ask_open(data, &channel);
	if (err == BW_OK) {
		err = bw_ask_job(channel, bw_buf_slice(&body), why);
		bw_channel_free(channel);
		return err;
	}
	BW_NEED(err == BW_ERR_NOT_FOUND, BUSY);
	BW_TRY(bw_ledger_open(data, &ledger, why));
	err = bw_ledger_append(ledger, BW_LEDGER_JOB, 0, bw_buf_slice(&body));
	if (err == BW_OK)
		err = bw_ledger_sync(ledger);
	bw_ledger_close(ledger);
	return err == BW_OK ? BW_OK : bw_why_set(why, err, "cannot write the ledger: %s", bw_err_text(err));
}

/* The file first: a note of one that is not there lets nothing pass, nor does a file without its note. */
static enum bw_err put(struct making *m, struct bw_why *why)
{
	struct bw_job_note note = { .act = BW_JOB_ACT_SIGNED, .name = bw_slice_text(m->job.name) };
	char folder[BW_PATH_BYTES];
	char path[BW_PATH_BYTES];

	BW_TRY(make_folder(m, folder, why));
	BW_TRY(settle_signer(m, why));
	BW_TRY(bw_job_sign(m->keys, &m->text));
	BW_TRY(bw_sha256(bw_buf_slice(&m->text), note.digest));
	BW_TRY(bw_path_join(path, folder, m->job.name));
	BW_TRY(bw_file_write(path, bw_buf_slice(&m->text), 0600, why));
	return note_down(m->data, &note, why);
}

static enum bw_err make(struct making *m, struct bw_why *why)
{
	struct bw_node_public node;
	enum bw_err err;

	m->job.name = bw_call_arg(m->call, 1);
	if (!bw_job_name_is_plain(bw_slice_text(m->job.name)))
		return bw_why_set(why, BW_ERR_USAGE, "a job cannot be called '%s': letters, digits, '-', '_' and '.'",
				  m->job.name);
	if (bw_call_args(m->call) < 3)
		return bw_why_set(why, BW_ERR_USAGE, "which program? write it behind the name");
	BW_TRY(take_user(m, why));
	BW_TRY(take_folder(m, why));
	BW_TRY(take_program(m, why));
	BW_TRY(take_when(m, why));
	BW_TRY(open_keys(m, why));
	bw_node_keys_public(m->keys, &node);
	BW_TRY(bw_node_fingerprint(&node, m->job.node));
	err = bw_job_write(&m->job, &m->text);
	if (err != BW_OK)
		return bw_why_set(why, err, "a path or word holds a line end, which a job cannot");
	return put(m, why);
}

static int failed(const struct bw_call *call, enum bw_err err, const struct bw_why *why)
{
	return bw_complain(call, err == BW_ERR_USAGE ? BW_EXIT_USAGE : BW_EXIT_FAILED, NULL, "%s",
			   why->text[0] != '\0' ? why->text : bw_err_text(err));
}

int job_sign(const struct bw_call *call)
{
	struct making m = { .call = call,
			    .data = bw_call_data(call),
			    .arena = BW_ARENA_INIT(JOB_MEMORY),
			    .text = BW_BUF_INIT(BW_JOB_BYTES_MAX) };
	struct bw_why why = { 0 };
	const enum bw_err err = make(&m, &why);

	if (err == BW_OK && !bw_call_json(call))
		(void)printf("The job '%s' is signed. It passes the guard when it is begun with:\n\n"
			     "  breakwater --data %s guard job run %s\n",
			     m.job.name, m.data, m.job.name);
	else if (err == BW_OK)
		(void)printf("{\"job\":\"%s\",\"state\":\"signed\"}\n", m.job.name);
	release(&m);
	return err == BW_OK ? BW_EXIT_OK : failed(call, err, &why);
}

int job_revoke(const struct bw_call *call)
{
	const char *data = bw_call_data(call);
	const char *name = bw_call_arg(call, 1);
	struct bw_job_note note = { .act = BW_JOB_ACT_REVOKED, .name = bw_slice_text(name) };
	static struct bw_job_book book; /* large */
	char folder[BW_PATH_BYTES];
	char path[BW_PATH_BYTES];
	struct bw_why why = { 0 };
	enum bw_err err = bw_job_book_load(data, &book, &why);

	if (err == BW_OK && bw_job_book_find(&book, note.name) == NULL)
		err = bw_why_set(&why, BW_ERR_NOT_FOUND, "no job '%s' was ever signed here", name);
	if (err == BW_OK)
		err = note_down(data, &note, &why); /* from here on its file is worth nothing */
	if (err == BW_OK)
		err = bw_path_join(folder, data, BW_JOB_FOLDER);
	if (err == BW_OK)
		err = bw_path_join(path, folder, name);
	if (err == BW_OK && unlink(path) != 0 && errno != ENOENT)
		err = bw_why_errno(&why, errno, "remove", path);
	if (err != BW_OK)
		return failed(call, err, &why);
	if (bw_call_json(call))
		(void)printf("{\"job\":\"%s\",\"state\":\"revoked\"}\n", name);
	else
		(void)printf("The job '%s' is revoked; if it runs, it is judged as anybody from now on.\n", name);
	return BW_EXIT_OK;
}
