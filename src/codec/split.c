#include "codec/split_inner.h"

#include <stdlib.h>

#include "base/text.h"

enum bw_err bw_split_new(struct bw_split **out)
{
	struct bw_split *s = calloc(1, sizeof(*s));

	BW_NEED(s != NULL, MEMORY);
	s->first = BW_BUF_INIT(SIZE_MAX - 1);
	s->line = BW_BUF_INIT(BW_JSON_TEXT_MAX);
	s->carry = BW_BUF_INIT(BW_JSON_TEXT_MAX);
	s->frame = BW_BUF_INIT((size_t)2 * BW_SPLIT_HEAD_MAX);
	bw_json_parser_init(&s->parser);
	*out = s;
	return BW_OK;
}

void bw_split_free(struct bw_split *s)
{
	if (s == NULL)
		return;
	bw_buf_release(&s->first);
	bw_buf_release(&s->line);
	bw_buf_release(&s->carry);
	bw_buf_release(&s->frame);
	bw_json_parser_release(&s->parser);
	free(s);
}

/* ---- pieces of the machine ------------------------------------------------------------ */

static struct bw_slice rest_of(const struct bw_split *s)
{
	return bw_slice_from(s->chunk, s->at);
}

static uint64_t offset_now(const struct bw_split *s)
{
	return s->chunk_offset + s->at;
}

enum bw_err bw_split_fault(struct bw_split *s, enum bw_err err, uint64_t offset, const char *reason, bool fatal,
			   struct bw_split_item *out)
{
	*out = (struct bw_split_item){
		.kind = BW_SPLIT_FAULT,
		.in = s->in,
		.text = bw_slice_empty,
		.offset = offset,
		.value = s->value,
		.index = s->index,
		.err = err,
		.reason = reason,
		.fatal = fatal,
	};
	if (fatal)
		s->state = AT_END;
	return BW_OK;
}

static void skip_blanks(struct bw_split *s)
{
	while (s->at < s->chunk.len && bw_is_space(s->chunk.ptr[s->at]))
		s->at++;
}

static void begin_scan(struct bw_split *s, bool watch)
{
	/* one level more than an object may have: the parser says what is wrong with it */
	s->scan = (struct bw_scan){ .depth_max = 4 * BW_JSON_DEPTH_MAX, .watch = watch };
	s->from = offset_now(s);
	s->skipping = false;
	bw_buf_clear(&s->carry);
}

/* Keeps what the scan used of this chunk for later. */
static enum bw_err keep(struct bw_split *s, size_t from)
{
	const struct bw_slice part = bw_slice_sub(s->chunk, from, s->at - from);
	enum bw_err err;

	if (s->skipping)
		return BW_OK;
	err = bw_buf_add(&s->carry, part);
	if (err == BW_ERR_TOO_BIG) {
		s->skipping = true;
		bw_buf_clear(&s->carry);
		return BW_OK;
	}
	return err;
}

/* The present value: straight from the chunk, or from the carry when it came in pieces. */
static enum bw_err whole(struct bw_split *s, size_t from, struct bw_slice *out)
{
	if (s->carry.len == 0 && !s->skipping) {
		*out = bw_slice_sub(s->chunk, from, s->at - from);
		return BW_OK;
	}
	BW_TRY(keep(s, from));
	*out = bw_buf_slice(&s->carry);
	return BW_OK;
}

static enum bw_err object_item(struct bw_split *s, size_t from, struct bw_split_item *out)
{
	struct bw_slice text;

	BW_TRY(whole(s, from, &text));
	if (s->skipping)
		return bw_split_fault(s, BW_ERR_TOO_BIG, s->from, "one object may have 64 MiB of text", false, out);
	*out = (struct bw_split_item){
		.kind = BW_SPLIT_OBJECT,
		.in = s->in,
		.text = text,
		.offset = s->from,
		.value = s->value,
		.index = s->index,
	};
	return BW_OK;
}

/* ---- is the object around this list a bundle? ------------------------------------------------ */

/* Do the bytes before the '[' at the end of `head` say "objects": ? */
static bool names_objects(struct bw_slice head)
{
	static const char name[] = "\"objects\"";
	const size_t len = sizeof(name) - 1;
	size_t end = head.len - 1;

	while (end > 0 && bw_is_space(head.ptr[end - 1]))
		end--;
	if (end == 0 || head.ptr[--end] != ':')
		return false;
	while (end > 0 && bw_is_space(head.ptr[end - 1]))
		end--;
	return end >= len && memcmp(head.ptr + end - len, name, len) == 0;
}

/* An object that has another type, or an id of another type, is no bundle but an object with such a property. */
static bool judge_head(struct bw_split *s, yyjson_val *root)
{
	yyjson_val *type = yyjson_obj_get(root, "type");
	yyjson_val *id = yyjson_obj_get(root, "id");
	yyjson_val *spec = yyjson_obj_get(root, "spec_version");
	const bool has_id = yyjson_is_str(id);

	if (type != NULL && !yyjson_equals_str(type, "bundle"))
		return false;
	if (type == NULL && has_id && !bw_slice_starts(bw_json_text(id), BW_LIT("bundle--")))
		return false;
	s->in = type != NULL || has_id ? BW_SPLIT_BUNDLE : BW_SPLIT_ENVELOPE;
	if (s->in == BW_SPLIT_BUNDLE && yyjson_equals_str(spec, "2.0"))
		s->in = BW_SPLIT_BUNDLE_20;
	return true;
}

static enum bw_err try_bundle(struct bw_split *s, size_t from, bool *out)
{
	struct bw_slice head = bw_slice_sub(s->chunk, from, s->at - from);
	size_t head_len;
	yyjson_val *root;

	*out = false;
	if (s->skipping || s->carry.len + head.len > BW_SPLIT_HEAD_MAX)
		return BW_OK;
	bw_buf_clear(&s->frame);
	BW_TRY(bw_buf_add(&s->frame, bw_buf_slice(&s->carry)));
	BW_TRY(bw_buf_add(&s->frame, head));
	if (!names_objects(bw_buf_slice(&s->frame)))
		return BW_OK;
	head_len = s->frame.len;
	BW_TRY(bw_buf_add_text(&s->frame, "]}"));
	if (bw_json_parse(&s->parser, bw_buf_slice(&s->frame), &root, NULL) == BW_OK)
		*out = judge_head(s, root);
	s->frame.len = head_len;
	return BW_OK;
}

/* ---- states ------------------------------------------------------------------------------- */

static enum bw_err at_top(struct bw_split *s, struct bw_split_item *out)
{
	skip_blanks(s);
	if (s->value == 0 && offset_now(s) == 0 && bw_slice_starts(rest_of(s), BW_LIT("\xef\xbb\xbf")))
		s->at += 3; /* a byte order mark (RFC 8259 §8.1: may be ignored) */
	skip_blanks(s);
	if (s->at == s->chunk.len) {
		if (s->last)
			s->state = AT_END;
		return BW_ERR_AGAIN;
	}
	if (!s->line_counted)
		s->value++;
	s->line_counted = s->in_line; /* what else stands on the line belongs to it */
	s->index = 0;
	s->in = BW_SPLIT_ALONE;
	switch (s->chunk.ptr[s->at]) {
	case '{':
		begin_scan(s, true);
		s->state = IN_VALUE;
		return BW_ERR_AGAIN;
	case '[':
		s->at++;
		s->in = BW_SPLIT_LIST;
		s->bare_list = true;
		s->comma = s->after_comma = false;
		s->state = IN_LIST;
		return BW_ERR_AGAIN;
	default:
		return bw_split_fault(s, BW_ERR_SYNTAX, offset_now(s),
				      "an object or a list of objects should start here", true, out);
	}
}

static void enter_list(struct bw_split *s)
{
	s->frame_offset = s->from;
	s->bare_list = false;
	s->comma = s->after_comma = false;
	s->state = IN_LIST;
}

static enum bw_err in_value(struct bw_split *s, struct bw_split_item *out)
{
	const size_t from = s->at;
	size_t used;
	bool bundle;

	for (;;) {
		const enum bw_scan_stop stop = bw_scan(&s->scan, rest_of(s), &used);

		s->at += used;
		switch (stop) {
		case BW_SCAN_CLOSED:
			s->state = AT_TOP;
			return object_item(s, from, out);
		case BW_SCAN_LIST:
			BW_TRY(try_bundle(s, from, &bundle));
			if (bundle) {
				enter_list(s);
				return BW_ERR_AGAIN;
			}
			break;
		case BW_SCAN_DEEP:
			return bw_split_fault(s, BW_ERR_TOO_DEEP, offset_now(s) - 1, "nested too deep", true, out);
		case BW_SCAN_MORE:
			BW_TRY(keep(s, from));
			if (s->last)
				return bw_split_fault(s, BW_ERR_TRUNCATED, s->from, "this value does not end", true,
						      out);
			return BW_ERR_AGAIN;
		}
	}
}

static enum bw_err leave_list(struct bw_split *s)
{
	s->at++;
	if (s->bare_list) {
		s->state = AT_TOP;
		return BW_ERR_AGAIN;
	}
	BW_TRY(bw_buf_add_u8(&s->frame, ']'));
	s->scan = (struct bw_scan){ .depth = 1, .depth_max = BW_JSON_DEPTH_MAX };
	s->state = IN_TAIL;
	return BW_ERR_AGAIN;
}

static enum bw_err in_list(struct bw_split *s, struct bw_split_item *out)
{
	uint8_t c;

	skip_blanks(s);
	if (s->at == s->chunk.len) {
		if (s->last)
			return bw_split_fault(s, BW_ERR_TRUNCATED, offset_now(s), "the list of objects does not end",
					      true, out);
		return BW_ERR_AGAIN;
	}
	c = s->chunk.ptr[s->at];
	if (c == ']' && !s->after_comma)
		return leave_list(s);
	if (s->comma) {
		if (c != ',')
			return bw_split_fault(s, BW_ERR_SYNTAX, offset_now(s),
					      "a comma or the end of the list should be here", true, out);
		s->at++;
		s->comma = false;
		s->after_comma = true;
		return BW_ERR_AGAIN;
	}
	if (c == ',' || c == ']' || c == '}' || c == ':')
		return bw_split_fault(s, BW_ERR_SYNTAX, offset_now(s), "an object should start here", true, out);
	begin_scan(s, false);
	s->after_comma = false;
	s->comma = true;
	s->state = c == '{' ? IN_ELEMENT : IN_SCALAR;
	return BW_ERR_AGAIN;
}

static enum bw_err in_element(struct bw_split *s, struct bw_split_item *out)
{
	const size_t from = s->at;
	size_t used;
	const enum bw_scan_stop stop = bw_scan(&s->scan, rest_of(s), &used);
	enum bw_err err;

	s->at += used;
	if (stop == BW_SCAN_CLOSED) {
		s->state = IN_LIST;
		err = object_item(s, from, out);
		s->index++;
		return err;
	}
	if (stop == BW_SCAN_DEEP)
		return bw_split_fault(s, BW_ERR_TOO_DEEP, offset_now(s) - 1, "nested too deep", true, out);
	BW_TRY(keep(s, from));
	if (s->last)
		return bw_split_fault(s, BW_ERR_TRUNCATED, s->from, "this object does not end", true, out);
	return BW_ERR_AGAIN;
}

/* An element that is a number, a string, a list ...: told and passed over, up to the comma after it. */
static enum bw_err in_scalar(struct bw_split *s, struct bw_split_item *out)
{
	while (s->at < s->chunk.len) {
		const uint8_t c = s->chunk.ptr[s->at];
		size_t used;

		if (s->scan.depth == 0 && s->scan.in_string == 0 && (c == ',' || c == ']')) {
			s->state = IN_LIST;
			BW_TRY(bw_split_fault(s, BW_ERR_TYPE, s->from, "a STIX object must be a JSON object", false,
					      out));
			s->index++;
			return BW_OK;
		}
		(void)bw_scan(&s->scan, bw_slice_sub(s->chunk, s->at, 1), &used);
		if (s->scan.depth > s->scan.depth_max)
			return bw_split_fault(s, BW_ERR_TOO_DEEP, offset_now(s), "nested too deep", true, out);
		s->at++;
	}
	if (s->last)
		return bw_split_fault(s, BW_ERR_TRUNCATED, s->from, "the list of objects does not end", true, out);
	return BW_ERR_AGAIN;
}

static enum bw_err in_tail(struct bw_split *s, struct bw_split_item *out)
{
	const size_t from = s->at;
	size_t used;
	const enum bw_scan_stop stop = bw_scan(&s->scan, rest_of(s), &used);
	enum bw_err err;

	s->at += used;
	err = bw_buf_add(&s->frame, bw_slice_sub(s->chunk, from, used));
	if (err == BW_ERR_TOO_BIG || stop == BW_SCAN_DEEP)
		return bw_split_fault(s, BW_ERR_TOO_BIG, offset_now(s), "too much stands around the objects", true,
				      out);
	BW_TRY(err);
	if (stop == BW_SCAN_MORE) {
		if (s->last)
			return bw_split_fault(s, BW_ERR_TRUNCATED, offset_now(s), "the bundle does not end", true, out);
		return BW_ERR_AGAIN;
	}
	s->state = AT_TOP;
	*out = (struct bw_split_item){
		.kind = BW_SPLIT_FRAME,
		.in = s->in,
		.text = bw_buf_slice(&s->frame),
		.offset = s->frame_offset,
		.value = s->value,
		.objects = s->index,
	};
	return BW_OK;
}

/* One item from the present chunk; AGAIN: the chunk is used up; NOT_FOUND: nothing can follow. */
enum bw_err bw_split_run(struct bw_split *s, struct bw_split_item *out)
{
	for (;;) {
		const enum state before = s->state;
		const size_t at = s->at;
		enum bw_err err = BW_ERR_NOT_FOUND;

		switch (s->state) {
		case AT_TOP:
			err = at_top(s, out);
			break;
		case IN_VALUE:
			err = in_value(s, out);
			break;
		case IN_LIST:
			err = in_list(s, out);
			break;
		case IN_ELEMENT:
			err = in_element(s, out);
			break;
		case IN_SCALAR:
			err = in_scalar(s, out);
			break;
		case IN_TAIL:
			err = in_tail(s, out);
			break;
		case AT_END:
			break;
		}
		if (err != BW_ERR_AGAIN)
			return err;
		if (s->at == s->chunk.len && s->state == before && s->at == at)
			return BW_ERR_AGAIN;
	}
}

/* ---- the door ------------------------------------------------------------------------------ */

static void go_on(struct bw_split *s, struct bw_slice chunk, uint64_t offset, bool last)
{
	if (s->lines) {
		s->lines_chunk = chunk;
		s->lines_at = 0;
		s->lines_offset = offset;
		s->lines_last = last;
		return;
	}
	s->chunk = chunk;
	s->at = 0;
	s->chunk_offset = offset;
	s->last = last;
}

void bw_split_feed(struct bw_split *s, struct bw_slice chunk, bool last)
{
	const uint64_t done = s->lines ? s->lines_offset + s->lines_chunk.len : s->chunk_offset + s->chunk.len;

	if (s->started) {
		go_on(s, chunk, done, last);
		return;
	}
	s->after_first = chunk;
	s->last = last;
}

/* Waits until the first line tells whether lines rule, or there is enough text to see that it does not end. */
static enum bw_err start(struct bw_split *s)
{
	struct bw_slice text = s->after_first;
	enum lines lines = s->first.len > 0 ? LINES_UNKNOWN : bw_split_judge_lines(text);

	if (lines == LINES_UNKNOWN && (s->first.len > 0 || (!s->last && text.len < BW_SPLIT_LOOK))) {
		BW_TRY(bw_buf_add(&s->first, text));
		text = bw_buf_slice(&s->first);
		lines = bw_split_judge_lines(text);
		if (lines == LINES_UNKNOWN && !s->last && text.len < BW_SPLIT_LOOK) {
			s->after_first = bw_slice_empty;
			return BW_ERR_AGAIN;
		}
	}
	s->started = true;
	s->lines = lines == LINES_YES;
	go_on(s, text, 0, s->last);
	return BW_OK;
}

enum bw_err bw_split_next(struct bw_split *s, struct bw_split_item *out)
{
	enum bw_err err;

	if (!s->started)
		BW_TRY(start(s));
	if (s->lines)
		return bw_split_run_lines(s, out);
	err = bw_split_run(s, out);
	if (err == BW_ERR_AGAIN && s->last)
		return BW_ERR_NOT_FOUND;
	return err;
}
