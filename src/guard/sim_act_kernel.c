/* Content moved by the kernel, and destroyed without any: splice, clones, holes, truncation, unlinking. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "guard/sim_parts.h"
#include "sys/files.h"

static enum bw_err by_splice(struct sim_job *job, int fd, struct bw_slice bytes)
{
	enum bw_err err = BW_OK;
	loff_t at = 0;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return bw_err_from_errno(errno);
	sim_touch(job);
	while (err == BW_OK && (size_t)at < bytes.len) {
		const struct bw_slice part = bw_slice_sub(bytes, (size_t)at, 32768); /* less than a pipe holds */

		err = bw_fd_write(ends[1], part);
		for (size_t moved = 0; err == BW_OK && moved < part.len;) {
			const ssize_t got = splice(ends[0], NULL, fd, &at, part.len - moved, 0);

			if (got <= 0)
				err = bw_err_from_errno(errno);
			else
				moved += (size_t)got;
		}
	}
	(void)close(ends[0]);
	(void)close(ends[1]);
	return err;
}

static enum bw_err by_sendfile(struct sim_job *job, int fd, struct bw_slice bytes)
{
	const int memory = memfd_create("sim", MFD_CLOEXEC);
	enum bw_err err;
	off_t at = 0;

	if (memory < 0)
		return bw_err_from_errno(errno);
	err = bw_fd_write(memory, bytes);
	if (err == BW_OK && lseek(fd, 0, SEEK_SET) != 0)
		err = bw_err_from_errno(errno);
	sim_touch(job);
	while (err == BW_OK && (size_t)at < bytes.len) {
		if (sendfile(fd, memory, &at, bytes.len - (size_t)at) <= 0)
			err = bw_err_from_errno(errno);
	}
	(void)close(memory);
	return err;
}

enum bw_err sim_act_pipe(struct sim_job *job, int fd)
{
	BW_TRY(sim_transform(job));
	if (job->plan->act == SIM_SENDFILE)
		return by_sendfile(job, fd, bw_buf_slice(&job->hand->out));
	return by_splice(job, fd, bw_buf_slice(&job->hand->out));
}

static enum bw_err copy_range(int from, int to, size_t len)
{
	loff_t in = 0;
	loff_t out = 0;

	while ((size_t)out < len) {
		const ssize_t got = copy_file_range(from, &in, to, &out, len - (size_t)out, 0);

		if (got <= 0)
			return errno == EXDEV || errno == EINVAL || errno == ENOSYS ? BW_ERR_UNSUPPORTED
										    : bw_err_from_errno(errno);
	}
	return BW_OK;
}

/* From a donor beside the file, which goes again. */
enum bw_err sim_act_donor(struct sim_job *job, int fd)
{
	char name[SIM_NAME_MAX];
	enum bw_err err;
	int donor;

	BW_TRY(sim_transform(job));
	donor = sim_create(job, SIM_MADE_WORK, name);
	if (donor < 0)
		return bw_err_from_errno(errno);
	err = bw_fd_write(donor, bw_buf_slice(&job->hand->out));
	if (err == BW_OK && job->plan->act == SIM_CLONE) {
		/* asked on the donor first, so that a file system without clones touches nothing */
		if (ioctl(donor, FICLONE, fd) != 0)
			err = BW_ERR_UNSUPPORTED;
		else if (ftruncate(donor, 0) != 0 || lseek(donor, 0, SEEK_SET) != 0)
			err = bw_err_from_errno(errno);
		else
			err = bw_fd_write(donor, bw_buf_slice(&job->hand->out));
		if (err == BW_OK) {
			sim_touch(job);
			if (ioctl(fd, FICLONE, donor) != 0)
				err = bw_err_from_errno(errno);
		}
	} else if (err == BW_OK) {
		sim_touch(job);
		err = copy_range(donor, fd, job->hand->out.len);
	}
	(void)close(donor);
	bw_err_drop(sim_unlink(job, name)); /* undo takes it away if this could not */
	return err;
}

/* ---- without content ------------------------------------------------------------------------------- */

static enum bw_err rewrite(struct sim_job *job)
{
	enum bw_err err;
	int fd;

	BW_TRY(sim_transform(job));
	sim_touch(job);
	fd = sim_open_at(job->hand->box->root, job->path, O_WRONLY | O_TRUNC, 0);
	if (fd < 0)
		return bw_err_from_errno(errno);
	err = bw_fd_write(fd, bw_buf_slice(&job->hand->out));
	(void)close(fd);
	return err;
}

/* truncate(2) takes a name; the descriptor's own, so that nothing is resolved again. */
static enum bw_err truncate_by_name(int fd)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return truncate(name, 0) == 0 ? BW_OK : bw_err_from_errno(errno);
}

static enum bw_err drop_range(const struct sim_job *job, int fd, int mode)
{
	if (job->size == 0 || fallocate(fd, mode | FALLOC_FL_KEEP_SIZE, 0, (off_t)job->size) == 0)
		return BW_OK;
	return errno == EOPNOTSUPP ? BW_ERR_UNSUPPORTED : bw_err_from_errno(errno);
}

static enum bw_err shred(const struct sim_job *job, int fd)
{
	for (unsigned pass = 0; pass < job->plan->row->rounds; pass++) {
		for (uint64_t at = 0; at < job->size;) {
			const size_t part = job->size - at < SIM_KEY_BYTES ? (size_t)(job->size - at) : SIM_KEY_BYTES;

			if (pwrite(fd, job->hand->box->key, part, (off_t)at) != (ssize_t)part)
				return bw_err_from_errno(errno);
			at += part;
		}
		if (fdatasync(fd) != 0)
			return bw_err_from_errno(errno);
	}
	return sim_unlink(job, job->path);
}

enum bw_err sim_act_holes(struct sim_job *job, int fd)
{
	if (job->plan->act == SIM_REWRITE)
		return rewrite(job);
	sim_touch(job);
	switch (job->plan->act) {
	case SIM_FTRUNCATE:
		return ftruncate(fd, 0) == 0 ? BW_OK : bw_err_from_errno(errno);
	case SIM_TRUNCATE:
		return truncate_by_name(fd);
	case SIM_PUNCH:
		return drop_range(job, fd, FALLOC_FL_PUNCH_HOLE);
	case SIM_ZERO:
		return drop_range(job, fd, FALLOC_FL_ZERO_RANGE);
	case SIM_SHRED:
		return shred(job, fd);
	default:
		return sim_unlink(job, job->path);
	}
}
