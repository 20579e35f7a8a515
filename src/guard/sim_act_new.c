/* The transformed content goes to a new name; the old one is deleted or replaced. And what destroys nothing. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "guard/sim_parts.h"
#include "sys/files.h"

static enum bw_err write_new(struct sim_job *job, enum sim_made what, struct bw_slice bytes, bool sync,
			     char name[SIM_NAME_MAX])
{
	const int fd = sim_create(job, what, name);
	enum bw_err err;

	if (fd < 0)
		return bw_err_from_errno(errno);
	err = bw_fd_write(fd, bytes);
	if (err == BW_OK && sync && fsync(fd) != 0)
		err = bw_err_from_errno(errno);
	(void)close(fd);
	return err;
}

enum bw_err sim_act_copy_new(struct sim_job *job, int fd)
{
	char name[SIM_NAME_MAX];

	(void)fd;
	BW_TRY(sim_transform(job));
	BW_TRY(write_new(job, SIM_MADE_NEW, bw_buf_slice(&job->hand->out), true, name));
	sim_touch(job);
	return sim_unlink(job, job->path);
}

enum bw_err sim_act_rename_over(struct sim_job *job, int fd)
{
	char name[SIM_NAME_MAX];
	const char *base;
	const char *work;
	int parent;
	int status;

	(void)fd;
	BW_TRY(sim_transform(job));
	BW_TRY(write_new(job, SIM_MADE_WORK, bw_buf_slice(&job->hand->out), false, name));
	parent = sim_parent_at(job->hand->box->root, job->path, &base);
	if (parent < 0)
		return bw_err_from_errno(errno);
	work = strrchr(name, '/') == NULL ? name : strrchr(name, '/') + 1;
	sim_touch(job);
	status = renameat(parent, work, parent, base);
	(void)close(parent);
	return status == 0 ? BW_OK : bw_err_from_errno(errno);
}

enum bw_err sim_act_archive_each(struct sim_job *job, int fd)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf zip = BW_BUF_INIT(2 * (size_t)SIM_CONTENT_MAX);
	char name[SIM_NAME_MAX];

	(void)fd;
	BW_TRY(sim_transform(job));
	BW_TRY(sim_zip_stored("content", bw_buf_slice(&job->hand->out), &zip));
	BW_TRY(write_new(job, SIM_MADE_NEW, bw_buf_slice(&zip), false, name));
	sim_touch(job);
	return sim_unlink(job, job->path);
}

/* ---- one archive: gathered now, sources deleted at the end ------------------------------------------- */

enum { GATHER_MAX = 64 * 1024 * 1024 };

static enum bw_err flush_archive(struct sim_hand *hand)
{
	struct sim_job job = { .hand = hand, .index = hand->taken_count > 0 ? hand->taken[0] : 0 };
	char name[SIM_NAME_MAX];

	if (hand->taken_count == 0)
		return BW_OK;
	job.row = &hand->box->manifest.rows[job.index];
	BW_TRY(write_new(&job, SIM_MADE_NEW, bw_buf_slice(&hand->archive), true, name));
	for (size_t n = 0; n < hand->taken_count; n++) {
		job.index = hand->taken[n];
		job.row = &hand->box->manifest.rows[job.index];
		sim_touch(&job);
		BW_TRY(sim_unlink(&job, job.row->name));
		__atomic_store_n(&hand->live->times[job.index].ended_ns, sim_now_ns(), __ATOMIC_RELAXED);
	}
	hand->taken_count = 0;
	bw_buf_clear(&hand->archive);
	return BW_OK;
}

enum bw_err sim_act_archive_one(struct sim_job *job, int fd)
{
	struct sim_hand *hand = job->hand;

	(void)fd;
	BW_TRY(sim_transform(job));
	if (hand->archive.len + hand->out.len > GATHER_MAX)
		BW_TRY(flush_archive(hand));
	if (hand->taken_count == hand->taken_cap) {
		const size_t cap = hand->taken_cap == 0 ? 256 : 2 * hand->taken_cap;
		size_t *taken = realloc(hand->taken, cap * sizeof(*taken));

		BW_NEED(taken != NULL, MEMORY);
		hand->taken = taken;
		hand->taken_cap = cap;
	}
	hand->taken[hand->taken_count++] = job->index;
	return bw_buf_add(&hand->archive, bw_buf_slice(&hand->out));
}

void sim_hand_finish(struct sim_hand *hand)
{
	if (hand->taken_count > 0 && flush_archive(hand) != BW_OK)
		__atomic_fetch_add(&hand->live->head->failed, 1, __ATOMIC_RELAXED);
	for (size_t n = 0; n < hand->kept_count; n++)
		(void)close(hand->kept[n]);
	free(hand->taken);
	bw_buf_release(&hand->in);
	bw_buf_release(&hand->out);
	bw_buf_release(&hand->archive);
}

/* ---- somebody's ordinary program ------------------------------------------------------------------------ */

/* The tool gets two descriptors and no name, so it can reach nothing else; its key is the sandbox's. */
static enum bw_err run_openssl(const struct sim_job *job, int in, int out)
{
	char key[65];
	int status = 0;
	pid_t child;

	bw_hex_encode(bw_slice_of(job->hand->box->key, 32), key);
	child = fork();
	if (child < 0)
		return bw_err_from_errno(errno);
	if (child == 0) {
		if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0)
			(void)execlp("openssl", "openssl", "enc", "-aes-256-ctr", "-K", key, "-iv",
				     "00000000000000000000000000000000", (char *)NULL);
		_exit(127);
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return BW_ERR_UNSUPPORTED;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? BW_OK : BW_ERR_IO;
}

enum bw_err sim_act_tool(struct sim_job *job, int fd)
{
	char name[SIM_NAME_MAX];
	const int out = sim_create(job, SIM_MADE_NEW, name);
	enum bw_err err;

	if (out < 0)
		return bw_err_from_errno(errno);
	err = run_openssl(job, fd, out);
	(void)close(out);
	if (err != BW_OK)
		return err;
	sim_touch(job);
	return sim_unlink(job, job->path);
}

/* ---- flushing, probing, reading ---------------------------------------------------------------------------- */

enum bw_err sim_act_churn(struct sim_job *job, int fd)
{
	enum bw_err err;

	(void)fd;
	BW_TRY(sim_read_file(job));
	for (unsigned round = 0; round < job->plan->row->rounds; round++) { /* versions that say the same */
		const int again = sim_open_at(job->hand->box->root, job->path, O_WRONLY, 0);

		if (again < 0)
			return bw_err_from_errno(errno);
		err = bw_fd_write(again, bw_buf_slice(&job->hand->in));
		(void)close(again);
		BW_TRY(err);
	}
	fd = sim_open_at(job->hand->box->root, job->path, O_RDWR, 0);
	if (fd < 0)
		return bw_err_from_errno(errno);
	err = sim_act_write(job, fd);
	(void)close(fd);
	return err;
}

static enum bw_err probe_names(struct sim_job *job, bool hard)
{
	_Atomic uint8_t *made = &job->hand->trail->made[job->index];
	char name[SIM_NAME_MAX];
	const char *base;
	const char *other;
	int status;
	int parent;

	if (!sim_trail_name(job->hand->trail->head, job->row, SIM_MADE_NEW, name))
		return BW_OK;
	parent = sim_parent_at(job->hand->box->root, job->path, &base);
	if (parent < 0)
		return bw_err_from_errno(errno);
	other = strrchr(name, '/') == NULL ? name : strrchr(name, '/') + 1;
	atomic_fetch_or(made, SIM_MADE_NEW);
	status = hard ? linkat(parent, base, parent, other, 0)
		      : renameat2(parent, base, parent, other, RENAME_NOREPLACE);
	if (status != 0)
		atomic_fetch_and(made, (uint8_t)~SIM_MADE_NEW);
	else
		status = hard ? unlinkat(parent, other, 0) : renameat2(parent, other, parent, base, RENAME_NOREPLACE);
	(void)close(parent);
	return status == 0 ? BW_OK : bw_err_from_errno(errno);
}

enum bw_err sim_act_probe(struct sim_job *job, int fd)
{
	struct stat about;

	switch (job->index % 6) {
	case 0:
		return fstat(fd, &about) == 0 ? BW_OK : bw_err_from_errno(errno);
	case 1:
		return sim_read_file(job);
	case 2:
		return probe_names(job, true);
	case 3:
		return probe_names(job, false);
	case 4:
		if (fstat(fd, &about) != 0 || fchmod(fd, 0600) != 0 || fchmod(fd, about.st_mode & 07777) != 0)
			return bw_err_from_errno(errno);
		return BW_OK;
	default:
		sim_touch(job);
		return sim_unlink(job, job->path);
	}
}

/* Read whole and sent through a socket whose other end is ours too. */
enum bw_err sim_act_read(struct sim_job *job, int fd)
{
	uint8_t piece[16384];
	int ends[2];
	ssize_t got;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return bw_err_from_errno(errno);
	(void)job;
	while ((got = read(fd, piece, sizeof(piece))) > 0) {
		if (write(ends[0], piece, (size_t)got) != got || recv(ends[1], piece, (size_t)got, MSG_WAITALL) != got)
			got = -1;
		if (got < 0)
			break;
	}
	(void)close(ends[0]);
	(void)close(ends[1]);
	return got == 0 ? BW_OK : bw_err_from_errno(errno);
}
