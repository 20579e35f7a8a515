/* Folders that an actor renamed get their names back: the names are in his trace, the rest follows by itself. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "guard/restore_plan.h"
#include "sys/beneath.h"

enum { ROW_BYTES = 2 * BW_SHELF_META_BYTES_MAX + 64 * 1024 };

static enum bw_err copy_path(struct bw_slice path, char out[BW_PATH_BYTES])
{
	BW_NEED(path.len < BW_PATH_BYTES, TOO_BIG);
	if (path.len > 0)
		memcpy(out, path.ptr, path.len);
	out[path.len] = '\0';
	return BW_OK;
}

static bool has_key(const struct bw_restore_plan *plan, uint8_t volume, const char *path,
		    const struct bw_file_key *wanted)
{
	struct bw_file_key key;
	bool has = false;
	int fd = -1;

	if (bw_open_beneath(plan->volumes[volume].root, path, O_PATH | O_DIRECTORY, 0, &fd) != BW_OK)
		return false;
	if (bw_volume_key(&plan->volumes[volume], fd, &key) == BW_OK)
		has = key.ino == wanted->ino && key.tree == wanted->tree && key.gen == wanted->gen;
	(void)close(fd);
	return has;
}

/* ---- which --------------------------------------------------------------------------------------- */

/* It is where the actor put it: who called it otherwise since, knows why. */
static bool is_as_left(const struct bw_restore_plan *plan, const struct bw_traced *traced, const char *now)
{
	struct bw_slice folder;
	struct bw_slice name;
	char path[BW_PATH_BYTES];

	bw_restore_split(bw_slice_text(now), &folder, &name);
	return bw_slice_equals(name, traced->name_to) && copy_path(folder, path) == BW_OK &&
	       has_key(plan, (uint8_t)traced->file.volume, path, &traced->folder_to);
}

/* Where the folder was: a path of now when that one exists, else the catalogue's, under which it is made again. */
static enum bw_err parent_path(const struct bw_restore_plan *plan, const struct bw_traced *traced, char out[PATH_MAX])
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(ROW_BYTES);
	const struct bw_volume *volume = &plan->volumes[traced->folder.volume];
	struct bw_shelf *shelf = bw_shadow_shelf(plan->shadows[traced->folder.volume]);
	struct bw_shelf_folder row;
	struct bw_handle handle;
	uint32_t number;

	if (bw_restore_place_now(volume, &traced->folder, out))
		return BW_OK;
	if (has_key(plan, (uint8_t)traced->folder.volume, "", &traced->folder)) { /* the mount itself */
		out[0] = '\0';
		return BW_OK;
	}
	BW_TRY(bw_volume_handle_of(volume, &traced->folder, &handle));
	BW_TRY(bw_shelf_folder_by_handle(shelf, handle.type, bw_slice_of(handle.bytes, handle.len), &number));
	BW_TRY(bw_shelf_folder_get(shelf, number, &arena, &row));
	return copy_path(row.path, out);
}

enum bw_err bw_restore_plan_rename(struct bw_restore_plan *plan, const struct bw_traced *traced)
{
	struct bw_step step = { .kind = BW_STEP_RENAME, .volume = (uint8_t)traced->file.volume, .key = traced->file };
	char now[PATH_MAX];
	char parent[PATH_MAX];
	char to[BW_PATH_BYTES];

	if (traced->name.len == 0 || traced->name_to.len == 0 || traced->folder.volume != traced->file.volume ||
	    !bw_restore_place_now(&plan->volumes[step.volume], &traced->file, now) || !is_as_left(plan, traced, now) ||
	    parent_path(plan, traced, parent) != BW_OK)
		return BW_OK; /* nothing to reverse, or nobody knows to what */
	if (snprintf(to, sizeof(to), "%s%s%.*s", parent, parent[0] == '\0' ? "" : "/", BW_ARG(traced->name)) >=
		    (int)sizeof(to) ||
	    strcmp(to, now) == 0)
		return BW_OK;
	BW_TRY(bw_restore_plan_words(plan, now, &step.path));
	BW_TRY(bw_restore_plan_words(plan, to, &step.to));
	return bw_restore_plan_add(plan, &step);
}

/* ---- doing it ------------------------------------------------------------------------------------ */

struct way {
	const struct bw_restore_plan *plan;
	const struct bw_step *step;
	struct bw_why *why;
	int from;
	int to;
	char name[BW_PATH_BYTES];
	char name_to[BW_PATH_BYTES];
};

static enum bw_err open_parent(const struct way *way, const char *path, int *out_fd, char out_name[BW_PATH_BYTES])
{
	char folder[BW_PATH_BYTES];
	struct bw_slice rest;
	struct bw_slice name;

	bw_restore_split(bw_slice_text(path), &rest, &name);
	BW_TRY(copy_path(rest, folder));
	BW_TRY(copy_path(name, out_name));
	return bw_open_beneath(way->plan->volumes[way->step->volume].root, folder, O_RDONLY | O_DIRECTORY, 0, out_fd);
}

static enum bw_err taken(const struct way *way)
{
	return bw_why_set(way->why, BW_ERR_EXISTS, "the folder keeps this name: another one is called '%s' now",
			  way->step->to);
}

static enum bw_err note(const struct way *way, struct bw_aside *aside)
{
	const struct bw_note note = { .kind = BW_NOTE_FOLDER_NAME,
				      .ino = way->step->key.ino,
				      .path = bw_slice_text(way->step->to),
				      .aside = bw_slice_empty,
				      .meta = bw_slice_text(way->step->path) };

	return bw_aside_note(aside, &note, way->why);
}

static enum bw_err go(const struct way *way, bool dry_run, struct bw_aside *aside)
{
	if (!has_key(way->plan, way->step->volume, way->step->path, &way->step->key))
		return bw_why_set(way->why, BW_ERR_NOT_FOUND, "the folder was renamed once more meanwhile");
	if (faccessat(way->to, way->name_to, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return taken(way);
	if (dry_run)
		return BW_OK;
	if (renameat2(way->from, way->name, way->to, way->name_to, RENAME_NOREPLACE) != 0)
		return errno == EEXIST ? taken(way) : bw_why_errno(way->why, errno, "rename the folder", way->name);
	if (!has_key(way->plan, way->step->volume, way->step->to, &way->step->key)) {
		/* another one was put there in that very moment: it is not ours to move */
		(void)renameat2(way->to, way->name_to, way->from, way->name, RENAME_NOREPLACE);
		return bw_why_set(way->why, BW_ERR_CONFLICT, "the folder was renamed once more meanwhile");
	}
	return note(way, aside);
}

enum bw_err bw_restore_rename(const struct bw_restore_plan *plan, const struct bw_step *step, bool dry_run,
			      struct bw_aside *aside, struct bw_why *why)
{
	struct way way = { .plan = plan, .step = step, .why = why, .from = -1, .to = -1 };
	enum bw_err err = open_parent(&way, step->path, &way.from, way.name);

	if (err == BW_OK)
		err = open_parent(&way, step->to, &way.to, way.name_to);
	if (err == BW_OK)
		err = go(&way, dry_run, aside);
	else
		err = bw_why_set(why, err, "cannot reach where the folder was: %s", bw_err_text(err));
	if (way.from >= 0)
		(void)close(way.from);
	if (way.to >= 0)
		(void)close(way.to);
	return err;
}

enum bw_err bw_restore_moved_path(struct bw_arena *arena, const char *path, const char *from, const char *to,
				  const char **out)
{
	const size_t len = strlen(from);
	char moved[PATH_MAX];
	struct bw_slice copy;

	*out = NULL;
	if (strncmp(path, from, len) != 0 || (path[len] != '/' && path[len] != '\0'))
		return BW_OK;
	BW_NEED(snprintf(moved, sizeof(moved), "%s%s", to, path + len) < (int)sizeof(moved), TOO_BIG);
	BW_TRY(bw_arena_copy(arena, bw_slice_text(moved), &copy));
	*out = (const char *)copy.ptr;
	return BW_OK;
}
