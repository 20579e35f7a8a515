#include "guard/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/num.h"
#include "sys/beneath.h"

enum { KERNFS_HANDLE = 0xfe, PROCS_BYTES = 4 * 1024 * 1024, OF_BYTES = 16 * 1024 };

/* ---- finding ------------------------------------------------------------------------------------ */

enum bw_err bw_cgroup_root(int *out_fd)
{
	static const char *const places[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

	for (size_t i = 0; i < BW_COUNT(places); i++) {
		const int fd = open(places[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		struct statfs about;

		if (fd >= 0 && fstatfs(fd, &about) == 0 && about.f_type == CGROUP2_SUPER_MAGIC) {
			*out_fd = fd;
			return BW_OK;
		}
		if (fd >= 0)
			(void)close(fd);
	}
	return BW_ERR_NOT_FOUND;
}

enum bw_err bw_cgroup_by_id(int root, uint64_t id, int *out_fd)
{
	union {
		struct file_handle handle;
		uint8_t room[sizeof(struct file_handle) + sizeof(id)];
	} what = { .handle = { .handle_bytes = sizeof(id), .handle_type = KERNFS_HANDLE } };
	int fd;

	memcpy(what.handle.f_handle, &id, sizeof(id));
	fd = open_by_handle_at(root, &what.handle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	BW_NEED(fd >= 0, NOT_FOUND);
	*out_fd = fd;
	return BW_OK;
}

uint64_t bw_cgroup_id(int cgroup)
{
	struct stat status;

	return fstat(cgroup, &status) == 0 ? status.st_ino : 0;
}

enum bw_err bw_cgroup_at(int root, const char *path, int *out_fd)
{
	return bw_open_beneath(root, path[0] == '/' ? path + 1 : path, O_RDONLY | O_DIRECTORY, 0, out_fd);
}

enum bw_err bw_cgroup_place(int cgroup, char out[BW_PATH_BYTES])
{
	char link[64];
	ssize_t len;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", cgroup);
	len = readlink(link, out, BW_PATH_BYTES - 1);
	BW_NEED(len > 0 && len < BW_PATH_BYTES - 1, NOT_FOUND);
	out[len] = '\0';
	return BW_OK;
}

/* ---- of a process ------------------------------------------------------------------------------------ */

/* Of a namespace beside ours it begins with "/..". */
static bool is_in_view(struct bw_slice path)
{
	return path.len > 0 && path.ptr[0] == '/' && !bw_slice_starts(path, BW_LIT("/.."));
}

enum bw_err bw_cgroup_parse(struct bw_slice text, char out[BW_PATH_BYTES])
{
	struct bw_slice line = bw_slice_empty;

	while (bw_slice_cut(text, '\n', &line, &text)) {
		if (!bw_slice_starts(line, BW_LIT("0::")))
			continue;
		line = bw_slice_from(line, 3);
		BW_NEED(is_in_view(line) && line.len < BW_PATH_BYTES && memchr(line.ptr, '\0', line.len) == NULL,
			NOT_FOUND);
		memcpy(out, line.ptr, line.len);
		out[line.len] = '\0';
		return BW_OK;
	}
	return BW_ERR_NOT_FOUND;
}

enum bw_err bw_cgroup_of(int proc, uint32_t pid, char out[BW_PATH_BYTES])
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(OF_BYTES);
	char name[32];
	enum bw_err err;
	int fd;

	(void)snprintf(name, sizeof(name), "%u/cgroup", pid);
	fd = openat(proc, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return bw_err_from_errno(errno);
	err = bw_file_read_fd(fd, "cgroup", &text, NULL);
	(void)close(fd);
	BW_TRY(err);
	return bw_cgroup_parse(bw_buf_slice(&text), out);
}

/* ---- its files ------------------------------------------------------------------------------------------ */

static bool is_roots(const struct stat *status)
{
	return status->st_uid == 0 && (status->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool bw_cgroup_is_roots(int cgroup)
{
	struct stat status;

	return fstat(cgroup, &status) == 0 && is_roots(&status) &&
	       fstatat(cgroup, "cgroup.procs", &status, AT_SYMLINK_NOFOLLOW) == 0 && is_roots(&status);
}

/* The kernel takes a whole number with one write, or nothing. */
static enum bw_err write_to(int cgroup, const char *file, struct bw_slice bytes)
{
	const int fd = openat(cgroup, file, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	enum bw_err err;

	if (fd < 0)
		return bw_err_from_errno(errno);
	err = bw_fd_write(fd, bytes);
	(void)close(fd);
	return err;
}

enum bw_err bw_cgroup_freeze(int cgroup, bool frozen)
{
	return write_to(cgroup, "cgroup.freeze", frozen ? BW_LIT("1") : BW_LIT("0"));
}

bool bw_cgroup_is_frozen(int cgroup)
{
	const int fd = openat(cgroup, "cgroup.freeze", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char state = '0';
	bool is_frozen;

	if (fd < 0)
		return false;
	is_frozen = read(fd, &state, 1) == 1 && state == '1';
	(void)close(fd);
	return is_frozen;
}

enum bw_err bw_cgroup_take(int cgroup, uint32_t pid)
{
	char number[16];
	const int len = snprintf(number, sizeof(number), "%u", pid);

	return write_to(cgroup, "cgroup.procs", bw_slice_of(number, (size_t)len));
}

enum bw_err bw_cgroup_each(int cgroup, bw_cgroup_each_fn *each, void *context)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(PROCS_BYTES);
	const int fd = openat(cgroup, "cgroup.procs", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct bw_slice line = bw_slice_empty;
	struct bw_slice rest;
	enum bw_err err;

	if (fd < 0)
		return bw_err_from_errno(errno);
	err = bw_file_read_fd(fd, "cgroup.procs", &text, NULL);
	(void)close(fd);
	BW_TRY(err);
	for (rest = bw_buf_slice(&text); bw_slice_cut(rest, '\n', &line, &rest);) {
		uint64_t pid;

		BW_TRY(bw_parse_u64(line, &pid));
		if (pid > 0 && pid <= INT32_MAX) /* 0: of a process namespace beside ours */
			BW_TRY(each(context, (uint32_t)pid));
	}
	return BW_OK;
}
