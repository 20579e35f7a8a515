/* One marking definition: what it allows. */
#include "base/text.h"
#include "crypto/keys.h"
#include "intel/formats.h"
#include "intel/policy_book.h"
#include "sys/clock.h"

static bool is(yyjson_val *value, const char *text)
{
	return yyjson_is_str(value) && bw_slice_is(bw_json_text(value), text);
}

static void narrow(struct bw_policy *policy, const struct bw_policy *by)
{
	bw_policy_meet(policy, by, policy);
}

static void close_it(struct bw_policy *policy)
{
	bw_policy_closed(policy);
}

/* Absent (also null): `fallback`. Present and not an instant: false. */
static bool read_time(yyjson_val *value, int64_t fallback, int64_t *out)
{
	*out = fallback;
	if (value == NULL || yyjson_is_null(value))
		return true;
	return yyjson_is_str(value) && bw_is_timestamp(bw_json_text(value), NULL) &&
	       bw_time_parse_any(bw_json_text(value), out) == BW_OK;
}

static bool read_times(yyjson_val *from, yyjson_val *until, struct bw_policy *policy)
{
	return read_time(from, INT64_MIN, &policy->not_before_us) && read_time(until, INT64_MAX, &policy->not_after_us);
}

/* ---- IEP 2.0 --------------------------------------------------------------------------- */

static enum bw_tlp iep_colour(yyjson_val *value)
{
	static const struct {
		const char *word;
		enum bw_tlp colour;
	} rows[] = {
		{ "white", BW_TLP_CLEAR },
		{ "clear", BW_TLP_CLEAR },
		{ "green", BW_TLP_GREEN },
		{ "amber", BW_TLP_AMBER },
		{ "red", BW_TLP_RED },
		{ "amber+strict", BW_TLP_AMBER_STRICT },
		{ "amber-strict", BW_TLP_AMBER_STRICT },
	};

	for (size_t i = 0; yyjson_is_str(value) && i < BW_COUNT(rows); i++)
		if (bw_slice_is_nocase(bw_json_text(value), rows[i].word))
			return rows[i].colour;
	return BW_TLP_RED;
}

static uint8_t iep_actions(yyjson_val *value)
{
	for (uint8_t i = 0; yyjson_is_str(value) && i < BW_ACTION_COUNT; i++)
		if (bw_slice_is_nocase(bw_json_text(value), bw_action_name((enum bw_action)i)))
			return i;
	return BW_ACTION_NONE;
}

static uint8_t unless_may(yyjson_val *value, enum bw_duty duty)
{
	return yyjson_is_str(value) && bw_slice_is_nocase(bw_json_text(value), "may") ? 0 : (uint8_t)duty;
}

static uint8_t iep_attribution(yyjson_val *value)
{
	if (value == NULL || (yyjson_is_str(value) && bw_slice_is_nocase(bw_json_text(value), "may")))
		return 0;
	if (yyjson_is_str(value) && bw_slice_is_nocase(bw_json_text(value), "must"))
		return BW_DUTY_ATTRIBUTE;
	if (yyjson_is_str(value) && bw_slice_is_nocase(bw_json_text(value), "must-not"))
		return BW_DUTY_ANONYMOUS;
	return BW_DUTY_ATTRIBUTE | BW_DUTY_ANONYMOUS;
}

/* A number in FIRST's own examples, a string elsewhere. */
static bool is_version_2(yyjson_val *value)
{
	return is(value, "2.0") ||
	       (yyjson_is_num(value) && yyjson_get_num(value) >= 2.0 && yyjson_get_num(value) <= 2.0);
}

static void read_iep(yyjson_val *iep, struct bw_policy *policy)
{
	struct bw_policy says;

	bw_policy_open(&says);
	if (!yyjson_is_obj(iep) || !is_version_2(yyjson_obj_get(iep, "iep_version")) ||
	    !read_times(yyjson_obj_get(iep, "start_date"), yyjson_obj_get(iep, "end_date"), &says)) {
		close_it(policy);
		return;
	}
	says.tlp = (uint8_t)iep_colour(yyjson_obj_get(iep, "tlp"));
	says.actions = iep_actions(yyjson_obj_get(iep, "permitted_actions"));
	says.duties = (uint8_t)(unless_may(yyjson_obj_get(iep, "encrypt_in_transit"), BW_DUTY_ENCRYPT) |
				unless_may(yyjson_obj_get(iep, "affected_party_notifications"), BW_DUTY_SILENT) |
				unless_may(yyjson_obj_get(iep, "unmodified_resale"), BW_DUTY_NO_RESALE) |
				iep_attribution(yyjson_obj_get(iep, "attribution")));
	narrow(policy, &says);
}

/* ---- the handling extension -------------------------------------------------------------- */

static bool read_recipients(yyjson_val *list, struct bw_policy *says)
{
	uint8_t node[BW_SHA256_BYTES];
	yyjson_val *element;
	size_t i;
	size_t count;

	if (list == NULL)
		return true;
	says->recipient_count = 0;
	yyjson_arr_foreach(list, i, count, element)
	{
		if (!yyjson_is_str(element) || bw_node_name_parse(bw_json_text(element), node) != BW_OK ||
		    bw_policy_add_recipient(says, node) != BW_OK)
			return false;
	}
	return yyjson_is_arr(list);
}

/* A purpose nobody here knows allows nothing here. */
static bool read_purposes(yyjson_val *list, struct bw_policy *says)
{
	yyjson_val *element;
	size_t i;
	size_t count;

	if (list == NULL)
		return true;
	says->purposes = 0;
	yyjson_arr_foreach(list, i, count, element)
	{
		if (yyjson_is_str(element))
			says->purposes |= bw_purpose_bit(bw_json_text(element));
	}
	return yyjson_is_arr(list);
}

static bool knows_members(yyjson_val *extension)
{
	static const char *const known[] = { "extension_type", "recipients", "purposes",
					     "not_before",     "not_after",  "iep" };
	size_t found = 0;

	for (size_t i = 0; i < BW_COUNT(known); i++)
		found += yyjson_obj_get(extension, known[i]) != NULL;
	return found == yyjson_obj_size(extension);
}

static void read_handling(yyjson_val *extension, struct bw_policy *policy)
{
	yyjson_val *iep = yyjson_obj_get(extension, "iep");
	struct bw_policy says;

	bw_policy_open(&says);
	if (!yyjson_is_obj(extension) || !knows_members(extension) ||
	    !read_recipients(yyjson_obj_get(extension, "recipients"), &says) ||
	    !read_purposes(yyjson_obj_get(extension, "purposes"), &says) ||
	    !read_times(yyjson_obj_get(extension, "not_before"), yyjson_obj_get(extension, "not_after"), &says)) {
		close_it(policy);
		return;
	}
	narrow(policy, &says);
	if (iep != NULL)
		read_iep(iep, policy);
}

/* ---- the definition ------------------------------------------------------------------------ */

/* One that is not understood closes. */
static void read_extensions(yyjson_val *extensions, struct bw_policy *policy)
{
	yyjson_val *name;
	size_t i;
	size_t count;
	yyjson_val *extension;

	yyjson_obj_foreach(extensions, i, count, name, extension)
	{
		if (is(name, BW_HANDLING_EXTENSION))
			read_handling(extension, policy);
		else
			close_it(policy); /* TLP 2.0's too: under an id of its own it is no TLP marking */
	}
}

void bw_policy_of_definition(yyjson_val *definition, struct bw_policy *out)
{
	yyjson_val *id = yyjson_obj_get(definition, "id");
	yyjson_val *type = yyjson_obj_get(definition, "definition_type");
	yyjson_val *extensions = yyjson_obj_get(definition, "extensions");
	const enum bw_tlp colour = yyjson_is_str(id) ? bw_tlp_of(bw_json_text(id)) : BW_TLP_NONE;

	bw_policy_open(out);
	if (colour != BW_TLP_NONE) {
		out->tlp = (uint8_t)colour;
		return;
	}
	if (type == NULL && extensions == NULL)
		close_it(out);
	if (is(type, "iep"))
		read_iep(yyjson_obj_get(definition, "definition"), out);
	else if (type != NULL && !is(type, "statement"))
		close_it(out);
	read_extensions(extensions, out);
}
