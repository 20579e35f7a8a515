/* `breakwater accord …`: what this node agrees with others (docs/accord.md, "Agreeing"). */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "accord/log_command.h"
#include "accord/papers.h"
#include "accord/run_command.h"
#include "accord/task.h"
#include "accord/verbs.h"
#include "base/text.h"
#include "codec/json_text.h"
#include "desk/desk_command.h"
#include "desk/folder.h"
#include "sys/clock.h"

enum { DOCUMENTS_BYTES = 8 * 1024 * 1024 };

/* ---- list, show, diff ------------------------------------------------------------- */

static struct bw_slice other_party(const struct bw_book_entry *entry)
{
	const struct bw_book_version *version = entry->now != NULL ? entry->now : entry->next;

	return version->accord.party[1 - entry->we].name;
}

static const char *waits_for(const struct bw_book_entry *entry)
{
	if (entry->next == NULL || entry->state == BW_ACCORD_ENDED)
		return "";
	return entry->next->signed_by[entry->we] ? "the other side" : "us";
}

static enum bw_err add_entry(struct bw_buf *out, const struct bw_book_entry *entry)
{
	const struct bw_book_version *version = entry->now != NULL ? entry->now : entry->next;
	char until[BW_TIME_BYTES];

	bw_time_format(version->accord.until_us, until);
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_text(out, "id", entry->id));
	BW_TRY(bw_json_add_text(out, "with", other_party(entry)));
	BW_TRY(bw_json_add_text(out, "state", bw_slice_text(bw_accord_state_name(entry->state))));
	BW_TRY(bw_json_add_num(out, "version", entry->now == NULL ? 0 : (int64_t)entry->now->accord.sequence));
	BW_TRY(bw_json_add_text(out, "until", bw_slice_text(until)));
	BW_TRY(bw_json_add_text(out, "waits_for", bw_slice_text(waits_for(entry))));
	BW_TRY(bw_json_add_text(out, "end_reason", entry->end_reason));
	return bw_buf_add_u8(out, '}');
}

static void print_entry(const struct bw_book_entry *entry)
{
	(void)printf("%.*s  %s, with ", BW_ARG(entry->id), bw_accord_state_name(entry->state));
	bw_print_foreign(other_party(entry));
	if (waits_for(entry)[0] != '\0')
		(void)printf("; version %llu waits for the signature of %s",
			     (unsigned long long)entry->next->accord.sequence, waits_for(entry));
	if (entry->end_reason.len > 0) {
		(void)printf("; ended by %s: ", entry->ended_by == entry->we ? "us" : "the other side");
		bw_print_foreign(entry->end_reason);
	}
	(void)putchar('\n');
}

static enum bw_err list(struct bw_task *t)
{
	struct bw_book_entry *entries;
	size_t count;

	BW_TRY(bw_task_open_book(t));
	BW_TRY(bw_book_list(&t->book, &entries, &count, &t->why));
	for (size_t i = 0; i < count; i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf json = BW_BUF_INIT(BW_MIB);

		if (bw_call_json(t->call))
			(void)bw_print_json(t->call, add_entry(&json, &entries[i]), &json);
		else
			print_entry(&entries[i]);
	}
	if (count == 0 && !bw_call_json(t->call))
		(void)printf("no accords yet; to propose one: breakwater accord propose ID --with PEER …\n");
	return BW_OK;
}

static int list_run(struct bw_call *call)
{
	return bw_task_run(call, list);
}

static enum bw_err show(struct bw_task *t)
{
	const struct bw_book_version *version;

	BW_TRY(bw_task_open_accord(t));
	version = t->entry.now != NULL ? t->entry.now : t->entry.next;
	if (bw_call_json(t->call)) { /* the text that was signed, as it is */
		(void)printf("%.*s\n", BW_ARG(version->text));
		return BW_OK;
	}
	print_entry(&t->entry);
	(void)putchar('\n');
	return bw_task_print_accord(&version->accord);
}

static int show_run(struct bw_call *call)
{
	return bw_task_run(call, show);
}

static enum bw_err diff(struct bw_task *t)
{
	BW_TRY(bw_task_open_accord(t));
	if (t->entry.next == NULL)
		return bw_why_set(&t->why, BW_ERR_NOT_FOUND, "no new version of '%.*s' waits for a signature",
				  BW_ARG(t->entry.id));
	if (t->entry.now != NULL)
		return bw_task_print_changes(&t->entry.now->accord, &t->entry.next->accord);
	(void)printf("This would be the first version:\n\n");
	return bw_task_print_accord(&t->entry.next->accord);
}

static int diff_run(struct bw_call *call)
{
	return bw_task_run(call, diff);
}

/* ---- sign, withdraw, end, suspend ---------------------------------------------------- */

static enum bw_err sign(struct bw_task *t)
{
	BW_CLEANUP(bw_task_free_keys) struct bw_node_keys *keys = NULL;

	BW_TRY(bw_task_open_accord(t));
	if (t->entry.next == NULL || t->entry.next->signed_by[t->entry.we] || t->entry.state == BW_ACCORD_ENDED)
		return bw_why_set(&t->why, BW_ERR_NOT_FOUND, "nothing of '%.*s' waits for this node's signature",
				  BW_ARG(t->entry.id));
	BW_TRY(diff(t));
	BW_TRY(bw_task_confirm(t, "\nSign this?"));
	BW_TRY(bw_task_open_keys(t, &keys));
	BW_TRY(bw_book_sign(&t->book, &t->entry, keys, &t->why));
	BW_TRY(bw_task_note(t, "accord-sign", t->entry.id, ""));
	(void)printf(
		"Signed by both: in force from its first day on. The other side needs it back:\n"
		"  breakwater accord export %.*s > %.*s.accord     and there: breakwater accord receive %.*s.accord\n",
		BW_ARG(t->entry.id), BW_ARG(t->entry.id), BW_ARG(t->entry.id));
	return BW_OK;
}

static int sign_run(struct bw_call *call)
{
	return bw_task_run(call, sign);
}

static enum bw_err withdraw(struct bw_task *t)
{
	BW_TRY(bw_task_open_accord(t));
	BW_TRY(bw_book_withdraw(&t->book, &t->entry, &t->why));
	BW_TRY(bw_task_note(t, "accord-withdraw", t->entry.id, ""));
	(void)printf("The version of '%.*s' that waited is taken back here. The other side may have it still.\n",
		     BW_ARG(t->entry.id));
	return BW_OK;
}

static int withdraw_run(struct bw_call *call)
{
	return bw_task_run(call, withdraw);
}

static enum bw_err end_accord(struct bw_task *t)
{
	BW_CLEANUP(bw_task_free_keys) struct bw_node_keys *keys = NULL;
	const char *reason = bw_call_text(t->call, "reason");

	BW_TRY(bw_task_open_accord(t));
	if (reason == NULL)
		return bw_why_set(&t->why, BW_ERR_USAGE, "say why, for both records: --reason TEXT");
	BW_TRY(bw_task_confirm(t, "An end is for ever: sharing again takes a new accord. End it now?"));
	BW_TRY(bw_task_open_keys(t, &keys));
	BW_TRY(bw_book_end(&t->book, &t->entry, keys, bw_slice_text(reason), &t->why));
	BW_TRY(bw_task_note(t, "accord-end", t->entry.id, reason));
	(void)printf("'%.*s' is ended. Nothing crosses any more.\n", BW_ARG(t->entry.id));
	return BW_OK;
}

static int end_run(struct bw_call *call)
{
	return bw_task_run(call, end_accord);
}

/* Where a partner was cut off (accord/inbound_place.h), a person has looked now. */
static enum bw_err let_in_again(struct bw_task *t)
{
	char name[BW_ACCORD_ID_MAX + 32];
	struct bw_place place;

	(void)snprintf(name, sizeof(name), "accord/in/%.*s/stopped", BW_ARG(t->entry.id));
	BW_TRY(bw_folder_place(t->book.data, name, &place));
	if (unlink(place.path) != 0 && errno != ENOENT)
		return bw_why_errno(&t->why, errno, "remove", place.path);
	return BW_OK;
}

static enum bw_err set_pause(struct bw_task *t, bool pause)
{
	BW_TRY(bw_task_open_accord(t));
	if (t->entry.now == NULL || t->entry.state == BW_ACCORD_ENDED)
		return bw_why_set(&t->why, BW_ERR_CONFLICT, "'%.*s' is not in force", BW_ARG(t->entry.id));
	BW_TRY(bw_book_pause(&t->book, &t->entry, pause, &t->why));
	if (!pause)
		BW_TRY(let_in_again(t));
	BW_TRY(bw_task_note(t, pause ? "accord-suspend" : "accord-resume", t->entry.id, ""));
	(void)printf(pause ? "'%.*s' is suspended here: nothing is sent and nothing taken. To go on: breakwater accord "
			     "resume %.*s\n"
			   : "'%.*s' goes on (%.*s).\n",
		     BW_ARG(t->entry.id), BW_ARG(t->entry.id));
	return BW_OK;
}

static enum bw_err suspend(struct bw_task *t)
{
	return set_pause(t, true);
}

static int suspend_run(struct bw_call *call)
{
	return bw_task_run(call, suspend);
}

static enum bw_err resume(struct bw_task *t)
{
	return set_pause(t, false);
}

static int resume_run(struct bw_call *call)
{
	return bw_task_run(call, resume);
}

/* ---- documents by file ------------------------------------------------------------------ */

static enum bw_err export_documents(struct bw_task *t)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(DOCUMENTS_BYTES);

	BW_TRY(bw_task_open_accord(t));
	BW_TRY(bw_book_export(&t->book, &t->entry, &text, &t->why));
	(void)fwrite(text.ptr, 1, text.len, stdout);
	return BW_OK;
}

static int export_run(struct bw_call *call)
{
	return bw_task_run(call, export_documents);
}

static enum bw_err receive_lines(struct bw_task *t, struct bw_slice text)
{
	struct bw_slice id = bw_slice_empty;
	size_t count = 0;

	while (text.len > 0) {
		const uint8_t *end = memchr(text.ptr, '\n', text.len);
		const struct bw_slice line = bw_slice_sub(text, 0, end == NULL ? text.len : (size_t)(end - text.ptr));

		text = bw_slice_from(text, end == NULL ? text.len : line.len + 1);
		if (line.len == 0)
			continue;
		BW_TRY(bw_book_take(&t->book, line, &id, &t->why));
		count++;
	}
	if (count == 0)
		return bw_why_set(&t->why, BW_ERR_MISSING, "there is no document in it");
	BW_TRY(bw_task_note(t, "accord-receive", id, ""));
	BW_TRY(bw_book_find(&t->book, id, &t->entry, &t->why));
	print_entry(&t->entry);
	if (strcmp(waits_for(&t->entry), "us") == 0)
		(void)printf("To read it: breakwater accord diff %.*s; to sign it: breakwater accord sign %.*s\n",
			     BW_ARG(id), BW_ARG(id));
	return BW_OK;
}

static enum bw_err receive(struct bw_task *t)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(DOCUMENTS_BYTES);

	BW_TRY(bw_task_open_book(t));
	BW_TRY(bw_file_or_pipe_read(bw_call_arg(t->call, 0), &text, &t->why));
	return receive_lines(t, bw_buf_slice(&text));
}

static int receive_run(struct bw_call *call)
{
	return bw_task_run(call, receive);
}

/* ---- keys for operators of witnesses -------------------------------------------------------- */

static enum bw_err print_log_keys(struct bw_task *t, const struct bw_papers *papers)
{
	struct bw_vkey keys[BW_PAPERS_KEYS];

	BW_TRY(bw_papers_log(papers, t->entry.id, keys));
	for (size_t i = 0; i < BW_PAPERS_KEYS; i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(BW_VKEY_TEXT_MAX);

		BW_TRY(bw_vkey_add(&line, &keys[i]));
		(void)printf("%s\n", bw_buf_text(&line));
	}
	return BW_OK;
}

static enum bw_err log_keys(struct bw_task *t)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf envelope = BW_BUF_INIT(BW_PAPERS_FILE_MAX);
	struct bw_papers papers;

	BW_TRY(bw_task_open_accord(t));
	BW_TRY(bw_papers_own(t->book.data, &envelope, &t->why));
	BW_TRY(bw_papers_check(bw_buf_slice(&envelope), &t->book.self, &t->arena, &papers));
	return print_log_keys(t, &papers);
}

static int log_keys_run(struct bw_call *call)
{
	return bw_task_run(call, log_keys);
}

/* ---- rows -------------------------------------------------------------------------------- */

static const struct bw_option signing_options[] = { BW_TASK_PASSPHRASE, BW_TASK_YES, { 0 } };

static const struct bw_option end_options[] = {
	{ .name = "reason", .kind = BW_OPT_TEXT, .value_name = "TEXT", .help = "why, for both records" },
	BW_TASK_PASSPHRASE,
	BW_TASK_YES,
	{ 0 },
};

#define VERB(verb, words, operands, function, ...)                                                                \
	{                                                                                                         \
		.name = verb, .summary = words, .usage = operands, .min_args = 1, .max_args = 1, .run = function, \
		__VA_ARGS__                                                                                       \
	}

static const struct bw_command accord_verbs[] = {
	VERB("propose", "propose an accord, or a new version of one", "[TERMS] ID", bw_accord_propose_run,
	     .options = bw_accord_propose_options,
	     .details =
		     "A first version needs --with, --name and --basis; what is not said protects: TLP:AMBER at most, "
		     "no passing on, 90 days. A later version begins with the one in force and changes what is said. "
		     "It "
		     "is shown in plain English, signed, and takes effect when the other side has signed it too."),
	{ .name = "list", .summary = "list the accords and their state", .usage = "", .max_args = 0, .run = list_run },
	VERB("show", "show an accord in plain English", "ID", show_run,
	     .details = "With --format json: the canonical text that was signed."),
	VERB("diff", "show what a version that waits for a signature would change", "ID", diff_run, .options = NULL),
	VERB("sign", "sign the version that waits for this node's signature", "[--yes] ID", sign_run,
	     .options = signing_options),
	VERB("withdraw", "take back the version that waits for a signature", "ID", withdraw_run, .options = NULL),
	VERB("suspend", "stop sending and taking for now", "ID", suspend_run,
	     .details = "This node's own affair: nothing is signed, and 'resume' undoes it."),
	VERB("resume", "go on after 'suspend', or after a partner was cut off", "ID", resume_run, .options = NULL),
	VERB("preview", "show what would cross now, and why the rest would not", "[--examples N] ID",
	     bw_accord_preview_run, .options = bw_accord_preview_options,
	     .details =
		     "Goes through the accord's collections as the exchange would and counts what becomes of each "
		     "object; "
		     "a version that waits for a signature comes before the one in force. Nothing is sent or written "
		     "down."),
	VERB("explain", "say whether an object may cross to a peer, by which clause and from which inputs",
	     "--to PEER | --from PEER OBJECT", bw_accord_explain_run, .options = bw_accord_explain_options),
	{ .name = "held",
	  .summary = "work the hold queue: what may hold personal data waits there for a person",
	  .usage = "list [ID]|show ID KEY|release --reason TEXT ID KEY|refuse --reason TEXT ID KEY",
	  .options = bw_accord_held_options,
	  .min_args = 1,
	  .max_args = 3,
	  .run = bw_accord_held_run,
	  .details = "KEY is what 'list' shows. An answer is for one version of one object; a newer one waits anew." },
	VERB("end", "end an accord, at once and for ever", "--reason TEXT ID", end_run, .options = end_options,
	     .details =
		     "One party's signature is enough. The flow stops at once; what was agreed about what was received "
		     "goes on to hold."),
	{ .name = "run",
	  .summary = "exchange with partners under the accords in force",
	  .usage = "[--listen ADDRESS:PORT]... [--log-listen ADDRESS:PORT]...",
	  .details = "Runs in the foreground until SIGTERM, beside 'breakwater serve' on the same data folder. New "
		     "documents "
		     "take effect at once; SIGHUP looks partners' addresses up again. It needs no passphrase: the logs "
		     "have "
		     "keys of their own.",
	  .options = bw_accord_run_options,
	  .max_args = 0,
	  .run = bw_accord_run },
	VERB("log-keys", "print the keys of what this node tells under an accord", "ID", log_keys_run,
	     .details = "For operators of witnesses: breakwater witness trust KEY..."),
	VERB("export", "write an accord's signed documents to standard output", "ID", export_run,
	     .details = "For the other side, which takes them with 'breakwater accord receive'."),
	VERB("receive", "take signed documents of an accord from a file", "FILE", receive_run,
	     .details = "Nothing takes effect by it but an end: a version waits for this node's signature."),
	{ .name = "verify",
	  .summary = "hold a whole log against its signatures",
	  .usage = "[--received] ID | --folder DIR --policy FILE",
	  .max_args = 1,
	  .options = bw_accord_verify_options,
	  .run = bw_accord_verify_run,
	  .details = "Every hash and every entry of what this node told under an accord, or of anybody's log in C2SP "
		     "tlog-tiles; needs no network, and runs beside 'accord run'. Exit status 1: it does not verify, "
		     "and the name of what is wrong." },
	{ .name = "prove",
	  .summary = "write a proof that an object was told under an accord",
	  .usage = "[--to DIR] ID OBJECT",
	  .min_args = 2,
	  .max_args = 2,
	  .options = bw_accord_prove_options,
	  .run = bw_accord_prove_run,
	  .details = "Three files: the entry, a C2SP tlog-proof, and the policy with the keys; whoever has them needs "
		     "nothing else to verify. The proof outlives the content." },
	{ 0 },
};

const struct bw_command bw_accord_command = {
	.name = "accord",
	.summary = "agree with other nodes what may be shared",
	.usage = "propose|list|show|diff|sign|withdraw|suspend|resume|preview|explain|held|run|log-keys|end|export|"
		 "receive|"
		 "verify|prove",
	.verbs = accord_verbs,
};
