#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "guard/sim_parts.h"
#include "sys/files.h"

/* What each act needs the file open for. */
static const struct {
	sim_act_fn run;
	int flags;
} acts[SIM_ACTS] = {
	[SIM_WRITE] = { sim_act_write, O_RDWR },
	[SIM_KEEP_OPEN] = { sim_act_write, O_RDWR },
	[SIM_MAP_CLOSED] = { sim_act_map, O_RDWR },
	[SIM_MAP_SYNC] = { sim_act_map, O_RDWR },
	[SIM_MAP_PROTECT] = { sim_act_map, O_RDWR },
	[SIM_URING] = { sim_act_uring, O_RDWR },
	[SIM_DIRECT] = { sim_act_direct, O_RDWR },
	[SIM_AIO] = { sim_act_aio, O_RDWR },
	[SIM_SPLICE] = { sim_act_pipe, O_RDWR },
	[SIM_SENDFILE] = { sim_act_pipe, O_RDWR },
	[SIM_COPY_RANGE] = { sim_act_donor, O_RDWR },
	[SIM_CLONE] = { sim_act_donor, O_RDWR },
	[SIM_REWRITE] = { sim_act_holes, O_RDONLY },
	[SIM_FTRUNCATE] = { sim_act_holes, O_RDWR },
	[SIM_TRUNCATE] = { sim_act_holes, O_PATH },
	[SIM_PUNCH] = { sim_act_holes, O_RDWR },
	[SIM_ZERO] = { sim_act_holes, O_RDWR },
	[SIM_SHRED] = { sim_act_holes, O_RDWR },
	[SIM_UNLINK] = { sim_act_holes, O_PATH },
	[SIM_COPY_NEW] = { sim_act_copy_new, O_RDONLY },
	[SIM_RENAME_OVER] = { sim_act_rename_over, O_RDONLY },
	[SIM_ARCHIVE_EACH] = { sim_act_archive_each, O_RDONLY },
	[SIM_ARCHIVE_ONE] = { sim_act_archive_one, O_RDONLY },
	[SIM_TOOL] = { sim_act_tool, O_RDONLY },
	[SIM_CHURN] = { sim_act_churn, O_RDONLY },
	[SIM_PROBE] = { sim_act_probe, O_RDONLY },
	[SIM_READ] = { sim_act_read, O_RDONLY },
};

void sim_touch(const struct sim_job *job)
{
	struct bw_sim_times *times = &job->hand->live->times[job->index];

	if (times->began_ns == 0)
		__atomic_store_n(&times->began_ns, sim_now_ns(), __ATOMIC_RELAXED);
}

int sim_create(const struct sim_job *job, enum sim_made what, char out_name[SIM_NAME_MAX])
{
	_Atomic uint8_t *made = &job->hand->trail->made[job->index];
	int fd;

	if (!sim_trail_name(job->hand->trail->head, job->row, what, out_name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	atomic_fetch_or(made, (uint8_t)what);
	fd = sim_open_at(job->hand->box->root, out_name, O_RDWR | O_CREAT | O_EXCL, 0644);
	if (fd >= 0)
		atomic_fetch_or(made, (uint8_t)(what << SIM_MADE_SHIFT));
	else if (errno == EEXIST && (atomic_load(made) & what << SIM_MADE_SHIFT) == 0)
		atomic_fetch_and(made, (uint8_t)~what); /* somebody else's: neither we nor undo touch it */
	return fd;
}

enum bw_err sim_unlink(const struct sim_job *job, const char *path)
{
	const char *base;
	const int parent = sim_parent_at(job->hand->box->root, path, &base);
	int status;

	if (parent < 0)
		return bw_err_from_errno(errno);
	status = unlinkat(parent, base, 0);
	(void)close(parent);
	return status == 0 ? BW_OK : bw_err_from_errno(errno);
}

enum bw_err sim_read_file(const struct sim_job *job)
{
	const int fd = sim_open_at(job->hand->box->root, job->path, O_RDONLY, 0);
	enum bw_err err;

	if (fd < 0)
		return bw_err_from_errno(errno);
	bw_buf_clear(&job->hand->in);
	err = sim_read_all(fd, 2 * (size_t)SIM_CONTENT_MAX, &job->hand->in);
	(void)close(fd);
	return err;
}

enum bw_err sim_transform(struct sim_job *job)
{
	BW_TRY(sim_read_file(job));
	bw_buf_clear(&job->hand->out);
	return sim_code_whole(job->hand->box->key, job->plan->row->code, job->salt, bw_buf_slice(&job->hand->in),
			      &job->hand->out);
}

/* ---- in place ----------------------------------------------------------------------------------- */

static enum bw_err write_block(struct sim_job *job, int fd, uint64_t at, size_t len)
{
	struct bw_buf *buf = &job->hand->in;
	ssize_t got;

	bw_buf_clear(buf);
	BW_TRY(bw_buf_reserve(buf, len));
	got = pread(fd, buf->ptr, len, (off_t)at);
	if (got < 0)
		return bw_err_from_errno(errno);
	if (got == 0)
		return BW_OK;
	sim_code_bytes(job->hand->box->key, job->plan->row->code, job->salt, at, buf->ptr, (size_t)got);
	sim_touch(job);
	return pwrite(fd, buf->ptr, (size_t)got, (off_t)at) == got ? BW_OK : bw_err_from_errno(errno);
}

enum bw_err sim_act_write(struct sim_job *job, int fd)
{
	struct sim_hand *hand = job->hand;
	struct sim_spans spans;
	uint64_t at;
	uint64_t len;

	sim_spans_over(job->plan, job->size, job->salt, &spans);
	while (sim_span_next(&spans, &at, &len)) {
		while (len > 0) {
			const uint64_t part = len < job->plan->block ? len : job->plan->block;

			BW_TRY(write_block(job, fd, at, (size_t)part));
			at += part;
			len -= part;
		}
	}
	if (job->plan->act == SIM_KEEP_OPEN && hand->kept_count < BW_COUNT(hand->kept))
		hand->kept[hand->kept_count++] = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return BW_OK;
}

/* ---- around the act: names, notes, footers, times -------------------------------------------------- */

static enum bw_err rename_new(struct sim_job *job)
{
	_Atomic uint8_t *made = &job->hand->trail->made[job->index];
	const char *from_base;
	const char *to_base;
	int parent;
	int status;

	if (!sim_trail_name(job->hand->trail->head, job->row, SIM_MADE_NEW, job->renamed))
		return BW_OK; /* no room for an ending: stays as it is called */
	parent = sim_parent_at(job->hand->box->root, job->row->name, &from_base);
	if (parent < 0)
		return bw_err_from_errno(errno);
	to_base = strrchr(job->renamed, '/') == NULL ? job->renamed : strrchr(job->renamed, '/') + 1;
	atomic_fetch_or(made, SIM_MADE_NEW);
	sim_touch(job);
	status = renameat2(parent, from_base, parent, to_base, RENAME_NOREPLACE);
	if (status == 0)
		atomic_fetch_or(made, SIM_MADE_NEW << SIM_MADE_SHIFT);
	else if (errno == EEXIST)
		atomic_fetch_and(made, (uint8_t)~SIM_MADE_NEW);
	(void)close(parent);
	if (status != 0)
		return bw_err_from_errno(errno);
	job->path = job->renamed;
	return BW_OK;
}

/* The row of the folder a file lies in; SIZE_MAX for none. Folders come before what is in them. */
static size_t folder_of(const struct sim_manifest *manifest, size_t index)
{
	const struct sim_row *row = &manifest->rows[index];
	const char *slash = strrchr(row->name, '/');
	const size_t len = slash == NULL ? 0 : (size_t)(slash - row->name);

	while (len > 0 && index-- > 0) {
		const struct sim_row *other = &manifest->rows[index];

		if (other->type == SIM_FOLDER && other->name_len == len && memcmp(other->name, row->name, len) == 0)
			return index;
	}
	return SIZE_MAX;
}

/* Says what it is: a drill's note must frighten nobody who finds it. */
static void leave_note(const struct sim_job *job)
{
	static const char text[] =
		"This is a drill of Breakwater. The files around this note were made by its simulator\n"
		"and are brought back with `undo`. Nothing of yours was touched, and nobody asks for "
		"anything.\n";
	const struct sim_manifest *manifest = &job->hand->box->manifest;
	const size_t folder = folder_of(manifest, job->index);
	char name[SIM_NAME_MAX];
	struct sim_job at = *job;
	int fd;

	if (folder == SIZE_MAX || (atomic_load(&job->hand->trail->made[folder]) & SIM_MADE_NOTE) != 0)
		return;
	at.index = folder;
	at.row = &manifest->rows[folder];
	fd = sim_create(&at, SIM_MADE_NOTE, name);
	if (fd < 0)
		return;
	bw_err_drop(bw_fd_write(fd, bw_slice_of(text, sizeof(text) - 1))); /* a note cut short harms nothing */
	(void)close(fd);
}

static enum bw_err leave_key(const struct sim_job *job)
{
	char name[SIM_NAME_MAX];
	const int fd = sim_create(job, SIM_MADE_SIDE, name);
	enum bw_err err;

	if (fd < 0)
		return bw_err_from_errno(errno);
	err = bw_fd_write(fd, bw_slice_of(job->hand->box->key, 256));
	(void)close(fd);
	return err;
}

static enum bw_err finish_in_place(struct sim_job *job)
{
	const struct timespec times[2] = { { 0, UTIME_OMIT },
					   { job->mtime_ns / 1000000000, job->mtime_ns % 1000000000 } };
	enum bw_err err = BW_OK;
	int fd;

	if (job->plan->footer == 0 && !job->plan->row->keep_time)
		return BW_OK;
	fd = sim_open_at(job->hand->box->root, job->path, O_WRONLY | O_APPEND, 0);
	if (fd < 0)
		return bw_err_from_errno(errno);
	if (job->plan->footer > 0)
		err = bw_fd_write(fd, bw_slice_of(job->hand->box->key, (size_t)job->plan->footer));
	if (job->plan->row->keep_time && futimens(fd, times) != 0)
		err = bw_err_from_errno(errno);
	(void)close(fd);
	return err;
}

static enum bw_err act_once(struct sim_job *job)
{
	const int fd = sim_open_at(job->hand->box->root, job->path, acts[job->plan->act].flags, 0);
	enum bw_err err;

	if (fd < 0)
		return bw_err_from_errno(errno);
	err = acts[job->plan->act].run(job, fd);
	(void)close(fd);
	return err;
}

static enum bw_err attack(struct sim_job *job)
{
	const struct bw_sim_pattern *row = job->plan->row;
	/* acts with rounds of their own */
	const bool once = row->rounds < 2 || job->plan->act == SIM_SHRED || job->plan->act == SIM_CHURN;

	if (row->note == SIM_NOTE_BEFORE)
		leave_note(job);
	if (row->naming == SIM_NAME_FIRST)
		BW_TRY(rename_new(job));
	for (unsigned round = 0; round < (once ? 1U : row->rounds); round++) {
		BW_TRY(act_once(job));
		job->salt += 7919;
	}
	BW_TRY(finish_in_place(job));
	if (row->naming == SIM_NAME_AFTER)
		BW_TRY(rename_new(job));
	if (row->side_key)
		BW_TRY(leave_key(job));
	if (row->note == SIM_NOTE_AFTER)
		leave_note(job);
	return BW_OK;
}

bool sim_is_as_seeded(const struct sim_job *job)
{
	const int fd = sim_open_at(job->hand->box->root, job->row->name, O_PATH, 0);
	struct stat about;
	int status;

	if (fd < 0)
		return false;
	status = fstat(fd, &about);
	(void)close(fd);
	return status == 0 && S_ISREG(about.st_mode) && (uint64_t)about.st_size == job->row->size &&
	       (int64_t)about.st_mtim.tv_sec * 1000000000 + about.st_mtim.tv_nsec == job->row->mtime_ns;
}

void sim_attack(struct sim_hand *hand, size_t index, size_t turn)
{
	struct bw_sim_report_head *head = hand->live->head;
	struct sim_job job = { .hand = hand,
			       .plan = &hand->plans[turn % hand->plan_count],
			       .row = &hand->box->manifest.rows[index],
			       .index = index };
	enum bw_err err;

	job.path = job.row->name;
	job.size = job.row->size;
	job.salt = job.row->seed ^ hand->trail->head->strain;
	job.mtime_ns = job.row->mtime_ns;
	if (!sim_is_as_seeded(&job)) {
		__atomic_fetch_add(&head->left, 1, __ATOMIC_RELAXED);
		return;
	}
	err = attack(&job);
	if (err == BW_OK && hand->live->times[index].began_ns != 0)
		__atomic_store_n(&hand->live->times[index].ended_ns, sim_now_ns(), __ATOMIC_RELAXED);
	else if (err == BW_ERR_UNSUPPORTED)
		__atomic_fetch_add(&head->impossible, 1, __ATOMIC_RELAXED);
	else if (err != BW_OK)
		__atomic_fetch_add(&head->failed, 1, __ATOMIC_RELAXED);
}
