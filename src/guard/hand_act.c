/*
 * What is done about an actor beyond stopping it, and its undoing. Noted in the book before it is done: a hand that is
 * killed in between undoes what may not have happened, which is harmless, and never the other way round.
 */
#include <stdio.h>

#include "base/log.h"
#include "guard/hand_parts.h"
#include "guard/hold.h"
#include "sys/clock.h"

enum { COMMAND_BYTES = 2 * BW_PATH_BYTES };

/* ---- telling ------------------------------------------------------------------------------ */

static const struct {
	const char *event;
	enum bw_level level;
} words[] = {
	[BW_ACTED_KEPT_OUT] = { "a client is kept out", BW_WARNING },
	[BW_ACTED_FROZE] = { "a unit is frozen", BW_WARNING },
	[BW_ACTED_HELD] = { "a process is held", BW_WARNING },
	[BW_ACTED_LET_IN] = { "a client is let in again", BW_NOTICE },
	[BW_ACTED_THAWED] = { "a unit goes on", BW_NOTICE },
	[BW_ACTED_RELEASED] = { "a process goes on", BW_NOTICE },
	[BW_ACTED_FAILED] = { "what should be done failed", BW_ERROR },
};

void hand_tell_acted(struct hand *hand, const struct bw_acted *acted)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	const int64_t left_s = acted->until_us == 0 ? 0 : (acted->until_us - bw_clock_now_us() + 999999) / 1000000;

	bw_log_fields(words[acted->what].level, words[acted->what].event,
		      (const struct bw_field[]){ BW_NUM("incident", acted->incident),
						 BW_SLICE("subject", acted->subject),
						 BW_NUM("seconds", left_s),
						 BW_SLICE(acted->what == BW_ACTED_FAILED ? "why" : "undo", acted->undo),
						 { 0 } });
	if (bw_acted_add(&body, acted) == BW_OK)
		hand_tell(hand, "scribe", BW_RECORD_ACTED, bw_buf_slice(&body), -1);
}

void hand_tell_failure(struct hand *hand, uint64_t incident, struct bw_slice subject, const char *why)
{
	hand_tell_acted(hand,
			&(struct bw_acted){ incident, BW_ACTED_FAILED, 0,
					    bw_slice_sub(subject, 0, BW_HAND_SUBJECT_BYTES), bw_slice_text(why) });
}

/* ---- the book ------------------------------------------------------------------------------- */

void hand_save(struct hand *hand)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_HAND_BOOK_BYTES);
	struct bw_why why = { 0 };
	enum bw_err err = bw_hand_book_write(&hand->book, &text);

	if (err == BW_OK)
		err = bw_file_write(hand->book_path, bw_buf_slice(&text), 0600, &why);
	/* it is done all the same: a full disk must not spare an attacker. The kernel ends most of it by itself */
	if (err != BW_OK)
		bw_log(BW_ERROR, "what is to be undone could not be written down",
		       BW_TEXT("why", why.text[0] != '\0' ? why.text : bw_err_text(err)));
}

bool hand_note(struct hand *hand, const struct bw_deed *deed, struct bw_slice subject)
{
	if (bw_hand_book_note(&hand->book, deed) == BW_OK)
		return true;
	hand_tell_failure(hand, deed->incident, subject, "too much is to be undone already: nothing more is done");
	return false;
}

void hand_remember(struct hand *hand)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_HAND_BOOK_BYTES);
	enum bw_err err = bw_file_read(hand->book_path, &text, NULL);

	if (err == BW_OK)
		err = bw_hand_book_read(bw_buf_slice(&text), bw_clock_now_us(), &hand->book);
	if (err != BW_OK && err != BW_ERR_NOT_FOUND)
		bw_log(BW_ERROR, "what is to be undone could not be read", BW_TEXT("file", hand->book_path),
		       BW_TEXT("why", bw_err_text(err)));
	if (hand->book.count > 0)
		bw_log(BW_NOTICE, "earlier deeds wait to be undone", BW_NUM("deeds", hand->book.count));
}

/* ---- local processes ------------------------------------------------------------------------------ */

static void go_on(struct hand *hand, const struct bw_deed *deed)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "process %u", deed->held.pid);
	if (bw_hold_end(&hand->freezer, hand->proc, &hand->book, deed))
		hand_tell_acted(hand, &(struct bw_acted){ deed->incident, BW_ACTED_RELEASED, 0, bw_slice_text(name),
							  bw_slice_empty });
}

static void freeze_unit(struct hand *hand, const struct bw_freeze *what, int64_t until_us)
{
	const struct bw_deed deed = {
		.kind = BW_DEED_FREEZE, .incident = what->incident, .until_us = until_us, .cgroup = what->cgroup
	};
	char path[BW_PATH_BYTES] = "";
	char undo[COMMAND_BYTES];
	enum bw_err err;

	if (!hand_note(hand, &deed, BW_LIT("cgroup")))
		return;
	hand_save(hand);
	err = hand_cgroup_set(hand, what->cgroup, true, path);
	if (err != BW_OK) {
		hand_tell_failure(hand, what->incident, bw_slice_text(path),
				  err == BW_ERR_DENIED ? "not a unit of its own, or one that others need: not frozen"
						       : bw_err_text(err));
		return;
	}
	(void)snprintf(undo, sizeof(undo), "echo 0 > '/sys/fs/cgroup%s/cgroup.freeze'", path);
	hand_tell_acted(hand, &(struct bw_acted){ what->incident, BW_ACTED_FROZE, until_us,
						  bw_slice_sub(bw_slice_text(path), 0, BW_HAND_SUBJECT_BYTES),
						  bw_slice_text(undo) });
}

void hand_freeze(struct hand *hand, const struct bw_freeze *what)
{
	const int64_t until_us = bw_clock_now_us() + (int64_t)what->seconds * 1000000;

	hand_hold(hand, what, until_us);
	if (what->cgroup != 0)
		freeze_unit(hand, what, until_us);
}

static void thaw_unit(struct hand *hand, const struct bw_deed *deed)
{
	char path[BW_PATH_BYTES] = "";

	if (hand_cgroup_set(hand, deed->cgroup, false, path) == BW_OK)
		hand_tell_acted(hand, &(struct bw_acted){ deed->incident, BW_ACTED_THAWED, 0,
							  bw_slice_sub(bw_slice_text(path), 0, BW_HAND_SUBJECT_BYTES),
							  bw_slice_empty });
}

/* ---- undoing ----------------------------------------------------------------------------------------- */

static void undo(struct hand *hand, const struct bw_deed *deed, bool last, bool timed)
{
	if (!last)
		return; /* another incident wants it as it is */
	if (deed->kind == BW_DEED_KEEP_OUT || deed->kind == BW_DEED_USER)
		hand_let_in(hand, deed, timed);
	else if (deed->kind == BW_DEED_FREEZE)
		thaw_unit(hand, deed);
	else
		go_on(hand, deed);
}

void hand_lift(struct hand *hand, uint64_t incident)
{
	struct bw_deed deed;
	bool last;

	hand_forget_looks(hand, incident);
	while (bw_hand_book_lift(&hand->book, incident, &deed, &last))
		undo(hand, &deed, last, false);
	hand_save(hand);
}

void hand_expire(struct hand *hand)
{
	struct bw_deed deed;
	bool some = false;
	bool last;

	for (; bw_hand_book_expire(&hand->book, bw_clock_now_us(), &deed, &last); some = true)
		undo(hand, &deed, last, true);
	if (some)
		hand_save(hand);
}
