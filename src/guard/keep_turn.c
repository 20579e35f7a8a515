/*
 * When keep has its turn. What can wait steps back; a look for which the judge waits comes before all work of others,
 * because whoever harms a file in a millisecond does not wait for a busy machine.
 */
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guard/keep_parts.h"

enum {
	IOPRIO_WHO_PROCESS = 1,
	IOPRIO_CLASS_SHIFT = 13,
	IOPRIO_CLASS_BE = 2,
	IOPRIO_CLASS_IDLE = 3,
	IOPRIO_NORMAL = 4,
	LOW_NICE = 10,
	URGENT = 3, /* below the judge, who must hear of it */
};

#define TURN_NS UINT64_C(100000) /* the least there is */

/* struct sched_attr, its first version: what every kernel knows */
struct turn {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime;
	uint64_t deadline;
	uint64_t period;
};

/*
 * A short turn comes soon after it was asked for, and is no larger share of the processor (kernels from 6.12 on; older
 * ones do not look at it). Without it, a look at two contents that takes a millisecond waits up to fifty for its turn
 * when the machine is busy.
 */
static bool take_turns(bool urgent, bool idle)
{
	const struct turn turn = { .size = sizeof(turn),
				   .policy = urgent ? SCHED_FIFO : SCHED_OTHER,
				   .nice = urgent || !idle ? 0 : LOW_NICE,
				   .priority = urgent ? URGENT : 0,
				   .runtime = urgent ? 0 : TURN_NS };

	return syscall(SYS_sched_setattr, 0, &turn, 0) == 0;
}

static void read_disks(bool idle)
{
	const int io = idle ? IOPRIO_CLASS_IDLE << IOPRIO_CLASS_SHIFT
			    : IOPRIO_CLASS_BE << IOPRIO_CLASS_SHIFT | IOPRIO_NORMAL;

	(void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, io); /* a kernel that refuses costs only speed */
}

void bw_keep_turns_begin(void)
{
	(void)take_turns(false, false);
}

/*
 * A low priority and idle disk access. Not SCHED_IDLE: on a busy machine a process of that class does not even get to
 * see that something new has come, and a new file waits for seconds (measured: 2 s at a load of 8 to a core, instead
 * of milliseconds).
 */
void bw_keep_step_back(struct bw_keep *keep, bool idle)
{
	if (keep->idle == idle)
		return;
	keep->idle = idle;
	(void)take_turns(keep->urgent, idle);
	read_disks(idle);
}

void bw_keep_urgent(struct bw_keep *keep, bool urgent)
{
	if (keep->urgent == urgent)
		return;
	keep->urgent = urgent && take_turns(true, keep->idle);
	if (!urgent)
		(void)take_turns(false, keep->idle);
	read_disks(keep->idle && !urgent);
}
