#include "guard/job_program.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/files.h"

enum { PIECE_BYTES = 128 * 1024 };

static void close_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

/* With an access control list the group bits are its mask: nobody named in it may do more than they say. */
static enum bw_err check_one(const char *path, const struct stat *status, struct bw_why *why)
{
	if (status->st_uid != 0)
		return bw_why_set(why, BW_ERR_DENIED, "'%s' belongs to user %u, who could put another program there",
				  path, (unsigned)status->st_uid);
	/* in a sticky folder nobody replaces what is root's */
	if ((status->st_mode & (S_IWGRP | S_IWOTH)) != 0 && !(S_ISDIR(status->st_mode) && status->st_mode & S_ISVTX))
		return bw_why_set(why, BW_ERR_DENIED, "others than root may write '%s', and put another program there",
				  path);
	return BW_OK;
}

static enum bw_err check_folders(const char *path, struct bw_why *why)
{
	char part[BW_PATH_BYTES];
	struct stat status;

	for (size_t len = strlen(path); len > 0; len--) {
		if (path[len - 1] != '/')
			continue;
		BW_NEED(len < sizeof(part), TOO_BIG);
		memcpy(part, path, len);
		part[len] = '\0';
		if (lstat(part, &status) != 0)
			return bw_why_errno(why, errno, "look at", part);
		BW_TRY(check_one(part, &status, why));
	}
	return BW_OK;
}

static enum bw_err sum_of(int fd, const char *path, uint8_t out[BW_SHA256_BYTES], struct bw_why *why)
{
	static uint8_t piece[PIECE_BYTES];
	struct bw_sha256_run *run;
	enum bw_err err;
	ssize_t got;

	BW_TRY(bw_sha256_new(&run));
	do {
		got = read(fd, piece, sizeof(piece));
		err = got < 0 ? bw_why_errno(why, errno, "read", path)
			      : bw_sha256_add(run, bw_slice_of(piece, (size_t)got));
	} while (err == BW_OK && got > 0);
	if (err == BW_OK)
		err = bw_sha256_end(run, out);
	bw_sha256_free(run);
	return err;
}

enum bw_err bw_job_program_check(const char *path, uint8_t out[BW_SHA256_BYTES], struct bw_why *why)
{
	BW_CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) != 0)
		return bw_why_errno(why, errno, "open", path);
	if (!S_ISREG(status.st_mode))
		return bw_why_set(why, BW_ERR_TYPE, "'%s' is no program", path);
	BW_TRY(check_one(path, &status, why));
	BW_TRY(check_folders(path, why));
	if ((status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0)
		return bw_why_set(why, BW_ERR_DENIED, "'%s' may not be run", path);
	return sum_of(fd, path, out, why);
}
