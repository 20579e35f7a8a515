/* The book of what others saw: scribe keeps it, tells the caller where to go on and the judge what to look for. */
#include "base/log.h"
#include "guard/scribe_parts.h"
#include "sys/clock.h"
#include "sys/memfile.h"

enum {
	TELL_MS = 200,  /* between two sets: a flood must not have the judge read all day */
	SAVE_MS = 1000, /* what a crash loses comes again from the place that was saved */
	LOOK_MS = 60 * 1000,
};

static bool listens(const struct scribe *scribe)
{
	return scribe->guard->exchange_count > 0;
}

static int64_t now_ms(void)
{
	return bw_clock_mono_us() / 1000;
}

/* ---- telling --------------------------------------------------------------------------- */

static void tell_caller(struct scribe *scribe)
{
	for (size_t i = 0; i < scribe->guard->exchange_count; i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_KIB);
		const struct bw_foreign_told go = { .line = (uint8_t)i,
						    .place = bw_slice_text(scribe->foreign.book.places[i]) };

		if (bw_foreign_told_add(&body, &go, false) == BW_OK)
			scribe_tell(scribe, "caller", BW_FOREIGN_GO, bw_buf_slice(&body));
	}
}

static enum bw_err send_set(struct scribe *scribe, const char *peer, uint8_t kind, uint32_t number, struct bw_slice set)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(8);
	BW_CLEANUP(bw_memfile_release) struct bw_memfile file = BW_MEMFILE_NONE;
	struct bw_channel *channel = bw_seat_peer(scribe->seat, peer, 0);

	BW_NEED(channel != NULL, CLOSED);
	BW_TRY(bw_memfile_of("guard-foreign", set, &file));
	BW_TRY(bw_buf_add_be32(&body, number));
	BW_TRY(bw_channel_put(channel, kind, bw_buf_slice(&body), file.fd));
	return bw_channel_flush(channel);
}

static void say_untold(const char *peer, enum bw_err err)
{
	if (err != BW_OK && err != BW_ERR_AGAIN && err != BW_ERR_CLOSED) /* a new one is told anew */
		bw_log(BW_ERROR, "a worker could not be told what others warned of", BW_TEXT("worker", peer),
		       BW_TEXT("why", bw_err_text(err)));
}

static void tell_judge(struct scribe *scribe)
{
	struct scribe_foreign *foreign = &scribe->foreign;
	enum bw_err err;
	size_t count;

	foreign->is_untold = false;
	foreign->told_ms = now_ms();
	bw_buf_clear(&foreign->set);
	err = bw_foreign_book_set(&foreign->book, BW_FOREIGN_FOR_JUDGE, &foreign->set, &count);
	if (err == BW_OK)
		err = send_set(scribe, "judge", BW_RECORD_FOREIGN, ++foreign->set_number, bw_buf_slice(&foreign->set));
	say_untold("judge", err);
}

/* Names are looked for once somebody has compared them with those of this server's files. One question at a time. */
static void ask_witness(struct scribe *scribe)
{
	struct scribe_foreign *foreign = &scribe->foreign;
	size_t count = 0;
	enum bw_err err;

	bw_buf_clear(&foreign->asked);
	err = bw_foreign_book_set(&foreign->book, BW_FOREIGN_FOR_WITNESS, &foreign->asked, &count);
	foreign->is_asking = err == BW_OK && count > 0;
	if (foreign->is_asking)
		err = send_set(scribe, "witness", BW_FOREIGN_NAMES, ++foreign->asked_number,
			       bw_buf_slice(&foreign->asked));
	say_untold("witness", err);
}

static void save(struct scribe *scribe)
{
	struct bw_why why = { 0 };

	scribe->foreign.saved_ms = now_ms();
	if (bw_foreign_book_save(scribe->guard->data, &scribe->foreign.book, &why) == BW_OK)
		scribe->foreign.is_unsaved = false;
	else if (!scribe->foreign.complained)
		bw_log(BW_ERROR, "what others said could not be written down", BW_TEXT("why", why.text));
	scribe->foreign.complained = scribe->foreign.is_unsaved;
}

/* ---- the loop's part ---------------------------------------------------------------------- */

static int sooner(int wait_ms, int64_t left_ms)
{
	if (left_ms < 0)
		left_ms = 0;
	return wait_ms < 0 || left_ms < wait_ms ? (int)left_ms : wait_ms;
}

int scribe_foreign_turn(struct scribe *scribe, int wait_ms)
{
	struct scribe_foreign *foreign = &scribe->foreign;
	const int64_t now = now_ms();

	if (!listens(scribe))
		return wait_ms;
	if (now - foreign->looked_ms >= LOOK_MS) {
		foreign->looked_ms = now;
		if (bw_foreign_book_expire(&foreign->book, bw_clock_now_us()))
			foreign->is_untold = foreign->is_unsaved = true;
	}
	if (foreign->is_untold && now - foreign->told_ms >= TELL_MS) {
		tell_judge(scribe);
		if (!foreign->is_asking)
			ask_witness(scribe);
	}
	if (foreign->is_unsaved && now - foreign->saved_ms >= SAVE_MS)
		save(scribe);
	if (foreign->is_untold)
		wait_ms = sooner(wait_ms, foreign->told_ms + TELL_MS - now);
	if (foreign->is_unsaved)
		wait_ms = sooner(wait_ms, foreign->saved_ms + SAVE_MS - now);
	return foreign->book.count > 0 ? sooner(wait_ms, foreign->looked_ms + LOOK_MS - now) : wait_ms;
}

void scribe_foreign_renew(struct scribe *scribe, const char *peer)
{
	if (!listens(scribe))
		return;
	if (strcmp(peer, "judge") == 0)
		tell_judge(scribe);
	else if (strcmp(peer, "caller") == 0 || strcmp(peer, "reader") == 0)
		tell_caller(scribe); /* what was on its way is gone */
	else if (strcmp(peer, "witness") == 0)
		ask_witness(scribe);
}

void scribe_foreign_begin(struct scribe *scribe)
{
	struct scribe_foreign *foreign = &scribe->foreign;
	struct bw_why why = { 0 };

	if (!listens(scribe))
		return;
	foreign->set = BW_BUF_INIT(BW_EXACT_BYTES_MAX);
	foreign->asked = BW_BUF_INIT(BW_EXACT_BYTES_MAX);
	if (bw_foreign_book_load(scribe->guard->data, &foreign->book, &why) != BW_OK)
		bw_log(BW_ERROR, "what others said before is not known any more, and is asked for again",
		       BW_TEXT("why", why.text));
	(void)bw_foreign_book_expire(&foreign->book, bw_clock_now_us());
	tell_judge(scribe);
	tell_caller(scribe);
	ask_witness(scribe);
}

void scribe_foreign_end(struct scribe *scribe)
{
	if (scribe->foreign.is_unsaved)
		save(scribe);
	bw_foreign_book_release(&scribe->foreign.book);
	bw_buf_release(&scribe->foreign.set);
	bw_buf_release(&scribe->foreign.asked);
}

/* ---- what workers say ------------------------------------------------------------------------ */

enum bw_err scribe_foreign_news(struct scribe *scribe, struct bw_slice body)
{
	bool changed = false;
	const enum bw_err err = bw_foreign_book_take(&scribe->foreign.book, body, bw_clock_now_us(), &changed);

	scribe->foreign.is_untold |= changed;
	scribe->foreign.is_unsaved = true; /* the place moved */
	return err;
}

static enum bw_err mark_owns(struct scribe_foreign *foreign, struct bw_cursor *c, const struct bw_exact *asked)
{
	uint32_t count;

	BW_NEED(bw_take_be32(c, &count) == BW_OK && bw_cursor_left(c) == 4 * (size_t)count, PROTOCOL);
	for (uint32_t i = 0; i < count; i++) {
		struct bw_exact_found found;
		uint32_t number;

		BW_NEED(bw_take_be32(c, &number) == BW_OK && number < asked->count, PROTOCOL);
		bw_exact_at(asked, number, &found);
		(void)bw_foreign_book_mark(&foreign->book, found.trait, found.text, BW_FOREIGN_OWN);
		if (i == 0)
			bw_log(BW_NOTICE, "others warned of what files of this server are called: it is put aside",
			       BW_NUM("values", count), BW_SLICE("one", found.text));
	}
	return BW_OK;
}

enum bw_err scribe_foreign_owns(struct scribe *scribe, struct bw_slice body)
{
	struct scribe_foreign *foreign = &scribe->foreign;
	struct bw_cursor c = bw_cursor_over(body);
	struct bw_exact asked;
	uint32_t number;

	BW_NEED(bw_take_be32(&c, &number) == BW_OK, PROTOCOL);
	if (!foreign->is_asking || number != foreign->asked_number)
		return BW_OK; /* it was asked again since */
	BW_TRY(bw_exact_open(bw_buf_slice(&foreign->asked), &asked));
	BW_TRY(mark_owns(foreign, &c, &asked));
	bw_foreign_book_check(&foreign->book, &asked);
	foreign->is_asking = false;
	foreign->is_untold = foreign->is_unsaved = true;
	if (now_ms() - foreign->owned_ms >= TELL_MS) { /* nobody waits twice for the same names; a flood does */
		foreign->owned_ms = now_ms();
		foreign->told_ms = 0;
	}
	return BW_OK;
}

enum bw_err scribe_foreign_warned(struct scribe *scribe, struct bw_slice body)
{
	struct scribe_foreign *foreign = &scribe->foreign;
	struct bw_exact_found found;
	struct bw_warned_word word;
	struct bw_exact set;

	BW_NEED(body.len == sizeof(word), PROTOCOL);
	memcpy(&word, body.ptr, sizeof(word));
	if (word.set != foreign->set_number || bw_exact_open(bw_buf_slice(&foreign->set), &set) != BW_OK)
		return BW_OK; /* of a set before this one: the judge says it again */
	BW_NEED(word.number < set.count, PROTOCOL);
	bw_exact_at(&set, word.number, &found);
	if (bw_foreign_book_mark(&foreign->book, found.trait, found.text,
				 word.is_own != 0 ? BW_FOREIGN_OWN : BW_FOREIGN_MET))
		foreign->is_unsaved = true;
	return BW_OK;
}

/* ---- what root says ---------------------------------------------------------------------------- */

static enum bw_err change(struct scribe_question *q, bool undo)
{
	struct scribe *scribe = q->scribe;
	struct scribe_foreign *foreign = &scribe->foreign;
	struct bw_why why = { 0 };
	struct bw_slice peer;
	enum bw_err err;

	BW_NEED(bw_take_block(&q->body, BW_FOREIGN_PEER_BYTES, &peer) == BW_OK && bw_cursor_left(&q->body) == 0,
		PROTOCOL);
	if (!listens(scribe))
		return scribe_refuse(q, BW_ERR_UNSUPPORTED, "this guard listens to no exchange");
	err = undo ? bw_foreign_book_undo(&foreign->book, peer, bw_clock_now_us())
		   : bw_foreign_book_accept(&foreign->book, peer);
	if (err != BW_OK)
		return scribe_refuse(q, err, "nothing ever came from a peer of that name");
	tell_judge(scribe);
	if (!undo)
		tell_caller(scribe);
	return bw_foreign_book_save(scribe->guard->data, &foreign->book, &why);
}

enum bw_err scribe_foreign_undo(struct scribe_question *q)
{
	return change(q, true);
}

enum bw_err scribe_foreign_accept(struct scribe_question *q)
{
	return change(q, false);
}
