#include "desk/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys/owner.h"

enum bw_err bw_folder_place(const char *data, const char *name, struct bw_place *out)
{
	return bw_path_join(out->path, data, name);
}

/* Who may not look must not be told that nothing is there: an init on top would be the next thing they try. */
static enum bw_err tell_whose(const char *path, struct bw_why *why)
{
	const struct passwd *owner;
	struct stat info;

	if (stat(path, &info) != 0)
		return bw_why_set(why, BW_ERR_DENIED, "no permission for '%s'; is sudo missing?", path);
	owner = getpwuid(info.st_uid);
	if (owner == NULL)
		return bw_why_set(why, BW_ERR_DENIED, "no permission for '%s', which belongs to account number %lu",
				  path, (unsigned long)info.st_uid);
	return bw_why_set(why, BW_ERR_DENIED,
			  "no permission for '%s', which belongs to '%s': go on as '%s' (sudo -u %s), or hand it over "
			  "(chown -R)",
			  path, owner->pw_name, owner->pw_name, owner->pw_name);
}

enum bw_err bw_folder_check(const char *data, struct bw_why *why)
{
	struct bw_place place;

	BW_TRY(bw_folder_place(data, "store", &place));
	if (access(place.path, R_OK | X_OK) == 0)
		return bw_act_for_owner(place.path, why);
	if (errno == EACCES)
		return tell_whose(bw_file_exists(place.path) ? place.path : data, why);
	return bw_why_set(why, BW_ERR_NOT_FOUND, "there is no exchange in '%s'; make one with: breakwater init %s",
			  data, data);
}

/*
 * A socket's name has room for 107 bytes only; through the folder's own
 * descriptor any data folder is short enough.
 */
static enum bw_err socket_address(const char *data, const char *name, int *folder_fd, struct sockaddr_un *out)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat info;

	if (stat(data, &info) != 0)
		return bw_err_from_errno(errno);
	*folder_fd = open(data, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*folder_fd < 0)
		return bw_err_from_errno(errno);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", *folder_fd, name);
	*out = address;
	return BW_OK;
}

static void close_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

enum bw_err bw_folder_connect(const char *data, const char *name, int *out_fd)
{
	BW_CLEANUP(close_fd) int folder = -1;
	struct sockaddr_un address;
	int fd;

	BW_TRY(socket_address(data, name, &folder, &address));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	BW_NEED(fd >= 0, SYSTEM);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
		const enum bw_err err = errno == ECONNREFUSED ? BW_ERR_NOT_FOUND : bw_err_from_errno(errno);

		(void)close(fd);
		return err;
	}
	*out_fd = fd;
	return BW_OK;
}

enum bw_err bw_folder_listen(const char *data, const char *name, int *out_fd, struct bw_why *why)
{
	BW_CLEANUP(close_fd) int folder = -1;
	struct sockaddr_un address;
	struct bw_place place;
	int fd = -1;

	if (bw_folder_connect(data, name, &fd) == BW_OK) {
		(void)close(fd);
		return bw_why_set(why, BW_ERR_BUSY, "a server is already running on '%s'", data);
	}
	BW_TRY(bw_folder_place(data, name, &place));
	(void)unlink(place.path);
	BW_TRY(socket_address(data, name, &folder, &address));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	BW_NEED(fd >= 0, SYSTEM);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 || chmod(place.path, 0600) != 0 ||
	    listen(fd, 16) != 0) {
		const int saved = errno;

		(void)close(fd);
		return bw_why_errno(why, saved, "listen on", place.path);
	}
	*out_fd = fd;
	return BW_OK;
}
