/*
 * Signed jobs, as scribe sees them: it reads their files, checks who signed them, and tells the judge which process one
 * of them was begun by. Whoever runs one is root's own command; what may pass stands in the file alone.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "guard/scribe_parts.h"
#include "sys/clock.h"

enum { JOB_MEMORY = 1024 * 1024 };

void scribe_look_at_jobs(struct scribe *scribe)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(JOB_MEMORY);
	const char *names[2 * BW_JOBS_MAX];
	struct bw_job_found found;
	struct bw_why why = { 0 };
	size_t count;

	if (bw_job_names(scribe->guard->data, &scribe->jobs, &arena, names, BW_COUNT(names), &count, &why) != BW_OK) {
		bw_log(BW_WARNING, "the signed jobs cannot be read", BW_TEXT("why", why.text));
		return;
	}
	for (size_t i = 0; i < count; i++) {
		bw_job_find(scribe->guard->data, &scribe->jobs, names[i], bw_clock_now_us(), &arena, &found);
		if (found.worth != BW_JOB_GOOD && found.worth != BW_JOB_WAITING)
			bw_log(BW_WARNING, "a signed job is refused", BW_TEXT("job", names[i]),
			       BW_TEXT("why", found.why.text));
	}
}

static enum bw_err write_note(struct scribe *scribe, const struct bw_job_note *note)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_KIB);

	BW_TRY(bw_job_note_write(note, &body));
	BW_TRY(scribe_append(scribe, BW_LEDGER_JOB, 0, bw_buf_slice(&body)));
	return scribe_sync(scribe);
}

enum bw_err scribe_job_note(struct scribe_question *q)
{
	struct bw_job_note note;

	BW_NEED(bw_job_note_parse(bw_slice_from(q->body.over, q->body.at), &note) == BW_OK, PROTOCOL);
	BW_NEED(note.act == BW_JOB_ACT_SIGNED || note.act == BW_JOB_ACT_REVOKED, PROTOCOL);
	if (note.act == BW_JOB_ACT_SIGNED && bw_job_book_find(&q->scribe->jobs, note.name) == NULL &&
	    q->scribe->jobs.count == BW_JOBS_MAX)
		return scribe_refuse(q, BW_ERR_TOO_MANY, "there are as many signed jobs as there can be");
	BW_TRY(write_note(q->scribe, &note));
	for (size_t i = 0; i < SCRIBE_GUESTS_MAX; i++) {
		if (bw_slice_is(note.name, q->scribe->guests[i].job.name))
			scribe_job_ends(q->scribe, &q->scribe->guests[i]); /* what it was signed for is no longer so */
	}
	return BW_OK;
}

/* ---- a job that runs -------------------------------------------------------------------------------- */

static bool volume_of(const struct bw_guard *guard, uint64_t device, uint32_t *out)
{
	for (size_t i = 0; i < guard->volume_count; i++) {
		if (guard->volumes[i].device == device) {
			*out = guard->volumes[i].number;
			return true;
		}
	}
	return false;
}

static bool is_running(const struct scribe *scribe, const char *name)
{
	for (size_t i = 0; i < SCRIBE_GUESTS_MAX; i++) {
		if (scribe->guests[i].job.number != 0 && strcmp(scribe->guests[i].job.name, name) == 0)
			return true;
	}
	return false;
}

static enum bw_err take_job(struct scribe_question *q, struct bw_job_word *out)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(JOB_MEMORY);
	struct bw_job_word word = { .pid = q->guest->pid, .begins = 1 };
	struct bw_job_found found;
	struct bw_slice name;
	uint64_t device;

	BW_NEED(bw_take_be64(&q->body, &device) == BW_OK, PROTOCOL);
	name = bw_slice_from(q->body.over, q->body.at);
	BW_NEED(bw_job_name_is_plain(name) && q->asked_fd >= 0 && q->guest->job.number == 0, PROTOCOL);
	memcpy(word.name, name.ptr, name.len);
	if (is_running(q->scribe, word.name))
		return scribe_refuse(q, BW_ERR_BUSY, "the job runs already");
	if (!volume_of(q->scribe->guard, device, &word.volume))
		return scribe_refuse(q, BW_ERR_NOT_FOUND, "the job's folder is not on a file system this guard guards");
	bw_job_find(q->scribe->guard->data, &q->scribe->jobs, word.name, bw_clock_now_us(), &arena, &found);
	if (found.worth != BW_JOB_GOOD)
		return scribe_refuse(q, BW_ERR_DENIED, found.why.text);
	word.uid = found.file.uid;
	word.until_us = found.until_us;
	*out = word;
	return BW_OK;
}

void scribe_tell_job(struct scribe *scribe, const struct scribe_guest *guest)
{
	struct bw_channel *channel = bw_seat_peer(scribe->seat, "judge", 0);
	enum bw_err err = BW_ERR_CLOSED;

	if (channel != NULL)
		err = bw_channel_put(channel, BW_RECORD_JOB, bw_slice_of(&guest->job, sizeof(guest->job)),
				     guest->job.begins != 0 ? guest->job_folders : -1);
	if (err == BW_OK)
		err = bw_channel_flush(channel);
	if (err != BW_OK && err != BW_ERR_AGAIN)
		bw_log(BW_WARNING, "the judge could not be told of a job", BW_TEXT("job", guest->job.name));
}

enum bw_err scribe_job_begins(struct scribe_question *q)
{
	struct bw_job_note note = { .act = BW_JOB_ACT_BEGAN };
	struct bw_job_word word;
	int folders;

	BW_TRY(take_job(q, &word));
	folders = fcntl(q->asked_fd, F_DUPFD_CLOEXEC, 0);
	BW_NEED(folders >= 0, TOO_MANY);
	word.number = ++q->scribe->last_job;
	note.name = bw_slice_text(word.name);
	q->guest->job = word;
	q->guest->job_folders = folders;
	bw_err_drop(
		write_note(q->scribe, &note)); /* logged there: the job is signed, whether that could be noted or not */
	scribe_tell_job(q->scribe, q->guest);
	return BW_OK;
}

void scribe_job_ends(struct scribe *scribe, struct scribe_guest *guest)
{
	if (guest->job.number == 0)
		return;
	guest->job.begins = 0;
	scribe_tell_job(scribe, guest);
	(void)close(guest->job_folders);
	guest->job = (struct bw_job_word){ 0 };
}

enum bw_err scribe_job_passed(struct scribe *scribe, struct bw_slice body)
{
	struct bw_job_note note = { .act = BW_JOB_ACT_ENDED };
	struct bw_job_word word;

	BW_NEED(body.len == sizeof(word), PROTOCOL);
	memcpy(&word, body.ptr, sizeof(word));
	BW_NEED(word.name[BW_JOB_NAME_BYTES - 1] == '\0', PROTOCOL);
	note.name = bw_slice_text(word.name);
	note.passed = word.passed;
	BW_NEED(bw_job_name_is_plain(note.name), PROTOCOL);
	bw_err_drop(write_note(scribe, &note)); /* logged there */
	return BW_OK;
}
