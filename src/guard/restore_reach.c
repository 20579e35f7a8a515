/* Where a version goes: its folder, by handle, by the place it has now, or made again; and notes of what was done. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guard/restore_parts.h"
#include "sys/beneath.h"

enum { ARENA_BYTES = 4 * 1024 * 1024 };

void restore_close(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

enum bw_err restore_fail(const struct bw_restore_way *way, enum bw_err err, const char *verb)
{
	return bw_why_set(way->why, err, "cannot %s '%s': %s", verb, way->name, bw_err_text(err));
}

/* ---- what is noted, so that it can be undone --------------------------------------------------- */

/* Where an open folder is, below the mount, and `name` in it. */
static enum bw_err path_in(const struct bw_restore_way *way, const char *name, struct bw_buf *out)
{
	const struct bw_volume *volume = bw_shadow_volume(way->restore.shadow);
	char link[32];
	char real[BW_PATH_BYTES];
	struct bw_slice inside;
	ssize_t len;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", way->folder);
	len = readlink(link, real, sizeof(real) - 1);
	BW_NEED(len > 0, NOT_FOUND);
	real[len] = '\0';
	BW_NEED(bw_volume_inside(volume, real, &inside), NOT_FOUND);
	BW_TRY(bw_buf_add(out, inside));
	if (inside.len > 0)
		BW_TRY(bw_buf_add_u8(out, '/'));
	return bw_buf_add_text(out, name);
}

enum bw_err restore_note(const struct bw_restore_way *way, enum bw_note_kind kind, const char *aside,
			 struct bw_slice meta)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf path = BW_BUF_INIT(BW_NOTE_PATH_MAX);
	struct bw_note note = { .kind = (uint8_t)kind, .aside = bw_slice_text(aside), .meta = meta };
	struct stat status;

	BW_TRY(path_in(way, way->name, &path));
	note.path = bw_buf_slice(&path);
	if (kind != BW_NOTE_MOVED_AWAY) {
		if (fstatat(way->folder, way->name, &status, AT_SYMLINK_NOFOLLOW) != 0)
			return BW_OK; /* somebody was faster: there is nothing to undo */
		note.ino = status.st_ino;
		note.mtime_s = status.st_mtim.tv_sec;
		note.mtime_ns = (uint32_t)status.st_mtim.tv_nsec;
	}
	return bw_aside_note(way->restore.aside, &note, way->why);
}

static enum bw_err note_folder(const struct bw_restore_way *way, struct bw_slice path)
{
	const struct bw_note note = {
		.kind = BW_NOTE_FOLDER_MADE, .path = path, .aside = bw_slice_empty, .meta = bw_slice_empty
	};

	return bw_aside_note(way->restore.aside, &note, way->why);
}

/* ---- the folder ------------------------------------------------------------------------------ */

/* Makes what is missing of a path, one folder after the other, as the catalogue remembers each. */
static enum bw_err give_meta(const struct bw_restore_way *way, struct bw_slice path, int fd)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(ARENA_BYTES);
	struct bw_shelf *shelf = bw_shadow_shelf(way->restore.shadow);
	struct bw_shelf_folder folder;
	struct bw_meta meta;
	uint32_t number;

	if (bw_shelf_folder_find(shelf, path, &number) != BW_OK ||
	    bw_shelf_folder_get(shelf, number, &arena, &folder) != BW_OK || folder.meta.len == 0)
		return BW_OK; /* nobody knows how it was: root's, 0700, until a person says otherwise */
	BW_TRY(bw_meta_parse(folder.meta, &meta));
	return bw_meta_apply(fd, &meta, way->why);
}

/* As it was just made: who may write the folder above may have put another one in its place. */
static bool is_fresh(int folder)
{
	const int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	struct stat status;
	bool fresh = listing != NULL && fstat(fd, &status) == 0 && status.st_uid == geteuid() &&
		     (status.st_mode & 07777 & ~(unsigned)S_ISGID) == 0700;

	while (fresh && (entry = readdir(listing)) != NULL)
		fresh = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	if (listing != NULL)
		(void)closedir(listing);
	else
		restore_close(fd);
	return fresh;
}

static enum bw_err make_new(const struct bw_restore_way *way, int folder, struct bw_slice path, const char *name,
			    int *out)
{
	const bool made = mkdirat(folder, name, 0700) == 0;

	if (!made && errno != EEXIST)
		return bw_err_from_errno(errno);
	BW_TRY(bw_open_beneath(folder, name, O_RDONLY | O_DIRECTORY, 0, out));
	if (!made) /* somebody was faster: it is his */
		return BW_OK;
	BW_NEED(is_fresh(*out), CONFLICT);
	BW_TRY(give_meta(way, path, *out));
	return note_folder(way, path);
}

static enum bw_err make_step(const struct bw_restore_way *way, int *folder, struct bw_slice path, const char *name)
{
	int next = -1;
	enum bw_err err = bw_open_beneath(*folder, name, O_RDONLY | O_DIRECTORY, 0, &next);

	if (err == BW_ERR_NOT_FOUND && !way->restore.dry_run)
		err = make_new(way, *folder, path, name, &next);
	restore_close(*folder);
	*folder = next;
	return err;
}

enum bw_err restore_make_path(const struct bw_restore_way *way, struct bw_slice path, int *out)
{
	int folder = fcntl(bw_shadow_volume(way->restore.shadow)->root, F_DUPFD_CLOEXEC, 0);
	size_t at = 0;
	enum bw_err err = folder >= 0 ? BW_OK : bw_err_from_errno(errno);

	while (err == BW_OK && at < path.len) {
		const struct bw_slice rest = bw_slice_from(path, at);
		const uint8_t *slash = memchr(rest.ptr, '/', rest.len);
		const size_t len = slash != NULL ? (size_t)(slash - rest.ptr) : rest.len;
		char name[RESTORE_NAME_BYTES];

		if (len == 0 || len >= sizeof(name)) {
			err = BW_ERR_CORRUPT;
			break;
		}
		memcpy(name, rest.ptr, len);
		name[len] = '\0';
		at += len;
		err = make_step(way, &folder, bw_slice_sub(path, 0, at), name);
		at++;
	}
	if (err != BW_OK) {
		restore_close(folder);
		return err;
	}
	*out = folder;
	return BW_OK;
}

/* A folder that was removed while somebody has it open still answers to its handle. */
static bool is_alive(int folder)
{
	struct stat status;

	return fstat(folder, &status) == 0 && status.st_nlink > 0;
}

/* Its folder is there: the file was found in it. */
enum bw_err restore_reach_place(struct bw_restore_way *way)
{
	const char *place = way->restore.place;
	const char *slash = strrchr(place, '/');
	char folder[BW_PATH_BYTES] = "";
	enum bw_err err;

	BW_NEED(strlen(place) < sizeof(folder), TOO_BIG);
	if (slash != NULL)
		memcpy(folder, place, (size_t)(slash - place));
	err = bw_open_beneath(bw_shadow_volume(way->restore.shadow)->root, folder, O_RDONLY | O_DIRECTORY, 0,
			      &way->folder);
	return err == BW_OK ? BW_OK : restore_fail(way, err, "reach the folder of");
}

static enum bw_err make_place(struct bw_restore_way *way)
{
	const char *slash = strrchr(way->restore.place, '/');
	const size_t len = slash == NULL ? 0 : (size_t)(slash - way->restore.place);
	const enum bw_err err = restore_make_path(way, bw_slice_of(way->restore.place, len), &way->folder);

	return err == BW_OK ? BW_OK : restore_fail(way, err, "reach the folder of");
}

/* By handle first: a folder that was renamed since is still the one it was. */
enum bw_err restore_reach(struct bw_restore_way *way)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(ARENA_BYTES);
	struct bw_shadow *shadow = way->restore.shadow;
	struct bw_shelf_folder folder;
	struct bw_handle handle;
	enum bw_err err;

	if (way->restore.place != NULL && way->restore.makes_place)
		return make_place(way);
	if (way->restore.place != NULL)
		return restore_reach_place(way);
	err = bw_shelf_folder_get(bw_shadow_shelf(shadow), way->version->folder, &arena, &folder);
	if (err != BW_OK)
		return restore_fail(way, err, "find the folder of");
	if (folder.handle.len > 0 && folder.handle.len <= sizeof(handle.bytes)) {
		handle = (struct bw_handle){ .type = folder.handle_type, .len = (uint8_t)folder.handle.len };
		memcpy(handle.bytes, folder.handle.ptr, folder.handle.len);
		if (bw_volume_open(bw_shadow_volume(shadow), &handle, O_DIRECTORY, &way->folder) == BW_OK) {
			if (is_alive(way->folder))
				return BW_OK;
			restore_close(way->folder);
			way->folder = -1;
		}
	}
	err = restore_make_path(way, folder.path, &way->folder);
	return err == BW_OK ? BW_OK : restore_fail(way, err, "reach the folder of");
}
