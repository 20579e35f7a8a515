#include "guard/lineage_proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"

enum {
	KERNEL_THREAD = 0x00200000, /* PF_KTHREAD in field 9 */
	FIELD_STATE = 3,
	FIELD_PARENT = 4,
	FIELD_GROUP = 5,
	FIELD_SESSION = 6,
	FIELD_FLAGS = 9,
	FIELD_START = 22,
};

static enum bw_err take_number(struct bw_slice field, uint32_t *out)
{
	uint64_t number;

	if (field.len > 0 && field.ptr[0] == '-') { /* of a group or session outside our namespace */
		*out = 0;
		return BW_OK;
	}
	BW_TRY(bw_parse_u64(field, &number));
	return bw_to_u32(number, out);
}

static enum bw_err take_field(unsigned number, struct bw_slice field, struct bw_process *process)
{
	uint64_t value;
	uint32_t flags;

	switch (number) {
	case FIELD_STATE:
		process->alive = !bw_slice_is(field, "Z") && !bw_slice_is(field, "X");
		process->stopped = bw_slice_is(field, "T");
		return BW_OK;
	case FIELD_PARENT:
		return take_number(field, &process->parent);
	case FIELD_GROUP:
		return take_number(field, &process->group);
	case FIELD_SESSION:
		return take_number(field, &process->session);
	case FIELD_FLAGS:
		BW_TRY(take_number(field, &flags));
		process->kernel = (flags & KERNEL_THREAD) != 0;
		return BW_OK;
	case FIELD_START:
		BW_TRY(bw_parse_u64(field, &value));
		BW_NEED(value <= UINT64_MAX / BW_TICK_NS, OVERFLOW);
		process->start_ns = value * BW_TICK_NS;
		return BW_OK;
	default:
		return BW_OK;
	}
}

static enum bw_err take_name(struct bw_slice text, struct bw_process *process, struct bw_slice *out_rest)
{
	const uint8_t *last = memrchr(text.ptr, ')', text.len);
	struct bw_slice number = bw_slice_empty;
	struct bw_slice name = bw_slice_empty;

	BW_NEED(last != NULL && bw_slice_cut(text, ' ', &number, &name), SYNTAX);
	BW_TRY(take_number(number, &process->pid));
	BW_NEED(name.len > 0 && name.ptr[0] == '(' && last > name.ptr, SYNTAX);
	*out_rest = bw_slice_from(text, (size_t)(last - text.ptr) + 2);
	name = bw_slice_sub(name, 1, (size_t)(last - name.ptr) - 1);
	memcpy(process->comm, name.ptr, name.len < BW_COMM_BYTES ? name.len : BW_COMM_BYTES - 1);
	return BW_OK;
}

enum bw_err bw_process_parse_stat(struct bw_slice text, struct bw_process *out)
{
	struct bw_process process = { 0 };
	struct bw_slice rest;
	struct bw_slice field;

	BW_TRY(take_name(text, &process, &rest));
	for (unsigned number = FIELD_STATE; number <= FIELD_START; number++) {
		BW_NEED(bw_slice_cut(rest, ' ', &field, &rest), SYNTAX);
		BW_TRY(take_field(number, field, &process));
	}
	*out = process;
	return BW_OK;
}

static enum bw_err read_small(int proc, uint32_t pid, const char *what, char *out, size_t size, struct bw_slice *text)
{
	char path[64];
	ssize_t got;
	int fd;

	(void)snprintf(path, sizeof(path), "%u/%s", pid, what);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return bw_err_from_errno(errno);
	got = read(fd, out, size);
	(void)close(fd);
	if (got <= 0)
		return BW_ERR_NOT_FOUND; /* ESRCH: it ended between the two calls */
	*text = bw_slice_of(out, (size_t)got);
	return BW_OK;
}

enum bw_err bw_process_read(int proc, uint32_t pid, struct bw_process *out)
{
	char bytes[1024];
	struct bw_slice text = bw_slice_empty;

	BW_TRY(read_small(proc, pid, "stat", bytes, sizeof(bytes), &text));
	return bw_process_parse_stat(text, out);
}

static uint32_t real_user_in(struct bw_slice status)
{
	struct bw_slice line = bw_slice_empty;
	struct bw_slice number = bw_slice_empty;
	uint32_t uid = 0;

	while (bw_slice_cut(status, '\n', &line, &status)) {
		if (!bw_slice_starts(line, BW_LIT("Uid:\t")))
			continue;
		if (bw_slice_cut(bw_slice_from(line, 5), '\t', &number, &line) && take_number(number, &uid) == BW_OK)
			return uid;
	}
	return 0;
}

/* "0::/system.slice/ssh.service": the number of that folder is the id of the cgroup. */
static uint64_t cgroup_in(struct bw_slice text)
{
	char path[1024];
	struct bw_slice line = bw_slice_empty;
	struct stat status;

	while (bw_slice_cut(text, '\n', &line, &text)) {
		if (!bw_slice_starts(line, BW_LIT("0::/")))
			continue;
		(void)snprintf(path, sizeof(path), "/sys/fs/cgroup%.*s", BW_ARG(bw_slice_from(line, 3)));
		return stat(path, &status) == 0 ? status.st_ino : 0;
	}
	return 0;
}

void bw_process_read_more(int proc, struct bw_process *process)
{
	char bytes[4096];
	struct bw_slice text = bw_slice_empty;

	if (read_small(proc, process->pid, "status", bytes, sizeof(bytes), &text) == BW_OK)
		process->uid = real_user_in(text);
	if (read_small(proc, process->pid, "cgroup", bytes, sizeof(bytes), &text) == BW_OK)
		process->cgroup = cgroup_in(text);
}
