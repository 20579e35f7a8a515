/* The guard that is measured: enrolled, started, asked, stopped (guard/bench_guard.h). */
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "guard/ask.h"
#include "guard/bench_guard.h"
#include "sys/clock.h"

enum {
	READY_MS = 60 * 1000,
	WALK_MS = 10 * 60 * 1000, /* all that changed since the last turn is copied: on ext4 in full */
	PROOF_MS = 60 * 1000,
	QUIET_S = 2,               /* it syncs a second after its last copy, and sleeps while the disk works */
	QUIET_US_MOST = 10 * 1000, /* of processor time in QUIET_S */
	QUIET_TRIES = 60,
	END_MS = 20 * 1000,
	LOOK_MS = 2,
	OUTPUT_MAX = 4 * 1024 * 1024,
	FOREVER_MS = 24 * 60 * 60 * 1000,
	CHILDREN_MAX = 64,
};

enum bw_err bw_place_enroll(const struct bw_gbench *bench, struct bw_place *place, int64_t *out_us, struct bw_why *why)
{
	char line[4 * BW_PATH_BYTES];

	(void)snprintf(line, sizeof(line), "%s guard enroll --data %s --quota 15g %s", bench->program, place->data,
		       place->tree);
	return bw_place_run(line, out_us, NULL, why);
}

/* ---- start and stop ---------------------------------------------------------------------------------------- */

static enum bw_err await_ready(struct bw_place *place, struct bw_why *why)
{
	const int64_t until_us = bw_clock_mono_us() + INT64_C(1000) * READY_MS;

	while (bw_clock_mono_us() < until_us) {
		int status;
		const enum bw_err err = bw_program_step(&place->guard, LOOK_MS, &status);

		if (strstr(bw_buf_text(&place->guard.output), "guard ready") != NULL)
			return BW_OK;
		if (err != BW_ERR_AGAIN) {
			const char *said = bw_buf_text(&place->guard.output);

			return bw_why_set(why, BW_ERR_UNSUPPORTED, "the guard did not start: %.300s", said);
		}
	}
	return bw_why_set(why, BW_ERR_TIMEOUT, "the guard was not ready within %d s", READY_MS / 1000);
}

static enum bw_err make_proof(const char *path, struct bw_why *why)
{
	const int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
	enum bw_err err;

	if (fd < 0)
		return bw_why_errno(why, errno, "make", path);
	err = bw_fd_write(fd, BW_LIT("Is anybody there? This file asks for a standing copy.\n"));
	(void)close(fd);
	return err;
}

/*
 * A guard that starts walks its trees first. A file made before the walk comes by is copied by it, and the counter of
 * what was copied for an event never tells.
 */
static enum bw_err await_walk(const struct bw_place *place, struct bw_guard_board *out, struct bw_why *why)
{
	const int64_t until_us = bw_clock_mono_us() + INT64_C(1000) * WALK_MS;

	while (bw_clock_mono_us() < until_us) {
		const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000 };
		const enum bw_err err = bw_place_board(place, out);

		if (err != BW_OK)
			return bw_why_set(why, BW_ERR_UNSUPPORTED, "the guard's counter does not answer: %s",
					  bw_err_text(err));
		if (out->rescans > 0 && out->enrolling == 0 && out->queued == 0)
			return BW_OK;
		(void)nanosleep(&pause, NULL);
	}
	return bw_why_set(why, BW_ERR_UNSUPPORTED, "the guard's first walk took longer than %d s", WALK_MS / 1000);
}

/* It may be late with all else, or not have seen it: the two are not the same. */
static enum bw_err say_no_proof(const struct bw_place *place, const struct bw_guard_board *before, enum bw_err err,
				struct bw_why *why)
{
	struct bw_guard_board now;

	if (err != BW_ERR_TIMEOUT || bw_place_board(place, &now) != BW_OK)
		return bw_why_set(why, BW_ERR_UNSUPPORTED, "the guard's counter does not answer: %s", bw_err_text(err));
	return bw_why_set(why, BW_ERR_UNSUPPORTED,
			  "the guard runs, but after %d s it %s a copy of a new file; %llu wait, %llu are looked at",
			  PROOF_MS / 1000, now.versions > before->versions ? "has" : "has not",
			  (unsigned long long)now.queued, (unsigned long long)now.enrolling);
}

/* A copy that is made of a file nobody enrolled can only have been made by a guard at work. */
static enum bw_err await_proof(struct bw_place *place, struct bw_why *why)
{
	struct bw_guard_board before = { 0 };
	char path[BW_PATH_BYTES];
	enum bw_err err;

	BW_TRY(await_walk(place, &before, why));
	BW_TRY(bw_path_join(path, place->tree, "is-anybody-there"));
	BW_TRY(make_proof(path, why));
	err = bw_place_settle(place, before.versions + 1, PROOF_MS);
	(void)unlink(path);
	return err == BW_OK ? BW_OK : say_no_proof(place, &before, err, why);
}

enum bw_err bw_place_guard(const struct bw_gbench *bench, struct bw_place *place, const char *mode, struct bw_why *why)
{
	/* nobody reads what it says until it ends: a pipe that is full would hold up whichever worker speaks next */
	const struct bw_program program = { .path = bench->program,
					    .words = { "guard", "run", "--data", place->data, "--mode", mode,
						       "--log-level", "error" },
					    .output_max = OUTPUT_MAX,
					    .timeout_ms = FOREVER_MS,
					    .errors_too = true };
	enum bw_err err = bw_program_start(&program, &place->guard);

	if (err != BW_OK)
		return bw_why_set(why, err, "cannot start '%s': %s", bench->program, bw_err_text(err));
	err = await_ready(place, why);
	if (err == BW_OK)
		err = await_proof(place, why);
	if (err != BW_OK)
		bw_place_unguard(place);
	place->stops_seen = 0;
	return err;
}

void bw_place_unguard(struct bw_place *place)
{
	const int64_t until_us = bw_clock_mono_us() + INT64_C(1000) * END_MS;
	enum bw_err err = BW_ERR_AGAIN;
	int status;

	if (place->guard.pid > 0) {
		(void)kill(place->guard.pid, SIGTERM);
		while (err == BW_ERR_AGAIN && bw_clock_mono_us() < until_us)
			err = bw_program_step(&place->guard, LOOK_MS, &status);
	}
	bw_program_release(&place->guard);
	place->guard = BW_PROGRAM_NONE;
}

/* ---- asking ---------------------------------------------------------------------------------------------------- */

enum bw_err bw_place_board(const struct bw_place *place, struct bw_guard_board *out)
{
	struct bw_channel *channel;
	struct bw_ask_status status;
	enum bw_err err;

	BW_TRY(bw_ask_open(place->data, &channel));
	err = bw_ask_status(channel, &status);
	if (err == BW_OK) {
		memcpy(out, status.board, sizeof(*out)); /* each field by itself is whole: they are words */
		bw_shared_release(&status.view);
	}
	bw_channel_free(channel);
	return err;
}

enum bw_err bw_place_settle(const struct bw_place *place, uint64_t versions, int wait_ms)
{
	const int64_t until_us = bw_clock_mono_us() + INT64_C(1000) * wait_ms;

	do {
		const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000 };
		struct bw_guard_board now;

		BW_TRY(bw_place_board(place, &now));
		if (now.versions >= versions && now.queued == 0 && now.enrolling == 0)
			return BW_OK;
		(void)nanosleep(&pause, NULL);
	} while (bw_clock_mono_us() < until_us);
	return BW_ERR_TIMEOUT;
}

/* ---- what it takes --------------------------------------------------------------------------------------------- */

static enum bw_err read_proc(pid_t pid, const char *name, struct bw_buf *out)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	bw_buf_clear(out);
	return bw_file_read(path, out, NULL);
}

static enum bw_err add_memory(pid_t pid, struct bw_place_use *use)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(64 * BW_KIB);
	const char *at;

	BW_TRY(read_proc(pid, "smaps_rollup", &text));
	at = strstr(bw_buf_text(&text), "\nPss:");
	BW_NEED(at != NULL, SYNTAX);
	use->memory_kib += strtoull(at + strlen("\nPss:"), NULL, 10);
	return BW_OK;
}

/* The clock of all its threads: /proc counts in hundredths of a second, ten of which are all that is wanted. */
static enum bw_err add_time(pid_t pid, struct bw_place_use *use)
{
	struct timespec spent;
	clockid_t clock;

	BW_NEED(clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &spent) == 0, NOT_FOUND);
	use->cpu_us += (uint64_t)spent.tv_sec * 1000000 + (uint64_t)spent.tv_nsec / 1000;
	return BW_OK;
}

static enum bw_err add_process(pid_t pid, struct bw_place_use *use)
{
	BW_TRY(add_memory(pid, use));
	BW_TRY(add_time(pid, use));
	use->processes++;
	return BW_OK;
}

enum bw_err bw_place_use(const struct bw_place *place, struct bw_place_use *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf children = BW_BUF_INIT(64 * BW_KIB);
	struct bw_place_use use = { 0 };
	char name[64];
	char *rest;

	BW_NEED(place->guard.pid > 0, NOT_FOUND);
	BW_TRY(add_process(place->guard.pid, &use));
	(void)snprintf(name, sizeof(name), "task/%d/children", (int)place->guard.pid);
	BW_TRY(read_proc(place->guard.pid, name, &children));
	BW_TRY(bw_buf_add_u8(&children, 0));
	rest = (char *)children.ptr;
	for (size_t n = 0; n < CHILDREN_MAX; n++) {
		char *end;
		const long pid = strtol(rest, &end, 10);

		if (end == rest)
			break;
		rest = end;
		BW_TRY(add_process((pid_t)pid, &use));
	}
	*out = use;
	return BW_OK;
}

enum bw_err bw_place_quiet(const struct bw_place *place)
{
	const struct timespec pause = { .tv_sec = QUIET_S };
	struct bw_place_use before;
	struct bw_place_use after;

	if (place->guard.pid <= 0) {
		(void)nanosleep(&pause, NULL);
		return BW_OK;
	}
	BW_TRY(bw_place_use(place, &before));
	for (size_t n = 0; n < QUIET_TRIES; n++) {
		(void)nanosleep(&pause, NULL);
		BW_TRY(bw_place_use(place, &after));
		if (after.cpu_us - before.cpu_us <= QUIET_US_MOST)
			return BW_OK;
		before = after;
	}
	return BW_ERR_TIMEOUT;
}

enum bw_err bw_place_meter(pid_t pid, int *out_fd)
{
	const struct perf_event_attr what = {
		.type = PERF_TYPE_SOFTWARE, .size = sizeof(what), .config = PERF_COUNT_SW_TASK_CLOCK, .inherit = 1
	};
	const long fd = syscall(SYS_perf_event_open, &what, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);

	BW_NEED(fd >= 0, UNSUPPORTED);
	*out_fd = (int)fd;
	return BW_OK;
}

enum bw_err bw_place_metered(int fd, int64_t *out_us)
{
	uint64_t ns;

	BW_NEED(read(fd, &ns, sizeof(ns)) == (ssize_t)sizeof(ns), IO);
	*out_us = (int64_t)(ns / 1000);
	return BW_OK;
}

static int64_t us_of(const struct timeval *time)
{
	return (int64_t)time->tv_sec * 1000000 + time->tv_usec;
}

int64_t bw_place_spent_us(void)
{
	struct rusage use;

	/* the guard is not among them before its turn ends */
	return getrusage(RUSAGE_CHILDREN, &use) == 0 ? us_of(&use.ru_utime) + us_of(&use.ru_stime) : 0;
}
