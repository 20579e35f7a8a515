/* One value a line: the machine of split.c is started anew for each. */
#include "base/text.h"
#include "codec/split_inner.h"

static void restart(struct bw_split *s, struct bw_slice line, uint64_t offset)
{
	s->chunk = line;
	s->at = 0;
	s->chunk_offset = offset;
	s->last = true;
	s->state = AT_TOP;
	s->in_line = true;
	s->line_counted = false;
}

/* The next line that is not blank, whole; AGAIN, NOT_FOUND. */
static enum bw_err next_line(struct bw_split *s)
{
	for (;;) {
		const struct bw_slice rest = bw_slice_from(s->lines_chunk, s->lines_at);
		const uint8_t *end = memchr(rest.ptr, '\n', rest.len);
		const size_t len = end == NULL ? rest.len : (size_t)(end - rest.ptr);
		const struct bw_slice part = bw_slice_sub(rest, 0, len);
		struct bw_slice line = part;
		enum bw_err err = BW_OK;

		if (s->line.len == 0 && !s->line_too_long)
			s->line_offset = s->lines_offset + s->lines_at;
		s->lines_at += len + (end == NULL ? 0 : 1);
		if (end == NULL || s->line.len > 0) {
			err = s->line_too_long ? BW_OK : bw_buf_add(&s->line, part);
			if (err == BW_ERR_TOO_BIG)
				s->line_too_long = true;
			else
				BW_TRY(err);
			line = bw_buf_slice(&s->line);
		}
		if (end == NULL && !s->lines_last)
			return BW_ERR_AGAIN;
		if (end == NULL && line.len == 0 && !s->line_too_long)
			return BW_ERR_NOT_FOUND;
		for (size_t i = 0; i < line.len; i++) {
			if (!bw_is_space(line.ptr[i])) {
				restart(s, line, s->line_offset);
				return BW_OK;
			}
		}
		if (end == NULL)
			return BW_ERR_NOT_FOUND;
		bw_buf_clear(&s->line);
	}
}

enum bw_err bw_split_run_lines(struct bw_split *s, struct bw_split_item *out)
{
	for (;;) {
		if (!s->in_line)
			BW_TRY(next_line(s));
		if (s->line_too_long) {
			s->line_too_long = false;
			s->in_line = false;
			bw_buf_clear(&s->line);
			s->value++;
			BW_TRY(bw_split_fault(s, BW_ERR_TOO_BIG, s->line_offset, "one line may have 64 MiB", false,
					      out));
			out->line = true;
			return BW_OK;
		}
		const enum bw_err err = bw_split_run(s, out);

		if (err == BW_OK) {
			out->fatal = false; /* the next line is a fresh start */
			out->line = true;
			return BW_OK;
		}
		if (err != BW_ERR_AGAIN && err != BW_ERR_NOT_FOUND)
			return err;
		s->in_line = false;
		bw_buf_clear(&s->line);
	}
}

/*
 * Is the first line a whole value, or clearly the first of many lines? A whole one tells at once, so that
 * whoever writes a line gets its answer; else the byte after it tells, whatever the pieces were.
 */
enum lines bw_split_judge_lines(struct bw_slice text)
{
	const uint8_t *end = memchr(text.ptr, '\n', text.len);
	struct bw_slice line;
	struct bw_scan scan = { .depth_max = 4 * BW_JSON_DEPTH_MAX };
	size_t from = 0;
	size_t used;

	if (end == NULL)
		return LINES_UNKNOWN;
	line = bw_slice_sub(text, 0, (size_t)(end - text.ptr));
	while (from < line.len && bw_is_space(line.ptr[from]))
		from++;
	if (from == line.len || line.ptr[from] != '{')
		return LINES_NO;
	line = bw_slice_from(line, from);
	if (bw_scan(&scan, line, &used) == BW_SCAN_CLOSED)
		return LINES_YES;
	/* not whole: still a line when it does not end like one that goes on and the next starts afresh */
	used = line.len;
	while (used > 0 && bw_is_space(line.ptr[used - 1]))
		used--;
	if (used <= 1 || memchr("[{,:", line.ptr[used - 1], 4) != NULL)
		return LINES_NO;
	if (end + 1 == text.ptr + text.len)
		return LINES_UNKNOWN;
	return end[1] == '{' ? LINES_YES : LINES_NO;
}
