#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/clock.h"

static void close_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

enum bw_err bw_path_join(char out[BW_PATH_BYTES], const char *dir, const char *name)
{
	size_t len = strlen(dir);
	int written;

	while (len > 1 && dir[len - 1] == '/')
		len--;
	BW_NEED(len < BW_PATH_BYTES, TOO_BIG);
	written = snprintf(out, BW_PATH_BYTES, "%.*s%s%s", (int)len, dir, len == 1 && dir[0] == '/' ? "" : "/", name);
	BW_NEED(written >= 0 && written < BW_PATH_BYTES, TOO_BIG);
	return BW_OK;
}

/* ---- reading ------------------------------------------------------------- */

enum { READ_STEP = 64 * 1024 };

static enum bw_err no_room(const char *name, const struct bw_buf *out, enum bw_err err, struct bw_why *why)
{
	if (err == BW_ERR_TOO_BIG)
		return bw_why_set(why, err, "cannot read '%s': larger than %zu bytes", name, out->max);
	return bw_why_set(why, err, "cannot read '%s': %s", name, bw_err_text(err));
}

enum bw_err bw_file_read_fd(int fd, const char *name, struct bw_buf *out, struct bw_why *why)
{
	const size_t before = out->len;

	for (;;) {
		const size_t room = out->max - out->len;
		/* when full, one more byte tells the end from too much */
		const size_t step = room == 0 ? 1 : room < READ_STEP ? room : READ_STEP;
		uint8_t spare;
		ssize_t got;

		if (room > 0) {
			const enum bw_err err = bw_buf_reserve(out, step);

			if (err != BW_OK)
				return no_room(name, out, err, why);
		}
		got = read(fd, room > 0 ? out->ptr + out->len : &spare, step);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			out->len = before;
			return bw_why_errno(why, errno, "read", name);
		}
		if (got == 0)
			break;
		if (room == 0) {
			out->len = before;
			return no_room(name, out, BW_ERR_TOO_BIG, why);
		}
		out->len += (size_t)got;
	}
	if (out->ptr != NULL)
		out->ptr[out->len] = 0;
	return BW_OK;
}

enum bw_err bw_file_read(const char *path, struct bw_buf *out, struct bw_why *why)
{
	/* O_NONBLOCK: opening a FIFO by mistake must not hang */
	BW_CLEANUP(close_fd) const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return bw_why_errno(why, errno, "read", path);
	if (!S_ISREG(st.st_mode))
		return bw_why_set(why, BW_ERR_TYPE, "cannot read '%s': not a plain file", path);
	return bw_file_read_fd(fd, path, out, why);
}

/* ---- pipes --------------------------------------------------------------- */

enum { PIPE_PATIENCE_MS = 30000 };

static enum bw_err wait_for_writer(int fd, const char *path, int64_t until_ms, bool *out_left, struct bw_why *why)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	const int64_t left_ms = until_ms - bw_clock_mono_us() / 1000;
	const int got = left_ms <= 0 ? 0 : poll(&wait, 1, (int)left_ms);

	if (got < 0 && errno != EINTR)
		return bw_why_errno(why, errno, "read", path);
	if (got == 0)
		return bw_why_set(why, BW_ERR_TIMEOUT, "cannot read '%s': its writer has not ended within %d seconds",
				  path, PIPE_PATIENCE_MS / 1000);
	*out_left = got > 0 && (wait.revents & POLLIN) == 0; /* came and went without a word */
	return BW_OK;
}

/*
 * A pipe without bytes reads as ended when nobody has it open for writing, which is also so before
 * anybody came: only after the first byte, or when poll says that the writer has left, is that the end.
 */
static enum bw_err read_pipe(int fd, const char *path, struct bw_buf *out, struct bw_why *why)
{
	const int64_t until_ms = bw_clock_mono_us() / 1000 + PIPE_PATIENCE_MS;
	bool started = false;

	for (bool left = false; !left;) {
		uint8_t block[1024];
		const ssize_t got = read(fd, block, sizeof(block));
		enum bw_err err = BW_OK;

		if (got > 0) {
			err = bw_buf_add(out, bw_slice_of(block, (size_t)got));
			explicit_bzero(block, sizeof(block)); /* secrets come this way */
			started = true;
		}
		if (err != BW_OK)
			return no_room(path, out, err, why);
		if (got == 0 && started)
			return BW_OK;
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return bw_why_errno(why, errno, "read", path);
		if (got <= 0)
			BW_TRY(wait_for_writer(fd, path, until_ms, &left, why));
	}
	return BW_OK;
}

enum bw_err bw_file_or_pipe_read(const char *path, struct bw_buf *out, struct bw_why *why)
{
	BW_CLEANUP(close_fd) const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const size_t before = out->len;
	struct stat st;
	enum bw_err err;

	if (fd < 0 || fstat(fd, &st) != 0)
		return bw_why_errno(why, errno, "read", path);
	if (S_ISREG(st.st_mode))
		return bw_file_read_fd(fd, path, out, why);
	if (!S_ISFIFO(st.st_mode))
		return bw_why_set(why, BW_ERR_TYPE, "cannot read '%s': neither a plain file nor a pipe", path);
	err = read_pipe(fd, path, out, why);
	if (err != BW_OK)
		out->len = before;
	return err;
}

bool bw_file_is_plain(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

bool bw_file_exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

/* ---- writing ------------------------------------------------------------- */

enum bw_err bw_fd_write(int fd, struct bw_slice bytes)
{
	while (bytes.len > 0) {
		const ssize_t put = write(fd, bytes.ptr, bytes.len);

		if (put < 0) {
			if (errno == EINTR)
				continue;
			return bw_err_from_errno(errno);
		}
		bytes = bw_slice_from(bytes, (size_t)put);
	}
	return BW_OK;
}

enum bw_err bw_folder_sync(const char *path, struct bw_why *why)
{
	BW_CLEANUP(close_fd) const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* EINVAL: file systems that keep no folder to sync */
	if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
		return bw_why_errno(why, errno, "sync", path);
	return BW_OK;
}

static enum bw_err sync_parent(const char *path, struct bw_why *why)
{
	char parent[BW_PATH_BYTES];
	const char *slash = strrchr(path, '/');
	const size_t len = slash == NULL ? 0 : (size_t)(slash - path);

	BW_NEED(len < sizeof(parent), TOO_BIG);
	if (slash == NULL)
		return bw_folder_sync(".", why);
	memcpy(parent, path, len);
	parent[len] = '\0';
	return bw_folder_sync(len == 0 ? "/" : parent, why);
}

/* Content and metadata on disk under `path`, or nothing left there. */
static enum bw_err write_new(const char *path, struct bw_slice bytes, mode_t mode, struct bw_why *why)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	enum bw_err err;

	if (fd < 0)
		return bw_why_errno(why, errno, "write", path);
	err = bw_fd_write(fd, bytes);
	/* the mode asked for, whatever the umask */
	if (err == BW_OK && (fchmod(fd, mode) != 0 || fsync(fd) != 0))
		err = bw_err_from_errno(errno);
	/* NFS tells a full disk only here */
	if (close(fd) != 0 && err == BW_OK)
		err = bw_err_from_errno(errno);
	if (err != BW_OK) {
		(void)unlink(path);
		return bw_why_set(why, err, "cannot write '%s': %s", path, bw_err_text(err));
	}
	return BW_OK;
}

enum place { REPLACE, ONLY_NEW };

static enum bw_err put_in_place(const char *temporary, const char *path, enum place place, struct bw_why *why)
{
	const int done = place == REPLACE ? rename(temporary, path)
					  : renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE);
	const int saved_errno = errno;

	if (done != 0) {
		(void)unlink(temporary);
		return bw_why_errno(why, saved_errno, "write", path);
	}
	return sync_parent(path, why);
}

static enum bw_err write_beside(const char *path, struct bw_slice bytes, mode_t mode, enum place place,
				struct bw_why *why)
{
	char temporary[BW_PATH_BYTES];
	const int len = snprintf(temporary, sizeof(temporary), "%s.new-%ld", path, (long)getpid());

	if (len < 0 || len >= (int)sizeof(temporary))
		return bw_why_set(why, BW_ERR_TOO_BIG, "cannot write '%.200s…': path too long", path);
	/* left by an earlier process with our number that was killed half-way */
	(void)unlink(temporary);
	BW_TRY(write_new(temporary, bytes, mode, why));
	return put_in_place(temporary, path, place, why);
}

enum bw_err bw_file_write(const char *path, struct bw_slice bytes, mode_t mode, struct bw_why *why)
{
	return write_beside(path, bytes, mode, REPLACE, why);
}

enum bw_err bw_file_create(const char *path, struct bw_slice bytes, mode_t mode, struct bw_why *why)
{
	return write_beside(path, bytes, mode, ONLY_NEW, why);
}

enum bw_err bw_folder_make(const char *path, struct bw_why *why)
{
	if (mkdir(path, 0700) != 0 || chmod(path, 0700) != 0)
		return bw_why_errno(why, errno, "make folder", path);
	return sync_parent(path, why);
}

enum bw_err bw_folder_need(const char *path, struct bw_why *why)
{
	char part[BW_PATH_BYTES];
	enum bw_err err = BW_OK;

	BW_NEED(strlen(path) < sizeof(part), TOO_BIG);
	memcpy(part, path, strlen(path) + 1);
	for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (!bw_file_exists(part))
			err = bw_folder_make(part, why);
		*slash = '/';
		if (err != BW_ERR_EXISTS)
			BW_TRY(err);
	}
	err = bw_file_exists(path) ? BW_OK : bw_folder_make(path, why);
	return err == BW_ERR_EXISTS ? BW_OK : err;
}

/* ---- one holder at a time ---------------------------------------------------- */

static enum bw_err lock_is_busy(int fd, const char *path, struct bw_why *why)
{
	char pid[16] = "";
	const ssize_t got = pread(fd, pid, sizeof(pid) - 1, 0);

	if (got > 0 && strspn(pid, "0123456789") == (size_t)got)
		return bw_why_set(why, BW_ERR_BUSY, "'%s' is in use by process %s", path, pid);
	return bw_why_set(why, BW_ERR_BUSY, "'%s' is in use by another process", path);
}

/* The holder's number is a courtesy to people; the lock itself is the kernel's. */
static void note_holder(int fd)
{
	char pid[16];
	const int len = snprintf(pid, sizeof(pid), "%ld", (long)getpid());

	if (len > 0 && ftruncate(fd, 0) == 0)
		(void)!pwrite(fd, pid, (size_t)len, 0);
}

enum bw_err bw_lock_take(const char *path, int *out_fd, struct bw_why *why)
{
	const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	enum bw_err err;

	if (fd < 0)
		return bw_why_errno(why, errno, "lock", path);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		err = errno == EWOULDBLOCK ? lock_is_busy(fd, path, why) : bw_why_errno(why, errno, "lock", path);
		(void)close(fd);
		return err;
	}
	note_holder(fd);
	*out_fd = fd;
	return BW_OK;
}
