#include "accord/facts_child.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/cursor.h"
#include "desk/child.h"

enum {
	KIND_ASK = 1, /* with the question in a sealed memory file */
	KIND_ANSWER,  /* error be16; with the answer in another when there is none */
	ANSWER_MS = 10 * 60 * 1000,
};

struct bw_facts_child {
	struct bw_child child;
};

/* ---- the child ------------------------------------------------------------------------ */

static enum bw_err send_answer(struct bw_channel *channel, enum bw_err err, int fd)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(16);

	BW_TRY(bw_buf_add_be16(&body, (uint16_t)err));
	return bw_channel_send(channel, KIND_ANSWER, bw_buf_slice(&body), fd, -1);
}

static enum bw_err work(struct bw_facts_worker *worker, int question_fd, struct bw_buf *answer)
{
	struct bw_mapped question;
	enum bw_err err;

	BW_TRY(bw_mapped_open(question_fd, BW_QUESTION_MAX, &question));
	err = bw_facts_work(worker, question.bytes, answer);
	bw_mapped_release(&question);
	return err;
}

static enum bw_err answer_one(struct bw_facts_worker *worker, struct bw_channel *channel, int question_fd)
{
	BW_CLEANUP(bw_memfile_release) struct bw_memfile file = BW_MEMFILE_NONE;
	BW_CLEANUP(bw_buf_release) struct bw_buf answer = BW_BUF_INIT(BW_ANSWER_MAX);
	enum bw_err err = work(worker, question_fd, &answer);

	if (err == BW_OK)
		err = bw_memfile_of("facts", bw_buf_slice(&answer), &file);
	return send_answer(channel, err, file.fd);
}

static enum bw_err run(struct bw_channel *channel)
{
	struct bw_facts_worker *worker;

	BW_TRY(bw_facts_worker_new(&worker));
	for (;;) {
		struct bw_frame frame;
		int fd = -1;
		enum bw_err err = bw_channel_receive(channel, &frame, &fd, -1);

		if (err == BW_OK)
			err = frame.kind == KIND_ASK && fd >= 0 ? answer_one(worker, channel, fd) : BW_ERR_PROTOCOL;
		if (fd >= 0)
			(void)close(fd);
		if (err != BW_OK) {
			bw_facts_worker_free(worker);
			return err;
		}
	}
}

/* ---- the master ------------------------------------------------------------------------ */

enum bw_err bw_facts_child_start(struct bw_facts_child **out, struct bw_why *why)
{
	static const struct bw_child_plan plan = { "clerk", run };
	struct bw_facts_child *child = calloc(1, sizeof(*child));
	enum bw_err err;

	BW_NEED(child != NULL, MEMORY);
	err = bw_child_start(&plan, &child->child, why);
	if (err != BW_OK) {
		free(child);
		return err;
	}
	*out = child;
	return BW_OK;
}

void bw_facts_child_end(struct bw_facts_child *child)
{
	if (child == NULL)
		return;
	bw_child_end(&child->child);
	free(child);
}

static enum bw_err read_answer(const struct bw_frame *frame, int fd, struct bw_mapped *answer)
{
	struct bw_cursor c = bw_cursor_over(frame->body);
	uint16_t err;

	BW_NEED(frame->kind == KIND_ANSWER, PROTOCOL);
	BW_TRY(bw_take_be16(&c, &err));
	BW_NEED(err < BW_ERR_COUNT, PROTOCOL);
	if (err != BW_OK)
		return (enum bw_err)err;
	BW_NEED(fd >= 0, PROTOCOL);
	return bw_mapped_open(fd, BW_ANSWER_MAX, answer);
}

enum bw_err bw_facts_child_ask(struct bw_facts_child *child, struct bw_slice question, struct bw_mapped *answer)
{
	BW_CLEANUP(bw_memfile_release) struct bw_memfile file = BW_MEMFILE_NONE;
	struct bw_channel *channel = child->child.channel;
	struct bw_frame frame;
	int fd = -1;
	enum bw_err err;

	BW_TRY(bw_memfile_of("question", question, &file));
	BW_TRY(bw_channel_send(channel, KIND_ASK, bw_slice_empty, file.fd, ANSWER_MS));
	BW_TRY(bw_channel_receive(channel, &frame, &fd, ANSWER_MS));
	err = read_answer(&frame, fd, answer);
	if (fd >= 0)
		(void)close(fd);
	return err;
}
