#include "guard/hand_form.h"

#include "base/cursor.h"

enum { HELD_BYTES = 4 + 8 };

/* A form that ends too early is as wrong as one that goes on. */
static enum bw_err ended(enum bw_err err, const struct bw_cursor *c)
{
	if (err == BW_ERR_TRUNCATED || (err == BW_OK && bw_cursor_left(c) != 0))
		return BW_ERR_PROTOCOL;
	return err;
}

static enum bw_err take_seconds(struct bw_cursor *c, uint32_t *out)
{
	uint32_t seconds;

	BW_TRY(bw_take_be32(c, &seconds));
	if (seconds == 0)
		seconds = BW_HAND_SECONDS_USUAL;
	*out = seconds > BW_HAND_SECONDS_MAX ? BW_HAND_SECONDS_MAX : seconds; /* nothing is for ever */
	return BW_OK;
}

/* ---- WHO, PEER ----------------------------------------------------------------------- */

static enum bw_err take_who(struct bw_cursor *c, struct bw_who *out)
{
	BW_TRY(bw_take_be32(c, &out->pid));
	BW_TRY(bw_take_be64(c, &out->start_ns));
	BW_NEED(out->pid > 0 && out->pid <= INT32_MAX, PROTOCOL);
	return BW_OK;
}

enum bw_err bw_who_parse(struct bw_slice body, struct bw_who *out)
{
	struct bw_cursor c = bw_cursor_over(body);
	struct bw_who who = { 0 };

	if (body.len > 0)
		BW_TRY(ended(take_who(&c, &who), &c));
	*out = who;
	return BW_OK;
}

enum bw_err bw_who_add(struct bw_buf *out, const struct bw_who *who)
{
	if (who->pid == 0)
		return BW_OK;
	BW_TRY(bw_buf_add_be32(out, who->pid));
	return bw_buf_add_be64(out, who->start_ns);
}

static enum bw_err take_peer(struct bw_cursor *c, struct bw_peer_word *out)
{
	BW_TRY(take_who(c, &out->who));
	BW_TRY(bw_take_be16(c, &out->port));
	return bw_take_block(c, BW_HAND_ADDRESS_BYTES, &out->address);
}

enum bw_err bw_peer_word_parse(struct bw_slice body, struct bw_peer_word *out)
{
	struct bw_cursor c = bw_cursor_over(body);
	struct bw_peer_word word = { 0 };

	BW_TRY(ended(take_peer(&c, &word), &c));
	*out = word;
	return BW_OK;
}

enum bw_err bw_peer_word_add(struct bw_buf *out, const struct bw_peer_word *word)
{
	BW_NEED(word->address.len <= BW_HAND_ADDRESS_BYTES, TOO_BIG);
	BW_TRY(bw_who_add(out, &word->who));
	BW_TRY(bw_buf_add_be16(out, word->port));
	return bw_buf_add_block(out, word->address);
}

/* ---- KEEP_OUT ------------------------------------------------------------------------ */

static enum bw_err take_keep_out(struct bw_cursor *c, struct bw_keep_out *out)
{
	BW_TRY(bw_take_be64(c, &out->incident));
	BW_TRY(take_seconds(c, &out->seconds));
	BW_TRY(bw_take_block(c, BW_HAND_ADDRESS_BYTES, &out->address));
	return bw_take_block(c, BW_HAND_USER_BYTES, &out->user);
}

enum bw_err bw_keep_out_parse(struct bw_slice body, struct bw_keep_out *out)
{
	struct bw_cursor c = bw_cursor_over(body);
	struct bw_keep_out what = { 0 };

	BW_TRY(ended(take_keep_out(&c, &what), &c));
	*out = what;
	return BW_OK;
}

enum bw_err bw_keep_out_add(struct bw_buf *out, const struct bw_keep_out *what)
{
	BW_NEED(what->address.len <= BW_HAND_ADDRESS_BYTES && what->user.len <= BW_HAND_USER_BYTES, TOO_BIG);
	BW_TRY(bw_buf_add_be64(out, what->incident));
	BW_TRY(bw_buf_add_be32(out, what->seconds));
	BW_TRY(bw_buf_add_block(out, what->address));
	return bw_buf_add_block(out, what->user);
}

/* ---- FREEZE -------------------------------------------------------------------------- */

static enum bw_err take_freeze(struct bw_cursor *c, struct bw_freeze *out)
{
	BW_TRY(bw_take_be64(c, &out->incident));
	BW_TRY(take_seconds(c, &out->seconds));
	BW_TRY(bw_take_be64(c, &out->cgroup));
	BW_TRY(bw_take_be32(c, &out->count));
	BW_NEED(out->count <= BW_STOP_PROCESSES_MAX, TOO_MANY);
	return bw_take(c, (size_t)out->count * HELD_BYTES, &out->processes);
}

enum bw_err bw_freeze_parse(struct bw_slice body, struct bw_freeze *out)
{
	struct bw_cursor c = bw_cursor_over(body);
	struct bw_freeze what = { 0 };

	BW_TRY(ended(take_freeze(&c, &what), &c));
	*out = what;
	return BW_OK;
}

enum bw_err bw_freeze_add(struct bw_buf *out, const struct bw_freeze *what, const struct bw_held *held)
{
	BW_NEED(what->count <= BW_STOP_PROCESSES_MAX, TOO_MANY);
	BW_TRY(bw_buf_add_be64(out, what->incident));
	BW_TRY(bw_buf_add_be32(out, what->seconds));
	BW_TRY(bw_buf_add_be64(out, what->cgroup));
	BW_TRY(bw_buf_add_be32(out, what->count));
	for (uint32_t n = 0; n < what->count; n++) {
		BW_TRY(bw_buf_add_be32(out, held[n].pid));
		BW_TRY(bw_buf_add_be64(out, held[n].start_ns));
	}
	return BW_OK;
}

struct bw_held bw_freeze_process(const struct bw_freeze *freeze, uint32_t n)
{
	struct bw_cursor c = { freeze->processes, (size_t)n * HELD_BYTES };
	struct bw_held held = { 0 };

	/* parsing has seen that all of them are there */
	if (n < freeze->count && bw_take_be32(&c, &held.pid) == BW_OK)
		bw_err_drop(bw_take_be64(&c, &held.start_ns));
	return held;
}

/* ---- LIFT ---------------------------------------------------------------------------- */

enum bw_err bw_lift_parse(struct bw_slice body, uint64_t *out_incident)
{
	struct bw_cursor c = bw_cursor_over(body);
	uint64_t incident = 0;

	BW_TRY(ended(bw_take_be64(&c, &incident), &c));
	*out_incident = incident;
	return BW_OK;
}

enum bw_err bw_lift_add(struct bw_buf *out, uint64_t incident)
{
	return bw_buf_add_be64(out, incident);
}

/* ---- NOTICE -------------------------------------------------------------------------- */

static enum bw_err take_notice(struct bw_cursor *c, struct bw_notice *out)
{
	BW_TRY(bw_take_be64(c, &out->incident));
	BW_TRY(bw_take_block(c, BW_HAND_SUBJECT_BYTES, &out->subject));
	return bw_take_block(c, BW_HAND_TEXT_BYTES, &out->text);
}

enum bw_err bw_notice_parse(struct bw_slice body, struct bw_notice *out)
{
	struct bw_cursor c = bw_cursor_over(body);
	struct bw_notice what = { 0 };

	BW_TRY(ended(take_notice(&c, &what), &c));
	*out = what;
	return BW_OK;
}

enum bw_err bw_notice_add(struct bw_buf *out, const struct bw_notice *what)
{
	BW_NEED(what->subject.len <= BW_HAND_SUBJECT_BYTES && what->text.len <= BW_HAND_TEXT_BYTES, TOO_BIG);
	BW_TRY(bw_buf_add_be64(out, what->incident));
	BW_TRY(bw_buf_add_block(out, what->subject));
	return bw_buf_add_block(out, what->text);
}

/* ---- ACTED --------------------------------------------------------------------------- */

static enum bw_err take_acted(struct bw_cursor *c, struct bw_acted *out)
{
	uint8_t what;
	uint64_t until;

	BW_TRY(bw_take_be64(c, &out->incident));
	BW_TRY(bw_take_u8(c, &what));
	BW_NEED(what >= BW_ACTED_KEPT_OUT && what <= BW_ACTED_NOTICED, PROTOCOL);
	BW_TRY(bw_take_be64(c, &until));
	BW_NEED(until <= INT64_MAX, PROTOCOL);
	out->what = (enum bw_acted_what)what;
	out->until_us = (int64_t)until;
	BW_TRY(bw_take_block(c, BW_HAND_SUBJECT_BYTES, &out->subject));
	return bw_take_block(c, BW_HAND_TEXT_BYTES, &out->undo);
}

enum bw_err bw_acted_parse(struct bw_slice body, struct bw_acted *out)
{
	struct bw_cursor c = bw_cursor_over(body);
	struct bw_acted what = { 0 };

	BW_TRY(ended(take_acted(&c, &what), &c));
	*out = what;
	return BW_OK;
}

enum bw_err bw_acted_add(struct bw_buf *out, const struct bw_acted *what)
{
	BW_NEED(what->subject.len <= BW_HAND_SUBJECT_BYTES && what->undo.len <= BW_HAND_TEXT_BYTES, TOO_BIG);
	BW_NEED(what->until_us >= 0, RANGE);
	BW_TRY(bw_buf_add_be64(out, what->incident));
	BW_TRY(bw_buf_add_u8(out, (uint8_t)what->what));
	BW_TRY(bw_buf_add_be64(out, (uint64_t)what->until_us));
	BW_TRY(bw_buf_add_block(out, what->subject));
	return bw_buf_add_block(out, what->undo);
}
