/*
 * The sampler holds nothing: bytes of files come in through one ring, 20 bytes of features
 * go out through another. It is the only process that looks into contents for keep and enroll.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/command.h"
#include "base/log.h"
#include "guard/guard.h"
#include "guard/sample.h"
#include "guard/second.h"
#include "sys/memfile.h"

enum { FULL_WAIT_MS = 2, PRIORITY = 5, MEMORY_BYTES = 512 * 1024 * 1024, WAKE_EVERY = 64 };

/* One record; false when its answer has no room. What breaks the form is passed over: keep is then not answered. */
static bool answer_one(const struct bw_ring_record *record, struct bw_ring *features)
{
	struct bw_sample_answer answer = { 0 };
	struct bw_sample_ask ask;
	struct bw_sample sample;
	void *room = bw_ring_room(features, sizeof(answer));

	if (room == NULL)
		return false;
	if (bw_sample_parse(record->bytes, &ask, &sample) != BW_OK)
		return true;
	answer.version = ask.version;
	answer.volume = ask.volume;
	bw_content_of(&sample, &answer.content);
	memcpy(room, &answer, sizeof(answer));
	bw_ring_put_quietly(features, BW_RECORD_EVENT, sizeof(answer));
	return true;
}

void bw_sampler_answer(struct bw_ring *samples, struct bw_ring *features, bool *out_more)
{
	struct bw_ring_record record;
	unsigned answered = 0;
	enum bw_err err;

	*out_more = false;
	while ((err = bw_ring_next(samples, &record)) == BW_OK) {
		if (!answer_one(&record, features)) {
			*out_more = true;
			break;
		}
		bw_ring_done(samples);
		if (++answered % WAKE_EVERY == 0)
			bw_ring_wake(features);
	}
	bw_ring_wake(features);
	if (err == BW_ERR_PROTOCOL)
		bw_log(BW_ERROR, "samples made no sense and were dropped", { 0 });
}

/* ---- the second look ------------------------------------------------------------------------- */

static void tell_judge(struct bw_seat *seat, const struct bw_second_answer *answer)
{
	struct bw_channel *judge = bw_seat_peer(seat, "judge", 0);
	enum bw_err err = judge == NULL
				  ? BW_ERR_CLOSED
				  : bw_channel_put(judge, BW_RECORD_SEEN, bw_slice_of(answer, sizeof(*answer)), -1);

	if (err == BW_OK)
		err = bw_channel_flush(judge);
	bw_err_drop(err); /* a judge that ended has forgotten the question */
}

static enum bw_err look_twice(struct bw_seat *seat, const struct bw_frame *frame, int fd)
{
	BW_CLEANUP(bw_mapped_release) struct bw_mapped mapped = { 0 };
	struct bw_second_answer answer;
	struct bw_second_view view;

	BW_NEED(frame->kind == BW_RECORD_CONTENTS && fd >= 0, PROTOCOL);
	BW_TRY(bw_mapped_open(fd, 2 * (size_t)BW_CONTENT_BYTES_MAX, &mapped));
	BW_TRY(bw_second_open(frame->body, mapped.bytes, &view));
	bw_second_compare(&view, &answer);
	tell_judge(seat, &answer);
	return BW_OK;
}

/* One pair of contents, so that features do not wait for more than that. True when another may be there. */
static bool hear_keep(struct bw_seat *seat)
{
	struct bw_channel *keep = bw_seat_peer(seat, "keep", 0);
	struct bw_frame frame;
	enum bw_err err;
	int fd = -1;

	if (keep == NULL || bw_channel_has_ended(keep))
		return false;
	err = bw_channel_fill(keep);
	if (err == BW_OK || err == BW_ERR_AGAIN)
		err = bw_channel_next(keep, &frame, &fd);
	if (err == BW_OK)
		err = look_twice(seat, &frame, fd);
	if (fd >= 0)
		(void)close(fd);
	if (err == BW_OK || err == BW_ERR_AGAIN || err == BW_ERR_CLOSED)
		return err == BW_OK;
	bw_log(BW_ERROR, "contents made no sense", BW_TEXT("why", bw_err_text(err)));
	bw_err_drop(bw_seat_renew(seat, "keep", 0)); /* without a parent the next turn ends us */
	return false;
}

/* ---- the loop --------------------------------------------------------------------------------- */

/* False when it is time to go. */
static bool hear_parent(struct bw_seat *seat)
{
	struct bw_seat_event event;

	for (;;) {
		if (bw_seat_next(seat, &event) != BW_OK || event.kind == BW_SEAT_STOP)
			return false;
		if (event.kind == BW_SEAT_NOTHING)
			return true;
		if (event.kind == BW_SEAT_PEER)
			bw_channel_free(event.old);
	}
}

static void work(struct bw_seat *seat, const struct bw_guard *guard)
{
	struct pollfd wanted[] = { { bw_seat_fd(seat), POLLIN, 0 },
				   { bw_ring_fd(guard->samples), POLLIN, 0 },
				   { -1, POLLIN, 0 } };
	bool looks = false; /* more contents may wait */
	bool more;

	for (;;) {
		const struct bw_channel *keep = bw_seat_peer(seat, "keep", 0);

		bw_sampler_answer(guard->samples, guard->features, &more);
		wanted[2].fd = keep == NULL || bw_channel_has_ended(keep) ? -1 : bw_channel_fd(keep);
		if (!more && !bw_ring_may_sleep(guard->samples))
			continue;
		if (poll(wanted, BW_COUNT(wanted), looks ? 0 : more ? FULL_WAIT_MS : -1) < 0 && errno != EINTR)
			return;
		bw_ring_awake(guard->samples);
		if (looks || wanted[2].revents != 0)
			looks = hear_keep(seat);
		if (wanted[0].revents != 0 && !hear_parent(seat))
			return;
	}
}

int bw_sampler_run(struct bw_seat *seat)
{
	const struct bw_guard *guard = bw_guard_of(seat);
	const struct bw_sandbox_paths paths = { .memory_bytes = MEMORY_BYTES };
	struct bw_why why = { 0 };

	/* features make the difference between a verdict and none: late, but never starved */
	(void)setpriority(PRIO_PROCESS, 0, PRIORITY);
	if (bw_seat_confine(seat, &paths, guard->require_sandbox, &why) != BW_OK || bw_seat_ready(seat) != BW_OK) {
		bw_log(BW_ERROR, "sampler ends", BW_TEXT("why", why.text));
		return BW_EXIT_FAILED;
	}
	work(seat, guard);
	return BW_EXIT_OK;
}
