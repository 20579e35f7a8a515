/*
 * The clerk: whoever parses holds nothing. There is one for each accord and direction, so that who breaks one stops
 * himself alone. The one of what we tell answers questions about objects (accord/facts.h); the one of what we are told
 * verifies what a partner sends, byte by byte (accord/inbound.h), checks each object and says what it found.
 */
#include <stdlib.h>

#include "accord/chunk.h"
#include "accord/facts.h"
#include "accord/run_words.h"
#include "accord/run_workers.h"
#include "base/command.h"
#include "base/log.h"
#include "base/text.h"
#include "desk/post.h"
#include "intel/batch.h"
#include "intel/object.h"

enum { ARENA_BYTES = 64 * 1024 * 1024, WORDS_BYTES = 512 };

struct clerk {
	struct bw_post *post;
	struct bw_facts_worker *worker;
	struct bw_checker *checker;
	struct bw_report report;
	/* of what comes in */
	struct bw_trust *trust;
	struct bw_inbound *in;
	struct bw_arena arena;
	struct bw_buf rows;
	struct bw_buf batch;
	struct bw_buf question;
	struct bw_return_address ledger;
	uint64_t id;
};

/* ---- questions ---------------------------------------------------------------------- */

static enum bw_err answer_question(const struct clerk *clerk, struct bw_return_address to, uint64_t id, enum bw_err err,
				   const struct bw_buf *answer)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	BW_CLEANUP(bw_memfile_release) struct bw_memfile memory = BW_MEMFILE_NONE;

	BW_TRY(bw_form_add_num(&form, id));
	BW_TRY(bw_form_add_num(&form, err));
	BW_TRY(bw_run_add_body(&form, err == BW_OK ? bw_buf_slice(answer) : bw_slice_empty, &memory));
	return bw_post_answer(clerk->post, to, BW_CLERK_WORKED, bw_buf_slice(&form), memory.fd);
}

static enum bw_err on_work(void *ctx, struct bw_letter *letter)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf answer = BW_BUF_INIT(BW_ANSWER_MAX);
	struct bw_mapped mapped = { bw_slice_empty };
	struct clerk *clerk = ctx;
	struct bw_slice question;
	struct bw_form form;
	uint64_t id;
	enum bw_err err;

	BW_TRY(bw_form_take(letter->body, 2, &form));
	BW_TRY(bw_form_num(&form, 0, UINT64_MAX, &id));
	BW_TRY(bw_run_body(form.fields[1], letter->fd, &mapped, &question));
	err = bw_facts_work(clerk->worker, question, &answer);
	if (letter->fd >= 0)
		bw_mapped_release(&mapped);
	return answer_question(clerk, letter->from, id, err, &answer);
}

/* ---- what comes in -------------------------------------------------------------------- */

static enum bw_err tell_fed(const struct clerk *clerk, enum bw_err err, struct bw_slice words)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(4 * BW_KIB);
	BW_CLEANUP(bw_buf_release) struct bw_buf escaped = BW_BUF_INIT(2 * BW_KIB);

	/* a partner's words: cut and escaped before they are told on */
	BW_TRY(bw_text_escape(&escaped, bw_slice_sub(words, 0, WORDS_BYTES)));
	BW_TRY(bw_form_add_num(&form, clerk->id));
	BW_TRY(bw_form_add_num(&form, err));
	BW_TRY(bw_form_add(&form, bw_buf_slice(&escaped)));
	return bw_post_answer(clerk->post, clerk->ledger, BW_CLERK_FED, bw_buf_slice(&form), -1);
}

static enum bw_err refuse(struct clerk *clerk, uint64_t index, const char *words)
{
	const struct bw_chunk_row row = { .kind = BW_CHUNK_REFUSED, .index = index, .words = bw_slice_text(words) };

	return bw_chunk_row(&clerk->rows, &row);
}

/* The object as the store will have it, and as a question; both only when the object is one. */
static enum bw_err add_object(struct clerk *clerk, const struct bw_crossing *crossing, const char **why)
{
	const struct bw_question_object item = { .profile = BW_REDACTION_NONE,
						 .marking = bw_slice_empty,
						 .object = crossing->object };
	struct bw_record record;

	BW_TRY(bw_object_check(clerk->checker, crossing->object, &clerk->report, &record));
	if (clerk->report.errors > 0) {
		*why = "it is no valid STIX object";
		return BW_ERR_SYNTAX;
	}
	/* a partner's definitions say what its own objects are marked with; this clerk reads no others */
	if (record.type == BW_STIX_MARKING_DEFINITION)
		BW_TRY(bw_question_definition(&clerk->question, 0, crossing->object));
	BW_TRY(bw_batch_add(&clerk->batch, &record));
	return bw_question_object(&clerk->question, &item);
}

static enum bw_err add_entry(struct clerk *clerk, const struct bw_inbound_entry *entry)
{
	struct bw_chunk_row row = { .kind = BW_CHUNK_GONE, .index = entry->index, .words = bw_slice_empty };
	const char *why = "it is no crossing";
	enum bw_err err;

	if (entry->is_gone)
		return bw_chunk_row(&clerk->rows, &row);
	bw_arena_reset(&clerk->arena);
	row.kind = BW_CHUNK_FINE;
	err = bw_crossing_parse(entry->text, &clerk->arena, &row.crossing, NULL);
	if (err == BW_OK)
		err = add_object(clerk, &row.crossing, &why);
	if (err == BW_ERR_MEMORY || err == BW_ERR_CRYPTO || err == BW_ERR_TOO_BIG)
		return err;
	return err == BW_OK ? bw_chunk_row(&clerk->rows, &row) : refuse(clerk, entry->index, why);
}

static enum bw_err tell_chunk(const struct clerk *clerk, const struct bw_inbound_chunk *chunk)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf answer = BW_BUF_INIT(BW_ANSWER_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf whole = BW_BUF_INIT(BW_RUN_BODY_MAX);
	BW_CLEANUP(bw_memfile_release) struct bw_memfile memory = BW_MEMFILE_NONE;
	uint64_t bytes = 0;

	for (size_t i = 0; i < chunk->count; i++)
		bytes += chunk->entries[i].text.len;
	BW_TRY(bw_facts_work(clerk->worker, bw_buf_slice(&clerk->question), &answer));
	BW_TRY(bw_chunk_begin(&whole, chunk->from, chunk->count, bytes));
	BW_TRY(bw_buf_add(&whole, bw_buf_slice(&clerk->rows)));
	BW_TRY(bw_chunk_end(&whole, chunk->state, bw_buf_slice(&clerk->batch), bw_buf_slice(&answer)));
	BW_TRY(bw_form_add_num(&form, clerk->id));
	BW_TRY(bw_run_add_body(&form, bw_buf_slice(&whole), &memory));
	return bw_post_answer(clerk->post, clerk->ledger, BW_CLERK_CHUNK, bw_buf_slice(&form), memory.fd);
}

static enum bw_err take_chunk(void *ctx, const struct bw_inbound_chunk *chunk)
{
	struct clerk *clerk = ctx;

	bw_buf_clear(&clerk->rows);
	bw_buf_clear(&clerk->batch);
	bw_buf_clear(&clerk->question);
	BW_TRY(bw_batch_begin(&clerk->batch));
	BW_TRY(bw_question_begin(&clerk->question));
	for (size_t i = 0; i < chunk->count; i++)
		BW_TRY(add_entry(clerk, &chunk->entries[i]));
	return tell_chunk(clerk, chunk);
}

static void end_inbound(struct clerk *clerk)
{
	bw_inbound_free(clerk->in);
	bw_trust_free(clerk->trust);
	clerk->in = NULL;
	clerk->trust = NULL;
}

static enum bw_err begin(struct clerk *clerk, const struct bw_form *form, struct bw_passage_place *place)
{
	end_inbound(clerk);
	BW_TRY(bw_trust_parse(form->fields[2], NULL, &clerk->trust));
	BW_TRY(bw_inbound_new(form->fields[1], clerk->trust, form->fields[3], &clerk->in));
	return bw_inbound_connect(clerk->in, place);
}

static enum bw_err on_begin(void *ctx, struct bw_letter *letter)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf answer = BW_BUF_INIT(BW_KIB);
	char words[BW_PASSAGE_PLACE_CHARS + 1] = "";
	struct clerk *clerk = ctx;
	struct bw_passage_place place = { 0 };
	struct bw_form form;
	enum bw_err err;

	BW_TRY(bw_form_take(letter->body, BW_FIELDS_CLERK_BEGIN, &form));
	BW_TRY(bw_form_num(&form, 0, UINT64_MAX, &clerk->id));
	clerk->ledger = letter->from;
	err = begin(clerk, &form, &place);
	if (err == BW_OK)
		bw_passage_place_format(&place, words);
	BW_TRY(bw_form_add_num(&answer, clerk->id));
	BW_TRY(bw_form_add_num(&answer, err));
	BW_TRY(bw_form_add_text(&answer, words));
	return bw_post_answer(clerk->post, letter->from, BW_CLERK_BEGUN, bw_buf_slice(&answer), -1);
}

static enum bw_err tell_end(struct clerk *clerk, enum bw_err err)
{
	struct bw_slice old;
	struct bw_slice now;
	const struct bw_slice reason = bw_inbound_reason(clerk->in);

	bw_inbound_evidence(clerk->in, &old, &now);
	if (now.len > 0) {
		BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(BW_FRAME_BODY_MAX);

		BW_TRY(bw_form_add_num(&form, clerk->id));
		BW_TRY(bw_form_add(&form, old));
		BW_TRY(bw_form_add(&form, now));
		BW_TRY(bw_post_answer(clerk->post, clerk->ledger, BW_CLERK_EVIDENCE, bw_buf_slice(&form), -1));
	}
	return tell_fed(clerk, err, reason);
}

static enum bw_err on_feed(void *ctx, struct bw_letter *letter)
{
	struct bw_mapped mapped = { bw_slice_empty };
	struct clerk *clerk = ctx;
	struct bw_slice bytes;
	struct bw_form form;
	uint64_t id;
	enum bw_err err;

	BW_TRY(bw_form_take(letter->body, 2, &form));
	BW_TRY(bw_form_num(&form, 0, UINT64_MAX, &id));
	if (clerk->in == NULL || id != clerk->id)
		return BW_OK; /* of one that has ended: the ledger knows by now */
	BW_TRY(bw_run_body(form.fields[1], letter->fd, &mapped, &bytes));
	err = bw_inbound_feed(clerk->in, bytes, take_chunk, clerk);
	if (letter->fd >= 0)
		bw_mapped_release(&mapped);
	if (err == BW_OK)
		return tell_fed(clerk, BW_OK, bw_slice_empty);
	BW_TRY(tell_end(clerk, err));
	end_inbound(clerk);
	return BW_OK;
}

/* ---- start -------------------------------------------------------------------------------- */

static const struct bw_post_rule rules[] = {
	{ "ledger", BW_CLERK_WORK, on_work },
	{ "ledger", BW_CLERK_BEGIN, on_begin },
	{ "ledger", BW_CLERK_FEED, on_feed },
	{ 0 },
};

static enum bw_err run_clerk(struct clerk *clerk, struct bw_seat *seat)
{
	const struct bw_post_plan plan = { .rules = rules, .ctx = clerk, .guests_fd = -1 };
	const struct bw_run_shared *shared = bw_seat_shared(seat);
	struct bw_why why = { 0 };

	BW_TRY(bw_facts_worker_new(&clerk->worker));
	BW_TRY(bw_checker_new(0, &clerk->checker));
	BW_TRY(bw_report_init(&clerk->report));
	BW_TRY(bw_post_new(seat, &plan, &clerk->post));
	BW_TRY(bw_seat_confine(seat, NULL, shared->require_sandbox, &why));
	BW_TRY(bw_seat_ready(seat));
	return bw_post_run(clerk->post);
}

int bw_clerk_run(struct bw_seat *seat)
{
	struct clerk *clerk = calloc(1, sizeof(*clerk));
	enum bw_err err;

	if (clerk == NULL)
		return BW_EXIT_FAILED;
	clerk->arena = BW_ARENA_INIT(ARENA_BYTES);
	clerk->rows = BW_BUF_INIT(BW_CHUNK_MAX);
	clerk->batch = BW_BUF_INIT(BW_CHUNK_MAX);
	clerk->question = BW_BUF_INIT(BW_QUESTION_MAX);
	err = run_clerk(clerk, seat);
	if (err != BW_OK && err != BW_ERR_CLOSED)
		bw_log(BW_ERROR, "clerk ends", BW_TEXT("why", bw_err_text(err)));
	end_inbound(clerk);
	bw_facts_worker_free(clerk->worker);
	bw_checker_free(clerk->checker);
	bw_report_release(&clerk->report);
	bw_arena_release(&clerk->arena);
	bw_buf_release(&clerk->rows);
	bw_buf_release(&clerk->batch);
	bw_buf_release(&clerk->question);
	bw_post_free(clerk->post);
	free(clerk);
	return err == BW_OK || err == BW_ERR_CLOSED ? BW_EXIT_OK : BW_EXIT_FAILED;
}
