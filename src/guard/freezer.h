/*
 * Holding local processes by the freezer of cgroup v2, which their own user cannot undo (SIGSTOP he can, by SIGCONT).
 *
 * A process that is held moves into a cgroup of ours that was frozen before, `bw-held-DEV-INO-INCIDENT`: the device and
 * inode of the guard's folder tell two guards on one machine apart. That cgroup lies below the process's own, so that
 * its unit's limits and accounts hold, and its manager does not take the unit for empty. Unless somebody else than root
 * may write in it or above: whoever may write in a cgroup above both may move a process out of one below it, root's or
 * not (cgroups.rst, "Delegation Containment"), as every user may in what systemd delegates to him. Then it is
 * the nearest of those above that is root's alone, with all above it; in the end the root of the hierarchy. What lies
 * outside a unit's limits meanwhile uses no processor, and its memory stays accounted where it was.
 *
 * A frozen process dies of SIGKILL at once. A stopped one stays stopped: both holds are in force together.
 *
 * The functions take numbers of processes: callers hold a pidfd, and ask it afterwards whether it was that process
 * still.
 * Errors: NOT_FOUND (no cgroup v2), READ_ONLY, DENIED, UNSUPPORTED (the kernel is older than 5.2), BUSY, IO, SYSTEM.
 */
#ifndef BW_GUARD_FREEZER_H
#define BW_GUARD_FREEZER_H

#include "guard/cgroup.h"

enum { BW_FREEZER_PREFIX_BYTES = 64 };

struct bw_freezer {
	int root;                             /* of the hierarchy; -1: none */
	char prefix[BW_FREEZER_PREFIX_BYTES]; /* "bw-held-DEV-INO-" */
};

/* Where a process is held, and where it was; ids of cgroups, 0: not known. */
struct bw_frozen {
	uint64_t cgroup;
	uint64_t home;
};

/* ---- holding ---------------------------------------------------------------------------------------- */

/* `data` is the guard's data folder. What fails leaves a freezer with which every call fails the same. */
BW_MUST_USE enum bw_err bw_freezer_open(const char *data, struct bw_freezer *out);
void bw_freezer_close(struct bw_freezer *freezer);

/* Whether processes could be held so, as far as that can be told without making anything. */
BW_MUST_USE enum bw_err bw_freezer_usable(void);

/*
 * OK: it runs no more. EXISTS: it was held before, for whatever incident; `out->cgroup` is where, and `home` is 0.
 * Otherwise it is where it was.
 */
BW_MUST_USE enum bw_err bw_freezer_hold(const struct bw_freezer *freezer, int proc, uint64_t incident, uint32_t pid,
					struct bw_frozen *out);

/*
 * Back to where it was; when that is gone, or not known, into the cgroup ours lies in; when that takes no processes
 * either, into a cgroup beside ours, `bw-free-…`, where it lives under the same limits. CONFLICT: it is not held there.
 */
BW_MUST_USE enum bw_err bw_freezer_let_go(const struct bw_freezer *freezer, int proc, uint32_t pid,
					  const struct bw_frozen *frozen);

/* Removes a cgroup of ours when nobody is in it; anything else is left as it is. */
void bw_freezer_tidy(const struct bw_freezer *freezer, uint64_t cgroup);

/* Whether a guard holds it so now, any guard; nobody but root can make it look so. */
bool bw_freezer_has(int root, int proc, uint32_t pid);

/*
 * `each` with every process that stands in a cgroup of this guard; those that are empty go. For after a start. The
 * first error ends it.
 */
struct bw_freezer_found {
	uint64_t incident;
	uint64_t cgroup;
	uint32_t pid;
};

typedef enum bw_err bw_freezer_found_fn(void *context, const struct bw_freezer_found *found);

BW_MUST_USE enum bw_err bw_freezer_scan(const struct bw_freezer *freezer, bw_freezer_found_fn *each, void *context);

#endif
