#include "desk/desk.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "desk/folder.h"

enum { ANSWER_WAIT_MS = 3600 * 1000 }; /* compacting ten million objects takes minutes */

struct bw_desk {
	const char *data;
	struct bw_channel *channel; /* to the server; NULL: we are the only user */
	struct bw_store *store;     /* opened when first needed */
};

/* ---- remote ------------------------------------------------------------ */

static enum bw_err write_ask(enum bw_office_verb verb, const struct bw_slice *fields, size_t count, struct bw_buf *out)
{
	BW_TRY(bw_form_add_num(out, verb));
	for (size_t i = 0; i + 1 < BW_OFFICE_FIELDS; i++)
		BW_TRY(bw_form_add(out, i < count ? fields[i] : bw_slice_empty));
	return BW_OK;
}

enum { ANS_ERR, ANS_WORDS, ANS_RESULT };

static enum bw_err read_answer(const struct bw_frame *frame, struct bw_buf *result, struct bw_why *why)
{
	struct bw_form form;
	uint64_t err;

	BW_NEED(frame->kind == BW_ANS_DESK, PROTOCOL);
	BW_TRY(bw_form_take(frame->body, BW_FIELDS_ANS_DESK, &form));
	BW_TRY(bw_form_num(&form, ANS_ERR, BW_ERR_COUNT - 1, &err));
	if (err != BW_OK)
		return bw_why_set(why, (enum bw_err)err, "%.*s", BW_ARG(form.fields[ANS_WORDS]));
	return result == NULL ? BW_OK : bw_buf_add(result, form.fields[ANS_RESULT]);
}

static enum bw_err ask(struct bw_channel *channel, const struct bw_buf *form, int fd, struct bw_buf *result,
		       int *out_fd, int wait_ms, struct bw_why *why)
{
	struct bw_frame frame;
	int got = -1;
	enum bw_err err = bw_channel_send(channel, BW_ASK_DESK, bw_buf_slice(form), fd, wait_ms);

	if (err == BW_OK)
		err = bw_channel_receive(channel, &frame, &got, wait_ms);
	if (err != BW_OK)
		return bw_why_set(why, err, "the running server did not answer: %s", bw_err_text(err));
	err = read_answer(&frame, result, why);
	if (err == BW_OK && out_fd != NULL)
		*out_fd = got;
	else if (got >= 0)
		(void)close(got);
	return err;
}

enum bw_err bw_desk_ask(struct bw_channel *channel, const struct bw_desk_question *question, struct bw_buf *result,
			int *out_fd, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf form = BW_BUF_INIT(BW_FRAME_BODY_MAX);

	if (write_ask(question->verb, question->fields, question->count, &form) != BW_OK)
		return bw_why_set(why, BW_ERR_TOO_BIG, "cannot ask for that: it is too large");
	return ask(channel, &form, question->fd, result, out_fd, question->wait_ms, why);
}

/* ---- local ------------------------------------------------------------- */

static enum bw_err store_words(struct bw_why *why, enum bw_err err, const struct bw_desk *desk)
{
	if (err == BW_ERR_BUSY)
		return bw_why_set(why, err, "the store in '%s' is in use by another command; try again when it is done",
				  desk->data);
	return bw_why_set(why, err, "cannot open the store in '%s': %s", desk->data, bw_err_text(err));
}

static enum bw_err do_here(struct bw_desk *desk, const struct bw_buf *ask_form, int fd, struct bw_buf *result,
			   struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf unused = BW_BUF_INIT(32 * BW_MIB);
	struct bw_form form;
	enum bw_err err;

	BW_TRY(bw_form_take(bw_buf_slice(ask_form), BW_OFFICE_FIELDS, &form));
	err = bw_office_do(desk->store, BW_OFFICE_OPERATOR, &form, fd, result == NULL ? &unused : result, why);
	if (err == BW_OK) {
		err = bw_store_commit(desk->store);
		if (err != BW_OK)
			(void)bw_why_set(why, err, "cannot store: %s", bw_store_why(desk->store));
	}
	if (err != BW_OK)
		bw_store_rollback(desk->store);
	return err;
}

/* ---- both -------------------------------------------------------------- */

static enum bw_err open_local(struct bw_desk *desk, struct bw_why *why)
{
	const struct bw_store_options options = { .dir = desk->data, .role = BW_STORE_WRITER, .catalogue_fd = -1 };
	const enum bw_err err = bw_store_open(&options, &desk->store);

	return err == BW_OK ? BW_OK : store_words(why, err, desk);
}

static enum bw_err open_remote(struct bw_desk *desk, struct bw_why *why)
{
	const struct bw_desk_question question = { .verb = BW_OFFICE_MEMORY, .fd = -1, .wait_ms = ANSWER_WAIT_MS };
	struct bw_store_options options = { .dir = desk->data, .role = BW_STORE_READER, .catalogue_fd = -1 };
	enum bw_err err;

	BW_TRY(bw_desk_ask(desk->channel, &question, NULL, &options.catalogue_fd, why));
	err = bw_store_open(&options, &desk->store);
	if (options.catalogue_fd >= 0)
		(void)close(options.catalogue_fd);
	return err == BW_OK ? BW_OK : store_words(why, err, desk);
}

enum bw_err bw_desk_open(const char *data, struct bw_desk **out, struct bw_why *why)
{
	struct bw_desk *desk;
	enum bw_err err;
	int fd;

	BW_TRY(bw_folder_check(data, why));
	desk = calloc(1, sizeof(*desk));
	BW_NEED(desk != NULL, MEMORY);
	desk->data = data;
	err = bw_folder_connect(data, BW_FOLDER_CONTROL, &fd);
	if (err == BW_OK)
		err = bw_channel_new(fd, &desk->channel);
	else if (err == BW_ERR_DENIED)
		err = bw_why_set(why, err, "the server running on '%s' belongs to another account", data);
	else
		err = BW_OK; /* nobody is there */
	if (err == BW_OK)
		err = desk->channel != NULL ? open_remote(desk, why) : open_local(desk, why);
	if (err != BW_OK) {
		bw_desk_close(desk);
		return err;
	}
	*out = desk;
	return BW_OK;
}

void bw_desk_close(struct bw_desk *desk)
{
	if (desk == NULL)
		return;
	bw_store_close(desk->store);
	bw_channel_free(desk->channel);
	free(desk);
}

struct bw_store *bw_desk_store(struct bw_desk *desk)
{
	return desk->store;
}

bool bw_desk_is_remote(const struct bw_desk *desk)
{
	return desk->channel != NULL;
}

enum bw_err bw_desk_do(struct bw_desk *desk, enum bw_office_verb verb, const struct bw_slice *fields, size_t count,
		       int fd, struct bw_buf *result, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf form = BW_BUF_INIT(BW_FRAME_BODY_MAX);

	if (write_ask(verb, fields, count, &form) != BW_OK)
		return bw_why_set(why, BW_ERR_TOO_BIG, "cannot ask for that: it is too large");
	return desk->channel != NULL ? ask(desk->channel, &form, fd, result, NULL, ANSWER_WAIT_MS, why)
				     : do_here(desk, &form, fd, result, why);
}

struct bw_slice bw_desk_num(uint64_t value, uint8_t room[8])
{
	for (int i = 7; i >= 0; i--) {
		room[i] = (uint8_t)value;
		value >>= 8;
	}
	return bw_slice_of(room, 8);
}

struct bw_desk *bw_desk_for(const struct bw_call *call, int *status)
{
	struct bw_desk *desk = NULL;
	struct bw_why why = { 0 };
	const enum bw_err err = bw_desk_open(bw_call_data(call), &desk, &why);

	*status = BW_EXIT_OK;
	if (err != BW_OK)
		*status = bw_complain(call, BW_EXIT_FAILED, NULL, "%s", why.text[0] != 0 ? why.text : bw_err_text(err));
	return desk;
}
