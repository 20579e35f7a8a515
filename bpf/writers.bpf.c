/*
 * Who wrote which file. fanotify tells who closed it last, and that may be anybody: a descriptor can be passed on, or
 * be left to the kernel, and stores through a mapping are told by nothing but the close. But whoever writes moves the
 * file's time of change, and is there when the kernel marks the file as dirty for it.
 *
 * A tracepoint as in lineage.bpf.c, on the way every file system marks what has to go to the disk. Nobody is woken, and
 * nothing is sent: the table is memory that the reader sees too, and looks at when it has a question
 * (guard/writers.h). Reading a file moves another time, and is told apart by that.
 *
 * Not seen: stores into a page that is dirty and mapped already; what is written within one tick of the file's clock
 * (4 ms and less) after another wrote it; on file systems that keep times themselves (XFS, Btrfs) a store through a
 * mapping into any page that was dirty.
 */
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "writers_record.h"

#define SECOND 1000000000ULL
#define NS_BITS 0x3fffffffU
enum { TYPE_BITS = 0170000, PLAIN = 0100000, KERNEL_THREAD = 0x00200000 };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct timespec64 {
	long long tv_sec;
	long tv_nsec;
};
struct inode {
	unsigned short i_mode;
	unsigned long i_ino;
	unsigned int i_generation;
	long long i_atime_sec; /* since Linux 6.11 */
	long long i_mtime_sec;
	long long i_ctime_sec;
	unsigned int i_atime_nsec;
	unsigned int i_mtime_nsec;
	unsigned int i_ctime_nsec;
};
struct inode___between { /* 6.6 to 6.10; 6.6 has i_atime and i_mtime still */
	struct timespec64 __i_atime;
	struct timespec64 __i_mtime;
	struct timespec64 __i_ctime;
};
struct inode___before {
	struct timespec64 i_atime;
	struct timespec64 i_mtime;
	struct timespec64 i_ctime;
};
struct task_struct {
	unsigned int flags;
};
#pragma clang attribute pop

const volatile unsigned long long secret = 0; /* set before it is loaded */
struct writers_row rows[WRITERS_ROWS];

struct times {
	unsigned long long read, written, changed; /* ns of the wall clock */
};

static unsigned long long ns_of(const struct timespec64 *stamp)
{
	struct timespec64 copy = { 0 };

	bpf_probe_read_kernel(&copy, sizeof(copy), stamp);
	return (unsigned long long)copy.tv_sec * SECOND + (unsigned long long)copy.tv_nsec;
}

static void times_of(struct inode *inode, struct times *out)
{
	struct inode___between *between = (void *)inode;
	struct inode___before *before = (void *)inode;

	if (bpf_core_field_exists(inode->i_mtime_sec)) {
		out->read = (unsigned long long)inode->i_atime_sec * SECOND + inode->i_atime_nsec;
		out->written = (unsigned long long)inode->i_mtime_sec * SECOND + inode->i_mtime_nsec;
		/* a bit of it is the kernel's own mark since 6.13 */
		out->changed = (unsigned long long)inode->i_ctime_sec * SECOND + (inode->i_ctime_nsec & NS_BITS);
		return;
	}
	if (bpf_core_field_exists(between->__i_mtime)) {
		out->read = ns_of(__builtin_preserve_access_index(&between->__i_atime));
		out->written = ns_of(__builtin_preserve_access_index(&between->__i_mtime));
	} else {
		out->read = ns_of(__builtin_preserve_access_index(&before->i_atime));
		out->written = ns_of(__builtin_preserve_access_index(&before->i_mtime));
	}
	if (bpf_core_field_exists(between->__i_ctime))
		out->changed = ns_of(__builtin_preserve_access_index(&between->__i_ctime));
	else
		out->changed = ns_of(__builtin_preserve_access_index(&before->i_ctime));
}

/* This process, in its own place, in a free one, or in that of who wrote longest ago. */
static void note(struct writers_row *row, unsigned int pid)
{
	struct writers_one *place = &row->ones[0];

	for (int i = 0; i < WRITERS_MOST; i++) {
		struct writers_one *one = &row->ones[i];

		if (one->pid == pid) {
			place = one;
			break;
		}
		if (one->time_ns < place->time_ns)
			place = one;
	}
	place->pid = pid;
	place->time_ns = bpf_ktime_get_ns();
}

SEC("tp_btf/writeback_mark_inode_dirty")
int BPF_PROG(on_dirty, struct inode *inode, int flags)
{
	struct task_struct *task;
	struct writers_row *row;
	struct times times;
	int is_known;

	if ((inode->i_mode & TYPE_BITS) != PLAIN)
		return 0;
	row = &rows[writers_place(secret, inode->i_ino, inode->i_generation) & (WRITERS_ROWS - 1)];
	is_known = row->ino == inode->i_ino && row->gen == inode->i_generation;
	times_of(inode, &times);
	/* whoever writes moves both times, a reader another one, and who sets owner or mode one of the two */
	if (is_known ? row->written_ns == times.written : times.written != times.changed || times.read > times.written)
		return 0;
	task = bpf_get_current_task_btf();
	if (task->flags & KERNEL_THREAD)
		return 0;
	if (!is_known) {
		row->ino = 0;
		for (int i = 0; i < WRITERS_MOST; i++)
			row->ones[i].time_ns = row->ones[i].pid = 0;
		row->gen = inode->i_generation;
		row->ino = inode->i_ino;
	}
	row->written_ns = times.written;
	note(row, (unsigned int)(bpf_get_current_pid_tgid() >> 32));
	return 0;
}

char licence[] SEC("license") = "Dual BSD/GPL"; /* what the kernel's helpers ask for */
