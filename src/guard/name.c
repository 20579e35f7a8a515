#include "guard/name.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/beneath.h"

enum { LISTING_BYTES = 16 * 1024, LISTINGS_MAX = 64 }; /* some twenty thousand names are gone through */

bool bw_name_is_temporary(struct bw_slice name, uint64_t ino)
{
	char text[24];

	if (name.len < 2 || name.ptr[0] != '#')
		return false;
	(void)snprintf(text, sizeof(text), "#%llu", (unsigned long long)ino);
	return bw_slice_is(name, text);
}

/* Where the kernel thinks it is: it may know another one of its names, or none that still counts. */
static bool path_of(int fd, char out[BW_PATH_BYTES])
{
	char link[32];
	ssize_t len;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, out, BW_PATH_BYTES - 1);
	if (len <= 0 || len >= BW_PATH_BYTES - 1)
		return false;
	out[len] = '\0';
	return out[0] == '/';
}

static bool leads_to(int folder, const char *name, const struct stat *file)
{
	struct stat status;

	return fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_ino == file->st_ino &&
	       status.st_dev == file->st_dev;
}

static enum bw_err take(struct bw_name *out, const char *name)
{
	const size_t len = strlen(name);

	BW_NEED(len > 0 && len <= sizeof(out->bytes), RANGE);
	memcpy(out->bytes, name, len);
	out->len = (uint8_t)len;
	out->is_other = true;
	return BW_OK;
}

/* A path is only a hint: names on it may be others by now. What counts is that the last one leads to the file. */
static enum bw_err from_path(const struct bw_volume *volume, const char *path, const struct stat *file,
			     struct bw_name *out)
{
	struct bw_slice inside;
	char folder[BW_PATH_BYTES];
	const char *name = strrchr(path, '/') + 1;
	enum bw_err err;
	size_t len;
	int fd = -1;

	BW_NEED(bw_volume_inside(volume, path, &inside) && inside.len > 0, NOT_FOUND);
	len = inside.len > strlen(name) ? inside.len - strlen(name) - 1 : 0;
	memcpy(folder, inside.ptr, len);
	folder[len] = '\0';
	BW_TRY(bw_open_beneath(volume->root, folder, O_PATH | O_DIRECTORY, 0, &fd));
	err = leads_to(fd, name, file) ? bw_volume_key(volume, fd, &out->folder) : BW_ERR_NOT_FOUND;
	(void)close(fd);
	return err == BW_OK ? take(out, name) : err;
}

/* One piece of a folder's listing. */
static enum bw_err from_piece(int folder, const char *piece, ssize_t len, const struct stat *file, struct bw_name *out)
{
	for (ssize_t at = 0; at < len;) {
		const struct dirent64 *entry = (const struct dirent64 *)(const void *)(piece + at);

		if (entry->d_ino == file->st_ino && leads_to(folder, entry->d_name, file))
			return take(out, entry->d_name);
		at += entry->d_reclen;
	}
	return BW_ERR_NOT_FOUND;
}

/* The kernel has forgotten its name under memory pressure: mostly it lies where it was made. */
static enum bw_err from_folder(int folder, const struct bw_file_key *key, const struct stat *file, struct bw_name *out)
{
	alignas(struct dirent64) char piece[LISTING_BYTES];

	for (unsigned i = 0; i < LISTINGS_MAX; i++) {
		const ssize_t len = getdents64(folder, piece, sizeof(piece));

		BW_NEED(len > 0, NOT_FOUND);
		if (from_piece(folder, piece, len, file, out) == BW_OK) {
			out->folder = *key;
			return BW_OK;
		}
	}
	return BW_ERR_NOT_FOUND;
}

static enum bw_err open_folder(const struct bw_volume *volume, const struct bw_file_key *key, int *out_fd)
{
	struct bw_handle handle;

	BW_TRY(bw_volume_handle_of(volume, key, &handle));
	return bw_volume_open(volume, &handle, O_DIRECTORY, out_fd);
}

static bool stands(int folder, struct bw_slice name, const struct stat *file)
{
	char text[256];

	if (folder < 0 || name.len == 0 || name.len >= sizeof(text))
		return false;
	memcpy(text, name.ptr, name.len);
	text[name.len] = '\0';
	return leads_to(folder, text, file);
}

/* `path` may be NULL. What was told comes first: a file may have several names, and events are of one of them. */
static bool find(const struct bw_volume *volume, const char *path, const struct stat *file,
		 const struct bw_file_key *folder, struct bw_slice name, struct bw_name *out)
{
	bool is_found;
	int there = -1;

	if (name.len == 0 && path != NULL && from_path(volume, path, file, out) == BW_OK)
		return true;
	if (open_folder(volume, folder, &there) != BW_OK)
		there = -1;
	is_found = stands(there, name, file) ||
		   (name.len > 0 && path != NULL && from_path(volume, path, file, out) == BW_OK) ||
		   (there >= 0 && from_folder(there, folder, file, out) == BW_OK);
	if (there >= 0)
		(void)close(there);
	return is_found;
}

enum bw_err bw_name_now(const struct bw_volume *volume, int fd, const struct bw_file_key *folder, struct bw_slice name,
			struct bw_name *out)
{
	char path[BW_PATH_BYTES];
	struct stat file;
	bool has_path;

	out->is_other = false;
	BW_NEED(fstat(fd, &file) == 0, IO);
	if (file.st_nlink == 0)
		return bw_name_is_temporary(name, file.st_ino) ? BW_ERR_NOT_FOUND : BW_OK;
	has_path = path_of(fd, path);
	if (has_path && bw_slice_is(name, strrchr(path, '/') + 1))
		return BW_OK;
	if (find(volume, has_path ? path : NULL, &file, folder, name, out) || !bw_name_is_temporary(name, file.st_ino))
		return BW_OK;
	return BW_ERR_CONFLICT;
}
