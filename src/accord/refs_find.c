/* Which ids an object names, and whether it can be without them. */
#include "accord/refs.h"
#include "accord/members.h"
#include "base/text.h"
#include "codec/json_walk.h"

enum { DEPTH_MAX = 64, UUID_CHARS = 36, TYPE_MAX = 250, FIRST_ROWS = 16 };

struct finder {
	struct bw_arena *arena;
	struct bw_ref *rows;
	size_t count;
	size_t cap;
	uint32_t groups;
	bool is_sco;
};

static enum bw_err add(struct finder *f, struct bw_slice id, bool is_whole, enum bw_ref_use use, uint32_t group)
{
	BW_NEED(f->count < BW_REFS_MAX, TOO_MANY);
	if (f->count == f->cap) {
		const size_t cap = f->cap == 0 ? FIRST_ROWS : f->cap * 2;
		struct bw_ref *more = bw_arena_take(f->arena, cap * sizeof(*more));

		BW_NEED(more != NULL, MEMORY);
		if (f->count > 0)
			memcpy(more, f->rows, f->count * sizeof(*more));
		f->rows = more;
		f->cap = cap;
	}
	/* an observable is what it says and what it points at: nothing of it can go */
	f->rows[f->count++] = (struct bw_ref){ id, group, (uint8_t)(f->is_sco ? BW_REF_ESSENTIAL : use), is_whole };
	return BW_OK;
}

static bool is_uuid(struct bw_slice text)
{
	if (text.len < UUID_CHARS)
		return false;
	for (size_t i = 0; i < UUID_CHARS; i++) {
		const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;

		if (hyphen ? text.ptr[i] != '-' : bw_hex_value(text.ptr[i]) < 0)
			return false;
	}
	return true;
}

static bool is_type_byte(uint8_t c)
{
	return bw_is_alnum(c) || c == '-' || c == '_';
}

/* Ids inside a string (`is_value`: as it stands): two hyphens, a UUID behind them, the name of a type before. */
static enum bw_err find_in(struct finder *f, struct bw_slice text, bool is_value, enum bw_ref_use use, uint32_t group)
{
	for (size_t at = 1; at + 2 + UUID_CHARS <= text.len; at++) {
		const uint8_t *hyphen = memchr(text.ptr + at, '-', text.len - at - 1 - UUID_CHARS);
		size_t start;

		if (hyphen == NULL)
			return BW_OK;
		at = (size_t)(hyphen - text.ptr);
		if (hyphen[1] != '-' || !is_uuid(bw_slice_from(text, at + 2)))
			continue;
		start = at;
		while (start > 0 && at - start < TYPE_MAX && is_type_byte(text.ptr[start - 1]))
			start--;
		if (start < at) {
			const size_t len = at + 2 + UUID_CHARS - start;
			const bool alone = len == text.len;

			BW_TRY(add(f, bw_slice_sub(text, start, len), alone && is_value, alone ? use : BW_REF_ESSENTIAL,
				   group));
		}
		at += 1 + UUID_CHARS;
	}
	return BW_OK;
}

/* Strings with escapes are decoded into the arena: an id can be written with them. */
static enum bw_err find_in_string(struct finder *f, struct bw_slice quoted, enum bw_ref_use use, uint32_t group)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf said = BW_BUF_INIT(quoted.len);
	struct bw_slice text;

	if (quoted.len < 2 + UUID_CHARS)
		return BW_OK;
	if (memchr(quoted.ptr, '\\', quoted.len) == NULL)
		return find_in(f, bw_slice_sub(quoted, 1, quoted.len - 2), true, use, group);
	BW_TRY(bw_json_walk_string(quoted, &said));
	BW_TRY(bw_arena_copy(f->arena, bw_buf_slice(&said), &text));
	return find_in(f, text, false, BW_REF_ESSENTIAL, group);
}

static enum bw_err visit(struct finder *f, struct bw_slice value, enum bw_ref_use use, uint32_t group, unsigned depth)
{
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice inner;
	bool more;

	BW_NEED(depth < DEPTH_MAX, TOO_DEEP);
	BW_NEED(value.len > 0, SYNTAX);
	if (value.ptr[0] == '"')
		return find_in_string(f, value, use, group);
	if (value.ptr[0] != '{' && value.ptr[0] != '[')
		return BW_OK;
	BW_TRY(bw_json_walk_open(value, &walk));
	for (;;) {
		BW_TRY(bw_json_walk_next(&walk, &name, &inner, &more));
		if (!more)
			return BW_OK;
		if (name.len > 0) /* a name with an id in it stays where it is */
			BW_TRY(find_in(f, name, false, BW_REF_ESSENTIAL, group));
		BW_TRY(visit(f, inner, value.ptr[0] == '[' && depth == 0 ? use : BW_REF_ESSENTIAL, group, depth + 1));
	}
}

/* STIX 2.1 §4, §5, §7: what is required. A marking is never taken away, for that would widen. */
static enum bw_ref_use use_of(struct bw_slice name)
{
	static const struct bw_slice essential[] = { BW_MEMBER("source_ref"),          BW_MEMBER("target_ref"),
						     BW_MEMBER("sighting_of_ref"),     BW_MEMBER("object_ref"),
						     BW_MEMBER("object_marking_refs"), BW_MEMBER("granular_markings") };
	static const struct bw_slice listed[] = { BW_MEMBER("object_refs"), BW_MEMBER("analysis_sco_refs") };

	if (bw_member_is_one_of(name, essential, BW_COUNT(essential)))
		return BW_REF_ESSENTIAL;
	if (bw_member_is_one_of(name, listed, BW_COUNT(listed)))
		return BW_REF_LISTED;
	return bw_member_is_ref(name) ? BW_REF_OPTIONAL : BW_REF_ESSENTIAL;
}

enum bw_err bw_refs_find(struct bw_slice object, struct bw_arena *arena, struct bw_ref_list *out)
{
	struct finder f = { .arena = arena };
	enum bw_stix_type type;
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice value;
	bool more;

	BW_TRY(bw_members_type(object, NULL, &type));
	f.is_sco = bw_stix_type_group(type) == BW_STIX_SCO;
	BW_TRY(bw_json_walk_open(object, &walk));
	for (;;) {
		BW_TRY(bw_json_walk_next(&walk, &name, &value, &more));
		if (!more)
			break;
		if (!bw_slice_is(name, "id"))
			BW_TRY(visit(&f, value, use_of(name), f.groups++, 0));
	}
	*out = (struct bw_ref_list){ f.rows, f.count };
	return BW_OK;
}
