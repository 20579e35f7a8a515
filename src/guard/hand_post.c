/* Notices go out one after the other, first by mail and then to the hook; nobody else waits for them. */
#include "base/log.h"
#include "guard/hand_parts.h"
#include "guard/notice.h"
#include "sys/clock.h"

enum {
	SENDMAIL_MS = 60 * 1000,
	HOOK_MS = 60 * 1000,
	SAID_BYTES = 64 * 1024,
	AN_HOUR_MOST = 20, /* an attack must not fill the mailbox that tells of it */
};

#define HOUR_US (INT64_C(3600) * 1000 * 1000)

void hand_post_take(struct hand *hand, struct bw_slice body)
{
	struct hand_post *post = &hand->post;
	const int64_t now_us = bw_clock_mono_us();
	struct bw_buf copy = BW_BUF_INIT(BW_FRAME_BODY_MAX);

	if (now_us >= post->hour_us + HOUR_US || post->hour_us == 0) {
		post->hour_us = now_us;
		post->this_hour = 0;
	}
	post->this_hour++;
	if (post->this_hour > AN_HOUR_MOST || post->count == HAND_NOTICES_MAX || bw_buf_add(&copy, body) != BW_OK) {
		if (post->this_hour == AN_HOUR_MOST + 1)
			bw_log(BW_WARNING, "notices stop for this hour: there were too many", { 0 });
		bw_buf_release(&copy);
		return;
	}
	post->waiting[post->count++] = copy;
}

static void drop_first(struct hand_post *post)
{
	bw_buf_release(&post->waiting[0]);
	memmove(post->waiting, post->waiting + 1, (post->count - 1) * sizeof(post->waiting[0]));
	post->count--;
	post->mail_tried = false;
}

static enum bw_err start_mail(struct hand *hand, const struct bw_notice *notice)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf mail = BW_BUF_INIT(BW_NOTICE_BYTES);
	struct bw_program sendmail = { .path = hand->sendmail,
				       .words = { "-t", "-i", NULL },
				       .output_max = SAID_BYTES,
				       .timeout_ms = SENDMAIL_MS };

	BW_TRY(bw_notice_mail(notice, bw_slice_text(hand->guard->settings.mail), &mail));
	sendmail.input = bw_buf_slice(&mail);
	return bw_program_start(&sendmail, &hand->post.run);
}

static enum bw_err start_hook(struct hand *hand, const struct bw_notice *notice)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_NOTICE_BYTES);
	struct bw_program hook = { .path = hand->guard->settings.hook,
				   .words = { "incident", NULL },
				   .output_max = SAID_BYTES,
				   .timeout_ms = HOOK_MS };

	BW_TRY(bw_program_check(hook.path));
	BW_TRY(bw_notice_text(notice, &text));
	hook.input = bw_buf_slice(&text);
	return bw_program_start(&hook, &hand->post.run);
}

/* One step: the mail of the first notice, or its hook, with which it is done. */
static enum bw_err start_next(struct hand *hand)
{
	struct hand_post *post = &hand->post;
	struct bw_notice notice;
	enum bw_err err = bw_notice_parse(bw_buf_slice(&post->waiting[0]), &notice);

	if (err == BW_OK)
		post->incident = notice.incident;
	if (err == BW_OK && !post->mail_tried) {
		post->mail_tried = true;
		post->is_mail = true;
		if (hand->guard->settings.mail != NULL && hand->sendmail[0] != '\0')
			return start_mail(hand, &notice);
	}
	post->is_mail = false;
	if (err == BW_OK && hand->guard->settings.hook != NULL)
		err = start_hook(hand, &notice);
	drop_first(post);
	return err;
}

/* In the ledger too: whoever was told is not told again after a restart. */
static void note(struct hand *hand)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	const struct bw_acted acted = { .incident = hand->post.incident,
					.what = BW_ACTED_NOTICED,
					.subject = hand->post.is_mail ? BW_LIT("by mail") : BW_LIT("by the hook"),
					.undo = bw_slice_empty };

	if (bw_acted_add(&body, &acted) == BW_OK)
		hand_tell(hand, "scribe", BW_RECORD_ACTED, bw_buf_slice(&body), -1);
}

static void hear(struct hand *hand)
{
	int status = 0;
	const enum bw_err err = bw_program_step(&hand->post.run, 0, &status);

	if (err == BW_ERR_AGAIN)
		return;
	if (err != BW_OK || status != 0)
		bw_log(BW_ERROR, "a notice could not be sent", BW_TEXT("why", bw_err_text(err)),
		       BW_NUM("status", status));
	else {
		bw_log(BW_NOTICE, "a notice was sent", { 0 });
		note(hand);
	}
	bw_program_release(&hand->post.run);
}

int64_t hand_post_turn(struct hand *hand)
{
	struct hand_post *post = &hand->post;

	if (post->run.pid != 0)
		hear(hand);
	while (post->run.pid == 0 && post->count > 0) {
		const enum bw_err err = start_next(hand);

		if (err != BW_OK)
			bw_log(BW_ERROR, "a notice could not be sent", BW_TEXT("why", bw_err_text(err)));
	}
	return post->run.pid != 0 ? post->run.deadline_us : INT64_MAX;
}

void hand_post_release(struct hand *hand)
{
	bw_program_release(&hand->post.run);
	while (hand->post.count > 0)
		drop_first(&hand->post);
}
