#include "accord/line.h"

#include <unistd.h>

#include "base/log.h"

static void want(struct bw_line *line)
{
	const unsigned wants = bw_channel_has_output(line->channel) ? BW_WATCH_READ | BW_WATCH_WRITE : BW_WATCH_READ;

	/* fails only for a closed fd, which the next read shows */
	bw_err_drop(bw_watch_set(line->watch, wants));
}

static void lose(struct bw_line *line)
{
	if (line->channel == NULL)
		return;
	bw_watch_free(line->watch);
	line->watch = NULL;
	line->channel = NULL; /* the seat tells when there is a new one */
	line->calls->lost(line->ctx);
}

void bw_line_break(struct bw_line *line)
{
	lose(line);
	if (bw_seat_renew(line->seat, line->peer, 0) != BW_OK)
		bw_log(BW_ERROR, "the parent does not listen", { 0 });
}

static enum bw_err take_frames(struct bw_line *line)
{
	enum bw_err err = BW_OK;

	while (err == BW_OK && line->channel != NULL) {
		struct bw_frame frame;
		int fd = -1;

		err = bw_channel_next(line->channel, &frame, &fd);
		if (err == BW_ERR_AGAIN)
			err = bw_channel_fill(line->channel);
		else if (err == BW_OK)
			err = frame.has_fd && fd < 0 ? BW_ERR_TOO_MANY : line->calls->take(line->ctx, &frame, fd);
		if (fd >= 0)
			(void)close(fd);
	}
	return err == BW_ERR_AGAIN ? BW_OK : err;
}

static void on_peer(void *ctx, int fd, unsigned ready)
{
	struct bw_line *line = ctx;
	enum bw_err err = BW_OK;

	(void)fd;
	if ((ready & BW_WATCH_WRITE) != 0)
		err = bw_channel_flush(line->channel);
	if (err == BW_OK || err == BW_ERR_AGAIN)
		err = take_frames(line);
	if (err == BW_OK && line->channel != NULL)
		want(line);
	if (err == BW_OK)
		return;
	if (err == BW_ERR_CLOSED) { /* it has ended, or has given us up and says so itself */
		lose(line);
		return;
	}
	bw_log(BW_ERROR, "a worker makes no sense", BW_TEXT("peer", line->peer), BW_TEXT("why", bw_err_text(err)));
	bw_line_break(line);
}

static enum bw_err join(struct bw_line *line, struct bw_channel *channel)
{
	lose(line);
	if (channel == NULL)
		return BW_OK;
	BW_TRY(bw_watch_new(line->loop, bw_channel_fd(channel), BW_WATCH_READ, on_peer, line, &line->watch));
	line->channel = channel;
	return BW_OK;
}

enum bw_err bw_line_put(struct bw_line *line, uint8_t kind, struct bw_slice body, int pass_fd)
{
	BW_NEED(line->channel != NULL, CLOSED);
	BW_TRY(bw_channel_put(line->channel, kind, body, pass_fd));
	/* a broken channel shows itself at the next read */
	bw_err_drop(bw_channel_flush(line->channel));
	want(line);
	return BW_OK;
}

/* ---- the parent ---------------------------------------------------------------- */

static enum bw_err take_event(struct bw_line *line, const struct bw_seat_event *event)
{
	switch (event->kind) {
	case BW_SEAT_MESSAGE:
		return line->calls->told(line->ctx, &event->message, event->fd);
	case BW_SEAT_PEER:
		if (strcmp(event->peer.name, line->peer) == 0)
			BW_TRY(join(line, event->now));
		bw_channel_free(event->old);
		return BW_OK;
	case BW_SEAT_STOP:
		line->calls->stop(line->ctx);
		return BW_OK;
	case BW_SEAT_NOTHING:
	case BW_SEAT_RELOAD:
		break;
	}
	return BW_OK;
}

static void on_seat(void *ctx, int fd, unsigned ready)
{
	struct bw_line *line = ctx;
	struct bw_seat_event event = { 0 };
	enum bw_err err = BW_OK;

	(void)fd;
	(void)ready;
	do {
		err = bw_seat_next(line->seat, &event);
		if (err != BW_OK)
			break;
		if (take_event(line, &event) != BW_OK)
			bw_log(BW_ERROR, "message of the parent not taken", BW_NUM("kind", event.message.kind));
		if (event.kind == BW_SEAT_MESSAGE && event.fd >= 0)
			(void)close(event.fd);
	} while (event.kind != BW_SEAT_NOTHING);
	if (err != BW_OK) /* the parent is gone, and we with it */
		bw_loop_stop(line->loop);
}

/* What came together with the message that was waited for lies in memory, where no descriptor tells of it. */
static void on_first(void *ctx)
{
	on_seat(ctx, -1, BW_WATCH_READ);
}

enum bw_err bw_line_wait_for(struct bw_line *line, uint8_t kind, int timeout_ms)
{
	for (;;) {
		struct bw_seat_event event = { 0 };
		enum bw_err err;

		BW_TRY(bw_seat_wait(line->seat, timeout_ms, &event));
		BW_NEED(event.kind != BW_SEAT_STOP, CLOSED);
		if (event.kind == BW_SEAT_PEER) { /* bw_line_open takes the channel from the seat */
			bw_channel_free(event.old);
			continue;
		}
		if (event.kind != BW_SEAT_MESSAGE)
			continue;
		err = line->calls->told(line->ctx, &event.message, event.fd);
		if (event.fd >= 0)
			(void)close(event.fd);
		BW_TRY(err);
		if (event.message.kind == kind)
			return BW_OK;
	}
}

enum bw_err bw_line_open(struct bw_line *line)
{
	BW_TRY(join(line, bw_seat_peer(line->seat, line->peer, 0)));
	BW_TRY(bw_timer_new(line->loop, on_first, line, &line->first));
	bw_timer_set(line->first, 0);
	return bw_watch_new(line->loop, bw_seat_fd(line->seat), BW_WATCH_READ, on_seat, line, &line->seat_watch);
}

void bw_line_close(struct bw_line *line)
{
	bw_watch_free(line->watch);
	bw_watch_free(line->seat_watch);
	bw_timer_free(line->first);
	line->first = NULL;
	line->watch = NULL;
	line->seat_watch = NULL;
	line->channel = NULL;
}
