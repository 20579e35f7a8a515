#include "intel/policy_book.h"

#include <stdlib.h>

#include "base/text.h"
#include "intel/schema.h"

enum { ID_MAX = 300, FIRST_SLOTS = 64 };

struct row {
	struct bw_policy policy;
	struct bw_slice id; /* lower case, owned */
};

struct bw_marking_book {
	uint8_t key[BW_SIPHASH_KEY_BYTES];
	struct row **slots; /* open addressing; a power of two, at most half full */
	size_t slot_count;
	size_t count;
	struct bw_json_parser parser;
	struct bw_schema *schema;
};

enum bw_err bw_marking_book_new(struct bw_marking_book **out)
{
	struct bw_marking_book *book = calloc(1, sizeof(*book));

	BW_NEED(book != NULL, MEMORY);
	book->slots = calloc(FIRST_SLOTS, sizeof(struct row *));
	book->slot_count = FIRST_SLOTS;
	book->schema = bw_schema_new();
	bw_json_parser_init(&book->parser);
	bw_random(book->key, sizeof(book->key));
	if (book->slots == NULL || book->schema == NULL) {
		bw_marking_book_free(book);
		return BW_ERR_MEMORY;
	}
	*out = book;
	return BW_OK;
}

static void free_row(struct row *row)
{
	if (row == NULL)
		return;
	free((void *)(uintptr_t)row->id.ptr);
	free(row);
}

void bw_marking_book_free(struct bw_marking_book *book)
{
	if (book == NULL)
		return;
	for (size_t i = 0; book->slots != NULL && i < book->slot_count; i++)
		free_row(book->slots[i]);
	free(book->slots);
	bw_schema_free(book->schema);
	bw_json_parser_release(&book->parser);
	free(book);
}

/* Ids compare without case, as TLP's do (marking.h). False: no id can be that long. */
static bool fold(struct bw_slice id, uint8_t out[ID_MAX])
{
	if (id.len > ID_MAX)
		return false;
	for (size_t i = 0; i < id.len; i++)
		out[i] = bw_to_lower(id.ptr[i]);
	return true;
}

/* The slot of a folded id: its row's, or the free one where it belongs. */
static size_t slot_of(const struct bw_marking_book *book, struct bw_slice folded)
{
	size_t at = (size_t)bw_siphash(book->key, folded) & (book->slot_count - 1);

	while (book->slots[at] != NULL && !bw_slice_equals(book->slots[at]->id, folded))
		at = (at + 1) & (book->slot_count - 1);
	return at;
}

static enum bw_err grow(struct bw_marking_book *book)
{
	struct row **old = book->slots;
	const size_t old_count = book->slot_count;

	if ((book->count + 1) * 2 <= old_count)
		return BW_OK;
	book->slots = calloc(old_count * 2, sizeof(struct row *));
	if (book->slots == NULL) {
		book->slots = old;
		return BW_ERR_MEMORY;
	}
	book->slot_count = old_count * 2;
	for (size_t i = 0; i < old_count; i++)
		if (old[i] != NULL)
			book->slots[slot_of(book, old[i]->id)] = old[i];
	free(old);
	return BW_OK;
}

static enum bw_err add_row(struct bw_marking_book *book, struct bw_slice folded, const struct bw_policy *policy)
{
	struct row *row;
	uint8_t *copy;

	BW_NEED(book->count < BW_MARKINGS_MAX, TOO_MANY);
	BW_TRY(grow(book));
	row = calloc(1, sizeof(*row));
	copy = malloc(folded.len + 1);
	if (row == NULL || copy == NULL) {
		free(row);
		free(copy);
		return BW_ERR_MEMORY;
	}
	memcpy(copy, folded.ptr, folded.len);
	row->id = (struct bw_slice){ copy, folded.len };
	row->policy = *policy;
	book->slots[slot_of(book, folded)] = row;
	book->count++;
	return BW_OK;
}

enum bw_err bw_marking_book_add(struct bw_marking_book *book, struct bw_slice definition)
{
	uint8_t folded[ID_MAX];
	struct bw_policy policy;
	struct bw_slice name;
	yyjson_val *root;
	yyjson_val *id;
	size_t slot;

	BW_TRY(bw_json_parse(&book->parser, definition, &root, NULL));
	id = yyjson_obj_get(root, "id");
	BW_NEED(yyjson_is_str(id) && fold(bw_json_text(id), folded), TYPE);
	name = bw_slice_of(folded, bw_json_text(id).len);
	bw_policy_of_definition(root, &policy);
	slot = slot_of(book, name);
	if (book->slots[slot] == NULL)
		return add_row(book, name, &policy);
	bw_policy_meet(&book->slots[slot]->policy, &policy, &book->slots[slot]->policy);
	return BW_OK;
}

void bw_marking_book_look(const struct bw_marking_book *book, struct bw_slice id, struct bw_policy *out)
{
	const enum bw_tlp colour = bw_tlp_of(id);
	uint8_t folded[ID_MAX];
	const struct row *row = NULL;

	if (colour != BW_TLP_NONE) {
		bw_policy_open(out);
		out->tlp = (uint8_t)colour;
		return;
	}
	if (fold(id, folded))
		row = book->slots[slot_of(book, bw_slice_of(folded, id.len))];
	if (row != NULL)
		*out = row->policy;
	else
		bw_policy_closed(out);
}

/* ---- objects ---------------------------------------------------------------------------- */

/* Meets what a reference says into one of the inputs; what is no text is an unknown marking. */
static void meet_ref(const struct bw_marking_book *book, yyjson_val *ref, struct bw_policy *into)
{
	struct bw_policy says;

	if (yyjson_is_str(ref))
		bw_marking_book_look(book, bw_json_text(ref), &says);
	else
		bw_policy_closed(&says);
	bw_policy_meet(into, &says, into);
}

bool bw_marking_may_lack(const struct bw_marking_book *book, enum bw_stix_type type, struct bw_slice property)
{
	const struct bw_prop *row;

	if (type == BW_STIX_CUSTOM)
		return false;
	for (row = book->schema->shapes[type].props; row->name != NULL; row++)
		if (bw_slice_is(property, row->name))
			return (row->flags & (BW_PROP_REQUIRED | BW_PROP_NEW)) == 0;
	return false;
}

/* May the object be without the property a selector begins with? */
static bool may_lack(const struct bw_marking_book *book, enum bw_stix_type type, yyjson_val *selector)
{
	struct bw_slice first;
	struct bw_slice rest;

	if (!yyjson_is_str(selector))
		return false;
	if (!bw_slice_cut(bw_json_text(selector), '.', &first, &rest))
		first = bw_json_text(selector);
	return bw_marking_may_lack(book, type, first);
}

static bool is_loose(const struct bw_marking_book *book, enum bw_stix_type type, yyjson_val *selectors)
{
	yyjson_val *selector;
	size_t i;
	size_t count;

	yyjson_arr_foreach(selectors, i, count, selector)
	{
		if (!may_lack(book, type, selector))
			return false;
	}
	return yyjson_is_arr(selectors) && yyjson_arr_size(selectors) > 0;
}

static void meet_granular(const struct bw_marking_book *book, enum bw_stix_type type, bool at_top, yyjson_val *list,
			  struct bw_policy_inputs *out)
{
	yyjson_val *marking;
	size_t i;
	size_t count;

	yyjson_arr_foreach(list, i, count, marking)
	{
		yyjson_val *ref = yyjson_obj_get(marking, "marking_ref");
		const bool loose = at_top && is_loose(book, type, yyjson_obj_get(marking, "selectors"));

		if (ref != NULL)
			meet_ref(book, ref, &out->of[loose ? BW_SOURCE_LOOSE : BW_SOURCE_FIXED]);
		else if (yyjson_obj_get(marking, "lang") == NULL)
			bw_policy_closed(&out->of[BW_SOURCE_FIXED]);
	}
	if (list != NULL && !yyjson_is_arr(list))
		bw_policy_closed(&out->of[BW_SOURCE_FIXED]);
}

static void meet_refs(const struct bw_marking_book *book, yyjson_val *list, struct bw_policy_inputs *out)
{
	yyjson_val *ref;
	size_t i;
	size_t count;

	yyjson_arr_foreach(list, i, count, ref)
	{
		meet_ref(book, ref, &out->of[BW_SOURCE_OWN]);
	}
	if (list != NULL && !yyjson_is_arr(list))
		bw_policy_closed(&out->of[BW_SOURCE_OWN]);
}

/* Observables inside a container carry markings of their own. Recursion is bounded by BW_JSON_DEPTH_MAX. */
static void mark_below(const struct bw_marking_book *book, yyjson_val *value, struct bw_policy_inputs *out)
{
	yyjson_val *name;
	yyjson_val *inner;
	size_t i;
	size_t count;

	yyjson_arr_foreach(value, i, count, inner)
	{
		if (yyjson_is_ctn(inner))
			mark_below(book, inner, out);
	}
	yyjson_obj_foreach(value, i, count, name, inner)
	{
		if (bw_slice_is(bw_json_text(name), "object_marking_refs"))
			meet_refs(book, inner, out);
		else if (bw_slice_is(bw_json_text(name), "granular_markings"))
			meet_granular(book, BW_STIX_CUSTOM, false, inner, out);
		else if (yyjson_is_ctn(inner))
			mark_below(book, inner, out);
	}
}

void bw_policy_inputs_init(struct bw_policy_inputs *out)
{
	for (size_t i = 0; i < BW_POLICY_INPUTS; i++)
		bw_policy_open(&out->of[i]);
}

void bw_policy_inputs_mark(const struct bw_marking_book *book, yyjson_val *object, struct bw_policy_inputs *out)
{
	yyjson_val *type = yyjson_obj_get(object, "type");
	const enum bw_stix_type known = yyjson_is_str(type) ? bw_stix_type_of(bw_json_text(type)) : BW_STIX_CUSTOM;
	yyjson_val *name;
	yyjson_val *value;
	size_t i;
	size_t count;

	bw_policy_open(&out->of[BW_SOURCE_OWN]);
	bw_policy_open(&out->of[BW_SOURCE_FIXED]);
	bw_policy_open(&out->of[BW_SOURCE_LOOSE]);
	yyjson_obj_foreach(object, i, count, name, value)
	{
		if (bw_slice_is(bw_json_text(name), "object_marking_refs"))
			meet_refs(book, value, out);
		else if (bw_slice_is(bw_json_text(name), "granular_markings"))
			meet_granular(book, known, true, value, out);
		else if (yyjson_is_ctn(value))
			mark_below(book, value, out);
	}
}

void bw_policy_whole(const struct bw_policy_inputs *inputs, struct bw_policy *out)
{
	struct bw_policy met = inputs->of[0];

	for (size_t i = 1; i < BW_POLICY_INPUTS; i++)
		bw_policy_meet(&met, &inputs->of[i], &met);
	*out = met;
}

void bw_policy_kept(const struct bw_policy_inputs *inputs, struct bw_policy *out)
{
	struct bw_policy met = inputs->of[BW_SOURCE_OWN];

	bw_policy_meet(&met, &inputs->of[BW_SOURCE_FIXED], &met);
	bw_policy_meet(&met, &inputs->of[BW_SOURCE_COLLECTION], &met);
	bw_policy_meet(&met, &inputs->of[BW_SOURCE_INHERITED], &met);
	*out = met;
}

static const char *const source_rows[BW_SOURCE_COUNT][2] = {
#define X(name, text, words) { text, words },
	BW_SOURCE_ROWS(X)
#undef X
};

const char *bw_source_name(enum bw_source source)
{
	return source < BW_SOURCE_COUNT ? source_rows[source][0] : "";
}

const char *bw_source_words(enum bw_source source)
{
	return source < BW_SOURCE_COUNT ? source_rows[source][1] : "";
}
