#include "sys/channel.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/clock.h"

enum {
	READ_STEP = 64 * 1024,
	IN_MAX = BW_FRAME_HEAD_BYTES + BW_FRAME_BODY_MAX + READ_STEP,
	EAT_FROM = 256 * 1024, /* sent bytes are dropped from the queue's front in steps of this */
};

/* A descriptor and the stream offset of the frame it goes with. */
struct waiting_fd {
	uint64_t at;
	int fd;
};

struct channel_fds {
	struct waiting_fd ring[BW_CHANNEL_FDS_MAX];
	size_t first;
	size_t count;
};

struct bw_channel {
	int fd;
	bool broken;
	bool ended; /* the other side is gone */
	bool given_up;
	bool is_secret;
	struct bw_buf in;
	size_t in_at; /* bytes of `in` already handed out as frames */
	struct channel_fds in_fds;
	struct bw_buf out;
	size_t out_at;     /* bytes of `out` already sent */
	uint64_t out_base; /* stream offset of out.ptr[0] */
	struct channel_fds out_fds;
};

/* ---- descriptors waiting, oldest first ------------------------------------- */

static bool fds_add(struct channel_fds *fds, int fd, uint64_t at)
{
	if (fds->count == BW_CHANNEL_FDS_MAX)
		return false;
	fds->ring[(fds->first + fds->count) % BW_CHANNEL_FDS_MAX] = (struct waiting_fd){ at, fd };
	fds->count++;
	return true;
}

static const struct waiting_fd *fds_head(const struct channel_fds *fds)
{
	return fds->count == 0 ? NULL : &fds->ring[fds->first];
}

static int fds_take(struct channel_fds *fds)
{
	const int fd = fds->ring[fds->first].fd;

	assert(fds->count > 0);
	fds->first = (fds->first + 1) % BW_CHANNEL_FDS_MAX;
	fds->count--;
	return fd;
}

static void fds_close(struct channel_fds *fds)
{
	while (fds->count > 0) {
		const int fd = fds_take(fds);

		if (fd >= 0)
			(void)close(fd);
	}
}

/* ---- life ------------------------------------------------------------------ */

enum bw_err bw_channel_pair(int out_fds[2])
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0)
		return bw_err_from_errno(errno);
	out_fds[0] = fds[0];
	out_fds[1] = fds[1];
	return BW_OK;
}

static enum bw_err make_non_blocking(int fd)
{
	const int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return bw_err_from_errno(errno);
	if ((flags & O_NONBLOCK) == 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
		return bw_err_from_errno(errno);
	return BW_OK;
}

enum bw_err bw_channel_new(int fd, struct bw_channel **out)
{
	struct bw_channel *channel = calloc(1, sizeof(*channel));
	enum bw_err err = channel == NULL ? BW_ERR_MEMORY : make_non_blocking(fd);

	if (err != BW_OK) {
		free(channel);
		(void)close(fd);
		return err;
	}
	channel->fd = fd;
	channel->in = BW_BUF_INIT(IN_MAX);
	channel->out = BW_BUF_INIT(BW_CHANNEL_OUT_MAX + EAT_FROM);
	*out = channel;
	return BW_OK;
}

void bw_channel_free(struct bw_channel *channel)
{
	if (channel == NULL)
		return;
	fds_close(&channel->in_fds);
	fds_close(&channel->out_fds);
	if (channel->is_secret) {
		bw_buf_wipe(&channel->in);
		bw_buf_wipe(&channel->out);
	}
	bw_buf_release(&channel->in);
	bw_buf_release(&channel->out);
	(void)close(channel->fd);
	free(channel);
}

int bw_channel_fd(const struct bw_channel *channel)
{
	return channel->fd;
}

bool bw_channel_has_ended(const struct bw_channel *channel)
{
	return channel->ended || channel->given_up;
}

void bw_channel_give_up(struct bw_channel *channel)
{
	channel->given_up = true;
}

enum bw_err bw_channel_keep_secret(struct bw_channel *channel)
{
	channel->is_secret = true;
	/* room at once: a buffer that grows leaves copies where it was */
	BW_TRY(bw_buf_reserve(&channel->in, READ_STEP));
	return bw_buf_reserve(&channel->out, READ_STEP);
}

/* Drops bytes from the front of a buffer, and what is then left behind its end. */
static void eat(const struct bw_channel *channel, struct bw_buf *buf, size_t count)
{
	bw_buf_eat(buf, count);
	if (channel->is_secret && count > 0)
		explicit_bzero(buf->ptr + buf->len, count);
}

static enum bw_err broken(struct bw_channel *channel)
{
	channel->broken = true;
	return BW_ERR_PROTOCOL;
}

/* ---- out ------------------------------------------------------------------- */

bool bw_channel_has_output(const struct bw_channel *channel)
{
	return channel->out_at < channel->out.len;
}

bool bw_channel_has_room(const struct bw_channel *channel)
{
	return channel->out.len - channel->out_at <= BW_CHANNEL_OUT_MAX / 8 &&
	       channel->out_fds.count <= BW_CHANNEL_FDS_MAX / 2;
}

/* Keeps the queue's front short without moving bytes for every small frame. */
static void drop_sent(struct bw_channel *channel)
{
	if (channel->out_at == channel->out.len) {
		channel->out_base += channel->out.len;
		eat(channel, &channel->out, channel->out.len);
		channel->out_at = 0;
	} else if (channel->out_at >= EAT_FROM) {
		channel->out_base += channel->out_at;
		eat(channel, &channel->out, channel->out_at);
		channel->out_at = 0;
	}
}

static enum bw_err put_with_fd(struct bw_channel *channel, const struct bw_frame *frame, int pass_fd)
{
	const uint64_t at = channel->out_base + channel->out.len;
	enum bw_err err;
	int copy;

	BW_NEED(channel->out_fds.count < BW_CHANNEL_FDS_MAX, AGAIN);
	copy = fcntl(pass_fd, F_DUPFD_CLOEXEC, 3);
	if (copy < 0)
		return bw_err_from_errno(errno);
	err = bw_frame_add(&channel->out, frame);
	if (err != BW_OK) {
		(void)close(copy);
		return err;
	}
	(void)fds_add(&channel->out_fds, copy, at);
	return BW_OK;
}

enum bw_err bw_channel_put(struct bw_channel *channel, uint8_t kind, struct bw_slice body, int pass_fd)
{
	const struct bw_frame frame = { kind, pass_fd >= 0, body };

	BW_NEED(!channel->broken, PROTOCOL);
	BW_NEED(body.len <= BW_FRAME_BODY_MAX, TOO_BIG);
	BW_NEED(channel->out.len - channel->out_at + BW_FRAME_HEAD_BYTES + body.len <= BW_CHANNEL_OUT_MAX, AGAIN);
	if (pass_fd >= 0)
		return put_with_fd(channel, &frame, pass_fd);
	return bw_frame_add(&channel->out, &frame);
}

/*
 * One sendmsg: from out_at up to the next frame that has a descriptor, so that
 * a descriptor always goes with the first byte of its frame.
 */
static ssize_t send_some(struct bw_channel *channel)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	const struct waiting_fd *next = fds_head(&channel->out_fds);
	const uint64_t position = channel->out_base + channel->out_at;
	const bool with_fd = next != NULL && next->at == position;
	struct iovec part = { channel->out.ptr + channel->out_at, channel->out.len - channel->out_at };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t sent;

	if (with_fd) {
		struct cmsghdr *head;

		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		head = CMSG_FIRSTHDR(&message);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(head), &next->fd, sizeof(int));
		if (channel->out_fds.count > 1) {
			const size_t second = (channel->out_fds.first + 1) % BW_CHANNEL_FDS_MAX;

			part.iov_len = (size_t)(channel->out_fds.ring[second].at - position);
		}
	} else if (next != NULL) {
		part.iov_len = (size_t)(next->at - position);
	}
	sent = sendmsg(channel->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent > 0 && with_fd)
		(void)close(fds_take(&channel->out_fds));
	return sent;
}

enum bw_err bw_channel_flush(struct bw_channel *channel)
{
	BW_NEED(!channel->broken, PROTOCOL);
	while (bw_channel_has_output(channel)) {
		const ssize_t sent = send_some(channel);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0) {
			drop_sent(channel);
			return bw_err_from_errno(errno);
		}
		channel->out_at += (size_t)sent;
	}
	drop_sent(channel);
	return BW_OK;
}

/* ---- in -------------------------------------------------------------------- */

static enum bw_err keep_fds(struct bw_channel *channel, struct msghdr *message)
{
	enum bw_err err = BW_OK;
	bool came = false;

	for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head != NULL; head = CMSG_NXTHDR(message, head)) {
		size_t count;

		if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
			continue;
		count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		came = came || count > 0;
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(head) + i * sizeof(int), sizeof(int));
			if (!fds_add(&channel->in_fds, fd, 0)) {
				(void)close(fd);
				err = broken(channel);
			}
		}
	}
	/*
	 * The kernel dropped some. When none came at all, this process has no
	 * descriptor left: that is nobody's breach, and the frame comes without.
	 * Else more came than a frame may carry.
	 */
	if ((message->msg_flags & MSG_CTRUNC) != 0 && (came || !fds_add(&channel->in_fds, -1, 0)))
		err = broken(channel);
	return err;
}

static void drop_taken(struct bw_channel *channel)
{
	eat(channel, &channel->in, channel->in_at);
	channel->in_at = 0;
}

enum bw_err bw_channel_fill(struct bw_channel *channel)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec part;
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t got;

	BW_NEED(!channel->given_up, CLOSED);
	BW_NEED(!channel->broken, PROTOCOL);
	drop_taken(channel);
	/* a caller that fills without taking frames out meets the bound here */
	BW_NEED(channel->in.len <= IN_MAX - READ_STEP, TOO_BIG);
	BW_TRY(bw_buf_reserve(&channel->in, READ_STEP));
	part = (struct iovec){ channel->in.ptr + channel->in.len, READ_STEP };
	do {
		got = recvmsg(channel->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return bw_err_from_errno(errno);
	BW_TRY(keep_fds(channel, &message));
	channel->ended = got == 0;
	BW_NEED(got > 0, CLOSED);
	channel->in.len += (size_t)got;
	return BW_OK;
}

enum bw_err bw_channel_next(struct bw_channel *channel, struct bw_frame *out, int *out_fd)
{
	struct bw_frame frame;
	struct bw_cursor c;
	enum bw_err err;
	int fd = -1;

	BW_NEED(!channel->given_up, CLOSED);
	BW_NEED(!channel->broken, PROTOCOL);
	if (channel->is_secret)
		drop_taken(channel); /* the frame before this one is done with */
	c = bw_cursor_over(bw_slice_from(bw_buf_slice(&channel->in), channel->in_at));
	err = bw_frame_parse(&c, &frame);
	if (err == BW_ERR_TRUNCATED)
		return BW_ERR_AGAIN;
	if (err != BW_OK || (frame.has_fd && channel->in_fds.count == 0))
		return broken(channel);
	if (frame.has_fd)
		fd = fds_take(&channel->in_fds);
	channel->in_at += c.at;
	*out = frame;
	if (out_fd != NULL)
		*out_fd = fd;
	else if (fd >= 0)
		(void)close(fd);
	return BW_OK;
}

/* ---- blocking ---------------------------------------------------------------- */

static int64_t deadline_of(int timeout_ms)
{
	return timeout_ms < 0 ? -1 : bw_clock_mono_us() + (int64_t)timeout_ms * 1000;
}

static enum bw_err wait_for(struct bw_channel *channel, short events, int64_t deadline_us)
{
	struct pollfd wanted = { channel->fd, events, 0 };

	for (;;) {
		const int64_t left_us = deadline_us < 0 ? -1 : deadline_us - bw_clock_mono_us();
		int ready;

		BW_NEED(deadline_us < 0 || left_us > 0, TIMEOUT);
		ready = poll(&wanted, 1, deadline_us < 0 ? -1 : (int)((left_us + 999) / 1000));
		if (ready > 0)
			return BW_OK;
		if (ready < 0 && errno != EINTR)
			return bw_err_from_errno(errno);
	}
}

static enum bw_err flush_until(struct bw_channel *channel, int64_t deadline_us)
{
	for (;;) {
		const enum bw_err err = bw_channel_flush(channel);

		if (err != BW_ERR_AGAIN)
			return err;
		BW_TRY(wait_for(channel, POLLOUT, deadline_us));
	}
}

enum bw_err bw_channel_send(struct bw_channel *channel, uint8_t kind, struct bw_slice body, int pass_fd, int timeout_ms)
{
	const int64_t deadline_us = deadline_of(timeout_ms);
	enum bw_err err = bw_channel_put(channel, kind, body, pass_fd);

	if (err == BW_ERR_AGAIN) {
		BW_TRY(flush_until(channel, deadline_us));
		err = bw_channel_put(channel, kind, body, pass_fd);
	}
	BW_TRY(err);
	return flush_until(channel, deadline_us);
}

enum bw_err bw_channel_receive(struct bw_channel *channel, struct bw_frame *out, int *out_fd, int timeout_ms)
{
	const int64_t deadline_us = deadline_of(timeout_ms);

	for (;;) {
		enum bw_err err = bw_channel_next(channel, out, out_fd);

		if (err != BW_ERR_AGAIN)
			return err;
		err = bw_channel_fill(channel);
		if (err == BW_ERR_AGAIN)
			err = wait_for(channel, POLLIN, deadline_us);
		BW_TRY(err);
	}
}
