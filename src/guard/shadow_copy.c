/* Objects of the shadow store, and how bytes get in and out of them. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "guard/shadow_parts.h"

void bw_object_name(uint64_t version, char out[BW_OBJECT_NAME_BYTES])
{
	/* 256 folders, so that none grows large: neighbours in time are neighbours on disk */
	(void)snprintf(out, BW_OBJECT_NAME_BYTES, "%02x/%016llx", (unsigned)(version >> 12 & 0xff),
		       (unsigned long long)version);
}

enum bw_err bw_object_make(struct bw_shadow *shadow, uint64_t version, int *out_fd)
{
	const int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
	char name[BW_OBJECT_NAME_BYTES];
	int fd;

	bw_object_name(version, name);
	fd = openat(shadow->objects, name, flags, 0600);
	if (fd < 0 && errno == ENOENT) {
		name[2] = '\0';
		if (mkdirat(shadow->objects, name, 0700) != 0 && errno != EEXIST)
			return bw_err_from_errno(errno);
		name[2] = '/';
		fd = openat(shadow->objects, name, flags, 0600);
	}
	if (fd < 0 && errno == EEXIST) { /* of a version whose row never came */
		if (unlinkat(shadow->objects, name, 0) != 0)
			return bw_err_from_errno(errno);
		shadow->object_count--;
		fd = openat(shadow->objects, name, flags, 0600);
	}
	if (fd < 0)
		return bw_err_from_errno(errno);
	shadow->object_count++;
	*out_fd = fd;
	return BW_OK;
}

static enum bw_err open_in(int objects, uint64_t version, int *out_fd)
{
	char name[BW_OBJECT_NAME_BYTES];
	int fd;

	bw_object_name(version, name);
	fd = openat(objects, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return bw_err_from_errno(errno);
	*out_fd = fd;
	return BW_OK;
}

enum bw_err bw_object_open(struct bw_shadow *shadow, uint64_t version, int *out_fd)
{
	return open_in(shadow->objects, version, out_fd);
}

void bw_object_remove(struct bw_shadow *shadow, uint64_t version)
{
	char name[BW_OBJECT_NAME_BYTES];

	bw_object_name(version, name);
	if (unlinkat(shadow->objects, name, 0) == 0 && shadow->object_count > 0) /* what stays goes at the next start */
		shadow->object_count--;
}

void bw_object_made(struct bw_shadow *shadow, uint64_t version)
{
	struct bw_fresh *fresh = &shadow->fresh;

	if (fresh->count <= BW_FRESH_MAX)
		fresh->count++;
	if (fresh->count <= BW_FRESH_MAX)
		fresh->versions[fresh->count - 1] = version;
}

static enum bw_err sync_fd(int fd, bool data_only)
{
	const int done = data_only ? fdatasync(fd) : fsync(fd);
	const enum bw_err err = done == 0 ? BW_OK : bw_err_from_errno(errno);

	(void)close(fd);
	return err;
}

/* The folder that an object's name lies in. */
static enum bw_err sync_folder(int objects, uint64_t version)
{
	char name[BW_OBJECT_NAME_BYTES];
	int fd;

	bw_object_name(version, name);
	name[2] = '\0';
	fd = openat(objects, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return bw_err_from_errno(errno);
	return sync_fd(fd, false);
}

static enum bw_err sync_object(int objects, uint64_t version)
{
	int fd = -1;
	const enum bw_err err = open_in(objects, version, &fd);

	if (err == BW_ERR_NOT_FOUND)
		return BW_OK;
	BW_TRY(err);
	return sync_fd(fd, true);
}

enum bw_err bw_objects_sync(int objects, struct bw_fresh *fresh)
{
	const size_t count = fresh->count;

	if (count == 0)
		return BW_OK;
	if (count > BW_FRESH_MAX) { /* an enrolment: one call costs less than thousands */
		if (syncfs(objects) != 0)
			return bw_err_from_errno(errno);
		fresh->count = 0;
		return BW_OK;
	}
	for (size_t i = 0; i < count; i++) {
		const uint64_t version = fresh->versions[i];

		BW_TRY(sync_object(objects, version));
		if (i + 1 == count || version >> 12 != fresh->versions[i + 1] >> 12)
			BW_TRY(sync_folder(objects, version));
	}
	if (fsync(objects) != 0)
		return bw_err_from_errno(errno);
	fresh->count = 0;
	return BW_OK;
}

enum bw_err bw_copy_reflink(int from, int to)
{
	if (ioctl(to, FICLONE, from) == 0)
		return BW_OK;
	return errno == EOPNOTSUPP || errno == EXDEV || errno == EINVAL ? BW_ERR_UNSUPPORTED : bw_err_from_errno(errno);
}

static enum bw_err copy_range(int from, int to, uint64_t at, uint64_t end)
{
	loff_t in = (loff_t)at;
	loff_t out = (loff_t)at;

	while ((uint64_t)in < end) {
		const ssize_t got = copy_file_range(from, &in, to, &out, end - (uint64_t)in, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return bw_err_from_errno(errno);
		if (got == 0) /* it was cut while we read: the caller sees that it changed */
			return BW_OK;
	}
	return BW_OK;
}

enum bw_err bw_copy_sparse(int from, int to, uint64_t size)
{
	uint64_t at = 0;

	while (at < size) {
		const off_t data = lseek(from, (off_t)at, SEEK_DATA);
		off_t hole;

		if (data < 0 && errno == ENXIO) /* nothing but a hole to the end */
			break;
		if (data < 0)
			return bw_err_from_errno(errno);
		hole = lseek(from, data, SEEK_HOLE);
		if (hole < 0)
			return bw_err_from_errno(errno);
		BW_TRY(copy_range(from, to, (uint64_t)data, (uint64_t)hole < size ? (uint64_t)hole : size));
		at = (uint64_t)hole;
	}
	return ftruncate(to, (off_t)size) == 0 ? BW_OK : bw_err_from_errno(errno);
}
