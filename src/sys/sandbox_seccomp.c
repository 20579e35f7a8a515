/*
 * Which system calls a worker may make. A call in no list answers EPERM, so
 * that a library that probes for something goes on without it; calls
 * that no worker has an honest reason for end the process.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "sys/sandbox_parts.h"

#define CALL(name) SCMP_SYS(name)

/* one call a line would hide the groups */
/* clang-format off */

/* Open descriptors, memory, time, random bytes, waiting, ending. */
static const int compute_calls[] = {
	/* descriptors it already has */
	CALL(read), CALL(readv), CALL(pread64), CALL(preadv), CALL(preadv2), CALL(write), CALL(writev),
	CALL(pwrite64), CALL(pwritev), CALL(pwritev2), CALL(close), CALL(close_range), CALL(lseek),
	CALL(_llseek), CALL(fstat), CALL(fcntl), CALL(fcntl64), CALL(dup), CALL(dup2), CALL(dup3),
	CALL(ftruncate), CALL(fallocate), CALL(pipe2), CALL(memfd_create), CALL(sendmsg), CALL(recvmsg),
	CALL(sendto), CALL(recvfrom), CALL(shutdown), CALL(getsockopt), CALL(getsockname), CALL(getpeername),
	/* memory; mmap and mprotect have rules of their own */
	CALL(munmap), CALL(mremap), CALL(madvise), CALL(brk), CALL(mlock), CALL(mlock2), CALL(munlock),
	CALL(membarrier), CALL(mincore), CALL(msync),
	/* waiting */
	CALL(poll), CALL(ppoll), CALL(select), CALL(pselect6), CALL(epoll_create1), CALL(epoll_ctl),
	CALL(epoll_wait), CALL(epoll_pwait), CALL(epoll_pwait2), CALL(eventfd2), CALL(timerfd_create),
	CALL(timerfd_settime), CALL(timerfd_gettime), CALL(signalfd4), CALL(nanosleep), CALL(clock_nanosleep),
	CALL(futex), CALL(sched_yield), CALL(restart_syscall),
	/* time and random bytes */
	CALL(clock_gettime), CALL(clock_getres), CALL(gettimeofday), CALL(time), CALL(getrandom),
	/* itself */
	CALL(getpid), CALL(gettid), CALL(getppid), CALL(getuid), CALL(geteuid), CALL(getgid), CALL(getegid),
	CALL(getrlimit), CALL(getrusage), CALL(times), CALL(uname), CALL(sysinfo), CALL(sched_getaffinity),
	CALL(getcpu), CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(rt_sigreturn), CALL(rt_sigtimedwait),
	CALL(rt_sigpending), CALL(sigaltstack), CALL(set_robust_list), CALL(rseq), CALL(set_tid_address),
	CALL(exit), CALL(exit_group),
};

static const int accept_calls[] = {
	CALL(accept), CALL(accept4), CALL(setsockopt), CALL(sendmmsg), CALL(recvmmsg), CALL(sendfile),
};

static const int read_files_calls[] = {
	CALL(stat), CALL(lstat), CALL(newfstatat), CALL(statx), CALL(access), CALL(faccessat), CALL(faccessat2),
	CALL(readlink), CALL(readlinkat), CALL(getdents64), CALL(getcwd), CALL(fadvise64), CALL(readahead),
	CALL(statfs), CALL(fstatfs), CALL(flock),
};

static const int store_calls[] = {
	CALL(open), CALL(openat), CALL(openat2), CALL(mkdir), CALL(mkdirat), CALL(rename), CALL(renameat),
	CALL(renameat2), CALL(unlink), CALL(unlinkat), CALL(rmdir), CALL(truncate), CALL(fsync),
	CALL(fdatasync), CALL(sync_file_range), CALL(syncfs), CALL(chmod), CALL(fchmod), CALL(fchmodat),
	CALL(fchown), CALL(utimensat), CALL(umask), CALL(copy_file_range),
};

/* Files without their names, and attributes. */
static const int keep_calls[] = {
	CALL(open_by_handle_at), CALL(name_to_handle_at), CALL(fgetxattr), CALL(flistxattr), CALL(getxattr),
	CALL(listxattr),
};

static const int handle_calls[] = {
	CALL(open_by_handle_at), CALL(name_to_handle_at),
};

/* Marks, other processes, and paths beneath a folder (openat2's flags no filter sees; Landlock refuses the writing). */
static const int watch_calls[] = {
	CALL(name_to_handle_at), CALL(openat2), CALL(fanotify_mark), CALL(pidfd_open), CALL(pidfd_send_signal),
	CALL(kill), CALL(getpgid), CALL(getpgrp), CALL(getsid),
};

static const int connect_calls[] = {
	CALL(connect), CALL(bind), CALL(setsockopt), CALL(sendmmsg), CALL(recvmmsg),
};

/* New programs and processes, other processes, the kernel itself. */
static const int deadly_calls[] = {
	CALL(execve), CALL(execveat), CALL(fork), CALL(vfork), CALL(ptrace), CALL(process_vm_readv),
	CALL(process_vm_writev), CALL(process_madvise), CALL(pidfd_getfd), CALL(kcmp), CALL(mount),
	CALL(umount2), CALL(pivot_root), CALL(chroot), CALL(move_mount), CALL(open_tree), CALL(fsopen),
	CALL(fsmount), CALL(fspick), CALL(mount_setattr), CALL(unshare), CALL(setns), CALL(init_module),
	CALL(finit_module), CALL(delete_module), CALL(kexec_load), CALL(kexec_file_load), CALL(bpf),
	CALL(perf_event_open), CALL(userfaultfd), CALL(io_uring_setup), CALL(io_uring_enter),
	CALL(io_uring_register), CALL(keyctl), CALL(add_key), CALL(request_key), CALL(reboot),
	CALL(swapon), CALL(swapoff), CALL(acct), CALL(quotactl),
	CALL(iopl), CALL(ioperm), CALL(settimeofday), CALL(clock_settime), CALL(adjtimex), CALL(clock_adjtime),
	CALL(sethostname), CALL(setdomainname), CALL(syslog), CALL(personality), CALL(setuid), CALL(setgid),
	CALL(setreuid), CALL(setregid), CALL(setresuid), CALL(setresgid), CALL(setgroups), CALL(capset),
};

/* clang-format on */

/* A list is added as far as this architecture has the calls. */
static bool add_list(scmp_filter_ctx ctx, uint32_t action, const int *calls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const int done = calls[i] < 0 ? 0 : seccomp_rule_add(ctx, action, calls[i], 0);

		if (done != 0 && done != -EEXIST)
			return false;
	}
	return true;
}

#define ADD_LIST(ctx, action, calls) add_list((ctx), (action), (calls), BW_COUNT(calls))

/* `action` when the argument, under the mask, is `value`. */
static bool rule_bits(scmp_filter_ctx ctx, uint32_t action, int call, unsigned arg, uint64_t mask, uint64_t value)
{
	const struct scmp_arg_cmp compare = { arg, SCMP_CMP_MASKED_EQ, mask, value };

	return call < 0 || seccomp_rule_add_array(ctx, action, call, 1, &compare) == 0;
}

static bool allow_bits(scmp_filter_ctx ctx, int call, unsigned arg, uint64_t mask, uint64_t value)
{
	return rule_bits(ctx, SCMP_ACT_ALLOW, call, arg, mask, value);
}

static bool allow_value(scmp_filter_ctx ctx, int call, unsigned arg, uint64_t value)
{
	const struct scmp_arg_cmp compare = { arg, SCMP_CMP_EQ, value, 0 };

	return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, call, 1, &compare) == 0;
}

/* Memory is for data: nothing that was written here is ever run. */
static bool allow_memory(scmp_filter_ctx ctx)
{
	return allow_bits(ctx, CALL(mmap), 2, PROT_EXEC, 0) && allow_bits(ctx, CALL(mprotect), 2, PROT_EXEC, 0);
}

static bool allow_about_itself(scmp_filter_ctx ctx)
{
	/* abort and raise; asking for limits, never setting them */
	return allow_value(ctx, CALL(tgkill), 0, (uint64_t)getpid()) && allow_value(ctx, CALL(prlimit64), 2, 0) &&
	       allow_value(ctx, CALL(prctl), 0, PR_SET_NAME) && allow_value(ctx, CALL(prctl), 0, PR_SET_VMA) &&
	       /* "how many bytes wait" and "is this a terminal" */
	       allow_value(ctx, CALL(ioctl), 1, FIONREAD) && allow_value(ctx, CALL(ioctl), 1, FIONBIO) &&
	       allow_value(ctx, CALL(ioctl), 1, TCGETS) && allow_value(ctx, CALL(ioctl), 1, TIOCGWINSZ);
}

/* glibc's fstat is this call with an empty path. */
static bool allow_fstat(scmp_filter_ctx ctx)
{
	return allow_bits(ctx, CALL(newfstatat), 3, AT_EMPTY_PATH, AT_EMPTY_PATH);
}

static bool allow_opening_to_read(scmp_filter_ctx ctx)
{
	const uint64_t changing = O_ACCMODE | O_CREAT | O_TRUNC;

	return allow_bits(ctx, CALL(openat), 2, changing, O_RDONLY) &&
	       allow_bits(ctx, CALL(open), 1, changing, O_RDONLY);
}

/* When it has its turn: its own, and nobody else's. */
static bool allow_own_turns(scmp_filter_ctx ctx)
{
	return allow_value(ctx, CALL(sched_setattr), 0, 0) && allow_value(ctx, CALL(sched_setscheduler), 0, 0) &&
	       allow_value(ctx, CALL(setpriority), 1, 0) && allow_value(ctx, CALL(ioprio_set), 1, 0);
}

static bool allow_keeping(scmp_filter_ctx ctx)
{
	return ADD_LIST(ctx, SCMP_ACT_ALLOW, keep_calls) && ADD_LIST(ctx, SCMP_ACT_ALLOW, store_calls) &&
	       allow_own_turns(ctx) && allow_value(ctx, CALL(ioctl), 1, FICLONE) &&
	       allow_value(ctx, CALL(ioctl), 1, FS_IOC_GETFLAGS) && allow_value(ctx, CALL(ioctl), 1, FS_IOC_FIEMAP);
}

static bool allow_watching(scmp_filter_ctx ctx)
{
	return ADD_LIST(ctx, SCMP_ACT_ALLOW, watch_calls) &&
	       allow_bits(ctx, CALL(open_by_handle_at), 2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY);
}

static bool rule_handles(scmp_filter_ctx ctx, unsigned promises)
{
	if ((promises & BW_MAY_KEEP) != 0)
		return allow_keeping(ctx);
	if ((promises & BW_MAY_WATCH) != 0)
		return allow_watching(ctx);
	return ADD_LIST(ctx, SCMP_ACT_KILL_PROCESS, handle_calls);
}

/* Netlink, packet and vsock sockets have no place in a TAXII client. */
static bool allow_client_sockets(scmp_filter_ctx ctx)
{
	return allow_value(ctx, CALL(socket), 0, AF_INET) && allow_value(ctx, CALL(socket), 0, AF_INET6) &&
	       allow_value(ctx, CALL(socket), 0, AF_UNIX);
}

/*
 * Threads only where a store may want one; processes never. glibc tries clone3 first,
 * whose flags a filter cannot see, and takes ENOSYS for "use clone".
 */
static bool rule_threads(scmp_filter_ctx ctx, bool allowed)
{
	const uint32_t for_threads = allowed ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS;

	return seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), CALL(clone3), 0) == 0 &&
	       rule_bits(ctx, for_threads, CALL(clone), 0, CLONE_THREAD, CLONE_THREAD) &&
	       rule_bits(ctx, SCMP_ACT_KILL_PROCESS, CALL(clone), 0, CLONE_THREAD, 0);
}

static bool add_rules(scmp_filter_ctx ctx, unsigned promises, bool opens)
{
	const bool keep = (promises & BW_MAY_KEEP) != 0;
	const bool store = keep || (promises & BW_MAY_STORE) != 0;
	const bool threads = store || (promises & (BW_MAY_READ_STORE | BW_MAY_WATCH)) != 0;
	const bool files = threads || opens || (promises & BW_MAY_CONNECT) != 0;

	return ADD_LIST(ctx, SCMP_ACT_ALLOW, compute_calls) && allow_memory(ctx) && allow_about_itself(ctx) &&
	       rule_threads(ctx, threads) && ADD_LIST(ctx, SCMP_ACT_KILL_PROCESS, deadly_calls) &&
	       rule_handles(ctx, promises) &&
	       (files ? ADD_LIST(ctx, SCMP_ACT_ALLOW, read_files_calls) : allow_fstat(ctx)) &&
	       (store || !files || allow_opening_to_read(ctx)) &&
	       (!store || ADD_LIST(ctx, SCMP_ACT_ALLOW, store_calls)) &&
	       ((promises & BW_MAY_ACCEPT) == 0 || ADD_LIST(ctx, SCMP_ACT_ALLOW, accept_calls)) &&
	       ((promises & BW_MAY_CONNECT) == 0 ||
		(ADD_LIST(ctx, SCMP_ACT_ALLOW, connect_calls) && allow_client_sockets(ctx)));
}

bool bw_seccomp_exists(void)
{
	/* EFAULT: the mode is known, the program pointer is what it did not like */
	return prctl(PR_SET_SECCOMP, 2 /* SECCOMP_MODE_FILTER */, NULL, 0, 0) != 0 && errno == EFAULT;
}

enum bw_err bw_seccomp_enter(unsigned promises, bool opens, struct bw_why *why)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int loaded;

	BW_NEED(ctx != NULL, MEMORY);
	/* a search tree instead of a list: a front worker makes many calls */
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!add_rules(ctx, promises, opens)) {
		seccomp_release(ctx);
		return bw_why_set(why, BW_ERR_SANDBOX, "libseccomp refused a rule");
	}
	loaded = seccomp_load(ctx);
	seccomp_release(ctx);
	if (loaded == -EINVAL || loaded == -ENOSYS)
		return BW_ERR_UNSUPPORTED;
	if (loaded != 0)
		return bw_why_set(why, BW_ERR_SANDBOX, "the kernel refused the list of system calls");
	return BW_OK;
}
