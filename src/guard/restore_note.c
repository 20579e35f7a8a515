#include "guard/restore_note.h"

enum { META_MAX = 128 * 1024, NAME_MAX_BYTES = 255 };

static bool is_name(struct bw_slice name)
{
	return name.len <= NAME_MAX_BYTES && memchr(name.ptr, '/', name.len) == NULL &&
	       memchr(name.ptr, 0, name.len) == NULL && !bw_slice_is(name, ".") && !bw_slice_is(name, "..");
}

static bool is_path(struct bw_slice path)
{
	return path.len <= BW_NOTE_PATH_MAX && memchr(path.ptr, 0, path.len) == NULL;
}

static enum bw_err add_body(const struct bw_note *note, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_u8(out, note->kind));
	BW_TRY(bw_buf_add_be64(out, note->ino));
	BW_TRY(bw_buf_add_be64(out, (uint64_t)note->mtime_s));
	BW_TRY(bw_buf_add_be32(out, note->mtime_ns));
	BW_TRY(bw_buf_add_block(out, note->path));
	BW_TRY(bw_buf_add_block(out, note->aside));
	return bw_buf_add_block(out, note->meta);
}

enum bw_err bw_note_write(const struct bw_note *note, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_NOTE_BYTES_MAX);

	BW_NEED(note->kind > 0 && note->kind < BW_NOTE_KINDS && is_path(note->path) && is_name(note->aside) &&
			note->meta.len <= META_MAX && note->mtime_ns < 1000000000,
		RANGE);
	BW_TRY(add_body(note, &body));
	return bw_buf_add_block(out, bw_buf_slice(&body));
}

static enum bw_err take_body(struct bw_cursor *c, struct bw_note *out)
{
	uint64_t seconds;

	BW_TRY(bw_take_u8(c, &out->kind));
	BW_NEED(out->kind > 0 && out->kind < BW_NOTE_KINDS, RANGE);
	BW_TRY(bw_take_be64(c, &out->ino));
	BW_TRY(bw_take_be64(c, &seconds));
	BW_TRY(bw_take_be32(c, &out->mtime_ns));
	BW_NEED(out->mtime_ns < 1000000000, RANGE);
	out->mtime_s = (int64_t)seconds;
	BW_TRY(bw_take_block(c, BW_NOTE_PATH_MAX, &out->path));
	BW_TRY(bw_take_block(c, NAME_MAX_BYTES, &out->aside));
	BW_TRY(bw_take_block(c, META_MAX, &out->meta));
	BW_NEED(is_path(out->path) && is_name(out->aside), RANGE);
	return BW_OK;
}

enum bw_err bw_note_next(struct bw_cursor *in, struct bw_note *out)
{
	struct bw_cursor c = *in;
	struct bw_note note = { 0 };
	struct bw_cursor inside;
	struct bw_slice body;
	enum bw_err err = bw_take_block(&c, BW_NOTE_BYTES_MAX, &body);

	if (err == BW_ERR_TRUNCATED)
		return BW_ERR_AGAIN;
	BW_TRY(err);
	inside = bw_cursor_over(body);
	err = take_body(&inside, &note);
	BW_NEED(err != BW_ERR_TRUNCATED && bw_cursor_left(&inside) == 0, SYNTAX);
	BW_TRY(err);
	*in = c;
	*out = note;
	return BW_OK;
}
