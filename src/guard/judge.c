/*
 * judge: holds nothing, and thinks. It reads what watch saw, compares contents, books evidence and, when it
 * suffices, says who must be stopped. Whatever it is fed, it can only say so: it has no files, no sockets and no
 * right to signal anybody.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include "base/command.h"
#include "base/log.h"
#include "guard/judge_parts.h"
#include "sys/clock.h"

enum {
	PRIORITY = 5,       /* below watch, which must never wait for thinking */
	TURN_RECORDS = 256, /* of the ring, before the other workers are heard */
	ASKS_FOR_NAMES = 3, /* of Samba, while somebody is nameless: logging in takes its time */
	AGAIN_MOST = 64,    /* joins found late in one turn */
};

#define AGAIN_NS UINT64_C(20000000)

static const char *const peers[] = { "scribe", "keep", "hand", "sampler" };

/* ---- events ------------------------------------------------------------------------------------------ */

static bool is_restoring(const struct judge *judge, uint32_t pid)
{
	for (size_t i = 0; i < JUDGE_RESTORES_MAX && pid != 0; i++) {
		if (judge->restores[i] == pid)
			return true;
	}
	return false;
}

static void on_event(struct judge *judge, struct bw_slice bytes)
{
	struct bw_event_view view;
	struct bw_outcome outcome;
	uint64_t incident;
	bool is_evidence;

	if (bw_event_parse(bytes, &view) != BW_OK) {
		bw_log(BW_ERROR, "an event made no sense");
		return;
	}
	judge->now_ns = view.event.time_ns > judge->now_ns ? view.event.time_ns : judge->now_ns;
	judge->wall_us = view.event.wall_us;
	if (is_restoring(judge, view.event.pid))
		return;
	is_evidence = bw_score_event(judge->score, &view, &outcome);
	incident = bw_trace_event(judge->trace, &view, bw_score_left_good(judge->score));
	if (is_evidence)
		judge_outcome(judge, &outcome);
	if (incident != 0)
		judge_traced(judge, incident, view.event.time_ns);
	judge_foreign_event(judge, &view);
}

static void on_process(struct judge *judge, struct bw_slice bytes)
{
	struct bw_process_event event;
	uint64_t incident;

	if (bytes.len != sizeof(event)) {
		bw_log(BW_ERROR, "a process made no sense");
		return;
	}
	memcpy(&event, bytes.ptr, sizeof(event));
	event.comm[BW_COMM_BYTES - 1] = '\0';
	judge->now_ns = event.time_ns > judge->now_ns ? event.time_ns : judge->now_ns;
	incident = bw_actors_hear(judge->actors, &event);
	if (incident != 0)
		judge_stop_one(judge, &event, incident);
	if (event.act == BW_PROCESS_FORK && strncmp(event.comm, "smbd", 4) == 0) {
		judge_ask_peer(judge, bw_actors_find(judge->actors, event.pid, event.time_ns));
		judge_ask_samba(judge, ASKS_FOR_NAMES);
	}
}

static void look_again(struct judge *judge)
{
	struct bw_outcome outcome;

	for (size_t i = 0; i < AGAIN_MOST && bw_score_again(judge->score, judge->now_ns, &outcome); i++)
		judge_outcome(judge, &outcome);
}

static uint64_t mono_ns(void)
{
	return (uint64_t)bw_clock_mono_us() * 1000;
}

/* All that watch knew is judged: whoever is told of it hears this behind what came of it. */
static void on_settle(struct judge *judge, struct bw_slice bytes)
{
	struct bw_settle_word word;

	if (bytes.len != sizeof(word))
		return;
	memcpy(&word, bytes.ptr, sizeof(word));
	look_again(judge);
	judge_tell(judge, "keep", BW_RECORD_SETTLE, bw_slice_of(&word, sizeof(word)));
	judge_tell(judge, "scribe", BW_RECORD_SETTLE, bw_slice_of(&word, sizeof(word)));
}

/* True when more waits. */
static bool take_events(struct judge *judge)
{
	struct bw_ring_record record;
	enum bw_err err = BW_OK;

	for (size_t i = 0; i < TURN_RECORDS && (err = bw_ring_next(judge->guard->events, &record)) == BW_OK; i++) {
		if (record.kind == BW_RECORD_EVENT)
			on_event(judge, record.bytes);
		else if (record.kind == BW_RECORD_PROCESS)
			on_process(judge, record.bytes);
		else if (record.kind == BW_RECORD_SETTLE)
			on_settle(judge, record.bytes);
		bw_ring_done(judge->guard->events);
	}
	if (err == BW_ERR_PROTOCOL)
		bw_log(BW_ERROR, "the ring of events was broken, and emptied");
	return err == BW_OK;
}

/* ---- what others say ------------------------------------------------------------------------------------ */

static enum bw_err on_restore(struct judge *judge, struct bw_slice body)
{
	struct bw_restore_word word;

	BW_NEED(body.len == sizeof(word), PROTOCOL);
	memcpy(&word, body.ptr, sizeof(word));
	for (size_t i = 0; i < JUDGE_RESTORES_MAX; i++) {
		if (judge->restores[i] == (word.begins != 0 ? 0 : word.pid)) {
			judge->restores[i] = word.begins != 0 ? word.pid : 0;
			return BW_OK;
		}
	}
	return BW_OK;
}

static enum bw_err on_word(struct judge *judge, struct bw_slice body, bool is_approved)
{
	struct bw_incident_word word;

	BW_NEED(body.len == sizeof(word), PROTOCOL);
	memcpy(&word, body.ptr, sizeof(word));
	if (word.open == 0)
		judge_close(judge, word.incident, is_approved);
	return BW_OK;
}

/* Root's own drill: what it starts are actors of their own, and whoever started the drill is none of them. */
static enum bw_err on_drill(struct judge *judge, struct bw_slice body)
{
	struct bw_restore_word word;

	BW_NEED(body.len == sizeof(word), PROTOCOL);
	memcpy(&word, body.ptr, sizeof(word));
	bw_actors_stand_apart(judge->actors, bw_actors_find(judge->actors, word.pid, judge->now_ns));
	return BW_OK;
}

/* A restore waits: watch says when it has read all there is. */
static enum bw_err ask_settle(struct judge *judge, struct bw_slice body)
{
	struct bw_settle_word *word = bw_ring_room(judge->guard->stops, sizeof(*word));

	BW_NEED(body.len == sizeof(*word), PROTOCOL);
	if (word == NULL)
		return BW_OK; /* watch is that far behind: whoever waits asks again */
	memcpy(word, body.ptr, sizeof(*word));
	bw_ring_put(judge->guard->stops, BW_RECORD_SETTLE, sizeof(*word));
	return BW_OK;
}

static enum bw_err on_seen(struct judge *judge, struct bw_slice body)
{
	struct bw_second_answer answer;
	struct bw_outcome outcome;

	BW_TRY(bw_second_parse(body, &answer));
	if (bw_score_seen(judge->score, &answer, judge->now_ns, &outcome))
		judge_outcome(judge, &outcome);
	return BW_OK;
}

/*
 * Places of a large file: to count bytes is all there is to do, and whoever harms a file in a millisecond is not
 * waited for by another process.
 */
static enum bw_err on_places(struct judge *judge, const struct bw_frame *frame, int fd)
{
	BW_CLEANUP(bw_mapped_release) struct bw_mapped mapped = { 0 };
	struct bw_second_answer answer;
	struct bw_second_view view;
	struct bw_outcome outcome;

	BW_NEED(fd >= 0, PROTOCOL);
	BW_TRY(bw_mapped_open(fd, 2 * (size_t)BW_SECOND_PLACES_MAX * BW_PLACE_BYTES, &mapped));
	BW_TRY(bw_second_open(frame->body, mapped.bytes, &view));
	BW_NEED(view.is_parts, PROTOCOL);
	bw_second_compare(&view, &answer);
	if (bw_score_seen(judge->score, &answer, judge->now_ns, &outcome))
		judge_outcome(judge, &outcome);
	return BW_OK;
}

static enum bw_err take_frame(struct judge *judge, const char *peer, const struct bw_frame *frame, int fd)
{
	if (strcmp(peer, "hand") == 0 && frame->kind == BW_RECORD_SESSIONS)
		return judge_hear_sessions(judge, frame, fd);
	if (strcmp(peer, "hand") == 0 && frame->kind == BW_RECORD_PEER)
		return judge_hear_peer(judge, frame->body);
	if (strcmp(peer, "hand") == 0 && frame->kind == BW_RECORD_ACTED)
		return BW_OK;
	if (strcmp(peer, "sampler") == 0 && frame->kind == BW_RECORD_SEEN)
		return on_seen(judge, frame->body);
	if (strcmp(peer, "keep") == 0 && frame->kind == BW_RECORD_CONTENTS)
		return on_places(judge, frame, fd);
	if (strcmp(peer, "scribe") != 0)
		return BW_ERR_PROTOCOL;
	switch (frame->kind) {
	case BW_RECORD_RESTORE:
		return on_restore(judge, frame->body);
	case BW_RECORD_JOB:
		return judge_job(judge, frame->body, fd);
	case BW_RECORD_INCIDENT:
		return on_word(judge, frame->body, false);
	case BW_RECORD_LIFT:
		return on_word(judge, frame->body, true);
	case BW_RECORD_APPROVAL:
		return judge_approve(judge, frame->body);
	case BW_RECORD_DRILL:
		return on_drill(judge, frame->body);
	case BW_RECORD_SETTLE:
		return ask_settle(judge, frame->body);
	case BW_RECORD_FOREIGN:
		return judge_foreign_set(judge, frame->body, fd);
	default:
		return BW_ERR_PROTOCOL;
	}
}

static void hear_peer(struct judge *judge, const char *peer)
{
	struct bw_channel *channel = bw_seat_peer(judge->seat, peer, 0);
	struct bw_frame frame;
	enum bw_err err;
	int fd = -1;

	if (channel == NULL)
		return;
	err = bw_channel_fill(channel);
	while (err == BW_OK || err == BW_ERR_AGAIN) {
		err = bw_channel_next(channel, &frame, &fd);
		if (err == BW_ERR_AGAIN)
			break;
		if (err == BW_OK)
			err = take_frame(judge, peer, &frame, fd);
		if (fd >= 0)
			(void)close(fd);
		fd = -1;
	}
	if (err == BW_ERR_AGAIN && bw_channel_has_output(channel))
		err = bw_channel_flush(channel);
	if (err == BW_OK || err == BW_ERR_AGAIN || err == BW_ERR_CLOSED)
		return; /* one that ended is started again by the parent */
	bw_log(BW_ERROR, "a worker made no sense", BW_TEXT("worker", peer), BW_TEXT("why", bw_err_text(err)));
	bw_err_drop(bw_seat_renew(judge->seat, peer, 0)); /* without a parent the next turn ends us */
}

/* False when it is time to go. */
static bool hear_parent(struct judge *judge)
{
	struct bw_seat_event event;

	for (;;) {
		if (bw_seat_next(judge->seat, &event) != BW_OK || event.kind == BW_SEAT_STOP)
			return false;
		if (event.kind == BW_SEAT_NOTHING)
			return true;
		if (event.kind != BW_SEAT_PEER)
			continue;
		bw_channel_free(event.old);
		if (strcmp(event.peer.name, "scribe") == 0)
			judge_jobs_forget(judge);
		else if (strcmp(event.peer.name, "hand") == 0)
			judge_ask_peers(judge); /* what the old one was asked it may not have answered */
	}
}

/* ---- the loop ----------------------------------------------------------------------------------------------- */

static void want_peers(struct judge *judge, struct pollfd *out)
{
	for (size_t i = 0; i < BW_COUNT(peers); i++) {
		struct bw_channel *channel = bw_seat_peer(judge->seat, peers[i], 0);

		out[i] = (struct pollfd){ .fd = -1 };
		if (channel == NULL || bw_channel_has_ended(channel)) /* a new one comes from the parent */
			continue;
		out[i].fd = bw_channel_fd(channel);
		out[i].events = (short)(POLLIN | (bw_channel_has_output(channel) ? POLLOUT : 0));
	}
}

/* Whose first look said too little: keep lays both contents before the sampler, who tells us. */
static void ask_seconds(struct judge *judge)
{
	struct bw_second_ask ask;

	while (bw_score_wish(judge->score, judge->now_ns, &ask))
		judge_tell(judge, "keep", BW_RECORD_SECOND, bw_slice_of(&ask, sizeof(ask)));
}

static void turn(struct judge *judge, uint64_t *again_ns)
{
	judge_ask_samba_now(judge);
	ask_seconds(judge);
	if (judge->now_ns < *again_ns)
		return;
	look_again(judge);
	*again_ns = judge->now_ns + AGAIN_NS;
	atomic_store_explicit(&judge->board->actors, bw_actors_count(judge->actors), memory_order_relaxed);
}

static void work(struct judge *judge)
{
	struct pollfd wanted[2 + BW_COUNT(peers)];
	uint64_t again_ns = 0;

	for (;;) {
		const bool more = take_events(judge);
		bool waits;

		judge->now_ns = mono_ns() > judge->now_ns ? mono_ns() : judge->now_ns;
		turn(judge, &again_ns);
		waits = !more && bw_ring_may_sleep(judge->guard->events);
		wanted[0] = (struct pollfd){ bw_seat_fd(judge->seat), POLLIN, 0 };
		wanted[1] = (struct pollfd){ bw_ring_fd(judge->guard->events), POLLIN, 0 };
		want_peers(judge, wanted + 2);
		/* watch ticks every second, so nothing waits for longer */
		if (poll(wanted, BW_COUNT(wanted), waits ? -1 : 0) < 0 && errno != EINTR)
			return;
		if (waits)
			bw_ring_awake(judge->guard->events);
		judge->now_ns = mono_ns() > judge->now_ns ? mono_ns() : judge->now_ns; /* it may have slept */
		if (wanted[0].revents != 0 && !hear_parent(judge))
			return;
		for (size_t i = 0; i < BW_COUNT(peers); i++) {
			if (wanted[2 + i].revents != 0)
				hear_peer(judge, peers[i]);
		}
	}
}

static bool look(void *context, const struct bw_file_key *key, struct bw_index_file *out)
{
	const struct judge *judge = context;
	struct bw_index_file file;

	if (bw_index_by_key(judge->guard->index, key, &file) != BW_OK || file.content.format >= BW_FORMAT_COUNT ||
	    file.content.windows > BW_CONTENT_WINDOWS)
		return false;
	*out = file;
	return true;
}

static uint64_t slept_ns(uint64_t mono_ns)
{
	struct timespec boot = { 0 };
	uint64_t ns;

	(void)clock_gettime(CLOCK_BOOTTIME, &boot); /* exists on every Linux */
	ns = (uint64_t)boot.tv_sec * 1000000000u + (uint64_t)boot.tv_nsec;
	return ns > mono_ns ? ns - mono_ns : 0;
}

static enum bw_err begin(struct judge *judge, struct bw_seat *seat, struct bw_why *why)
{
	const struct sched_param priority = { .sched_priority = PRIORITY };
	const struct bw_sandbox_paths paths = { 0 };

	judge->seat = seat;
	judge->guard = bw_seat_shared(seat);
	judge->board = (struct bw_guard_board *)(void *)judge->guard->board->ptr;
	judge->bytes = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	judge->wall_us = bw_clock_now_us();
	judge->now_ns = mono_ns();
	BW_TRY(bw_actors_new((uint32_t)getppid(), &judge->actors));
	bw_actors_slept(judge->actors, slept_ns(judge->now_ns));
	BW_TRY(bw_score_new(judge->actors, look, judge, &judge->score));
	BW_TRY(bw_trace_new(judge->actors, &judge->trace));
	if (sched_setscheduler(0, SCHED_FIFO, &priority) != 0)
		bw_log(BW_WARNING, "the judge gets no real-time priority: verdicts may come late");
	BW_TRY(bw_seat_confine(seat, &paths, judge->guard->require_sandbox, why));
	return bw_seat_ready(seat);
}

int bw_judge_run(struct bw_seat *seat)
{
	static struct judge judge; /* a megabyte, touched as it fills */
	struct bw_why why = { 0 };
	const enum bw_err err = bw_why_doing(&why, begin(&judge, seat, &why), "begin");

	if (err != BW_OK)
		bw_log(BW_ERROR, "judge ends", BW_TEXT("why", why.text));
	else
		work(&judge);
	judge_foreign_release(&judge);
	bw_trace_free(judge.trace);
	bw_score_free(judge.score);
	bw_actors_free(judge.actors);
	bw_buf_release(&judge.bytes);
	return err == BW_OK ? BW_EXIT_OK : BW_EXIT_FAILED;
}
