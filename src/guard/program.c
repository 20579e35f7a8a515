#include "guard/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/memfile.h"

enum { READ_BYTES = 16 * 1024, REAP_WAIT_MS = 1000 };

/* ---- finding --------------------------------------------------------------------------- */

static bool only_root_writes(const char *path, mode_t type)
{
	struct stat st;

	return stat(path, &st) == 0 && (st.st_mode & S_IFMT) == type && st.st_uid == 0 &&
	       (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

enum bw_err bw_program_check(const char *path)
{
	char folder[BW_PATH_BYTES];
	int len;

	BW_NEED(path[0] == '/' && strlen(path) < sizeof(folder), SYNTAX);
	BW_NEED(access(path, X_OK) == 0, NOT_FOUND);
	BW_NEED(only_root_writes(path, S_IFREG), DENIED);
	len = snprintf(folder, sizeof(folder), "%s", path);
	/* whoever may write a folder above it may put another program in its place */
	while (len > 1) {
		while (len > 1 && folder[--len] != '/')
			;
		folder[len > 0 ? len : 1] = 0;
		BW_NEED(only_root_writes(folder, S_IFDIR), DENIED);
	}
	return BW_OK;
}

enum bw_err bw_program_find(const char *name, char out[BW_PATH_BYTES])
{
	static const char *const folders[] = { "/usr/sbin",
					       "/usr/bin",
					       "/sbin",
					       "/bin",
					       "/usr/lib",
					       "/usr/local/sbin",
					       "/usr/local/bin",
					       "/usr/local/samba/sbin",
					       "/usr/local/samba/bin" };
	enum bw_err worst = BW_ERR_NOT_FOUND;

	for (size_t i = 0; i < BW_COUNT(folders); i++) {
		enum bw_err err;

		BW_TRY(bw_path_join(out, folders[i], name));
		err = bw_program_check(out);
		if (err == BW_OK)
			return BW_OK;
		if (err == BW_ERR_DENIED)
			worst = err;
	}
	return worst;
}

/* ---- starting ---------------------------------------------------------------------------- */

/* Only calls that are safe between fork and exec. */
BW_NORETURN static void become(const struct bw_program *program, const char *const *words, int in, int out)
{
	static const char *const surroundings[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)setpgid(0, 0);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	for (int n = 1; n < NSIG; n++)
		(void)signal(n, SIG_DFL);
	if (null < 0 || chdir("/") != 0 || dup2(in < 0 ? null : in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(program->errors_too ? out : null, STDERR_FILENO) < 0)
		_exit(127);
	(void)syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0);
	(void)umask(077);
	/* exec reads the words only */
	(void)execve(program->path, (char *const *)(uintptr_t)words, (char *const *)(uintptr_t)surroundings);
	_exit(127);
}

static enum bw_err fork_it(const struct bw_program *program, int in, struct bw_program_run *run)
{
	const char *words[BW_PROGRAM_WORDS_MAX + 2] = { program->path };
	int pipes[2];

	for (size_t i = 0; i < BW_PROGRAM_WORDS_MAX && program->words[i] != NULL; i++)
		words[i + 1] = program->words[i];
	if (pipe2(pipes, O_CLOEXEC) != 0)
		return bw_err_from_errno(errno);
	run->pid = fork();
	if (run->pid == 0)
		become(program, words, in, pipes[1]);
	(void)close(pipes[1]);
	run->out_fd = pipes[0];
	BW_NEED(run->pid > 0, SYSTEM);
	(void)fcntl(run->out_fd, F_SETFL, O_NONBLOCK);
	run->pid_fd = (int)syscall(SYS_pidfd_open, run->pid, 0);
	BW_NEED(run->pid_fd >= 0, SYSTEM);
	return BW_OK;
}

enum bw_err bw_program_start(const struct bw_program *program, struct bw_program_run *out)
{
	BW_CLEANUP(bw_memfile_release) struct bw_memfile input = BW_MEMFILE_NONE;
	struct bw_program_run run = BW_PROGRAM_NONE;
	enum bw_err err;

	if (program->input.len > 0) {
		BW_TRY(bw_memfile_of("input", program->input, &input));
		(void)lseek(input.fd, 0, SEEK_SET);
	}
	run.output = BW_BUF_INIT(program->output_max);
	run.deadline_us = bw_clock_mono_us() + (int64_t)program->timeout_ms * 1000;
	err = fork_it(program, input.fd, &run);
	if (err != BW_OK) {
		bw_program_release(&run);
		return err;
	}
	*out = run;
	return BW_OK;
}

/* ---- going on ------------------------------------------------------------------------------ */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* Reaps; killing first what should be gone. */
static void end_it(struct bw_program_run *run, bool kill_it, int *out_status)
{
	int status = 0;

	if (run->pid > 0 && kill_it) {
		(void)kill(-run->pid, SIGKILL); /* its group, which setpgid made; the process alone before that */
		(void)kill(run->pid, SIGKILL);
	}
	while (run->pid > 0 && waitpid(run->pid, &status, 0) < 0 && errno == EINTR)
		;
	run->pid = 0;
	close_fd(&run->pid_fd);
	close_fd(&run->out_fd);
	*out_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void bw_program_release(struct bw_program_run *run)
{
	int status;

	if (run->pid > 0)
		end_it(run, true, &status);
	close_fd(&run->out_fd);
	bw_buf_release(&run->output);
}

/* What waits in the pipe. CLOSED: it ended. */
static enum bw_err drain(struct bw_program_run *run)
{
	for (;;) {
		uint8_t bytes[READ_BYTES];
		const ssize_t got = run->out_fd < 0 ? 0 : read(run->out_fd, bytes, sizeof(bytes));

		if (got > 0)
			BW_TRY(bw_buf_add(&run->output, bw_slice_of(bytes, (size_t)got)));
		else if (got < 0 && errno == EINTR)
			continue;
		else
			return got < 0 && errno == EAGAIN ? BW_ERR_AGAIN : BW_ERR_CLOSED;
	}
}

static bool has_ended(const struct bw_program_run *run)
{
	struct pollfd ended = { run->pid_fd, POLLIN, 0 };

	return poll(&ended, 1, 0) > 0;
}

enum bw_err bw_program_step(struct bw_program_run *run, int wait_ms, int *out_status)
{
	const int64_t until = bw_clock_mono_us() + (int64_t)wait_ms * 1000;

	for (;;) {
		const int64_t now = bw_clock_mono_us();
		const int64_t left_us = (until < run->deadline_us ? until : run->deadline_us) - now;
		struct pollfd wanted[] = { { run->pid_fd, POLLIN, 0 }, { run->out_fd, POLLIN, 0 } };
		const bool ended = has_ended(run); /* before the pipe is emptied: what it said last is in it */
		const enum bw_err err = drain(run);

		if (err == BW_ERR_CLOSED)
			close_fd(&run->out_fd);
		else if (err != BW_ERR_AGAIN) {
			end_it(run, true, out_status);
			return err;
		}
		if (ended) { /* children of it may hold the pipe; nobody waits for them */
			end_it(run, false, out_status);
			return BW_OK;
		}
		if (now >= run->deadline_us) {
			end_it(run, true, out_status);
			return BW_ERR_TIMEOUT;
		}
		if (left_us <= 0)
			return BW_ERR_AGAIN;
		(void)poll(wanted, BW_COUNT(wanted), (int)((left_us + 999) / 1000));
	}
}

enum bw_err bw_program_whole(const struct bw_program *program, struct bw_buf *out_output, int *out_status)
{
	struct bw_program_run run;
	enum bw_err err;
	int status = 0;

	BW_TRY(bw_program_start(program, &run));
	do
		err = bw_program_step(&run, REAP_WAIT_MS, &status);
	while (err == BW_ERR_AGAIN);
	if (err == BW_OK) {
		*out_output = bw_buf_move(&run.output);
		*out_status = status;
	}
	bw_program_release(&run);
	return err;
}
