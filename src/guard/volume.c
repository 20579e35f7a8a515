#include "guard/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
	MAGIC_EXT = 0xef53,
	MAGIC_XFS = 0x58465342,
	MAGIC_ZFS = 0x2fc12fc1, /* not in linux/magic.h */
	MOUNTINFO_MAX = 4 * 1024 * 1024,
};

#define MAGIC_BTRFS 0x9123683e

/* ---- which mount ------------------------------------------------------------------------ */

static bool next_word(struct bw_slice *line, struct bw_slice *out)
{
	struct bw_slice rest;

	if (!bw_slice_cut(*line, ' ', out, &rest)) {
		*out = *line;
		rest = bw_slice_empty;
	}
	*line = rest;
	return out->len > 0;
}

/* proc(5): blank, tab, newline and backslash stand as three octal digits. */
static bool unescape(struct bw_slice word, char out[BW_PATH_BYTES])
{
	size_t len = 0;

	for (size_t i = 0; i < word.len; i++) {
		uint8_t c = word.ptr[i];

		if (c == '\\' && word.len - i > 3) {
			c = (uint8_t)((word.ptr[i + 1] - '0') * 64 + (word.ptr[i + 2] - '0') * 8 +
				      (word.ptr[i + 3] - '0'));
			i += 3;
		}
		if (len + 1 >= BW_PATH_BYTES)
			return false;
		out[len++] = (char)c;
	}
	out[len] = '\0';
	return true;
}

/* 36 35 98:0 /root /mount options - type source options */
static bool read_line(struct bw_slice line, uint64_t wanted, struct bw_volume *out)
{
	struct bw_slice word = bw_slice_empty;
	char number[24];

	(void)snprintf(number, sizeof(number), "%llu", (unsigned long long)wanted);
	if (!next_word(&line, &word) || !bw_slice_is(word, number))
		return false;
	for (unsigned skip = 0; skip < 4; skip++) {
		if (!next_word(&line, &word))
			return false;
	}
	if (!unescape(word, out->mount))
		return false;
	while (next_word(&line, &word) && !bw_slice_is(word, "-"))
		;
	if (!next_word(&line, &word) || word.len >= sizeof(out->type))
		return false;
	memcpy(out->type, word.ptr, word.len);
	out->type[word.len] = '\0';
	return true;
}

static enum bw_err find_mount(const char *path, struct bw_volume *out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(MOUNTINFO_MAX);
	struct bw_slice rest;
	struct bw_slice line;
	struct statx status;

	if (statx(AT_FDCWD, path, 0, STATX_MNT_ID | STATX_TYPE, &status) != 0)
		return bw_why_errno(why, errno, "reach", path);
	if (!S_ISDIR(status.stx_mode))
		return bw_why_set(why, BW_ERR_TYPE, "'%s' is not a folder", path);
	if ((status.stx_mask & STATX_MNT_ID) == 0)
		return bw_why_set(why, BW_ERR_UNSUPPORTED, "this kernel does not name mounts (Linux 5.8 does)");
	BW_TRY(bw_file_read("/proc/self/mountinfo", &text, why));
	rest = bw_buf_slice(&text);
	while (bw_slice_cut(rest, '\n', &line, &rest)) {
		if (read_line(line, status.stx_mnt_id, out))
			return BW_OK;
	}
	return bw_why_set(why, BW_ERR_NOT_FOUND, "cannot find the mount that holds '%s'", path);
}

/* ---- what it can do ------------------------------------------------------------------------- */

/* The only honest test of reflinks: make one. */
static bool can_reflink(int root)
{
	const int from = openat(root, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	const int to = openat(root, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	bool can = false;

	if (from >= 0 && to >= 0 && pwrite(from, "x", 1, 0) == 1)
		can = ioctl(to, FICLONE, from) == 0;
	if (from >= 0)
		(void)close(from);
	if (to >= 0)
		(void)close(to);
	return can;
}

static enum bw_err refuse(struct bw_why *why, const struct bw_volume *volume, const char *path, const char *reason)
{
	return bw_why_set(why, BW_ERR_UNSUPPORTED, "cannot guard '%s': it lies on %s (mounted at '%s'), %s", path,
			  volume->type, volume->mount, reason);
}

static enum bw_err judge_type(struct bw_volume *volume, const char *path, struct bw_why *why)
{
	struct bw_handle handle = { 0 };
	struct statfs status;

	if (fstatfs(volume->root, &status) != 0)
		return bw_why_errno(why, errno, "ask the file system of", path);
	if (status.f_type == MAGIC_ZFS)
		return refuse(why, volume, path, "which is untested: the guard makes no promise there");
	if (status.f_type != MAGIC_EXT && status.f_type != MAGIC_XFS && status.f_type != (long)MAGIC_BTRFS)
		return refuse(why, volume, path, "and only ext4, XFS and Btrfs are known to keep shadows");
	if ((status.f_flags & ST_RDONLY) != 0)
		return refuse(why, volume, path, "which is mounted read-only: shadows need room beside the files");
	if (bw_volume_handle(volume->root, &handle) != BW_OK)
		return refuse(why, volume, path, "which gives no file handles");
	volume->handle_type = handle.type;
	volume->handle_len = handle.len;
	return BW_OK;
}

enum bw_err bw_volume_of(const char *path, struct bw_volume *out, struct bw_why *why)
{
	struct bw_volume volume = { .root = -1 };
	struct stat status;
	enum bw_err err;

	BW_TRY(find_mount(path, &volume, why));
	volume.root = open(volume.mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (volume.root < 0)
		return bw_why_errno(why, errno, "open", volume.mount);
	err = judge_type(&volume, path, why);
	if (err == BW_OK && fstat(volume.root, &status) != 0)
		err = bw_why_errno(why, errno, "reach", volume.mount);
	if (err == BW_OK)
		err = bw_path_join(volume.store, volume.mount, BW_SHADOW_FOLDER);
	if (err != BW_OK) {
		bw_volume_release(&volume);
		return err;
	}
	volume.device = status.st_dev;
	volume.strategy = can_reflink(volume.root) ? BW_STRATEGY_REFLINK : BW_STRATEGY_COPY;
	*out = volume;
	return BW_OK;
}

void bw_volume_release(struct bw_volume *volume)
{
	if (volume->root >= 0)
		(void)close(volume->root);
	volume->root = -1;
}

const char *bw_strategy_words(enum bw_strategy strategy)
{
	return strategy == BW_STRATEGY_REFLINK ? "reflinks, small files in packs" : "copies, small files in packs";
}

bool bw_volume_inside(const struct bw_volume *volume, const char *path, struct bw_slice *out)
{
	const size_t len = strcmp(volume->mount, "/") == 0 ? 0 : strlen(volume->mount);

	if (strncmp(path, volume->mount, len) != 0 || (path[len] != '/' && path[len] != '\0'))
		return false;
	*out = bw_slice_text(path[len] == '/' ? path + len + 1 : path + len);
	return true;
}

static uint64_t mount_number(int folder, const char *path)
{
	struct statx status;

	if (statx(folder, path, AT_EMPTY_PATH, STATX_MNT_ID, &status) != 0 || (status.stx_mask & STATX_MNT_ID) == 0)
		return 0;
	return status.stx_mnt_id;
}

bool bw_volume_holds(const struct bw_volume *volume, const char *path)
{
	const uint64_t number = mount_number(AT_FDCWD, path);

	return number != 0 && number == mount_number(volume->root, "");
}

/* ---- the store's folder ------------------------------------------------------------------------- */

static enum bw_err set_append_only(int fd, bool on)
{
	struct stat status;
	int flags = 0;
	int wanted;

	if (fstat(fd, &status) != 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0)
		return bw_err_from_errno(errno);
	BW_NEED(status.st_uid == geteuid() && (status.st_mode & 077) == 0, DENIED);
	wanted = on ? flags | FS_APPEND_FL : flags & ~FS_APPEND_FL;
	if (wanted != flags && ioctl(fd, FS_IOC_SETFLAGS, &wanted) != 0)
		return errno == EPERM ? BW_ERR_DENIED : bw_err_from_errno(errno);
	return BW_OK;
}

enum bw_err bw_volume_hold_store(const struct bw_volume *volume, bool hold)
{
	const int fd = openat(volume->root, BW_SHADOW_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	enum bw_err err;

	if (fd < 0)
		return bw_err_from_errno(errno);
	err = set_append_only(fd, hold);
	(void)close(fd);
	return err;
}

/* ---- handles --------------------------------------------------------------------------------- */

struct raw_handle {
	struct file_handle head;
	uint8_t bytes[BW_HANDLE_BYTES_MAX];
};

static enum bw_err handle_at(int folder, const char *name, int flags, struct bw_handle *out)
{
	struct raw_handle raw = { .head = { .handle_bytes = BW_HANDLE_BYTES_MAX } };
	int mount_id;

	if (name_to_handle_at(folder, name, &raw.head, &mount_id, flags) != 0)
		return errno == EOVERFLOW ? BW_ERR_UNSUPPORTED : bw_err_from_errno(errno);
	out->type = raw.head.handle_type;
	out->len = (uint8_t)raw.head.handle_bytes;
	memcpy(out->bytes, raw.head.f_handle, raw.head.handle_bytes);
	return BW_OK;
}

enum bw_err bw_volume_handle(int fd, struct bw_handle *out)
{
	return handle_at(fd, "", AT_EMPTY_PATH, out);
}

enum bw_err bw_volume_handle_at(int folder, const char *name, struct bw_handle *out)
{
	return handle_at(folder, name, 0, out);
}

/* The form is the file system's: its root has one of the same kind. */
enum bw_err bw_volume_handle_of(const struct bw_volume *volume, const struct bw_file_key *key, struct bw_handle *out)
{
	struct bw_handle handle = { .type = volume->handle_type, .len = volume->handle_len };

	if (handle.len == 0)
		BW_TRY(bw_volume_handle(volume->root, &handle));
	BW_TRY(bw_file_key_to_handle(key, handle.type, handle.len, handle.bytes));
	*out = handle;
	return BW_OK;
}

enum bw_err bw_volume_key(const struct bw_volume *volume, int fd, struct bw_file_key *out)
{
	struct bw_handle handle = { 0 };

	BW_TRY(bw_volume_handle(fd, &handle));
	return bw_file_key_of_handle(handle.type, bw_slice_of(handle.bytes, handle.len), volume->number, out);
}

enum bw_err bw_volume_open(const struct bw_volume *volume, const struct bw_handle *handle, int flags, int *out_fd)
{
	struct raw_handle raw = { .head = { .handle_bytes = handle->len, .handle_type = handle->type } };
	const int all = flags | O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	int fd;

	BW_NEED(handle->len <= BW_HANDLE_BYTES_MAX, RANGE);
	memcpy(raw.head.f_handle, handle->bytes, handle->len);
	fd = open_by_handle_at(volume->root, &raw.head, all | O_NOATIME);
	if (fd < 0 && errno == EPERM)
		fd = open_by_handle_at(volume->root, &raw.head, all);
	if (fd < 0)
		return errno == ESTALE ? BW_ERR_NOT_FOUND : bw_err_from_errno(errno);
	*out_fd = fd;
	return BW_OK;
}
