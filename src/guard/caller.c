/*
 * The caller holds the connections to the exchange and the key of the guard's account, and nothing else: it frames
 * TLS, HTTP and events, and passes on to the reader what an event says, as it says it. Where each line goes on
 * scribe tells it, who has written down what came before. What the guard reports it brings there (caller_send.c).
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/command.h"
#include "base/log.h"
#include "codec/sse.h"
#include "crypto/tls.h"
#include "guard/caller_send.h"
#include "guard/exchange.h"
#include "guard/guard.h"
#include "net/follow.h"
#include "sys/clock.h"

enum {
	NICE = 10,
	TELL_MS = 10 * 1000,
	CONNECT_MS = 4000,         /* the parent waits while we do */
	SILENT_MS = 60 * 1000,     /* the exchange says something every 15 s */
	RETRY_LEAST_MS = 1000,     /* doubled each time … */
	RETRY_MOST_MS = 60 * 1000, /* … up to here */
	REFUSED_MS = 60 * 1000,    /* an account that may not read this will not soon */
	STEPS_MOST = 16,           /* of one line in one turn */
	EVENT_BYTES = BW_FOREIGN_DATA_BYTES,
	TARGET_BYTES = BW_URL_TARGET_MAX + 128,
};

/* An exchange that sends more is read as fast as this, and no faster. */
#define BURST_BYTES (INT64_C(8) * 1024 * 1024)
#define BYTES_A_MS INT64_C(1024)

struct line {
	const struct bw_url *url;
	const char *name;
	uint8_t number;
	bool goes; /* scribe has said from where */
	bool heard_ok;
	bool has_more; /* that no poll tells of: TLS holds it */
	unsigned tries;
	bool is_away;     /* that is logged */
	unsigned refused; /* the status that was last complained of */
	int64_t next_ms;  /* monotonic: when to call */
	int64_t heard_ms;
	int64_t budget; /* bytes it may still say now */
	int64_t budget_ms;
	char place[BW_FOREIGN_PLACE_BYTES + 1];
	struct bw_sse sse;
	struct bw_follow *follow; /* NULL: not connected */
};

struct caller {
	struct bw_seat *seat;
	struct bw_exchange exchange;
	struct bw_tls_context *tls;
	struct line lines[BW_FOREIGN_LINES_MAX];
	struct caller_send send;
};

static int64_t now_ms(void)
{
	return bw_clock_mono_us() / 1000;
}

/* ---- calling ------------------------------------------------------------------------------- */

/* Half to one and a half of it: a thousand guards must not come back in the same moment. */
static int64_t jitter(int64_t ms)
{
	uint32_t dice;

	bw_random(&dice, sizeof(dice));
	return ms / 2 + (int64_t)(dice % (uint64_t)(ms + 1));
}

static void hang_up(struct line *line, int64_t wait_ms)
{
	bw_follow_free(line->follow);
	line->follow = NULL;
	line->has_more = false;
	bw_sse_restart(&line->sse);
	line->next_ms = now_ms() + jitter(wait_ms);
}

static int64_t retry_ms(struct line *line)
{
	const int64_t ms = (int64_t)RETRY_LEAST_MS << (line->tries < 6 ? line->tries : 6);

	line->tries++;
	return ms < RETRY_MOST_MS ? ms : RETRY_MOST_MS;
}

static enum bw_err write_target(const struct line *line, char out[TARGET_BYTES])
{
	char since[BW_TIME_BYTES];
	int n;

	bw_time_format(bw_clock_now_us() - BW_FOREIGN_LASTS_US, since);
	/* who was here before says so in a header; else only what may still count */
	n = snprintf(out, TARGET_BYTES, "%sevents/?match%%5Btype%%5D=indicator,sighting%s%s", line->url->target,
		     line->place[0] == '\0' ? "&added_after=" : "", line->place[0] == '\0' ? since : "");
	return n > 0 && n <= BW_URL_TARGET_MAX ? BW_OK : BW_ERR_TOO_BIG;
}

static enum bw_err call(struct caller *caller, struct line *line, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf headers = BW_BUF_INIT(16 * BW_KIB);
	struct bw_url url = *line->url;
	char target[TARGET_BYTES];

	BW_TRY(write_target(line, target));
	memcpy(url.target, target, strlen(target) + 1);
	BW_TRY(bw_buf_reserve(&headers, headers.max - 1));
	BW_TRY(bw_buf_add_text(&headers, "Accept: text/event-stream\r\n"));
	if (line->place[0] != '\0')
		BW_TRY(bw_buf_addf(&headers, "Last-Event-ID: %s\r\n", line->place));
	BW_TRY(bw_buf_add(&headers, bw_buf_slice(&caller->exchange.header)));
	return bw_follow_open(&url, caller->tls, bw_buf_slice(&headers), CONNECT_MS, &line->follow, why);
}

static void try_to_call(struct caller *caller, struct line *line)
{
	struct bw_why why = { 0 };
	const enum bw_err err = call(caller, line, &why);

	line->heard_ms = now_ms();
	if (err == BW_OK)
		return;
	if (!line->is_away) /* once; that it works again is said, too */
		bw_log(BW_WARNING, "the exchange cannot be reached; it is tried again",
		       BW_TEXT("collection", line->name),
		       BW_TEXT("why", why.text[0] != '\0' ? why.text : bw_err_text(err)));
	line->is_away = true;
	hang_up(line, retry_ms(line));
}

/* ---- listening -------------------------------------------------------------------------------- */

struct hearing {
	struct caller *caller;
	struct line *line;
};

/* It goes into a header and a file. */
static bool is_place(struct bw_slice id)
{
	for (size_t i = 0; i < id.len; i++) {
		if (id.ptr[i] <= 0x20 || id.ptr[i] >= 0x7f)
			return false;
	}
	return id.len > 0 && id.len <= BW_FOREIGN_PLACE_BYTES;
}

/* The reader is behind, or away: the event is asked for again from its place. */
static enum bw_err pass_on(struct caller *caller, struct line *line, const struct bw_sse_event *event)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	struct bw_channel *reader = bw_seat_peer(caller->seat, "reader", 0);
	const struct bw_foreign_told told = { .line = line->number, .place = event->id, .data = event->data };

	BW_NEED(reader != NULL && !bw_channel_has_ended(reader), CLOSED);
	BW_NEED(is_place(event->id), PROTOCOL);
	BW_TRY(bw_foreign_told_add(&body, &told, true));
	BW_NEED(bw_channel_put(reader, BW_FOREIGN_TOLD, bw_buf_slice(&body), -1) == BW_OK, BUSY);
	memcpy(line->place, event->id.ptr, event->id.len);
	line->place[event->id.len] = '\0';
	return BW_OK;
}

static enum bw_err on_event(void *ctx, const struct bw_sse_event *event)
{
	struct hearing *hearing = ctx;

	if (bw_slice_is(event->name, "objects"))
		return pass_on(hearing->caller, hearing->line, event);
	if (bw_slice_is(event->name, "large")) /* a block list in one object: a guard has no use for it */
		bw_log(BW_INFO, "a large indicator was passed over", BW_TEXT("collection", hearing->line->name));
	return BW_OK;
}

static void welcome(struct line *line, unsigned status)
{
	line->heard_ok = status == 200;
	if (status == 200 && (line->is_away || line->refused != 0))
		bw_log(BW_NOTICE, "the exchange is heard again", BW_TEXT("collection", line->name));
	if (status == 200) {
		line->tries = 0;
		line->is_away = false;
		line->refused = 0;
	} else if (status != line->refused) {
		line->refused = status;
		bw_log(BW_ERROR, "the exchange refuses the guard; it is tried again", BW_TEXT("collection", line->name),
		       BW_NUM("status", status));
	}
}

static enum bw_err on_body(void *ctx, const struct bw_http_response *answer, struct bw_slice body)
{
	struct hearing *hearing = ctx;
	struct line *line = hearing->line;

	if (!line->heard_ok || body.len == 0)
		welcome(line, answer->status);
	BW_NEED(line->heard_ok, DENIED);
	line->budget -= (int64_t)body.len;
	return bw_sse_take(&line->sse, body, on_event, hearing);
}

static void hear(struct caller *caller, struct line *line)
{
	struct hearing hearing = { caller, line };
	struct bw_why why = { 0 };
	enum bw_err err = BW_OK;

	for (size_t i = 0; i < STEPS_MOST && err == BW_OK && line->budget > 0; i++) {
		err = bw_follow_step(line->follow, on_body, &hearing, &why);
		if (err == BW_OK)
			line->heard_ms = now_ms();
	}
	line->has_more = err == BW_OK;
	if (err == BW_OK || err == BW_ERR_AGAIN)
		return;
	line->heard_ok = false;
	if (err != BW_ERR_CLOSED && err != BW_ERR_DENIED)
		bw_log(BW_WARNING, "what the exchange says makes no sense", BW_TEXT("collection", line->name),
		       BW_TEXT("why", why.text[0] != '\0' ? why.text : bw_err_text(err)));
	hang_up(line, err == BW_ERR_DENIED ? REFUSED_MS : retry_ms(line));
}

static void refill(struct line *line, int64_t now)
{
	line->budget += (now - line->budget_ms) * BYTES_A_MS;
	line->budget_ms = now;
	if (line->budget > BURST_BYTES)
		line->budget = BURST_BYTES;
}

/* ---- scribe's word ---------------------------------------------------------------------------- */

static enum bw_err take_go(struct caller *caller, const struct bw_frame *frame)
{
	struct bw_foreign_told told;
	struct line *line;

	BW_NEED(frame->kind == BW_FOREIGN_GO, PROTOCOL);
	BW_TRY(bw_foreign_told_parse(frame->body, false, &told));
	BW_NEED(told.line < caller->exchange.count, PROTOCOL);
	line = &caller->lines[told.line];
	hang_up(line, line->goes ? RETRY_LEAST_MS : 0);
	line->goes = true;
	memcpy(line->place, told.place.ptr, told.place.len);
	line->place[told.place.len] = '\0';
	return BW_OK;
}

static enum bw_err take_word(struct caller *caller, const struct bw_frame *frame, int fd)
{
	if (frame->kind == BW_FOREIGN_SEND)
		return caller_send_take(&caller->send, caller->seat, &caller->exchange, caller->tls, frame->body, fd);
	return take_go(caller, frame);
}

static void hear_scribe(struct caller *caller)
{
	struct bw_channel *scribe = bw_seat_peer(caller->seat, "scribe", 0);
	struct bw_frame frame;
	enum bw_err err = scribe == NULL ? BW_ERR_CLOSED : bw_channel_fill(scribe);

	while (err == BW_OK || err == BW_ERR_AGAIN) {
		int fd = -1;

		err = bw_channel_next(scribe, &frame, &fd);
		if (err == BW_ERR_AGAIN)
			return;
		if (err == BW_OK)
			err = take_word(caller, &frame, fd);
		if (fd >= 0)
			(void)close(fd);
	}
	if (err == BW_ERR_CLOSED)
		return;
	bw_log(BW_ERROR, "a worker made no sense", BW_TEXT("worker", "scribe"), BW_TEXT("why", bw_err_text(err)));
	bw_err_drop(bw_seat_renew(caller->seat, "scribe", 0)); /* without a parent the next turn ends us */
}

/* False when it is time to go. */
static bool hear_parent(struct caller *caller)
{
	struct bw_seat_event event;

	for (;;) {
		if (bw_seat_next(caller->seat, &event) != BW_OK || event.kind == BW_SEAT_STOP)
			return false;
		if (event.kind == BW_SEAT_NOTHING)
			return true;
		if (event.kind == BW_SEAT_PEER)
			bw_channel_free(event.old); /* scribe hears of a new reader as well, and says where to go on */
		else if (event.kind == BW_SEAT_MESSAGE && event.fd >= 0)
			(void)close(event.fd);
	}
}

/* ---- the loop ------------------------------------------------------------------------------------ */

enum { AT_PARENT, AT_SCRIBE, AT_READER, AT_SEND, AT_LINES, AT_END = AT_LINES + BW_FOREIGN_LINES_MAX };

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* What to wait for, and until when at most. */
static int64_t wish_line(struct line *line, bool may_read, int64_t now, struct pollfd *out)
{
	*out = (struct pollfd){ .fd = -1 };
	refill(line, now);
	if (!line->goes)
		return INT64_MAX;
	if (line->follow == NULL)
		return line->next_ms;
	if (!may_read)
		return INT64_MAX;
	if (line->budget <= 0)
		return now + 1 - line->budget / BYTES_A_MS;
	if (line->has_more)
		return now;
	out->fd = bw_follow_fd(line->follow);
	out->events = (short)(POLLIN | (bw_follow_wants_write(line->follow) ? POLLOUT : 0));
	return line->heard_ms + SILENT_MS;
}

static struct pollfd wish_channel(struct bw_channel *channel)
{
	if (channel == NULL || bw_channel_has_ended(channel)) /* a new one comes from the parent */
		return (struct pollfd){ .fd = -1 };
	return (struct pollfd){ .fd = bw_channel_fd(channel),
				.events = (short)(POLLIN | (bw_channel_has_output(channel) ? POLLOUT : 0)) };
}

/* What a line waits for has come, or is due. TLS may hold bytes that no poll tells of, so reading goes until AGAIN. */
static void serve_line(struct caller *caller, struct line *line, bool is_ready, int64_t now)
{
	if (!line->goes)
		return; /* scribe has not said from where */
	if (line->follow == NULL && now >= line->next_ms)
		try_to_call(caller, line);
	else if (line->follow != NULL && (is_ready || line->has_more) && line->budget > 0)
		hear(caller, line);
	else if (line->follow != NULL && now - line->heard_ms > SILENT_MS)
		hang_up(line, retry_ms(line));
}

/* The reader says nothing; what it is sent, and that it is gone, is all there is. */
static void serve_reader(struct caller *caller, struct bw_channel *reader)
{
	struct bw_frame frame;

	if (reader == NULL || bw_channel_has_ended(reader))
		return;
	if (bw_channel_has_output(reader))
		bw_err_drop(bw_channel_flush(reader)); /* its end is heard below, or by the parent */
	if (bw_channel_fill(reader) != BW_OK)
		return;
	if (bw_channel_next(reader, &frame, NULL) != BW_ERR_AGAIN) {
		bw_log(BW_ERROR, "a worker made no sense", BW_TEXT("worker", "reader"));
		bw_err_drop(bw_seat_renew(caller->seat, "reader", 0)); /* without a parent the next turn ends us */
	}
}

static bool turn(struct caller *caller)
{
	struct bw_channel *reader = bw_seat_peer(caller->seat, "reader", 0);
	const bool may_read = reader != NULL && !bw_channel_has_ended(reader) && bw_channel_has_room(reader);
	struct pollfd fds[AT_END];
	int64_t until = INT64_MAX;
	int64_t now = now_ms();
	int wait_ms;

	fds[AT_PARENT] = (struct pollfd){ .fd = bw_seat_fd(caller->seat), .events = POLLIN };
	fds[AT_SCRIBE] = wish_channel(bw_seat_peer(caller->seat, "scribe", 0));
	fds[AT_READER] = wish_channel(reader);
	until = sooner(until, caller_send_wish(&caller->send, &fds[AT_SEND]));
	for (size_t i = 0; i < caller->exchange.count; i++)
		until = sooner(until, wish_line(&caller->lines[i], may_read, now, &fds[AT_LINES + i]));
	wait_ms = until == INT64_MAX ? -1 : until <= now ? 0 : (int)sooner(until - now, SILENT_MS);
	if (poll(fds, AT_LINES + (nfds_t)caller->exchange.count, wait_ms) < 0)
		return errno == EINTR;
	now = now_ms();
	caller_send_turn(&caller->send, caller->seat, fds[AT_SEND].revents != 0, now);
	if ((fds[AT_SCRIBE].revents & POLLOUT) != 0)
		bw_err_drop(bw_channel_flush(bw_seat_peer(caller->seat, "scribe", 0))); /* reading tells */
	if (fds[AT_SCRIBE].revents != 0)
		hear_scribe(caller);
	for (size_t i = 0; i < caller->exchange.count; i++)
		serve_line(caller, &caller->lines[i], fds[AT_LINES + i].revents != 0, now);
	serve_reader(caller, reader);
	return fds[AT_PARENT].revents == 0 || hear_parent(caller);
}

/* ---- start and end ------------------------------------------------------------------------------- */

/* The parent's first word: lines and key. */
static enum bw_err wait_for_exchange(struct caller *caller)
{
	struct bw_seat_event event;

	for (;;) {
		BW_TRY(bw_seat_wait(caller->seat, TELL_MS, &event));
		BW_NEED(event.kind != BW_SEAT_STOP, CLOSED);
		if (event.kind == BW_SEAT_PEER)
			bw_channel_free(event.old);
		if (event.kind == BW_SEAT_MESSAGE && event.message.kind == BW_TELL_EXCHANGE)
			return bw_exchange_parse(event.message.body, &caller->exchange);
	}
}

static enum bw_err make_tls(struct caller *caller, struct bw_why *why)
{
	const struct bw_tls_client_options options = {
		.ca_pem = bw_buf_slice(&caller->exchange.ca),
		.pin = caller->exchange.has_pin ? caller->exchange.pin : NULL,
	};

	bool is_wanted = caller->exchange.reports && caller->exchange.report_to.tls;

	for (size_t i = 0; i < caller->exchange.count; i++)
		is_wanted = is_wanted || caller->exchange.urls[i].tls;
	return is_wanted ? bw_tls_client_new(&options, &caller->tls, why) : BW_OK;
}

static enum bw_err begin(struct caller *caller, bool require_sandbox, struct bw_why *why)
{
	/* what the resolver of names reads */
	static const char *const read_also[] = { "/etc/hosts",    "/etc/resolv.conf", "/etc/nsswitch.conf",
						 "/etc/gai.conf", "/etc/host.conf",   NULL };
	const struct bw_sandbox_paths paths = { .read_also = read_also };

	BW_TRY(wait_for_exchange(caller));
	BW_TRY(make_tls(caller, why));
	for (size_t i = 0; i < caller->exchange.count; i++) {
		struct line *line = &caller->lines[i];

		line->url = &caller->exchange.urls[i];
		line->name = caller->exchange.names[i];
		line->number = (uint8_t)i;
		line->budget = BURST_BYTES;
		line->budget_ms = now_ms();
		bw_sse_init(&line->sse, EVENT_BYTES);
	}
	BW_TRY(bw_seat_confine(caller->seat, &paths, require_sandbox, why));
	return bw_seat_ready(caller->seat);
}

static void end(struct caller *caller)
{
	for (size_t i = 0; i < BW_FOREIGN_LINES_MAX; i++) {
		bw_follow_free(caller->lines[i].follow);
		bw_sse_release(&caller->lines[i].sse);
	}
	caller_send_release(&caller->send);
	bw_tls_context_free(caller->tls);
	bw_exchange_release(&caller->exchange);
}

int bw_caller_run(struct bw_seat *seat)
{
	static struct caller caller;
	const struct bw_guard *guard = bw_guard_of(seat);
	struct bw_why why = { 0 };
	enum bw_err err;

	caller.seat = seat;
	signal(SIGPIPE, SIG_IGN);
	(void)setpriority(PRIO_PROCESS, 0, NICE);
	err = bw_why_doing(&why, begin(&caller, guard->require_sandbox, &why), "begin");
	if (err != BW_OK)
		bw_log(BW_ERROR, "caller ends", BW_TEXT("why", why.text));
	while (err == BW_OK && turn(&caller))
		continue;
	end(&caller);
	return err == BW_OK ? BW_EXIT_OK : BW_EXIT_FAILED;
}
