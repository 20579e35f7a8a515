/* The report at the end of the first day: once, also when the guard was away at that moment. */
#include "base/log.h"
#include "guard/first_day.h"
#include "guard/hand_form.h"
#include "guard/scribe_parts.h"
#include "sys/clock.h"
#include "sys/files.h"

static uint64_t files_of(const struct scribe *scribe)
{
	const struct bw_guard_board *board = (const struct bw_guard_board *)(const void *)scribe->guard->board->ptr;

	return board->files;
}

static void tell(struct scribe *scribe, struct bw_slice text)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	const struct bw_notice notice = { .subject = BW_LIT("Breakwater: the first day of the guard is over"),
					  .text = text };

	if (bw_notice_add(&body, &notice) == BW_OK)
		scribe_tell(scribe, "hand", BW_RECORD_NOTICE, bw_buf_slice(&body));
}

int scribe_first_day(struct scribe *scribe, int wait_ms)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_FIRST_DAY_BYTES_MAX);
	const int64_t ends_us = bw_first_day_ends(&scribe->guard->settings);
	const int64_t left_ms = ends_us == INT64_MAX ? INT64_MAX : (ends_us - bw_clock_now_us()) / 1000 + 1;
	char path[BW_PATH_BYTES];
	struct bw_why why = { 0 };
	enum bw_err err;

	if (scribe->first_day_told || left_ms == INT64_MAX)
		return wait_ms;
	if (left_ms > 0)
		return wait_ms >= 0 && wait_ms < left_ms ? wait_ms : (int)(left_ms < INT32_MAX ? left_ms : INT32_MAX);
	scribe->first_day_told = true; /* whatever becomes of it: the next start tries again */
	err = bw_first_day_say(&scribe->guard->settings, &scribe->incidents, files_of(scribe), &text);
	if (err == BW_OK)
		err = bw_path_join(path, scribe->guard->data, BW_FIRST_DAY_NAME);
	if (err == BW_OK)
		err = bw_file_create(path, bw_buf_slice(&text), 0600, &why);
	if (err == BW_ERR_EXISTS)
		return wait_ms; /* told before */
	if (err == BW_OK)
		tell(scribe, bw_buf_slice(&text));
	bw_log(err == BW_OK ? BW_NOTICE : BW_WARNING, "the first day is over",
	       BW_NUM("incidents", scribe->incidents.count),
	       BW_TEXT("report", err == BW_OK          ? path
				 : why.text[0] != '\0' ? why.text
						       : bw_err_text(err)));
	return wait_ms;
}
