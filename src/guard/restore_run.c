/* Doing what is planned: new files in batches that share one sync, then what is moved away, then the folders. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guard/restore_folders.h"
#include "sys/beneath.h"

enum {
	ROW_BYTES = 2 * BW_SHELF_META_BYTES_MAX + 64 * 1024,
	BATCH = 128, /* new files that wait for one sync, an open descriptor or two each */
};

/* One that waits. */
struct waiting {
	struct bw_step *step;
	struct bw_restore_way *way;
	struct bw_arena arena; /* of its version */
	struct bw_shelf_version version;
};

struct run {
	struct bw_restore_plan *plan;
	bool dry_run;
	struct bw_aside asides[BW_VOLUMES_MAX];
	struct bw_restore_folders *folders; /* NULL in a dry run */
	size_t mark_at;                     /* of the check: marks before it belong to steps that are done */
	size_t waiting_count;
	struct waiting waiting[BATCH];
};

static void mark(struct bw_restore_plan *plan, struct bw_step *step, enum bw_err err, const struct bw_why *why)
{
	step->done = 1;
	step->err = (uint8_t)err;
	if (err != BW_OK &&
	    bw_restore_plan_words(plan, why->text[0] != '\0' ? why->text : bw_err_text(err), &step->word) != BW_OK)
		step->word = bw_err_text(err);
}

static void mark_back(struct bw_restore_plan *plan, struct bw_step *step, enum bw_err err,
		      const struct bw_restore_result *result, const struct bw_why *why)
{
	step->what = (uint8_t)result->what;
	mark(plan, step, err, why);
	if (err == BW_OK && result->beside[0] != '\0') /* the name stands beside the file, if nowhere else */
		bw_err_drop(bw_restore_plan_words(plan, result->beside, &step->word));
}

/* Without room for it the file is read once more. */
static void keep_mark(struct bw_restore_plan *plan, const struct bw_step *step, const struct bw_restore_mark *mark)
{
	if (mark->ino == 0)
		return;
	if (plan->mark_count == plan->mark_room) {
		const size_t room = plan->mark_room == 0 ? 64 : 2 * plan->mark_room;
		struct bw_step_mark *list = realloc(plan->marks, room * sizeof(*list));

		if (list == NULL)
			return;
		plan->marks = list;
		plan->mark_room = room;
	}
	plan->marks[plan->mark_count++] = (struct bw_step_mark){ (size_t)(step - plan->steps), *mark };
}

/* In a check; steps come in the order of their marks. */
static const struct bw_restore_mark *mark_of(struct run *run, const struct bw_step *step)
{
	const struct bw_restore_plan *plan = run->plan;
	const size_t number = (size_t)(step - plan->steps);

	while (run->mark_at < plan->mark_count && plan->marks[run->mark_at].step < number)
		run->mark_at++;
	return run->mark_at < plan->mark_count && plan->marks[run->mark_at].step == number
		       ? &plan->marks[run->mark_at].mark
		       : NULL;
}

/* ---- bringing back ------------------------------------------------------------------------------ */

/* Of a file with several names, one that stands already or was brought back before: the others are linked to it. */
static const char *twin_of(const struct bw_restore_plan *plan, const struct bw_step *step)
{
	for (const struct bw_step *other = step; step->links > 1 && other-- > plan->steps;) {
		if (other->kind == BW_STEP_BRING_BACK && other->links > 1 && other->done != 0 && other->err == BW_OK &&
		    bw_file_key_equals(&other->key, &step->key))
			return other->path;
	}
	return NULL;
}

static struct bw_restore how(struct run *run, const struct bw_step *step)
{
	struct bw_restore_plan *plan = run->plan;

	return (struct bw_restore){ .shadow = plan->shadows[step->volume],
				    .aside = run->dry_run ? NULL : &run->asides[step->volume],
				    .dry_run = run->dry_run,
				    .place = step->follows != 0 || step->named != 0 ? step->path : NULL,
				    .makes_place = step->named != 0,
				    .twin = twin_of(plan, step),
				    .good_after_us = plan->good_after_us,
				    .label = plan->label,
				    .mark = run->dry_run ? mark_of(run, step) : NULL,
				    .pace = plan->pace,
				    .pace_context = plan->pace_context };
}

static enum bw_err sync_new(const struct run *run)
{
	bool is_done[BW_VOLUMES_MAX] = { false };

	for (size_t i = 0; i < run->waiting_count; i++) {
		const uint8_t volume = run->waiting[i].step->volume;

		if (!is_done[volume] && syncfs(run->plan->volumes[volume].root) != 0)
			return bw_err_from_errno(errno);
		is_done[volume] = true;
	}
	return BW_OK;
}

/* All that wait take their places, after one sync: a power cut leaves either the old or the whole new file. */
static void finish_waiting(struct run *run)
{
	const enum bw_err synced = sync_new(run);

	for (size_t i = 0; i < run->waiting_count; i++) {
		struct waiting *waiting = &run->waiting[i];
		struct bw_restore_result result = { 0 };
		struct bw_why why = { 0 };
		enum bw_err err = synced;

		if (synced == BW_OK)
			err = bw_restore_finish(waiting->way, &result, &why);
		else
			bw_restore_drop(waiting->way);
		mark_back(run->plan, waiting->step, err, &result, &why);
		if (err == BW_OK)
			keep_mark(run->plan, waiting->step, &result.mark);
		bw_arena_release(&waiting->arena);
	}
	run->waiting_count = 0;
}

static void bring_back(struct run *run, struct bw_step *step)
{
	struct waiting *waiting;
	struct bw_shelf *shelf = bw_shadow_shelf(run->plan->shadows[step->volume]);
	struct bw_restore_result result = { 0 };
	struct bw_why why = { 0 };
	struct bw_restore restore;
	enum bw_err err;

	if (step->links > 1) /* its other names are looked for among those that are back */
		finish_waiting(run);
	waiting = &run->waiting[run->waiting_count];
	*waiting = (struct waiting){ .step = step, .arena = BW_ARENA_INIT(ROW_BYTES) };
	err = bw_shelf_get(shelf, step->version, &waiting->arena, &waiting->version);
	restore = how(run, step);
	if (err == BW_OK)
		err = bw_restore_prepare(&restore, &waiting->version, &waiting->way, &result, &why);
	if (err == BW_OK && waiting->way != NULL) {
		run->waiting_count++;
		if (run->waiting_count == BATCH || step->links > 1)
			finish_waiting(run);
		return;
	}
	mark_back(run->plan, step, err, &result, &why);
	bw_arena_release(&waiting->arena);
}

/* ---- moving away ----------------------------------------------------------------------------------- */

/*
 * Only the file that was meant: who puts another one there keeps it. What a trace alone names stays when it was there
 * before (too large to be kept, it looked new), or when somebody else wrote it since.
 */
static enum bw_err still_meant(const struct bw_restore_plan *plan, struct bw_step *step)
{
	const struct bw_volume *volume = &plan->volumes[step->volume];
	struct bw_file_key key;
	struct statx status;
	int fd = -1;
	enum bw_err err;

	BW_TRY(bw_open_beneath(volume->root, step->path, O_PATH, 0, &fd));
	err = bw_volume_key(volume, fd, &key);
	if (err == BW_OK && step->born_us != 0 &&
	    (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME | STATX_MTIME, &status) != 0 ||
	     (status.stx_mask & STATX_BTIME) == 0 ||
	     status.stx_btime.tv_sec * 1000000 + status.stx_btime.tv_nsec / 1000 < step->born_us ||
	     status.stx_mtime.tv_sec * 1000000 + status.stx_mtime.tv_nsec / 1000 > step->last_us))
		step->left = 1;
	(void)close(fd);
	BW_TRY(err);
	key.volume = step->key.volume;
	BW_NEED(bw_file_key_equals(&key, &step->key), NOT_FOUND);
	step->stays = step->left;
	return BW_OK;
}

static void displace(struct run *run, struct bw_step *step)
{
	struct bw_why why = { 0 };
	enum bw_err err = still_meant(run->plan, step);

	if (err == BW_OK && step->left == 0) {
		const struct bw_restore restore = how(run, step);

		err = bw_restore_displace(&restore, step->path, &why);
	} else if (err == BW_ERR_NOT_FOUND) {
		step->left = 1; /* somebody was faster, or it was exchanged by the step that brought it back */
		err = BW_OK;
	}
	mark(run->plan, step, err, &why);
}

/* ---- folders ----------------------------------------------------------------------------------------- */

static void make_folder(struct run *run, struct bw_step *step)
{
	const struct bw_restore restore = how(run, step);
	struct bw_why why = { 0 };
	bool made = false;
	const enum bw_err err = bw_restore_folder(&restore, step->path, &made, &why);

	step->what = made ? BW_RESTORED_MISSING : BW_RESTORED_SAME;
	mark(run->plan, step, err, &why);
}

/* What lies below it is told by its new path from here on, also when it is checked. */
static enum bw_err follow(struct run *run, const struct bw_step *done)
{
	struct bw_restore_plan *plan = run->plan;
	const char *from = done->path;
	const char *moved;

	for (size_t i = 0; i < plan->count; i++) {
		struct bw_step *step = &plan->steps[i];

		if (step == done || step->volume != done->volume)
			continue;
		BW_TRY(bw_restore_moved_path(&plan->arena, step->path, from, done->to, &moved));
		step->path = moved != NULL ? moved : step->path;
		if (step->kind != BW_STEP_RENAME || step->done != 0)
			continue;
		BW_TRY(bw_restore_moved_path(&plan->arena, step->to, from, done->to, &moved));
		step->to = moved != NULL ? moved : step->to;
	}
	return run->folders == NULL ? BW_OK : bw_restore_folders_moved(run->folders, done->volume, from, done->to);
}

static void rename_folder(struct run *run, struct bw_step *step)
{
	struct bw_why why = { 0 };
	enum bw_err err = bw_restore_rename(run->plan, step, run->dry_run, &run->asides[step->volume], &why);

	if (err == BW_OK && !run->dry_run) {
		err = follow(run, step);
		run->plan->renamed++;
	}
	mark(run->plan, step, err, &why);
	if (err == BW_OK)
		step->word = step->to;
}

/* ---- all ------------------------------------------------------------------------------------------------ */

static void do_step(struct run *run, struct bw_step *step)
{
	switch ((enum bw_step_kind)step->kind) {
	case BW_STEP_FOLDER:
		make_folder(run, step);
		return;
	case BW_STEP_BRING_BACK:
		bring_back(run, step);
		return;
	case BW_STEP_DISPLACE:
		if (run->waiting_count > 0)
			finish_waiting(run);
		displace(run, step);
		return;
	case BW_STEP_RENAME:
		if (run->waiting_count > 0)
			finish_waiting(run);
		rename_folder(run, step);
		return;
	}
}

static enum bw_err run_all(struct run *run, bw_restore_see *see, void *context, struct bw_why *why)
{
	struct bw_restore_plan *plan = run->plan;
	enum bw_err err = BW_OK;

	plan->renamed = 0;
	if (!run->dry_run)
		BW_TRY(bw_restore_folders_look(plan, &run->folders));
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->steps[i].done == 0)
			do_step(run, &plan->steps[i]);
		if (see != NULL && !see(context, i + 1))
			break;
	}
	finish_waiting(run);
	if (run->folders != NULL)
		err = bw_restore_folders_settle(run->folders, run->asides, &plan->folders, why);
	bw_restore_folders_free(run->folders);
	for (size_t i = 0; i < plan->volume_count; i++) {
		const enum bw_err synced = bw_aside_sync(&run->asides[i]);

		if (!run->dry_run && err == BW_OK && (synced != BW_OK || syncfs(plan->volumes[i].root) != 0))
			err = BW_ERR_IO;
	}
	return err;
}

enum bw_err bw_restore_plan_run(struct bw_restore_plan *plan, bool dry_run, bw_restore_see *see, void *context,
				struct bw_why *why)
{
	struct run *run = calloc(1, sizeof(*run));
	enum bw_err err;

	BW_NEED(run != NULL, MEMORY);
	run->plan = plan;
	run->dry_run = dry_run;
	plan->mark_count = 0;
	for (size_t i = 0; i < plan->volume_count; i++) {
		bw_aside_init(&run->asides[i], &plan->volumes[i], plan->id);
		run->asides[i].incidents = plan->incidents;
		run->asides[i].incident_count = plan->incident_count;
	}
	err = run_all(run, see, context, why);
	for (size_t i = 0; i < plan->volume_count; i++)
		bw_aside_release(&run->asides[i]);
	free(run);
	return err;
}

void bw_restore_plan_check(struct bw_restore_plan *plan, bw_restore_see *see, void *context)
{
	struct run *run = calloc(1, sizeof(*run));

	if (run == NULL)
		return; /* each was read back before it took its place */
	run->plan = plan;
	run->dry_run = true;
	for (size_t i = 0; i < plan->count; i++) {
		struct bw_step *step = &plan->steps[i];

		if (step->kind == BW_STEP_BRING_BACK && step->done != 0 && step->err == BW_OK) {
			const uint8_t what = step->what;
			const char *word = step->word;
			struct bw_why why = { 0 };

			bring_back(run, step);
			if (step->err == BW_OK && step->what != BW_RESTORED_SAME)
				mark(plan, step,
				     bw_why_set(&why, BW_ERR_CONFLICT, "it was changed again while it was restored"),
				     &why);
			step->what = what;
			step->word = step->err == BW_OK ? word : step->word;
		}
		if (see != NULL && !see(context, i + 1))
			break;
	}
	free(run);
}

void bw_restore_plan_sum(const struct bw_restore_plan *plan, struct bw_ledger_restored *out)
{
	struct bw_ledger_restored sum = { 0 };

	for (size_t i = 0; i < plan->count; i++) {
		const struct bw_step *step = &plan->steps[i];

		if (step->done == 0 || step->err != BW_OK) {
			sum.failed++;
		} else if (step->kind == BW_STEP_DISPLACE) {
			sum.displaced += step->left == 0;
		} else if (step->kind == BW_STEP_FOLDER || step->kind == BW_STEP_RENAME) {
			continue; /* told beside the files */
		} else if (step->what == BW_RESTORED_SAME) {
			sum.unchanged++;
		} else {
			sum.files++;
			sum.bytes += step->bytes;
			sum.beside += step->what == BW_RESTORED_BESIDE ? 1 : 0;
		}
	}
	*out = sum;
}
