/*
 * watch: reads what the kernel says of files and processes, takes samples, sends signals. It alone sees every
 * event in time, so it does nothing that could make it late: SCHED_FIFO, no locks, no writes to disk, no waiting but
 * for the next event. Everything it reads comes from the kernel; contents it only passes on.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "guard/watch_parts.h"
#include "sys/clock.h"

enum {
	PRIORITY = 10,             /* above the judge's */
	BUFFER_BYTES = 256 * 1024, /* one read of fanotify: two thousand events */
	READS_MAX = 8,             /* of one group, before the other and the verdicts have their turn */
	FREE_WAKES = 16,           /* after quiet, before batches begin */
	URGENT_WAKES = 1024,       /* the same, while known files are removed: a wiper takes sixty in a batch's time */
	BATCH_MS = 2,              /* waking is the cost, not the event */
	TICK_MS = 1000,
	CHASE_MS = 1,
	LOOKS_FOR_VERDICT = 16, /* events between two looks at the ring of verdicts */
	WAKE_EVERY = 128,       /* new files: keep begins while the rest is read */
	PASSES_MAX = 64,
	SETTINGS_MEMORY = 8 * 1024 * 1024,
};

#define QUIET_NS UINT64_C(50000000)
#define NS_A_MS UINT64_C(1000000)
#define LOST_EVERY_NS UINT64_C(1000000000)

enum { FD_SEAT, FD_STOPS, FD_LINEAGE, FD_CHANGES, FD_NAMES, FD_COUNT };

uint64_t watch_now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- what is missing is said --------------------------------------------------------------------- */

void watch_lose(struct watch *w)
{
	atomic_fetch_add_explicit(&w->board->lost, 1, memory_order_relaxed);
	w->owes_lost = true;
}

/* At most once a second: a walk takes longer than that anyway, and sees what was lost meanwhile. */
static void tell_lost(struct watch *w)
{
	if (!w->owes_lost || w->now_ns - w->told_lost_ns < LOST_EVERY_NS)
		return;
	if (bw_ring_room(w->guard->work, 0) == NULL)
		return; /* keep is that far behind: when it has read on */
	bw_ring_put(w->guard->work, BW_RECORD_LOST, 0);
	bw_log(BW_WARNING, "events were lost: the trees are walked again");
	w->owes_lost = false;
	w->told_lost_ns = w->now_ns;
}

/* ---- processes ------------------------------------------------------------------------------------- */

void watch_hear(void *context, const struct bw_process_event *event)
{
	struct watch *w = context;
	void *room;

	bw_stopper_hear(w->stopper, event);
	room = bw_ring_room(w->guard->events, sizeof(*event));
	if (room == NULL) {
		watch_lose(w);
		return;
	}
	memcpy(room, event, sizeof(*event));
	bw_ring_put_quietly(w->guard->events, BW_RECORD_PROCESS, sizeof(*event)); /* no evidence: woken with the next */
	if (event->act == BW_PROCESS_FORK && strncmp(event->comm, "smbd", 4) == 0)
		bw_ring_wake(w->guard->events); /* but for a client of Samba: whom it serves is asked at once */
}

static void drain_processes(struct watch *w)
{
	bw_lineage_drain(w->lineage, watch_hear, w);
	atomic_store_explicit(&w->board->processes_known, bw_processes_alive(bw_lineage_processes(w->lineage)),
			      memory_order_relaxed);
}

/* ---- all that happened until now -------------------------------------------------------------------- */

static void hear_settle(struct watch *w, struct bw_slice bytes)
{
	struct bw_settle_word word;

	if (bytes.len != sizeof(word))
		return;
	memcpy(&word, bytes.ptr, sizeof(word));
	w->settle = word.number;
}

static bool put_settle(struct bw_ring *ring, uint64_t number)
{
	const struct bw_settle_word word = { number };
	void *room = bw_ring_room(ring, sizeof(word));

	if (room == NULL)
		return false;
	memcpy(room, &word, sizeof(word));
	bw_ring_put(ring, BW_RECORD_SETTLE, sizeof(word));
	return true;
}

/* `asked` was known before the last look at both groups: what it waits for lies in the rings. */
static void tell_settled(struct watch *w, uint64_t asked)
{
	if (asked == 0 || asked != w->settle || w->is_behind || w->owes_lost)
		return;
	if (put_settle(w->guard->work, asked) && put_settle(w->guard->events, asked)) /* else at the next turn */
		w->settle = 0;
}

/* ---- verdicts ---------------------------------------------------------------------------------------- */

static void obey(struct watch *w)
{
	struct bw_ring_record record;
	enum bw_err err;
	bool any = false;

	while ((err = bw_ring_next(w->guard->stops, &record)) == BW_OK) {
		if (record.kind == BW_RECORD_SETTLE) {
			hear_settle(w, record.bytes);
			bw_ring_done(w->guard->stops);
			continue;
		}
		if (record.kind != BW_RECORD_STOP || bw_stopper_obey(w->stopper, record.bytes) != BW_OK)
			bw_log(BW_ERROR, "a verdict could not be read");
		bw_ring_done(w->guard->stops);
		any = true;
	}
	if (err == BW_ERR_PROTOCOL)
		bw_log(BW_ERROR, "the ring of verdicts was broken, and emptied");
	for (unsigned pass = 0; any && pass < PASSES_MAX; pass++) {
		const bool found = bw_stopper_children(w->stopper);

		drain_processes(w);
		if (!found && pass > 0)
			return;
	}
}

/* ---- events ---------------------------------------------------------------------------------------------- */

static void take_batch(struct watch *w, struct bw_slice batch)
{
	struct bw_cursor c = bw_cursor_over(batch);
	struct bw_fan_event event;
	enum bw_err err;
	unsigned count = 0;

	while ((err = bw_fan_next(&c, &event)) == BW_OK) {
		watch_take(w, &event);
		if (++count % LOOKS_FOR_VERDICT == 0)
			obey(w);
		if (count % WAKE_EVERY == 0)
			bw_ring_wake(w->guard->work);
	}
	bw_ring_wake(w->guard->events);
	bw_ring_wake(w->guard->work);
	if (err != BW_ERR_AGAIN) {
		bw_log(BW_ERROR, "the kernel's records cannot be read", BW_TEXT("why", bw_err_text(err)));
		watch_lose(w);
	}
}

static void take_read(struct watch *w, struct bw_slice batch)
{
	w->now_ns = watch_now_ns();
	w->now_us = bw_clock_now_us();
	w->looked_up = 0;
	drain_processes(w); /* whoever wrote was born before he did */
	take_batch(w, batch);
}

/* True when there was anything. */
static bool drain_changes(struct watch *w, int changes)
{
	static _Alignas(8) uint8_t buffer[BUFFER_BYTES];
	bool any = false;

	for (unsigned i = 0; i < READS_MAX; i++) {
		const ssize_t got = read(changes, buffer, sizeof(buffer));

		if (got <= 0)
			return any;
		any = true;
		take_read(w, bw_slice_of(buffer, (size_t)got));
	}
	w->is_behind = true;
	return any;
}

/*
 * Closes come by the other group than writes. By the time a close can be read, the writes before it can be too, and
 * are told first: told after it they would be taken for those of a file that is still open, which waits for a minute.
 */
static bool drain_names(struct watch *w, int names, int changes)
{
	static _Alignas(8) uint8_t buffer[BUFFER_BYTES];
	bool any = drain_changes(w, changes);

	for (unsigned i = 0; i < READS_MAX; i++) {
		const ssize_t got = read(names, buffer, sizeof(buffer));

		if (got <= 0)
			return any;
		any = true;
		(void)drain_changes(w, changes);
		take_read(w, bw_slice_of(buffer, (size_t)got));
	}
	w->is_behind = true;
	return any;
}

/* ---- the loop ------------------------------------------------------------------------------------------------ */

static void tick(struct watch *w)
{
	struct bw_tick now = { .time_ns = w->now_ns, .wall_us = w->now_us };
	void *room;

	if (w->now_ns - w->last_tick_ns < (TICK_MS - 1) * NS_A_MS)
		return;
	w->last_tick_ns = w->now_ns;
	room = bw_ring_room(w->guard->events, sizeof(now));
	if (room != NULL) { /* else the judge has newer news than this waiting */
		memcpy(room, &now, sizeof(now));
		bw_ring_put(w->guard->events, BW_RECORD_TICK, sizeof(now));
	}
	bw_hot_tick(w->hot, w->now_ns);
}

/* Volumes that are new came before, each in a message of its own. */
static void reload(struct watch *w)
{
	struct bw_arena arena = BW_ARENA_INIT(SETTINGS_MEMORY);
	struct bw_guard_settings settings;
	struct bw_why why = { "" };
	const enum bw_err err = bw_guard_settings_reload(w->guard->data, &w->guard->settings, &arena, &settings, &why);

	if (err != BW_OK) {
		if (err != BW_ERR_CLOSED) /* the guard ends then, and its parent says so */
			bw_log(BW_ERROR, "the settings cannot be read again", BW_TEXT("why", why.text));
		bw_arena_release(&arena);
		return;
	}
	w->guard->settings = settings;
	bw_arena_release(&w->arena);
	w->arena = arena;
	bw_cover_forget(w->cover);
	bw_marks_reload(w->marks);
}

static void hear_message(struct watch *w, struct bw_seat_event *event)
{
	enum bw_err err = BW_ERR_PROTOCOL;

	if (event->message.kind == BW_GUARD_VOLUME)
		err = bw_guard_take_volume(w->guard, event->message.body, &event->fd);
	if (err != BW_OK)
		bw_log(BW_ERROR, "what the parent said was not understood", BW_TEXT("why", bw_err_text(err)));
	if (event->fd >= 0)
		(void)close(event->fd);
}

/* False: it is time to end. */
static bool hear_seat(struct watch *w)
{
	struct bw_seat_event event;

	for (;;) {
		if (bw_seat_next(w->seat, &event) != BW_OK || event.kind == BW_SEAT_STOP)
			return false;
		if (event.kind == BW_SEAT_NOTHING)
			return true;
		if (event.kind == BW_SEAT_RELOAD)
			reload(w);
		else if (event.kind == BW_SEAT_PEER)
			bw_channel_free(event.old);
		else if (event.kind == BW_SEAT_MESSAGE)
			hear_message(w, &event);
	}
}

static int most_ms(const struct watch *w)
{
	const int lineage_ms = bw_lineage_every_ms(w->lineage);

	if (bw_stopper_chases(w->stopper, watch_now_ns()))
		return CHASE_MS;
	return lineage_ms < TICK_MS ? lineage_ms : TICK_MS;
}

/* Waits for anything, or, while a batch gathers, for anything but names. */
static void wait_for(struct watch *w, struct pollfd fds[FD_COUNT], bool batch)
{
	const int most = most_ms(w);
	const bool may_sleep = bw_ring_may_sleep(w->guard->stops);
	int timeout = batch && BATCH_MS < most ? BATCH_MS : most;

	if (!may_sleep)
		timeout = 0;
	for (size_t i = 0; i < FD_COUNT; i++)
		fds[i].revents = 0;
	(void)poll(fds, batch ? FD_NAMES : FD_COUNT, timeout);
	if (may_sleep)
		bw_ring_awake(w->guard->stops);
}

static void loop(struct watch *w)
{
	struct pollfd fds[FD_COUNT] = {
		[FD_SEAT] = { bw_seat_fd(w->seat), POLLIN, 0 },
		[FD_STOPS] = { bw_ring_fd(w->guard->stops), POLLIN, 0 },
		[FD_LINEAGE] = { bw_lineage_fd(w->lineage), POLLIN, 0 },
		[FD_CHANGES] = { w->guard->ears.changes, POLLIN, 0 },
		[FD_NAMES] = { w->guard->ears.names, POLLIN, 0 },
	};
	bool batch = false;

	for (;;) {
		uint64_t asked;
		bool any;

		wait_for(w, fds, batch);
		w->now_ns = watch_now_ns();
		w->now_us = bw_clock_now_us();
		obey(w);
		if (fds[FD_SEAT].revents != 0 && !hear_seat(w))
			return;
		if (w->now_ns - w->last_event_ns > QUIET_NS)
			w->wakes = 0;
		asked = w->settle;
		w->is_behind = false;
		any = drain_names(w, fds[FD_NAMES].fd, fds[FD_CHANGES].fd);
		if (any)
			w->last_event_ns = w->now_ns;
		else
			drain_processes(w);
		batch = any && ++w->wakes > (w->is_urgent ? URGENT_WAKES : FREE_WAKES);
		w->is_urgent = false;
		tick(w);
		tell_lost(w);
		tell_settled(w, asked);
	}
}

/*
 * ---- life
 * ---------------------------------------------------------------------------------------------------------
 */

/* Also for the memory it may touch later; only what it touches is held. */
static void be_punctual(void)
{
	const struct sched_param priority = { .sched_priority = PRIORITY };

	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &priority) != 0)
		bw_log(BW_WARNING, "not allowed to be punctual: verdicts may come late on a busy machine");
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0)
		bw_log(BW_WARNING, "not allowed to stay in memory: verdicts may come late on a busy machine");
}

static enum bw_err open_writers(struct watch *w)
{
	struct bw_why why = { "" };
	const enum bw_err err = bw_writers_open(&w->writers, &why);

	if (err == BW_OK && !bw_writers_sees_all(w->writers))
		bw_log(BW_INFO, "who writes through a mapping is not seen", BW_TEXT("why", why.text));
	return err;
}

static enum bw_err open_all(struct watch *w, struct bw_why *why)
{
	BW_TRY(bw_lineage_open(&w->lineage, why));
	BW_TRY(bw_stopper_new(w->board, w->lineage, &w->stopper));
	BW_TRY(bw_marks_open(w->guard, &w->marks, why));
	BW_TRY(bw_cover_new(w->guard, &w->cover));
	BW_TRY(bw_hot_new(w->marks, &w->hot));
	BW_TRY(bw_spending_new(&w->spending));
	BW_TRY(open_writers(w));
	bw_log(BW_INFO, "processes are heard of by", BW_TEXT("means", bw_lineage_words(w->lineage)));
	be_punctual();
	BW_TRY(bw_seat_confine(w->seat, NULL, w->guard->require_sandbox, why));
	BW_TRY(bw_marks_start(w->marks));
	return BW_OK;
}

static void release(struct watch *w)
{
	if (w->marks != NULL)
		bw_marks_stop(w->marks);
	bw_marks_free(w->marks);
	bw_cover_free(w->cover);
	bw_hot_free(w->hot);
	bw_spending_free(w->spending);
	bw_stopper_free(w->stopper);
	bw_writers_free(w->writers);
	bw_lineage_free(w->lineage);
	bw_arena_release(&w->arena);
}

static void begin(struct watch *w)
{
	w->now_ns = watch_now_ns();
	w->now_us = bw_clock_now_us();
	w->forgot_us = w->now_us; /* what was closed without a name before that is unheard of */
	bw_lineage_scan(w->lineage, watch_hear, w);
	if (atomic_load(&w->board->events) > 0)
		watch_lose(w); /* another watch was here and died: what came between is not known */
}

int bw_watch_run(struct bw_seat *seat)
{
	struct watch *w = calloc(1, sizeof(*w));
	struct bw_why why = { "" };
	enum bw_err err;

	if (w == NULL)
		return 1;
	w->seat = seat;
	w->guard = bw_guard_of(seat);
	w->board = (struct bw_guard_board *)(void *)w->guard->board->ptr; /* a page: aligned for anything */
	w->arena = BW_ARENA_INIT(SETTINGS_MEMORY);
	err = open_all(w, &why);
	if (err == BW_OK) {
		begin(w);
		err = bw_seat_ready(seat);
	}
	err = bw_why_doing(&why, err, "begin");
	if (err == BW_OK)
		loop(w);
	else
		bw_log(BW_ERROR, "watch cannot begin", BW_TEXT("why", why.text));
	release(w);
	free(w);
	return err == BW_OK ? 0 : 1;
}
