/*
 * A worker gives up what it does not need before it reads its first byte from
 * outside. Promises become Landlock rules (files), a seccomp list (calls) and
 * resource limits; no_new_privs and "not dumpable" come first. There is no way back.
 *
 * What is not promised: opening files, making sockets answer EPERM; starting
 * programs, new processes, ptrace, mount, modules, namespaces and the like end
 * the process (SIGSYS). Builds with sanitizers allow the few calls they need.
 */
#ifndef BW_SYS_SANDBOX_H
#define BW_SYS_SANDBOX_H

#include "sys/why.h"

enum bw_may {
	BW_MAY_COMPUTE = 1,    /* read and write open descriptors, map sealed memory, time, random, epoll */
	BW_MAY_ACCEPT = 2,     /* COMPUTE, and use and accept from sockets it was given */
	BW_MAY_STORE = 4,      /* COMPUTE, and read, write, make, rename, remove files below the folder */
	BW_MAY_READ_STORE = 8, /* COMPUTE, and open for reading below the folder */
	BW_MAY_CONNECT = 16,   /* COMPUTE, and make TCP, UDP and local client sockets (a client) */
	/*
	 * COMPUTE, read every file and folder, also by handle, and read, write, make, rename, remove below
	 * write_also; change its own scheduling class. Reading is not bound to paths: a file that is opened by its
	 * handle has none that Landlock could check. Of root's capabilities it keeps those to read and to search, and
	 * to come before others; of itself alone it may say so.
	 */
	BW_MAY_KEEP = 32,
	/*
	 * COMPUTE, read every file as KEEP does, set fanotify marks, look at other processes and signal them, use
	 * threads. Writes no file. Of root's capabilities it keeps those to read, to search, to signal and to stay in
	 * memory.
	 */
	BW_MAY_WATCH = 64,
};

struct bw_sandbox_paths {
	const char *folder;            /* for STORE and READ_STORE; NULL: none */
	const char *const *read_also;  /* files or folders readable besides; ends with NULL; may be NULL */
	const char *const *write_also; /* folders for KEEP; ends with NULL; may be NULL */
	size_t memory_bytes;           /* RLIMIT_AS; 0: unlimited. Ignored under sanitizers */
	unsigned max_fds;              /* RLIMIT_NOFILE; 0: leave */
};

struct bw_sandbox_granted {
	int landlock_abi; /* 0: the kernel has none, files are refused by seccomp alone */
	bool landlock;    /* rules in force */
	bool seccomp;     /* list in force */
	bool no_new_privs;
	bool not_dumpable;
	bool whole;     /* everything the promises ask for: what --require-sandbox wants */
	char words[96]; /* "landlock=7 seccomp=yes", for the log */
};

/*
 * `promises` is an OR of bw_may. A kernel without Landlock or seccomp is not
 * an error: `out->whole` is false, and the caller decides. Errors: SANDBOX (a rule
 * was refused half-way: end the process), NOT_FOUND (folder), MEMORY.
 */
BW_MUST_USE enum bw_err bw_sandbox_enter(unsigned promises, const struct bw_sandbox_paths *paths,
					 struct bw_sandbox_granted *out, struct bw_why *why);

/* What this kernel could grant, changing nothing (for doctor). */
void bw_sandbox_probe(struct bw_sandbox_granted *out);

#endif
