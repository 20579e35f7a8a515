#include "intel/marking.h"

#include "base/num.h"
#include "base/text.h"
#include "intel/check.h"

static const struct {
	const char *id;
	enum bw_tlp colour;
	const char *name; /* TLP 1.0: the object's name; NULL: TLP 2.0 */
	const char *word; /* of definition.tlp, or tlp_2_0 */
} tlp_rows[] = {
	{ "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", BW_TLP_CLEAR, "TLP:WHITE", "white" },
	{ "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da", BW_TLP_GREEN, "TLP:GREEN", "green" },
	{ "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", BW_TLP_AMBER, "TLP:AMBER", "amber" },
	{ "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed", BW_TLP_RED, "TLP:RED", "red" },
	{ "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487", BW_TLP_CLEAR, NULL, "clear" },
	{ "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb", BW_TLP_GREEN, NULL, "green" },
	{ "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421", BW_TLP_AMBER, NULL, "amber" },
	{ "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003", BW_TLP_AMBER_STRICT, NULL, "amber+strict" },
	{ "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1", BW_TLP_RED, NULL, "red" },
};

static const char tlp_created[] = "2017-01-20T00:00:00.000Z";
static const char tlp2_created[] = "2022-10-01T00:00:00.000Z";
static const char tlp2_extension[] = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d";

static size_t tlp_row(struct bw_slice id)
{
	size_t i = 0;

	while (i < BW_COUNT(tlp_rows) && !bw_slice_is_nocase(id, tlp_rows[i].id))
		i++;
	return i;
}

enum bw_tlp bw_tlp_of(struct bw_slice id)
{
	const size_t row = tlp_row(id);

	return row < BW_COUNT(tlp_rows) ? tlp_rows[row].colour : BW_TLP_NONE;
}

/* TLP 2.0 stands last in the table. */
static size_t tlp2_row(enum bw_tlp colour)
{
	size_t i = BW_COUNT(tlp_rows);

	while (i > 0 && (tlp_rows[i - 1].colour != colour || tlp_rows[i - 1].name != NULL))
		i--;
	return i;
}

const char *bw_tlp_word(enum bw_tlp tlp)
{
	const size_t row = tlp2_row(tlp);

	return row == 0 ? "" : tlp_rows[row - 1].word;
}

const char *bw_tlp_marking(struct bw_slice word)
{
	for (size_t i = 0; i < BW_COUNT(tlp_rows); i++)
		if (bw_slice_is_nocase(word, tlp_rows[i].word))
			return tlp_rows[tlp2_row(tlp_rows[i].colour) - 1].id;
	return NULL;
}

/* ---- marking definitions ------------------------------------------------------------ */

static bool is(yyjson_val *value, const char *text)
{
	return bw_is_text(value) && bw_slice_is(bw_json_text(value), text);
}

static bool marks_itself(struct bw_checker *c, yyjson_val *id)
{
	yyjson_val *refs = yyjson_obj_get(c->object, "object_marking_refs");
	yyjson_val *granular = yyjson_obj_get(c->object, "granular_markings");
	yyjson_val *element;
	size_t i;
	size_t count;

	if (!bw_is_text(id))
		return false;
	yyjson_arr_foreach(refs, i, count, element)
	{
		if (bw_is_text(element) && bw_slice_equals(bw_json_text(element), bw_json_text(id)))
			return true;
	}
	yyjson_arr_foreach(granular, i, count, element)
	{
		yyjson_val *ref = yyjson_obj_get(element, "marking_ref");

		if (bw_is_text(ref) && bw_slice_equals(bw_json_text(ref), bw_json_text(id)))
			return true;
	}
	return false;
}

/* Only the four of §7.2.1.4 may exist, with these properties and no others. */
static void check_tlp(struct bw_checker *c, yyjson_val *id, yyjson_val *definition)
{
	const struct bw_at at = BW_AT_NAME(NULL, BW_LIT("definition"));
	const size_t row = bw_is_text(id) ? tlp_row(bw_json_text(id)) : BW_COUNT(tlp_rows);
	yyjson_val *name = yyjson_obj_get(c->object, "name");
	bool good = row < BW_COUNT(tlp_rows) && tlp_rows[row].name != NULL;

	good = good && is(yyjson_obj_get(definition, "tlp"), tlp_rows[row].word) &&
	       is(yyjson_obj_get(c->object, "created"), tlp_created);
	if (good && !c->spec_20)
		good = is(name, tlp_rows[row].name) && unsafe_yyjson_get_len(c->object) == 7;
	if (!good)
		bw_find(c, BW_FINDING_TLP, &at, yyjson_obj_get(definition, "tlp"), NULL);
}

/* The same for TLP 2.0, whose markings live in an extension. */
static void check_tlp2(struct bw_checker *c, yyjson_val *id, yyjson_val *extensions)
{
	const struct bw_at at = BW_AT_NAME(NULL, BW_LIT("extensions"));
	yyjson_val *extension = yyjson_obj_get(extensions, tlp2_extension);
	yyjson_val *colour = yyjson_obj_get(extension, "tlp_2_0");
	const size_t row = bw_is_text(id) ? tlp_row(bw_json_text(id)) : BW_COUNT(tlp_rows);

	if (extension == NULL)
		return;
	if (row == BW_COUNT(tlp_rows) || tlp_rows[row].name != NULL || !is(colour, tlp_rows[row].word) ||
	    !is(yyjson_obj_get(c->object, "created"), tlp2_created))
		bw_find(c, BW_FINDING_TLP, &at, colour, "TLP 2.0");
}

void bw_check_marking_definition(struct bw_checker *c, const struct bw_members *m)
{
	const struct bw_at type_at = BW_AT_NAME(NULL, BW_LIT("definition_type"));
	const struct bw_at definition_at = BW_AT_NAME(NULL, BW_LIT("definition"));
	yyjson_val *id = bw_member(c, c->shape, m, "id");
	yyjson_val *type = bw_member(c, c->shape, m, "definition_type");
	yyjson_val *definition = bw_member(c, c->shape, m, "definition");
	yyjson_val *extensions = bw_member(c, c->shape, m, "extensions");

	if (marks_itself(c, id))
		bw_find(c, BW_FINDING_MARKING_SELF, NULL, NULL, NULL);
	if (extensions != NULL)
		check_tlp2(c, id, extensions);
	if (type == NULL || definition == NULL) {
		if (extensions == NULL || (type == NULL) != (definition == NULL))
			bw_find(c, BW_FINDING_MARKING, NULL, NULL, NULL);
	} else if (is(type, "tlp")) {
		check_tlp(c, id, definition);
	} else if (is(type, "statement") && unsafe_yyjson_is_obj(definition)) {
		bw_check_shape(c, BW_SHAPE_STATEMENT, definition, &definition_at);
	}
	if (!c->warn)
		return;
	if (type != NULL && !is(type, "tlp") && !is(type, "statement"))
		bw_find(c, BW_FINDING_MARKING_DEFINITION_TYPE, &type_at, type, NULL);
	if (extensions == NULL && !is(type, "tlp") && !is(type, "statement"))
		bw_find(c, BW_FINDING_EXTENSIONS_USE, NULL, NULL, NULL);
}

/* ---- granular markings (§7.2.3) -------------------------------------------------------- */

static yyjson_val *step(struct bw_checker *c, yyjson_val *value, struct bw_slice name)
{
	uint64_t index;

	if (!bw_may_look(c, value))
		return NULL;
	if (name.len >= 3 && name.ptr[0] == '[' && name.ptr[name.len - 1] == ']') {
		if (bw_parse_u64(bw_slice_sub(name, 1, name.len - 2), &index) != BW_OK)
			return NULL;
		return yyjson_arr_get(value, (size_t)index);
	}
	return yyjson_obj_getn(value, (const char *)name.ptr, name.len);
}

static bool resolves(struct bw_checker *c, yyjson_val *value, struct bw_slice selector)
{
	struct bw_slice name;

	while (bw_slice_cut(selector, '.', &name, &selector)) {
		value = step(c, value, name);
		if (value == NULL)
			return false;
	}
	return step(c, value, selector) != NULL;
}

static void check_selectors(struct bw_checker *c, yyjson_val *selectors, const struct bw_at *up)
{
	const struct bw_at at = BW_AT_NAME(up, BW_LIT("selectors"));
	yyjson_val *selector;
	size_t i;
	size_t count;

	yyjson_arr_foreach(selectors, i, count, selector)
	{
		const struct bw_at inner = BW_AT_INDEX(&at, i);

		if (bw_is_text(selector) && !resolves(c, c->object, bw_json_text(selector)))
			bw_find(c, BW_FINDING_SELECTOR, &inner, selector, NULL);
	}
}

void bw_check_granular(struct bw_checker *c, const struct bw_members *m, const struct bw_at *at)
{
	enum { LANG, MARKING_REF, SELECTORS }; /* rows of granular_marking, schema.c */
	const bool lang = (m->seen >> LANG & 1) != 0;
	const bool ref = (m->seen >> MARKING_REF & 1) != 0;
	const struct bw_at lang_at = BW_AT_NAME(at, BW_LIT("lang"));

	if (lang == ref)
		bw_find(c, BW_FINDING_GRANULAR, at, NULL, NULL);
	if (lang && bw_is_text(m->row[LANG]) && !bw_is_language(bw_json_text(m->row[LANG])))
		bw_find(c, BW_FINDING_LANGUAGE, &lang_at, m->row[LANG], NULL);
	if (m->seen >> SELECTORS & 1)
		check_selectors(c, m->row[SELECTORS], at);
}
