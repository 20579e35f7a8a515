/* What is to be done about an incident: from what it pins, and what the judge wrote down of its actor. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "guard/good_version.h"
#include "guard/meta.h"
#include "guard/restore_plan.h"
#include "sys/beneath.h"

enum {
	ROW_BYTES = 2 * BW_SHELF_META_BYTES_MAX + 64 * 1024,
	NAMES_MOST = 256,  /* of one file with several names */
	BORN_ANY_TIME = 1, /* of a copy in doubt: only its trace, when there is one, knows more */
	BORN_BEFORE_US = 5 * 1000000,
	WRITTEN_AFTER_US = 2 * 1000000,
};

/* ---- the trace ---------------------------------------------------------------------------------- */

enum bw_err bw_restore_plan_traced(struct bw_restore_plan *plan, const struct bw_traced *traced)
{
	if (plan->traced_count == plan->traced_room) {
		const size_t room = plan->traced_room == 0 ? 256 : 2 * plan->traced_room;
		struct bw_traced *list;

		BW_NEED(room <= BW_STEPS_MAX, TOO_MANY);
		list = realloc(plan->traced, room * sizeof(*list));
		BW_NEED(list != NULL, MEMORY);
		plan->traced = list;
		plan->traced_room = room;
	}
	plan->traced[plan->traced_count] = *traced;
	if (traced->name.len > 0)
		BW_TRY(bw_arena_copy(&plan->arena, traced->name, &plan->traced[plan->traced_count].name));
	if (traced->name_to.len > 0)
		BW_TRY(bw_arena_copy(&plan->arena, traced->name_to, &plan->traced[plan->traced_count].name_to));
	plan->traced_count++;
	if (traced->first_us < plan->before_us)
		plan->before_us = traced->first_us;
	return BW_OK;
}

void bw_restore_plan_user(struct bw_restore_plan *plan, uint32_t uid)
{
	for (size_t i = 0; i < plan->uid_count; i++) {
		if (plan->uids[i] == uid)
			return;
	}
	if (plan->uid_count < BW_RESTORE_UIDS_MAX)
		plan->uids[plan->uid_count++] = uid;
	else
		plan->has_anybody = true;
}

static int key_order(const struct bw_file_key *a, const struct bw_file_key *b)
{
	const uint64_t left[] = { a->volume, a->ino, a->tree, a->gen };
	const uint64_t right[] = { b->volume, b->ino, b->tree, b->gen };

	for (size_t i = 0; i < BW_COUNT(left); i++) {
		if (left[i] != right[i])
			return left[i] < right[i] ? -1 : 1;
	}
	return 0;
}

static int by_file(const void *a, const void *b)
{
	const struct bw_traced *x = a;
	const struct bw_traced *y = b;
	const int order = key_order(&x->file, &y->file);

	return order != 0 ? order : x->first_us < y->first_us ? -1 : x->first_us > y->first_us;
}

/* One row a file: all that was done to it, and where it was first. */
static void merge_traces(struct bw_restore_plan *plan)
{
	size_t kept = 0;

	if (plan->traced_count > 0)
		qsort(plan->traced, plan->traced_count, sizeof(*plan->traced), by_file);
	for (size_t i = 0; i < plan->traced_count; i++) {
		const struct bw_traced *next = &plan->traced[i];
		struct bw_traced *last = kept > 0 ? &plan->traced[kept - 1] : NULL;

		if (last == NULL || key_order(&last->file, &next->file) != 0) {
			plan->traced[kept++] = *next;
			continue;
		}
		last->what |= next->what;
		last->last_us = next->last_us > last->last_us ? next->last_us : last->last_us;
		last->version = last->version != 0 ? last->version : next->version;
		if (next->folder_to.ino != 0)
			last->folder_to = next->folder_to;
		if (next->name_to.len > 0)
			last->name_to = next->name_to;
		if (last->name.len == 0)
			last->name = next->name;
	}
	plan->traced_count = kept;
}

static const struct bw_traced *trace_of(const struct bw_restore_plan *plan, const struct bw_file_key *key)
{
	const struct bw_traced wanted = { .file = *key, .first_us = INT64_MIN };
	size_t low = 0;
	size_t high = plan->traced_count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (by_file(&plan->traced[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < plan->traced_count && key_order(&plan->traced[low].file, key) == 0 ? &plan->traced[low] : NULL;
}

/* A folder that he removed, as the catalogue has it. */
static enum bw_err add_folder(struct bw_restore_plan *plan, const struct bw_traced *traced)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(ROW_BYTES);
	struct bw_step step = { .kind = BW_STEP_FOLDER, .volume = (uint8_t)traced->file.volume, .key = traced->file };
	struct bw_shelf *shelf = bw_shadow_shelf(plan->shadows[step.volume]);
	struct bw_shelf_folder row;
	struct bw_handle handle;
	struct bw_slice path;
	uint32_t number;

	if (bw_volume_handle_of(&plan->volumes[step.volume], &traced->file, &handle) != BW_OK ||
	    bw_shelf_folder_by_handle(shelf, handle.type, bw_slice_of(handle.bytes, handle.len), &number) != BW_OK)
		return BW_OK; /* nobody ever saw what was in it */
	BW_TRY(bw_shelf_folder_get(shelf, number, &arena, &row));
	if (row.path.len == 0 || row.path.ptr[0] == '\0')
		return BW_OK;
	BW_TRY(bw_arena_copy(&plan->arena, row.path, &path));
	step.path = (const char *)path.ptr;
	return bw_restore_plan_add(plan, &step);
}

static enum bw_err add_traces(struct bw_restore_plan *plan)
{
	for (size_t i = 0; i < plan->traced_count; i++) {
		const struct bw_traced *traced = &plan->traced[i];
		struct bw_step away = { .kind = BW_STEP_DISPLACE,
					.volume = (uint8_t)traced->file.volume,
					.key = traced->file,
					.path = "",
					.born_us = traced->first_us - BORN_BEFORE_US,
					.last_us = traced->last_us + WRITTEN_AFTER_US };

		const struct bw_restore_named named = { &traced->file, traced->version, NULL,
							(traced->what & BW_TRACED_MADE) != 0 ? INT64_MIN
											     : traced->first_us };

		if (traced->file.volume >= plan->volume_count)
			continue;
		if ((traced->what & BW_TRACED_FOLDER) != 0) {
			if ((traced->what & BW_TRACED_REMOVED) != 0)
				BW_TRY(add_folder(plan, traced));
			else
				BW_TRY(bw_restore_plan_rename(plan, traced));
		} else if ((traced->what & BW_TRACED_MADE) == 0 || traced->version != 0) {
			BW_TRY(bw_restore_plan_named(plan, &named));
		} else {
			BW_TRY(bw_restore_plan_add(plan, &away));
		}
	}
	return BW_OK;
}

/* ---- files ---------------------------------------------------------------------------------------- */

/* What is named by evidence, by a trace alone, by a copy in doubt alone. */
static unsigned how_sure(const struct bw_step *step)
{
	return step->born_us == 0 ? 0 : step->born_us != BORN_ANY_TIME ? 1 : 2;
}

/* A file's good versions first, the oldest of them first; then by who names it. */
static int by_key(const void *a, const void *b)
{
	const struct bw_step *x = a;
	const struct bw_step *y = b;
	const uint64_t left[] = { x->kind, how_sure(x), x->version };
	const uint64_t right[] = { y->kind, how_sure(y), y->version };
	const int order = x->volume != y->volume ? (x->volume < y->volume ? -1 : 1) : key_order(&x->key, &y->key);

	for (size_t i = 0; order == 0 && i < BW_COUNT(left); i++) {
		if (left[i] != right[i])
			return left[i] < right[i] ? -1 : 1;
	}
	return order;
}

/* Folders first, then files, names last: nothing is moved away before what it was made of is there again. */
static int by_path(const void *a, const void *b)
{
	const struct bw_step *x = a;
	const struct bw_step *y = b;
	int order;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->volume != y->volume)
		return x->volume < y->volume ? -1 : 1;
	order = strcmp(x->path, y->path);
	if (x->kind == BW_STEP_RENAME)
		return -order; /* what lies below a folder before the folder */
	if (order != 0 || x->version == y->version)
		return order;
	return x->version > y->version ? -1 : 1;
}

struct adding {
	struct bw_restore_plan *plan;
	uint8_t volume;
};

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
		.born_us = BORN_ANY_TIME,
	};

	if (version->state != BW_SHELF_DOUBTFUL)
		return bw_restore_plan_version(adding->plan, adding->volume, version);
	return bw_restore_plan_add(adding->plan, &step);
}

bool bw_restore_place_now(const struct bw_volume *volume, const struct bw_file_key *key, char out[PATH_MAX])
{
	struct stat status;
	char real[PATH_MAX];
	char proc[32];
	struct bw_handle handle;
	struct bw_slice inside;
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

/* The other names of a file that had several: the newest versions of the same content, each under its own name. */
static enum bw_err add_names(struct bw_restore_plan *plan, const struct bw_step *first)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(ROW_BYTES);
	struct bw_shelf *shelf = bw_shadow_shelf(plan->shadows[first->volume]);
	struct bw_shelf_version version;
	int64_t mtime_us = 0;
	uint64_t number = first->version;

	for (size_t i = 0; i < NAMES_MOST && number != 0; i++) {
		const size_t before = plan->count;

		bw_arena_reset(&arena);
		if (bw_shelf_get(shelf, number, &arena, &version) != BW_OK)
			return BW_OK; /* thinned away */
		mtime_us = i == 0 ? version.mtime_us : mtime_us;
		if (version.mtime_us != mtime_us || version.size != first->bytes)
			return BW_OK; /* what it was before that */
		number = version.before;
		if (i == 0 || version.state != BW_SHELF_GOOD)
			continue;
		BW_TRY(bw_restore_plan_version(plan, first->volume, &version));
		if (strcmp(plan->steps[before].path, first->path) == 0)
			plan->count = before;
	}
	return BW_OK;
}

/* A file's first row is its oldest good version, when it has one: it comes back, and from where it is now it goes. */
static enum bw_err settle_file(struct bw_restore_plan *plan, const struct bw_step *first)
{
	const struct bw_traced *traced = trace_of(plan, &first->key);
	struct bw_step step = *first;
	struct bw_step away = { .kind = BW_STEP_DISPLACE,
				.volume = first->volume,
				.key = first->key,
				.last_us = first->last_us,
				.born_us = first->born_us };
	char now[PATH_MAX];
	const bool is_there = bw_restore_place_now(&plan->volumes[first->volume], &first->key, now);
	const bool is_back = first->kind == BW_STEP_BRING_BACK;
	size_t names = 0;

	if (first->kind == BW_STEP_FOLDER || first->kind == BW_STEP_RENAME)
		return bw_restore_plan_add(plan, first);
	if (away.born_us == BORN_ANY_TIME)
		away.born_us = 0;
	if (is_back)
		BW_TRY(bw_restore_plan_names(plan, first->volume, first,
					     traced != NULL ? traced->first_us - 1 : plan->before_us, &names));
	if (names > 1)
		return BW_OK;
	if (names == 1) /* what it was called when it was taken may not be its name any more */
		step = plan->steps[--plan->count];
	if (is_back && names == 0 && first->links > 1) { /* its other names stay where they are */
		BW_TRY(bw_restore_plan_add(plan, &step));
		return add_names(plan, first);
	}
	if (is_back && is_there && plan->traced_count > 0 && strcmp(now, step.path) != 0 &&
	    (traced == NULL || (traced->what & BW_TRACED_MOVED) == 0)) {
		step.follows = 1; /* its user called it otherwise since */
		BW_TRY(bw_restore_plan_words(plan, now, &step.path));
		return bw_restore_plan_add(plan, &step);
	}
	if (is_back)
		BW_TRY(bw_restore_plan_add(plan, &step));
	if (!is_there || (is_back && strcmp(now, step.path) == 0))
		return BW_OK; /* the step above exchanges it */
	BW_TRY(bw_restore_plan_words(plan, now, &away.path));
	return bw_restore_plan_add(plan, &away);
}

static bool same_place(const struct bw_step *a, const struct bw_step *b)
{
	return a->volume == b->volume && strcmp(a->path, b->path) == 0;
}

static bool is_before(const struct bw_step *a, const struct bw_step *b)
{
	return a->volume < b->volume || (a->volume == b->volume && strcmp(a->path, b->path) < 0);
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
			while (back < kept && plan->steps[back].kind != BW_STEP_DISPLACE &&
			       (plan->steps[back].kind == BW_STEP_FOLDER || is_before(&plan->steps[back], &step)))
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

/* ---- all ------------------------------------------------------------------------------------------- */

/* The good one that is meant, of this very file. */
static enum bw_err add_named(struct bw_restore_plan *plan, uint8_t volume, const struct bw_restore_named *named)
{
	static const struct bw_content unknown;
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(ROW_BYTES);
	const struct bw_file_key *file = named->file;
	struct bw_shelf_version row;

	BW_TRY(bw_good_version(bw_shadow_shelf(plan->shadows[volume]), named->version,
			       named->old != NULL ? named->old : &unknown, &arena, &row));
	BW_NEED(row.key.ino == file->ino && row.key.tree == file->tree && row.key.gen == file->gen, NOT_FOUND);
	return bw_restore_plan_version(plan, volume, &row);
}

/* Never named, never committed, or thinned away since: what was good before that. */
static enum bw_err add_before(struct bw_restore_plan *plan, const struct bw_restore_named *named)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(ROW_BYTES);
	const struct bw_file_key *file = named->file;
	const struct bw_shelf_key key = { file->ino, file->tree, file->gen };
	struct bw_shelf_version row;
	enum bw_err err;

	if (named->before_us == INT64_MIN)
		return BW_ERR_NOT_FOUND;
	err = bw_shelf_newest(bw_shadow_shelf(plan->shadows[file->volume]), &key, named->before_us - 1, BW_SHELF_GOOD,
			      &arena, &row);
	return err == BW_OK ? bw_restore_plan_version(plan, (uint8_t)file->volume, &row) : err;
}

enum bw_err bw_restore_plan_named(struct bw_restore_plan *plan, const struct bw_restore_named *named)
{
	struct bw_step step = { .kind = BW_STEP_DISPLACE, .key = *named->file, .path = "" };
	enum bw_err err;

	for (size_t n = 0; named->version != 0 && n < plan->volume_count; n++) {
		/* the volume it was then, first */
		const uint8_t volume = (uint8_t)((named->file->volume + n) % plan->volume_count);

		err = add_named(plan, volume, named);
		if (err != BW_ERR_NOT_FOUND)
			return err;
	}
	if (named->file->volume >= plan->volume_count)
		return BW_OK;
	err = add_before(plan, named);
	if (err != BW_ERR_NOT_FOUND)
		return err;
	if (named->before_us != INT64_MIN || named->version != 0)
		return BW_OK; /* nothing of it is kept; what is pinned counts */
	step.volume = (uint8_t)named->file->volume;
	return bw_restore_plan_add(plan, &step);
}

static enum bw_err add_pinned(struct bw_restore_plan *plan, uint64_t incident, struct bw_why *why)
{
	for (size_t i = 0; i < plan->volume_count; i++) {
		struct adding adding = { plan, (uint8_t)i };
		const enum bw_err err = bw_shelf_pinned(bw_shadow_shelf(plan->shadows[i]), incident, see_pinned,
							&adding);

		if (err != BW_OK)
			return bw_why_set(why, err, "cannot read what incident %llu pins on '%s': %s",
					  (unsigned long long)incident, plan->volumes[i].mount, bw_err_text(err));
	}
	return BW_OK;
}

enum bw_err bw_restore_plan_incidents(struct bw_restore_plan *plan, const uint64_t *incidents, size_t count,
				      struct bw_why *why)
{
	struct bw_step *rows;
	size_t row_count;
	enum bw_err err;

	merge_traces(plan);
	BW_TRY(add_traces(plan));
	for (size_t i = 0; i < count; i++)
		BW_TRY(add_pinned(plan, incidents[i], why));
	if (plan->count == 0)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "incident %llu pins no file",
				  count > 0 ? (unsigned long long)incidents[0] : 0ULL);
	rows = plan->steps;
	row_count = plan->count;
	plan->steps = NULL;
	plan->count = plan->room = 0;
	err = settle(plan, rows, row_count);
	free(rows);
	return err;
}
