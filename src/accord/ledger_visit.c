/*
 * Going to a partner: his papers, what he knows of the accord and of our log, documents where the heads differ, and
 * then his stream, from where we are.
 */
#include "accord/ledger_inner.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "sys/clock.h"

enum { BOOK_ARENA_BYTES = 64 * 1024 * 1024, DOCUMENTS_BYTES = 8 * 1024 * 1024, STEADY_US = 10 * LEDGER_SECOND_US };

/* ---- leaving ---------------------------------------------------------------------------- */

void visit_give_up(struct pact *pact, const char *event, const char *why)
{
	struct in_side *in = &pact->in;

	ledger_drop(pact->ledger, in->errand);
	in->errand = 0;
	in->fed = 0;
	in->owed = 0;
	in->has_ended = false;
	bw_buf_clear(&in->waiting);
	if (in->stage == IN_STOPPED)
		return;
	/* once is told; that it goes on failing is no news, unless it is for another reason */
	if (in->retry.failures == 0 || in->begun_us != 0 || strncmp(in->told, why, sizeof(in->told) - 1) != 0)
		ledger_log(BW_WARNING, pact, event, why);
	(void)snprintf(in->told, sizeof(in->told), "%s", why);
	/* a stream that ends as soon as it begins is no success: who does so is asked less and less often */
	if (in->begun_us != 0 && bw_clock_mono_us() - in->begun_us >= STEADY_US)
		in->retry = (struct retry){ 0 };
	in->begun_us = 0;
	in->stage = IN_AWAY;
	ledger_retry_later(&in->retry);
}

static enum bw_err go(struct pact *pact, enum in_stage stage, bool is_post, const char *target, const char *type,
		      struct bw_slice body)
{
	const struct errand like = { .kind = ERRAND_VISIT, .pact = pact };
	const enum bw_err err = ledger_send(pact->ledger, &like, pact->plan->peer, is_post, bw_slice_text(target), type,
					    body, &pact->in.errand);

	if (err == BW_OK)
		pact->in.stage = stage;
	return err;
}

static enum bw_err go_to(struct pact *pact, enum in_stage stage, const char *what)
{
	char target[BW_RUN_TARGET_MAX];

	(void)snprintf(target, sizeof(target), "/accord/v1/%.*s/%s", BW_ARG(pact_id(pact)), what);
	return go(pact, stage, false, target, "", bw_slice_empty);
}

/* Ten kilobytes: asked for when there are none, or the partner says that there are newer ones. */
static enum bw_err ask_papers(struct pact *pact)
{
	pact->in.has_asked_papers = true;
	return go(pact, IN_PAPERS, false, "/accord/v1/papers", "", bw_slice_empty);
}

void visit_look(struct pact *pact)
{
	struct in_side *in = &pact->in;

	if (in->stage != IN_AWAY || bw_clock_mono_us() < in->retry.at_us ||
	    pact->ledger->plan->parties[pact->plan->peer].host[0] == '\0')
		return;
	in->has_asked_papers = false;
	/* no courier at this moment: at the next look */
	bw_err_drop(pact->plan->has_papers ? go_to(pact, IN_KNOWN, "known") : ask_papers(pact));
}

void visit_soon(struct pact *pact)
{
	const int64_t soon_us = bw_clock_mono_us() + LEDGER_SECOND_US;

	if (pact->in.stage == IN_AWAY && pact->in.retry.at_us > soon_us)
		pact->in.retry.at_us = soon_us;
	/* the partner is the first witness of what we tell */
	if (pact->out.witness_count > 0 && pact->out.witness[0].retry.at_us > soon_us)
		pact->out.witness[0].retry.at_us = soon_us;
}

/* ---- papers ------------------------------------------------------------------------------- */

static enum bw_err take_papers(struct pact *pact, struct bw_slice envelope, struct bw_why *why)
{
	const struct bw_run_plan *plan = pact->ledger->plan;
	bool is_new = false;

	BW_TRY(bw_papers_take(plan->data, &plan->book.peers[pact->plan->peer], envelope, &is_new, why));
	if (is_new) {
		ledger_note(pact->ledger, "accord-papers", pact_id(pact), "the partner's papers were taken");
		ledger_begin_again(pact->ledger);
	}
	return BW_OK;
}

/* ---- heads ---------------------------------------------------------------------------------- */

struct known {
	uint64_t sequence;
	uint8_t hash[BW_SHA256_BYTES];
	bool is_ended;
	uint64_t papers; /* number of the newest ones */
	uint64_t size;
	struct bw_hash root;
};

static bool take_word(struct bw_slice *line, struct bw_slice *word)
{
	struct bw_slice rest = bw_slice_empty;

	if (!bw_slice_cut(*line, ' ', word, &rest))
		*word = *line;
	*line = rest;
	return word->len > 0;
}

static enum bw_err read_line(struct bw_slice line, struct known *out)
{
	struct bw_slice what;
	struct bw_slice number;
	struct bw_slice hash;

	if (bw_slice_is(line, "ended")) {
		out->is_ended = true;
		return BW_OK;
	}
	BW_NEED(take_word(&line, &what) && take_word(&line, &number), SYNTAX);
	if (bw_slice_is(what, "papers"))
		return bw_size_parse(number, &out->papers);
	BW_NEED(take_word(&line, &hash), SYNTAX);
	if (bw_slice_is(what, "head")) {
		BW_TRY(bw_size_parse(number, &out->sequence));
		return bw_hex_decode(hash, out->hash, sizeof(out->hash));
	}
	BW_NEED(bw_slice_is(what, "log"), SYNTAX);
	BW_TRY(bw_size_parse(number, &out->size));
	return bw_hash_parse(hash, &out->root);
}

/* What hall_known writes. */
static enum bw_err read_known(struct bw_slice text, struct known *out)
{
	*out = (struct known){ .root = bw_hash_empty() };
	BW_NEED(text.len <= BW_KIB, TOO_BIG);
	while (text.len > 0) {
		struct bw_slice line;

		BW_NEED(bw_slice_cut(text, '\n', &line, &text), SYNTAX);
		BW_TRY(read_line(line, out));
	}
	return out->sequence > 0 ? BW_OK : BW_ERR_MISSING;
}

static bool have_one_head(const struct pact *pact, const struct known *known)
{
	const struct bw_book_entry *entry = &pact->plan->entry;

	return known->sequence == entry->now->accord.sequence &&
	       memcmp(known->hash, entry->now->hash, sizeof(known->hash)) == 0 &&
	       known->is_ended == (entry->state == BW_ACCORD_ENDED);
}

static enum bw_err begin_inbound(struct pact *pact)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	struct in_side *in = &pact->in;

	if (!pact->plan->flows || pact->ledger->handover == NULL)
		return BW_ERR_AGAIN;
	BW_TRY(in_teach(pact));
	in->feed = ++pact->ledger->ids;
	BW_TRY(bw_form_add_num(&form, in->feed));
	BW_TRY(bw_form_add(&form, pact->plan->origin[BW_RUN_IN]));
	BW_TRY(bw_form_add(&form, pact->plan->policy[BW_RUN_IN]));
	BW_TRY(bw_form_add(&form, bw_buf_slice(&in->place.state)));
	BW_TRY(bw_post_ask_copy(pact->ledger->post, "clerk", pact->plan->clerk + 1, BW_CLERK_BEGIN, bw_buf_slice(&form),
				-1));
	in->stage = IN_BEGINNING;
	return BW_OK;
}

static enum bw_err take_known(struct pact *pact, struct bw_slice text)
{
	struct known known;

	BW_TRY(read_known(text, &known));
	if (known.papers > pact->plan->theirs.sequence && !pact->in.has_asked_papers)
		return ask_papers(pact);
	if (!have_one_head(pact, &known)) {
		ledger_log(BW_NOTICE, pact, "heads differ: documents are exchanged, and nothing flows meanwhile", "");
		return go_to(pact, IN_DOCUMENTS, "documents");
	}
	if (pact->plan->entry.state == BW_ACCORD_ENDED) { /* both know: there is nothing left to say */
		pact->in.stage = IN_STOPPED;
		return BW_OK;
	}
	sign_heard(pact, known.size, &known.root, "the partner");
	return begin_inbound(pact);
}

/* ---- documents --------------------------------------------------------------------------------- */

static enum bw_err take_line(struct bw_book *book, const struct pact *pact, struct bw_slice line, struct bw_why *why)
{
	struct bw_slice id;
	const enum bw_err err = bw_book_take(book, line, &id, why);

	/* older than ours, or of an accord that is ended here: he learns that from ours */
	if (err == BW_ERR_REVOKED)
		return BW_OK;
	if (err == BW_OK && !bw_slice_equals(id, pact_id(pact)))
		ledger_log(BW_WARNING, pact, "partner sent documents of another accord", "");
	return err;
}

static enum bw_err take_documents(const struct pact *pact, struct bw_slice text, struct bw_why *why)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BOOK_ARENA_BYTES);
	struct bw_book book;

	BW_TRY(bw_book_open(pact->ledger->plan->data, &arena, &book, why));
	while (text.len > 0) {
		struct bw_slice line = text;
		struct bw_slice rest = bw_slice_empty;

		if (!bw_slice_cut(text, '\n', &line, &rest))
			line = text;
		text = rest;
		if (line.len > 0)
			BW_TRY(take_line(&book, pact, line, why));
	}
	return BW_OK;
}

static enum bw_err give_documents(struct pact *pact)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(DOCUMENTS_BYTES);
	char target[BW_RUN_TARGET_MAX];
	struct bw_why why = { 0 };

	BW_TRY(bw_book_export(&pact->ledger->plan->book, &pact->plan->entry, &text, &why));
	(void)snprintf(target, sizeof(target), "/accord/v1/%.*s/documents", BW_ARG(pact_id(pact)));
	return go(pact, IN_GIVING, true, target, "application/jsonl", bw_buf_slice(&text));
}

/* ---- the stream ---------------------------------------------------------------------------------- */

void visit_begun(struct pact *pact, enum bw_err err, struct bw_slice where)
{
	char target[BW_RUN_TARGET_MAX];

	if (pact->in.stage != IN_BEGINNING)
		return;
	(void)snprintf(target, sizeof(target), "/accord/v1/%.*s/passage?from=%.*s", BW_ARG(pact_id(pact)),
		       BW_ARG(where));
	if (err == BW_OK)
		err = go(pact, IN_STREAM, false, target, BW_PASSAGE_CONTENT_TYPE, bw_slice_empty);
	if (err != BW_OK)
		visit_give_up(pact, "stream of the partner not begun", bw_err_text(err));
}

void visit_errand_head(struct errand *errand, const char *group)
{
	struct pact *pact = errand->pact;

	if (pact->in.stage != IN_STREAM || errand->id != pact->in.errand || errand->status != 200)
		return;
	pact->in.begun_us = bw_clock_mono_us();
	/* which key agreement protects it is on record for each connection */
	ledger_log(BW_NOTICE, pact, "stream of the partner begun", group);
	ledger_note(pact->ledger, "accord-hear", pact_id(pact), group);
}

/* ---- why nothing is taken ---------------------------------------------------------------------------- */

void visit_tell(struct pact *pact, const char *words)
{
	const struct errand like = { .kind = ERRAND_WORD, .pact = pact };
	char target[BW_RUN_TARGET_MAX];

	if (pact->in.word != 0 || pact->ledger->plan->parties[pact->plan->peer].host[0] == '\0')
		return;
	(void)snprintf(target, sizeof(target), "/accord/v1/%.*s/word", BW_ARG(pact_id(pact)));
	/* no courier at this moment: it is in our logs */
	bw_err_drop(ledger_send(pact->ledger, &like, pact->plan->peer, true, bw_slice_text(target),
				"text/plain; charset=utf-8", bw_slice_sub(bw_slice_text(words), 0, BW_HALL_WORD_MAX),
				&pact->in.word));
}

/* ---- steps ------------------------------------------------------------------------------------------ */

static enum bw_err next_step(struct pact *pact, struct bw_slice heard, struct bw_why *why)
{
	switch (pact->in.stage) {
	case IN_PAPERS:
		BW_TRY(take_papers(pact, heard, why));
		return go_to(pact, IN_KNOWN, "known");
	case IN_KNOWN:
		return take_known(pact, heard);
	case IN_DOCUMENTS:
		BW_TRY(take_documents(pact, heard, why));
		return give_documents(pact);
	case IN_GIVING:
		/* what came has changed our documents, or what went has changed his: from the beginning */
		return bw_why_set(why, BW_ERR_AGAIN, "documents were exchanged");
	case IN_AWAY:
	case IN_BEGINNING:
	case IN_STREAM:
	case IN_STOPPED:
		break;
	}
	return bw_why_set(why, BW_ERR_CLOSED, "the partner's stream ended");
}

/* Who sends a lie and leaves is known by the lie: the clerk is asked before the end counts. */
static bool wait_for_clerk(struct pact *pact, enum bw_err err, const char *words)
{
	struct in_side *in = &pact->in;

	if (in->stage != IN_STREAM || in->fed == 0)
		return false;
	in->has_ended = true;
	(void)snprintf(in->end_words, sizeof(in->end_words), "%s", err == BW_OK ? "" : words);
	return true;
}

void visit_stream_over(struct pact *pact)
{
	if (pact->in.end_words[0] != '\0')
		visit_give_up(pact, "partner not reached", pact->in.end_words);
	else
		visit_give_up(pact, "visit ended", "the partner's stream ended");
}

void visit_errand_ended(struct errand *errand, enum bw_err err, const char *words)
{
	struct pact *pact = errand->pact;
	struct bw_why why = { 0 };
	char status[64];

	if (errand->id != pact->in.errand)
		return;
	pact->in.errand = 0;
	if (wait_for_clerk(pact, err, words))
		return;
	if (err == BW_OK && errand->status != 200) {
		(void)snprintf(status, sizeof(status), "status %u: %.40s", errand->status,
			       errand->heard.len > 0 ? bw_buf_text(&errand->heard) : "");
		visit_give_up(pact, "partner refused", status);
		return;
	}
	if (err != BW_OK) {
		visit_give_up(pact, "partner not reached", words);
		return;
	}
	err = next_step(pact, bw_buf_slice(&errand->heard), &why);
	if (err != BW_OK)
		visit_give_up(pact, "visit ended", why.text[0] != '\0' ? why.text : bw_err_text(err));
}
