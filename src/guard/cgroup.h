/*
 * The hierarchy of cgroup v2, where the guard has it. Paths begin with a slash at the hierarchy's root.
 *
 * Errors, where nothing else is said: NOT_FOUND, DENIED, READ_ONLY, BUSY, SYSTEM.
 */
#ifndef BW_GUARD_CGROUP_H
#define BW_GUARD_CGROUP_H

#include "sys/files.h"

/* Its root, open. NOT_FOUND: version 1 alone, or nothing. */
BW_MUST_USE enum bw_err bw_cgroup_root(int *out_fd);

/*
 * By its id, which is what the kernel's process events carry: cgroup v2 is kernfs, where the id is a file handle. So no
 * path has to be searched, and none can be changed under us.
 */
BW_MUST_USE enum bw_err bw_cgroup_by_id(int root, uint64_t id, int *out_fd);
uint64_t bw_cgroup_id(int cgroup);

/* By its path; no link and no other mount on the way. */
BW_MUST_USE enum bw_err bw_cgroup_at(int root, const char *path, int *out_fd);

/* Where it is, the hierarchy's mount before it: for people, and for its name. */
BW_MUST_USE enum bw_err bw_cgroup_place(int cgroup, char out[BW_PATH_BYTES]);

/* "/system.slice/ssh.service" in a text of /proc/PID/cgroup. NOT_FOUND: none, or it lies outside our view. Pure. */
BW_MUST_USE enum bw_err bw_cgroup_parse(struct bw_slice text, char out[BW_PATH_BYTES]);

/* The same of a process, `proc` being /proc. */
BW_MUST_USE enum bw_err bw_cgroup_of(int proc, uint32_t pid, char out[BW_PATH_BYTES]);

/* Whether root alone may put processes into it, or take them out of what lies below. */
bool bw_cgroup_is_roots(int cgroup);

/* Its cgroup.freeze. */
BW_MUST_USE enum bw_err bw_cgroup_freeze(int cgroup, bool frozen);
bool bw_cgroup_is_frozen(int cgroup);

/* Moves a process into it, with all its threads. BUSY: it is an inner one that holds no processes. */
BW_MUST_USE enum bw_err bw_cgroup_take(int cgroup, uint32_t pid);

/* `each` with every process in it, not below; the first error ends it. */
typedef enum bw_err bw_cgroup_each_fn(void *context, uint32_t pid);

BW_MUST_USE enum bw_err bw_cgroup_each(int cgroup, bw_cgroup_each_fn *each, void *context);

#endif
