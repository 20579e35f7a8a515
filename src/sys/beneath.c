#include "sys/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TRIES = 8 }; /* openat2 answers EAGAIN when something was renamed while it looked */

enum bw_err bw_open_beneath(int folder, const char *path, int flags, mode_t mode, int *out_fd)
{
	const struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC | O_NOFOLLOW),
		.mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	long fd = -1;

	for (unsigned tries = 0; tries < TRIES; tries++) {
		fd = syscall(SYS_openat2, folder, path[0] == '\0' ? "." : path, &how, sizeof(how));
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	BW_NEED(fd >= 0 || errno != ENOSYS, UNSUPPORTED);
	if (fd < 0)
		return errno == ELOOP || errno == ENOTDIR || errno == EXDEV ? BW_ERR_TYPE : bw_err_from_errno(errno);
	*out_fd = (int)fd;
	return BW_OK;
}
