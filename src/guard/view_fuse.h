/*
 * The view (guard/view.h) as a file system, by FUSE (libfuse 3, low level): one thread, one request after the other,
 * all of them bounded. The kernel checks who may what (default_permissions, access control lists), never this process.
 */
#ifndef BW_GUARD_VIEW_FUSE_H
#define BW_GUARD_VIEW_FUSE_H

#include "guard/view.h"

struct bw_view_mount;

/*
 * Mounts at `path`, an empty folder of root's, read-only for everybody. What a killed one left there is taken away
 * first. Requests wait until somebody serves. DENIED, BUSY (something is mounted there), UNSUPPORTED (no FUSE), SYSTEM.
 */
BW_MUST_USE enum bw_err bw_view_mount(const char *path, struct bw_view_mount **out, struct bw_why *why);

/* This process serves no requests: another one that has it by fork does. */
void bw_view_mount_leave(struct bw_view_mount *mount);

/* Serves until it is unmounted. UNSUPPORTED: a kernel that cannot check access control lists. SYSTEM. */
BW_MUST_USE enum bw_err bw_view_serve(struct bw_view_mount *mount, struct bw_view *view);

#endif
