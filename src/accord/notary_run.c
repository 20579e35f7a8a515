/* The notary as a worker: keys and one open file, nothing else (accord/notary.h). */
#include "accord/notary.h"
#include "accord/run_words.h"
#include "accord/run_workers.h"
#include "base/command.h"
#include "base/log.h"
#include "desk/post.h"
#include "sys/clock.h"

enum { START_WAIT_MS = 20000 };

struct worker {
	struct bw_post *post;
	struct bw_slate *slate;
	struct bw_notary *notary;
};

static uint64_t now_s(void)
{
	return (uint64_t)(bw_clock_now_us() / 1000000);
}

/* ---- this node's logs ---------------------------------------------------------------- */

static enum bw_err take_hash(struct bw_slice bytes, struct bw_hash *out)
{
	BW_NEED(bytes.len == sizeof(out->bytes), PROTOCOL);
	memcpy(out->bytes, bytes.ptr, sizeof(out->bytes));
	return BW_OK;
}

static enum bw_err take_proof(struct bw_slice bytes, struct bw_proof *out)
{
	BW_NEED(bytes.len % BW_SHA256_BYTES == 0 && bytes.len / BW_SHA256_BYTES <= BW_PROOF_HASHES_MAX, PROTOCOL);
	out->count = bytes.len / BW_SHA256_BYTES;
	for (size_t i = 0; i < out->count; i++)
		BW_TRY(take_hash(bw_slice_sub(bytes, i * BW_SHA256_BYTES, BW_SHA256_BYTES), &out->hashes[i]));
	return BW_OK;
}

static void log_refusal(const char *event, struct bw_slice origin, enum bw_err err)
{
	const bool is_serious = err == BW_ERR_SPLIT_VIEW || err == BW_ERR_ROLLBACK || err == BW_ERR_PROOF;

	bw_log(is_serious ? BW_ERROR : BW_NOTICE, event, BW_SLICE("log", origin), BW_TEXT("why", bw_err_text(err)));
}

static enum bw_err on_sign(void *ctx, struct bw_letter *letter)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf answer = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf checkpoint = BW_BUF_INIT(BW_NOTE_MAX);
	const struct worker *worker = ctx;
	struct bw_notary_log log = { .now_s = now_s() };
	struct bw_proof proof = { 0 };
	struct bw_form form;
	uint64_t last_size = 0;
	uint64_t id;
	enum bw_err err;

	BW_TRY(bw_form_take(letter->body, BW_FIELDS_NOTARY_SIGN, &form));
	BW_TRY(bw_form_num(&form, 0, UINT64_MAX, &id));
	BW_TRY(bw_form_num(&form, 2, BW_TREE_SIZE_MAX, &log.old_size));
	BW_TRY(bw_form_num(&form, 3, BW_TREE_SIZE_MAX, &log.size));
	BW_TRY(take_hash(form.fields[4], &log.root));
	BW_TRY(take_proof(form.fields[5], &proof));
	log.origin = form.fields[1];
	log.proof = &proof;
	err = bw_notary_sign(worker->notary, &log, &checkpoint, &last_size);
	if (err != BW_OK)
		log_refusal("checkpoint not signed", log.origin, err);
	BW_TRY(bw_form_add_num(&answer, id));
	BW_TRY(bw_form_add_num(&answer, err));
	BW_TRY(bw_form_add_num(&answer, last_size));
	BW_TRY(bw_form_add(&answer, err == BW_OK ? bw_buf_slice(&checkpoint) : bw_slice_empty));
	return bw_post_answer(worker->post, letter->from, BW_NOTARY_SIGNED, bw_buf_slice(&answer), -1);
}

/* ---- logs of others ------------------------------------------------------------------- */

static void log_verdict(struct bw_slice request, const struct bw_witness_verdict *verdict)
{
	struct bw_witness_request asked;
	const bool is_one = bw_witness_request_parse(request, &asked) == BW_OK;

	/* 409 with a size is how a log finds out where to begin */
	if (verdict->status != 200 && !verdict->tells_size)
		log_refusal("checkpoint not cosigned", is_one ? asked.checkpoint.origin : bw_slice_empty, verdict->why);
}

static enum bw_err on_witness(void *ctx, struct bw_letter *letter)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf answer = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_NOTE_MAX);
	const struct worker *worker = ctx;
	struct bw_witness_verdict verdict = { .status = 503 };
	struct bw_form form;
	uint64_t id;
	enum bw_err err;

	BW_TRY(bw_form_take(letter->body, 2, &form));
	BW_TRY(bw_form_num(&form, 0, UINT64_MAX, &id));
	err = bw_notary_witness(worker->notary, form.fields[1], now_s(), &verdict, &body);
	if (err != BW_OK) { /* nothing may be said that is not on disk */
		verdict = (struct bw_witness_verdict){ .status = 503, .why = err };
		bw_buf_clear(&body);
	}
	log_verdict(form.fields[1], &verdict);
	BW_TRY(bw_form_add_num(&answer, id));
	BW_TRY(bw_form_add_num(&answer, verdict.status));
	BW_TRY(bw_form_add_num(&answer, verdict.why));
	BW_TRY(bw_form_add_num(&answer, verdict.tells_size));
	BW_TRY(bw_form_add(&answer, bw_buf_slice(&body)));
	return bw_post_answer(worker->post, letter->from, BW_NOTARY_COSIGNED, bw_buf_slice(&answer), -1);
}

/* ---- start ------------------------------------------------------------------------------- */

static enum bw_err trust_logs(struct bw_notary *notary, struct bw_slice list)
{
	struct bw_cursor c = bw_cursor_over(list);
	struct bw_slice line;
	bool bad = false;

	while (bw_form_list_next(&c, &line, &bad)) {
		struct bw_vkey vkey;

		BW_TRY(bw_vkey_parse(line, &vkey));
		BW_TRY(bw_notary_trust(notary, &vkey));
	}
	return bad ? BW_ERR_PROTOCOL : BW_OK;
}

static enum bw_err take_keys(struct worker *worker, struct bw_slice body)
{
	struct bw_form form;
	enum bw_err err;

	BW_NEED(worker->notary == NULL, PROTOCOL);
	BW_TRY(bw_form_take(body, 4, &form));
	err = bw_notary_new(form.fields[0], form.fields[1], form.fields[2], worker->slate, &worker->notary);
	if (form.fields[0].len > 0)
		explicit_bzero((void *)(uintptr_t)form.fields[0].ptr, form.fields[0].len);
	if (form.fields[1].len > 0)
		explicit_bzero((void *)(uintptr_t)form.fields[1].ptr, form.fields[1].len);
	return err == BW_OK ? trust_logs(worker->notary, form.fields[3]) : err;
}

static enum bw_err told(void *ctx, const struct bw_frame *message, int fd)
{
	(void)fd;
	return message->kind == BW_RUN_TELL_KEYS ? take_keys(ctx, message->body) : BW_OK;
}

/* The ledger in `accord run`; in `witness run` the door. */
static const struct bw_post_rule rules[] = {
	{ "ledger", BW_NOTARY_SIGN, on_sign },
	{ "ledger", BW_NOTARY_WITNESS, on_witness },
	{ "door", BW_NOTARY_WITNESS, on_witness },
	{ 0 },
};

static enum bw_err run_notary(struct worker *worker, struct bw_seat *seat)
{
	const struct bw_post_plan plan = { .rules = rules, .ctx = worker, .told = told, .guests_fd = -1 };
	const struct bw_run_shared *shared = bw_seat_shared(seat);
	struct bw_why why = { 0 };

	BW_TRY(bw_post_new(seat, &plan, &worker->post));
	BW_TRY(bw_slate_open(shared->slate, &worker->slate));
	BW_TRY(bw_post_wait_for(worker->post, BW_RUN_TELL_KEYS, START_WAIT_MS));
	BW_TRY(bw_seat_confine(seat, NULL, shared->require_sandbox, &why));
	BW_TRY(bw_seat_ready(seat));
	return bw_post_run(worker->post);
}

int bw_notary_run(struct bw_seat *seat)
{
	struct worker worker = { 0 };
	const enum bw_err err = run_notary(&worker, seat);

	if (err != BW_OK && err != BW_ERR_CLOSED)
		bw_log(BW_ERROR, "notary ends", BW_TEXT("why", bw_err_text(err)));
	bw_notary_free(worker.notary);
	bw_slate_free(worker.slate);
	bw_post_free(worker.post);
	return err == BW_OK || err == BW_ERR_CLOSED ? BW_EXIT_OK : BW_EXIT_FAILED;
}
