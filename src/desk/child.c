#include "desk/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "sys/sandbox.h"

enum { NAME_BYTES = 16 }; /* the kernel's own bound */

static void close_all_but(int keep)
{
	if (keep > 3)
		(void)close_range(3, (unsigned)keep - 1, 0);
	(void)close_range((unsigned)keep + 1, ~0U, 0);
}

static enum bw_err child_run(int fd, const struct bw_child_plan *plan)
{
	struct bw_sandbox_granted granted;
	struct bw_channel *channel;
	struct bw_why why = { 0 };

	BW_TRY(bw_channel_new(fd, &channel));
	BW_TRY(bw_sandbox_enter(BW_MAY_COMPUTE, NULL, &granted, &why));
	return plan->run(channel);
}

_Noreturn static void child_main(int fd, const struct bw_child_plan *plan)
{
	char name[NAME_BYTES];
	enum bw_err err;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)snprintf(name, sizeof(name), "bw-%s", plan->name);
	(void)prctl(PR_SET_NAME, name);
	close_all_but(fd);
	bw_log_set_worker(plan->name);
	err = child_run(fd, plan);
	_exit(err == BW_ERR_CLOSED ? 0 : 1);
}

enum bw_err bw_child_start(const struct bw_child_plan *plan, struct bw_child *out, struct bw_why *why)
{
	struct bw_child child = { .channel = NULL };
	int fds[2];
	enum bw_err err;

	BW_TRY(bw_channel_pair(fds));
	(void)fflush(NULL);
	child.pid = fork();
	if (child.pid == 0)
		child_main(fds[1], plan);
	(void)close(fds[1]);
	err = child.pid < 0 ? bw_why_errno(why, errno, "start", "a process to parse in") : BW_OK;
	if (err != BW_OK)
		(void)close(fds[0]);
	else
		err = bw_channel_new(fds[0], &child.channel);
	if (err != BW_OK) {
		bw_child_end(&child);
		return err;
	}
	*out = child;
	return BW_OK;
}

void bw_child_end(struct bw_child *child)
{
	bw_channel_free(child->channel);
	child->channel = NULL;
	if (child->pid > 0) {
		(void)kill(child->pid, SIGKILL);
		(void)waitpid(child->pid, NULL, 0);
	}
	child->pid = 0;
}
