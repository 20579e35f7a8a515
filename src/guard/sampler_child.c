#include "guard/sampler_child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "guard/sample.h"
#include "sys/sandbox.h"

enum {
	SAMPLES_BYTES = 8 * 1024 * 1024, /* enrolment runs ahead of it by that much */
	FEATURES_BYTES = 1024 * 1024,
	FULL_WAIT_MS = 1,
};

static BW_NORETURN void live(const struct bw_sampler_child *child, pid_t parent)
{
	struct pollfd wanted = { bw_ring_fd(child->samples), POLLIN, 0 };
	struct bw_sandbox_granted granted;
	struct bw_why why = { 0 };
	bool more;

	(void)signal(SIGINT, SIG_IGN); /* the terminal's Ctrl-C is for the parent, which still wants its answers */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent)
		_exit(1);
	if (bw_sandbox_enter(BW_MAY_COMPUTE, NULL, &granted, &why) != BW_OK)
		bw_log(BW_WARNING, "sampler runs without a sandbox", BW_TEXT("why", why.text));
	for (;;) {
		bw_sampler_answer(child->samples, child->features, &more);
		if (!more && !bw_ring_may_sleep(child->samples))
			continue;
		if (poll(&wanted, 1, more ? FULL_WAIT_MS : -1) < 0 && errno != EINTR)
			_exit(1);
		bw_ring_awake(child->samples);
	}
}

enum bw_err bw_sampler_child_start(struct bw_sampler_child *out, struct bw_why *why)
{
	struct bw_sampler_child child = { .pid = -1 };
	const pid_t parent = getpid();
	enum bw_err err = bw_ring_new("enroll-samples", SAMPLES_BYTES, &child.samples);

	if (err == BW_OK)
		err = bw_ring_new("enroll-features", FEATURES_BYTES, &child.features);
	if (err == BW_OK) {
		(void)fflush(NULL); /* or the child would print it again */
		child.pid = fork();
		if (child.pid == 0)
			live(&child, parent);
		if (child.pid < 0)
			err = BW_ERR_SYSTEM;
	}
	if (err != BW_OK) {
		bw_sampler_child_stop(&child);
		return bw_why_set(why, err, "cannot start the sampler: %s", bw_err_text(err));
	}
	*out = child;
	return BW_OK;
}

void bw_sampler_child_stop(struct bw_sampler_child *child)
{
	if (child->pid > 0) {
		(void)kill(child->pid, SIGKILL); /* it holds nothing that could be lost */
		(void)waitpid(child->pid, NULL, 0);
	}
	bw_ring_free(child->samples);
	bw_ring_free(child->features);
	*child = (struct bw_sampler_child){ .pid = -1 };
}
