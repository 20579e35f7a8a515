#include "guard/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys/files.h"

enum { BACKLOG = 16, BOARD_MAX = 2 * (int)sizeof(struct bw_guard_board) + 65536 };

static void close_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

/* A socket's name has room for 107 bytes only; through the folder's own descriptor any data folder is short enough. */
static enum bw_err address_of(const char *data, int *out_folder, struct sockaddr_un *out)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char folder[BW_PATH_BYTES];

	BW_TRY(bw_path_join(folder, data, "guard"));
	*out_folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*out_folder < 0)
		return bw_err_from_errno(errno);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/socket", *out_folder);
	*out = address;
	return BW_OK;
}

enum bw_err bw_ask_open(const char *data, struct bw_channel **out)
{
	BW_CLEANUP(close_fd) int folder = -1;
	struct sockaddr_un address;
	int fd;

	BW_TRY(address_of(data, &folder, &address));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	BW_NEED(fd >= 0, SYSTEM);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
		const enum bw_err err = errno == ECONNREFUSED ? BW_ERR_NOT_FOUND : bw_err_from_errno(errno);

		(void)close(fd);
		return err;
	}
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	return bw_channel_new(fd, out);
}

enum bw_err bw_ask_listen(const char *data, int *out_fd, struct bw_why *why)
{
	BW_CLEANUP(close_fd) int folder = -1;
	struct bw_channel *other = NULL;
	struct sockaddr_un address;
	char path[BW_PATH_BYTES];
	int fd;

	BW_TRY(bw_path_join(path, data, BW_ASK_SOCKET));
	if (bw_ask_open(data, &other) == BW_OK) {
		bw_channel_free(other);
		return bw_why_set(why, BW_ERR_BUSY, "another guard answers at '%s'", path);
	}
	(void)unlink(path); /* of a scribe that was killed */
	BW_TRY(address_of(data, &folder, &address));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	BW_NEED(fd >= 0, SYSTEM);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 || chmod(path, 0600) != 0 ||
	    listen(fd, BACKLOG) != 0) {
		const int saved = errno;

		(void)close(fd);
		return bw_why_errno(why, saved, "listen at", path);
	}
	*out_fd = fd;
	return BW_OK;
}

/* One question and its answer. The body borrows from the channel until the next call. */
static enum bw_err ask_with(struct bw_channel *channel, uint8_t kind, struct bw_slice body, int pass_fd,
			    struct bw_slice *out_body, int *out_fd, struct bw_why *why)
{
	struct bw_frame frame;
	struct bw_cursor c;
	uint8_t result;

	*out_fd = -1;
	BW_TRY(bw_channel_send(channel, kind, body, pass_fd, BW_ASK_WAIT_MS));
	BW_TRY(bw_channel_receive(channel, &frame, out_fd, BW_ASK_WAIT_MS));
	c = bw_cursor_over(frame.body);
	BW_NEED(frame.kind == kind && bw_take_u8(&c, &result) == BW_OK, PROTOCOL);
	BW_NEED(result < BW_ERR_COUNT, PROTOCOL);
	*out_body = bw_slice_from(frame.body, 1);
	if (result == BW_OK)
		return BW_OK;
	return bw_why_set(why, (enum bw_err)result, "%.*s", BW_ARG(*out_body));
}

static enum bw_err ask(struct bw_channel *channel, uint8_t kind, struct bw_slice body, struct bw_slice *out_body,
		       int *out_fd, struct bw_why *why)
{
	return ask_with(channel, kind, body, -1, out_body, out_fd, why);
}

enum bw_err bw_ask_status(struct bw_channel *channel, struct bw_ask_status *out)
{
	BW_CLEANUP(close_fd) int fd = -1;
	struct bw_ask_status status = { 0 };
	struct bw_slice body;
	struct bw_cursor c;
	uint64_t started;
	uint8_t mode;

	BW_TRY(ask(channel, BW_ASK_STATUS, bw_slice_empty, &body, &fd, NULL));
	c = bw_cursor_over(body);
	BW_NEED(fd >= 0 && bw_take_u8(&c, &mode) == BW_OK && bw_take_be64(&c, &started) == BW_OK, PROTOCOL);
	BW_NEED(mode <= BW_MODE_ENFORCE, PROTOCOL);
	BW_TRY(bw_shared_open(fd, BOARD_MAX, &status.view));
	if (status.view.len < sizeof(*status.board)) { /* another version's */
		bw_shared_release(&status.view);
		return BW_ERR_VERSION;
	}
	status.mode = (enum bw_guard_mode)mode;
	status.started_us = (int64_t)started;
	status.board = (const struct bw_guard_board *)(const void *)status.view.ptr;
	*out = status;
	return BW_OK;
}

static enum bw_err ask_plain(struct bw_channel *channel, enum bw_ask_kind kind, struct bw_slice body,
			     struct bw_why *why)
{
	BW_CLEANUP(close_fd) int fd = -1;
	struct bw_slice answer;

	return ask(channel, (uint8_t)kind, body, &answer, &fd, why);
}

enum bw_err bw_ask_decision(struct bw_channel *channel, enum bw_ask_kind kind, uint64_t incident, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(8);

	BW_TRY(bw_buf_add_be64(&body, incident));
	return ask_plain(channel, kind, bw_buf_slice(&body), why);
}

enum bw_err bw_ask_approve(struct bw_channel *channel, enum bw_ask_kind kind, uint64_t incident,
			   const struct bw_approval *approvals, size_t count, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf one = BW_BUF_INIT(BW_APPROVAL_BYTES_MAX);

	BW_TRY(bw_buf_add_be64(&body, incident));
	for (size_t i = 0; i < count; i++) {
		bw_buf_clear(&one);
		BW_TRY(bw_approval_write(&approvals[i], &one));
		BW_TRY(bw_buf_add_block(&body, bw_buf_slice(&one)));
	}
	return ask_plain(channel, kind, bw_buf_slice(&body), why);
}

enum bw_err bw_ask_restore_ends(struct bw_channel *channel, uint64_t incident, bool close,
				const struct bw_ledger_restored *restored, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(9 + BW_LEDGER_RESTORED_BYTES);

	BW_TRY(bw_buf_add_be64(&body, incident));
	BW_TRY(bw_buf_add_u8(&body, close ? 1 : 0));
	BW_TRY(bw_ledger_restored_write(restored, &body));
	return ask_plain(channel, BW_ASK_RESTORE_ENDS, bw_buf_slice(&body), why);
}

enum bw_err bw_ask_reported(struct bw_channel *channel, uint64_t incident, uint8_t kind, struct bw_slice sentence,
			    struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(16 + BW_ASK_SENTENCE_BYTES);

	BW_TRY(bw_buf_add_be64(&body, incident));
	BW_TRY(bw_buf_add_u8(&body, kind));
	BW_TRY(bw_buf_add_block(&body, sentence));
	return ask_plain(channel, BW_ASK_REPORTED, bw_buf_slice(&body), why);
}

enum bw_err bw_ask_reload(const char *data)
{
	struct bw_channel *channel = NULL;
	enum bw_err err;

	BW_TRY(bw_ask_open(data, &channel));
	err = ask_plain(channel, BW_ASK_RELOAD, bw_slice_empty, NULL);
	bw_channel_free(channel);
	return err;
}

/* A worker that was started again meanwhile took the question with it: it is asked again. */
static enum bw_err ask_settle_once(const char *data)
{
	struct bw_channel *channel = NULL;
	enum bw_err err;

	BW_TRY(bw_ask_open(data, &channel));
	err = ask_plain(channel, BW_ASK_SETTLE, bw_slice_empty, NULL);
	bw_channel_free(channel);
	return err;
}

enum bw_err bw_ask_settle(const char *data)
{
	enum bw_err err = BW_ERR_TIMEOUT;

	for (int ms = 0; ms < BW_ASK_SETTLE_MS && err == BW_ERR_TIMEOUT; ms += BW_ASK_WAIT_MS)
		err = ask_settle_once(data);
	return err;
}

enum bw_err bw_ask_foreign(struct bw_channel *channel, enum bw_ask_kind kind, struct bw_slice peer, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_KIB);

	BW_TRY(bw_buf_add_block(&body, peer));
	return ask_plain(channel, kind, bw_buf_slice(&body), why);
}

enum bw_err bw_ask_job(struct bw_channel *channel, struct bw_slice note, struct bw_why *why)
{
	return ask_plain(channel, BW_ASK_JOB, note, why);
}

enum bw_err bw_ask_job_begins(struct bw_channel *channel, const char *name, uint64_t device, int folders,
			      struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_KIB);
	BW_CLEANUP(close_fd) int fd = -1;
	struct bw_slice answer;

	BW_TRY(bw_buf_add_be64(&body, device));
	BW_TRY(bw_buf_add_text(&body, name));
	return ask_with(channel, BW_ASK_JOB_BEGINS, bw_buf_slice(&body), folders, &answer, &fd, why);
}
