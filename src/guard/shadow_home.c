/*
 * Where a store is. Who may write the top folder of a file system (a share that is a mount of its own) may rename what
 * lies in it, the store too: what is in it he cannot touch, nor take it elsewhere, and nobody but root can have made
 * another folder like it. So it is found again, and gets its name back.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "guard/shadow_parts.h"

static bool is_roots(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
	       (status.st_mode & 077) == 0;
}

static bool is_store(int root, const char *name)
{
	const int fd = openat(root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	const bool is = fd >= 0 && is_roots(fd) && faccessat(fd, "packs", F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
			faccessat(fd, "objects", F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
			faccessat(fd, "lock", F_OK, AT_SYMLINK_NOFOLLOW) == 0;

	if (fd >= 0)
		(void)close(fd);
	return is;
}

/* What stands under the store's name takes the other name. */
static bool rename_back(const struct bw_volume *volume, const char *name)
{
	if (renameat2(volume->root, name, volume->root, BW_SHADOW_FOLDER, RENAME_NOREPLACE) != 0 &&
	    (errno != EEXIST || renameat2(volume->root, name, volume->root, BW_SHADOW_FOLDER, RENAME_EXCHANGE) != 0))
		return false;
	bw_log(BW_WARNING, "somebody had renamed the store; it has its name back", BW_TEXT("mount", volume->mount),
	       BW_TEXT("was", name));
	return true;
}

static bool find_renamed(const struct bw_volume *volume)
{
	const int fd = openat(volume->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	bool found = false;

	if (listing == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return false;
	}
	while (!found && (entry = readdir(listing)) != NULL)
		found = strcmp(entry->d_name, "..") != 0 && strcmp(entry->d_name, ".") != 0 &&
			is_store(volume->root, entry->d_name) && rename_back(volume, entry->d_name);
	(void)closedir(listing);
	return found;
}

static int open_it(const struct bw_volume *volume)
{
	return openat(volume->root, BW_SHADOW_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

bool bw_shadow_is_there(const struct bw_volume *volume)
{
	int fd = -1;
	const enum bw_err err = bw_shadow_folder(volume, &fd, NULL);

	if (fd >= 0)
		(void)close(fd);
	return err != BW_ERR_NOT_FOUND;
}

enum bw_err bw_shadow_folder(const struct bw_volume *volume, int *out, struct bw_why *why)
{
	int fd = open_it(volume);

	if ((fd < 0 || !is_roots(fd)) && find_renamed(volume)) {
		if (fd >= 0)
			(void)close(fd);
		fd = open_it(volume);
	}
	if (fd < 0 && errno == ENOENT)
		return bw_why_set(why, BW_ERR_NOT_FOUND,
				  "nothing on '%s' is guarded: 'breakwater guard enroll' takes a folder in",
				  volume->mount);
	if (fd < 0)
		return bw_why_errno(why, errno, "open", volume->store);
	if (!is_roots(fd)) {
		(void)close(fd);
		return bw_why_set(why, BW_ERR_DENIED, "'%s' must belong to root with mode 0700", volume->store);
	}
	*out = fd;
	return BW_OK;
}
