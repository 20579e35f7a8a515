/* What partners, their witnesses' clients and caches ask for, and the streams that partners hear. */
#include "accord/ledger_inner.h"

#include <inttypes.h>

#include "accord/inbound.h"
#include "base/text.h"
#include "sys/clock.h"
#include "tlog/tile.h"
#include "tlog/witness.h"

#define PLAIN "text/plain; charset=utf-8"
#define DOCUMENTS_TYPE "application/jsonl"

enum {
	KEEP_TILE_S = 31536000, /* a tile never changes */
	KEEP_CHECKPOINT_S = 1,
	PORTION_BYTES = 4 * 1024 * 1024,
	DOCUMENTS_BYTES = 8 * 1024 * 1024,
	WORDS_EVERY_US = 10 * LEDGER_SECOND_US, /* a partner who repeats himself fills no log */
};

struct asked {
	struct ledger *ledger;
	struct bw_return_address from;
	uint64_t id;
	uint32_t peer;
	enum bw_hall_verb verb;
	struct bw_slice accord;
	struct bw_slice text;
	struct bw_slice body;
};

static enum bw_err answer(const struct asked *asked, unsigned status, const char *type, uint64_t keep_s,
			  struct bw_slice body)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	BW_CLEANUP(bw_memfile_release) struct bw_memfile memory = BW_MEMFILE_NONE;

	BW_TRY(bw_form_add_num(&form, asked->id));
	BW_TRY(bw_form_add_num(&form, status));
	BW_TRY(bw_form_add_text(&form, type));
	BW_TRY(bw_form_add_num(&form, keep_s));
	BW_TRY(bw_run_add_body(&form, body, &memory));
	return bw_post_answer(asked->ledger->post, asked->from, BW_HALL_ANSWER, bw_buf_slice(&form), memory.fd);
}

static enum bw_err refuse(const struct asked *asked, unsigned status, const char *words)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(BW_KIB);

	BW_TRY(bw_buf_addf(&line, "%.900s\n", words));
	return answer(asked, status, PLAIN, 0, bw_buf_slice(&line));
}

/* The accord, when it is one with who asks. */
static struct pact *pact_with(const struct asked *asked)
{
	struct pact *pact = ledger_pact_of(asked->ledger, asked->accord);

	return pact != NULL && pact->plan->peer == asked->peer ? pact : NULL;
}

/* ---- documents --------------------------------------------------------------------------- */

static enum bw_err give_papers(const struct asked *asked)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf envelope = BW_BUF_INIT(BW_PAPERS_FILE_MAX);
	struct bw_why why = { 0 };

	if (bw_papers_own(asked->ledger->plan->data, &envelope, &why) != BW_OK)
		return refuse(asked, 404, "this node has no papers yet");
	return answer(asked, 200, "application/json", 0, bw_buf_slice(&envelope));
}

static enum bw_err give_documents(const struct asked *asked)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(DOCUMENTS_BYTES);
	struct pact *pact = pact_with(asked);
	struct bw_why why = { 0 };

	if (pact == NULL)
		return refuse(asked, 404, "there is no such accord with you");
	if (bw_book_export(&asked->ledger->plan->book, &pact->plan->entry, &text, &why) != BW_OK)
		return refuse(asked, 503, "the documents cannot be read");
	return answer(asked, 200, DOCUMENTS_TYPE, 0, bw_buf_slice(&text));
}

/* Each line is a signed document; what it may bring about, the book says (accord/book.h). */
static enum bw_err take_documents(const struct asked *asked)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(64 * BW_MIB);
	struct bw_slice rest = asked->body;
	struct bw_book book;
	struct bw_why why = { 0 };
	enum bw_err err = bw_book_open(asked->ledger->plan->data, &arena, &book, &why);

	while (err == BW_OK && rest.len > 0) {
		struct bw_slice line = rest;
		struct bw_slice id;

		if (!bw_slice_cut(rest, '\n', &line, &rest))
			rest = bw_slice_empty;
		if (line.len > 0)
			err = bw_book_take(&book, line, &id, &why);
	}
	if (err == BW_OK)
		return answer(asked, 200, PLAIN, 0, BW_LIT("taken\n"));
	bw_log(BW_WARNING, "documents of a partner not taken", BW_SLICE("accord", asked->accord),
	       BW_TEXT("why", why.text[0] != '\0' ? why.text : bw_err_text(err)));
	return refuse(asked, err == BW_ERR_CONFLICT || err == BW_ERR_REVOKED ? 409 : 403,
		      why.text[0] != '\0' ? why.text : bw_err_text(err));
}

/* ---- what is known ----------------------------------------------------------------------------- */

enum bw_err hall_known(const struct pact *pact, struct bw_buf *out)
{
	const struct bw_book_entry *entry = &pact->plan->entry;
	char hash[2 * BW_SHA256_BYTES + 1];
	struct bw_inbound *in = NULL;
	struct bw_hash root = bw_hash_empty();
	uint64_t size = 0;

	bw_hex_encode(bw_slice_of(entry->now->hash, BW_SHA256_BYTES), hash);
	BW_TRY(bw_buf_addf(out, "head %" PRIu64 " %s\n", entry->now->accord.sequence, hash));
	if (entry->state == BW_ACCORD_ENDED)
		BW_TRY(bw_buf_add_text(out, "ended\n"));
	if (pact->ledger->plan->has_papers)
		BW_TRY(bw_buf_addf(out, "papers %" PRIu64 "\n", pact->ledger->plan->mine.sequence));
	if (pact->plan->flows && pact->in.place.state.len > 0) {
		struct bw_trust *trust;

		BW_TRY(bw_trust_parse(pact->plan->policy[BW_RUN_IN], NULL, &trust));
		if (bw_inbound_new(pact->plan->origin[BW_RUN_IN], trust, bw_buf_slice(&pact->in.place.state), &in) ==
		    BW_OK)
			bw_inbound_known(in, &size, &root);
		bw_inbound_free(in);
		bw_trust_free(trust);
	}
	BW_TRY(bw_buf_addf(out, "log %" PRIu64 " ", size));
	return bw_hash_add_line(out, &root);
}

static enum bw_err give_known(const struct asked *asked)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_KIB);
	struct pact *pact = pact_with(asked);

	if (pact == NULL)
		return refuse(asked, 404, "there is no such accord with you");
	visit_soon(pact);
	BW_TRY(hall_known(pact, &text));
	return answer(asked, 200, PLAIN, 0, bw_buf_slice(&text));
}

/* The partner says why he takes nothing more, or not all: his words, in our log. */
static enum bw_err take_word(const struct asked *asked)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf words = BW_BUF_INIT(4 * BW_KIB);
	const int64_t now_us = bw_clock_mono_us();
	struct pact *pact = pact_with(asked);

	if (pact == NULL)
		return refuse(asked, 404, "there is no such accord with you");
	if (pact->out.word_us != 0 && now_us - pact->out.word_us < WORDS_EVERY_US)
		return answer(asked, 200, PLAIN, 0, BW_LIT("heard before\n"));
	BW_TRY(bw_text_escape(&words, asked->body));
	pact->out.word_us = now_us;
	ledger_log(BW_WARNING, pact, "partner does not take all that we tell", bw_buf_text(&words));
	ledger_note(asked->ledger, "accord-not-taken", pact_id(pact), bw_buf_text(&words));
	return answer(asked, 200, PLAIN, 0, BW_LIT("heard\n"));
}

/* ---- the witness ----------------------------------------------------------------------------------- */

static enum bw_err ask_notary(const struct asked *asked)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	struct ledger *ledger = asked->ledger;
	struct waiting_witness *slot = NULL;

	for (size_t i = 0; i < LEDGER_AT_NOTARY_MAX && slot == NULL; i++)
		if (!ledger->at_notary[i].is_taken)
			slot = &ledger->at_notary[i];
	if (slot == NULL)
		return refuse(asked, 503, "busy; try again");
	BW_TRY(bw_form_add_num(&form, ledger->ids + 1));
	BW_TRY(bw_form_add(&form, asked->body));
	if (bw_post_ask(ledger->post, "notary", BW_NOTARY_WITNESS, bw_buf_slice(&form), -1) != BW_OK)
		return refuse(asked, 503, "busy; try again");
	*slot = (struct waiting_witness){
		.id = ++ledger->ids, .asker = asked->id, .from = asked->from, .is_taken = true
	};
	return BW_OK;
}

void hall_witnessed(struct ledger *ledger, uint64_t id, const struct bw_form *form)
{
	for (size_t i = 0; i < LEDGER_AT_NOTARY_MAX; i++) {
		struct waiting_witness *slot = &ledger->at_notary[i];
		const struct asked asked = { .ledger = ledger, .id = slot->asker, .from = slot->from };
		uint64_t status = 503;
		uint64_t tells_size = 0;

		if (!slot->is_taken || slot->id != id)
			continue;
		slot->is_taken = false;
		if (bw_form_num(form, 1, 599, &status) != BW_OK || status < 200 ||
		    bw_form_num(form, 3, 1, &tells_size) != BW_OK)
			status = 503;
		/* whoever asked may have gone */
		bw_err_drop(answer(&asked, (unsigned)status, tells_size != 0 ? BW_WITNESS_SIZE_TYPE : PLAIN, 0,
				   form->fields[4]));
	}
}

/* ---- streams ------------------------------------------------------------------------------------------ */

static enum bw_err send_portion(struct ledger *ledger, uint64_t id, struct bw_slice portion)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	BW_CLEANUP(bw_memfile_release) struct bw_memfile memory = BW_MEMFILE_NONE;

	BW_TRY(bw_form_add_num(&form, id));
	BW_TRY(bw_run_add_body(&form, portion, &memory));
	return bw_post_ask(ledger->post, "hall", BW_HALL_PUSH, bw_buf_slice(&form), memory.fd);
}

static void end_stream(struct ledger *ledger, struct stream *stream)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(64);

	if (bw_form_add_num(&form, stream->id) == BW_OK)
		/* a hall that is away has no streams */
		bw_err_drop(bw_post_ask(ledger->post, "hall", BW_HALL_FINISH, bw_buf_slice(&form), -1));
	*stream = (struct stream){ 0 };
}

/* One portion, when there is something and room for it. */
static void push(struct ledger *ledger, struct stream *stream)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf portion = BW_BUF_INIT(BW_RUN_BODY_MAX);
	struct bw_why why = { 0 };
	enum bw_err err;

	if (!stream->has_room || stream->pact->out.log == NULL)
		return;
	err = bw_outbound_read(stream->pact->out.log, &stream->place, bw_clock_now_us(), PORTION_BYTES, &portion, &why);
	if (err == BW_OK && portion.len == 0)
		return;
	if (err == BW_OK)
		err = send_portion(ledger, stream->id, bw_buf_slice(&portion));
	if (err != BW_OK) {
		ledger_log(BW_WARNING, stream->pact, "stream to a partner ended",
			   why.text[0] != '\0' ? why.text : bw_err_text(err));
		end_stream(ledger, stream);
		return;
	}
	stream->has_room = false;
}

void hall_push_all(struct ledger *ledger, const struct pact *pact)
{
	for (size_t i = 0; i < LEDGER_STREAMS_MAX; i++)
		if (ledger->streams[i].id != 0 && ledger->streams[i].pact == pact)
			push(ledger, &ledger->streams[i]);
}

/* One stream for each accord: who comes again has lost the one before. */
static struct stream *free_stream(struct ledger *ledger, const struct pact *pact)
{
	struct stream *free = NULL;

	for (size_t i = 0; i < LEDGER_STREAMS_MAX; i++) {
		struct stream *stream = &ledger->streams[i];

		if (stream->id != 0 && stream->pact == pact)
			end_stream(ledger, stream);
		if (stream->id == 0 && free == NULL)
			free = stream;
	}
	return free;
}

static enum bw_err begin_stream(const struct asked *asked)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(BW_KIB);
	struct pact *pact = pact_with(asked);
	struct bw_passage_place place = { 0 };
	struct bw_outbound_status status;
	struct stream *stream;

	if (pact == NULL)
		return refuse(asked, 404, "there is no such accord with you");
	if (!pact->plan->flows || pact->out.log == NULL)
		return refuse(asked, 409, bw_accord_state_name(pact->plan->entry.state));
	if (asked->text.len > 0 && bw_passage_place_parse(asked->text, &place) != BW_OK)
		return refuse(asked, 400, "that is no place in a log");
	bw_outbound_status(pact->out.log, &status);
	if (place.entry > status.delivered_size)
		return refuse(asked, 409, "that is more of this log than was ever delivered");
	stream = free_stream(asked->ledger, pact);
	if (stream == NULL)
		return refuse(asked, 503, "busy; try again");
	BW_TRY(bw_form_add_num(&form, asked->id));
	BW_TRY(bw_form_add_text(&form, BW_PASSAGE_CONTENT_TYPE));
	BW_TRY(bw_post_answer(asked->ledger->post, asked->from, BW_HALL_STREAM, bw_buf_slice(&form), -1));
	*stream = (struct stream){ .id = asked->id, .pact = pact, .place = place };
	ledger_log(BW_NOTICE, pact, "partner hears", "");
	return BW_OK;
}

static struct stream *stream_of(struct ledger *ledger, const struct bw_letter *letter, enum bw_err *err)
{
	struct bw_form form;
	uint64_t id = 0;

	*err = bw_form_take(letter->body, 1, &form);
	if (*err == BW_OK)
		*err = bw_form_num(&form, 0, UINT64_MAX, &id);
	for (size_t i = 0; *err == BW_OK && id != 0 && i < LEDGER_STREAMS_MAX; i++)
		if (ledger->streams[i].id == id)
			return &ledger->streams[i];
	return NULL;
}

enum bw_err hall_has_room(void *ctx, struct bw_letter *letter)
{
	struct ledger *ledger = ctx;
	enum bw_err err;
	struct stream *stream = stream_of(ledger, letter, &err);

	if (stream == NULL)
		return err;
	stream->has_room = true;
	push(ledger, stream);
	return BW_OK;
}

enum bw_err hall_gone(void *ctx, struct bw_letter *letter)
{
	struct ledger *ledger = ctx;
	enum bw_err err;
	struct stream *stream = stream_of(ledger, letter, &err);

	if (stream != NULL)
		*stream = (struct stream){ 0 };
	return err;
}

void hall_lost(struct ledger *ledger)
{
	memset(ledger->streams, 0, sizeof(ledger->streams));
}

/* ---- caches ------------------------------------------------------------------------------------------------ */

static enum bw_err give_public(const struct asked *asked)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_NOTE_MAX);
	const struct pact *pact = ledger_pact_of(asked->ledger, asked->accord);
	bool is_tile = false;

	if (pact == NULL || pact->out.log == NULL ||
	    bw_outbound_public(pact->out.log, asked->text, &bytes, &is_tile) != BW_OK)
		return refuse(asked, 404, "there is nothing here");
	return answer(asked, 200, is_tile ? BW_TILE_CONTENT_TYPE : BW_CHECKPOINT_CONTENT_TYPE,
		      is_tile ? KEEP_TILE_S : KEEP_CHECKPOINT_S, bw_buf_slice(&bytes));
}

/* ---- all ----------------------------------------------------------------------------------------------------- */

static enum bw_err serve(const struct asked *asked)
{
	switch (asked->verb) {
	case BW_HALL_PAPERS:
		return give_papers(asked);
	case BW_HALL_DOCUMENTS:
		return give_documents(asked);
	case BW_HALL_DOCUMENTS_TAKE:
		return pact_with(asked) != NULL ? take_documents(asked)
						: refuse(asked, 404, "there is no such accord with you");
	case BW_HALL_PASSAGE:
		return begin_stream(asked);
	case BW_HALL_WITNESS:
		return ask_notary(asked);
	case BW_HALL_PUBLIC:
		return give_public(asked);
	case BW_HALL_KNOWN:
		return give_known(asked);
	case BW_HALL_WORD:
		return take_word(asked);
	case BW_HALL_VERBS:
		break;
	}
	return BW_ERR_PROTOCOL;
}

enum bw_err hall_asks(void *ctx, struct bw_letter *letter)
{
	struct bw_mapped mapped = { bw_slice_empty };
	struct asked asked = { .ledger = ctx, .from = letter->from };
	struct bw_form form;
	uint64_t peer;
	uint64_t verb;
	enum bw_err err;

	BW_TRY(bw_form_take(letter->body, BW_FIELDS_HALL_ASKS, &form));
	BW_TRY(bw_form_num(&form, 0, UINT64_MAX, &asked.id));
	BW_TRY(bw_form_num(&form, 1, UINT32_MAX, &peer));
	BW_TRY(bw_form_num(&form, 2, BW_HALL_VERBS - 1, &verb));
	/* only caches come without a certificate */
	BW_NEED(asked.id != 0 && (peer != BW_RUN_NOBODY || verb == BW_HALL_PUBLIC), PROTOCOL);
	asked.peer = (uint32_t)peer;
	asked.verb = (enum bw_hall_verb)verb;
	asked.accord = form.fields[3];
	asked.text = form.fields[4];
	BW_TRY(bw_run_body(form.fields[5], letter->fd, &mapped, &asked.body));
	err = serve(&asked);
	if (letter->fd >= 0)
		bw_mapped_release(&mapped);
	/* a channel that is full is the hall's affair, not a reason to give it up */
	return err == BW_ERR_AGAIN ? BW_OK : err;
}
