/*
 * The keeper worker is the only writer of the store. What arrives in one round
 * shares one transaction and one fsync; answers go out after it, so whatever
 * was acknowledged is on disk together with its line in the audit log.
 */
#include <stdlib.h>

#include "base/command.h"
#include "base/log.h"
#include "desk/office.h"
#include "serve/keeper_inner.h"
#include "serve/workers.h"
#include "sys/clock.h"

enum { WAKE_MS = 1000 };

/* ---- the desk ---------------------------------------------------------- */

static enum bw_err carry_out(struct keeper *k, struct bw_letter *letter, enum bw_office_who who)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf result = BW_BUF_INIT(BW_FRAME_BODY_MAX / 2);
	struct bw_why why = { 0 };
	struct bw_form form;
	uint64_t verb;
	enum bw_err err;

	BW_TRY(bw_form_take(letter->body, BW_OFFICE_FIELDS, &form));
	/* asking for more than one may is no mistake that a program makes: it ends the channel */
	BW_NEED(bw_office_may(who, &form), PROTOCOL);
	BW_TRY(bw_form_num(&form, 0, BW_OFFICE_VERB_COUNT - 1, &verb));
	if (verb == BW_OFFICE_MEMORY || verb == BW_OFFICE_BULLETIN) {
		keeper_send_desk(k, letter->from, BW_OK, "", bw_slice_empty,
				 verb == BW_OFFICE_MEMORY ? bw_store_catalogue_fd(k->store)
							  : bw_store_bulletin_fd(k->store));
		return BW_OK;
	}
	/* what waits is made safe first, so that a verb that fails undoes nothing but itself */
	keeper_round_done(k);
	err = bw_office_do(k->store, who, &form, letter->fd, &result, &why);
	if (err != BW_OK) {
		bw_store_rollback(k->store);
		keeper_send_desk(k, letter->from, err, why.text[0] != 0 ? why.text : bw_err_text(err), bw_slice_empty,
				 -1);
		return BW_OK;
	}
	if (verb == BW_OFFICE_ACCORD_OVER)
		k->retire_due_ms = 0; /* at once, not at the next look */
	keeper_wait(k, FOR_DESK, letter->from)->body = bw_buf_move(&result);
	return BW_OK;
}

static enum bw_err on_desk(void *ctx, struct bw_letter *letter)
{
	return carry_out(ctx, letter, BW_OFFICE_OPERATOR);
}

static enum bw_err on_ledger(void *ctx, struct bw_letter *letter)
{
	return carry_out(ctx, letter, BW_OFFICE_LEDGER);
}

/* ---- seals of the audit log -------------------------------------------- */

static void on_wake(void *ctx)
{
	struct keeper *k = ctx;

	if (k->dirty)
		return;
	keeper_retire(k, bw_clock_mono_us() / 1000);
	bw_sealing_step(&k->sealing, k->store, k->post, bw_clock_mono_us() / 1000);
}

static enum bw_err on_signed(void *ctx, struct bw_letter *letter)
{
	struct keeper *k = ctx;

	if (bw_sealing_answered(&k->sealing, k->store, letter->body, !k->dirty, bw_clock_mono_us() / 1000))
		k->dirty = true;
	return BW_OK;
}

/* ---- start ------------------------------------------------------------- */

static enum bw_err told(void *ctx, const struct bw_frame *message, int fd)
{
	struct keeper *k = ctx;

	(void)fd;
	return message->kind == BW_TELL_SETTINGS ? bw_settings_take(message->body, &k->settings) : BW_OK;
}

static enum bw_err share(struct bw_seat *seat, uint64_t what, int fd)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(64);

	BW_TRY(bw_form_add_num(&form, what));
	return bw_seat_ask(seat, BW_ASK_SHARE, bw_buf_slice(&form), fd);
}

static const struct bw_post_rule keeper_rules[] = {
	{ "front", BW_ASK_PUT, keeper_on_put },
	{ "front", BW_ASK_DELETE, keeper_on_delete },
	{ "front", BW_ASK_SEEN, keeper_on_seen },
	{ "desk", BW_ASK_DESK, on_desk },
	{ "ledger", BW_ASK_DESK, on_ledger },
	{ "signer", BW_ANS_SIGN, on_signed },
	{ 0 },
};

static enum bw_err run_keeper(struct keeper *k, struct bw_seat *seat)
{
	const struct bw_serve_shared *shared = bw_seat_shared(seat);
	const struct bw_post_plan plan = { .rules = keeper_rules,
					   .ctx = k,
					   .told = told,
					   .round_done = keeper_round_done,
					   .wake_ms = WAKE_MS,
					   .woken = on_wake,
					   .guests_fd = shared->control,
					   .others = { "ledger", shared->partners } };
	const struct bw_store_options options = { .dir = shared->data, .role = BW_STORE_WRITER, .catalogue_fd = -1 };
	const struct bw_sandbox_paths paths = { .folder = shared->data };
	struct bw_why why = { 0 };
	enum bw_err err;

	BW_TRY(bw_post_new(seat, &plan, &k->post));
	BW_TRY(bw_post_wait_for(k->post, BW_TELL_SETTINGS, 20000));
	BW_TRY(bw_seat_confine(seat, &paths, k->settings.require_sandbox, &why));
	err = bw_store_open(&options, &k->store);
	if (err != BW_OK) {
		bw_log(BW_CRIT, "the store cannot be opened", BW_TEXT("folder", shared->data),
		       BW_TEXT("error", bw_err_text(err)));
		return err;
	}
	BW_TRY(share(seat, BW_MEMORY_BULLETIN, bw_store_bulletin_fd(k->store)));
	BW_TRY(share(seat, BW_MEMORY_CATALOGUE, bw_store_catalogue_fd(k->store)));
	BW_TRY(bw_seat_ready(seat));
	return bw_post_run(k->post);
}

int bw_keeper_run(struct bw_seat *seat)
{
	struct keeper *k = calloc(1, sizeof(*k));
	enum bw_err err;

	if (k == NULL)
		return BW_EXIT_FAILED;
	err = run_keeper(k, seat);
	if (k->store != NULL && k->dirty)
		keeper_round_done(k);
	if (err != BW_OK && err != BW_ERR_CLOSED)
		bw_log(BW_ERROR, "keeper ends", BW_TEXT("why", bw_err_text(err)));
	bw_post_free(k->post);
	bw_store_close(k->store);
	free(k);
	return err == BW_OK || err == BW_ERR_CLOSED ? BW_EXIT_OK : BW_EXIT_FAILED;
}
