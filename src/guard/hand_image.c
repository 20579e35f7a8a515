/*
 * What program a process runs, asked as soon as it has destroyed one file: after the verdict there is nobody to ask.
 * The open executable goes to the witness, who keeps it for the report. Only this worker can ask: a process
 * behind Landlock rules may not look at one outside them.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "guard/hand_parts.h"
#include "guard/lineage_proc.h"
#include "guard/report_form.h"

enum { COMMAND_BYTES = 4096 };

static void add_command(const struct hand *hand, uint32_t pid, struct bw_buf *out)
{
	char name[32];
	ssize_t got = -1;
	int fd;

	(void)snprintf(name, sizeof(name), "%u/cmdline", pid);
	fd = openat(hand->proc, name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && bw_buf_reserve(out, COMMAND_BYTES) == BW_OK)
		got = read(fd, out->ptr, COMMAND_BYTES - 1);
	if (fd >= 0)
		(void)close(fd);
	out->len = got > 0 ? (size_t)got : 0;
	while (out->len > 0 && out->ptr[out->len - 1] == 0)
		out->len--;
	for (size_t i = 0; i < out->len; i++) {
		if (out->ptr[i] == 0)
			out->ptr[i] = ' ';
	}
}

static void add_path(const struct hand *hand, uint32_t pid, struct bw_buf *out)
{
	char name[32];
	ssize_t got;

	(void)snprintf(name, sizeof(name), "%u/exe", pid);
	if (bw_buf_reserve(out, BW_PATH_BYTES) != BW_OK)
		return;
	got = readlinkat(hand->proc, name, (char *)out->ptr, BW_PATH_BYTES);
	out->len = got > 0 ? (size_t)got : 0;
}

void hand_image(struct hand *hand, const struct bw_image *what)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf path = BW_BUF_INIT(BW_PATH_BYTES + 1);
	BW_CLEANUP(bw_buf_release) struct bw_buf command = BW_BUF_INIT(COMMAND_BYTES + 1);
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	struct bw_image image = *what;
	struct bw_process process;
	char name[32];
	int fd;

	(void)snprintf(name, sizeof(name), "%u/exe", what->pid);
	fd = openat(hand->proc, name, O_RDONLY | O_CLOEXEC | O_NOCTTY); /* first: there may be a millisecond left */
	if (fd < 0)
		return; /* it has ended, or is the kernel's own */
	add_path(hand, what->pid, &path);
	add_command(hand, what->pid, &command);
	image.path = bw_buf_slice(&path);
	image.command = bw_buf_slice(&command);
	/* read last: it is still that one, so everything above was its own */
	if (bw_process_read(hand->proc, what->pid, &process) == BW_OK &&
	    (what->start_ns == 0 || bw_process_same_start(process.start_ns, what->start_ns)) &&
	    bw_image_add(&body, &image) == BW_OK)
		hand_tell(hand, "witness", BW_REPORT_IMAGE, bw_buf_slice(&body), fd);
	(void)close(fd);
}
