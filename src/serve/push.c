#include "serve/push.h"

#include <stdio.h>
#include <time.h>

#include "base/num.h"

enum { TARGET_MAX = 16 * 1024 };

struct run {
	struct bw_push *push;
	struct bw_why *why;
	int64_t after_us; /* -1: from the start */
	uint32_t limit;
	size_t bytes_max;
};

/* ---- where we were ------------------------------------------------------------ */

static enum bw_err load(struct run *run)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_SYNC_STATE_MAX);
	const enum bw_err err = bw_sync_state_load(run->push->state, &text, run->why);
	struct bw_slice word;
	struct bw_slice number;

	if (err == BW_ERR_NOT_FOUND)
		return BW_OK;
	BW_TRY(err);
	/* What nobody can read means from the start: the other side skips what it has. */
	if (!bw_slice_cut(bw_slice_trim(bw_buf_slice(&text)), ' ', &word, &number) || !bw_slice_is(word, "after"))
		return BW_OK;
	(void)bw_slice_cut(number, '\n', &number, &word);
	bw_err_drop(bw_parse_i64(number, &run->after_us)); /* stays -1 */
	return BW_OK;
}

static enum bw_err save(const struct run *run)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(256);

	BW_TRY(bw_buf_addf(&text, "after %lld\n", (long long)run->after_us));
	return bw_sync_state_save(run->push->state, bw_buf_slice(&text), run->why);
}

/* ---- what became of a page ------------------------------------------------------ */

static void note_status(struct run *run, const struct bw_remote_status *status, uint64_t count)
{
	struct bw_push *push = run->push;

	if (!status->complete)
		push->unsettled += count;
	if (status->failures > 0)
		push->refused += (uint64_t)status->failures;
	if (push->first_refusal[0] == '\0')
		memcpy(push->first_refusal, status->first_failure, sizeof(push->first_refusal));
}

/* Asks again and again, less often each time, until the status is complete or the patience is over. */
static enum bw_err wait_until_complete(struct run *run, struct bw_remote_status *status)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf target = BW_BUF_INIT(TARGET_MAX);
	int64_t waited_ms = 0;
	int64_t pause_ms = 50;

	if (status->complete || status->id[0] == '\0')
		return BW_OK;
	BW_TRY(bw_buf_addf(&target, "%sstatus/%s/", run->push->to->root, status->id));
	while (!status->complete && waited_ms < BW_PUSH_STATUS_WAIT_MS) {
		struct bw_remote_answer answer;

		nanosleep(&(struct timespec){ .tv_sec = pause_ms / 1000, .tv_nsec = pause_ms % 1000 * 1000000 }, NULL);
		waited_ms += pause_ms;
		pause_ms = pause_ms < 4000 ? pause_ms * 2 : pause_ms;
		BW_TRY(bw_remote_get(run->push->remote, bw_buf_text(&target), &answer, run->why));
		/* A server that keeps no status resources has taken the page all the same. */
		if (answer.status != 200 || bw_remote_status_read(answer.body, status) != BW_OK)
			return BW_OK;
	}
	return BW_OK;
}

static enum bw_err settle(struct run *run, const struct bw_remote_answer *answer, uint64_t count)
{
	struct bw_remote_status status = { .complete = true };

	if (bw_remote_status_read(answer->body, &status) == BW_OK)
		BW_TRY(wait_until_complete(run, &status));
	note_status(run, &status, count);
	return BW_OK;
}

/* ---- pages ----------------------------------------------------------------------- */

static bool is_taken(unsigned status)
{
	return status == 200 || status == 201 || status == 202;
}

/* Too large, or one object that spoils the rest. */
static bool may_be_cut(unsigned status)
{
	return status == 413 || status == 422 || status == 400;
}

static void note_refused_alone(struct run *run, const struct bw_remote_answer *answer)
{
	struct bw_push *push = run->push;

	push->refused++;
	if (push->first_refusal[0] == '\0')
		bw_remote_error_words(answer->body, push->first_refusal, sizeof(push->first_refusal));
}

/* Posts one page. `*moved`: it was taken, or is one object that never will be. */
static enum bw_err post_page(struct run *run, const struct bw_buf *page, uint64_t count, bool *moved)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf target = BW_BUF_INIT(TARGET_MAX);
	struct bw_remote_answer answer;

	BW_TRY(bw_buf_addf(&target, "%sobjects/", run->push->to->target));
	BW_TRY(bw_remote_post(run->push->remote, bw_buf_text(&target), bw_buf_slice(page), &answer, run->why));
	*moved = true;
	if (is_taken(answer.status)) {
		run->limit = run->limit < BW_PUSH_PAGE_OBJECTS / 2 ? run->limit * 2 : BW_PUSH_PAGE_OBJECTS;
		return settle(run, &answer, count);
	}
	if (!may_be_cut(answer.status))
		return bw_remote_refused(run->push->remote, bw_buf_text(&target), &answer, run->why);
	if (count > 1) {
		run->limit = (uint32_t)(count / 2);
		*moved = false;
		return BW_OK;
	}
	note_refused_alone(run, &answer);
	return BW_OK;
}

static enum bw_err push_page(struct run *run, bool *more)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf page = BW_BUF_INIT(BW_REMOTE_PAGE_MAX);
	const struct bw_ingest *ingest = run->push->ingest;
	uint64_t count = 0;
	int64_t last_us = run->after_us;
	bool follows;
	bool moved;

	BW_TRY(ingest->fetch(ingest->ctx, run->push->from, run->after_us, run->limit, run->bytes_max, &page, &count,
			     &last_us, &follows, run->why));
	if (count == 0) {
		*more = false;
		return BW_OK;
	}
	BW_TRY(post_page(run, &page, count, &moved));
	*more = follows || !moved;
	if (!moved)
		return BW_OK;
	run->after_us = last_us;
	run->push->sent += count;
	run->push->pages++;
	BW_TRY(save(run));
	if (run->push->on_page != NULL)
		run->push->on_page(run->push->ctx, run->push);
	return BW_OK;
}

enum bw_err bw_push_run(struct bw_push *push, struct bw_why *why)
{
	struct run run = {
		.push = push,
		.why = why,
		.after_us = -1,
		.limit = BW_PUSH_PAGE_OBJECTS,
		.bytes_max = BW_PUSH_PAGE_BYTES,
	};
	bool more = true;

	/* Some room for the frame around the objects. */
	if (push->to->max_content_length > 4096 && (uint64_t)push->to->max_content_length - 1024 < run.bytes_max)
		run.bytes_max = (size_t)push->to->max_content_length - 1024;
	BW_TRY(load(&run));
	while (more)
		BW_TRY(push_page(&run, &more));
	return BW_OK;
}
