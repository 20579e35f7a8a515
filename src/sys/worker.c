#include "sys/worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "sys/clock.h"
#include "sys/crew.h"
#include "sys/service.h"

enum {
	STOP_MS = 10000,
	STARTS_BEFORE_GIVING_UP = 5, /* in a row, before the whole crew was ready once */
	STEADY_MS = 1000,            /* who ran this long after ready is started again at once */
};

static struct bw_member member_of(const struct bw_crew *crew, const struct seat_view *seat)
{
	return (struct bw_member){ crew_row_of(crew, seat)->name, seat->copy };
}

static unsigned copies_of(const struct bw_crew_plan *plan, size_t row)
{
	return plan->copies == NULL ? 1 : plan->copies[row];
}

/* ---- telling ------------------------------------------------------------------------ */

static void tell(struct seat_view *seat, enum control_kind control)
{
	if (bw_channel_put(seat->control, (uint8_t)control, bw_slice_empty, -1) != BW_OK)
		crew_give_up_on(seat);
	else
		crew_push(seat);
}

static struct seat_view *find_seat(struct bw_crew *crew, const struct bw_member *who)
{
	for (size_t i = 0; i < crew->count; i++) {
		struct seat_view *seat = &crew->seats[i];

		if (seat->copy == who->copy && strcmp(crew_row_of(crew, seat)->name, who->name) == 0)
			return seat;
	}
	return NULL;
}

enum bw_err bw_crew_tell(struct bw_crew *crew, const struct bw_member *who, uint8_t kind, struct bw_slice body,
			 int pass_fd)
{
	struct seat_view *seat = find_seat(crew, who);

	BW_NEED(seat != NULL && crew_is_up(seat), NOT_FOUND);
	BW_TRY(bw_control_put(seat->control, CONTROL_MESSAGE, kind, body, pass_fd));
	crew_push(seat);
	return BW_OK;
}

enum bw_err bw_crew_tell_all(struct bw_crew *crew, const char *name, uint8_t kind, struct bw_slice body, int pass_fd)
{
	for (size_t i = 0; i < crew->count; i++) {
		const struct bw_member who = member_of(crew, &crew->seats[i]);

		if (crew_is_up(&crew->seats[i]) && strcmp(who.name, name) == 0)
			BW_TRY(bw_crew_tell(crew, &who, kind, body, pass_fd));
	}
	return BW_OK;
}

static void begin_stop(struct bw_crew *crew)
{
	const int stop_ms = crew->plan->stop_ms > 0 ? crew->plan->stop_ms : STOP_MS;

	crew->stopping = true;
	crew->kill_at_us = bw_clock_mono_us() + (int64_t)stop_ms * 1000;
}

void bw_crew_stop(struct bw_crew *crew)
{
	const bool was_stopping = crew->stopping && crew->result != BW_ERR_AGAIN;

	if (!crew->stopping)
		begin_stop(crew);
	if (crew->result == BW_ERR_AGAIN)
		crew->result = BW_OK; /* not again, after all */
	if (!was_stopping)
		bw_service_notify("STOPPING=1");
}

void bw_crew_begin_again(struct bw_crew *crew)
{
	if (crew->stopping)
		return;
	begin_stop(crew);
	crew->result = BW_ERR_AGAIN;
}

/* ---- starting -------------------------------------------------------------------------- */

static enum bw_err fork_seat(struct bw_crew *crew, struct seat_view *seat)
{
	int fds[2] = { -1, -1 };
	pid_t pid;

	BW_TRY(bw_channel_pair(fds));
	(void)fflush(NULL); /* or the child would print it again */
	pid = fork();
	if (pid == 0)
		bw_child_run(&(struct bw_child){ crew->plan, seat->row, seat->copy, copies_of(crew->plan, seat->row),
						 fds[1], crew->self, crew->mask_before });
	(void)close(fds[1]);
	if (pid < 0) {
		(void)close(fds[0]);
		return BW_ERR_SYSTEM;
	}
	seat->pid = pid;
	seat->state = STARTING;
	seat->ready_us = 0;
	seat->asked_us = 0;
	seat->is_silent = false;
	seat->told_to_stop = false;
	/* keys go out through it, and whoever is forked later inherits this memory */
	if (bw_channel_new(fds[0], &seat->control) != BW_OK || bw_channel_keep_secret(seat->control) != BW_OK) {
		crew_give_up_on(seat);
		return BW_ERR_MEMORY;
	}
	return BW_OK;
}

static void begin(struct bw_crew *crew, struct seat_view *seat)
{
	const struct bw_member who = member_of(crew, seat);

	tell(seat, CONTROL_BEGIN);
	if (crew->plan->started != NULL && crew->plan->started(crew->plan->shared, crew, &who) != BW_OK)
		crew_give_up_on(seat);
}

static void start_again(struct bw_crew *crew, struct seat_view *seat)
{
	if (fork_seat(crew, seat) != BW_OK) {
		seat->failures++;
		seat->start_at_us = bw_clock_mono_us() + crew_backoff_us(seat->failures);
		return;
	}
	crew_join_again(crew, seat);
	begin(crew, seat);
}

static void start_due(struct bw_crew *crew)
{
	const int64_t now = bw_clock_mono_us();

	for (size_t i = 0; i < crew->count && !crew->stopping; i++)
		if (crew->seats[i].state == DOWN && crew->seats[i].start_at_us <= now)
			start_again(crew, &crew->seats[i]);
}

/* All are forked before any two are joined, so that run() finds every peer in place. */
static enum bw_err start_all(struct bw_crew *crew)
{
	for (size_t i = 0; i < crew->count; i++)
		BW_TRY(fork_seat(crew, &crew->seats[i]));
	crew_join_all(crew);
	for (size_t i = 0; i < crew->count; i++)
		begin(crew, &crew->seats[i]);
	return BW_OK;
}

/* ---- what workers say --------------------------------------------------------------------- */

static void count_ready(struct bw_crew *crew, struct seat_view *seat)
{
	seat->state = RUNNING;
	seat->ready_us = bw_clock_mono_us();
	if (crew->was_ready)
		return;
	for (size_t i = 0; i < crew->count; i++)
		if (crew->seats[i].state != RUNNING)
			return;
	crew->was_ready = true;
	if (crew->plan->ready != NULL)
		crew->plan->ready(crew->plan->shared, crew);
	bw_service_notify("READY=1");
}

static const struct bw_ask *find_ask(const struct bw_crew *crew, const char *from, uint8_t kind)
{
	if (crew->plan->asks == NULL)
		return NULL;
	for (const struct bw_ask *ask = crew->plan->asks; ask->from != NULL; ask++)
		if (ask->kind == kind && strcmp(ask->from, from) == 0)
			return ask;
	return NULL;
}

static enum bw_err answer(struct bw_crew *crew, struct seat_view *seat, struct bw_slice body, int fd)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf reply = BW_BUF_INIT(BW_FRAME_BODY_MAX - 1);
	const struct bw_member from = member_of(crew, seat);
	struct bw_cursor c = bw_cursor_over(body);
	const struct bw_ask *ask;
	int reply_fd = -1;
	uint8_t kind;
	enum bw_err err;

	BW_TRY(bw_take_u8(&c, &kind));
	ask = find_ask(crew, from.name, kind);
	BW_NEED(ask != NULL, DENIED);
	err = ask->answer(crew->plan->shared, &from, bw_slice_from(body, c.at), fd, &reply, &reply_fd);
	if (err == BW_OK)
		err = bw_control_put(seat->control, CONTROL_MESSAGE, kind, bw_buf_slice(&reply), reply_fd);
	if (reply_fd >= 0)
		(void)close(reply_fd);
	BW_TRY(err);
	crew_push(seat);
	return BW_OK;
}

static enum bw_err hear_frame(struct bw_crew *crew, struct seat_view *seat, const struct bw_frame *frame, int fd)
{
	enum bw_err err = BW_OK;

	if (frame->kind == CONTROL_ASK)
		err = answer(crew, seat, frame->body, fd);
	else if (frame->kind == CONTROL_READY && seat->state == STARTING)
		count_ready(crew, seat);
	else if (frame->kind == CONTROL_RENEW)
		err = crew_note_broken(crew, seat, frame->body);
	else if (frame->kind == CONTROL_PING)
		crew_note_alive(seat);
	else
		err = BW_ERR_PROTOCOL;
	if (fd >= 0)
		(void)close(fd);
	return err;
}

static void hear(struct bw_crew *crew, struct seat_view *seat)
{
	enum bw_err err = bw_channel_fill(seat->control);
	struct bw_frame frame;
	int fd;

	while (err == BW_OK) {
		err = bw_channel_next(seat->control, &frame, &fd);
		if (err == BW_OK)
			err = hear_frame(crew, seat, &frame, fd);
	}
	if (err == BW_ERR_AGAIN)
		return;
	/* CLOSED: it ended or is ending, and SIGCHLD tells how */
	if (err != BW_ERR_CLOSED)
		bw_log(BW_ERROR, "worker asked for what it may not", BW_TEXT("name", crew_row_of(crew, seat)->name),
		       BW_TEXT("reason", bw_err_text(err)));
	crew_give_up_on(seat);
}

/* ---- endings -------------------------------------------------------------------------------- */

static void fail_start(struct bw_crew *crew, const struct seat_view *seat)
{
	if (crew->result == BW_OK)
		crew->result = bw_why_set(crew->why, BW_ERR_SYSTEM, "worker '%s' could not start",
					  crew_row_of(crew, seat)->name);
	bw_crew_stop(crew);
	crew->hurry = true;
}

static void log_death(const struct bw_crew *crew, const struct seat_view *seat, int status)
{
	const char *name = crew_row_of(crew, seat)->name;

	if (WIFSIGNALED(status))
		bw_log(BW_ERROR, "worker died", BW_TEXT("name", name), BW_NUM("copy", seat->copy),
		       BW_NUM("signal", WTERMSIG(status)));
	else
		bw_log(BW_ERROR, "worker ended", BW_TEXT("name", name), BW_NUM("copy", seat->copy),
		       BW_NUM("status", WEXITSTATUS(status)));
}

static void bury(struct bw_crew *crew, struct seat_view *seat, int status)
{
	const int64_t now = bw_clock_mono_us();
	const bool was_steady = seat->ready_us != 0 && now - seat->ready_us >= INT64_C(1000) * STEADY_MS;

	bw_channel_free(seat->control);
	seat->control = NULL;
	seat->state = DOWN;
	seat->pid = 0;
	if (crew->stopping)
		return;
	log_death(crew, seat, status);
	seat->failures = was_steady ? 0 : seat->failures + 1;
	seat->start_at_us = was_steady ? now : now + crew_backoff_us(seat->failures - 1);
	/* who gives up by itself at first start has said why, and would say it again */
	if (!crew->was_ready && (WIFEXITED(status) || seat->failures >= STARTS_BEFORE_GIVING_UP))
		fail_start(crew, seat);
}

static void reap(struct bw_crew *crew)
{
	for (size_t i = 0; i < crew->count; i++) {
		struct seat_view *seat = &crew->seats[i];
		int status;

		if (seat->pid > 0 && waitpid(seat->pid, &status, WNOHANG) == seat->pid)
			bury(crew, seat, status);
	}
}

static bool anybody_up(const struct bw_crew *crew)
{
	for (size_t i = 0; i < crew->count; i++)
		if (crew->seats[i].pid > 0)
			return true;
	return false;
}

/* Rows stop one after the other: those that accept work before those that do it. */
static void go_on_stopping(struct bw_crew *crew)
{
	size_t row = SIZE_MAX;

	if (crew->hurry || bw_clock_mono_us() >= crew->kill_at_us) {
		for (size_t i = 0; i < crew->count; i++)
			crew_give_up_on(&crew->seats[i]);
		return;
	}
	for (size_t i = 0; i < crew->count; i++)
		if (crew_is_up(&crew->seats[i]) && crew->seats[i].row < row)
			row = crew->seats[i].row;
	for (size_t i = 0; i < crew->count; i++) {
		struct seat_view *seat = &crew->seats[i];

		if (seat->row == row && crew_is_up(seat) && !seat->told_to_stop) {
			seat->told_to_stop = true;
			tell(seat, CONTROL_STOP);
		}
	}
}

/* ---- signals and the loop --------------------------------------------------------------------- */

static void reload(struct bw_crew *crew)
{
	bw_service_notify_reloading();
	if (crew->plan->reload != NULL)
		crew->plan->reload(crew->plan->shared, crew);
	for (size_t i = 0; i < crew->count; i++)
		if (crew_is_up(&crew->seats[i]))
			tell(&crew->seats[i], CONTROL_RELOAD);
	bw_service_notify("READY=1");
}

static void take_signals(struct bw_crew *crew)
{
	struct signalfd_siginfo info;

	while (read(crew->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP && !crew->stopping)
			reload(crew);
		/* asked twice: somebody is in a hurry */
		if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) {
			crew->hurry = crew->stopping;
			bw_crew_stop(crew);
		}
	}
}

static int wait_ms(const struct bw_crew *crew)
{
	int64_t until = crew->stopping ? crew->kill_at_us : INT64_MAX;
	int64_t left;

	for (size_t i = 0; i < crew->count && !crew->stopping; i++)
		if (crew->seats[i].state == DOWN && crew->seats[i].start_at_us < until)
			until = crew->seats[i].start_at_us;
	if (!crew->stopping && crew_renew_at_us(crew) < until)
		until = crew_renew_at_us(crew);
	if (!crew->stopping && crew_look_at_us(crew) < until)
		until = crew_look_at_us(crew);
	if (until == INT64_MAX)
		return -1;
	left = (until - bw_clock_mono_us() + 999) / 1000;
	return left < 1 ? 1 : left > 60000 ? 60000 : (int)left;
}

static void wait_for_anything(struct bw_crew *crew)
{
	struct pollfd wanted[BW_CREW_SEATS_MAX + 1];
	struct seat_view *whose[BW_CREW_SEATS_MAX + 1] = { NULL };
	nfds_t count = 1;

	wanted[0] = (struct pollfd){ crew->signals, POLLIN, 0 };
	for (size_t i = 0; i < crew->count; i++) {
		struct seat_view *seat = &crew->seats[i];

		if (!crew_is_up(seat))
			continue;
		whose[count] = seat;
		wanted[count++] = (struct pollfd){ bw_channel_fd(seat->control),
						   bw_channel_has_output(seat->control) ? POLLIN | POLLOUT : POLLIN,
						   0 };
	}
	if (poll(wanted, count, wait_ms(crew)) <= 0)
		return;
	for (nfds_t i = 1; i < count; i++) {
		if ((wanted[i].revents & POLLOUT) != 0)
			crew_push(whose[i]);
		if ((wanted[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
			hear(crew, whose[i]);
	}
	if (wanted[0].revents != 0)
		take_signals(crew);
}

static enum bw_err seat_all(struct bw_crew *crew)
{
	for (size_t row = 0; crew->plan->workers[row].name != NULL; row++) {
		const unsigned copies = copies_of(crew->plan, row);

		BW_NEED(row < BW_CREW_WORKERS_MAX && copies <= BW_CREW_COPIES_MAX, TOO_MANY);
		for (unsigned copy = 0; copy < copies; copy++) {
			BW_NEED(crew->count < BW_CREW_SEATS_MAX, TOO_MANY);
			crew->seats[crew->count++] = (struct seat_view){ .row = row, .copy = copy };
		}
	}
	return BW_OK;
}

static enum bw_err open_signals(struct bw_crew *crew)
{
	sigset_t ours;

	(void)sigemptyset(&ours);
	(void)sigaddset(&ours, SIGTERM);
	(void)sigaddset(&ours, SIGINT);
	(void)sigaddset(&ours, SIGHUP);
	(void)sigaddset(&ours, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &ours, &crew->mask_before) != 0)
		return BW_ERR_SYSTEM;
	crew->signals = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
	return crew->signals < 0 ? BW_ERR_SYSTEM : BW_OK;
}

static void run_until_all_ended(struct bw_crew *crew)
{
	for (;;) {
		reap(crew);
		if (crew->stopping) {
			go_on_stopping(crew);
			if (!anybody_up(crew))
				return;
		} else {
			start_due(crew);
			crew_renew_due(crew);
			crew_look_alive(crew);
		}
		wait_for_anything(crew);
	}
}

enum bw_err bw_crew_run(const struct bw_crew_plan *plan, struct bw_why *why)
{
	static struct bw_crew crew; /* one a process; too big for a stack frame */
	enum bw_err err;

	crew = (struct bw_crew){ .plan = plan, .signals = -1, .self = getpid(), .why = why };
	err = seat_all(&crew);
	if (err == BW_OK)
		err = open_signals(&crew);
	if (err != BW_OK)
		return bw_why_set(why, err, "cannot start workers: %s", bw_err_text(err));
	err = start_all(&crew);
	if (err != BW_OK) {
		crew.result = bw_why_set(why, err, "cannot start workers: %s", bw_err_text(err));
		bw_crew_stop(&crew);
		crew.hurry = true;
	}
	run_until_all_ended(&crew);
	(void)close(crew.signals);
	(void)sigprocmask(SIG_SETMASK, &crew.mask_before, NULL);
	return crew.result;
}
