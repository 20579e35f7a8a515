/* `breakwater guard restore`: files come back, as they were before an incident, at a time, or one by one. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "codec/json_text.h"
#include "guard/held.h"
#include "guard/plain.h"
#include "guard/restore_command.h"
#include "guard/restore_undo.h"
#include "guard/start_book.h"
#include "guard/volumes.h"

enum {
	SETTINGS_MEMORY = 16 * 1024 * 1024,
	ANSWER_BYTES = 16,
	LINES_MS = 5000, /* where there is no terminal */
};

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

/* ---- doing it --------------------------------------------------------------------------------------- */

static uint64_t bytes_of(const struct bw_step *step)
{
	return step->kind == BW_STEP_BRING_BACK ? step->bytes : 0;
}

static bool see(void *context, size_t done)
{
	struct restore *restore = context;

	for (; restore->seen < done; restore->seen++)
		restore->seen_bytes += bytes_of(&restore->plan.steps[restore->seen]);
	restore->progress.bytes = restore->seen_bytes;
	bw_progress_at(&restore->progress, done);
	return interrupted == 0;
}

/* Within a large file. */
static void see_bytes(void *context, uint64_t bytes)
{
	struct restore *restore = context;

	restore->progress.bytes = restore->seen_bytes + bytes;
	bw_progress_at(&restore->progress, restore->seen);
}

static void begin(struct restore *restore, const char *what)
{
	const struct bw_restore_plan *plan = &restore->plan;

	restore->seen = 0;
	restore->seen_bytes = 0;
	bw_progress_begin(&restore->progress, what, "files", plan->count, false);
	if (!bw_call_json(restore->call)) /* its readers may take both outputs for one */
		bw_progress_lines(&restore->progress, LINES_MS);
	for (size_t i = 0; i < plan->count; i++)
		restore->progress.bytes_total += bytes_of(&plan->steps[i]);
}

static void run_steps(struct restore *restore, bool dry_run)
{
	restore->dry_run = dry_run;
	restore->plan.pace = see_bytes;
	restore->plan.pace_context = restore;
	begin(restore, dry_run ? "looking" : "restoring");
	restore->run_err = bw_restore_plan_run(&restore->plan, dry_run, see, restore, &restore->run_why);
	bw_progress_end(&restore->progress);
	if (dry_run)
		return;
	begin(restore, "checking");
	bw_restore_plan_check(&restore->plan, see, restore);
	bw_progress_end(&restore->progress);
}

static bool confirmed(const struct restore *restore)
{
	char answer[ANSWER_BYTES] = "";

	if (bw_call_flag(restore->call, "yes"))
		return true;
	if (isatty(STDIN_FILENO) != 1 || bw_call_json(restore->call)) {
		(void)bw_complain(restore->call, BW_EXIT_USAGE, "add --yes when this is what you want",
				  "nothing was %s: nobody is there to confirm",
				  bw_call_has(restore->call, "undo") ? "undone" : "restored");
		return false;
	}
	(void)printf("Type yes to do it: ");
	(void)fflush(stdout);
	if (fgets(answer, sizeof(answer), stdin) != NULL && strcmp(answer, "yes\n") == 0)
		return true;
	(void)puts("Nothing was changed.");
	return false;
}

/* The one that is written down; with several, each is closed by itself. */
static uint64_t incident_of(const struct restore *restore)
{
	return restore->incident_count == 1 ? restore->incidents[0] : 0;
}

/* The running guard steps aside; without one the ledger is written here. */
static enum bw_err announce(struct restore *restore, struct bw_ledger **out_ledger, struct bw_why *why)
{
	enum bw_err err = bw_ask_open(restore->data, &restore->channel);

	if (err == BW_OK)
		return bw_ask_decision(restore->channel, BW_ASK_RESTORE_BEGINS, incident_of(restore), why);
	if (err != BW_ERR_NOT_FOUND)
		return bw_why_set(why, err, "cannot ask the running guard to step aside: %s", bw_err_text(err));
	BW_TRY(bw_ledger_open(restore->data, out_ledger, why));
	return bw_ledger_append(*out_ledger, BW_LEDGER_RESTORING, incident_of(restore), bw_slice_empty);
}

/* Without a guard, nobody else unpins what the incidents held. */
static enum bw_err unpin_all(struct restore *restore)
{
	for (size_t i = 0; i < restore->volume_count; i++) {
		struct bw_shadow *shadow;
		enum bw_err err = BW_OK;

		bw_shadow_close(restore->plan.shadows[i]);
		restore->plan.shadows[i] = NULL;
		BW_TRY(bw_shadow_open(&restore->volumes[i], false, &shadow, NULL));
		for (size_t n = 0; n < restore->incident_count && err == BW_OK; n++)
			err = bw_shelf_unpin_all(bw_shadow_shelf(shadow), restore->incidents[n]);
		if (err == BW_OK)
			err = bw_shadow_sync(shadow);
		bw_shadow_close(shadow);
		BW_TRY(err);
	}
	return BW_OK;
}

static enum bw_err unpin(struct restore *restore)
{
	struct bw_start_own own;
	enum bw_err err;

	bw_start_own_begin(restore->data, restore->volumes, restore->volume_count, &own);
	err = unpin_all(restore);
	bw_start_own_end(restore->data, restore->volumes, restore->volume_count, &own);
	return err;
}

static enum bw_err conclude(struct restore *restore, struct bw_ledger *ledger, const struct bw_ledger_restored *sum,
			    struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_LEDGER_RESTORED_BYTES);
	const uint64_t incident = incident_of(restore);
	const bool close = restore->incident_count > 0 && sum->failed == 0 && !restore->is_part &&
			   restore->run_err == BW_OK;

	if (restore->channel != NULL) {
		BW_TRY(bw_ask_restore_ends(restore->channel, incident, close && incident != 0, sum, why));
		for (size_t i = 0; i < restore->incident_count && close && incident == 0; i++)
			BW_TRY(bw_ask_decision(restore->channel, BW_ASK_CLOSE, restore->incidents[i], why));
		return BW_OK;
	}
	BW_TRY(bw_ledger_restored_write(sum, &body));
	BW_TRY(bw_ledger_append(ledger, BW_LEDGER_RESTORED, incident, bw_buf_slice(&body)));
	for (size_t i = 0; i < restore->incident_count && close; i++)
		BW_TRY(bw_ledger_append(ledger, BW_LEDGER_CLOSED, restore->incidents[i], BW_LIT("every file is back")));
	BW_TRY(bw_ledger_sync(ledger));
	return close ? unpin(restore) : BW_OK;
}

static int complain(const struct restore *restore, enum bw_err err, const struct bw_why *why)
{
	const char *next = NULL;

	if (err == BW_ERR_NOT_FOUND && bw_call_has(restore->call, "incident"))
		next = "breakwater guard incidents lists them";
	else if (err == BW_ERR_MISSING)
		next = BW_AWAY_NEXT;
	else if (err == BW_ERR_BUSY)
		next = "wait for the other restore or enrolment to end";
	return bw_complain(restore->call, err == BW_ERR_USAGE || err == BW_ERR_SYNTAX ? BW_EXIT_USAGE : BW_EXIT_FAILED,
			   next, "%s", why->text[0] != '\0' ? why->text : bw_err_text(err));
}

/* A closed incident lets nobody go. */
static void say_held(const struct restore *restore)
{
	if (bw_call_json(restore->call))
		return;
	for (size_t i = 0; i < restore->incident_count; i++)
		bw_holds_print(restore->data, restore->incidents[i]);
}

static int carry_out(struct restore *restore)
{
	struct bw_ledger *ledger = NULL;
	struct bw_ledger_restored sum;
	struct bw_why why = { 0 };
	enum bw_err err = announce(restore, &ledger, &why);
	int exit;

	if (err != BW_OK) {
		bw_ledger_close(ledger);
		return complain(restore, err, &why);
	}
	for (size_t i = 0; i < restore->plan.count; i++)
		restore->plan.steps[i].done = 0;
	restore->plan.incidents = restore->incidents;
	restore->plan.incident_count = restore->incident_count;
	run_steps(restore, false);
	bw_restore_plan_sum(&restore->plan, &sum);
	err = conclude(restore, ledger, &sum, &why);
	bw_ledger_close(ledger);
	exit = restore_show(restore, &sum, false);
	say_held(restore);
	if (restore->run_err != BW_OK)
		return bw_complain(restore->call, BW_EXIT_FOUND, "do it again: what is right already is left alone",
				   "not all of it was done: %s",
				   restore->run_why.text[0] != '\0' ? restore->run_why.text
								    : bw_err_text(restore->run_err));
	if (err != BW_OK)
		return bw_complain(restore->call, BW_EXIT_FOUND, NULL,
				   "the files are as told above, but the end was not written down: %s",
				   why.text[0] != '\0' ? why.text : bw_err_text(err));
	return exit;
}

/* ---- undoing ------------------------------------------------------------------------------------------ */

static void see_undone(void *context, const struct bw_volume *volume, struct bw_slice path, const char *words,
		       enum bw_err err)
{
	const struct restore *restore = context;
	BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(4 * BW_NOTE_PATH_MAX);

	if (bw_call_json(restore->call) || bw_text_escape(&line, path) != BW_OK)
		return;
	(void)printf("  %s/%s: %s%s\n", strcmp(volume->mount, "/") == 0 ? "" : volume->mount, bw_buf_text(&line),
		     err != BW_OK ? "FAILED: " : "", words);
}

/* Their files are again as they were found. What a person called meant stays so. */
static enum bw_err reopen(struct restore *restore, struct bw_ledger *ledger, const struct bw_undo_sum *sum,
			  struct bw_why *why)
{
	for (size_t i = 0; i < sum->incident_count; i++) {
		if (restore->channel != NULL)
			BW_TRY(bw_ask_decision(restore->channel, BW_ASK_REOPEN, sum->incidents[i], why));
		else
			BW_TRY(bw_ledger_append(ledger, BW_LEDGER_REOPENED, sum->incidents[i],
						BW_LIT(BW_LEDGER_UNDONE)));
	}
	return restore->channel != NULL ? BW_OK : bw_ledger_sync(ledger);
}

static void say_reopened(const struct restore *restore, const struct bw_undo_sum *sum)
{
	BW_CLEANUP(bw_incidents_release) struct bw_incidents incidents = { 0 };
	struct bw_why why = { 0 };

	if (bw_incidents_load(restore->data, &incidents, &why) != BW_OK)
		return;
	for (size_t i = 0; i < sum->incident_count; i++) {
		const struct bw_incident *one = bw_incidents_find(&incidents, sum->incidents[i]);

		if (one != NULL && one->state == BW_INCIDENT_OPEN)
			(void)printf("incident %llu is open again: its files are as the attack left them\n",
				     (unsigned long long)one->id);
	}
}

static int tell_undone(const struct restore *restore, const struct bw_undo *undo, const struct bw_undo_sum *sum)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf json = BW_BUF_INIT(1024);
	const bool dry = undo->dry_run;
	enum bw_err err;

	if (bw_call_json(restore->call)) {
		err = bw_buf_addf(&json,
				  "{\"undo\":\"%s\",\"dry_run\":%s,\"undone\":%llu,\"left\":%llu,\"failed\":%llu}",
				  undo->id, dry ? "true" : "false", (unsigned long long)sum->undone,
				  (unsigned long long)sum->left, (unsigned long long)sum->failed);
		if (bw_plain_json(restore->call, err, &json) != BW_EXIT_OK)
			return BW_EXIT_FAILED;
	} else {
		(void)printf("%s %llu steps of restore %s; %llu are left as they are; %llu failed\n",
			     dry ? "Would undo" : "Undid", (unsigned long long)sum->undone, undo->id,
			     (unsigned long long)sum->left, (unsigned long long)sum->failed);
		if (!dry && sum->undone > 0)
			say_reopened(restore, sum);
	}
	return sum->failed > 0 ? BW_EXIT_FOUND : BW_EXIT_OK;
}

static int undone_before(const struct restore *restore, const struct bw_undo *undo)
{
	char next[64];

	if (undo->older == 0)
		return bw_complain(restore->call, BW_EXIT_FAILED, NULL,
				   "the last restore, %s, was undone already: nothing is left to undo", undo->id);
	(void)snprintf(next, sizeof(next), "breakwater guard restore --undo %llu", (unsigned long long)undo->older);
	return bw_complain(restore->call, BW_EXIT_FAILED, next,
			   "the last restore, %s, was undone already; the one before it is undone by its number",
			   undo->id);
}

static int undo(struct restore *restore)
{
	const bool only = bw_call_flag(restore->call, "dry-run");
	const struct bw_ledger_restored nothing = { 0 };
	struct bw_undo undo = { .volumes = restore->volumes,
				.volume_count = restore->volume_count,
				.dry_run = true,
				.see = see_undone,
				.context = restore };
	struct bw_ledger *ledger = NULL;
	struct bw_undo_sum sum = { 0 };
	struct bw_why why = { 0 };
	const char *name = bw_call_text(restore->call, "undo");
	enum bw_err err = bw_undo_named(&undo, name);

	if (err == BW_ERR_CONFLICT)
		return undone_before(restore, &undo);
	if (err == BW_ERR_NOT_FOUND)
		return bw_complain(restore->call, BW_EXIT_FAILED, NULL, "nothing is left to undo");
	if (err != BW_OK)
		return bw_complain(restore->call, BW_EXIT_USAGE, NULL, "there is no restore '%s' to undo", name);
	if (only || !bw_call_flag(restore->call, "yes")) {
		err = bw_undo_run(&undo, &sum, &why);
		if (err != BW_OK)
			return complain(restore, err, &why);
		if (only)
			return tell_undone(restore, &undo, &sum);
		if (!bw_call_json(restore->call)) /* one object, at the end */
			(void)tell_undone(restore, &undo, &sum);
		if (!confirmed(restore))
			return BW_EXIT_USAGE;
	}
	undo.dry_run = false;
	err = announce(restore, &ledger, &why);
	if (err == BW_OK)
		err = bw_undo_run(&undo, &sum, &why);
	if (err == BW_OK)
		err = conclude(restore, ledger, &nothing, &why);
	if (err == BW_OK && sum.undone > 0)
		err = reopen(restore, ledger, &sum, &why);
	bw_ledger_close(ledger);
	return err == BW_OK ? tell_undone(restore, &undo, &sum) : complain(restore, err, &why);
}

/*
 * What the attacker did last may be on its way from the kernel to the ledger and the catalogues: the guard is asked to
 * take it all in first. When it cannot, what is known now comes back, and the incident stays open.
 */
static void settle(struct restore *restore)
{
	const enum bw_err err = bw_ask_settle(restore->data);

	if (err == BW_OK || err == BW_ERR_NOT_FOUND)
		return;
	restore->is_part = true;
	(void)bw_complain(restore->call, BW_EXIT_OK, "restore once more when the guard has caught up",
			  "the guard did not say that it has seen the newest changes: %s", bw_err_text(err));
}

/* What is asked for by path must be there; of an incident comes back what is there, and it stays open. */
static enum bw_err look_who_is_away(struct restore *restore, struct bw_why *why)
{
	const char *tree = bw_call_text(restore->call, "tree");
	const char *asked = tree != NULL ? tree : bw_call_text(restore->call, "file");
	char path[BW_PATH_BYTES];

	if (restore->settings.away_count == 0)
		return BW_OK;
	if (asked != NULL) {
		BW_TRY(bw_restore_path(asked, path, why));
		return bw_plain_is_here(&restore->settings, path, why);
	}
	restore->is_part = true;
	bw_plain_say_away(restore->call, &restore->settings);
	return BW_OK;
}

static int restore_all(struct restore *restore)
{
	struct bw_ledger_restored sum;
	struct bw_why why = { 0 };
	enum bw_err err = bw_guard_settings_load(restore->data, &restore->arena, &restore->settings, &why);
	const bool asks = !bw_call_flag(restore->call, "yes") || bw_call_flag(restore->call, "dry-run");
	int exit;

	if (err == BW_OK)
		err = bw_volumes_open(&restore->settings, restore->volumes, &restore->volume_count, &why);
	if (err == BW_OK)
		err = look_who_is_away(restore, &why);
	if (err == BW_OK && bw_call_has(restore->call, "undo"))
		return undo(restore);
	if (err == BW_OK)
		settle(restore);
	if (err == BW_OK)
		err = bw_restore_plan_open(&restore->plan, restore->volumes, restore->volume_count, &why);
	if (err == BW_OK)
		err = restore_pick(restore, &why);
	if (err != BW_OK)
		return complain(restore, err, &why);
	if (asks) {
		const bool only = bw_call_flag(restore->call, "dry-run");

		run_steps(restore, true);
		bw_restore_plan_sum(&restore->plan, &sum);
		exit = restore_show(restore, &sum, !only);
		if (only || interrupted != 0)
			return exit;
		if (!confirmed(restore))
			return BW_EXIT_USAGE;
	}
	return carry_out(restore);
}

static bool is_asked_right(const struct bw_call *call)
{
	const int ways = (bw_call_has(call, "incident") ? 1 : 0) + (bw_call_has(call, "tree") ? 1 : 0) +
			 (bw_call_has(call, "file") ? 1 : 0) + (bw_call_has(call, "actor") ? 1 : 0) +
			 (bw_call_has(call, "undo") ? 1 : 0);

	if (ways == 1 && bw_call_has(call, "tree") == bw_call_has(call, "at") &&
	    (!bw_call_has(call, "version") || bw_call_has(call, "file")) &&
	    (!bw_call_has(call, "match") || !(bw_call_has(call, "file") || bw_call_has(call, "undo"))))
		return true;
	(void)bw_complain(call, BW_EXIT_USAGE, "breakwater guard incidents, breakwater guard versions FILE",
			  "say what to restore: --incident ID, --actor NAME, --tree DIR --at TIME, --file FILE, or "
			  "--undo ID");
	return false;
}

static int restore_run(struct bw_call *call)
{
	const struct sigaction on_interrupt = { .sa_handler = interrupt };
	struct restore *restore;
	int exit;

	if (!bw_plain_is_root(call, "only root may put back everybody's files"))
		return BW_EXIT_FAILED;
	if (!is_asked_right(call))
		return BW_EXIT_USAGE;
	restore = calloc(1, sizeof(*restore));
	if (restore == NULL)
		return bw_complain(call, BW_EXIT_FAILED, NULL, "out of memory");
	restore->call = call;
	restore->data = bw_call_data(call);
	restore->arena = BW_ARENA_INIT(SETTINGS_MEMORY);
	(void)sigaction(SIGINT, &on_interrupt, NULL);
	(void)sigaction(SIGTERM, &on_interrupt, NULL);
	exit = restore_all(restore);
	bw_channel_free(restore->channel);
	bw_restore_plan_release(&restore->plan);
	bw_volumes_release(restore->volumes, restore->volume_count);
	bw_arena_release(&restore->arena);
	free(restore);
	return exit;
}

static const struct bw_option restore_options[] = {
	{ .name = "incident",
	  .kind = BW_OPT_TEXT,
	  .value_name = "ID",
	  .help = "bring back what an incident destroyed; \"last\" is the newest that is open" },
	{ .name = "actor",
	  .kind = BW_OPT_TEXT,
	  .value_name = "NAME",
	  .help = "bring back what all open incidents of somebody destroyed: a user or an address as Samba knows them, "
		  "a "
		  "program's name, or the number of a local user" },
	{ .name = "match",
	  .kind = BW_OPT_TEXT,
	  .value_name = "PATTERN",
	  .help = "only files of which name, or whole path when the pattern has a slash, fits; the incident stays "
		  "open" },
	{ .name = "tree",
	  .kind = BW_OPT_TEXT,
	  .value_name = "DIR",
	  .help = "bring back all below a folder, as at --at" },
	{ .name = "at",
	  .kind = BW_OPT_TEXT,
	  .value_name = "TIME",
	  .help = "'2026-11-23 14:00:00' (local time), 2026-11-23T14:00:00Z, or how long ago: 90m, 2h, 3d" },
	{ .name = "file", .kind = BW_OPT_TEXT, .value_name = "FILE", .help = "bring back one file" },
	{ .name = "version",
	  .kind = BW_OPT_NUM,
	  .min = 1,
	  .max = INT64_MAX,
	  .help = "which version of the file (guard versions FILE); without it the newest good one" },
	{ .name = "undo",
	  .kind = BW_OPT_TEXT,
	  .value_name = "ID",
	  .help = "undo a restore: the number it told, or \"last\"; what somebody changed since stays as it is" },
	{ .name = "dry-run", .kind = BW_OPT_FLAG, .help = "say what would be done, and change nothing" },
	{ .name = "yes", .kind = BW_OPT_FLAG, .help = "do it without asking" },
	{ 0 },
};

const struct bw_command bw_guard_restore_command = {
	.name = "restore",
	.summary = "bring files back",
	.usage = "--incident ID|--actor NAME|--tree DIR --at TIME|--file FILE|--undo ID [--match PATTERN] [--dry-run] "
		 "[--yes]",
	.details =
		"Shows what it will do, asks, does it and reads every byte again. Of an incident come back: the files "
		"that were destroyed, those its actor deleted, the folders he removed, and the times of the folders. "
		"What he made (encrypted copies, notes) is moved aside; what somebody else made or wrote since stays. "
		"A file that its user called otherwise since comes back under its new name. Nothing is lost: a later "
		"edit "
		"is kept beside the file, everything else that stood in the way is moved aside, into the folder "
		"(.breakwater-guard/displaced) that is told at the end, and --undo undoes it. A running guard is told, "
		"so that it does not take this for an attack; "
		"an incident of which every file is back is closed.\n"
		"Exit status 1 says that something could not be restored, and the reasons are named. Ended in the "
		"middle, it can be begun again.",
	.options = restore_options,
	.max_args = 0,
	.run = restore_run,
};
