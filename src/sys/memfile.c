#include "sys/memfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static enum bw_err make(const char *name, int *out_fd)
{
	const int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return bw_err_from_errno(errno);
	*out_fd = fd;
	return BW_OK;
}

enum bw_err bw_memfile_new(const char *name, size_t max, struct bw_memfile *out)
{
	int fd = -1;

	BW_TRY(make(name, &fd));
	*out = (struct bw_memfile){ fd, 0, max };
	return BW_OK;
}

enum bw_err bw_memfile_append(struct bw_memfile *file, struct bw_slice bytes)
{
	BW_NEED(bytes.len <= file->max - file->len, TOO_BIG);
	while (bytes.len > 0) {
		const ssize_t put = pwrite(file->fd, bytes.ptr, bytes.len, (off_t)file->len);

		if (put < 0) {
			if (errno == EINTR)
				continue;
			return errno == ENOSPC ? BW_ERR_MEMORY : bw_err_from_errno(errno);
		}
		file->len += (size_t)put;
		bytes = bw_slice_from(bytes, (size_t)put);
	}
	return BW_OK;
}

enum bw_err bw_memfile_seal(struct bw_memfile *file)
{
	if (fcntl(file->fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0)
		return BW_OK;
	return bw_err_from_errno(errno);
}

void bw_memfile_release(struct bw_memfile *file)
{
	if (file->fd >= 0)
		(void)close(file->fd);
	*file = BW_MEMFILE_NONE;
}

enum bw_err bw_memfile_of(const char *name, struct bw_slice bytes, struct bw_memfile *out)
{
	struct bw_memfile file;
	enum bw_err err;

	BW_TRY(bw_memfile_new(name, bytes.len, &file));
	err = bw_memfile_append(&file, bytes);
	if (err == BW_OK)
		err = bw_memfile_seal(&file);
	if (err != BW_OK) {
		bw_memfile_release(&file);
		return err;
	}
	*out = file;
	return BW_OK;
}

/* The size of a memory file that carries at least these seals. */
static enum bw_err sealed_size(int fd, int need, size_t max, size_t *out)
{
	/* fails with EINVAL on everything that is not memory */
	const int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	BW_NEED(seals >= 0 && (seals & need) == need, TYPE);
	if (fstat(fd, &st) != 0)
		return bw_err_from_errno(errno);
	/* memory files have no other type; hugetlb ones would, and are not ours */
	BW_NEED(S_ISREG(st.st_mode) && st.st_size >= 0, TYPE);
	BW_NEED((uint64_t)st.st_size <= max, TOO_BIG);
	*out = (size_t)st.st_size;
	return BW_OK;
}

enum bw_err bw_mapped_open(int fd, size_t max, struct bw_mapped *out)
{
	size_t size = 0;
	void *map;

	BW_TRY(sealed_size(fd, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK, max, &size));
	if (size == 0) {
		out->bytes = bw_slice_empty;
		return BW_OK;
	}
	/* private: kernels before 6.7 refuse shared maps of write-sealed files */
	map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return bw_err_from_errno(errno);
	out->bytes = bw_slice_of(map, size);
	return BW_OK;
}

static void unmap(const uint8_t *ptr, size_t len)
{
	if (len > 0)
		(void)munmap((void *)(uintptr_t)ptr, len);
}

void bw_mapped_release(struct bw_mapped *mapped)
{
	unmap(mapped->bytes.ptr, mapped->bytes.len);
	mapped->bytes = bw_slice_empty;
}

static enum bw_err share(int fd, size_t bytes, struct bw_shared *out)
{
	void *map;

	if (ftruncate(fd, (off_t)bytes) != 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
		return bw_err_from_errno(errno);
	map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (map == MAP_FAILED)
		return bw_err_from_errno(errno);
	*out = (struct bw_shared){ map, bytes, fd };
	return BW_OK;
}

enum bw_err bw_shared_new(const char *name, size_t bytes, struct bw_shared *out)
{
	enum bw_err err;
	int fd = -1;

	BW_NEED(bytes > 0 && bytes <= PTRDIFF_MAX, RANGE);
	BW_TRY(make(name, &fd));
	err = share(fd, bytes, out);
	if (err != BW_OK)
		(void)close(fd);
	return err;
}

enum bw_err bw_shared_open(int fd, size_t max, struct bw_shared *out)
{
	size_t size = 0;
	void *map;

	BW_TRY(sealed_size(fd, F_SEAL_SHRINK, max, &size));
	BW_NEED(size > 0, TYPE);
	map = mmap(NULL, size, PROT_READ, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (map == MAP_FAILED)
		return bw_err_from_errno(errno);
	*out = (struct bw_shared){ map, size, -1 };
	return BW_OK;
}

void bw_shared_release(struct bw_shared *shared)
{
	unmap(shared->ptr, shared->len);
	if (shared->fd >= 0)
		(void)close(shared->fd);
	*shared = (struct bw_shared){ NULL, 0, -1 };
}
