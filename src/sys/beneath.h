/*
 * Opening what lies below a folder, and nothing else: no symbolic link anywhere on the way, no
 * "..", no other mount (openat2(2), Linux 5.6). What strangers can rename under us is opened so, or not at all.
 */
#ifndef BW_SYS_BENEATH_H
#define BW_SYS_BENEATH_H

#include <sys/types.h>

#include "base/bytes.h"

/*
 * `path` is relative, with slashes; "" or "." is the folder itself. O_CLOEXEC is added, O_NOFOLLOW too
 * (with O_PATH a final link itself is opened). Errors: NOT_FOUND; DENIED; TYPE (a link or no folder on the way,
 * or another mount); EXISTS (with O_EXCL); DISK_FULL; TOO_MANY; SYSTEM. UNSUPPORTED: the call is not there: the kernel
 * is older, or a filter that cannot see into its flags refuses all of it (RestrictSUIDSGID= of systemd does).
 */
BW_MUST_USE enum bw_err bw_open_beneath(int folder, const char *path, int flags, mode_t mode, int *out_fd);

#endif
