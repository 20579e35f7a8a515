#include "serve/show_diff.h"

#include <stdlib.h>

#include "base/text.h"
#include "codec/json_walk.h"

/* ---- what changed ----------------------------------------------------------- */

struct member {
	struct bw_slice name;
	struct bw_slice value;
};

struct members {
	struct member *list;
	size_t count;
};

static int by_name(const void *a, const void *b)
{
	const struct member *x = a;
	const struct member *y = b;
	const int order = bw_slice_compare(x->name, y->name);

	return order != 0 ? order : bw_slice_compare(x->value, y->value);
}

static enum bw_err count_members(struct bw_slice json, size_t *out)
{
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice value;
	bool more = true;
	size_t count = 0;

	BW_TRY(bw_json_walk_open(json, &walk));
	for (;;) {
		BW_TRY(bw_json_walk_next(&walk, &name, &value, &more));
		if (!more)
			break;
		count++;
	}
	*out = count;
	return BW_OK;
}

/* Members (or items, which have no names) in order. */
static enum bw_err take_members(struct bw_slice json, struct bw_arena *arena, struct members *out)
{
	struct bw_json_walk walk;
	bool more;

	BW_TRY(count_members(json, &out->count));
	out->list = bw_arena_zero(arena, out->count + 1, sizeof(*out->list));
	BW_NEED(out->list != NULL, MEMORY);
	BW_TRY(bw_json_walk_open(json, &walk));
	for (size_t i = 0; i < out->count; i++)
		BW_TRY(bw_json_walk_next(&walk, &out->list[i].name, &out->list[i].value, &more));
	qsort(out->list, out->count, sizeof(*out->list), by_name);
	return BW_OK;
}

struct merging {
	struct members was;
	struct members is;
	bool items; /* of lists: they have no names and cannot change, only come and go */
	struct bw_change *changes;
	size_t count;
};

static void add_change(struct merging *m, enum bw_change_kind kind, struct bw_slice name, struct bw_slice was,
		       struct bw_slice is)
{
	m->changes[m->count++] = (struct bw_change){ .kind = kind, .name = name, .was = was, .is = is };
}

/* Which of the two heads comes first: <0 the old one, >0 the new one, 0 both are the same property. */
static int order_of(const struct merging *m, size_t i, size_t j)
{
	if (i == m->was.count || j == m->is.count)
		return i == m->was.count ? 1 : -1;
	return m->items ? bw_slice_compare(m->was.list[i].value, m->is.list[j].value)
			: bw_slice_compare(m->was.list[i].name, m->is.list[j].name);
}

static void merge(struct merging *m)
{
	size_t i = 0;
	size_t j = 0;

	while (i < m->was.count || j < m->is.count) {
		const struct member *was = &m->was.list[i]; /* one past the last is there, and empty */
		const struct member *is = &m->is.list[j];
		const int order = order_of(m, i, j);

		if (order < 0)
			add_change(m, BW_CHANGE_REMOVED, was->name, was->value, bw_slice_empty);
		else if (order > 0)
			add_change(m, BW_CHANGE_ADDED, is->name, bw_slice_empty, is->value);
		else if (!bw_slice_equals(was->value, is->value))
			add_change(m, BW_CHANGE_CHANGED, is->name, was->value, is->value);
		i += order <= 0 ? 1 : 0;
		j += order >= 0 ? 1 : 0;
	}
}

static enum bw_err diff(struct bw_slice was, struct bw_slice is, bool items, struct bw_arena *arena,
			struct bw_change **out, size_t *out_count)
{
	struct merging m = { .items = items };

	BW_TRY(take_members(was, arena, &m.was));
	BW_TRY(take_members(is, arena, &m.is));
	m.changes = bw_arena_zero(arena, m.was.count + m.is.count + 1, sizeof(*m.changes));
	BW_NEED(m.changes != NULL, MEMORY);
	merge(&m);
	*out = m.changes;
	*out_count = m.count;
	return BW_OK;
}

static bool begins_with(struct bw_slice json, uint8_t bracket)
{
	return json.len > 0 && json.ptr[0] == bracket;
}

enum bw_err bw_diff_objects(struct bw_slice was, struct bw_slice is, struct bw_arena *arena, struct bw_change **out,
			    size_t *out_count)
{
	BW_NEED(begins_with(was, '{') && begins_with(is, '{'), TYPE);
	return diff(was, is, false, arena, out, out_count);
}

enum bw_err bw_diff_lists(struct bw_slice was, struct bw_slice is, struct bw_arena *arena, struct bw_change **out,
			  size_t *out_count)
{
	BW_NEED(begins_with(was, '[') && begins_with(is, '['), TYPE);
	return diff(was, is, true, arena, out, out_count);
}

/* ---- laid out ------------------------------------------------------------------ */

static enum bw_err new_line(unsigned depth, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_u8(out, '\n'));
	for (unsigned i = 0; i < depth; i++)
		BW_TRY(bw_buf_add_text(out, "  "));
	return BW_OK;
}

/* A string's end, one past its closing quote. */
static size_t string_end(struct bw_slice json, size_t at)
{
	for (at++; at < json.len; at++) {
		if (json.ptr[at] == '\\')
			at++;
		else if (json.ptr[at] == '"')
			return at + 1;
	}
	return json.len;
}

static enum bw_err add_string(struct bw_slice text, struct bw_buf *out)
{
	size_t from = 0;

	for (size_t i = 0; i < text.len; i++) {
		const bool c1 = text.ptr[i] == 0xc2 && i + 1 < text.len && text.ptr[i + 1] < 0xa0;

		if (text.ptr[i] != 0x7f && !c1)
			continue;
		BW_TRY(bw_buf_add(out, bw_slice_sub(text, from, i - from)));
		i += c1 ? 1 : 0;
		BW_TRY(bw_buf_addf(out, "\\u%04x", (unsigned)text.ptr[i]));
		from = i + 1;
	}
	return bw_buf_add(out, bw_slice_from(text, from));
}

static size_t skip_space(struct bw_slice json, size_t at)
{
	while (at < json.len && bw_is_space(json.ptr[at]))
		at++;
	return at;
}

enum bw_err bw_json_lay_out(struct bw_slice json, unsigned depth, struct bw_buf *out)
{
	for (size_t at = skip_space(json, 0); at < json.len; at = skip_space(json, at)) {
		const uint8_t c = json.ptr[at];
		size_t end = at + 1;

		if (c == '"') {
			end = string_end(json, at);
			BW_TRY(add_string(bw_slice_sub(json, at, end - at), out));
		} else if (c == '{' || c == '[') {
			const size_t inner = skip_space(json, end);
			const bool empty = inner < json.len && json.ptr[inner] == c + 2; /* '}' and ']' */

			BW_TRY(bw_buf_add_u8(out, c));
			if (empty) {
				BW_TRY(bw_buf_add_u8(out, json.ptr[inner]));
				end = inner + 1;
			} else {
				BW_TRY(new_line(++depth, out));
			}
		} else if (c == '}' || c == ']') {
			depth -= depth > 0 ? 1 : 0;
			BW_TRY(new_line(depth, out));
			BW_TRY(bw_buf_add_u8(out, c));
		} else if (c == ',') {
			BW_TRY(bw_buf_add_u8(out, c));
			BW_TRY(new_line(depth, out));
		} else {
			BW_TRY(bw_buf_add_text(out, c == ':' ? ": " : ""));
			BW_TRY(c == ':' ? BW_OK : bw_buf_add_u8(out, c));
		}
		at = end;
	}
	return BW_OK;
}
