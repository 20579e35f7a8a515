/*
 * The child's side of fork: alone with what is its own, before it runs.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "sys/worker_wire.h"

static int compare_ints(const void *a, const void *b)
{
	const int x = *(const int *)a;
	const int y = *(const int *)b;

	return (x > y) - (x < y);
}

/* Whatever the parent has open for others is none of this worker's business. */
static void close_all_but(int *keep, size_t count)
{
	unsigned from = 3;

	qsort(keep, count, sizeof(*keep), compare_ints);
	for (size_t i = 0; i < count; i++) {
		if (keep[i] < 0 || (unsigned)keep[i] < from)
			continue;
		if ((unsigned)keep[i] > from)
			(void)close_range(from, (unsigned)keep[i] - 1, 0);
		from = (unsigned)keep[i] + 1;
	}
	(void)close_range(from, ~0U, 0);
}

static void keep_own_descriptors(const struct bw_child *child, const struct bw_member *who)
{
	int keep[BW_CREW_KEEP_MAX + 1];
	size_t count = 0;
	int nothing;

	if (child->plan->keep != NULL)
		count = child->plan->keep(child->plan->shared, who, keep);
	assert(count <= BW_CREW_KEEP_MAX);
	keep[count++] = child->control_fd;
	close_all_but(keep, count);
	nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (nothing > 0) {
		(void)dup2(nothing, STDIN_FILENO);
		(void)close(nothing);
	}
}

static void name_process(const struct bw_member *who, unsigned copies)
{
	char name[64];

	if (copies > 1)
		(void)snprintf(name, sizeof(name), "bw-%s.%u", who->name, who->copy);
	else
		(void)snprintf(name, sizeof(name), "bw-%s", who->name);
	(void)prctl(PR_SET_NAME, name); /* the kernel cuts at 15 bytes */
	bw_log_set_worker(who->name);
}

/* The parent alone hears the service manager and the terminal; it tells the workers. */
static void leave_signals_to_the_parent(const sigset_t *mask_before)
{
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE };

	for (size_t i = 0; i < BW_COUNT(ignored); i++)
		(void)signal(ignored[i], SIG_IGN);
	(void)sigprocmask(SIG_SETMASK, mask_before, NULL);
}

void bw_child_run(const struct bw_child *child)
{
	const struct bw_member who = { child->plan->workers[child->row].name, child->copy };

	/* die with the parent; it may have died before this line */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != child->parent)
		_exit(1);
	leave_signals_to_the_parent(&child->mask_before);
	name_process(&who, child->copies);
	keep_own_descriptors(child, &who);
	_exit(bw_seat_run(child->plan, child->row, child->copy, child->control_fd));
}
