/* `breakwater guard restore`: files come back, as they were before an incident, at a time, or one by one. */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/num.h"
#include "base/progress.h"
#include "base/text.h"
#include "codec/json_text.h"
#include "guard/ask.h"
#include "guard/incident.h"
#include "guard/plain.h"
#include "guard/record.h"
#include "guard/restore_plan.h"
#include "guard/volumes.h"
#include "sys/clock.h"
#include "sys/files.h"

enum {
	SETTINGS_MEMORY = 16 * 1024 * 1024,
	PAGE_BYTES = 1024 * 1024 * 1024,
	SHOWN = 20,                  /* steps that a dry run shows one by one, and failures */
	GOOD_AFTER_US = 2 * 1000000, /* from the last evidence until the actor is surely stopped */
	ANSWER_BYTES = 16,
};

struct restore {
	struct bw_call *call;
	const char *data;
	struct bw_arena arena;
	struct bw_guard_settings settings;
	struct bw_volume volumes[BW_VOLUMES_MAX];
	size_t volume_count;
	struct bw_restore_plan plan;
	uint64_t incident; /* 0: of none */
	bool dry_run;
	struct bw_channel *channel; /* to the running guard; NULL: none runs */
	struct bw_progress progress;
};

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

/* ---- what is meant --------------------------------------------------------------------------- */

struct naming {
	struct bw_restore_plan *plan;
	uint64_t incident;
};

/* Every file that the judge's records of the incident name. */
static enum bw_err name_files(void *context, const struct bw_ledger_record *row)
{
	static struct bw_record record; /* large */
	const struct naming *naming = context;

	if (row->kind != BW_LEDGER_EVIDENCE || row->incident != naming->incident)
		return BW_OK;
	if (bw_record_parse(row->body, &record) != BW_OK)
		return BW_OK; /* a newer one's; what is pinned counts */
	for (size_t i = 0; i < record.count; i++) {
		const struct bw_proof *proof = &record.proofs[i].proof;

		if (proof->version != 0)
			BW_TRY(bw_restore_plan_named(naming->plan, &proof->file, proof->version));
		if (proof->made.ino != 0)
			BW_TRY(bw_restore_plan_named(naming->plan, &proof->made, 0));
	}
	return BW_OK;
}

static enum bw_err plan_incident(struct restore *restore, const char *name, struct bw_why *why)
{
	BW_CLEANUP(bw_incidents_release) struct bw_incidents incidents = { 0 };
	struct naming naming = { .plan = &restore->plan };
	const struct bw_incident *incident;
	struct bw_ledger_seen seen;
	enum bw_err err;

	BW_TRY(bw_incidents_load(restore->data, &incidents, why));
	err = bw_incidents_named(&incidents, name, &incident);
	if (err == BW_ERR_SYNTAX)
		return bw_why_set(why, err, "'%s' is neither an incident's number nor \"last\"", name);
	if (err != BW_OK)
		return bw_why_set(why, err, "there is no such incident: '%s'", name);
	restore->incident = naming.incident = incident->id;
	if (incident->evidence_us != 0)
		restore->plan.good_after_us = incident->evidence_us + GOOD_AFTER_US;
	BW_TRY(bw_ledger_read(restore->data, name_files, &naming, &seen, why));
	return bw_restore_plan_incident(&restore->plan, incident->id, why);
}

/* "2026-11-23T01:04:00Z", or how long ago: "90m", "2h", "3d". */
static enum bw_err take_time(const char *text, int64_t *out_us, struct bw_why *why)
{
	const size_t len = strlen(text);
	uint64_t count;
	int64_t unit;

	if (bw_time_parse_any(bw_slice_text(text), out_us) == BW_OK)
		return BW_OK;
	unit = len < 2 ? 0 : text[len - 1] == 'm' ? 60 : text[len - 1] == 'h' ? 3600 : text[len - 1] == 'd' ? 86400 : 0;
	if (unit == 0 || bw_parse_u64(bw_slice_of(text, len - 1), &count) != BW_OK || count > 366 * 24 * 60)
		return bw_why_set(why, BW_ERR_USAGE,
				  "'%s' is no time: 2026-11-23T14:00:00Z, or how long ago, as 90m, 2h or 3d", text);
	*out_us = bw_clock_now_us() - (int64_t)count * unit * 1000000;
	return BW_OK;
}

static enum bw_err plan_steps(struct restore *restore, struct bw_why *why)
{
	const struct bw_call *call = restore->call;
	char path[PATH_MAX];
	int64_t at_us;

	if (bw_call_has(call, "incident"))
		return plan_incident(restore, bw_call_text(call, "incident"), why);
	if (bw_call_has(call, "file")) {
		BW_TRY(bw_restore_path(bw_call_text(call, "file"), path, why));
		return bw_restore_plan_file(&restore->plan, path,
					    bw_call_has(call, "version") ? (uint64_t)bw_call_num(call, "version") : 0,
					    why);
	}
	BW_TRY(take_time(bw_call_text(call, "at"), &at_us, why));
	BW_TRY(bw_restore_path(bw_call_text(call, "tree"), path, why));
	return bw_restore_plan_tree(&restore->plan, path, at_us, why);
}

/* ---- saying it ------------------------------------------------------------------------------------ */

static const char *step_words(const struct bw_step *step, bool dry_run)
{
	if (step->err != BW_OK)
		return "FAILED";
	if (step->kind == BW_STEP_DISPLACE)
		return dry_run ? "would be moved into the store" : "moved into the store";
	return bw_restored_words((enum bw_restored)step->what);
}

static enum bw_err add_path(struct bw_buf *out, const struct restore *restore, const struct bw_step *step)
{
	const char *mount = restore->volumes[step->volume].mount;

	BW_TRY(bw_buf_add_text(out, strcmp(mount, "/") == 0 ? "" : mount));
	BW_TRY(bw_buf_add_u8(out, '/'));
	return bw_buf_add_text(out, step->path);
}

static enum bw_err json_step(struct bw_buf *out, const struct restore *restore, const struct bw_step *step)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf path = BW_BUF_INIT(PAGE_BYTES);

	BW_TRY(add_path(&path, restore, step));
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_text(out, "path", bw_buf_slice(&path)));
	BW_TRY(bw_json_add_text(out, "result", bw_slice_text(step_words(step, restore->dry_run))));
	if (step->kind == BW_STEP_BRING_BACK)
		BW_TRY(bw_json_add_num(out, "version", (int64_t)step->version));
	if (step->word != NULL)
		BW_TRY(bw_json_add_text(out, step->err != BW_OK ? "why" : "beside", bw_slice_text(step->word)));
	return bw_buf_add_u8(out, '}');
}

static enum bw_err json_all(struct bw_buf *out, const struct restore *restore, const struct bw_ledger_restored *sum)
{
	BW_TRY(bw_buf_add_u8(out, '{'));
	if (restore->incident != 0)
		BW_TRY(bw_json_add_num(out, "incident", (int64_t)restore->incident));
	BW_TRY(bw_json_add_bool(out, "dry_run", restore->dry_run));
	BW_TRY(bw_json_add_num(out, "steps", (int64_t)restore->plan.count));
	BW_TRY(bw_json_add_num(out, "restored", (int64_t)sum->files));
	BW_TRY(bw_json_add_num(out, "unchanged", (int64_t)sum->unchanged));
	BW_TRY(bw_json_add_num(out, "kept_beside", (int64_t)sum->beside));
	BW_TRY(bw_json_add_num(out, "displaced", (int64_t)sum->displaced));
	BW_TRY(bw_json_add_num(out, "failed", (int64_t)sum->failed));
	BW_TRY(bw_json_add_num(out, "bytes", (int64_t)sum->bytes));
	BW_TRY(bw_json_add_name(out, "files"));
	BW_TRY(bw_buf_add_u8(out, '['));
	for (size_t i = 0; i < restore->plan.count; i++) {
		if (i > 0)
			BW_TRY(bw_buf_add_u8(out, ','));
		BW_TRY(json_step(out, restore, &restore->plan.steps[i]));
	}
	return bw_buf_add_text(out, "]}");
}

static void print_step(const struct restore *restore, const struct bw_step *step)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf path = BW_BUF_INIT(PAGE_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(PAGE_BYTES);

	if (add_path(&path, restore, step) != BW_OK || bw_text_escape(&line, bw_buf_slice(&path)) != BW_OK)
		return;
	(void)printf("  %s: %s", bw_buf_text(&line), step_words(step, restore->dry_run));
	if (step->word == NULL) {
		(void)putchar('\n');
		return;
	}
	bw_buf_clear(&line);
	bw_err_drop(bw_text_escape(&line, bw_slice_text(step->word))); /* without it the line says enough */
	(void)printf(step->err != BW_OK ? ": %s\n" : " as '%s'\n", bw_buf_text(&line));
}

/* Failures first, each; of the rest, the first few when it is a dry run. */
static void print_steps(const struct restore *restore, bool failures, size_t most)
{
	size_t shown = 0;
	size_t more = 0;

	for (size_t i = 0; i < restore->plan.count; i++) {
		const struct bw_step *step = &restore->plan.steps[i];

		if ((step->err != BW_OK) != failures ||
		    (!failures && step->kind == BW_STEP_BRING_BACK && step->what == BW_RESTORED_SAME))
			continue;
		if (shown == most) {
			more++;
			continue;
		}
		print_step(restore, step);
		shown++;
	}
	if (more > 0)
		(void)printf("  and %zu more (--format json names all)\n", more);
}

static void print_sum(const struct restore *restore, const struct bw_ledger_restored *sum)
{
	const bool dry = restore->dry_run;
	char size[BW_PLAIN_BYTES];

	(void)printf("%s %llu files, %s", dry ? "Would bring back" : "Brought back", (unsigned long long)sum->files,
		     bw_plain_size(sum->bytes, size));
	(void)printf("; %llu are as they should be", (unsigned long long)sum->unchanged);
	if (sum->beside > 0)
		(void)printf("; of %llu a later edit %s kept beside", (unsigned long long)sum->beside,
			     dry ? "would be" : "was");
	if (sum->displaced > 0)
		(void)printf("; %llu files that do not belong there %s moved into the store",
			     (unsigned long long)sum->displaced, dry ? "would be" : "were");
	(void)printf("; %llu could not be restored\n", (unsigned long long)sum->failed);
}

static int show(const struct restore *restore, const struct bw_ledger_restored *sum, bool asked)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf page = BW_BUF_INIT(PAGE_BYTES);
	enum bw_err err;

	if (bw_call_json(restore->call)) {
		if (asked)
			return BW_EXIT_OK; /* one object, at the end */
		err = json_all(&page, restore, sum);
		if (bw_plain_json(restore->call, err, &page) != BW_EXIT_OK)
			return BW_EXIT_FAILED;
	} else {
		print_sum(restore, sum);
		if (restore->dry_run)
			print_steps(restore, false, SHOWN);
		print_steps(restore, true, SIZE_MAX);
	}
	return sum->failed > 0 ? BW_EXIT_FOUND : BW_EXIT_OK;
}

/* ---- doing it --------------------------------------------------------------------------------------- */

static bool see(void *context, size_t done)
{
	struct restore *restore = context;

	bw_progress_at(&restore->progress, done);
	return interrupted == 0;
}

static void run_steps(struct restore *restore, bool dry_run)
{
	restore->dry_run = dry_run;
	bw_progress_begin(&restore->progress, dry_run ? "looking" : "restoring", "files", restore->plan.count, false);
	bw_restore_plan_run(&restore->plan, dry_run, see, restore);
	bw_progress_end(&restore->progress);
	if (dry_run)
		return;
	bw_progress_begin(&restore->progress, "checking", "files", restore->plan.count, false);
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
				  "nothing was restored: nobody is there to confirm");
		return false;
	}
	(void)printf("Type yes to do it: ");
	(void)fflush(stdout);
	if (fgets(answer, sizeof(answer), stdin) != NULL && strcmp(answer, "yes\n") == 0)
		return true;
	(void)puts("Nothing was changed.");
	return false;
}

/* The running guard steps aside; without one the ledger is written here. */
static enum bw_err announce(struct restore *restore, struct bw_ledger **out_ledger, struct bw_why *why)
{
	enum bw_err err = bw_ask_open(restore->data, &restore->channel);

	if (err == BW_OK)
		return bw_ask_decision(restore->channel, BW_ASK_RESTORE_BEGINS, restore->incident, why);
	if (err != BW_ERR_NOT_FOUND)
		return bw_why_set(why, err, "cannot ask the running guard to step aside: %s", bw_err_text(err));
	BW_TRY(bw_ledger_open(restore->data, out_ledger, why));
	return bw_ledger_append(*out_ledger, BW_LEDGER_RESTORING, restore->incident, bw_slice_empty);
}

/* Without a guard, nobody else unpins what the incident held. */
static enum bw_err unpin(struct restore *restore)
{
	for (size_t i = 0; i < restore->volume_count; i++) {
		struct bw_shadow *shadow;
		enum bw_err err;

		bw_shadow_close(restore->plan.shadows[i]);
		restore->plan.shadows[i] = NULL;
		BW_TRY(bw_shadow_open(&restore->volumes[i], false, &shadow, NULL));
		err = bw_shelf_unpin_all(bw_shadow_shelf(shadow), restore->incident);
		if (err == BW_OK)
			err = bw_shadow_sync(shadow);
		bw_shadow_close(shadow);
		BW_TRY(err);
	}
	return BW_OK;
}

static enum bw_err conclude(struct restore *restore, struct bw_ledger *ledger, const struct bw_ledger_restored *sum,
			    struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_LEDGER_RESTORED_BYTES);
	const bool close = restore->incident != 0 && sum->failed == 0;

	if (restore->channel != NULL)
		return bw_ask_restore_ends(restore->channel, restore->incident, close, sum, why);
	BW_TRY(bw_ledger_restored_write(sum, &body));
	BW_TRY(bw_ledger_append(ledger, BW_LEDGER_RESTORED, restore->incident, bw_buf_slice(&body)));
	if (close)
		BW_TRY(bw_ledger_append(ledger, BW_LEDGER_CLOSED, restore->incident, BW_LIT("every file is back")));
	BW_TRY(bw_ledger_sync(ledger));
	return close ? unpin(restore) : BW_OK;
}

static int complain(const struct restore *restore, enum bw_err err, const struct bw_why *why)
{
	const char *next = NULL;

	if (err == BW_ERR_NOT_FOUND && bw_call_has(restore->call, "incident"))
		next = "breakwater guard incidents lists them";
	else if (err == BW_ERR_BUSY)
		next = "wait for the other restore or enrolment to end";
	return bw_complain(restore->call, err == BW_ERR_USAGE || err == BW_ERR_SYNTAX ? BW_EXIT_USAGE : BW_EXIT_FAILED,
			   next, "%s", why->text[0] != '\0' ? why->text : bw_err_text(err));
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
	run_steps(restore, false);
	bw_restore_plan_sum(&restore->plan, &sum);
	err = conclude(restore, ledger, &sum, &why);
	bw_ledger_close(ledger);
	exit = show(restore, &sum, false);
	if (err != BW_OK)
		return bw_complain(restore->call, BW_EXIT_FOUND, NULL,
				   "the files are as told above, but the end was not written down: %s",
				   why.text[0] != '\0' ? why.text : bw_err_text(err));
	return exit;
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
		err = bw_restore_plan_open(&restore->plan, restore->volumes, restore->volume_count, &why);
	if (err == BW_OK)
		err = plan_steps(restore, &why);
	if (err != BW_OK)
		return complain(restore, err, &why);
	if (asks) {
		const bool only = bw_call_flag(restore->call, "dry-run");

		run_steps(restore, true);
		bw_restore_plan_sum(&restore->plan, &sum);
		exit = show(restore, &sum, !only);
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
			 (bw_call_has(call, "file") ? 1 : 0);

	if (ways == 1 && bw_call_has(call, "tree") == bw_call_has(call, "at") &&
	    (!bw_call_has(call, "version") || bw_call_has(call, "file")))
		return true;
	(void)bw_complain(call, BW_EXIT_USAGE, "breakwater guard incidents, breakwater guard versions FILE",
			  "say what to restore: --incident ID, --tree DIR --at TIME, or --file FILE");
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
	{ .name = "tree",
	  .kind = BW_OPT_TEXT,
	  .value_name = "DIR",
	  .help = "bring back all below a folder, as at --at" },
	{ .name = "at",
	  .kind = BW_OPT_TEXT,
	  .value_name = "TIME",
	  .help = "2026-11-23T14:00:00Z, or how long ago: 90m, 2h, 3d" },
	{ .name = "file", .kind = BW_OPT_TEXT, .value_name = "FILE", .help = "bring back one file" },
	{ .name = "version",
	  .kind = BW_OPT_NUM,
	  .min = 1,
	  .max = INT64_MAX,
	  .help = "which version of the file (guard versions FILE); without it the newest good one" },
	{ .name = "dry-run", .kind = BW_OPT_FLAG, .help = "say what would be done, and change nothing" },
	{ .name = "yes", .kind = BW_OPT_FLAG, .help = "do it without asking" },
	{ 0 },
};

const struct bw_command bw_guard_restore_command = {
	.name = "restore",
	.summary = "bring files back",
	.usage = "--incident ID|--tree DIR --at TIME|--file FILE [--dry-run] [--yes]",
	.details =
		"Shows what it will do, asks, does it and reads every byte again. Nothing is lost by it: a later edit "
		"is kept beside the file, everything else that stood in the way is moved into the store "
		"(.breakwater-guard/displaced). A running guard is told, so that it does not take this for an attack; "
		"an incident of which every file is back is closed.\n"
		"Exit status 1 says that something could not be restored, and the reasons are named. Ended in the "
		"middle, it can be begun again.",
	.options = restore_options,
	.max_args = 0,
	.run = restore_run,
};
