#include "codec/query.h"

#include "base/text.h"
#include "codec/chars.h"

static enum bw_err decode_escape(struct bw_slice text, size_t at, uint8_t *out, struct bw_fault *fault)
{
	const struct bw_slice digits = bw_slice_sub(text, at + 1, 2);

	if (bw_hex_decode(digits, out, 1) != BW_OK)
		return bw_fault_set(fault, BW_ERR_SYNTAX, at, "behind '%' stand two hexadecimal digits");
	return BW_OK;
}

static enum bw_err decode_into(struct bw_slice text, bool plus, uint8_t *bytes, size_t *len, struct bw_fault *fault)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];

		if (c == '%') {
			BW_TRY(decode_escape(text, i, &c, fault));
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		if (c < 0x20 || c == 0x7f)
			return bw_fault_set(fault, BW_ERR_SYNTAX, i, "a control character");
		bytes[n++] = c;
	}
	*len = n;
	return BW_OK;
}

enum bw_err bw_percent_decode(struct bw_slice text, bool plus, struct bw_arena *arena, struct bw_slice *out,
			      struct bw_fault *fault)
{
	uint8_t *bytes;
	size_t len = 0;
	struct bw_slice decoded;

	if (bw_char_span(text, 0, plus ? BW_CHAR_PLAIN : BW_CHAR_PLAIN | BW_CHAR_PLUS) == text.len) {
		*out = text;
		return BW_OK;
	}
	bytes = bw_arena_take(arena, text.len);
	if (bytes == NULL)
		return bw_fault_set(fault, BW_ERR_MEMORY, 0, "no memory left for this request");
	BW_TRY(decode_into(text, plus, bytes, &len, fault));
	decoded = bw_slice_of(bytes, len);
	if (!bw_utf8_is_valid(decoded, NULL))
		return bw_fault_set(fault, BW_ERR_UTF8, 0, "decodes to bytes that are not UTF-8");
	*out = decoded;
	return BW_OK;
}

/* Decodes one part of `whole`, so that a fault tells the offset in `whole`. */
static enum bw_err decode_part(struct bw_slice part, bool plus, size_t offset, struct bw_arena *arena,
			       struct bw_slice *out, struct bw_fault *fault)
{
	struct bw_fault inner = { 0, NULL };
	const enum bw_err err = bw_percent_decode(part, plus, arena, out, &inner);

	return err == BW_OK ? BW_OK : bw_fault_set(fault, err, offset + inner.offset, inner.reason);
}

static enum bw_err decode_pair(struct bw_slice part, size_t offset, struct bw_arena *arena, struct bw_query_pair *out,
			       struct bw_fault *fault)
{
	struct bw_slice name = part;
	struct bw_slice value = bw_slice_empty;

	(void)bw_slice_cut(part, '=', &name, &value); /* without '=' the value stays empty */
	BW_TRY(decode_part(name, true, offset, arena, &out->name, fault));
	return decode_part(value, true, offset + name.len + 1, arena, &out->value, fault);
}

/* Takes the text before the next `mark` off the front; what is left begins behind it. */
static struct bw_slice take_until(struct bw_slice *rest, char mark)
{
	struct bw_slice head = *rest;
	struct bw_slice tail = bw_slice_empty;

	(void)bw_slice_cut(*rest, mark, &head, &tail);
	*rest = tail;
	return head;
}

enum bw_err bw_query_parse(struct bw_slice text, struct bw_arena *arena, struct bw_query *out, struct bw_fault *fault)
{
	struct bw_slice rest = text;
	size_t offset = 0;

	out->n = 0;
	while (rest.len > 0) {
		const struct bw_slice part = take_until(&rest, '&');

		if (part.len > 0) {
			if (out->n == BW_QUERY_PAIRS_MAX)
				return bw_fault_set(fault, BW_ERR_TOO_MANY, offset, "more parameters than the limit");
			BW_TRY(decode_pair(part, offset, arena, &out->pairs[out->n], fault));
			out->n++;
		}
		offset += part.len + 1;
	}
	return BW_OK;
}

enum bw_err bw_query_once(const struct bw_query *query, const char *name, struct bw_slice *value)
{
	const struct bw_query_pair *found = NULL;

	for (size_t i = 0; i < query->n; i++) {
		if (!bw_slice_is(query->pairs[i].name, name))
			continue;
		BW_NEED(found == NULL, DUPLICATE);
		found = &query->pairs[i];
	}
	BW_NEED(found != NULL, NOT_FOUND);
	*value = found->value;
	return BW_OK;
}

bool bw_query_match_field(struct bw_slice name, struct bw_slice *field)
{
	const struct bw_slice start = BW_LIT("match[");

	if (!bw_slice_starts(name, start) || name.len < start.len + 2 || name.ptr[name.len - 1] != ']')
		return false;
	*field = bw_slice_sub(name, start.len, name.len - start.len - 1);
	return true;
}

bool bw_list_next(struct bw_slice *rest, struct bw_slice *item)
{
	if (rest->ptr == NULL) /* our mark for "that was the last one" */
		return false;
	*item = *rest;
	if (!bw_slice_cut(*rest, ',', item, rest))
		*rest = (struct bw_slice){ NULL, 0 };
	return true;
}

static enum bw_err add_segment(struct bw_slice part, size_t offset, struct bw_arena *arena, struct bw_path *out,
			       struct bw_fault *fault)
{
	struct bw_slice *segment = &out->segments[out->n];

	if (out->n == BW_PATH_SEGMENTS_MAX)
		return bw_fault_set(fault, BW_ERR_TOO_MANY, offset, "more path segments than the limit");
	if (part.len == 0)
		return bw_fault_set(fault, BW_ERR_SYNTAX, offset, "an empty path segment");
	BW_TRY(decode_part(part, false, offset, arena, segment, fault));
	if (bw_slice_is(*segment, ".") || bw_slice_is(*segment, ".."))
		return bw_fault_set(fault, BW_ERR_SYNTAX, offset, "a path that points elsewhere");
	if (memchr(segment->ptr, '/', segment->len) != NULL)
		return bw_fault_set(fault, BW_ERR_SYNTAX, offset, "an encoded '/' in the path");
	out->n++;
	return BW_OK;
}

enum bw_err bw_path_parse(struct bw_slice text, struct bw_arena *arena, struct bw_path *out, struct bw_fault *fault)
{
	struct bw_slice rest = bw_slice_from(text, 1);
	size_t offset = 1;

	if (text.len == 0 || text.ptr[0] != '/')
		return bw_fault_set(fault, BW_ERR_SYNTAX, 0, "a path starts with '/'");
	out->n = 0;
	out->ends_in_slash = text.ptr[text.len - 1] == '/';
	while (rest.len > 0) {
		const struct bw_slice part = take_until(&rest, '/');

		BW_TRY(add_segment(part, offset, arena, out, fault));
		offset += part.len + 1;
	}
	return BW_OK;
}
