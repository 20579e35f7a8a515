#include "sys/input.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum bw_err bw_input_open(const char *path, int *out_fd, struct bw_why *why)
{
	const int fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
					      : open(path, O_RDONLY | O_CLOEXEC);
	struct stat info;

	if (fd < 0)
		return bw_why_errno(why, errno, "read", path);
	if (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
		(void)close(fd);
		return bw_why_set(why, BW_ERR_TYPE, "'%s' is a folder: name the files in it, e.g. %s/*.json", path,
				  path);
	}
	*out_fd = fd;
	return BW_OK;
}

const char *bw_input_unpacker(struct bw_slice start)
{
	const struct {
		struct bw_slice magic;
		const char *tool;
	} known[] = {
		{ BW_LIT("\xfd"
			 "7zXZ"),
		  "xz -dc" },
		{ BW_LIT("\x1f\x8b"), "gzip -dc" },
		{ BW_LIT("\x28\xb5\x2f\xfd"), "zstd -dc" },
		{ BW_LIT("BZh"), "bzip2 -dc" },
		{ BW_LIT("PK\x03\x04"), "unzip -p" },
		{ BW_LIT("\xff\xfe"), "iconv -f UTF-16 -t UTF-8" },
		{ BW_LIT("\xfe\xff"), "iconv -f UTF-16 -t UTF-8" },
	};

	for (size_t i = 0; i < BW_COUNT(known); i++)
		if (bw_slice_starts(start, known[i].magic))
			return known[i].tool;
	return NULL;
}

const char *bw_input_unpacker_fd(int fd)
{
	uint8_t start[8];
	const ssize_t got = pread(fd, start, sizeof(start), 0);

	return got <= 0 ? NULL : bw_input_unpacker(bw_slice_of(start, (size_t)got));
}
