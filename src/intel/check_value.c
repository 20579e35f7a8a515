#include "base/num.h"
#include "base/text.h"
#include "intel/check.h"
#include "intel/words.h"

static void wrong_type(struct bw_checker *c, yyjson_val *value, const struct bw_at *at, const char *expected)
{
	const bool null = unsafe_yyjson_is_null(value);

	bw_find(c, null ? BW_FINDING_NULL_VALUE : BW_FINDING_WRONG_TYPE, at, value, null ? NULL : expected);
}

/* ---- numbers -------------------------------------------------------------------- */

static const struct {
	double least;
	double most;
	const char *words;
} ranges[] = {
	[BW_RANGE_NATURAL] = { 0, 9007199254740991, "0 or more" },
	[BW_RANGE_PORT] = { 0, 65535, "0 to 65535" },
	[BW_RANGE_CONFIDENCE] = { 0, 100, "0 to 100" },
	[BW_RANGE_OBSERVED] = { 1, 999999999, "1 to 999,999,999" },
	[BW_RANGE_COUNT] = { 0, 999999999, "0 to 999,999,999" },
	[BW_RANGE_LATITUDE] = { -90, 90, "-90 to 90" },
	[BW_RANGE_LONGITUDE] = { -180, 180, "-180 to 180" },
};

/* 5.0 is the integer 5 to JSON Schema and to most readers (RFC 8259 §6). */
static bool is_whole(yyjson_val *value)
{
	if (!unsafe_yyjson_is_num(value))
		return false;
	if (unsafe_yyjson_get_subtype(value) != YYJSON_SUBTYPE_REAL)
		return true;
	return value->uni.f64 >= -9007199254740991.0 && value->uni.f64 <= 9007199254740991.0 &&
	       (double)(int64_t)value->uni.f64 == value->uni.f64;
}

static void check_number(struct bw_checker *c, const struct bw_prop *prop, yyjson_val *value, const struct bw_at *at)
{
	double number;

	if (prop->kind == BW_KIND_INT ? !is_whole(value) : !unsafe_yyjson_is_num(value)) {
		wrong_type(c, value, at,
			   prop->kind == BW_KIND_INT ? "a whole number is expected" : "a number is expected");
		return;
	}
	if (prop->arg == BW_RANGE_ANY)
		return;
	number = yyjson_get_num(value);
	if (number < ranges[prop->arg].least || number > ranges[prop->arg].most)
		bw_find(c, BW_FINDING_RANGE, at, NULL, ranges[prop->arg].words);
}

/* ---- texts ------------------------------------------------------------------------ */

static void check_time(struct bw_checker *c, enum bw_kind kind, yyjson_val *value, const struct bw_at *at)
{
	size_t digits;

	if (!bw_is_timestamp(bw_json_text(value), &digits))
		bw_find(c, BW_FINDING_TIMESTAMP, at, value, NULL);
	else if (kind == BW_KIND_TIME_MS && digits < 3)
		bw_find(c, BW_FINDING_TIMESTAMP_MILLIS, at, value, NULL);
	else if (kind == BW_KIND_TIME_S && digits > 0)
		bw_find(c, BW_FINDING_TIMESTAMP_SECONDS, at, value, NULL);
}

/* In a container (§2.13) observables name each other by key. */
static void check_local_ref(struct bw_checker *c, enum bw_refs refs, yyjson_val *value, const struct bw_at *at)
{
	const struct bw_slice key = bw_json_text(value);
	yyjson_val *target;
	yyjson_val *type;

	if (!bw_may_look(c, c->container))
		return;
	target = yyjson_obj_getn(c->container, (const char *)key.ptr, key.len);
	type = target == NULL ? NULL : yyjson_obj_get(target, "type");
	if (target == NULL)
		bw_find(c, BW_FINDING_REF_UNRESOLVED, at, value, NULL);
	else if (bw_is_text(type) && !bw_refs_allow(refs, bw_stix_type_of(bw_json_text(type))))
		bw_find(c, BW_FINDING_REF_TYPE, at, value, NULL);
}

/*
 * An observable that names another one with a broken UUID is kept with a note:
 * the OASIS validator does not look at these, and examples of its own have such ids.
 */
static bool is_loose_ref(const struct bw_checker *c, enum bw_refs refs, struct bw_slice text)
{
	size_t dashes = 0;
	enum bw_stix_type type;

	while (dashes + 1 < text.len && memcmp(text.ptr + dashes, "--", 2) != 0)
		dashes++;
	type = bw_stix_type_of(bw_slice_sub(text, 0, dashes));
	return c->is_sco && refs != BW_REFS_MARKING && dashes + 2 < text.len && type != BW_STIX_CUSTOM &&
	       bw_refs_allow(refs, type);
}

static void check_ref(struct bw_checker *c, enum bw_refs refs, yyjson_val *value, const struct bw_at *at)
{
	struct bw_id_parts parts;

	if (c->container != NULL && refs != BW_REFS_MARKING) {
		check_local_ref(c, refs, value, at);
		return;
	}
	if (!bw_is_id(bw_json_text(value), &parts)) {
		bw_find(c, is_loose_ref(c, refs, bw_json_text(value)) ? BW_FINDING_REF_FORM : BW_FINDING_ID, at, value,
			NULL);
		return;
	}
	if (!bw_refs_allow(refs, parts.type) ||
	    (parts.type == BW_STIX_CUSTOM && refs != BW_REFS_ANY && bw_slice_is(parts.type_name, "bundle")))
		bw_find(c, BW_FINDING_REF_TYPE, at, value, NULL);
}

static void check_vocab(struct bw_checker *c, const struct bw_prop *prop, yyjson_val *value, const struct bw_at *at)
{
	const enum bw_vocab vocab = prop->arg;
	const struct bw_slice word = bw_json_text(value);

	if (prop->kind == BW_KIND_VOCAB && !c->warn)
		return;
	if (bw_vocab_has(vocab, word))
		return;
	bw_find_at(c, bw_vocab_finding(vocab), at, value, bw_vocab_name(vocab), bw_vocab_clause(vocab));
	/* observables keep to the case of their own world: pe_type, account_type */
	if (prop->kind == BW_KIND_VOCAB && !c->is_sco && !bw_is_style_word(word) && vocab != BW_VOCAB_PATTERN_TYPE &&
	    vocab != BW_VOCAB_GROUPING_CONTEXT)
		bw_find(c, BW_FINDING_OPEN_VOCAB_FORMAT, at, value, NULL);
}

static bool is_media_shape(struct bw_slice text)
{
	static const char *const tops[] = { "application", "audio", "font",      "image", "message",
					    "model",       "video", "multipart", "text" };
	struct bw_slice top;
	struct bw_slice sub;

	if (!bw_slice_cut(text, '/', &top, &sub) || sub.len == 0)
		return false;
	for (size_t i = 0; i < BW_COUNT(tops); i++) {
		if (bw_slice_is(top, tops[i]))
			return true;
	}
	return false;
}

static bool ends_with_class(struct bw_slice text)
{
	return text.len > 6 && bw_slice_is(bw_slice_from(text, text.len - 6), "_CLASS");
}

static bool is_product(struct bw_slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!bw_is_lower(text.ptr[i]) && !bw_is_digit(text.ptr[i]) && text.ptr[i] != '-')
			return false;
	}
	return text.len > 0;
}

static bool is_country(struct bw_slice text)
{
	uint8_t upper[2];

	if (text.len != 2)
		return false;
	upper[0] = (uint8_t)(bw_is_lower(text.ptr[0]) ? text.ptr[0] - 32 : text.ptr[0]);
	upper[1] = (uint8_t)(bw_is_lower(text.ptr[1]) ? text.ptr[1] - 32 : text.ptr[1]);
	return bw_words_have(bw_words_countries, bw_slice_of(upper, 2));
}

static bool is_media(struct bw_slice text)
{
	return is_media_shape(text) && bw_words_have(bw_words_media_types, text);
}

static bool is_charset(struct bw_slice text)
{
	return bw_words_have(bw_words_charsets, text);
}

static bool is_protocol(struct bw_slice text)
{
	return bw_words_have(bw_words_protocols, text);
}

static const struct {
	bool (*holds)(struct bw_slice text);
	enum bw_finding_code finding;
} formats[] = {
	[BW_FORMAT_IPV4] = { bw_is_ipv4, BW_FINDING_IPV4 },
	[BW_FORMAT_IPV6] = { bw_is_ipv6, BW_FINDING_IPV6 },
	[BW_FORMAT_MAC] = { bw_is_mac, BW_FINDING_MAC },
	[BW_FORMAT_DOMAIN] = { bw_is_domain, BW_FINDING_DOMAIN },
	[BW_FORMAT_EMAIL] = { bw_is_email, BW_FINDING_EMAIL },
	[BW_FORMAT_CPE] = { bw_is_cpe, BW_FINDING_CPE },
	[BW_FORMAT_REGISTRY_KEY] = { bw_is_full_registry_key, BW_FINDING_REGISTRY_KEY },
	[BW_FORMAT_MIME_MUST] = { is_media, BW_FINDING_MIME },
	[BW_FORMAT_MIME_SHOULD] = { is_media, BW_FINDING_MIME_TYPE },
	[BW_FORMAT_CHARSET] = { is_charset, BW_FINDING_CHARSET },
	[BW_FORMAT_PROTOCOL] = { is_protocol, BW_FINDING_PROTOCOLS },
	[BW_FORMAT_COUNTRY] = { is_country, BW_FINDING_COUNTRIES },
	[BW_FORMAT_PRIORITY] = { ends_with_class, BW_FINDING_PROCESS_PRIORITY },
	[BW_FORMAT_PRODUCT] = { is_product, BW_FINDING_MALWARE_ANALYSIS_PRODUCT },
	[BW_FORMAT_PHASE] = { bw_is_style_word, BW_FINDING_KILL_CHAIN_NAMES },
	[BW_FORMAT_RELATIONSHIP] = { is_product, BW_FINDING_RELATIONSHIP_NAME },
	[BW_FORMAT_SOFTWARE_LANG] = { bw_is_language, BW_FINDING_LANGUAGE },
};

static void check_format(struct bw_checker *c, enum bw_format format, yyjson_val *value, const struct bw_at *at)
{
	const enum bw_finding_code code = formats[format].finding;

	if (!c->warn && bw_finding_level(code) != BW_FINDING_ERROR)
		return;
	if (!formats[format].holds(bw_json_text(value)))
		bw_find(c, code, at, value, NULL);
}

static void check_spec(struct bw_checker *c, yyjson_val *value, const struct bw_at *at)
{
	if (!bw_slice_is(bw_json_text(value), "2.1") && !bw_slice_is(bw_json_text(value), "2.0"))
		bw_find(c, BW_FINDING_SPEC_VERSION, at, value, NULL);
}

static void check_type(struct bw_checker *c, yyjson_val *value, const struct bw_at *at)
{
	if (c->type != BW_STIX_CUSTOM || c->shape == BW_SHAPE_BUNDLE)
		return;
	if (bw_slice_is(bw_json_text(value), "action"))
		bw_find(c, BW_FINDING_RESERVED_NAME, at, value, NULL);
	else if (!bw_is_type_name(bw_json_text(value)))
		bw_find(c, BW_FINDING_TYPE_NAME, at, value, NULL);
}

static void check_text(struct bw_checker *c, const struct bw_prop *prop, yyjson_val *value, const struct bw_at *at)
{
	if (BW_UNLIKELY(!unsafe_yyjson_is_str(value))) {
		wrong_type(c, value, at, "a string is expected");
		return;
	}
	switch ((enum bw_kind)prop->kind) {
	case BW_KIND_TIME:
	case BW_KIND_TIME_MS:
	case BW_KIND_TIME_S:
		check_time(c, (enum bw_kind)prop->kind, value, at);
		break;
	case BW_KIND_TYPE:
		check_type(c, value, at);
		break;
	case BW_KIND_ID:
		bw_check_id(c, value, at);
		break;
	case BW_KIND_SPEC:
		check_spec(c, value, at);
		break;
	case BW_KIND_REF:
		check_ref(c, (enum bw_refs)prop->arg, value, at);
		break;
	case BW_KIND_VOCAB:
	case BW_KIND_ENUM:
		check_vocab(c, prop, value, at);
		break;
	case BW_KIND_HEX:
		if (!bw_is_hex(bw_json_text(value)))
			bw_find(c, BW_FINDING_HEX, at, value, NULL);
		break;
	case BW_KIND_BINARY:
		if (!bw_is_base64(bw_json_text(value)))
			bw_find(c, BW_FINDING_BINARY, at, value, NULL);
		break;
	case BW_KIND_URL:
		if (!bw_is_uri(bw_json_text(value)))
			bw_find(c, BW_FINDING_URL, at, value, NULL);
		break;
	case BW_KIND_LANG:
		if (!bw_is_language(bw_json_text(value)))
			bw_find(c, BW_FINDING_LANGUAGE, at, value, NULL);
		break;
	case BW_KIND_FORMAT:
		check_format(c, (enum bw_format)prop->arg, value, at);
		break;
	default:
		break;
	}
	if (c->want_terms && (prop->flags & (BW_PROP_TEXT | BW_PROP_VALUE)) != 0) {
		if (prop->flags & BW_PROP_VALUE)
			bw_terms_add(&c->values, bw_json_text(value));
		if (prop->flags & BW_PROP_TEXT)
			bw_terms_add(&c->texts, bw_json_text(value));
	}
}

/* ---- nested ------------------------------------------------------------------------ */

static void check_nested(struct bw_checker *c, const struct bw_prop *prop, yyjson_val *value, const struct bw_at *at)
{
	if (!unsafe_yyjson_is_obj(value)) {
		wrong_type(c, value, at, "an object is expected");
		return;
	}
	switch ((enum bw_kind)prop->kind) {
	case BW_KIND_SHAPE:
		bw_check_shape(c, (enum bw_shape_id)prop->arg, value, at);
		break;
	case BW_KIND_HASHES:
		bw_check_hashes(c, value, at, (prop->flags & BW_PROP_VALUE) != 0);
		break;
	case BW_KIND_DICT:
		bw_check_dict(c, (enum bw_dict)prop->arg, value, at);
		break;
	case BW_KIND_EXTENSIONS:
		bw_check_extensions(c, value, at);
		break;
	default:
		break;
	}
}

static void check_container(struct bw_checker *c, yyjson_val *value, const struct bw_at *at)
{
	yyjson_obj_iter members;
	yyjson_val *key;

	if (!unsafe_yyjson_is_obj(value)) {
		wrong_type(c, value, at, "an object is expected");
		return;
	}
	bw_find(c, BW_FINDING_DEPRECATED_PROPERTIES, at, NULL, NULL);
	if (unsafe_yyjson_get_len(value) == 0)
		bw_find(c, BW_FINDING_EMPTY_DICTIONARY, at, NULL, NULL);
	c->container = value;
	members = yyjson_obj_iter_with(value);
	while ((key = yyjson_obj_iter_next(&members)) != NULL) {
		const struct bw_at inner = BW_AT_NAME(at, bw_json_text(key));
		uint64_t number;

		if (bw_parse_u64(bw_json_text(key), &number) != BW_OK)
			bw_find(c, BW_FINDING_OBSERVABLE_OBJECT_KEYS, &inner, key, NULL);
		bw_check_embedded(c, yyjson_obj_iter_get_val(key), &inner);
	}
	c->container = NULL;
}

static void check_one(struct bw_checker *c, const struct bw_prop *prop, yyjson_val *value, const struct bw_at *at)
{
	switch ((enum bw_kind)prop->kind) {
	case BW_KIND_BOOL:
		if (!unsafe_yyjson_is_bool(value))
			wrong_type(c, value, at, "true or false is expected");
		break;
	case BW_KIND_INT:
	case BW_KIND_NUMBER:
		check_number(c, prop, value, at);
		break;
	case BW_KIND_SHAPE:
	case BW_KIND_HASHES:
	case BW_KIND_DICT:
	case BW_KIND_EXTENSIONS:
		check_nested(c, prop, value, at);
		break;
	case BW_KIND_CONTAINER:
		check_container(c, value, at);
		break;
	case BW_KIND_OBJECTS:
		if (!unsafe_yyjson_is_arr(value))
			wrong_type(c, value, at, "a list is expected");
		break;
	default:
		check_text(c, prop, value, at);
		break;
	}
}

void bw_check_prop(struct bw_checker *c, const struct bw_prop *prop, yyjson_val *value, const struct bw_at *at)
{
	size_t count;
	yyjson_val *element;

	if (!(prop->flags & BW_PROP_LIST)) {
		check_one(c, prop, value, at);
		return;
	}
	if (!unsafe_yyjson_is_arr(value)) {
		wrong_type(c, value, at, "a list is expected");
		return;
	}
	count = unsafe_yyjson_get_len(value);
	if (count == 0) {
		bw_find(c, BW_FINDING_EMPTY_LIST, at, NULL, NULL);
		return;
	}
	element = unsafe_yyjson_get_first(value);
	for (size_t i = 0; i < count; i++) {
		const struct bw_at inner = BW_AT_INDEX(at, i);

		check_one(c, prop, element, &inner);
		element = unsafe_yyjson_get_next(element);
	}
}
