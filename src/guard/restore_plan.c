#include "guard/restore_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "guard/drill.h"
#include "guard/drill_mark.h"
#include "guard/meta.h"
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
					  .good_after_us = INT64_MAX,
					  .before_us = INT64_MAX };
	if (localtime_r(&now, &local) == NULL ||
	    strftime(plan->label, sizeof(plan->label), "before %Y-%m-%d %H%M", &local) == 0)
		(void)snprintf(plan->label, sizeof(plan->label), "before the restore");
	(void)snprintf(plan->id, sizeof(plan->id), "%lld", (long long)bw_clock_now_us());
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
	free(plan->traced);
	free(plan->marks);
	*plan = (struct bw_restore_plan){ 0 };
}

/* ---- steps ----------------------------------------------------------------------------------- */

enum bw_err bw_restore_plan_add(struct bw_restore_plan *plan, const struct bw_step *step)
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

enum bw_err bw_restore_plan_words(struct bw_restore_plan *plan, const char *words, const char **out)
{
	struct bw_slice copy;

	BW_TRY(bw_arena_copy(&plan->arena, bw_slice_text(words), &copy));
	*out = (const char *)copy.ptr;
	return BW_OK;
}

struct adding {
	struct bw_restore_plan *plan;
	uint8_t volume;
	size_t named; /* how much of a path was asked for by name */
	int64_t at_us;
	/* the folder that was looked at last */
	uint32_t folder;
	bool is_of_drill;
};

/* ---- what drills made ------------------------------------------------------------------------ */

/* Whether this folder is one that a drill made, or lies in one, unless it was asked for by name. */
static bool is_of_drill(const struct adding *adding, struct bw_slice path)
{
	struct bw_shelf *shelf = bw_shadow_shelf(adding->plan->shadows[adding->volume]);
	size_t at = adding->named;

	while (at < path.len) {
		const uint8_t *slash;
		size_t end;

		at += path.ptr[at] == '/';
		slash = at < path.len ? memchr(path.ptr + at, '/', path.len - at) : NULL;
		end = slash == NULL ? path.len : (size_t)(slash - path.ptr);
		if (bw_slice_starts(bw_slice_from(path, at), BW_LIT(BW_DRILL_NAME)) &&
		    bw_drill_has_mark(shelf, bw_slice_sub(path, 0, end)))
			return true;
		at = end;
	}
	return false;
}

/* ---- steps of versions ----------------------------------------------------------------------- */

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
	return bw_restore_plan_words(adding->plan, bw_buf_text(&path), out);
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
	struct bw_meta meta;

	if (bw_meta_parse(version->meta, &meta) == BW_OK && S_ISREG(meta.mode)) /* else the step itself says so */
		step.links = meta.links;
	BW_TRY(path_of(adding, version->folder, version->name, &step.path));
	return bw_restore_plan_add(adding->plan, &step);
}

enum bw_err bw_restore_plan_version(struct bw_restore_plan *plan, uint8_t volume,
				    const struct bw_shelf_version *version)
{
	const struct adding adding = { .plan = plan, .volume = volume };

	return add_version(&adding, version);
}

/* *out: it is left out, and counted. */
static enum bw_err leave_out(struct adding *adding, const struct bw_shelf_version *version, bool *out)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(ROW_BYTES);
	struct bw_shelf_folder row;

	if (adding->folder != version->folder) {
		BW_TRY(bw_shelf_folder_get(bw_shadow_shelf(adding->plan->shadows[adding->volume]), version->folder,
					   &arena, &row));
		adding->folder = version->folder;
		adding->is_of_drill = is_of_drill(adding, row.path);
	}
	*out = adding->is_of_drill;
	adding->plan->of_drills += *out ? 1 : 0;
	return BW_OK;
}

static enum bw_err see_any(void *context, const struct bw_shelf_name *name)
{
	bool *any = context;

	(void)name;
	*any = true;
	return BW_OK;
}

/* One that had several names comes back under those it had then (see_name), wherever its version was taken. */
static enum bw_err see_version(void *context, const struct bw_shelf_version *version)
{
	const struct adding *adding = context;
	bool has_names = false;
	bool is_out;

	BW_TRY(bw_shelf_names(bw_shadow_shelf(adding->plan->shadows[adding->volume]), &version->key, adding->at_us,
			      see_any, &has_names));
	if (has_names)
		return BW_OK;
	BW_TRY(leave_out(context, version, &is_out));
	return is_out ? BW_OK : add_version(context, version);
}

static enum bw_err see_name(void *context, const struct bw_shelf_name *name)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(ROW_BYTES);
	struct adding *adding = context;
	struct bw_restore_plan *plan = adding->plan;
	struct bw_shelf_version version;
	bool is_out;
	enum bw_err err = bw_shelf_newest(bw_shadow_shelf(plan->shadows[adding->volume]), &name->key, adding->at_us,
					  BW_SHELF_GOOD, &arena, &version);

	if (err == BW_ERR_NOT_FOUND)
		return BW_OK;
	BW_TRY(err);
	version.folder = name->folder;
	version.name = name->name;
	BW_TRY(leave_out(adding, &version, &is_out));
	if (is_out)
		return BW_OK;
	BW_TRY(add_version(adding, &version));
	bw_restore_plan_name(&plan->steps[plan->count - 1]);
	return BW_OK;
}

/* Nothing was kept yet at that time; its owner could have set its times, so it is said which these are. */
static enum bw_err see_early(void *context, const struct bw_shelf_version *version)
{
	struct adding *adding = context;
	struct bw_restore_plan *plan = adding->plan;
	bool is_out;

	BW_TRY(leave_out(adding, version, &is_out));
	if (is_out)
		return BW_OK;
	BW_TRY(add_version(adding, version));
	plan->steps[plan->count - 1].early = 1;
	return BW_OK;
}

/* What two files bore one after the other comes back once: the one that was surely there then. */
static int by_place(const void *a, const void *b)
{
	const struct bw_step *x = a;
	const struct bw_step *y = b;
	int order = (x->kind > y->kind) - (x->kind < y->kind);

	if (order == 0)
		order = (x->volume > y->volume) - (x->volume < y->volume);
	if (order == 0)
		order = strcmp(x->path, y->path);
	return order != 0 ? order : x->early - y->early;
}

static void drop_early_doubles(struct bw_restore_plan *plan)
{
	size_t kept = 0;
	bool any = false;

	for (size_t i = 0; i < plan->count && !any; i++)
		any = plan->steps[i].early != 0;
	if (!any)
		return;
	qsort(plan->steps, plan->count, sizeof(*plan->steps), by_place);
	for (size_t i = 0; i < plan->count; i++) {
		const struct bw_step *step = &plan->steps[i];

		if (step->early != 0 && kept > 0 && plan->steps[kept - 1].kind == step->kind &&
		    plan->steps[kept - 1].volume == step->volume && strcmp(plan->steps[kept - 1].path, step->path) == 0)
			continue;
		plan->steps[kept++] = *step;
	}
	plan->count = kept;
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

static enum bw_err see_folder(void *context, uint32_t number, struct bw_slice path)
{
	const struct adding *adding = context;
	struct bw_step step = { .kind = BW_STEP_FOLDER, .volume = adding->volume };
	struct bw_slice copy;

	(void)number;
	if (is_of_drill(adding, path))
		return BW_OK;
	BW_TRY(bw_arena_copy(&adding->plan->arena, path, &copy));
	step.path = (const char *)copy.ptr; /* the arena ends what it copies with a NUL */
	return bw_restore_plan_add(adding->plan, &step);
}

enum bw_err bw_restore_plan_tree(struct bw_restore_plan *plan, const char *path, int64_t at_us, struct bw_why *why)
{
	struct bw_slice inside;
	const struct bw_volume *own = bw_volumes_find(plan->volumes, plan->volume_count, path, &inside);

	for (size_t i = 0; i < plan->volume_count; i++) {
		struct adding adding = { .plan = plan, .volume = (uint8_t)i, .at_us = at_us };
		enum bw_err err;

		if (&plan->volumes[i] != own && bw_volume_inside(&plan->volumes[i], path, &inside))
			continue; /* another mount covers this part of it */
		if (!lies_on(&plan->volumes[i], path, &inside))
			continue;
		adding.named = inside.len;
		err = bw_shelf_there(bw_shadow_shelf(plan->shadows[i]), inside, at_us, see_version, &adding);
		if (err == BW_OK)
			err = bw_shelf_names_below(bw_shadow_shelf(plan->shadows[i]), inside, at_us, see_name, &adding);
		if (err == BW_OK)
			err = bw_shelf_unchanged(bw_shadow_shelf(plan->shadows[i]), inside, at_us, see_early, &adding);
		if (err == BW_OK)
			err = bw_shelf_folders_gone(bw_shadow_shelf(plan->shadows[i]), inside, at_us, see_folder,
						    &adding);
		if (err != BW_OK)
			return bw_why_set(why, err, "cannot read the catalogue of '%s': %s", plan->volumes[i].mount,
					  bw_err_text(err));
	}
	drop_early_doubles(plan);
	plan->before_us = at_us;
	plan->is_tree = true;
	if (plan->count == 0 && plan->of_drills > 0)
		return bw_why_set(why, BW_ERR_NOT_FOUND,
				  "below '%s' there were only %llu files of drills then; name a drill's folder to have "
				  "them back",
				  path, (unsigned long long)plan->of_drills);
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
