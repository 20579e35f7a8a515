#include "desk/servant.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "codec/split.h"
#include "desk/child.h"
#include "desk/form.h"
#include "desk/intake.h"
#include "desk/limits.h"
#include "sys/memfile.h"

enum {
	KIND_GIVE = 1, /* a stream, as a descriptor */
	KIND_PART,     /* total n, bytes n, end n, problem t, failures l; a sealed batch comes with it */
	KIND_NEXT,     /* one part has been taken */
	AHEAD = 2,     /* parts the servant may be ahead of its master */
	PART_BYTES = 4 * 1024 * 1024,
	PART_OBJECTS = 8000, /* one commit each; docs/experiments/store.md says why about so many */
	CHUNK_BYTES = 1024 * 1024,
	WORDS_MAX = 256,
	BATCH_MAX = 96 * 1024 * 1024, /* one object of the largest size still fits */
};

struct bw_servant {
	struct bw_child child;
};

/* ---- the child --------------------------------------------------------- */

struct child {
	struct bw_channel *channel;
	struct bw_intake intake;
	struct bw_split *split;
	uint8_t *chunk;
	uint64_t bytes_read;
	unsigned ahead;
};

static enum bw_err wait_for_master(struct child *c)
{
	while (c->ahead >= AHEAD) {
		struct bw_frame frame;

		BW_TRY(bw_channel_receive(c->channel, &frame, NULL, -1));
		BW_NEED(frame.kind == KIND_NEXT, PROTOCOL);
		c->ahead--;
	}
	return BW_OK;
}

static enum bw_err send_part(struct child *c, bool end, const char *problem)
{
	BW_CLEANUP(bw_memfile_release) struct bw_memfile batch = BW_MEMFILE_NONE;
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(BW_FRAME_BODY_MAX);

	BW_TRY(wait_for_master(c));
	BW_TRY(bw_memfile_of("stix-batch", bw_buf_slice(&c->intake.batch), &batch));
	BW_TRY(bw_form_add_num(&form, c->intake.total));
	BW_TRY(bw_form_add_num(&form, c->intake.valid));
	BW_TRY(bw_form_add_num(&form, c->bytes_read));
	BW_TRY(bw_form_add_num(&form, end));
	BW_TRY(bw_form_add_text(&form, problem));
	BW_TRY(bw_form_add(&form, bw_buf_slice(&c->intake.failures)));
	BW_TRY(bw_channel_send(c->channel, KIND_PART, bw_buf_slice(&form), batch.fd, -1));
	c->ahead++;
	return bw_intake_reset(&c->intake);
}

static enum bw_err take_object(struct child *c, struct bw_slice text)
{
	enum bw_err err = bw_intake_object(&c->intake, text);

	if (err == BW_ERR_TOO_BIG && c->intake.valid > 0) {
		BW_TRY(send_part(c, false, ""));
		err = bw_intake_object(&c->intake, text);
	}
	if (err == BW_ERR_TOO_BIG)
		return bw_intake_refuse(&c->intake, "the object is larger than the limit");
	BW_TRY(err);
	if (c->intake.batch.len >= PART_BYTES || c->intake.total >= PART_OBJECTS)
		return send_part(c, false, "");
	return BW_OK;
}

/* Takes what the splitter has. OK with `done` when the stream is over, and words when it broke off. */
static enum bw_err take_items(struct child *c, bool *done, char words[WORDS_MAX])
{
	for (;;) {
		struct bw_split_item item;
		const enum bw_err err = bw_split_next(c->split, &item);

		if (err == BW_ERR_AGAIN)
			return BW_OK;
		*done = err == BW_ERR_NOT_FOUND;
		if (*done)
			return BW_OK;
		BW_TRY(err);
		if (item.kind == BW_SPLIT_OBJECT) {
			BW_TRY(take_object(c, item.text));
		} else if (item.kind == BW_SPLIT_FAULT) {
			if (!item.fatal) {
				BW_TRY(bw_intake_refuse(&c->intake, item.reason));
				continue;
			}
			(void)snprintf(words, WORDS_MAX, "%s, at byte %llu", item.reason,
				       (unsigned long long)item.offset);
			*done = true;
			return BW_OK;
		}
	}
}

static ssize_t read_chunk(int fd, uint8_t *chunk)
{
	ssize_t got;

	do
		got = read(fd, chunk, CHUNK_BYTES);
	while (got < 0 && errno == EINTR);
	return got;
}

static enum bw_err read_stream(struct child *c, int fd, char words[WORDS_MAX])
{
	bool done = false;

	while (!done) {
		const ssize_t got = read_chunk(fd, c->chunk);

		if (got < 0) {
			(void)snprintf(words, WORDS_MAX, "reading failed: %s", bw_err_text(bw_err_from_errno(errno)));
			return BW_OK;
		}
		c->bytes_read += (uint64_t)got;
		bw_split_feed(c->split, bw_slice_of(c->chunk, (size_t)got), got == 0);
		BW_TRY(take_items(c, &done, words));
		if (got == 0)
			return BW_OK;
	}
	return BW_OK;
}

static enum bw_err serve_stream(struct child *c, int fd)
{
	char words[WORDS_MAX] = "";
	enum bw_err err;

	c->bytes_read = 0;
	BW_TRY(bw_split_new(&c->split));
	err = read_stream(c, fd, words);
	bw_split_free(c->split);
	BW_TRY(err);
	return send_part(c, true, words);
}

static enum bw_err serve_streams(struct child *c)
{
	for (;;) {
		struct bw_frame frame;
		int fd = -1;
		enum bw_err err;

		BW_TRY(bw_channel_receive(c->channel, &frame, &fd, -1));
		if (frame.kind == KIND_NEXT) {
			BW_NEED(c->ahead > 0, PROTOCOL);
			c->ahead--;
			continue;
		}
		BW_NEED(frame.kind == KIND_GIVE && fd >= 0, PROTOCOL);
		err = serve_stream(c, fd);
		(void)close(fd);
		BW_TRY(err);
	}
}

/* What it takes goes with the process. */
static enum bw_err child_run(struct bw_channel *channel)
{
	static struct child c;

	c.channel = channel;
	BW_TRY(bw_intake_init(&c.intake, BATCH_MAX));
	c.chunk = malloc(CHUNK_BYTES);
	BW_NEED(c.chunk != NULL, MEMORY);
	return serve_streams(&c);
}

/* ---- the master -------------------------------------------------------- */

enum bw_err bw_servant_start(struct bw_servant **out, struct bw_why *why)
{
	static const struct bw_child_plan plan = { "servant", child_run };
	struct bw_servant *servant = calloc(1, sizeof(*servant));
	enum bw_err err;

	BW_NEED(servant != NULL, MEMORY);
	err = bw_child_start(&plan, &servant->child, why);
	if (err != BW_OK) {
		free(servant);
		return err;
	}
	*out = servant;
	return BW_OK;
}

void bw_servant_free(struct bw_servant *servant)
{
	if (servant == NULL)
		return;
	bw_child_end(&servant->child);
	free(servant);
}

enum bw_err bw_servant_give(struct bw_servant *servant, int fd)
{
	return bw_channel_send(servant->child.channel, KIND_GIVE, bw_slice_empty, fd, -1);
}

enum bw_err bw_servant_next(struct bw_servant *servant, struct bw_servant_part *out)
{
	struct bw_servant_part part = { .batch_fd = -1 };
	struct bw_frame frame;
	struct bw_form form;
	uint64_t end;
	enum bw_err err;

	BW_TRY(bw_channel_receive(servant->child.channel, &frame, &part.batch_fd, -1));
	err = frame.kind == KIND_PART && part.batch_fd >= 0 ? bw_form_take(frame.body, 6, &form) : BW_ERR_PROTOCOL;
	if (err == BW_OK)
		err = bw_form_num(&form, 0, UINT32_MAX, &part.total);
	if (err == BW_OK)
		err = bw_form_num(&form, 1, part.total, &part.valid);
	if (err == BW_OK)
		err = bw_form_num(&form, 2, UINT64_MAX, &part.bytes_read);
	if (err == BW_OK)
		err = bw_form_num(&form, 3, 1, &end);
	if (err == BW_OK)
		err = bw_channel_send(servant->child.channel, KIND_NEXT, bw_slice_empty, -1, -1);
	if (err != BW_OK) {
		if (part.batch_fd >= 0)
			(void)close(part.batch_fd);
		return err;
	}
	part.end = end == 1;
	part.problem = form.fields[4];
	part.failures = form.fields[5];
	*out = part;
	return BW_OK;
}
