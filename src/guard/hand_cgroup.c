/*
 * A cgroup by its id, which is what the kernel's process events carry: cgroup v2 is kernfs, where the id is a file
 * handle (type 0xfe, eight bytes). So no path has to be searched, and none can be changed under us.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/num.h"
#include "guard/hand_parts.h"
#include "guard/lineage_proc.h"

enum { KERNFS_HANDLE = 0xfe, PROCS_BYTES = 1024 * 1024 };

static int open_hierarchy(char out_path[BW_PATH_BYTES])
{
	static const char *const places[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

	for (size_t i = 0; i < BW_COUNT(places); i++) {
		const int fd = open(places[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		struct statfs about;

		if (fd >= 0 && fstatfs(fd, &about) == 0 && about.f_type == CGROUP2_SUPER_MAGIC) {
			(void)snprintf(out_path, BW_PATH_BYTES, "%s", places[i]);
			return fd;
		}
		if (fd >= 0)
			(void)close(fd);
	}
	return -1;
}

static int open_by_id(int hierarchy, uint64_t id)
{
	union {
		struct file_handle handle;
		uint8_t room[sizeof(struct file_handle) + sizeof(id)];
	} what = { .handle = { .handle_bytes = sizeof(id), .handle_type = KERNFS_HANDLE } };

	memcpy(what.handle.f_handle, &id, sizeof(id));
	return open_by_handle_at(hierarchy, &what.handle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* "/system.slice/backup.service" of the descriptor. */
static enum bw_err path_below(int fd, const char *hierarchy, char out[BW_PATH_BYTES])
{
	const size_t base = strlen(hierarchy);
	char link[64];
	ssize_t len;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, out, BW_PATH_BYTES - 1);
	BW_NEED(len > 0 && len < BW_PATH_BYTES - 1, NOT_FOUND);
	out[len] = '\0';
	BW_NEED(strncmp(out, hierarchy, base) == 0, NOT_FOUND);
	memmove(out, out + base, (size_t)len - base + 1);
	return BW_OK;
}

static bool ends_with(const char *text, const char *end)
{
	const size_t len = strlen(text);
	const size_t end_len = strlen(end);

	return len > end_len && strcmp(text + len - end_len, end) == 0;
}

/* Whether some process in it must go on: ourselves, the first process, Samba's own. */
static enum bw_err has_needed(struct hand *hand, int cgroup, bool *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(PROCS_BYTES);
	const int fd = openat(cgroup, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	struct bw_slice rest;
	struct bw_slice line;
	enum bw_err err;

	BW_NEED(fd >= 0, NOT_FOUND);
	err = bw_file_read_fd(fd, "cgroup.procs", &text, NULL);
	(void)close(fd);
	BW_TRY(err);
	*out = false;
	for (rest = bw_buf_slice(&text); bw_slice_cut(rest, '\n', &line, &rest) && !*out;) {
		struct bw_process process;
		uint64_t pid;

		BW_TRY(bw_parse_u64(line, &pid));
		if (pid == (uint64_t)getpid() || pid == (uint64_t)getppid() || pid == 1)
			*out = true;
		else if (pid <= UINT32_MAX && bw_process_read(hand->proc, (uint32_t)pid, &process) == BW_OK)
			*out = strncmp(process.comm, "smbd", 4) == 0;
	}
	return BW_OK;
}

/* We may sit in a cgroup below it. */
static bool is_ours(const char *path)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(PROCS_BYTES);
	const size_t len = strlen(path);
	const char *line;

	if (bw_file_read("/proc/self/cgroup", &text, NULL) != BW_OK)
		return true; /* who cannot tell does not freeze */
	line = strstr(bw_buf_text(&text), "0::");
	return line != NULL && strncmp(line + 3, path, len) == 0 && (line[3 + len] == '/' || line[3 + len] == '\n');
}

static enum bw_err may_freeze(struct hand *hand, int cgroup, const char *path)
{
	bool needed = true;

	BW_NEED(ends_with(path, ".service") || ends_with(path, ".scope"), DENIED);
	BW_NEED(strcmp(path, "/init.scope") != 0 && !is_ours(path), DENIED);
	BW_TRY(has_needed(hand, cgroup, &needed));
	BW_NEED(!needed, DENIED);
	return BW_OK;
}

static enum bw_err write_state(int cgroup, bool frozen)
{
	const int fd = openat(cgroup, "cgroup.freeze", O_WRONLY | O_CLOEXEC);
	enum bw_err err;

	if (fd < 0)
		return bw_err_from_errno(errno);
	err = bw_fd_write(fd, frozen ? BW_LIT("1") : BW_LIT("0"));
	(void)close(fd);
	return err;
}

enum bw_err hand_cgroup_set(struct hand *hand, uint64_t id, bool frozen, char out_path[BW_PATH_BYTES])
{
	char place[BW_PATH_BYTES] = "";
	const int hierarchy = open_hierarchy(place);
	int cgroup;
	enum bw_err err;

	BW_NEED(hierarchy >= 0, NOT_FOUND);
	cgroup = open_by_id(hierarchy, id);
	(void)close(hierarchy);
	BW_NEED(cgroup >= 0, NOT_FOUND);
	err = path_below(cgroup, place, out_path);
	if (err == BW_OK && frozen)
		err = may_freeze(hand, cgroup, out_path);
	if (err == BW_OK)
		err = write_state(cgroup, frozen);
	(void)close(cgroup);
	return err;
}
