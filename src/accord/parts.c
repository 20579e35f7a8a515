#include "accord/parts.h"

#include "accord/members.h"
#include "codec/json_walk.h"

struct parts {
	const struct bw_marking_book *book;
	enum bw_stix_type type;
	struct bw_slice *of;
	size_t count;
};

static bool has_escape(struct bw_slice text)
{
	return text.len > 0 && memchr(text.ptr, '\\', text.len) != NULL;
}

/* What stands before the first dot of a selector. */
static enum bw_err first_of(struct bw_slice value, struct bw_slice *out)
{
	struct bw_slice rest;

	BW_NEED(value.len > 2 && value.ptr[0] == '"', SYNTAX);
	BW_NEED(!has_escape(value), DENIED);
	value = bw_slice_sub(value, 1, value.len - 2);
	if (!bw_slice_cut(value, '.', out, &rest))
		*out = value;
	return BW_OK;
}

static enum bw_err add(struct parts *p, struct bw_slice name)
{
	for (size_t i = 0; i < p->count; i++)
		if (bw_slice_equals(p->of[i], name))
			return BW_OK;
	BW_NEED(p->count < BW_PARTS_MAX, TOO_MANY);
	p->of[p->count++] = name;
	return BW_OK;
}

/* All of them, or none: one that the object cannot lack makes the marking one of the whole. */
static enum bw_err add_selectors(struct parts *p, struct bw_slice list)
{
	const size_t before = p->count;
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice value;
	struct bw_slice first;
	bool more;

	BW_TRY(bw_json_walk_open(list, &walk));
	for (;;) {
		BW_TRY(bw_json_walk_next(&walk, &name, &value, &more));
		if (!more)
			return BW_OK;
		BW_TRY(first_of(value, &first));
		if (!bw_marking_may_lack(p->book, p->type, first)) {
			p->count = before;
			return BW_OK;
		}
		BW_TRY(add(p, first));
	}
}

static enum bw_err add_marking(struct parts *p, struct bw_slice marking)
{
	struct bw_slice selectors = bw_slice_empty;
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice value;
	bool marks = false;
	bool more;

	BW_TRY(bw_json_walk_open(marking, &walk));
	for (;;) {
		BW_TRY(bw_json_walk_next(&walk, &name, &value, &more));
		if (!more)
			break;
		BW_NEED(!has_escape(name), DENIED);
		marks = marks || bw_slice_is(name, "marking_ref");
		if (bw_slice_is(name, "selectors"))
			selectors = value;
	}
	return marks && selectors.len > 0 ? add_selectors(p, selectors) : BW_OK;
}

static enum bw_err add_markings(struct parts *p, struct bw_slice list)
{
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice marking;
	bool more;

	BW_TRY(bw_json_walk_open(list, &walk));
	for (;;) {
		BW_TRY(bw_json_walk_next(&walk, &name, &marking, &more));
		if (!more)
			return BW_OK;
		BW_TRY(add_marking(p, marking));
	}
}

enum bw_err bw_parts_find(const struct bw_marking_book *book, struct bw_slice object, struct bw_arena *arena,
			  struct bw_slice **out, size_t *out_count)
{
	struct parts p = { .book = book, .of = bw_arena_zero(arena, BW_PARTS_MAX, sizeof(*p.of)) };
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice value;
	bool more;

	BW_NEED(p.of != NULL, MEMORY);
	BW_TRY(bw_members_type(object, NULL, &p.type));
	BW_TRY(bw_json_walk_open(object, &walk));
	for (;;) {
		BW_TRY(bw_json_walk_next(&walk, &name, &value, &more));
		if (!more)
			break;
		BW_NEED(!has_escape(name), DENIED);
		if (bw_slice_is(name, "granular_markings"))
			BW_TRY(add_markings(&p, value));
	}
	*out = p.of;
	*out_count = p.count;
	return BW_OK;
}
