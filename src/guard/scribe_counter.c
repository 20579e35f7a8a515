/* Where root's own commands ask: one question at a time from each, answered after what it changed is on disk. */
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "guard/scribe_parts.h"
#include "sys/clock.h"

enum { ANSWER_BYTES = 4096 };

enum bw_err scribe_refuse(const struct scribe_question *q, enum bw_err err, const char *sentence)
{
	bw_buf_clear(q->answer);
	/* the sentence is a few words: when there is no room for it, the error alone tells */
	bw_err_drop(bw_buf_add_text(q->answer, sentence));
	return err;
}

static enum bw_err tell_status(struct scribe_question *q)
{
	BW_TRY(bw_buf_add_u8(q->answer, (uint8_t)q->scribe->guard->settings.mode));
	BW_TRY(bw_buf_add_be64(q->answer, (uint64_t)q->scribe->started_us));
	q->fd = q->scribe->board;
	return BW_OK;
}

static enum bw_err take_incident(struct scribe_question *q, bool may_be_none, uint64_t *out)
{
	BW_NEED(bw_take_be64(&q->body, out) == BW_OK, PROTOCOL);
	if (*out == 0 && may_be_none)
		return BW_OK;
	if (bw_incidents_find(&q->scribe->incidents, *out) == NULL)
		return scribe_refuse(q, BW_ERR_NOT_FOUND, "there is no such incident");
	return BW_OK;
}

static enum bw_err restore_begins(struct scribe_question *q)
{
	struct scribe *scribe = q->scribe;
	uint64_t incident;

	BW_TRY(take_incident(q, true, &incident));
	for (size_t i = 0; i < SCRIBE_GUESTS_MAX; i++) {
		if (scribe->guests[i].channel != NULL && scribe->guests[i].restores)
			return scribe_refuse(q, BW_ERR_BUSY, "another restore is going on");
	}
	BW_TRY(scribe_append(scribe, BW_LEDGER_RESTORING, incident, bw_slice_empty));
	BW_TRY(scribe_sync(scribe));
	q->guest->restores = true;
	q->guest->incident = incident;
	scribe_tell_restore(scribe, "judge", q->guest, true);
	scribe_tell_restore(scribe, "keep", q->guest, true);
	return BW_OK;
}

/* The incident is over for all of them. */
static void tell_closed(struct scribe *scribe, uint64_t incident)
{
	const struct bw_incident_word word = { .incident = incident, .open = 0 };

	scribe_tell(scribe, "judge", BW_RECORD_INCIDENT, bw_slice_of(&word, sizeof(word)));
	scribe_tell(scribe, "keep", BW_RECORD_INCIDENT, bw_slice_of(&word, sizeof(word)));
}

static void end_restore(struct scribe *scribe, struct scribe_guest *guest)
{
	guest->restores = false;
	scribe_tell_restore(scribe, "judge", guest, false);
	scribe_tell_restore(scribe, "keep", guest, false);
}

static enum bw_err restore_ends(struct scribe_question *q)
{
	struct scribe *scribe = q->scribe;
	uint64_t incident;
	uint8_t close;

	BW_TRY(take_incident(q, true, &incident));
	BW_NEED(bw_take_u8(&q->body, &close) == BW_OK, PROTOCOL);
	BW_NEED(bw_cursor_left(&q->body) == BW_LEDGER_RESTORED_BYTES, PROTOCOL);
	if (!q->guest->restores || q->guest->incident != incident)
		return scribe_refuse(q, BW_ERR_CONFLICT, "no such restore was begun");
	BW_TRY(scribe_append(scribe, BW_LEDGER_RESTORED, incident, bw_slice_from(q->body.over, q->body.at)));
	if (close != 0 && incident != 0)
		BW_TRY(scribe_append(scribe, BW_LEDGER_CLOSED, incident, BW_LIT("every file is back")));
	BW_TRY(scribe_sync(scribe));
	end_restore(scribe, q->guest);
	if (close != 0 && incident != 0)
		tell_closed(scribe, incident);
	return BW_OK;
}

static enum bw_err approve(struct scribe_question *q)
{
	struct bw_incident_word word = { 0 };
	uint64_t incident;

	BW_TRY(take_incident(q, false, &incident));
	BW_TRY(scribe_append(q->scribe, BW_LEDGER_APPROVED, incident, BW_LIT("a person approved it")));
	BW_TRY(scribe_approve(q->scribe, incident, &q->body)); /* first: the judge still knows who is held */
	BW_TRY(scribe_sync(q->scribe));
	word.incident = incident;
	/* the judge tells the hand: who goes on before the judge has let him go would be stopped again */
	scribe_tell(q->scribe, "judge", BW_RECORD_LIFT, bw_slice_of(&word, sizeof(word)));
	tell_closed(q->scribe, incident);
	return BW_OK;
}

/* Nobody is held again at once; what they do from now on counts. */
static enum bw_err withdraw(struct scribe_question *q)
{
	uint64_t incident;

	BW_TRY(take_incident(q, false, &incident));
	BW_TRY(scribe_approve(q->scribe, incident, &q->body));
	return scribe_sync(q->scribe);
}

static enum bw_err drill(struct scribe_question *q)
{
	const struct bw_restore_word word = { .pid = q->guest->pid, .begins = 1 };

	scribe_tell(q->scribe, "judge", BW_RECORD_DRILL, bw_slice_of(&word, sizeof(word)));
	return BW_OK;
}

/* Answered when judge and keep have said it. */
static enum bw_err settle(struct scribe_question *q)
{
	struct bw_settle_word word = { (uint64_t)bw_clock_mono_us() };
	struct scribe_guest *guest = q->guest;

	BW_NEED(bw_cursor_left(&q->body) == 0, PROTOCOL);
	guest->settles = word.number;
	guest->judge_settled = guest->keep_settled = false;
	scribe_tell(q->scribe, "judge", BW_RECORD_SETTLE, bw_slice_of(&word, sizeof(word)));
	return BW_ERR_AGAIN;
}

enum bw_err scribe_settled(struct scribe *scribe, bool by_judge, struct bw_slice body)
{
	static const uint8_t done = BW_OK;
	struct bw_settle_word word;

	BW_NEED(body.len == sizeof(word), PROTOCOL);
	memcpy(&word, body.ptr, sizeof(word));
	for (size_t i = 0; i < SCRIBE_GUESTS_MAX; i++) {
		struct scribe_guest *guest = &scribe->guests[i];

		if (guest->channel == NULL || guest->settles == 0 || word.number < guest->settles)
			continue;
		guest->judge_settled |= by_judge;
		guest->keep_settled |= !by_judge;
		if (!guest->judge_settled || !guest->keep_settled)
			continue;
		guest->settles = 0;
		if (bw_channel_put(guest->channel, BW_ASK_SETTLE, bw_slice_of(&done, 1), -1) != BW_OK)
			scribe_part(scribe, guest);
	}
	return BW_OK;
}

static enum bw_err close_incident(struct scribe_question *q)
{
	uint64_t incident;

	BW_TRY(take_incident(q, false, &incident));
	BW_TRY(scribe_append(q->scribe, BW_LEDGER_CLOSED, incident, BW_LIT("a person closed it")));
	BW_TRY(scribe_sync(q->scribe));
	tell_closed(q->scribe, incident);
	return BW_OK;
}

static enum bw_err reopen(struct scribe_question *q)
{
	uint64_t incident;

	BW_TRY(take_incident(q, false, &incident));
	BW_TRY(scribe_append(q->scribe, BW_LEDGER_REOPENED, incident, BW_LIT(BW_LEDGER_UNDONE)));
	return scribe_sync(q->scribe);
}

static enum bw_err reported(struct scribe_question *q)
{
	struct bw_slice sentence;
	uint64_t incident;
	uint8_t kind;

	BW_TRY(take_incident(q, false, &incident));
	BW_NEED(bw_take_u8(&q->body, &kind) == BW_OK, PROTOCOL);
	BW_NEED(kind == BW_LEDGER_RELEASED || kind == BW_LEDGER_TOLD || kind == BW_LEDGER_ALLOWED, PROTOCOL);
	BW_NEED(bw_take_block(&q->body, BW_ASK_SENTENCE_BYTES, &sentence) == BW_OK, PROTOCOL);
	BW_TRY(scribe_append(q->scribe, kind, incident, sentence));
	return scribe_sync(q->scribe);
}

static enum bw_err reload(struct scribe_question *q)
{
	BW_TRY(scribe_append(q->scribe, BW_LEDGER_STARTED, 0, BW_LIT("the settings are read again")));
	BW_TRY(scribe_sync(q->scribe));
	return bw_seat_ask(q->scribe->seat, BW_SEAT_ASK_RELOAD, bw_slice_empty, -1);
}

static const struct {
	uint8_t kind;
	enum bw_err (*answer)(struct scribe_question *q);
} answers[] = {
	{ BW_ASK_WITHDRAW, withdraw },
	{ BW_ASK_DRILL, drill },
	{ BW_ASK_STATUS, tell_status },
	{ BW_ASK_RESTORE_BEGINS, restore_begins },
	{ BW_ASK_APPROVE, approve },
	{ BW_ASK_RESTORE_ENDS, restore_ends },
	{ BW_ASK_CLOSE, close_incident },
	{ BW_ASK_REPORTED, reported },
	{ BW_ASK_JOB, scribe_job_note },
	{ BW_ASK_JOB_BEGINS, scribe_job_begins },
	{ BW_ASK_RELOAD, reload },
	{ BW_ASK_REOPEN, reopen },
	{ BW_ASK_SETTLE, settle },
	{ BW_ASK_FOREIGN_UNDO, scribe_foreign_undo },
	{ BW_ASK_FOREIGN_ACCEPT, scribe_foreign_accept },
};

/* False: whoever asks like that is no command of ours. */
static bool answer(struct scribe *scribe, struct scribe_guest *guest, const struct bw_frame *frame, int fd)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(ANSWER_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf whole = BW_BUF_INIT(ANSWER_BYTES + 1);
	struct scribe_question q = {
		.scribe = scribe,
		.guest = guest,
		.body = bw_cursor_over(frame->body),
		.answer = &text,
		.asked_fd = fd,
		.fd = -1,
	};
	enum bw_err err = BW_ERR_PROTOCOL;

	for (size_t i = 0; i < BW_COUNT(answers); i++) {
		if (answers[i].kind == frame->kind)
			err = answers[i].answer(&q);
	}
	if (err == BW_ERR_PROTOCOL)
		return false;
	if (err == BW_ERR_AGAIN) /* the answer comes later */
		return true;
	if (err != BW_OK && text.len == 0)
		bw_err_drop(scribe_refuse(&q, err, bw_err_text(err)));
	return bw_buf_add_u8(&whole, (uint8_t)err) == BW_OK && bw_buf_add(&whole, bw_buf_slice(&text)) == BW_OK &&
	       bw_channel_put(guest->channel, frame->kind, bw_buf_slice(&whole), err == BW_OK ? q.fd : -1) == BW_OK;
}

void scribe_part(struct scribe *scribe, struct scribe_guest *guest)
{
	if (guest->restores) {
		static const struct bw_ledger_restored nothing;
		BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_LEDGER_RESTORED_BYTES);

		bw_log(BW_WARNING, "a restore went away before its end", BW_NUM("pid", guest->pid));
		/* what it did is not known; it can be begun again, and does only what is left */
		if (bw_ledger_restored_write(&nothing, &body) == BW_OK &&
		    scribe_append(scribe, BW_LEDGER_RESTORED, guest->incident, bw_buf_slice(&body)) == BW_OK)
			bw_err_drop(scribe_sync(scribe)); /* logged there */
		end_restore(scribe, guest);
	}
	scribe_job_ends(scribe, guest);
	bw_channel_free(guest->channel);
	*guest = (struct scribe_guest){ 0 };
}

void scribe_serve(struct scribe *scribe, struct scribe_guest *guest)
{
	enum bw_err err = bw_channel_fill(guest->channel);
	struct bw_frame frame;
	int fd = -1;

	while ((err == BW_OK || err == BW_ERR_AGAIN) && bw_channel_has_room(guest->channel)) {
		err = bw_channel_next(guest->channel, &frame, &fd);
		if (err == BW_OK && !answer(scribe, guest, &frame, fd))
			err = BW_ERR_PROTOCOL;
		if (fd >= 0)
			(void)close(fd);
		fd = -1;
		if (err == BW_ERR_AGAIN)
			return;
	}
	if (err != BW_OK && err != BW_ERR_AGAIN)
		scribe_part(scribe, guest);
}

/* Root alone: the socket's mode says so too. */
static bool is_root(int fd, uint32_t *out_pid)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0 || who.uid != 0)
		return false;
	*out_pid = (uint32_t)who.pid;
	return true;
}

void scribe_welcome(struct scribe *scribe)
{
	const int fd = accept4(scribe->listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct scribe_guest guest = { 0 };
	size_t at = 0;

	if (fd < 0)
		return;
	while (at < SCRIBE_GUESTS_MAX && scribe->guests[at].channel != NULL)
		at++;
	if (at == SCRIBE_GUESTS_MAX || !is_root(fd, &guest.pid)) {
		(void)close(fd);
		return;
	}
	if (bw_channel_new(fd, &guest.channel) == BW_OK)
		scribe->guests[at] = guest;
}
