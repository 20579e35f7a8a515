/* The forms of reporting to an exchange, and of hearing that it helped (guard/foreign.h). Pure. */
#include "base/num.h"
#include "codec/json_walk.h"
#include "guard/foreign.h"
#include "intel/formats.h"

static enum bw_err ended(enum bw_err err, const struct bw_cursor *c)
{
	if (err == BW_ERR_TRUNCATED || (err == BW_OK && bw_cursor_left(c) != 0))
		return BW_ERR_PROTOCOL;
	return err;
}

static bool is_indicator(struct bw_slice id)
{
	return bw_slice_starts(id, BW_LIT("indicator--")) && bw_is_id(id, NULL);
}

/* ---- SEND, SAID, SENT ------------------------------------------------------------------------ */

static size_t answer_most(uint8_t kind)
{
	return kind == BW_FOREIGN_SAID ? BW_FOREIGN_SAID_BYTES : BW_FOREIGN_WORDS_BYTES;
}

enum bw_err bw_foreign_sent_add(struct bw_buf *out, uint8_t kind, const struct bw_foreign_sent *sent)
{
	BW_NEED(sent->answer.len <= answer_most(kind), TOO_BIG);
	BW_TRY(bw_buf_add_be64(out, sent->incident));
	BW_TRY(bw_buf_add_be32(out, sent->report));
	if (kind == BW_FOREIGN_SENT)
		BW_TRY(bw_buf_add_u8(out, sent->result));
	return kind == BW_FOREIGN_SEND ? BW_OK : bw_buf_add_block(out, sent->answer);
}

static enum bw_err take_sent(struct bw_cursor *c, uint8_t kind, struct bw_foreign_sent *out)
{
	BW_TRY(bw_take_be64(c, &out->incident));
	BW_TRY(bw_take_be32(c, &out->report));
	BW_NEED(out->incident != 0, PROTOCOL);
	if (kind == BW_FOREIGN_SENT) {
		BW_TRY(bw_take_u8(c, &out->result));
		BW_NEED(out->result < BW_ERR_COUNT, PROTOCOL);
	}
	return kind == BW_FOREIGN_SEND ? BW_OK : bw_take_block(c, answer_most(kind), &out->answer);
}

enum bw_err bw_foreign_sent_parse(struct bw_slice body, uint8_t kind, struct bw_foreign_sent *out)
{
	struct bw_cursor c = bw_cursor_over(body);
	struct bw_foreign_sent sent = { .answer = bw_slice_empty };

	BW_TRY(ended(take_sent(&c, kind, &sent), &c));
	*out = sent;
	return BW_OK;
}

/* ---- SEEN ------------------------------------------------------------------------------------- */

enum bw_err bw_foreign_seen_add(struct bw_buf *out, const struct bw_foreign_seen *seen)
{
	BW_TRY(bw_buf_add_block(out, seen->peer));
	return bw_buf_add_block(out, seen->id);
}

static enum bw_err take_seen(struct bw_cursor *c, struct bw_foreign_seen *out)
{
	BW_TRY(bw_take_block(c, BW_FOREIGN_PEER_BYTES, &out->peer));
	BW_TRY(bw_take_block(c, BW_FOREIGN_ID_BYTES, &out->id));
	BW_NEED(out->peer.len > 0 && is_indicator(out->id), PROTOCOL);
	return BW_OK;
}

enum bw_err bw_foreign_seen_parse(struct bw_slice body, struct bw_foreign_seen *out)
{
	struct bw_cursor c = bw_cursor_over(body);
	struct bw_foreign_seen seen;

	BW_TRY(ended(take_seen(&c, &seen), &c));
	*out = seen;
	return BW_OK;
}

/* ---- what the exchange says ----------------------------------------------------------------- */

/* The value of a member; empty: there is none. */
static enum bw_err member(struct bw_slice json, const char *wanted, struct bw_slice *out)
{
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice value;
	bool more;

	*out = bw_slice_empty;
	BW_TRY(bw_json_walk_open(json, &walk));
	for (;;) {
		BW_TRY(bw_json_walk_next(&walk, &name, &value, &more));
		if (!more)
			return BW_OK;
		if (bw_slice_is(name, wanted))
			*out = value;
	}
}

static enum bw_err count_of(struct bw_slice json, const char *name, uint64_t *out)
{
	struct bw_slice value;

	*out = 0;
	BW_TRY(member(json, name, &value));
	return value.len == 0 ? BW_OK : bw_parse_u64(value, out);
}

enum bw_err bw_foreign_answer_read(struct bw_slice json, struct bw_buf *words)
{
	struct bw_slice status;
	uint64_t failed;
	uint64_t taken;

	BW_NEED(member(json, "status", &status) == BW_OK && status.len > 0, PROTOCOL);
	BW_NEED(count_of(json, "failure_count", &failed) == BW_OK, PROTOCOL);
	BW_NEED(count_of(json, "success_count", &taken) == BW_OK, PROTOCOL);
	BW_TRY(bw_buf_addf(words, "%llu objects taken, %llu refused", (unsigned long long)taken,
			   (unsigned long long)failed));
	return failed > 0 ? BW_ERR_CONFLICT : BW_OK;
}

enum bw_err bw_foreign_sighting_read(struct bw_slice json, struct bw_buf *id)
{
	struct bw_slice value;

	BW_NEED(member(json, "type", &value) == BW_OK && bw_slice_is(value, "\"sighting\""), MISSING);
	BW_NEED(member(json, "revoked", &value) == BW_OK && !bw_json_walk_true(value), MISSING);
	BW_NEED(member(json, "sighting_of_ref", &value) == BW_OK && value.len > 0, MISSING);
	BW_NEED(bw_json_walk_string(value, id) == BW_OK && is_indicator(bw_buf_slice(id)), MISSING);
	return BW_OK;
}
