/* The top of a Btrfs whose subvolume is what is mounted: a mount that hangs nowhere (fsopen(2), Linux 5.2). */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/num.h"
#include "guard/ears_parts.h"

enum { MOUNTINFO_BYTES = 4 * 1024 * 1024 };

/* "... - btrfs /dev/sdb1 rw,...": the line whose mount point, field 5, is ours. */
static bool source_in(struct bw_slice line, const char *mount, char *out, size_t size)
{
	struct bw_slice field;
	struct bw_slice rest = line;

	for (unsigned i = 0; i < 5; i++) {
		if (!bw_slice_cut(rest, ' ', &field, &rest))
			return false;
	}
	if (!bw_slice_is(field, mount))
		return false;
	while (!bw_slice_is(field, "-")) {
		if (!bw_slice_cut(rest, ' ', &field, &rest))
			return false;
	}
	if (!bw_slice_cut(rest, ' ', &field, &rest) || !bw_slice_is(field, "btrfs") ||
	    !bw_slice_cut(rest, ' ', &field, &rest) || field.len >= size)
		return false;
	memcpy(out, field.ptr, field.len);
	out[field.len] = '\0';
	return true;
}

static enum bw_err find_source(const struct bw_volume *volume, char *out, size_t size, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(MOUNTINFO_BYTES);
	struct bw_slice line;
	struct bw_slice rest;

	BW_TRY(bw_file_read("/proc/self/mountinfo", &text, why));
	rest = bw_buf_slice(&text);
	while (bw_slice_cut(rest, '\n', &line, &rest)) {
		if (source_in(line, volume->mount, out, size))
			return BW_OK;
	}
	return bw_why_set(why, BW_ERR_NOT_FOUND, "cannot find the device of '%s'", volume->mount);
}

static int mount_top(const char *source)
{
	const int context = (int)syscall(SYS_fsopen, "btrfs", FSOPEN_CLOEXEC);
	int mount = -1;

	if (context < 0)
		return -1;
	if (syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "source", source, 0) == 0 &&
	    syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "subvolid", "5", 0) == 0 &&
	    syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		mount = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	(void)close(context);
	return mount;
}

enum bw_err bw_ears_top_of(const struct bw_volume *volume, int *out_fd, struct bw_why *why)
{
	char source[BW_PATH_BYTES];
	int mount;
	int fd;

	BW_TRY(find_source(volume, source, sizeof(source), why));
	mount = mount_top(source);
	if (mount < 0)
		return bw_why_set(why, BW_ERR_UNSUPPORTED, "cannot reach the top of the Btrfs that holds '%s'",
				  volume->mount);
	fd = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* fsmount gives O_PATH */
	(void)close(mount);
	if (fd < 0)
		return bw_why_errno(why, errno, "open the top of", volume->mount);
	*out_fd = fd;
	return BW_OK;
}
