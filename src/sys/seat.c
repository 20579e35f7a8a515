#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/log.h"
#include "sys/clock.h"
#include "sys/worker_wire.h"

enum { BEGIN_TIMEOUT_MS = 30000, SEND_TIMEOUT_MS = 5000 };

struct bw_seat {
	const struct bw_crew_plan *plan;
	const struct bw_worker *worker;
	unsigned copy;
	struct bw_channel *control;
	struct bw_channel *peers[BW_CREW_WORKERS_MAX][BW_CREW_COPIES_MAX];
};

const char *bw_seat_name(const struct bw_seat *seat)
{
	return seat->worker->name;
}

unsigned bw_seat_copy(const struct bw_seat *seat)
{
	return seat->copy;
}

void *bw_seat_shared(const struct bw_seat *seat)
{
	return seat->plan->shared;
}

int bw_seat_fd(const struct bw_seat *seat)
{
	return bw_channel_fd(seat->control);
}

static bool find_row(const struct bw_seat *seat, const char *name, size_t *out)
{
	for (size_t row = 0; seat->plan->workers[row].name != NULL; row++) {
		if (strcmp(seat->plan->workers[row].name, name) == 0) {
			*out = row;
			return true;
		}
	}
	return false;
}

unsigned bw_seat_peers(const struct bw_seat *seat, const char *name)
{
	unsigned count = 0;
	size_t row;

	if (!find_row(seat, name, &row))
		return 0;
	for (unsigned copy = 0; copy < BW_CREW_COPIES_MAX; copy++)
		count += seat->peers[row][copy] != NULL;
	return count;
}

struct bw_channel *bw_seat_peer(const struct bw_seat *seat, const char *name, unsigned copy)
{
	size_t row;

	if (copy >= BW_CREW_COPIES_MAX || !find_row(seat, name, &row))
		return NULL;
	return seat->peers[row][copy];
}

static enum bw_err say(struct bw_seat *seat, enum control_kind control)
{
	return bw_channel_send(seat->control, (uint8_t)control, bw_slice_empty, -1, SEND_TIMEOUT_MS);
}

/* ---- what the parent says ------------------------------------------------- */

static enum bw_err set_peer(struct bw_seat *seat, struct bw_slice body, int fd, struct bw_seat_event *event)
{
	struct bw_cursor c = bw_cursor_over(body);
	uint8_t row;
	uint8_t copy;

	BW_TRY(bw_take_u8(&c, &row));
	BW_TRY(bw_take_u8(&c, &copy));
	BW_NEED(row < BW_CREW_WORKERS_MAX && copy < BW_CREW_COPIES_MAX, RANGE);
	BW_NEED(fd >= 0, MISSING);
	event->kind = BW_SEAT_PEER;
	event->peer = (struct bw_member){ seat->plan->workers[row].name, copy };
	BW_TRY(bw_channel_new(fd, &event->now));
	event->old = seat->peers[row][copy];
	seat->peers[row][copy] = event->now;
	return BW_OK;
}

static enum bw_err take_message(struct bw_slice body, int fd, struct bw_seat_event *event)
{
	struct bw_cursor c = bw_cursor_over(body);

	BW_TRY(bw_take_u8(&c, &event->message.kind));
	event->kind = BW_SEAT_MESSAGE;
	event->message.has_fd = fd >= 0;
	event->message.body = bw_slice_from(body, c.at);
	event->fd = fd;
	return BW_OK;
}

static enum bw_err take_control(struct bw_seat *seat, const struct bw_frame *frame, int fd, struct bw_seat_event *event)
{
	enum bw_err err = BW_OK;

	*event = (struct bw_seat_event){ .fd = -1 };
	switch ((enum control_kind)frame->kind) {
	case CONTROL_PEER:
		return set_peer(seat, frame->body, fd, event);
	case CONTROL_MESSAGE:
		return take_message(frame->body, fd, event);
	case CONTROL_RELOAD:
		event->kind = BW_SEAT_RELOAD;
		break;
	case CONTROL_STOP:
		event->kind = BW_SEAT_STOP;
		break;
	case CONTROL_BEGIN:
		break;
	case CONTROL_PING: /* answered before */
	case CONTROL_READY:
	case CONTROL_ASK:
	case CONTROL_RENEW:
	default:
		err = BW_ERR_PROTOCOL;
	}
	if (fd >= 0)
		(void)close(fd);
	return err;
}

static enum bw_err next_frame(struct bw_seat *seat, struct bw_frame *frame, int *out_fd)
{
	enum bw_err err = bw_channel_next(seat->control, frame, out_fd);

	if (err != BW_ERR_AGAIN)
		return err;
	BW_TRY(bw_channel_fill(seat->control));
	return bw_channel_next(seat->control, frame, out_fd);
}

/* That we hear at all is answered here, so that every worker that reads its seat is known to live. */
static enum bw_err next_but_pings(struct bw_seat *seat, struct bw_frame *frame, int *out_fd)
{
	for (;;) {
		BW_TRY(next_frame(seat, frame, out_fd));
		if (frame->kind != CONTROL_PING)
			return BW_OK;
		if (*out_fd >= 0)
			(void)close(*out_fd);
		BW_TRY(say(seat, CONTROL_PING));
	}
}

enum bw_err bw_seat_next(struct bw_seat *seat, struct bw_seat_event *out)
{
	struct bw_frame frame;
	enum bw_err err;
	int fd;

	err = next_but_pings(seat, &frame, &fd);
	if (err == BW_ERR_AGAIN) {
		*out = (struct bw_seat_event){ .kind = BW_SEAT_NOTHING, .fd = -1 };
		return BW_OK;
	}
	BW_TRY(err);
	return take_control(seat, &frame, fd, out);
}

enum bw_err bw_seat_wait(struct bw_seat *seat, int timeout_ms, struct bw_seat_event *out)
{
	const int64_t deadline_us = bw_clock_mono_us() + (int64_t)timeout_ms * 1000;

	for (;;) {
		struct pollfd wanted = { bw_seat_fd(seat), POLLIN, 0 };
		int64_t left_us;

		BW_TRY(bw_seat_next(seat, out));
		if (out->kind != BW_SEAT_NOTHING)
			return BW_OK;
		left_us = deadline_us - bw_clock_mono_us();
		BW_NEED(timeout_ms < 0 || left_us > 0, TIMEOUT);
		if (poll(&wanted, 1, timeout_ms < 0 ? -1 : (int)((left_us + 999) / 1000)) < 0 && errno != EINTR)
			return bw_err_from_errno(errno);
	}
}

/* ---- what the worker says --------------------------------------------------- */

enum bw_err bw_seat_renew(struct bw_seat *seat, const char *name, unsigned copy)
{
	uint8_t body[2];
	size_t row;

	BW_NEED(copy < BW_CREW_COPIES_MAX && find_row(seat, name, &row), NOT_FOUND);
	/* else it is heard, and complained of, again and again until the new one comes */
	if (seat->peers[row][copy] != NULL)
		bw_channel_give_up(seat->peers[row][copy]);
	body[0] = (uint8_t)row;
	body[1] = (uint8_t)copy;
	return bw_channel_send(seat->control, CONTROL_RENEW, bw_slice_of(body, sizeof(body)), -1, SEND_TIMEOUT_MS);
}

enum bw_err bw_control_put(struct bw_channel *channel, enum control_kind control, uint8_t kind, struct bw_slice body,
			   int pass_fd)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf whole = BW_BUF_INIT(BW_FRAME_BODY_MAX);

	BW_TRY(bw_buf_reserve(&whole, 1 + body.len)); /* keys travel here: one allocation, wiped */
	BW_TRY(bw_buf_add_u8(&whole, kind));
	BW_TRY(bw_buf_add(&whole, body));
	return bw_channel_put(channel, (uint8_t)control, bw_buf_slice(&whole), pass_fd);
}

enum bw_err bw_seat_ask(struct bw_seat *seat, uint8_t kind, struct bw_slice body, int pass_fd)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf whole = BW_BUF_INIT(BW_FRAME_BODY_MAX);

	BW_TRY(bw_buf_reserve(&whole, 1 + body.len));
	BW_TRY(bw_buf_add_u8(&whole, kind));
	BW_TRY(bw_buf_add(&whole, body));
	return bw_channel_send(seat->control, CONTROL_ASK, bw_buf_slice(&whole), pass_fd, SEND_TIMEOUT_MS);
}

enum bw_err bw_seat_confine(struct bw_seat *seat, const struct bw_sandbox_paths *paths, bool require,
			    struct bw_why *why)
{
	struct bw_sandbox_granted granted;
	struct bw_why refused = { 0 };
	const enum bw_err err = bw_sandbox_enter(seat->worker->promises, paths, &granted, &refused);

	if (err != BW_OK) {
		/* here, for every worker: which of the steps it was is what the operator needs */
		bw_log(BW_ERROR, "sandbox refused", BW_TEXT("why", refused.text));
		return bw_why_set(why, err, "%s", refused.text);
	}
	bw_log(granted.whole ? BW_DEBUG : BW_WARNING, "sandbox", BW_TEXT("granted", granted.words));
	if (require && !granted.whole)
		return bw_why_set(why, BW_ERR_SANDBOX, "this kernel does not grant the whole sandbox (%s)",
				  granted.words);
	return BW_OK;
}

enum bw_err bw_seat_ready(struct bw_seat *seat)
{
	return say(seat, CONTROL_READY);
}

/* ---- life ---------------------------------------------------------------------- */

static enum bw_err wait_for_begin(struct bw_seat *seat)
{
	for (;;) {
		struct bw_seat_event event;
		struct bw_frame frame;
		int fd;

		BW_TRY(bw_channel_receive(seat->control, &frame, &fd, BEGIN_TIMEOUT_MS));
		if (frame.kind == CONTROL_BEGIN)
			return BW_OK;
		BW_TRY(take_control(seat, &frame, fd, &event));
		/* before BEGIN only peers are told; the parent may also stop at once */
		BW_NEED(event.kind == BW_SEAT_PEER, CLOSED);
		bw_channel_free(event.old);
	}
}

/* The control channel stays open: its end, seen by the parent, is the end of the process. */
static void free_peers(struct bw_seat *seat)
{
	for (size_t row = 0; row < BW_CREW_WORKERS_MAX; row++)
		for (size_t copy = 0; copy < BW_CREW_COPIES_MAX; copy++)
			bw_channel_free(seat->peers[row][copy]);
}

int bw_seat_run(const struct bw_crew_plan *plan, size_t row, unsigned copy, int control_fd)
{
	static struct bw_seat seat; /* one a process */
	int status = 1;

	seat.plan = plan;
	seat.worker = &plan->workers[row];
	seat.copy = copy;
	if (bw_channel_new(control_fd, &seat.control) != BW_OK || bw_channel_keep_secret(seat.control) != BW_OK)
		return 1;
	if (wait_for_begin(&seat) == BW_OK)
		status = seat.worker->run(&seat);
	free_peers(&seat);
	return status;
}
