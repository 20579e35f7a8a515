#include "intel/gist.h"

#define INCIDENT_CORE "extension-definition--ef765651-680c-498d-9894-99799f2fa126"
#define GUARD_METHOD "Breakwater guard: "

static struct bw_slice text_of(yyjson_val *object, const char *name)
{
	yyjson_val *value = yyjson_obj_get(object, name);

	return yyjson_is_str(value) ? bw_json_text(value) : bw_slice_empty;
}

static enum bw_err add_word(struct bw_gist_words *words, struct bw_slice word)
{
	for (size_t i = 0; i < words->count; i++)
		if (bw_slice_equals(words->of[i], word))
			return BW_OK;
	BW_NEED(words->count < BW_GIST_WORDS_MAX, TOO_MANY);
	words->of[words->count++] = word;
	return BW_OK;
}

/* A list of texts at the top; what is none says nothing. */
static enum bw_err add_list(yyjson_val *object, const char *name, struct bw_gist_words *out)
{
	yyjson_val *list = yyjson_obj_get(object, name);
	yyjson_val *item;
	size_t i;
	size_t count;

	yyjson_arr_foreach(list, i, count, item)
	{
		if (yyjson_is_str(item))
			BW_TRY(add_word(out, bw_json_text(item)));
	}
	return BW_OK;
}

/* ---- markings nobody knows ----------------------------------------------------------- */

static enum bw_err note_marking(const struct bw_marking_book *book, yyjson_val *ref, struct bw_gist_words *out)
{
	struct bw_policy says;

	if (!yyjson_is_str(ref))
		return BW_OK;
	bw_marking_book_look(book, bw_json_text(ref), &says);
	return (says.duties & BW_DUTY_STRANGE) != 0 ? add_word(out, bw_json_text(ref)) : BW_OK;
}

static enum bw_err note_markings(const struct bw_marking_book *book, yyjson_val *refs, struct bw_gist_words *out)
{
	yyjson_val *ref;
	size_t i;
	size_t count;

	yyjson_arr_foreach(refs, i, count, ref)
	{
		BW_TRY(note_marking(book, ref, out));
	}
	return BW_OK;
}

/* Both kinds of references, wherever they stand; recursion is bounded by BW_JSON_DEPTH_MAX. */
static enum bw_err find_strange(const struct bw_marking_book *book, yyjson_val *value, struct bw_gist_words *out)
{
	yyjson_val *name;
	yyjson_val *inner;
	size_t i;
	size_t count;

	yyjson_arr_foreach(value, i, count, inner)
	{
		if (yyjson_is_ctn(inner))
			BW_TRY(find_strange(book, inner, out));
	}
	yyjson_obj_foreach(value, i, count, name, inner)
	{
		if (bw_slice_is(bw_json_text(name), "marking_ref"))
			BW_TRY(note_marking(book, inner, out));
		if (bw_slice_is(bw_json_text(name), "object_marking_refs"))
			BW_TRY(note_markings(book, inner, out));
		else if (yyjson_is_ctn(inner))
			BW_TRY(find_strange(book, inner, out));
	}
	return BW_OK;
}

/* ---- what it is about ------------------------------------------------------------------ */

static bool is_by_guard(yyjson_val *object)
{
	yyjson_val *core = yyjson_obj_get(yyjson_obj_get(object, "extensions"), INCIDENT_CORE);
	yyjson_val *methods = yyjson_obj_get(core, "detection_methods");
	yyjson_val *method;
	size_t i;
	size_t count;

	yyjson_arr_foreach(methods, i, count, method)
	{
		if (yyjson_is_str(method) && bw_slice_starts(bw_json_text(method), BW_LIT(GUARD_METHOD)))
			return true;
	}
	return false;
}

static bool says(yyjson_val *object, const char *list_name, const char *word)
{
	yyjson_val *list = yyjson_obj_get(object, list_name);
	yyjson_val *item;
	size_t i;
	size_t count;

	yyjson_arr_foreach(list, i, count, item)
	{
		if (yyjson_equals_str(item, word))
			return true;
	}
	return false;
}

/* STIX 2.1 §10.20: report types */
static bool is_advisory(enum bw_stix_type type, yyjson_val *object)
{
	if (type == BW_STIX_REPORT)
		return says(object, "report_types", "vulnerability");
	return type == BW_STIX_VULNERABILITY || type == BW_STIX_COURSE_OF_ACTION;
}

enum bw_err bw_gist_of(struct bw_json_parser *parser, const struct bw_marking_book *book, struct bw_slice object,
		       struct bw_gist *out)
{
	struct bw_gist gist = { .confidence = 0 };
	yyjson_val *root;
	yyjson_val *confidence;

	BW_TRY(bw_json_parse(parser, object, &root, NULL));
	BW_NEED(yyjson_is_obj(root), TYPE);
	gist.id = text_of(root, "id");
	gist.creator = text_of(root, "created_by_ref");
	BW_NEED(gist.id.len > 0 && text_of(root, "type").len > 0, TYPE);
	gist.type = bw_stix_type_of(text_of(root, "type"));
	confidence = yyjson_obj_get(root, "confidence");
	if (yyjson_is_uint(confidence) && yyjson_get_uint(confidence) <= BW_CONFIDENCE_MAX)
		gist.confidence = (uint8_t)yyjson_get_uint(confidence);
	gist.revoked = yyjson_is_true(yyjson_obj_get(root, "revoked"));
	gist.by_guard = gist.type == BW_STIX_INCIDENT && is_by_guard(root);
	gist.is_advisory = is_advisory(gist.type, root);
	BW_TRY(add_list(root, "labels", &gist.labels));
	BW_TRY(add_list(root, "sectors", &gist.sectors));
	BW_TRY(find_strange(book, root, &gist.strange));
	bw_policy_inputs_init(&gist.inputs);
	bw_policy_inputs_mark(book, root, &gist.inputs);
	*out = gist;
	return BW_OK;
}
