#include "guard/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/beneath.h"

/* A folder that waits its turn. */
struct waiting {
	struct waiting *next;
	struct bw_handle handle;
	size_t path_len;
	char path[]; /* below the mount, with a NUL */
};

struct walk {
	const struct bw_walk_plan *plan;
	struct waiting *waiting; /* last in, first out: what waits is never more than the way down and its siblings */
	struct bw_buf absolute;
};

enum { WALK_PATH_MAX = 1024 * 1024 }; /* the kernel's own limit is on each name and each call, not on depth */

static void skipped(struct walk *walk, const char *path, enum bw_err err)
{
	if (walk->plan->skipped != NULL)
		walk->plan->skipped(walk->plan->context, path, err, err == BW_ERR_TYPE);
}

static const char *absolute_of(struct walk *walk, struct bw_slice path)
{
	const char *mount = walk->plan->volume->mount;

	bw_buf_clear(&walk->absolute);
	if (strcmp(mount, "/") != 0 && bw_buf_add_text(&walk->absolute, mount) != BW_OK)
		return NULL;
	if (bw_buf_add_u8(&walk->absolute, '/') != BW_OK || bw_buf_add(&walk->absolute, path) != BW_OK)
		return NULL;
	return bw_buf_text(&walk->absolute);
}

static enum bw_err wait_for(struct walk *walk, int fd, struct bw_slice parent, const char *name)
{
	const size_t name_len = strlen(name);
	const size_t slash = parent.len > 0 && name_len > 0 ? 1 : 0;
	const size_t len = parent.len + slash + name_len;
	struct waiting *waiting;
	enum bw_err err;

	BW_NEED(len <= WALK_PATH_MAX, TOO_BIG);
	waiting = malloc(sizeof(*waiting) + len + 1);
	BW_NEED(waiting != NULL, MEMORY);
	err = bw_volume_handle(fd, &waiting->handle);
	if (err != BW_OK) {
		free(waiting);
		return err;
	}
	memcpy(waiting->path, parent.ptr, parent.len);
	if (slash > 0)
		waiting->path[parent.len] = '/';
	memcpy(waiting->path + parent.len + slash, name, name_len + 1);
	waiting->path_len = len;
	waiting->next = walk->waiting;
	walk->waiting = waiting;
	return BW_OK;
}

static bool is_ours(const struct bw_walk_folder *folder, const char *name)
{
	return folder->path.len == 0 && strcmp(name, BW_SHADOW_FOLDER) == 0;
}

static enum bw_err enter_later(struct walk *walk, const struct bw_walk_folder *folder, const char *name)
{
	struct waiting *made;
	const char *absolute;
	int fd = -1;
	enum bw_err err = bw_open_beneath(folder->fd, name, O_RDONLY | O_DIRECTORY, 0, &fd);

	if (err == BW_ERR_NOT_FOUND) /* gone since it was listed */
		return BW_OK;
	if (err != BW_OK) {
		skipped(walk, name, err);
		return err == BW_ERR_TOO_MANY ? err : BW_OK;
	}
	err = wait_for(walk, fd, folder->path, name);
	(void)close(fd);
	if (err == BW_ERR_UNSUPPORTED || err == BW_ERR_TOO_BIG) {
		skipped(walk, name, err);
		return BW_OK;
	}
	BW_TRY(err);
	made = walk->waiting;
	absolute = absolute_of(walk, bw_slice_of(made->path, made->path_len));
	if (absolute != NULL && !bw_guard_settings_cover(walk->plan->settings, absolute)) {
		walk->waiting = made->next;
		free(made);
	}
	return BW_OK;
}

/* Some file systems do not say what an entry is. */
static unsigned char type_of(const struct bw_walk_folder *folder, const struct dirent *entry)
{
	struct stat status;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type;
	if (fstatat(folder->fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
		return DT_UNKNOWN;
	return (unsigned char)IFTODT(status.st_mode);
}

static enum bw_err see_entry(struct walk *walk, const struct bw_walk_folder *folder, const struct dirent *entry)
{
	const unsigned char type = type_of(folder, entry);

	if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || is_ours(folder, entry->d_name))
		return BW_OK;
	if (type == DT_DIR)
		return enter_later(walk, folder, entry->d_name);
	if (type == DT_REG || type == DT_LNK)
		return walk->plan->file(walk->plan->context, folder, entry->d_name, type);
	return BW_OK;
}

static enum bw_err read_folder(struct walk *walk, DIR *listing, const struct bw_walk_folder *folder)
{
	const struct dirent *entry;

	if (walk->plan->folder != NULL)
		BW_TRY(walk->plan->folder(walk->plan->context, folder));
	for (;;) {
		errno = 0;
		entry = readdir(listing);
		if (entry == NULL)
			return errno == 0 ? BW_OK : bw_err_from_errno(errno);
		BW_TRY(see_entry(walk, folder, entry));
	}
}

static enum bw_err walk_one(struct walk *walk, const struct waiting *waiting)
{
	const struct bw_volume *volume = walk->plan->volume;
	struct bw_walk_folder folder = { .fd = -1,
					 .path = bw_slice_of(waiting->path, waiting->path_len),
					 .handle = waiting->handle };
	const struct bw_slice handle = bw_slice_of(waiting->handle.bytes, waiting->handle.len);
	DIR *listing;
	enum bw_err err;

	err = bw_volume_open(volume, &waiting->handle, O_DIRECTORY, &folder.fd);
	if (err == BW_ERR_NOT_FOUND)
		return BW_OK;
	BW_TRY(err);
	err = bw_file_key_of_handle(waiting->handle.type, handle, volume->number, &folder.key);
	listing = err == BW_OK ? fdopendir(folder.fd) : NULL;
	if (listing == NULL) {
		err = err == BW_OK ? bw_err_from_errno(errno) : err;
		(void)close(folder.fd);
		return err;
	}
	err = read_folder(walk, listing, &folder);
	(void)closedir(listing);
	return err;
}

static enum bw_err begin(struct walk *walk, struct bw_slice path, struct bw_why *why)
{
	char name[BW_PATH_BYTES];
	int fd = -1;
	enum bw_err err;

	BW_NEED(path.len < sizeof(name), TOO_BIG);
	memcpy(name, path.ptr, path.len);
	name[path.len] = '\0';
	err = bw_open_beneath(walk->plan->volume->root, name, O_RDONLY | O_DIRECTORY, 0, &fd);
	if (err == BW_ERR_UNSUPPORTED)
		return bw_why_set(why, err,
				  "cannot enter '%s' below '%s': the call openat2 is refused; take RestrictSUIDSGID= "
				  "out of the unit, or whatever else filters calls (Linux has it since 5.6)",
				  name, walk->plan->volume->mount);
	if (err != BW_OK)
		return bw_why_set(why, err, "cannot enter '%s' below '%s': %s", name, walk->plan->volume->mount,
				  bw_err_text(err));
	err = wait_for(walk, fd, path, "");
	(void)close(fd);
	return err;
}

enum bw_err bw_walk(const struct bw_walk_plan *plan, struct bw_slice path, struct bw_why *why)
{
	struct walk walk = { .plan = plan, .absolute = BW_BUF_INIT(WALK_PATH_MAX + 2 * BW_PATH_BYTES) };
	enum bw_err err = begin(&walk, path, why);

	while (walk.waiting != NULL) {
		struct waiting *waiting = walk.waiting;

		walk.waiting = waiting->next;
		if (err == BW_OK)
			err = walk_one(&walk, waiting);
		if (err == BW_ERR_DENIED || err == BW_ERR_IO) { /* of this folder: the others still count */
			skipped(&walk, waiting->path, err);
			err = BW_OK;
		}
		free(waiting);
	}
	bw_buf_release(&walk.absolute);
	return err;
}
