/*
 * The scribe writes down: what the judge decided and why, what the hand did, what people ordered. It is the
 * only writer of DATA/guard while the guard runs, and answers root's own commands (scribe_counter.c). It
 * holds no file of the protected trees.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/command.h"
#include "base/log.h"
#include "guard/hand_form.h"
#include "guard/scribe_parts.h"
#include "sys/clock.h"
#include "sys/files.h"

enum { MEMORY_BYTES = 1024 * 1024 * 1024 };

/* Who speaks with us; each has one channel at a time. */
static const char *const peers[] = { "judge", "keep", "hand", "reporter", "sealer", "caller", "reader", "witness" };

/* ---- writing down -------------------------------------------------------------------------- */

enum bw_err scribe_append(struct scribe *scribe, uint8_t kind, uint64_t incident, struct bw_slice body)
{
	const struct bw_ledger_record record = {
		.kind = kind, .wall_us = bw_clock_now_us(), .incident = incident, .body = body
	};
	enum bw_err err = bw_ledger_append(scribe->ledger, kind, incident, body);

	if (err == BW_OK) {
		scribe->is_dirty = true;
		err = bw_incidents_feed(&scribe->incidents, &record);
	}
	if (err == BW_OK)
		err = bw_job_book_feed(&scribe->jobs, &record);
	if (err == BW_OK)
		scribe_report_row(scribe, &record);
	if (err != BW_OK)
		bw_log(BW_ERROR, "the ledger could not be written", BW_TEXT("why", bw_err_text(err)),
		       BW_TEXT("kind", bw_ledger_kind_name(kind)), BW_NUM("incident", incident));
	return err;
}

enum bw_err scribe_sync(struct scribe *scribe)
{
	enum bw_err err;

	if (!scribe->is_dirty)
		return BW_OK;
	err = bw_ledger_sync(scribe->ledger);
	if (err != BW_OK)
		bw_log(BW_ERROR, "the ledger could not be brought to disk", BW_TEXT("why", bw_err_text(err)));
	else
		scribe->is_dirty = false;
	return err;
}

/* ---- peers ------------------------------------------------------------------------------------ */

void scribe_tell(struct scribe *scribe, const char *peer, uint8_t kind, struct bw_slice body)
{
	struct bw_channel *channel = bw_seat_peer(scribe->seat, peer, 0);
	enum bw_err err = BW_ERR_CLOSED;

	if (channel != NULL)
		err = bw_channel_put(channel, kind, body, -1);
	if (err == BW_OK)
		err = bw_channel_flush(channel);
	if (err != BW_OK && err != BW_ERR_AGAIN)
		bw_log(BW_WARNING, "a worker could not be told", BW_TEXT("to", peer), BW_NUM("what", kind));
}

void scribe_tell_restore(struct scribe *scribe, const char *peer, const struct scribe_guest *guest, bool begins)
{
	const struct bw_restore_word word = { .incident = guest->incident,
					      .pid = guest->pid,
					      .begins = begins ? 1 : 0 };

	scribe_tell(scribe, peer, BW_RECORD_RESTORE, bw_slice_of(&word, sizeof(word)));
}

/* An attack that nobody stops (observed, or by a thousand actors) must not fill the disk with proofs of itself. */
#define INCIDENT_BYTES (UINT64_C(128) * 1024 * 1024)

/*
 * Whether there is still room for more of the same about this incident. A verdict is always written down: the kind
 * stands in a record's sixth byte (guard/record.h), the rest of it is not looked at here.
 */
static bool has_room(const struct scribe *scribe, uint64_t incident, struct bw_slice record)
{
	enum { KIND_AT = 5 };
	const struct bw_incident *one = bw_incidents_find(&scribe->incidents, incident);

	return one == NULL || one->bytes < INCIDENT_BYTES ||
	       (record.len > KIND_AT && record.ptr[KIND_AT] == BW_RECORD_VERDICT);
}

/* The incident's number, and the judge's record (guard/record.h), which is for whoever explains. */
static enum bw_err take_evidence(struct scribe *scribe, struct bw_slice body)
{
	struct bw_cursor c = bw_cursor_over(body);
	uint64_t incident;

	BW_NEED(bw_take_be64(&c, &incident) == BW_OK, PROTOCOL);
	if (!has_room(scribe, incident, bw_slice_from(body, c.at)))
		return BW_OK;
	/* 0: something unusual, which is written down and of which nobody is told */
	bw_err_drop(scribe_append(scribe, BW_LEDGER_EVIDENCE, incident, bw_slice_from(body, c.at))); /* logged there */
	return BW_OK;
}

/* As the judge tells it: for the restore. */
static enum bw_err take_trace(struct scribe *scribe, struct bw_slice body)
{
	struct bw_cursor c = bw_cursor_over(body);
	uint64_t incident;

	BW_NEED(bw_take_be64(&c, &incident) == BW_OK && incident != 0, PROTOCOL);
	if (!has_room(scribe, incident, bw_slice_empty))
		return BW_OK;
	bw_err_drop(scribe_append(scribe, BW_LEDGER_TRACE, incident, bw_slice_from(body, c.at))); /* logged there */
	return BW_OK;
}

static enum bw_err take_acted(struct scribe *scribe, struct bw_slice body)
{
	struct bw_acted acted;

	BW_TRY(bw_acted_parse(body, &acted));
	bw_err_drop(scribe_append(scribe, BW_LEDGER_ACTED, acted.incident, body)); /* logged there */
	return BW_OK;
}

/* What keep has for people, of no incident. */
static enum bw_err take_notice(struct scribe *scribe, struct bw_slice body)
{
	struct bw_notice notice;

	BW_TRY(bw_notice_parse(body, &notice));
	BW_NEED(notice.incident == 0, PROTOCOL);
	scribe_tell(scribe, "hand", BW_RECORD_NOTICE, body);
	return BW_OK;
}

static enum bw_err take_frame(struct scribe *scribe, const char *peer, const struct bw_frame *frame, int fd)
{
	if (strcmp(peer, "judge") == 0 && frame->kind == BW_RECORD_RECORD)
		return take_evidence(scribe, frame->body);
	if (strcmp(peer, "judge") == 0 && frame->kind == BW_RECORD_TRACE)
		return take_trace(scribe, frame->body);
	if (strcmp(peer, "judge") == 0 && frame->kind == BW_RECORD_JOB)
		return scribe_job_passed(scribe, frame->body);
	if ((strcmp(peer, "judge") == 0 || strcmp(peer, "keep") == 0) && frame->kind == BW_RECORD_SETTLE)
		return scribe_settled(scribe, strcmp(peer, "judge") == 0, frame->body);
	if (strcmp(peer, "keep") == 0 && frame->kind == BW_RECORD_NOTICE)
		return take_notice(scribe, frame->body);
	if (strcmp(peer, "hand") == 0 && frame->kind == BW_RECORD_ACTED)
		return take_acted(scribe, frame->body);
	if (strcmp(peer, "hand") == 0 && frame->kind == BW_REPORT_SHARED)
		return scribe_shared(scribe, frame->body);
	if (strcmp(peer, "reporter") == 0 && frame->kind == BW_REPORT_COMPOSED)
		return scribe_composed(scribe, frame->body, fd);
	if (strcmp(peer, "sealer") == 0 && frame->kind == BW_REPORT_SIGNED)
		return scribe_signed(scribe, frame->body);
	if (strcmp(peer, "reader") == 0 && frame->kind == BW_FOREIGN_NEWS)
		return scribe_foreign_news(scribe, frame->body);
	if ((strcmp(peer, "reader") == 0 || strcmp(peer, "caller") == 0) && frame->kind == BW_FOREIGN_SENT)
		return scribe_sent(scribe, frame->body);
	if (strcmp(peer, "reader") == 0 && frame->kind == BW_FOREIGN_SEEN)
		return scribe_seen(scribe, frame->body);
	if (strcmp(peer, "witness") == 0 && frame->kind == BW_FOREIGN_OWNS)
		return scribe_foreign_owns(scribe, frame->body);
	if (strcmp(peer, "judge") == 0 && frame->kind == BW_RECORD_WARNED)
		return scribe_foreign_warned(scribe, frame->body);
	return BW_ERR_PROTOCOL;
}

/* False when nothing more comes from this channel: it stays readable until the parent has sent another. */
static bool hear_peer(struct scribe *scribe, const char *peer)
{
	struct bw_channel *channel = bw_seat_peer(scribe->seat, peer, 0);
	struct bw_frame frame;
	enum bw_err err;

	if (channel == NULL)
		return false;
	err = bw_channel_fill(channel);
	while (err == BW_OK || err == BW_ERR_AGAIN) {
		int fd = -1;

		err = bw_channel_next(channel, &frame, &fd);
		if (err == BW_ERR_AGAIN)
			return true;
		if (err == BW_OK)
			err = take_frame(scribe, peer, &frame, fd);
		if (fd >= 0)
			(void)close(fd);
	}
	if (err == BW_ERR_CLOSED)
		return false; /* it ended: the parent starts it again */
	bw_log(BW_ERROR, "a worker made no sense", BW_TEXT("worker", peer), BW_TEXT("why", bw_err_text(err)));
	bw_err_drop(bw_seat_renew(scribe->seat, peer, 0)); /* without a parent the next turn ends us */
	return false;
}

/* ---- the loop ----------------------------------------------------------------------------------- */

static void greet(struct scribe *scribe, const char *peer)
{
	for (size_t i = 0; i < SCRIBE_GUESTS_MAX; i++) {
		if (scribe->guests[i].channel != NULL && scribe->guests[i].restores)
			scribe_tell_restore(scribe, peer, &scribe->guests[i], true);
		if (scribe->guests[i].job.number != 0 && strcmp(peer, "judge") == 0)
			scribe_tell_job(scribe, &scribe->guests[i]);
	}
	if (strcmp(peer, "judge") == 0)
		scribe_tell_approvals(scribe);
}

/* False when it is time to go. */
static bool hear_parent(struct scribe *scribe)
{
	struct bw_seat_event event;

	for (;;) {
		if (bw_seat_next(scribe->seat, &event) != BW_OK || event.kind == BW_SEAT_STOP)
			return false;
		if (event.kind == BW_SEAT_NOTHING)
			return true;
		if (event.kind == BW_SEAT_PEER) {
			bw_channel_free(event.old);
			if (strcmp(event.peer.name, "judge") == 0 || strcmp(event.peer.name, "keep") == 0)
				greet(scribe, event.peer.name);
			scribe_report_renew(scribe, event.peer.name);
			scribe_foreign_renew(scribe, event.peer.name);
		} else if (event.kind == BW_SEAT_RELOAD) {
			scribe_look_at_jobs(scribe);
		} else if (event.kind == BW_SEAT_MESSAGE && event.fd >= 0) {
			(void)close(event.fd);
		}
	}
}

enum { AT_PARENT, AT_DOOR, AT_PEERS, AT_GUESTS = AT_PEERS + BW_COUNT(peers), AT_END = AT_GUESTS + SCRIBE_GUESTS_MAX };

static void want(struct pollfd *out, const struct bw_channel *channel)
{
	*out = (struct pollfd){ .fd = -1 };
	if (channel == NULL)
		return;
	out->fd = bw_channel_fd(channel);
	out->events = POLLIN;
	if (bw_channel_has_output(channel))
		out->events |= POLLOUT;
}

static void wish(const struct scribe *scribe, struct pollfd out[AT_END])
{
	out[AT_PARENT] = (struct pollfd){ .fd = bw_seat_fd(scribe->seat), .events = POLLIN };
	out[AT_DOOR] = (struct pollfd){ .fd = scribe->listening, .events = POLLIN };
	for (size_t i = 0; i < BW_COUNT(peers); i++)
		want(&out[AT_PEERS + i], bw_seat_peer(scribe->seat, peers[i], 0));
	for (size_t i = 0; i < SCRIBE_GUESTS_MAX; i++)
		want(&out[AT_GUESTS + i], scribe->guests[i].channel);
}

static bool is_heard(const struct pollfd *fd)
{
	return fd->fd >= 0 && (fd->revents & (POLLIN | POLLHUP | POLLERR)) != 0;
}

static void flush_guests(struct scribe *scribe)
{
	for (size_t i = 0; i < SCRIBE_GUESTS_MAX; i++) {
		struct scribe_guest *guest = &scribe->guests[i];
		enum bw_err err;

		if (guest->channel == NULL || !bw_channel_has_output(guest->channel))
			continue;
		err = bw_channel_flush(guest->channel);
		if (err != BW_OK && err != BW_ERR_AGAIN)
			scribe_part(scribe, guest);
	}
}

/* A channel whose other end died stays readable until the parent has said so. */
enum { GONE_WAIT_MS = 20 };

/* Whatever is due. Without the data folder nothing is written, lest half of one be made where it was. */
static int do_due(struct scribe *scribe)
{
	const int wait_ms = scribe_data_turn(scribe, -1);

	if (scribe->data_state != BW_DATA_HERE)
		return wait_ms;
	scribe_tell_away(scribe);
	return scribe_data_turn(scribe,
				scribe_foreign_turn(scribe, scribe_first_day(scribe, scribe_report_turn(scribe))));
}

static bool turn(struct scribe *scribe)
{
	const int wait_ms = do_due(scribe);
	struct pollfd fds[AT_END];
	bool gone = false;

	wish(scribe, fds);
	if (poll(fds, AT_END, wait_ms) < 0)
		return errno == EINTR;
	for (size_t i = 0; i < BW_COUNT(peers); i++) {
		if ((fds[AT_PEERS + i].revents & POLLOUT) != 0)
			bw_err_drop(bw_channel_flush(bw_seat_peer(scribe->seat, peers[i], 0))); /* reading tells */
		if (is_heard(&fds[AT_PEERS + i]) && !hear_peer(scribe, peers[i]))
			gone = true;
	}
	bw_err_drop(scribe_sync(scribe)); /* logged; evidence stays in the file, and the next one tries again */
	for (size_t i = 0; i < SCRIBE_GUESTS_MAX; i++) {
		if (is_heard(&fds[AT_GUESTS + i]) && scribe->guests[i].channel != NULL)
			scribe_serve(scribe, &scribe->guests[i]);
	}
	flush_guests(scribe);
	if (is_heard(&fds[AT_DOOR]))
		scribe_welcome(scribe);
	if (gone)
		(void)poll(fds, 1, GONE_WAIT_MS);
	return fds[AT_PARENT].revents == 0 || hear_parent(scribe);
}

/* ---- start and end -------------------------------------------------------------------------------- */

/*
 * bw_guard_of lets go of the board's descriptor; high, so that it closes none of ours when it frees what it never had.
 */
static int board_of(const struct bw_guard *guard)
{
	enum { HIGH = 64 };

	return fcntl(guard->board->fd, F_DUPFD_CLOEXEC, HIGH);
}

/* Whoever gets it can read it and no more. */
static enum bw_err weaken_board(struct scribe *scribe)
{
	const int writable = scribe->board;
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", writable);
	scribe->board = open(path, O_RDONLY | O_CLOEXEC);
	if (writable >= 0)
		(void)close(writable);
	return scribe->board >= 0 ? BW_OK : bw_err_from_errno(errno);
}

static enum bw_err load(struct scribe *scribe, struct bw_why *why)
{
	const char *mode = bw_guard_mode_name(scribe->guard->settings.mode);

	BW_TRY(bw_ledger_open(scribe->guard->data, &scribe->ledger, why));
	if (why->text[0] != '\0')
		bw_log(BW_WARNING, "the ledger was damaged", BW_TEXT("what", why->text));
	BW_TRY(bw_incidents_load(scribe->guard->data, &scribe->incidents, why));
	BW_TRY(bw_job_book_load(scribe->guard->data, &scribe->jobs, why));
	scribe_look_at_jobs(scribe);
	scribe_tell_approvals(scribe);
	BW_TRY(scribe_append(scribe, BW_LEDGER_STARTED, 0,
			     mode == NULL ? BW_LIT("the guard started") : bw_slice_text(mode)));
	return scribe_sync(scribe);
}

static enum bw_err begin(struct scribe *scribe, struct bw_why *why)
{
	struct bw_sandbox_paths paths = { .memory_bytes = MEMORY_BYTES };
	char folder[BW_PATH_BYTES];

	BW_TRY(weaken_board(scribe));
	bw_data_look(scribe->guard->data, &scribe->data);
	BW_TRY(bw_path_join(folder, scribe->guard->data, "guard"));
	BW_TRY(bw_ask_listen(scribe->guard->data, &scribe->listening, why));
	paths.folder = folder;
	BW_TRY(bw_seat_confine(scribe->seat, &paths, scribe->guard->require_sandbox, why));
	BW_TRY(load(scribe, why));
	scribe_report_begin(scribe);
	scribe_foreign_begin(scribe);
	return bw_seat_ready(scribe->seat);
}

static void end(struct scribe *scribe)
{
	if (scribe->ledger != NULL &&
	    scribe_append(scribe, BW_LEDGER_STOPPED, 0, BW_LIT("the guard was stopped")) == BW_OK)
		bw_err_drop(scribe_sync(scribe)); /* logged, and there is nobody left to tell */
	for (size_t i = 0; i < SCRIBE_GUESTS_MAX; i++)
		bw_channel_free(scribe->guests[i].channel);
	scribe_report_end(scribe);
	scribe_foreign_end(scribe);
	bw_incidents_release(&scribe->incidents);
	bw_ledger_close(scribe->ledger);
}

int bw_scribe_run(struct bw_seat *seat)
{
	struct scribe scribe = { .seat = seat, .started_us = bw_clock_now_us(), .listening = -1 };
	const struct bw_guard *all = bw_seat_shared(seat);
	struct bw_why why = { 0 };
	enum bw_err err;

	scribe.board = board_of(all);
	scribe.guard = bw_guard_of(seat);
	err = bw_why_doing(&why, begin(&scribe, &why), "begin");
	if (err != BW_OK) {
		bw_log(BW_ERROR, "scribe ends", BW_TEXT("why", why.text));
		return BW_EXIT_FAILED;
	}
	while (turn(&scribe))
		continue;
	end(&scribe);
	return BW_EXIT_OK;
}
