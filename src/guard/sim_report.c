#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "guard/sim_parts.h"
#include "sys/files.h"

#define REPORT_MAGIC "BWSIMRP1"

uint64_t sim_now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
	return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static int open_report(const char *path, size_t bytes)
{
	/* a new file: an old report, or anything else of that name, is not written over */
	const int fd = path == NULL ? memfd_create("breakwater-sim", MFD_CLOEXEC)
				    : open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int status;

	if (fd < 0)
		return -1;
	status = posix_fallocate(fd, 0, (off_t)bytes);
	if (status != 0) {
		(void)close(fd);
		errno = status;
		return -1;
	}
	return fd;
}

enum bw_err sim_live_new(const char *path, size_t rows, uint64_t strain, struct sim_live *out, struct bw_why *why)
{
	const size_t bytes = sizeof(struct bw_sim_report_head) + rows * sizeof(struct bw_sim_times);
	const int fd = open_report(path, bytes);
	void *memory;

	if (fd < 0)
		return bw_why_errno(why, errno, "create", path == NULL ? "report" : path);
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (memory == MAP_FAILED)
		return bw_why_errno(why, errno, "map", path == NULL ? "report" : path);
	out->head = memory;
	out->times = (struct bw_sim_times *)(out->head + 1);
	out->bytes = bytes;
	*out->head = (struct bw_sim_report_head){ .rows = rows, .began_ns = sim_now_ns(), .strain = strain };
	memcpy(out->head->magic, REPORT_MAGIC, sizeof(out->head->magic));
	return BW_OK;
}

void sim_live_release(struct sim_live *live)
{
	if (live->head != NULL)
		(void)munmap(live->head, live->bytes);
	*live = (struct sim_live){ 0 };
}

static enum bw_err take_report(struct bw_slice bytes, struct bw_sim_report *out)
{
	struct bw_sim_report_head head;

	BW_NEED(bytes.len >= sizeof(head), CORRUPT);
	memcpy(&head, bytes.ptr, sizeof(head));
	BW_NEED(memcmp(head.magic, REPORT_MAGIC, sizeof(head.magic)) == 0, CORRUPT);
	BW_NEED(head.rows == (bytes.len - sizeof(head)) / sizeof(*out->times), CORRUPT);
	out->times = malloc(bytes.len - sizeof(head) + 1);
	BW_NEED(out->times != NULL, MEMORY);
	memcpy(out->times, bytes.ptr + sizeof(head), bytes.len - sizeof(head));
	out->head = head;
	return BW_OK;
}

enum bw_err bw_sim_report_read(const char *path, struct bw_sim_report *out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release)
	struct bw_buf bytes =
		BW_BUF_INIT(sizeof(struct bw_sim_report_head) + 2 * (size_t)BW_SIM_FILES_MAX * sizeof(*out->times));
	enum bw_err err;

	BW_TRY(bw_file_read(path, &bytes, why));
	err = take_report(bw_buf_slice(&bytes), out);
	return err == BW_OK ? BW_OK : bw_why_set(why, err, "'%s' is not a report: %s", path, bw_err_text(err));
}

void bw_sim_report_release(struct bw_sim_report *report)
{
	free(report->times);
	*report = (struct bw_sim_report){ 0 };
}

void bw_sim_report_tally(const struct bw_sim_report *report, struct bw_sim_tally *out)
{
	*out = (struct bw_sim_tally){ .left = report->head.left,
				      .failed = report->head.failed,
				      .impossible = report->head.impossible };
	for (uint64_t n = 0; n < report->head.rows; n++) {
		out->touched += report->times[n].began_ns != 0;
		out->finished += report->times[n].ended_ns != 0;
	}
}
