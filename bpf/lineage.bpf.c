/*
 * Who forked whom: three tracepoints fill one ring. Writers of a single file live for 0.2 ms, so
 * /proc is too late for them. The reader is woken only when much has gathered (it
 * drains whenever it is awake, and once a second) or a client of Samba has come: whom that child
 * serves must be asked while it lives.
 *
 * The kernel's types are declared here with the members that are used; their real places are
 * filled in when the program is loaded (CO-RE), so one build fits every kernel with BTF.
 */
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "lineage_record.h"

enum { RING_BYTES = 2 * 1024 * 1024, WAKE_AT_BYTES = RING_BYTES / 4 };
enum { GROUP_TYPE = 2, SESSION_TYPE = 3, PID_TYPES = 4 }; /* enum pid_type since Linux 4.19 */
enum { KERNEL_THREAD = 0x00200000 };                      /* PF_KTHREAD */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct upid {
	int nr;
};
struct pid {
	struct upid numbers[1];
};
struct signal_struct {
	struct {
		int counter;
	} live;
	struct pid *pids[PID_TYPES];
};
struct cred {
	struct {
		unsigned int val;
	} uid;
};
struct task_struct {
	unsigned int flags;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct signal_struct *signal;
	const struct cred *real_cred;
	unsigned long long start_boottime;
	char comm[16];
};
#pragma clang attribute pop

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_BYTES);
} records SEC(".maps");

unsigned long long lost; /* records there was no room for: the reader then looks at /proc */

static int number_of(struct task_struct *task, int type)
{
	struct pid *pid = task->signal->pids[type];

	return pid ? pid->numbers[0].nr : 0;
}

static int is_smbd(const char *comm)
{
	return comm[0] == 's' && comm[1] == 'm' && comm[2] == 'b' && comm[3] == 'd';
}

static int say(struct task_struct *task, struct task_struct *parent, unsigned int act)
{
	struct lineage_record *record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	unsigned long long flags = BPF_RB_NO_WAKEUP;

	if (!record) {
		__sync_fetch_and_add(&lost, 1);
		return 0;
	}
	record->time_ns = bpf_ktime_get_ns();
	record->start_ns = task->start_boottime;
	record->cgroup = bpf_get_current_cgroup_id();
	record->pid = (unsigned int)task->tgid;
	record->parent = (unsigned int)parent->tgid;
	record->session = (unsigned int)number_of(task, SESSION_TYPE);
	record->group = (unsigned int)number_of(task, GROUP_TYPE);
	record->uid = task->real_cred->uid.val;
	record->act = act;
	record->kernel = (task->flags & KERNEL_THREAD) != 0;
	record->pad = 0;
	bpf_probe_read_kernel(record->comm, sizeof(record->comm), task->comm);
	if ((act == 1 && is_smbd(record->comm)) || bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA) > WAKE_AT_BYTES)
		flags = BPF_RB_FORCE_WAKEUP;
	bpf_ringbuf_submit(record, flags);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	return child->pid == child->tgid ? say(child, parent, 1) : 0; /* else a thread */
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task)
{
	return say(task, task->real_parent, 2);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	return task->signal->live.counter == 0 ? say(task, task->real_parent, 3) : 0; /* else other threads go on */
}

char licence[] SEC("license") = "Dual BSD/GPL"; /* what the kernel's helpers ask for */
