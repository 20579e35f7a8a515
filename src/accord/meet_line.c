#include "accord/meet_line.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "accord/meet_child.h"
#include "base/cursor.h"
#include "base/log.h"
#include "sys/channel.h"

enum { ANSWER_MS = 90000 };

struct bw_meet_line {
	struct bw_channel *channel;
	pid_t pid;
	uint8_t exported[BW_MEET_EXPORT_BYTES];
};

/* ---- the child ----------------------------------------------------------- */

static void close_all_but(int one, int other)
{
	const int low = one < other ? one : other;
	const int high = one < other ? other : one;

	if (low > 3)
		(void)close_range(3, (unsigned)low - 1, 0);
	if (high > low + 1)
		(void)close_range((unsigned)low + 1, (unsigned)high - 1, 0);
	(void)close_range((unsigned)high + 1, ~0U, 0);
}

_Noreturn static void child_main(int fd, const struct bw_meet_child_plan *plan)
{
	struct bw_channel *channel;
	enum bw_err err;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_NAME, "bw-meet");
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN); /* the command ends it */
	close_all_but(fd, plan->listener < 0 ? fd : plan->listener);
	bw_log_set_worker("meet");
	err = bw_channel_new(fd, &channel);
	if (err == BW_OK)
		err = bw_meet_child_run(channel, plan);
	_exit(err == BW_OK || err == BW_ERR_CLOSED ? 0 : 1);
}

static enum bw_err start(const struct bw_meet_child_plan *plan, struct bw_meet_line **out, struct bw_why *why)
{
	struct bw_meet_line *line = calloc(1, sizeof(*line));
	int fds[2];
	enum bw_err err = line == NULL ? BW_ERR_MEMORY : bw_channel_pair(fds);

	if (err != BW_OK) {
		free(line);
		return err;
	}
	(void)fflush(NULL);
	line->pid = fork();
	if (line->pid == 0)
		child_main(fds[1], plan);
	(void)close(fds[1]);
	err = line->pid < 0 ? bw_why_errno(why, errno, "start", "a process for the connection") : BW_OK;
	if (err == BW_OK)
		err = bw_channel_new(fds[0], &line->channel);
	else
		(void)close(fds[0]);
	if (err != BW_OK) {
		bw_meet_line_free(line);
		return err;
	}
	*out = line;
	return BW_OK;
}

void bw_meet_line_free(struct bw_meet_line *line)
{
	if (line == NULL)
		return;
	bw_channel_free(line->channel);
	if (line->pid > 0) {
		(void)kill(line->pid, SIGKILL);
		(void)waitpid(line->pid, NULL, 0);
	}
	free(line);
}

/* ---- words of the child ---------------------------------------------------- */

/* One frame; a child that failed says why, and nothing after it. */
static enum bw_err receive(struct bw_meet_line *line, int timeout_ms, struct bw_frame *frame, struct bw_why *why)
{
	struct bw_cursor c;
	uint16_t err;

	BW_TRY(bw_channel_receive(line->channel, frame, NULL, timeout_ms));
	if (frame->kind != BW_MEET_SAYS_FAILED)
		return BW_OK;
	c = bw_cursor_over(frame->body);
	BW_TRY(bw_take_be16(&c, &err));
	BW_NEED(err > BW_OK && err < BW_ERR_COUNT, PROTOCOL);
	frame->body = bw_slice_from(frame->body, sizeof(err));
	return bw_why_set(why, (enum bw_err)err, "%.*s", BW_ARG(frame->body));
}

static enum bw_err wait_until_ready(struct bw_meet_line *line, struct bw_why *why)
{
	struct bw_frame frame;

	BW_TRY(receive(line, ANSWER_MS, &frame, why));
	BW_NEED(frame.kind == BW_MEET_SAYS_READY && frame.body.len == sizeof(line->exported), PROTOCOL);
	memcpy(line->exported, frame.body.ptr, sizeof(line->exported));
	return BW_OK;
}

/* ---- the host ---------------------------------------------------------------- */

enum bw_err bw_meet_line_listen(int fd, const char *path, struct bw_slice cert_pem, struct bw_secret *key_pem,
				struct bw_meet_line **out, struct bw_why *why)
{
	/* a child of fork finds a secret's memory empty: what it is to have goes over in a plain copy, wiped here */
	BW_CLEANUP(bw_buf_wipe) struct bw_buf key = BW_BUF_INIT(BW_SECRET_MAX);
	struct bw_meet_child_plan plan = { .listener = fd, .path = path, .cert_pem = cert_pem };
	struct bw_meet_line *line = NULL;
	enum bw_err err = bw_buf_add(&key, bw_secret_slice(key_pem));

	bw_secret_wipe(key_pem);
	plan.key_pem = bw_buf_slice(&key);
	if (err == BW_OK)
		err = start(&plan, &line, why);
	(void)close(fd);
	if (err == BW_OK)
		err = wait_until_ready(line, why);
	if (err != BW_OK) {
		bw_meet_line_free(line);
		return err;
	}
	*out = line;
	return BW_OK;
}

enum bw_err bw_meet_line_hear(struct bw_meet_line *line, int timeout_ms, struct bw_meet_heard *out)
{
	struct bw_why why = { 0 };
	struct bw_frame frame;
	struct bw_cursor c;
	struct bw_slice exported;

	BW_TRY(receive(line, timeout_ms, &frame, &why));
	BW_NEED(frame.kind == BW_MEET_SAYS_HEARD, PROTOCOL);
	c = bw_cursor_over(frame.body);
	BW_TRY(bw_take_be64(&c, &out->id));
	BW_TRY(bw_take(&c, sizeof(out->exported), &exported));
	memcpy(out->exported, exported.ptr, exported.len);
	out->message = bw_slice_from(frame.body, sizeof(out->id) + sizeof(out->exported));
	BW_NEED(out->message.len <= BW_MEET_MESSAGE_MAX, PROTOCOL);
	return BW_OK;
}

enum bw_err bw_meet_line_answer(struct bw_meet_line *line, uint64_t id, struct bw_slice answer)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_MEET_MESSAGE_MAX + 8);

	BW_TRY(bw_buf_add_be64(&body, id));
	BW_TRY(bw_buf_add(&body, answer));
	return bw_channel_send(line->channel, BW_MEET_TELLS_ANSWER, bw_buf_slice(&body), -1, ANSWER_MS);
}

/* ---- the guest --------------------------------------------------------------- */

enum bw_err bw_meet_line_go(const struct bw_url *host, struct bw_meet_line **out, struct bw_why *why)
{
	const struct bw_meet_child_plan plan = { .listener = -1, .host = host };

	return start(&plan, out, why);
}

enum bw_err bw_meet_line_export(struct bw_meet_line *line, uint8_t out[BW_MEET_EXPORT_BYTES], struct bw_why *why)
{
	BW_TRY(wait_until_ready(line, why));
	memcpy(out, line->exported, sizeof(line->exported));
	return BW_OK;
}

enum bw_err bw_meet_line_ask(struct bw_meet_line *line, struct bw_slice message, struct bw_slice *out,
			     struct bw_why *why)
{
	struct bw_frame frame;

	BW_TRY(bw_channel_send(line->channel, BW_MEET_TELLS_ASK, message, -1, ANSWER_MS));
	BW_TRY(receive(line, ANSWER_MS, &frame, why));
	BW_NEED(frame.kind == BW_MEET_SAYS_HEARD && frame.body.len <= BW_MEET_MESSAGE_MAX, PROTOCOL);
	*out = frame.body;
	return BW_OK;
}
