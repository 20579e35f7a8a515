/* `breakwater guard enroll`: a folder gets its first standing copies. */
#include <ctype.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/command.h"
#include "base/progress.h"
#include "codec/json_text.h"
#include "guard/ask.h"
#include "guard/bait.h"
#include "guard/enroll.h"
#include "guard/enroll_wish.h"
#include "guard/start_book.h"
#include "guard/plain.h"
#include "guard/sampler_child.h"
#include "guard/volumes.h"
#include "sys/clock.h"

enum {
	SETTINGS_MEMORY = 16 * 1024 * 1024,
	COMMIT_FILES = 16384,
	COMMIT_US = 1000 * 1000,
	SYNC_BYTES = 16 * 1024 * 1024,
	SETTLE_MS = 30000,
	NAMED_MOST = 10, /* refused files that are named one by one */
	ANSWER_BYTES = 64,
	ASKED_MOST = 3,
};

struct enroll {
	struct bw_call *call;
	const char *data;
	struct bw_arena arena;
	struct bw_guard_settings settings;
	bool is_first;
	size_t volume_count;
	struct bw_volume volumes[BW_VOLUMES_MAX];
	struct bw_enroll_count counts[BW_VOLUMES_MAX];
	uint64_t files; /* of all volumes, counted */
	struct bw_sampler_child sampler;
	struct bw_index *index;
	struct bw_copier *copier;
	struct bw_progress progress;
	struct bw_start_own own;
	int lock;
	/* of the volume at work */
	struct bw_shadow *shadow;
	uint64_t done_before;
	uint64_t committed;    /* taken when it was last committed */
	uint64_t synced_bytes; /* taken when a sync was last begun */
	int64_t committed_us;
	uint64_t named;
};

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

static int fail(const struct enroll *enroll, const char *next, const struct bw_why *why, enum bw_err err)
{
	return bw_complain(enroll->call, BW_EXIT_FAILED, next, "%s",
			   why->text[0] != '\0' ? why->text : bw_err_text(err));
}

static int load(struct enroll *enroll)
{
	struct bw_why why = { 0 };
	enum bw_err err = bw_guard_settings_load(enroll->data, &enroll->arena, &enroll->settings, &why);

	enroll->is_first = err == BW_ERR_NOT_FOUND;
	if (err != BW_OK && err != BW_ERR_NOT_FOUND)
		return fail(enroll, NULL, &why, err);
	if (enroll->is_first)
		enroll->settings = (struct bw_guard_settings){ .enrolled_us = bw_clock_now_us() };
	return bw_enroll_wish(enroll->call, &enroll->arena, &enroll->settings);
}

/* ---- what it will cost ---------------------------------------------------------------------------------- */

static enum bw_err see_count(void *context, uint64_t files)
{
	struct enroll *enroll = context;

	bw_progress_at(&enroll->progress, enroll->files + files);
	return interrupted != 0 ? BW_ERR_CLOSED : BW_OK;
}

static enum bw_err count_all(struct enroll *enroll, struct bw_why *why)
{
	enum bw_err err = BW_OK;

	bw_progress_begin(&enroll->progress, "counting", "files", 0, bw_call_flag(enroll->call, "quiet"));
	for (size_t i = 0; i < enroll->volume_count && err == BW_OK; i++) {
		err = bw_enroll_count(&enroll->volumes[i], &enroll->settings, see_count, enroll, &enroll->counts[i],
				      why);
		enroll->files += enroll->counts[i].files;
	}
	bw_progress_end(&enroll->progress);
	return err;
}

static void say_gaps(const struct bw_enroll_count *count)
{
	if (count->submounts > 0)
		(void)printf(
			"    not guarded by this: %llu other file system%s below it, first '%s'; enroll them by name\n",
			(unsigned long long)count->submounts, count->submounts == 1 ? "" : "s", count->first_submount);
	if (count->skipped > 0)
		(void)printf("    not guarded: %llu folder%s that cannot be entered, first '%s'\n",
			     (unsigned long long)count->skipped, count->skipped == 1 ? "" : "s", count->first_skipped);
	if (count->too_big > 0)
		(void)printf("    watched, but not copied: %llu file%s larger than --largest, %llu MiB in all\n",
			     (unsigned long long)count->too_big, count->too_big == 1 ? "" : "s",
			     (unsigned long long)(count->too_big_bytes / BW_MIB));
}

/* One number for all file systems is easily too large for one of them. */
static void say_quota_taken(const struct bw_guard_settings *settings, const struct bw_enroll_room *room)
{
	if (settings->quota_bytes > room->size)
		(void)printf("    the quota of %llu MiB is more than this file system holds: there %llu MiB are taken "
			     "instead, all of it (--quota counts for every guarded file system)\n",
			     (unsigned long long)(settings->quota_bytes / BW_MIB),
			     (unsigned long long)(room->size / BW_MIB));
}

static void say_cost(const struct bw_volume *volume, const struct bw_enroll_count *count,
		     const struct bw_enroll_cost *cost, const struct bw_enroll_room *room)
{
	(void)printf("%s (%s): %s\n", volume->mount, volume->type, bw_strategy_words(volume->strategy));
	(void)printf("    %llu files in %llu folders, %llu MiB\n", (unsigned long long)count->files,
		     (unsigned long long)count->folders, (unsigned long long)(count->bytes / BW_MIB));
	(void)printf("    standing copies: about %llu MiB and %llu inodes, %llu s\n",
		     (unsigned long long)(cost->bytes / BW_MIB), (unsigned long long)cost->inodes,
		     (unsigned long long)cost->seconds);
	(void)printf("    quota %llu MiB", (unsigned long long)(room->quota / BW_MIB));
	if (room->inode_quota != UINT64_MAX)
		(void)printf(" and %llu inodes", (unsigned long long)room->inode_quota);
	(void)printf("; free %llu MiB; kept now %llu MiB\n", (unsigned long long)(room->free / BW_MIB),
		     (unsigned long long)(room->kept / BW_MIB));
	say_gaps(count);
}

static int weigh(struct enroll *enroll)
{
	struct bw_why why = { 0 };

	for (size_t i = 0; i < enroll->volume_count; i++) {
		struct bw_enroll_cost cost;
		struct bw_enroll_room room;
		enum bw_err err = bw_enroll_room(&enroll->volumes[i], &enroll->settings, &room, &why);

		if (err != BW_OK)
			return fail(enroll, NULL, &why, err);
		bw_enroll_cost(&enroll->counts[i], enroll->volumes[i].strategy, &cost);
		if (!bw_call_json(enroll->call)) {
			say_cost(&enroll->volumes[i], &enroll->counts[i], &cost, &room);
			say_quota_taken(&enroll->settings, &room);
		}
		err = bw_enroll_fits(&cost, &room, enroll->volumes[i].mount, &why);
		if (err != BW_OK)
			return fail(enroll,
				    "leave something out ('breakwater guard exclude', --largest SIZE), or allow more "
				    "(--quota SIZE, --inodes NUMBER); nothing was changed",
				    &why, err);
	}
	return BW_EXIT_OK;
}

/* ---- questions ---------------------------------------------------------------------------------------------- */

/* One line without what surrounds its words; false: there is none. What is too long for an answer is none. */
static bool read_answer(char answer[ANSWER_BYTES])
{
	size_t from = 0;
	size_t len;
	int c;

	if (fgets(answer, ANSWER_BYTES, stdin) == NULL)
		return false;
	len = strlen(answer);
	if (len > 0 && answer[len - 1] != '\n') {
		while ((c = getchar()) != EOF && c != '\n')
			;
	}
	while (len > 0 && isspace((unsigned char)answer[len - 1]))
		answer[--len] = '\0';
	while (isspace((unsigned char)answer[from]))
		from++;
	memmove(answer, answer + from, len - from + 1);
	return true;
}

/* A line that can be given as it stands. */
static void say_how_to_choose(const struct enroll *enroll)
{
	(void)fputs("    breakwater guard enroll --mode hold", stdout);
	if (bw_call_has(enroll->call, "data"))
		(void)printf(" --data '%s'", enroll->data);
	(void)printf(" '%s'\n", bw_call_arg(enroll->call, 0));
}

/* Only on a terminal, only when nobody said it before. Unset is an answer too: see `guard run`. */
static void ask_mode(struct enroll *enroll)
{
	char answer[ANSWER_BYTES];

	if (!enroll->is_first || enroll->settings.mode != BW_MODE_UNSET || isatty(STDIN_FILENO) != 1 ||
	    bw_call_json(enroll->call))
		return;
	(void)printf("What shall the guard do when somebody destroys known-good files?\n"
		     "    observe   report it, and stop nobody\n"
		     "    hold      freeze the actor until you decide\n"
		     "    enforce   stop the actor at once\n"
		     "    (Enter)   stop it when many files are destroyed; report the rest during the first day\n"
		     "mode: ");
	for (unsigned asked = 0; asked < ASKED_MOST; asked++) {
		(void)fflush(stdout);
		if (!read_answer(answer) || answer[0] == '\0')
			return;
		enroll->settings.mode = bw_guard_mode_of(answer);
		if (enroll->settings.mode != BW_MODE_UNSET)
			return;
		(void)printf("'%s' is none of them.%s", answer, asked + 1 < ASKED_MOST ? "\nmode: " : "");
	}
	(void)puts(" None is chosen now, as for Enter; to choose one later:");
	say_how_to_choose(enroll);
}

/* Copies guard without it; it makes attackers known a file or two earlier, and people see it. So no is the answer. */
static bool wants_bait(const struct enroll *enroll)
{
	char answer[ANSWER_BYTES];

	if (bw_call_flag(enroll->call, "bait"))
		return true;
	if (!enroll->is_first || isatty(STDIN_FILENO) != 1 || bw_call_json(enroll->call))
		return false;
	(void)printf(
		"Lay bait files? They look like the files beside them, one for each 50, and whoever destroys one is\n"
		"known a little earlier. People will see them, so tell them first. 'breakwater guard bait remove'\n"
		"takes them away again. (y or Enter for no): ");
	(void)fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

/* What goes wrong with it keeps nobody from being guarded. */
static void lay_bait(struct enroll *enroll)
{
	const bool is_quiet = bw_call_flag(enroll->call, "quiet") || bw_call_json(enroll->call);
	const char *dirs[BW_TREES_MAX];
	size_t count = 0;

	for (size_t i = 0; i < bw_call_args(enroll->call) && count < BW_TREES_MAX; i++) {
		char path[PATH_MAX];
		struct bw_slice copy;

		if (realpath(bw_call_arg(enroll->call, i), path) != NULL &&
		    bw_arena_copy(&enroll->arena, bw_slice_text(path), &copy) == BW_OK)
			dirs[count++] = (const char *)copy.ptr;
	}
	(void)bw_bait_lay_in(enroll->data, &enroll->settings, dirs, count, is_quiet);
}

/* ---- one volume ------------------------------------------------------------------------------------------------ */

/* The disk writes while more is read: else all would wait for it at the end. */
static enum bw_err sync_beside(struct enroll *enroll, uint64_t taken_bytes)
{
	bool busy = false;

	BW_TRY(bw_shadow_sync_go_on(enroll->shadow, &busy));
	if (busy || taken_bytes - enroll->synced_bytes < SYNC_BYTES)
		return BW_OK;
	enroll->synced_bytes = taken_bytes;
	return bw_shadow_sync_begin(enroll->shadow, -1);
}

static enum bw_err between(void *context, const struct bw_gathered *so_far)
{
	struct enroll *enroll = context;

	if (interrupted != 0)
		return BW_ERR_CLOSED;
	if (so_far->seen % 64 != 0)
		return BW_OK;
	bw_progress_at(&enroll->progress, enroll->done_before + so_far->seen);
	BW_TRY(sync_beside(enroll, so_far->taken_bytes));
	if (so_far->taken - enroll->committed < COMMIT_FILES && bw_clock_mono_us() - enroll->committed_us < COMMIT_US)
		return BW_OK;
	enroll->committed = so_far->taken;
	enroll->committed_us = bw_clock_mono_us();
	return bw_shadow_commit(enroll->shadow);
}

static void name_refused(void *context, const char *path, enum bw_err err, bool submount)
{
	struct enroll *enroll = context;

	if (submount || err == BW_ERR_TOO_BIG || enroll->named++ >= NAMED_MOST) /* these were told with the cost */
		return;
	bw_progress_end(&enroll->progress);
	(void)bw_complain(enroll->call, BW_EXIT_OK, NULL, "cannot keep '%s': %s", path, bw_err_text(err));
}

static enum bw_err open_store(struct enroll *enroll, const struct bw_volume *volume, struct bw_why *why)
{
	const enum bw_err err = bw_shadow_create(volume, why);

	if (err != BW_OK && err != BW_ERR_EXISTS)
		return err;
	BW_TRY(bw_copier_open(enroll->copier, volume, why));
	enroll->shadow = bw_copier_shadow(enroll->copier, volume->number);
	enroll->committed = 0;
	enroll->synced_bytes = 0;
	enroll->committed_us = bw_clock_mono_us();
	return BW_OK;
}

/* Whatever ended the walk: what was taken is good, and stays. */
static enum bw_err finish(struct enroll *enroll, enum bw_err err)
{
	const enum bw_err settled = bw_copier_settle(enroll->copier, SETTLE_MS);
	const enum bw_err synced = bw_shadow_sync(enroll->shadow);

	if (err != BW_OK)
		return err;
	return settled != BW_OK ? settled : synced;
}

static enum bw_err write_json(struct bw_buf *out, const struct bw_volume *volume, const struct bw_gathered *g,
			      const struct bw_shelf_totals *totals, int64_t took_us)
{
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_text(out, "mount", bw_slice_text(volume->mount)));
	BW_TRY(bw_json_add_text(out, "type", bw_slice_text(volume->type)));
	BW_TRY(bw_json_add_text(out, "strategy",
				volume->strategy == BW_STRATEGY_REFLINK ? BW_LIT("reflink") : BW_LIT("copy")));
	BW_TRY(bw_json_add_num(out, "folders", (int64_t)g->folders));
	BW_TRY(bw_json_add_num(out, "files", (int64_t)g->seen));
	BW_TRY(bw_json_add_num(out, "taken", (int64_t)g->taken));
	BW_TRY(bw_json_add_num(out, "taken_bytes", (int64_t)g->taken_bytes));
	BW_TRY(bw_json_add_num(out, "unchanged", (int64_t)g->unchanged));
	BW_TRY(bw_json_add_num(out, "gone", (int64_t)g->gone));
	BW_TRY(bw_json_add_num(out, "too_big", (int64_t)g->too_big));
	BW_TRY(bw_json_add_num(out, "refused", (int64_t)(g->refused + g->skipped)));
	BW_TRY(bw_json_add_num(out, "submounts", (int64_t)g->submounts));
	BW_TRY(bw_json_add_num(out, "versions", (int64_t)totals->versions));
	BW_TRY(bw_json_add_num(out, "kept_bytes", (int64_t)totals->kept_bytes));
	BW_TRY(bw_json_add_num(out, "took_us", took_us));
	return bw_buf_add_text(out, "}\n");
}

static enum bw_err report(struct enroll *enroll, const struct bw_volume *volume, const struct bw_gathered *g,
			  int64_t took_us)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(64 * BW_KIB);
	struct bw_shelf_totals totals;
	const unsigned long long guarded = g->taken + g->unchanged;
	unsigned long long a_second;

	BW_TRY(bw_shelf_totals(bw_shadow_shelf(enroll->shadow), &totals));
	a_second = g->taken * 1000000 / (uint64_t)(took_us + 1);
	if (bw_call_json(enroll->call)) {
		BW_TRY(write_json(&line, volume, g, &totals, took_us));
		(void)fputs(bw_buf_text(&line), stdout);
		return BW_OK;
	}
	(void)printf("%s: %llu files guarded; %llu copied in %.1f s (%llu a second), %llu were as they had been, %llu "
		     "are gone; the copies take %llu MiB\n",
		     volume->mount, guarded, (unsigned long long)g->taken, (double)took_us / 1e6, a_second,
		     (unsigned long long)g->unchanged, (unsigned long long)g->gone,
		     (unsigned long long)(totals.kept_bytes / BW_MIB));
	return BW_OK;
}

static enum bw_err enroll_volume(struct enroll *enroll, const struct bw_volume *volume, struct bw_gathered *out,
				 struct bw_why *why)
{
	const struct bw_gather_plan plan = { .copier = enroll->copier,
					     .volume = volume,
					     .settings = &enroll->settings,
					     .between = between,
					     .refused = name_refused,
					     .context = enroll };
	const int64_t began_us = bw_clock_mono_us();
	enum bw_err err;

	BW_TRY(open_store(enroll, volume, why));
	err = finish(enroll, bw_gather(&plan, out, why));
	bw_progress_end(&enroll->progress);
	enroll->done_before += out->seen;
	if (err == BW_OK || err == BW_ERR_CLOSED)
		BW_TRY(report(enroll, volume, out, bw_clock_mono_us() - began_us));
	return err;
}

/* ---- all -------------------------------------------------------------------------------------------------------- */

static enum bw_err prepare(struct enroll *enroll, struct bw_why *why)
{
	struct bw_copier_plan plan = { .settings = &enroll->settings,
				       .samples = enroll->sampler.samples,
				       .features = enroll->sampler.features };
	uint64_t files = enroll->files;

	for (size_t i = 0; i < enroll->volume_count; i++) {
		struct bw_shelf_totals totals;
		struct bw_shadow *shadow;
		enum bw_err err = bw_shadow_open(&enroll->volumes[i], true, &shadow, why);

		if (err == BW_ERR_NOT_FOUND)
			continue;
		BW_TRY(err);
		err = bw_shelf_totals(bw_shadow_shelf(shadow), &totals);
		bw_shadow_close(shadow);
		BW_TRY(err);
		files += totals.files;
	}
	BW_TRY(bw_index_new((size_t)files, &enroll->index));
	plan.index = enroll->index;
	return bw_copier_new(&plan, &enroll->copier);
}

static int end_with(struct enroll *enroll, enum bw_err err, const struct bw_why *why)
{
	switch (err) {
	case BW_OK:
		return BW_EXIT_OK;
	case BW_ERR_CLOSED:
		return bw_complain(enroll->call, BW_EXIT_FAILED,
				   "say it again to go on: what is kept already is passed over", "interrupted");
	case BW_ERR_DISK_FULL:
		return bw_complain(enroll->call, BW_EXIT_FAILED,
				   "what was copied is kept; make room and say it again, or leave something out with "
				   "'breakwater guard exclude'",
				   "the file system is full");
	case BW_ERR_NOT_FOUND:
		return fail(enroll, "mount it, or end what was enrolled: breakwater guard unenroll DIR", why, err);
	case BW_ERR_BUSY:
		return fail(enroll, "another enrolment is going on there; wait for its end", why, err);
	default:
		return fail(enroll, NULL, why, err);
	}
}

static int copy_all(struct enroll *enroll)
{
	struct bw_why why = { 0 };
	bool all_kept = true;
	enum bw_err err = prepare(enroll, &why);
	int status;

	bw_progress_begin(&enroll->progress, "enrolling", "files", enroll->files, bw_call_flag(enroll->call, "quiet"));
	for (size_t i = 0; i < enroll->volume_count && err == BW_OK; i++) {
		struct bw_gathered gathered = { 0 };

		err = enroll_volume(enroll, &enroll->volumes[i], &gathered, &why);
		all_kept = all_kept && gathered.refused == 0 && gathered.skipped == 0;
	}
	bw_progress_end(&enroll->progress);
	status = end_with(enroll, err, &why);
	if (status == BW_EXIT_OK && !bw_call_flag(enroll->call, "quiet") && !bw_call_json(enroll->call))
		(void)printf("next: breakwater guard run, or the service breakwater-guard: what changes from now on is "
			     "copied while it runs\n");
	return status == BW_EXIT_OK && !all_kept ? BW_EXIT_FOUND : status;
}

/*
 * A guard runs on this data folder: it takes the trees in itself, and needs a store on each of their file systems
 * before.
 */
static int hand_over(struct enroll *enroll)
{
	struct bw_why why = { 0 };

	for (size_t i = 0; i < enroll->volume_count; i++) {
		const enum bw_err err = bw_shadow_create(&enroll->volumes[i], &why);

		if (err != BW_OK && err != BW_ERR_EXISTS)
			return fail(enroll, NULL, &why, err);
	}
	if (bw_ask_reload(enroll->data) != BW_OK)
		return bw_complain(enroll->call, BW_EXIT_FAILED, "start it again, or wait for the other enrolment",
				   "what was enrolled is written down, but the running guard does not answer");
	if (!bw_call_json(enroll->call))
		(void)printf("the running guard takes it in; how far it is: breakwater guard status\n");
	return BW_EXIT_OK;
}

static enum bw_err take_lock(struct enroll *enroll, struct bw_why *why)
{
	char path[BW_PATH_BYTES];

	BW_TRY(bw_path_join(path, enroll->data, "guard/lock"));
	return bw_lock_take(path, &enroll->lock, why);
}

/*
 * The settings are written first: an enrolment that is cut short is finished by the next start of the guard as well as
 * by saying it again.
 */
static int enroll_trees(struct enroll *enroll)
{
	struct bw_why why = { 0 };
	enum bw_err err = bw_volumes_open(&enroll->settings, enroll->volumes, &enroll->volume_count, &why);
	bool bait;
	int status;

	if (err == BW_OK)
		err = count_all(enroll, &why);
	if (err != BW_OK)
		return end_with(enroll, err, &why);
	bw_plain_say_away(enroll->call, &enroll->settings);
	status = weigh(enroll);
	if (status != BW_EXIT_OK || bw_call_flag(enroll->call, "dry-run"))
		return status;
	ask_mode(enroll);
	bait = wants_bait(enroll);
	bw_volumes_note(&enroll->settings, enroll->volumes, enroll->volume_count);
	err = bw_guard_settings_save(enroll->data, &enroll->settings, &why);
	if (err == BW_OK && bait) /* before the copies: they are files like others */
		lay_bait(enroll);
	if (err == BW_OK)
		err = take_lock(enroll, &why);
	if (err == BW_ERR_BUSY)
		return hand_over(enroll);
	if (err != BW_OK)
		return end_with(enroll, err, &why);
	bw_start_own_begin(enroll->data, enroll->volumes, enroll->volume_count, &enroll->own);
	return copy_all(enroll);
}

static int run_with(struct enroll *enroll)
{
	const struct sigaction action = { .sa_handler = interrupt };
	struct bw_why why = { 0 };
	enum bw_err err = bw_sampler_child_start(&enroll->sampler, &why);
	int status;

	if (err != BW_OK)
		return fail(enroll, NULL, &why, err);
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	status = load(enroll);
	return status == BW_EXIT_OK ? enroll_trees(enroll) : status;
}

static int enroll_run(struct bw_call *call)
{
	struct enroll *enroll;
	int status;

	if (geteuid() != 0)
		return bw_complain(call, BW_EXIT_FAILED, "run it as root",
				   "enrolling needs root: it keeps copies of everybody's files");
	enroll = calloc(1, sizeof(*enroll));
	if (enroll == NULL)
		return bw_complain(call, BW_EXIT_FAILED, NULL, "out of memory");
	*enroll = (struct enroll){
		.call = call, .data = bw_call_data(call), .arena = BW_ARENA_INIT(SETTINGS_MEMORY), .lock = -1
	};
	status = run_with(enroll);
	bw_copier_free(enroll->copier);
	bw_start_own_end(enroll->data, enroll->volumes, enroll->volume_count, &enroll->own);
	bw_index_free(enroll->index);
	bw_sampler_child_stop(&enroll->sampler);
	bw_volumes_release(enroll->volumes, enroll->volume_count);
	bw_arena_release(&enroll->arena);
	if (enroll->lock >= 0)
		(void)close(enroll->lock);
	free(enroll);
	return status;
}

const struct bw_command bw_guard_enroll_command = {
	.name = "enroll",
	.summary = "take folders under protection",
	.usage = "[--mode MODE] DIR...",
	.details =
		"Counts what lies below each DIR, says what standing copies of it will cost in time, bytes and inodes, "
		"and makes them, on the file system of DIR itself: as reflinks on XFS and Btrfs, which take next to "
		"nothing, as copies on ext4. Small files go into packs on all three. Said again, only what changed "
		"since is copied; interrupted, it goes on where it was.",
	.options = bw_enroll_options,
	.min_args = 1,
	.max_args = SIZE_MAX,
	.run = enroll_run,
};
