/*
 * A round: what arrives together shares one transaction and one fsync. Each request
 * is a part of it that can fail alone; answers go out after the commit.
 */
#include "base/log.h"
#include "serve/keeper_inner.h"
#include "serve/limits.h"
#include "serve/reply_form.h"

/* ---- answers ----------------------------------------------------------- */

void keeper_send_desk(struct keeper *k, struct bw_return_address to, enum bw_err err, const char *words,
		      struct bw_slice result, int fd)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(BW_FRAME_BODY_MAX);

	if (bw_form_add_num(&form, err) == BW_OK && bw_form_add_text(&form, words) == BW_OK &&
	    bw_form_add(&form, result) == BW_OK)
		bw_err_drop(bw_post_answer(k->post, to, BW_ANS_DESK, bw_buf_slice(&form), fd)); /* the guest is gone */
}

void keeper_send_problem(struct keeper *k, struct bw_return_address to, uint64_t id, const struct bw_problem *problem)
{
	if (bw_reply_form_problem(k->post, to, id, problem) != BW_OK)
		bw_log(BW_WARNING, "an answer could not be sent", BW_NUM("status", problem->status));
}

void keeper_send_seen(struct keeper *k, struct bw_return_address to, uint64_t batch, bool stored)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(64);

	if (bw_form_add_num(&form, batch) == BW_OK && bw_form_add_num(&form, stored ? 1 : 0) == BW_OK)
		bw_err_drop(bw_post_answer(k->post, to, BW_ANS_SEEN, bw_buf_slice(&form), -1)); /* the front is gone */
}

static const char *words_for_lost(enum bw_err err)
{
	switch (err) {
	case BW_ERR_DISK_FULL:
		return "the disk is full; nothing of this request was stored";
	case BW_ERR_READ_ONLY:
		return "the disk is read-only; nothing of this request was stored";
	default:
		return "the store could not write; nothing of this request was stored";
	}
}

void keeper_send_lost(struct keeper *k, struct bw_return_address to, uint64_t id, enum bw_err err)
{
	struct bw_problem problem;

	(void)bw_problem_set(&problem, 503, "Not stored", "%s", words_for_lost(err));
	keeper_send_problem(k, to, id, &problem);
}

static void send_reply(struct keeper *k, const struct waiting *w)
{
	const struct bw_reply_form reply = {
		.id = w->id, .status = w->status, .headers = bw_slice_empty, .body = bw_buf_slice(&w->body)
	};

	if (bw_reply_form_send(k->post, w->to, &reply) != BW_OK)
		bw_log(BW_WARNING, "an answer could not be sent", BW_NUM("status", w->status));
}

static void answer(struct keeper *k, const struct waiting *w, enum bw_err err)
{
	switch (w->kind) {
	case FOR_FRONT:
		if (err == BW_OK)
			send_reply(k, w);
		else
			keeper_send_lost(k, w->to, w->id, err);
		break;
	case FOR_DESK:
		keeper_send_desk(k, w->to, err, err == BW_OK ? "" : words_for_lost(err),
				 err == BW_OK ? bw_buf_slice(&w->body) : bw_slice_empty, -1);
		break;
	case FOR_SEEN:
		keeper_send_seen(k, w->to, w->id, err == BW_OK);
		break;
	}
}

/* ---- the round ----------------------------------------------------------- */

struct waiting *keeper_wait(struct keeper *k, enum waiting_kind kind, struct bw_return_address to)
{
	struct waiting *w = &k->waiting[k->waiting_count++];

	*w = (struct waiting){ .kind = kind, .to = to, .body = BW_BUF_INIT(BW_REPLY_BYTES_MAX) };
	k->dirty = true;
	return w;
}

static void settle(struct keeper *k, enum bw_err err)
{
	for (size_t i = 0; i < k->waiting_count; i++) {
		answer(k, &k->waiting[i], err);
		bw_buf_release(&k->waiting[i].body);
	}
	k->waiting_count = 0;
	k->dirty = false;
}

static void log_failure(const struct keeper *k, enum bw_err err)
{
	bw_log(BW_ERROR, "the store could not write", BW_TEXT("error", bw_err_text(err)),
	       BW_TEXT("why", bw_store_why(k->store)));
}

/* Everything since the last commit is undone, and everybody who waits for it is told. */
static void give_up_round(struct keeper *k, enum bw_err err)
{
	log_failure(k, err);
	bw_store_rollback(k->store);
	settle(k, err);
}

void keeper_round_done(void *ctx)
{
	struct keeper *k = ctx;
	enum bw_err err;

	if (!k->dirty)
		return;
	err = bw_store_commit(k->store);
	if (err == BW_OK)
		settle(k, BW_OK);
	else
		give_up_round(k, err);
}

enum bw_err keeper_begin(struct keeper *k)
{
	enum bw_err err;

	if (k->waiting_count == KEEPER_ROUND_MAX) /* nobody waits longer because the round is full */
		keeper_round_done(k);
	k->dirty = true; /* the transaction is open from here on, whatever becomes of this request */
	err = bw_store_part_begin(k->store);
	k->in_part = err == BW_OK;
	return err;
}

bool keeper_end(struct keeper *k, enum bw_err *err)
{
	if (k->in_part)
		*err = bw_store_part_end(k->store, *err);
	k->in_part = false;
	if (bw_store_is_lost(k->store))
		give_up_round(k, *err);
	else if (*err != BW_OK && *err != BW_ERR_USAGE)
		log_failure(k, *err);
	return *err == BW_OK;
}
