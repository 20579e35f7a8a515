/*
 * Preloaded into a program under test: counts the calls by which it changes what lies below BW_FAULT_UNDER, and at the
 * BW_FAULT_AT-th of them does what BW_FAULT says: "kill" (SIGKILL before the call), "torn" (half of a write, then
 * SIGKILL), "full" (this call and BW_FAULT_LENGTH - 1 more fail with ENOSPC; syncs and removals with EIO), "block" (the
 * same, but syncs and removals go on), "io" (as "full", with EIO). BW_FAULT_WHILE: calls count and fail only while the
 * first byte of this file is '1'. BW_FAULT_LOG names a file to which every such call is appended, with what it wrote:
 * from that the disk can be told as it would be after a power cut (tests/guard_faults_test.py). BW_FAULT_COUNT names a
 * file that gets a byte for each call. BW_FAULT_PROCESS: only in processes of this name. BW_FAULT_BOOT: read instead of
 * the machine's boot id.
 *
 * A record of the log: op u8, inode u64, offset u64, length u64, len of text u32, text, bytes[length]; native order.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum op {
	WRITE = 'w',
	CUT = 't',
	SYNC = 's',
	SYNC_ALL = 'S',
	MAKE = 'm',
	FOLDER = 'd',
	LINK = 'l',
	MOVE = 'r',
	SWAP = 'x',
	REMOVE = 'u'
};

static struct {
	const char *under;
	const char *what;
	const char *process;
	const char *boot;
	const volatile char *holds; /* NULL: always */
	unsigned long at;
	unsigned long length;
	int log;
	int count;
} orders = { .log = -1, .count = -1 };

static unsigned long *counted; /* of all processes together: a fault happens once, whoever is started anew */

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

static const char *word(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

/* Far from the numbers that the program gives out itself. */
static int open_to_append(const char *path)
{
	const int low = path == NULL ? -1
				     : (int)syscall(SYS_openat, AT_FDCWD, path,
						    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	const int high = low < 0 ? -1 : fcntl(low, F_DUPFD_CLOEXEC, 400);

	if (low >= 0)
		(void)close(low);
	return high;
}

/* Shared memory: a process that may open nothing any more sees it change. */
static const volatile char *map_flag(const char *path)
{
	const int fd = path == NULL ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	const char *flag = fd < 0 ? MAP_FAILED : mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);

	if (fd >= 0)
		(void)close(fd);
	return flag == MAP_FAILED ? NULL : flag;
}

__attribute__((constructor)) static void read_orders(void)
{
	orders.under = word("BW_FAULT_UNDER");
	orders.what = word("BW_FAULT");
	orders.process = word("BW_FAULT_PROCESS");
	orders.boot = word("BW_FAULT_BOOT");
	orders.holds = map_flag(word("BW_FAULT_WHILE"));
	orders.at = word("BW_FAULT_AT") ? strtoul(word("BW_FAULT_AT"), NULL, 10) : 0;
	orders.length = word("BW_FAULT_LENGTH") ? strtoul(word("BW_FAULT_LENGTH"), NULL, 10) : 1;
	orders.log = open_to_append(word("BW_FAULT_LOG"));
	orders.count = open_to_append(word("BW_FAULT_COUNT"));
	counted = mmap(NULL, sizeof(*counted), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counted == MAP_FAILED)
		counted = NULL;
}

/* ---- whose calls, and where ------------------------------------------------------------------------- */

static char own_name[17];

/* A confined process may not ask for its name any more: it is noted when it is given. */
int prctl(int option, ...)
{
	unsigned long words[4];
	va_list rest;

	va_start(rest, option);
	for (unsigned i = 0; i < 4; i++)
		words[i] = va_arg(rest, unsigned long);
	va_end(rest);
	if (option == PR_SET_NAME)
		(void)snprintf(own_name, sizeof(own_name), "%.15s", (const char *)words[0]);
	return REAL(prctl)(option, words[0], words[1], words[2], words[3]);
}

static bool is_asked(void)
{
	return orders.process == NULL || strcmp(own_name, orders.process) == 0;
}

/* The path of an open file; its name may be gone. */
static bool path_of(int fd, char out[PATH_MAX])
{
	char link[40];
	ssize_t len;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, out, PATH_MAX - 1);
	if (len <= 0)
		return false;
	out[len] = '\0';
	return true;
}

static bool path_at(int folder, const char *name, char out[PATH_MAX])
{
	size_t len = 0;

	if (name[0] != '/') {
		if (folder == AT_FDCWD ? getcwd(out, PATH_MAX) == NULL : !path_of(folder, out))
			return false;
		len = strlen(out);
		if (len > 1)
			out[len++] = '/';
	}
	if (strncmp(name, "./", 2) == 0)
		name += 2;
	if (len + strlen(name) >= PATH_MAX)
		return false;
	(void)strcpy(out + len, name);
	return true;
}

/* A file that SQLite shares between processes never counts: it is made anew after a crash. */
static bool is_under(const char *path)
{
	const size_t len = orders.under == NULL ? 0 : strlen(orders.under);

	return len > 0 && strncmp(path, orders.under, len) == 0 && (path[len] == '/' || path[len] == '\0') &&
	       (strlen(path) < 4 || strcmp(path + strlen(path) - 4, "-shm") != 0);
}

static bool fd_is_under(int fd)
{
	char path[PATH_MAX];

	return orders.under != NULL && path_of(fd, path) && is_under(path);
}

/* ---- the log --------------------------------------------------------------------------------------------- */

static void note(enum op op, uint64_t inode, uint64_t offset, const char *text, const void *bytes, uint64_t length)
{
	uint8_t head[29];
	const uint32_t text_len = text == NULL ? 0 : (uint32_t)strlen(text);
	struct iovec parts[3] = { { head, sizeof(head) },
				  { (void *)(uintptr_t)text, text_len },
				  { (void *)(uintptr_t)bytes, bytes == NULL ? 0 : length } };

	if (orders.log < 0)
		return;
	head[0] = (uint8_t)op;
	memcpy(head + 1, &inode, 8);
	memcpy(head + 9, &offset, 8);
	memcpy(head + 17, &length, 8);
	memcpy(head + 25, &text_len, 4);
	(void)syscall(SYS_writev, orders.log, parts, 3);
}

static uint64_t inode_of(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

static void note_content(int fd)
{
	uint8_t *bytes = malloc(1 << 20);
	off_t at = 0;
	ssize_t got;

	while (orders.log >= 0 && bytes != NULL && (got = pread(fd, bytes, 1 << 20, at)) > 0) {
		note(WRITE, inode_of(fd), (uint64_t)at, NULL, bytes, (uint64_t)got);
		at += got;
	}
	free(bytes);
}

/* ---- the fault ---------------------------------------------------------------------------------------------- */

/* 0: the call goes on; else the error it fails with. Does not come back from a kill. `tear` halves a write. */
static int fault(bool fails_full, bool *tear)
{
	bool now;
	unsigned long number;

	if (orders.holds != NULL && *orders.holds != '1')
		return 0;
	number = counted == NULL ? 0 : __atomic_add_fetch(counted, 1, __ATOMIC_RELAXED);
	if (orders.count >= 0)
		(void)syscall(SYS_write, orders.count, ".", 1);
	now = orders.what != NULL && orders.at > 0 && number >= orders.at && number < orders.at + orders.length;
	if (!now)
		return 0;
	if (strcmp(orders.what, "torn") == 0 && tear != NULL) {
		*tear = true;
		return 0;
	}
	if (strcmp(orders.what, "kill") == 0 || strcmp(orders.what, "torn") == 0)
		(void)raise(SIGKILL);
	if (strcmp(orders.what, "full") == 0)
		return fails_full ? ENOSPC : EIO;
	if (strcmp(orders.what, "block") == 0)
		return fails_full ? ENOSPC : 0;
	return strcmp(orders.what, "io") == 0 ? EIO : 0;
}

#define FAIL_OR_GO(fails_full)                              \
	do {                                                \
		const int with = fault((fails_full), NULL); \
		if (with != 0) {                            \
			errno = with;                       \
			return -1;                          \
		}                                           \
	} while (0)

/* ---- writes ------------------------------------------------------------------------------------- */

static ssize_t write_some(int fd, const void *bytes, size_t len, off_t at, bool positioned)
{
	bool tear = false;
	const off_t where = positioned ? at : lseek(fd, 0, SEEK_CUR);
	const int with = fault(true, &tear);
	ssize_t done;

	if (with != 0) {
		errno = with;
		return -1;
	}
	if (tear)
		len = (len + 1) / 2;
	done = positioned ? REAL(pwrite)(fd, bytes, len, at) : REAL(write)(fd, bytes, len);
	if (tear)
		(void)raise(SIGKILL);
	if (done > 0) {
		const off_t end = positioned ? 0 : lseek(fd, 0, SEEK_CUR); /* appending may have moved it */

		note(WRITE, inode_of(fd), (uint64_t)(positioned || end < done ? where : end - done), NULL, bytes,
		     (uint64_t)done);
	}
	return done;
}

ssize_t write(int fd, const void *bytes, size_t len)
{
	return is_asked() && fd_is_under(fd) ? write_some(fd, bytes, len, 0, false) : REAL(write)(fd, bytes, len);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	return is_asked() && fd_is_under(fd) ? write_some(fd, bytes, len, at, true) : REAL(pwrite)(fd, bytes, len, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at)
{
	return pwrite(fd, bytes, len, at);
}

int ftruncate(int fd, off_t size)
{
	int done;

	if (!is_asked() || !fd_is_under(fd))
		return REAL(ftruncate)(fd, size);
	FAIL_OR_GO(true);
	done = REAL(ftruncate)(fd, size);
	if (done == 0)
		note(CUT, inode_of(fd), (uint64_t)size, NULL, NULL, 0);
	return done;
}

int ftruncate64(int fd, off_t size)
{
	return ftruncate(fd, size);
}

ssize_t copy_file_range(int from, off_t *in, int to, off_t *out, size_t len, unsigned flags)
{
	ssize_t done;

	if (!is_asked() || !fd_is_under(to))
		return REAL(copy_file_range)(from, in, to, out, len, flags);
	FAIL_OR_GO(true);
	done = REAL(copy_file_range)(from, in, to, out, len, flags);
	if (done > 0)
		note_content(to);
	return done;
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list rest;
	void *argument;
	int done;

	va_start(rest, request);
	argument = va_arg(rest, void *);
	va_end(rest);
	if (request != FICLONE || !is_asked() || !fd_is_under(fd))
		return REAL(ioctl)(fd, request, argument);
	FAIL_OR_GO(true);
	done = REAL(ioctl)(fd, request, argument);
	if (done == 0)
		note_content(fd);
	return done;
}

int fallocate(int fd, int mode, off_t at, off_t len)
{
	if (is_asked() && fd_is_under(fd))
		FAIL_OR_GO(true);
	return REAL(fallocate)(fd, mode, at, len);
}

int fallocate64(int fd, int mode, off_t at, off_t len)
{
	return fallocate(fd, mode, at, len);
}

/* ---- syncs ------------------------------------------------------------------------------------- */

static int sync_one(int fd, bool data)
{
	char path[PATH_MAX];
	int done;

	if (is_asked() && path_of(fd, path) && is_under(path)) {
		FAIL_OR_GO(false);
		done = data ? REAL(fdatasync)(fd) : REAL(fsync)(fd);
		if (done == 0)
			note(SYNC, inode_of(fd), 0, path, NULL, 0);
		return done;
	}
	return data ? REAL(fdatasync)(fd) : REAL(fsync)(fd);
}

int fsync(int fd)
{
	return sync_one(fd, false);
}

int fdatasync(int fd)
{
	return sync_one(fd, true);
}

int syncfs(int fd)
{
	int done;

	if (!is_asked() || orders.under == NULL)
		return REAL(syncfs)(fd);
	FAIL_OR_GO(false);
	done = REAL(syncfs)(fd);
	if (done == 0)
		note(SYNC_ALL, 0, 0, NULL, NULL, 0);
	return done;
}

/* ---- names ------------------------------------------------------------------------------------- */

static int open_at(int folder, const char *name, int flags, mode_t mode)
{
	char path[PATH_MAX];
	bool is_new;
	int fd;

	if (orders.boot != NULL && strcmp(name, "/proc/sys/kernel/random/boot_id") == 0)
		name = orders.boot;
	if ((flags & (O_CREAT | O_TRUNC)) == 0 || (flags & O_TMPFILE) == O_TMPFILE || !is_asked() ||
	    !path_at(folder, name, path) || !is_under(path))
		return (int)syscall(SYS_openat, folder, name, flags, mode);
	is_new = faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0;
	if (is_new || (flags & O_TRUNC) != 0)
		FAIL_OR_GO(true);
	fd = (int)syscall(SYS_openat, folder, name, flags, mode);
	if (fd >= 0 && is_new)
		note(MAKE, inode_of(fd), 0, path, NULL, 0);
	else if (fd >= 0 && (flags & O_TRUNC) != 0)
		note(CUT, inode_of(fd), 0, NULL, NULL, 0);
	return fd;
}

#define MODE_OF(flags, mode)                                                      \
	do {                                                                      \
		if (((flags)&O_CREAT) != 0 || ((flags)&O_TMPFILE) == O_TMPFILE) { \
			va_list rest;                                             \
			va_start(rest, flags);                                    \
			(mode) = (mode_t)va_arg(rest, int);                       \
			va_end(rest);                                             \
		}                                                                 \
	} while (0)

int open(const char *name, int flags, ...)
{
	mode_t mode = 0;

	MODE_OF(flags, mode);
	return open_at(AT_FDCWD, name, flags, mode);
}

int open64(const char *name, int flags, ...)
{
	mode_t mode = 0;

	MODE_OF(flags, mode);
	return open_at(AT_FDCWD, name, flags, mode);
}

int openat(int folder, const char *name, int flags, ...)
{
	mode_t mode = 0;

	MODE_OF(flags, mode);
	return open_at(folder, name, flags, mode);
}

int openat64(int folder, const char *name, int flags, ...)
{
	mode_t mode = 0;

	MODE_OF(flags, mode);
	return open_at(folder, name, flags, mode);
}

static int move(int folder, const char *name, int to, const char *as, unsigned flags)
{
	char both[2 * PATH_MAX];
	char path[PATH_MAX];
	char other[PATH_MAX];
	int done;

	if (!is_asked() || !path_at(folder, name, path) || !path_at(to, as, other) ||
	    (!is_under(path) && !is_under(other)))
		return (int)syscall(SYS_renameat2, folder, name, to, as, flags);
	FAIL_OR_GO(true);
	done = (int)syscall(SYS_renameat2, folder, name, to, as, flags);
	(void)snprintf(both, sizeof(both), "%s\n%s", path, other);
	if (done == 0)
		note((flags & RENAME_EXCHANGE) != 0 ? SWAP : MOVE, 0, 0, both, NULL, 0);
	return done;
}

int rename(const char *name, const char *as)
{
	return move(AT_FDCWD, name, AT_FDCWD, as, 0);
}

int renameat(int folder, const char *name, int to, const char *as)
{
	return move(folder, name, to, as, 0);
}

int renameat2(int folder, const char *name, int to, const char *as, unsigned flags)
{
	return move(folder, name, to, as, flags);
}

int linkat(int folder, const char *name, int to, const char *as, int flags)
{
	char path[PATH_MAX];
	struct stat status;
	int done;

	if (!is_asked() || !path_at(to, as, path) || !is_under(path))
		return REAL(linkat)(folder, name, to, as, flags);
	FAIL_OR_GO(true);
	done = REAL(linkat)(folder, name, to, as, flags);
	if (done == 0 && fstatat(to, as, &status, AT_SYMLINK_NOFOLLOW) == 0)
		note(LINK, status.st_ino, 0, path, NULL, 0);
	return done;
}

int mkdirat(int folder, const char *name, mode_t mode)
{
	char path[PATH_MAX];
	int done;

	if (!is_asked() || !path_at(folder, name, path) || !is_under(path))
		return REAL(mkdirat)(folder, name, mode);
	FAIL_OR_GO(true);
	done = REAL(mkdirat)(folder, name, mode);
	if (done == 0)
		note(FOLDER, 0, 0, path, NULL, 0);
	return done;
}

int mkdir(const char *name, mode_t mode)
{
	return mkdirat(AT_FDCWD, name, mode);
}

int unlinkat(int folder, const char *name, int flags)
{
	char path[PATH_MAX];
	int done;

	if (!is_asked() || !path_at(folder, name, path) || !is_under(path))
		return REAL(unlinkat)(folder, name, flags);
	FAIL_OR_GO(false);
	done = REAL(unlinkat)(folder, name, flags);
	if (done == 0)
		note(REMOVE, 0, 0, path, NULL, 0);
	return done;
}

int unlink(const char *name)
{
	return unlinkat(AT_FDCWD, name, 0);
}
