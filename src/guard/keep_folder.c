#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guard/folder.h"
#include "guard/keep_parts.h"
#include "guard/meta.h"

static struct bw_keep_folder *slot_of(struct bw_keep *keep, const struct bw_file_key *key)
{
	const uint64_t hash = (key->ino + key->tree * 31 + key->volume * 7 + key->gen) * UINT64_C(0x9e3779b97f4a7c15);

	return &keep->folders[hash >> 40 & (BW_KEEP_FOLDERS - 1)];
}

/* Where an open folder is now, absolute. NOT_FOUND: it was removed. TOO_BIG: deeper than the kernel says. */
static enum bw_err path_of_fd(int fd, char out[BW_PATH_BYTES])
{
	char link[32];
	struct stat status;
	ssize_t len;

	BW_NEED(fstat(fd, &status) == 0 && status.st_nlink > 0, NOT_FOUND);
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, out, BW_PATH_BYTES - 1);
	if (len < 0)
		return errno == ENAMETOOLONG ? BW_ERR_TOO_BIG : bw_err_from_errno(errno);
	out[len] = '\0';
	return BW_OK;
}

static enum bw_err open_folder(struct bw_keep *keep, const struct bw_file_key *key, int *out_fd)
{
	const struct bw_volume *volume;
	struct bw_handle handle;

	BW_NEED(key->volume < keep->guard->volume_count, RANGE);
	volume = &keep->guard->volumes[key->volume];
	BW_TRY(bw_volume_handle_of(volume, key, &handle));
	return bw_volume_open(volume, &handle, O_DIRECTORY, out_fd);
}

/* The store itself lies below the mount, and so perhaps below a tree. */
static bool is_protected(const struct bw_keep *keep, const struct bw_volume *volume, const char *path)
{
	struct bw_slice inside;
	struct bw_slice first;
	struct bw_slice rest;

	if (!bw_volume_inside(volume, path, &inside))
		return false;
	if (!bw_slice_cut(inside, '/', &first, &rest))
		first = inside;
	return !bw_slice_is(first, BW_SHADOW_FOLDER) && bw_guard_settings_cover(&keep->guard->settings, path);
}

static enum bw_err put_folder(struct bw_keep *keep, const struct bw_file_key *key, int fd, const char *path,
			      uint32_t *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf meta = BW_BUF_INIT(BW_META_BYTES_MAX);
	const struct bw_volume *volume = &keep->guard->volumes[key->volume];
	struct bw_shelf_folder row = { .number = 0 };
	struct bw_handle handle;
	struct stat status;
	bool whole;

	BW_TRY(bw_volume_handle(fd, &handle));
	if (fstat(fd, &status) != 0)
		return bw_err_from_errno(errno);
	BW_TRY(bw_meta_read(fd, &status, &meta, &whole));
	BW_NEED(bw_volume_inside(volume, path, &row.path), NOT_FOUND);
	row.handle = bw_slice_of(handle.bytes, handle.len);
	row.handle_type = handle.type;
	row.meta = bw_buf_slice(&meta);
	BW_TRY(bw_folder_remember(bw_shadow_shelf(bw_copier_shadow(keep->copier, key->volume)), &row, out));
	bw_keep_soil(keep, key->volume);
	return BW_OK;
}

static enum bw_err look(struct bw_keep *keep, const struct bw_file_key *key, struct bw_keep_folder *out)
{
	struct bw_keep_folder folder = { .key = *key, .used = true };
	char path[BW_PATH_BYTES];
	int fd = -1;
	enum bw_err err;

	BW_TRY(open_folder(keep, key, &fd));
	err = path_of_fd(fd, path);
	if (err == BW_OK)
		folder.covered = is_protected(keep, &keep->guard->volumes[key->volume], path);
	if (err == BW_OK && folder.covered)
		err = put_folder(keep, key, fd, path, &folder.number);
	(void)close(fd);
	BW_TRY(err);
	*out = folder;
	return BW_OK;
}

enum bw_err bw_keep_folder(struct bw_keep *keep, const struct bw_file_key *key, uint32_t *out_number)
{
	struct bw_keep_folder *slot = slot_of(keep, key);

	if (!slot->used || !bw_file_key_equals(&slot->key, key))
		BW_TRY(look(keep, key, slot));
	BW_NEED(slot->covered, DENIED);
	*out_number = slot->number;
	return BW_OK;
}

enum bw_err bw_keep_folder_look(struct bw_keep *keep, const struct bw_file_key *key)
{
	return look(keep, key, slot_of(keep, key));
}

bool bw_keep_covers(struct bw_keep *keep, const struct bw_file_key *folder, struct bw_slice name)
{
	char path[BW_PATH_BYTES];
	size_t len;
	int fd = -1;
	enum bw_err err;

	if (keep->guard->settings.exclude_count == 0)
		return true;
	if (open_folder(keep, folder, &fd) != BW_OK)
		return false;
	err = path_of_fd(fd, path);
	(void)close(fd);
	len = err == BW_OK ? strlen(path) : 0;
	if (err != BW_OK || len + 1 + name.len >= sizeof(path))
		return err == BW_OK;
	path[len] = '/';
	memcpy(path + len + 1, name.ptr, name.len);
	path[len + 1 + name.len] = '\0';
	return bw_guard_settings_cover(&keep->guard->settings, path);
}

/* ---- a folder was renamed -------------------------------------------------------------------------- */

enum bw_err bw_keep_folder_number(struct bw_keep *keep, const struct bw_file_key *key, uint32_t *out)
{
	const struct bw_keep_folder *slot = slot_of(keep, key);
	struct bw_shelf *shelf = bw_shadow_shelf(bw_copier_shadow(keep->copier, key->volume));
	struct bw_handle handle;

	BW_NEED(key->volume < keep->guard->volume_count, NOT_FOUND);
	if (slot->used && bw_file_key_equals(&slot->key, key) && slot->covered) {
		*out = slot->number;
		return BW_OK;
	}
	BW_TRY(bw_volume_handle_of(&keep->guard->volumes[key->volume], key, &handle));
	return bw_shelf_folder_by_handle(shelf, handle.type, bw_slice_of(handle.bytes, handle.len), out);
}

/* As the catalogue still has it; NOT_FOUND when it never saw it. */
static enum bw_err old_path(struct bw_keep *keep, const struct bw_file_key *key, struct bw_arena *arena,
			    struct bw_slice *out)
{
	struct bw_shelf *shelf = bw_shadow_shelf(bw_copier_shadow(keep->copier, key->volume));
	struct bw_shelf_folder row;
	uint32_t number = 0;

	BW_TRY(bw_keep_folder_number(keep, key, &number));
	BW_TRY(bw_shelf_folder_get(shelf, number, arena, &row));
	*out = row.path;
	return BW_OK;
}

enum bw_err bw_keep_folder_moved(struct bw_keep *keep, const struct bw_file_key *key)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(4 * BW_MIB);
	struct bw_slice from = bw_slice_empty;
	struct bw_slice to = bw_slice_empty;
	char path[BW_PATH_BYTES];
	int fd = -1;
	enum bw_err known;
	enum bw_err err;

	BW_NEED(key->volume < keep->guard->volume_count, RANGE);
	known = old_path(keep, key, &arena, &from);
	memset(keep->folders, 0, sizeof(keep->folders)); /* what was covered may not be, and the other way round */
	BW_TRY(open_folder(keep, key, &fd));
	err = path_of_fd(fd, path);
	(void)close(fd);
	BW_TRY(err);
	/* into the trees, out of them, or never seen: only a walk tells what that means for each file */
	if (known != BW_OK || !is_protected(keep, &keep->guard->volumes[key->volume], path) ||
	    !bw_volume_inside(&keep->guard->volumes[key->volume], path, &to)) {
		keep->must_walk = true;
		return BW_OK;
	}
	if (bw_slice_equals(from, to))
		return BW_OK;
	bw_keep_soil(keep, key->volume);
	return bw_shelf_folder_move(bw_shadow_shelf(bw_copier_shadow(keep->copier, key->volume)), from, to);
}

/* ---- a folder was removed -------------------------------------------------------------------------- */

/* By its parent's path and its name; the parent may be gone as well by now. */
static enum bw_err number_by_name(struct bw_keep *keep, const struct bw_event_view *view, uint32_t *out)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(4 * BW_MIB);
	BW_CLEANUP(bw_buf_release) struct bw_buf path = BW_BUF_INIT(BW_MIB);
	struct bw_shelf *shelf = bw_shadow_shelf(bw_copier_shadow(keep->copier, view->event.file.volume));
	struct bw_slice above;

	BW_TRY(old_path(keep, &view->event.folder, &arena, &above));
	BW_TRY(bw_buf_add(&path, above));
	if (above.len > 0)
		BW_TRY(bw_buf_add_u8(&path, '/'));
	BW_TRY(bw_buf_add(&path, view->name));
	return bw_shelf_folder_find(shelf, bw_buf_slice(&path), out);
}

enum bw_err bw_keep_folder_gone(struct bw_keep *keep, const struct bw_event_view *view)
{
	const struct bw_file_key *key = &view->event.file;
	struct bw_keep_folder *slot = slot_of(keep, key);
	uint32_t number = 0;

	BW_NEED(key->volume < keep->guard->volume_count, RANGE);
	if (slot->used && bw_file_key_equals(&slot->key, key) && slot->covered)
		number = slot->number;
	else
		BW_TRY(number_by_name(keep, view, &number));
	if (slot->used && bw_file_key_equals(&slot->key, key))
		*slot = (struct bw_keep_folder){ 0 };
	bw_keep_soil(keep, key->volume);
	BW_TRY(bw_shelf_folder_gone(bw_shadow_shelf(bw_copier_shadow(keep->copier, key->volume)), number,
				    view->event.wall_us));
	return bw_keep_drill_gone(keep, key->volume, number);
}
