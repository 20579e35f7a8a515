#include "guard/restore_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "guard/volumes.h"
#include "sys/beneath.h"
#include "sys/clock.h"

enum {
	WORDS_BYTES = 1024 * 1024 * 1024, /* a million paths of a kilobyte */
	ROW_BYTES = 2 * BW_SHELF_META_BYTES_MAX + 64 * 1024,
};

/* ---- opening ----------------------------------------------------------------------------- */

enum bw_err bw_restore_plan_open(struct bw_restore_plan *plan, const struct bw_volume *volumes, size_t volume_count,
				 struct bw_why *why)
{
	const time_t now = (time_t)(bw_clock_now_us() / 1000000);
	struct tm local;

	*plan = (struct bw_restore_plan){ .volumes = volumes,
					  .volume_count = volume_count,
					  .arena = BW_ARENA_INIT(WORDS_BYTES),
					  .good_after_us = INT64_MAX };
	if (localtime_r(&now, &local) == NULL ||
	    strftime(plan->label, sizeof(plan->label), "before %Y-%m-%d %H%M", &local) == 0)
		(void)snprintf(plan->label, sizeof(plan->label), "before the restore");
	for (size_t i = 0; i < volume_count; i++) {
		const enum bw_err err = bw_shadow_open(&volumes[i], true, &plan->shadows[i], why);

		if (err != BW_OK) {
			bw_restore_plan_release(plan);
			return err;
		}
	}
	return BW_OK;
}

void bw_restore_plan_release(struct bw_restore_plan *plan)
{
	for (size_t i = 0; i < plan->volume_count; i++)
		bw_shadow_close(plan->shadows[i]);
	bw_arena_release(&plan->arena);
	free(plan->steps);
	*plan = (struct bw_restore_plan){ 0 };
}

/* ---- steps ----------------------------------------------------------------------------------- */

static enum bw_err add_step(struct bw_restore_plan *plan, const struct bw_step *step)
{
	if (plan->count == plan->room) {
		const size_t room = plan->room == 0 ? 256 : 2 * plan->room;
		struct bw_step *steps;

		BW_NEED(room <= BW_STEPS_MAX, TOO_MANY);
		steps = realloc(plan->steps, room * sizeof(*steps));
		BW_NEED(steps != NULL, MEMORY);
		plan->steps = steps;
		plan->room = room;
	}
	plan->steps[plan->count++] = *step;
	return BW_OK;
}

static enum bw_err keep_words(struct bw_restore_plan *plan, const char *words, const char **out)
{
	struct bw_slice copy;

	BW_TRY(bw_arena_copy(&plan->arena, bw_slice_text(words), &copy));
	*out = (const char *)copy.ptr;
	return BW_OK;
}

struct adding {
	struct bw_restore_plan *plan;
	uint8_t volume;
};

static enum bw_err path_of(const struct adding *adding, uint32_t folder, struct bw_slice name, const char **out)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(ROW_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf path = BW_BUF_INIT(16 * BW_PATH_BYTES);
	struct bw_shelf_folder row;

	BW_TRY(bw_shelf_folder_get(bw_shadow_shelf(adding->plan->shadows[adding->volume]), folder, &arena, &row));
	BW_TRY(bw_buf_add(&path, row.path));
	if (row.path.len > 0)
		BW_TRY(bw_buf_add_u8(&path, '/'));
	BW_TRY(bw_buf_add(&path, name));
	return keep_words(adding->plan, bw_buf_text(&path), out);
}

static enum bw_err add_version(const struct adding *adding, const struct bw_shelf_version *version)
{
	struct bw_step step = {
		.kind = BW_STEP_BRING_BACK,
		.volume = adding->volume,
		.version = version->number,
		.bytes = version->size,
		.key = { .ino = version->key.ino,
			 .tree = version->key.tree,
			 .gen = version->key.gen,
			 .volume = adding->volume },
	};

	BW_TRY(path_of(adding, version->folder, version->name, &step.path));
	return add_step(adding->plan, &step);
}

static enum bw_err see_version(void *context, const struct bw_shelf_version *version)
{
	return add_version(context, version);
}

/* ---- an incident --------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
	const struct bw_step *x = a;
	const struct bw_step *y = b;
	const uint64_t left[] = { x->volume, x->key.ino, x->key.tree, x->key.gen, x->kind, x->version };
	const uint64_t right[] = { y->volume, y->key.ino, y->key.tree, y->key.gen, y->kind, y->version };

	for (size_t i = 0; i < BW_COUNT(left); i++) {
		if (left[i] != right[i])
			return left[i] < right[i] ? -1 : 1;
	}
	return 0;
}

static int by_path(const void *a, const void *b)
{
	const struct bw_step *x = a;
	const struct bw_step *y = b;

	int order;

	/* files come back first: nothing is moved away before what it was made of is there again */
	if (x->kind != y->kind)
		return x->kind == BW_STEP_BRING_BACK ? -1 : 1;
	if (x->volume != y->volume)
		return x->volume < y->volume ? -1 : 1;
	order = strcmp(x->path, y->path);
	if (order != 0 || x->version == y->version)
		return order;
	return x->version > y->version ? -1 : 1;
}

/* Good ones come back; a doubtful one is a file to look for. */
static enum bw_err see_pinned(void *context, const struct bw_shelf_version *version)
{
	const struct adding *adding = context;
	const struct bw_step step = {
		.kind = BW_STEP_DISPLACE,
		.volume = adding->volume,
		.key = { .ino = version->key.ino,
			 .tree = version->key.tree,
			 .gen = version->key.gen,
			 .volume = adding->volume },
		.path = "",
	};

	if (version->state != BW_SHELF_DOUBTFUL)
		return add_version(adding, version);
	return add_step(adding->plan, &step);
}

/* Where the file of this key is now, below the mount; false: nowhere in sight. */
static bool place_now(const struct bw_volume *volume, const struct bw_file_key *key, char out[PATH_MAX])
{
	char real[PATH_MAX];
	char proc[32];
	struct bw_handle handle;
	struct bw_slice inside;
	struct stat status;
	ssize_t len;
	int fd = -1;

	if (bw_volume_handle_of(volume, key, &handle) != BW_OK || bw_volume_open(volume, &handle, O_PATH, &fd) != BW_OK)
		return false;
	(void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	len = readlink(proc, real, sizeof(real) - 1);
	if (len < 0 || fstat(fd, &status) != 0 || status.st_nlink == 0)
		len = -1;
	(void)close(fd);
	if (len < 0)
		return false;
	real[len] = '\0';
	if (!bw_volume_inside(volume, real, &inside) || inside.len == 0 || inside.len >= PATH_MAX)
		return false;
	if (bw_slice_starts(inside, BW_LIT(BW_SHADOW_FOLDER "/")))
		return false;
	memcpy(out, inside.ptr, inside.len);
	out[inside.len] = '\0';
	return true;
}

/* A file's first row is its oldest good version, when it has one: it comes back, and from where it is now it goes. */
static enum bw_err settle_file(struct bw_restore_plan *plan, const struct bw_step *first)
{
	struct bw_step away = { .kind = BW_STEP_DISPLACE, .volume = first->volume, .key = first->key };
	char now[PATH_MAX];

	if (first->kind == BW_STEP_BRING_BACK)
		BW_TRY(add_step(plan, first));
	if (!place_now(&plan->volumes[first->volume], &first->key, now))
		return BW_OK;
	if (first->kind == BW_STEP_BRING_BACK && strcmp(now, first->path) == 0)
		return BW_OK; /* the step above exchanges it */
	BW_TRY(keep_words(plan, now, &away.path));
	return add_step(plan, &away);
}

static bool same_place(const struct bw_step *a, const struct bw_step *b)
{
	return a->volume == b->volume && strcmp(a->path, b->path) == 0;
}

/*
 * Of several files that bore one name (editors save by moving a new file over the old) the newest comes back; and
 * what stands where a file comes back is exchanged by that step, which also knows a later edit.
 */
static void drop_doubles(struct bw_restore_plan *plan)
{
	size_t kept = 0;
	size_t back = 0;

	for (size_t i = 0; i < plan->count; i++) {
		const struct bw_step step = plan->steps[i];

		if (step.kind == BW_STEP_DISPLACE) {
			while (back < kept && plan->steps[back].kind == BW_STEP_BRING_BACK &&
			       (plan->steps[back].volume < step.volume ||
				(plan->steps[back].volume == step.volume &&
				 strcmp(plan->steps[back].path, step.path) < 0)))
				back++;
			if (back < kept && plan->steps[back].kind == BW_STEP_BRING_BACK &&
			    same_place(&plan->steps[back], &step))
				continue;
		}
		if (kept > 0 && plan->steps[kept - 1].kind == step.kind && same_place(&plan->steps[kept - 1], &step))
			continue;
		plan->steps[kept++] = step;
	}
	plan->count = kept;
}

static enum bw_err settle(struct bw_restore_plan *plan, struct bw_step *rows, size_t count)
{
	const struct bw_step *before = NULL;

	if (count > 0)
		qsort(rows, count, sizeof(*rows), by_key);
	for (size_t i = 0; i < count; i++) {
		if (before == NULL || !bw_file_key_equals(&before->key, &rows[i].key))
			BW_TRY(settle_file(plan, &rows[i]));
		before = &rows[i];
	}
	if (plan->count > 0)
		qsort(plan->steps, plan->count, sizeof(*plan->steps), by_path);
	drop_doubles(plan);
	return BW_OK;
}

static enum bw_err add_named(const struct adding *adding, const struct bw_file_key *file, uint64_t version)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(ROW_BYTES);
	struct bw_shelf_version row;

	BW_TRY(bw_shelf_get(bw_shadow_shelf(adding->plan->shadows[adding->volume]), version, &arena, &row));
	BW_NEED(row.key.ino == file->ino && row.key.tree == file->tree && row.key.gen == file->gen, NOT_FOUND);
	return add_version(adding, &row);
}

enum bw_err bw_restore_plan_named(struct bw_restore_plan *plan, const struct bw_file_key *file, uint64_t version)
{
	struct bw_step step = { .kind = BW_STEP_DISPLACE, .key = *file, .path = "" };

	for (size_t n = 0; version != 0 && n < plan->volume_count; n++) {
		/* the volume it was then, first */
		const struct adding adding = { plan, (uint8_t)((file->volume + n) % plan->volume_count) };
		const enum bw_err err = add_named(&adding, file, version);

		if (err != BW_ERR_NOT_FOUND)
			return err;
	}
	if (version != 0 || file->volume >= plan->volume_count)
		return BW_OK; /* thinned away since: what is pinned counts */
	step.volume = (uint8_t)file->volume;
	return add_step(plan, &step);
}

enum bw_err bw_restore_plan_incident(struct bw_restore_plan *plan, uint64_t incident, struct bw_why *why)
{
	struct bw_step *rows;
	size_t count;
	enum bw_err err;

	for (size_t i = 0; i < plan->volume_count; i++) {
		struct adding adding = { plan, (uint8_t)i };

		err = bw_shelf_pinned(bw_shadow_shelf(plan->shadows[i]), incident, see_pinned, &adding);
		if (err != BW_OK)
			return bw_why_set(why, err, "cannot read what incident %llu pins on '%s': %s",
					  (unsigned long long)incident, plan->volumes[i].mount, bw_err_text(err));
	}
	if (plan->count == 0)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "incident %llu pins no file", (unsigned long long)incident);
	rows = plan->steps;
	count = plan->count;
	plan->steps = NULL;
	plan->count = plan->room = 0;
	err = settle(plan, rows, count);
	free(rows);
	return err;
}

/* ---- a tree, a file ------------------------------------------------------------------------------ */

/* A tree's own volume and those mounted below it. */
static bool lies_on(const struct bw_volume *volume, const char *path, struct bw_slice *out)
{
	const size_t len = strlen(path);

	if (bw_volume_inside(volume, path, out))
		return true;
	if (strncmp(volume->mount, path, len) != 0 || (volume->mount[len] != '/' && strcmp(path, "/") != 0))
		return false;
	*out = bw_slice_empty;
	return true;
}

enum bw_err bw_restore_plan_tree(struct bw_restore_plan *plan, const char *path, int64_t at_us, struct bw_why *why)
{
	struct bw_slice inside;
	const struct bw_volume *own = bw_volumes_find(plan->volumes, plan->volume_count, path, &inside);

	for (size_t i = 0; i < plan->volume_count; i++) {
		struct adding adding = { plan, (uint8_t)i };
		enum bw_err err;

		if (&plan->volumes[i] != own && bw_volume_inside(&plan->volumes[i], path, &inside))
			continue; /* another mount covers this part of it */
		if (!lies_on(&plan->volumes[i], path, &inside))
			continue;
		err = bw_shelf_there(bw_shadow_shelf(plan->shadows[i]), inside, at_us, see_version, &adding);
		if (err != BW_OK)
			return bw_why_set(why, err, "cannot read the catalogue of '%s': %s", plan->volumes[i].mount,
					  bw_err_text(err));
	}
	if (plan->count == 0)
		return bw_why_set(why, BW_ERR_NOT_FOUND,
				  "nothing below '%s' was there then, or it is not kept any more", path);
	return BW_OK;
}

struct wanted {
	struct adding adding;
	uint64_t version; /* 0: the newest good one */
	bool found;
};

static enum bw_err see_wanted(void *context, const struct bw_shelf_version *version)
{
	struct wanted *wanted = context;

	if (wanted->found || (wanted->version != 0 && wanted->version != version->number) ||
	    (wanted->version == 0 && version->state != BW_SHELF_GOOD))
		return BW_OK;
	wanted->found = true;
	return add_version(&wanted->adding, version);
}

enum bw_err bw_restore_plan_file(struct bw_restore_plan *plan, const char *path, uint64_t version, struct bw_why *why)
{
	struct wanted wanted = { .adding = { .plan = plan }, .version = version };
	const struct bw_volume *volume;
	struct bw_slice inside;
	struct bw_slice name;
	uint32_t folder;
	enum bw_err err;

	volume = bw_volumes_find(plan->volumes, plan->volume_count, path, &inside);
	if (volume == NULL || inside.len == 0)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "'%s' is not on a guarded file system", path);
	wanted.adding.volume = (uint8_t)(volume - plan->volumes);
	bw_restore_split(inside, &inside, &name);
	err = bw_shelf_folder_find(bw_shadow_shelf(plan->shadows[wanted.adding.volume]), inside, &folder);
	if (err == BW_OK)
		err = bw_shelf_at(bw_shadow_shelf(plan->shadows[wanted.adding.volume]), folder, name, see_wanted,
				  &wanted);
	if (err == BW_ERR_NOT_FOUND || (err == BW_OK && !wanted.found))
		return version == 0 ? bw_why_set(why, BW_ERR_NOT_FOUND, "no version of '%s' is kept", path)
				    : bw_why_set(why, BW_ERR_NOT_FOUND, "no version %llu of '%s' is kept",
						 (unsigned long long)version, path);
	return err;
}

/* ---- paths a person typed ------------------------------------------------------------------------------ */

enum bw_err bw_restore_path(const char *path, char out[BW_PATH_BYTES], struct bw_why *why)
{
	char typed[BW_PATH_BYTES];
	char real[PATH_MAX];
	size_t len = strlen(path);
	struct stat status;
	char *slash;

	if (lstat(path, &status) == 0 && S_ISDIR(status.st_mode))
		return realpath(path, out) != NULL ? BW_OK : bw_why_errno(why, errno, "reach", path);
	while (len > 1 && path[len - 1] == '/')
		len--;
	BW_NEED(len > 0 && len < sizeof(typed), RANGE);
	memcpy(typed, path, len);
	typed[len] = '\0';
	slash = strrchr(typed, '/');
	if (slash == NULL)
		return realpath(".", real) != NULL ? bw_path_join(out, real, typed) : bw_err_from_errno(errno);
	*slash = '\0';
	if (realpath(slash == typed ? "/" : typed, real) != NULL)
		return bw_path_join(out, real, slash + 1);
	if (typed[0] != '/')
		return bw_why_set(why, BW_ERR_RANGE, "the folder of '%s' is gone: name it from the root, /...", path);
	return bw_path_join(out, typed, slash + 1); /* as it was called then */
}

void bw_restore_split(struct bw_slice inside, struct bw_slice *out_folder, struct bw_slice *out_name)
{
	const uint8_t *slash = memrchr(inside.ptr, '/', inside.len);
	const size_t at = slash == NULL ? 0 : (size_t)(slash - inside.ptr);

	*out_name = slash == NULL ? inside : bw_slice_from(inside, at + 1);
	*out_folder = bw_slice_sub(inside, 0, at);
}

/* ---- doing it ---------------------------------------------------------------------------------------- */

static void mark(struct bw_restore_plan *plan, struct bw_step *step, enum bw_err err, const struct bw_why *why)
{
	step->done = 1;
	step->err = (uint8_t)err;
	if (err != BW_OK && keep_words(plan, why->text[0] != '\0' ? why->text : bw_err_text(err), &step->word) != BW_OK)
		step->word = bw_err_text(err);
}

static enum bw_err bring_back(struct bw_restore_plan *plan, struct bw_step *step, bool dry_run,
			      struct bw_restore_result *result, struct bw_why *why)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(ROW_BYTES);
	struct bw_shadow *shadow = plan->shadows[step->volume];
	const struct bw_restore restore = {
		.shadow = shadow, .dry_run = dry_run, .good_after_us = plan->good_after_us, .label = plan->label
	};
	struct bw_shelf_version version;

	BW_TRY(bw_shelf_get(bw_shadow_shelf(shadow), step->version, &arena, &version));
	return bw_restore_version(&restore, &version, result, why);
}

/* Only the file that was meant: who puts another one there keeps it. */
static enum bw_err still_there(const struct bw_restore_plan *plan, const struct bw_step *step)
{
	const struct bw_volume *volume = &plan->volumes[step->volume];
	struct bw_file_key key;
	int fd = -1;
	enum bw_err err;

	BW_TRY(bw_open_beneath(volume->root, step->path, O_PATH, 0, &fd));
	err = bw_volume_key(volume, fd, &key);
	(void)close(fd);
	BW_TRY(err);
	key.volume = step->key.volume;
	return bw_file_key_equals(&key, &step->key) ? BW_OK : BW_ERR_NOT_FOUND;
}

static enum bw_err displace(struct bw_restore_plan *plan, const struct bw_step *step, bool dry_run, struct bw_why *why)
{
	const struct bw_restore restore = { .shadow = plan->shadows[step->volume], .dry_run = dry_run };
	const char *slash = strrchr(step->path, '/');
	const char *name = slash == NULL ? step->path : slash + 1;
	const struct bw_slice folder = slash == NULL ? bw_slice_empty
						     : bw_slice_of(step->path, (size_t)(slash - step->path));
	const enum bw_err err = still_there(plan, step);

	if (err == BW_ERR_NOT_FOUND)
		return BW_OK; /* somebody was faster, or it was exchanged by the step that brought it back */
	BW_TRY(err);
	return bw_restore_displace(&restore, folder, bw_slice_text(name), why);
}

static void do_step(struct bw_restore_plan *plan, struct bw_step *step, bool dry_run)
{
	struct bw_restore_result result = { 0 };
	struct bw_why why = { 0 };
	enum bw_err err;

	if (step->kind == BW_STEP_DISPLACE)
		err = displace(plan, step, dry_run, &why);
	else
		err = bring_back(plan, step, dry_run, &result, &why);
	step->what = (uint8_t)result.what;
	mark(plan, step, err, &why);
	if (err == BW_OK && result.beside[0] != '\0')
		bw_err_drop(keep_words(plan, result.beside, &step->word)); /* the name stands beside the file */
}

void bw_restore_plan_run(struct bw_restore_plan *plan, bool dry_run, bw_restore_see *see, void *context)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->steps[i].done == 0)
			do_step(plan, &plan->steps[i], dry_run);
		if (see != NULL && !see(context, i + 1))
			return;
	}
}

void bw_restore_plan_check(struct bw_restore_plan *plan, bw_restore_see *see, void *context)
{
	for (size_t i = 0; i < plan->count; i++) {
		struct bw_step *step = &plan->steps[i];
		struct bw_restore_result result = { 0 };
		struct bw_why why = { 0 };
		enum bw_err err;

		if (step->kind == BW_STEP_BRING_BACK && step->done != 0 && step->err == BW_OK) {
			err = bring_back(plan, step, true, &result, &why);
			if (err == BW_OK && result.what != BW_RESTORED_SAME)
				err = bw_why_set(&why, BW_ERR_CONFLICT, "it was changed again while it was restored");
			if (err != BW_OK)
				mark(plan, step, err, &why);
		}
		if (see != NULL && !see(context, i + 1))
			return;
	}
}

void bw_restore_plan_sum(const struct bw_restore_plan *plan, struct bw_ledger_restored *out)
{
	struct bw_ledger_restored sum = { 0 };

	for (size_t i = 0; i < plan->count; i++) {
		const struct bw_step *step = &plan->steps[i];

		if (step->done == 0 || step->err != BW_OK) {
			sum.failed++;
		} else if (step->kind == BW_STEP_DISPLACE) {
			sum.displaced++;
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
