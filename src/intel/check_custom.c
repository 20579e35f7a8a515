#include "base/text.h"
#include "intel/check.h"

/* ---- what no row describes ------------------------------------------------------------ */

/* Empty lists deep in custom content are told, not refused: real data has them (ATT&CK for ICS, CAPEC). */
static void check_deep(struct bw_checker *c, yyjson_val *value, const struct bw_at *at)
{
	const size_t count = unsafe_yyjson_get_len(value);
	const bool is_object = unsafe_yyjson_is_obj(value);
	yyjson_val *inner;

	if (count == 0) {
		if (!is_object)
			bw_find_mild(c, BW_FINDING_EMPTY_LIST, at, NULL);
		return;
	}
	inner = unsafe_yyjson_get_first(value);
	for (size_t i = 0; i < count; i++) {
		yyjson_val *next = is_object ? inner + 1 : inner;

		if (unsafe_yyjson_is_ctn(next)) {
			const struct bw_at place = is_object ? BW_AT_NAME(at, bw_json_text(inner)) : BW_AT_INDEX(at, i);

			check_deep(c, next, &place);
		}
		inner = unsafe_yyjson_get_next(next);
	}
}

void bw_check_any(struct bw_checker *c, yyjson_val *value, const struct bw_at *at)
{
	if (!unsafe_yyjson_is_ctn(value))
		return;
	if (unsafe_yyjson_is_arr(value) && unsafe_yyjson_get_len(value) == 0)
		bw_find(c, BW_FINDING_EMPTY_LIST, at, NULL, NULL);
	else if (c->warn)
		check_deep(c, value, at);
}

static bool is_reserved(struct bw_slice name)
{
	switch (name.len) {
	case 6:
		return bw_slice_is(name, "action");
	case 8:
		return bw_slice_is(name, "severity") || bw_slice_is(name, "username");
	case 13:
		return bw_slice_is(name, "phone_numbers");
	default:
		return false;
	}
}

/* How good a name is: 2 as it must be (§3.1), 1 only its start is, 0 not at all. */
static int name_grade(struct bw_slice name)
{
	size_t good = 0;

	if (name.len > 0 && bw_is_lower(name.ptr[0])) {
		while (good < name.len &&
		       (bw_is_lower(name.ptr[good]) || bw_is_digit(name.ptr[good]) || name.ptr[good] == '_'))
			good++;
	}
	if (good == name.len && good >= 3 && good <= 250)
		return 2;
	return good >= 3 || bw_slice_is(name, "id") ? 1 : 0;
}

static bool ends_with(struct bw_slice name, const char *suffix)
{
	const size_t len = strlen(suffix);

	return name.len > len && memcmp(name.ptr + name.len - len, suffix, len) == 0;
}

/* Names that mean the same wherever they stand (§2.1, §2.8, §3.2). */
static void check_as(struct bw_checker *c, enum bw_kind kind, yyjson_val *value, const struct bw_at *at)
{
	const struct bw_prop prop = { "", (uint8_t)kind, 0, kind == BW_KIND_INT ? BW_RANGE_CONFIDENCE : 0 };

	bw_check_prop(c, &prop, value, at);
}

void bw_check_unknown(struct bw_checker *c, yyjson_val *name, yyjson_val *value, const struct bw_at *at)
{
	const struct bw_slice text = bw_json_text(name);
	const int grade = name_grade(text);

	if (BW_UNLIKELY(is_reserved(text)))
		bw_find(c, BW_FINDING_RESERVED_NAME, at, NULL, NULL);
	/*
	 * A custom name beyond a-z, 0-9 and _ or too long is kept and warned of: the
	 * practice is deprecated (§11.1), nothing here depends on it, and the OASIS
	 * validator lets it pass.
	 */
	if (BW_UNLIKELY(grade == 0))
		bw_find(c, BW_FINDING_PROPERTY_NAME, at, NULL, NULL);
	else if (BW_UNLIKELY(grade == 1))
		bw_find_mild(c, BW_FINDING_PROPERTY_NAME, at, NULL);

	if (ends_with(text, "_hex"))
		check_as(c, BW_KIND_HEX, value, at);
	else if (ends_with(text, "_bin"))
		check_as(c, BW_KIND_BINARY, value, at);
	else if (bw_slice_is(text, "lang"))
		check_as(c, BW_KIND_LANG, value, at);
	else if (bw_slice_is(text, "created") || bw_slice_is(text, "modified"))
		check_as(c, BW_KIND_TIME, value, at); /* of an observable that its maker versions (§3.6) */
	else if (!c->is_sco && bw_slice_is(text, "confidence"))
		check_as(c, BW_KIND_INT, value, at);
	else if (unsafe_yyjson_is_null(value))
		bw_find(c, BW_FINDING_NULL_VALUE, at, NULL, NULL);
	else
		bw_check_any(c, value, at);
}
