/*
 * Functional split: five processes that each do one harmless-looking thing. The lister passes turns to the
 * reader, the reader content to the writer, the writer names to the renamer, the renamer to the deleter.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard/sim_parts.h"
#include "sys/files.h"

struct parcel {
	size_t turn;
	size_t index;
	size_t bytes; /* that follow, between reader and writer */
};

static bool take(int from, void *out, size_t len)
{
	for (size_t at = 0; at < len;) {
		const ssize_t got = read(from, (uint8_t *)out + at, len - at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		at += (size_t)got;
	}
	return true;
}

static bool give(int to, const void *bytes, size_t len)
{
	return bw_fd_write(to, bw_slice_of(bytes, len)) == BW_OK;
}

static struct sim_job job_of(struct sim_hand *hand, const struct parcel *parcel)
{
	struct sim_job job = { .hand = hand,
			       .plan = &hand->plans[parcel->turn % hand->plan_count],
			       .row = &hand->box->manifest.rows[parcel->index],
			       .index = parcel->index };

	job.path = job.row->name;
	job.size = job.row->size;
	job.salt = job.row->seed ^ hand->trail->head->strain;
	return job;
}

static void lister(struct sim_crew *crew, struct sim_hand *hand, int in, int out)
{
	struct parcel parcel = { 0 };

	(void)hand;
	(void)in;
	while (sim_crew_next(crew, &parcel.turn)) {
		parcel.index = crew->order[parcel.turn];
		if (!give(out, &parcel, sizeof(parcel)))
			return;
	}
}

static void reader(struct sim_crew *crew, struct sim_hand *hand, int in, int out)
{
	struct parcel parcel;

	(void)crew;
	while (take(in, &parcel, sizeof(parcel))) {
		struct sim_job job = job_of(hand, &parcel);

		if (!sim_is_as_seeded(&job) || sim_transform(&job) != BW_OK) {
			__atomic_fetch_add(&hand->live->head->left, 1, __ATOMIC_RELAXED);
			continue;
		}
		parcel.bytes = hand->out.len;
		if (!give(out, &parcel, sizeof(parcel)) || !give(out, hand->out.ptr, hand->out.len))
			return;
	}
}

static void writer(struct sim_crew *crew, struct sim_hand *hand, int in, int out)
{
	struct parcel parcel;

	(void)crew;
	while (take(in, &parcel, sizeof(parcel))) {
		struct sim_job job = job_of(hand, &parcel);
		char name[SIM_NAME_MAX];
		enum bw_err err;
		int fd;

		bw_buf_clear(&hand->in);
		if (bw_buf_reserve(&hand->in, parcel.bytes) != BW_OK || !take(in, hand->in.ptr, parcel.bytes))
			return;
		fd = sim_create(&job, SIM_MADE_WORK, name);
		if (fd < 0)
			continue;
		err = bw_fd_write(fd, bw_slice_of(hand->in.ptr, parcel.bytes));
		(void)close(fd);
		if (err != BW_OK)
			__atomic_fetch_add(&hand->live->head->failed, 1, __ATOMIC_RELAXED);
		else if (!give(out, &parcel, sizeof(parcel)))
			return;
	}
}

static bool rename_work(struct sim_hand *hand, const struct sim_job *job)
{
	_Atomic uint8_t *made = &hand->trail->made[job->index];
	char work[SIM_NAME_MAX];
	char name[SIM_NAME_MAX];
	const char *base;
	const char *slash;
	int parent;
	int status;

	if (!sim_trail_name(hand->trail->head, job->row, SIM_MADE_WORK, work) ||
	    !sim_trail_name(hand->trail->head, job->row, SIM_MADE_NEW, name))
		return false;
	parent = sim_parent_at(hand->box->root, work, &base);
	if (parent < 0)
		return false;
	slash = strrchr(name, '/');
	atomic_fetch_or(made, SIM_MADE_NEW);
	status = renameat2(parent, base, parent, slash == NULL ? name : slash + 1, RENAME_NOREPLACE);
	if (status == 0)
		atomic_fetch_or(made, SIM_MADE_NEW << SIM_MADE_SHIFT);
	else if (errno == EEXIST)
		atomic_fetch_and(made, (uint8_t)~SIM_MADE_NEW);
	(void)close(parent);
	return status == 0;
}

static void renamer(struct sim_crew *crew, struct sim_hand *hand, int in, int out)
{
	struct parcel parcel;

	(void)crew;
	while (take(in, &parcel, sizeof(parcel))) {
		const struct sim_job job = job_of(hand, &parcel);

		if (rename_work(hand, &job) && !give(out, &parcel, sizeof(parcel)))
			return;
	}
}

static void deleter(struct sim_crew *crew, struct sim_hand *hand, int in, int out)
{
	struct parcel parcel;

	(void)crew;
	(void)out;
	while (take(in, &parcel, sizeof(parcel))) {
		const struct sim_job job = job_of(hand, &parcel);

		if (!sim_is_as_seeded(&job))
			continue;
		sim_touch(&job);
		if (sim_unlink(&job, job.path) == BW_OK)
			__atomic_store_n(&hand->live->times[job.index].ended_ns, sim_now_ns(), __ATOMIC_RELAXED);
		else
			__atomic_fetch_add(&hand->live->head->failed, 1, __ATOMIC_RELAXED);
	}
}

void sim_split_work(struct sim_crew *crew, unsigned number)
{
	static void (*const stages[])(struct sim_crew *, struct sim_hand *, int, int) = { lister, reader, writer,
											  renamer, deleter };
	int in = -1;

	for (size_t n = 0; n < BW_COUNT(stages); n++) {
		const bool last = n + 1 == BW_COUNT(stages);
		int ends[2] = { -1, -1 };
		pid_t child;

		if (!last && pipe2(ends, O_CLOEXEC) != 0)
			break;
		child = fork();
		if (child == 0) {
			struct sim_hand hand;

			if (ends[0] >= 0)
				(void)close(ends[0]);
			sim_hand_init(&hand, crew, number);
			stages[n](crew, &hand, in, ends[1]);
			_exit(0);
		}
		if (in >= 0)
			(void)close(in);
		if (ends[1] >= 0)
			(void)close(ends[1]);
		in = ends[0];
		if (child < 0)
			break;
	}
	if (in >= 0)
		(void)close(in);
	while (waitpid(-1, NULL, 0) > 0)
		;
}
