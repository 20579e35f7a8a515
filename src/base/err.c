#include "base/err.h"

#include <errno.h>

/* clang-format off: it takes the row macros for values */
static const char *const words_of[BW_ERR_COUNT] = { [BW_OK] = "all well",
#define X(name, words) [BW_ERR_##name] = (words),
						    BW_ERR_ROWS(X)
#undef X
};

static const char *const name_of[BW_ERR_COUNT] = { [BW_OK] = "OK",
#define X(name, words) [BW_ERR_##name] = #name,
						   BW_ERR_ROWS(X)
#undef X
};
/* clang-format on */

static bool is_known(enum bw_err err)
{
	return (unsigned)err < BW_ERR_COUNT;
}

const char *bw_err_text(enum bw_err err)
{
	return is_known(err) ? words_of[err] : "an unknown error";
}

const char *bw_err_name(enum bw_err err)
{
	return is_known(err) ? name_of[err] : "UNKNOWN";
}

static _Thread_local int last_errno;

int bw_err_last_errno(void)
{
	return last_errno;
}

enum bw_err bw_err_from_errno(int saved_errno)
{
	switch (saved_errno) {
	case 0:
		return BW_OK;
	case ENOENT:
	case ENOTDIR:
		return BW_ERR_NOT_FOUND;
	case EEXIST:
		return BW_ERR_EXISTS;
	case EACCES:
	case EPERM:
		return BW_ERR_DENIED;
	case ENOSPC:
	case EDQUOT:
		return BW_ERR_DISK_FULL;
	case EROFS:
		return BW_ERR_READ_ONLY;
	case ENOMEM:
		return BW_ERR_MEMORY;
	case EMFILE:
	case ENFILE:
		return BW_ERR_TOO_MANY;
	case EAGAIN:
		return BW_ERR_AGAIN;
	case EIO:
		return BW_ERR_IO;
	case EBUSY:
		return BW_ERR_BUSY;
	case ETIMEDOUT:
		return BW_ERR_TIMEOUT;
	case EPIPE:
	case ECONNRESET:
	case ECONNREFUSED:
		return BW_ERR_CLOSED;
	case EFBIG:
		return BW_ERR_TOO_BIG;
	default:
		last_errno = saved_errno;
		return BW_ERR_SYSTEM;
	}
}

enum bw_err bw_fault_set(struct bw_fault *fault, enum bw_err err, size_t offset, const char *reason)
{
	if (fault != NULL) {
		fault->offset = offset;
		fault->reason = reason;
	}
	return err;
}
