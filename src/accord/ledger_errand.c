/* Errands of the courier: what was asked, and what comes back. */
#include "accord/ledger_inner.h"

enum { HEARD_MAX = 8 * 1024 * 1024 };

/* ---- errands --------------------------------------------------------------------------------- */

static struct errand *errand_of(struct ledger *ledger, uint64_t id)
{
	for (size_t i = 0; i < LEDGER_ERRANDS_MAX; i++)
		if (ledger->errands[i].id == id)
			return &ledger->errands[i];
	return NULL;
}

static enum bw_err write_errand(const struct errand *errand, uint32_t party, bool is_post, struct bw_slice target,
				const char *type, struct bw_slice body, struct bw_buf *form, struct bw_memfile *memory)
{
	BW_TRY(bw_form_add_num(form, errand->id));
	BW_TRY(bw_form_add_num(form, party));
	BW_TRY(bw_form_add_num(form, is_post ? BW_ERRAND_POST : BW_ERRAND_GET));
	BW_TRY(bw_form_add(form, target));
	BW_TRY(bw_form_add_text(form, type));
	return bw_run_add_body(form, body, memory);
}

enum bw_err ledger_send(struct ledger *ledger, const struct errand *like, uint32_t party, bool is_post,
			struct bw_slice target, const char *type, struct bw_slice body, uint64_t *out_id)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	BW_CLEANUP(bw_memfile_release) struct bw_memfile memory = BW_MEMFILE_NONE;
	struct errand *errand = errand_of(ledger, 0);
	struct errand fresh = *like;

	BW_NEED(errand != NULL, TOO_MANY);
	fresh.id = ledger->ids + 1;
	fresh.heard = BW_BUF_INIT(HEARD_MAX);
	BW_TRY(write_errand(&fresh, party, is_post, target, type, body, &form, &memory));
	BW_TRY(bw_post_ask(ledger->post, "courier", BW_COURIER_GO, bw_buf_slice(&form), memory.fd));
	ledger->ids++;
	*errand = fresh;
	*out_id = fresh.id;
	return BW_OK;
}

static void forget(struct errand *errand)
{
	bw_buf_release(&errand->heard);
	*errand = (struct errand){ 0 };
}

static enum bw_err tell_courier(struct ledger *ledger, uint8_t kind, uint64_t id)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(64);

	BW_TRY(bw_form_add_num(&form, id));
	return bw_post_ask(ledger->post, "courier", kind, bw_buf_slice(&form), -1);
}

void ledger_drop(struct ledger *ledger, uint64_t id)
{
	struct errand *errand = id == 0 ? NULL : errand_of(ledger, id);

	if (errand == NULL)
		return;
	forget(errand);
	/* a courier that is away has no errands */
	bw_err_drop(tell_courier(ledger, BW_COURIER_DROP, id));
}

enum bw_err ledger_courier_may_bring(struct ledger *ledger, uint64_t id)
{
	return id == 0 ? BW_OK : tell_courier(ledger, BW_COURIER_MORE, id);
}

static void errand_ended(struct errand *errand, enum bw_err err, const char *words)
{
	struct errand over = *errand;

	*errand = (struct errand){ 0 };
	if (over.kind == ERRAND_WITNESS)
		sign_errand_ended(&over, err, words);
	else if (over.kind == ERRAND_VISIT)
		visit_errand_ended(&over, err, words);
	else if (over.pact->in.word == over.id)
		over.pact->in.word = 0;
	bw_buf_release(&over.heard);
}

/* ---- letters of the courier -------------------------------------------------------------------- */

static enum bw_err take_errand(struct ledger *ledger, const struct bw_letter *letter, size_t fields,
			       struct bw_form *form, struct errand **out)
{
	uint64_t id;

	BW_TRY(bw_form_take(letter->body, fields, form));
	BW_TRY(bw_form_num(form, 0, UINT64_MAX, &id));
	*out = id == 0 ? NULL : errand_of(ledger, id);
	return BW_OK;
}

enum bw_err courier_head(void *ctx, struct bw_letter *letter)
{
	char group[64];
	struct errand *errand;
	struct bw_form form;
	uint64_t status;

	BW_TRY(take_errand(ctx, letter, 3, &form, &errand));
	BW_TRY(bw_form_num(&form, 1, 599, &status));
	BW_TRY(bw_form_text(&form, 2, group, sizeof(group)));
	if (errand == NULL)
		return BW_OK;
	errand->status = (unsigned)status;
	if (errand->kind == ERRAND_VISIT)
		visit_errand_head(errand, group);
	return BW_OK;
}

static bool is_stream(const struct errand *errand)
{
	return errand->kind == ERRAND_VISIT && errand->pact->in.stage == IN_STREAM && errand->status == 200 &&
	       errand->pact->in.errand == errand->id;
}

enum bw_err courier_body(void *ctx, struct bw_letter *letter)
{
	struct bw_mapped mapped = { bw_slice_empty };
	struct ledger *ledger = ctx;
	struct errand *errand;
	struct bw_slice bytes;
	struct bw_form form;
	enum bw_err err = BW_OK;

	BW_TRY(take_errand(ledger, letter, 2, &form, &errand));
	if (errand == NULL)
		return BW_OK;
	BW_TRY(bw_run_body(form.fields[1], letter->fd, &mapped, &bytes));
	if (is_stream(errand)) {
		err = in_piece(errand->pact, bytes);
		if (err != BW_OK)
			visit_give_up(errand->pact, "what came cannot be read now", bw_err_text(err));
	} else {
		err = bw_buf_add(&errand->heard, bytes);
		if (err == BW_OK)
			err = ledger_courier_may_bring(ledger, errand->id);
		if (err != BW_OK) { /* longer than any such answer */
			bw_err_drop(tell_courier(ledger, BW_COURIER_DROP, errand->id));
			errand_ended(errand, BW_ERR_TOO_BIG, bw_err_text(BW_ERR_TOO_BIG));
		}
	}
	if (letter->fd >= 0)
		bw_mapped_release(&mapped);
	return BW_OK;
}

enum bw_err courier_end(void *ctx, struct bw_letter *letter)
{
	char words[BW_WHY_BYTES];
	struct errand *errand;
	struct bw_form form;
	uint64_t err;

	BW_TRY(take_errand(ctx, letter, 3, &form, &errand));
	BW_TRY(bw_form_num(&form, 1, BW_ERR_COUNT - 1, &err));
	BW_TRY(bw_form_text(&form, 2, words, sizeof(words)));
	if (errand != NULL)
		errand_ended(errand, (enum bw_err)err, words);
	return BW_OK;
}

void courier_lost(struct ledger *ledger)
{
	for (size_t i = 0; i < LEDGER_ERRANDS_MAX; i++)
		if (ledger->errands[i].id != 0)
			errand_ended(&ledger->errands[i], BW_ERR_CLOSED, "the courier was started again");
}
