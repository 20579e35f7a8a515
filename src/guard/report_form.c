#include "guard/report_form.h"

#include "base/num.h"
#include "base/text.h"

enum { KNOWN = 1, HASHED = 2 };

static enum bw_err ended(enum bw_err err, const struct bw_cursor *c)
{
	if (err == BW_ERR_TRUNCATED || (err == BW_OK && bw_cursor_left(c) != 0))
		return BW_ERR_PROTOCOL;
	return err;
}

static enum bw_err take_time(struct bw_cursor *c, int64_t *out)
{
	uint64_t value;

	BW_TRY(bw_take_be64(c, &value));
	BW_NEED(value <= INT64_MAX, PROTOCOL);
	*out = (int64_t)value;
	return BW_OK;
}

/* ---- COMPOSE ------------------------------------------------------------------------------------ */

enum bw_err bw_compose_add(struct bw_buf *out, const struct bw_compose *what, bool is_answer)
{
	BW_TRY(bw_buf_add_be64(out, what->incident));
	BW_TRY(bw_buf_add_u8(out, what->stage));
	BW_TRY(bw_buf_add_be32(out, what->number));
	BW_TRY(bw_buf_add_be64(out, is_answer ? what->decided_ns : (uint64_t)what->since_us));
	BW_TRY(bw_buf_add_be64(out, is_answer ? (uint64_t)what->decided_us : what->left_out));
	return is_answer ? bw_buf_add_be32(out, what->of_drill) : BW_OK;
}

static enum bw_err take_compose(struct bw_cursor *c, bool is_answer, struct bw_compose *out)
{
	BW_TRY(bw_take_be64(c, &out->incident));
	BW_TRY(bw_take_u8(c, &out->stage));
	BW_TRY(bw_take_be32(c, &out->number));
	BW_NEED(out->incident != 0 && (out->stage == BW_STAGE_INDICATORS || out->stage == BW_STAGE_WHOLE), PROTOCOL);
	if (is_answer) {
		BW_TRY(bw_take_be64(c, &out->decided_ns));
		BW_TRY(take_time(c, &out->decided_us));
		return bw_take_be32(c, &out->of_drill);
	}
	BW_TRY(take_time(c, &out->since_us));
	return bw_take_be64(c, &out->left_out);
}

enum bw_err bw_compose_parse(struct bw_slice body, bool is_answer, struct bw_compose *out)
{
	struct bw_cursor c = bw_cursor_over(body);
	struct bw_compose what = { 0 };

	BW_TRY(ended(take_compose(&c, is_answer, &what), &c));
	*out = what;
	return BW_OK;
}

/* ---- LOOK ------------------------------------------------------------------------------------------ */

static enum bw_err add_key(struct bw_buf *out, const struct bw_file_key *key)
{
	uint8_t bytes[BW_KEY_BYTES];

	bw_file_key_write(key, bytes);
	return bw_buf_add(out, bw_slice_of(bytes, sizeof(bytes)));
}

/* As bw_file_key_write has it. */
static enum bw_err take_key(struct bw_cursor *c, struct bw_file_key *out)
{
	BW_TRY(bw_take_be32(c, &out->volume));
	BW_TRY(bw_take_be32(c, &out->gen));
	BW_TRY(bw_take_be64(c, &out->tree));
	return bw_take_be64(c, &out->ino);
}

enum bw_err bw_look_add(struct bw_buf *out, const struct bw_look *look)
{
	BW_TRY(bw_buf_add_u8(out, look->at));
	BW_TRY(add_key(out, &look->file));
	BW_TRY(add_key(out, &look->made));
	BW_TRY(bw_buf_add_be64(out, look->version));
	BW_TRY(bw_buf_add_be64(out, look->max));
	BW_TRY(bw_buf_add_be32(out, look->sample));
	BW_TRY(bw_buf_add_be64(out, (uint64_t)look->since_us));
	BW_TRY(bw_buf_add_be32(out, look->pid));
	return bw_buf_add_be64(out, look->start_ns);
}

static enum bw_err take_look(struct bw_cursor *c, struct bw_look *out)
{
	BW_TRY(bw_take_u8(c, &out->at));
	BW_NEED(out->at >= BW_LOOK_FILE && out->at <= BW_LOOK_PROCESS, PROTOCOL);
	BW_TRY(take_key(c, &out->file));
	BW_TRY(take_key(c, &out->made));
	BW_TRY(bw_take_be64(c, &out->version));
	BW_TRY(bw_take_be64(c, &out->max));
	BW_TRY(bw_take_be32(c, &out->sample));
	BW_TRY(take_time(c, &out->since_us));
	BW_TRY(bw_take_be32(c, &out->pid));
	return bw_take_be64(c, &out->start_ns);
}

enum bw_err bw_look_parse(struct bw_slice body, struct bw_look *out)
{
	struct bw_cursor c = bw_cursor_over(body);
	struct bw_look look = { 0 };

	BW_TRY(ended(take_look(&c, &look), &c));
	*out = look;
	return BW_OK;
}

/* ---- SEEN ------------------------------------------------------------------------------------------- */

static enum bw_err add_digest(struct bw_buf *out, const struct bw_digest *digest)
{
	BW_TRY(bw_buf_add_u8(out, (digest->is_known ? KNOWN : 0) | (digest->is_hashed ? HASHED : 0)));
	BW_TRY(bw_buf_add_be64(out, digest->size));
	return bw_buf_add(out, bw_slice_of(digest->sha256, sizeof(digest->sha256)));
}

static enum bw_err take_digest(struct bw_cursor *c, struct bw_digest *out)
{
	struct bw_slice sum;
	uint8_t flags;

	BW_TRY(bw_take_u8(c, &flags));
	BW_NEED(flags <= (KNOWN | HASHED), PROTOCOL);
	BW_TRY(bw_take_be64(c, &out->size));
	BW_NEED(out->size <= INT64_MAX, PROTOCOL);
	BW_TRY(bw_take(c, sizeof(out->sha256), &sum));
	out->is_known = (flags & KNOWN) != 0;
	out->is_hashed = (flags & HASHED) != 0;
	memcpy(out->sha256, sum.ptr, sum.len);
	return BW_OK;
}

enum bw_err bw_seen_add(struct bw_buf *out, const struct bw_seen *seen)
{
	BW_TRY(bw_buf_add_u8(out, seen->at));
	BW_TRY(bw_buf_add_block(out, bw_slice_sub(seen->path, 0, BW_REPORT_PATH_BYTES)));
	BW_TRY(bw_buf_add_block(out, bw_slice_sub(seen->path_now, 0, BW_REPORT_PATH_BYTES)));
	BW_TRY(add_digest(out, &seen->before));
	BW_TRY(add_digest(out, &seen->after));
	BW_TRY(bw_buf_add_block(out, bw_slice_sub(seen->sample, 0, BW_REPORT_SAMPLE_BYTES)));
	BW_TRY(bw_buf_add_u8(out, seen->note_count));
	for (size_t i = 0; i < seen->note_count; i++) {
		BW_TRY(bw_buf_add_block(out, bw_slice_sub(seen->notes[i].name, 0, BW_EVENT_NAME_BYTES)));
		BW_TRY(add_digest(out, &seen->notes[i].content));
		BW_TRY(bw_buf_add_block(out, bw_slice_sub(seen->notes[i].text, 0, BW_REPORT_NOTE_BYTES)));
	}
	return BW_OK;
}

static enum bw_err take_note(struct bw_cursor *c, struct bw_seen_note *out)
{
	BW_TRY(bw_take_block(c, BW_EVENT_NAME_BYTES, &out->name));
	BW_TRY(take_digest(c, &out->content));
	return bw_take_block(c, BW_REPORT_NOTE_BYTES, &out->text);
}

static enum bw_err take_seen(struct bw_cursor *c, struct bw_seen *out)
{
	BW_TRY(bw_take_u8(c, &out->at));
	BW_NEED(out->at >= BW_LOOK_FILE && out->at <= BW_LOOK_PROCESS, PROTOCOL);
	BW_TRY(bw_take_block(c, BW_REPORT_PATH_BYTES, &out->path));
	BW_TRY(bw_take_block(c, BW_REPORT_PATH_BYTES, &out->path_now));
	BW_TRY(take_digest(c, &out->before));
	BW_TRY(take_digest(c, &out->after));
	BW_TRY(bw_take_block(c, BW_REPORT_SAMPLE_BYTES, &out->sample));
	BW_TRY(bw_take_u8(c, &out->note_count));
	BW_NEED(out->note_count <= BW_REPORT_NOTES_SEEN, PROTOCOL);
	for (size_t i = 0; i < out->note_count; i++)
		BW_TRY(take_note(c, &out->notes[i]));
	return BW_OK;
}

enum bw_err bw_seen_parse(struct bw_slice body, struct bw_seen *out)
{
	struct bw_cursor c = bw_cursor_over(body);
	struct bw_seen seen = { 0 };

	BW_TRY(ended(take_seen(&c, &seen), &c));
	*out = seen;
	return BW_OK;
}

/* ---- words about a report ------------------------------------------------------------------------------ */

static size_t words_most(uint8_t kind)
{
	switch (kind) {
	case BW_REPORT_SIGN:
		return BW_REPORT_MANIFEST_BYTES;
	case BW_REPORT_SIGNED:
		return BW_REPORT_SEAL_BYTES;
	default:
		return BW_REPORT_WORDS_BYTES;
	}
}

enum bw_err bw_report_word_add(struct bw_buf *out, uint8_t kind, const struct bw_report_word *word)
{
	BW_NEED(word->words.len <= words_most(kind), TOO_BIG);
	BW_TRY(bw_buf_add_be64(out, word->incident));
	BW_TRY(bw_buf_add_be32(out, word->number));
	if (kind == BW_REPORT_SHARE)
		return BW_OK;
	if (kind == BW_REPORT_SHARED)
		BW_TRY(bw_buf_add_u8(out, word->result));
	return bw_buf_add_block(out, word->words);
}

static enum bw_err take_word(struct bw_cursor *c, uint8_t kind, struct bw_report_word *out)
{
	BW_TRY(bw_take_be64(c, &out->incident));
	BW_TRY(bw_take_be32(c, &out->number));
	BW_NEED(out->incident != 0 && out->number != 0, PROTOCOL);
	if (kind == BW_REPORT_SHARE)
		return BW_OK;
	if (kind == BW_REPORT_SHARED) {
		BW_TRY(bw_take_u8(c, &out->result));
		BW_NEED(out->result < BW_ERR_COUNT, PROTOCOL);
	}
	return bw_take_block(c, words_most(kind), &out->words);
}

enum bw_err bw_report_word_parse(struct bw_slice body, uint8_t kind, struct bw_report_word *out)
{
	struct bw_cursor c = bw_cursor_over(body);
	struct bw_report_word word = { .words = bw_slice_empty };

	BW_TRY(ended(take_word(&c, kind, &word), &c));
	*out = word;
	return BW_OK;
}

/* ---- import ---------------------------------------------------------------------------------------------- */

/* In the last of what was said, which is the sum: names of objects stand before it. 0: it does not say. */
static uint64_t count_of(struct bw_slice said, const char *name)
{
	const size_t len = strlen(name);
	uint64_t count = 0;

	for (size_t at = said.len >= len ? said.len - len + 1 : 0; at-- > 0;) {
		size_t digits = 0;

		if (memcmp(said.ptr + at, name, len) != 0)
			continue;
		while (at + len + digits < said.len && bw_is_digit(said.ptr[at + len + digits]))
			digits++;
		if (bw_parse_u64(bw_slice_sub(said, at + len, digits), &count) != BW_OK)
			count = 0;
		break;
	}
	return count;
}

enum bw_err bw_report_imported(int status, struct bw_slice said)
{
	if (status == 0)
		return BW_OK;
	if (status == 1 && (count_of(said, "\"added\":") > 0 || count_of(said, "\"duplicate\":") > 0))
		return BW_ERR_CONFLICT;
	return BW_ERR_IO;
}

/* ---- IMAGE ---------------------------------------------------------------------------------------------- */

enum bw_err bw_image_add(struct bw_buf *out, const struct bw_image *image)
{
	BW_TRY(bw_buf_add_be32(out, image->pid));
	BW_TRY(bw_buf_add_be64(out, image->start_ns));
	BW_TRY(bw_buf_add_block(out, image->path));
	return bw_buf_add_block(out, image->command);
}

static enum bw_err take_image(struct bw_cursor *c, struct bw_image *out)
{
	BW_TRY(bw_take_be32(c, &out->pid));
	BW_NEED(out->pid > 1 && out->pid <= INT32_MAX, PROTOCOL);
	BW_TRY(bw_take_be64(c, &out->start_ns));
	BW_TRY(bw_take_block(c, BW_REPORT_PATH_BYTES, &out->path));
	return bw_take_block(c, BW_REPORT_PATH_BYTES, &out->command);
}

enum bw_err bw_image_parse(struct bw_slice body, struct bw_image *out)
{
	struct bw_cursor c = bw_cursor_over(body);
	struct bw_image image = { .path = bw_slice_empty, .command = bw_slice_empty };

	BW_TRY(ended(take_image(&c, &image), &c));
	*out = image;
	return BW_OK;
}

/* ---- pieces --------------------------------------------------------------------------------------------- */

bool bw_report_piece_name_is_fine(struct bw_slice name)
{
	if (name.len == 0 || name.len >= BW_DOSSIER_COPY_BYTES || name.ptr[0] == '.')
		return false;
	for (size_t i = 0; i < name.len; i++) {
		const uint8_t c = name.ptr[i];

		if (!bw_is_lower(c) && !bw_is_digit(c) && c != '.' && c != '-')
			return false;
	}
	return true;
}

enum bw_err bw_report_piece_add(struct bw_buf *out, const char *name, struct bw_slice bytes)
{
	BW_TRY(bw_buf_add_block(out, bw_slice_text(name)));
	return bw_buf_add_block(out, bytes);
}

static enum bw_err take_piece(struct bw_cursor *c, struct bw_report_piece *out)
{
	BW_TRY(bw_take_block(c, BW_DOSSIER_COPY_BYTES, &out->name));
	return bw_take_block(c, BW_REPORT_PIECES_BYTES, &out->bytes);
}

enum bw_err bw_report_piece_next(struct bw_cursor *in, struct bw_report_piece *out)
{
	struct bw_cursor c = *in;
	struct bw_report_piece piece;

	if (bw_cursor_left(&c) == 0)
		return BW_ERR_AGAIN;
	BW_NEED(take_piece(&c, &piece) == BW_OK && bw_report_piece_name_is_fine(piece.name), PROTOCOL);
	*in = c;
	*out = piece;
	return BW_OK;
}
